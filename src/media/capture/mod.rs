//! Sources: picture and sound, slate and silence.

use std::path::PathBuf;

/// Sound: source pipelines, timeline, drift, levels, silence.
pub mod audio;
/// Slate picture.
pub mod slate;
/// The test picture and tone, made here.
pub mod test_source;
/// Picture: source pipelines and the selection between camera and slate.
pub mod video;

mod live;
mod looped;
mod presence;
mod worker;

/// What the camera delivers and what is done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CameraStream {
    /// Raw frames in this GStreamer format name, e.g. `YUY2`, `NV12`.
    Raw(&'static str),
    /// Motion JPEG, decoded here.
    Jpeg,
    /// H.264 from the camera, decoded here (when it cannot be passed through).
    H264Decoded,
    /// H.264 from the camera, passed through to the fan-out without encoding.
    H264Passthrough,
}

/// A picture source, resolved: no look-ups are left to do.
#[derive(Debug, Clone, PartialEq)]
pub enum VideoInput {
    /// A V4L2 camera in one of its modes.
    V4l2 {
        /// Device node at this moment.
        path: PathBuf,
        /// Format.
        stream: CameraStream,
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Frames per second as numerator and denominator.
        fps: (u32, u32),
        /// Name, mode and why: for status.
        description: String,
    },
    /// A CSI camera through `libcamerasrc`.
    Libcamera {
        /// libcamera's id; empty: the first.
        id: String,
    },
    /// The test picture: `clock`, or a pattern of `videotestsrc`.
    Test {
        /// Pattern.
        pattern: String,
    },
    /// A media file in a loop.
    File {
        /// The file.
        path: PathBuf,
    },
}

/// A sound source, resolved.
#[derive(Debug, Clone, PartialEq)]
pub enum AudioInput {
    /// An ALSA card.
    Alsa {
        /// PCM name for `alsasrc`, e.g. `hw:CARD=USB,DEV=0`.
        pcm: String,
        /// Name and why: for status.
        description: String,
    },
    /// The tone with a beep each second.
    Test,
    /// The sound of a media file in a loop.
    File {
        /// The file.
        path: PathBuf,
    },
}

impl VideoInput {
    /// Whether it is a camera, not something made here.
    #[must_use]
    pub fn is_camera(&self) -> bool {
        matches!(self, Self::V4l2 { .. } | Self::Libcamera { .. })
    }

    /// One clause for people: what it is.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::V4l2 { description, .. } => description.clone(),
            Self::Libcamera { id } if id.is_empty() => "CSI camera through libcamera".to_owned(),
            Self::Libcamera { id } => format!("CSI camera {id} through libcamera"),
            Self::Test { pattern } if pattern == "clock" => {
                "test picture with clock and frame counter".to_owned()
            }
            Self::Test { pattern } => format!("test picture {pattern}"),
            Self::File { path } => format!("file {} in a loop", path.display()),
        }
    }
}

impl AudioInput {
    /// One clause for people: what it is.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Alsa { pcm, description } => format!("{description} ({pcm})"),
            Self::Test => "test tone with a beep each second".to_owned(),
            Self::File { path } => format!("sound of {} in a loop", path.display()),
        }
    }
}
