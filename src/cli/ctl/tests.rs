//! The command line against a real supervisor behind a real socket; only the camera is played.

use std::time::Duration;

use clap::Parser;
use serde_json::json;
use tokio::sync::mpsc;

use super::what::{ProfileSub, Rate};
use super::*;
use crate::cli::outcome;
use crate::cli::{Cli, Sub};
use crate::clock::Clock;
use crate::config::VideoSettings;
use crate::device::control::{ControlInfo, ControlKind, ControlName};
use crate::device::effect::Effect;
use crate::device::event::{Event, HardwareEvent, MediaEvent};
use crate::device::state::{State, Wanted};
use crate::device::supervisor::{Handle, Supervisor};
use crate::device::supervisor_world::save;
use crate::device::testing::setup;
use crate::edge::local::{Local, SOCKET};

/// How the camera takes a value.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Takes,
    Refuses,
    Unplugged,
}

struct Bench {
    dir: tempfile::TempDir,
    handle: Handle,
    _local: Local,
    runtime: tokio::runtime::Runtime,
}

fn infos(brightness: i64) -> Vec<ControlInfo> {
    let info = |name: &str, label: &str, kind, value| ControlInfo {
        control: ControlName::new(name).unwrap(),
        label: label.into(),
        kind,
        default: 1,
        value: Some(value),
        writable: true,
        active: true,
    };
    let number = ControlKind::Number {
        min: -10,
        max: 10,
        step: 1,
    };
    let choices = ["Disabled", "50 Hz", "60 Hz"];
    let menu = ControlKind::Menu {
        choices: (0..).zip(choices.map(str::to_owned)).collect(),
    };
    vec![
        info("brightness", "Brightness", number, brightness),
        info("power_line_frequency", "Power Line Frequency", menu, 2),
    ]
}

impl Bench {
    fn new(manner: Manner) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (tx, effects) = mpsc::channel(256);
        let state = State::new(setup(), Wanted::new(false));
        let (handle, _task) = Supervisor::spawn(runtime.handle(), state, Clock::real(), tx);
        let dir = tempfile::tempdir().unwrap();
        let local = Local::start(
            dir.path(),
            None,
            handle.clone(),
            crate::edge::desk::Desk::core(handle.clone()),
            runtime.handle(),
        )
        .unwrap();
        runtime.spawn(play_camera(manner, handle.clone(), effects));
        handle.media(MediaEvent::CameraUp {
            description: "Webcam, 1280×720 at 30/s".into(),
        });
        handle.event(Event::Hardware(HardwareEvent::CameraControls(infos(0))));
        Self {
            dir,
            handle,
            _local: local,
            runtime,
        }
    }

    fn ctl(&self, line: &[&str]) -> (Result<(), Trouble>, String) {
        let socket = self.dir.path().join(SOCKET);
        let args = ["boothcast", "ctl", "--socket", socket.to_str().unwrap()];
        let cli = Cli::try_parse_from(args.iter().chain(line)).unwrap();
        let Sub::Ctl(args) = cli.command else {
            panic!("{line:?}")
        };
        let mut out = Vec::new();
        let done = try_run(&args, &mut out);
        (done, String::from_utf8(out).unwrap())
    }

    fn wait(&self, what: impl FnMut(&crate::device::status::Status) -> bool) {
        let mut status = self.handle.status();
        self.runtime.block_on(async {
            let waited = tokio::time::timeout(Duration::from_secs(20), status.wait_for(what));
            assert!(waited.await.is_ok_and(|s| s.is_ok()));
        });
    }
}

async fn play_camera(manner: Manner, handle: Handle, mut effects: mpsc::Receiver<Effect>) {
    while let Some(effect) = effects.recv().await {
        save(&handle, &effect);
        let Effect::SetCameraControl { control, value } = effect else {
            continue;
        };
        tokio::time::sleep(Duration::from_millis(100)).await;
        match manner {
            Manner::Takes => {
                let infos = infos(value);
                handle.event(Event::Hardware(HardwareEvent::CameraControls(infos)));
            }
            Manner::Refuses => handle.event(Event::Hardware(HardwareEvent::CameraControlFailed {
                control,
                reason: "the driver says no".into(),
            })),
            Manner::Unplugged => handle.media(MediaEvent::CameraLost {
                reason: "unplugged".into(),
            }),
        }
    }
}

