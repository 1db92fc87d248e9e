use std::collections::VecDeque;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::store::db::SCHEMA;

const SMALL: Bounds = Bounds {
    rows: 12,
    bytes: 400,
};

fn memory() -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch(SCHEMA).unwrap();
    conn
}

fn rows(conn: &Connection) -> Vec<Row> {
    let mut found = conn
        .prepare("SELECT seq, class, leaf, payload FROM outbox ORDER BY seq")
        .unwrap();
    let rows = found.query_map([], read).unwrap();
    rows.collect::<Answer<_>>().unwrap()
}

/// What the documentation says, by hand.
#[derive(Default)]
struct Model {
    rows: VecDeque<(u64, Class, usize)>,
    seq: u64,
    dropped: i64,
}

impl Model {
    fn beyond(&self) -> bool {
        let bytes: usize = self.rows.iter().map(|r| r.2).sum();
        self.rows.len() > 12 || bytes > 400
    }

    /// Whether it is taken.
    fn push(&mut self, class: Class, len: usize) -> bool {
        let alarms: Vec<usize> = self
            .rows
            .iter()
            .filter(|r| r.1 == Class::Alarm)
            .map(|r| r.2)
            .collect();
        if class == Class::Alarm && (alarms.len() == 12 || alarms.iter().sum::<usize>() + len > 400)
        {
            return false;
        }
        self.seq += 1;
        self.rows.push_back((self.seq, class, len));
        while self.beyond() {
            let oldest = |c: Class| self.rows.iter().position(|r| r.1 == c);
            let victim = oldest(Class::Telemetry).or_else(|| oldest(Class::Event));
            self.rows.remove(victim.expect("alarms alone fit"));
            self.dropped += 1;
        }
        true
    }
}

#[derive(Debug, Clone)]
enum Step {
    Push(Class, usize),
    /// The n-th row that waits was sent.
    Sent(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let class = prop_oneof![
        4 => Just(Class::Telemetry),
        3 => Just(Class::Event),
        2 => Just(Class::Alarm)
    ];
    let step = prop_oneof![
        5 => (class, 0usize..150).prop_map(|(c, len)| Step::Push(c, len)),
        1 => (0usize..12).prop_map(Step::Sent)
    ];
    prop::collection::vec(step, 0..80)
}

proptest! {
    #[test]
    fn the_outbox_keeps_exactly_what_its_documentation_says(steps in steps()) {
        let conn = memory();
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Push(class, len) => {
                    let taken = push(&conn, &SMALL, class, "evt/x", |_| vec![7; len]).unwrap();
                    prop_assert_eq!(taken.is_ok(), model.push(class, len));
                    if let Ok(seq) = taken {
                        prop_assert_eq!(seq, model.seq);
                    }
                }
                Step::Sent(n) => {
                    if let Some((seq, ..)) = model.rows.remove(n) {
                        conn.execute("DELETE FROM outbox WHERE seq = ?1", [seq.cast_signed()]).unwrap();
                    }
                }
            }
            let found: Vec<_> = rows(&conn).into_iter().map(|r| (r.seq, r.class, r.payload.len())).collect();
            prop_assert_eq!(&found, &model.rows.iter().copied().collect::<Vec<_>>());
            let sums = sums(&conn).unwrap();
            prop_assert_eq!(sums.dropped, model.dropped);
            prop_assert_eq!(sums.rows.cast_unsigned(), found.len() as u64);
        }
    }
}

#[tokio::test]
async fn the_bounds_of_a_box_are_those_that_are_documented() {
    let dir = tempfile::tempdir().unwrap();
    let (db, _) = Db::open(dir.path()).unwrap();
    db.outbox_push(Class::Alarm, "evt/alarm".into(), |_| b"first".to_vec())
        .await
        .unwrap();
    // In one job, as 10,000 commits would take long on a slow disk.
    db.run(Sync::Lazy, |conn| {
        for _ in 0..MAX_ROWS {
            push(conn, &BOUNDS, Class::Telemetry, "tel/sys", |_| {
                b"{}".to_vec()
            })?
            .unwrap();
        }
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(db.outbox_dropped().await.unwrap(), 1);
    let rows = db.outbox_next(0, 100_000).await.unwrap();
    assert_eq!(rows.len(), 10_000);
    assert_eq!((rows[0].class, rows[0].seq), (Class::Alarm, 1));
    assert_eq!((rows[1].class, rows[1].seq), (Class::Telemetry, 3));
    let big = vec![b'x'; MAX_PAYLOAD];
    for _ in 0..130 {
        let big = big.clone();
        db.outbox_push(Class::Event, "evt/big".into(), |_| big)
            .await
            .unwrap();
    }
    let (rows, bytes) = db
        .run(Sync::Lazy, |conn| sums(conn).map(|s| (s.rows, s.bytes)))
        .await
        .unwrap();
    // The alarm and 127 times 64 KiB: one more would be beyond 8 MiB.
    assert_eq!((rows, bytes), (128, 127 * 65_536 + 5));
    // One reading brings no more than about 1 MiB.
    assert_eq!(db.outbox_next(0, 1000).await.unwrap().len(), 17);
    let e = db
        .outbox_push(Class::Event, "evt/x".into(), |_| vec![0; MAX_PAYLOAD + 1])
        .await
        .unwrap_err();
    assert!(e.report().contains("evt/x is larger"), "{}", e.report());
}

#[tokio::test]
async fn numbers_rise_also_after_everything_is_sent_and_the_box_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let mut last = 0;
    for _ in 0..3 {
        let (db, warning) = Db::open(dir.path()).unwrap();
        assert_eq!(warning, None);
        for _ in 0..4 {
            let seq = db
                .outbox_push(Class::Event, "evt/live".into(), |seq| {
                    format!("{{\"seq\":{seq}}}").into_bytes()
                })
                .await
                .unwrap();
            assert_eq!(seq, last + 1);
            last = seq;
        }
        let rows = db.outbox_next(last - 2, 10).await.unwrap();
        let seqs: Vec<u64> = rows.iter().map(|r| r.seq).collect();
        assert_eq!(seqs, [last - 1, last]);
        assert_eq!(rows[1].payload, format!("{{\"seq\":{last}}}").into_bytes());
        assert_eq!(rows[1].leaf, "evt/live");
        for row in db.outbox_next(0, 10).await.unwrap() {
            db.outbox_sent(row.seq).await.unwrap();
        }
        assert!(db.outbox_next(0, 10).await.unwrap().is_empty());
        assert_eq!(db.outbox_dropped().await.unwrap(), 0);
        db.close(Duration::from_secs(10));
    }
}
