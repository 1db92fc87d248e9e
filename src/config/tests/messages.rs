//! Golden messages: what people get to read.

use super::*;

/// The golden file: many errors of many kinds, all reported in one go, each with its line.
#[test]
fn every_error_is_reported_in_one_go() {
    let toml = r#"
[video]
source = "v4l3"
devise = "/dev/video0"
passthrough = "true"

[audio]
rate = 22050
gain_db = "loud"

[encode]
width = 641
bitrate = 2500

[rtps]
port = 1

[rtsp]
port = 70000
listen = "everywhere"
tls_cert = "missing.pem"

[[destination]]
name = "YouTube"
url = "rtmp://me:secret@a/live"
kye = "abcd-1234"

[[destination]]
name = "x"
url = "rtmp://a/live/instance"

[[destination]]
name = "x"
url = "rtmp://a/live"
key = 5
key_file = "k.key"
max_bitrate = true

[log]
level = "inof"
"#;
    let expected = "\
boothcast.toml:3: video.source must be one of auto, v4l2, libcamera, test, file. Did you mean \"v4l2\"?
boothcast.toml:4: video.devise is not a known key. Did you mean video.device?
boothcast.toml:5: video.passthrough must be true or false, not text. Leave out the quotes.
boothcast.toml:8: audio.rate must be 44100 or 48000 samples/s, not 22050.
boothcast.toml:9: audio.gain_db must be a number from -60 to 30 dB, not text.
boothcast.toml:12: encode.width is allowed with encode.profile = \"custom\" only. Remove it, or set encode.profile to \"custom\".
boothcast.toml:12: encode.width must be even, not 641.
boothcast.toml:13: encode.bitrate must be a bitrate from 100k to 50M, such as \"2500k\" or \"2.5M\" or a whole number in bit/s, not 2500. A bare number is in bit/s; add k for kbit/s or M for Mbit/s.
boothcast.toml:15: rtps is not a known section. Did you mean rtsp?
boothcast.toml:19: rtsp.port must be a whole number from 0 to 65535 (0: one that the system chooses), not 70000.
boothcast.toml:20: rtsp.listen must be an IP address, such as 0.0.0.0 or ::1.
boothcast.toml:21: rtsp.tls_cert needs rtsp.tls_key as well.
boothcast.toml:21: rtsp.tls_cert names a file missing.pem that does not exist. Correct the path, or put the file there.
boothcast.toml:24: destination.name must be 1 to 32 of a-z, 0-9 and -.
boothcast.toml:25: destination.url must not hold a user name or password.
boothcast.toml:26: destination.kye is not a known key. Did you mean destination.key?
boothcast.toml:28: This destination has no key and no key_file. Write the key into a file (chmod 600) and add key_file = \"FILE\". If the last part of the url is the stream key, it belongs there.
boothcast.toml:33: destination.name is the same as in line 29. Give each destination a name of its own.
boothcast.toml:35: destination.key must be text in quotes, not a whole number.
boothcast.toml:36: destination.key_file stands beside its other form; a destination has a key or a key_file, not both. Remove one of the two.
boothcast.toml:37: destination.max_bitrate must be a bitrate from 100k to 50M, such as \"2500k\" or \"2.5M\" or a whole number in bit/s, not a true or false.
boothcast.toml:40: log.level must be error, warn, info, debug or trace, or a filter such as \"info,boothcast::media=debug\".";
    let found = lines(load_text(toml)).join("\n");
    assert!(found == expected, "found:\n{found}");
}

