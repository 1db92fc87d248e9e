use super::*;
use crate::config::board;
use crate::config::code::BoxCode;
use crate::config::{BoxName, Secret};

const FILE: &str = "# my box\r\n[box]\r\nname = \"Hall 3\"\r\n\r\n[mqtt]\r\nbroker = \"mqtts://broker.example\"\r\nuser = \"hall\"\r\n  password = \"canary-mqtt\" # not for others\r\n\r\n[[destination]]\r\nname = \"live\"\r\nurl = \"rtmp://a.example/app\"\r\nkey = \"canary-live\"\r\n\r\n[[destination]]\r\nkey = 'canary-\"two'\r\nname = \"two\"\r\nurl = \"rtmp://b.example/app\"";

fn take(text: &str, before: Option<&str>) -> Result<TakenIn, Problems> {
    take_in(text, before, &board::detected())
}

#[test]
fn secrets_leave_the_text_and_nothing_else_does() {
    let taken = take(FILE, None).unwrap();
    assert_eq!(taken.kept, FILE, "what is kept is what was written");
    assert_eq!(taken.secrets, 3);
    assert!(!taken.shown.contains("canary"), "{}", taken.shown);
    assert_eq!(taken.shown.lines().count(), FILE.lines().count());
    for (shown, written) in taken.shown.split('\n').zip(FILE.split('\n')) {
        if written.contains("canary") {
            assert!(shown.contains(": kept by the box"), "{shown}");
            assert_eq!(shown.ends_with('\r'), written.ends_with('\r'));
        } else {
            assert_eq!(shown, written);
        }
    }
    assert!(taken.shown.contains("\r\n  # password: kept by the box"));
    assert!(!format!("{taken:?}").contains("canary"));
}

#[test]
fn a_change_of_the_file_keeps_the_secrets_whose_lines_stand() {
    let first = take(FILE, None).unwrap();
    let again = take(&first.shown, Some(&first.kept)).unwrap();
    assert_eq!(again.shown, first.shown, "taken in twice is taken in once");
    let other = first.shown.replace("Hall 3", "Hall 4");
    let changed = take(&other, Some(&first.kept)).unwrap();
    assert_eq!(changed.secrets, 3);
    for canary in ["canary-mqtt", "canary-live", "canary-\\\"two"] {
        let there = changed.kept.contains(canary) || changed.kept.contains("canary-\"two");
        assert!(there, "{canary}: {}", changed.kept);
    }
    // The key of one destination never becomes that of another, whatever their order.
    let parsed: toml::Table = changed.kept.parse().unwrap();
    let of = |n: usize| parsed["destination"][n]["key"].as_str().unwrap().to_owned();
    assert_eq!(
        (of(0).as_str(), of(1).as_str()),
        ("canary-live", "canary-\"two")
    );
}

#[test]
fn a_secret_written_anew_replaces_the_old_one() {
    let first = take(FILE, None).unwrap();
    let comment = first
        .shown
        .lines()
        .find(|l| l.starts_with("# key"))
        .unwrap();
    for anew in [
        format!("{comment}\r\nkey = \"canary-new\""),
        format!("key = \"canary-new\"\r\n{comment}"),
    ] {
        let text = first.shown.replacen(comment, &anew, 1);
        let taken = take(&text, Some(&first.kept)).unwrap();
        assert!(taken.kept.contains("canary-new") && !taken.kept.contains("canary-live"));
        assert_eq!(taken.shown, first.shown, "one line for each secret");
    }
}

#[test]
fn a_line_that_is_deleted_makes_the_box_forget() {
    let first = take(FILE, None).unwrap();
    let text: Vec<&str> = first
        .shown
        .lines()
        .filter(|l| !l.contains("# password"))
        .collect();
    let taken = take(&text.join("\n"), Some(&first.kept)).unwrap();
    assert!(!taken.kept.contains("canary-mqtt"));
    assert_eq!(taken.secrets, 2);
}

#[test]
fn a_secret_that_is_not_kept_any_more_is_told_with_its_line() {
    let first = take(FILE, None).unwrap();
    let problems = take(&first.shown, None).unwrap_err();
    assert_eq!(problems.len(), 3, "{problems}");
    let text = problems.to_string();
    assert!(
        text.contains("boothcast.toml:8: The password that stood here is no longer kept"),
        "{text}"
    );
    assert!(!text.contains("canary"));
}

