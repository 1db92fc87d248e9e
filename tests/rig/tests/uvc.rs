//! USB cameras and microphones that can be plugged in and pulled out: the devices themselves, and the real program with
//! a USB camera.

use std::path::Path;
use std::time::Duration;

use super::pattern;
use crate::harness::{Daemon, Grey, Rig, Tool, needs};
use crate::support::probe::record;

/// From a command to what follows from it, on a loaded machine.
const SOON: Duration = Duration::from_secs(15);

/// A picture that the rig's one processor can make even while others work on the machine.
const SMALL: &str =
    "[encode]\nprofile = \"custom\"\nwidth = 320\nheight = 240\nfps = 15\nbitrate = \"600k\"\n";

/// The frame counter of each frame, from the first frame of the camera on (before it the slate may stand).
fn counters(film: &Grey) -> Vec<Option<u16>> {
    let (width, height) = Grey::SIZE;
    film.frames()
        .map(|frame| pattern::read_counter(frame, width, height, width))
        .skip_while(Option::is_none)
        .collect()
}

/// Mean level of the colour bars in the last third of a recording: it begins with what was sent up to a keyframe
/// distance ago.
fn bars(film: &Grey) -> [f64; 7] {
    let (width, height) = Grey::SIZE;
    let all: Vec<&[u8]> = film.frames().collect();
    let of_camera: Vec<_> = all[all.len() * 2 / 3..]
        .iter()
        .filter(|frame| pattern::read_counter(frame, width, height, width).is_some())
        .filter_map(|frame| pattern::read_bars(frame, width, height, width))
        .collect();
    assert!(
        of_camera.len() >= 5,
        "{} of {} frames are the camera's",
        of_camera.len(),
        all.len()
    );
    std::array::from_fn(|bar| {
        of_camera.iter().map(|frame| frame[bar]).sum::<f64>() / of_camera.len() as f64
    })
}

fn film(daemon: &Daemon<'_>, rig: &Rig, name: &str, seconds: u32) -> Grey {
    let file = rig.folder().join(format!("{name}.mkv"));
    record(&daemon.url("main"), "tcp", seconds, &file);
    Grey::decode(&file)
}

/// Differences between the counters of neighbours; none is negative, whatever the load.
fn steps(counters: &[Option<u16>]) -> Vec<i16> {
    let read: Vec<u16> = counters.iter().flatten().copied().collect();
    let steps: Vec<i16> = read
        .windows(2)
        .map(|w| w[1].wrapping_sub(w[0]) as i16)
        .collect();
    assert!(steps.iter().all(|step| *step >= 0), "{read:?}");
    steps
}

/// The counter rises by one from frame to frame, but for what a busy single processor may cost: at most a tenth of the
/// frames lost, shown twice or replaced by the slate, and never a second in one piece.
fn frames_are_whole(film: &Grey) {
    let counters = counters(film);
    let read = counters.iter().flatten().count();
    let tenth = counters.len() / 10;
    assert!(read >= 40 && counters.len() - read <= tenth, "{counters:?}");
    let steps = steps(&counters);
    let lost: i32 = steps
        .iter()
        .map(|step| i32::from(*step) - 1)
        .filter(|lost| *lost > 0)
        .sum();
    let doubled = steps.iter().filter(|step| **step == 0).count();
    assert!(
        lost as usize <= tenth && doubled <= tenth,
        "{lost} lost, {doubled} doubled: {steps:?}"
    );
    assert!(steps.iter().all(|step| *step <= 15), "{steps:?}");
}

fn streams(camera: &Tool<'_>, format: &str, (width, height): (u32, u32), fps: f64) {
    camera.wait_state("the stream", SOON, |state| {
        let stream = &state["stream"];
        (stream["format"] == format && stream["width"] == width && stream["height"] == height)
            .then_some(())
    });
    assert_eq!(camera.state()["stream"]["fps"], fps);
}

#[test]
fn of_a_usb_camera_mjpeg_is_chosen_where_yuyv_is_too_small() {
    let rig = needs().usb().boot();
    let camera = rig.usb_camera(&[]);
    camera.found();
    let daemon = rig.boothcast("[encode]\nprofile = \"720p30\"\n");
    let said = daemon.stdout();
    assert!(
        said.contains("Rig Camera") && said.contains("MJPEG 1280×720 at 30/s"),
        "{said}"
    );
    streams(&camera, "mjpeg", (1280, 720), 30.0);
    let sent = camera.state()["sent"].as_u64().unwrap();
    camera.wait_state("frames", SOON, |state| {
        (state["sent"].as_u64()? > sent + 30).then_some(())
    });
    // How many of them this machine can encode is not asked; what comes is the camera's picture, in order.
    let counters = counters(&film(&daemon, &rig, "mjpeg", 8));
    assert!(
        steps(&counters).iter().filter(|step| **step > 0).count() >= 10,
        "{counters:?}"
    );
    assert_eq!(rig.kernel_complaints(), Vec::<String>::new());
}

