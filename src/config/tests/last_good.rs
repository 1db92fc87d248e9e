//! A broken file is set aside; the last good one is used, and the box says so.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;

struct Bench {
    dir: TempDir,
    sources: Sources,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut sources = sources();
        sources.files = vec![(dir.path().join("boothcast.toml"), true)];
        let bench = Self { dir, sources };
        bench.write_key(CANARY);
        bench.write(&good());
        bench
    }

    fn write(&self, toml: &str) {
        fs::write(&self.sources.files[0].0, toml).unwrap();
    }

    fn write_key(&self, key: &str) {
        let path = self.dir.path().join("k.key");
        fs::write(&path, key).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn copies(&self) -> Vec<PathBuf> {
        let folder = fs::read_dir(self.state().join("last-good")).unwrap();
        let mut all: Vec<_> = folder.map(|e| e.unwrap().path()).collect();
        all.sort();
        all
    }

    fn load(&self, keep_going: bool) -> Result<Loaded, Problems> {
        load_or_last_good(&self.sources, &self.state(), keep_going)
    }
}

fn good() -> String {
    "[box]\nname = \"Good\"\n[[destination]]\nname = \"a\"\nurl = \"rtmp://h/live\"\nkey_file = \"k.key\"\n".to_owned()
}

#[test]
fn a_broken_file_is_replaced_by_the_last_good_one() {
    let b = Bench::new();
    let loaded = b.load(true).unwrap();
    assert!(loaded.set_aside.is_none() && loaded.warnings.is_empty());

    b.write("[box]\nname = \"Bad\"\nnmae = 1\n[rtsp\n");
    let loaded = b.load(true).unwrap();
    assert_eq!(loaded.config.box_.name.as_str(), "Good");
    // The relative key file still counts from the folder of the original.
    assert_eq!(loaded.config.destination[0].key.expose(), CANARY);
    let why = loaded.set_aside.unwrap().to_string();
    assert!(
        why.contains("boothcast.toml:3: box.nmae is not a known key.") && why.contains(":4: "),
        "{why}"
    );

    let problems = b.load(false).unwrap_err();
    assert_eq!(
        problems.len(),
        2,
        "without keep_going it is an error: {problems}"
    );
}

#[test]
fn without_a_last_good_one_it_is_an_error() {
    let b = Bench::new();
    b.write("[rtsp]\nport = \"x\"\n");
    let error: crate::Error = b.load(true).unwrap_err().into();
    assert_eq!(error.kind().exit_code(), 78);
    assert!(
        !b.state().exists(),
        "a broken configuration leaves nothing behind"
    );
}

#[test]
fn wrong_flags_are_never_set_aside_and_good_ones_still_apply() {
    let mut b = Bench::new();
    b.load(true).unwrap();
    b.sources.set = vec!["rtsp.prot=1".into()];
    assert!(
        b.load(true)
            .unwrap_err()
            .to_string()
            .starts_with("--set: rtsp.prot")
    );
    b.sources.set = vec!["rtsp.port=9001".into()];
    b.write("nonsense");
    assert_eq!(b.load(true).unwrap().config.rtsp.port, 9001);
}

#[test]
fn a_lost_key_file_costs_one_destination_only() {
    let b = Bench::new();
    b.load(true).unwrap();
    fs::remove_file(b.dir.path().join("k.key")).unwrap();
    let loaded = b.load(true).unwrap();
    assert_eq!(loaded.config.box_.name.as_str(), "Good");
    assert!(loaded.config.destination.is_empty());
    let why = loaded.set_aside.unwrap();
    assert_eq!(why.len(), 1, "said once: {why}");
    assert!(
        why.to_string().contains(":6: The key file") && why.to_string().contains("does not exist"),
        "{why}"
    );
    b.write("nonsense");
    assert_eq!(b.load(true).unwrap().set_aside.unwrap().len(), 2);
}

#[test]
fn copies_are_private_and_old_ones_go() {
    let b = Bench::new();
    b.load(false).unwrap();
    let first = b.copies();
    assert_eq!(first.len(), 2, "the file and the index: {first:?}");
    for path in &first {
        assert_eq!(
            fs::metadata(path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    let folder = fs::metadata(b.state().join("last-good")).unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::read_to_string(&first[0]).unwrap(), good(), "verbatim");

    let written = |p: &PathBuf| fs::metadata(p).unwrap().modified().unwrap();
    let times: Vec<_> = first.iter().map(written).collect();
    b.load(false).unwrap();
    assert_eq!(
        times,
        first.iter().map(written).collect::<Vec<_>>(),
        "nothing is written anew"
    );

    b.write("[box]\nname = \"New\"\n");
    b.load(false).unwrap();
    assert_eq!(b.copies().len(), 2);
    assert!(!first[0].exists(), "the old copy is gone");
}

#[test]
fn damaged_copies_are_not_used() {
    let b = Bench::new();
    b.load(true).unwrap();
    b.write("nonsense");
    fs::write(&b.copies()[0], "[box]\nname = \"Evil\"\n").unwrap();
    assert!(b.load(true).is_err());
    fs::write(b.state().join("last-good/index.json"), "{").unwrap();
    assert!(b.load(true).is_err());
}

#[test]
fn a_state_folder_that_cannot_be_written_is_a_warning() {
    let b = Bench::new();
    fs::write(b.state(), "a file in the place of the folder").unwrap();
    let loaded = b.load(true).unwrap();
    let warning = loaded.warnings[0].to_string();
    assert!(
        warning.contains("cannot be kept in this folder"),
        "{warning}"
    );
}
