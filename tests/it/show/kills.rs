//! SIGKILL at random points while people talk, vote and buy: what was acknowledged is there afterwards, once.
//! `KILLS` says how often (3; `make web-kills`: 50).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use boothcast::room::live::event::{Event, Fact};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};

use super::Show;
use crate::support::visitor::Visitor;

/// People in the room.
const PEOPLE: usize = 6;

/// What was acknowledged.
#[derive(Default)]
struct Acknowledged {
    lines: BTreeMap<u64, String>,
    /// Voter to choice, the last one that was acknowledged.
    votes: BTreeMap<u64, u32>,
    orders: BTreeSet<String>,
}

impl Acknowledged {
    fn add(&mut self, other: Self) {
        self.lines.extend(other.lines);
        self.votes.extend(other.votes);
        self.orders.extend(other.orders);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_being_killed() {
    let kills: usize = std::env::var("KILLS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(3);
    let mut show = tokio::task::block_in_place(|| Show::start(""));
    let poll = show.act(&json!({ "do": "poll-open", "question": "Tea or coffee?", "choices": ["Tea", "Coffee", "Both"] }));
    let poll = poll["id"].as_u64().unwrap();
    let mut people = Vec::new();
    for n in 0..PEOPLE {
        people.push(Visitor::join(show.web, &format!("person {n}")).await.cookie);
    }
    let mut all = Acknowledged::default();
    for round in 0..kills {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = tokio::task::JoinSet::new();
        for (n, cookie) in people.iter().enumerate() {
            tasks.spawn(busy(
                show.web,
                cookie.clone(),
                poll,
                format!("r{round}p{n}"),
                stop.clone(),
            ));
        }
        let (web, ended) = (show.web, stop.clone());
        let orders = std::thread::spawn(move || shop(web, round, &ended));
        let random = u64::from(rand::random::<u16>()) % 1500;
        tokio::time::sleep(Duration::from_millis(300 + random)).await;
        show.the_box.process.signal(libc::SIGKILL);
        stop.store(true, Ordering::SeqCst);
        while let Some(done) = tasks.join_next().await {
            all.add(done.unwrap());
        }
        all.orders.extend(orders.join().unwrap());
        let _ = show.the_box.process.wait(Duration::from_secs(10));
        let dir = std::mem::replace(&mut show.the_box.dir, tempfile::tempdir().unwrap());
        show = tokio::task::block_in_place(|| Show::start_in(Some(dir), ""));
        judge(&show, &all, poll);
    }
    println!(
        "{kills} kills: {} lines, {} votes, {} orders, all there once",
        all.lines.len(),
        all.votes.len(),
        all.orders.len()
    );
    assert!(!all.lines.is_empty() && !all.votes.is_empty() && !all.orders.is_empty());
}

/// Talks and votes until the box is gone.
async fn busy(
    web: u16,
    cookie: String,
    poll: u64,
    tag: String,
    stop: Arc<AtomicBool>,
) -> Acknowledged {
    let mut done = Acknowledged::default();
    let Ok(mut me) = Visitor::enter(web, &cookie, None).await else {
        return done;
    };
    for n in 0_u32.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let choice = (n + tag.len() as u32) % 3;
        match me
            .act(json!({ "do": "vote", "poll": poll, "choice": choice }))
            .await
        {
            Ok(_) => drop(done.votes.insert(me.viewer, choice)),
            Err(Value::String(_)) => {
                // It may have been taken all the same: which of the two counts is not known.
                done.votes.remove(&me.viewer);
                done.votes.insert(me.viewer, u32::MAX);
                break;
            }
            Err(_) => {}
        }
        let text = format!("{tag} says {n}");
        match me
            .act(json!({ "do": "say", "text": text, "nonce": format!("{tag}-{n}") }))
            .await
        {
            Ok(said) => drop(done.lines.insert(said["id"].as_u64().unwrap(), text)),
            Err(Value::String(_)) => break,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    done
}

/// Orders, signed as a shop would, until the box is gone; each is sent twice.
fn shop(web: u16, round: usize, stop: &AtomicBool) -> BTreeSet<String> {
    let mut done = BTreeSet::new();
    for n in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let id = format!("order-{round}-{n}");
        let body = json!({ "order": id, "count": 1, "amount_minor": 990, "currency": "EUR" });
        for _ in 0..2 {
            if order(web, &body).is_some_and(|status| status < 300) {
                done.insert(id.clone());
            }
        }
    }
    done
}

/// Sends an order; `None`: the box is gone.
pub fn order(web: u16, body: &Value) -> Option<u16> {
    let text = body.to_string();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"correct-horse-battery").unwrap();
    mac.update(text.as_bytes());
    let signature: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(10)))
        .build()
        .into();
    let request = agent
        .post(format!("http://127.0.0.1:{web}/api/orders"))
        .header("x-boothcast-signature", format!("sha256={signature}"))
        .header("content-type", "application/json");
    request
        .send(&text)
        .ok()
        .map(|answer| answer.status().as_u16())
}

