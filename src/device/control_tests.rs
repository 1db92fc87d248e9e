//! Values against ranges and choices.

use proptest::prelude::*;

use super::*;

fn info(kind: ControlKind) -> ControlInfo {
    ControlInfo {
        control: ControlName::new("sharpness").unwrap(),
        label: "Sharpness".into(),
        kind,
        default: 0,
        value: None,
        writable: true,
        active: true,
    }
}

fn range(min: i64, max: i64, step: u64) -> ControlInfo {
    info(ControlKind::Number { min, max, step })
}

fn menu() -> ControlInfo {
    let choice = |i, name: &str| (i, name.to_owned());
    info(ControlKind::Menu {
        choices: vec![choice(0, "Disabled"), choice(1, "50 Hz"), choice(3, "Auto")],
    })
}

fn text(s: &str) -> ControlValue {
    ControlValue::Choice(s.into())
}

#[test]
fn numbers_keep_to_range_and_step() {
    let c = range(-10, 20, 1);
    for n in [-10, 0, 20] {
        assert_eq!(check(&c, &ControlValue::Number(n)), Ok(n));
    }
    assert_eq!(check(&c, &text(" 7 ")), Ok(7));
    for value in [
        ControlValue::Number(-11),
        ControlValue::Number(21),
        ControlValue::Number(i64::MIN),
        ControlValue::Switch(true),
        text("much"),
    ] {
        assert_eq!(
            check(&c, &value).unwrap_err(),
            format!("sharpness cannot be {value}. Choose a number from -10 to 20.")
        );
    }
    let c = range(1, 12, 4);
    assert_eq!(check(&c, &ControlValue::Number(9)), Ok(9));
    for (n, nearest) in [(8, 9), (6, 5), (12, 9)] {
        assert_eq!(
            check(&c, &ControlValue::Number(n)).unwrap_err(),
            format!(
                "sharpness cannot be {n}. Choose a number from 1 to 12 in steps of 4. The nearest is {nearest}."
            )
        );
    }
}

#[test]
fn switches_are_given_in_many_ways() {
    let c = info(ControlKind::Switch);
    for (value, expected) in [
        (ControlValue::Switch(true), 1),
        (ControlValue::Switch(false), 0),
        (ControlValue::Number(1), 1),
        (text("On"), 1),
        (text("off"), 0),
        (text("0"), 0),
    ] {
        assert_eq!(check(&c, &value), Ok(expected), "{value:?}");
    }
    assert_eq!(
        check(&c, &ControlValue::Number(2)).unwrap_err(),
        "sharpness cannot be 2. Choose on or off."
    );
    assert!(check(&c, &text("maybe")).is_err());
}

#[test]
fn choices_go_by_name_or_index() {
    for (value, expected) in [
        (text("50 HZ"), 1),
        (text("auto"), 3),
        (text("3"), 3),
        (ControlValue::Number(0), 0),
    ] {
        assert_eq!(check(&menu(), &value), Ok(expected), "{value:?}");
    }
    for value in [
        text("60 Hz"),
        ControlValue::Number(2),
        ControlValue::Switch(true),
    ] {
        assert_eq!(
            check(&menu(), &value).unwrap_err(),
            format!("sharpness cannot be {value}. Choose one of: Disabled, 50 Hz, Auto.")
        );
    }
    let exposures = info(ControlKind::Menu {
        choices: vec![(0, "-2".into()), (1, "0".into()), (2, "2".into())],
    });
    assert_eq!(check(&exposures, &text("0")), Ok(1), "the name goes first");
    assert_eq!(check(&exposures, &ControlValue::Number(-2)), Ok(0));
    let many = info(ControlKind::Menu {
        choices: (0..500).map(|n| (n, format!("choice {n}"))).collect(),
    });
    let error = check(&many, &text("x")).unwrap_err();
    assert!(error.ends_with("choice 11 and 488 more."), "{error}");
}

#[test]
fn values_are_shown_in_words() {
    assert_eq!(menu().show(3), "Auto");
    assert_eq!(menu().show(2), "2");
    assert_eq!(info(ControlKind::Switch).show(1), "on");
    assert_eq!(range(0, 9, 1).show(4), "4");
    assert_eq!(ControlValue::Switch(false).to_string(), "off");
}

proptest! {
    /// Whatever a driver says of its range: no panic, and what is accepted lies in it.
    #[test]
    fn any_range_any_number(min: i64, max: i64, step: u64, n: i64) {
        if let Ok(taken) = check(&range(min, max, step), &ControlValue::Number(n)) {
            prop_assert_eq!(taken, n);
            prop_assert!(min <= n && n <= max);
        }
    }
}

#[test]
fn labels_become_names() {
    let name = |l| ControlName::from_label(l).map(String::from);
    assert_eq!(
        name("Power Line Frequency").as_deref(),
        Some("power_line_frequency")
    );
    assert_eq!(
        name("White Balance, Automatic").as_deref(),
        Some("white_balance_automatic")
    );
    assert_eq!(name("--"), None);
    assert!(name(&"x".repeat(500)).unwrap().len() <= ControlName::MAX);
    assert!(ControlName::new("Zoom").is_err() && ControlName::new("_zoom").is_err());
}

#[test]
fn values_keep_their_kind_in_json() {
    let read = |t: &str| serde_json::from_str::<ControlValue>(t).unwrap();
    assert_eq!(read("7"), ControlValue::Number(7));
    assert_eq!(read("true"), ControlValue::Switch(true));
    assert_eq!(read("\"50 Hz\""), ControlValue::Choice("50 Hz".into()));
}
