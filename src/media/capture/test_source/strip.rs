//! The machine-readable strip at the top of the test picture: frame number and running time as black and white blocks.
//!
//! Two rows of 40 blocks. Column 0 is white and column 39 is black (the reference), columns 1–32 are the number with
//! the most significant bit first, columns 33–38 its check sum. Row 0 is the frame number, row 1 milliseconds of running
//! time, both modulo 2³². The geometry follows the picture size (a block is 1/40 of the width by 1/24 of the height), so
//! that a scaled-down rendition reads as well; from 320×192 on a block is at least 8×8 pixels and survives H.264.

const COLUMNS: usize = 40;
const HEIGHT_PARTS: usize = 24;
const DATA_BITS: usize = 32;
const CHECK_BITS: usize = 6;
/// Luma of black and white in BT.709 limited range.
pub(super) const BLACK: u8 = 16;
/// See [`BLACK`].
pub(super) const WHITE: u8 = 235;

/// Height of the strip in lines, rounded up to even.
pub(super) fn height(h: usize) -> usize {
    (2 * h / HEIGHT_PARTS).next_multiple_of(2)
}

/// CRC-6 (ITU-T G.704, x⁶+x+1) over the 32 bits and the row number.
fn check(value: u32, row: u8) -> u32 {
    let mut crc = u32::from(row + 1);
    for bit in (0..DATA_BITS).rev() {
        let top = (crc >> 5) ^ (value >> bit);
        crc = (crc << 1) & 0x3f;
        if top & 1 == 1 {
            crc ^= 0x03;
        }
    }
    crc
}

/// Whether the block in `column` is white.
fn is_white(column: usize, code: u64) -> bool {
    match column {
        0 => true,
        c if c == COLUMNS - 1 => false,
        c => code >> (COLUMNS - 2 - c) & 1 == 1,
    }
}

/// Paints both rows into a luma plane of `w`×`h` pixels.
pub(super) fn paint(luma: &mut [u8], stride: usize, w: usize, h: usize, frame: u32, ms: u32) {
    for (row, value) in [(0_u8, frame), (1, ms)] {
        let code = u64::from(value) << CHECK_BITS | u64::from(check(value, row));
        let top = usize::from(row) * h / HEIGHT_PARTS;
        let bottom = (usize::from(row) + 1) * h / HEIGHT_PARTS;
        let Some(first) = luma.get_mut(top * stride..top * stride + w) else {
            return;
        };
        for column in 0..COLUMNS {
            let value = if is_white(column, code) { WHITE } else { BLACK };
            first[column * w / COLUMNS..(column + 1) * w / COLUMNS].fill(value);
        }
        for line in top + 1..bottom {
            luma.copy_within(top * stride..top * stride + w, line * stride);
        }
    }
}

/// Mean luma around the middle of a block, or `None` outside of the plane.
fn sample(
    luma: &[u8],
    stride: usize,
    w: usize,
    h: usize,
    column: usize,
    row: usize,
) -> Option<u32> {
    let x = (2 * column + 1) * w / (2 * COLUMNS);
    let y = (2 * row + 1) * h / (2 * HEIGHT_PARTS);
    let mut sum = 0;
    for dy in 0..3 {
        for dx in 0..3 {
            let at = (y + dy).checked_sub(1)? * stride + (x + dx).checked_sub(1)?;
            sum += u32::from(*luma.get(at)?);
        }
    }
    Some(sum / 9)
}

/// Reads frame number and running time in ms back from a luma plane of `w`×`h` pixels with `stride` bytes a line.
/// `None` when there is no strip, or when it is damaged.
#[must_use]
pub fn read_strip(luma: &[u8], stride: usize, w: u32, h: u32) -> Option<(u32, u32)> {
    let (w, h) = (usize::try_from(w).ok()?, usize::try_from(h).ok()?);
    Some((
        read_row(luma, stride, w, h, 0)?,
        read_row(luma, stride, w, h, 1)?,
    ))
}

fn read_row(luma: &[u8], stride: usize, w: usize, h: usize, row: u8) -> Option<u32> {
    let at = |column| sample(luma, stride, w, h, column, usize::from(row));
    let (white, black) = (at(0)?, at(COLUMNS - 1)?);
    if white < black + 96 {
        return None;
    }
    let threshold = u32::midpoint(white, black);
    let mut code = 0_u64;
    for column in 1..COLUMNS - 1 {
        code = code << 1 | u64::from(at(column)? > threshold);
    }
    let value = u32::try_from(code >> CHECK_BITS).ok()?;
    (u64::from(check(value, row)) == code & 0x3f).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_painted_is_read(frame: u32, ms: u32, size in prop::sample::select(vec![(320, 192), (640, 360), (854, 480), (1280, 720), (1920, 1080)])) {
            let (w, h): (usize, usize) = size;
            let mut luma = vec![128; w * h];
            paint(&mut luma, w, w, h, frame, ms);
            prop_assert_eq!(read_strip(&luma, w, w as u32, h as u32), Some((frame, ms)));
        }

        #[test]
        fn one_wrong_block_is_noticed(frame: u32, column in 1_usize..39) {
            let (w, h) = (640, 360);
            let mut luma = vec![128; w * h];
            paint(&mut luma, w, w, h, frame, 0);
            for line in 0..h / HEIGHT_PARTS {
                for pixel in &mut luma[line * w + column * w / COLUMNS..line * w + (column + 1) * w / COLUMNS] {
                    *pixel = BLACK + WHITE - *pixel;
                }
            }
            prop_assert_eq!(read_strip(&luma, w, w as u32, h as u32), None);
        }

        #[test]
        fn any_bytes_are_harmless(bytes in prop::collection::vec(any::<u8>(), 0..4096), stride in 0_usize..100, w in 0_u32..100, h in 0_u32..100) {
            let _ = read_strip(&bytes, stride, w, h);
        }
    }

    #[test]
    fn grey_has_no_strip() {
        assert_eq!(read_strip(&vec![128; 640 * 360], 640, 640, 360), None);
    }
}