#[test]
fn rules_between_keys_point_at_the_line() {
    for (toml, expected) in [
        (
            "[rtsp]\ntls_port = 8554\n",
            ":2: rtsp.tls_port is 8554 like rtsp.port, and two servers",
        ),
        (
            "[rtsp]\ntls_key = \"Cargo.toml\"\n",
            ":2: rtsp.tls_key needs rtsp.tls_cert as well.",
        ),
        (
            "[video]\nsource = \"file\"\n",
            ":2: video.source = \"file\" needs video.file as well.",
        ),
        (
            "[audio]\nsource = \"file\"\n",
            ":2: audio.source = \"file\" needs audio.file, or video.source",
        ),
        (
            "[encode]\nprofile = \"custom\"\nwidth = 640\n",
            ":2: encode.profile = \"custom\" needs encode.height, encode.fps, encode.bitrate as well.",
        ),
        (
            "[encode]\nprofile = \"1080p\"\n",
            ":2: encode.profile must be one of 1080p30, 720p30, 480p30, custom. Did you mean \"1080p30\"?",
        ),
        (
            "sub.height = 241\n",
            ":1: sub.height must be even, not 241.",
        ),
        (
            "[sub]\nenabled = true\nfps = 60\n",
            ":3: sub.fps must not be above the 30 frames/s",
        ),
        (
            "[sub]\nenabled = true\nwidth = 1920\n",
            ":3: sub.width must not be above the 1280 pixels",
        ),
        (
            "[adaptive]\nfloor = \"3M\"\n",
            ":2: adaptive.floor (3M) is above the bitrate of the main rendition (2500k).",
        ),
        (
            "[encode]\nbitrate = \"200k\"\n",
            ":2: adaptive.floor (300k) is above the bitrate of the main rendition (200k).",
        ),
        (
            "[video]\npassthrough = true\nformat = \"nv12\"\n",
            ":2: video.passthrough needs H.264",
        ),
        ("paths.state = \"\"\n", ":1: paths.state must not be empty."),
        (
            "video = 3\n",
            ":1: video is a section, not a key. Write [video] on a line of its own.",
        ),
        (
            "[destination]\nname = \"a\"\n",
            ":1: destination is a list of sections. Write [[destination]]",
        ),
        (
            "port = 3\n",
            ":1: port is not a known key. Did you mean rtsp.port?",
        ),
        (
            "[[destination]]\nname = \"a\"\nurl = \"rtmp://h/live/abcd\"\nkey = \"abcd\"\n",
            ":3: destination.url holds the stream key.",
        ),
        (
            "[[destination]]\nname = \"a\"\nurl = \"rtmp://h/live\"\nkey = \"abcd\"\nmax_bitrate = \"200k\"\n",
            ":5: destination.max_bitrate is below adaptive.floor (300k).",
        ),
        (
            "[encode]\nprofile = \"custom\"\nwidth = 64\nheight = 64\nfps = 1\nbitrate = \"500k\"\ngop_s = 0.5\n",
            ":7: encode.gop_s is shorter than one frame",
        ),
    ] {
        let found = lines(load_text(toml));
        let expected = format!("boothcast.toml{expected}");
        assert!(
            found.len() == 1 && found[0].starts_with(&expected),
            "{toml}{found:#?}"
        );
    }
}

#[test]
fn a_misspelt_key_is_not_reported_as_missing_too() {
    for toml in [
        "[[destination]]\nname = \"a\"\nulr = \"rtmp://h/live\"\nkey = \"abcd\"\n",
        "[[destination]]\nname = \"a\"\nurl = \"rtmp://h/live\"\nkey_flie = \"abcd\"\n",
        "[encode]\nprofil = \"custom\"\nwidth = 640\n",
    ] {
        let found = lines(load_text(toml));
        assert!(
            found.len() == 1 && found[0].contains("Did you mean"),
            "{found:#?}"
        );
    }
}

#[test]
fn syntax_errors_have_their_lines_and_hide_the_text() {
    let toml =
        format!("[video]\nsorce = \"test\"\n[rtsp\nport = = 1\n[[destination]]\nkey = {CANARY}\n");
    let found = lines(load_text(&toml));
    assert!(found[0].starts_with(
        "boothcast.toml:2: video.sorce is not a known key. Did you mean video.source?"
    ));
    assert!(
        found[1].starts_with("boothcast.toml:3: This is not valid TOML: "),
        "{found:#?}"
    );
    assert!(
        found
            .iter()
            .any(|l| l.starts_with("boothcast.toml:4: This is not valid")),
        "{found:#?}"
    );
    assert!(
        found
            .iter()
            .any(|l| l.starts_with("boothcast.toml:6: This is not valid")),
        "{found:#?}"
    );
    let twice = lines(load_text("[rtsp]\nport = 1\nport = 2\n"));
    assert_eq!(
        twice,
        ["boothcast.toml:3: This is not valid TOML: duplicate key."]
    );
}

