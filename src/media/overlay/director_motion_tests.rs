//! What moves: comments, counters, countdown, ticker.

use super::*;

#[test]
fn a_rising_counter_and_new_votes_do_not_come_in_anew() {
    let mut show = Show::new(&overlay());
    show.director
        .put(Output::Alert(Some((ItemId(1), alert(1)))));
    show.director.stage(Stage {
        poll: Some(poll(5)),
        ..Stage::default()
    });
    show.run(0, 2_000);
    show.director
        .put(Output::Alert(Some((ItemId(1), alert(2)))));
    show.director.stage(Stage {
        poll: Some(poll(6)),
        ..Stage::default()
    });
    show.run(2_000, 2_400);
    for ms in 1_950..2_400 {
        assert_eq!(show.seen(ms), [256, 256], "at {ms} ms");
    }
    show.run(2_400, 3_000);
    assert_eq!(show.seen(3_000), [256, 256]);
    // Another alert does.
    show.director
        .put(Output::Alert(Some((ItemId(2), alert(1)))));
    show.run(3_000, 3_010);
    assert!(show.seen(3_100).iter().any(|o| *o < 256));
}

#[test]
fn comments_run_and_withdrawn_ones_are_gone_at_once() {
    let mut show = Show::new(&overlay());
    show.turn(0);
    for n in 0..3 {
        let text = format!("comment {n}");
        show.director
            .put(Output::Comment(ItemId(n), comment(&text)));
    }
    show.run(100, 2_000);
    assert_eq!(show.layers(2_000), [Layer::Danmaku; 3]);
    show.director.put(Output::Withdraw(ItemId(1)));
    show.run(2_000, 2_001);
    assert_eq!(show.layers(2_000), [Layer::Danmaku; 2]);
    // Switched off, they fade.
    show.director.stage(Stage {
        danmaku: DanmakuChange {
            enabled: Some(false),
            ..DanmakuChange::default()
        },
        ..Stage::default()
    });
    show.run(2_100, 2_101);
    let faded = show.seen(2_225);
    assert!(
        faded.len() == 2 && faded.iter().all(|o| *o < 180),
        "{faded:?}"
    );
    assert!(show.layers(2_400).is_empty());
    let counts = show.director.counts();
    assert_eq!((counts.offered, counts.drawn), (3, 3));
}

#[test]
fn a_comment_is_seen_until_it_has_left() {
    let mut show = Show::new(&overlay());
    show.turn(0);
    show.director
        .put(Output::Comment(ItemId(1), comment("a long way to go")));
    show.run(100, 200);
    let placed = show.scene.as_ref().unwrap().placed[0].clone();
    let right = |ms: u64| {
        let at = placed.motion.at(ms * 1_000_000)?;
        Some(placed.ink.rect(at.x, at.y).right())
    };
    let end = placed.motion.end.unwrap() / 1_000_000;
    let last = (200..end).rev().find(|ms| right(*ms) > Some(0)).unwrap();
    assert_eq!(right(last), Some(1), "it runs out of the picture");
    // Frames may be behind by seconds on a machine that has too much to do.
    show.run(200, last + 2_400);
    assert_eq!(show.layers(last), [Layer::Danmaku]);
    show.run(end, end + 3_500);
    assert!(show.scene.as_ref().unwrap().placed.is_empty());
}

#[test]
fn a_countdown_ends_at_zero_and_goes() {
    let mut show = Show::new(&overlay());
    show.director.stage(Stage {
        countdown: Some(Countdown {
            title: None,
            until: BEGIN + 2,
        }),
        ..Stage::default()
    });
    show.run(0, 4_900);
    assert_eq!(show.layers(4_900), [Layer::Countdown]);
    show.run(4_900, 6_500);
    assert!(show.layers(6_500).is_empty());
    assert_eq!(show.director.next(), None);
}

#[test]
fn the_ticker_runs_on_without_a_gap_or_an_overlap_within_its_bar() {
    let mut show = Show::new(&overlay());
    show.director.stage(Stage {
        ticker: Some(Ticker {
            text: "Free shipping".into(),
        }),
        ..Stage::default()
    });
    let mut before = 0;
    for ms in (0..60_000).step_by(500) {
        show.run(before, ms + 1);
        before = ms + 1;
        let scene = show.scene.clone().unwrap();
        let bar = show.director.places()[0].1;
        // Frames are up to half a second behind.
        let at = (ms.saturating_sub(400)) * 1_000_000;
        let mut spans: Vec<_> = scene.placed[1..]
            .iter()
            .filter_map(|p| Some((p.motion.at(at)?.x, p.ink.width() as i32)))
            .collect();
        spans.sort_unstable();
        for pair in spans.windows(2) {
            let ((a, width), (b, _)) = (pair[0], pair[1]);
            assert!(a + width < b, "two copies meet at {ms} ms: {spans:?}");
            assert!(b - a - width < 200, "a hole at {ms} ms: {spans:?}");
        }
        if ms > 12_000 {
            let (first, last) = (spans[0], spans[spans.len() - 1]);
            assert!(
                first.0 < bar.x + 200 && last.0 + last.1 > bar.right() - 200,
                "{spans:?}"
            );
        }
        assert!(scene.placed[1..].iter().all(|p| p.clip.is_some()));
    }
}
