//! From the configuration and the devices that are there to resolved sources: the one place where `edge` and `media`
//! meet. A resolver runs each time a source is opened, so a camera that comes back under another node is found.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::board::Board;
use crate::config::{AudioSourceKind, Config, VideoSourceKind};
use crate::edge::camera::mode::{Choice, Use, Wish};
use crate::edge::camera::{Camera, Signal};
use crate::edge::{camera, sound};
use crate::error::{Error, Kind, Result};
use crate::media::capture::{AudioInput, CameraStream, VideoInput};
use crate::media::engine::{Resolver, VideoResolver};
use crate::media::raw::{Pixel, RawFormat};

/// Decides once, at start, what `auto` means; afterwards a lost camera stays a lost camera.
pub struct Sources {
    /// The picture.
    pub video: VideoResolver,
    /// The sound; `None`: no sound track.
    pub audio: Option<Resolver<AudioInput>>,
    /// What was chosen and why, a line each, for the console.
    pub notes: Vec<String>,
    /// The V4L2 camera that the picture was last taken from, or was to be.
    pub camera: LastCamera,
}

/// The V4L2 camera that the resolver found last: who else deals with that camera (its controls, its signal) learns here
/// where it is. Empty while there is none, and always with other sources.
#[derive(Debug, Clone, Default)]
pub struct LastCamera(Arc<Mutex<(u64, Option<Located>)>>);

/// Where a camera is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// How often a camera was looked for when this one was found; another number: it may have been opened anew.
    pub look: u64,
    /// Device node.
    pub path: PathBuf,
    /// Model.
    pub name: String,
    /// What was at its input.
    pub signal: Signal,
}

impl LastCamera {
    /// The camera found by the last look.
    #[must_use]
    pub fn get(&self) -> Option<Located> {
        self.cell().1.clone()
    }

    fn note(&self, found: Option<&Camera>) {
        let mut cell = self.cell();
        cell.0 += 1;
        cell.1 = found.map(|camera| Located {
            look: cell.0,
            path: camera.path.clone(),
            name: camera.name.clone(),
            signal: camera.signal.clone(),
        });
    }

