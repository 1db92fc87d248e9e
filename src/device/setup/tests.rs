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

#[test]
fn a_code_that_is_held_is_taken_once() {
    let mut rig = fresh();
    let mut joins = 0;
    for round in 0..40 {
        joins += steps(&show(&mut rig, WIFI)).len();
        if round == 3 {
            done(&mut rig);
        }
        later(&mut rig, Duration::from_millis(500));
    }
    assert_eq!(joins, 1, "20 s in sight");
    later(&mut rig, SEEN_FOR);
    assert_eq!(steps(&show(&mut rig, WIFI)).len(), 1, "and again later");
}

#[test]
fn a_code_that_failed_is_tried_again_after_a_while() {
    let mut rig = fresh();
    show(&mut rig, WIFI);
    failed(&mut rig, "nobody there");
    later(&mut rig, AGAIN_AFTER - Duration::from_millis(500));
    assert!(show(&mut rig, WIFI).is_empty());
    later(&mut rig, Duration::from_millis(500));
    assert_eq!(steps(&show(&mut rig, WIFI)).len(), 1);
}

#[test]
fn one_step_at_a_time_and_none_for_ever() {
    let mut rig = fresh();
    show(&mut rig, WIFI);
    let before = rig.state.clone();
    assert!(show(&mut rig, LIVE).is_empty());
    assert_eq!(rig.state, before);
    later(&mut rig, STEP_LIMIT - secs(1));
    assert_eq!(rig.health().1, "Joining Wi-Fi Shop…");
    later(&mut rig, secs(1));
    assert_eq!(rig.health().1, words::TOO_LONG);
    done(&mut rig);
    assert_eq!(rig.health().1, words::TOO_LONG, "too late to be heard");
    assert!(!show(&mut rig, LIVE).is_empty());
}

#[test]
fn rubbish_is_told_but_not_over_a_confirmation() {
    let mut rig = fresh();
    let rubbish = |rig: &mut Rig| {
        let reason = "it is neither a Wi-Fi code nor a Boothcast code".into();
        rig.event(Event::Setup(SetupEvent::Unreadable { reason }))
    };
    show(&mut rig, WIFI);
    done(&mut rig);
    rubbish(&mut rig);
    assert_eq!(rig.health().1, "Wi-Fi Shop joined.");
    later(&mut rig, YES_FOR);
    rubbish(&mut rig);
    let said = "That QR code does not count: it is neither a Wi-Fi code nor a Boothcast code.";
    assert_eq!(rig.health().1, said);
    let before = rig.state.clone();
    rubbish(&mut rig);
    assert_eq!(rig.state, before, "said once while it is shown");
}

#[test]
fn the_owners_line_stays_but_for_the_confirmation() {
    let mut rig = fresh();
    rig.order(Command::OverlayText(crate::device::notice::Banner {
        text: "Sale".into(),
        seconds: None,
    }));
    saved(&mut rig);
    assert_eq!(
        line_of(&rig).as_deref(),
        Some("Sale"),
        "no invitation over it"
    );
    show(&mut rig, WIFI);
    done(&mut rig);
    assert_eq!(line_of(&rig).as_deref(), Some("Wi-Fi Shop joined."));
    let status = crate::device::status::Status::of(&rig.state);
    assert_eq!(
        status.stage.banner.as_deref(),
        Some("Sale"),
        "it is not theirs"
    );
    later(&mut rig, NOTE_FOR);
    assert_eq!(line_of(&rig).as_deref(), Some("Sale"));
}

#[test]
fn a_long_sentence_is_cut_on_the_picture() {
    let mut rig = fresh();
    show(&mut rig, WIFI);
    failed(&mut rig, &"ö".repeat(500));
    let line = line_of(&rig).unwrap();
    assert_eq!(line.chars().count(), 100);
    assert!(line.ends_with('…'));
}

#[test]
fn the_slate_says_it_while_there_is_no_camera() {
    let mut rig = fresh();
    rig.media(MediaEvent::CameraLost {
        reason: "unplugged".into(),
    });
    rig.event(Event::Setup(SetupEvent::Seen {
        way: Way::Page,
        code: WIFI.parse().unwrap(),
    }));
    assert_eq!(slate_sentence(&rig.state).unwrap(), "Joining Wi-Fi Shop…");
    failed(&mut rig, "no");
    later(&mut rig, NOTE_FOR);
    assert!(
        slate_sentence(&rig.state)
            .unwrap()
            .starts_with("No camera picture")
    );
}

#[test]
fn the_owner_opens_and_closes_from_afar() {
    let mut rig = fresh();
    let open = || Command::SetupOpen { open: true };
    let close = || Command::SetupOpen { open: false };
    let effects = rig.order(close());
    assert!(matches!(effects[0], Effect::Persist(_)));
    assert!(rig.state.wanted.claimed, "as wanted, says its owner");
    assert!(!rig.state.is_setup_open());
    let decided = decide(&rig.state, &close(), crate::device::command::Origin::Mqtt);
    assert!(matches!(decided, Decision::Ignore(_)));
    let effects = rig.order(open());
    assert!(effects.contains(&Effect::Setup(SetupStep::Open(true))));
    assert_eq!(SetupStatus::of(&rig.state).closes_in_s, Some(600));
    let (off, _) = Rig::new(setup(), false);
    let decided = decide(&off.state, &open(), crate::device::command::Origin::Cli);
    assert!(matches!(decided, Decision::Deny(_)));
}

#[test]
fn its_own_network_is_named_but_not_its_password() {
    let mut rig = fresh();
    rig.event(Event::Setup(SetupEvent::AccessPoint(Some(WifiCode {
        ssid: "Boothcast-1234".into(),
        password: Some(Secret::new("canary-ap")),
        hidden: false,
    }))));
    let (_, sentence) = rig.health();
    assert!(sentence.contains("join the Wi-Fi Boothcast-1234"));
    let status = crate::device::status::Status::of(&rig.state);
    let all = format!(
        "{:?} {}",
        rig.state,
        serde_json::to_string(&status).unwrap()
    );
    assert!(all.contains("Boothcast-1234") && !all.contains("canary"));
}

#[test]
fn a_destination_of_the_file_is_not_changed_by_a_code() {
    let mut own = plan();
    own.destinations = vec![crate::device::state::DestinationSetup {
        name: name("live"),
        enabled: false,
        max_bitrate: None,
    }];
    let (mut rig, _) = Rig::new(own, false);
    rig.all_up();
    show(&mut rig, LIVE);
    assert!(!rig.state.wanted.claimed);
    assert!(rig.health().1.contains("configuration file"));
}

#[test]
fn it_stays_claimed_after_a_power_cut() {
    let mut rig = fresh();
    show(&mut rig, LIVE);
    let json = serde_json::to_string(&rig.state.wanted).unwrap();
    assert!(!json.contains("token-one"), "the token itself is not kept");
    let wanted: Wanted = serde_json::from_str(&json).unwrap();
    let (state, effects) = State::new(plan(), wanted).start(secs(0));
    assert!(steps(&effects).is_empty() && state.is_claimed());
}