#[test]
fn environment_and_flags_name_what_is_wrong() {
    let env = [
        ("BOOTHCAST__RTSP__PROT", "1"),
        ("BOOTHCAST__RTSP__PORT", "x"),
        ("BOOTHCAST__NONSENSE", "1"),
        ("BOOTHCAST__DESTINATION__MY_TUBE__KYE", CANARY),
    ];
    let set = [
        "rtsp.prot=1",
        "rtsp.port",
        "destination.a.key=Cn4ry-77zq_XvW9-k3pT",
        "log.json=yes",
    ];
    let found = lines(load_with(&env, &set, ""));
    let expected = [
        "environment: BOOTHCAST__DESTINATION__MY_TUBE__KYE is not a known variable. Did you mean BOOTHCAST__DESTINATION__NAME__KEY?",
        "environment: BOOTHCAST__NONSENSE is not a known variable. docs/configuration.md lists every key.",
        "environment: BOOTHCAST__RTSP__PORT must be a whole number from 0 to 65535 (0: one that the system chooses).",
        "environment: BOOTHCAST__RTSP__PROT is not a known variable. Did you mean BOOTHCAST__RTSP__PORT?",
        "--set: rtsp.prot is not a known key. Did you mean rtsp.port?",
        "--set: A --set flag has no equals sign. Write --set section.key=value, for example --set rtsp.port=9000.",
        "--set: destination.key may not be a flag, because every user of the machine can read flags. Use key_file.",
        "--set: log.json must be true or false.",
    ];
    assert_eq!(found, expected);
}

#[test]
fn doubtful_things_are_warnings() {
    let toml = "[video]\nsource = \"test\"\ndevice = \"x\"\n[rtsp]\nenabled = false\n[slate]\npicture = \"gone.png\"\n";
    let loaded = load_text(toml).unwrap();
    let found: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert!(found[0].starts_with(
        "boothcast.toml:3: video.device has no effect while video.source is \"test\"."
    ));
    assert!(found[1].starts_with("boothcast.toml:5: rtsp.enabled is false and no destination"));
    assert!(
        found[2].starts_with(
            "boothcast.toml:7: slate.picture names a file gone.png that does not exist."
        )
    );
    assert_eq!(found.len(), 3);
}

#[test]
fn a_key_in_a_readable_file_is_a_warning() {
    let mut t = text(
        "c.toml",
        "[[destination]]\nname = \"a\"\nurl = \"rtmp://h/live\"\nkey = \"abcd\"\n",
    );
    let load = |t: &Text| {
        compose(
            std::slice::from_ref(t),
            Problems::default(),
            &sources(),
            Destinations::All,
        )
        .unwrap()
    };
    assert!(load(&t).warnings.is_empty());
    t.open = true;
    assert_eq!(
        load(&t).warnings[0].to_string(),
        "c.toml:4: destination.key stands in a file that others can read. Run: chmod 600 c.toml (or use key_file)."
    );
}

#[test]
fn a_file_full_of_errors_is_given_up_early() {
    for line in [
        "x%d = 1\n",
        "rtsp.x%d = 1\n",
        "= %d\n",
        "[[destination]]\n",
        "[rtsp.a%d]\n",
    ] {
        let mut toml = String::new();
        for n in 0.. {
            toml.push_str(&line.replace("%d", &n.to_string()));
            if toml.len() > 250 * 1024 {
                break;
            }
        }
        let read = document::read(&toml, &"a".into(), None);
        assert!(
            read.problems.len() <= 102,
            "{line}: {}",
            read.problems.len()
        );
        let found = lines(load_text(&toml));
        assert!((64..=101).contains(&found.len()), "{line}: {}", found.len());
    }
}
