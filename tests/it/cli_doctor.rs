//! The doctor on this very machine, with real GStreamer behind it.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use boothcast::cli::doctor::{DoctorArgs, EncoderReport, GstReport, Setup, examine, run};
use boothcast::config::board;
use boothcast::config::{ButtonConfig, CameraFormat, ChosenBy, LedConfig, ThermalConfig};
use boothcast::edge::camera::Wish;
use boothcast::{Error, Kind, Result};
use gstreamer as gst;
use serde_json::Value;

fn setup(state_dir: &Path) -> Setup {
    Setup {
        board: board::recognise(&board::Traces::default()),
        state_dir: state_dir.to_owned(),
        room: None,
        led: LedConfig {
            notify: false,
            lamps: Vec::new(),
            chosen_by: ChosenBy::Nobody,
        },
        button: ButtonConfig {
            line: None,
            chosen_by: ChosenBy::Nobody,
        },
        wish: Wish {
            width: 1280,
            height: 720,
            fps: 30,
            format: CameraFormat::Auto,
            passthrough: false,
        },
        thermal: ThermalConfig {
            enabled: true,
            sensor: "".into(),
            step_down_c: 80.0,
            lowest_c: 85.0,
            recover_s: 60,
        },
        name: None,
        screen: false,
        fonts: (PathBuf::new(), String::new()),
    }
}

/// Which elements are installed, as GStreamer itself says.
fn gstreamer(names: &[&str]) -> Result<GstReport> {
    gst::init().map_err(|e| Error::new(Kind::Missing, "GStreamer does not start.").caused_by(e))?;
    Ok(GstReport {
        version: gst::version_string().to_string(),
        present: names
            .iter()
            .filter(|n| gst::ElementFactory::find(n).is_some())
            .map(ToString::to_string)
            .collect(),
    })
}

fn works() -> Result<Vec<EncoderReport>> {
    Ok(vec![EncoderReport {
        element: "x264enc".into(),
        ok: true,
        detail: "given by the test".into(),
    }])
}

fn print(json: bool, state_dir: &Path) -> (u8, String) {
    let mut out = Vec::new();
    let code = run(
        &DoctorArgs { json },
        &setup(state_dir),
        works,
        gstreamer,
        &mut out,
    );
    (code.unwrap(), String::from_utf8(out).unwrap())
}

#[test]
fn the_table_fits_and_the_exit_code_says_that_the_box_can_go_live() {
    let dir = tempfile::tempdir().unwrap();
    let (code, table) = print(false, dir.path());
    assert_eq!(code, 0, "{table}");
    for line in table.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    for section in [
        "Board",
        "Cameras",
        "Capture cards",
        "Encoders",
        "GStreamer",
        "Network",
        "Machine",
        "Verdict",
    ] {
        assert!(table.lines().any(|l| l == section), "{section}:\n{table}");
    }
    assert!(table.contains("✓ x264enc"), "{table}");
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert!(left.is_empty(), "the doctor writes nothing");
}

#[test]
fn the_json_keeps_its_structure() {
    let dir = tempfile::tempdir().unwrap();
    let (code, text) = print(true, dir.path());
    assert_eq!(code, 0);
    let json: Value = serde_json::from_str(&text).unwrap();
    let mut keys: Vec<&str> = json
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "board",
            "boothcast",
            "button",
            "camera_problems",
            "cameras",
            "can_go_live",
            "capture_cards",
            "clock",
            "disk",
            "encoders",
            "findings",
            "fonts",
            "gstreamer",
            "led",
            "memory",
            "name",
            "network",
            "problems",
            "room",
            "screens",
            "thermal",
            "version"
        ]
    );
    assert_eq!(json["version"], 1);
    assert_eq!(json["can_go_live"], true);
    assert_eq!(json["fonts"][0]["script"], "Latin");
    assert_eq!(json["encoders"][0]["element"], "x264enc");
    assert_eq!(json["disk"]["writable"], true);
    assert!(json["board"]["why"].is_string());
    assert_eq!(json["thermal"]["lowest_c"], 85.0);
    let version = json["gstreamer"]["version"].as_str().unwrap();
    assert!(version.contains("1."), "{version}");
    let appsrc = &json["gstreamer"]["elements"][0];
    assert_eq!(
        (&appsrc["names"][0], &appsrc["present"]),
        (&"appsrc".into(), &true.into())
    );
    for finding in json["findings"].as_array().unwrap() {
        let mark = finding["mark"].as_str().unwrap();
        assert!(["good", "bad", "note"].contains(&mark), "{finding}");
        assert!(mark != "bad" || finding["mend"].is_string(), "{finding}");
    }
}

#[test]
fn a_folder_that_cannot_be_used_and_no_encoder_are_exit_code_1() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let (code, table) = print(false, &file.join("state"));
    assert_eq!(code, 1, "{table}");
    assert!(table.contains("✗ state folder"), "{table}");

    let none = examine(&setup(dir.path()), || Ok(Vec::new()), gstreamer);
    assert!(!none.can_go_live);
    let bare = examine(&setup(dir.path()), works, |_| Ok(GstReport::default()));
    assert!(!bare.can_go_live, "GStreamer without a single element");
}

#[test]
fn a_media_side_that_fails_or_panics_is_a_finding_and_the_rest_is_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let (tell, told) = mpsc::channel();
    let start = Instant::now();
    let report = examine(
        &setup(dir.path()),
        move || {
            tell.send(()).unwrap();
            Err(Error::new(Kind::Internal, "The probe broke.").mend("Mend it."))
        },
        |_| panic!("on purpose"),
    );
    told.recv_timeout(Duration::ZERO).unwrap();
    assert!(start.elapsed() < Duration::from_secs(60));
    let said: Vec<&str> = report.problems.iter().map(|p| p.what.as_str()).collect();
    assert_eq!(said, ["gstreamer", "encoders"]);
    assert!(!report.can_go_live);
    assert!(report.memory.total > 0 && !report.network.addresses.is_empty());
}
