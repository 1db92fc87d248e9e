//! The devices of the box in the random sequences of `properties.rs`: what happens to them, and what must hold.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::command::{Command, Origin};
use super::control::*;
use super::effect::Effect;
use super::encoder::{self, Session};
use super::event::*;
use super::policy::MAX_WANTED_CONTROLS;
use super::source::{self, Source};
use super::state::*;
use super::status::Status;
use super::testing::Rig;
use super::thermal::HeatLevel;
use crate::config::VideoSettings;

const NAMES: [&str; 4] = ["auto", "exposure", "zoom", "tilt"];

fn name() -> impl Strategy<Value = ControlName> {
    prop::sample::select(NAMES.to_vec()).prop_map(|n| ControlName::new(n).unwrap())
}

fn value() -> impl Strategy<Value = ControlValue> {
    prop_oneof![
        (-5i64..130).prop_map(ControlValue::Number),
        any::<bool>().prop_map(ControlValue::Switch),
        ".{0,70}".prop_map(ControlValue::Choice),
    ]
}

pub(super) fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        4 => (name(), value()).prop_map(|(control, value)| Command::CameraControl { control, value }),
        2 => prop::option::of(name()).prop_map(|control| Command::CameraControlReset { control }),
        1 => any::<u8>().prop_map(|percent| Command::MicVolume { percent }),
        1 => any::<bool>().prop_map(|on| Command::MicSwitch { on }),
    ]
}

fn info() -> impl Strategy<Value = ControlInfo> {
    let number =
        (0i64..120, 1u64..9).prop_map(|(max, step)| ControlKind::Number { min: 0, max, step });
    let kind = prop_oneof![
        2 => number,
        1 => Just(ControlKind::Switch),
        1 => Just(ControlKind::Menu { choices: vec![(0, "off".into()), (2, "50 Hz".into())] }),
    ];
    (
        name(),
        kind,
        prop::option::of(0i64..120),
        any::<[bool; 2]>(),
    )
        .prop_map(|(control, kind, value, [writable, active])| ControlInfo {
            label: control.to_string(),
            control,
            kind,
            default: 0,
            value,
            writable,
            active,
        })
}

pub(super) fn hardware() -> impl Strategy<Value = HardwareEvent> {
    let class = prop::sample::select(vec![DeviceClass::Camera, DeviceClass::Sound]);
    let gesture = prop::sample::select(vec![Gesture::Short, Gesture::Long, Gesture::VeryLong]);
    let text = ".{0,20}";
    prop_oneof![
        3 => class.prop_map(HardwareEvent::Plugged),
        4 => vec(info(), 0..5).prop_map(HardwareEvent::CameraControls),
        1 => (name(), text)
            .prop_map(|(control, reason)| HardwareEvent::CameraControlFailed { control, reason }),
        2 => (any::<Option<u8>>(), any::<Option<bool>>())
            .prop_map(|(percent, on)| HardwareEvent::MicMixer { percent, on }),
        1 => text.prop_map(|reason| HardwareEvent::MicMixerFailed { reason }),
        3 => prop_oneof![60f32..95.0, any::<f32>()].prop_map(HardwareEvent::Temperature),
        1 => any::<[bool; 3]>().prop_map(|[under_voltage, throttled, under_voltage_before]| {
            HardwareEvent::Power(PowerState { under_voltage, throttled, under_voltage_before })
        }),
        2 => (gesture, 0u64..100_000).prop_map(|(gesture, ms)| HardwareEvent::Button {
            gesture,
            at: Duration::from_millis(ms),
        }),
        1 => prop::option::of(text).prop_map(HardwareEvent::LedFault),
        1 => prop::option::of(text).prop_map(HardwareEvent::ButtonFault),
        1 => text.prop_map(HardwareEvent::Address),
    ]
}

/// The order that an event stands for: a press of the button stands for one, too.
pub(super) fn command_of(before: &State, event: &Event) -> Option<(Origin, Command)> {
    match event {
        Event::Command { origin, command } => Some((*origin, command.clone())),
        Event::Hardware(HardwareEvent::Button { gesture, .. }) => {
            let confirmed = before.actual.confirm_until.is_some();
            let command = match gesture {
                Gesture::Short if confirmed => Command::FactoryReset,
                Gesture::Short if before.wanted.live => Command::LiveStop,
                Gesture::Short => Command::LiveStart,
                Gesture::Long => Command::Identify,
                Gesture::VeryLong => return None,
            };
            Some((Origin::Button, command))
        }
        _ => None,
    }
}

