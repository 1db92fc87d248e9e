//! Commands carried out, and the effects by which the world follows what is wanted: the part of [`State`] that wishes.

use super::actual::{Push, Saved};
use super::bitrate;
use super::command::{Command, Origin};
use super::effect::Effect;
use super::event::Rendition;
use super::health;
use super::policy::{self, Decision};
use super::policy_destinations::Asked;
use super::state::{IDENTIFY_FOR, State, Wanted};
use super::update::{Install, UpdateStep};
use crate::config::{Destination, VideoSettings};

impl State {
    pub(super) fn command(&mut self, origin: Origin, command: Command, effects: &mut Vec<Effect>) {
        if !matches!(
            policy::decide(self, &command, origin),
            Decision::Accept | Decision::Keep(_)
        ) {
            return;
        }
        let before = self.wanted.clone();
        let mut after = Vec::new();
        match command {
            Command::DesiredApply { version, settings } => {
                self.apply_desired(origin, version, &settings, &mut after);
            }
            other => {
                self.wish(other, &mut after);
                if self.wanted.without_stage() != before.without_stage() {
                    // A person is in charge.
                    self.end_trial();
                    self.actual.watch.rolled_back_at = None;
                }
            }
        }
        self.save(&before, effects);
        effects.append(&mut after);
    }

    /// Saves what is wanted if it changed since `before`, ahead of everything else that is to be done.
    pub(super) fn save(&mut self, before: &Wanted, effects: &mut Vec<Effect>) {
        if self.wanted == *before {
            return;
        }
        self.wanted.revision = before.revision.saturating_add(1);
        self.actual.saved = Saved::Asked;
        effects.insert(0, Effect::Persist(self.wanted.clone()));
    }

    /// Carries out a command that was accepted; `after`: what is to be done beside what the `sync_*` find.
    pub(super) fn wish(&mut self, command: Command, after: &mut Vec<Effect>) {
        match command {
            Command::Identify => {
                self.actual.identify_until = Some(self.now.saturating_add(IDENTIFY_FOR));
                self.actual.address = None;
                after.push(Effect::Identify);
            }
            Command::FactoryReset => {
                self.actual.forgetting = true;
                self.end(Effect::FactoryReset, after);
            }
            Command::Restart => {
                self.actual.restarting = true;
                self.end(Effect::Restart, after);
            }
            Command::Reboot => {
                self.actual.restarting = true;
                self.end(Effect::Reboot, after);
            }
            Command::Shutdown => self.end(Effect::Shutdown, after),
            Command::UpdateInstall {
                source,
                force,
                downgrade,
            } => {
                let step = UpdateStep::Install(Install { source, downgrade });
                self.wish_update(step, force, after);
            }
            Command::UpdateRollback { force } => {
                let step = if self.actual.update.on_trial() {
                    let reason = "somebody asked for it".into();
                    UpdateStep::RollBack { reason }
                } else {
                    UpdateStep::UseOther
                };
                self.wish_update(step, force, after);
            }
            Command::DestinationSet { .. }
            | Command::DestinationRemove { .. }
            | Command::DestinationEnable { .. } => self.wish_destination(command),
            Command::CameraControl { .. }
            | Command::CameraControlReset { .. }
            | Command::MicVolume { .. }
            | Command::MicSwitch { .. } => self.wish_device(command),
            Command::AudioMute { .. } | Command::AudioGain { .. } | Command::AudioOffset { .. } => {
                self.wish_sound(&command, after);
            }
            Command::LiveStart
            | Command::LiveStop
            | Command::LiveSet { .. }
            | Command::ProfileSet { .. }
            | Command::BitrateSet { .. } => self.wish_stream(command),
            Command::SetupOpen { open } => self.wish_setup(open),
            other => self.wish_stage(other),
        }
    }

    fn end(&mut self, effect: Effect, after: &mut Vec<Effect>) {
        self.actual.ending = true;
        after.push(effect);
    }

    fn wish_stream(&mut self, command: Command) {
        match command {
            Command::LiveStart => self.wanted.live = true,
            Command::LiveStop => self.wanted.live = false,
            Command::LiveSet { live } => self.wanted.live = live,
            Command::ProfileSet {
                profile,
                bitrate,
                video,
            } => {
                if let Ok(video) = policy::profile_wish(self, profile, bitrate, video.as_ref()) {
                    self.wanted.video = Some(video);
                }
            }
            Command::BitrateSet { bitrate } => {
                self.wanted.video = Some(VideoSettings {
                    bitrate,
                    ..self.wanted_video().clone()
                });
            }
            _ => {}
        }
    }

