//! Cameras that hang: no picture without an error, and the same picture again and again.

use std::time::{Duration, Instant};

use crate::harness::{Camera, Rig, Tool, needs};

use super::hotplug::watcher::Watcher;

/// Seen, restarted and reported within this.
const SEEN: Duration = Duration::from_secs(10);
const SMALL: &str = "[log]\nlevel = \"info,boothcast=debug\"\n[encode]\nprofile = \"custom\"\nwidth = 640\nheight = 360\nfps = 15\nbitrate = \"600k\"\n[audio]\nsource = \"none\"\n";

fn up(watcher: &mut Watcher) {
    let limit = Duration::from_secs(20);
    watcher.wait("the camera", Instant::now(), limit, |s| {
        s["camera"]["state"] == "up" && s["slate"] == false
    });
}

fn vivid(rig: &Rig, control: &str) {
    rig.sh(&format!("v4l2-ctl -d /dev/video0 -c {control}"));
}

/// A small USB camera, where the kernel has it.
fn usb_camera(rig: &Rig) -> Tool<'_> {
    let camera = rig.usb_camera(&["--formats", "mjpeg:640x480@15", "--mjpeg-bytes", "20000"]);
    camera.found();
    camera
}

fn tell(camera: &Tool<'_>, command: &str) {
    camera.tell(command);
}

/// The camera falls silent by `freeze`; it is seen, restarted again and again, and back soon after `thaw`.
fn falls_silent(rig: &Rig, freeze: impl FnOnce(), thaw: impl FnOnce()) {
    let daemon = rig.boothcast(SMALL);
    let mut watcher = Watcher::start(rig);
    up(&mut watcher);
    let from = Instant::now();
    freeze();
    watcher.wait("the slate", from, Duration::from_secs(2), |s| {
        s["slate"] == true
    });
    let lost = watcher.wait("the report", from, SEEN, |s| {
        s["camera"]["state"] == "lost"
            && s["camera"]["reason"]
                .as_str()
                .is_some_and(|r| r.contains("no picture"))
    });
    assert!(
        lost > Duration::from_secs(4),
        "a short silence is no loss: {lost:?}"
    );
    // It is opened again, in vain.
    watcher.wait("another try", from, Duration::from_secs(30), |s| {
        s["camera"]["tries"].as_u64() >= Some(2)
    });
    let from = Instant::now();
    thaw();
    watcher.wait("the camera", from, Duration::from_secs(12), |s| {
        s["camera"]["state"] == "up" && s["slate"] == false
    });
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn a_vivid_that_drops_every_buffer_is_seen_and_restarted() {
    let rig = needs().camera(Camera::Webcam).boot();
    falls_silent(
        &rig,
        || vivid(&rig, "percentage_of_dropped_buffers=100"),
        || vivid(&rig, "percentage_of_dropped_buffers=0"),
    );
}

#[test]
fn a_usb_camera_that_sends_nothing_is_seen_and_restarted() {
    let rig = needs().usb().boot();
    let camera = usb_camera(&rig);
    falls_silent(
        &rig,
        || tell(&camera, "freeze-none"),
        || tell(&camera, "go"),
    );
}

/// The picture stops moving by `freeze`: restarted once and reported; then taken for a picture that does not move.
fn stands_still(rig: &Rig, freeze: impl FnOnce(), thaw: impl FnOnce()) {
    let daemon = rig.boothcast(SMALL);
    let mut watcher = Watcher::start(rig);
    up(&mut watcher);
    let from = Instant::now();
    freeze();
    watcher.wait("the restart", from, SEEN, |s| {
        s["hardware"]["camera_restarts"] == 1
    });
    let status = watcher.look().clone();
    let reason = status["hardware"]["camera_restart"]["reason"]
        .as_str()
        .unwrap_or("");
    assert!(reason.contains("same picture"), "{status}");
    up(&mut watcher);
    // Still the same: it is on air, it is said, and it is not restarted again.
    let limit = Duration::from_secs(15);
    watcher.wait("the report", Instant::now(), limit, |s| {
        s["hardware"]["camera_still"] == true
    });
    let limit = Duration::from_secs(12);
    std::thread::sleep(limit);
    assert_eq!(watcher.look()["hardware"]["camera_restarts"], 1);
    assert_eq!(watcher.look()["camera"]["state"], "up");
    thaw();
    watcher.wait("life", Instant::now(), Duration::from_secs(3), |s| {
        s["hardware"]["camera_still"] == false
    });
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn a_vivid_without_clock_is_a_picture_that_stands_still() {
    let rig = needs().camera(Camera::Webcam).boot();
    stands_still(
        &rig,
        || vivid(&rig, "osd_text_mode=2"),
        || vivid(&rig, "osd_text_mode=0"),
    );
}

#[test]
fn a_usb_camera_that_repeats_itself_is_a_picture_that_stands_still() {
    let rig = needs().usb().boot();
    let camera = usb_camera(&rig);
    stands_still(
        &rig,
        || tell(&camera, "freeze-same"),
        || tell(&camera, "go"),
    );
}

#[test]
fn a_camera_that_moves_is_never_restarted() {
    let rig = needs().camera(Camera::Webcam).boot();
    let daemon = rig.boothcast(SMALL);
    let mut watcher = Watcher::start(&rig);
    up(&mut watcher);
    // vivid's bars stand still; only its clock and frame counter change, a few thousand bytes in one corner.
    std::thread::sleep(Duration::from_secs(20));
    let status = watcher.look();
    assert_eq!(status["hardware"]["camera_restarts"], 0);
    assert_eq!(status["hardware"]["camera_still"], false);
    assert_eq!(daemon.stop(), 0);
}
