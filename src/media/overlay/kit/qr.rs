//! QR codes (ISO/IEC 18004).

use qrcodegen::{QrCode, QrCodeEcc};

use crate::error::{Error, Kind, Result};
use crate::media::overlay::sprite::Sprite;

/// Free modules at each side, ISO/IEC 18004 section 9.1.
const QUIET: i32 = 4;

/// Modules at each side of the QR code of `text`, its quiet zone with it.
///
/// # Errors
/// [`Kind::Unsupported`] where the text is too long for any QR code.
pub fn modules(text: &str) -> Result<usize> {
    encode(text).map(|code| side(&code))
}

fn encode(text: &str) -> Result<QrCode> {
    QrCode::encode_text(text, QrCodeEcc::Low).map_err(|e| too_long().caused_by(e.to_string()))
}

fn side(code: &QrCode) -> usize {
    usize::try_from(code.size() + 2 * QUIET).unwrap_or(usize::MAX)
}

/// A QR code of `text`, black on white with its quiet zone: the largest that fits in `px` by `px` pixels with modules of whole
/// pixels, at least one.
///
/// # Errors
/// [`Kind::Unsupported`] where the text is too long for `px` pixels, or for any QR code.
pub fn qr(text: &str, px: usize) -> Result<Sprite> {
    let code = encode(text)?;
    let count = side(&code);
    let module = px / count;
    if module == 0 {
        return Err(too_long());
    }
    let side = module * count;
    let mut sprite = Sprite::filled(side, side, 255, [255; 3]);
    let dark = Sprite::filled(module, module, 255, [0; 3]);
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            let at = |n: i32| usize::try_from(n + QUIET).unwrap_or_default() * module;
            sprite.lay(&dark, at(x), at(y));
        }
    }
    Ok(sprite)
}

fn too_long() -> Error {
    Error::new(
        Kind::Unsupported,
        "The address is too long for a QR code of this size.",
    )
    .mend("Use a shorter address.")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a reader of QR codes sees in a sprite.
    fn read(sprite: &Sprite) -> String {
        let grey = |x: usize, y: usize| sprite.argb[y * sprite.width + x][1];
        let mut image =
            rqrr::PreparedImage::prepare_from_greyscale(sprite.width, sprite.height, grey);
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().unwrap().1
    }

    #[test]
    fn a_reader_reads_it_and_its_modules_are_whole_pixels() {
        let long = format!("https://shop.example/{}", "a1/".repeat(59));
        for url in [
            "https://shop.example/p/1234?ref=live",
            "http://a.b",
            &long,
            "商店",
        ] {
            for px in [160, 231, 400] {
                let sprite = qr(url, px).unwrap();
                assert_eq!(read(&sprite), url);
                let count = modules(url).unwrap();
                assert_eq!((sprite.width % count, sprite.width), (0, sprite.height));
                assert!(sprite.width <= px && sprite.width > px - count);
                // The quiet zone, and the corner of the finder pattern behind it.
                let module = sprite.width / count;
                let at = |n: usize| sprite.argb[n * sprite.width + n];
                assert_eq!(at(4 * module - 1), [255; 4]);
                assert_eq!(at(4 * module), [255, 0, 0, 0]);
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_a_sentence() {
        for (text, px) in [
            ("a".repeat(8000), 1000),
            ("http://a.b".into(), 20),
            (String::new(), 0),
        ] {
            let e = qr(&text, px).unwrap_err();
            assert_eq!(e.kind(), Kind::Unsupported);
            assert!(e.report().contains("shorter"), "{}", e.report());
        }
    }
}
