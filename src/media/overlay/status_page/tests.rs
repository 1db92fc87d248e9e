//! What it looks like is judged by `tests/it/overlay_golden.rs`; here: every size, and what is left out.

use super::*;
use crate::device::led::Trouble;
use crate::media::overlay::kit::testing::look;

fn letters() -> Letters {
    Letters::load(None, None).unwrap()
}

fn ready() -> StatusPage {
    StatusPage {
        name: "Kasse 3".into(),
        sentence: "Ready. No destination is switched on.".into(),
        severity: Severity::Ok,
        light: LedPattern::Ready,
        addresses: vec!["boothcast-3f2a.local".into(), "192.168.1.20".into()],
        destinations: Vec::new(),
        version: "0.1.0".into(),
        note: None,
        setup: None,
        access_point: None,
        page: Some("http://192.168.1.20/".into()),
    }
}

fn open() -> StatusPage {
    StatusPage {
        sentence: "Waits to be set up: show the camera a QR code.".into(),
        severity: Severity::Notice,
        light: LedPattern::SetUp,
        addresses: Vec::new(),
        setup: Some(SetUp {
            camera: true,
            closes_in_min: Some(9),
        }),
        note: Some("The code could not be read. Hold it nearer.".into()),
        access_point: Some(AccessPoint {
            ssid: "Boothcast-3F2A".into(),
            password: Some(Secret::new("ahb7-kio2")),
            code: Secret::new("WIFI:T:WPA;S:Boothcast-3F2A;P:ahb7-kio2;;"),
        }),
        ..ready()
    }
}

/// The longest that there is.
fn full() -> StatusPage {
    StatusPage {
        name: "会场 🎤 قاعة ".repeat(5),
        sentence: "The stream does not reach youtube, twitch and tiktok: a long reason that goes on and on. ".repeat(3),
        severity: Severity::Problem,
        light: LedPattern::Error(Trouble::Network),
        addresses: (0..9).map(|n| format!("2001:db8:85a3:8d3:1319:8a2e:370:{n}")).collect(),
        destinations: (0..9)
            .map(|n| Destination {
                name: format!("destination-with-a-long-name-{n}"),
                live: n % 2 == 0,
            })
            .collect(),
        ..open()
    }
}

/// What a phone reads from the screen.
fn read(sprite: &Sprite) -> Vec<String> {
    let grey = |x: usize, y: usize| sprite.argb[y * sprite.width + x][2];
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(sprite.width, sprite.height, grey);
    let grids = image.detect_grids();
    grids.iter().map(|g| g.decode().unwrap().1).collect()
}

#[test]
fn a_phone_reads_the_code_at_every_size_and_nothing_shines_through() {
    let mut letters = letters();
    for (width, height) in [
        (640, 480),
        (800, 480),
        (1024, 768),
        (1920, 1080),
        (1080, 1920),
        (3840, 2160),
    ] {
        for (what, page, code) in [
            ("ready", ready(), "http://192.168.1.20/"),
            ("open", open(), "WIFI:T:WPA;S:Boothcast-3F2A;P:ahb7-kio2;;"),
            ("full", full(), "WIFI:T:WPA;S:Boothcast-3F2A;P:ahb7-kio2;;"),
        ] {
            let sprite = draw(&page, width, height, &mut letters);
            look(&format!("status-{what}-{width}x{height}"), &sprite);
            assert_eq!(
                (sprite.width, sprite.height),
                (width as usize, height as usize)
            );
            assert!(
                sprite.argb.iter().all(|p| p[0] == 255),
                "{what} {width}x{height}"
            );
            assert_eq!(read(&sprite), [code], "{what} {width}x{height}");
        }
    }
}

#[test]
fn sizes_that_no_screen_has_are_no_harm() {
    let mut letters = letters();
    for (width, height) in [(0, 0), (1, 1), (64, 4000), (4000, 64), (200, 200)] {
        let sprite = draw(&full(), width, height, &mut letters);
        assert_eq!(sprite.width, width.max(64) as usize);
        assert_eq!(sprite.height, height.max(64) as usize);
    }
}

#[test]
fn the_code_is_the_networks_while_it_is_open_and_the_pages_after() {
    let mut letters = letters();
    let mut page = open();
    page.access_point = None;
    assert_eq!(
        read(&draw(&page, 1280, 720, &mut letters)),
        ["http://192.168.1.20/"]
    );
    page.page = None;
    assert_eq!(read(&draw(&page, 1280, 720, &mut letters)), [""; 0]);
}

#[test]
fn every_word_of_the_state_is_on_the_page() {
    let texts = |page: &StatusPage| -> Vec<String> {
        lines::of(page).into_iter().map(|l| l.text).collect()
    };
    assert_eq!(
        texts(&ready()),
        [
            "boothcast-3f2a.local",
            "192.168.1.20",
            "Light: a flash every 2 s, ready"
        ]
    );
    assert_eq!(
        texts(&open()),
        [
            "Wi-Fi of this box: Boothcast-3F2A",
            "Password: ahb7-kio2",
            "Then open http://192.168.1.20/",
            "The code could not be read. Hold it nearer.",
            "Set me up: show the camera a QR code, or open my page.",
            "Set-up closes in 9 minutes.",
            "No network. Plug in a cable, or tell me your Wi-Fi.",
            "Light: once a second, waits to be set up",
        ]
    );
    let all = texts(&full());
    let has = |text: &str| assert!(all.iter().any(|l| l == text), "{text}: {all:?}");
    has(
        "Live: destination-with-a-long-name-0, destination-with-a-long-name-2, destination-with-a-long-name-4 and 2 more",
    );
    has("Light: 2 blinks and a pause, the network");
    assert!(
        !format!("{:?}", full()).contains("ahb7"),
        "the password is printed"
    );
}

/// What must be read is kept where there is little room; what is only nice goes first.
#[test]
fn the_least_needed_is_left_out_first() {
    let mut letters = letters();
    let page = full();
    let rows = |page: &StatusPage, letters: &mut Letters| {
        let sprite = draw(page, 640, 480, letters);
        let lit = |y: usize| {
            (0..320)
                .filter(|x| sprite.argb[y * 640 + x][1] > 150)
                .count()
        };
        (0..480).map(lit).collect::<Vec<_>>()
    };
    let whole = rows(&page, &mut letters);
    // The light's line is gone already: with another pattern the picture is the same. The password is not.
    let other = StatusPage {
        light: LedPattern::Live,
        ..page.clone()
    };
    assert_eq!(rows(&other, &mut letters), whole);
    let mut other = page;
    if let Some(own) = &mut other.access_point {
        own.password = Some(Secret::new("mmmm-wwww"));
    }
    assert_ne!(rows(&other, &mut letters), whole);
}
