//! PNG and JPEG from outside, as sprites.

use std::io::Cursor;

use image::{ImageError, ImageFormat, ImageReader, Limits};

use crate::error::{Error, Kind, Result};
use crate::media::overlay::sprite::{Sprite, premultiplied};

/// Largest side, pixels.
const SIDE: u32 = 4096;
/// Most memory for decoding, bytes.
const MEMORY: u64 = 64 * 1024 * 1024;

/// Decodes a PNG or JPEG of at most 4096 by 4096 pixels, with at most 64 MiB of memory.
///
/// # Errors
/// [`Kind::Unsupported`] where it is neither, or larger than that; [`Kind::Corrupt`] where it cannot be read.
pub fn picture(bytes: &[u8]) -> Result<Sprite> {
    let format = image::guess_format(bytes)
        .ok()
        .filter(|f| matches!(f, ImageFormat::Png | ImageFormat::Jpeg))
        .ok_or_else(|| {
            Error::new(Kind::Unsupported, "The picture is neither PNG nor JPEG.")
                .mend("Save it as PNG or JPEG.")
        })?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE);
    limits.max_image_height = Some(SIDE);
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let decoded = reader.decode().map_err(fault)?;
    let rgba = decoded.into_rgba8();
    let size = |n: u32| usize::try_from(n).unwrap_or_default();
    Ok(Sprite {
        width: size(rgba.width()),
        height: size(rgba.height()),
        argb: rgba
            .pixels()
            .map(|p| premultiplied(p.0[3], [p.0[0], p.0[1], p.0[2]]))
            .collect(),
    })
}

fn fault(e: ImageError) -> Error {
    match e {
        ImageError::Limits(e) => Error::new(
            Kind::Unsupported,
            format!("The picture is larger than {SIDE} by {SIDE} pixels or needs too much memory."),
        )
        .mend("Make it smaller: some hundred pixels are enough.")
        .caused_by(e),
        ImageError::Unsupported(e) => Error::new(
            Kind::Unsupported,
            "The picture is of a kind that is not read.",
        )
        .mend("Save it as plain PNG or JPEG.")
        .caused_by(e),
        e => Error::new(Kind::Corrupt, "The picture is damaged.")
            .mend("Save it again.")
            .caused_by(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::overlay::kit::testing::png;

    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |c: u32, _| {
                (c >> 1) ^ (0xedb8_8320 & (0u32.wrapping_sub(c & 1)))
            })
        })
    }

    /// The head of a PNG that says it is so large, without pixels.
    fn head(width: u32, height: u32) -> Vec<u8> {
        let mut chunk = b"IHDR".to_vec();
        chunk.extend(width.to_be_bytes());
        chunk.extend(height.to_be_bytes());
        chunk.extend([8, 6, 0, 0, 0]);
        let mut out = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
        out.extend(&chunk);
        out.extend(crc(&chunk).to_be_bytes());
        out
    }

    fn encoded(image: &image::DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn png_and_jpeg_become_premultiplied_pixels() {
        let half = image::RgbaImage::from_pixel(3, 2, image::Rgba([200, 100, 0, 128]));
        let sprite = picture(&encoded(&half.into(), ImageFormat::Png)).unwrap();
        assert_eq!((sprite.width, sprite.height), (3, 2));
        assert_eq!(sprite.argb, vec![[128, 100, 50, 0]; 6]);
        let grey = image::GrayImage::from_pixel(9, 7, image::Luma([90]));
        let sprite = picture(&encoded(&grey.into(), ImageFormat::Jpeg)).unwrap();
        assert_eq!((sprite.width, sprite.height), (9, 7));
        assert!(
            sprite
                .argb
                .iter()
                .all(|p| p[0] == 255 && p[1].abs_diff(90) < 3)
        );
        assert_eq!(picture(&png(40, 30)).unwrap().argb.len(), 1200);
    }

    #[test]
    fn what_is_too_large_broken_or_something_else_is_refused() {
        let kind = |bytes: &[u8]| picture(bytes).unwrap_err().kind();
        for (width, height) in [
            (4097, 10),
            (10, 4097),
            (60_000, 60_000),
            (u32::MAX, u32::MAX),
        ] {
            assert_eq!(
                kind(&head(width, height)),
                Kind::Unsupported,
                "{width}x{height}"
            );
        }
        assert_eq!(kind(&head(100, 100)), Kind::Corrupt);
        assert_eq!(kind(b""), Kind::Unsupported);
        assert_eq!(kind(b"GIF89a"), Kind::Unsupported);
        assert_eq!(kind(b"BM"), Kind::Unsupported);
        let whole = png(64, 64);
        for end in [8, 20, 40, whole.len() / 2] {
            assert_eq!(kind(&whole[..end]), Kind::Corrupt, "{end}");
        }
    }

    /// A file of a few kilobytes that wants 128 MiB: 16 bits a channel.
    #[test]
    fn a_decompression_bomb_is_refused() {
        let deep = image::ImageBuffer::<image::Rgba<u16>, _>::new(4096, 4096);
        let bytes = encoded(&deep.into(), ImageFormat::Png);
        assert!(bytes.len() < 1024 * 1024, "{}", bytes.len());
        let e = picture(&bytes).unwrap_err();
        assert_eq!(e.kind(), Kind::Unsupported);
        assert!(e.report().contains("4096"), "{}", e.report());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(cut in 0_usize..400, flips in proptest::collection::vec((0_usize..400, proptest::num::u8::ANY), 0..8)) {
            let mut bytes = png(16, 16);
            for (at, value) in flips {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = value;
                }
            }
            bytes.truncate(bytes.len().min(cut + 8));
            if let Ok(sprite) = picture(&bytes) {
                proptest::prop_assert_eq!(sprite.argb.len(), sprite.width * sprite.height);
            }
        }
    }
}
