//! Accept, ignore or deny a command: pure, and asked both by the supervisor (for the answer) and by `step` (so that
//! a denied command can never change anything).

use serde::Serialize;

use super::command::{Command, Origin};
use super::state::State;
use super::{desired, policy_destinations, policy_devices, stage_policy, update_policy};
use crate::config::{Profile, VideoSettings};

/// Lowest bitrate that can be asked for, bit/s.
pub const MIN_BITRATE: u32 = 50_000;
/// Highest bitrate that can be asked for, bit/s.
pub const MAX_BITRATE: u32 = 50_000_000;
/// Most camera controls of which a wish is kept.
pub const MAX_WANTED_CONTROLS: usize = 64;
/// Most destinations that are added by command.
pub const MAX_ADDED: usize = 16;
/// The longest name of a choice that can be asked for, in characters.
pub const MAX_CHOICE: usize = 64;

/// What becomes of a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It is carried out.
    Accept,
    /// It is kept, and comes into effect later; says when.
    Keep(String),
    /// It is so already; says how.
    Ignore(String),
    /// It is refused.
    Deny(Denial),
}

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Denial {
    /// For programs.
    pub code: DenialCode,
    /// For people: one sentence that names the thing and the mend.
    pub message: String,
}

/// Reasons to refuse, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DenialCode {
    /// No destination has that name.
    UnknownDestination,
    /// A number is outside what the box can do.
    OutOfRange,
    /// The camera has no control of that name.
    UnknownControl,
    /// The control can be read but not set.
    ReadOnly,
    /// The device cannot do it.
    Unsupported,
    /// As much as can be is kept already.
    TooMany,
    /// The box has no sound track.
    NoAudio,
    /// The camera's own stream is passed through; the box does not encode it.
    Passthrough,
    /// The box is ending.
    ShuttingDown,
    /// Too much is going on.
    Busy,
    /// Not while the box is live.
    Live,
    /// It is done, but a power cut would undo it.
    NotSaved,
    /// The asker may not.
    Forbidden,
    /// It is said in the configuration file, and cannot be said otherwise.
    Configured,
    /// Something in it is missing or malformed.
    Invalid,
}

