use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::config::Rgb;
use crate::device::stage::{
    Choice, Countdown, DanmakuChange, Logo, LowerThird, Picture, Poll, Product, Ticker,
};
use crate::media::raw::Pixel;
use crate::room::item::{AlertKind, Comment, Rank, Run};

const HD: RawFormat = RawFormat {
    pixel: Pixel::I420,
    width: 1280,
    height: 720,
    fps: 30,
};

/// 2023-11-14 22:13:20 UTC at running time 0.
const BEGIN: i64 = 1_700_000_000;

fn overlay() -> OverlayConfig {
    OverlayConfig {
        fonts: "".into(),
        font: String::new(),
        safe_percent: 5,
        clock: String::new(),
        zone: "UTC".into(),
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
        crossing_s: 8.0,
        size_percent: 5.0,
        lanes: 0,
        area_percent: 50,
        opacity: 90,
        fixed_s: 4.0,
        colour_text: Rgb([255; 3]),
        colour_staff: Rgb([127, 212, 255]),
        colour_question: Rgb([201, 166, 255]),
        colour_paid: Rgb([255, 210, 74]),
        queue: 64,
        ttl_s: 10.0,
        merge_s: 5.0,
    }
}

/// A director whose time a test moves by hand.
struct Show {
    director: Director,
    scene: Option<Scene>,
    format: RawFormat,
}

impl Show {
    fn new(overlay: &OverlayConfig) -> Self {
        Self {
            director: Director::new(overlay, &danmaku()),
            scene: None,
            format: HD,
        }
    }

    /// A turn at `ms`; whether the scene is another one.
    fn turn(&mut self, ms: u64) -> bool {
        let now = Duration::from_millis(ms);
        let wall = Timestamp::from_second(BEGIN).unwrap() + now;
        match self.director.turn(now, wall, self.format) {
            Some(scene) => {
                self.scene = Some(scene);
                true
            }
            None => false,
        }
    }

    /// All turns that are due up to `ms`.
    fn run(&mut self, from: u64, to: u64) {
        let mut now = from;
        while now < to {
            self.turn(now);
            let next = self.director.next().map_or(to, |at| at.as_millis() as u64);
            now = next.clamp(now + 1, to);
        }
        self.turn(to);
    }

    /// Opacities of what is seen at `ms`.
    fn seen(&self, ms: u64) -> Vec<u16> {
        let scene = self.scene.as_ref().unwrap();
        let at = |p: &Placed| p.motion.at(ms * 1_000_000);
        scene
            .placed
            .iter()
            .filter_map(at)
            .map(|p| p.opacity)
            .collect()
    }

    fn layers(&self, ms: u64) -> Vec<Layer> {
        let seen = self.director.seen(Duration::from_millis(ms));
        seen.into_iter().map(|(layer, _)| layer).collect()
    }
}

fn comment(text: &str) -> Comment {
    Comment {
        text: text.to_owned(),
        who: None,
        rank: Rank::Text,
        run: Run::Scroll,
        colour: None,
        platform: None,
    }
}

fn alert(count: u32) -> Alert {
    Alert {
        kind: AlertKind::Gift,
        who: "Kim".into(),
        what: Some("Rose".into()),
        amount: None,
        count,
        combo: Some("rose".into()),
        platform: None,
        colour: None,
    }
}

fn poll(votes: u64) -> Poll {
    let choice = |text: &str, votes| Choice {
        text: text.to_owned(),
        votes,
    };
    Poll {
        question: "Which one?".into(),
        choices: vec![choice("Blue", votes), choice("Red", 3)],
        open: true,
        hidden: false,
    }
}

fn full() -> Stage {
    Stage {
        banner: Some("Back at 8".into()),
        lower_third: Some(LowerThird {
            name: "Ana".into(),
            line: Some("Ceramics".into()),
        }),
        ticker: Some(Ticker {
            text: "Free shipping".into(),
        }),
        countdown: Some(Countdown {
            title: Some("Next".into()),
            until: BEGIN + 600,
        }),
        product: Some(Product {
            name: "Mug".into(),
            price: "19.90 €".into(),
            old_price: None,
            stock: Some(3),
            url: Some("https://shop.example/mug".into()),
            picture: None,
        }),
        poll: Some(poll(5)),
        ..Stage::default()
    }
}

