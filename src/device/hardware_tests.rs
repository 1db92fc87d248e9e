//! The rules of `step` for the devices of the box: plugging, controls, mixer, button, heat, a picture that stands still.

use std::time::Duration;

use super::command::{Command, Origin};
use super::control::*;
use super::effect::Effect;
use super::event::*;
use super::health::{Severity, health};
use super::led::{LedPattern, Trouble};
use super::policy::{Decision, DenialCode, decide};
use super::source::Source;
use super::state::*;
use super::status::Status;
use super::testing::{Rig, secs, setup, video};
use super::thermal::HeatLevel;
use crate::config::VideoSettings;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn control(s: &str) -> ControlName {
    ControlName::new(s).unwrap()
}

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

fn lose_camera(rig: &mut Rig) {
    rig.media(MediaEvent::CameraLost {
        reason: "Camera was unplugged".into(),
    });
}

fn camera_up(rig: &mut Rig) -> Vec<Effect> {
    rig.media(MediaEvent::CameraUp {
        description: "cam".into(),
    })
}

fn controls(rig: &mut Rig, infos: &[ControlInfo]) -> Vec<Effect> {
    rig.hardware(HardwareEvent::CameraControls(infos.to_vec()))
}

fn press(rig: &mut Rig, gesture: Gesture) -> Vec<Effect> {
    let at = rig.state.now;
    rig.hardware(HardwareEvent::Button { gesture, at })
}

