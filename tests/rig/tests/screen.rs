//! A screen without glass (the kernel's vkms): what is in the buffer, and, by the CRC that its driver works out, that this is what
//! would be on the glass.

use std::time::Duration;

use crate::harness::{Rig, needs};
use crate::support::wait_for;

const OPEN: &str = "[setup]\nenabled = true\naccess_point = false\n[audio]\ndevice = \"none\"\n";
const SHOWN: &str = "Screen: Virtual-1 1024x768";
/// A turn of the screen's thread every 2 s, on one emulated processor that encodes as well.
const LIMIT: Duration = Duration::from_secs(30);
/// What was refused is tried again after 30 s.
const AGAIN: Duration = Duration::from_secs(60);

/// What is in the buffer.
fn shot(rig: &Rig) -> image::RgbImage {
    let outcome = rig
        .tool(&["screen", "shot", "/share/shot.png"])
        .finish(Duration::from_secs(20));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    rig.sh("sync");
    let path = rig.folder().join("shot.png");
    image::open(path).unwrap().to_rgb8()
}

/// CRC-32 of a picture as vkms has it: 16 bits for each of alpha, red, green, blue; not inverted.
fn crc_of(picture: &image::RgbImage) -> u32 {
    let mut crc = 0_u32;
    for pixel in picture.pixels() {
        let wide = [255, pixel[0], pixel[1], pixel[2]];
        for byte in wide.iter().flat_map(|v| [*v, *v]) {
            crc ^= u32::from(byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
            }
        }
    }
    crc
}

/// The driver's CRC of what it shows now.
fn crc(rig: &Rig) -> u32 {
    let line = rig.sh("cd /sys/kernel/debug/dri/0/crtc-0/crc; echo auto >control; head -n 1 data");
    let crc = line
        .split_whitespace()
        .last()
        .unwrap_or_else(|| panic!("no CRC: {line:?}"));
    u32::from_str_radix(crc.trim_start_matches("0x"), 16).unwrap_or_else(|e| panic!("{e}: {line}"))
}

#[test]
fn a_screen_shows_the_state_follows_it_and_is_given_back() {
    let rig = needs().first("modprobe vkms").boot();
    let daemon = rig.boothcast(OPEN);
    daemon.wait_log(SHOWN, LIMIT);

    // What would be on the glass is what is in the buffer, and it is the page: its ground, letters on it.
    let same = || {
        let picture = shot(&rig);
        (crc(&rig) == crc_of(&picture)).then_some(picture)
    };
    let picture = wait_for("the driver to show the buffer", LIMIT, same);
    assert_eq!(picture.dimensions(), (1024, 768));
    assert_eq!(picture.get_pixel(2, 2).0, [14, 17, 24]);
    let white = picture.pixels().filter(|p| p.0 == [255; 3]).count();
    assert!(white > 2000, "{white} pixels of letters");

    // Another state is another picture.
    let said = daemon.ctl(&["identify"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let other = wait_for("another picture", LIMIT, || {
        let other = shot(&rig);
        (other != picture).then_some(other)
    });
    assert_eq!(other.dimensions(), (1024, 768));

    // Pulled out and plugged in.
    let status = "/sys/class/drm/card0-Virtual-1/status";
    rig.sh(&format!("echo off >{status}"));
    daemon.wait_log("the screen was pulled out", LIMIT);
    let open = format!(
        "ls -l /proc/{}/fd | grep -c dri/card0 || true",
        daemon.pid()
    );
    wait_for("the card to be let go of", LIMIT, || {
        (rig.sh(&open).trim() == "0").then_some(())
    });
    rig.sh(&format!("echo on >{status}"));
    wait_for("the screen to be back", LIMIT, || {
        (daemon.stderr().matches(SHOWN).count() == 2).then_some(())
    });

    // Nothing of it is left behind.
    assert_eq!(daemon.stop(), 0);
    let left = rig.sh("cat /sys/kernel/debug/dri/0/framebuffer");
    assert_eq!(left.trim(), "", "buffers are left");
    assert_eq!(rig.kernel_complaints(), [""; 0]);
}

#[test]
fn a_screen_that_another_program_has_is_left_alone() {
    let rig = needs().first("modprobe vkms").boot();
    let desktop = rig.tool(&["screen", "hold"]);
    wait_for("the other program", LIMIT, || {
        desktop.stdout().contains("held").then_some(())
    });
    let daemon = rig.boothcast(OPEN);
    daemon.wait_log(
        "Virtual-1, which another program uses; it is left alone",
        LIMIT,
    );
    drop(desktop);
    daemon.wait_log(SHOWN, AGAIN);
    assert_eq!(
        daemon.stderr().matches("another program uses").count(),
        1,
        "said once"
    );
    assert_eq!(daemon.stop(), 0);

    // A box that is not to be set up, as on a PC, does not so much as open the card.
    let daemon = rig.boothcast("[audio]\ndevice = \"none\"\n");
    std::thread::sleep(Duration::from_secs(5));
    let open = format!("ls -l /proc/{}/fd | grep -c /dri/ || true", daemon.pid());
    assert_eq!(rig.sh(&open).trim(), "0");
    assert!(!daemon.stderr().contains("Screen:"), "{}", daemon.stderr());
    assert_eq!(daemon.stop(), 0);
}
