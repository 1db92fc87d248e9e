//! The board in force, and what it does to the defaults of heat.

use super::super::board::{Detected, by_id};
use super::*;

#[test]
fn a_profile_is_chosen_by_every_layer_and_says_so() {
    let recognised = load_text("").unwrap().board;
    assert_eq!(recognised.board.id, "generic");
    assert!(recognised.why.starts_with("there is no device tree"));
    let file = load_text("[board]\nprofile = \"rpi4\"\n").unwrap().board;
    assert_eq!(file.board.id, "rpi4");
    assert_eq!(file.why, "board.profile (boothcast.toml) says so");
    let env = [("BOOTHCAST__BOARD__PROFILE", "rpi-zero2w")];
    let loaded = load_with(&env, &[], "[board]\nprofile = \"rpi4\"\n").unwrap();
    assert_eq!(loaded.board.board.id, "rpi-zero2w");
    assert_eq!(loaded.board.why, "board.profile (environment) says so");
    assert_eq!(loaded.config.encode.profile, Profile::P480, "its default");
    let flag = load_with(&env, &["board.profile=auto"], "").unwrap();
    assert_eq!(flag.board.board.id, "generic");
}

#[test]
fn a_profile_that_cannot_be_used_is_an_error_that_names_it() {
    for (written, said) in [
        ("rpi9", "board.profile must be auto, a path"),
        (
            "/nowhere/x.toml",
            "names /nowhere/x.toml, which cannot be read",
        ),
        ("/", "names /, which is no file"),
    ] {
        let all = lines(load_text(&format!("board.profile = {written:?}")));
        assert!(all[0].contains(said), "{all:?}");
    }
}

#[test]
fn thresholds_are_80_and_85_but_lower_where_the_firmware_throttles_hard_before() {
    let of = |board: &str, limit_c: Option<f32>, toml: &str| {
        let mut sources = sources();
        let mut board = by_id(board).unwrap().clone();
        if let (Some(thermal), Some(limit_c)) = (&mut board.thermal, limit_c) {
            thermal.limit_c = limit_c;
        }
        let why = String::new();
        sources.board = Detected { board, why };
        let texts = [text("a", toml)];
        let loaded = compose(&texts, Problems::default(), &sources, Destinations::All);
        let thermal = loaded.unwrap().config.thermal;
        (thermal.step_down_c, thermal.lowest_c, thermal.recover_s)
    };
    for board in board::all() {
        assert_eq!(of(&board.id, None, ""), (80.0, 85.0, 60), "{}", board.id);
    }
    assert_eq!(of("rpi4", Some(75.0), ""), (70.0, 75.0, 60));
    let own = "thermal.step_down_c = 60\nthermal.recover_s = 5";
    assert_eq!(of("rpi4", Some(75.0), own), (60.0, 75.0, 5));
}

#[test]
fn thresholds_in_the_wrong_order_are_an_error() {
    let all = lines(load_text("thermal.step_down_c = 90"));
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(
        all[0].contains("thermal.step_down_c (90 °C) is not below thermal.lowest_c (85 °C)"),
        "{all:?}"
    );
    assert!(load_text("thermal.step_down_c = 90\nthermal.lowest_c = 95").is_ok());
    assert!(load_text("thermal.step_down_c = 20").is_err());
}

#[test]
fn a_sensor_that_is_not_there_yet_is_only_a_warning() {
    let loaded = load_text("thermal.sensor = \"/nowhere/temp\"").unwrap();
    let warning = loaded.warnings[0].to_string();
    assert!(warning.contains("thermal.sensor names a file"), "{warning}");
}