#[test]
fn nothing_wanted_needs_no_fonts_and_wakes_nobody() {
    let mut show = Show::new(&overlay());
    assert!(show.turn(0));
    assert_eq!(show.scene.as_ref().unwrap().placed, []);
    assert_eq!(show.director.next(), None);
    assert!(!show.turn(5_000) && show.director.letters.is_none());
}

#[test]
fn a_line_comes_stays_without_a_turn_and_goes_with_motion() {
    let mut show = Show::new(&overlay());
    show.director.stage(Stage {
        banner: Some("Back at 8".into()),
        ..Stage::default()
    });
    assert!(show.turn(1_000));
    assert_eq!(show.director.next(), None);
    assert!(!show.turn(2_000), "nothing has changed");
    assert_eq!(show.seen(2_000), [256]);
    assert!(show.seen(1_050)[0] < 256, "it comes out of nothing");
    show.director.stage(Stage::default());
    assert!(show.turn(3_000));
    let fading = show.seen(3_150)[0];
    assert!((60..200).contains(&fading), "{fading}");
    assert!(show.seen(3_301).is_empty());
    // One turn more to forget it, and then silence.
    show.run(3_000, 4_000);
    assert!(show.scene.as_ref().unwrap().placed.is_empty());
    assert_eq!(show.director.next(), None);
}

#[test]
fn a_clock_is_drawn_anew_only_when_it_shows_something_else_and_without_a_gap() {
    let mut show = Show::new(&OverlayConfig {
        clock: "%H:%M:%S".into(),
        ..overlay()
    });
    show.turn(400);
    let first = show.scene.clone().unwrap().placed[0].ink.clone();
    assert_eq!(show.director.next(), Some(Duration::from_millis(1_000)));
    assert!(!show.turn(900));
    assert!(show.turn(1_000));
    for ms in 900..1_200 {
        assert_eq!(show.seen(ms).len(), 1, "at {ms} ms");
    }
    let scene = show.scene.clone().unwrap();
    assert!(Arc::ptr_eq(&scene.placed[0].ink, &first));
    assert!(!Arc::ptr_eq(&scene.placed[1].ink, &first));
    let rects = show.director.places().to_vec();
    show.run(1_000, 9_000);
    assert_eq!(show.director.places(), rects, "its box stands still");
}

#[test]
fn panic_takes_everything_of_the_audience_at_once_and_holds() {
    let mut show = Show::new(&overlay());
    show.director.stage(full());
    show.director
        .put(Output::Alert(Some((ItemId(1), alert(1)))));
    show.director
        .put(Output::Comment(ItemId(2), comment("hello")));
    show.run(0, 2_000);
    let seen = show.layers(2_000);
    for layer in [Layer::Danmaku, Layer::Poll, Layer::Alert, Layer::Banner] {
        assert!(seen.contains(&layer), "{layer:?} is not seen: {seen:?}");
    }
    let clean = show.director.without_audience().unwrap();
    show.director.stage(Stage {
        panic: true,
        ..full()
    });
    assert!(show.turn(2_010));
    for ms in [1_900, 2_010, 2_100, 3_000] {
        let seen = show.layers(ms);
        assert!(!seen.iter().any(|l| l.is_of_the_audience()), "{seen:?}");
        assert!(seen.contains(&Layer::Banner) && seen.contains(&Layer::Product));
    }
    let inks = |scene: &Scene| -> Vec<_> {
        let all = scene.placed.iter();
        all.map(|p| Arc::as_ptr(&p.ink)).collect()
    };
    let now = inks(show.scene.as_ref().unwrap());
    assert!(inks(&clean).iter().all(|ink| now.contains(ink)));
    // It holds: what comes now is not kept for later either.
    show.director
        .put(Output::Comment(ItemId(3), comment("again")));
    show.director
        .put(Output::Alert(Some((ItemId(4), alert(1)))));
    show.run(2_010, 5_000);
    show.director.stage(full());
    show.run(5_000, 6_000);
    let seen = show.layers(6_000);
    assert!(!seen.contains(&Layer::Danmaku) && !seen.contains(&Layer::Alert));
    assert!(seen.contains(&Layer::Poll), "the owner's poll is back");
}

