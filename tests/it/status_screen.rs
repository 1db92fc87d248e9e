//! The page of a screen at the box against its golden picture, `docs/images/status-screen.png`. `make bless` draws it anew; look at
//! it before it is kept.

use std::path::PathBuf;

use boothcast::config::Secret;
use boothcast::device::health::Severity;
use boothcast::device::led::LedPattern;
use boothcast::media::overlay::status_page::{AccessPoint, Destination, SetUp, StatusPage, draw};
use boothcast::media::overlay::text::Letters;

use crate::overlay_golden::difference::{ALLOWED, Picture, differ};

const WIDTH: u32 = 1280;
const HEIGHT: u32 = 720;

fn page() -> StatusPage {
    StatusPage {
        name: "Kasse 3 会场".into(),
        sentence:
            "Waits to be set up. Show the camera a QR code of your Wi-Fi, or use the box's page."
                .into(),
        severity: Severity::Notice,
        light: LedPattern::SetUp,
        addresses: vec!["boothcast-3f2a.local".into(), "10.42.0.1".into()],
        destinations: vec![Destination {
            name: "youtube".into(),
            live: true,
        }],
        version: "0.1.0".into(),
        note: None,
        setup: Some(SetUp {
            camera: true,
            closes_in_min: Some(9),
        }),
        access_point: Some(AccessPoint {
            ssid: "Boothcast-3F2A".into(),
            password: Some(Secret::new("example-only")),
            code: Secret::new("WIFI:T:WPA;S:Boothcast-3F2A;P:example-only;;"),
        }),
        page: Some("http://10.42.0.1/".into()),
    }
}

fn rgb(page: &StatusPage) -> Vec<u8> {
    let mut letters = Letters::load(None, None).unwrap();
    let sprite = draw(page, WIDTH, HEIGHT, &mut letters);
    sprite
        .argb
        .iter()
        .flat_map(|p| [p[1], p[2], p[3]])
        .collect()
}

#[test]
fn the_page_looks_as_its_picture_reference() {
    let drawn = rgb(&page());
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/images/status-screen.png");
    if std::env::var_os("BOOTHCAST_BLESS").is_some() {
        image::save_buffer(&path, &drawn, WIDTH, HEIGHT, image::ColorType::Rgb8).unwrap();
    }
    let kept = image::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let kept = kept.to_rgb8();
    assert_eq!(kept.dimensions(), (WIDTH, HEIGHT));
    let golden = Picture::new(WIDTH, kept.as_raw());
    let found = differ(&Picture::new(WIDTH, &drawn), &golden);
    assert!(
        found <= ALLOWED,
        "{found:.5} of the picture differs: look at it, then `make bless`"
    );

    // The comparison sees what a person would see.
    let mut other = page();
    other.severity = Severity::Problem;
    let colour = differ(&Picture::new(WIDTH, &rgb(&other)), &golden);
    let mut other = page();
    if let Some(own) = &mut other.access_point {
        own.password = Some(Secret::new("example-WXYZ"));
    }
    let letter = differ(&Picture::new(WIDTH, &rgb(&other)), &golden);
    assert!(
        colour > ALLOWED && letter > ALLOWED,
        "{colour:.5} {letter:.5}"
    );
}
