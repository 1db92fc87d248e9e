use super::*;

fn control(id: u32, code: u32, name: &str, range: (i64, i64, u64, i64)) -> Control {
    Control::from_raw((id, code, 0), name.to_owned(), range).unwrap()
}

fn names(all: &[Named]) -> Vec<&str> {
    all.iter().map(|n| n.info.control.as_str()).collect()
}

/// What a UVC camera lists, in the driver's order.
fn webcam() -> Vec<Control> {
    let mut power = control(USER + 24, 3, "Power Line Frequency", (0, 2, 1, 1));
    power.choices = [(0, "Disabled"), (1, "50 Hz"), (2, "60 Hz")]
        .map(|(i, t)| (i, t.to_owned()))
        .to_vec();
    let mut auto = control(CAMERA + 1, 3, "Auto Exposure", (0, 3, 1, 3));
    auto.choices = vec![
        (1, "Manual Mode".into()),
        (3, "Aperture Priority Mode".into()),
    ];
    auto.value = Some(3);
    let exposure = Control {
        active: false,
        ..control(CAMERA + 2, 1, "Exposure Time, Absolute", (3, 2047, 1, 250))
    };
    vec![
        control(USER, 1, "Brightness", (0, 255, 1, 128)),
        control(USER + 12, 2, "White Balance, Automatic", (0, 1, 1, 1)),
        control(USER + 19, 1, "Gain", (0, 255, 1, 0)),
        power,
        control(
            USER + 26,
            1,
            "White Balance Temperature",
            (2000, 6500, 1, 4000),
        ),
        auto,
        exposure,
        control(CAMERA + 13, 1, "Zoom, Absolute", (100, 500, 1, 100)),
        control(0x0a04_6d01, 1, "LED1 Mode", (0, 3, 1, 3)),
        control(0x0a04_6d02, 1, "LED1 Mode", (0, 3, 1, 3)),
        control(0x0a04_6d03, 1, "---", (0, 3, 1, 3)),
        control(0x0a04_6d04, 4, "Reset", (0, 0, 0, 0)),
        control(0x0099_0900, 1, "Video Bitrate", (0, 9, 1, 3)),
    ]
}

#[test]
fn well_known_controls_come_first_under_fixed_names_and_others_under_their_labels() {
    assert_eq!(
        names(&named(webcam())),
        [
            "brightness",
            "white_balance_auto",
            "white_balance",
            "exposure_auto",
            "exposure",
            "gain",
            "power_line_frequency",
            "zoom",
            "led1_mode",
            "led1_mode_2",
            "control_0a046d03",
        ],
        "no button and no codec"
    );
}

#[test]
fn every_well_known_name_is_a_name() {
    for (id, name) in KNOWN {
        assert_eq!(ControlName::new(name).unwrap().as_str(), name, "{id:#x}");
    }
}

#[test]
fn values_are_checked_against_the_range_before_the_driver_sees_them() {
    let all = named(webcam());
    let refusal = |name: &str, value| {
        let one = all.iter().find(|n| n.info.control.as_str() == name);
        one.unwrap().refusal(value)
    };
    assert_eq!(refusal("brightness", 255), None);
    assert_eq!(
        refusal("brightness", 256).as_deref(),
        Some("brightness goes from 0 to 255, and 256 is outside")
    );
    assert_eq!(
        refusal("white_balance_auto", 2).as_deref(),
        Some("white_balance_auto is off (0) or on (1), and 2 is neither")
    );
    assert_eq!(refusal("exposure_auto", 1), None);
    assert_eq!(
        refusal("exposure_auto", 2).as_deref(),
        Some("exposure_auto has no choice 2, but 1 (Manual Mode), 3 (Aperture Priority Mode)")
    );
    let mut fixed = control(USER, 1, "Brightness", (0, 9, 1, 1));
    fixed.writable = false;
    assert_eq!(
        named(vec![fixed])[0].refusal(1).as_deref(),
        Some("brightness can be read but not set")
    );
}

#[test]
fn what_has_no_effect_says_which_automatic_is_to_blame() {
    let all = named(webcam());
    let of = |name: &str| {
        all.iter()
            .find(|n| n.info.control.as_str() == name)
            .unwrap()
    };
    assert_eq!(
        of("exposure").why_inactive(&all),
        "exposure has no effect while exposure_auto is \"Aperture Priority Mode\""
    );
    assert_eq!(
        of("white_balance").why_inactive(&all),
        "white_balance has no effect while white_balance_auto is on"
    );
    assert_eq!(
        of("zoom").why_inactive(&all),
        "zoom has no effect while other controls are set as they are"
    );
}

#[test]
fn the_list_is_bounded_its_names_differ_and_the_well_known_stay() {
    let many = (0..500).map(|i| control(0x00f0_0000 + i, 1, &"long ".repeat(12), (0, 1, 1, 0)));
    let all: Vec<Control> = many.chain(webcam()).collect();
    let got = named(all);
    assert_eq!(got.len(), MAX);
    assert_eq!(names(&got)[0], "brightness");
    let distinct: BTreeSet<&str> = names(&got).into_iter().collect();
    assert_eq!(distinct.len(), MAX);
}

#[test]
fn kinds_that_make_no_sense_are_left_out() {
    let upside_down = control(USER, 1, "Brightness", (9, 0, 1, 5));
    let empty_menu = control(USER + 24, 3, "Power Line Frequency", (0, 2, 1, 1));
    let bits = control(USER + 99, 8, "Bits", (0, 0x8000_0001, 0, 1));
    let got = named(vec![upside_down, empty_menu, bits]);
    assert_eq!(names(&got), ["bits"]);
    let full = Kind::Number {
        min: 0,
        max: 0x8000_0001,
        step: 1,
    };
    assert_eq!(got[0].info.kind, full);
}
