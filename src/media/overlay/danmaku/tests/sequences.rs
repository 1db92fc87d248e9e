//! Random sequences of everything that can happen, looked at by geometry.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Wait(u32),
    Offer {
        width: u32,
        kind: u32,
        rank: Rank,
        run: Run,
    },
    Config(DanmakuConfig),
    Field(Field),
    Withdraw(u64),
    Clear,
}

fn configs() -> impl Strategy<Value = DanmakuConfig> {
    (
        (
            any::<u8>(),
            2.0_f32..30.0,
            2.0_f32..15.0,
            0_u32..6,
            10_u32..100,
        ),
        (
            1.0_f32..6.0,
            1_u32..30,
            1.0_f32..20.0,
            prop_oneof![Just(0.0), 0.0_f32..9.0],
        ),
    )
        .prop_map(|(run, wait)| DanmakuConfig {
            enabled: run.0 > 10,
            crossing_s: run.1,
            size_percent: run.2,
            lanes: run.3,
            area_percent: run.4,
            fixed_s: wait.0,
            queue: wait.1,
            ttl_s: wait.2,
            merge_s: wait.3,
            opacity: 10 + u32::from(run.0) % 90,
            ..config()
        })
}

fn fields() -> impl Strategy<Value = Field> {
    let size = prop_oneof![
        4 => Just((1280, 720)),
        1 => Just((720, 1280)),
        1 => Just((1920, 1080)),
        1 => (16_u32..4000, 16_u32..4000),
    ];
    let rect = (-100_i32..1400, -100_i32..1400, 0_u32..800, 0_u32..300).prop_map(
        |(x, y, width, height)| Rect {
            x,
            y,
            width,
            height,
        },
    );
    (size, 0_u32..80, prop::collection::vec(rect, 0..3)).prop_map(
        |((width, height), safe, keep_clear)| Field {
            width,
            height,
            safe,
            keep_clear,
        },
    )
}

fn steps() -> impl Strategy<Value = Step> {
    let width = prop_oneof![8 => 1_u32..600, 1 => 600_u32..6000, 1 => Just(0)];
    let rank = prop_oneof![
        3 => Just(Rank::Text), 1 => Just(Rank::Staff), 1 => Just(Rank::Question), 1 => Just(Rank::Paid)
    ];
    let run = prop_oneof![6 => Just(Run::Scroll), 1 => Just(Run::Top), 1 => Just(Run::Bottom)];
    let offer = (width, 0_u32..4, rank, run).prop_map(|(width, kind, rank, run)| Step::Offer {
        width: if kind == 0 { 100 } else { width },
        kind,
        rank,
        run,
    });
    prop_oneof![
        24 => offer,
        14 => (0_u32..2500).prop_map(Step::Wait),
        2 => configs().prop_map(Step::Config),
        1 => fields().prop_map(Step::Field),
        1 => (0_u64..60).prop_map(Step::Withdraw),
        1 => Just(Step::Clear),
    ]
}

/// What a drawing program would have on the picture.
#[derive(Default)]
struct Screen(BTreeMap<ItemId, (Shown, u32)>);

impl Screen {
    fn take(&mut self, changes: Changes, field: &Field, config: &DanmakuConfig, now: u64) {
        for id in &changes.ended {
            assert!(
                self.0.remove(id).is_some(),
                "{id:?} ended twice or was never there"
            );
        }
        for shown in changes.started {
            let width = measure(&shown.comment, shown.times, shown.letters);
            starts_well(&shown, width, field, config, now);
            assert!(self.0.insert(shown.id, (shown, width)).is_none());
        }
        for shown in changes.changed {
            let width = measure(&shown.comment, shown.times, shown.letters);
            let before = self.0.insert(shown.id, (shown.clone(), width));
            let (before, _) = before.expect("what changes was there");
            assert_eq!(before.motion.begin, shown.motion.begin);
            ends_well(&shown, width);
            assert!(before.times <= shown.times);
        }
    }

    /// No two texts of a lane share a pixel, now or later, where they are really drawn.
    fn is_apart(&self, from: u64) {
        let all: Vec<_> = self.0.values().collect();
        for (n, (a, wide)) in all.iter().enumerate() {
            for (b, others) in &all[n + 1..] {
                let fixed = [a, b].map(|s| s.motion.fade_in > 0);
                let rows = |s: &Shown| Rect {
                    x: 0,
                    y: y(s),
                    width: 1,
                    height: s.lane_height,
                };
                if fixed[0] != fixed[1] || !rows(a).meets(&rows(b)) {
                    continue;
                }
                let end = a.motion.end.unwrap().min(b.motion.end.unwrap());
                let times = (0..=24).map(|k| from + (end.saturating_sub(from)) / 24 * k);
                for t in times.chain([end.saturating_sub(1)]).filter(|t| *t >= from) {
                    let (Some(p), Some(q)) = (a.motion.at(t), b.motion.at(t)) else {
                        continue;
                    };
                    let (p, q) = (i64::from(p.x), i64::from(q.x));
                    let apart = p + i64::from(*wide) <= q || q + i64::from(*others) <= p;
                    assert!(apart, "at {t}: {p}+{wide} and {q}+{others}\n{a:?}\n{b:?}");
                }
            }
        }
    }
}

