//! The rules of `step` for the controls of the camera and the mixer of the sound card.

use super::command::{Command, Origin};
use super::control::*;
use super::effect::Effect;
use super::event::*;
use super::health::Severity;
use super::mishaps::{camera as lose_camera, camera_up, control};
use super::policy::{Decision, DenialCode, decide};
use super::status::Status;
use super::testing::{Rig, secs};

fn number(name: &str, value: i64) -> ControlInfo {
    ControlInfo {
        control: control(name),
        label: name.into(),
        kind: ControlKind::Number {
            min: 0,
            max: 255,
            step: 1,
        },
        default: 128,
        value: Some(value),
        writable: true,
        active: true,
    }
}

fn wish(name: &str, value: i64) -> Command {
    Command::CameraControl {
        control: control(name),
        value: ControlValue::Number(value),
    }
}

fn set(name: &str, value: i64) -> Effect {
    Effect::SetCameraControl {
        control: control(name),
        value,
    }
}

fn controls(rig: &mut Rig, infos: &[ControlInfo]) -> Vec<Effect> {
    rig.hardware(HardwareEvent::CameraControls(infos.to_vec()))
}

#[test]
fn a_control_is_saved_set_and_set_again_when_the_camera_returns() {
    let mut rig = Rig::up();
    controls(&mut rig, &[number("brightness", 128), number("zoom", 0)]);
    let effects = rig.order(wish("brightness", 200));
    let wanted = rig.state.wanted.clone();
    assert_eq!(
        wanted.camera_controls[&control("brightness")],
        ControlValue::Number(200)
    );
    assert_eq!(effects, [Effect::Persist(wanted), set("brightness", 200)]);
    assert!(controls(&mut rig, &[number("brightness", 200)]).is_empty());
    lose_camera(&mut rig);
    assert!(rig.state.actual.controls.infos.is_empty());
    let late = controls(&mut rig, &[number("brightness", 128)]);
    assert!(late.is_empty(), "a late word of the camera that is gone");
    rig.tick_to(secs(1));
    camera_up(&mut rig);
    assert_eq!(
        controls(&mut rig, &[number("brightness", 128)]),
        [set("brightness", 200)]
    );
    // Words that come while it is being opened count when it is open.
    lose_camera(&mut rig);
    rig.tick_to(secs(2));
    assert!(controls(&mut rig, &[number("brightness", 128)]).is_empty());
    assert_eq!(camera_up(&mut rig), [set("brightness", 200)]);
}

#[test]
fn a_wish_for_a_camera_that_is_away_is_kept_and_said() {
    let mut rig = Rig::up();
    lose_camera(&mut rig);
    let order = wish("brightness", 7);
    let decision = decide(&rig.state, &order, Origin::Web);
    assert!(matches!(decision, Decision::Keep(s) if s.contains("when the camera comes")));
    let effects = rig.order(order.clone());
    assert!(matches!(effects[..], [Effect::Persist(_)]));
    assert!(matches!(
        decide(&rig.state, &order, Origin::Web),
        Decision::Ignore(_)
    ));
    let kept = Status::of(&rig.state).kept_controls;
    assert_eq!(kept[0].note, "the controls of the camera are not known now");
    rig.tick_to(secs(1));
    camera_up(&mut rig);
    assert!(controls(&mut rig, &[number("contrast", 1)]).is_empty());
    let status = Status::of(&rig.state);
    assert_eq!(
        status.kept_controls[0].note,
        "the camera has no such control"
    );
    assert_eq!(status.controls[0].wanted, None);
    assert_eq!(
        controls(&mut rig, &[number("brightness", 1)]),
        [set("brightness", 7)]
    );
    assert!(Status::of(&rig.state).kept_controls.is_empty());
}

