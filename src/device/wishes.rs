//! Commands carried out, and the effects by which the world follows what is wanted: the part of [`State`] that wishes.

use super::actual::{Push, Saved};
use super::bitrate;
use super::command::{Command, Origin};
use super::effect::Effect;
use super::event::Rendition;
use super::health;
use super::policy::{self, Decision};
use super::state::{IDENTIFY_FOR, State, Wanted};
use crate::config::VideoSettings;

impl State {
    pub(super) fn command(&mut self, origin: Origin, command: Command, effects: &mut Vec<Effect>) {
        if !matches!(
            policy::decide(self, &command, origin),
            Decision::Accept | Decision::Keep(_)
        ) {
            return;
        }
        let mut wanted = self.wanted.clone();
        let mut after = Vec::new();
        match command {
            Command::Identify => {
                self.actual.identify_until = Some(self.now.saturating_add(IDENTIFY_FOR));
                self.actual.address = None;
                after.push(Effect::Identify);
            }
            Command::FactoryReset => {
                self.actual.ending = true;
                self.actual.forgetting = true;
                after.push(Effect::FactoryReset);
            }
            Command::Shutdown => {
                self.actual.ending = true;
                after.push(Effect::Shutdown);
            }
            Command::CameraControl { .. }
            | Command::CameraControlReset { .. }
            | Command::MicVolume { .. }
            | Command::MicSwitch { .. } => self.wish_device(command, &mut wanted),
            other => self.wish_stream(other, &mut wanted, &mut after),
        }
        if wanted != self.wanted {
            wanted.revision = self.wanted.revision.saturating_add(1);
            self.wanted = wanted;
            self.actual.saved = Saved::Asked;
            effects.push(Effect::Persist(self.wanted.clone()));
        }
        effects.append(&mut after);
    }

    fn wish_stream(&self, command: Command, wanted: &mut Wanted, after: &mut Vec<Effect>) {
        match command {
            Command::LiveStart => wanted.live = true,
            Command::LiveStop => wanted.live = false,
            Command::DestinationEnable {
                destination,
                enabled,
            } => {
                wanted.destinations.insert(destination, enabled);
            }
            Command::LiveSet { live } => wanted.live = live,
            Command::ProfileSet {
                profile,
                bitrate,
                video,
            } => {
                if let Ok(video) = policy::profile_wish(self, profile, bitrate, video.as_ref()) {
                    wanted.video = Some(video);
                }
            }
            Command::BitrateSet { bitrate } => {
                wanted.video = Some(VideoSettings {
                    bitrate,
                    ..self.wanted_video().clone()
                });
            }
            Command::AudioMute { muted } => {
                wanted.muted = muted;
                after.push(Effect::SetMute(muted));
            }
            Command::AudioGain { gain_db } => {
                wanted.gain_db = Some(gain_db);
                after.push(Effect::SetGain(gain_db));
            }
            Command::AudioOffset { offset_ms } => {
                wanted.offset_ms = Some(offset_ms);
                after.push(Effect::SetAudioOffset(offset_ms));
            }
            _ => {}
        }
    }

    /// The devices themselves are set by [`State::sync_devices`], now or when they come.
    fn wish_device(&mut self, command: Command, wanted: &mut Wanted) {
        match command {
            Command::CameraControl { control, value } => {
                self.actual.controls.wish(&control);
                wanted.camera_controls.insert(control, value);
            }
            Command::CameraControlReset { control } => {
                self.actual.controls.reset(control.as_ref());
                match control {
                    Some(control) => drop(wanted.camera_controls.remove(&control)),
                    None => wanted.camera_controls.clear(),
                }
            }
            Command::MicVolume { percent } => {
                self.actual.mixer.wish_volume();
                wanted.mic_percent = Some(percent);
            }
            Command::MicSwitch { on } => {
                self.actual.mixer.wish_switch();
                wanted.mic_on = Some(on);
            }
            _ => {}
        }
    }

