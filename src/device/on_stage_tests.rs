use super::*;
use crate::config::Corner;
use crate::device::command::{Command, Origin};
use crate::device::notice::Banner;
use crate::device::policy::{Decision, decide};
use crate::device::stage::{Choice, Picture, Product};
use crate::device::state::Wanted;
use crate::device::status::Status;
use crate::device::testing::{Rig, secs, setup};

const UNIX: i64 = 1_800_000_000;

fn line(text: &str, seconds: Option<u32>) -> Command {
    Command::OverlayText(Banner {
        text: text.into(),
        seconds,
    })
}

fn title(name: &str, seconds: Option<u32>) -> Command {
    Command::LowerThird {
        name: Some(name.into()),
        line: None,
        seconds,
    }
}

fn ticker(text: Option<&str>) -> Command {
    Command::Ticker {
        text: text.map(str::to_owned),
    }
}

fn countdown(seconds: u32) -> Command {
    Command::Countdown {
        title: None,
        seconds: Some(seconds),
        until: None,
        now: None,
    }
    .at(UNIX)
}

fn poll(votes: [u64; 2]) -> Poll {
    let choice = |text: &str, votes| Choice {
        text: text.into(),
        votes,
    };
    Poll {
        question: "Tea or coffee?".into(),
        choices: vec![choice("Tea", votes[0]), choice("Coffee", votes[1])],
        open: true,
        hidden: false,
    }
}

fn product(name: &str) -> Product {
    Product {
        name: name.into(),
        price: "5 €".into(),
        old_price: None,
        stock: None,
        url: None,
        picture: None,
    }
}

fn picture() -> Picture {
    Picture::new(b"\x89PNG\r\n\x1a\n and more").unwrap()
}

fn logo(picture: Option<Picture>, corner: Option<Corner>, opacity: Option<u32>) -> Logo {
    Logo {
        picture,
        corner,
        percent: None,
        opacity,
    }
}

/// The stages that the world is told to show, in turn.
fn shows(effects: &[Effect]) -> Vec<Stage> {
    let shown = effects.iter().filter_map(|e| match e {
        Effect::ShowStage(stage) => Some(Stage::clone(stage)),
        _ => None,
    });
    shown.collect()
}

fn banners(effects: &[Effect]) -> Vec<Option<String>> {
    shows(effects).into_iter().map(|s| s.banner).collect()
}

fn saves(effects: &[Effect]) -> usize {
    let save = |e: &&Effect| matches!(e, Effect::Persist(_));
    effects.iter().filter(save).count()
}

/// After a power cut.
fn again(rig: &Rig) -> Stage {
    let json = serde_json::to_string(&rig.state.wanted).unwrap();
    let wanted: Wanted = serde_json::from_str(&json).unwrap();
    assert_eq!(wanted, rig.state.wanted);
    let (state, effects) = State::new(setup(), wanted).start(secs(0));
    assert_eq!(shows(&effects), [state.stage()], "told once, at the start");
    state.stage()
}

#[test]
fn a_line_without_end_is_kept_and_comes_back_after_a_start() {
    let mut rig = Rig::up();
    let effects = rig.order(line("Sale: –20 %", None));
    assert_eq!(banners(&effects), [Some("Sale: –20 %".into())]);
    assert_eq!(saves(&effects), 1);
    assert!(rig.order(line("Sale: –20 %", None)).is_empty());
    assert!(shows(&rig.tick_to(secs(100_000))).is_empty());
    assert_eq!(again(&rig).banner.as_deref(), Some("Sale: –20 %"));
    let status = Status::of(&rig.state);
    assert_eq!(status.stage.banner.as_deref(), Some("Sale: –20 %"));
    let effects = rig.order(Command::OverlayClear);
    assert_eq!((banners(&effects), saves(&effects)), (vec![None], 1));
    assert!(rig.order(Command::OverlayClear).is_empty());
}

