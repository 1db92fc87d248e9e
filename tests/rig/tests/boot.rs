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

#[test]
fn a_failure_keeps_the_logs_and_the_pipelines() {
    let folder = std::sync::Mutex::new(std::path::PathBuf::new());
    let failed = std::panic::catch_unwind(|| {
        let rig = needs().camera(Camera::Webcam).boot();
        *folder.lock().unwrap() = rig.folder().to_owned();
        let _daemon = rig.boothcast("");
        rig.sh("false");
    });
    assert!(failed.is_err());
    let folder = folder.into_inner().unwrap();
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    assert!(text("console.log").contains("Linux version"));
    assert!(text("dmesg.log").contains("vivid"));
    assert!(text("boothcast.log").contains("started"));
    let graphs: Vec<_> = std::fs::read_dir(folder.join("graphs"))
        .unwrap()
        .filter_map(|e| e.ok()?.file_name().into_string().ok())
        .collect();
    assert!(graphs.iter().any(|g| g.ends_with(".dot")), "{graphs:?}");
}

/// What later tests stand on: each emulated device is loaded and used once.
#[test]
fn every_kind_of_device_is_there() {
    let rig = needs().usb().boot();
    for module in [
        "vicodec",
        "vim2m",
        "vimc",
        "snd-dummy",
        "uvcvideo",
        "snd-usb-audio",
        "uleds",
        "leds-gpio",
        "test_power",
        "softdog",
        "dm-flakey",
        "mac80211_hwsim",
    ] {
        let loaded = rig.try_sh(&format!("modprobe {module}"));
        assert!(loaded.code == 0, "{module}: {}", loaded.stderr);
    }
    rig.sh("ls /sys/class/udc | grep -c dummy_udc");
    rig.sh("ls -d /sys/class/net/wlan0 /dev/watchdog /dev/uleds");
    rig.sh("grep -q battery /sys/class/thermal/thermal_zone*/type && ls /sys/class/thermal/thermal_zone*/emul_temp");
    rig.sh("grep -qw cgroup2 /proc/filesystems && grep -qw overlay /proc/filesystems");
    // A disk with a file system of its own.
    rig.sh(
        "truncate -s 16M /run/disk && mkfs.ext4 -q /run/disk && mkdir /run/m && mount $(losetup -f --show /run/disk) /run/m \
         && echo x >/run/m/file && umount /run/m",
    );
    // A narrow, lossy way out: 30 ms there, so at least that for the way there and back.
    rig.sh("tc qdisc add dev vec0 root netem delay 30ms loss 1%");
    let begun = std::time::Instant::now();
    rig.sh("true");
    assert!(begun.elapsed() >= Duration::from_millis(30));
    rig.sh("tc qdisc replace dev vec0 root tbf rate 20mbit burst 32k latency 400ms; tc qdisc del dev vec0 root");
    assert_eq!(rig.kernel_complaints(), Vec::<String>::new());
}