impl DenialCode {
    /// Its name in JSON.
    #[must_use]
    pub fn name(self) -> String {
        let json = serde_json::to_value(self).ok();
        json.and_then(|j| j.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// Whether the same command may be accepted a little later.
    #[must_use]
    pub fn retryable(self) -> bool {
        matches!(self, Self::Busy | Self::NotSaved)
    }
}

impl Denial {
    /// A refusal.
    pub fn new(code: DenialCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// What becomes of `command` in `state`. Every origin has the same rights, but for the factory reset.
#[must_use]
pub fn decide(state: &State, command: &Command, origin: Origin) -> Decision {
    if state.actual.ending {
        return match command {
            Command::Shutdown => ignore("The box is shutting down already."),
            _ => deny(
                DenialCode::ShuttingDown,
                "The box is shutting down. Try again when it is back.",
            ),
        };
    }
    match command {
        Command::LiveStart if state.wanted.live => ignore("The box is live already."),
        Command::LiveSet { live } if state.wanted.live == *live => ignore(if *live {
            "The box is live already."
        } else {
            "The box is not live."
        }),
        Command::LiveStop if !state.wanted.live => ignore("The box is not live."),
        Command::DestinationSet {
            destination,
            url,
            key,
            enabled,
            max_bitrate,
        } => {
            let asked = policy_destinations::Asked {
                url,
                key: key.as_ref(),
                enabled: *enabled,
                max_bitrate: *max_bitrate,
            };
            policy_destinations::set(state, destination, &asked)
        }
        Command::DestinationRemove { destination } => {
            policy_destinations::remove(state, destination)
        }
        Command::DestinationEnable {
            destination,
            enabled,
        } => policy_destinations::enable(state, destination, *enabled),
        Command::ProfileSet {
            profile,
            bitrate,
            video,
        } => match profile_wish(state, *profile, *bitrate, video.as_ref()) {
            Ok(video) => encoding(state, check_video(&video), &video),
            Err(message) => deny(DenialCode::OutOfRange, message),
        },
        Command::BitrateSet { bitrate } => {
            let video = VideoSettings {
                bitrate: *bitrate,
                ..state.wanted_video().clone()
            };
            encoding(state, check_bitrate(*bitrate), &video)
        }
        Command::AudioMute { muted } => sound(state, Ok(()), state.wanted.muted == *muted),
        Command::AudioGain { gain_db } => {
            sound(state, check_gain(*gain_db), state.gain_db() == *gain_db)
        }
        Command::AudioOffset { offset_ms } => sound(
            state,
            check_offset(*offset_ms),
            state.offset_ms() == *offset_ms,
        ),
        Command::CameraControl { control, value } => {
            policy_devices::camera_control(state, control, value)
        }
        Command::CameraControlReset { control } => {
            policy_devices::camera_control_reset(state, control.as_ref())
        }
        Command::MicVolume { percent } => policy_devices::mic_volume(state, *percent),
        Command::MicSwitch { on } => policy_devices::mic_switch(state, *on),
        Command::OverlayText(_)
        | Command::OverlayClear
        | Command::LowerThird { .. }
        | Command::Ticker { .. }
        | Command::Countdown { .. }
        | Command::ProductPin(_)
        | Command::ProductUnpin
        | Command::PollShow(_)
        | Command::PollHide
        | Command::Logo { .. }
        | Command::LayerShow { .. }
        | Command::LayerHide { .. }
        | Command::DanmakuSet { .. }
        | Command::ModerationSet(_)
        | Command::Panic { .. } => stage_policy::decide(state, command),
        Command::DesiredApply { version, settings } => desired::decide(state, *version, settings),
        // Answered before they come here (`app/desk.rs`): by the room, or by other parts of the box.
        Command::Notify(_)
        | Command::Danmaku(_)
        | Command::Alert(_)
        | Command::ModerationQueue
        | Command::ModerationApprove { .. }
        | Command::ModerationReject { .. }
        | Command::RoomAct(_)
        | Command::Snapshot { .. }
        | Command::Status
        | Command::Logs { .. }
        | Command::ConfigValidate { .. } => deny(
            DenialCode::Unsupported,
            "This cannot be asked here. Ask over MQTT or with boothcast ctl.",
        ),
        Command::FactoryReset if origin == Origin::Mqtt => deny(
            DenialCode::Forbidden,
            "A factory reset from afar would make the box forget its broker. Use its button, or boothcast ctl at the box.",
        ),
        Command::SetupOpen { open } => setup_open(state, *open),
        Command::UpdateInstall { source, force, .. } => {
            update_policy::install(state, source, *force)
        }
        Command::UpdateRollback { force } => update_policy::rollback(state, *force),
        Command::Restart | Command::Reboot => Decision::Accept,
        Command::FactoryReset
        | Command::LiveStart
        | Command::LiveStop
        | Command::LiveSet { .. }
        | Command::Identify
        | Command::Shutdown => Decision::Accept,
    }
}

/// The numbers that a [`Command::ProfileSet`] means.
///
/// # Errors
/// A sentence, when not exactly one of `profile` and `video` is given.
pub fn profile_wish(
    state: &State,
    profile: Option<Profile>,
    bitrate: Option<u32>,
    video: Option<&VideoSettings>,
) -> Result<VideoSettings, String> {
    let with = |v: VideoSettings| VideoSettings {
        bitrate: bitrate.unwrap_or(v.bitrate),
        ..v
    };
    match (profile, video) {
        (None, Some(video)) => Ok(with(video.clone())),
        (Some(profile), None) if profile != Profile::Custom => {
            let (width, height, fps, usual) = profile.numbers();
            let now = state.wanted_video().clone();
            Ok(with(VideoSettings {
                width,
                height,
                fps,
                bitrate: usual,
                ..now
            }))
        }
        _ => Err("Give either a profile (1080p30, 720p30 or 480p30) or video with numbers.".into()),
    }
}

fn setup_open(state: &State, open: bool) -> Decision {
    match (state.setup.first_run, open) {
        (false, true) => deny(
            DenialCode::Unsupported,
            "Set-up is switched off. Set setup.enabled to true.",
        ),
        (true, false) if state.is_setup_open() => Decision::Accept,
        (_, false) => ignore("Set-up is closed already."),
        (true, true) => Decision::Accept,
    }
}

fn encoding(state: &State, check: Result<(), String>, video: &VideoSettings) -> Decision {
    if let Err(message) = check {
        return deny(DenialCode::OutOfRange, message);
    }
    if state.actual.passthrough {
        return deny(
            DenialCode::Passthrough,
            "The camera makes the stream itself, so the box cannot change it. Set video.passthrough to false.",
        );
    }
    if state.wanted_video() == video {
        return ignore("The picture is encoded like that already.");
    }
    Decision::Accept
}

fn sound(state: &State, check: Result<(), String>, same: bool) -> Decision {
    if let Err(message) = check {
        return deny(DenialCode::OutOfRange, message);
    }
    if !state.setup.audio {
        return no_audio();
    }
    if same {
        return ignore("The sound is set like that already.");
    }
    Decision::Accept
}

pub(super) fn no_audio() -> Decision {
    deny(
        DenialCode::NoAudio,
        "The box has no sound track. Set audio.source to something other than none.",
    )
}

/// Whether an encoder may be asked for `video`; the error is a sentence.
pub fn check_video(video: &VideoSettings) -> Result<(), String> {
    for (what, size) in [("width", video.width), ("height", video.height)] {
        if !(16..=3840).contains(&size) || size % 2 != 0 {
            return Err(format!(
                "The {what} {size} does not work. Choose an even number from 16 to 3840."
            ));
        }
    }
    if !(1..=60).contains(&video.fps) {
        return Err(format!(
            "{} frames per second do not work. Choose 1 to 60.",
            video.fps
        ));
    }
    if !(0.5..=10.0).contains(&video.gop_s) {
        return Err(format!(
            "A keyframe every {} s does not work. Choose 0.5 to 10 s.",
            video.gop_s
        ));
    }
    check_bitrate(video.bitrate)
}

/// Whether an encoder may be asked for `bitrate`; the error is a sentence.
pub fn check_bitrate(bitrate: u32) -> Result<(), String> {
    if (MIN_BITRATE..=MAX_BITRATE).contains(&bitrate) {
        Ok(())
    } else {
        Err(format!(
            "The bitrate {bitrate} bit/s does not work. Choose {MIN_BITRATE} to {MAX_BITRATE} bit/s."
        ))
    }
}

/// Whether `gain_db` is a gain; the error is a sentence.
pub fn check_gain(gain_db: f32) -> Result<(), String> {
    if (-60.0..=30.0).contains(&gain_db) {
        Ok(())
    } else {
        Err(format!(
            "The gain {gain_db} dB does not work. Choose -60 to 30 dB."
        ))
    }
}

/// Whether `offset_ms` is a sound offset; the error is a sentence.
pub fn check_offset(offset_ms: i32) -> Result<(), String> {
    if (-2000..=2000).contains(&offset_ms) {
        Ok(())
    } else {
        Err(format!(
            "The sound offset {offset_ms} ms does not work. Choose -2000 to 2000 ms."
        ))
    }
}

pub(super) fn ignore(how: impl Into<String>) -> Decision {
    Decision::Ignore(how.into())
}

pub(super) fn deny(code: DenialCode, message: impl Into<String>) -> Decision {
    Decision::Deny(Denial::new(code, message))
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
