//! What is put on the picture in random sequences: what stands there is what the last accepted commands say, and it is
//! the same after a power cut, but for what has an end and for votes.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::command::{Command, Origin};
use super::notice::Banner;
use super::on_stage::COUNTDOWN_STAYS;
use super::policy::{Decision, decide};
use super::stage::*;
use super::state::{State, Wanted};
use super::testing::{Rig, setup};
use crate::config::{Corner, ModerationMode, Rgb};

const UNIX: i64 = 1_800_000_000;

/// The most bytes that what is wanted takes on disk because of what stands on the picture: two of the largest pictures as
/// base64, and all texts at their longest, of letters that take the most.
const MOST_BYTES: usize = 2 * MAX_PICTURE.div_ceil(3) * 4 + 16 * 1024;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => select(vec!["Ada", "Grace", "News", "会场 👩‍🎤"]).prop_map(String::from),
        1 => ".{0,120}",
    ]
}

fn some_text() -> impl Strategy<Value = Option<String>> {
    option::of(text())
}

fn picture() -> impl Strategy<Value = Option<Picture>> {
    let small = (0u8..3).prop_map(|n| {
        let file = [b"\x89PNG\r\n\x1a\n".as_slice(), &[n]].concat();
        Picture::new(&file).unwrap()
    });
    option::of(small)
}

fn product() -> impl Strategy<Value = Product> {
    let url = option::of(select(vec!["https://shop.example/cap", "ftp://x"]));
    (text(), text(), option::of(any::<u32>()), url, picture()).prop_map(
        |(name, price, stock, url, picture)| Product {
            name,
            price,
            old_price: None,
            stock,
            url: url.map(str::to_owned),
            picture,
        },
    )
}

fn poll() -> impl Strategy<Value = Poll> {
    let choice = (text(), 0u64..4).prop_map(|(text, votes)| Choice { text, votes });
    let mixed = (text(), vec(choice, 0..12), any::<[bool; 2]>()).prop_map(
        |(question, choices, [open, hidden])| Poll {
            question,
            choices,
            open,
            hidden,
        },
    );
    let usual = vec(any::<u64>(), 2..4).prop_map(|votes| Poll {
        question: "Tea?".into(),
        choices: votes
            .into_iter()
            .map(|votes| Choice {
                text: "Yes".into(),
                votes,
            })
            .collect(),
        open: true,
        hidden: false,
    });
    prop_oneof![1 => mixed, 2 => usual]
}

fn logo() -> impl Strategy<Value = Logo> {
    let corner = option::of(select(vec![Corner::TopLeft, Corner::BottomRight]));
    (
        picture(),
        corner,
        option::of(0.0f32..60.0),
        option::of(0u32..120),
    )
        .prop_map(|(picture, corner, percent, opacity)| Logo {
            picture,
            corner,
            percent,
            opacity,
        })
}

fn danmaku() -> impl Strategy<Value = DanmakuChange> {
    let colour = option::of(any::<[u8; 3]>().prop_map(Rgb));
    (
        any::<Option<bool>>(),
        option::of(any::<f32>()),
        option::of(0u32..50),
        option::of(select(vec![10u32, 50, 101])),
        colour,
    )
        .prop_map(
            |(enabled, crossing, lanes, opacity, colour_text)| DanmakuChange {
                enabled,
                crossing_s: crossing.map(|c| if c > 0.0 { 5.0 } else { c }),
                lanes,
                opacity,
                colour_text,
                ..DanmakuChange::default()
            },
        )
}

fn moderation() -> impl Strategy<Value = ModerationChange> {
    let mode = select(vec![
        ModerationMode::Hold,
        ModerationMode::Delay,
        ModerationMode::Free,
    ]);
    (mode, option::of(-1.0f32..40.0)).prop_map(|(mode, delay_s)| ModerationChange { mode, delay_s })
}

