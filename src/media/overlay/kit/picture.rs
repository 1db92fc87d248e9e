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
