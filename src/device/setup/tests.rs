//! Set-up from code to confirmation.

use std::time::Duration;

use super::*;
use crate::config::Secret;
use crate::device::command::Command;
use crate::device::effect::Effect;
use crate::device::event::{Event, Gesture, HardwareEvent, MediaEvent};
use crate::device::health::{Severity, health, slate_sentence};
use crate::device::led::{LedPattern, Trouble};
use crate::device::policy::{Decision, decide};
use crate::device::state::{Setup, State, Wanted};
use crate::device::testing::{Rig, name, secs, setup};

pub(super) const WIFI: &str = "WIFI:T:WPA;S:Shop;P:correct horse;;";
pub(super) const LIVE: &str = "BOOTHCAST:V:1;U:rtmp://10.0.0.5/live;K:canary-k;C:token-one;;";
pub(super) const NAMED: &str =
    "BOOTHCAST:V:1;N:Hall 2;U:rtmp://10.0.0.5/live;K:canary-k;C:token-one;;";

pub(super) fn plan() -> Setup {
    Setup {
        first_run: true,
        destinations: Vec::new(),
        ..setup()
    }
}

/// A new box, up and not live.
fn fresh() -> Rig {
    let (mut rig, _) = Rig::new(plan(), false);
    rig.all_up();
    rig
}

pub(super) fn show(rig: &mut Rig, text: &str) -> Vec<Effect> {
    rig.event(Event::Setup(SetupEvent::Seen {
        way: Way::Camera,
        code: text.parse().unwrap(),
    }))
}

fn done(rig: &mut Rig) -> Vec<Effect> {
    rig.event(Event::Setup(SetupEvent::Done))
}

fn failed(rig: &mut Rig, reason: &str) -> Vec<Effect> {
    rig.event(Event::Setup(SetupEvent::Failed {
        reason: reason.into(),
    }))
}

fn saved(rig: &mut Rig) -> Vec<Effect> {
    let revision = rig.state.wanted.revision;
    rig.event(Event::Persisted {
        revision,
        error: None,
    })
}

fn hold(rig: &mut Rig) -> Vec<Effect> {
    let at = rig.state.now;
    rig.hardware(HardwareEvent::Button {
        gesture: Gesture::Long,
        at,
    })
}

fn later(rig: &mut Rig, by: Duration) -> Vec<Effect> {
    let to = rig.state.now + by;
    rig.run_to(to)
}

fn led(rig: &Rig) -> LedPattern {
    health(&rig.state).led
}

/// The line on the picture, as the world was told.
fn line_of(rig: &Rig) -> Option<String> {
    let told = rig.state.actual.stage.told.as_ref();
    told.and_then(|stage| stage.banner.clone())
}

fn steps(effects: &[Effect]) -> Vec<&SetupStep> {
    fn step(effect: &Effect) -> Option<&SetupStep> {
        match effect {
            Effect::Setup(step) => Some(step),
            _ => None,
        }
    }
    effects.iter().filter_map(step).collect()
}

#[test]
fn a_new_box_looks_for_codes_and_says_so() {
    let (mut rig, effects) = Rig::new(plan(), false);
    assert_eq!(
        steps(&effects),
        [&SetupStep::Scan(true), &SetupStep::Open(true)]
    );
    rig.all_up();
    let (severity, sentence) = rig.health();
    assert_eq!(severity, Severity::Notice);
    assert_eq!(sentence, "Show me a QR code: Wi-Fi or Boothcast.");
    assert_eq!(led(&rig), LedPattern::SetUp);
    assert_eq!(line_of(&rig), Some(sentence));
    let status = SetupStatus::of(&rig.state);
    assert!(status.open && status.scanning && !status.claimed);
    assert_eq!(status.closes_in_s, None);
}

