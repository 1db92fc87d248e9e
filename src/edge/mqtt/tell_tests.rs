use serde_json::json;

use super::*;
use crate::device::event::DestinationState;
use crate::device::led::Trouble;
use crate::device::testing::Rig;

fn facts() -> Facts {
    Facts {
        version: "0.1.0".into(),
        started_at: Some(1_750_000_000),
    }
}

fn report(status: &Status, before: Option<&StatusReport>) -> StatusReport {
    StatusReport::of(status, &Wishes::of(status), &facts(), before)
}

#[test]
fn what_never_stands_still_is_not_in_the_status() {
    let status = Status::of(&Rig::up().state);
    let told = report(&status, None);
    let mut later = status.clone();
    later.generation += 9;
    later.uptime_s += 3600;
    later.flow.main += 100_000;
    later.drift_ppm = Some(4.2);
    later.destinations[0].figures.bps = 7;
    if let Some(sound) = &mut later.sound {
        sound.channels.clear();
    }
    assert_eq!(report(&later, Some(&told)), told);
    later.live = !later.live;
    assert_ne!(report(&later, Some(&told)), told);
}

#[test]
fn a_wait_that_counts_down_is_told_once() {
    let mut status = Status::of(&Rig::up().state);
    let waiting = |retry_ms| DestinationState::Waiting {
        reason: "no route".into(),
        retry_ms,
    };
    status.destinations[0].enabled = true;
    status.destinations[0].state = waiting(900);
    let told = report(&status, None);
    status.destinations[0].state = waiting(100);
    assert_eq!(report(&status, Some(&told)), told);
    let name = status.destinations[0].name.to_string();
    assert_eq!(
        json!(told.destinations[&name]),
        json!({"enabled": true, "state": "waiting", "reason": "no route"})
    );
}

#[test]
fn the_temperature_does_not_chatter_between_two_degrees() {
    let mut told = None;
    let mut changes = 0;
    // Around 54.5, as a sensor with noise says it.
    for n in 0..100 {
        let now = steady(Some(54.5 + if n % 2 == 0 { 0.2 } else { -0.2 }), told);
        changes += u32::from(now != told);
        told = now;
    }
    assert_eq!((changes, told), (1, Some(55)));
    assert_eq!(steady(Some(55.8), told), Some(56));
    assert_eq!(steady(Some(54.2), told), Some(54));
    assert_eq!(steady(None, told), None);
    assert_eq!(steady(Some(-3.4), None), Some(-3));
}

#[test]
fn the_light_has_one_word_for_each_pattern() {
    for (pattern, word) in [
        (LedPattern::SetUp, "set_up"),
        (LedPattern::Live, "live"),
        (LedPattern::Error(Trouble::Camera), "error_1"),
        (LedPattern::Error(Trouble::Heat), "error_5"),
    ] {
        assert_eq!(led(pattern), word);
    }
}

#[test]
fn without_desired_settings_the_version_is_nought() {
    let status = Status::of(&Rig::up().state);
    let reported = Reported::from(Wishes::of(&status));
    assert_eq!((reported.version, reported.trial), (0, false));
    let mut after = status;
    after.revision = 3;
    after.desired = Some(DesiredReport {
        version: 42,
        errors: vec![SettingError {
            path: "audio.gain_db".into(),
            code: "out_of_range".into(),
            message: "The gain 99 dB does not work.".into(),
        }],
        trial: true,
        rolled_back: None,
    });
    let reported = json!(Reported::from(Wishes::of(&after)));
    assert_eq!(
        (
            &reported["version"],
            &reported["revision"],
            &reported["trial"]
        ),
        (&json!(42), &json!(3), &json!(true))
    );
    assert_eq!(reported["errors"][0]["path"], "audio.gain_db");
}