    fn wish_sound(&mut self, command: &Command, after: &mut Vec<Effect>) {
        match *command {
            Command::AudioMute { muted } => {
                self.wanted.muted = muted;
                after.push(Effect::SetMute(muted));
            }
            Command::AudioGain { gain_db } => {
                self.wanted.gain_db = Some(gain_db);
                after.push(Effect::SetGain(gain_db));
            }
            Command::AudioOffset { offset_ms } => {
                self.wanted.offset_ms = Some(offset_ms);
                after.push(Effect::SetAudioOffset(offset_ms));
            }
            _ => {}
        }
    }

    /// The world is told by [`State::sync_destinations`].
    fn wish_destination(&mut self, command: Command) {
        match command {
            Command::DestinationSet {
                destination,
                url,
                key,
                enabled,
                max_bitrate,
            } => {
                let asked = Asked {
                    url: &url,
                    key: key.as_ref(),
                    enabled,
                    max_bitrate,
                };
                if let Some(added) = asked.added(self.wanted.added.get(&destination)) {
                    self.wanted.added.insert(destination, added);
                }
            }
            Command::DestinationRemove { destination } => {
                self.wanted.added.remove(&destination);
            }
            Command::DestinationEnable {
                destination,
                enabled,
            } => match self.wanted.added.get_mut(&destination) {
                Some(added) => added.enabled = enabled,
                None => drop(self.wanted.destinations.insert(destination, enabled)),
            },
            _ => {}
        }
    }

    /// The devices themselves are set by [`State::sync_devices`], now or when they come.
    fn wish_device(&mut self, command: Command) {
        match command {
            Command::CameraControl { control, value } => {
                self.actual.controls.wish(&control);
                self.wanted.camera_controls.insert(control, value);
            }
            Command::CameraControlReset { control } => {
                self.actual.controls.reset(control.as_ref());
                match control {
                    Some(control) => drop(self.wanted.camera_controls.remove(&control)),
                    None => self.wanted.camera_controls.clear(),
                }
            }
            Command::MicVolume { percent } => {
                self.actual.mixer.wish_volume();
                self.wanted.mic_percent = Some(percent);
            }
            Command::MicSwitch { on } => {
                self.actual.mixer.wish_switch();
                self.wanted.mic_on = Some(on);
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

    /// The world knows what was added and nothing that was removed, and pushes to what is switched on while the box is live.
    pub(super) fn sync_destinations(&mut self, effects: &mut Vec<Effect>) {
        let mut pushes = std::mem::take(&mut self.actual.destinations);
        pushes.retain(|name, push| {
            let there = self.destination_enabled(name).is_some();
            if !there && push.open {
                effects.push(Effect::CloseDestination(name.clone()));
            }
            if !there && push.told.is_some() {
                effects.push(Effect::ForgetDestination(name.clone()));
            }
            there
        });
        for (name, added) in &self.wanted.added {
            let push = pushes.entry(name.clone()).or_default();
            tell(push, added.destination(name), effects);
        }
        let live = self.wanted.live && !self.is_taking_up();
        for (name, push) in &mut pushes {
            let wanted = live && self.destination_enabled(name) == Some(true);
            if wanted && !push.open {
                push.opened();
                effects.push(Effect::OpenDestination(name.clone()));
            } else if !wanted && push.open {
                push.closed();
                effects.push(Effect::CloseDestination(name.clone()));
            }
        }
        self.actual.destinations = pushes;
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

/// Another address or key ends the push, which then begins anew; another ceiling does not.
fn tell(push: &mut Push, destination: Destination, effects: &mut Vec<Effect>) {
    if push.told.as_ref() == Some(&destination) {
        return;
    }
    let same_place = push.told.as_ref().is_some_and(|told| {
        Destination {
            max_bitrate: told.max_bitrate,
            ..destination.clone()
        } == *told
    });
    if push.open && !same_place {
        push.closed();
        effects.push(Effect::CloseDestination(destination.name.clone()));
    }
    effects.push(Effect::SetDestination(destination.clone()));
    push.told = Some(destination);
}
