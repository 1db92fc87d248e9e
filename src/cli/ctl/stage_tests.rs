use clap::Parser;
use jiff::civil::date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::*;
use crate::cli::ctl::order::{bare, order};
use crate::cli::{Cli, Sub};
use crate::edge::codec;

/// The command that a line of arguments makes, as it goes over the wire; the box's own codec takes it.
fn made(line: &[&str]) -> Result<Value, String> {
    let args = ["boothcast", "ctl"].iter().chain(line);
    let cli = Cli::try_parse_from(args).map_err(|e| e.to_string())?;
    let Sub::Ctl(args) = cli.command else {
        panic!("{line:?}")
    };
    let order = order(&args.what).map_err(|t| t.text().unwrap_or_default().to_owned())?;
    let order = order.expect("one command");
    codec::command(&order).unwrap_or_else(|e| panic!("{line:?}: {}", e.message));
    Ok(order)
}

fn command(line: &[&str], name: &str, args: Value) {
    let mut expected = json!({ "name": name });
    if !args.is_null() {
        expected["args"] = args;
    }
    assert_eq!(made(line).unwrap(), expected, "{line:?}");
}

#[test]
fn arguments_make_the_commands_that_they_say() {
    command(
        &["lower-third", "Ada", "Countess", "--seconds", "8"],
        "lower-third",
        json!({"name": "Ada", "line": "Countess", "seconds": 8}),
    );
    command(&["lower-third", "--off"], "lower-third", json!({}));
    command(&["ticker", "News"], "ticker", json!({"text": "News"}));
    command(&["ticker", "--off"], "ticker", json!({}));
    command(
        &["countdown", "1h30m", "Doors"],
        "countdown",
        json!({"title": "Doors", "seconds": 5400}),
    );
    command(&["countdown", "--off"], "countdown", json!({}));
    let pin = [
        "product",
        "pin",
        "Cap",
        "5 €",
        "--old-price",
        "9 €",
        "--stock",
        "3",
        "--url",
        "https://s.example",
    ];
    command(
        &pin,
        "product-pin",
        json!({"name": "Cap", "price": "5 €", "old_price": "9 €", "stock": 3, "url": "https://s.example"}),
    );
    command(&["product", "unpin"], "product-unpin", Value::Null);
    command(
        &["poll", "show", "Tea?", "Yes=12", "No", "--hidden"],
        "poll-show",
        json!({"question": "Tea?", "choices": [{"text": "Yes", "votes": 12}, {"text": "No", "votes": 0}],
            "open": true, "hidden": true}),
    );
    command(&["poll", "hide"], "poll-hide", Value::Null);
    command(
        &[
            "logo",
            "--corner",
            "top-left",
            "--percent",
            "12.5",
            "--opacity",
            "80",
        ],
        "logo",
        json!({"off": false, "corner": "top-left", "percent": 12.5, "opacity": 80}),
    );
    command(&["logo", "--off"], "logo", json!({"off": true}));
    command(
        &["layer", "hide", "lower-third"],
        "layer-hide",
        json!({"layer": "lower-third"}),
    );
    command(
        &["layer", "show", "clock"],
        "layer-show",
        json!({"layer": "clock"}),
    );
    command(
        &[
            "danmaku-set",
            "--enabled",
            "off",
            "--crossing",
            "6",
            "--colour-paid",
            "#ffd24a",
        ],
        "danmaku-set",
        json!({"reset": false, "enabled": false, "crossing_s": 6.0, "colour_paid": "#ffd24a"}),
    );
    command(
        &["danmaku-set", "--reset"],
        "danmaku-set",
        json!({"reset": true}),
    );
    command(&["panic"], "panic", json!({"on": true}));
    command(&["panic", "--off"], "panic", json!({"on": false}));
}

#[test]
fn arguments_that_say_nothing_or_two_things_are_wrong() {
    for (line, word) in [
        (&["lower-third"][..], "NAME"),
        (&["lower-third", "Ada", "--off"], "--off"),
        (&["ticker"], "TEXT"),
        (&["countdown"], "END"),
        (&["countdown", "soon"], "5m"),
        (&["poll", "show", "Tea?"], "CHOICE"),
        (&["logo", "--off", "--opacity", "5"], "--off"),
        (&["logo", "--corner", "middle"], "top-left"),
        (&["layer", "hide", "sound"], "lower-third"),
        (&["danmaku-set", "--enabled", "maybe"], "on or off"),
        (&["danmaku-set", "--colour-text", "red"], "#rrggbb"),
        (&["product", "pin", "Cap"], "PRICE"),
    ] {
        let said = made(line).unwrap_err();
        assert!(said.contains(word), "{line:?}: {said}");
    }
}

#[test]
fn a_time_of_the_day_is_the_next_one() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let now = date(2027, 3, 27).at(20, 15, 0, 0).to_zoned(zone).unwrap();
    let until = |hour, minute| {
        let countdown = Countdown {
            end: Some(End::At(hour, minute)),
            title: None,
            off: false,
        };
        let json = bare(&countdown.command(&now).unwrap());
        json["args"]["until"].as_i64().unwrap() - now.timestamp().as_second()
    };
    assert_eq!(until(20, 16), 60);
    assert_eq!(until(23, 59), 3 * 3600 + 44 * 60);
    // Tomorrow, and the clocks go forward in between: a day of 23 hours.
    assert_eq!(until(20, 15), 23 * 3600);
    assert_eq!(until(1, 0), 4 * 3600 + 45 * 60);
    // An hour that this night does not have is the one after it.
    assert_eq!(until(2, 30), 6 * 3600 + 15 * 60);
}

#[test]
fn pictures_are_looked_at_before_anything_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbaImage::from_pixel(8, 4, image::Rgba([255, 0, 0, 128]))
        .write_to(&mut png, image::ImageFormat::Png)
        .unwrap();
    let png = png.into_inner();
    let good = file("good.png", &png);
    let made_of_it = made(&["logo", &good]).unwrap();
    let logo: stage::Logo =
        serde_json::from_value(json!({"picture": made_of_it["args"]["picture"]})).unwrap();
    assert_eq!(logo.picture.unwrap().bytes(), png);
    assert!(made(&["product", "pin", "Cap", "5 €", "--picture", &good]).is_ok());
    let mut large = png.clone();
    large.resize(MAX_PICTURE + 1, 0);
    for (name, bytes, word) in [
        ("text.png", &b"hello"[..], "PNG or JPEG"),
        ("empty.png", b"", "PNG or JPEG"),
        ("cut.png", &png[..png.len() / 2], "damaged"),
        ("large.png", &large, "128 KiB"),
    ] {
        let said = made(&["logo", &file(name, bytes)]).unwrap_err();
        assert!(said.contains(word) && said.contains(name), "{said}");
    }
    assert!(
        made(&["logo", "/nowhere/at/all.png"])
            .unwrap_err()
            .contains("/nowhere")
    );
}
