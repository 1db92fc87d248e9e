//! What the core makes of the devices of the box: plugging, controls, mixer, heat, supply, button.

use std::time::Duration;

use super::actual::{Pressed, clean};
use super::command::{Command, Origin};
use super::effect::Effect;
use super::event::{DeviceClass, Gesture, HardwareEvent};
use super::policy::{self, Decision};
use super::source::{Due, Source};
use super::state::{CONFIRM_FOR, State};
use super::still;

impl State {
    pub(super) fn hardware(&mut self, event: HardwareEvent, effects: &mut Vec<Effect>) {
        let now = self.now;
        let away = |s: &Source| matches!(s, Source::Off | Source::Lost { .. });
        let actual = &mut self.actual;
        match event {
            HardwareEvent::Plugged(class) => self.plugged(class, effects),
            // A late word of a device that is gone says nothing about the next one.
            HardwareEvent::CameraControls(infos) => {
                if !away(&actual.camera) {
                    actual.controls.learn(infos);
                }
            }
            HardwareEvent::CameraControlFailed { control, reason } => {
                actual.controls.refused(control, &reason);
            }
            HardwareEvent::MicMixer { percent, on } => {
                if !away(&actual.mic) {
                    actual.mixer.learn(percent, on);
                }
            }
            HardwareEvent::MicMixerFailed { reason } => {
                if !away(&actual.mic) {
                    actual.mixer.failed = Some(clean(&reason));
                }
            }
            HardwareEvent::Temperature(celsius) => {
                actual.heat.read(celsius, self.setup.heat, now);
            }
            HardwareEvent::Power(power) => actual.power = Some(power),
            HardwareEvent::Button { gesture, at } => self.button(gesture, at, effects),
            HardwareEvent::LedFault(fault) => actual.led_fault = fault.as_deref().map(clean),
            HardwareEvent::ButtonFault(fault) => actual.button_fault = fault.as_deref().map(clean),
            HardwareEvent::Address(address) => {
                if actual.identify_until.is_some() {
                    actual.address = Some(clean(&address));
                }
            }
        }
    }

    fn plugged(&mut self, class: DeviceClass, effects: &mut Vec<Effect>) {
        let (source, open) = match class {
            DeviceClass::Camera => (&mut self.actual.camera, Effect::OpenCamera),
            DeviceClass::Sound => (&mut self.actual.mic, Effect::OpenMic),
        };
        if source.plugged(self.now) == Due::Open {
            effects.push(open);
        }
    }

    /// The camera sends the same picture again and again, or no longer.
    pub(super) fn camera_still(&mut self, still: bool, effects: &mut Vec<Effect>) {
        let now = self.now;
        if !self.actual.camera.is_up() || !self.actual.still.report(still, now) {
            return;
        }
        self.end_passthrough();
        if self.actual.camera.restart(still::REASON.into(), now) == Due::Open {
            effects.push(Effect::OpenCamera);
        }
    }

    /// A press is a command like all others. Holding for 3 s also opens the set-up, holding for 10 s asks for a factory reset; only a short press within
    /// [`CONFIRM_FOR`] brings it about, anything else forgets it.
    fn button(&mut self, gesture: Gesture, at: Duration, effects: &mut Vec<Effect>) {
        let asked = self.actual.confirm_until.take().is_some();
        let command = match gesture {
            Gesture::Short if asked => Some(Command::FactoryReset),
            Gesture::Short if self.wanted.live => Some(Command::LiveStop),
            Gesture::Short => Some(Command::LiveStart),
            Gesture::Long => Some(Command::Identify),
            Gesture::VeryLong => None,
        };
        if gesture == Gesture::Long {
            self.open_setup();
        }
        let answer = command.and_then(|command| {
            let decision = policy::decide(self, &command, Origin::Button);
            self.command(Origin::Button, command, effects);
            match decision {
                Decision::Accept => None,
                Decision::Keep(text) | Decision::Ignore(text) => Some(text),
                Decision::Deny(denial) => Some(denial.message),
            }
        });
        if gesture == Gesture::VeryLong && !self.actual.ending {
            self.actual.identify_until = None;
            self.actual.address = None;
            self.actual.confirm_until = Some(self.now.saturating_add(CONFIRM_FOR));
        }
        self.actual.pressed = Some(Pressed {
            gesture,
            at,
            answer,
        });
    }

    /// Time went on for what waits here.
    pub(super) fn tick_hardware(&mut self) {
        let now = self.now;
        let actual = &mut self.actual;
        let over = |until: &Option<Duration>| until.is_some_and(|t| now >= t);
        if over(&actual.identify_until) {
            actual.identify_until = None;
            actual.address = None;
        }
        if over(&actual.confirm_until) {
            actual.confirm_until = None;
        }
        actual.heat.tick(now);
        if actual.camera.is_up() {
            actual.still.tick(now);
        }
    }
}
