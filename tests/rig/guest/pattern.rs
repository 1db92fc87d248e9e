//! The picture of the rig's camera, and how a test reads it back after scaling and H.264.
//!
//! ```text
//! ┌──┬──┬──┬─ … ─┬──┬──┐  counter strip (up to 1/8 of the height), 20 cells: white, black, 16 bits with the highest first,
//! ├──┴──┴──┴─ … ─┴──┴──┤  the parity that makes the number of white bits even, white
//! │ 7 colour bars      │  75 % bars: white yellow cyan green magenta red blue; brightness, contrast and saturation act here
//! ├────────────────────┤
//! │  ▐█                │  a white block on black that moves one cell per frame
//! └────────────────────┘
//! ```
//! Everything is made of solid cells of 16×16 pixels, so that drawing a frame and coding it as JPEG cost next to nothing.

/// Edge of a cell in pixels.
pub const CELL: usize = 16;
const STRIP_CELLS: usize = 20;

const WHITE: Colour = [235, 128, 128];
const BLACK: Colour = [16, 128, 128];
/// Y, Cb, Cr of the bars in BT.601 with limited range.
pub const BARS: [Colour; 7] = [
    [180, 128, 128],
    [162, 44, 142],
    [131, 156, 44],
    [112, 72, 58],
    [84, 184, 198],
    [65, 100, 212],
    [35, 212, 114],
];

/// Y, Cb, Cr.
pub type Colour = [u8; 3];

/// What the camera's controls do to the bars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Added to luma.
    pub brightness: i32,
    /// Factor on luma around its middle; 1 is neutral.
    pub contrast: f64,
    /// Factor on chroma; 1 is neutral.
    pub saturation: f64,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            brightness: 0,
            contrast: 1.0,
            saturation: 1.0,
        }
    }
}

impl Look {
    fn apply(&self, [y, cb, cr]: Colour) -> Colour {
        let clamp = |value: f64, high: f64| value.round().clamp(16.0, high) as u8;
        let luma = (f64::from(y) - 126.0) * self.contrast + 126.0 + f64::from(self.brightness);
        let chroma = |c: u8| clamp((f64::from(c) - 128.0) * self.saturation + 128.0, 240.0);
        [clamp(luma, 235.0), chroma(cb), chroma(cr)]
    }
}

/// A picture in cells.
#[derive(Debug, Clone)]
pub struct Grid {
    /// Pixels.
    pub width: usize,
    /// Pixels.
    pub height: usize,
    /// Cells in a row.
    pub columns: usize,
    /// Rows of cells; the last may be cut by the picture's edge.
    pub rows: usize,
    cells: Vec<Colour>,
}

impl Grid {
    /// The picture of frame `counter`. The width shall be a multiple of 320 pixels, or cells of the strip get uneven.
    pub fn draw(width: usize, height: usize, counter: u16, look: &Look) -> Self {
        let (columns, rows) = (width.div_ceil(CELL), height.div_ceil(CELL));
        let strip = strip_rows(height);
        let bits = strip_bits(counter);
        let bars = BARS.map(|bar| look.apply(bar));
        let moving = usize::from(counter) % columns;
        let mut cells = Vec::with_capacity(columns * rows);
        for row in 0..rows {
            for column in 0..columns {
                cells.push(if row < strip {
                    let bit = bits[(column * STRIP_CELLS / columns).min(STRIP_CELLS - 1)];
                    if bit { WHITE } else { BLACK }
                } else if row < rows - strip {
                    bars[column * BARS.len() / columns]
                } else if column == moving {
                    WHITE
                } else {
                    BLACK
                });
            }
        }
        Self {
            width,
            height,
            columns,
            rows,
            cells,
        }
    }

    /// The colour of a cell.
    pub fn cell(&self, column: usize, row: usize) -> Colour {
        self.cells[row * self.columns + column]
    }

    /// The picture as packed YUYV without padding, into `out`; what does not fit is left out.
    pub fn yuyv(&self, out: &mut [u8]) {
        let stride = self.width * 2;
        for (y, line) in out.chunks_mut(stride).take(self.height).enumerate() {
            if y % CELL == 0 {
                for (column, cell) in line.chunks_mut(CELL * 2).enumerate() {
                    let [luma, cb, cr] = self.cell(column, y / CELL);
                    for pair in cell.chunks_exact_mut(4) {
                        pair.copy_from_slice(&[luma, cb, luma, cr]);
                    }
                }
            }
        }
        // The first line of each row of cells is drawn; the other 15 are copies of it.
        for y in (0..self.height).filter(|y| y % CELL != 0) {
            let from = (y - y % CELL) * stride;
            if (y + 1) * stride <= out.len() {
                out.copy_within(from..from + stride, y * stride);
            }
        }
    }
}

fn strip_rows(height: usize) -> usize {
    (height / CELL / 8).max(1)
}

fn strip_bits(counter: u16) -> [bool; STRIP_CELLS] {
    let mut bits = [false; STRIP_CELLS];
    bits[0] = true;
    for bit in 0..16 {
        bits[2 + bit] = counter >> (15 - bit) & 1 == 1;
    }
    bits[18] = counter.count_ones() % 2 == 1;
    bits[19] = true;
    bits
}

