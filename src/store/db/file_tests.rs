use std::collections::BTreeMap;

use super::*;

fn names_in(dir: &Path) -> Vec<String> {
    let mut all: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    all.sort();
    all
}

/// Everything that makes up the schema, its text without blanks and remarks.
fn schema(conn: &Connection) -> BTreeMap<String, String> {
    let sql = "SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_schema";
    let mut found = conn.prepare(sql).unwrap();
    let rows = found.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)));
    rows.unwrap()
        .map(|row| {
            let (name, sql): (String, String) = row.unwrap();
            let plain: String = sql
                .lines()
                .map(|l| l.split("--").next().unwrap())
                .flat_map(str::split_whitespace)
                .collect();
            (name, plain)
        })
        .collect()
}

/// A database as the program of that version made it.
fn of_version(dir: &Path, version: usize) {
    let conn = Connection::open(dir.join(DATABASE)).unwrap();
    for step in &MIGRATIONS[..version] {
        conn.execute_batch(step).unwrap();
    }
    conn.pragma_update(None, "user_version", i64::try_from(version).unwrap())
        .unwrap();
    conn.execute("UPDATE counter SET value = 41", []).unwrap();
}

#[test]
fn an_upgraded_database_is_like_a_fresh_one_and_keeps_what_it_held() {
    let dir = tempfile::tempdir().unwrap();
    let (conn, warning) = open(dir.path()).unwrap();
    assert_eq!(warning, None);
    let fresh = schema(&conn);
    assert!(fresh.len() > 6, "{fresh:?}");
    for version in 1..=MIGRATIONS.len() {
        let dir = tempfile::tempdir().unwrap();
        of_version(dir.path(), version);
        let (conn, warning) = open(dir.path()).unwrap();
        assert_eq!(warning, None);
        assert_eq!(schema(&conn), fresh, "from version {version}");
        assert_eq!(next_session(&conn, dir.path()).unwrap(), 42);
    }
}

#[test]
fn a_new_database_is_for_its_owner_alone_durable_and_counts_its_starts() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    for session in 1..4 {
        let (conn, _) = open(dir.path()).unwrap();
        assert_eq!(next_session(&conn, dir.path()).unwrap(), session);
        let pragma = |name: &str| -> String {
            conn.query_row(
                &format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"),
                [],
                |row| row.get(0),
            )
            .unwrap()
        };
        assert_eq!(pragma("journal_mode"), "wal");
        assert_eq!(pragma("synchronous"), "2");
        assert_eq!(pragma("foreign_keys"), "1");
        for name in [DATABASE.to_owned(), format!("{DATABASE}-wal")] {
            let mode = fs::metadata(dir.path().join(&name))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }
}

#[test]
fn a_newer_database_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    of_version(dir.path(), MIGRATIONS.len());
    Connection::open(dir.path().join(DATABASE))
        .unwrap()
        .pragma_update(None, "user_version", 7)
        .unwrap();
    let before = fs::read(dir.path().join(DATABASE)).unwrap();
    let e = open(dir.path()).unwrap_err();
    assert_eq!(e.kind(), Kind::Unsupported);
    assert!(
        e.report().contains("newer boothcast (version 7;"),
        "{}",
        e.report()
    );
    assert_eq!(fs::read(dir.path().join(DATABASE)).unwrap(), before);
    assert_eq!(names_in(dir.path()), [DATABASE]);
}

type Damage = fn(&Path);

/// A database with a few pages of content.
fn filled(dir: &Path) {
    let (conn, _) = open(dir).unwrap();
    let sql = "INSERT INTO outbox (class, leaf, payload) VALUES (1, 'evt/x', zeroblob(3000))";
    for _ in 0..50 {
        conn.execute(sql, []).unwrap();
    }
    conn.close().unwrap();
}

#[test]
fn a_damaged_database_is_moved_aside_and_a_new_one_made() {
    let damages: [(&str, Damage); 6] = [
        ("no database at all", |p| {
            fs::write(p, vec![b'x'; 5000]).unwrap();
        }),
        ("cut off", |p| {
            let bytes = fs::read(p).unwrap();
            fs::write(p, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("pages overwritten", |p| {
            let mut bytes = fs::read(p).unwrap();
            let middle = bytes.len() / 2 / 4096 * 4096;
            bytes[middle..middle + 8192].fill(0xA5);
            fs::write(p, bytes).unwrap();
        }),
        ("a folder", |p| {
            fs::remove_file(p).unwrap();
            fs::create_dir(p).unwrap();
        }),
        ("of another program", |p| {
            fs::remove_file(p).unwrap();
            let conn = Connection::open(p).unwrap();
            conn.execute_batch("CREATE TABLE theirs (x)").unwrap();
        }),
        ("a table is missing", |p| {
            let conn = Connection::open(p).unwrap();
            conn.execute_batch("DROP TABLE journal").unwrap();
        }),
    ];
    for (what, damage) in damages {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path());
        damage(&dir.path().join(DATABASE));
        let (conn, warning) = open(dir.path()).unwrap();
        let warning = warning.unwrap_or_else(|| panic!("{what}: no warning"));
        assert!(
            warning.contains("boothcast.db.broken-1") && warning.lines().count() == 1,
            "{what}: {warning}"
        );
        assert!(dir.path().join("boothcast.db.broken-1").exists(), "{what}");
        let rows: i64 = conn
            .query_row("SELECT count(*) FROM outbox", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 0, "{what}");
        drop(conn);
        assert_eq!(open(dir.path()).unwrap().1, None, "{what}");
    }
}

#[test]
fn the_last_two_damaged_databases_are_kept_and_their_logs_are_not() {
    let dir = tempfile::tempdir().unwrap();
    for n in 1..=4 {
        fs::write(dir.path().join(DATABASE), format!("damage {n}")).unwrap();
        fs::write(dir.path().join(format!("{DATABASE}-wal")), "log").unwrap();
        let (_, warning) = open(dir.path()).unwrap();
        assert!(warning.unwrap().contains(&format!("broken-{n}")));
    }
    let aside: Vec<String> = names_in(dir.path())
        .into_iter()
        .filter(|n| n.contains("broken"))
        .collect();
    let expected = ["broken-3", "broken-4"].map(|n| format!("{DATABASE}.{n}"));
    assert_eq!(aside, expected);
    assert_eq!(
        fs::read_to_string(dir.path().join("boothcast.db.broken-4")).unwrap(),
        "damage 4"
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    for bad in ["/proc/boothcast", "/proc/self"] {
        let e = open(Path::new(bad)).unwrap_err();
        let report = e.report();
        assert!(report.contains("boothcast.db cannot be opened"), "{report}");
        assert!(report.contains("Check the permissions"), "{report}");
    }
}
