//! Heat, from the kernel's own (emulated) thermal zone to the picture that a player outside sees.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::harness::{Daemon, Rig, needs};
use crate::support::{Guard, probe};

/// Looks come every 2 s, an encoder is rebuilt, and the machine may be busy.
const SOON: Duration = Duration::from_secs(30);

/// A zone of the `test_power` driver, whose temperature can be written (`CONFIG_THERMAL_EMULATION`).
struct Zone<'r> {
    rig: &'r Rig,
    folder: String,
}

impl<'r> Zone<'r> {
    fn find(rig: &'r Rig) -> Self {
        let found = rig.sh("dirname $(grep -l test_battery /sys/class/thermal/thermal_zone*/type)");
        Self {
            rig,
            folder: found.trim().to_owned(),
        }
    }

    fn sensor(&self) -> String {
        format!("{}/temp", self.folder)
    }

    fn heat(&self, celsius: u32) {
        let folder = &self.folder;
        self.rig
            .sh(&format!("echo {} >{folder}/emul_temp", celsius * 1000));
    }
}

/// A picture of this size at 30 frames/s.
fn config(zone: &Zone, (width, height): (u32, u32), recover_s: u32) -> String {
    format!(
        "[video]\nsource = \"test\"\ntest_pattern = \"smpte\"\n[audio]\nsource = \"none\"\n\
         [encode]\nprofile = \"custom\"\nwidth = {width}\nheight = {height}\nfps = 30\nbitrate = \"1500k\"\n\
         gop_s = 1.0\n[thermal]\nsensor = \"{}\"\nrecover_s = {recover_s}\n",
        zone.sensor()
    )
}

/// So small that one emulated processor on a busy machine has nothing to do.
const SMALL: (u32, u32) = (320, 180);
/// As little as can be that still has two steps below it.
const LARGE: (u32, u32) = (1300, 732);

fn wait_heat(daemon: &Daemon, level: &str) {
    daemon.wait_status(level, SOON, |s| {
        (s["hardware"]["heat"] == level).then_some(())
    });
}

/// Sizes of the pictures of a stream in the order in which they came, each once, and the largest gap between pictures.
fn sizes(file: &Path) -> (Vec<(u64, u64)>, f64) {
    let found = probe::ffprobe(
        &file.to_string_lossy(),
        &[
            "-select_streams",
            "v",
            "-show_entries",
            "frame=width,height,pts_time",
        ],
        Duration::from_secs(60),
    );
    let frames = found["frames"].as_array().unwrap();
    let mut sizes: Vec<(u64, u64)> = frames
        .iter()
        .map(|f| (f["width"].as_u64().unwrap(), f["height"].as_u64().unwrap()))
        .collect();
    sizes.dedup();
    let times: Vec<f64> = frames
        .iter()
        .filter_map(|f| f["pts_time"].as_str()?.parse().ok())
        .collect();
    (sizes, probe::largest_gap(&times))
}

#[test]
fn heat_makes_the_picture_smaller_step_by_step_and_cool_brings_it_back() {
    let rig = needs().first("modprobe test_power").boot();
    let zone = Zone::find(&rig);
    zone.heat(60);
    let daemon = rig.boothcast(&config(&zone, LARGE, 6));
    daemon.wait_status("the temperature", SOON, |s| {
        (s["hardware"]["temperature_c"] == 60.0).then_some(())
    });
    wait_heat(&daemon, "normal");

    // One session of one player outside sees it all. Copied as it comes: the sizes are in the stream itself.
    let file = rig.folder().join("heat.ts");
    let mut player = Guard::spawn(
        Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-rtsp_transport", "tcp", "-i"])
            .arg(daemon.url("main"))
            .args(["-c", "copy", "-f", "mpegts"])
            .arg(&file),
    );
    std::thread::sleep(Duration::from_secs(4));
    zone.heat(80);
    wait_heat(&daemon, "reduced");
    let hot = daemon.status();
    let sentence = hot["health"]["sentence"].as_str().unwrap();
    assert!(sentence.contains("hot"), "{sentence}");
    std::thread::sleep(Duration::from_secs(4));
    zone.heat(86);
    wait_heat(&daemon, "lowest");
    let hotter = daemon.status();
    let led = hotter["health"]["led"].to_string();
    assert!(led.contains("error") && led.contains("heat"), "{led}");
    std::thread::sleep(Duration::from_secs(4));
    // Within the hysteresis nothing changes.
    zone.heat(77);
    std::thread::sleep(Duration::from_secs(8));
    assert_eq!(daemon.status()["hardware"]["heat"], "lowest");
    zone.heat(60);
    wait_heat(&daemon, "normal");
    let cool = daemon.status();
    let sentence = cool["health"]["sentence"].as_str().unwrap();
    assert!(!sentence.contains("hot"), "{sentence}");
    std::thread::sleep(Duration::from_secs(4));

    player.signal(libc::SIGINT);
    assert!(
        player.wait(Duration::from_secs(10)).is_some(),
        "the player hangs"
    );
    let (seen, gap) = sizes(&file);
    assert_eq!(
        seen,
        [
            (1300, 732),
            (1280, 720),
            (854, 480),
            (1280, 720),
            (1300, 732)
        ],
        "largest gap {gap} s"
    );
    assert!(gap < 5.0, "the picture stood still for {gap} s");
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn a_sensor_that_vanishes_keeps_the_picture_and_is_said() {
    let rig = needs().first("modprobe test_power").boot();
    let zone = Zone::find(&rig);
    zone.heat(81);
    let daemon = rig.boothcast(&config(&zone, SMALL, 1));
    wait_heat(&daemon, "reduced");
    rig.sh("rmmod test_power");
    daemon.wait_log("no temperature", SOON);
    // After 30 s the core says that it is silent.
    daemon.wait_status("silence", 3 * SOON, |s| {
        let hardware = &s["hardware"];
        (hardware["temperature_c"].is_null() && hardware.to_string().contains("silent"))
            .then_some(())
    });
    assert_eq!(daemon.status()["hardware"]["heat"], "reduced");
    // It comes back, cool: so does the picture.
    rig.sh("modprobe test_power");
    let back = Zone::find(&rig);
    assert_eq!(
        back.sensor(),
        zone.sensor(),
        "the kernel gave it another name"
    );
    back.heat(50);
    wait_heat(&daemon, "normal");
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn a_nonsense_reading_neither_heats_nor_cools() {
    let rig = needs().first("modprobe test_power").boot();
    let zone = Zone::find(&rig);
    zone.heat(60);
    let daemon = rig.boothcast(&config(&zone, SMALL, 60));
    daemon.wait_status("the temperature", SOON, |s| {
        (s["hardware"]["temperature_c"] == 60.0).then_some(())
    });
    zone.heat(900);
    daemon.wait_log("no temperature of a processor", SOON);
    assert_eq!(daemon.status()["hardware"]["heat"], "normal");
    zone.heat(61);
    daemon.wait_status("the next temperature", SOON, |s| {
        (s["hardware"]["temperature_c"] == 61.0).then_some(())
    });
    assert_eq!(daemon.stop(), 0);
}
