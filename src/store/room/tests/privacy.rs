//! One viewer's data: given out, and erased to the last byte.

use super::*;
use crate::store::db::DATABASE;
use crate::store::outbox::Class;

/// All bytes of the state folder.
fn raw(dir: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        all.extend(if path.is_dir() {
            raw(&path)
        } else {
            std::fs::read(path).unwrap()
        });
    }
    all
}

/// What stands around a text that should not be there.
fn around(bytes: &[u8], text: &str) -> String {
    let mut at = bytes
        .windows(text.len())
        .enumerate()
        .filter(|(_, w)| *w == text.as_bytes());
    let (first, more) = (at.next().unwrap().0, at.count());
    let part = &bytes[first.saturating_sub(80)..(first + 80).min(bytes.len())];
    format!("{text} at {first} and {more} more: {}", part.escape_ascii())
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|w| w == text.as_bytes())
}

const HERS: [&str; 3] = ["secret", "addr-of-ann", "nonce-Ann"];

#[tokio::test]
async fn an_export_has_all_of_one_viewer_and_nothing_of_others() {
    let dir = tempfile::tempdir().unwrap();
    let (db, _) = told(dir.path()).await;
    let ann = db.export_viewer(1).await.unwrap().unwrap();
    assert_eq!(ann["viewer"]["name"], "Anna-secret");
    assert_eq!(ann["viewer"]["addr"], "addr-of-ann");
    for (what, n) in [
        ("messages", 2),
        ("votes", 1),
        ("questions", 1),
        ("upvotes", 1),
        ("gifts", 1),
        ("clicks", 1),
        ("orders", 1),
        ("draws", 1),
        ("presence", 1),
        ("moderated", 3),
        ("events", 16),
    ] {
        assert_eq!(ann[what].as_array().unwrap().len(), n, "{what}: {ann:#}");
    }
    assert_eq!(ann["draws"][0]["won"], 1);
    let bob = db.export_viewer(2).await.unwrap().unwrap().to_string();
    let cy = db.export_viewer(3).await.unwrap().unwrap().to_string();
    for text in HERS {
        assert!(has(ann.to_string().as_bytes(), text), "{text}");
        assert!(
            !has(bob.as_bytes(), text) && !has(cy.as_bytes(), text),
            "{text}"
        );
    }
    assert!(has(bob.as_bytes(), "addr-of-bob") && !has(cy.as_bytes(), "Bob"));
    assert!(!has(ann.to_string().as_bytes(), "Bob"));
    for nobody in [0, 4, u64::MAX] {
        assert_eq!(db.export_viewer(nobody).await.unwrap(), None);
        assert!(!db.erase_viewer(nobody).await.unwrap());
    }
}

