//! A box whose program fails again and again.

use std::time::Duration;

use crate::harness::{Scene, Wish, figure, frames};

/// Fails at once, but for what the safe mode starts and what a person asks for.
const BROKEN: &str = "mkdir -p /run/real && cp /usr/bin/boothcast /run/real/
printf '#!/bin/sh\\ncase \"$*\" in run) exit 1 ;; *) exec /run/real/boothcast \"$@\" ;; esac\\n' >/run/broken
chmod 755 /run/broken
mount --bind /run/broken /usr/bin/boothcast
systemctl kill --signal=KILL boothcast.service";

/// After ten failures there is a slate that says so, and the box can still be spoken to; mended, it has its turn again.
#[test]
fn ten_failures_lead_to_the_safe_mode_and_back() {
    let mut scene = Scene::boot(&Wish::default());
    let url = scene.url();
    let machine = &mut scene.machine;
    machine.sh(BROKEN);
    let begun = std::time::Instant::now();
    let show = "systemctl show -P ActiveState boothcast-safe.service";
    while machine.sh(show).trim() != "active" {
        assert!(begun.elapsed() < Duration::from_secs(300), "no safe mode");
        std::thread::sleep(Duration::from_secs(2));
    }
    figure(
        "first failure to the safe mode",
        &format!("{:.0} s", begun.elapsed().as_secs_f64()),
    );
    let status = machine.status();
    let sentence = status["health"]["sentence"].as_str().unwrap_or_default();
    assert!(sentence.contains("afe mode"), "{status}");
    assert!(
        frames(&url, 5, (64, 36), Duration::from_secs(60)).is_some(),
        "no slate"
    );
    let machine = &mut scene.machine;
    machine.sh("umount /usr/bin/boothcast && boothcast ctl restart");
    machine.wait_picture(&url, Duration::from_secs(120));
    machine.sh("systemctl is-active boothcast.service");
    let sentence = machine.status()["health"]["sentence"].to_string();
    assert!(!sentence.contains("afe mode"), "{sentence}");
}
