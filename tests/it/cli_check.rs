//! `boothcast check` on real files: every problem on standard error, one line or JSON on standard output.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use boothcast::cli::check::{CheckArgs, ConfigArgs, get, report};
use boothcast::config::{Sources, board};
use clap::{Args, Command, FromArgMatches};
use tempfile::TempDir;

const CANARY: &str = "Cn4ry-5up3r_S3CRET";

struct Result {
    code: u8,
    out: String,
    err: String,
}

fn sources(files: &[&Path]) -> Sources {
    Sources {
        files: files.iter().map(|f| (f.to_path_buf(), true)).collect(),
        env: Vec::new(),
        set: Vec::new(),
        board: board::recognise(&board::Traces::default()),
        default_state: "/var/lib/boothcast".into(),
    }
}

fn check(files: &[&Path], json: bool) -> Result {
    run(|out, err| report(&sources(files), json, out, err))
}

fn run(f: impl FnOnce(&mut Vec<u8>, &mut Vec<u8>) -> u8) -> Result {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = f(&mut out, &mut err);
    Result {
        code,
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}

fn file(dir: &TempDir, name: &str, text: &str, mode: u32) -> PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn with_key_file(key_file: &str) -> String {
    format!(
        "[[destination]]\nname = \"tube\"\nurl = \"rtmp://host/live\"\nkey_file = \"{key_file}\"\n"
    )
}

#[test]
fn a_good_file_gives_one_line_and_zero() {
    let dir = tempfile::tempdir().unwrap();
    file(&dir, "tube.key", CANARY, 0o600);
    let path = file(&dir, "boothcast.toml", &with_key_file("tube.key"), 0o644);
    let r = check(&[&path], false);
    assert_eq!((r.code, r.err.as_str()), (0, ""));
    assert_eq!(
        r.out,
        format!("configuration is good: {}\n", path.display())
    );
    let r = check(&[], false);
    assert_eq!(r.out, "configuration is good: no file, defaults only\n");
}

#[test]
fn every_problem_is_printed_and_the_code_is_78() {
    let dir = tempfile::tempdir().unwrap();
    let toml = format!(
        "[video]\ndevise = \"x\"\n[rtsp]\nport = 99999\n{}",
        with_key_file("gone.key")
    );
    let path = file(&dir, "boothcast.toml", &toml, 0o644);
    let r = check(&[&path], false);
    assert_eq!((r.code, r.out.as_str()), (78, ""));
    let (name, folder) = (path.display(), dir.path().display());
    let expected = format!(
        "{name}:2: video.devise is not a known key. Did you mean video.device?\n\
         {name}:4: rtsp.port must be a whole number from 0 to 65535 (0: one that the system chooses), not 99999.\n\
         {name}:8: The key file {folder}/gone.key does not exist. Create it with the stream key as its only line, and chmod 600 it.\n\
         configuration has 3 errors\n"
    );
    assert_eq!(r.err, expected);
}

#[test]
fn json_has_every_field() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(
        &dir,
        "boothcast.toml",
        "\n[video]\n  devise = \"x\"\n",
        0o644,
    );
    let r = check(&[&path], true);
    assert_eq!((r.code, r.err.as_str()), (78, ""));
    let json: serde_json::Value = serde_json::from_str(&r.out).unwrap();
    let expected = serde_json::json!({
        "ok": false,
        "files": [path],
        "problems": [{
            "file": path, "line": 3, "column": 3, "key": "video.devise",
            "message": "video.devise is not a known key.", "mend": "Did you mean video.device?",
        }],
        "warnings": [],
    });
    assert_eq!(json, expected);

    let good = file(
        &dir,
        "good.toml",
        "[slate]\npicture = \"gone.png\"\n",
        0o644,
    );
    let json: serde_json::Value = serde_json::from_str(&check(&[&good], true).out).unwrap();
    assert_eq!(
        (&json["ok"], json["problems"].as_array().map(Vec::len)),
        (&true.into(), Some(0))
    );
    assert_eq!(
        (&json["files"][0], &json["warnings"][0]["line"]),
        (&serde_json::json!(good), &2.into())
    );
}

#[test]
fn key_files_are_checked_and_never_printed() {
    let dir = tempfile::tempdir().unwrap();
    for (text, mode, why) in [
        (
            CANARY.to_owned(),
            0o644,
            "can be read by others (mode 0644). Run: chmod 600 ",
        ),
        (
            format!("{CANARY}\n{CANARY}"),
            0o600,
            "has more than one line.",
        ),
        (String::new(), 0o600, "is empty."),
    ] {
        file(&dir, "tube.key", &text, mode);
        let path = file(&dir, "boothcast.toml", &with_key_file("tube.key"), 0o644);
        for json in [false, true] {
            let r = check(&[&path], json);
            assert_eq!(r.code, 78);
            let all = r.out + &r.err;
            assert!(!all.contains(CANARY), "{all}");
            assert!(json || all.contains(why), "{all}");
        }
    }
}

