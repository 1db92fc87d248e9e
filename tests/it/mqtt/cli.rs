//! `boothcast ctl --box` and `boothcast fleet` against a real mosquitto and whole boxes, and against many boxes that are
//! played.

mod access;
mod apply;
mod fakes;
mod fleet;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::commands::ears::{Ears, publish};
use crate::support::broker::Broker;
use crate::support::the_box::{Options, TheBox, run_to_end};
use crate::support::{Guard, free_port};

/// More than anything takes on a loaded machine.
const LIMIT: Duration = Duration::from_secs(60);

/// `boothcast` with these arguments, and nothing of this machine's own configuration or environment.
fn command(broker: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_boothcast"));
    command
        .args(args)
        .args(["--broker", broker, "--fleet", "shop"]);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BOOTHCAST_") {
            command.env_remove(name);
        }
    }
    command
}

/// Exit code, standard output, standard error.
fn run(broker: &Broker, args: &[&str]) -> (i32, String, String) {
    let (code, out, err) = run_to_end(&mut command(&broker.url(), args), LIMIT);
    assert!(!err.contains("panicked"), "{args:?}: {err}");
    (code.expect("it was killed"), out, err)
}

/// With `--json`: exit code and what was printed.
fn run_json(broker: &Broker, args: &[&str]) -> (i32, Value) {
    let (code, out, err) = run(broker, &[args, &["--json"]].concat());
    let value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{args:?}: {e}: {out}{err}"));
    (code, value)
}

/// A whole box of this id; it is online.
fn the_box(broker: &Broker, id: &str) -> TheBox {
    let ears = Ears::open(broker, &["boothcast/#"]);
    let it = spawned(broker, id, "");
    ears.wait_for(&format!("boothcast/v1/shop/box/{id}/conn"), 1, |p| {
        p["state"] == "online"
    });
    it
}

