//! Which board the program takes the rig for, and a profile of ones own.

use std::time::Duration;

use serde_json::Value;

use crate::harness::{Rig, needs};

const PROGRAM: &str = env!("CARGO_BIN_EXE_boothcast");

fn doctor(rig: &Rig, args: &[&str]) -> (i32, String) {
    let state = ["--set", "paths.state=/run/doctor"];
    let argv: Vec<&str> = [PROGRAM, "doctor"]
        .iter()
        .chain(&state)
        .chain(args)
        .copied()
        .collect();
    let outcome = rig.start(&argv, &[]).finish(Duration::from_secs(120));
    (outcome.code, outcome.stdout)
}

#[test]
fn the_doctor_says_which_board_why_and_how_hot() {
    let rig = needs().first("modprobe test_power").boot();
    let zone = rig.sh("dirname $(grep -l test_battery /sys/class/thermal/thermal_zone*/type)");
    let zone = zone.trim();
    rig.sh(&format!("echo 71000 >{zone}/emul_temp"));
    let sensor = format!("thermal.sensor={zone}/temp");
    let (code, text) = doctor(&rig, &["--json", "--set", &sensor]);
    let report: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
    assert_eq!(code, 0, "{text}");
    assert_eq!(report["board"]["id"], "generic");
    let why = report["board"]["why"].as_str().unwrap();
    assert!(why.starts_with("there is no device tree"), "{why}");
    assert_eq!(report["thermal"]["celsius"], 71.0);
    assert_eq!(report["thermal"]["sensor"], "test_battery");
    assert_eq!(report["thermal"]["step_down_c"], 80.0);
    assert_eq!(report["thermal"]["power"], Value::Null);

    // The table, hot, with a profile of ones own in force.
    rig.write(
        "/run/mine.toml",
        "id = \"mine\"\ntitle = \"My carrier\"\nmodels = []\ncompatible = []\nencoders = [\"x264enc\"]\n\
         [led]\nchip = \"rig\"\nline = 1\nactive_low = false\n\
         [thermal]\nsensor = \"/nowhere\"\nsoft_c = 70.0\nlimit_c = 75.0\n",
    );
    let board = ["--set", "board.profile=/run/mine.toml", "--set", &sensor];
    let (_, text) = doctor(&rig, &board);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("My carrier, because board.profile (--set) says so."),
        "{text}"
    );
    // Its firmware throttles at 75 °C, so the box is at its smallest there, and a step smaller from 70 °C.
    assert!(words.contains("71 °C (test_battery)"), "{text}");
    assert!(words.contains("smaller from 70 °C"), "{text}");
    assert!(words.contains("hard at 75 °C"), "{text}");

    rig.write("/run/mine.toml", "id = \"mine\"\n");
    let refused = rig
        .start(
            &[PROGRAM, "check", "--set", "board.profile=/run/mine.toml"],
            &[],
        )
        .finish(Duration::from_secs(20));
    assert_eq!(refused.code, 78);
    assert!(
        refused.stderr.contains("is no board profile"),
        "{}",
        refused.stderr
    );
}
