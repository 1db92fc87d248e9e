use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::timeout;

use super::*;
use crate::device::command::Command;
use crate::edge::desk::Done;
use crate::edge::mqtt::client::Properties;
use crate::edge::mqtt::topics::Fleet;
use crate::store::db::Db;

const LONG: Duration = Duration::from_secs(20);

/// Everything from the message to the answer but for the broker; the desk is the test's own.
struct Bench {
    commands: Commands,
    answers: mpsc::Receiver<Outgoing>,
    db: Db,
    /// Gains of the commands that ran, in order.
    ran: Arc<Mutex<Vec<i32>>>,
    /// Lets one command after another go on.
    go: Arc<Semaphore>,
    at_once: Arc<AtomicUsize>,
    stop: watch::Sender<bool>,
    runner: tokio::task::JoinHandle<()>,
    _dir: tempfile::TempDir,
}

impl Bench {
    /// A desk at which commands wait for `go`, questions do not.
    fn new(go: usize) -> Self {
        Self::within(tempfile::tempdir().unwrap(), go)
    }

    fn within(dir: tempfile::TempDir, go: usize) -> Self {
        let (db, _) = Db::open(dir.path()).unwrap();
        let (ran, go) = (
            Arc::new(Mutex::new(Vec::new())),
            Arc::new(Semaphore::new(go)),
        );
        let at_once = Arc::new(AtomicUsize::new(0));
        let desk = {
            let (ran, go, at_once) = (ran.clone(), go.clone(), at_once.clone());
            Desk::new(move |origin, command| {
                assert_eq!(origin, Origin::Mqtt);
                let (ran, go, at_once) = (ran.clone(), go.clone(), at_once.clone());
                Box::pin(async move {
                    if let Command::AudioGain { gain_db } = command {
                        assert_eq!(at_once.fetch_add(1, Ordering::SeqCst), 0, "two at once");
                        go.acquire().await.unwrap().forget();
                        #[allow(clippy::cast_possible_truncation)]
                        ran.lock().unwrap().push(gain_db as i32);
                        at_once.fetch_sub(1, Ordering::SeqCst);
                    } else if let Command::Panic { on } = command {
                        ran.lock().unwrap().push(if on { 1001 } else { 1000 });
                    }
                    Ok(Done::Accepted)
                })
            })
        };
        let topics = Fleet::new(&"f".parse().unwrap()).of(&"b".parse().unwrap());
        let (answers, outgoing) = crate::app::remote::answers::queue();
        let (queue, items) = queue();
        let (stop, stopped) = watch::channel(false);
        let runner = Runner::new(desk.clone(), db.clone(), answers.clone());
        Self {
            commands: Commands::new(desk, topics, queue, answers),
            answers: outgoing,
            db,
            ran,
            go,
            at_once,
            stop,
            runner: tokio::spawn(runner.run(items, stopped)),
            _dir: dir,
        }
    }

    fn send(&mut self, name: &str, payload: &serde_json::Value) {
        let received = Received {
            topic: String::new(),
            payload: Bytes::from(payload.to_string()),
            retain: false,
            dup: false,
            properties: Properties::default(),
            ack: Ack::none(),
        };
        assert!(self.commands.take(name, received));
    }

    fn gain(&mut self, n: usize) {
        self.send(
            "audio/gain",
            &json!({"id": n.to_string(), "args": {"gain_db": n}}),
        );
    }

    async fn answer(&mut self) -> Outgoing {
        timeout(LONG, self.answers.recv()).await.unwrap().unwrap()
    }

