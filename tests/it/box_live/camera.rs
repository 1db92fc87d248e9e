//! The show never stops: camera lost and back, encoder failing over, with readers and pushes that notice nothing.
//! Core, supervisor and engine are the real ones, as `App` puts them together; only the source is the test's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use boothcast::app::sources::Sources;
use boothcast::app::{App, AppOptions};
use boothcast::clock::Clock;
use boothcast::config::{self, Config, board};
use boothcast::device::status::{SourceStatus, Status};
use boothcast::error::{Error, Kind};
use boothcast::media::access_unit::{AccessUnit, Track};
use boothcast::media::capture::{AudioInput, VideoInput};
use boothcast::media::fanout::{ConsumerOptions, Start};

use tokio::sync::watch;

use crate::support::{free_port, wait_for};

/// A box in this process whose camera can be taken away.
struct InProcess {
    app: App,
    runtime: tokio::runtime::Runtime,
    present: Arc<AtomicBool>,
    _dir: tempfile::TempDir,
}

fn configuration(dir: &std::path::Path, extra: &[&str]) -> Config {
    let mut set = vec![
        format!("paths.state={}", dir.display()),
        "rtsp.listen=127.0.0.1".to_owned(),
        format!("rtsp.port={}", free_port()),
        "rtsp.auth=none".to_owned(),
        "encode.profile=480p30".to_owned(),
    ];
    set.extend(extra.iter().map(|s| (*s).to_owned()));
    let sources = config::Sources {
        files: vec![],
        env: vec![],
        set,
        board: board::detected(),
        default_state: "/nonexistent".into(),
    };
    config::load(&sources)
        .unwrap_or_else(|p| panic!("{p}"))
        .config
}