    /// Begins the main encoder anew when it should make another shape of picture than it was asked for: somebody chose
    /// this, or the heat did, so it is tried at once. While the camera's own stream is on air there is nothing to encode.
    pub(super) fn sync_profile(&mut self, effects: &mut Vec<Effect>) {
        let video = self.video();
        let same_shape = self.actual.asked_video.as_ref().is_none_or(|asked| {
            VideoSettings {
                bitrate: asked.bitrate,
                ..video
            } == *asked
        });
        if same_shape || self.actual.passthrough || self.setup.encoders.is_empty() {
            return;
        }
        // Something else may have asked for it in this very step, in the old shape.
        effects.retain(|e| {
            !matches!(
                e,
                Effect::OpenEncoder {
                    rendition: Rendition::Main,
                    ..
                }
            )
        });
        self.actual.main.restart(self.now);
        self.open_encoder(Rendition::Main, effects);
    }

    /// Asks for the entry that the encoder of `rendition` stands at.
    pub(super) fn open_encoder(&mut self, rendition: Rendition, effects: &mut Vec<Effect>) {
        let (index, video) = match rendition {
            Rendition::Main => {
                self.actual.bitrate = bitrate::target(self);
                let video = VideoSettings {
                    bitrate: self.actual.bitrate,
                    ..self.video()
                };
                self.actual.asked_video = Some(video.clone());
                (self.actual.main.index, video)
            }
            Rendition::Sub => match (&self.actual.sub, &self.setup.sub) {
                (Some(encoder), Some(video)) => (encoder.index, video.clone()),
                _ => return,
            },
        };
        effects.push(Effect::OpenEncoder {
            rendition,
            index,
            video,
        });
    }

    /// Camera and card get what is wanted of them, as far as they are there; `were_up`: whether camera and microphone
    /// delivered before this step.
    pub(super) fn sync_devices(&mut self, were_up: (bool, bool), effects: &mut Vec<Effect>) {
        let actual = &mut self.actual;
        match (were_up.0, actual.camera.is_up()) {
            (true, false) => {
                actual.controls.forget();
                actual.still.closed();
            }
            (false, true) => {
                actual.controls.opened();
                actual.still.opened(self.now);
            }
            _ => {}
        }
        match (were_up.1, actual.mic.is_up()) {
            (true, false) => actual.mixer.forget(),
            (false, true) => actual.mixer.opened(),
            _ => {}
        }
        if actual.camera.is_up() {
            let due = actual.controls.due(&self.wanted.camera_controls);
            effects.extend(
                due.into_iter()
                    .map(|(control, value)| Effect::SetCameraControl { control, value }),
            );
        }
        if actual.mic.is_up() {
            let volume = actual.mixer.due_volume(self.wanted.mic_percent);
            effects.extend(volume.map(Effect::SetMicVolume));
            let switch = actual.mixer.due_switch(self.wanted.mic_on);
            effects.extend(switch.map(Effect::SetMicSwitch));
        }
    }

    pub(super) fn sync_slate(&mut self, effects: &mut Vec<Effect>) {
        if let Some(text) = health::slate_sentence(self)
            && text != self.actual.slate_text
        {
            self.actual.slate_text.clone_from(&text);
            effects.push(Effect::SlateText(text));
        }
    }

    pub(super) fn sync_destinations(&mut self, effects: &mut Vec<Effect>) {
        for setup in &self.setup.destinations {
            let wanted = self.wanted.live && self.destination_enabled(&setup.name) == Some(true);
            let Some(push) = self.actual.destinations.get_mut(&setup.name) else {
                continue;
            };
            if wanted && !push.open {
                push.opened();
                effects.push(Effect::OpenDestination(setup.name.clone()));
            } else if !wanted && push.open {
                *push = Push::default();
                effects.push(Effect::CloseDestination(setup.name.clone()));
            }
        }
        if !self.actual.any_live() {
            self.actual.advised = None;
        }
    }

    pub(super) fn sync_bitrate(&mut self, effects: &mut Vec<Effect>) {
        let target = bitrate::target(self);
        if target != self.actual.bitrate {
            self.actual.bitrate = target;
            effects.push(Effect::SetBitrate {
                rendition: Rendition::Main,
                bitrate: target,
            });
        }
    }
}