    /// Until the desk holds a command.
    async fn wait_running(&self) {
        timeout(LONG, async {
            while self.at_once.load(Ordering::SeqCst) == 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await
        .unwrap();
    }
}

fn code(outgoing: &Outgoing) -> Option<Code> {
    match &outgoing.said {
        Said::Outcome(Err(failure)) => Some(failure.code),
        _ => None,
    }
}

#[tokio::test]
async fn commands_run_one_after_another_and_questions_overtake_them() {
    let mut bench = Bench::new(0);
    for n in 0..20 {
        bench.gain(n);
    }
    bench.send("status", &json!({"id": "question"}));
    let first = bench.answer().await;
    assert_eq!(first.id.as_deref(), Some("question"));
    assert!(!first.journalled && bench.ran.lock().unwrap().is_empty());
    bench.go.add_permits(20);
    for n in 0..20 {
        let answer = bench.answer().await;
        assert_eq!(answer.id, Some(n.to_string()));
        assert!(answer.journalled && code(&answer).is_none());
    }
    assert_eq!(*bench.ran.lock().unwrap(), (0..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_a_former_life_left_is_told_and_what_comes_at_once_is_not_taken_for_it() {
    for _ in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let (db, _) = Db::open(dir.path()).unwrap();
        let entry = crate::store::journal::Entry {
            id: "old".into(),
            hash: [0; 32],
            name: "audio/gain".into(),
            reply_to: "there".into(),
            correlation: Some(vec![1]),
        };
        db.journal_begin(entry).await.unwrap();
        db.close(LONG);
        let mut bench = Bench::within(dir, 1000);
        // As soon as there is a connection.
        bench.gain(5);
        let left = bench.answer().await;
        assert_eq!(
            (left.id.as_deref(), left.reply.topic.as_str()),
            (Some("old"), "there")
        );
        assert!(matches!(&left.said, Said::Stored(a) if *a == codec::interrupted("old")));
        let answer = bench.answer().await;
        assert_eq!((answer.id.as_deref(), code(&answer)), (Some("5"), None));
        bench.stop.send(true).unwrap();
    }
}

#[tokio::test]
async fn what_is_beyond_the_queue_is_told_to_come_again() {
    let mut bench = Bench::new(0);
    bench.gain(1000);
    bench.wait_running().await;
    for n in 0..QUEUE {
        bench.gain(n);
    }
    bench.gain(2000);
    let refused = bench.answer().await;
    assert_eq!(
        (refused.id.as_deref(), code(&refused)),
        (Some("2000"), Some(Code::Busy))
    );
    assert!(!refused.journalled);
    bench.go.add_permits(QUEUE + 1);
    for _ in 0..=QUEUE {
        assert_eq!(code(&bench.answer().await), None);
    }
    assert_eq!(bench.ran.lock().unwrap().len(), QUEUE + 1);
}

#[tokio::test]
async fn a_crowd_that_waits_for_its_moment_is_bounded_and_holds_nobody_up() {
    let mut bench = Bench::new(1000);
    // A few more than there are places, as the moment of a few may be now.
    for n in 0..SPREAD + 20 {
        let later = json!({"id": format!("later-{n}"), "spread_s": 3600, "args": {"gain_db": 1}});
        bench.send("audio/gain", &later);
        if n % 50 == 49 {
            // One after them shows that they are noted and wait.
            bench.gain(n);
            // But for those, few, whose moment is now.
            while bench.answer().await.id != Some(n.to_string()) {}
        }
    }
    let refused = loop {
        let answer = bench.answer().await;
        if code(&answer).is_some() {
            break answer;
        }
    };
    assert_eq!(code(&refused), Some(Code::Busy));
    assert!(!refused.journalled);
}

#[tokio::test]
async fn without_a_journal_only_what_needs_none_is_run() {
    let mut bench = Bench::new(1000);
    bench.db.close(LONG);
    bench.gain(1);
    let refused = bench.answer().await;
    assert_eq!(code(&refused), Some(Code::Internal));
    assert!(
        matches!(&refused.said, Said::Outcome(Err(f)) if f.retryable && f.message.contains("cannot be noted"))
    );
    bench.send("audio/gain", &json!({"args": {"gain_db": 7}}));
    let answer = bench.answer().await;
    assert!(code(&answer).is_none() && !answer.journalled);
    assert_eq!(*bench.ran.lock().unwrap(), [7]);
    bench.send("panic", &json!({"id": "now"}));
    let answer = bench.answer().await;
    assert!(code(&answer).is_none(), "{:?}", code(&answer));
    assert_eq!(*bench.ran.lock().unwrap(), [7, 1001]);
}

#[tokio::test]
async fn panic_gets_past_limits_and_whatever_waits_and_keeps_its_order() {
    let mut bench = Bench::new(0);
    bench.commands.desk = bench.commands.desk.clone().limited(1, 2);
    bench.gain(0);
    bench.wait_running().await;
    bench.gain(1);
    let received = Received {
        topic: String::new(),
        payload: Bytes::from_static(br#"{"id":"3","args":{"gain_db":3}}"#),
        retain: false,
        dup: false,
        properties: Properties::default(),
        ack: Ack::none(),
    };
    assert!(!bench.commands.take("audio/gain", received), "too many");
    assert_eq!(code(&bench.answer().await), Some(Code::RateLimited));
    bench.send("panic", &json!({"id": "off", "args": {"on": false}}));
    bench.send("panic", &json!({"id": "on"}));
    for id in ["off", "on"] {
        let answer = bench.answer().await;
        assert_eq!(answer.id.as_deref(), Some(id));
        assert!(answer.journalled && code(&answer).is_none());
    }
    assert_eq!(*bench.ran.lock().unwrap(), [1000, 1001], "the others wait");
    // The same again is answered from the journal.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    bench.send("panic", &json!({"id": "on"}));
    bench.go.add_permits(2);
    timeout(LONG, async {
        while bench.ran.lock().unwrap().len() < 4 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(*bench.ran.lock().unwrap(), [1000, 1001, 0, 1]);
}

#[tokio::test]
async fn at_the_end_the_command_that_runs_is_answered_and_the_rest_is_not_begun() {
    let mut bench = Bench::new(0);
    bench.gain(0);
    bench.wait_running().await;
    for n in 1..5 {
        bench.gain(n);
    }
    bench.stop.send(true).unwrap();
    bench.go.add_permits(10);
    timeout(LONG, &mut bench.runner).await.unwrap().unwrap();
    assert_eq!(bench.answer().await.id.as_deref(), Some("0"));
    assert_eq!(*bench.ran.lock().unwrap(), [0]);
    assert!(bench.answers.try_recv().is_err());
}
