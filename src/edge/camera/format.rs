//! Pixel formats of cameras, named by the four-character codes of V4L2 (`linux/videodev2.h`).

use std::fmt;

use serde::{Serialize, Serializer};

use crate::config::CameraFormat;

/// What a camera's frames are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PixelFormat {
    /// Semi-planar 4:2:0 (`NV12`, and `NM12` in separate planes).
    Nv12,
    /// Planar 4:2:0 (`YU12`, and `YM12` in separate planes).
    I420,
    /// Packed 4:2:2 (`YUYV`).
    Yuyv,
    /// Motion JPEG (`MJPG`, `JPEG`).
    Mjpeg,
    /// H.264 byte-stream made by the camera (`H264`).
    H264,
    /// Any other four-character code.
    Other([u8; 4]),
}

impl PixelFormat {
    /// From the code as the kernel gives it.
    #[must_use]
    pub fn from_fourcc(code: u32) -> Self {
        match &code.to_le_bytes() {
            b"NV12" | b"NM12" => Self::Nv12,
            b"YU12" | b"YM12" => Self::I420,
            b"YUYV" => Self::Yuyv,
            b"MJPG" | b"JPEG" => Self::Mjpeg,
            b"H264" => Self::H264,
            other => Self::Other(*other),
        }
    }

    /// The name that GStreamer's `video/x-raw` caps use for this format as `v4l2src` gives it; `None` for compressed
    /// formats and for raw ones that the picture path cannot take (a sensor's Bayer mosaic, say).
    #[must_use]
    pub fn gst_raw_name(self) -> Option<&'static str> {
        match self {
            Self::Nv12 => Some("NV12"),
            Self::I420 => Some("I420"),
            Self::Yuyv => Some("YUY2"),
            Self::Mjpeg | Self::H264 => None,
            Self::Other(code) => match &code {
                b"UYVY" => Some("UYVY"),
                b"YVYU" => Some("YVYU"),
                b"NV21" | b"NM21" => Some("NV21"),
                b"NV16" | b"NM16" => Some("NV16"),
                b"YV12" | b"YM21" => Some("YV12"),
                b"422P" => Some("Y42B"),
                b"RGB3" => Some("RGB"),
                b"BGR3" => Some("BGR"),
                b"XR24" => Some("BGRx"),
                b"BX24" => Some("xRGB"),
                b"GREY" => Some("GRAY8"),
                _ => None,
            },
        }
    }

    /// Whether the box can make a picture of it at all.
    #[must_use]
    pub fn is_usable(self) -> bool {
        matches!(self, Self::Mjpeg | Self::H264) || self.gst_raw_name().is_some()
    }

    /// Whether it is the one that was asked for; `Auto` takes every one.
    #[must_use]
    pub fn fits(self, wanted: CameraFormat) -> bool {
        match wanted {
            CameraFormat::Auto => true,
            CameraFormat::Nv12 => self == Self::Nv12,
            CameraFormat::Yuyv => self == Self::Yuyv,
            CameraFormat::Mjpeg => self == Self::Mjpeg,
            CameraFormat::H264 => self == Self::H264,
        }
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nv12 => f.write_str("NV12"),
            Self::I420 => f.write_str("I420"),
            Self::Yuyv => f.write_str("YUYV"),
            Self::Mjpeg => f.write_str("MJPEG"),
            Self::H264 => f.write_str("H.264"),
            Self::Other(code) => {
                // A driver may put anything here; bit 31 of the code means big-endian (V4L2_PIX_FMT_*_BE).
                for byte in code {
                    let c = char::from(byte & 0x7f);
                    write!(f, "{}", if c.is_ascii_graphic() { c } else { '.' })?;
                }
                Ok(())
            }
        }
    }
}

impl Serialize for PixelFormat {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(s: &[u8; 4]) -> PixelFormat {
        PixelFormat::from_fourcc(u32::from_le_bytes(*s))
    }

    #[test]
    fn codes_of_the_kernel_become_formats_and_unknown_ones_are_kept() {
        // 0x32315559 is V4L2_PIX_FMT_YUV420, 0x47504a4d is V4L2_PIX_FMT_MJPEG.
        assert_eq!(PixelFormat::from_fourcc(0x3231_5559), PixelFormat::I420);
        assert_eq!(PixelFormat::from_fourcc(0x4750_4a4d), PixelFormat::Mjpeg);
        assert_eq!(code(b"NM12"), PixelFormat::Nv12);
        assert_eq!(code(b"JPEG"), PixelFormat::Mjpeg);
        assert_eq!(code(b"UYVY"), PixelFormat::Other(*b"UYVY"));
        assert_eq!(code(b"UYVY").gst_raw_name(), Some("UYVY"));
        assert!(!code(b"pRAA").is_usable(), "a Bayer mosaic is no picture");
        assert!(!code(b"HEVC").is_usable());
    }

    #[test]
    fn a_code_with_control_bytes_prints_harmlessly() {
        assert_eq!(PixelFormat::Other([27, b'[', 0, 0x80]).to_string(), ".[..");
        assert_eq!(code(b"Y16 ").to_string(), "Y16.");
    }

    #[test]
    fn only_the_asked_format_fits() {
        let all = [
            PixelFormat::Nv12,
            PixelFormat::I420,
            PixelFormat::Yuyv,
            PixelFormat::Mjpeg,
            PixelFormat::H264,
        ];
        for (wanted, only) in [
            (CameraFormat::Nv12, PixelFormat::Nv12),
            (CameraFormat::Yuyv, PixelFormat::Yuyv),
            (CameraFormat::Mjpeg, PixelFormat::Mjpeg),
            (CameraFormat::H264, PixelFormat::H264),
        ] {
            let fitting: Vec<_> = all.iter().copied().filter(|f| f.fits(wanted)).collect();
            assert_eq!(fitting, [only]);
        }
        assert!(all.iter().all(|f| f.fits(CameraFormat::Auto)));
    }
}