/// The same, wherever it gets to.
fn spawned(broker: &Broker, id: &str, mqtt: &str) -> TheBox {
    let config = format!(
        "[box]\nname = \"Till {id}\"\n[mqtt]\nbroker = \"{}\"\nid = \"{id}\"\nfleet = \"shop\"\n{mqtt}\n[video]\n\
         source = \"test\"\n[audio]\nsource = \"test\"\n[encode]\nprofile = \"custom\"\nwidth = 160\nheight = 120\nfps = 5\n\
         bitrate = 100000\n[adaptive]\nenabled = false\n",
        broker.url()
    );
    TheBox::spawn(Options {
        config: &config,
        rtsp: "enabled = false",
        ..Options::default()
    })
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn ctl_commands_a_box_over_the_broker_as_over_its_socket() {
    let broker = Broker::start();
    let it = the_box(&broker, "kasse-1");
    let ctl = |args: &[&str]| run(&broker, &[&["ctl", "--box", "kasse-1"], args].concat());
    let ctl_json =
        |args: &[&str]| run_json(&broker, &[&["ctl", "--box", "kasse-1"], args].concat());

    let (code, page, _) = ctl(&["status"]);
    assert!(
        code == 0 && page.starts_with("Till kasse-1: "),
        "{code} {page}"
    );
    let accepted = (0, json!({"outcome": "accepted"}));
    assert_eq!(ctl_json(&["live", "start"]), accepted);
    let (code, said, _) = ctl(&["live", "start"]);
    assert!(code == 0 && said.contains("already"), "{code} {said}");
    assert_eq!(ctl_json(&["status"]).1["live"], true);

    // A stream key goes from its file to the box, and shows nowhere.
    let key = it.path("yt.key");
    std::fs::write(&key, "canary-77\n").unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let set = [
        "destination",
        "set",
        "yt",
        "rtmp://127.0.0.1:9/live",
        "--key-file",
        text(&key),
        "--disabled",
    ];
    assert_eq!(ctl_json(&set), accepted);
    let (_, status) = ctl_json(&["status"]);
    assert_eq!(
        (
            &status["destinations"][0]["name"],
            &status["destinations"][0]["enabled"]
        ),
        (&json!("yt"), &json!(false))
    );
    assert!(!status.to_string().contains("canary"));
    assert_eq!(ctl(&["destination", "remove", "yt"]).0, 0);

    assert_eq!(
        ctl(&["overlay", "text", "Back soon", "--seconds", "60"]).0,
        0
    );
    assert_eq!(ctl(&["overlay", "clear"]).0, 0);
    assert_eq!(
        ctl(&[
            "notify", "Ann", "hello", "--kind", "gift", "--colour", "#ff8800"
        ])
        .0,
        0
    );
    let (code, _, err) = ctl(&["notify", "Ann", &"x".repeat(501)]);
    assert!(code == 65 && err.contains("500"), "{code} {err}");
    assert_eq!(ctl(&["lower-third", "Ada", "--seconds", "60"]).0, 0);
    assert_eq!(ctl(&["panic"]).0, 0);
    let (code, _, err) = ctl(&["danmaku", "hello"]);
    assert!(code == 65 && err.contains("Panic is on"), "{code} {err}");
    assert_eq!(ctl(&["panic", "--off"]).0, 0);
    let (code, said) = ctl_json(&["danmaku", "hello"]);
    assert!(code == 0 && said["item"].is_u64(), "{code} {said}");
    assert_eq!(ctl(&["moderation", "mode", "hold"]).0, 0);
    // What was paid for does not wait where whoever may approve it says so.
    let (code, said) = ctl_json(&["alert", "gift", "Ann", "Rose"]);
    assert_eq!((code, &said["state"]), (0, &json!("shown")));
    let (code, said) = ctl_json(&["alert", "question", "Ann", "Is it waterproof?"]);
    assert_eq!((code, &said["state"]), (0, &json!("held")));
    let item = said["item"].to_string();
    let (code, page, _) = ctl(&["moderation", "queue"]);
    let waits = |line: &str| line.starts_with(&item) && line.contains("waterproof");
    assert!(code == 0 && page.lines().any(waits), "{code} {page}");
    assert_eq!(ctl(&["moderation", "approve", &item]).0, 0);
    let (code, _, err) = ctl(&["moderation", "approve", "9999"]);
    assert!(code == 65 && err.contains("9999"), "{code} {err}");
    let logo = it.path("large.png");
    let mut large = std::io::Cursor::new(Vec::new());
    let noise =
        |x: u32, y: u32| image::Rgb([x * y % 251, x * 7 % 241, y * 13 % 239].map(|v| v as u8));
    image::RgbImage::from_fn(170, 170, noise)
        .write_to(&mut large, image::ImageFormat::Png)
        .unwrap();
    let large = large.into_inner();
    assert!((50_000..131_072).contains(&large.len()), "{}", large.len());
    std::fs::write(&logo, large).unwrap();
    let (code, _, err) = ctl(&["logo", logo.to_str().unwrap()]);
    assert!(code == 2 && err.contains("smaller picture"), "{code} {err}");
    let (code, said) = ctl_json(&["audio", "gain", "99"]);
    assert_eq!((code, &said["error"]["code"]), (65, &json!("bad_request")));
    assert_eq!(ctl(&["profile", "custom", "320", "240", "5"]).0, 0);
    let (code, lines, _) = ctl(&["logs", "-n", "3"]);
    assert!(code == 0 && lines.lines().count() == 3, "{code} {lines}");
    assert_eq!(ctl(&["camera", "list"]).0, 0);
    let (code, said, _) = ctl(&["raw", r#"{"name":"explode"}"#]);
    assert!(
        code == 65 && said.contains("unknown_command"),
        "{code} {said}"
    );

    let good = it.path("boothcast.toml");
    let bad = it.path("bad.toml");
    std::fs::write(&bad, "[video]\nsuorce = \"test\"\n").unwrap();
    let (code, said, _) = ctl(&["config", "validate", text(&good)]);
    assert!(code == 0 && said.contains("good"), "{code} {said}");
    let (code, said, _) = ctl(&["config", "validate", text(&bad)]);
    assert!(
        code == 65 && said.contains("line 2") && said.contains("suorce"),
        "{code} {said}"
    );
}

#[test]
fn a_picture_comes_over_the_broker_and_over_the_socket_and_writes_over_nothing() {
    let broker = Broker::start();
    let it = the_box(&broker, "kasse-1");
    let far = it.path("far.jpg");
    let args = [
        "ctl",
        "--box",
        "kasse-1",
        "snapshot",
        "--max-width",
        "128",
        "-o",
        text(&far),
    ];
    // The first keyframe may still be on its way.
    let (code, said) = crate::support::wait_for("a picture", LIMIT, || {
        let (code, said) = run_json(&broker, &args);
        (code != 75).then_some((code, said))
    });
    assert_eq!(
        (code, &said["width"], &said["height"]),
        (0, &json!(128), &json!(96)),
        "{said}"
    );
    let jpeg = std::fs::read(&far).unwrap();
    assert_eq!(said["bytes"], jpeg.len());
    assert!(jpeg.starts_with(&[0xff, 0xd8]) && jpeg.ends_with(&[0xff, 0xd9]));
    let (code, _, err) = run(&broker, &args);
    assert!(code == 2 && err.contains("--force"), "{code} {err}");
    assert_eq!(std::fs::read(&far).unwrap(), jpeg);
    assert_eq!(run(&broker, &[&args[..], &["--force"]].concat()).0, 0);

    let here = it.path("here.jpg");
    let mut local = Command::new(env!("CARGO_BIN_EXE_boothcast"));
    local.args([
        "ctl",
        "snapshot",
        "--config",
        text(&it.path("boothcast.toml")),
        "-o",
        text(&here),
    ]);
    let (code, out, err) = run_to_end(&mut local, LIMIT);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(std::fs::read(&here).unwrap().starts_with(&[0xff, 0xd8]));
}

#[test]
fn why_there_is_no_answer_is_said() {
    let broker = Broker::start();
    for (id, state) in [
        ("kasse-1", "offline"),
        ("kasse-2", "stopped"),
        ("kasse-3", "online"),
    ] {
        let topic = format!("boothcast/v1/shop/box/{id}/conn");
        let payload = json!({"state": state, "session": 1}).to_string();
        publish(&broker, &topic, payload.as_bytes(), &["-r"]);
    }
    for (id, words) in [
        ("kasse-1", "is offline"),
        ("kasse-2", "is off: it ended in order"),
        ("kasse-3", "is online, but did not answer within 1 s"),
        ("kasse-9", "Did you mean kasse-1 or kasse-2 or kasse-3?"),
        ("warehouse", "boothcast fleet ls"),
    ] {
        let (code, out, err) = run(&broker, &["ctl", "--box", id, "status", "--timeout", "1"]);
        assert_eq!((code, out.as_str()), (75, ""), "{err}");
        assert!(err.contains(words), "{id}: {err}");
    }
    let args = ["ctl", "--box", "kasse-1", "status", "--timeout", "1"];
    let (code, said) = run_json(&broker, &args);
    assert_eq!((code, &said["error"]["code"]), (75, &json!("timed_out")));

    let nowhere = format!("mqtt://127.0.0.1:{}", free_port());
    let begun = Instant::now();
    let (code, _, err) = run_to_end(
        &mut command(&nowhere, &["ctl", "--box", "a", "status"]),
        LIMIT,
    );
    assert!(
        code == Some(69) && err.contains("no connection to the broker") && err.contains(&nowhere),
        "{code:?} {err}"
    );
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "it does not wait for more"
    );
    let args = ["fleet", "ls", "--json"];
    let (code, out, _) = run_to_end(&mut command(&nowhere, &args), LIMIT);
    let said: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, &said["error"]["code"]),
        (Some(69), &json!("no_broker"))
    );
}

