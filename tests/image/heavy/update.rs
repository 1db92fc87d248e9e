//! Updates over MQTT: a good one is kept, a bad one is taken back, a false one is not even begun.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{BASE, Bundles, CARD, Disk, Image, Label, Scene, Slot, Wish, figure, frames};
use crate::support::wait_for;
use crate::support::witness::publish;

/// How long a new system must do well (docs/updates.md).
const GATE: Duration = Duration::from_secs(120);
/// A system that does not do well is left by then.
const ROLLED_BACK: Duration = Duration::from_secs(600);

/// A machine with these bundles at `/run/share`.
fn scene(make: impl FnOnce(&Bundles)) -> Scene {
    // The bundles are made of a card of their own: the machine's has the test's settings on it.
    let bundles = Bundles::new(&Disk::new(&Image::find(), CARD));
    make(&bundles);
    let wish = Wish {
        share: Some(bundles.share.clone()),
        ..Wish::default()
    };
    let mut scene = Scene::boot(&wish);
    scene.machine.mount_share();
    // A show is not interrupted by an update.
    scene.order("live/stop", &json!({}));
    scene
}

/// Asks for an installation over MQTT.
fn install(scene: &Scene, name: &str) -> Value {
    scene.command(
        "update/install",
        &json!({"source": format!("/run/share/{name}")}),
    )
}

/// Waits until the box reports the gain that was wished for, in a message after the first `seen` ones.
fn reported_gain(scene: &Scene, seen: usize) {
    let topic = format!("{BASE}/reported");
    wait_for("the gain reported", Duration::from_secs(60), || {
        let all = scene.witness.all(&topic);
        let last = all.get(seen..)?.last()?.json();
        (last["settings"]["audio"]["gain_db"] == -7.0).then_some(())
    });
}

fn update_status(scene: &mut Scene) -> Value {
    scene.machine.status()["update"].clone()
}

#[test]
fn a_good_update_is_kept() {
    let mut scene = scene(|b| b.whole("good.raucb", &Label::default()));
    let wish = json!({"version": 1, "settings": {"audio": {"gain_db": -7}}});
    publish(&scene.broker, &format!("{BASE}/desired"), &wish.to_string());
    reported_gain(&scene, 0);
    let old = scene.disk.hash(Slot::A);
    let begun = Instant::now();
    let answer = install(&scene, "good.raucb");
    assert_eq!(answer["ok"], true, "{answer}");
    assert_eq!(scene.machine.wait_slot(Duration::from_secs(600)), Slot::B);
    let before = scene.witness.all(&format!("{BASE}/reported")).len();
    figure(
        "update: command to restart",
        &format!("{:.0} s", begun.elapsed().as_secs_f64()),
    );
    assert!(
        !scene.witness.all(&format!("{BASE}/job/update")).is_empty(),
        "no progress over MQTT"
    );
    let booted = Instant::now();
    scene.machine.wait_shell(Duration::from_secs(300));
    assert_eq!(
        scene.machine.wait_system(Duration::from_secs(300)),
        "running"
    );
    let status = update_status(&mut scene);
    assert_eq!(
        (&status["slot"], &status["trial"]),
        (&json!("B"), &json!(true)),
        "{status}"
    );
    assert!(
        frames(&scene.url(), 5, (64, 36), Duration::from_secs(60)).is_some(),
        "no stream on trial"
    );
    // Heard from outside: asking inside costs the emulated processor the frames that the gate counts.
    let job = format!("{BASE}/job/update");
    let kept = scene.witness.wait(&job, GATE * 4, |j| j["state"] == "idle");
    assert_eq!(kept["ended"], "kept", "{kept}");
    let kept = booted.elapsed();
    figure(
        "update: start of the new system to its commit",
        &format!("{:.0} s", kept.as_secs_f64()),
    );
    assert!(kept >= GATE, "kept after {kept:?}");
    assert_eq!(scene.disk.variable("BOOT_B_LEFT").as_deref(), Some("3"));
    assert!(scene.disk.variable("BOOT_ORDER").unwrap().starts_with('B'));
    assert_eq!(scene.disk.hash(Slot::A), old, "the old system was touched");
    // What the new system reports: settings survive.
    reported_gain(&scene, before);
    assert_eq!(scene.machine.reboot(), Slot::B);
}

