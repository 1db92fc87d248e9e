//! What is old goes; numbers, sums and what still stands stay.

use super::*;

#[tokio::test]
async fn what_is_old_goes_and_numbers_sums_and_what_stands_stay() {
    let dir = tempfile::tempdir().unwrap();
    let (db, all) = told(dir.path()).await;
    let (_, highest) = db.room_load().await.unwrap();
    let before = db.show_row(1).await.unwrap().unwrap();
    // A second show, of which Bob was part; 40 days later only that is kept.
    let later = NOW + 40 * DAY;
    let young = events(
        vec![
            (0, Fact::ShowBegun { title: s("Second") }),
            (2, said(9, "Bob", "again", LineState::Shown)),
            (0, Fact::ShowEnded),
        ],
        500,
        later - DAY,
        2,
    );
    db.room_save(young.clone(), false).await.unwrap();

    assert_eq!(db.retention(later, 0).await.unwrap(), Retained::default());
    assert_eq!(db.retention(later, 50).await.unwrap(), Retained::default());
    assert_eq!(db.room_load().await.unwrap().0.len(), all.len() + 3);

    let gone = db.retention(later, 30).await.unwrap();
    assert_eq!(gone.viewers, 2, "Ann and Cy");
    let (kept, now) = db.room_load().await.unwrap();
    assert_eq!(gone.events as usize + kept.len(), all.len() + 3);
    assert_eq!(
        now,
        HighestRow {
            seq: 502,
            show: 2,
            line: 9,
            ..highest
        }
    );
    let (old, new): (Vec<_>, Vec<_>) = kept.into_iter().partition(|e| e.seq < 500);
    assert_eq!(new, young);
    let kinds: Vec<&str> = old.iter().map(|e| e.fact.kind()).collect();
    // The words, the hat, Bob, the pin of the hat, the announcement, slow mode, danmaku, panic.
    let expected = [
        "moderated",
        "product-set",
        "came",
        "pinned",
        "announced",
        "moderated",
        "moderated",
        "moderated",
    ];
    assert_eq!(kinds, expected);
    assert!(matches!(&old[1].fact, Fact::ProductSet { product: 2, .. }));
    assert_eq!(old[2].viewer, 2);

    let shows = db.shows().await.unwrap();
    assert_eq!(
        shows
            .iter()
            .map(|s| (s.show, s.expired))
            .collect::<Vec<_>>(),
        [(2, false), (1, true)]
    );
    assert_eq!(
        shows[1],
        ShowRow {
            expired: true,
            ..before
        }
    );
    for (sql, n) in [
        ("SELECT count(*) FROM message", 1),
        ("SELECT count(*) FROM poll", 0),
        ("SELECT count(*) FROM vote", 0),
        ("SELECT count(*) FROM question", 0),
        ("SELECT count(*) FROM upvote", 0),
        ("SELECT count(*) FROM gift", 0),
        ("SELECT count(*) FROM product", 1),
        ("SELECT count(*) FROM pin", 1),
        ("SELECT count(*) FROM click", 0),
        ("SELECT count(*) FROM shop_order", 0),
        ("SELECT count(*) FROM draw", 0),
        ("SELECT count(*) FROM draw_entry", 0),
        ("SELECT count(*) FROM presence", 0),
        ("SELECT count(*) FROM audit", 0),
        ("SELECT count(*) FROM viewer", 1),
        ("SELECT count(*) FROM event_gate", 0),
    ] {
        assert_eq!(number(&db, sql).await, n, "{sql}");
    }
    assert_eq!(db.export_viewer(1).await.unwrap(), None);
    // Nothing more to do.
    assert_eq!(db.retention(later, 30).await.unwrap(), Retained::default());
    // Of what went no byte is left.
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|w| w == b"secret"));
    }
}

#[tokio::test]
async fn a_clock_that_jumps_takes_nothing_that_is_young() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let like = |seq, at_ms| events(vec![(0, Fact::Liked { n: 1 })], seq, at_ms, 0);
    let old = NOW - 40 * DAY;
    // Unset, old, far ahead by mistake, old, young, unset again, last month's, young.
    for (seq, at_ms) in [
        (1, 5000),
        (2, old),
        (3, NOW + 4000 * DAY),
        (4, old),
        (5, 6000),
        (6, NOW - DAY),
        (7, 7000),
        (8, old),
        (9, NOW),
    ] {
        db.room_save(like(seq, at_ms), true).await.unwrap();
    }
    assert_eq!(db.retention(NOW, 30).await.unwrap().events, 4);
    let kept: Vec<u64> = db
        .room_load()
        .await
        .unwrap()
        .0
        .iter()
        .map(|e| e.seq)
        .collect();
    assert_eq!(kept, [5, 6, 7, 8, 9]);
}

#[tokio::test]
async fn retention_lets_others_in_between() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let lines = (1..4000).map(|n| (0, said(n, "x", "old", LineState::Shown)));
    let old = events(lines.collect(), 1, NOW, 1);
    db.room_save(old, true).await.unwrap();
    db.room_save(
        events(vec![(0, Fact::Liked { n: 1 })], 5000, NOW + 60 * DAY, 2),
        true,
    )
    .await
    .unwrap();
    let (gone, longest) = tokio::join!(db.retention(NOW + 60 * DAY, 30), async {
        let mut longest = std::time::Duration::ZERO;
        for _ in 0..50 {
            let begun = std::time::Instant::now();
            number(&db, "SELECT count(*) FROM erasure").await;
            longest = longest.max(begun.elapsed());
        }
        longest
    });
    assert_eq!(gone.unwrap().events, 3999);
    eprintln!("longest wait beside retention: {longest:?}");
    // Generous: the machine of the tests does other things, too.
    assert!(longest < std::time::Duration::from_secs(1), "{longest:?}");
}
