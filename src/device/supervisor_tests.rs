//! The task itself, on a simulated clock: ticks come every few milliseconds, time moves only by hand.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::command::{Command, Origin};
use super::effect::Effect;
use super::event::*;
use super::policy::{Denial, DenialCode};
use super::state::{State, Wanted};
use super::status::{SourceStatus, Status};
use super::supervisor::*;
use super::supervisor_world::{disk, save};
use super::testing::{name, setup};
use crate::clock::Clock;

/// Much longer than anything here takes, also on a busy machine.
pub(super) const LONG: Duration = Duration::from_secs(20);

pub(super) struct Bench {
    pub handle: Handle,
    pub task: JoinHandle<State>,
    pub effects: mpsc::Receiver<Effect>,
    clock: Clock,
}

impl Bench {
    /// With a disk that saves at once.
    pub fn new(effects: usize) -> Self {
        let mut bench = Self::bare(effects);
        let runtime = tokio::runtime::Handle::current();
        bench.effects = disk(&runtime, &bench.handle, bench.effects);
        bench
    }

    /// With nobody who takes effects but the test.
    pub fn bare(effects: usize) -> Self {
        let clock = Clock::simulated();
        let (tx, rx) = mpsc::channel(effects);
        let (handle, task) = Supervisor::spawn_with(
            &tokio::runtime::Handle::current(),
            State::new(setup(), Wanted::new(false)),
            clock.clone(),
            tx,
            Duration::from_millis(2),
        );
        Self {
            handle,
            task,
            effects: rx,
            clock,
        }
    }

    pub async fn order(&self, command: Command) -> Result<Accepted, Denial> {
        self.handle.command(Origin::Cli, command).await
    }

    pub async fn until(&self, what: &str, f: impl FnMut(&Status) -> bool) -> Status {
        let mut status = self.handle.status();
        timeout(LONG, status.wait_for(f))
            .await
            .unwrap_or_else(|_| panic!("waited in vain for {what}"))
            .unwrap()
            .clone()
    }

    pub async fn effect(&mut self) -> Option<Effect> {
        timeout(LONG, self.effects.recv())
            .await
            .expect("waited in vain for an effect")
    }

    /// Effects until (and with) `last`.
    async fn effects_until(&mut self, last: &Effect) -> Vec<Effect> {
        let mut all = Vec::new();
        while all.last() != Some(last) {
            all.push(
                self.effect()
                    .await
                    .unwrap_or_else(|| panic!("closed before {last:?}: {all:?}")),
            );
        }
        all
    }
}

pub(super) fn run(f: impl Future<Output = ()>) {
    let runtime: Runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(f);
}

fn flow(main: u64) -> Event {
    Event::Media(MediaEvent::Flow {
        main,
        sub: main,
        audio: main,
    })
}

fn camera(up: bool) -> Event {
    Event::Media(if up {
        MediaEvent::CameraUp {
            description: "cam".into(),
        }
    } else {
        MediaEvent::CameraLost {
            reason: "gone".into(),
        }
    })
}

#[test]
fn commands_are_answered_and_carried_out() {
    run(async {
        let mut bench = Bench::new(64);
        assert_eq!(bench.order(Command::LiveStart).await, Ok(Accepted::Done));
        assert!(matches!(
            bench.order(Command::LiveStart).await,
            Ok(Accepted::AlreadySo(_))
        ));
        let denied = bench
            .order(Command::BitrateSet { bitrate: 1 })
            .await
            .unwrap_err();
        assert_eq!(denied.code, DenialCode::OutOfRange);
        let status = bench.until("live", |s| s.live).await;
        assert_eq!(status.bitrate.wanted, 2_500_000);
        let effects = bench
            .effects_until(&Effect::OpenDestination(name("youtube")))
            .await;
        let saved = effects
            .iter()
            .position(|e| matches!(e, Effect::Persist(w) if w.live && w.revision == 1));
        let opened = effects
            .iter()
            .position(|e| *e == Effect::OpenDestination(name("twitch")));
        assert!(saved.is_some() && saved < opened, "{effects:?}");
    });
}

