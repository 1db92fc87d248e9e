//! Tests of the whole way from texts to a configuration.

use std::path::{Path, PathBuf};

use super::load::{Destinations, Text, compose};
use super::*;

mod boards;
mod last_good;
mod mangled;
mod messages;
mod text_alone;

/// Holds every kind of character that a stream key has; looked for in everything that is printed.
const CANARY: &str = "Cn4ry-77zq_XvW9-k3pT";

fn sources() -> Sources {
    Sources {
        files: Vec::new(),
        env: Vec::new(),
        set: Vec::new(),
        board: board::recognise(&board::Traces::default()),
        default_state: "/state".into(),
    }
}

fn text(name: &str, text: &str) -> Text {
    Text {
        path: PathBuf::from(name),
        text: text.to_owned(),
        open: false,
    }
}

pub(super) fn load_text(toml: &str) -> Result<Loaded, Problems> {
    let texts = [text("boothcast.toml", toml)];
    compose(&texts, Problems::default(), &sources(), Destinations::All)
}

fn load_with(env: &[(&str, &str)], set: &[&str], toml: &str) -> Result<Loaded, Problems> {
    let mut sources = sources();
    sources.env = env
        .iter()
        .map(|(n, v)| ((*n).into(), (*v).into()))
        .collect();
    sources.set = set.iter().map(|s| (*s).into()).collect();
    let texts = [text("boothcast.toml", toml)];
    compose(&texts, Problems::default(), &sources, Destinations::All)
}

pub(super) fn lines(result: Result<Loaded, Problems>) -> Vec<String> {
    let problems = result.map(|l| l.config).unwrap_err();
    problems.to_string().lines().map(str::to_owned).collect()
}

#[test]
fn defaults_are_those_of_the_brief() {
    let c = load_text("").unwrap().config;
    assert_eq!(c.encode.profile, Profile::P720);
    let v = &c.encode.video;
    assert_eq!(
        (v.width, v.height, v.fps, v.bitrate),
        (1280, 720, 30, 2_500_000)
    );
    assert!((v.gop_s - 2.0).abs() < 1e-6 && v.h264_profile == H264Profile::Main);
    assert_eq!(c.rtsp.listen.to_string(), "0.0.0.0");
    assert_eq!(
        (c.rtsp.port, c.rtsp.tls_port, c.rtsp.max_readers),
        (8554, 8322, 50)
    );
    assert_eq!(
        (c.rtsp.auth, c.rtsp.user.as_str()),
        (RtspAuth::Digest, "boothcast")
    );
    let s = &c.sub.video;
    assert_eq!(
        (c.sub.enabled, s.width, s.height, s.fps, s.bitrate),
        (false, 640, 360, 15, 400_000)
    );
    assert_eq!((c.adaptive.enabled, c.adaptive.floor), (true, 300_000));
    assert_eq!(
        (c.video.source, c.audio.source),
        (VideoSourceKind::Auto, AudioSourceKind::Auto)
    );
    assert_eq!(
        (c.audio.rate, c.audio.channels, c.audio.bitrate),
        (48000, 2, 128_000)
    );
    assert_eq!(c.paths.state, Path::new("/state"));
    assert!(c.destination.is_empty() && c.log.level == "info" && !c.log.json);
}

#[test]
fn later_layers_win() {
    let toml = "[rtsp]\nport = 1\nuser = \"a\"\nmax_readers = 3\n";
    let env = [
        ("BOOTHCAST__RTSP__PORT", "2"),
        ("BOOTHCAST__RTSP__USER", "b"),
        ("PATH", "x"),
    ];
    let c = load_with(&env, &["rtsp.port=9000"], toml).unwrap().config;
    assert_eq!(
        (c.rtsp.port, c.rtsp.user.as_str(), c.rtsp.max_readers),
        (9000, "b", 3)
    );

    let mut pi = sources();
    pi.board.board = board::detect(Some("Raspberry Pi Zero 2 W Rev 1.0"));
    let of = |toml: &str| {
        let texts = [text("a", toml)];
        compose(&texts, Problems::default(), &pi, Destinations::All)
            .unwrap()
            .config
            .encode
            .profile
    };
    assert_eq!(of(""), Profile::P480);
    assert_eq!(of("encode.profile = \"1080p30\""), Profile::P1080);
}

