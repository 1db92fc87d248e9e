//! `boothcast ctl` against a box that runs, and that box against strangers on its control socket.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::the_box::{Options, TheBox, run_to_end};
use crate::support::{Guard, wait_for};

const DESTINATION: &str = "[box]\nname = \"Corner shop\"\n[video]\nsource = \"test\"\n[[destination]]\nname = \"spare\"\nurl = \"rtmp://127.0.0.1:9/live\"\nkey = \"k\"\nenabled = false\n";
/// More than any answer takes on a loaded machine.
const LIMIT: Duration = Duration::from_secs(20);

fn command(it: &TheBox, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_boothcast"));
    command.arg("ctl").args(args);
    command.arg("--config").arg(it.path("boothcast.toml"));
    command
}

/// Exit code, standard output, standard error.
fn ctl(it: &TheBox, args: &[&str]) -> (i32, String, String) {
    let (code, out, err) = run_to_end(&mut command(it, args), LIMIT);
    (code.expect("it was killed"), out, err)
}

/// With `--json`: exit code and what was printed.
fn ctl_json(it: &TheBox, args: &[&str]) -> (i32, Value) {
    let (code, out, err) = ctl(it, &[args, &["--json"]].concat());
    assert_eq!(err, "", "{args:?} with --json speaks JSON alone");
    let value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{args:?}: {e}: {out}"));
    (code, value)
}

fn status(it: &TheBox) -> Value {
    let (code, status) = ctl_json(it, &["status"]);
    assert_eq!(code, 0, "{status}");
    status
}

fn socket(it: &TheBox) -> PathBuf {
    it.path("state/control.sock")
}

fn connect(it: &TheBox) -> UnixStream {
    let stream = UnixStream::connect(socket(it)).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    stream
}

/// Frames go on, whatever strangers do.
fn flows(it: &TheBox) {
    let before = status(it)["flow"]["main"].as_u64().unwrap();
    wait_for("more frames", LIMIT, || {
        (status(it)["flow"]["main"].as_u64().unwrap() > before + 20).then_some(())
    });
}

