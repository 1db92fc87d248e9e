use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use rand::{RngExt, rng};

use super::*;
use crate::store::journal::{Begun, Entry};
use crate::store::outbox::Class;

fn open(dir: &Path) -> Db {
    let (db, warning) = Db::open(dir).unwrap();
    assert_eq!(warning, None);
    db
}

fn event(db: &Db) -> impl Future<Output = Result<u64>> + Send + use<'_> {
    db.outbox_push(Class::Event, "evt/x".into(), |_| vec![0; 500])
}

async fn count(db: &Db) -> i64 {
    db.run(Sync::Lazy, |conn| {
        conn.query_row("SELECT count(*) FROM outbox", [], |row| row.get(0))
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_fails_undoes_itself_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    // Holds the thread, so that all that follows shares one transaction.
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let held = tokio::spawn({
        let db = db.clone();
        async move { db.run(Sync::Lazy, move |_| Ok(wait.recv().is_ok())).await }
    });
    let mut tasks = Vec::new();
    for n in 0..20 {
        let db = db.clone();
        tasks.push(tokio::spawn(async move {
            db.run(Sync::Full, move |conn| {
                let sql = "INSERT INTO outbox (class, leaf, payload) VALUES (1, ?1, x'')";
                conn.execute(sql, [format!("evt/{n}")])?;
                match n % 4 {
                    0 => conn
                        .execute(
                            "INSERT INTO outbox (class, leaf, payload) VALUES (9, '', x'')",
                            [],
                        )
                        .map(drop),
                    1 => panic!("on purpose"),
                    _ => Ok(()),
                }
            })
            .await
        }));
    }
    go.send(()).unwrap();
    assert!(held.await.unwrap().unwrap());
    let mut well = 0;
    for (n, task) in tasks.into_iter().enumerate() {
        let said = task.await.unwrap();
        match n % 4 {
            0 => assert!(
                said.unwrap_err()
                    .report()
                    .contains("CHECK constraint failed")
            ),
            1 => assert_eq!(said.unwrap_err().kind(), Kind::Internal),
            _ => {
                said.unwrap();
                well += 1;
            }
        }
    }
    assert_eq!((well, count(&db).await), (10, 10));
}

#[tokio::test]
async fn without_room_jobs_fail_with_the_mend_and_go_on_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let pages = |n: i64| {
        let db = db.clone();
        async move {
            db.run(Sync::Lazy, move |conn| {
                conn.query_row(&format!("PRAGMA max_page_count = {n}"), [], |row| {
                    row.get::<_, i64>(0)
                })
            })
            .await
            .unwrap()
        }
    };
    let now = pages(1).await;
    pages(now + 3).await;
    let mut stored = 0;
    let e = loop {
        match event(&db).await {
            Ok(_) => stored += 1,
            Err(e) => break e,
        }
        assert!(stored < 1000, "SQLite knows no bound");
    };
    assert!(
        e.report().contains("Make room on the disk."),
        "{}",
        e.report()
    );
    assert!(e.report().contains("boothcast.db"), "{}", e.report());
    assert!(stored > 3);
    // What was answered is there, what was refused is not; reading goes on.
    assert_eq!(count(&db).await, stored);
    pages(1_000_000).await;
    event(&db).await.unwrap();
    assert_eq!(count(&db).await, stored + 1);
}

#[tokio::test]
async fn a_disk_that_became_read_only_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let only_read = |on: bool| {
        let db = db.clone();
        async move {
            let job = move |conn: &Connection| conn.pragma_update(None, "query_only", on);
            db.run(Sync::Lazy, job).await.unwrap();
        }
    };
    only_read(true).await;
    let e = event(&db).await.unwrap_err();
    assert_eq!(e.kind(), Kind::Permission);
    assert!(e.report().contains("not read-only"), "{}", e.report());
    only_read(false).await;
    event(&db).await.unwrap();
}

#[tokio::test]
async fn damage_that_shows_later_makes_a_new_database() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    event(&db).await.unwrap();
    let damaged = db.run(Sync::Full, |_| -> Answer<()> {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        Err(rusqlite::Error::SqliteFailure(code, None))
    });
    assert_eq!(damaged.await.unwrap_err().kind(), Kind::Corrupt);
    // The file itself was whole, so it is opened again and holds what it held.
    assert_eq!(count(&db).await, 1);
    let path = dir.path().join(DATABASE);
    let _ = std::fs::remove_file(dir.path().join("boothcast.db-wal"));
    std::fs::write(&path, vec![b'x'; 9000]).unwrap();
    let mut failures = 0;
    while let Err(e) = event(&db).await {
        failures += 1;
        assert!(failures < 3, "{}", e.report());
    }
    assert!(dir.path().join("boothcast.db.broken-1").exists());
    assert_eq!(count(&db).await, 1);
}