#[test]
fn files_are_laid_over_one_another_by_destination_name() {
    let texts = [
        text(
            "a.toml",
            "[[destination]]\nname = \"x\"\nurl = \"rtmp://h/a\"\nkey = \"k111\"\n",
        ),
        text(
            "b.toml",
            "[[destination]]\nname = \"x\"\nenabled = false\n[[destination]]\nname = \"y\"\nurl = \"rtmps://h/b\"\nkey = \"k222\"\nmax_bitrate = \"1.5M\"\n",
        ),
    ];
    let mut with_env = sources();
    with_env.env = vec![("BOOTHCAST__DESTINATION__Y__KEY".into(), "k333".into())];
    let c = compose(&texts, Problems::default(), &with_env, Destinations::All)
        .unwrap()
        .config;
    let [x, y] = &c.destination[..] else {
        panic!("{:?}", c.destination)
    };
    assert_eq!(
        (x.url.as_str(), x.enabled, x.key.expose()),
        ("rtmp://h/a", false, "k111")
    );
    assert_eq!(
        (y.key.expose(), y.max_bitrate, y.enabled),
        ("k333", Some(1_500_000), true)
    );
}

#[test]
fn a_later_profile_replaces_an_earlier_custom_one() {
    let toml =
        "[encode]\nprofile = \"custom\"\nwidth = 960\nheight = 540\nfps = 25\nbitrate = \"2M\"\n";
    let v = load_text(toml).unwrap().config.encode.video;
    assert_eq!(
        (v.width, v.height, v.fps, v.bitrate),
        (960, 540, 25, 2_000_000)
    );
    let v = load_with(&[], &["encode.profile=480p30"], toml)
        .unwrap()
        .config
        .encode
        .video;
    assert_eq!((v.width, v.fps, v.bitrate), (854, 30, 2_000_000));
    let sub = load_text("encode.gop_s = 1\nencode.h264_profile = \"high\"")
        .unwrap()
        .config
        .sub
        .video;
    assert!((sub.gop_s - 1.0).abs() < 1e-6 && sub.h264_profile == H264Profile::High);
}

#[test]
fn relative_paths_count_from_their_file() {
    let texts = [text(
        "/etc/boothcast/boothcast.toml",
        "slate.picture = \"s.png\"\npaths.state = \"/abs\"",
    )];
    let c = compose(&texts, Problems::default(), &sources(), Destinations::All)
        .unwrap()
        .config;
    assert_eq!(c.slate.picture, Path::new("/etc/boothcast/s.png"));
    assert_eq!(c.paths.state, Path::new("/abs"));
    assert_eq!(load_text("").unwrap().config.slate.picture, Path::new(""));
}

#[test]
fn a_good_configuration_prints_no_key() {
    let toml =
        format!("[[destination]]\nname = \"a\"\nurl = \"rtmp://h/live\"\nkey = \"{CANARY}\"\n");
    let loaded = load_text(&toml).unwrap();
    assert_eq!(loaded.config.destination[0].key.expose(), CANARY);
    let printed = format!(
        "{loaded:?} {loaded:#?} {}",
        serde_json::to_string(&loaded.config).unwrap()
    );
    assert!(printed.contains("rtmp://h/live") && !printed.contains(CANARY));
}

#[test]
fn the_example_is_good() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let example = std::fs::read_to_string(folder.join("boothcast.example.toml")).unwrap();
    let loaded = load_text(&example).unwrap_or_else(|e| panic!("{e}"));
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    // Its commented lines must be good as well: uncomment those that look like settings.
    let all: Vec<&str> = example
        .lines()
        .map(|l| l.strip_prefix("#: ").unwrap_or(l))
        .collect();
    assert!(
        all.join("\n") != example,
        "no line marked with #: is in the example"
    );
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("youtube.key");
    std::fs::write(&key, "abcd").unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let texts = [Text {
        path: dir.path().join("boothcast.toml"),
        text: all.join("\n"),
        open: false,
    }];
    let loaded = compose(&texts, Problems::default(), &sources(), Destinations::All)
        .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(loaded.config.destination.len(), 1);
}