#[test]
fn a_line_with_an_end_replaces_the_other_and_is_not_kept() {
    let mut rig = Rig::up();
    rig.order(line("stays", None));
    let effects = rig.order(line("goes", Some(10)));
    assert_eq!(banners(&effects), [Some("goes".into())]);
    assert!(rig.state.wanted.banner.is_none());
    // The same again begins anew.
    rig.tick_to(secs(8));
    assert_eq!(saves(&rig.order(line("goes", Some(10)))), 0);
    assert!(shows(&rig.tick_to(Duration::from_millis(17_750))).is_empty());
    assert_eq!(banners(&rig.tick_to(secs(18))), [None]);
}

#[test]
fn a_title_with_an_end_goes_and_one_without_stays() {
    let mut rig = Rig::up();
    let name = |stage: Stage| stage.lower_third.map(|t| t.name);
    rig.order(title("Ada", None));
    assert_eq!(name(again(&rig)), Some("Ada".into()));
    assert!(rig.order(title("Ada", None)).is_empty(), "so already");
    let effects = rig.order(title("Grace", Some(5)));
    assert_eq!(name(shows(&effects).remove(0)), Some("Grace".into()));
    assert_eq!(name(again(&rig)), None, "what has an end is not kept");
    let effects = rig.tick_to(secs(5));
    assert_eq!((shows(&effects).len(), saves(&effects)), (1, 0));
    assert_eq!(name(rig.state.stage()), None);
    // One that stays, over one that would have gone.
    rig.order(title("Grace", Some(5)));
    rig.order(title("Ada", None));
    rig.tick_to(secs(60));
    assert_eq!(name(rig.state.stage()), Some("Ada".into()));
    let off = Command::LowerThird {
        name: None,
        line: None,
        seconds: None,
    };
    assert_eq!(shows(&rig.order(off.clone())).len(), 1);
    assert_eq!(name(rig.state.stage()), None);
    assert!(rig.order(off).is_empty());
}

#[test]
fn a_countdown_is_kept_until_a_moment_after_its_end() {
    let mut rig = Rig::up();
    rig.order(countdown(300));
    let expected = Countdown {
        title: None,
        until: UNIX + 300,
    };
    assert_eq!(again(&rig).countdown, Some(expected.clone()));
    assert!(shows(&rig.tick_to(secs(309))).is_empty());
    let effects = rig.tick_to(secs(310));
    assert_eq!(saves(&effects), 1);
    assert_eq!(again(&rig).countdown, None);
    // The same by the calendar.
    let until = Command::Countdown {
        title: None,
        seconds: None,
        until: Some(UNIX + 300),
        now: Some(UNIX),
    };
    rig.order(until.clone());
    assert_eq!(rig.state.stage().countdown, Some(expected));
    assert!(rig.order(until).is_empty(), "so already");
    rig.tick_to(secs(619));
    assert!(rig.state.stage().countdown.is_some());
    rig.tick_to(secs(620));
    assert!(rig.state.stage().countdown.is_none());
    // Off before its time; nothing of it comes again.
    rig.order(countdown(5));
    let off = Command::Countdown {
        title: None,
        seconds: None,
        until: None,
        now: Some(UNIX),
    };
    assert_eq!(saves(&rig.order(off)), 1);
    assert_eq!(saves(&rig.tick_to(secs(700))), 0);
}

#[test]
fn new_votes_are_shown_and_not_saved() {
    let mut rig = Rig::up();
    let votes = |stage: Stage| -> Vec<u64> {
        let poll = stage.poll.unwrap();
        poll.choices.iter().map(|c| c.votes).collect()
    };
    assert_eq!(saves(&rig.order(Command::PollShow(poll([1, 2])))), 1);
    for n in 3..20 {
        let effects = rig.order(Command::PollShow(poll([n, 2])));
        assert_eq!((shows(&effects).len(), saves(&effects)), (1, 0));
    }
    assert_eq!(votes(rig.state.stage()), [19, 2]);
    assert!(rig.order(Command::PollShow(poll([19, 2]))).is_empty());
    assert_eq!(votes(again(&rig)), [1, 2], "those that it began with");
    // Back to those that were saved.
    rig.order(Command::PollShow(poll([1, 2])));
    assert_eq!(votes(rig.state.stage()), [1, 2]);
    // Another shape is saved, with the newest votes.
    rig.order(Command::PollShow(poll([20, 2])));
    let closed = Poll {
        open: false,
        ..poll([21, 3])
    };
    assert_eq!(saves(&rig.order(Command::PollShow(closed))), 1);
    assert_eq!(votes(again(&rig)), [21, 3]);
    assert_eq!(saves(&rig.order(Command::PollHide)), 1);
    assert!(rig.state.stage().poll.is_none());
    rig.order(Command::PollShow(poll([4, 5])));
    assert_eq!(
        votes(rig.state.stage()),
        [4, 5],
        "no votes of a former poll"
    );
}