#[test]
fn mjpeg_of_a_usb_camera_arrives_frame_by_frame() {
    let rig = needs().usb().boot();
    let camera = rig.usb_camera(&["--formats", "mjpeg:320x240@15", "--mjpeg-bytes", "20000"]);
    camera.found();
    let daemon = rig.boothcast(SMALL);
    streams(&camera, "mjpeg", (320, 240), 15.0);
    frames_are_whole(&film(&daemon, &rig, "mjpeg", 6));
}

#[test]
fn yuyv_of_a_usb_camera_arrives_frame_by_frame() {
    let rig = needs().usb().boot();
    let camera = rig.usb_camera(&[
        "--formats",
        "mjpeg:1280x720@30;yuyv:640x480@30,320x240@30/15",
    ]);
    camera.found();
    let daemon = rig.boothcast(SMALL);
    // The exact size, raw, and the nearest rate.
    streams(&camera, "yuyv", (320, 240), 15.0);
    frames_are_whole(&film(&daemon, &rig, "yuyv", 6));
}

/// What later tests stand on: a camera that is pulled out in the middle of a frame, again and again.
#[test]
fn a_usb_camera_is_plugged_and_pulled_twenty_times() {
    let rig = needs().usb().boot();
    let camera = rig.usb_camera(&["--unplugged"]);
    for turn in 0..20 {
        camera.tell("plug");
        let node = camera.found();
        let reader = rig.start(
            &[
                "v4l2-ctl",
                "-d",
                &node,
                "--stream-mmap=4",
                "--stream-count=2000",
            ],
            &[],
        );
        let sent = camera.state()["sent"].as_u64().unwrap();
        camera.wait_state("frames", SOON, |state| {
            (state["sent"].as_u64()? > sent + 5).then_some(())
        });
        camera.tell("unplug");
        assert!(
            reader.wait(SOON).is_some(),
            "turn {turn}: the reader still waits for frames"
        );
    }
    rig.sh("! ls /sys/class/video4linux/video* 2>/dev/null");
    assert_eq!(camera.state()["plugs"], 20);
    camera.stop();
    rig.sh("[ -z \"$(ls /sys/kernel/config/usb_gadget)\" ]");
    assert_eq!(rig.kernel_complaints(), Vec::<String>::new());
}

#[test]
fn a_usb_camera_can_freeze_and_go_on() {
    let rig = needs().usb().boot();
    let camera = rig.usb_camera(&["--formats", "yuyv:320x240@30"]);
    let node = camera.found();
    let _reader = rig.start(&["v4l2-ctl", "-d", &node, "--stream-mmap=4"], &[]);
    let number = |name: &str| camera.state()[name].as_u64().unwrap();
    let rises = |name: &'static str| {
        let before = number(name);
        camera.wait_state(name, SOON, |state| {
            (state[name].as_u64()? > before + 10).then_some(())
        });
    };
    rises("counter");
    camera.tell("freeze-same");
    let counter = number("counter");
    rises("sent");
    assert_eq!(number("counter"), counter);
    camera.tell("freeze-none");
    let sent = number("sent");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(number("sent"), sent);
    camera.tell("go");
    rises("counter");
    assert_eq!(camera.state()["connected"], true);
}

#[test]
fn controls_of_a_usb_camera_reach_it() {
    let rig = needs().usb().boot();
    let camera = rig.usb_camera(&[]);
    let node = camera.found();
    rig.sh(&format!(
        "v4l2-ctl -d {node} -c brightness=-20,contrast=70,saturation=10,power_line_frequency=2,zoom_absolute=200 &&
         v4l2-ctl -d {node} -c auto_exposure=1 && v4l2-ctl -d {node} -c exposure_time_absolute=500"
    ));
    // A focus that is automatic cannot be set by hand.
    assert_ne!(
        rig.try_sh(&format!("v4l2-ctl -d {node} -c focus_absolute=100"))
            .code,
        0
    );
    let controls = camera.state()["controls"].clone();
    for (name, value) in [
        ("brightness", -20),
        ("contrast", 70),
        ("saturation", 10),
        ("power_line_frequency", 2),
        ("zoom", 200),
        ("exposure", 500),
        ("focus", 0),
    ] {
        assert_eq!(controls[name], value, "{name}");
    }
    // It forgets when it is pulled out, as real ones do.
    camera.tell("unplug");
    camera.tell("plug");
    camera.found();
    assert_eq!(camera.state()["controls"]["brightness"], 0);
}

