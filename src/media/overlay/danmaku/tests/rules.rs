//! One rule at a time.

use super::*;

#[test]
fn a_lane_is_free_when_the_formula_says_so() {
    let mut rig = Rig::new(&DanmakuConfig {
        lanes: 1,
        ttl_s: 60.0,
        ..config()
    });
    let widths = [100, 700, 30, 30, 2600, 5, 640];
    for (n, width) in widths.iter().enumerate() {
        rig.offer(comment(&format!("{width} {n}")), 0.0);
    }
    let starts = rig.until(60.0).started;
    assert_eq!(starts.len(), widths.len());
    let gap = f64::from(Field::gap(36));
    let share = |n: usize| {
        let width = f64::from(widths[n]) + gap;
        width / (1280.0 + width)
    };
    for n in 1..widths.len() {
        let [before, begin] = [n - 1, n].map(|n| starts[n].motion.begin as f64 / 1e9);
        let expected = before + 8.0 * share(n - 1).max(share(n));
        assert!((begin - expected).abs() < 1e-6, "{n}: {begin} {expected}");
    }
}

#[test]
fn the_topmost_free_lane_is_taken() {
    let mut rig = Rig::new(&config());
    for n in 0..3 {
        rig.offer(comment(&format!("300 {n}")), 0.0);
    }
    let y = |shown: &Shown| shown.motion.at(shown.motion.begin).unwrap().y;
    let first: Vec<i32> = rig.turn(0.0).started.iter().map(y).collect();
    let height = Field::lane_height(36).cast_signed();
    assert_eq!(first, [36, 36 + height, 36 + 2 * height]);
    rig.offer(comment("300 later"), 4.0);
    assert_eq!(y(&rig.turn(4.0).started[0]), 36);
}

#[test]
fn the_lowest_rank_goes_first_and_its_oldest_before() {
    let mut rig = Rig::new(&DanmakuConfig {
        queue: 4,
        ..config()
    });
    // No picture has lanes where all of it is kept clear.
    let all = Rect {
        x: 0,
        y: 0,
        width: 1280,
        height: 720,
    };
    let blocked = Field {
        keep_clear: vec![all],
        ..field()
    };
    rig.danmaku.lay_out(blocked, Duration::ZERO);
    let ranked = |text: &str, rank| Comment {
        rank,
        ..comment(text)
    };
    let old = rig.offer(ranked("old", Rank::Text), 0.0);
    let new = rig.offer(ranked("new", Rank::Text), 0.1);
    let staff = rig.offer(ranked("staff", Rank::Staff), 0.2);
    let asked = rig.offer(ranked("asked", Rank::Question), 0.3);
    let paid = rig.offer(ranked("paid", Rank::Paid), 0.4);
    let late = rig.offer(ranked("late", Rank::Text), 0.5);
    rig.offer(ranked("more", Rank::Staff), 0.6);
    assert_eq!(rig.danmaku.counts().pushed_out, 3);
    assert!(rig.turn(1.0).started.is_empty());
    rig.danmaku.lay_out(field(), s(1.0));
    let order: Vec<ItemId> = rig.turn(1.0).started.iter().map(|shown| shown.id).collect();
    assert_eq!(
        order,
        [paid, asked, staff, ItemId(7)],
        "{old:?} {new:?} {late:?}"
    );
    assert!(adds_up(&rig.danmaku));
}

#[test]
fn who_waits_too_long_is_not_drawn() {
    let mut rig = Rig::new(&DanmakuConfig {
        lanes: 1,
        ttl_s: 2.0,
        ..config()
    });
    for n in 0..4 {
        rig.offer(comment(&format!("1280 {n}")), 0.0);
    }
    // A lane takes one in 4 s.
    assert_eq!(rig.until(20.0).started.len(), 1);
    assert_eq!(rig.danmaku.counts().expired, 3);
    assert_eq!(rig.danmaku.next(), None);
}

#[test]
fn equal_texts_in_the_queue_become_one() {
    let mut rig = Rig::new(&DanmakuConfig {
        lanes: 1,
        ..config()
    });
    rig.offer(comment("1200 wide"), 0.0);
    rig.turn(0.0);
    let first = rig.offer(comment("Hello  World"), 0.1);
    rig.offer(comment("hello world"), 0.2);
    let paid = Comment {
        rank: Rank::Paid,
        ..comment(" HELLO WORLD ")
    };
    rig.offer(paid, 0.3);
    rig.offer(comment("other"), 0.4);
    let started = rig.until(8.0).started;
    assert_eq!((started[0].id, started[0].times), (first, 3));
    assert_eq!(
        started[0].comment.rank,
        Rank::Paid,
        "the highest rank counts"
    );
    assert_eq!(started[1].comment.text, "other");
    assert_eq!(rig.danmaku.counts().merged, 2);
}

