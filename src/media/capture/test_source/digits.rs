//! Large figures for the burnt-in clock: seven lines of five dots each.

const WIDTH: usize = 5;
const HEIGHT: usize = 7;
/// Dots from one figure to the next.
const PITCH: usize = WIDTH + 1;

fn glyph(c: u8) -> [u8; HEIGHT] {
    match c {
        b'0' => [
            0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110,
        ],
        b'1' => [
            0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110,
        ],
        b'2' => [
            0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111,
        ],
        b'3' => [
            0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110,
        ],
        b'4' => [
            0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010,
        ],
        b'5' => [
            0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110,
        ],
        b'6' => [
            0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110,
        ],
        b'7' => [
            0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000,
        ],
        b'8' => [
            0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110,
        ],
        b'9' => [
            0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100,
        ],
        b':' => [0, 0b00100, 0b00100, 0, 0b00100, 0b00100, 0],
        b'.' => [0, 0, 0, 0, 0, 0b00100, 0b00100],
        _ => [0; HEIGHT],
    }
}

/// Size in pixels of `len` figures with dots of `dot`×`dot` pixels.
pub(super) fn size(len: usize, dot: usize) -> (usize, usize) {
    ((len * PITCH).saturating_sub(1) * dot, HEIGHT * dot)
}

/// Draws `text` (figures, `:` and `.`) into a luma plane with the top left corner at `x`, `y`. What does not fit into
/// the plane is left out.
pub(super) fn draw(
    luma: &mut [u8],
    stride: usize,
    (x, y): (usize, usize),
    dot: usize,
    text: &[u8],
    value: u8,
) {
    for (i, &c) in text.iter().enumerate() {
        for (line, bits) in glyph(c).into_iter().enumerate() {
            for column in (0..WIDTH).filter(|column| bits >> (WIDTH - 1 - column) & 1 == 1) {
                let left = x + (i * PITCH + column) * dot;
                for dy in 0..dot {
                    let at = (y + line * dot + dy) * stride + left;
                    if let Some(span) = luma.get_mut(at..at + dot) {
                        span.fill(value);
                    }
                }
            }
        }
    }
}
