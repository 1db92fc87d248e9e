//! Saved before answered.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::command::{Command, Origin};
use super::effect::Effect;
use super::event::Event;
use super::policy::{Denial, DenialCode};
use super::supervisor::Accepted;
use super::supervisor_tests::{Bench, LONG, run, run_alone};
use super::supervisor_world::save;
use super::testing::name;
use crate::config::Secret;

/// The answer to `command`, asked by another task; everything queued before was looked at.
async fn ask(bench: &Bench, command: Command) -> JoinHandle<Result<Accepted, Denial>> {
    let handle = bench.handle.clone();
    let asked = tokio::spawn(async move { handle.command(Origin::Cli, command).await });
    tokio::task::yield_now().await;
    bench.order(Command::Identify).await.unwrap();
    tokio::task::yield_now().await;
    asked
}

fn persisted(revision: u64, error: Option<&str>) -> Event {
    Event::Persisted {
        revision,
        error: error.map(str::to_owned),
    }
}

#[test]
fn what_is_answered_is_on_disk() {
    run_alone(async {
        let bench = Bench::bare(64);
        let first = ask(&bench, Command::LiveStart).await;
        let second = ask(&bench, Command::AudioMute { muted: true }).await;
        let same = ask(&bench, Command::LiveStart).await;
        let keep = ask(&bench, Command::MicVolume { percent: 7 }).await;
        let denied = ask(&bench, Command::BitrateSet { bitrate: 1 }).await;
        assert!(denied.is_finished() && !first.is_finished() && !same.is_finished());
        bench.handle.event(persisted(0, None));
        bench.order(Command::Identify).await.unwrap();
        assert!(!first.is_finished(), "that was an older save");
        bench.handle.event(persisted(1, None));
        assert_eq!(first.await.unwrap(), Ok(Accepted::Done));
        assert!(!second.is_finished());
        // The one of revision 2 was replaced by that of 3.
        bench.handle.event(persisted(3, None));
        assert_eq!(second.await.unwrap(), Ok(Accepted::Done));
        assert!(matches!(same.await.unwrap(), Ok(Accepted::AlreadySo(_))));
        assert!(matches!(keep.await.unwrap(), Ok(Accepted::Kept(_))));
        assert_eq!(bench.handle.status().borrow().revision, 3);
    });
}

#[test]
fn what_cannot_be_saved_is_said_so_until_it_can() {
    run_alone(async {
        let bench = Bench::bare(64);
        let asked = ask(&bench, Command::LiveStart).await;
        bench.handle.event(persisted(1, Some("No space left.")));
        let denial = asked.await.unwrap().unwrap_err();
        assert_eq!(denial.code, DenialCode::NotSaved);
        assert!(denial.code.retryable());
        assert!(
            denial
                .message
                .contains("could not be saved: No space left.")
        );
        assert!(bench.handle.status().borrow().live, "it is done");
        // Asked again it is so already, but that would be lost all the same.
        let again = bench.order(Command::LiveStart).await.unwrap_err();
        assert_eq!(again.code, DenialCode::NotSaved);
        bench.handle.event(persisted(1, None));
        assert!(matches!(
            bench.order(Command::LiveStart).await,
            Ok(Accepted::AlreadySo(_))
        ));
    });
}

#[test]
fn an_answer_that_waits_for_the_disk_is_given_also_at_the_end() {
    run(async {
        let mut bench = Bench::bare(64);
        let handle = bench.handle.clone();
        let asked =
            tokio::spawn(async move { handle.command(Origin::Cli, Command::LiveStart).await });
        bench.until("live", |s| s.live).await;
        bench.order(Command::Shutdown).await.unwrap();
        while let Some(effect) = bench.effect().await {
            save(&bench.handle, &effect);
            if effect == Effect::Shutdown {
                break;
            }
        }
        assert_eq!(asked.await.unwrap(), Ok(Accepted::Done));
        drop(bench.effects);
        timeout(LONG, bench.task).await.unwrap().unwrap();

        // A disk that says nothing: the end comes, and nothing is acknowledged.
        let bench = Bench::bare(64);
        let handle = bench.handle.clone();
        let asked =
            tokio::spawn(async move { handle.command(Origin::Cli, Command::LiveStart).await });
        bench.until("live", |s| s.live).await;
        bench.order(Command::Shutdown).await.unwrap();
        timeout(LONG, bench.task).await.unwrap().unwrap();
        assert_eq!(asked.await.unwrap().unwrap_err().code, DenialCode::NotSaved);
    });
}

/// Lines of the log, kept for the test.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_log_says_what_was_commanded_without_stream_keys() {
    let log = Log::default();
    let writer = log.clone();
    let lines = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // The task runs on this very thread.
    let _ours = tracing::subscriber::set_default(lines);
    run_alone(async {
        let bench = Bench::new(64);
        let destinations = serde_json::json!({
            "hall": {"url": "rtmp://a.example/live", "key": "canary-2"},
            "fair": {"key": "canary 3", "kee": "canary-4"},
            "live": "canary-5",
        });
        for command in [
            Command::DestinationSet {
                destination: name("fair"),
                url: "rtmp://a.example/live".parse().unwrap(),
                key: Some(Secret::new("canary-1")),
                enabled: None,
                max_bitrate: None,
            },
            Command::DesiredApply {
                version: 1,
                settings: serde_json::json!({"destinations": destinations}),
            },
        ] {
            assert_eq!(bench.order(command).await, Ok(Accepted::Done));
        }
        let status = bench.handle.status().borrow().clone();
        assert_eq!(status.destinations.len(), 5);
        assert_eq!(status.desired.unwrap().errors.len(), 3);
    });
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        text.contains("destination-set") && text.contains("desired-apply"),
        "{text}"
    );
    assert!(!text.contains("canary"), "{text}");
}