#[test]
fn a_box_without_set_up_or_with_a_configuration_of_its_own_does_not() {
    for plan in [
        Setup {
            first_run: false,
            ..plan()
        },
        Setup {
            configured: true,
            ..plan()
        },
    ] {
        let (mut rig, effects) = Rig::new(plan, false);
        rig.all_up();
        assert!(steps(&effects).is_empty());
        assert_eq!(rig.health().1, "Ready. Not live.");
        assert_eq!(line_of(&rig), None);
        let before = rig.state.wanted.clone();
        let effects = show(&mut rig, LIVE);
        assert!(steps(&effects).is_empty() && rig.state.wanted == before);
    }
    let (_, effects) = Rig::new(
        Setup {
            scan: false,
            ..plan()
        },
        false,
    );
    assert_eq!(steps(&effects), [&SetupStep::Open(true)], "the page alone");
}

#[test]
fn a_wi_fi_code_is_joined_and_confirmed() {
    let mut rig = fresh();
    let effects = show(&mut rig, WIFI);
    assert!(matches!(steps(&effects)[..], [SetupStep::Join(w)] if w.ssid == "Shop"));
    assert_eq!(rig.health().1, "Joining Wi-Fi Shop…");
    assert_eq!(SetupStatus::of(&rig.state).progress, Progress::Working);
    done(&mut rig);
    assert_eq!(rig.health().1, "Wi-Fi Shop joined.");
    rig.event(Event::Setup(SetupEvent::Network(Some(
        "Wi-Fi Shop, 192.168.1.20".into(),
    ))));
    let said = "Wi-Fi Shop joined: 192.168.1.20.";
    assert_eq!(rig.health(), (Severity::Ok, said.into()));
    assert_eq!(line_of(&rig).as_deref(), Some(said), "on the picture, too");
    assert_eq!(led(&rig), LedPattern::Identify);
    later(&mut rig, YES_FOR);
    assert_eq!(led(&rig), LedPattern::SetUp);
    later(&mut rig, NOTE_FOR);
    assert_eq!(rig.health().1, "Show me a QR code: Wi-Fi or Boothcast.");
    assert!(!rig.state.wanted.claimed, "a network claims nothing");
}

#[test]
fn a_network_that_refuses_is_told_with_its_reason() {
    let mut rig = fresh();
    show(&mut rig, WIFI);
    failed(&mut rig, "that password is refused by Wi-Fi Shop");
    let said = "That password is refused by Wi-Fi Shop.";
    assert_eq!(rig.health(), (Severity::Warning, said.into()));
    assert_eq!(led(&rig), LedPattern::Error(Trouble::Network));
    assert_eq!(SetupStatus::of(&rig.state).progress, Progress::Failed);
    later(&mut rig, NO_FOR);
    assert_eq!(led(&rig), LedPattern::SetUp);
}

#[test]
fn a_boothcast_code_is_live_by_itself_once_it_is_saved() {
    let mut rig = fresh();
    rig.event(Event::Setup(SetupEvent::Network(Some(
        "cable, 10.0.0.7".into(),
    ))));
    let effects = show(&mut rig, LIVE);
    let Effect::Persist(wanted) = &effects[0] else {
        panic!("saved first: {effects:?}");
    };
    assert!(wanted.live && wanted.claimed);
    assert_eq!(
        wanted.claim.as_deref(),
        // printf token-one | sha256sum
        Some("75c5c10f256c75b650c6ffc2e83c6588af02766efd2de28f4de34547006e8d1a")
    );
    let opened = Effect::OpenDestination(name("live"));
    assert!(effects.contains(&opened), "{effects:?}");
    assert_eq!(
        rig.health().1,
        "Taking up the code…",
        "not before it is on disk"
    );
    assert_ne!(led(&rig), LedPattern::Identify);
    saved(&mut rig);
    assert_eq!(rig.health(), (Severity::Ok, "Set up. Going live…".into()));
    assert_eq!(led(&rig), LedPattern::Identify);
    let status = SetupStatus::of(&rig.state);
    assert!(status.claimed && !status.open && !status.scanning);
}

#[test]
fn what_cannot_be_saved_is_not_confirmed() {
    let mut rig = fresh();
    show(&mut rig, LIVE);
    let revision = rig.state.wanted.revision;
    let error = Some("no space left".to_owned());
    rig.event(Event::Persisted { revision, error });
    let (severity, sentence) = rig.health();
    assert_eq!(severity, Severity::Warning);
    assert!(sentence.contains("no space left"), "{sentence}");
    assert!(matches!(led(&rig), LedPattern::Error(_)));
}