#[test]
fn equal_texts_count_on_the_picture_where_there_is_room() {
    let mut rig = Rig::new(&DanmakuConfig {
        lanes: 1,
        ..config()
    });
    let id = rig.offer(comment("100 x"), 0.0);
    rig.turn(0.0);
    for n in 0..20 {
        rig.offer(comment("100 X"), 0.5 + f64::from(n) * 0.05);
    }
    let changed = rig.until(1.6).changed;
    let last = changed.last().unwrap();
    assert_eq!((last.id, last.times), (id, 21));
    assert!(
        changed.len() <= 5,
        "at most four times a second: {}",
        changed.len()
    );
    assert!(adds_up(&rig.danmaku));
    // After merge_s it is another comment.
    rig.offer(comment("100 x"), 6.5);
    assert_eq!(rig.turn(6.5).started.len(), 1);
}

#[test]
fn a_counter_that_would_run_into_the_next_text_waits_as_a_comment_of_its_own() {
    let mut rig = Rig::new(&DanmakuConfig {
        lanes: 1,
        ..config()
    });
    rig.offer(comment("400 x"), 0.0);
    rig.offer(comment("400 y"), 0.0);
    let started = rig.until(3.0).started;
    assert_eq!(started.len(), 2, "one right behind the other");
    let again = rig.offer(comment("400 x"), 3.0);
    rig.offer(comment("400 x"), 3.0);
    let changes = rig.until(6.0);
    assert!(changes.changed.is_empty());
    let shown = &changes.started[0];
    assert_eq!((shown.id, shown.times), (again, 2));
    assert!(adds_up(&rig.danmaku));
}

#[test]
fn fixed_texts_stand_in_the_middle_in_stacks_of_their_own() {
    let mut rig = Rig::new(&config());
    let fixed = |text: &str, run| Comment {
        run,
        ..comment(text)
    };
    rig.offer(fixed("300 a", Run::Top), 0.0);
    rig.offer(fixed("200 b", Run::Top), 0.0);
    rig.offer(fixed("200 c", Run::Bottom), 0.0);
    let wide = rig.offer(fixed("1300 d", Run::Bottom), 0.0);
    let started = rig.turn(0.0).started;
    let at = |n: usize, t: u64| started[n].motion.at(t).map(|p| (p.x, p.y, p.opacity));
    let height = Field::lane_height(36).cast_signed();
    assert_eq!(at(0, 2_000_000_000), Some((490, 36, 256)));
    assert_eq!(at(1, 2_000_000_000), Some((540, 36 + height, 256)));
    assert_eq!(at(2, 2_000_000_000), Some((540, 720 - 36 - height, 256)));
    assert_eq!(at(0, 0), None, "it comes out of nothing");
    assert_eq!(at(0, 100_000_000).map(|p| p.2), Some(128));
    assert_eq!(at(0, 3_900_000_000).map(|p| p.2), Some(128));
    assert_eq!(at(0, 4_000_000_000), None);
    // The wide one could not be read: it runs, and keeps clear of lanes in which texts stand.
    assert_eq!(started[3].id, wide);
    assert_eq!(at(3, 0), Some((1280, 36 + 2 * height, 256)));
}

#[test]
fn lanes_keep_clear_of_cards() {
    let mut rig = Rig::new(&config());
    let height = Field::lane_height(36);
    let card = Rect {
        x: 900,
        y: 36 + height.cast_signed() + 5,
        width: 100,
        height: 10,
    };
    let blocked = Field {
        keep_clear: vec![card],
        ..field()
    };
    rig.danmaku.lay_out(blocked, Duration::ZERO);
    for n in 0..20 {
        rig.offer(comment(&format!("600 {n}")), 0.0);
    }
    let rows: Vec<i32> = rig
        .turn(0.0)
        .started
        .iter()
        .map(|shown| shown.motion.at(0).unwrap().y)
        .collect();
    let h = height.cast_signed();
    assert_eq!(rows, [36, 36 + 2 * h, 36 + 3 * h, 36 + 4 * h, 36 + 5 * h]);
}

#[test]
fn who_is_taken_back_goes_with_all_that_it_was_joined_with() {
    let mut rig = Rig::new(&DanmakuConfig {
        lanes: 1,
        ..config()
    });
    let drawn = rig.offer(comment("100 x"), 0.0);
    rig.turn(0.0);
    let joined = rig.offer(comment("100 x"), 1.0);
    assert_eq!(rig.turn(1.0).changed.len(), 1);
    rig.danmaku.withdraw(joined);
    assert_eq!(rig.danmaku.next(), Some(s(1.0)), "at once");
    assert_eq!(rig.turn(1.1).ended, [drawn]);
    // The lane is free again.
    let waiting = rig.offer(comment("100 y"), 1.1);
    rig.danmaku.withdraw(waiting);
    assert_eq!(rig.turn(1.2), Changes::default());
    rig.offer(comment("100 z"), 1.2);
    assert_eq!(rig.turn(1.2).started.len(), 1);
    let counts = rig.danmaku.counts();
    assert_eq!((counts.withdrawn, counts.cut), (1, 1));
    assert!(adds_up(&rig.danmaku));
}

