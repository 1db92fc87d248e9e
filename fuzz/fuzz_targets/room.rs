//! Whatever bridges send, in whatever order and mode: what comes out is fit to be drawn, everything is bounded, counted once, and
//! no two comments in the lanes overlap. The input is a list of steps: a kind, how much time goes on, how long the payload is,
//! and the payload.
#![no_main]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use boothcast::config::{DanmakuConfig, ModerationConfig, ModerationMode, Rgb, RoomConfig};
use boothcast::media::overlay::danmaku::{Changes, Danmaku, Field, Shown};
use boothcast::media::overlay::motion::{Path, Rect};
use boothcast::room::alerts::MAX_ALERTS;
use boothcast::room::hold::MAX_WAITING;
use boothcast::room::intake::Incoming;
use boothcast::room::item::{
    Alert, Comment, Item, ItemId, MAX_AMOUNT, MAX_PLATFORM, MAX_WHO, Output, Run,
};
use boothcast::room::moderation::clean;
use boothcast::room::{Room, Settings, Verdict, Via};
use libfuzzer_sys::fuzz_target;
use unicode_segmentation::UnicodeSegmentation;

/// Graphemes on the picture.
const MOST: u32 = 40;
/// Comments that wait for a lane.
const QUEUE: u32 = 16;
const WIDTH: u32 = 1280;

fuzz_target!(|data: &[u8]| {
    let mut run = Box::new(Stage::new());
    let mut rest = data;
    while let [kind, pace, length, tail @ ..] = rest {
        let (payload, tail) = tail.split_at(usize::from(*length).min(tail.len()));
        rest = tail;
        run.now += Duration::from_millis(u64::from(*pace).pow(2) / 4);
        run.step(*kind, payload);
        run.turn();
    }
    // Long after, nothing waits but for approval.
    run.now += Duration::from_secs(120);
    run.turn();
    run.now += Duration::from_secs(3600);
    run.turn();
});

struct Stage {
    room: Room,
    lanes: Danmaku,
    now: Duration,
    /// What runs, and how wide it is.
    drawn: BTreeMap<ItemId, (Shown, u32)>,
    panic: bool,
    last: u64,
}

impl Stage {
    fn new() -> Self {
        let mut lanes = Danmaku::new(&danmaku());
        let field = Field {
            width: WIDTH,
            height: 720,
            safe: 36,
            keep_clear: vec![Rect {
                x: 900,
                y: 100,
                width: 300,
                height: 80,
            }],
        };
        lanes.lay_out(field, Duration::ZERO);
        Self {
            room: Room::new(&settings()).expect("the settings are good"),
            lanes,
            now: Duration::ZERO,
            drawn: BTreeMap::new(),
            panic: false,
            last: 0,
        }
    }

    fn step(&mut self, kind: u8, payload: &[u8]) {
        let first = payload.first().copied().unwrap_or_default();
        let delay = Duration::from_secs((first % 40).into());
        match kind {
            0..=127 => self.receive(kind, payload),
            128..=159 => self.command(payload),
            160..=191 => self.decide(kind, usize::from(first)),
            192..=223 => {
                let mode = [
                    ModerationMode::Hold,
                    ModerationMode::Delay,
                    ModerationMode::Free,
                ][usize::from(kind % 3)];
                self.room.set_mode(mode, delay, self.now);
            }
            224..=231 => {
                self.panic = !self.panic;
                self.room.set_panic(self.panic);
            }
            _ => self.room.set_capacity(f32::from(first), self.now),
        }
    }

    fn receive(&mut self, kind: u8, payload: &[u8]) {
        let source = ["one", "two", "a-source-with-a-name-that-is-long"][usize::from(kind % 3)];
        let verdict = self.room.receive(source, payload, self.now);
        if Incoming::read(payload).is_err() {
            assert!(matches!(verdict, Verdict::Refused(_)));
        }
        self.note(verdict);
    }

    fn command(&mut self, payload: &[u8]) {
        if let Ok(comment) = serde_json::from_slice::<Comment>(payload) {
            let verdict = self
                .room
                .take(Via::Command, Item::Comment(comment), None, self.now);
            self.note(verdict);
        } else if let Ok(alert) = serde_json::from_slice::<Alert>(payload) {
            let verdict =
                self.room
                    .take(Via::Command, Item::Alert(alert), Some("author"), self.now);
            self.note(verdict);
        }
    }

    fn note(&mut self, verdict: Verdict) {
        if let Verdict::Shown(id) | Verdict::Delayed(id, _) | Verdict::Held(id) = verdict {
            assert!(!self.panic, "panic holds everything off");
            self.last = self.last.max(id.0);
        }
    }

    fn decide(&mut self, kind: u8, nth: usize) {
        let queue = self.room.queue();
        let waits = queue.get(nth % queue.len().max(1)).map(|w| w.id);
        let id = waits.unwrap_or(ItemId(nth as u64));
        if kind % 2 == 0 {
            assert!(
                self.room.approve(id, self.now).is_ok()
                    || waits.is_none()
                    || self.room.queue().len() < queue.len()
            );
        } else {
            assert!(self.room.reject(id, self.now).is_ok() || waits.is_none());
        }
    }