/// Its right edge leaves the picture in the very last frame: nothing is cut off before that.
#[test]
fn another_size_lays_everything_out_anew() {
    let mut show = Show::new(&overlay());
    show.director.stage(full());
    show.director
        .put(Output::Alert(Some((ItemId(1), alert(3)))));
    show.run(0, 1_000);
    for (width, height) in [(720, 1280), (640, 360), (1920, 1080), (64, 36), (2, 2)] {
        show.format = RawFormat {
            width,
            height,
            ..HD
        };
        assert!(show.turn(1_000));
        assert_eq!(show.scene.as_ref().unwrap().format, show.format);
        let places = show.director.places();
        for (i, (layer, rect)) in places.iter().enumerate() {
            let inside = rect.x >= 0
                && rect.y >= 0
                && rect.right() <= width as i32
                && rect.bottom() <= height as i32;
            assert!(inside, "{layer:?} {rect:?} on {width}x{height}");
            for (other, there) in &places[i + 1..] {
                assert!(!rect.meets(there), "{layer:?} covers {other:?}");
            }
        }
        let all = places.len();
        let told = show.director.warnings();
        if width >= 640 {
            assert_eq!((all, told.as_slice()), (7, &[][..]), "{width}x{height}");
        } else if width == 2 {
            assert_eq!(all, 0);
        }
        assert_eq!(all + told.len(), 7, "{width}x{height}: {told:?}");
    }
}

#[test]
fn a_wrong_zone_and_a_wrong_logo_are_told_once() {
    let mut show = Show::new(&OverlayConfig {
        clock: "%H:%M".into(),
        zone: "Nowhere/Atall".into(),
        logo: "/nonexistent/logo.png".into(),
        ..overlay()
    });
    show.run(0, 10_000);
    let told = show.director.warnings();
    assert!(
        matches!(&told[..], [Warning::Zone(_), Warning::Logo(_)]),
        "{told:?}"
    );
    show.run(10_000, 20_000);
    assert_eq!(show.director.warnings(), []);
    assert_eq!(show.layers(20_000), [Layer::Clock]);
    // A picture that cannot be read, by command.
    let png = b"\x89PNG\r\n\x1a\nno more than that";
    show.director.stage(Stage {
        logo: Some(Logo {
            picture: Some(Picture::new(png).unwrap()),
            corner: None,
            percent: None,
            opacity: None,
        }),
        ..Stage::default()
    });
    show.run(20_000, 25_000);
    assert!(matches!(&show.director.warnings()[..], [Warning::Logo(_)]));
}

#[test]
fn the_status_shows_what_the_box_knows() {
    let mut show = Show::new(&OverlayConfig {
        status: true,
        ..overlay()
    });
    show.turn(0);
    assert!(show.director.wants_facts());
    let text = |show: &Show| match &show.director.wanted[..] {
        [(Content::Status { text, live }, _)] => (text.clone(), *live),
        other => panic!("{other:?}"),
    };
    assert_eq!(text(&show), ("NOT LIVE  0.0 Mbit/s".into(), false));
    show.director.facts(Facts {
        live: 2,
        bitrate: 4_480_000,
    });
    assert!(show.turn(1_000));
    assert_eq!(text(&show), ("LIVE ×2  4.4 Mbit/s".into(), true));
    let mut layers = BTreeMap::new();
    layers.insert(Layer::Status, false);
    show.director.stage(Stage {
        layers,
        ..Stage::default()
    });
    show.run(1_000, 3_000);
    assert!(show.layers(3_000).is_empty() && !show.director.wants_facts());
}

#[path = "director_motion_tests.rs"]
mod motion;