#[test]
fn a_key_in_any_wrong_place_is_not_printed() {
    let dir = tempfile::tempdir().unwrap();
    for toml in [
        with_key_file(CANARY),
        format!("[[destination]]\nkye = \"{CANARY}\"\nname = \"{CANARY}\"\nurl = \"{CANARY}\"\n"),
        format!("[[destination]]\nkey = {CANARY}\n"),
        format!("[[destination]]\nkey = \"{CANARY}\n"),
        format!("{CANARY} = 1\n[{CANARY}-x]\n"),
        format!(
            "[[destination]]\nname = \"a\"\nurl = \"rtmp://u:{CANARY}@h/live\"\nkey = [\"{CANARY}\"]\n"
        ),
        format!(
            "[[destination]]\nname = \"a\"\nurl = \"rtmp://h/live/{CANARY}\"\nkey = \"{CANARY}\"\n"
        ),
        format!(
            "[video]\nsource = \"{CANARY}\"\n[log]\nlevel = \"{CANARY}\"\n[rtsp]\nuser = \"{CANARY} x\"\n"
        ),
    ] {
        let path = file(&dir, "boothcast.toml", &toml, 0o600);
        for json in [false, true] {
            let r = check(&[&path], json);
            assert_eq!(r.code, 78, "{toml}");
            let all = r.out + &r.err;
            assert!(!all.is_empty() && !all.contains(CANARY), "{toml}\n{all}");
        }
    }
}

#[test]
fn files_that_cannot_be_read_are_one_clear_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let gone = dir.path().join("gone.toml");
    let r = check(&[&gone], false);
    assert_eq!(r.code, 78);
    assert!(
        r.err.starts_with(&format!(
            "{}: This file cannot be read: no such file",
            gone.display()
        )),
        "{}",
        r.err
    );
    assert!(
        check(&[dir.path()], false)
            .err
            .contains("cannot be read: is a directory")
    );
    let bytes = dir.path().join("bytes.toml");
    fs::write(&bytes, b"[box]\nname = \"\xff\"\n").unwrap();
    assert!(
        check(&[&bytes], false)
            .err
            .contains("bytes.toml:2: This line is not UTF-8 text.")
    );
    let long = file(&dir, "long.toml", &"#".repeat(300 * 1024), 0o600);
    assert!(check(&[&long], false).err.contains("longer than 256 KiB"));
}

#[test]
fn the_flags_are_read_and_win() {
    let command = CheckArgs::augment_args(Command::new("check"));
    let matches = command
        .try_get_matches_from([
            "check",
            "-c",
            "a.toml",
            "--set",
            "rtsp.port=1",
            "--set",
            "log.json=true",
            "--json",
        ])
        .unwrap();
    let args = CheckArgs::from_arg_matches(&matches).unwrap();
    assert!(args.json);
    let ConfigArgs { config, set } = &args.config;
    assert_eq!(config.as_deref(), Some(Path::new("a.toml")));
    assert_eq!(set, &["rtsp.port=1", "log.json=true"]);
    let sources = args.config.sources();
    assert_eq!(sources.files[0], (PathBuf::from("a.toml"), true));
    // What the box keeps itself lies over it.
    let own = sources.files[1..].iter().map(|(file, must)| {
        assert!(!must && file.is_absolute());
        file.file_name().unwrap()
    });
    assert_eq!(own.collect::<Vec<_>>(), ["imported.toml", "setup.toml"]);
    assert_eq!(sources.set.len(), 2);
    assert!(sources.default_state.is_absolute());
    let default = ConfigArgs::default().sources();
    assert!(default.files.len() == 4 && default.files.iter().all(|(_, required)| !required));
}

#[test]
fn one_value_is_printed_for_shells_and_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let toml = format!(
        "[mqtt]\nbroker = \"local\"\npassword = \"{CANARY}\"\n[encode]\nprofile = \"720p30\"\nbitrate = \"2M\"\n{}",
        with_key_file("tube.key")
    );
    file(&dir, "tube.key", CANARY, 0o600);
    let path = file(&dir, "boothcast.toml", &toml, 0o600);
    let one = |key: &str| run(|out, err| get(&sources(&[&path]), key, out, err));
    for (key, value) in [
        ("mqtt.broker", "local"),
        ("mqtt.fleet", "home"),
        ("mqtt.id", ""),
        ("mqtt.telemetry_live_s", "10"),
        ("mqtt.homeassistant", "false"),
        ("encode.bitrate", "2000000"),
        ("paths.state", "/var/lib/boothcast"),
    ] {
        let r = one(key);
        assert_eq!((r.code, r.err.as_str()), (0, ""), "{key}");
        assert_eq!(r.out, format!("{value}\n"), "{key}");
    }
    for (key, why) in [
        ("mqtt.password", "is a secret"),
        ("destination.key", "several destinations"),
        ("destination.url", "several destinations"),
        ("mqtt.brokr", "no such key"),
        (CANARY, "no such key"),
    ] {
        let r = one(key);
        assert_eq!((r.code, r.out.as_str()), (2, ""), "{key}");
        assert!(r.err.contains(why) && !r.err.contains(CANARY), "{}", r.err);
    }
    let wrong = file(&dir, "wrong.toml", "[mqtt]\nbroker = \"x\"\n", 0o644);
    let r = run(|out, err| get(&sources(&[&wrong]), "mqtt.broker", out, err));
    assert_eq!((r.code, r.out.as_str()), (78, ""));
    assert!(r.err.contains("mqtt.broker must be"), "{}", r.err);
}
