//! The fan-out under real threads: isolation, wake-ups, joining and leaving.

use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use super::*;

/// Far above what a push takes, far below for ever: a push that waits for a consumer would take for ever.
const PUSH_LIMIT: Duration = Duration::from_secs(2);
/// A wake-up that takes this long is lost.
const LOST: Duration = Duration::from_secs(20);

/// A minimal executor: parks the thread until woken.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        thread::park();
    }
}

#[test]
fn a_stuck_consumer_delays_nobody() {
    const UNITS: u64 = 5000;
    let fanout = Fanout::<Piece>::new(|| {});
    let mut stuck = fanout.subscribe(options(Start::NextKeyframe, 500, 20_000));
    let (release, held) = mpsc::channel::<()>();
    let (took, has_one) = mpsc::channel::<()>();
    let stuck_thread = thread::spawn(move || {
        stuck.next_timeout(LOST);
        took.send(()).unwrap();
        let _ = held.recv();
        stuck.stats()
    });
    let fast: Vec<_> = (0..8)
        .map(|i| {
            let mut c = fanout.subscribe(roomy(Start::NextKeyframe));
            thread::spawn(move || {
                let mut seen = Vec::new();
                loop {
                    let next = if i % 2 == 0 {
                        block_on(c.next())
                    } else {
                        match c.next_timeout(LOST) {
                            Next::Unit(u) => Some(u),
                            Next::Closed => None,
                            Next::TimedOut => panic!("a wake-up was lost"),
                        }
                    };
                    match next {
                        Some(u) => seen.push(u.seq),
                        None => return seen,
                    }
                }
            })
        })
        .collect();
    let mut worst = Duration::ZERO;
    for seq in 0..UNITS {
        let begun = Instant::now();
        fanout.push(video(seq, seq % 60 == 0));
        worst = worst.max(begun.elapsed());
        if seq == 0 {
            has_one.recv_timeout(LOST).unwrap();
        }
    }
    fanout.close();
    for thread in fast {
        assert_eq!(thread.join().unwrap(), (0..UNITS).collect::<Vec<_>>());
    }
    assert!(worst < PUSH_LIMIT, "a push took {worst:?}");
    drop(release);
    let stats = stuck_thread.join().unwrap();
    assert!(stats.queued_bytes <= 20_000, "{stats:?}");
    assert!(stats.queued_ns <= 500 * MS, "{stats:?}");
    assert!(stats.refused > UNITS / 2, "{stats:?}");
}

/// Each unit is pushed only when every consumer has acknowledged the one before, so that each is at a different point
/// between looking and sleeping each time; a lost wake-up stops the whole.
#[test]
fn no_wake_up_is_ever_lost() {
    const ROUNDS: u64 = 5000;
    let fanout = Fanout::<Piece>::new(|| {});
    let (ack, acks) = mpsc::channel::<u64>();
    let threads: Vec<_> = (0..4)
        .map(|i| {
            let mut c = fanout.subscribe(roomy(Start::NextKeyframe));
            let ack = ack.clone();
            thread::spawn(move || {
                loop {
                    let unit = match i % 2 {
                        0 => block_on(c.next()),
                        _ => match c.next_timeout(LOST * 2) {
                            Next::Unit(u) => Some(u),
                            _ => None,
                        },
                    };
                    let Some(unit) = unit else { return };
                    ack.send(unit.seq).unwrap();
                }
            })
        })
        .collect();
    for seq in 0..ROUNDS {
        fanout.push(video(seq, true));
        for _ in &threads {
            assert_eq!(acks.recv_timeout(LOST), Ok(seq), "a wake-up was lost");
        }
    }
    fanout.close();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn joining_and_leaving_from_any_thread_at_any_time() {
    let fanout = Fanout::<Piece>::new(|| {});
    let sessions = Arc::new([const { AtomicUsize::new(0) }; 3]);
    let joiners: Vec<_> = (0..3)
        .map(|i| {
            let fanout = fanout.clone();
            let sessions = Arc::clone(&sessions);
            thread::spawn(move || {
                loop {
                    let start = if i == 0 {
                        Start::NextKeyframe
                    } else {
                        Start::CachedGop
                    };
                    let mut c = fanout.subscribe(options(start, 1000, 60_000));
                    let mut last: Option<u64> = None;
                    for _ in 0..20 + i * 37 {
                        let unit = match c.next_timeout(LOST) {
                            Next::Unit(unit) => unit,
                            Next::Closed => return,
                            Next::TimedOut => panic!("a wake-up was lost"),
                        };
                        let follows = last.is_some_and(|l| unit.seq == l + 1);
                        let resync = unit.key && last.is_none_or(|l| unit.seq > l);
                        assert!(follows || resync, "{last:?} then {unit:?}");
                        last = Some(unit.seq);
                    }
                    sessions[i].fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    // Until each had its turns, however few cores there are.
    let end = Instant::now() + LOST;
    let mut seq = 0;
    while sessions.iter().any(|s| s.load(Ordering::SeqCst) < 20) {
        assert!(Instant::now() < end, "stalled: {sessions:?}");
        fanout.push(if seq % 3 == 2 {
            audio(seq)
        } else {
            video(seq, seq % 30 == 0)
        });
        seq += 1;
        if seq % 8 == 0 {
            thread::sleep(Duration::from_micros(200));
        }
    }
    fanout.close();
    for joiner in joiners {
        joiner.join().unwrap();
    }
    assert!(fanout.consumers().is_empty());
}

#[test]
fn a_cancelled_wait_loses_nothing() {
    let fanout = Fanout::<Piece>::new(|| {});
    let mut c = fanout.subscribe(roomy(Start::NextKeyframe));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(pin!(c.next()).as_mut().poll(&mut cx).is_pending());
    fanout.push(video(0, true));
    assert_eq!(block_on(c.next()).map(|u| u.seq), Some(0));
    let begun = Instant::now();
    assert!(matches!(
        c.next_timeout(Duration::from_millis(30)),
        Next::TimedOut
    ));
    assert!(begun.elapsed() >= Duration::from_millis(30));
}

/// A consumer that moves to another task must wake that one, not the one that polled first.
#[test]
fn the_last_to_poll_is_woken() {
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let fanout = Fanout::<Piece>::new(|| {});
    let mut c = fanout.subscribe(roomy(Start::NextKeyframe));
    let [first, last] = [(); 2].map(|()| Arc::new(Count(AtomicUsize::new(0))));
    for count in [&first, &last] {
        let waker = Waker::from(Arc::clone(count));
        assert!(c.poll_next(&mut Context::from_waker(&waker)).is_pending());
    }
    fanout.push(video(0, true));
    fanout.push(video(1, false));
    let woken = [&first, &last].map(|c| c.0.load(Ordering::SeqCst));
    assert_eq!(woken, [0, 1]);
}
