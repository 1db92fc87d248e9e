//! What is asked of a camera, in which order, and how often.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn name(s: &str) -> ControlName {
    ControlName::new(s).unwrap()
}

fn info(control: &str, kind: ControlKind, value: i64) -> ControlInfo {
    ControlInfo {
        control: name(control),
        label: control.into(),
        kind,
        default: 0,
        value: Some(value),
        writable: true,
        active: true,
    }
}

fn number(control: &str, value: i64) -> ControlInfo {
    let kind = ControlKind::Number {
        min: 0,
        max: 100,
        step: 1,
    };
    info(control, kind, value)
}

/// A switch called `auto`, and `exposure`, which it governs.
fn camera(auto: bool, exposure: i64) -> Vec<ControlInfo> {
    let mut exposure = number("exposure", exposure);
    exposure.active = !auto;
    exposure.default = 50;
    let mut auto = info("auto", ControlKind::Switch, i64::from(auto));
    auto.default = 1;
    vec![exposure, auto, number("zoom", 0)]
}

fn wishes(list: &[(&str, i64)]) -> BTreeMap<ControlName, ControlValue> {
    list.iter()
        .map(|(n, v)| (name(n), ControlValue::Number(*v)))
        .collect()
}

fn due(controls: &mut Controls, wanted: &[(&str, i64)]) -> Vec<(String, i64)> {
    let due = controls.due(&wishes(wanted));
    due.into_iter().map(|(n, v)| (n.into(), v)).collect()
}

fn set(list: &[(&str, i64)]) -> Vec<(String, i64)> {
    list.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect()
}

#[test]
fn an_automatic_goes_before_what_it_governs() {
    let wanted = [("exposure", 7), ("auto", 0), ("zoom", 3)];
    let mut controls = Controls::default();
    assert_eq!(due(&mut controls, &wanted), [], "nothing is known");
    controls.learn(camera(true, 20));
    assert_eq!(
        due(&mut controls, &wanted),
        set(&[("auto", 0), ("zoom", 3)])
    );
    assert_eq!(due(&mut controls, &wanted), [], "asked already");
    controls.learn(camera(false, 20));
    assert_eq!(
        due(&mut controls, &wanted),
        set(&[("exposure", 7), ("zoom", 3)])
    );
    controls.learn(camera(false, 7));
    assert_eq!(due(&mut controls, &wanted), []);
}

#[test]
fn the_order_is_by_kind_whatever_the_order_of_the_driver() {
    // A driver that does not say what an automatic holds.
    let mut infos = camera(true, 20);
    infos[0].active = true;
    for reversed in [false, true] {
        if reversed {
            infos.reverse();
        }
        let mut controls = Controls::default();
        controls.learn(infos.clone());
        let wished = due(&mut controls, &[("exposure", 7), ("auto", 0)]);
        assert_eq!(wished, set(&[("auto", 0), ("exposure", 7)]));
        let mut manual = camera(false, 7);
        if reversed {
            manual.reverse();
        }
        controls.learn(manual);
        controls.reset(Some(&name("auto")));
        controls.reset(Some(&name("exposure")));
        let back = due(&mut controls, &[]);
        assert_eq!(back, set(&[("exposure", 50), ("auto", 1)]));
    }
}

#[test]
fn defaults_come_back_before_the_automatic_does() {
    let mut controls = Controls::default();
    controls.learn(camera(false, 7));
    controls.reset(None);
    assert_eq!(
        due(&mut controls, &[]),
        set(&[("exposure", 50), ("auto", 1)])
    );
    controls.learn(camera(true, 50));
    assert_eq!(due(&mut controls, &[]), []);
    // What was reset is free: a hand on the camera itself is not fought.
    controls.learn(camera(false, 9));
    assert_eq!(due(&mut controls, &[]), []);
}

#[test]
fn a_wish_ends_a_reset_and_may_be_repeated() {
    let mut controls = Controls::default();
    controls.learn(vec![number("zoom", 5)]);
    controls.reset(Some(&name("zoom")));
    controls.wish(&name("zoom"));
    assert_eq!(due(&mut controls, &[("zoom", 9)]), set(&[("zoom", 9)]));
    controls.learn(vec![number("zoom", 8)]);
    assert_eq!(due(&mut controls, &[("zoom", 9)]), [], "it rounds");
    controls.wish(&name("zoom"));
    assert_eq!(due(&mut controls, &[("zoom", 9)]), set(&[("zoom", 9)]));
    controls.forget();
    controls.learn(vec![number("zoom", 8)]);
    assert_eq!(due(&mut controls, &[("zoom", 9)]), set(&[("zoom", 9)]));
}

