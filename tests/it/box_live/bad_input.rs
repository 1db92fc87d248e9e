//! Wrong input: one clear sentence that names the thing and the mend, the right exit code, nothing lost, no panic.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::support::the_box::{Options, TheBox};

/// Runs until the box gives up; gives exit code and what it said.
fn refused(options: Options) -> (Option<i32>, String) {
    let mut it = TheBox::spawn(options);
    let status = it
        .process
        .wait(Duration::from_secs(20))
        .expect("it should have given up");
    let said = it.stderr();
    assert!(!said.contains("panicked"), "{said}");
    (status.code(), said)
}

fn assert_refused(options: Options, code: i32, words: &[&str]) {
    let (got, said) = refused(options);
    assert_eq!(got, Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
}

#[test]
fn configuration_mistakes_exit_78_and_name_line_and_key() {
    let config = "[video]\nsorce = \"test\"\n[encode]\nprofile = \"721p\"\n";
    assert_refused(
        Options {
            config,
            ..Options::default()
        },
        78,
        &[
            "boothcast.toml:",
            "video.sorce",
            "video.source",
            "encode.profile",
            "720p30",
        ],
    );
    let config = "[[destination]]\nname = \"a\"\nurl = \"http://example.com/live\"\nkey = \"k\"\n";
    assert_refused(
        Options {
            config,
            ..Options::default()
        },
        78,
        &["destination", "url", "rtmp://"],
    );
    assert_refused(
        Options {
            config: "[video\n",
            ..Options::default()
        },
        78,
        &["boothcast.toml:"],
    );
}

#[test]
fn key_files_must_exist_and_be_private() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("stream.key");
    let config = format!(
        "[[destination]]\nname = \"a\"\nurl = \"rtmp://127.0.0.1/live\"\nkey_file = \"{}\"\n",
        key.display()
    );
    let run = || Options {
        config: &config,
        ..Options::default()
    };
    assert_refused(run(), 78, &["stream.key", "chmod 600"]);
    fs::write(&key, "sk-canary-4711\n").unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let (code, said) = refused(run());
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("chmod 600"), "{said}");
    assert!(!said.contains("canary-4711"), "{said}");
}

#[test]
fn a_port_in_use_is_named_with_its_mend() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let set = [("BOOTHCAST__RTSP__PORT", port.to_string())];
    let env = [(set[0].0, set[0].1.as_str())];
    let number = port.to_string();
    assert_refused(
        Options {
            env: &env,
            ..Options::default()
        },
        1,
        &[&number, "rtsp.port"],
    );
}

#[test]
fn an_unwritable_state_folder_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a-file");
    fs::write(&file, "keep me").unwrap();
    let below = file.join("state");
    let value = below.to_string_lossy().into_owned();
    let env = [("BOOTHCAST__PATHS__STATE", value.as_str())];
    assert_refused(
        Options {
            env: &env,
            ..Options::default()
        },
        1,
        &["a-file", "paths.state"],
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "keep me");
}

#[test]
fn a_missing_encoder_is_named() {
    let config = "[encode]\nencoder = \"nosuchh264enc\"\n";
    assert_refused(
        Options {
            config,
            ..Options::default()
        },
        1,
        &["nosuchh264enc", "encode.encoder"],
    );
}

#[test]
fn a_second_box_on_one_state_folder_is_refused() {
    let first = TheBox::start("");
    let state = first.path("state").to_string_lossy().into_owned();
    let env = [("BOOTHCAST__PATHS__STATE", state.as_str())];
    assert_refused(
        Options {
            env: &env,
            ..Options::default()
        },
        1,
        &["state", "another"],
    );
}

#[test]
fn a_damaged_wanted_state_is_kept_aside_and_the_box_runs_not_live() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    fs::create_dir(&state).unwrap();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(state.join("wanted.json"), "{\"live\": tru").unwrap();
    let config = "[[destination]]\nname = \"a\"\nurl = \"rtmp://127.0.0.1:9/live\"\nkey = \"k\"\n";
    let mut it = TheBox::spawn(Options {
        config,
        dir: Some(dir),
        ..Options::default()
    });
    it.wait_up();
    let kept = fs::read_dir(it.path("state")).unwrap().filter_map(|e| {
        let path = e.unwrap().path();
        path.to_string_lossy()
            .contains("wanted.json.broken")
            .then(|| fs::read_to_string(path).unwrap())
    });
    assert_eq!(kept.collect::<Vec<_>>(), ["{\"live\": tru"]);
    assert!(it.stdout().contains("wanted.json"), "{}", it.stdout());
    assert_eq!(it.interrupt().0, Some(0));
}

#[test]
fn a_missing_camera_is_a_slate_with_a_sentence_not_an_end() {
    let mut it = TheBox::start("[video]\nsource = \"v4l2\"\ndevice = \"/dev/video99\"\n");
    let file = it.path("slate.mkv");
    crate::support::probe::record(&it.url("main"), "tcp", 2, &file);
    crate::support::probe::decodes_cleanly(&file);
    assert!(it.stdout().contains("/dev/video99"), "{}", it.stdout());
    assert_eq!(it.interrupt().0, Some(0));
}

#[test]
fn a_broken_media_file_is_a_slate_with_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clip.mp4");
    fs::write(&path, vec![7_u8; 5000]).unwrap();
    let config = format!(
        "[video]\nsource = \"file\"\nfile = \"{}\"\n",
        path.display()
    );
    let it = TheBox::start(&config);
    let file = it.path("slate.mkv");
    crate::support::probe::record(&it.url("main"), "tcp", 2, &file);
    it.wait_log("clip.mp4", Duration::from_secs(5));
}
