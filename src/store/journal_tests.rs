use std::time::Duration;

use super::*;

fn entry(id: &str, content: u8) -> Entry {
    Entry {
        id: id.into(),
        hash: [content; 32],
        name: "live/start".into(),
        reply_to: "a/rsp".into(),
        correlation: Some(vec![0, 255, content]),
    }
}

fn interrupted(id: &str) -> Vec<u8> {
    format!("{id} interrupted").into_bytes()
}

fn open(dir: &tempfile::TempDir) -> Db {
    let (db, warning) = Db::open(dir.path()).unwrap();
    assert_eq!(warning, None);
    db
}

async fn count(db: &Db) -> i64 {
    db.run(Sync::Lazy, |conn| {
        conn.query_row("SELECT count(*) FROM journal", [], |row| row.get(0))
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn a_command_begins_once_and_its_answer_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir);
    assert_eq!(db.journal_begin(entry("1", 1)).await.unwrap(), Begun::New);
    assert_eq!(
        db.journal_begin(entry("1", 1)).await.unwrap(),
        Begun::Running
    );
    assert_eq!(
        db.journal_begin(entry("1", 2)).await.unwrap(),
        Begun::OtherContent
    );
    db.journal_finish("1".into(), b"done".to_vec())
        .await
        .unwrap();
    // The first answer is the answer.
    db.journal_finish("1".into(), b"again".to_vec())
        .await
        .unwrap();
    for _ in 0..2 {
        let begun = db.journal_begin(entry("1", 1)).await.unwrap();
        assert_eq!(begun, Begun::Answered(b"done".to_vec()));
        assert_eq!(
            db.journal_begin(entry("1", 2)).await.unwrap(),
            Begun::OtherContent
        );
        db.journal_sent("1".into()).await.unwrap();
    }
    let several = vec![entry("2", 1), entry("1", 1), entry("2", 1), entry("2", 9)];
    assert_eq!(
        db.journal_begin_all(several).await.unwrap(),
        [
            Begun::New,
            Begun::Answered(b"done".to_vec()),
            Begun::Running,
            Begun::OtherContent
        ]
    );
}

#[tokio::test]
async fn after_a_start_what_had_begun_is_interrupted_and_what_was_not_sent_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir);
    for id in ["ran", "runs", "told"] {
        db.journal_begin(entry(id, 1)).await.unwrap();
    }
    for id in ["ran", "told"] {
        db.journal_finish(id.into(), id.as_bytes().to_vec())
            .await
            .unwrap();
    }
    db.journal_sent("told".into()).await.unwrap();
    // Not before it has an answer.
    db.journal_sent("runs".into()).await.unwrap();
    db.close(Duration::from_secs(10));

    let db = open(&dir);
    for _ in 0..2 {
        let unsent = db.journal_recover(interrupted).await.unwrap();
        let expected = [("ran", "ran"), ("runs", "runs interrupted")];
        assert_eq!(unsent.len(), 2);
        for (unsent, (id, answer)) in unsent.iter().zip(expected) {
            assert_eq!(unsent.entry, entry(id, 1));
            assert_eq!(unsent.answer, answer.as_bytes());
        }
    }
    let begun = db.journal_begin(entry("runs", 1)).await.unwrap();
    assert_eq!(begun, Begun::Answered(b"runs interrupted".to_vec()));
    for id in ["ran", "runs"] {
        db.journal_sent(id.into()).await.unwrap();
    }
    assert!(db.journal_recover(interrupted).await.unwrap().is_empty());
}

/// Fills the journal with `n` answered commands of this age.
async fn fill(db: &Db, n: i64, age_s: i64) {
    db.run(Sync::Lazy, move |conn| {
        let sql = "INSERT INTO journal (id, hash, name, reply_to, begun_s, answer, sent)
                   SELECT 'old-' || n, zeroblob(32), 'x', 'x', ?2, 'a', 1 FROM
                   (WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ?1) SELECT n FROM c)";
        conn.execute(sql.replace("'a'", "x'61'").as_str(), params![n, now_s() - age_s])
            .map(drop)
    })
    .await
    .unwrap();
}

async fn begin_many(db: &Db, n: usize) {
    let many = (0..n).map(|n| entry(&format!("new-{n}"), 1)).collect();
    db.journal_begin_all(many).await.unwrap();
}

#[tokio::test]
async fn the_journal_forgets_by_number() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir);
    db.journal_begin(entry("runs", 1)).await.unwrap();
    fill(&db, 25_000, 0).await;
    begin_many(&db, 64).await;
    let left = count(&db).await;
    assert!((20_001..=20_065).contains(&left), "{left}");
    // The one that runs is the oldest of all, and stays.
    assert_eq!(
        db.journal_begin(entry("runs", 1)).await.unwrap(),
        Begun::Running
    );
}

#[tokio::test]
async fn the_journal_forgets_by_age_but_never_the_newest() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir);
    fill(&db, 3000, KEPT.1 - 3600).await;
    begin_many(&db, 64).await;
    assert_eq!(count(&db).await, 3064);
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir);
    fill(&db, 3000, KEPT.1 + 60).await;
    begin_many(&db, 128).await;
    let left = count(&db).await;
    assert!((1000..=1064).contains(&left), "{left}");
}