/// The journal itself says what is there.
fn judge(show: &Show, all: &Acknowledged, poll: u64) {
    let events = journal(show);
    let (mut lines, mut votes, mut orders) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
    let mut last = 0;
    for event in &events {
        assert!(event.seq > last, "numbers rise: {} after {last}", event.seq);
        last = event.seq;
        match &event.fact {
            Fact::Said {
                line, text, nonce, ..
            } => {
                assert!(
                    lines.insert(*line, text.clone()).is_none(),
                    "line {line} is there twice"
                );
                let twice = events.iter().filter(|e| {
                    matches!(&e.fact, Fact::Said { nonce: n, .. } if n == nonce && nonce.is_some())
                        && e.viewer == event.viewer
                });
                assert_eq!(twice.count(), 1, "{text} was said twice");
            }
            Fact::Voted {
                poll: p, choice, ..
            } if *p == poll => drop(votes.insert(event.viewer, *choice)),
            Fact::Ordered { order, .. } => {
                assert!(orders.insert(order.clone()), "{order} is there twice");
            }
            _ => {}
        }
    }
    for (line, text) in &all.lines {
        assert_eq!(lines.get(line), Some(text), "line {line} was acknowledged");
    }
    for (viewer, choice) in &all.votes {
        let counted = votes.get(viewer);
        assert!(
            counted.is_some() || *choice == u32::MAX,
            "the vote of {viewer} was acknowledged"
        );
        if *choice != u32::MAX {
            assert_eq!(counted, Some(choice), "the vote of {viewer}");
        }
    }
    assert!(
        all.orders.is_subset(&orders),
        "{:?} are missing",
        all.orders.difference(&orders)
    );
    // The room shows what the journal says.
    let room = show.get("/api/room", "").json();
    let counts: Vec<u64> = serde_json::from_value(room["poll"]["counts"].clone()).unwrap();
    let mut counted = vec![0; 3];
    for choice in votes.values() {
        counted[*choice as usize] += 1;
    }
    assert_eq!(counts, counted);
}

/// All events, from a copy of the database.
fn journal(show: &Show) -> Vec<Event> {
    let state = show.the_box.path("state");
    let conn = rusqlite::Connection::open_with_flags(
        state.join("boothcast.db"),
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
    )
    .unwrap();
    let mut rows = conn
        .prepare("SELECT seq, at_ms, show, viewer, data FROM event ORDER BY seq")
        .unwrap();
    let found = rows
        .query_map([], |row| {
            let data: String = row.get(4)?;
            let fact: Fact = serde_json::from_str(&data).unwrap_or_else(|e| panic!("{e}: {data}"));
            Ok(Event {
                seq: row.get::<_, i64>(0)?.cast_unsigned(),
                at_ms: row.get(1)?,
                show: row.get::<_, i64>(2)?.cast_unsigned(),
                viewer: row.get::<_, i64>(3)?.cast_unsigned(),
                fact,
            })
        })
        .unwrap();
    found.map(Result::unwrap).collect()
}

#[test]
fn an_order_with_a_false_signature_is_refused() {
    let show = Show::start("");
    let body = json!({ "order": "x", "count": 1, "amount_minor": 1, "currency": "EUR" });
    assert!(order(show.web, &body).unwrap() < 300);
    let unsigned = show.post("/api/orders", "", &body);
    assert_eq!(unsigned.status, 401, "{unsigned:?}");
}