#[test]
fn a_reset_gives_the_default_back_and_forgets() {
    let mut rig = Rig::up();
    controls(&mut rig, &[number("brightness", 9), number("zoom", 4)]);
    rig.order(wish("brightness", 10));
    let reset = Command::CameraControlReset {
        control: Some(control("brightness")),
    };
    let effects = rig.order(reset.clone());
    assert!(rig.state.wanted.camera_controls.is_empty());
    assert_eq!(effects[1..], [set("brightness", 128)]);
    controls(&mut rig, &[number("brightness", 128), number("zoom", 4)]);
    assert!(matches!(
        decide(&rig.state, &reset, Origin::Web),
        Decision::Ignore(_)
    ));
    let all = Command::CameraControlReset { control: None };
    assert_eq!(rig.order(all.clone()), [set("zoom", 128)]);
    controls(&mut rig, &[number("brightness", 128), number("zoom", 128)]);
    assert!(matches!(
        decide(&rig.state, &all, Origin::Web),
        Decision::Ignore(_)
    ));
}

#[test]
fn what_a_camera_refuses_is_said_beside_the_control() {
    let mut rig = Rig::up();
    controls(&mut rig, &[number("brightness", 9), number("zoom", 4)]);
    rig.order(wish("brightness", 10));
    rig.hardware(HardwareEvent::CameraControlFailed {
        control: control("brightness"),
        reason: "Input/output error".into(),
    });
    let status = Status::of(&rig.state).controls;
    assert_eq!(status[0].note.as_deref(), Some("Input/output error"));
    assert_eq!(status[0].wanted, Some(ControlValue::Number(10)));
    assert_eq!(status[1].note, None);
    assert_eq!(rig.health().0, Severity::Ok);
    let smaller = ControlInfo {
        kind: ControlKind::Number {
            min: 0,
            max: 5,
            step: 1,
        },
        ..number("brightness", 3)
    };
    assert!(controls(&mut rig, &[smaller]).is_empty(), "another camera");
    let note = Status::of(&rig.state).controls[0].note.clone().unwrap();
    assert!(note.contains("from 0 to 5"), "{note}");
}

#[test]
fn the_mixer_is_set_like_the_controls() {
    let mut rig = Rig::up();
    let says = |percent, on| HardwareEvent::MicMixer { percent, on };
    let order = Command::MicVolume { percent: 50 };
    assert!(matches!(
        decide(&rig.state, &order, Origin::Web),
        Decision::Keep(_)
    ));
    assert!(matches!(rig.order(order.clone())[..], [Effect::Persist(_)]));
    let effects = rig.hardware(says(Some(20), Some(true)));
    assert_eq!(effects, [Effect::SetMicVolume(50)]);
    assert!(
        rig.hardware(says(Some(47), Some(true))).is_empty(),
        "rounded"
    );
    let effects = rig.order(Command::MicSwitch { on: false });
    assert_eq!(effects[1..], [Effect::SetMicSwitch(false)]);
    rig.hardware(HardwareEvent::MicMixerFailed {
        reason: "Device busy".into(),
    });
    let mixer = Status::of(&rig.state).mixer.unwrap();
    assert_eq!((mixer.percent, mixer.wanted_percent), (Some(47), Some(50)));
    assert_eq!((mixer.on, mixer.wanted_on), (Some(true), Some(false)));
    assert_eq!(mixer.note.as_deref(), Some("Device busy"));
    rig.media(MediaEvent::MicLost {
        reason: "unplugged".into(),
    });
    assert_eq!(Status::of(&rig.state).mixer.unwrap().percent, None);
    assert!(rig.hardware(says(Some(9), None)).is_empty());
    rig.tick_to(secs(1));
    rig.media(MediaEvent::MicUp {
        description: "card".into(),
    });
    let effects = rig.hardware(says(Some(9), None));
    assert_eq!(effects, [Effect::SetMicVolume(50)], "it has no switch");
    let denied = decide(&rig.state, &Command::MicSwitch { on: true }, Origin::Web);
    assert!(matches!(denied, Decision::Deny(d) if d.code == DenialCode::Unsupported));
}
