use gstreamer as gst;

use super::*;
use crate::config::{Corner, Rgb};
use crate::media::raw::Pixel;
use crate::room::item::{Comment, ItemId, Rank, Run};

const FORMAT: RawFormat = RawFormat {
    pixel: Pixel::Nv12,
    width: 640,
    height: 360,
    fps: 30,
};

fn overlay() -> OverlayConfig {
    OverlayConfig {
        fonts: "".into(),
        font: String::new(),
        safe_percent: 5,
        clock: String::new(),
        zone: String::new(),
        clock_corner: Corner::TopLeft,
        logo: "".into(),
        logo_corner: Corner::TopRight,
        logo_percent: 10.0,
        logo_opacity: 100,
        status: false,
    }
}

fn danmaku() -> DanmakuConfig {
    DanmakuConfig {
        enabled: true,
        crossing_s: 20.0,
        size_percent: 8.0,
        lanes: 0,
        area_percent: 50,
        opacity: 90,
        fixed_s: 30.0,
        colour_text: Rgb([255; 3]),
        colour_staff: Rgb([255; 3]),
        colour_question: Rgb([255; 3]),
        colour_paid: Rgb([255; 3]),
        queue: 64,
        ttl_s: 10.0,
        merge_s: 5.0,
    }
}

fn comment(n: u64) -> Output {
    let comment = Comment {
        text: format!("comment {n}"),
        who: None,
        rank: Rank::Text,
        run: Run::Top,
        colour: None,
        platform: None,
    };
    Output::Comment(ItemId(n), comment)
}

struct Rig {
    overlay: Overlay,
    clock: MediaClock,
}

impl Rig {
    fn start() -> Self {
        crate::media::init().unwrap();
        let clock = MediaClock::start();
        let facts = FactSource::default();
        let overlay = Overlay::start((&overlay(), &danmaku()), FORMAT, &clock, facts).unwrap();
        Self { overlay, clock }
    }

    /// Whether anything is drawn into a frame of now.
    fn draws(&self) -> bool {
        let size = 640 * 360 * 3 / 2;
        let mut frame = gst::Buffer::from_mut_slice(vec![90_u8; size]);
        frame.get_mut().unwrap().set_pts(self.clock.now());
        let drawn = self.overlay.canvas().draw(FORMAT, frame);
        drawn.map_readable().unwrap().iter().any(|b| *b != 90)
    }

    fn wait(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let end = Instant::now() + Duration::from_secs(30);
        while !done(self) {
            assert!(Instant::now() < end, "{what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn panic_counts_before_the_next_frame_and_the_end_is_bounded() {
    let rig = Rig::start();
    let audience = rig.overlay.audience();
    assert!(!rig.draws());
    rig.wait("the lanes are not known", |_| {
        audience.capacity_per_s() > 0.0
    });
    audience.put(comment(1));
    rig.wait("the comment is not drawn", Rig::draws);
    rig.overlay.stage(Stage {
        panic: true,
        ..Stage::default()
    });
    // Without waiting for the thread, and so for good.
    assert!(!rig.draws());
    for n in 2..50 {
        audience.put(comment(n));
        assert!(!rig.draws());
        std::thread::sleep(Duration::from_millis(5));
    }
    rig.overlay.stage(Stage::default());
    // What came meanwhile is not kept for later; what comes now is drawn.
    rig.wait("the stage is not taken in", |r| {
        audience.put(comment(1000 + audience.counts().danmaku.offered));
        r.draws()
    });
    let begun = Instant::now();
    rig.overlay.stop();
    assert!(begun.elapsed() < Duration::from_secs(2));
    audience.put(comment(9_999));
}

#[test]
fn thousands_of_comments_a_second_are_counted_and_nobody_waits() {
    let rig = Rig::start();
    let audience = rig.overlay.audience();
    let begun = Instant::now();
    for n in 0..20_000 {
        audience.put(comment(n));
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "somebody waited");
    rig.wait("not all are counted", |_| {
        let counts = audience.counts();
        counts.lost + counts.danmaku.offered == 20_000
    });
    let counts = audience.counts().danmaku;
    assert!(counts.drawn > 0 && counts.pushed_out > 0, "{counts:?}");
    rig.overlay.stop();
}

#[test]
fn the_owners_line_is_drawn_for_the_size_that_frames_have() {
    let rig = Rig::start();
    rig.overlay.stage(Stage {
        banner: Some("Back at 8".into()),
        ..Stage::default()
    });
    rig.wait("the line is not drawn", Rig::draws);
    rig.overlay.resize(RawFormat {
        width: 320,
        height: 180,
        ..FORMAT
    });
    rig.wait("the old size is drawn still", |r| !r.draws());
    rig.overlay.resize(FORMAT);
    rig.wait("the line is not drawn again", Rig::draws);
    rig.overlay.stop();
}

#[test]
fn the_corner_for_rehearsals_knows_who_takes_the_stream_and_how_much() {
    let facts = FactSource::default();
    let heard = Arc::new(AtomicU64::new(0));
    let count = heard.clone();
    let reporter = facts.tap(&Reporter::new(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    }));
    let tell = |name: &str, state| {
        let name = name.parse().unwrap();
        reporter.report(MediaEvent::Destination { name, state });
    };
    let mut meter = Meter::new(facts.clone());
    tell("tube", DestinationState::Live);
    tell("shop", DestinationState::Connecting);
    let first = Facts {
        live: 1,
        bitrate: 0,
    };
    assert_eq!(meter.read(), Some(first));
    assert_eq!(meter.read(), None, "not so soon again");
    facts.bytes.fetch_add(500_000, Ordering::Relaxed);
    tell("shop", DestinationState::Live);
    tell("tube", DestinationState::Off);
    tell("tube", DestinationState::Live);
    let begun = Instant::now();
    std::thread::sleep(Duration::from_millis(1_000));
    let told = meter.read().unwrap();
    let most = 4_000_000.0 / begun.elapsed().as_secs_f64().min(1.0);
    assert_eq!(told.live, 2);
    assert!(
        (100_000.0..=most).contains(&f64::from(told.bitrate)),
        "{told:?}"
    );
    assert_eq!(heard.load(Ordering::SeqCst), 5, "the core hears everything");
}
