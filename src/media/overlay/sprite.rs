//! A picture with alpha, before it is prepared for frames of one format.

/// A picture with alpha: premultiplied, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sprite {
    /// Pixels.
    pub width: usize,
    /// Pixels.
    pub height: usize,
    /// Alpha, red, green, blue; the colours times alpha.
    pub argb: Vec<[u8; 4]>,
}

impl Sprite {
    /// Nothing to see in it.
    #[must_use]
    pub fn clear(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            argb: vec![[0; 4]; width * height],
        }
    }

    /// One colour everywhere, which is not premultiplied yet.
    #[must_use]
    pub fn filled(width: usize, height: usize, alpha: u8, rgb: [u8; 3]) -> Self {
        Self {
            width,
            height,
            argb: vec![premultiplied(alpha, rgb); width * height],
        }
    }

    /// Lays `other` over this sprite, its top left corner at (`x`, `y`); what juts out is cut off.
    pub fn lay(&mut self, other: &Self, x: usize, y: usize) {
        let wide = other.width.min(self.width.saturating_sub(x));
        if wide == 0 {
            return;
        }
        for row in 0..other.height.min(self.height.saturating_sub(y)) {
            let from = &other.argb[row * other.width..][..wide];
            let to = &mut self.argb[(y + row) * self.width + x..][..wide];
            for (under, over) in to.iter_mut().zip(from) {
                *under = laid(*under, *over);
            }
        }
    }

    /// The pixel, or nothing of it outside.
    #[must_use]
    pub fn at(&self, x: i64, y: i64) -> [f32; 4] {
        let place = usize::try_from(x).ok().zip(usize::try_from(y).ok());
        match place.filter(|(x, y)| *x < self.width && *y < self.height) {
            Some((x, y)) => self.argb[y * self.width + x].map(f32::from),
            None => [0.0; 4],
        }
    }

    /// Memory that the pixels take, bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.argb.len() * 4
    }
}

/// A premultiplied pixel over another.
#[must_use]
pub fn laid(under: [u8; 4], over: [u8; 4]) -> [u8; 4] {
    let keep = 255 - u32::from(over[0]);
    let mut out = under;
    for (u, o) in out.iter_mut().zip(over) {
        let sum = u32::from(o) + (u32::from(*u) * keep + 127) / 255;
        *u = u8::try_from(sum).unwrap_or(u8::MAX);
    }
    out
}

/// Alpha, and the colour times alpha.
#[must_use]
pub fn premultiplied(alpha: u8, rgb: [u8; 3]) -> [u8; 4] {
    let times =
        |c: u8| u8::try_from((u32::from(c) * u32::from(alpha) + 127) / 255).unwrap_or(u8::MAX);
    [alpha, times(rgb[0]), times(rgb[1]), times(rgb[2])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_juts_out_is_cut_off_on_every_side() {
        let over = Sprite::filled(3, 3, 255, [9; 3]);
        for (width, height) in [(0, 0), (0, 5), (5, 0), (1, 1), (5, 4)] {
            for (x, y) in [(0, 0), (2, 1), (4, 3), (5, 4), (9, 9), (usize::MAX, 0)] {
                let mut under = Sprite::clear(width, height);
                under.lay(&over, x, y);
                let cut = |from: usize, size: usize| size.saturating_sub(from).min(3);
                let seen = under.argb.iter().filter(|p| p[0] == 255).count();
                assert_eq!(
                    seen,
                    cut(x, width) * cut(y, height),
                    "{width}x{height} {x},{y}"
                );
            }
        }
    }
}
