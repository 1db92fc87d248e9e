//! The judgement on reports made up here.

use super::super::plugins;
use super::super::report::*;
use super::*;
use crate::device::event::PowerState;
use crate::edge::camera::signal::Timings;
use crate::edge::camera::{Camera, Mode, PixelFormat, Signal};
use crate::edge::net::{ClockState, Link, Network, Route};
use crate::edge::sound::{Capture, CaptureControl, Card, MainCapture, VolumeRange};
use crate::error::Kind;
use crate::media::overlay::text::Written;

fn healthy() -> Report {
    let all = GstReport {
        version: "1.22.0".into(),
        present: plugins::names().iter().map(ToString::to_string).collect(),
    };
    Report {
        version: 1,
        boothcast: "0",
        can_go_live: true,
        board: BoardReport {
            id: "generic".into(),
            title: "PC".into(),
            why: "there is no device tree".into(),
        },
        cameras: Vec::new(),
        camera_problems: Vec::new(),
        capture_cards: Vec::new(),
        problems: Vec::new(),
        led: no_pin(),
        button: no_pin(),
        encoders: vec![
            encoder("v4l2h264enc", false, "not installed"),
            encoder("x264enc", true, "5 frames in 60 ms"),
        ],
        gstreamer: plugins::judge(&all),
        fonts: vec![written("Latin", true), written("Thai", true)],
        network: Network {
            addresses: vec!["192.168.1.7".parse().unwrap()],
            links: vec![Link {
                name: "eth0".into(),
                carrier: Some(true),
                speed: Some(1000),
                ..Link::default()
            }],
            route: Some(Route {
                link: "eth0".into(),
                gateway: "192.168.1.1".parse().unwrap(),
            }),
            dns: vec!["192.168.1.1".parse().unwrap()],
        },
        name: Some("boothcast-3f2a.local".into()),
        screens: Some(vec!["HDMI-A-1 1920x1080".into()]),
        room: Some(RoomReport {
            port: 8080,
            tls_port: 8443,
            watch_port: Some(8189),
            fingerprint: Some("AB:CD".into()),
            first_password: false,
        }),
        disk: Disk {
            folder: "/var/lib/boothcast".into(),
            writable: true,
            free: 9 << 30,
            total: 16 << 30,
            problem: None,
        },
        clock: Some(ClockState {
            synchronised: true,
            offset_ms: 0.0,
            max_error_ms: 4.0,
        }),
        memory: Memory {
            total: 4 << 30,
            available: 3 << 30,
        },
        thermal: Thermal {
            watched: true,
            celsius: Some(45.0),
            sensor: Some("cpu".into()),
            step_down_c: 80.0,
            lowest_c: 85.0,
            throttled: Some(0),
            power: Some(PowerState::default()),
            ..Thermal::default()
        },
        findings: Vec::new(),
    }
}

fn no_pin() -> PinReport {
    PinReport {
        what: None,
        chosen_by: crate::config::ChosenBy::Nobody,
        usable: false,
        problem: None,
    }
}

fn encoder(element: &str, ok: bool, detail: &str) -> EncoderReport {
    EncoderReport {
        element: element.into(),
        ok,
        detail: detail.into(),
    }
}

fn written(script: &'static str, there: bool) -> Written {
    Written {
        script,
        family: there.then(|| "Noto Sans".to_owned()),
        package: "fonts-noto-core",
    }
}

#[test]
fn scripts_without_a_font_are_named_with_their_package() {
    let mut report = healthy();
    report.fonts = vec![written("Latin", true), written("Thai", false)];
    assert_eq!(bad(&report), []);
    let table = super::super::table(&judge(&report));
    assert!(
        table.contains("✓ fonts               For Latin."),
        "{table}"
    );
    assert!(table.contains("– Thai"), "{table}");
    assert!(table.contains("apt-get install fonts-noto-core"), "{table}");
    report.fonts = vec![written("Latin", false)];
    assert_eq!(bad(&report)[0].0, "Latin");
    assert!(can_go_live(&report), "the picture goes out without words");
}

fn bad(report: &Report) -> Vec<(String, String)> {
    judge(report)
        .into_iter()
        .filter(|f| f.mark == Mark::Bad)
        .map(|f| (f.name, f.mend.unwrap()))
        .collect()
}

#[test]
fn a_healthy_box_has_nothing_bad_and_can_go_live() {
    let report = healthy();
    assert_eq!(bad(&report), []);
    assert!(can_go_live(&report));
    let table = super::super::table(&judge(&report));
    for line in [
        "  – v4l2h264enc         not installed",
        "  ✓ x264enc             5 frames in 60 ms",
        "  – camera              None; the box shows its test picture.",
        "  ✓ eth0                cable, connected, 1000 Mbit/s",
        "  ✓ state folder        /var/lib/boothcast: 9216 MiB free of 16384 MiB",
        "  ✓ go live             The box can go live.",
    ] {
        assert!(table.contains(line), "{line:?} in\n{table}");
    }
}