#[test]
fn a_logo_is_changed_bit_by_bit_taken_off_and_put_back() {
    let mut rig = Rig::up();
    let set = |logo| Command::Logo { off: false, logo };
    let off = Command::Logo {
        off: true,
        logo: logo(None, None, None),
    };
    rig.order(set(logo(Some(picture()), None, None)));
    rig.order(set(logo(None, Some(Corner::BottomLeft), None)));
    rig.order(set(logo(None, None, Some(40))));
    let all = logo(Some(picture()), Some(Corner::BottomLeft), Some(40));
    assert_eq!(again(&rig).logo, Some(all.clone()));
    rig.order(off.clone());
    let stage = again(&rig);
    assert!(stage.logo.is_none() && !stage.shows(Layer::Logo));
    assert!(rig.order(off).is_empty());
    // Nothing in particular: the configured one.
    rig.order(set(logo(None, None, None)));
    let stage = again(&rig);
    assert!(stage.logo.is_none() && stage.shows(Layer::Logo));
    assert!(rig.order(set(logo(None, None, None))).is_empty());
}

#[test]
fn layers_comments_moderation_and_panic_are_kept() {
    let mut rig = Rig::up();
    let change = |crossing_s, opacity| DanmakuChange {
        crossing_s,
        opacity,
        ..DanmakuChange::default()
    };
    let set = |reset, change| Command::DanmakuSet { reset, change };
    let moderation = |mode, delay_s| ModerationChange { mode, delay_s };
    use crate::config::ModerationMode::{Delay, Free};
    for command in [
        Command::LayerHide {
            layer: Layer::Clock,
        },
        set(false, change(Some(5.0), None)),
        set(false, change(None, Some(50))),
        Command::ModerationSet(moderation(Delay, Some(7.0))),
        Command::ModerationSet(moderation(Free, None)),
        Command::Panic { on: true },
    ] {
        assert_eq!(saves(&rig.order(command.clone())), 1, "{command:?}");
        assert!(
            rig.order(command.clone()).is_empty(),
            "{command:?}: so already"
        );
    }
    let stage = again(&rig);
    assert!(!stage.shows(Layer::Clock) && !stage.shows(Layer::Danmaku) && stage.panic);
    assert_eq!(stage.danmaku, change(Some(5.0), Some(50)));
    assert_eq!(stage.moderation, Some(moderation(Free, Some(7.0))));
    rig.order(set(true, change(None, Some(60))));
    rig.order(Command::Panic { on: false });
    rig.order(Command::LayerShow {
        layer: Layer::Clock,
    });
    let stage = again(&rig);
    assert_eq!(stage.danmaku, change(None, Some(60)));
    assert!(stage.shows(Layer::Clock) && stage.shows(Layer::Danmaku) && !stage.panic);
    rig.order(set(true, DanmakuChange::default()));
    assert_eq!(again(&rig).danmaku, DanmakuChange::default());
}