/// Whether the main encoder was asked for another shape of picture than before.
pub(super) fn other_shape(before: &State, effects: &[Effect]) -> bool {
    let asked = before.actual.asked_video.as_ref();
    effects.iter().any(|effect| match effect {
        Effect::OpenEncoder {
            rendition: Rendition::Main,
            video,
            ..
        } => asked.is_some_and(|asked| {
            *asked
                != VideoSettings {
                    bitrate: asked.bitrate,
                    ..video.clone()
                }
        }),
        _ => false,
    })
}

pub(super) fn check(before: &State, event: &Event, after: &State, effects: &[Effect]) {
    let left =
        |until: Option<Duration>| until.map_or(Duration::ZERO, |t| t.saturating_sub(after.now));
    assert!(left(after.actual.identify_until) <= IDENTIFY_FOR);
    assert!(left(after.actual.confirm_until) <= CONFIRM_FOR);
    assert!(after.wanted.camera_controls.len() <= MAX_WANTED_CONTROLS);
    check_waits(after);
    check_sets(before, event, after, effects);
    check_heat(before, event, after);
    if effects.contains(&Effect::FactoryReset) {
        assert!(before.actual.confirm_until.is_some_and(|t| t > before.now));
        assert_eq!(effects, [Effect::FactoryReset], "nothing is saved any more");
    }
    if !before.actual.ending && matches!(event, Event::Hardware(HardwareEvent::Button { .. })) {
        assert!(
            Status::of(after).hardware.button.is_some(),
            "every press is told"
        );
    }
}

/// No wait is longer than promised.
fn check_waits(state: &State) {
    let left = |at: Duration| at.saturating_sub(state.now);
    for s in [&state.actual.camera, &state.actual.mic] {
        match s {
            Source::Lost { retry_at, .. } => assert!(left(*retry_at) <= source::RETRY_CAP),
            Source::Opening { asked_at, .. } => assert!(*asked_at <= state.now),
            _ => {}
        }
    }
    for e in std::iter::once(&state.actual.main).chain(&state.actual.sub) {
        if let Session::Waiting { retry_at } = e.session {
            assert!(left(retry_at) <= encoder::WAIT_CAP);
        }
    }
}

/// Devices are set only when somebody wishes it or they said something new; each value once in a step, and only one that
/// the open device takes.
fn check_sets(before: &State, event: &Event, after: &State, effects: &[Effect]) {
    let mut set = BTreeSet::new();
    for effect in effects {
        match effect {
            Effect::SetCameraControl { control, value } => {
                assert!(set.insert(control.clone()), "{control} set twice");
                assert!(after.actual.camera.is_up());
                let info = after.actual.controls.find(control).unwrap();
                assert!(info.writable && info.value != Some(*value));
                let fits = check_value(info, *value);
                assert!(fits || *value == info.default, "{info:?} set to {value}");
            }
            Effect::SetMicVolume(percent) => {
                assert!(after.actual.mic.is_up() && *percent <= 100);
                assert!(after.actual.mixer.percent.is_some());
            }
            Effect::SetMicSwitch(_) => {
                assert!(after.actual.mic.is_up() && after.actual.mixer.on.is_some());
            }
            _ => continue,
        }
        assert!(
            matches!(
                event,
                Event::Command { .. }
                    | Event::Hardware(
                        HardwareEvent::CameraControls(_) | HardwareEvent::MicMixer { .. }
                    )
                    | Event::Media(MediaEvent::CameraUp { .. } | MediaEvent::MicUp { .. })
            ) || super::properties_remote::trial_ended(before, event, after),
            "{effect:?} by {event:?}"
        );
    }
}

fn check_value(info: &ControlInfo, value: i64) -> bool {
    super::control::check(info, &ControlValue::Number(value)).is_ok()
}

fn check_heat(before: &State, event: &Event, after: &State) {
    let (was, is) = (before.actual.heat.level, after.actual.heat.level);
    if was != is {
        let Event::Hardware(HardwareEvent::Temperature(celsius)) = event else {
            panic!("{event:?} changed {was:?} to {is:?}");
        };
        assert_eq!(is > was, *celsius >= 80.0);
    }
    let (video, wanted) = (after.video(), after.wanted_video());
    assert!(video.bitrate <= wanted.bitrate && video.fps <= wanted.fps);
    assert!(video.width <= wanted.width && video.height <= wanted.height);
    if is == HeatLevel::Normal {
        assert_eq!(video, *wanted);
    }
}

/// Cool, a strong supply, and nothing broken.
pub(super) fn calm(rig: &mut Rig) {
    rig.hardware(HardwareEvent::Temperature(40.0));
    rig.hardware(HardwareEvent::Power(PowerState::default()));
    rig.hardware(HardwareEvent::LedFault(None));
    rig.hardware(HardwareEvent::ButtonFault(None));
}
