//! `boothcast fleet apply`: settings in stages.

use super::fakes::{Fakes, well};
use super::*;

/// A file of settings in a folder of its own.
fn file(text_of: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("settings.toml");
    std::fs::write(&path, text_of).unwrap();
    let name = text(&path).to_owned();
    (dir, name)
}

fn ids(n: usize) -> Vec<String> {
    (0..n).map(|n| format!("box-{n:03}")).collect()
}

#[test]
fn all_boxes_get_it_in_stages_and_nothing_else_is_lost() {
    let broker = Broker::start();
    let fakes = Fakes::start(&broker, &ids(40), well);
    fakes.keep(
        "box-999",
        "conn",
        &json!({"state": "offline", "session": 1}),
    );
    // One has wishes already, of which the file says nothing.
    let before = json!({"version": 9, "settings": {"live": true, "audio": {"muted": true}}});
    fakes.keep("box-007", "desired", &before);
    fakes.flush();
    let (_dir, file) = file("bitrate = 2_000_000\n[audio]\ngain_db = -3.0\n");
    let apply = ["fleet", "apply", &file, "--all", "--settle", "1"];

    let (code, out, _) = run(&broker, &[&apply[..], &["--dry-run"]].concat());
    assert!(code == 0 && out.contains("Nothing was written"), "{out}");
    assert!(
        out.contains("not named -> 2000000") && out.contains("(in force: 2500000)"),
        "{out}"
    );
    let touched = |fakes: &Fakes| {
        fakes
            .written()
            .values()
            .filter(|w| w.iter().any(|(v, _)| *v != 9))
            .count()
    };
    assert_eq!(touched(&fakes), 0, "it was a rehearsal");

    let (code, said) = run_json(&broker, &apply);
    assert_eq!((code, &said["outcome"]), (0, &json!("done")), "{said}");
    let stages: Vec<&Value> = said["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| &s["touched"])
        .collect();
    assert_eq!(stages, [&json!(1), &json!(4), &json!(20), &json!(40)]);
    assert_eq!(said["offline"], 1);
    let written = fakes.written();
    assert_eq!(touched(&fakes), 40);
    assert_eq!(
        written["box-000"],
        [(5, json!({"bitrate": 2_000_000, "audio": {"gain_db": -3.0}}))]
    );
    let settings =
        json!({"live": true, "bitrate": 2_000_000, "audio": {"muted": true, "gain_db": -3.0}});
    assert_eq!(written["box-007"].last(), Some(&(10, settings)));

    // A second time there is nothing to do.
    let (code, said) = run_json(&broker, &apply);
    assert_eq!((code, &said["already_so"]), (0, &json!(40)), "{said}");
    assert_eq!(touched(&fakes), 40);
    // The one that is away gets it for later, if that is wanted.
    let (code, said) = run_json(&broker, &[&apply[..], &["--offline"]].concat());
    assert_eq!((code, &said["left_for_later"]), (0, &json!(1)));
}

#[test]
fn it_stops_when_boxes_get_worse_and_puts_back_what_was() {
    let broker = Broker::start();
    let fakes = Fakes::start(&broker, &ids(30), |_, settings| {
        let bad = settings["bitrate"] == 6_660_000;
        Some((json!([]), if bad { "problem" } else { "ok" }, !bad))
    });
    let (_dir, file) = file("bitrate = 6_660_000\n");
    let apply = [
        "fleet", "apply", &file, "--group", "hall", "--settle", "1", "--stages", "10,100",
    ];
    let (code, said) = run_json(&broker, &apply);
    assert_eq!((code, &said["outcome"]), (65, &json!("stopped")), "{said}");
    assert_eq!(
        (
            &said["not_applied"],
            said["worse"].as_object().unwrap().len()
        ),
        (&json!(27), 3)
    );
    assert_eq!(fakes.written().len(), 3, "the other 27 were not touched");
    let how = said["worse"].as_object().unwrap().values().next().unwrap();
    assert_eq!(how["how"], "no_frames", "{how}");

    let (code, out, err) = run(
        &broker,
        &[&apply[..], &["--rollback", "--seed", "5"]].concat(),
    );
    assert_eq!(code, 65, "{out}{err}");
    assert!(
        out.contains("What was before is written back; 2 boxes have taken it."),
        "{out}"
    );
    let written = fakes.written();
    let last = written.values().filter_map(|writes| writes.last());
    let back = last.filter(|(_, settings)| *settings == json!({"bitrate": 2_500_000}));
    let back = back.count();
    assert_eq!(back, 2, "by name, since what is left out stays");
    for writes in fakes.written().values() {
        let versions: Vec<u64> = writes.iter().map(|(version, _)| *version).collect();
        assert!(
            versions.is_sorted() && versions.windows(2).all(|w| w[0] < w[1]),
            "{versions:?}"
        );
    }
}

#[test]
fn errors_and_silence_are_worse_too_and_a_limit_bears_some() {
    let broker = Broker::start();
    let fakes = Fakes::start(&broker, &ids(20), |id, settings| {
        match (id, &settings["audio"]["gain_db"]) {
            ("box-003", _) => None,
            ("box-004", _) => Some((
                json!([{"path": "audio.gain_db", "code": "unsupported", "message": "There is no sound."}]),
                "ok",
                true,
            )),
            _ => well(id, settings),
        }
    });
    let (_dir, file) = file("[audio]\ngain_db = 3\n");
    let apply = [
        "fleet", "apply", &file, "--all", "--settle", "0", "--wait", "2", "--stages", "50,100",
    ];
    let (code, said) = run_json(&broker, &[&apply[..], &["--max-worse", "20%"]].concat());
    assert_eq!((code, &said["outcome"]), (0, &json!("done")), "{said}");
    assert_eq!(said["worse"]["box-003"]["how"], "not_taken");
    assert_eq!(
        said["worse"]["box-004"]["why"],
        "audio.gain_db: There is no sound."
    );
    assert_eq!(fakes.written().len(), 20);
}

#[test]
fn ctrl_c_stops_before_the_next_stage_and_says_what_was_done() {
    let broker = Broker::start();
    let fakes = Fakes::start(&broker, &ids(10), well);
    let (dir, file) = file("bitrate = 2_000_000\n");
    let mut apply = command(
        &broker.url(),
        &["fleet", "apply", &file, "--all", "--settle", "50", "--json"],
    );
    let out = dir.path().join("out");
    let mut apply = Guard::spawn(
        apply
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&out).unwrap())
            .stderr(Stdio::null()),
    );
    crate::support::wait_for("the first stage", LIMIT, || {
        (!fakes.written().is_empty()).then_some(())
    });
    apply.signal(libc::SIGINT);
    let ended = apply.wait(Duration::from_secs(20)).expect("it goes on");
    assert_eq!(ended.code(), Some(130));
    let said: Value = serde_json::from_str(&std::fs::read_to_string(&out).unwrap()).unwrap();
    assert_eq!(
        (&said["outcome"], &said["not_applied"]),
        (&json!("interrupted"), &json!(9))
    );
    assert_eq!(fakes.written().len(), 1);
    assert_eq!(said["applied"][0], *fakes.written().keys().next().unwrap());
}

#[test]
fn wrong_settings_are_told_with_their_paths_and_reach_nobody() {
    let broker = Broker::start();
    let fakes = Fakes::start(&broker, &ids(1), well);
    let (_dir, file) = file("bitrat = 1\n[audio]\ngain_db = \"loud\"\n");
    let (code, _, err) = run(&broker, &["fleet", "apply", &file, "--all"]);
    assert_eq!(code, 2, "{err}");
    assert!(
        err.contains("bitrat:") && err.contains("audio.gain_db:"),
        "{err}"
    );
    assert!(fakes.written().is_empty());
    let (code, _, err) = run(&broker, &["fleet", "apply", &file, "--box", "nobody"]);
    assert_eq!(code, 2, "{err}");
}
