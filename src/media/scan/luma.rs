//! A picture in grey.

/// Nothing larger is looked at, in pixels.
const MAX_PIXELS: usize = 3840 * 3840;

/// Rows of luma without gaps, 0 (black) to 255 or a part of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Luma {
    width: u32,
    height: u32,
    data: Vec<u8>,
}

impl Luma {
    /// Copies a plane whose rows begin `stride` bytes apart into `memory`; `None`: the plane is smaller than it says.
    pub fn copied(
        plane: &[u8],
        stride: usize,
        (width, height): (u32, u32),
        mut memory: Vec<u8>,
    ) -> Option<Self> {
        let (w, h) = (width as usize, height as usize);
        if w == 0 || h == 0 || w > stride || w.checked_mul(h)? > MAX_PIXELS {
            return None;
        }
        memory.clear();
        memory.reserve_exact(w * h);
        for row in plane.chunks(stride).take(h) {
            memory.extend_from_slice(row.get(..w)?);
        }
        (memory.len() == w * h).then_some(Self {
            width,
            height,
            data: memory,
        })
    }

    pub fn width(&self) -> usize {
        self.width as usize
    }

    pub fn height(&self) -> usize {
        self.height as usize
    }

    /// A pixel; white outside.
    pub fn at(&self, x: usize, y: usize) -> u8 {
        let inside = x < self.width();
        let at = y * self.width() + x;
        self.data.get(at).copied().filter(|_| inside).unwrap_or(255)
    }

    /// The memory, to be used again.
    pub fn into_memory(self) -> Vec<u8> {
        self.data
    }

    /// The picture at this width, each pixel the mean of those that it stands for; `None`: it is no wider already.
    pub fn at_most(&self, width: u32) -> Option<Self> {
        if self.width <= width || width == 0 {
            return None;
        }
        let height = (u64::from(self.height) * u64::from(width) / u64::from(self.width)).max(1);
        let height = u32::try_from(height).ok()?;
        let columns = spans(self.width(), width as usize);
        let mut data = Vec::with_capacity(width as usize * height as usize);
        let mut sums = vec![0_u32; width as usize];
        for (top, bottom) in spans(self.height(), height as usize) {
            sums.fill(0);
            for y in top..bottom {
                let row = self.data.get(y * self.width()..(y + 1) * self.width())?;
                for (sum, &(left, right)) in sums.iter_mut().zip(&columns) {
                    *sum += row[left..right].iter().map(|p| u32::from(*p)).sum::<u32>();
                }
            }
            for (sum, &(left, right)) in sums.iter().zip(&columns) {
                let count = u32::try_from((right - left) * (bottom - top)).unwrap_or(u32::MAX);
                data.push(u8::try_from(sum / count.max(1)).unwrap_or(255));
            }
        }
        Some(Self {
            width,
            height,
            data,
        })
    }
}

/// Which of `from` pixels each of `to` stands for; neighbours may share one, and none is left out.
fn spans(from: usize, to: usize) -> Vec<(usize, usize)> {
    (0..to)
        .map(|n| {
            let (left, right) = (n * from / to, ((n + 1) * from).div_ceil(to));
            (left, right.clamp(left + 1, from.max(1)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_copied_without_their_gaps_and_never_beyond() {
        let plane = [1, 2, 9, 3, 4, 9, 5, 6];
        let luma = Luma::copied(&plane, 3, (2, 3), vec![7; 50]).unwrap();
        assert_eq!(luma.data, [1, 2, 3, 4, 5, 6]);
        assert_eq!((luma.at(1, 2), luma.at(2, 0), luma.at(0, 3)), (6, 255, 255));
        assert_eq!(Luma::copied(&plane, 3, (2, 4), Vec::new()), None);
        assert_eq!(Luma::copied(&plane, 1, (2, 3), Vec::new()), None);
        assert_eq!(Luma::copied(&plane, 3, (0, 3), Vec::new()), None);
        assert_eq!(
            Luma::copied(&[], usize::MAX, (u32::MAX, u32::MAX), Vec::new()),
            None
        );
    }

    #[test]
    fn a_smaller_picture_has_the_means() {
        let plane: Vec<u8> = (0..16).map(|n| n * 10).collect();
        let luma = Luma::copied(&plane, 4, (4, 4), Vec::new()).unwrap();
        let half = luma.at_most(2).unwrap();
        assert_eq!((half.width(), half.height()), (2, 2));
        assert_eq!(half.data, [25, 45, 105, 125]);
        assert_eq!(luma.at_most(4), None);
        let odd = luma.at_most(3).unwrap();
        assert_eq!((odd.width(), odd.height()), (3, 3));
        assert_eq!(odd.data[0], 25, "shares its neighbour's column and row");
        let flat = Luma::copied(&[200; 7 * 5], 7, (7, 5), Vec::new()).unwrap();
        assert!(flat.at_most(4).unwrap().data.iter().all(|p| *p == 200));
    }
}
