use std::os::unix::fs::MetadataExt;

use super::*;

/// A state folder with secrets in it, also in folders.
fn told() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in [
        "wanted.json",
        "rtsp-password",
        "imported.toml",
        "last-good/1.toml",
        "before/1.0.0/wanted.json",
    ] {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "canary").unwrap();
    }
    fs::write(dir.path().join(LOCK), "1").unwrap();
    dir
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn everything_goes_but_what_is_in_use() {
    let dir = told();
    begin(dir.path()).unwrap();
    assert!(is_begun(dir.path()));
    forget(dir.path()).unwrap();
    assert_eq!(names(dir.path()), [MARKER, LOCK]);
    end(dir.path()).unwrap();
    assert!(!is_begun(dir.path()));
    end(dir.path()).unwrap();
}

#[test]
fn what_was_in_a_file_is_overwritten_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    fs::write(&path, vec![b'x'; 100_000]).unwrap();
    // Another name of the same file sees what becomes of its content.
    let other = dir.path().join("other");
    fs::hard_link(&path, &other).unwrap();
    let mut left = OVERWRITTEN;
    overwrite(&path, &mut left).unwrap();
    fs::remove_file(&path).unwrap();
    let seen = fs::read(&other).unwrap();
    assert_eq!(seen.len(), 100_000);
    assert!(seen.iter().all(|b| *b == 0));
    assert_eq!(left, OVERWRITTEN - 100_000);
    assert_eq!(fs::metadata(&other).unwrap().nlink(), 1);
}

#[test]
fn a_link_does_not_lead_to_files_of_others() {
    let dir = told();
    let others = tempfile::tempdir().unwrap();
    fs::write(others.path().join("theirs"), "theirs").unwrap();
    std::os::unix::fs::symlink(others.path(), dir.path().join("link")).unwrap();
    std::os::unix::fs::symlink(others.path().join("theirs"), dir.path().join("file-link")).unwrap();
    forget(dir.path()).unwrap();
    assert_eq!(fs::read(others.path().join("theirs")).unwrap(), b"theirs");
}

#[test]
fn a_power_cut_at_any_file_leaves_the_marker_and_the_next_start_ends_it() {
    for cut in 0..6 {
        let dir = told();
        begin(dir.path()).unwrap();
        fault::cut_at(Some(cut));
        let done = forget(dir.path());
        fault::cut_at(None);
        assert_eq!(done.is_err(), cut < 5, "there are five files: {cut}");
        assert!(is_begun(dir.path()));
        forget(dir.path()).unwrap();
        assert_eq!(names(dir.path()), [MARKER, LOCK]);
    }
}

#[test]
fn a_folder_that_is_not_there_is_empty() {
    let dir = told();
    empty(&dir.path().join("nothing")).unwrap();
    empty(&dir.path().join("before")).unwrap();
    assert!(names(&dir.path().join("before")).is_empty());
}
