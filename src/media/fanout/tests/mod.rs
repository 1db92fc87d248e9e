//! Tests of the fan-out: rules one by one here, random histories in `model`, threads in `threads`.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

mod model;
mod threads;

const MS: u64 = 1_000_000;

/// A unit without content; `seq` is its place in what was pushed.
#[derive(Debug, Clone)]
struct Piece {
    seq: u64,
    video: bool,
    key: bool,
    time: u64,
    size: usize,
    format: Arc<str>,
}

impl Unit for Piece {
    fn is_video(&self) -> bool {
        self.video
    }
    fn is_keyframe(&self) -> bool {
        self.key || !self.video
    }
    fn time_ns(&self) -> u64 {
        self.time
    }
    fn size(&self) -> usize {
        self.size
    }
}

/// Video `seq` at 30/s, keyframe or not, 1000 bytes.
fn video(seq: u64, key: bool) -> Piece {
    Piece {
        seq,
        video: true,
        key,
        time: seq * 33 * MS,
        size: 1000,
        format: "a".into(),
    }
}

fn audio(seq: u64) -> Piece {
    Piece {
        video: false,
        ..video(seq, false)
    }
}

fn options(start: Start, span_ms: u64, max_bytes: usize) -> ConsumerOptions {
    ConsumerOptions {
        name: "test".into(),
        start,
        max_span: Duration::from_millis(span_ms),
        max_bytes,
    }
}

fn roomy(start: Start) -> ConsumerOptions {
    options(start, 3_600_000, usize::MAX)
}

/// What is queued now, as sequence numbers.
fn drain(consumer: &mut Consumer<Piece>) -> Vec<u64> {
    let mut out = Vec::new();
    while let Next::Unit(unit) = consumer.try_next() {
        out.push(unit.seq);
    }
    out
}

#[test]
fn nothing_before_the_first_keyframe_not_even_sound() {
    let fanout = Fanout::<Piece>::new(|| {});
    let mut c = fanout.subscribe(roomy(Start::CachedGop));
    for unit in [audio(0), video(1, false), audio(2), video(3, true)] {
        fanout.push(unit);
    }
    fanout.push(audio(4));
    assert_eq!(drain(&mut c), [3, 4]);
}

#[test]
fn late_joiner_gets_the_cached_gop_at_once_or_waits_for_a_keyframe() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let fanout = Fanout::<Piece>::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
    });
    for seq in 0..10 {
        fanout.push(video(seq, seq % 4 == 0));
    }
    let mut now = fanout.subscribe(roomy(Start::CachedGop));
    assert_eq!(asked.load(Ordering::SeqCst), 0, "the cache served");
    let mut later = fanout.subscribe(roomy(Start::NextKeyframe));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let mut small = fanout.subscribe(options(Start::CachedGop, 3_600_000, 1999));
    for seq in 10..14 {
        fanout.push(video(seq, seq % 4 == 0));
    }
    assert_eq!(drain(&mut now), [8, 9, 10, 11, 12, 13]);
    assert_eq!(drain(&mut later), [12, 13]);
    assert_eq!(drain(&mut small), [12], "a GOP of two does not fit");
}

#[test]
fn a_gop_over_the_cache_bounds_is_not_kept() {
    for (count, size, step) in [
        (3, cache::MAX_BYTES / 2, MS),
        (3, 10, cache::MAX_SPAN_NS * 2 / 3),
    ] {
        let fanout = Fanout::<Piece>::new(|| {});
        for seq in 0..count {
            fanout.push(Piece {
                size,
                time: seq * step,
                ..video(seq, seq == 0)
            });
        }
        let mut c = fanout.subscribe(roomy(Start::CachedGop));
        assert_eq!(drain(&mut c), [0u64; 0]);
        fanout.push(video(7, true));
        assert_eq!(drain(&mut c), [7]);
    }
}

#[test]
fn an_empty_queue_takes_a_unit_of_any_size() {
    let fanout = Fanout::<Piece>::new(|| {});
    let mut c = fanout.subscribe(options(Start::NextKeyframe, 1, 10));
    fanout.push(video(0, true));
    fanout.push(video(1, false));
    assert_eq!(drain(&mut c), [0]);
    assert_eq!((c.stats().refused, c.stats().resyncs), (1, 1));
    fanout.push(video(2, false));
    assert_eq!(drain(&mut c), [0u64; 0], "a gap needs a keyframe");
    fanout.push(video(3, true));
    assert_eq!(drain(&mut c), [3]);
}