#[test]
fn each_subcommand_has_its_effect_and_its_exit_code() {
    let mut it = TheBox::start(DESTINATION);
    let (code, page, _) = ctl(&it, &["status"]);
    assert_eq!(code, 0);
    assert!(page.starts_with("Corner shop: "), "{page}");
    for word in ["Picture", "Sound", "Encoder", "spare", "RTSP"] {
        assert!(page.contains(word), "{word} is missing:\n{page}");
    }

    assert_eq!(
        ctl_json(&it, &["live", "start"]),
        (0, json!({"outcome": "accepted"}))
    );
    assert_eq!(status(&it)["live"], true);
    let (code, said, _) = ctl(&it, &["live", "start"]);
    assert!(code == 0 && said.contains("already"), "{code} {said}");
    assert_eq!(
        ctl(&it, &["live", "stop"]),
        (0, "Accepted.\n".into(), String::new())
    );
    assert_eq!(status(&it)["live"], false);

    assert_eq!(ctl(&it, &["destination", "enable", "spare"]).0, 0);
    assert_eq!(status(&it)["destinations"][0]["enabled"], true);
    assert_eq!(ctl(&it, &["destination", "disable", "spare"]).0, 0);
    let (code, _, err) = ctl(&it, &["destination", "enable", "vimeo"]);
    assert!(code == 65 && err.contains("spare"), "{code} {err}");

    assert_eq!(ctl(&it, &["audio", "gain", "-6"]).0, 0);
    assert_eq!(ctl(&it, &["audio", "offset", "-20"]).0, 0);
    assert_eq!(ctl(&it, &["audio", "mute"]).0, 0);
    let sound = status(&it)["sound"].clone();
    assert_eq!(
        (&sound["gain_db"], &sound["offset_ms"], &sound["muted"]),
        (&json!(-6.0), &json!(-20), &json!(true))
    );
    assert_eq!(ctl(&it, &["audio", "unmute"]).0, 0);
    assert_eq!(ctl_json(&it, &["audio", "gain", "99"]).0, 65);

    assert_eq!(ctl(&it, &["profile", "480p30"]).0, 0);
    assert_eq!(ctl(&it, &["profile", "bitrate", "900k"]).0, 0);
    let video = status(&it)["encoders"][0]["video"].clone();
    assert_eq!(
        (&video["width"], &video["bitrate"]),
        (&json!(854), &json!(900_000))
    );
    assert_eq!(ctl(&it, &["profile", "custom", "641", "360", "25"]).0, 65);

    let (code, said, _) = ctl(
        &it,
        &["raw", r#"{"name":"audio-mute","args":{"muted":true}}"#],
    );
    assert_eq!(code, 0);
    assert_eq!(
        serde_json::from_str::<Value>(&said).unwrap()["data"]["outcome"],
        "accepted"
    );
    let (code, said, _) = ctl(&it, &["raw", r#"{"name":"explode"}"#]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (code, &said["error"]["code"]),
        (65, &json!("unknown_command"))
    );

    assert_eq!(ctl(&it, &["identify"]).0, 0);
    let shown = status(&it);
    assert_eq!(shown["health"]["led"], "identify");
    let here = format!("Here I am: rtsp://127.0.0.1:{}/main", it.port);
    let sentence = shown["health"]["sentence"].as_str().unwrap();
    assert!(sentence.starts_with(&here), "{sentence}");
    ends(&mut it);
}

/// `shutdown`, and what is said afterwards.
fn ends(it: &mut TheBox) {
    assert_eq!(
        ctl_json(it, &["shutdown"]),
        (0, json!({"outcome": "accepted"}))
    );
    let ended = it.process.wait(LIMIT).expect("it runs on");
    assert_eq!(ended.code(), Some(0), "{}", it.stderr());
    assert!(!socket(it).exists(), "the socket is left behind");
    let (code, out, err) = ctl(it, &["status"]);
    assert_eq!((code, out.as_str()), (69, ""));
    assert!(
        err.contains("No box is running here") && err.contains("boothcast run"),
        "{err}"
    );
    let (code, said) = ctl_json(it, &["status"]);
    assert_eq!((code, &said["error"]["code"]), (69, &json!("not_running")));
}

#[test]
fn camera_and_microphone_answer_also_where_there_is_nothing_to_set() {
    let it = TheBox::start(DESTINATION);
    let (code, list) = ctl_json(&it, &["camera", "list"]);
    assert_eq!((code, &list["controls"]), (0, &json!([])));
    assert!(ctl(&it, &["camera", "list"]).1.contains("no controls"));
    assert_eq!(ctl_json(&it, &["camera", "get", "zoom"]).0, 65);
    // The test picture has no controls: as long as that is not known the wish is kept, then it is refused.
    let (code, said) = ctl_json(&it, &["camera", "set", "zoom", "5"]);
    match code {
        0 => {
            assert_eq!(said["outcome"], "kept");
            let (_, list) = ctl_json(&it, &["camera", "list"]);
            assert_eq!(
                (&list["kept"][0]["control"], &list["kept"][0]["wanted"]),
                (&json!("zoom"), &json!(5))
            );
        }
        _ => assert_eq!(
            (code, &said["error"]["reason"]),
            (65, &json!("unknown_control"))
        ),
    }
    assert_eq!(ctl_json(&it, &["camera", "reset"]).0, 0);
    assert_eq!(status(&it)["kept_controls"], json!([]));
    for (args, wish) in [
        (&["mic", "volume", "40%"][..], "wanted_percent"),
        (&["mic", "off"], "wanted_on"),
    ] {
        let (code, said) = ctl_json(&it, args);
        match code {
            0 => {
                assert_eq!(said["outcome"], "kept");
                assert!(!status(&it)["mixer"][wish].is_null(), "{args:?}");
            }
            _ => assert_eq!((code, &said["error"]["code"]), (65, &json!("unsupported"))),
        }
    }
}

#[test]
fn wrong_arguments_need_no_box() {
    let it = TheBox::spawn(Options::default());
    for args in [
        &["factory-reset"][..],
        &["mic", "volume", "101"],
        &["audio", "gain", "loud"],
        &["profile", "4k"],
        &["profile", "bitrate", "fast"],
        &["destination", "enable", "No Such"],
        &["camera", "get", "Zoom!"],
        &["raw", "{"],
        &["live"],
        &["dance"],
    ] {
        let (code, _, err) = ctl(&it, args);
        assert_eq!(code, 2, "{args:?}: {err}");
        assert!(
            !err.is_empty() && !err.contains("panicked"),
            "{args:?}: {err}"
        );
    }
    let (code, _, err) = ctl(&it, &["status", "--set", "paths.stat=/x"]);
    assert!(code == 78 && err.contains("paths.state"), "{code}: {err}");
    let (code, _, err) = ctl(&it, &["status", "--socket", "/nowhere/at/all"]);
    assert!(
        code == 69 && err.contains("/nowhere/at/all"),
        "{code}: {err}"
    );
}

#[test]
fn a_factory_reset_forgets_everything_and_ends_the_box() {
    let mut it = TheBox::start("");
    assert_eq!(ctl(&it, &["audio", "gain", "3"]).0, 0);
    let state = it.path("state");
    wait_for("the wish on disk", Duration::from_secs(5), || {
        state.join("wanted.json").exists().then_some(())
    });
    assert_eq!(ctl(&it, &["factory-reset", "--yes"]).0, 0);
    let ended = it.process.wait(Duration::from_secs(10)).unwrap();
    assert_eq!(ended.code(), Some(0), "{}", it.stderr());
    let left: Vec<_> = std::fs::read_dir(&state)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left, ["lock"]);
}

#[test]
fn strangers_on_the_socket_disturb_nobody() {
    let it = TheBox::start(DESTINATION);
    // Too many: the next program hears that it should come again.
    let mut crowd: Vec<UnixStream> = (0..16).map(|_| connect(&it)).collect();
    for one in &mut crowd {
        one.write_all(b"{\"id\":\"1\",\"status\":true}\n").unwrap();
        let mut byte = [0];
        one.read_exact(&mut byte).unwrap();
    }
    let (code, _, err) = ctl(&it, &["status"]);
    assert_eq!(code, 75, "{err}");
    assert!(err.contains("16"), "{err}");
    crowd.clear();
    wait_for("room", LIMIT, || {
        (ctl(&it, &["status"]).0 == 0).then_some(())
    });

    // Rubbish: each line is answered, and the connection goes on.
    let mut stranger = connect(&it);
    let mut answers = BufReader::new(stranger.try_clone().unwrap());
    let mut answer = |line: &[u8]| -> Value {
        stranger.write_all(line).unwrap();
        stranger.write_all(b"\n").unwrap();
        let mut text = String::new();
        answers.read_line(&mut text).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let long = vec![b'['; 300_000];
    for (line, code) in [
        (&b"GET / HTTP/1.1"[..], "bad_request"),
        (b"\xff\xfe\x00", "bad_request"),
        (&long, "too_large"),
        (&long[..60_000], "bad_request"),
        (
            br#"{"id":"1","command":{"name":"explode"}}"#,
            "unknown_command",
        ),
        (
            br#"{"id":"1","command":{"name":"live-start","args":{"x":1}}}"#,
            "bad_request",
        ),
    ] {
        assert_eq!(answer(line)["error"]["code"], code);
    }
    assert_eq!(answer(br#"{"id":"1","status":true}"#)["ok"], true);

    // One watches and never reads; one floods and never reads.
    let mut lazy = connect(&it);
    lazy.write_all(b"{\"id\":\"w\",\"watch\":true}\n").unwrap();
    let mut flood = connect(&it);
    flood.set_nonblocking(true).unwrap();
    while flood.write_all(b"{\"id\":\"s\",\"status\":true}\n").is_ok() {}
    flows(&it);

    drop((lazy, flood));
    flows(&it);
    assert!(!it.stderr().contains("panicked"), "{}", it.stderr());
}

#[test]
fn who_waits_hears_the_end_and_the_end_does_not_wait() {
    let mut it = TheBox::start(DESTINATION);
    let mut watching = Guard::spawn(
        command(&it, &["status", "--watch", "--json"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped()),
    );
    let mut lines = BufReader::new(watching.0.stdout.take().unwrap());
    let mut first = String::new();
    lines.read_line(&mut first).unwrap();
    let first: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(first["ending"], false);
    let mut stuck = connect(&it);
    stuck.write_all(b"{\"id\":\"w\",\"watch\":true}\n").unwrap();
    let (code, took) = it.interrupt();
    assert_eq!(code, Some(0), "{}", it.stderr());
    assert!(took < Duration::from_secs(3), "took {took:?}");
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    // Before the last line it says why it ended.
    let parsed = rest
        .lines()
        .map_while(|l| serde_json::from_str::<Value>(l).ok());
    assert!(parsed.last().is_some_and(|s| s["ending"] == true), "{rest}");
    let ended = watching.wait(LIMIT).expect("it watches on");
    assert_eq!(ended.code(), Some(69));
}

#[test]
fn a_frozen_box_is_a_time_out() {
    let it = TheBox::start(DESTINATION);
    it.process.signal(libc::SIGSTOP);
    let begun = Instant::now();
    let (code, said) = ctl_json(&it, &["status"]);
    it.process.signal(libc::SIGCONT);
    assert_eq!((code, &said["error"]["code"]), (75, &json!("timed_out")));
    assert!(begun.elapsed() >= Duration::from_secs(5));
    flows(&it);
}

#[test]
fn a_dead_socket_is_replaced_and_a_live_one_never() {
    let mut first = TheBox::start(DESTINATION);
    first.process.signal(libc::SIGKILL);
    first.process.wait(LIMIT).unwrap();
    assert!(socket(&first).exists(), "a killed box leaves it");
    assert_eq!(ctl(&first, &["status"]).0, 69);
    let dir = std::mem::replace(&mut first.dir, tempfile::tempdir().unwrap());
    let mut second = TheBox::spawn(Options {
        config: DESTINATION,
        dir: Some(dir),
        ..Options::default()
    });
    second.wait_up();
    assert_eq!(status(&second)["name"], "Corner shop");

    let mut third = Command::new(env!("CARGO_BIN_EXE_boothcast"));
    third.args(["run", "--set", "rtsp.port=0", "--config"]);
    third.arg(second.path("boothcast.toml"));
    let (code, _, err) = run_to_end(&mut third, LIMIT);
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("used by another boothcast"), "{err}");
    assert_eq!(status(&second)["name"], "Corner shop");
}

#[test]
fn in_systemds_folder_it_is_found_and_two_boxes_do_not_fight_for_it() {
    let run = tempfile::tempdir().unwrap();
    let folder = run.path().to_string_lossy().into_owned();
    let env = [("RUNTIME_DIRECTORY", folder.as_str())];
    let options = || Options {
        config: DESTINATION,
        env: &env,
        ..Options::default()
    };
    let mut it = TheBox::spawn(options());
    it.wait_up();
    assert!(run.path().join("control.sock").exists());
    assert_eq!(status(&it)["name"], "Corner shop");
    let mut other = TheBox::spawn(options());
    other.wait_up();
    assert!(
        other.stdout().contains("another boothcast"),
        "{}",
        other.stdout()
    );
    assert_eq!(ctl(&other, &["status"]).0, 69, "it has none");
    assert_eq!(other.interrupt().0, Some(0));
    assert_eq!(status(&it)["name"], "Corner shop");
    assert_eq!(it.interrupt().0, Some(0));
    assert!(!run.path().join("control.sock").exists());
    assert!(socket(&it).symlink_metadata().is_err(), "the link stays");
}

#[test]
fn completions_know_what_can_be_commanded() {
    for shell in ["bash", "zsh", "fish"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_boothcast"));
        let (code, out, err) = run_to_end(command.args(["completions", shell]), LIMIT);
        assert_eq!(code, Some(0), "{err}");
        // The generator for fish does not go down to the third level.
        let deep = if shell == "fish" { "camera" } else { "no-wait" };
        for word in ["ctl", "factory-reset", "socket", deep] {
            assert!(out.contains(word), "{shell} does not know {word}");
        }
    }
}