#[test]
fn a_name_counts_from_the_next_start_which_follows_the_confirmation() {
    let mut rig = fresh();
    let effects = show(&mut rig, NAMED);
    assert!(matches!(steps(&effects)[..], [SetupStep::Adopt(_)]));
    assert!(!rig.state.wanted.claimed, "nothing before it is kept");
    let effects = done(&mut rig);
    assert!(matches!(effects[0], Effect::Persist(_)));
    assert!(rig.state.wanted.claimed && rig.state.wanted.live);
    let opens = |e: &Effect| matches!(e, Effect::OpenDestination(_));
    assert!(
        !effects.iter().any(opens),
        "no stream that is cut off at once"
    );
    saved(&mut rig);
    assert_eq!(rig.health().1, "Set up. Starting anew…");
    let effects = later(&mut rig, RESTART_AFTER - Duration::from_millis(500));
    assert!(effects.is_empty(), "{effects:?}");
    let effects = later(&mut rig, secs(1));
    assert_eq!(effects, [Effect::Restart]);
    // And then it is live.
    let (_, effects) = State::new(plan(), rig.state.wanted).start(secs(0));
    assert!(effects.contains(&Effect::OpenDestination(name("live"))));
}

#[test]
fn what_could_not_be_adopted_changes_nothing() {
    let mut rig = fresh();
    let before = rig.state.wanted.clone();
    show(&mut rig, NAMED);
    failed(&mut rig, "the disk is full");
    assert_eq!(rig.state.wanted, before);
    assert_eq!(rig.health().1, "The disk is full.");
    assert!(rig.state.is_setup_open());
}

#[test]
fn a_claimed_box_takes_codes_of_the_same_token_only_and_only_after_the_button() {
    let mut rig = fresh();
    show(&mut rig, LIVE);
    saved(&mut rig);
    later(&mut rig, secs(20));
    let other = "BOOTHCAST:V:1;U:rtmp://evil/live;K:k;C:token-two;;";
    let none = "BOOTHCAST:V:1;U:rtmp://evil/live;K:k;;";
    let same = "BOOTHCAST:V:1;U:rtmp://new/live;K:k;C:token-one;;";
    let before = rig.state.wanted.clone();
    for text in [other, none, same, WIFI] {
        assert!(steps(&show(&mut rig, text)).is_empty());
        assert_eq!(rig.state.wanted, before, "closed");
    }
    assert_eq!(
        rig.state.actual.setup.note.as_ref().unwrap().text,
        words::CLOSED
    );
    let effects = hold(&mut rig);
    assert_eq!(
        steps(&effects),
        [&SetupStep::Scan(true), &SetupStep::Open(true)]
    );
    assert!(effects.contains(&Effect::Identify), "as before");
    assert_eq!(SetupStatus::of(&rig.state).closes_in_s, Some(600));
    for text in [other, none] {
        show(&mut rig, text);
        assert_eq!(rig.state.wanted, before);
        assert_eq!(
            rig.state.actual.setup.note.as_ref().unwrap().text,
            words::OTHER_CLAIM
        );
    }
    show(&mut rig, same);
    let live = &rig.state.wanted.added[&name("live")];
    assert_eq!(live.url.as_str(), "rtmp://new/live");
    assert_eq!(rig.state.wanted.claim, before.claim);
    saved(&mut rig);
    let effects = later(&mut rig, OPEN_FOR);
    assert!(effects.contains(&Effect::Setup(SetupStep::Scan(false))));
    assert!(effects.contains(&Effect::Setup(SetupStep::Open(false))));
}

#[test]
fn a_box_claimed_without_a_token_takes_any_later_one() {
    let mut rig = fresh();
    show(&mut rig, "BOOTHCAST:V:1;U:rtmp://a/live;K:k;;");
    saved(&mut rig);
    assert!(rig.state.wanted.claimed && rig.state.wanted.claim.is_none());
    hold(&mut rig);
    show(&mut rig, LIVE);
    saved(&mut rig);
    assert!(rig.state.wanted.claim.is_some());
}

#[path = "tests_holding.rs"]
mod holding;
