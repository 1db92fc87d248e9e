//! Cameras: choice of the mode, the picture that arrives, its pace, controls, the signal at an HDMI input.

mod picture;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::hotplug::watcher::Watcher;
use super::pattern;
use crate::harness::{Camera, Daemon, Grey, Rig, needs};
use picture::{Film, are_bars, rate};

/// From a command to what follows from it, on a loaded machine.
const SOON: Duration = Duration::from_secs(15);
/// From a change of the signal to the camera being opened anew, or being lost.
const REOPENED: Duration = Duration::from_secs(5);

fn config(width: u32, height: u32, fps: u32, video: &str) -> String {
    format!(
        "[encode]\nprofile = \"custom\"\nwidth = {width}\nheight = {height}\nfps = {fps}\nbitrate = \"1500k\"\ngop_s = 1\n\
         [audio]\nsource = \"none\"\n[video]\n{video}\n"
    )
}

fn on_air(status: &Value) -> bool {
    status["camera"]["state"] == "up" && status["slate"] == false
}

fn described(status: &Value, text: &str) -> bool {
    let description = status["camera"]["description"].as_str();
    on_air(status) && description.is_some_and(|d| d.contains(text))
}

fn vivid(rig: &Rig, controls: &str) {
    rig.sh(&format!("v4l2-ctl -d /dev/video0 -c {controls}"));
}

