//! What is said over time, and what the light shows of it; the table of situations is in `health_tests.rs`.

use super::command::Command;
use super::event::*;
use super::health::{Severity, health, slate_sentence};
use super::led::{LedPattern, Trouble};
use super::mishaps::{away, camera, key, level, live, mic, unsaved};
use super::testing::Rig;

type Setting = fn(&mut Rig);

#[test]
fn the_sentence_does_not_flicker_while_a_camera_is_tried() {
    let mut rig = live();
    camera(&mut rig);
    let said = health(&rig.state);
    for _ in 0..100 {
        let next = rig.state.now + std::time::Duration::from_millis(100);
        rig.flow();
        rig.event(Event::Tick(next));
        assert_eq!(health(&rig.state), said);
    }
    assert_eq!(slate_sentence(&rig.state), Some(said.sentence));
}

#[test]
fn the_sentence_does_not_flip_while_a_server_is_tried_again() {
    let mut rig = Rig::up();
    rig.order(Command::LiveStart);
    rig.destination("twitch", DestinationState::Live);
    let first = rig.health();
    assert_eq!(
        first,
        (Severity::Notice, "Connecting to youtube.".into()),
        "nothing failed yet"
    );
    away(&mut rig, &["youtube"]);
    let said = health(&rig.state);
    assert_eq!(said.severity, Severity::Warning);
    assert!(said.sentence.contains("the connection broke"), "{said:?}");
    for _ in 0..3 {
        rig.destination("youtube", DestinationState::Connecting);
        assert_eq!(health(&rig.state), said);
        away(&mut rig, &["youtube"]);
        assert_eq!(health(&rig.state), said);
    }
    rig.destination("youtube", DestinationState::Connecting);
    rig.destination("youtube", DestinationState::Live);
    assert_eq!(rig.health().1, "Live to twitch and youtube.");
    rig.destination("youtube", DestinationState::Connecting);
    assert_eq!(rig.health(), first, "the old failure is forgotten");
}

#[test]
fn a_failure_is_forgotten_with_the_push_and_by_another_answer() {
    let mut rig = live();
    away(&mut rig, &["youtube"]);
    rig.order(Command::LiveStop);
    assert_eq!(rig.health().1, "Ready. Not live.");
    rig.order(Command::LiveStart);
    assert_eq!(rig.health().1, "Connecting to twitch and youtube.");
    away(&mut rig, &["youtube"]);
    key(&mut rig);
    rig.destination("youtube", DestinationState::Connecting);
    assert_eq!(rig.health().1, "Connecting to twitch and youtube.");
    away(&mut rig, &["youtube"]);
    rig.destination("youtube", DestinationState::Connecting);
    rig.destination(
        "youtube",
        DestinationState::Waiting {
            reason: "nobody answers".into(),
            retry_ms: 1,
        },
    );
    rig.destination("youtube", DestinationState::Connecting);
    let (_, sentence) = rig.health();
    assert!(sentence.contains("youtube: nobody answers."), "{sentence}");
}

#[test]
fn sentences_are_one_short_line_whatever_the_reason() {
    let mut rig = live();
    rig.media(MediaEvent::CameraLost {
        reason: "a\nb\r\0".repeat(1000),
    });
    let sentence = health(&rig.state).sentence;
    assert!(!sentence.chars().any(char::is_control));
    assert!(sentence.chars().count() < 300);
}

#[test]
fn a_server_that_refuses_is_told_from_a_network_that_fails() {
    for (reason, trouble) in [
        (
            "cannot connect to a.example:1935: connection refused",
            Trouble::Network,
        ),
        ("the name a.example cannot be resolved", Trouble::Network),
        (
            "waited 5 s in vain for the TLS handshake of a.example",
            Trouble::Network,
        ),
        ("the server has taken nothing for 10 s", Trouble::Network),
        (
            "connection reset by peer before the answer to connect came",
            Trouble::Network,
        ),
        (
            "the server said NetStream.Publish.BadName: busy",
            Trouble::Server,
        ),
        ("connection closed in answer to publish", Trouble::Server),
        (
            "the certificate of a.example is out of date",
            Trouble::Server,
        ),
        ("the server ended the stream", Trouble::Server),
    ] {
        let mut rig = live();
        for n in ["twitch", "youtube"] {
            rig.destination(
                n,
                DestinationState::Waiting {
                    reason: reason.into(),
                    retry_ms: 1,
                },
            );
        }
        let led = health(&rig.state).led;
        assert_eq!(led, LedPattern::Error(trouble), "{reason}");
    }
}

#[test]
fn a_box_that_is_not_live_never_looks_live() {
    let troubles: &[(Setting, LedPattern)] = &[
        (mic, LedPattern::Ready),
        (unsaved, LedPattern::Error(Trouble::Storage)),
        (|r| level(r, LevelState::Clipping), LedPattern::Ready),
        (camera, LedPattern::Error(Trouble::Camera)),
        (
            |r| drop(r.hardware(HardwareEvent::Temperature(81.0))),
            LedPattern::Ready,
        ),
    ];
    for (n, (setting, led)) in troubles.iter().enumerate() {
        let mut rig = Rig::up();
        setting(&mut rig);
        assert_eq!(health(&rig.state).led, *led, "row {n}");
    }
    let mut rig = Rig::up();
    rig.order(Command::LiveStart);
    assert_eq!(health(&rig.state).led, LedPattern::Connecting);
    mic(&mut rig);
    assert_eq!(health(&rig.state).led, LedPattern::Connecting);
}