/// Any command about what stands on the picture, handed in at one and the same time of the calendar.
pub(crate) fn command() -> impl Strategy<Value = Command> {
    let seconds = || option::of(0u32..40);
    let layer = || select(Layer::ALL.to_vec());
    prop_oneof![
        2 => (text(), seconds()).prop_map(|(text, seconds)| Command::OverlayText(Banner { text, seconds })),
        1 => Just(Command::OverlayClear),
        3 => (some_text(), some_text(), seconds())
            .prop_map(|(name, line, seconds)| Command::LowerThird { name, line, seconds }),
        2 => some_text().prop_map(|text| Command::Ticker { text }),
        3 => (some_text(), seconds(), option::of(UNIX - 5..UNIX + 50)).prop_map(|(title, seconds, until)| {
            Command::Countdown { title, seconds, until, now: Some(UNIX) }
        }),
        2 => product().prop_map(Command::ProductPin),
        1 => Just(Command::ProductUnpin),
        4 => poll().prop_map(Command::PollShow),
        1 => Just(Command::PollHide),
        3 => (any::<bool>(), logo()).prop_map(|(off, logo)| Command::Logo { off, logo }),
        1 => Just(Command::Logo { off: true, logo: Logo { picture: None, corner: None, percent: None, opacity: None } }),
        1 => layer().prop_map(|layer| Command::LayerShow { layer }),
        1 => layer().prop_map(|layer| Command::LayerHide { layer }),
        3 => (any::<bool>(), danmaku()).prop_map(|(reset, change)| Command::DanmakuSet { reset, change }),
        2 => moderation().prop_map(Command::ModerationSet),
        2 => any::<bool>().prop_map(|on| Command::Panic { on }),
    ]
}

/// What the accepted commands say, each for itself: another way to the same end.
#[derive(Default)]
struct Said {
    banner: Option<(String, Option<Duration>)>,
    title: Option<(LowerThird, Option<Duration>)>,
    ticker: Option<Ticker>,
    countdown: Option<(Countdown, Duration)>,
    product: Option<Product>,
    poll: Option<Poll>,
    logos: Vec<Logo>,
    layers: BTreeMap<Layer, bool>,
    danmaku: Vec<DanmakuChange>,
    moderation: Vec<ModerationChange>,
    panic: bool,
}

impl Said {
    fn accepted(&mut self, command: Command, now: Duration) {
        let end = |s: Option<u32>| s.map(|s| now + Duration::from_secs(s.into()));
        match command {
            Command::OverlayText(b) => self.banner = Some((b.text, end(b.seconds))),
            Command::OverlayClear => self.banner = None,
            Command::LowerThird {
                name,
                line,
                seconds,
            } => self.title = name.map(|name| (LowerThird { name, line }, end(seconds))),
            Command::Ticker { text } => self.ticker = text.map(|text| Ticker { text }),
            Command::Countdown {
                title,
                seconds,
                until,
                ..
            } => {
                let until = until.or(seconds.map(|s| UNIX + i64::from(s)));
                self.countdown = until.map(|until| {
                    let left = Duration::from_secs((until - UNIX).try_into().unwrap());
                    (Countdown { title, until }, now + left + COUNTDOWN_STAYS)
                });
            }
            Command::ProductPin(product) => self.product = Some(product),
            Command::ProductUnpin => self.product = None,
            Command::PollShow(poll) => self.poll = Some(poll),
            Command::PollHide => self.poll = None,
            Command::Logo { off: true, .. } => {
                self.logos.clear();
                self.layers.insert(Layer::Logo, false);
            }
            Command::Logo { off: false, logo } => {
                self.logos.push(logo);
                self.layers.remove(&Layer::Logo);
            }
            Command::LayerShow { layer } => drop(self.layers.insert(layer, true)),
            Command::LayerHide { layer } => drop(self.layers.insert(layer, false)),
            Command::DanmakuSet { reset, change } => {
                if reset {
                    self.danmaku.clear();
                }
                self.danmaku.push(change);
            }
            Command::ModerationSet(change) => self.moderation.push(change),
            Command::Panic { on } => self.panic = on,
            other => panic!("{other:?}"),
        }
    }

    fn time_goes_on(&mut self, now: Duration) {
        self.banner
            .take_if(|(_, end)| end.is_some_and(|e| now >= e));
        self.title.take_if(|(_, end)| end.is_some_and(|e| now >= e));
        self.countdown.take_if(|(_, end)| now >= *end);
    }

    fn stage(&self) -> Stage {
        fn last<T, V>(all: &[T], of: impl Fn(&T) -> Option<V>) -> Option<V> {
            all.iter().rev().find_map(of)
        }
        let logo = Logo {
            picture: last(&self.logos, |l| l.picture.clone()),
            corner: last(&self.logos, |l| l.corner),
            percent: last(&self.logos, |l| l.percent),
            opacity: last(&self.logos, |l| l.opacity),
        };
        let plain = serde_json::json!(logo)
            .as_object()
            .is_some_and(|fields| fields.values().all(serde_json::Value::is_null));
        Stage {
            banner: self.banner.as_ref().map(|(text, _)| text.clone()),
            lower_third: self.title.as_ref().map(|(title, _)| title.clone()),
            ticker: self.ticker.clone(),
            countdown: self
                .countdown
                .as_ref()
                .map(|(countdown, _)| countdown.clone()),
            product: self.product.clone(),
            poll: self.poll.clone(),
            logo: (!plain).then_some(logo),
            layers: self.layers.clone(),
            panic: self.panic,
            danmaku: DanmakuChange {
                enabled: last(&self.danmaku, |d| d.enabled),
                crossing_s: last(&self.danmaku, |d| d.crossing_s),
                lanes: last(&self.danmaku, |d| d.lanes),
                opacity: last(&self.danmaku, |d| d.opacity),
                colour_text: last(&self.danmaku, |d| d.colour_text),
                ..DanmakuChange::default()
            },
            moderation: self.moderation.last().map(|m| ModerationChange {
                mode: m.mode,
                delay_s: last(&self.moderation, |m| m.delay_s),
            }),
        }
    }