/// One of vivid's modes: `mode` is chosen, and bars and counter arrive in `size`.
fn arrives(rig: &Rig, name: &str, size: (u32, u32, u32), video: &str, mode: &str) {
    let (width, height, fps) = size;
    let daemon = rig.boothcast(&config(width, height, fps, video));
    daemon.wait_status(&format!("{mode} to be on air"), SOON, |s| {
        described(s, mode).then_some(())
    });
    let film = Film::record(rig, &daemon, name, 4);
    assert_eq!(film.size(), (width.into(), height.into()), "{name}");
    are_bars(film.bars(0.0), name);
    assert!(film.counting() > 0.8, "{name}: {}", film.counting());
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn the_modes_of_vivid_arrive() {
    // The second one is multi-planar; vimc's nodes look like cameras, and are none that can be opened by themselves.
    let rig = needs()
        .camera(Camera::Vivid(
            "n_devs=2 num_inputs=1,1 node_types=0x1,0x1 input_types=0,0 multiplanar=1,2",
        ))
        .camera(Camera::Vimc)
        .boot();
    let first = "device = \"/dev/video0\"";
    let case = |name: &str, size, video: &str, mode: &str| arrives(&rig, name, size, video, mode);
    case("auto", (640, 360, 30), first, "NV12 640×360 at 30/s");
    let yuyv = format!("{first}\nformat = \"yuyv\"");
    case("yuyv", (640, 480, 15), &yuyv, "YUYV 640×480 at 15/s");
    case("fast", (320, 180, 60), &yuyv, "YUYV 320×180 at 60/s");
    let second = "device = \"/dev/video1\"\nformat = \"nv12\"";
    case("planes", (640, 360, 30), second, "NV12 640×360 at 30/s");
    assert_eq!(rig.kernel_complaints(), Vec::<String>::new());
}

#[test]
fn a_usb_camera_of_an_odd_size_and_with_a_metadata_node_arrives() {
    let rig = needs().usb().boot();
    let camera = rig.usb_camera(&["--formats", "yuyv:636x476@30"]);
    camera.found();
    let nodes = rig.sh("grep -l 'Rig Camera' /sys/class/video4linux/*/name | wc -l");
    assert_eq!(nodes.trim(), "2", "the second is for metadata");
    let daemon = rig.boothcast(&config(636, 476, 30, ""));
    daemon.wait_status("the camera", SOON, |s| {
        described(s, "YUYV 636×476 at 30/s").then_some(())
    });
    let film = Film::record(&rig, &daemon, "odd", 4);
    assert_eq!(film.size(), (636, 476));
    let (width, height) = Grey::SIZE;
    let counters: BTreeSet<u16> = Grey::decode(film.file())
        .frames()
        .filter_map(|frame| pattern::read_counter(frame, width, height, width))
        .collect();
    assert!(counters.len() > 30, "{counters:?}");
}

#[test]
fn frames_come_at_the_rate_of_the_camera() {
    let rig = needs().camera(Camera::Webcam).boot();
    for nominal in [15, 30, 60] {
        let daemon = rig.boothcast(&config(320, 180, nominal, "format = \"yuyv\""));
        daemon.wait_status("the camera", SOON, |s| on_air(s).then_some(()));
        let film = Film::record(&rig, &daemon, &format!("pace-{nominal}"), 22);
        let times = film.times();
        let span = times.last().unwrap() - times.first().unwrap();
        assert!(span >= 20.0, "{span} s");
        let wanted = f64::from(nominal);
        let (rate, share) = rate(&times, wanted);
        eprintln!("{rate:.3}/s of {nominal}, {share:.3} of the frames");
        assert!((rate / wanted - 1.0).abs() < 0.01, "{rate}/s of {nominal}");
        assert!(share > 0.8, "{share} of the frames came");
        assert_eq!(daemon.stop(), 0);
    }
}

/// Waits for a status; counts from `from`.
fn wait(watcher: &mut Watcher, from: Instant, what: &str, good: impl Fn(&Value) -> bool) {
    let took = watcher.wait(what, from, REOPENED, good);
    eprintln!("{what}: {took:?}");
}

fn without_signal(status: &Value) -> bool {
    let reason = status["camera"]["reason"].as_str();
    status["camera"]["state"] == "lost"
        && status["slate"] == true
        && reason.is_some_and(|r| r.contains("no signal at the HDMI input of the camera vivid"))
}

#[test]
fn an_hdmi_signal_may_be_away_come_change_and_go() {
    let rig = needs().camera(Camera::Hdmi).boot();
    vivid(&rig, "dv_timings_signal_mode=1");
    let daemon = rig.boothcast(&config(640, 360, 30, ""));
    let mut watcher = Watcher::start(&rig);
    watcher.wait("no signal", Instant::now(), SOON, without_signal);

    let from = Instant::now();
    vivid(&rig, "dv_timings_signal_mode=0");
    wait(&mut watcher, from, "the signal", |s| {
        described(s, "640×360 at 60/s")
    });
    are_bars(Film::record(&rig, &daemon, "hdmi-60", 4).bars(0.0), "60/s");

    // 1080p at 30/s, number 12 of vivid's list.
    let from = Instant::now();
    vivid(&rig, "dv_timings_signal_mode=4");
    vivid(&rig, "dv_timings=12");
    wait(&mut watcher, from, "other timings", |s| {
        described(s, "640×360 at 30/s")
    });
    let film = Film::record(&rig, &daemon, "hdmi-30", 4);
    are_bars(film.bars(0.0), "30/s");
    assert!(film.counting() > 0.8, "{}", film.counting());

    // 640×480 has another aspect ratio: borders at the sides, nothing stretched.
    let from = Instant::now();
    vivid(&rig, "dv_timings=0");
    wait(&mut watcher, from, "4:3", |s| described(s, "640×480"));
    are_bars(
        Film::record(&rig, &daemon, "hdmi-4-3", 4).bars(0.125),
        "4:3",
    );

    // 1080i: there, but nothing that can be shown.
    let from = Instant::now();
    vivid(&rig, "dv_timings=15");
    wait(&mut watcher, from, "interlaced", |s| {
        let reason = s["camera"]["reason"].as_str();
        s["slate"] == true && reason.is_some_and(|r| r.contains("interlaced (1920×1080)"))
    });
    let from = Instant::now();
    vivid(&rig, "dv_timings=17");
    wait(&mut watcher, from, "an odd one", |s| {
        described(s, "640×350 at 85.0")
    });

    for (mode, what) in [(1, "loss"), (2, "no lock"), (3, "out of range")] {
        let from = Instant::now();
        vivid(&rig, &format!("dv_timings_signal_mode={mode}"));
        wait(&mut watcher, from, what, |s| {
            s["camera"]["state"] == "lost" && s["slate"] == true
        });
        let from = Instant::now();
        vivid(&rig, "dv_timings_signal_mode=0");
        wait(&mut watcher, from, "the return", on_air);
    }
    assert_eq!(daemon.stop(), 0);
}

/// What the driver says of a control; after binding it anew the camera may have another number.
fn driver_has(rig: &Rig, control: &str, value: i64) {
    let said = rig.sh(&format!("v4l2-ctl -d \"$(ls /dev/video*)\" -C {control}"));
    // A menu's choice is followed by its name.
    let number = said.split_whitespace().nth(1);
    assert_eq!(number, Some(value.to_string().as_str()), "{said}");
}

fn control<'s>(status: &'s Value, name: &str) -> &'s Value {
    let all = status["controls"].as_array().unwrap();
    all.iter()
        .find(|c| c["control"] == name)
        .unwrap_or_else(|| panic!("no control {name}: {all:?}"))
}

