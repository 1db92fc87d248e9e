//! The box in this process, with a camera that the test can take away. Core, supervisor and engine are the real ones,
//! as `App` puts them together; only the source is the test's.

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
use boothcast::media::fanout::{ConsumerOptions, Next, Start};
use tokio::sync::watch;

use crate::support::free_port;

/// A box in this process whose camera can be taken away.
pub struct InProcess {
    pub app: App,
    pub runtime: tokio::runtime::Runtime,
    pub present: Arc<AtomicBool>,
    pub port: u16,
    pub dir: tempfile::TempDir,
}

fn configuration(
    dir: &std::path::Path,
    port: u16,
    file: &std::path::Path,
    extra: &[&str],
) -> Config {
    let mut set = vec![
        format!("paths.state={}", dir.display()),
        "rtsp.listen=127.0.0.1".to_owned(),
        format!("rtsp.port={port}"),
        "rtsp.auth=none".to_owned(),
        "encode.profile=480p30".to_owned(),
        "web.enabled=false".to_owned(),
    ];
    set.extend(extra.iter().map(|s| (*s).to_owned()));
    let sources = config::Sources {
        files: vec![(file.to_owned(), true)],
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
    pub fn start(extra: &[&str]) -> Self {
        Self::start_with(extra, "")
    }

    /// `file`: a configuration file's text; stream keys may not stand in flags.
    pub fn start_with(extra: &[&str], file: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("boothcast.toml");
        std::fs::write(&path, file).unwrap();
        let port = free_port();
        let config = configuration(dir.path(), port, &path, extra);
        let present = Arc::new(AtomicBool::new(true));
        let (there, pattern) = (present.clone(), config.video.test_pattern.clone());
        let sources = Sources {
            video: Arc::new(move |_| {
                if there.load(Ordering::SeqCst) {
                    Ok(VideoInput::Test {
                        pattern: pattern.clone(),
                    })
                } else {
                    Err(Error::new(Kind::NotFound, "The camera was unplugged."))
                }
            }),
            audio: Some(Arc::new(|| Ok(AudioInput::Test))),
            notes: vec![],
            card: Default::default(),
            camera: Default::default(),
            stand_in: Default::default(),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let options = AppOptions {
            config,
            board: board::detected().board,
            clock: Clock::real(),
            notices: vec![],
            sources: Some(sources),
            logs: Default::default(),
            begin: Default::default(),
        };
        let app =
            App::start(options, runtime.handle()).unwrap_or_else(|e| panic!("{}", e.report()));
        Self {
            app,
            runtime,
            present,
            port,
            dir,
        }
    }

    pub fn stop(self) {
        assert!(
            self.runtime.block_on(self.app.stop()).clean,
            "did not end in order"
        );
        self.runtime.shutdown_timeout(Duration::from_secs(1));
    }

    /// Collects the main rendition's units with their arrival times on a thread of its own.
    pub fn listen(&self) -> std::thread::JoinHandle<Vec<(Instant, AccessUnit)>> {
        let mut consumer = self.app.main.subscribe(ConsumerOptions {
            name: "witness".into(),
            start: Start::NextKeyframe,
            max_span: Duration::from_secs(10),
            max_bytes: 64 << 20,
        });
        std::thread::spawn(move || {
            let mut got = Vec::new();
            loop {
                match consumer.next_timeout(Duration::from_secs(5)) {
                    Next::Unit(unit) => got.push((Instant::now(), unit)),
                    Next::TimedOut | Next::Closed => return got,
                }
            }
        })
    }
}

pub fn camera_up(status: &watch::Receiver<Status>) -> Option<()> {
    matches!(status.borrow().camera, SourceStatus::Up { .. }).then_some(())
}

pub fn main_encoder(status: &watch::Receiver<Status>) -> Option<String> {
    let status = status.borrow();
    status
        .encoders
        .first()
        .filter(|e| e.state == "up")
        .and_then(|e| e.encoder.clone())
}

pub fn assert_unbroken(units: &[(Instant, AccessUnit)], gap: Duration) {
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
