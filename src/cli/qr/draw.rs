//! A QR code (ISO/IEC 18004) as PNG and in the terminal.

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use qrcodegen::{QrCode, QrCodeEcc};

use crate::cli::outcome::Trouble;

/// Free modules at each side, ISO/IEC 18004 section 9.1.
const QUIET: i32 = 4;
/// Pixels that a module needs in the camera's picture, as measured (`docs/set-up.md`).
const PIXELS_PER_MODULE: f64 = 3.5;

/// Black on white whatever the terminal's own colours are: 16 and 231 of the 256 are the same everywhere.
const BLACK_ON_WHITE: &str = "\x1b[38;5;16;48;5;231m";
const PLAIN: &str = "\x1b[0m";

/// A code.
pub(super) struct Drawn(QrCode);

impl Drawn {
    /// The code of a text, with 15 % of its words to spare, more where that costs no room.
    ///
    /// # Errors
    /// A sentence: it is too long.
    pub fn of(text: &str) -> Result<Self, String> {
        QrCode::encode_text(text, QrCodeEcc::Medium)
            .map(Self)
            .map_err(|_| "That is too much for a QR code. Leave something out, or put it into boothcast.toml.".into())
    }

    /// Modules at each side, without the quiet zone.
    pub fn modules(&self) -> i32 {
        self.0.size()
    }

    /// Pixels at each side of the PNG.
    pub fn pixels(&self, scale: u32) -> u32 {
        u32::try_from(self.0.size() + 2 * QUIET).unwrap_or_default() * scale
    }

    /// How much of the height of a picture of 720 lines it must fill, per cent, rounded up.
    pub fn share_at_720(&self) -> u32 {
        let percent = f64::from(self.0.size()) * PIXELS_PER_MODULE / 7.2;
        (1..=1000)
            .find(|n| f64::from(*n) >= percent)
            .unwrap_or(1000)
    }

    /// The code as a grey PNG with its quiet zone.
    ///
    /// # Errors
    /// The encoder fails.
    pub fn png(&self, scale: u32) -> Result<Vec<u8>, Trouble> {
        let side = self.pixels(scale);
        let module = |n: u32| i32::try_from(n / scale.max(1)).unwrap_or_default() - QUIET;
        let mut grey = Vec::with_capacity(side as usize * side as usize);
        for y in 0..side {
            grey.extend((0..side).map(|x| {
                if self.0.get_module(module(x), module(y)) {
                    0
                } else {
                    255
                }
            }));
        }
        let mut bytes = Vec::new();
        PngEncoder::new_with_quality(&mut bytes, CompressionType::Best, FilterType::NoFilter)
            .write_image(&grey, side, side, ExtendedColorType::L8)
            .map_err(|e| Trouble::Broken(format!("The PNG cannot be made: {e}.")))?;
        Ok(bytes)
    }

    /// The code for a terminal: two modules above one another in each character.
    pub fn terminal(&self) -> String {
        let around = -QUIET..self.0.size() + QUIET;
        let mut out = String::new();
        for y in around.clone().step_by(2) {
            out.push_str(BLACK_ON_WHITE);
            out.extend(around.clone().map(|x| {
                match (self.0.get_module(x, y), self.0.get_module(x, y + 1)) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                }
            }));
            out.push_str(PLAIN);
            out.push('\n');
        }
        out
    }
}