#[test]
fn set_waits_until_the_value_is_in_force() {
    let bench = Bench::new(Manner::Takes);
    bench.wait(|s| s.controls.len() == 2);
    let (done, said) = bench.ctl(&["camera", "set", "brightness", "-7"]);
    assert_eq!((done, said.as_str()), (Ok(()), "brightness is -7.\n"));
    let (done, said) = bench.ctl(&["camera", "get", "brightness"]);
    assert_eq!(done, Ok(()));
    let value = said.lines().find(|l| l.starts_with("value")).unwrap();
    assert!(value.ends_with(" -7"), "{said}");
    assert!(said.contains("-10 to 10"), "{said}");
    let (done, said) = bench.ctl(&["camera", "set", "brightness", "-7", "--json"]);
    assert_eq!(done, Ok(()));
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["outcome"], "already_so");
    let (done, said) = bench.ctl(&["camera", "set", "brightness", "3", "--json"]);
    assert_eq!(done, Ok(()));
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        said,
        json!({"outcome": "in_force", "control": "brightness", "value": 3})
    );
    let (_, said) = bench.ctl(&["camera", "list"]);
    let row = said
        .lines()
        .find(|l| l.starts_with("power_line_frequency"))
        .unwrap();
    assert!(
        row.contains("60 Hz") && row.contains("Disabled, 50 Hz, 60 Hz"),
        "{said}"
    );
}

#[test]
fn what_does_not_fit_is_refused_by_the_box_with_what_does() {
    let bench = Bench::new(Manner::Takes);
    bench.wait(|s| s.controls.len() == 2);
    for (name, value, word) in [
        ("brightness", "11", "-10 to 10"),
        ("brightness", "much", "-10 to 10"),
        ("power_line_frequency", "70 Hz", "50 Hz"),
        ("brightnes", "1", "Did you mean brightness"),
    ] {
        let trouble = bench.ctl(&["camera", "set", name, value]).0.unwrap_err();
        assert_eq!(trouble.exit_code(), outcome::REFUSED, "{trouble:?}");
        let Trouble::Refused(error) = trouble else {
            panic!("{trouble:?}")
        };
        assert!(error["message"].as_str().unwrap().contains(word), "{error}");
    }
    let trouble = bench.ctl(&["camera", "get", "zoom"]).0.unwrap_err();
    assert_eq!(trouble.exit_code(), outcome::REFUSED);
}

#[test]
fn the_cameras_own_refusal_is_heard() {
    let bench = Bench::new(Manner::Refuses);
    bench.wait(|s| s.controls.len() == 2);
    let trouble = bench
        .ctl(&["camera", "set", "brightness", "5"])
        .0
        .unwrap_err();
    assert_eq!(trouble.exit_code(), outcome::REFUSED, "{trouble:?}");
    let Trouble::Refused(error) = trouble else {
        panic!("{trouble:?}")
    };
    assert_eq!(
        error["message"],
        "The camera refuses brightness: the driver says no."
    );
    let (_, said) = bench.ctl(&["camera", "list"]);
    assert!(said.contains("the driver says no"), "{said}");
    // It need not be waited for.
    let (done, said) = bench.ctl(&["camera", "set", "brightness", "6", "--no-wait"]);
    assert_eq!((done, said.as_str()), (Ok(()), "Accepted.\n"));
}