/// Sign changes of a recording's first channel as a frequency, and its peak.
fn heard(wave: &Path) -> (f64, f64) {
    let bytes = std::fs::read(wave).unwrap();
    assert!(bytes.len() > 44 + 48_000, "{} bytes", bytes.len());
    let samples: Vec<i16> = bytes[44..]
        .chunks_exact(2)
        .map(|b| i16::from_le_bytes([b[0], b[1]]))
        .collect();
    // The first half may hold what lay in the buffers when the tone was changed.
    let samples = &samples[samples.len() / 2..];
    let rises: Vec<usize> = (1..samples.len())
        .filter(|i| samples[i - 1] < 0 && samples[*i] >= 0)
        .collect();
    let peak = samples
        .iter()
        .map(|s| i32::from(*s).abs())
        .max()
        .unwrap_or(0);
    let hz = match (rises.first(), rises.last()) {
        (Some(first), Some(last)) if last > first => {
            (rises.len() - 1) as f64 * 48_000.0 / (last - first) as f64
        }
        _ => 0.0,
    };
    (hz, f64::from(peak) / 32_768.0)
}

#[test]
fn a_usb_microphone_hears_the_tone_that_is_played_to_it() {
    let rig = needs().usb().boot();
    let mic = rig.usb_mic(&[]);
    let tone = rig.tone(&[
        "--device",
        "hw:UAC2Gadget",
        "--channels",
        "1",
        "--freq",
        "997",
        "--level",
        "-6",
    ]);
    let hear = |name: &str| {
        let card = mic.found();
        rig.sh(&format!(
            "arecord -q -D hw:{card} -f S16_LE -r 48000 -c 1 -d 2 /share/{name}.wav && sync"
        ));
        heard(&rig.folder().join(format!("{name}.wav")))
    };
    let (hz, peak) = hear("tone");
    assert!(
        (hz - 997.0).abs() < 2.0 && (peak - 0.501).abs() < 0.01,
        "{hz} Hz, peak {peak}"
    );
    tone.tell("clip");
    let (hz, peak) = hear("clip");
    assert!(
        (hz - 997.0).abs() < 2.0 && peak > 0.99,
        "{hz} Hz, peak {peak}"
    );
    tone.tell("silence");
    let (_, peak) = hear("silence");
    assert!(peak < 0.001, "peak {peak}");
    // Pulled out and plugged in, twenty times, the tone goes on by itself.
    for _ in 0..20 {
        mic.tell("unplug");
        mic.tell("plug");
        mic.found();
    }
    tone.tell("tone 440 -20");
    let (hz, peak) = hear("again");
    assert!(
        (hz - 440.0).abs() < 2.0 && (peak - 0.1).abs() < 0.01,
        "{hz} Hz, peak {peak}"
    );
    mic.stop();
    assert_eq!(rig.kernel_complaints(), Vec::<String>::new());
}

#[test]
fn a_control_goes_through_the_box_to_the_camera_and_into_the_picture() {
    let rig = needs().usb().boot();
    let camera = rig.usb_camera(&["--formats", "yuyv:320x240@15"]);
    camera.found();
    let daemon = rig.boothcast(SMALL);
    let plain = bars(&film(&daemon, &rig, "plain", 5));
    let set = daemon.ctl(&["camera", "set", "brightness", "40"]);
    assert_eq!(set.code, 0, "{}{}", set.stdout, set.stderr);
    let reached = |what: &str| {
        camera.wait_state(what, SOON, |state| {
            (state["controls"]["brightness"] == 40).then_some(())
        });
    };
    reached("the brightness at the camera");
    let bright = bars(&film(&daemon, &rig, "bright", 6));
    for bar in 1..6 {
        // Grey that a film is decoded to is of full range: 40 of 219 levels are about 47 of 255.
        let more = bright[bar] - plain[bar];
        assert!(
            (30.0..60.0).contains(&more),
            "bar {bar}: {plain:?} {bright:?}"
        );
    }
    let refused = daemon.ctl(&["camera", "set", "brightness", "1000"]);
    assert_ne!(refused.code, 0, "{}", refused.stdout);
    assert_eq!(camera.state()["controls"]["brightness"], 40);
    // The camera forgets, the box does not.
    camera.tell("unplug");
    camera.tell("plug");
    reached("the brightness after the camera came back");
}
