//! What is, as far as the core was told. Nothing here is persisted. All times are monotonic, since start.

use std::collections::BTreeMap;
use std::time::Duration;

use super::camera_controls::Controls;
use super::encoder::Encoder;
use super::event::{
    AudienceFigures, DestinationState, Gesture, Level, LevelState, PowerState, PushFigures,
    Rendition,
};
use super::mixer::Mixer;
use super::on_stage::OnStage;
use super::source::Source;
use super::still::Still;
use super::thermal::Heat;
use super::trial::Watch;
use crate::config::{Destination, DestinationName, VideoSettings};

/// The longest reason that is kept, in characters: reasons come from drivers and servers.
pub const REASON_LIMIT: usize = 200;

/// Everything observed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Actual {
    /// The first effects were given.
    pub started: bool,
    /// The box is ending; nothing is begun any more.
    pub ending: bool,
    /// It ends in order to forget everything and begin anew.
    pub forgetting: bool,
    /// It ends in order to begin anew.
    pub restarting: bool,
    /// The picture source.
    pub camera: Source,
    /// The sound source.
    pub mic: Source,
    /// The slate is on air.
    pub slate_on_air: bool,
    /// The sentence on the slate.
    pub slate_text: String,
    /// Encoder of the main rendition.
    pub main: Encoder,
    /// What the main encoder was last asked to make.
    pub asked_video: Option<VideoSettings>,
    /// Encoder of the sub rendition, where there is one.
    pub sub: Option<Encoder>,
    /// The camera's own H.264 is on air.
    pub passthrough: bool,
    /// Bitrate in force for the main rendition, bit/s.
    pub bitrate: u32,
    /// The adaptive bitrate's last advice, bit/s; forgotten when the last live destination goes away.
    pub advised: Option<u32>,
    /// Every destination, configured or added.
    pub destinations: BTreeMap<DestinationName, Push>,
    /// Sound level, while the microphone is up.
    pub levels: Option<Levels>,
    /// Drift of the microphone's clock, ppm, while it is up and measured.
    pub drift_ppm: Option<f32>,
    /// RTSP readers connected now.
    pub readers: u32,
    /// Access units so far, and when they last rose.
    pub flow: Flow,
    /// Frames that went out, and settings on trial.
    pub watch: Watch,
    /// What became of the audience's messages.
    pub audience: AudienceFigures,
    /// What its owner put on the picture, as far as it is not saved.
    pub stage: OnStage,
    /// The sound track has not grown for [`Flow::AUDIO_LIMIT`] although the picture goes on.
    pub audio_stalled: bool,
    /// Until when the box blinks to be found.
    pub identify_until: Option<Duration>,
    /// Where the box is reached, while it blinks to be found.
    pub address: Option<String>,
    /// Until when a short press of the button confirms a factory reset.
    pub confirm_until: Option<Duration>,
    /// The last press of the button.
    pub pressed: Option<Pressed>,
    /// Controls of the camera that is open.
    pub controls: Controls,
    /// Whether the camera sends the same picture again and again.
    pub still: Still,
    /// The mixer of the sound card that is open.
    pub mixer: Mixer,
    /// Temperature of the processor, and what it does to the picture.
    pub heat: Heat,
    /// Supply and throttling; `None`: the board says nothing of them.
    pub power: Option<PowerState>,
    /// Why the LED cannot be driven, one clause.
    pub led_fault: Option<String>,
    /// Why the button cannot be read, one clause.
    pub button_fault: Option<String>,
    /// Set-up.
    pub setup: super::setup::SetupState,
    /// Updates.
    pub update: super::update::UpdateState,
    /// Whether what is wanted is on disk.
    pub saved: Saved,
}

impl Actual {
    /// The encoder of a rendition, if the box makes that rendition.
    pub fn encoder_mut(&mut self, rendition: Rendition) -> Option<&mut Encoder> {
        match rendition {
            Rendition::Main => Some(&mut self.main),
            Rendition::Sub => self.sub.as_mut(),
        }
    }