#[test]
fn a_camera_that_goes_meanwhile_is_said_and_the_value_is_kept() {
    let bench = Bench::new(Manner::Unplugged);
    bench.wait(|s| s.controls.len() == 2);
    let trouble = bench
        .ctl(&["camera", "set", "brightness", "5"])
        .0
        .unwrap_err();
    assert_eq!(trouble.exit_code(), outcome::TRY_AGAIN, "{trouble:?}");
    let (done, said) = bench.ctl(&["camera", "set", "brightness", "4"]);
    assert_eq!(done, Ok(()), "kept is no failure");
    assert!(said.contains("kept"), "{said}");
    let (_, said) = bench.ctl(&["camera", "list"]);
    assert!(said.contains("brightness = 4"), "{said}");
}

#[test]
fn the_page_begins_with_the_sentence_and_leaves_nothing_out() {
    let bench = Bench::new(Manner::Takes);
    bench.handle.media(MediaEvent::RtspReaders(2));
    bench
        .handle
        .event(Event::Hardware(HardwareEvent::Temperature(48.24)));
    bench.wait(|s| s.rtsp_readers == 2 && s.hardware.temperature_c.is_some());
    let (done, said) = bench.ctl(&["status"]);
    assert_eq!(done, Ok(()));
    let first = said.lines().next().unwrap();
    let status = bench.handle.status().borrow().clone();
    assert_eq!(first, format!("Shop: {}", status.health.sentence));
    for words in [
        "Webcam, 1280×720",
        "2 watch over RTSP",
        "48 °C",
        "v4l2h264enc, 1280×720 at 30/s",
        "640×360",
        "youtube: off",
        "spare: disabled",
    ] {
        assert!(said.contains(words), "{words} is missing:\n{said}");
    }
    // A box of another version may leave out anything.
    assert!(page::status(&json!({})).contains(": "));
    assert!(page::status(&json!([1])).contains(": "));
}

#[test]
fn a_profile_changes_what_it_names_and_nothing_else() {
    let rate = |bitrate| Rate { bitrate };
    let named = |sub| order::order(&What::Profile(sub)).unwrap();
    assert_eq!(
        named(ProfileSub::P480(rate(None))),
        Some(json!({"name": "profile-set", "args": {"profile": "480p30"}}))
    );
    assert_eq!(
        named(ProfileSub::P1080(rate(Some(3_000_000)))).unwrap()["args"],
        json!({"profile": "1080p30", "bitrate": 3_000_000})
    );
    let status = json!({"encoders": [{"video": setup().main}]});
    let now = setup().main;
    let custom = ProfileSub::Custom {
        width: 640,
        height: 360,
        fps: 15,
        rate: rate(None),
    };
    assert_eq!(named(custom), None);
    let command = order::custom(custom, &status).unwrap();
    let video: VideoSettings = serde_json::from_value(command["args"]["video"].clone()).unwrap();
    assert_eq!(
        (video.width, video.fps, video.bitrate, video.gop_s),
        (640, 15, now.bitrate, now.gop_s)
    );
    assert!(order::custom(custom, &json!({})).is_err());
}

#[test]
fn each_trouble_has_its_code_and_is_json_too() {
    let text = || "A sentence.".to_owned();
    let all = [
        (Trouble::Usage(text()), 2),
        (Trouble::NotRunning(text()), 69),
        (Trouble::NoBroker(text()), 69),
        (Trouble::Forbidden(text()), 77),
        (Trouble::Config(text()), 78),
        (Trouble::TimedOut(text()), 75),
        (Trouble::Broken(text()), 1),
        (Trouble::refused("bad_request", text()), 65),
        (
            Trouble::Refused(json!({"code": "busy", "message": text(), "retryable": true})),
            75,
        ),
    ];
    for (trouble, code) in all {
        assert_eq!(trouble.exit_code(), code, "{trouble:?}");
        let (mut out, mut err) = (Vec::new(), Vec::new());
        trouble.print(false, &mut out, &mut err);
        assert_eq!(
            (out.as_slice(), err.as_slice()),
            (&b""[..], &b"boothcast: A sentence.\n"[..])
        );
        trouble.print(true, &mut out, &mut Vec::new());
        let said: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(
            (&said["ok"], &said["error"]["message"]),
            (&json!(false), &json!("A sentence."))
        );
    }
}
