//! Golden frames: scenes drawn by the very code of the box, against the pictures of `docs/images`. `make bless` draws them
//! anew; look at them before they are kept.

pub mod difference;

use std::fs;
use std::path::PathBuf;

use boothcast::cli::preview::{plan, png};
use boothcast::device::stage::Layer;
use boothcast::media::overlay::preview::{Plan, Shot, shoot};
use boothcast::media::raw::Pixel;
use difference::{Picture, differ};

/// Each has a scene in `tests/fixtures/scenes` and a picture in `docs/images`.
const SCENES: [&str; 5] = ["show", "danmaku", "product", "poll", "waiting"];

/// Largest picture, bytes: they are looked at over telephones.
const MOST: usize = 250 * 1024;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn scene(name: &str) -> Plan {
    of_size(name, None)
}

/// The same on another picture: a smaller one takes less time, and the comparison is the same.
fn of_size(name: &str, size: Option<(u32, u32)>) -> Plan {
    let path = root().join(format!("tests/fixtures/scenes/{name}.toml"));
    plan(&path, size, None).unwrap_or_else(|e| panic!("{}", e.report()))
}

fn drawn(plan: &Plan) -> Shot {
    let shot = shoot(plan).unwrap();
    assert_eq!(shot.warnings, []);
    shot
}

fn picture(shot: &Shot) -> Picture {
    Picture::new(shot.width, &shot.rgb)
}

#[test]
fn scenes_look_as_their_pictures_reference() {
    let bless = std::env::var_os("BOOTHCAST_BLESS").is_some();
    for name in SCENES {
        let shot = drawn(&scene(name));
        let path = root().join(format!("docs/images/{name}.png"));
        if bless {
            let bytes = png(&coarse(&shot)).unwrap();
            assert!(bytes.len() <= MOST, "{name}: {} bytes", bytes.len());
            fs::write(&path, bytes).unwrap();
        }
        let kept = image::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let kept = kept.to_rgb8();
        assert_eq!(kept.dimensions(), (shot.width, shot.height), "{name}");
        let kept = Picture::new(kept.width(), kept.as_raw());
        let (found, allowed) = (differ(&picture(&shot), &kept), difference::ALLOWED);
        assert!(
            found <= allowed,
            "{name}: {found:.5} of the picture differs, {allowed} may: look at it (boothcast preview-overlay), then `make bless`"
        );
    }
}

/// In steps that no eye sees in a row of a gradient: the pictures become a third smaller.
fn coarse(shot: &Shot) -> Shot {
    let step = |v: &u8| ((u16::from(*v) + 2) / 4 * 4).min(255) as u8;
    Shot {
        rgb: shot.rgb.iter().map(step).collect(),
        ..shot.clone()
    }
}

#[test]
fn both_layouts_of_frames_show_the_same() {
    for name in ["show", "poll"] {
        let mut plan = of_size(name, Some((640, 360)));
        let one = drawn(&plan);
        plan.format.pixel = Pixel::Nv12;
        let other = drawn(&plan);
        assert!(one.rgb == other.rgb, "{name}: I420 and NV12 differ");
    }
}

/// The comparison is worth something: it says no to what a person would see, and yes to what a person would not.
#[test]
fn a_missing_layer_a_shift_and_a_wrong_colour_are_seen() {
    let whole = of_size("show", Some((640, 360)));
    let golden = picture(&drawn(&whole));
    let mut least = f64::MAX;
    let mut refused = |what: &str, other: &Picture| {
        let found = differ(&golden, other);
        println!("{what}: {found:.5}");
        least = least.min(found);
        assert!(
            found > difference::ALLOWED,
            "{what} is not seen: {found:.5}"
        );
    };
    let shown: Vec<Layer> = {
        let mut layers: Vec<_> = drawn(&whole).places.iter().map(|(l, _)| *l).collect();
        layers.dedup();
        layers
    };
    assert!(shown.len() >= 7, "{shown:?}");
    for layer in shown {
        let mut plan = whole.clone();
        plan.stage.layers.insert(layer, false);
        refused(&format!("without {layer:?}"), &picture(&drawn(&plan)));
    }
    refused("8 px to the right", &golden.shifted(8, 0));
    refused("8 px down", &golden.shifted(0, 8));
    let mut plan = whole.clone();
    plan.danmaku.colour_question = "#ffffff".parse().unwrap();
    refused("a question in white", &picture(&drawn(&plan)));
    println!(
        "least that is refused: {least:.5}, allowed: {}",
        difference::ALLOWED
    );
}

/// At the size of the picture that is kept, one digit is enough.
#[test]
fn another_price_is_seen() {
    let mut plan = scene("show");
    let golden = picture(&drawn(&plan));
    let product = plan.stage.product.as_mut().unwrap();
    product.price = "29.90 €".into();
    let found = differ(&golden, &picture(&drawn(&plan)));
    assert!(found > difference::ALLOWED, "{found:.5}");
}

#[test]
fn what_nobody_sees_is_let_pass() {
    for name in SCENES {
        let shot = drawn(&scene(name));
        let golden = picture(&shot);
        for (what, other) in [
            ("1 px to the right", golden.shifted(1, 0)),
            ("1 px down", golden.shifted(0, 1)),
            ("coarse colours", picture(&coarse(&shot))),
        ] {
            let found = differ(&golden, &other);
            println!("{name}, {what}: {found:.5}");
            assert!(found <= difference::ALLOWED, "{name}, {what}: {found:.5}");
        }
    }
}