    /// Whether at least one server takes the stream.
    #[must_use]
    pub fn any_live(&self) -> bool {
        self.destinations.values().any(Push::is_live)
    }
}

/// A press of the button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pressed {
    /// How.
    pub gesture: Gesture,
    /// When, monotonic time since start.
    pub at: Duration,
    /// What the box has to say to it, if anything: one sentence.
    pub answer: Option<String>,
}

/// One destination.
#[derive(Debug, Clone, PartialEq)]
pub struct Push {
    /// The world was asked to push to it, and not asked to stop.
    pub open: bool,
    /// Where it stands; `Off` while it is not open.
    pub state: DestinationState,
    /// Why the stream does not reach the server, one clause: while the push waits for the next try, and during it.
    pub failure: Option<String>,
    /// Figures of the last second.
    pub figures: PushFigures,
    /// What the world was told of it, if it was added by command.
    pub told: Option<Destination>,
}

impl Default for Push {
    fn default() -> Self {
        Self {
            open: false,
            state: DestinationState::Off,
            failure: None,
            figures: PushFigures::default(),
            told: None,
        }
    }
}

impl Push {
    /// Whether the server takes the stream.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.open && self.state == DestinationState::Live
    }
}

/// Sound level per channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Levels {
    /// dBFS per channel.
    pub channels: Vec<Level>,
    /// Silent, clipping or ok.
    pub state: LevelState,
}

/// Access units that went into the fan-outs since start, and when each count last rose.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Flow {
    /// Main rendition.
    pub main: u64,
    /// Sub rendition.
    pub sub: u64,
    /// Sound.
    pub audio: u64,
    /// When `main` last changed.
    pub main_at: Duration,
    /// When `sub` last changed.
    pub sub_at: Duration,
    /// When `audio` last changed.
    pub audio_at: Duration,
}

impl Flow {
    /// Sound that does not grow for this long is said to have stopped.
    pub const AUDIO_LIMIT: Duration = Duration::from_secs(5);

    /// Takes new counts. Any change is progress: a count that falls is one that began anew.
    pub fn update(&mut self, main: u64, sub: u64, audio: u64, now: Duration) {
        for (count, at, new) in [
            (&mut self.main, &mut self.main_at, main),
            (&mut self.sub, &mut self.sub_at, sub),
            (&mut self.audio, &mut self.audio_at, audio),
        ] {
            if *count != new {
                *count = new;
                *at = now;
            }
        }
    }
}

/// Whether what is wanted is on disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Saved {
    /// It is, or nothing changed yet.
    #[default]
    Yes,
    /// Asked for; no answer yet.
    Asked,
    /// It could not be written; tried again.
    Failed {
        /// Why, one clause.
        reason: String,
        /// When it is tried again.
        retry_at: Duration,
    },
}

/// A reason from outside made fit to be shown: one line, bounded, without the final full stop.
#[must_use]
pub fn clean(reason: &str) -> String {
    let mut out = String::new();
    for (n, c) in reason.trim().chars().enumerate() {
        if n == REASON_LIMIT {
            out.push('…');
            break;
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    let end = out.trim_end_matches(['.', ' ']).len();
    out.truncate(end);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_one_bounded_line() {
        assert_eq!(clean(" gone\nfor good. "), "gone for good");
        let long = clean(&"ö".repeat(5000));
        assert_eq!(long.chars().count(), REASON_LIMIT + 1);
        assert_eq!(clean(""), "");
    }

    #[test]
    fn a_count_that_begins_anew_is_progress() {
        let mut f = Flow::default();
        f.update(10, 0, 5, Duration::from_secs(1));
        f.update(10, 0, 6, Duration::from_secs(2));
        f.update(2, 0, 6, Duration::from_secs(3));
        assert_eq!(f.main_at, Duration::from_secs(3));
        assert_eq!(f.sub_at, Duration::ZERO);
        assert_eq!(f.audio_at, Duration::from_secs(2));
    }
}
