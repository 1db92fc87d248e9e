use std::fs;

use image::{ImageBuffer, ImageFormat, Rgba};

use super::*;
use crate::config::Corner;

fn png(rgb: [u8; 3], width: u32) -> Vec<u8> {
    let [r, g, b] = rgb;
    let picture = ImageBuffer::from_pixel(width, 20, Rgba([r, g, b, 255]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn config(file: &Path) -> OverlayConfig {
    OverlayConfig {
        fonts: "".into(),
        font: String::new(),
        safe_percent: 5,
        clock: String::new(),
        zone: String::new(),
        clock_corner: Corner::TopLeft,
        logo: file.to_owned(),
        logo_corner: Corner::TopRight,
        logo_percent: 10.0,
        logo_opacity: 50,
        status: false,
    }
}

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn colour(look: Option<Look>) -> [u8; 4] {
    look.unwrap().scaled((500, 500)).unwrap().argb[0]
}

#[test]
fn a_changed_file_is_seen_within_two_seconds_and_a_bad_one_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("logo.png");
    let config = config(&file);
    let mut source = LogoSource::new(&config);
    let mut look = |at| source.look(&config, None, 720, at);
    let (none, told) = look(s(0));
    assert!(none.is_none() && told.unwrap_err().report().contains("logo.png"));
    assert!(look(s(2)).1.is_ok(), "told once");
    fs::write(&file, png([200, 0, 0], 40)).unwrap();
    assert!(look(s(3)).0.is_none(), "not looked at yet");
    let (red, told) = look(s(4));
    assert!(told.is_ok());
    assert_eq!(red.as_ref().unwrap().opacity(), 128);
    assert_eq!(colour(red), [255, 200, 0, 0]);
    fs::write(&file, b"no picture at all").unwrap();
    let (still, told) = look(s(6));
    assert_eq!(colour(still), [255, 200, 0, 0]);
    assert!(told.unwrap_err().report().contains("logo.png"));
    assert!(look(s(8)).1.is_ok(), "told once");
    fs::write(&file, png([0, 0, 200], 41)).unwrap();
    assert_eq!(colour(look(s(10)).0), [255, 0, 0, 200]);
    fs::remove_file(&file).unwrap();
    let (still, told) = look(s(12));
    assert_eq!(colour(still), [255, 0, 0, 200]);
    assert!(told.is_err() && look(s(14)).1.is_ok());
}

#[test]
fn a_logo_by_command_counts_before_the_file_and_keeps_its_shape() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("logo.png");
    fs::write(&file, png([200, 0, 0], 40)).unwrap();
    let config = config(&file);
    let mut source = LogoSource::new(&config);
    let wanted = Logo {
        picture: Some(Picture::new(&png([0, 200, 0], 80)).unwrap()),
        corner: None,
        percent: Some(5.0),
        opacity: Some(100),
    };
    let (green, _) = source.look(&config, Some(&wanted), 720, s(0));
    let green = green.unwrap();
    assert_eq!(green.opacity(), 256);
    assert_eq!(source.next(), None, "the file need not be watched");
    let sprite = green.scaled((500, 500)).unwrap();
    assert_eq!((sprite.width, sprite.height), (144, 36));
    let narrow = green.scaled((72, 500)).unwrap();
    assert_eq!((narrow.width, narrow.height), (72, 18));
    assert!(green.scaled((1, 500)).is_none(), "nothing would be left");
    let (red, _) = source.look(&config, None, 720, s(1));
    assert_eq!(colour(red), [255, 200, 0, 0]);
}
