use serde_json::json;

use super::*;

#[test]
fn every_wrong_key_is_told_with_its_path_and_no_secret() {
    let bad = json!({
        "bitrat": 1,
        "audio": {"gain_db": "loud", "muted": true, "offset": 1},
        "destinations": {"yt": {"url": "ftp://x", "key": 4711}, "BAD": {"enabled": true}},
        "video": {"width": 2},
        "groups": ["hall", "Not So"],
    });
    let problems = check(&bad);
    let paths: Vec<&str> = problems.iter().map(|(path, _)| path.as_str()).collect();
    let expected = [
        "audio.gain_db",
        "audio.offset",
        "bitrat",
        "destinations.BAD.enabled",
        "destinations.yt.key",
        "destinations.yt.url",
        "groups",
        "video",
    ];
    let mut sorted = paths.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    assert!(
        !problems.iter().any(|(_, why)| why.contains("4711")),
        "{problems:?}"
    );
    let unknown = &problems.iter().find(|(p, _)| p == "bitrat").unwrap().1;
    assert!(
        unknown.contains("bitrate"),
        "the known ones are named: {unknown}"
    );
    let good = json!({
        "live": true, "profile": "720p30", "bitrate": 2_000_000,
        "audio": {"gain_db": -3}, "mic": {"percent": 40},
        "camera": {"brightness": 5, "zoom": null},
        "destinations": {"yt": {"url": "rtmp://a/b", "key": "k"}, "old": null},
        "groups": ["hall"],
    });
    assert_eq!(check(&good), []);
}

#[test]
fn files_are_toml_or_json_and_complaints_name_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        read(&path)
    };
    let toml = file("a.toml", "bitrate = 2_000_000\n[audio]\ngain_db = -3.0\n").unwrap();
    assert_eq!(
        toml,
        json!({"bitrate": 2_000_000, "audio": {"gain_db": -3.0}})
    );
    assert_eq!(
        file("a.json", " {\"live\": true}").unwrap(),
        json!({"live": true})
    );
    for (text, word) in [
        ("", "holds no settings"),
        ("{}", "holds no settings"),
        ("{\"live\":", "no JSON"),
        ("live = true\nkey = canary = 1", "line 2"),
        ("lives = true", "lives: "),
    ] {
        let Err(Trouble::Usage(said)) = file("b.toml", text) else {
            panic!("{text}")
        };
        assert!(said.contains(word) && said.contains("b.toml"), "{said}");
        assert!(!said.contains("canary"), "{said}");
    }
    assert!(file("c.toml", &"#".repeat(MAX_BYTES + 1)).is_err());
    assert!(read(&dir.path().join("nothing")).is_err());
}

#[test]
fn what_the_file_does_not_name_stays() {
    let base = json!({
        "live": true,
        "video": {"width": 640},
        "audio": {"gain_db": 1, "muted": true},
        "destinations": {"yt": {"url": "rtmp://a/b", "key": "k"}, "x": {"enabled": true}},
    });
    let over = json!({
        "profile": "480p30",
        "audio": {"gain_db": -3},
        "destinations": {"yt": {"enabled": false}, "x": null, "new": {"url": "rtmp://c/d"}},
    });
    assert_eq!(
        overlay(&base, &over),
        json!({
            "live": true,
            "profile": "480p30",
            "audio": {"gain_db": -3, "muted": true},
            "destinations": {
                "yt": {"url": "rtmp://a/b", "key": "k", "enabled": false},
                "x": null,
                "new": {"url": "rtmp://c/d"},
            },
        })
    );
    let video = json!({"video": {"width": 1280}});
    let both = json!({"profile": "480p30", "video": {"width": 640, "height": 2}, "live": true});
    assert_eq!(
        overlay(&both, &video),
        json!({"video": {"width": 1280}, "live": true})
    );
    assert_eq!(overlay(&Value::Null, &over), over);
}

#[test]
fn in_force_is_by_value_and_never_with_a_key() {
    let reported = json!({
        "live": false, "audio": {"gain_db": -3.0, "muted": false}, "bitrate": 2_000_000,
        "destinations": {"yt": {"url": "rtmp://a/b", "enabled": true}},
    });
    for (file, so) in [
        (json!({"audio": {"gain_db": -3}}), true),
        (json!({"audio": {"gain_db": -3.1}}), false),
        (json!({"live": false, "bitrate": 2_000_000}), true),
        (json!({"camera": {"zoom": null}}), true),
        (json!({"destinations": {"old": null}}), true),
        (json!({"destinations": {"yt": null}}), false),
        (json!({"destinations": {"yt": {"enabled": true}}}), true),
        (json!({"destinations": {"yt": {"key": "k"}}}), false),
        (json!({"mic": {"percent": 4}}), false),
    ] {
        assert_eq!(in_force(&file, &reported), so, "{file}");
    }
}

#[test]
fn undo_names_all_that_the_file_changed() {
    let desired = json!({"audio": {"muted": true}, "destinations": {"yt": {"key": "k1"}}});
    let reported = json!({
        "live": true, "profile": "720p30", "bitrate": 2_500_000,
        "audio": {"muted": true, "gain_db": 2.0},
        "camera": {"zoom": 5},
        "destinations": {"yt": {"url": "rtmp://a/b", "enabled": true}},
        "groups": ["hall"],
    });
    let file = json!({
        "live": false, "profile": "480p30",
        "audio": {"muted": false, "gain_db": -3},
        "camera": {"zoom": 9, "focus": 1},
        "destinations": {"yt": {"enabled": false, "key": "k2"}, "new": {"url": "rtmp://c/d"}},
        "groups": ["hall", "test"],
    });
    assert_eq!(
        undo(&desired, &file, &reported),
        json!({
            "live": true, "profile": "720p30", "bitrate": 2_500_000,
            "audio": {"muted": true, "gain_db": 2.0},
            "camera": {"zoom": 5, "focus": null},
            "destinations": {"yt": {"key": "k1", "enabled": true}, "new": null},
            "groups": ["hall"],
        })
    );
    let own = json!({"profile": "custom", "video": {"width": 640}, "bitrate": 900_000});
    assert_eq!(
        undo(&json!({}), &json!({"profile": "480p30"}), &own),
        json!({"video": {"width": 640}, "bitrate": 900_000})
    );
    assert_eq!(
        undo(
            &json!({"profile": "1080p30"}),
            &json!({"profile": "480p30"}),
            &json!({})
        ),
        json!({"profile": "1080p30"})
    );
}

#[test]
fn a_comparison_hides_keys() {
    let before = json!({"destinations": {"yt": {"key": "canary-1"}}, "live": true});
    let after = json!({"destinations": {"yt": {"key": "canary-2"}}, "live": true, "bitrate": 5});
    let changes = changes(&before, &after, &json!({"bitrate": 4}));
    let said = format!("{changes:?}");
    assert!(!said.contains("canary") && said.contains("***"), "{said}");
    assert_eq!(changes.len(), 2);
    assert_eq!(
        (
            changes[0].path.as_str(),
            changes[0].from.as_deref(),
            changes[0].in_force.as_deref()
        ),
        ("bitrate", None, Some("4"))
    );
}