impl InProcess {
    fn start(extra: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = configuration(dir.path(), extra);
        let present = Arc::new(AtomicBool::new(true));
        let there = present.clone();
        let sources = Sources {
            video: Arc::new(move || {
                if there.load(Ordering::SeqCst) {
                    Ok(VideoInput::Test {
                        pattern: "clock".into(),
                    })
                } else {
                    Err(Error::new(Kind::NotFound, "The camera was unplugged."))
                }
            }),
            audio: Some(Arc::new(|| Ok(AudioInput::Test))),
            notes: vec![],
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let options = AppOptions {
            config,
            board: board::detected(),
            clock: Clock::real(),
            notices: vec![],
            sources: Some(sources),
        };
        let app =
            App::start(options, runtime.handle()).unwrap_or_else(|e| panic!("{}", e.report()));
        Self {
            app,
            runtime,
            present,
            _dir: dir,
        }
    }

    fn stop(self) {
        assert!(
            self.runtime.block_on(self.app.stop()),
            "did not end in order"
        );
        self.runtime.shutdown_timeout(Duration::from_secs(1));
    }

    /// Collects the main rendition's units with their arrival times on a thread of its own.
    fn listen(&self) -> std::thread::JoinHandle<Vec<(Instant, AccessUnit)>> {
        let mut consumer = self.app.main.subscribe(ConsumerOptions {
            name: "witness".into(),
            start: Start::NextKeyframe,
            max_span: Duration::from_secs(10),
            max_bytes: 64 << 20,
        });
        std::thread::spawn(move || {
            let mut got = Vec::new();
            loop {
                use boothcast::media::fanout::Next;
                match consumer.next_timeout(Duration::from_secs(5)) {
                    Next::Unit(unit) => got.push((Instant::now(), unit)),
                    Next::TimedOut | Next::Closed => return got,
                }
            }
        })
    }
}

fn camera_up(status: &watch::Receiver<Status>) -> Option<()> {
    matches!(status.borrow().camera, SourceStatus::Up { .. }).then_some(())
}

fn main_encoder(status: &watch::Receiver<Status>) -> Option<String> {
    let status = status.borrow();
    status
        .encoders
        .first()
        .filter(|e| e.state == "up")
        .and_then(|e| e.encoder.clone())
}

fn assert_unbroken(units: &[(Instant, AccessUnit)], gap: Duration) {
    let video: Vec<_> = units
        .iter()
        .filter(|(_, u)| u.track == Track::Video)
        .collect();
    assert!(video.len() > 60, "only {} pictures", video.len());
    for pair in video.windows(2) {
        assert!(pair[1].1.pts > pair[0].1.pts, "time went back");
        let media = Duration::from_nanos(pair[1].1.pts - pair[0].1.pts);
        assert!(media < gap, "a gap of {media:?} in the picture");
    }
}

#[test]
fn a_lost_camera_is_a_slate_within_two_seconds_and_comes_back() {
    let it = InProcess::start(&[]);
    let status = it.app.status.clone();
    wait_for("the camera", Duration::from_secs(10), || camera_up(&status));
    let listener = it.listen();
    std::thread::sleep(Duration::from_secs(1));

    it.present.store(false, Ordering::SeqCst);
    let lost = Instant::now();
    it.app.handle.event(boothcast::device::event::Event::Media(
        boothcast::device::event::MediaEvent::CameraLost {
            reason: "the camera was unplugged".into(),
        },
    ));
    wait_for("the slate", Duration::from_secs(4), || {
        status.borrow().slate.then_some(())
    });
    assert!(
        lost.elapsed() < Duration::from_secs(2),
        "{:?}",
        lost.elapsed()
    );
    std::thread::sleep(Duration::from_secs(2));
    let sentence = status.borrow().health.sentence.clone();
    assert!(sentence.contains("unplugged"), "{sentence}");

    it.present.store(true, Ordering::SeqCst);
    let back = Instant::now();
    wait_for("the camera", Duration::from_secs(8), || {
        (!status.borrow().slate).then_some(())
    });
    assert!(
        back.elapsed() < Duration::from_secs(6),
        "{:?}",
        back.elapsed()
    );
    std::thread::sleep(Duration::from_secs(1));
    it.stop();
    assert_unbroken(&listener.join().unwrap(), Duration::from_millis(1500));
}

#[test]
fn an_encoder_that_fails_is_followed_by_the_next_in_the_same_session() {
    use boothcast::device::event::{Event, MediaEvent, Rendition};
    let it = InProcess::start(&["encode.encoder=auto"]);
    let status = it.app.status.clone();
    wait_for("frames", Duration::from_secs(10), || camera_up(&status));
    let first = wait_for("an encoder", Duration::from_secs(5), || {
        main_encoder(&status)
    });
    let listener = it.listen();
    std::thread::sleep(Duration::from_secs(2));
    it.app.handle.event(Event::Media(MediaEvent::EncoderFailed {
        rendition: Rendition::Main,
        encoder: first.clone(),
        reason: "the test says so".into(),
    }));
    let second = wait_for("another encoder", Duration::from_secs(5), || {
        main_encoder(&status).filter(|e| *e != first)
    });
    assert_ne!(first, second);
    std::thread::sleep(Duration::from_secs(2));
    it.stop();
    assert_unbroken(&listener.join().unwrap(), Duration::from_millis(1500));
}

#[test]
fn the_bitrate_changes_live_without_a_new_encoder_session() {
    use boothcast::device::command::{Command, Origin};
    let it = InProcess::start(&[]);
    let status = it.app.status.clone();
    wait_for("frames", Duration::from_secs(10), || camera_up(&status));
    let listener = it.listen();
    std::thread::sleep(Duration::from_secs(2));
    let change = Command::BitrateSet { bitrate: 400_000 };
    it.runtime
        .block_on(it.app.handle.command(Origin::Cli, change))
        .unwrap();
    std::thread::sleep(Duration::from_secs(6));
    it.stop();
    let units = listener.join().unwrap();
    assert_unbroken(&units, Duration::from_millis(300));
    let formats: Vec<_> = units
        .iter()
        .filter(|(_, u)| u.track == Track::Video)
        .map(|(_, u)| &u.format)
        .collect();
    assert!(
        formats.iter().all(|f| Arc::ptr_eq(f, formats[0])),
        "SPS or PPS changed"
    );
}