#[test]
fn the_status_says_what_is_on_without_pictures() {
    let mut rig = Rig::up();
    let pinned = Product {
        picture: Some(picture()),
        ..product("Cap")
    };
    for command in [
        Command::ProductPin(pinned),
        Command::PollShow(poll([1, 2])),
        ticker(Some("News")),
        countdown(60),
        title("Ada", Some(60)),
        Command::Logo {
            off: false,
            logo: logo(Some(picture()), None, None),
        },
        Command::LayerHide {
            layer: Layer::Ticker,
        },
        Command::Panic { on: true },
    ] {
        rig.order(command);
    }
    let status = serde_json::to_value(Status::of(&rig.state)).unwrap();
    let stage = &status["stage"];
    assert_eq!(stage["product"], "Cap");
    assert_eq!(stage["poll"], "Tea or coffee?");
    assert_eq!(stage["countdown"], UNIX + 60);
    assert_eq!(stage["lower_third"], "Ada");
    assert_eq!(stage["hidden"], serde_json::json!(["ticker"]));
    assert_eq!(
        (&stage["ticker"], &stage["logo"], &stage["panic"]),
        (&true.into(), &true.into(), &true.into())
    );
    let base64 = serde_json::to_value(picture()).unwrap();
    assert!(!status.to_string().contains(base64.as_str().unwrap()));
    rig.order(Command::ProductUnpin);
    rig.order(ticker(None));
    let status = Status::of(&rig.state);
    assert!(status.stage.product.is_none() && !status.stage.ticker);
}

#[test]
fn what_stands_on_the_picture_is_no_part_of_a_trial() {
    let mut rig = Rig::up();
    rig.run_to(secs(3));
    rig.order(line("before", None));
    rig.order(Command::DesiredApply {
        version: 7,
        settings: serde_json::json!({"live": true}),
    });
    assert!(rig.state.wanted.trial.is_some());
    rig.order(line("after", None));
    rig.order(Command::ProductPin(product("Cap")));
    let trial = rig.state.wanted.trial.clone().expect("it goes on");
    assert_eq!(
        (*trial.before.stage, trial.before.banner),
        (Stage::default(), None)
    );
    // No picture goes out: what was wanted before returns, but for what stands on the picture.
    rig.tick_to(secs(40));
    assert!(rig.state.wanted.trial.is_none() && !rig.state.wanted.live);
    let stage = rig.state.stage();
    assert_eq!(stage.banner.as_deref(), Some("after"));
    assert_eq!(stage.product, Some(product("Cap")));
    // Another command of a person ends one.
    let mut rig = Rig::up();
    rig.run_to(secs(3));
    rig.order(Command::DesiredApply {
        version: 7,
        settings: serde_json::json!({"live": true}),
    });
    rig.order(Command::AudioMute { muted: true });
    assert!(rig.state.wanted.trial.is_none());
}

#[test]
fn a_file_without_a_stage_loads_and_one_with_a_bad_stage_loses_what_is_bad() {
    let old: Wanted = serde_json::from_str(r#"{"live":true,"banner":"Hello"}"#).unwrap();
    assert_eq!(*old.stage, Stage::default());
    assert!(!serde_json::to_string(&old).unwrap().contains("stage"));
    let stage = serde_json::json!({
        "banner": "not here",
        "ticker": {"text": "a\nb"},
        "product": {"name": "Cap", "price": "5 €"},
        "poll": {"question": "?", "choices": []},
        "danmaku": {"crossing_s": 0.0},
        "panic": true,
    });
    let file = serde_json::json!({"live": true, "banner": "Hello", "stage": stage});
    let wanted: Wanted = serde_json::from_value(file).unwrap();
    let state = State::new(setup(), wanted);
    let expected = Stage {
        banner: Some("Hello".into()),
        product: Some(product("Cap")),
        panic: true,
        ..Stage::default()
    };
    assert_eq!(state.stage(), expected);
}

#[test]
fn panic_is_accepted_whatever_goes_on() {
    let mut rig = Rig::up();
    rig.state.actual.passthrough = true;
    let on = Command::Panic { on: true };
    assert_eq!(decide(&rig.state, &on, Origin::Mqtt), Decision::Accept);
    rig.order(on);
    assert!(rig.state.stage().panic);
    rig.order(Command::Panic { on: false });
    assert!(!rig.state.stage().panic);
}
