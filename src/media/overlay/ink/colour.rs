//! From premultiplied R'G'B' to premultiplied Y'CbCr of limited range.

/// Luma weights of red and blue; that of green is the rest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    kr: f32,
    kb: f32,
}

impl Weights {
    /// ITU-R BT.709: high definition, and every raw picture of ours.
    pub const BT709: Self = Self {
        kr: 0.2126,
        kb: 0.0722,
    };

    /// ITU-R BT.601: standard definition.
    pub const BT601: Self = Self {
        kr: 0.299,
        kb: 0.114,
    };

    fn grey(self, [_, r, g, b]: [f32; 4]) -> f32 {
        self.kr * r + (1.0 - self.kr - self.kb) * g + self.kb * b
    }

    /// Y' times alpha, 16 to 235 where the alpha is full.
    pub(super) fn luma(self, argb: [f32; 4]) -> f32 {
        (16.0 * argb[0] + 219.0 * self.grey(argb)) / 255.0
    }

    /// Cb and Cr times alpha, 16 to 240 where the alpha is full.
    pub(super) fn chroma(self, argb: [f32; 4]) -> [f32; 2] {
        let ([a, r, _, b], y) = (argb, self.grey(argb));
        [(b - y) / (1.0 - self.kb), (r - y) / (1.0 - self.kr)]
            .map(|c| (128.0 * a + 112.0 * c) / 255.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primaries_are_those_of_the_recommendations() {
        // 8-bit limited range, e.g. table of colour bars at 100 %.
        let of = |w: Weights, [r, g, b]: [f32; 3]| {
            let p = [255.0, r, g, b];
            let [cb, cr] = w.chroma(p);
            [w.luma(p), cb, cr].map(|v| v.round() as u8)
        };
        for w in [Weights::BT709, Weights::BT601] {
            assert_eq!(of(w, [255.0; 3]), [235, 128, 128]);
            assert_eq!(of(w, [0.0; 3]), [16, 128, 128]);
        }
        assert_eq!(of(Weights::BT709, [255.0, 0.0, 0.0]), [63, 102, 240]);
        assert_eq!(of(Weights::BT709, [0.0, 0.0, 255.0]), [32, 240, 118]);
        assert_eq!(of(Weights::BT601, [255.0, 0.0, 0.0]), [81, 90, 240]);
        assert_eq!(of(Weights::BT601, [0.0, 0.0, 255.0]), [41, 240, 110]);
    }
}
