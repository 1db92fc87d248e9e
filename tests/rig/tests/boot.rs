//! The rig itself.

use std::time::Duration;

use crate::harness::{Camera, Card, needs};

#[test]
fn boots_soon_with_all_that_was_asked_for() {
    let rig = needs()
        .camera(Camera::Webcam)
        .card(Card::Loopback)
        .lines(8)
        .boot();
    assert!(
        rig.boot_time() < Duration::from_secs(15),
        "{:?}",
        rig.boot_time()
    );
    eprintln!("boot to first command: {:?}", rig.boot_time());
    rig.sh("v4l2-ctl -d /dev/video0 --info | grep -q vivid");
    rig.sh("grep -q Loopback /proc/asound/cards");
    assert!(rig.sh("gpiodetect").contains("[rig] (8 lines)"));
    let failed = rig.try_sh("exit 7");
    assert_eq!(failed.code, 7);
    // The host is never written to.
    rig.sh("touch /etc/rig-was-here");
    assert!(!std::path::Path::new("/etc/rig-was-here").exists());
}

#[test]
fn the_real_program_streams_a_real_camera() {
    let rig = needs().camera(Camera::Webcam).boot();
    let daemon = rig.boothcast("[encode]\nprofile = \"480p30\"\n");
    let file = rig.folder().join("out.mkv");
    crate::support::probe::record(&daemon.url("main"), "tcp", 3, &file);
    let found = crate::support::probe::ffprobe(
        &file.to_string_lossy(),
        &["-show_streams", "-select_streams", "v"],
        Duration::from_secs(20),
    );
    assert_eq!(found["streams"][0]["width"], 854);
    assert!(daemon.stdout().contains("vivid"), "{}", daemon.stdout());
    crate::support::probe::decodes_cleanly(&file);
}
