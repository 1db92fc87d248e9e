//! What the world must do. `app.rs` and the media engine carry it out; the outcome comes back as events.

use super::control::ControlName;
use super::event::Rendition;
use super::state::Wanted;
use crate::config::{Destination, DestinationName, VideoSettings};

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Open the video source (close it first if it is open).
    OpenCamera,
    /// Show this sentence on the slate from now on.
    SlateText(String),
    /// Open the sound source (close it first if it is open).
    OpenMic,
    /// Open (or replace) the encoder of a rendition with entry `index` of the usable table.
    OpenEncoder {
        /// Which rendition.
        rendition: Rendition,
        /// Index into the list of encoders that passed the probe.
        index: usize,
        /// What to make.
        video: VideoSettings,
    },
    /// Change the bitrate of the running encoder.
    SetBitrate {
        /// Which rendition.
        rendition: Rendition,
        /// bit/s.
        bitrate: u32,
    },
    /// Mute or not.
    SetMute(bool),
    /// Gain in dB.
    SetGain(f32),
    /// Sound later than picture, ms.
    SetAudioOffset(i32),
    /// Begin to push.
    OpenDestination(DestinationName),
    /// End a push.
    CloseDestination(DestinationName),
    /// Know this destination from now on, or know it anew. If it is open, a new address or key counts from the next
    /// opening, a new ceiling at once.
    SetDestination(Destination),
    /// Know this destination no more; it is not open.
    ForgetDestination(DestinationName),
    /// Show what the owner put on the picture, and nothing else of theirs.
    ShowStage(Box<super::stage::Stage>),
    /// Save what is wanted.
    Persist(Wanted),
    /// Set a control of the open camera.
    SetCameraControl {
        /// Which.
        control: ControlName,
        /// The driver's number.
        value: i64,
    },
    /// Set the sound card's own capture volume, per cent.
    SetMicVolume(u8),
    /// Set the sound card's own capture switch.
    SetMicSwitch(bool),
    /// Tell where the box is reached ([`super::event::HardwareEvent::Address`]).
    Identify,
    /// Carry out a step of set-up; the outcome comes back as [`super::event::Event::Setup`].
    Setup(super::setup::SetupStep),
    /// Carry out a step of an update; the outcome comes back as [`super::event::Event::Update`].
    Update(super::update::UpdateStep),
    /// Empty the state folder, then end in order; the service manager starts the box again.
    FactoryReset,
    /// End in order and start the program anew.
    Restart,
    /// End in order and start the machine anew.
    Reboot,
    /// End the program in order.
    Shutdown,
}

impl Effect {
    /// Whether it ends the program.
    #[must_use]
    pub fn ends(&self) -> bool {
        matches!(
            self,
            Self::Shutdown | Self::FactoryReset | Self::Restart | Self::Reboot
        )
    }
}
