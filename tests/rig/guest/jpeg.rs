//! A baseline JPEG of a [`Grid`]: each block is one colour, so only the DC coefficient of each is coded (ITU-T T.81).
//!
//! Such a frame takes microseconds to make, which leaves the guest's one processor to the program under test. A real
//! camera's frames are larger: [`encode`] fills up with comment segments to the size that is asked for.

use crate::pattern::{CELL, Colour, Grid};

/// Code lengths and values of the luma DC table of T.81 annex K.3; used for both components.
const DC_COUNTS: [u8; 16] = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
const DC_CODES: [(u16, u8); 12] = [
    (0b00, 2),
    (0b010, 3),
    (0b011, 3),
    (0b100, 3),
    (0b101, 3),
    (0b110, 3),
    (0b1110, 4),
    (0b11110, 5),
    (0b11_1110, 6),
    (0b111_1110, 7),
    (0b1111_1110, 8),
    (0b1_1111_1110, 9),
];

/// Writes the picture as JPEG (4:2:0, one 16×16 unit per cell), padded to `size` bytes where it is smaller.
pub fn encode(grid: &Grid, size: usize) -> Vec<u8> {
    let mut out = vec![0xFF, 0xD8];
    quantisation(&mut out);
    let (height, width) = (grid.height as u16, grid.width as u16);
    let [h1, h0] = height.to_be_bytes();
    let [w1, w0] = width.to_be_bytes();
    segment(
        &mut out,
        0xC0,
        &[8, h1, h0, w1, w0, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0],
    );
    let mut table = vec![0x00];
    table.extend(DC_COUNTS);
    table.extend(0..12u8);
    segment(&mut out, 0xC4, &table);
    // The AC table has one code, `0`: end of block.
    let mut table = vec![0x10, 1];
    table.extend([0; 15]);
    table.push(0);
    segment(&mut out, 0xC4, &table);
    let scan = scan(grid);
    pad(&mut out, size.saturating_sub(scan.len() + 16));
    segment(&mut out, 0xDA, &[3, 1, 0, 2, 0, 3, 0, 0, 63, 0]);
    out.extend(scan);
    out.extend([0xFF, 0xD9]);
    out
}

fn segment(out: &mut Vec<u8>, marker: u8, body: &[u8]) {
    out.extend([0xFF, marker]);
    out.extend((body.len() as u16 + 2).to_be_bytes());
    out.extend(body);
}

/// One table of eights: the DC coefficient of a block of one level is eight times that level, so the coded value is
/// the level itself, without loss.
fn quantisation(out: &mut Vec<u8>) {
    let mut table = vec![0];
    table.extend([8; 64]);
    segment(out, 0xDB, &table);
}

fn pad(out: &mut Vec<u8>, size: usize) {
    const MOST: usize = 65_533;
    while out.len() + 4 < size {
        let body = vec![b' '; (size - out.len() - 4).min(MOST)];
        segment(out, 0xFE, &body);
    }
}

fn scan(grid: &Grid) -> Vec<u8> {
    let mut bits = Bits::default();
    let mut last = [0i32; 3];
    for row in 0..grid.rows {
        for column in 0..grid.columns {
            let levels = full_range(grid.cell(column, row));
            for (component, level) in levels.into_iter().enumerate() {
                bits.block(level - last[component]);
                last[component] = level;
                if component == 0 {
                    (0..3).for_each(|_| bits.block(0));
                }
            }
        }
    }
    bits.finish()
}

/// JPEG's levels are of full range and around 0; the grid's are of limited range.
fn full_range([y, cb, cr]: Colour) -> [i32; 3] {
    let scale = |level: u8, zero: i32, range: f64| {
        (f64::from(i32::from(level) - zero) * 255.0 / range).round() as i32
    };
    [
        scale(y, 16, 219.0).clamp(0, 255) - 128,
        scale(cb, 128, 224.0).clamp(-128, 127),
        scale(cr, 128, 224.0).clamp(-128, 127),
    ]
}

#[derive(Default)]
struct Bits {
    out: Vec<u8>,
    held: u32,
    count: u32,
}

impl Bits {
    /// A block whose DC level differs by `difference` from the one before, and nothing else.
    fn block(&mut self, difference: i32) {
        let category = 32 - difference.unsigned_abs().leading_zeros();
        let (code, length) = DC_CODES[category as usize];
        self.put(u32::from(code), u32::from(length));
        let value = if difference < 0 {
            difference - 1
        } else {
            difference
        };
        self.put(value as u32 & ((1 << category) - 1), category);
        self.put(0, 1);
    }

    fn put(&mut self, value: u32, length: u32) {
        self.held = self.held << length | value;
        self.count += length;
        while self.count >= 8 {
            self.count -= 8;
            let byte = (self.held >> self.count) as u8;
            self.out.push(byte);
            if byte == 0xFF {
                self.out.push(0);
            }
            self.held &= (1 << self.count) - 1;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        let missing = (8 - self.count) % 8;
        self.put((1 << missing) - 1, missing);
        self.out
    }
}

const _: () = assert!(
    CELL == 16,
    "a unit of a 4:2:0 JPEG is 16 pixels wide and high"
);