    fn cell(&self) -> MutexGuard<'_, (u64, Option<Located>)> {
        // Nothing panics while it holds this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at what is there and makes the resolvers.
#[must_use]
pub fn resolve(config: &Config, board: &Board) -> Sources {
    let camera = LastCamera::default();
    let (video_kind, video_note) = video_kind(config, board, &camera);
    let (audio_kind, audio_note) = audio_kind(config, video_kind);
    let audio = (audio_kind != AudioSourceKind::None).then(|| audio_resolver(config, audio_kind));
    Sources {
        video: video_resolver(config, video_kind, &camera),
        audio,
        notes: vec![video_note, audio_note],
        camera,
    }
}

fn video_kind(config: &Config, board: &Board, camera: &LastCamera) -> (VideoSourceKind, String) {
    let wanted = config.video.source;
    if wanted != VideoSourceKind::Auto {
        let note = match video_resolver(config, wanted, camera)(configured(config)) {
            Ok(input) => format!("Picture: {}", input.describe()),
            Err(e) => format!("Picture: {}", e.report()),
        };
        return (wanted, note);
    }
    let problem = match v4l2_input(config, configured(config), camera) {
        Ok(input) => {
            return (
                VideoSourceKind::V4l2,
                format!("Picture: {}", input.describe()),
            );
        }
        Err(e) if e.kind() == Kind::NotFound || e.kind() == Kind::Unsupported => e,
        // It is there, and busy or forbidden: the slate says so, and the camera is tried again and again.
        Err(e) => {
            return (
                VideoSourceKind::V4l2,
                format!("Picture: slate, because: {}", e.report()),
            );
        }
    };
    if board.id.starts_with("rpi") && crate::media::has_element("libcamerasrc") {
        let note = "Picture: CSI camera through libcamera".to_owned();
        return (VideoSourceKind::Libcamera, note);
    }
    let why = problem.message().trim_end_matches('.');
    (
        VideoSourceKind::Test,
        format!("Picture: test picture with clock and counter, because: {why}"),
    )
}

fn audio_kind(config: &Config, video: VideoSourceKind) -> (AudioSourceKind, String) {
    let wanted = config.audio.source;
    let kind = match (wanted, video) {
        (AudioSourceKind::Auto, VideoSourceKind::Test)
            if sound::find(&config.audio.device).is_err() =>
        {
            AudioSourceKind::Test
        }
        (AudioSourceKind::Auto, VideoSourceKind::File) => AudioSourceKind::File,
        (AudioSourceKind::Auto, _) => AudioSourceKind::Alsa,
        (kind, _) => kind,
    };
    let note = if kind == AudioSourceKind::None {
        "Sound:   none, as configured".to_owned()
    } else {
        match audio_resolver(config, kind)() {
            Ok(input) => format!("Sound:   {}", input.describe()),
            Err(e) => format!("Sound:   silence, because: {}", e.report()),
        }
    };
    (kind, note)
}

fn video_resolver(config: &Config, kind: VideoSourceKind, last: &LastCamera) -> VideoResolver {
    let (config, last) = (config.clone(), last.clone());
    Arc::new(move |raw| match kind {
        VideoSourceKind::Auto | VideoSourceKind::V4l2 => v4l2_input(&config, raw, &last),
        VideoSourceKind::Libcamera => Ok(VideoInput::Libcamera {
            id: config.video.device.clone(),
        }),
        VideoSourceKind::Test => Ok(VideoInput::Test {
            pattern: config.video.test_pattern.clone(),
        }),
        VideoSourceKind::File => Ok(VideoInput::File {
            path: config.video.file.clone(),
        }),
    })
}

fn audio_resolver(config: &Config, kind: AudioSourceKind) -> Resolver<AudioInput> {
    let config = config.clone();
    Arc::new(move || match kind {
        AudioSourceKind::Test => Ok(AudioInput::Test),
        AudioSourceKind::File => {
            let own = &config.audio.file;
            let path = if own.as_os_str().is_empty() {
                &config.video.file
            } else {
                own
            };
            Ok(AudioInput::File { path: path.clone() })
        }
        AudioSourceKind::Auto | AudioSourceKind::Alsa => {
            let card = sound::find(&config.audio.device)?;
            Ok(AudioInput::Alsa {
                pcm: card.pcm.clone(),
                description: card.describe(),
            })
        }
        AudioSourceKind::None => Err(Error::new(
            Kind::NotFound,
            "No sound is configured (audio.source = \"none\").",
        )),
    })
}

/// The picture as configured; commands may have changed it since.
#[must_use]
pub fn configured(config: &Config) -> RawFormat {
    let video = &config.encode.video;
    RawFormat {
        pixel: Pixel::I420,
        width: video.width,
        height: video.height,
        fps: video.fps,
    }
}

/// What is wanted of a camera.
#[must_use]
pub fn wish(config: &Config, raw: RawFormat) -> Wish {
    Wish {
        width: raw.width,
        height: raw.height,
        fps: raw.fps,
        format: config.video.format,
        // The small rendition needs raw frames, which a passed-through camera does not give.
        passthrough: config.video.passthrough && !config.sub.enabled,
    }
}

/// The wanted camera in the mode that fits best.
fn v4l2_input(config: &Config, raw: RawFormat, last: &LastCamera) -> Result<VideoInput> {
    let found = camera::find(&config.video.device);
    last.note(found.as_ref().ok());
    let camera = found?;
    if let Some(problem) = camera.busy().or_else(|| camera.no_signal()) {
        return Err(problem);
    }
    camera.follow_signal()?;
    let choice = camera::mode::choose(&camera.modes, &wish(config, raw))?;
    let stream = stream(&choice)?;
    let Choice { mode, reason, .. } = choice;
    Ok(VideoInput::V4l2 {
        path: camera.path.clone(),
        stream,
        width: mode.width,
        height: mode.height,
        fps: mode.fps,
        description: format!("{} ({}), {reason}", camera.name, camera.path.display()),
    })
}

fn stream(choice: &Choice) -> Result<CameraStream> {
    Ok(match choice.use_ {
        Use::Passthrough => CameraStream::H264Passthrough,
        Use::DecodeH264 => CameraStream::H264Decoded,
        Use::DecodeJpeg => CameraStream::Jpeg,
        Use::Raw => CameraStream::Raw(choice.mode.format.gst_raw_name().ok_or_else(|| {
            Error::new(
                Kind::Unsupported,
                format!(
                    "The camera's pixel format {:?} is not known here.",
                    choice.mode.format
                ),
            )
        })?),
    })
}
