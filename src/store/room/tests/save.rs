//! What is saved comes back, once.

use super::*;
use std::time::{Duration, Instant};

#[tokio::test]
async fn every_fact_comes_back_as_it_was_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (db, all) = told(dir.path()).await;
    let highest = HighestRow {
        seq: all.len() as u64,
        show: 1,
        viewer: 3,
        line: 3,
        poll: 1,
        question: 1,
        product: 2,
        pin: 2,
        draw: 1,
        act: 9,
    };
    assert_eq!(db.room_load().await.unwrap(), (all.clone(), highest));
    db.close(Duration::from_secs(10));
    let db = open(dir.path());
    assert_eq!(db.room_load().await.unwrap(), (all.clone(), highest));
    assert_eq!(db.show_events(1).await.unwrap(), all);
    assert_eq!(db.show_events(2).await.unwrap(), []);
    let page = db.events_page(1, 10, 5).await.unwrap();
    assert_eq!(page, all[10..15]);
    assert_eq!(db.events_page(1, 1000, 5).await.unwrap(), []);
}

#[tokio::test]
async fn an_event_is_there_once_and_a_batch_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let (db, all) = told(dir.path()).await;
    let last = all.len() as u64;
    let liked = |seq: u64| events(vec![(2, Fact::Liked { n: 1 })], seq, NOW, 1);
    for bad in [
        all.clone(),
        liked(last),
        liked(1),
        [liked(last + 1), liked(last + 1)].concat(),
        [liked(last + 1), liked(last + 2), liked(3)].concat(),
    ] {
        db.room_save(bad, false).await.unwrap_err();
        assert_eq!(db.room_load().await.unwrap().0, all);
        assert_eq!(
            number(&db, "SELECT n FROM show_sum WHERE what = 'likes'").await,
            7
        );
        assert_eq!(number(&db, "SELECT count(*) FROM message").await, 3);
    }
    db.room_save(liked(last + 1), true).await.unwrap();
    db.room_save(vec![], true).await.unwrap();
    assert_eq!(
        number(&db, "SELECT n FROM show_sum WHERE what = 'likes'").await,
        8
    );
}

#[tokio::test]
async fn events_are_never_changed_and_never_taken_away() {
    let dir = tempfile::tempdir().unwrap();
    let (db, all) = told(dir.path()).await;
    for sql in [
        "UPDATE event SET data = '{}'",
        "UPDATE event SET seq = seq + 1000 WHERE seq = 5",
        "DELETE FROM event",
        "DELETE FROM event WHERE seq = 1",
        "REPLACE INTO event (seq, at_ms, show, viewer, kind, data) VALUES (1, 1, 1, 1, 'x', '{}')",
        "INSERT INTO event (seq, at_ms, show, viewer, kind, data) VALUES (999, 1, 1, 1, 'x', 'no json')",
        "INSERT INTO event_gate (one) VALUES (2)",
    ] {
        let tried = db.run(Sync::Full, move |conn| conn.execute(sql, [])).await;
        assert!(tried.is_err(), "{sql}");
    }
    assert_eq!(db.room_load().await.unwrap().0, all);
    assert_eq!(number(&db, "SELECT count(*) FROM event_gate").await, 0);
}

#[tokio::test]
async fn an_event_of_a_newer_version_is_left_out_and_the_rest_comes() {
    let dir = tempfile::tempdir().unwrap();
    let (db, all) = told(dir.path()).await;
    db.run(Sync::Full, |conn| {
        let sql = "INSERT INTO event (seq, at_ms, show, viewer, kind, data) VALUES (500, 1, 1, 1, 'dreamt', '{\"kind\":\"dreamt\"}')";
        conn.execute(sql, [])
    })
    .await
    .unwrap();
    assert_eq!(db.room_load().await.unwrap().0, all);
}

/// Not a bound, a look: prints how long it takes.
#[tokio::test]
async fn a_hundred_thousand_events_are_loaded_in_no_time() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let many = if cfg!(debug_assertions) {
        10_000
    } else {
        100_000
    };
    let mut facts = vec![(1, came("Ann", "a")), (2, came("Bob", "b"))];
    facts.extend((1..many).map(|n| match n % 3 {
        0 => (1, Fact::Liked { n: 3 }),
        1 => (
            2,
            Fact::Voted {
                poll: 1,
                choice: 1,
                instead_of: Some(0),
            },
        ),
        _ => (
            1,
            said(
                n,
                "Ann",
                "a line of about this length, as people write them",
                LineState::Shown,
            ),
        ),
    }));
    let all = events(facts, 1, NOW, 1);
    let begun = Instant::now();
    for batch in all.chunks(256) {
        db.room_save(batch.to_vec(), true).await.unwrap();
    }
    let saved = begun.elapsed();
    let begun = Instant::now();
    let (loaded, _) = db.room_load().await.unwrap();
    eprintln!(
        "{many} events: saved in {saved:?}, loaded in {:?}",
        begun.elapsed()
    );
    assert_eq!(loaded.len(), all.len());
}
