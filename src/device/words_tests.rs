use super::*;
use crate::device::command::{Command, Origin};
use crate::device::event::{MediaEvent, Rendition};
use crate::device::notice::NoticeKind;
use crate::device::policy::decide;
use crate::device::status::Status;
use crate::device::testing::{Rig, secs, setup};

fn line(text: &str, seconds: Option<u32>) -> Command {
    Command::OverlayText(Banner {
        text: text.into(),
        seconds,
    })
}

fn said(what: &str) -> Notice {
    Notice {
        who: "Ada".into(),
        what: what.into(),
        kind: NoticeKind::Chat,
        platform: Some("twitch".into()),
        colour: Some("#Ff8800".into()),
    }
}

fn notify(what: &str) -> Command {
    Command::Notify(said(what))
}

/// The words that the world is told to show, in turn: line and what is said.
fn shows(effects: &[Effect]) -> Vec<(Option<&str>, Option<&str>)> {
    let words = effects.iter().filter_map(|e| match e {
        Effect::ShowWords(words) => Some(words),
        _ => None,
    });
    words
        .map(|w| {
            let what = w.notice.as_ref().map(|n| n.what.as_str());
            (w.banner.as_deref(), what)
        })
        .collect()
}

fn saves(effects: &[Effect]) -> usize {
    let save = |e: &&Effect| matches!(e, Effect::Persist(_));
    effects.iter().filter(save).count()
}

#[test]
fn a_line_without_end_is_kept_and_comes_back_after_a_start() {
    let mut rig = Rig::up();
    let effects = rig.order(line("Sale: –20 %", None));
    assert_eq!(shows(&effects), [(Some("Sale: –20 %"), None)]);
    assert_eq!(saves(&effects), 1);
    assert!(rig.order(line("Sale: –20 %", None)).is_empty());
    assert!(shows(&rig.tick_to(secs(100_000))).is_empty());
    let (state, effects) = State::new(setup(), rig.state.wanted.clone()).start(secs(0));
    assert_eq!(shows(&effects), [(Some("Sale: –20 %"), None)]);
    assert_eq!(
        Status::of(&state).words.banner.as_deref(),
        Some("Sale: –20 %")
    );
    let effects = rig.order(Command::OverlayClear);
    assert_eq!((shows(&effects), saves(&effects)), (vec![(None, None)], 1));
    assert!(rig.order(Command::OverlayClear).is_empty());
}

#[test]
fn a_line_with_an_end_replaces_the_other_and_is_not_kept() {
    let mut rig = Rig::up();
    rig.order(line("stays", None));
    let effects = rig.order(line("goes", Some(10)));
    assert_eq!(shows(&effects), [(Some("goes"), None)]);
    assert!(rig.state.wanted.banner.is_none());
    // The same again begins anew.
    rig.tick_to(secs(8));
    assert_eq!(saves(&rig.order(line("goes", Some(10)))), 0);
    assert!(shows(&rig.tick_to(Duration::from_millis(17_750))).is_empty());
    assert_eq!(shows(&rig.tick_to(secs(18))), [(None, None)]);
}

#[test]
fn notifications_are_shown_one_at_a_time_and_briefly_while_others_wait() {
    let mut rig = Rig::up();
    rig.order(line("stays", None));
    let effects = rig.order(notify("one"));
    assert_eq!(shows(&effects), [(Some("stays"), Some("one"))]);
    assert_eq!(saves(&effects), 0);
    rig.order(notify("two"));
    rig.order(notify("three"));
    assert!(shows(&rig.tick_to(Duration::from_millis(2750))).is_empty());
    assert_eq!(shows(&rig.tick_to(secs(3))), [(Some("stays"), Some("two"))]);
    assert_eq!(
        shows(&rig.tick_to(secs(6))),
        [(Some("stays"), Some("three"))]
    );
    assert!(shows(&rig.tick_to(Duration::from_millis(11_750))).is_empty());
    assert_eq!(shows(&rig.tick_to(secs(12))), [(Some("stays"), None)]);
    let status = serde_json::to_value(Status::of(&rig.state)).unwrap();
    assert_eq!(status["words"]["banner"], "stays");
    assert!(status["words"]["notice"].is_null());
}

#[test]
fn a_flood_drops_the_oldest_and_counts_them() {
    let mut rig = Rig::up();
    for n in 0..100 {
        rig.order(notify(&n.to_string()));
    }
    let status = Status::of(&rig.state);
    assert_eq!(status.notices_dropped, 100 - 1 - MAX_NOTICES as u64);
    assert_eq!(status.words.notice.unwrap().what, "0");
    assert_eq!(
        shows(&rig.tick_to(secs(3))),
        [(None, Some("68"))],
        "the oldest that is left"
    );
    let effects = rig.order(Command::OverlayClear);
    assert_eq!(shows(&effects), [(None, None)]);
    assert!(shows(&rig.tick_to(secs(30))).is_empty());
}

#[test]
fn words_are_checked_at_the_door() {
    let rig = Rig::up();
    let refused = |command: &Command, word: &str| {
        let Decision::Deny(denial) = decide(&rig.state, command, Origin::Mqtt) else {
            panic!("{command:?}")
        };
        assert!(denial.message.contains(word), "{}", denial.message);
    };
    let long = "x".repeat(101);
    for text in ["", "  ", &long] {
        refused(&line(text, None), "1 to 100 characters");
        refused(&notify(text), "1 to 100 characters");
    }
    for text in ["a\nb", "a\u{202e}b", "\u{feff}a", "a\u{0}", "a\u{2066}b"] {
        refused(&line(text, None), "one line");
        refused(&notify(text), "one line");
    }
    refused(&line("a", Some(0)), "86400");
    refused(&line("a", Some(86_401)), "86400");
    let who = |who: &str| Notice {
        who: who.into(),
        ..said("a")
    };
    refused(&Command::Notify(who(&"ä".repeat(41))), "1 to 40");
    refused(&Command::Notify(who("")), "1 to 40");
    let platform = Notice {
        platform: Some("x".repeat(25)),
        ..said("a")
    };
    refused(&Command::Notify(platform), "1 to 24");
    for colour in ["red", "#fff", "#gggggg", "ff8800", "#ff88001", "#+12345"] {
        let colour = Some(colour.to_owned());
        refused(
            &Command::Notify(Notice {
                colour,
                ..said("a")
            }),
            "#rrggbb",
        );
    }
    for text in ["会场 👩‍🎤", &"ä".repeat(100), "نعم"] {
        let fine = decide(&rig.state, &line(text, Some(86_400)), Origin::Mqtt);
        assert_eq!(fine, Decision::Accept);
    }
}

#[test]
fn nothing_is_drawn_on_the_cameras_own_stream() {
    let mut rig = Rig::up();
    rig.state.setup.passthrough = true;
    rig.media(MediaEvent::EncoderUp {
        rendition: Rendition::Main,
        encoder: "passthrough".into(),
    });
    for command in [line("a", None), notify("a")] {
        let Decision::Deny(denial) = decide(&rig.state, &command, Origin::Mqtt) else {
            panic!()
        };
        assert_eq!(denial.code, DenialCode::Passthrough);
    }
}
