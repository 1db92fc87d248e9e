//! A text that somebody afar has checked: every problem is told, and nothing of the disk.

use super::*;

fn check(toml: &str) -> Result<Vec<Problem>, Problems> {
    validate(toml, &sources().board)
}

#[test]
fn every_problem_has_its_line_key_and_mend() {
    let problems = check("[rtsp]\nport = 99999\n[video]\ndevise = \"x\"\n").unwrap_err();
    let [port, devise] = problems.as_slice() else {
        panic!("{problems}");
    };
    assert_eq!(
        (port.line, port.key.as_deref()),
        (Some(2), Some("rtsp.port"))
    );
    assert_eq!(devise.line, Some(4));
    assert_eq!(devise.mend.as_deref(), Some("Did you mean video.device?"));
    assert!(check("[rtsp]\nport = 8554\n").unwrap().is_empty());
    let doubtful = check("[rtsp]\nenabled = false\n").unwrap();
    assert_eq!(doubtful[0].line, Some(2));
}

/// Files that are there, are not there, may not be read or are folders: the answer is the same for all.
#[test]
fn the_answer_does_not_depend_on_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let there = dir.path().join("there.pem");
    std::fs::write(&there, "canary").unwrap();
    let text = |path: &Path| {
        let path = path.display();
        format!(
            "[board]\nprofile = \"{path}\"\n[slate]\npicture = \"{path}\"\n[thermal]\nsensor = \"{path}\"\n\
             [rtsp]\ntls_cert = \"{path}\"\ntls_key = \"{path}\"\n\
             [mqtt]\nbroker = \"mqtts://b.example\"\ntls_ca = \"{path}\"\npassword_file = \"{path}\"\n\
             [[destination]]\nname = \"a\"\nurl = \"rtmps://a.example/live\"\nkey_file = \"{path}\"\ntls_ca = \"{path}\"\n\
             [video]\nsource = \"file\"\nfile = \"{path}\"\n[audio]\nsource = \"file\"\nfile = \"{path}\"\n"
        )
    };
    for path in [there.as_path(), dir.path(), Path::new("/nonexistent/x.pem")] {
        let said = check(&text(path)).map_err(|p| p.to_string());
        assert_eq!(said, Ok(vec![]), "{path:?}");
    }
    // What the box itself loads is looked at as ever.
    assert!(load_text(&text(Path::new("/nonexistent/x.pem"))).is_err());
}