#[test]
fn a_slow_consumer_asks_for_a_keyframe_once_it_has_room_a_stuck_one_never() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let fanout = Fanout::<Piece>::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
    });
    fanout.push(video(0, true));
    let mut c = fanout.subscribe(options(Start::CachedGop, 3_600_000, 4000));
    for seq in 1..100 {
        fanout.push(video(seq, false));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0, "stuck: no use to ask");
    assert_eq!((c.stats().refused, c.stats().resyncs), (96, 1));
    assert_eq!(c.stats().queued_bytes, 4000);
    c.try_next();
    fanout.push(video(100, false));
    assert_eq!(asked.load(Ordering::SeqCst), 0, "not yet half empty");
    c.try_next();
    fanout.push(video(101, false));
    assert_eq!(asked.load(Ordering::SeqCst), 1, "half empty: asked");
    fanout.push(video(103, true));
    assert_eq!(drain(&mut c), [2, 3, 103], "what was queued is kept");
}

#[test]
fn a_new_format_comes_in_order_with_its_keyframe() {
    let fanout = Fanout::<Piece>::new(|| {});
    let mut c = fanout.subscribe(roomy(Start::NextKeyframe));
    let (old, new): (Arc<str>, Arc<str>) = ("old".into(), "new".into());
    for seq in 0..8 {
        let format = if seq < 4 { &old } else { &new };
        fanout.push(Piece {
            format: Arc::clone(format),
            ..video(seq, seq % 4 == 0)
        });
    }
    for seq in 0..8 {
        let Next::Unit(unit) = c.try_next() else {
            panic!("unit {seq} is missing");
        };
        assert_eq!(unit.seq, seq);
        let want = if seq < 4 { &old } else { &new };
        assert!(Arc::ptr_eq(&unit.format, want));
    }
}

#[test]
fn audio_only_starts_anywhere_and_resumes_with_the_next_unit_that_fits() {
    let fanout = Fanout::audio_only();
    fanout.push(audio(0));
    let mut c = fanout.subscribe(options(Start::CachedGop, 3_600_000, 2000));
    for seq in 1..5 {
        fanout.push(audio(seq));
    }
    assert_eq!(drain(&mut c), [1, 2]);
    fanout.push(audio(5));
    assert_eq!(drain(&mut c), [5]);
    assert_eq!((c.stats().refused, c.stats().resyncs), (2, 1));
}

#[test]
fn close_lets_consumers_drain_and_ends_them() {
    for drop_instead in [false, true] {
        let fanout = Fanout::<Piece>::new(|| {});
        let mut c = fanout.subscribe(roomy(Start::NextKeyframe));
        fanout.push(video(0, true));
        if drop_instead {
            drop(fanout);
        } else {
            fanout.close();
            fanout.push(video(1, true));
            assert!(fanout.consumers().is_empty());
            let mut late = fanout.subscribe(roomy(Start::CachedGop));
            assert!(matches!(late.try_next(), Next::Closed));
        }
        assert!(matches!(c.try_next(), Next::Unit(u) if u.seq == 0));
        assert!(matches!(c.try_next(), Next::Closed));
        assert!(matches!(
            c.next_timeout(Duration::from_secs(9)),
            Next::Closed
        ));
    }
}

#[test]
fn a_dropped_consumer_is_gone_and_figures_name_the_rest() {
    let fanout = Fanout::<Piece>::new(|| {});
    let named = |name: &str| ConsumerOptions {
        name: name.into(),
        ..roomy(Start::CachedGop)
    };
    fanout.push(video(0, true));
    let a = fanout.subscribe(named("a"));
    let mut b = fanout.subscribe(named("b"));
    drop(a);
    b.try_next();
    fanout.push(video(1, false));
    fanout.push(video(2, false));
    let figures = ConsumerStats {
        delivered: 1,
        queued_ns: 33 * MS,
        queued_bytes: 2000,
        ..ConsumerStats::default()
    };
    assert_eq!(fanout.consumers(), [("b".to_owned(), figures)]);
    assert_eq!((b.name(), b.id()), ("b", 1));
}