#[tokio::test]
async fn after_the_end_jobs_are_refused_and_what_came_before_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let session = db.session();
    for _ in 0..5 {
        event(&db).await.unwrap();
    }
    db.close(Duration::from_secs(10));
    assert!(
        !dir.path().join("boothcast.db-wal").exists(),
        "closed in order"
    );
    let e = event(&db).await.unwrap_err();
    assert!(e.report().contains("shutting down"), "{}", e.report());
    db.close(Duration::ZERO);
    let db = open(dir.path());
    assert_eq!(db.session(), session + 1);
    assert_eq!(count(&db).await, 5);
}

/// The child: commands and events, each told on standard output once it is acknowledged, until it is killed.
fn work_for_ever(dir: &Path) -> ! {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let (db, warning) = Db::open(dir).unwrap();
    assert_eq!(warning, None);
    runtime.block_on(async {
        // A line in one write, so that no kill leaves half of one.
        let say = |line: String| std::io::stderr().write_all(line.as_bytes()).unwrap();
        for n in 0u64.. {
            let id = format!("{}-{n}", std::process::id());
            let entry = Entry {
                id: id.clone(),
                hash: [3; 32],
                name: "identify".into(),
                reply_to: "x".into(),
                correlation: None,
            };
            assert_eq!(db.journal_begin(entry).await.unwrap(), Begun::New);
            say(format!("begun {id}\n"));
            let seq = event(&db).await.unwrap();
            say(format!("event {seq}\n"));
            db.journal_finish(id.clone(), id.clone().into_bytes())
                .await
                .unwrap();
            say(format!("answered {id}\n"));
        }
    });
    unreachable!()
}

#[test]
fn killed_at_any_moment_nothing_acknowledged_is_lost() {
    const ROLE: &str = "BOOTHCAST_TEST_DB";
    if let Some(dir) = std::env::var_os(ROLE) {
        work_for_ever(Path::new(&dir));
    }
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let (mut begun, mut answered, mut events) = (HashSet::new(), HashSet::new(), HashSet::new());
    let (mut in_the_midst, mut total) = (0, 0);
    for _ in 0..15 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "store::db::tests::killed_at_any_moment_nothing_acknowledged_is_lost",
                "--nocapture",
            ])
            .env(ROLE, dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut take = |line: String| {
            let (what, which) = line.split_once(' ').unwrap();
            match what {
                "begun" => assert!(begun.insert(which.to_owned())),
                "answered" => assert!(answered.insert(which.to_owned())),
                // Numbers never come twice, whoever writes.
                "event" => assert!(events.insert(which.parse::<u64>().unwrap()), "{which}"),
                _ => panic!("{line}"),
            }
        };
        // Killed only once it has done a few whole rounds, at a moment drawn by chance.
        for _ in 0..rng().random_range(4..30) {
            take(lines.next().unwrap().unwrap());
        }
        std::thread::sleep(Duration::from_micros(rng().random_range(0..5_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        lines.for_each(|line| take(line.unwrap()));

        let db = open(dir.path());
        let unsent = runtime
            .block_on(db.journal_recover(|id| format!("i-{id}").into_bytes()))
            .unwrap();
        let known: HashSet<String> = unsent.iter().map(|u| u.entry.id.clone()).collect();
        assert!(begun.is_subset(&known), "a command that began is forgotten");
        total += answered.len();
        for unsent in unsent {
            let id = &unsent.entry.id;
            let well = unsent.answer == id.as_bytes();
            assert!(well || unsent.answer == format!("i-{id}").as_bytes());
            assert!(well || !answered.contains(id), "an answer is forgotten");
            in_the_midst += usize::from(!well);
            runtime.block_on(db.journal_sent(id.clone())).unwrap();
        }
        let rows = runtime.block_on(db.outbox_next(0, 100_000)).unwrap();
        let there: HashSet<u64> = rows.iter().map(|r| r.seq).collect();
        assert!(events.is_subset(&there), "an event is forgotten");
        db.close(Duration::from_secs(10));
        begun.clear();
        answered.clear();
    }
    // Otherwise nothing was shown.
    assert!(in_the_midst > 0, "no kill came between begin and answer");
    assert!(total >= 15, "{total}");
}