#[test]
fn without_an_encoder_it_cannot_and_says_what_to_install() {
    let mut report = healthy();
    report.encoders[1] = encoder("x264enc", false, "not installed");
    assert!(!can_go_live(&report));
    let bad = bad(&report);
    assert_eq!(bad[0].0, "v4l2h264enc");
    assert_eq!(
        bad[1],
        (
            "x264enc".into(),
            "Install it: apt-get install gstreamer1.0-plugins-ugly".into()
        )
    );
    report.encoders.clear();
    assert!(!can_go_live(&report));
}

#[test]
fn a_missing_element_counts_by_its_need() {
    for (use_, live, is_bad) in [
        ("every pipeline", false, true),
        ("AAC sound", false, true),
        ("cameras", true, true),
        ("CSI cameras", true, false),
    ] {
        let mut report = healthy();
        for e in &mut report.gstreamer.elements {
            e.present = e.use_ != use_;
        }
        assert_eq!(can_go_live(&report), live, "{use_}");
        let bad = bad(&report);
        let said = bad
            .iter()
            .any(|(_, m)| m.starts_with("Install it: apt-get install gstreamer1.0-"));
        assert_eq!(said, is_bad, "{use_}: {bad:?}");
    }
}

#[test]
fn each_fault_of_the_machine_is_said_once_with_a_mend() {
    type Fault = (&'static str, fn(&mut Report));
    let faults: [Fault; 13] = [
        ("state folder", |r| {
            r.disk.problem = Some("/x is no folder".into());
        }),
        ("state folder", |r| r.disk.free = 1),
        ("memory", |r| r.memory.available = 1),
        ("clock", |r| {
            r.clock = r.clock.map(|c| ClockState {
                synchronised: false,
                ..c
            });
        }),
        ("temperature", |r| r.thermal.celsius = Some(80.0)),
        ("temperature", |r| r.thermal.celsius = Some(85.0)),
        ("temperature", |r| {
            r.thermal.celsius = None;
            r.thermal.problem = Some(Problem {
                what: "temperature".into(),
                sentence: "The temperature sensor /x cannot be read.".into(),
                mend: Some("Correct thermal.sensor.".into()),
            });
        }),
        ("power", |r| {
            r.thermal.power = Some(PowerState {
                under_voltage: true,
                ..PowerState::default()
            });
        }),
        ("throttling", |r| r.thermal.throttled = Some(0x4)),
        ("addresses", |r| {
            r.network.addresses = vec!["127.0.0.1".parse().unwrap()];
        }),
        ("way out", |r| r.network.route = None),
        ("names (DNS)", |r| r.network.dns.clear()),
        ("/dev/video0", |r| {
            r.camera_problems = vec![Problem {
                what: "/dev/video0".into(),
                sentence: "It did not answer within 4 s.".into(),
                mend: None,
            }];
        }),
    ];
    for (name, break_it) in faults {
        let mut report = healthy();
        break_it(&mut report);
        let bad = bad(&report);
        assert_eq!(bad.len(), 1, "{name}: {bad:?}");
        assert_eq!(bad[0].0, name);
        assert!(bad[0].1.ends_with(['.', 'e']), "a sentence: {}", bad[0].1);
    }
}

#[test]
fn parts_that_do_not_answer_are_said_under_their_section() {
    let mut report = healthy();
    for what in ["sound", "encoders", "gstreamer"] {
        report.problems.push(Problem {
            what: what.into(),
            sentence: "It did not answer within 4 s.".into(),
            mend: Some("Restart the box.".into()),
        });
    }
    let names: Vec<String> = bad(&report).into_iter().map(|(n, _)| n).collect();
    assert_eq!(names, ["sound", "encoders", "gstreamer"]);
}

fn camera(in_use: Option<&str>) -> CameraReport {
    let mode = |format, width, height, fps| Mode {
        format,
        width,
        height,
        fps: (fps, 1),
    };
    CameraReport {
        camera: Camera {
            id: "usb-C920-video-index0".into(),
            name: "C920".into(),
            path: "/dev/video0".into(),
            by_id: None,
            by_path: None,
            bus: "usb-1".into(),
            index: 0,
            driver: "uvcvideo".into(),
            modes: vec![
                mode(PixelFormat::Yuyv, 640, 480, 15),
                mode(PixelFormat::Yuyv, 640, 480, 30),
                mode(PixelFormat::Yuyv, 1280, 720, 10),
                mode(PixelFormat::Mjpeg, 1280, 720, 30),
            ],
            in_use: in_use.map(str::to_owned),
            signal: Signal::Steady,
        },
        choice: "MJPEG 1280×720 at 30/s, because raw reaches only 10/s at that size".into(),
        usable: true,
        controls: Vec::new(),
    }
}

#[test]
fn cameras_are_shown_with_the_choice_the_id_and_the_best_rate_of_each_size() {
    let mut report = healthy();
    report.cameras = vec![camera(None)];
    let lines = judge(&report);
    let line = lines.iter().find(|f| f.section == "Cameras").unwrap();
    assert_eq!(line.mark, Mark::Good);
    assert_eq!(line.name, "C920 (/dev/video0)");
    assert_eq!(
        line.text,
        "MJPEG 1280×720 at 30/s, because raw reaches only 10/s at that size. Id: usb-C920-video-index0. \
         Modes: YUYV 640×480@30 1280×720@10; MJPEG 1280×720@30."
    );
    let mut odd = camera(None);
    let mode = odd.camera.modes[0];
    odd.camera.modes.extend((0..70).map(|n| Mode {
        format: PixelFormat::Other([b'Q', b'0' + n / 10, b'0' + n % 10, b' ']),
        ..mode
    }));
    report.cameras = vec![odd];
    let text = &judge(&report)
        .into_iter()
        .find(|f| f.section == "Cameras")
        .unwrap()
        .text;
    assert!(
        text.ends_with("1280×720@30; 70 formats more that the box does not use."),
        "{text}"
    );
    report.cameras = vec![camera(Some("the program obs (process 7)"))];
    assert!(bad(&report)[0].1.starts_with("End that program"));
    assert!(can_go_live(&report), "the test picture is left");

    report.cameras = vec![camera(None)];
    let timings = Timings::new((1280, 720), false, 74_250_000, 1650 * 750);
    report.cameras[0].camera.signal = Signal::Present(timings.unwrap());
    let lines = judge(&report);
    let line = lines.iter().find(|f| f.section == "Cameras").unwrap();
    assert!(
        line.text.ends_with("Signal: 1280×720 at 60/s."),
        "{}",
        line.text
    );
    report.cameras[0].camera.signal = Signal::Absent("there is no signal at the HDMI input".into());
    let lines = judge(&report);
    let line = lines.iter().find(|f| f.section == "Cameras").unwrap();
    assert_eq!(line.mark, Mark::Bad);
    assert!(
        line.text
            .starts_with("There is no signal at the HDMI input. MJPEG")
    );
    assert!(bad(&report)[0].1.starts_with("Check the cable"));
}

#[test]
fn cards_are_shown_with_their_gain_or_with_why_not() {
    let card = |capture| CardReport {
        card: Card {
            id: "CARD=Mic,DEV=0".into(),
            pcm: "hw:CARD=Mic,DEV=0".into(),
            index: 1,
            card_id: "Mic".into(),
            device: 0,
            name: "USB Mic".into(),
            long_name: String::new(),
            port: None,
            usb: None,
            capture,
        },
        controls: vec![CaptureControl {
            name: "Mic".into(),
            volume: Some(VolumeRange {
                min_db: -12.0,
                max_db: 30.0,
                db: 6.0,
            }),
            on: Some(false),
            boost: false,
        }],
        microphone: MainCapture {
            percent: Some(43),
            on: Some(false),
        },
    };
    let mut report = healthy();
    report.capture_cards = vec![card(Capture::Openable {
        formats: vec!["S16_LE"],
        rates: vec![48_000],
        channels: (1, 1),
    })];
    let text = |r: &Report| {
        let lines = judge(r);
        lines
            .into_iter()
            .find(|f| f.section == "Capture cards")
            .unwrap()
            .text
    };
    assert_eq!(
        text(&report),
        "USB Mic, 48000 samples/s, 1 channel. Mic 6.0 dB (-12.0 to 30.0) off. Microphone: volume 43 %, off."
    );
    let switched_off = judge(&report)
        .into_iter()
        .find(|f| f.section == "Capture cards");
    assert_eq!(
        switched_off.unwrap().mend.as_deref(),
        Some("Its switch is off, so it records silence: boothcast ctl mic on.")
    );
    report.capture_cards = vec![card(Capture::NotOpenable {
        kind: Kind::InUse,
        reason: "The sound card USB Mic is used by another program.".into(),
        mend: "End that program.".into(),
    })];
    assert_eq!(
        text(&report),
        "The sound card USB Mic is used by another program."
    );
    assert_eq!(bad(&report)[0].1, "End that program.");
}