fn set(daemon: &Daemon<'_>, name: &str, value: &str) {
    let done = daemon.ctl(&["camera", "set", name, value]);
    assert_eq!(done.code, 0, "{name}: {}{}", done.stdout, done.stderr);
}

#[test]
fn controls_are_listed_set_checked_kept_and_reset() {
    let rig = needs().camera(Camera::Webcam).boot();
    let daemon = rig.boothcast(&config(640, 360, 15, ""));
    daemon.wait_status("the controls", SOON, |s| {
        (on_air(s) && s["controls"].as_array().is_some_and(|c| c.len() > 20)).then_some(())
    });
    let status = daemon.status();
    assert_eq!(control(&status, "brightness")["max"], 255);
    assert_eq!(control(&status, "gain_auto")["kind"], "switch");
    assert_eq!(control(&status, "gain")["active"], false);
    assert_eq!(status["controls"][0]["control"], "brightness");

    // While it streams: a number, a choice by its name, and what the automatic holds back until it is off.
    set(&daemon, "saturation", "40");
    driver_has(&rig, "saturation", 40);
    set(&daemon, "test_pattern", "100% White");
    assert!(Film::record(&rig, &daemon, "white", 4).brightness() > 220.0);
    let held = daemon.ctl(&["camera", "set", "--no-wait", "gain", "77"]);
    assert_eq!(held.code, 0, "{}", held.stderr);
    let note = control(&daemon.status(), "gain")["note"].clone();
    assert!(
        note.as_str().is_some_and(|n| n.contains("no effect")),
        "{note}"
    );
    set(&daemon, "gain_auto", "off");
    daemon.wait_status("the gain", SOON, |s| {
        (control(s, "gain")["value"] == 77).then_some(())
    });
    driver_has(&rig, "gain", 77);

    for (name, value) in [
        ("brightness", "256"),
        ("test_pattern", "Plaid"),
        ("warp", "9"),
    ] {
        let refused = daemon.ctl(&["camera", "set", name, value]);
        assert_ne!(refused.code, 0, "{name} {value}: {}", refused.stdout);
    }
    driver_has(&rig, "brightness", 128);

    // The driver forgets at unbinding, the box does not.
    rig.sh("cd /sys/bus/platform/drivers/vivid && echo vivid.0 >unbind");
    daemon.wait_status("the loss", SOON, |s| {
        (s["camera"]["state"] == "lost").then_some(())
    });
    rig.sh("cd /sys/bus/platform/drivers/vivid && echo vivid.0 >bind");
    kept(&rig, &daemon);
    // Nor does it over a restart, in which the camera is new as well.
    assert_eq!(daemon.stop(), 0);
    rig.sh("cd /sys/bus/platform/drivers/vivid && echo vivid.0 >unbind && echo vivid.0 >bind");
    let daemon = rig.boothcast(&config(640, 360, 15, ""));
    kept(&rig, &daemon);

    assert_eq!(daemon.ctl(&["camera", "reset"]).code, 0);
    daemon.wait_status("the defaults", SOON, |s| {
        let (saturation, auto) = (control(s, "saturation"), control(s, "gain_auto"));
        (saturation["value"] == 128 && auto["value"] == 1).then_some(())
    });
    driver_has(&rig, "saturation", 128);
    driver_has(&rig, "test_pattern", 0);
    are_bars(Film::record(&rig, &daemon, "reset", 4).bars(0.0), "reset");
    assert_eq!(daemon.stop(), 0);
}

/// What was set above is in force.
fn kept(rig: &Rig, daemon: &Daemon<'_>) {
    daemon.wait_status("what was wanted", SOON, |s| {
        (on_air(s)
            && s["controls"].as_array().is_some_and(|c| !c.is_empty())
            && control(s, "gain")["value"] == 77
            && control(s, "saturation")["value"] == 40)
            .then_some(())
    });
    driver_has(rig, "saturation", 40);
    driver_has(rig, "gain", 77);
    driver_has(rig, "test_pattern", 6);
}
