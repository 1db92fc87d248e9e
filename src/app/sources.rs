//! From the configuration and the devices that are there to resolved sources: the one place where `edge` and `media`
//! meet. A resolver runs each time a source is opened, so a camera that comes back under another node is found.

mod auto;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::config::board::Board;
use crate::config::{AudioSourceKind, Config, VideoSourceKind};
use crate::edge::camera::mode::{Choice, Use, Wish};
use crate::edge::camera::{Camera, Signal};
use crate::edge::{camera, sound};
use crate::error::{Error, Kind, Result};
use crate::media::capture::{AudioInput, CameraStream, VideoInput};
use crate::media::engine::{Resolver, VideoResolver};
use crate::media::raw::{Pixel, RawFormat};
use crate::media::sync::lock;

pub use auto::StandIn;

/// How sources are found.
pub struct Sources {
    /// The picture.
    pub video: VideoResolver,
    /// The sound; `None`: no sound track.
    pub audio: Option<Resolver<AudioInput>>,
    /// The sound card that `audio` chose last.
    pub card: CardInUse,
    /// What was chosen and why, a line each, for the console.
    pub notes: Vec<String>,
    /// The V4L2 camera that the picture was last taken from, or was to be.
    pub camera: LastCamera,
    /// What stands in for devices that `auto` did not find.
    pub stand_in: StandIn,
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
        lock(&self.0)
    }
}

/// The sound card that was chosen when the sound was opened last; none for a tone or a file, or when there was none to
/// choose. Written by the resolver, read by whoever sets the card's mixer.
#[derive(Debug, Clone, Default)]
pub struct CardInUse(Arc<Mutex<Option<sound::Card>>>);

impl CardInUse {
    /// The card.
    #[must_use]
    pub fn get(&self) -> Option<sound::Card> {
        lock(&self.0).clone()
    }

    fn set(&self, card: Option<&sound::Card>) {
        *lock(&self.0) = card.cloned();
    }
}

/// Looks at what is there and makes the resolvers.
#[must_use]
pub fn resolve(config: &Config, board: &Board) -> Sources {
    let (camera, card, stand_in) = Default::default();
    let csi = board.id.starts_with("rpi") && crate::media::has_element("libcamerasrc");
    let video = video_resolver(config, csi, &camera, &stand_in);
    let audio = (config.audio.source != AudioSourceKind::None)
        .then(|| audio_resolver(config, &card, &stand_in));
    let picture = picture_note(&video(configured(config)), &stand_in);
    let sound = audio.as_ref().map(|audio| audio());
    Sources {
        video,
        audio,
        card,
        notes: vec![picture, sound_note(sound)],
        camera,
        stand_in,
    }
}

/// Neither picture nor sound, for the reason given: the slate stands in.
#[must_use]
pub fn none(why: &'static str) -> Sources {
    let (camera, card, stand_in) = Default::default();
    Sources {
        video: Arc::new(move |_| Err(Error::new(Kind::Unsupported, why))),
        audio: None,
        card,
        notes: vec![format!("Picture: slate, because: {why}")],
        camera,
        stand_in,
    }
}

/// Whether a look for cameras says that there is none that can be used, rather than that one is busy or forbidden.
pub(in crate::app) fn is_none(problem: &Error) -> bool {
    matches!(problem.kind(), Kind::NotFound | Kind::Unsupported)
}

fn picture_note(found: &Result<VideoInput>, stand_in: &StandIn) -> String {
    match (found, stand_in.picture()) {
        (Ok(input), None) => format!("Picture: {}", input.describe()),
        (Ok(input), Some(why)) => format!("Picture: {}, because: {why}", input.describe()),
        (Err(e), _) => format!("Picture: slate, because: {}", e.report()),
    }
}

fn sound_note(found: Option<Result<AudioInput>>) -> String {
    match found {
        None => "Sound:   none, as configured".to_owned(),
        Some(Ok(input)) => format!("Sound:   {}", input.describe()),
        Some(Err(e)) => format!("Sound:   silence, because: {}", e.report()),
    }
}

/// `csi`: the board may have a camera behind libcamera, which is not among the V4L2 ones.
fn video_resolver(
    config: &Config,
    csi: bool,
    last: &LastCamera,
    stand_in: &StandIn,
) -> VideoResolver {
    let (config, last, stand_in) = (config.clone(), last.clone(), stand_in.clone());
    let test = VideoInput::Test {
        pattern: config.video.test_pattern.clone(),
    };
    let libcamera = VideoInput::Libcamera {
        id: config.video.device.clone(),
    };
    Arc::new(move |raw| match config.video.source {
        VideoSourceKind::V4l2 => v4l2_input(&config, raw, &last),
        VideoSourceKind::Libcamera => Ok(libcamera.clone()),
        VideoSourceKind::Test => Ok(test.clone()),
        VideoSourceKind::File => Ok(VideoInput::File {
            path: config.video.file.clone(),
        }),
        VideoSourceKind::Auto => {
            let found = v4l2_input(&config, raw, &last);
            match &found {
                Ok(_) => stand_in.camera_found(),
                Err(problem) if csi && is_none(problem) => {
                    stand_in.other_picture();
                    return Ok(libcamera.clone());
                }
                Err(problem) if stand_in.without_camera(problem) => return Ok(test.clone()),
                Err(_) => {}
            }
            found
        }
    })
}

fn audio_resolver(config: &Config, in_use: &CardInUse, stand_in: &StandIn) -> Resolver<AudioInput> {
    let (config, in_use, stand_in) = (config.clone(), in_use.clone(), stand_in.clone());
    let file = if config.audio.file.as_os_str().is_empty() {
        config.video.file.clone()
    } else {
        config.audio.file.clone()
    };
    let kind = match (config.audio.source, config.video.source) {
        (AudioSourceKind::Auto, VideoSourceKind::File) => AudioSourceKind::File,
        (kind, _) => kind,
    };
    Arc::new(move || match kind {
        AudioSourceKind::Test => Ok(AudioInput::Test),
        AudioSourceKind::File => Ok(AudioInput::File { path: file.clone() }),
        AudioSourceKind::Alsa => alsa_input(&config, &in_use),
        AudioSourceKind::Auto => {
            let found = alsa_input(&config, &in_use);
            match &found {
                Ok(_) => stand_in.card_found(),
                Err(_) if stand_in.without_card(config.video.source == VideoSourceKind::Test) => {
                    return Ok(AudioInput::Test);
                }
                Err(_) => {}
            }
            found
        }
        AudioSourceKind::None => Err(Error::new(
            Kind::NotFound,
            "No sound is configured (audio.source = \"none\").",
        )),
    })
}

/// The wanted card.
fn alsa_input(config: &Config, in_use: &CardInUse) -> Result<AudioInput> {
    let card = sound::find(&config.audio.device);
    in_use.set(card.as_ref().ok());
    let card = card?;
    Ok(AudioInput::Alsa {
        pcm: card.pcm.clone(),
        description: card.describe(),
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
    let mut camera = found?;
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
