//! The rules of `step` for the devices of the box: plugging, controls, mixer, button, heat, a picture that stands still.

use std::time::Duration;

use super::command::Command;
use super::control::*;
use super::effect::Effect;
use super::event::*;
use super::health::{Severity, health};
use super::led::LedPattern;
use super::mishaps::{camera as lose_camera, camera_up, control};
use super::source::Source;
use super::state::*;
use super::status::Status;
use super::testing::{Rig, secs, setup};

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn press(rig: &mut Rig, gesture: Gesture) -> Vec<Effect> {
    let at = rig.state.now;
    rig.hardware(HardwareEvent::Button { gesture, at })
}

fn led(rig: &Rig) -> LedPattern {
    health(&rig.state).led
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
    assert_eq!(effects[0], Effect::Persist(rig.state.wanted.clone()));
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