    fn turn(&mut self) {
        for output in self.room.turn(self.now) {
            match output {
                Output::Comment(id, comment) => {
                    assert!(!self.panic);
                    fit(&comment.text, MOST as usize);
                    comment.who.iter().for_each(|who| short(who, MAX_WHO));
                    comment.platform.iter().for_each(|p| short(p, MAX_PLATFORM));
                    self.lanes.offer(id, comment, self.now);
                }
                Output::Alert(None) => {}
                Output::Alert(Some((_, alert))) => {
                    assert!(!self.panic);
                    short(&alert.who, MAX_WHO);
                    alert.what.iter().for_each(|what| fit(what, MOST as usize));
                    alert
                        .amount
                        .iter()
                        .for_each(|amount| short(amount, MAX_AMOUNT));
                }
                Output::Withdraw(id) => self.lanes.withdraw(id),
                Output::Clear => self.lanes.clear(),
            }
        }
        assert!(self.room.queue().len() <= MAX_WAITING);
        assert!(self.room.waiting() <= MAX_WAITING + MAX_ALERTS);
        let counts = self.room.counts();
        assert_eq!(
            counts.taken,
            counts.settled() + self.room.waiting() as u64,
            "{counts:?}"
        );
        self.turn_lanes();
    }

    fn turn_lanes(&mut self) {
        let changes = self.lanes.turn(self.now, &mut measure);
        self.keep(changes);
        let counts = self.lanes.counts();
        let sum = counts.drawn
            + counts.merged
            + counts.expired
            + counts.pushed_out
            + counts.withdrawn
            + counts.off;
        assert_eq!(counts.offered, sum + self.lanes.waiting(), "{counts:?}");
        let now = u64::try_from(self.now.as_nanos()).unwrap_or(u64::MAX);
        self.drawn
            .retain(|_, (shown, _)| !shown.motion.is_over(now));
        let running: Vec<_> = self
            .drawn
            .values()
            .filter(|(s, _)| s.comment.run == Run::Scroll)
            .collect();
        for (at, a) in running.iter().enumerate() {
            for b in &running[at + 1..] {
                assert!(apart(a, b), "{a:?} and {b:?} overlap");
            }
        }
    }

    fn keep(&mut self, changes: Changes) {
        for id in changes.ended {
            self.drawn.remove(&id);
        }
        for shown in changes.started.into_iter().chain(changes.changed) {
            let width = measure(&shown.comment, shown.times, shown.letters);
            self.drawn.insert(shown.id, (shown, width));
        }
    }
}

/// A width that nobody laid out: every letter is as wide as it is high, or half of that.
fn measure(comment: &Comment, times: u32, letters: u32) -> u32 {
    let width = |c: char| if c.is_ascii() { letters / 2 } else { letters };
    let text: u32 = comment.text.chars().map(width).sum();
    text + if times > 1 { letters * 2 } else { 0 }
}

/// Whether two that run never share a column of the same rows while both are on their way: both are even, so the beginning and the
/// end of that time say it all.
fn apart((a, a_width): &(Shown, u32), (b, b_width): &(Shown, u32)) -> bool {
    let (
        Path::Steady {
            x: ax,
            y: ay,
            speed: av,
        },
        Path::Steady {
            x: bx,
            y: by,
            speed: bv,
        },
    ) = (&a.motion.path, &b.motion.path)
    else {
        return true;
    };
    let rows = *ay < by.saturating_add_unsigned(b.lane_height)
        && *by < ay.saturating_add_unsigned(a.lane_height);
    let end = |shown: &Shown| shown.motion.end.unwrap_or(u64::MAX);
    let from = a.motion.begin.max(b.motion.begin);
    let to = end(a).min(end(b));
    if !rows || from >= to {
        return true;
    }
    let place = |x: f64, v: f64, begin: u64, at: u64| x + v * (at - begin) as f64 / 1e9;
    [from, to].into_iter().all(|at| {
        let (a_left, b_left) = (
            place(*ax, *av, a.motion.begin, at),
            place(*bx, *bv, b.motion.begin, at),
        );
        let on_picture =
            |left: f64, width: u32| left < f64::from(WIDTH) && left + f64::from(width) > 0.0;
        // Off the picture nobody sees it.
        !on_picture(a_left, *a_width)
            || !on_picture(b_left, *b_width)
            || a_left + f64::from(*a_width) <= b_left + 1e-3
            || b_left + f64::from(*b_width) <= a_left + 1e-3
    })
}

fn fit(text: &str, most: usize) {
    assert!(!text.is_empty());
    assert!(text.graphemes(true).count() <= most, "{text:?}");
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
    };
    assert!(!text.chars().any(hidden), "{text:?}");
    let body = text.trim_end_matches('…');
    assert_eq!(clean(&clean(body)), clean(body));
}

fn short(text: &str, most: usize) {
    fit(text, most);
    assert!(text.chars().count() <= most);
}

fn settings() -> Settings {
    Settings {
        moderation: ModerationConfig {
            mode: ModerationMode::Free,
            delay_s: 3.0,
            words: "bad,badword*,坏蛋,!badge,바보".into(),
            words_file: PathBuf::new(),
            links: false,
            max_graphemes: MOST,
            repeat_s: 5.0,
            author_per_s: 5.0,
            author_tau_s: 1.0,
            author_burst: 5.0,
            author_suppress: true,
        },
        words: Vec::new(),
        room: RoomConfig {
            name: None,
            max_drawn_per_s: 20.0,
            bridges: true,
        },
    }
}

fn danmaku() -> DanmakuConfig {
    let white = Rgb([255; 3]);
    DanmakuConfig {
        enabled: true,
        crossing_s: 8.0,
        size_percent: 5.0,
        lanes: 3,
        area_percent: 50,
        opacity: 90,
        fixed_s: 4.0,
        colour_text: white,
        colour_staff: white,
        colour_question: white,
        colour_paid: white,
        queue: QUEUE,
        ttl_s: 10.0,
        merge_s: 5.0,
    }
}