#[tokio::test]
async fn after_an_erasure_no_byte_is_left_and_counts_are_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (db, all) = told(dir.path()).await;
    // Enough that pages are split and merged, with others in between.
    let mut facts = Vec::new();
    for n in 10..3000_u64 {
        let (viewer, name) = if n % 3 == 0 {
            (1, "Ann-secret")
        } else {
            (2, "Bob")
        };
        let text = "more secret ".repeat(usize::try_from(n * 37 % 40).unwrap());
        facts.push(match n % 4 {
            0 if viewer == 1 => (viewer, gave(name, &format!("secret{n}"), 1, 1, None)),
            1 if viewer == 1 => (
                viewer,
                Fact::Asked {
                    question: n,
                    name: s(name),
                    text,
                    origin: None,
                },
            ),
            _ if viewer == 1 => (viewer, said(n, name, &text, LineState::Shown)),
            _ => (viewer, said(n, name, "hi", LineState::Shown)),
        });
    }
    let more = events(facts, 500, NOW, 1);
    for batch in more.chunks(100) {
        db.room_save(batch.to_vec(), true).await.unwrap();
    }
    for payload in [
        r#"{"viewer":1,"text":"secret"}"#,
        r#"{"who":[{"viewer":1,"name":"secret"}]}"#,
        r#"{"viewer":2}"#,
        "{}",
    ] {
        let push = db.outbox_push(Class::Event, s("room/x"), move |_| payload.into());
        push.await.unwrap();
    }
    std::fs::write(
        dir.path().join(format!("{DATABASE}.broken-1")),
        "an old secret",
    )
    .unwrap();
    // What versions keep for the way back: a copy as it is, and one that is no database.
    db.settle_log().await.unwrap();
    let copies = ["before/0.0.1", "after/9.9.9"].map(|copy| dir.path().join(copy));
    for copy in &copies {
        std::fs::create_dir_all(copy).unwrap();
        std::fs::copy(dir.path().join(DATABASE), copy.join(DATABASE)).unwrap();
    }
    std::fs::write(copies[1].join(DATABASE), "a secret in ruins").unwrap();
    assert!(has(&raw(dir.path()), "secret"));
    let before = db.show_row(1).await.unwrap().unwrap();

    assert!(db.erase_viewer(1).await.unwrap());
    for table in [
        "event",
        "message",
        "question",
        "gift",
        "viewer",
        "shop_order",
        "draw",
        "outbox",
    ] {
        let dump = db.run(Sync::Lazy, move |conn| {
            let mut found = conn.prepare(&format!("SELECT * FROM {table}"))?;
            let n = found.column_count();
            let rows = found.query_map([], |row| {
                (0..n)
                    .map(|i| Ok(format!("{:?}", row.get_ref(i)?)))
                    .collect::<Answer<String>>()
            })?;
            rows.collect::<Answer<String>>()
        });
        let dump = dump.await.unwrap();
        assert!(HERS.iter().all(|text| !dump.contains(text)), "{table}");
    }
    // What others say meanwhile comes in between.
    let between = events(
        vec![(2, said(5000, "Bob", "between", LineState::Shown))],
        5000,
        NOW,
        1,
    );
    db.room_save(between.clone(), false).await.unwrap();
    assert!(db.erase_sweep().await.unwrap());
    assert!(!db.erase_sweep().await.unwrap());
    let left = raw(dir.path());
    for text in HERS {
        assert!(!has(&left, text), "{}", around(&left, text));
    }
    assert!(
        has(&raw(&copies[0]), "addr-of-bob"),
        "others stay in the copy"
    );
    assert!(!copies[1].join(DATABASE).exists());
    let (mut kept, _) = db.room_load().await.unwrap();
    assert_eq!(kept.pop().as_ref(), between.first());
    assert_eq!(kept.len(), all.len() + more.len());
    for (old, new) in all.iter().chain(&more).zip(&kept) {
        let same = (old.seq, old.at_ms, old.viewer, old.fact.kind());
        assert_eq!(same, (new.seq, new.at_ms, new.viewer, new.fact.kind()));
        if old.viewer != 1 && old.fact.kind() != "draw-done" {
            assert_eq!(old, new);
        }
    }
    let mut after = db.show_row(1).await.unwrap().unwrap();
    assert_eq!(
        after.sums.insert(s("lines"), before.sums["lines"]),
        Some(before.sums["lines"] + 1)
    );
    assert_eq!(after, before);
    assert_eq!(
        texts(
            &db,
            "SELECT name, addr, erased FROM viewer WHERE viewer = 1"
        )
        .await,
        ["erased||1"]
    );
    // The words of a combo are still the same in the events and in the table.
    assert_eq!(
        texts(&db, "SELECT DISTINCT data ->> 'combo' FROM event WHERE seq < 500 AND viewer = 1 AND kind = 'gave'").await,
        texts(&db, "SELECT combo FROM gift WHERE viewer = 1 AND count = 5").await
    );
    assert_eq!(number(&db, "SELECT count(*) FROM outbox").await, 2);
    assert_eq!(number(&db, "SELECT count(*) FROM erasure").await, 0);
    // Again: nothing more to do.
    assert!(db.erase_viewer(1).await.unwrap());
    assert!(db.erase_sweep().await.unwrap());
    kept.extend(between);
    assert_eq!(db.room_load().await.unwrap().0, kept);
    // Numbers are found as before, and events are still added at the end only.
    db.room_save(events(vec![(2, Fact::Joined)], 5000, NOW, 1), false)
        .await
        .unwrap_err();
}

#[tokio::test]
async fn an_erasure_that_was_broken_off_is_ended_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let (db, _) = told(dir.path()).await;
    assert_eq!(db.erase_unfinished().await.unwrap(), 0);
    // As a crash leaves it: noted, and half of the events done.
    db.run(Sync::Full, |conn| {
        conn.execute("INSERT INTO erasure (viewer, done_seq) VALUES (1, 11)", [])
    })
    .await
    .unwrap();
    drop(db);
    let db = open(dir.path());
    assert_eq!(
        db.export_viewer(1).await.unwrap().unwrap()["being_erased"],
        true
    );
    assert_eq!(db.erase_unfinished().await.unwrap(), 1);
    assert_eq!(db.erase_unfinished().await.unwrap(), 0);
    let (kept, _) = db.room_load().await.unwrap();
    for event in kept.iter().filter(|e| e.seq > 11) {
        assert!(
            !serde_json::to_string(event).unwrap().contains("secret"),
            "{event:?}"
        );
    }
    assert_eq!(
        number(
            &db,
            "SELECT count(*) FROM message WHERE text LIKE '%secret%'"
        )
        .await,
        0
    );
}

#[tokio::test]
async fn a_factory_reset_leaves_nothing_of_the_room() {
    let dir = tempfile::tempdir().unwrap();
    let (db, _) = told(dir.path()).await;
    db.close(std::time::Duration::from_secs(10));
    crate::store::forget::forget(dir.path()).unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