#[test]
fn what_cannot_be_set_is_not_asked_for() {
    let mut controls = Controls::default();
    let mut fixed = number("zoom", 0);
    fixed.writable = false;
    controls.learn(vec![fixed, number("focus", 0)]);
    let wanted = [("zoom", 1), ("focus", 101), ("tilt", 1)];
    assert_eq!(due(&mut controls, &wanted), []);
    let mut unread = number("pan", 0);
    unread.value = None;
    controls.learn(vec![unread.clone()]);
    assert_eq!(due(&mut controls, &[("pan", 0)]), set(&[("pan", 0)]));
    controls.learn(vec![unread]);
    assert_eq!(due(&mut controls, &[("pan", 0)]), [], "once, unread");
}

#[test]
fn what_a_driver_says_is_bounded_and_tidied() {
    let mut controls = Controls::default();
    let choices = (0..1000).map(|n| (n, format!("a\nb {n}"))).collect();
    let mut many: Vec<ControlInfo> = (0..1000).map(|n| number(&format!("c{n}"), 0)).collect();
    many.insert(0, info("menu", ControlKind::Menu { choices }, 0));
    many.insert(1, number("menu", 3));
    many[2].label = "x\0".repeat(4000);
    controls.learn(many);
    assert_eq!(controls.infos.len(), MAX_CONTROLS);
    let ControlKind::Menu { choices } = &controls.find(&name("menu")).unwrap().kind else {
        panic!("the first of a name counts")
    };
    assert_eq!(choices.len(), MAX_CHOICES);
    assert_eq!(choices[7].1, "a b 7");
    assert!(controls.infos[1].label.chars().count() <= 201);
    controls.refused(name("nothing"), "no");
    controls.refused(name("menu"), "no\nway.");
    assert_eq!(controls.failed.len(), 1);
    assert_eq!(controls.failed[&name("menu")], "no way");
}

/// How a camera answers a value: by taking, rounding, refusing, or by changing something else as well.
#[derive(Debug, Clone, Copy)]
enum Temper {
    Takes,
    Rounds,
    Refuses,
    FlipsAutomatic,
    MovesRange,
}

fn temper() -> impl Strategy<Value = Temper> {
    prop::sample::select(vec![
        Temper::Takes,
        Temper::Rounds,
        Temper::Refuses,
        Temper::FlipsAutomatic,
        Temper::MovesRange,
    ])
}

proptest! {
    /// Set and report end, whatever the camera answers: each value is asked at most [`TIMES`] times in an opening.
    #[test]
    fn set_and_report_never_chase_one_another(
        tempers in vec(temper(), 1..200),
        exposure in 0i64..=100,
        zoom in 0i64..=100,
        auto in 0i64..=1,
    ) {
        let wanted = [("exposure", exposure), ("zoom", zoom), ("auto", auto)];
        let mut controls = Controls::default();
        let mut camera = camera(true, 33);
        let mut asked: BTreeMap<String, u32> = BTreeMap::new();
        for temper in tempers.iter().cycle().take(400) {
            controls.learn(camera.clone());
            for (control, value) in due(&mut controls, &wanted) {
                *asked.entry(control.clone()).or_default() += 1;
                for info in &mut camera {
                    let same = info.control.as_str() == control;
                    match temper {
                        Temper::Takes if same => info.value = Some(value),
                        Temper::Rounds if same => info.value = Some(value - value % 10),
                        Temper::FlipsAutomatic => {
                            info.active = !info.active;
                            if governs(info) {
                                info.value = info.value.map(|v| 1 - v);
                            }
                        }
                        Temper::MovesRange => {
                            if let ControlKind::Number { max, .. } = &mut info.kind {
                                *max = 140 - *max;
                            }
                        }
                        _ => {}
                    }
                }
            }
            if matches!(temper, Temper::FlipsAutomatic) {
                // By itself, too.
                camera[0].active = !camera[0].active;
            }
        }
        prop_assert!(asked.values().all(|n| *n <= u32::from(TIMES)), "{:?}", asked);
    }
}