#[test]
fn time_comes_from_the_clock_and_retries_with_it() {
    run(async {
        let mut bench = Bench::new(64);
        bench
            .effects_until(&Effect::ShowStage(Box::default()))
            .await;
        bench.handle.event(camera(false));
        bench
            .until("the loss", |s| {
                matches!(s.camera, SourceStatus::Lost { .. })
            })
            .await;
        assert!(matches!(bench.effect().await, Some(Effect::SlateText(_))));
        // Many ticks, no time: no retry.
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(bench.effects.try_recv().is_err());
        bench.clock.advance(Duration::from_secs(1));
        assert_eq!(bench.effect().await, Some(Effect::OpenCamera));
    });
}

#[test]
fn a_flood_from_many_threads_loses_no_state() {
    run(async {
        let bench = Bench::new(64);
        let threads: Vec<_> = (0..4u64)
            .map(|t| {
                let handle = bench.handle.clone();
                std::thread::spawn(move || {
                    for n in 0..20_000u64 {
                        // Camera words from one thread only, so that there is a last one.
                        if t == 0 {
                            handle.event(camera(n % 2 == 1));
                        } else {
                            handle.event(flow(n));
                            handle.media(MediaEvent::SlateOnAir(true));
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        bench.handle.event(flow(77_777));
        bench
            .until("the last words", |s| {
                s.flow.main == 77_777 && s.slate && matches!(s.camera, SourceStatus::Up { .. })
            })
            .await;
        assert_eq!(bench.handle.lost(), 0);
        // It stays so: an answered command shows that nothing older is left in the queue.
        bench.order(Command::Identify).await.unwrap();
        let later = bench.handle.status().borrow().clone();
        assert!(matches!(later.camera, SourceStatus::Up { .. }), "{later:?}");
    });
}

/// One thread: between two awaits the task stands still, so the test decides what piles up.
pub(super) fn run_alone(f: impl Future<Output = ()>) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(f);
}

#[test]
fn the_last_word_wins_when_the_queue_overflows() {
    run_alone(async {
        let bench = Bench::new(64);
        bench.order(Command::Identify).await.unwrap();
        // The queue ends with a loss; the return finds no room.
        for n in 0..QUEUE {
            bench.handle.event(camera(n % 2 == 0));
        }
        bench.handle.event(camera(true));
        bench
            .until("the return", |s| {
                matches!(s.camera, SourceStatus::Up { .. })
            })
            .await;
        bench.order(Command::LiveStart).await.unwrap();
        // At least one look at what was kept.
        tokio::time::sleep(Duration::from_millis(20)).await;
        bench.order(Command::LiveStop).await.unwrap();
        let status = bench.handle.status().borrow().clone();
        assert!(
            matches!(status.camera, SourceStatus::Up { .. }),
            "{status:?}"
        );
        assert_eq!(bench.handle.lost(), 0);
        // A full queue refuses a command and says so.
        for _ in 0..QUEUE {
            bench.handle.event(camera(true));
        }
        let denied = bench.order(Command::LiveStart).await.unwrap_err();
        assert_eq!(denied.code, DenialCode::Busy);
        assert!(denied.code.retryable());
    });
}

#[test]
fn what_was_reported_in_time_is_not_taken_for_a_stall() {
    run_alone(async {
        let bench = Bench::new(64);
        for rendition in [Rendition::Main, Rendition::Sub] {
            bench.handle.media(MediaEvent::EncoderUp {
                rendition,
                encoder: "v4l2h264enc".into(),
            });
        }
        bench
            .until("the encoder", |s| s.encoders[0].state == "up")
            .await;
        // Ten times the task is late with a report in its queue, which counts from when it is heard.
        for n in 1..=10 {
            bench.clock.advance(Duration::from_millis(1900));
            bench.handle.event(flow(n));
            bench.until("the report", |s| s.flow.main == n).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
            bench.clock.advance(Duration::from_millis(1500));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let failures = |s: &Status| s.encoders[0].failures;
        assert_eq!(failures(&bench.handle.status().borrow()), 0);
        // Without reports it is one.
        let silent_from = bench.clock.now();
        for _ in 0..2 {
            bench.clock.advance(Duration::from_millis(1600));
            // Heard by the task, so that the two do not look like one standstill.
            bench.order(Command::Identify).await.unwrap();
        }
        bench.until("the stall", |s| failures(s) == 1).await;
        assert!(bench.clock.now() - silent_from >= Duration::from_secs(3));
    });
}

#[test]
fn generations_rise_at_every_publication() {
    run(async {
        let bench = Bench::new(64);
        let mut status = bench.handle.status();
        let reader = tokio::spawn(async move {
            let mut seen = vec![status.borrow_and_update().generation];
            while status.changed().await.is_ok() {
                seen.push(status.borrow_and_update().generation);
            }
            seen
        });
        for n in 0..50 {
            bench
                .order(Command::AudioMute { muted: n % 2 == 0 })
                .await
                .unwrap();
            // The same again changes nothing, so it is not published.
            bench
                .order(Command::AudioMute { muted: n % 2 == 0 })
                .await
                .unwrap();
        }
        bench.order(Command::Shutdown).await.unwrap();
        let last = timeout(LONG, bench.task).await.unwrap().unwrap();
        let seen = timeout(LONG, reader).await.unwrap().unwrap();
        assert!(seen.windows(2).all(|w| w[0] < w[1]), "{seen:?}");
        assert_eq!(*seen.last().unwrap(), last.generation);
        assert_eq!(
            last.generation,
            1 + 2 * 50 + 1,
            "start, mutes and saves, shutdown"
        );
    });
}

#[test]
fn a_busy_world_gets_the_newest() {
    run_alone(async {
        // Room for one effect, and nobody takes it.
        let mut bench = Bench::bare(1);
        let mut asked = Vec::new();
        for n in 1..=500u32 {
            let handle = bench.handle.clone();
            let command = Command::BitrateSet {
                bitrate: 100_000 + n,
            };
            asked.push(tokio::spawn(async move {
                handle.command(Origin::Cli, command).await
            }));
            // What changes nothing is answered however busy the world is, and after what was asked before.
            bench.order(Command::Identify).await.unwrap();
        }
        assert!(asked.iter().all(|a| !a.is_finished()), "nothing is saved");
        let (mut bitrate, mut saved, mut taken) = (0, 0, 0);
        while saved != 100_500 || bitrate != 100_500 {
            let effect = bench.effect().await.unwrap();
            save(&bench.handle, &effect);
            taken += 1;
            match effect {
                Effect::SetBitrate { bitrate: b, .. } => bitrate = b,
                Effect::Persist(w) => saved = w.video.map_or(0, |v| v.bitrate),
                _ => {}
            }
        }
        assert!(taken < 20, "{taken}");
        for answer in asked {
            assert_eq!(answer.await.unwrap(), Ok(Accepted::Done));
        }
    });
}

#[test]
fn shutdown_ends_the_task_and_tells_everybody() {
    run(async {
        let mut bench = Bench::new(64);
        let mut status = bench.handle.status();
        bench.order(Command::Shutdown).await.unwrap();
        bench.effects_until(&Effect::Shutdown).await;
        assert_eq!(bench.effect().await, None, "nothing after it");
        let last = timeout(LONG, bench.task).await.unwrap().unwrap();
        assert!(last.actual.ending);
        while status.changed().await.is_ok() {}
        assert!(status.borrow().ending);
        let late = bench.handle.command(Origin::Web, Command::LiveStart).await;
        assert_eq!(late.unwrap_err().code, DenialCode::ShuttingDown);
        bench.handle.event(camera(true));
    });
}

#[test]
fn a_world_that_is_gone_or_never_takes_the_shutdown_does_not_hold_the_end_up() {
    run(async {
        let bench = Bench::bare(64);
        drop(bench.effects);
        timeout(LONG, bench.task).await.unwrap().unwrap();
        // Nobody takes effects, and the channel is full: the end comes all the same.
        let bench = Bench::bare(1);
        bench.order(Command::Shutdown).await.unwrap();
        timeout(LONG, bench.task).await.unwrap().unwrap();
    });
}

#[test]
fn the_status_is_plain_json_with_the_agreed_words() {
    let mut state = State::new(setup(), Wanted::new(false));
    state.actual.drift_ppm = Some(1.5);
    let json = serde_json::to_value(Status::of(&state)).unwrap();
    assert_eq!(json["health"]["severity"], "notice");
    assert_eq!(json["health"]["led"], "booting");
    assert_eq!(json["camera"]["state"], "off");
    assert_eq!(json["destinations"][0]["name"], "spare");
    assert_eq!(json["destinations"][0]["state"], "off");
    assert_eq!(json["destinations"][0]["figures"]["backlog_ms"], 0);
    assert_eq!(json["encoders"][1]["rendition"], "sub");
    assert_eq!(json["bitrate"]["wanted"], 2_500_000);
    assert_eq!(json["drift_ppm"], 1.5);
    assert_eq!(json["flow"]["main"], 0);
}
