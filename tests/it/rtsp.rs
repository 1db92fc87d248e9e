//! The RTSP server with real peers: ffmpeg, GStreamer's `rtspsrc`, and a small client that can freeze.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
pub mod client;
pub mod isolate;
mod lifecycle;
mod players;
mod source;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use boothcast::device::event::MediaEvent;
use boothcast::media::access_unit::AccessUnit;
use boothcast::media::fanout::Fanout;
use boothcast::media::output::rtsp::{Mount, RtspOptions, RtspServer};
use boothcast::media::report::Reporter;
use boothcast::media::time::MediaClock;

use source::{Loop, Player};

fn options() -> RtspOptions {
    RtspOptions {
        listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port: 0,
        auth: None,
        tls: None,
        max_readers: 20,
        session_timeout_s: 60,
        box_name: "Test box".to_owned(),
    }
}

/// A served stream: source, fan-out and server.
struct Show {
    server: Option<RtspServer>,
    port: u16,
    clock: MediaClock,
    fanout: Fanout<AccessUnit>,
    events: Arc<Mutex<Vec<MediaEvent>>>,
    player: Option<Player>,
}

impl Show {
    fn new(options: RtspOptions, loops: &[Loop]) -> Self {
        Self::with_sound(options, loops, loops.len() > 1)
    }

    fn with_sound(options: RtspOptions, loops: &[Loop], audio: bool) -> Self {
        gstreamer::init().unwrap();
        let clock = MediaClock::start();
        let fanout = Fanout::new(|| {});
        let player = Player::start(&clock, &fanout, loops);
        let events = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&events);
        let reporter = Reporter::new(move |e| seen.lock().unwrap().push(e));
        let mount = Mount {
            path: "/main".to_owned(),
            fanout: fanout.clone(),
            audio,
        };
        let server = RtspServer::start(options, vec![mount], &clock, reporter).unwrap();
        Self {
            port: server.port(),
            server: Some(server),
            clock,
            fanout,
            events,
            player: Some(player),
        }
    }

    fn url(&self) -> String {
        format!("rtsp://127.0.0.1:{}/main", self.port)
    }
}

impl Drop for Show {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
    }
}

/// Longest oversleep of a thread that does nothing else: what the machine itself adds to every gap.
pub struct Noise {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<Duration>>,
}

impl Noise {
    pub fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut worst = Duration::ZERO;
            let nap = Duration::from_millis(5);
            while !seen.load(Ordering::Relaxed) {
                let start = Instant::now();
                std::thread::sleep(nap);
                worst = worst.max(start.elapsed().saturating_sub(nap));
            }
            worst
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }

    pub fn end(mut self) -> Duration {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}