#[test]
fn looks_change_at_once_and_sizes_with_the_next_text() {
    let mut rig = Rig::new(&config());
    rig.offer(comment("100 x"), 0.0);
    let before = rig.turn(0.0).started.remove(0);
    let other = DanmakuConfig {
        size_percent: 10.0,
        opacity: 50,
        crossing_s: 4.0,
        ..config()
    };
    rig.danmaku.set(other, s(1.0));
    let changed = rig.turn(1.0).changed.remove(0);
    assert_eq!(changed.motion.opacity, 128);
    assert_eq!(
        (changed.letters, changed.motion.path),
        (36, before.motion.path)
    );
    rig.offer(comment("100 y"), 1.0);
    let next = rig.turn(1.0).started.remove(0);
    assert_eq!(next.letters, 72);
    assert_eq!(next.motion.end, Some(5_000_000_000));
    let off = DanmakuConfig {
        enabled: false,
        ..config()
    };
    rig.danmaku.set(off, s(2.0));
    assert_eq!(rig.turn(2.0).ended.len(), 2);
    rig.offer(comment("100 z"), 2.0);
    assert!(rig.turn(2.0).started.is_empty() && rig.danmaku.counts().off == 1);
}

#[test]
fn another_picture_begins_anew_with_what_had_not_run_half_its_way() {
    let mut rig = Rig::new(&config());
    let old = rig.offer(comment("100 old"), 0.0);
    rig.turn(0.0);
    let young = rig.offer(comment("100 young"), 3.0);
    rig.turn(3.0);
    let portrait = Field {
        width: 720,
        height: 1280,
        ..field()
    };
    rig.danmaku.lay_out(portrait, s(5.0));
    let changes = rig.turn(5.0);
    assert_eq!(changes.ended.len(), 2);
    assert_eq!(changes.started.len(), 1);
    assert_eq!(changes.started[0].id, young, "{old:?} is gone");
    assert_eq!(changes.started[0].motion.at(5_000_000_000).unwrap().x, 720);
    assert!(adds_up(&rig.danmaku));
}

#[test]
fn the_lanes_hold_what_their_capacity_says() {
    for (size_percent, crossing_s, width) in [(5.0, 8.0, 300_u32), (3.0, 5.0, 60), (10.0, 8.0, 900)]
    {
        let config = DanmakuConfig {
            size_percent,
            crossing_s,
            ..config()
        };
        let mut rig = Rig::new(&config);
        let letters = field().letters(&config);
        let real = measure(&comment(&width.to_string()), 1, letters);
        let expected = capacity_per_s(&config, &field(), real);
        let mut drawn = 0;
        for n in 0..10_000_u32 {
            let at = f64::from(n) * 0.01;
            rig.offer(comment(&format!("{width} {n}")), at);
            drawn += rig.until(at).started.len();
        }
        let per_s = drawn as f64 / 100.0;
        let lanes = rig.danmaku.lanes.running.len() as f64;
        // The first of each lane had not to wait.
        assert!(
            (per_s - expected).abs() <= 0.02 * expected + lanes / 100.0,
            "{per_s} {expected}"
        );
    }
    let nothing = Field::default();
    assert_eq!(capacity_per_s(&config(), &nothing, 100), 0.0);
}

#[test]
fn a_flood_stays_bounded() {
    let mut rig = Rig::new(&config());
    for n in 0..50_000_u32 {
        let at = f64::from(n) / 5000.0;
        rig.offer(comment(&format!("{} {}", n % 500, n % 7919)), at);
        if n % 150 == 0 {
            rig.until(at);
        }
    }
    let danmaku = &rig.danmaku;
    assert!(danmaku.queue.len() <= 64 && danmaku.joined.len() <= MAX_JOINED);
    assert!(danmaku.drawn.len() <= 6 * 40, "{}", danmaku.drawn.len());
    assert!(adds_up(danmaku), "{:?}", danmaku.counts());
}

#[test]
fn small_areas_have_a_lane_and_tiny_pictures_none() {
    let small = DanmakuConfig {
        area_percent: 10,
        ..config()
    };
    assert_eq!(Lanes::new(&small, &field()).running.len(), 1);
    let tiny = Field {
        width: 8,
        height: 8,
        safe: 0,
        keep_clear: vec![],
    };
    assert_eq!(Lanes::new(&small, &tiny).running.len(), 0);
    for (size, speed) in [
        (f32::NAN, f32::NAN),
        (f32::INFINITY, -1.0),
        (-5.0, f32::MAX),
    ] {
        let odd = DanmakuConfig {
            size_percent: size,
            crossing_s: speed,
            ..config()
        };
        let mut rig = Rig::new(&odd);
        rig.offer(comment("100 x"), 0.0);
        rig.turn(0.0);
        assert!(adds_up(&rig.danmaku));
    }
}