    /// After a power cut: what has an end is gone, and votes may be older.
    fn comes_back(&self, stage: &Stage) {
        let votes_aside = |stage: &Stage| {
            let mut stage = stage.clone();
            let choices = stage.poll.iter_mut().flat_map(|p| &mut p.choices);
            choices.for_each(|c| c.votes = 0);
            stage
        };
        let mut expected = self.stage();
        if self.banner.as_ref().is_some_and(|(_, end)| end.is_some()) {
            expected.banner = None;
        }
        if self.title.as_ref().is_some_and(|(_, end)| end.is_some()) {
            expected.lower_third = None;
        }
        assert_eq!(votes_aside(stage), votes_aside(&expected));
    }
}

fn reloaded(wanted: &Wanted) -> State {
    let json = serde_json::to_string(wanted).unwrap();
    assert!(json.len() < MOST_BYTES, "{} bytes", json.len());
    let loaded: Wanted = serde_json::from_str(&json).unwrap();
    let state = State::new(setup(), loaded.clone());
    assert_eq!(loaded, *wanted, "as it was saved");
    assert_eq!(state.wanted, *wanted, "nothing of it is thrown away");
    state
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_stands_is_what_was_said_last_and_comes_back(
        course in vec((command(), 0u64..9), 1..60),
    ) {
        let mut rig = Rig::up();
        let mut said = Said::default();
        for (command, wait) in course {
            let decision = decide(&rig.state, &command, Origin::Mqtt);
            rig.order(command.clone());
            if decision == Decision::Accept {
                said.accepted(command, rig.state.now);
            }
            prop_assert_eq!(rig.state.stage(), said.stage());
            let now = rig.state.now + Duration::from_secs(wait);
            rig.tick_to(now);
            said.time_goes_on(rig.state.now);
            prop_assert_eq!(rig.state.stage(), said.stage());
        }
        said.comes_back(&reloaded(&rig.state.wanted).stage());
    }
}

#[test]
fn the_largest_of_everything_fits_its_bound() {
    let mut rig = Rig::up();
    let long = |n: usize| "🎤".repeat(n);
    let mut file = vec![7; MAX_PICTURE];
    file[..8].copy_from_slice(b"\x89PNG\r\n\x1a\n");
    let picture = Picture::new(&file).unwrap();
    let choice = |n: u32| Choice {
        text: format!("{n}{}", long(39)),
        votes: u64::MAX,
    };
    for command in [
        Command::OverlayText(Banner {
            text: long(100),
            seconds: None,
        }),
        Command::LowerThird {
            name: Some(long(60)),
            line: Some(long(100)),
            seconds: None,
        },
        Command::Ticker {
            text: Some(long(500)),
        },
        Command::Countdown {
            title: Some(long(60)),
            seconds: Some(31_536_000),
            until: None,
            now: Some(UNIX),
        },
        Command::ProductPin(Product {
            name: long(80),
            price: long(24),
            old_price: Some(long(24)),
            stock: Some(u32::MAX),
            url: Some(format!("https://{}", "x".repeat(192))),
            picture: Some(picture.clone()),
        }),
        Command::PollShow(Poll {
            question: long(100),
            choices: (0..10).map(choice).filter(|c| c.text.len() < 200).collect(),
            open: false,
            hidden: true,
        }),
        Command::Logo {
            off: false,
            logo: Logo {
                picture: Some(picture),
                corner: Some(Corner::BottomRight),
                percent: Some(12.345_678),
                opacity: Some(100),
            },
        },
    ] {
        let decision = decide(&rig.state, &command, Origin::Mqtt);
        assert_eq!(decision, Decision::Accept, "{command:?}");
        rig.order(command);
    }
    let largest = reloaded(&rig.state.wanted).wanted;
    let bytes = serde_json::to_string(&largest).unwrap().len();
    assert!(bytes > 2 * MAX_PICTURE, "both pictures are in it");
}
