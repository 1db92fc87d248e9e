use std::time::Duration;

use super::*;
use crate::device::state::Wanted;
use crate::store::db::{DATABASE, Db};
use crate::store::files::{self, LoadedWanted};

const OLD: &str = "1.2.0";
const NEW: &str = "1.10.0";

/// What the older program has written: settings, a database with a count of starts, what was taken in.
fn by_older() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(settle(dir.path(), OLD).unwrap(), None);
    let mut wanted = Wanted::new(true);
    wanted.gain_db = Some(-3.0);
    files::save_wanted(dir.path(), &wanted).unwrap();
    let (db, warning) = Db::open(dir.path()).unwrap();
    assert_eq!((db.session(), warning), (1, None));
    db.close(Duration::from_secs(10));
    fs::write(dir.path().join("imported.toml"), "[box]\nname = \"old\"\n").unwrap();
    make(&dir.path().join("last-good")).unwrap();
    fs::write(dir.path().join("last-good/index.json"), "old").unwrap();
    dir
}

/// What a newer program makes of it: formats that the older one does not know.
fn migrate(dir: &Path) {
    fs::write(dir.join("wanted.json"), "{\"version\":9,\"new\":true}").unwrap();
    fs::write(
        dir.join("imported.toml"),
        "[box]\nname = \"new\"\nnew_key = 1\n",
    )
    .unwrap();
    fs::write(dir.join("last-good/index.json"), "new").unwrap();
    fs::write(dir.join("of-newer.json"), "{}").unwrap();
    let conn = rusqlite::Connection::open(dir.join(DATABASE)).unwrap();
    conn.execute_batch("CREATE TABLE IF NOT EXISTS of_newer (x); PRAGMA user_version = 99;")
        .unwrap();
}

fn is_newer(dir: &Path) -> bool {
    Db::open(dir).is_err() && !matches!(files::load_wanted(dir).unwrap(), LoadedWanted::Loaded(_))
}

fn check_older(dir: &Path) {
    let LoadedWanted::Loaded(wanted) = files::load_wanted(dir).unwrap() else {
        panic!("the settings are not those of the older program");
    };
    assert_eq!((wanted.live, wanted.gain_db), (true, Some(-3.0)));
    let (db, warning) = Db::open(dir).unwrap();
    // The second start of this database: nothing of it was made anew.
    assert_eq!((db.session(), warning), (2, None));
    db.close(Duration::from_secs(10));
    let text = |name: &str| fs::read_to_string(dir.join(name)).unwrap();
    assert!(text("imported.toml").contains("old"));
    assert_eq!(text("last-good/index.json"), "old");
    assert!(!dir.join("of-newer.json").exists());
}

#[test]
fn settings_survive_an_update_and_the_way_back() {
    let dir = by_older();
    assert_eq!(settle(dir.path(), NEW).unwrap(), None);
    migrate(dir.path());
    assert_eq!(settle(dir.path(), NEW).unwrap(), None, "at home by now");
    let said = settle(dir.path(), OLD).unwrap().unwrap();
    assert!(said.contains(NEW) && said.contains(OLD), "{said}");
    check_older(dir.path());
    assert!(
        dir.path()
            .join("after")
            .join(NEW)
            .join("of-newer.json")
            .exists()
    );
    assert_eq!(settle(dir.path(), OLD).unwrap(), None);
    // The newer one comes again, and back again.
    assert_eq!(settle(dir.path(), NEW).unwrap(), None);
    migrate(dir.path());
    assert!(settle(dir.path(), OLD).unwrap().is_some());
    assert!(
        fs::read_to_string(dir.path().join("imported.toml"))
            .unwrap()
            .contains("old")
    );
}

#[test]
fn nothing_is_lost_by_a_power_cut_at_any_step_of_an_update() {
    let mut cuts = 0;
    for cut in 0.. {
        let dir = by_older();
        fault::cut_at(Some(cut));
        let result = settle(dir.path(), NEW);
        fault::cut_at(None);
        if result.is_ok() {
            break;
        }
        cuts += 1;
        // Whichever program comes next finds a state that it can use.
        if cut % 2 == 0 {
            assert_eq!(settle(dir.path(), OLD).unwrap(), None, "cut {cut}");
            check_older(dir.path());
        } else {
            settle(dir.path(), NEW).unwrap();
            migrate(dir.path());
            settle(dir.path(), OLD).unwrap().unwrap();
            check_older(dir.path());
        }
    }
    assert!(cuts >= 7, "only {cuts} steps were cut");
}

#[test]
fn nothing_is_lost_by_a_power_cut_at_any_step_of_the_way_back() {
    let mut cuts = 0;
    for cut in 0.. {
        let dir = by_older();
        settle(dir.path(), NEW).unwrap();
        migrate(dir.path());
        assert!(is_newer(dir.path()));
        // The look at it may have moved the newer settings aside.
        migrate(dir.path());
        fault::cut_at(Some(cut));
        let result = settle(dir.path(), OLD);
        fault::cut_at(None);
        if result.is_ok() {
            break;
        }
        cuts += 1;
        // A second cut, a step later, and then a start that is left in peace.
        fault::cut_at(Some(cut / 2));
        let _ = settle(dir.path(), OLD);
        fault::cut_at(None);
        let _ = settle(dir.path(), OLD).unwrap();
        check_older(dir.path());
        assert_eq!(settle(dir.path(), OLD).unwrap(), None);
    }
    assert!(cuts >= 12, "only {cuts} steps were cut");
}

#[test]
fn the_newer_program_ends_a_way_back_that_was_cut_off() {
    let dir = by_older();
    settle(dir.path(), NEW).unwrap();
    migrate(dir.path());
    fault::cut_at(Some(3));
    assert!(settle(dir.path(), OLD).is_err());
    fault::cut_at(None);
    assert_eq!(settle(dir.path(), NEW).unwrap(), None);
    check_older(dir.path());
}

#[test]
fn copies_are_bounded() {
    let dir = by_older();
    for version in ["1.3", "1.4", "1.5", "1.6"] {
        settle(dir.path(), version).unwrap();
    }
    let kept = copies(&dir.path().join(BEFORE)).unwrap();
    assert_eq!(kept, ["1.4", "1.5"]);
    // An older one whose own copy is gone takes none of a newer one; the state stays as it is.
    assert_eq!(settle(dir.path(), "1.1").unwrap(), None);
    assert!(dir.path().join("wanted.json").exists());
}

#[test]
fn a_damaged_note_leads_nowhere() {
    for text in [
        "",
        "{",
        "{\"program\":\"../../etc\"}",
        "{\"program\":\"9\",\"returning\":{\"to\":\"../x\",\"aside\":true}}",
    ] {
        let dir = by_older();
        fs::write(dir.path().join(FILE), text).unwrap();
        assert_eq!(settle(dir.path(), OLD).unwrap(), None, "{text}");
        check_older(dir.path());
    }
    let dir = by_older();
    assert!(settle(dir.path(), "../1").is_err());
}
