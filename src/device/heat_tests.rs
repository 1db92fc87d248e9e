//! The rules of `step` for heat and supply.

use super::command::Command;
use super::effect::Effect;
use super::event::*;
use super::health::{Severity, health};
use super::led::{LedPattern, Trouble};
use super::status::Status;
use super::testing::{Rig, secs, setup, video};
use super::thermal::HeatLevel;
use crate::config::VideoSettings;

fn led(rig: &Rig) -> LedPattern {
    health(&rig.state).led
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
    let effects = rig.order(Command::video(video(2_000_000)));
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
    // And the camera that returns is not disturbed by the shape that the slate had.
    rig.encoder_up(Rendition::Main);
    rig.event(Event::Tick(secs(6)));
    rig.media(MediaEvent::CameraUp {
        description: "cam".into(),
    });
    // (The encoder that rests may be told of a bitrate.)
    let effects = rig.media(through());
    let opened = |e: &Effect| matches!(e, Effect::OpenEncoder { .. });
    assert!(!effects.iter().any(opened), "{effects:?}");
    assert!(rig.state.actual.passthrough);
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