#[test]
fn a_broker_that_hangs_or_says_no_is_told_apart() {
    let locked = Broker::with("allow_anonymous false\n", |_| {});
    let (code, _, err) = run(&locked, &["ctl", "--box", "a", "status"]);
    assert!(
        code == 69 && err.contains("no connection to the broker"),
        "{code} {err}"
    );
    let frozen = Broker::start();
    frozen.signal(libc::SIGSTOP);
    let (code, _, err) = run(&frozen, &["ctl", "--box", "a", "status", "--timeout", "2"]);
    frozen.signal(libc::SIGCONT);
    assert!(
        code == 69 && err.contains("no connection to the broker"),
        "{code} {err}"
    );
}

#[test]
fn wrong_arguments_need_no_broker() {
    let nowhere = "mqtt://127.0.0.1:9";
    for (args, word) in [
        (&["ctl", "status"][..], "--box"),
        (&["ctl", "--box", "No!", "status"], "a-z"),
        (&["ctl", "--box", "a", "--group", "b", "status"], "--group"),
        (
            &["ctl", "--box", "a", "--spread", "3", "identify"],
            "--group",
        ),
        (&["ctl", "--group", "a", "snapshot"], "--box"),
        (&["ctl", "--group", "a", "status", "--watch"], "fleet watch"),
        (&["ctl", "--box", "a", "reboot"], "--yes"),
        (
            &["ctl", "--box", "a", "raw", r#"{"watch":true}"#],
            "commands alone",
        ),
        (
            &["ctl", "--box", "a", "snapshot", "-o", "-", "--json"],
            "--json",
        ),
        (&["fleet", "cmd", "explode", "--all"], "explode"),
        (&["fleet", "cmd", "identify"], "--all"),
        (
            &["fleet", "apply", "/nowhere.toml", "--all"],
            "/nowhere.toml",
        ),
        (&["fleet", "dance"], "dance"),
    ] {
        let (code, out, err) = run_to_end(&mut command(nowhere, args), LIMIT);
        assert_eq!(code, Some(2), "{args:?}: {err}");
        assert!(format!("{out}{err}").contains(word), "{args:?}: {out}{err}");
    }
}

#[test]
fn a_group_answers_and_a_box_is_watched_until_it_ends() {
    let broker = Broker::start();
    let mut one = the_box(&broker, "kasse-1");
    let _two = the_box(&broker, "kasse-2");
    let file = one.path("s.toml");
    std::fs::write(&file, "groups = [\"hall\"]\n").unwrap();
    let (code, _, err) = run(
        &broker,
        &["fleet", "apply", text(&file), "--all", "--settle", "1"],
    );
    assert_eq!(code, 0, "{err}");

    let begun = Instant::now();
    let args = [
        "ctl",
        "--group",
        "hall",
        "audio",
        "mute",
        "--expect",
        "2",
        "--timeout",
        "30",
    ];
    let (code, said) = run_json(&broker, &args);
    assert_eq!((code, &said["answered"]), (0, &json!(2)), "{said}");
    assert!(
        begun.elapsed() < Duration::from_secs(25),
        "it does not wait for more"
    );
    let (code, table, _) = run(
        &broker,
        &[
            "ctl", "--group", "hall", "audio", "gain", "99", "--expect", "2",
        ],
    );
    assert!(
        code == 65 && table.contains("none of them well"),
        "{code} {table}"
    );
    let args = ["ctl", "--group", "nobody", "identify", "--timeout", "1"];
    let (code, said, _) = run(&broker, &args);
    assert!(
        code == 75 && said.contains("No box answered"),
        "{code} {said}"
    );

    let mut watch = command(
        &broker.url(),
        &["ctl", "--box", "kasse-1", "status", "--watch", "--json"],
    );
    let out = std::fs::File::create(one.path("watched")).unwrap();
    let _watch = Guard::spawn(watch.stdin(Stdio::null()).stdout(out));
    let watched = one.path("watched");
    let last = |holds: fn(&Value) -> bool| {
        crate::support::wait_for("a line", LIMIT, || {
            let lines = std::fs::read_to_string(&watched).unwrap();
            let whole = lines.rsplit_once('\n')?.0;
            holds(&serde_json::from_str(whole.lines().last()?).unwrap()).then_some(())
        });
    };
    last(|l| l["conn"]["state"] == "online" && l["status"]["live"] == false);
    assert_eq!(
        run(&broker, &["ctl", "--box", "kasse-1", "live", "start"]).0,
        0
    );
    last(|l| l["status"]["live"] == true);
    one.interrupt();
    last(|l| l["conn"]["state"] == "stopped");
}