fn led(rig: &Rig) -> LedPattern {
    health(&rig.state).led
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

#[test]
fn plugging_opens_what_is_lost_at_once_and_nothing_else() {
    let mut rig = Rig::up();
    let camera = || HardwareEvent::Plugged(DeviceClass::Camera);
    let sound = || HardwareEvent::Plugged(DeviceClass::Sound);
    assert!(rig.hardware(camera()).is_empty(), "it delivers");
    rig.run_to(secs(20));
    lose_camera(&mut rig);
    rig.run_to(secs(30));
    lose_camera(&mut rig);
    rig.event(Event::Tick(ms(30_250)));
    assert!(rig.hardware(sound()).is_empty());
    assert_eq!(rig.hardware(camera()), [Effect::OpenCamera]);
    assert!(rig.hardware(camera()).is_empty(), "it is being opened");
    // The node is there, the device is not ready: soon again, twice.
    let mut opened = Vec::new();
    lose_camera(&mut rig);
    for n in 1..=240u64 {
        rig.flow();
        for effect in rig.event(Event::Tick(ms(30_250 + 50 * n))) {
            assert_eq!(effect, Effect::OpenCamera);
            opened.push(50 * n);
            lose_camera(&mut rig);
        }
    }
    assert_eq!(opened, [300, 1300, 2300, 4300, 8300]);
    let mut plan = setup();
    plan.audio = false;
    let (mut rig, _) = Rig::new(plan, false);
    assert!(rig.hardware(sound()).is_empty(), "there is no sound track");
}

#[test]
fn a_camera_that_hangs_is_restarted_once_and_reported() {
    let mut rig = Rig::up();
    rig.run_to(secs(8));
    let effects = rig.media(MediaEvent::CameraStill(true));
    assert_eq!(effects[0], Effect::OpenCamera);
    assert!(matches!(rig.state.actual.camera, Source::Opening { .. }));
    let (severity, sentence) = rig.health();
    assert_eq!(severity, Severity::Problem);
    assert!(sentence.contains("the same picture for 8 s"), "{sentence}");
    assert!(rig.media(MediaEvent::CameraStill(true)).is_empty(), "late");
    camera_up(&mut rig);
    assert_eq!(rig.health().0, Severity::Ok);
    rig.run_to(secs(17));
    // A slide: said, left alone.
    assert!(rig.media(MediaEvent::CameraStill(true)).is_empty());
    let (severity, sentence) = rig.health();
    assert_eq!(severity, Severity::Notice);
    assert!(sentence.contains("does not move"), "{sentence}");
    let hardware = Status::of(&rig.state).hardware;
    assert_eq!((hardware.camera_restarts, hardware.camera_still), (1, true));
    assert_eq!(hardware.camera_restart.unwrap().at_s, 8);
    rig.media(MediaEvent::CameraStill(false));
    assert_eq!(rig.health().0, Severity::Ok);
    rig.run_to(secs(78));
    let effects = rig.media(MediaEvent::CameraStill(true));
    assert_eq!(effects[0], Effect::OpenCamera);
    assert_eq!(Status::of(&rig.state).hardware.camera_restarts, 2);
}

#[test]
fn a_short_press_goes_live_and_ends() {
    let mut rig = Rig::up();
    let effects = press(&mut rig, Gesture::Short);
    assert_eq!(effects[0], Effect::Persist(Wanted::new(true)));
    assert_eq!(effects.len(), 3, "{effects:?}");
    rig.run_to(secs(3));
    press(&mut rig, Gesture::Short);
    assert!(!rig.state.wanted.live);
    let button = Status::of(&rig.state).hardware.button.unwrap();
    assert_eq!(
        (button.gesture, button.at_ms, button.answer),
        (Gesture::Short, 3000, None)
    );
    let mut plan = setup();
    plan.destinations.clear();
    let (mut rig, _) = Rig::new(plan, false);
    rig.all_up();
    press(&mut rig, Gesture::Short);
    assert_eq!(
        rig.health().1,
        "Live, but no destination is enabled. Enable one, or watch over RTSP."
    );
    rig.order(Command::Shutdown);
    assert!(press(&mut rig, Gesture::Short).is_empty());
    let button = Status::of(&rig.state).hardware.button.unwrap();
    assert!(button.answer.unwrap().contains("shutting down"));
}

#[test]
fn a_long_press_blinks_for_five_seconds_and_says_the_address() {
    let mut rig = Rig::up();
    rig.hardware(HardwareEvent::Address("192.0.2.7".into()));
    assert_eq!(rig.health().1, "Ready. Not live.", "nobody asked");
    assert_eq!(press(&mut rig, Gesture::Long), [Effect::Identify]);
    rig.hardware(HardwareEvent::Address("shop.local, 192.0.2.7".into()));
    assert_eq!(
        rig.health().1,
        "Here I am: shop.local, 192.0.2.7. Ready. Not live."
    );
    rig.run_to(ms(4999));
    assert_eq!(led(&rig), LedPattern::Identify);
    rig.run_to(secs(5));
    assert_eq!(led(&rig), LedPattern::Ready);
    assert_eq!(rig.health().1, "Ready. Not live.");
}

#[test]
fn a_factory_reset_by_button_needs_a_second_press() {
    let mut rig = Rig::up();
    assert!(press(&mut rig, Gesture::VeryLong).is_empty());
    assert_eq!(led(&rig), LedPattern::Confirm);
    assert!(rig.health().1.contains("within 10 s"), "{:?}", rig.health());
    assert_eq!(
        Status::of(&rig.state).hardware.confirm_until_ms,
        Some(10_000)
    );
    rig.run_to(ms(9999));
    assert_eq!(press(&mut rig, Gesture::Short), [Effect::FactoryReset]);
    assert_eq!(rig.health().1, "Forgetting everything, then starting anew.");
    assert!(rig.tick_to(secs(60)).is_empty());
    assert!(press(&mut rig, Gesture::Short).is_empty());
}

#[test]
fn an_unconfirmed_factory_reset_is_forgotten() {
    let mut rig = Rig::up();
    press(&mut rig, Gesture::VeryLong);
    rig.run_to(secs(10));
    assert_eq!(led(&rig), LedPattern::Ready);
    press(&mut rig, Gesture::Short);
    assert!(
        rig.state.wanted.live && !rig.state.actual.ending,
        "an ordinary press"
    );
    press(&mut rig, Gesture::VeryLong);
    press(&mut rig, Gesture::Long);
    press(&mut rig, Gesture::Short);
    assert!(
        !rig.state.wanted.live && !rig.state.actual.ending,
        "forgotten by a long press"
    );
}

fn heat(rig: &mut Rig, celsius: f32, seconds: u64) -> Vec<Effect> {
    let end = rig.state.now + secs(seconds);
    let mut effects = Vec::new();
    while rig.state.now < end {
        effects.extend(rig.hardware(HardwareEvent::Temperature(celsius)));
        rig.encoder_up(Rendition::Main);
        let next = rig.state.now + secs(1);
        effects.extend(rig.run_to(next));
    }
    effects
}

fn opens(width: u32, height: u32, bitrate: u32) -> Effect {
    Effect::OpenEncoder {
        rendition: Rendition::Main,
        index: 0,
        video: VideoSettings {
            width,
            height,
            ..video(bitrate)
        },
    }
}

fn full_hd() -> Rig {
    let mut plan = setup();
    plan.main = VideoSettings {
        width: 1920,
        height: 1080,
        ..video(4_500_000)
    };
    let (mut rig, _) = Rig::new(plan, false);
    rig.all_up();
    rig
}

#[test]
fn heat_makes_the_picture_smaller_and_wishes_stay() {
    let mut rig = full_hd();
    let wanted = rig.state.wanted.clone();
    assert!(heat(&mut rig, 79.0, 5).is_empty());
    assert_eq!(heat(&mut rig, 80.0, 5), [opens(1280, 720, 2_500_000)]);
    let (severity, sentence) = rig.health();
    assert_eq!(severity, Severity::Warning);
    assert!(sentence.contains("smaller than wanted"), "{sentence}");
    assert_eq!(led(&rig), LedPattern::Ready, "not live, no error yet");
    assert_eq!(heat(&mut rig, 86.0, 5), [opens(854, 480, 1_200_000)]);
    assert_eq!(led(&rig), LedPattern::Error(Trouble::Heat));
    assert_eq!(rig.health().0, Severity::Problem);
    assert!(heat(&mut rig, 84.0, 5).is_empty());
    assert_eq!(rig.health().0, Severity::Warning);
    let status = Status::of(&rig.state);
    assert_eq!(status.hardware.heat, HeatLevel::Lowest);
    assert_eq!(status.hardware.temperature_c, Some(84.0));
    assert_eq!(
        (status.bitrate.now, status.bitrate.wanted),
        (1_200_000, 4_500_000)
    );
    assert_eq!(status.encoders[0].video.height, 480);
    let back = heat(&mut rig, 60.0, 130);
    assert_eq!(
        back,
        [opens(1280, 720, 2_500_000), opens(1920, 1080, 4_500_000)]
    );
    assert_eq!(rig.health().0, Severity::Ok);
    assert_eq!(rig.state.wanted, wanted);
}

#[test]
fn a_wish_while_it_is_hot_waits_for_the_cold() {
    let mut rig = full_hd();
    heat(&mut rig, 90.0, 2);
    let effects = rig.order(Command::ProfileSet {
        video: video(2_000_000),
    });
    assert!(matches!(effects[..], [Effect::Persist(_)]), "{effects:?}");
    assert_eq!(
        heat(&mut rig, 50.0, 200),
        [opens(1280, 720, 2_000_000)],
        "both steps in one shape: the last one changes it"
    );
}

#[test]
fn heat_leaves_a_passed_through_stream_alone() {
    let mut plan = setup();
    plan.passthrough = true;
    let (mut rig, _) = Rig::new(plan, false);
    rig.all_up();
    let through = || MediaEvent::EncoderUp {
        rendition: Rendition::Main,
        encoder: "passthrough".into(),
    };
    rig.media(through());
    for _ in 0..5 {
        assert!(rig.hardware(HardwareEvent::Temperature(90.0)).is_empty());
        assert!(rig.flow().is_empty());
        let next = rig.state.now + secs(1);
        assert!(rig.event(Event::Tick(next)).is_empty());
    }
    assert_eq!(rig.state.video(), setup().main);
    // Once the slate must be encoded, it is so in the smaller shape.
    let effects = rig.media(MediaEvent::CameraLost {
        reason: "gone".into(),
    });
    assert!(effects.contains(&opens(854, 480, 1_200_000)), "{effects:?}");
}

#[test]
fn a_weak_supply_and_a_slowed_processor_are_said() {
    let mut rig = Rig::up();
    rig.hardware(HardwareEvent::Power(PowerState {
        under_voltage: true,
        throttled: true,
        under_voltage_before: true,
    }));
    assert_eq!(rig.health().0, Severity::Problem);
    assert_eq!(led(&rig), LedPattern::Error(Trouble::Heat));
    rig.hardware(HardwareEvent::Power(PowerState {
        throttled: true,
        ..PowerState::default()
    }));
    assert_eq!(rig.health().0, Severity::Warning);
    let before = PowerState {
        under_voltage_before: true,
        ..PowerState::default()
    };
    rig.hardware(HardwareEvent::Power(before));
    assert_eq!(rig.health().0, Severity::Ok);
    assert_eq!(Status::of(&rig.state).hardware.power, Some(before));
}

#[test]
fn faults_of_light_and_button_are_a_notice() {
    let mut rig = Rig::up();
    rig.hardware(HardwareEvent::LedFault(Some("line 17 is busy.".into())));
    rig.hardware(HardwareEvent::ButtonFault(Some("no such chip".into())));
    assert_eq!(
        rig.health(),
        (
            Severity::Notice,
            "Ready. Not live; the LED does not work: line 17 is busy.".into()
        )
    );
    let notes = Status::of(&rig.state).hardware.notes;
    let parts: Vec<&str> = notes.iter().map(|n| n.part).collect();
    assert_eq!(parts, ["led", "button"]);
    rig.hardware(HardwareEvent::LedFault(None));
    rig.hardware(HardwareEvent::ButtonFault(None));
    assert_eq!(rig.health().0, Severity::Ok);
}

#[test]
fn an_old_file_of_wishes_still_loads() {
    let old = r#"{"live":true,"muted":false,"gain_db":null,"offset_ms":null,"video":null,"destinations":{}}"#;
    let wanted: Wanted = serde_json::from_str(old).unwrap();
    assert_eq!(wanted, Wanted::new(true));
    let mut wanted = Wanted::new(false);
    wanted.mic_percent = Some(40);
    wanted.mic_on = Some(true);
    let choice = ControlValue::Choice("50 Hz".into());
    wanted
        .camera_controls
        .insert(control("power_line_frequency"), choice);
    let text = serde_json::to_string(&wanted).unwrap();
    assert_eq!(serde_json::from_str::<Wanted>(&text).unwrap(), wanted);
}