#[test]
fn an_update_whose_box_fails_is_taken_back() {
    let mut scene = scene(|b| b.failing("failing.raucb", &Label::default()));
    let old = scene.disk.hash(Slot::A);
    let answer = install(&scene, "failing.raucb");
    assert_eq!(answer["ok"], true, "{answer}");
    assert_eq!(scene.machine.wait_slot(Duration::from_secs(600)), Slot::B);
    let begun = Instant::now();
    loop {
        let left = ROLLED_BACK.checked_sub(begun.elapsed());
        let left = left.expect("still not back in the old system");
        if scene.machine.wait_slot(left) == Slot::A {
            break;
        }
    }
    figure(
        "update: start of a bad system to the old one",
        &format!("{:.0} s", begun.elapsed().as_secs_f64()),
    );
    scene.machine.wait_shell(Duration::from_secs(300));
    assert_eq!(
        scene.machine.wait_system(Duration::from_secs(300)),
        "running"
    );
    let status = update_status(&mut scene);
    assert_eq!(
        (&status["slot"], &status["trial"]),
        (&json!("A"), &json!(false)),
        "{status}"
    );
    // Because it failed, and not because time was up.
    let note = status["note"].as_str().unwrap_or_default();
    assert!(
        note.contains("the service") || note.contains("safe mode"),
        "{status}"
    );
    assert_eq!(scene.disk.hash(Slot::A), old);
    assert!(frames(&scene.url(), 5, (64, 36), Duration::from_secs(60)).is_some());
    // And it stays: no try of the bad one is left.
    assert_eq!(scene.machine.reboot(), Slot::A);
}

/// Each is refused before anything is written; what the box says names the reason.
#[test]
fn false_updates_are_refused_before_the_first_write() {
    let mut scene = scene(|b| {
        b.hollow("fine.raucb", &Label::default());
        b.tampered("fine.raucb", "tampered.raucb");
        b.hollow(
            "stranger.raucb",
            &Label {
                stranger: true,
                ..Label::default()
            },
        );
        b.hollow(
            "older.raucb",
            &Label {
                version: "0.0.1",
                ..Label::default()
            },
        );
        b.hollow(
            "board.raucb",
            &Label {
                compatible: "toaster",
                ..Label::default()
            },
        );
        std::fs::write(b.share.join("noise.raucb"), vec![7; 100_000]).unwrap();
    });
    let (other, order) = (scene.disk.hash(Slot::B), scene.disk.variable("BOOT_ORDER"));
    for (name, word) in [
        ("tampered.raucb", ""),
        ("stranger.raucb", "sign"),
        ("older.raucb", "new"),
        ("board.raucb", "board"),
        ("noise.raucb", ""),
        ("absent.raucb", ""),
    ] {
        let said = refusal(&mut scene, name);
        eprintln!("{name}: {said}");
        assert!(
            said.contains(word),
            "{name}: {said:?} does not say {word:?}"
        );
        assert_eq!(
            scene.disk.hash(Slot::B),
            other,
            "{name}: the other system was written to"
        );
        assert_eq!(scene.disk.variable("BOOT_ORDER"), order, "{name}");
    }
    assert_eq!(update_status(&mut scene)["slot"], "A");
}

/// What the box says when it does not install this bundle.
fn refusal(scene: &mut Scene, name: &str) -> String {
    let answer = install(scene, name);
    if answer["ok"] != true {
        return answer["error"]["message"].as_str().unwrap().to_owned();
    }
    let end = Instant::now() + Duration::from_secs(120);
    loop {
        let status = update_status(scene);
        assert_eq!(status["slot"], "A");
        let note = status["note"].as_str().unwrap_or_default().to_owned();
        if status["percent"].is_null() && !note.is_empty() {
            return note;
        }
        assert!(
            Instant::now() < end,
            "{name}: neither installed nor refused: {status}"
        );
        std::thread::sleep(Duration::from_secs(1));
    }
}
