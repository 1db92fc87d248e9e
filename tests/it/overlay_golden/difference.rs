//! How different two pictures look: the share of blocks of 8 by 8 pixels whose mean colours are further apart than an eye
//! overlooks, measured as ΔE*ab (CIE 1976). Means forgive what moves by a pixel, as letters do from one release of a font to the
//! next; they do not forgive a thing that is missing, elsewhere or of another colour.

/// Pixels of a block's side.
const BLOCK: usize = 8;
/// Two blocks further apart than this differ, ΔE*ab: letters that move by a pixel stay below it.
const APART: f64 = 22.0;
/// Share of blocks that may differ: two of a picture of 720 lines. A whole picture that moves by a pixel has none.
pub const ALLOWED: f64 = 0.000_2;

/// A picture as blocks.
pub struct Picture {
    width: usize,
    rgb: Vec<u8>,
}

impl Picture {
    pub fn new(width: u32, rgb: &[u8]) -> Self {
        Self {
            width: width as usize,
            rgb: rgb.to_vec(),
        }
    }

    fn height(&self) -> usize {
        self.rgb.len() / 3 / self.width
    }

    fn pixel(&self, x: usize, y: usize) -> [f64; 3] {
        let at = (y * self.width + x) * 3;
        [0, 1, 2].map(|c| f64::from(self.rgb[at + c]))
    }

    /// The same, moved; what comes in is what was at the edge.
    pub fn shifted(&self, right: usize, down: usize) -> Self {
        let mut rgb = Vec::with_capacity(self.rgb.len());
        for y in 0..self.height() {
            for x in 0..self.width {
                let p = self.pixel(x.saturating_sub(right), y.saturating_sub(down));
                rgb.extend(p.map(|v| v as u8));
            }
        }
        Self {
            width: self.width,
            rgb,
        }
    }

    /// Mean colours in CIELAB.
    fn blocks(&self) -> Vec<[f64; 3]> {
        let mut out = Vec::new();
        for top in (0..self.height()).step_by(BLOCK) {
            for left in (0..self.width).step_by(BLOCK) {
                let (mut sum, mut n) = ([0.0; 3], 0.0);
                for y in top..(top + BLOCK).min(self.height()) {
                    for x in left..(left + BLOCK).min(self.width) {
                        let p = self.pixel(x, y);
                        sum.iter_mut().zip(p).for_each(|(s, v)| *s += v);
                        n += 1.0;
                    }
                }
                out.push(lab(sum.map(|s| s / n)));
            }
        }
        out
    }
}

/// Share of the blocks of two pictures of the same size that differ, 0 to 1.
pub fn differ(a: &Picture, b: &Picture) -> f64 {
    let (a, b) = (a.blocks(), b.blocks());
    assert_eq!(a.len(), b.len(), "the pictures differ in size");
    let apart = |(a, b): &(&[f64; 3], &[f64; 3])| {
        let squares = a.iter().zip(b.iter()).map(|(x, y)| (x - y).powi(2));
        squares.sum::<f64>().sqrt() > APART
    };
    a.iter().zip(&b).filter(apart).count() as f64 / a.len() as f64
}

/// sRGB (IEC 61966-2-1) to CIELAB with the white of D65.
fn lab(rgb: [f64; 3]) -> [f64; 3] {
    let [r, g, b] = rgb.map(|v| {
        let v = v / 255.0;
        if v <= 0.040_45 {
            v / 12.92
        } else {
            ((v + 0.055) / 1.055).powf(2.4)
        }
    });
    let f = |t: f64| {
        if t > 0.008_856 {
            t.cbrt()
        } else {
            7.787 * t + 16.0 / 116.0
        }
    };
    let x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
    let y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
    let z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_as_far_apart_as_the_standard_says() {
        let [l, a, b] = lab([255.0; 3]);
        assert!((l - 100.0).abs() < 0.1 && a.abs() < 0.1 && b.abs() < 0.1);
        // Red of sRGB.
        let [l, a, b] = lab([255.0, 0.0, 0.0]);
        let near = |got: f64, want: f64| (got - want).abs() < 0.3;
        assert!(
            near(l, 53.2) && near(a, 80.1) && near(b, 67.2),
            "{l} {a} {b}"
        );
    }
}