#[test]
fn a_secret_that_cannot_be_moved_is_told_and_not_repeated() {
    for text in [
        "destination = [{ name = \"a\", url = \"rtmp://a.example/b\", key = \"canary\" }]",
        "mqtt = { password = \"canary\" }",
        "[[destination]]\nname = \"a\"\nurl = \"rtmp://a.example/b\"\nkey = '''canary'''; x",
    ] {
        let problems = take(text, None).unwrap_err().to_string();
        assert!(
            problems.contains("boothcast.toml:") && !problems.contains("canary"),
            "{problems}"
        );
    }
    // Other forms of a line of its own are fine.
    for text in [
        "mqtt.password = \"canary\"\n",
        "[mqtt]\npassword=\"\"\"canary\"\"\"\n",
        "\u{feff}[mqtt]\npassword\t=\t'canary'#x",
    ] {
        let taken = take(text, None).unwrap();
        assert!(!taken.shown.contains("canary"), "{}", taken.shown);
        let again = take(&taken.shown, Some(&taken.kept)).unwrap();
        assert!(again.kept.contains("canary"), "{}", again.kept);
    }
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let text = "[box]\nname = \"x\"\n[vidoe]\nx = 1\n[rtsp]\nport = 99999\n";
    let problems = take(text, None).unwrap_err();
    let lines: Vec<_> = problems.as_slice().iter().map(|p| p.line).collect();
    assert_eq!(lines, [Some(3), Some(6)], "{problems}");
    let flood = "# key: kept by the box\n".repeat(100);
    assert!(
        take(&flood, None)
            .unwrap_err()
            .to_string()
            .contains("More than 80")
    );
}

#[test]
fn a_name_a_broker_or_a_destination_claims() {
    for (text, yes) in [
        ("", false),
        ("[video]\nsource = \"test\"", false),
        ("[box]\nname = \"x\"", true),
        ("[mqtt]\nbroker = \"local\"", true),
        ("[[destination]]\nname = \"a\"", true),
    ] {
        assert_eq!(claims(text), yes, "{text}");
    }
    assert!(is_empty("\u{feff}# a\n\n  # [box]\r\n"));
    assert!(!is_empty("# a\n[box]\n"));
}

fn code() -> BoxCode {
    BoxCode {
        name: Some("Box \"7\"".parse::<BoxName>().unwrap()),
        fleet: Some("fair".parse().unwrap()),
        id: Some("box-7".parse().unwrap()),
        broker: Some("mqtts://new.example".parse().unwrap()),
        user: Some("u".into()),
        password: Some(Secret::new("canary")),
        ..BoxCode::default()
    }
}

#[test]
fn a_code_becomes_a_layer() {
    let text = setup_toml(&code(), "").unwrap();
    let table: toml::Table = text.parse().unwrap();
    assert_eq!(table["box"]["name"].as_str(), Some("Box \"7\""));
    assert_eq!(table["mqtt"]["password"].as_str(), Some("canary"));
    // A code with a name alone changes the name alone.
    let name = BoxCode {
        name: Some("Y".parse().unwrap()),
        ..BoxCode::default()
    };
    let text = setup_toml(&name, &text).unwrap();
    assert!(text.contains("\"Y\"") && text.contains("canary") && text.contains("box-7"));
    // Another broker is not given the password of the one before.
    let broker = BoxCode {
        broker: Some("mqtt://third.example".parse().unwrap()),
        ..BoxCode::default()
    };
    let text = setup_toml(&broker, &text).unwrap();
    assert!(
        !text.contains("canary") && text.contains("user = \"\""),
        "{text}"
    );
    // A password that no configuration takes is refused, and not repeated.
    let bad = BoxCode {
        password: Some(Secret::new("canary with spaces")),
        ..BoxCode::default()
    };
    let problems = setup_toml(&bad, "").unwrap_err().to_string();
    assert!(
        problems.contains("without spaces") && !problems.contains("canary"),
        "{problems}"
    );
    assert!(setup_toml(&name, "this is [ no toml").is_ok());
}

#[test]
fn the_last_word_counts() {
    let text = setup_toml(&code(), "").unwrap();
    let left = drop_named(&text, "[box]\nname = \"Z\"\n[mqtt]\nbroker = \"local\"\n");
    assert!(
        !left.contains("name") && !left.contains("canary") && !left.contains("new.example"),
        "{left}"
    );
    assert!(left.contains("box-7") && left.contains("fair"), "{left}");
    assert_eq!(
        drop_named(&text, "[video]\nsource = \"test\"\n")
            .parse::<toml::Table>()
            .unwrap(),
        text.parse::<toml::Table>().unwrap()
    );
    assert_eq!(
        drop_named("[box]\nname = \"x\"\n", "[box]\nname = \"y\"\n"),
        ""
    );
}