/// Reads the counter from a plane of luma (of any size: the picture may have been scaled, not cropped). `None` where
/// there is no such strip, or where a bit cannot be told or the parity is wrong.
pub fn read_counter(luma: &[u8], width: usize, height: usize, stride: usize) -> Option<u16> {
    let level = |cell: usize| {
        // The middle half of the cell, clear of what coding and scaling do to its edges.
        let (left, right) = (
            (4 * cell + 1) * width / (4 * STRIP_CELLS),
            (4 * cell + 3) * width / (4 * STRIP_CELLS),
        );
        let (top, bottom) = (height / 48, height / 16);
        mean(luma, stride, left..right, top..bottom)
    };
    let (white, black) = (level(0)?, level(1)?);
    if white - black < 60.0 {
        return None;
    }
    let bit = |cell: usize| match (level(cell)? - black) / (white - black) {
        share if share > 0.7 => Some(true),
        share if share < 0.3 => Some(false),
        _ => None,
    };
    let mut counter = 0u16;
    for cell in 2..18 {
        counter = counter << 1 | u16::from(bit(cell)?);
    }
    (bit(18)? == (counter.count_ones() % 2 == 1) && bit(19)?).then_some(counter)
}

/// Mean luma of each of the seven bars.
pub fn read_bars(luma: &[u8], width: usize, height: usize, stride: usize) -> Option<[f64; 7]> {
    let mut bars = [0.0; 7];
    for (bar, level) in bars.iter_mut().enumerate() {
        let columns = (4 * bar + 1) * width / 28..(4 * bar + 3) * width / 28;
        *level = mean(luma, stride, columns, height * 3 / 8..height * 5 / 8)?;
    }
    Some(bars)
}

fn mean(
    luma: &[u8],
    stride: usize,
    columns: std::ops::Range<usize>,
    rows: std::ops::Range<usize>,
) -> Option<f64> {
    let (mut sum, mut count) = (0u64, 0u64);
    for row in rows {
        for level in luma.get(row * stride + columns.start..row * stride + columns.end)? {
            sum += u64::from(*level);
            count += 1;
        }
    }
    (count > 0).then(|| sum as f64 / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The plane of luma of a drawn picture, scaled to 320×180 by picking pixels.
    fn small(width: usize, height: usize, counter: u16, look: &Look) -> Vec<u8> {
        let mut yuyv = vec![0; width * height * 2];
        Grid::draw(width, height, counter, look).yuyv(&mut yuyv);
        let pixel = |x: usize, y: usize| yuyv[(y * height / 180 * width + x * width / 320) * 2];
        (0..180)
            .flat_map(|y| (0..320).map(move |x| (x, y)))
            .map(|(x, y)| pixel(x, y))
            .collect()
    }

    #[test]
    fn the_counter_is_read_back_in_every_size() {
        for (width, height) in [(320, 240), (640, 360), (640, 480), (1280, 720)] {
            for counter in [0, 1, 0x5555, 0xAAAA, 0xFFFF, 30_000] {
                let luma = small(width, height, counter, &Look::default());
                assert_eq!(
                    read_counter(&luma, 320, 180, 320),
                    Some(counter),
                    "{width}×{height}"
                );
            }
        }
    }

    #[test]
    fn no_counter_is_read_where_there_is_none() {
        assert_eq!(read_counter(&[128; 320 * 180], 320, 180, 320), None);
        let mut luma = small(640, 480, 1000, &Look::default());
        // One bit turned: the parity is wrong.
        for row in luma.chunks_exact_mut(320).take(20) {
            let turned = 255 - row[16 * 5 + 8];
            row[16 * 5..16 * 6].fill(turned);
        }
        assert_eq!(read_counter(&luma, 320, 180, 320), None);
    }

    #[test]
    fn brightness_contrast_and_saturation_act_on_the_bars() {
        let neutral = small(640, 480, 7, &Look::default());
        let plain = read_bars(&neutral, 320, 180, 320).unwrap();
        for (bar, expected) in plain.iter().zip(BARS) {
            assert!((bar - f64::from(expected[0])).abs() < 0.5);
        }
        let bright = small(
            640,
            480,
            7,
            &Look {
                brightness: 40,
                ..Look::default()
            },
        );
        assert_eq!(read_counter(&bright, 320, 180, 320), Some(7));
        let bright = read_bars(&bright, 320, 180, 320).unwrap();
        assert!((bright[3] - plain[3] - 40.0).abs() < 0.5);
        let flat = small(
            640,
            480,
            7,
            &Look {
                contrast: 0.0,
                ..Look::default()
            },
        );
        let flat = read_bars(&flat, 320, 180, 320).unwrap();
        assert!((flat[0] - flat[6]).abs() < 0.5);
        let grey = Grid::draw(
            640,
            480,
            7,
            &Look {
                saturation: 0.0,
                ..Look::default()
            },
        );
        assert_eq!(grey.cell(5, 15)[1..], [128, 128]);
    }
}