fn y(shown: &Shown) -> i32 {
    shown
        .motion
        .at(shown.motion.begin + 1_000_000_000 / 4)
        .unwrap()
        .y
}

fn starts_well(shown: &Shown, width: u32, field: &Field, config: &DanmakuConfig, now: u64) {
    let (motion, y) = (&shown.motion, y(shown));
    assert_eq!(motion.begin, now);
    let band = Rect {
        x: 0,
        y,
        width: field.width,
        height: shown.lane_height,
    };
    assert!(
        field.keep_clear.iter().all(|r| !r.meets(&band)),
        "{shown:?}"
    );
    assert!(
        y >= 0 && band.bottom() <= field.height.cast_signed(),
        "{shown:?} {field:?}"
    );
    let first = motion.at(now + 250_000_000).unwrap().x;
    let end = motion.end.unwrap();
    if motion.fade_in == 0 {
        assert!(first <= field.width.cast_signed());
        assert_eq!(motion.at(now).unwrap().x, field.width.cast_signed());
        ends_well(shown, width);
        assert_eq!(end - now, ns(config.crossing_s));
    } else {
        assert!(first >= 0 && first + width.cast_signed() <= field.width.cast_signed() + 1);
        assert_eq!(end - now, ns(config.fixed_s));
    }
}

fn go(danmaku: &mut Danmaku, screen: &mut Screen, now: u64, field: &Field, config: &DanmakuConfig) {
    let at = Duration::from_nanos(now);
    let due = danmaku.next();
    let before = danmaku.counts();
    let changes = danmaku.turn(at, &mut measure);
    if due.is_none_or(|due| due > at) {
        assert_eq!(
            changes,
            Changes::default(),
            "a turn was due sooner than next() said: {due:?}"
        );
        assert_eq!(danmaku.counts(), before);
    }
    assert!(
        danmaku.next().is_none_or(|next| next > at),
        "turns without end"
    );
    screen.take(changes, field, config, now);
    assert_eq!(screen.0.len(), danmaku.drawn.len());
}

/// It is out of the picture when it ends.
fn ends_well(shown: &Shown, width: u32) {
    if shown.motion.fade_in == 0 {
        let last = shown.motion.at(shown.motion.end.unwrap() - 1).unwrap().x;
        assert!(i64::from(last) + i64::from(width) <= 0, "{shown:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn texts_of_a_lane_never_overlap(steps in prop::collection::vec(steps(), 1..120)) {
        let (mut config, mut field) = (config(), field());
        let mut danmaku = Danmaku::new(&config);
        danmaku.lay_out(field.clone(), Duration::ZERO);
        let (mut screen, mut now, mut id) = (Screen::default(), 0_u64, 0_u64);
        for step in steps {
            let at = Duration::from_nanos(now);
            match step {
                Step::Wait(ms) => now += u64::from(ms) * 1_000_000 + 7,
                Step::Offer { width, kind, rank, run } => {
                    id += 1;
                    let text = if kind == 0 { format!("{width}") } else { format!("{width} {id}") };
                    danmaku.offer(ItemId(id), Comment { rank, run, ..comment(&text) }, at);
                }
                Step::Config(new) => {
                    config = new;
                    danmaku.set(config.clone(), at);
                }
                Step::Field(new) => {
                    field = new;
                    danmaku.lay_out(field.clone(), at);
                }
                Step::Withdraw(of) => danmaku.withdraw(ItemId(of.min(id))),
                Step::Clear => danmaku.clear(),
            }
            prop_assert!(danmaku.queue.len() <= config.queue as usize);
            go(&mut danmaku, &mut screen, now, &field, &config);
            prop_assert!(adds_up(&danmaku), "{:?} {}", danmaku.counts(), danmaku.waiting());
            screen.is_apart(now);
        }
        // And when it is left alone, everything comes to its end.
        for _ in 0..10_000 {
            let Some(next) = danmaku.next() else { break };
            now = u64::try_from(next.as_nanos()).unwrap();
            go(&mut danmaku, &mut screen, now, &field, &config);
            screen.is_apart(now);
        }
        prop_assert!(danmaku.waiting() == 0 && screen.0.is_empty());
        prop_assert!(adds_up(&danmaku));
    }
}
