//! The RTSP server with real peers: ffmpeg, GStreamer's `rtspsrc`, and a small client that can freeze.

mod client;
mod source;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use boothcast::config::Secret;
use boothcast::device::event::MediaEvent;
use boothcast::media::access_unit::AccessUnit;
use boothcast::media::fanout::Fanout;
use boothcast::media::output::rtsp::{Mount, RtspOptions, RtspServer};
use boothcast::media::report::Reporter;
use boothcast::media::time::MediaClock;

use client::Client;
use source::{Loop, Player, SMALL};

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
            audio: loops.len() > 1,
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

#[test]
fn a_plain_reader_gets_picture_and_sound() {
    let show = Show::new(options(), &[source::video(SMALL), source::audio()]);
    std::thread::sleep(Duration::from_millis(1500));
    let mut client = Client::play(show.port, "/main");
    let first = client.packet(Duration::from_secs(2)).unwrap();
    eprintln!("{} {}", first.channel, first.data.len());
    let mut n = [0; 4];
    for _ in 0..300 {
        let p = client.packet(Duration::from_secs(2)).unwrap();
        n[usize::from(p.channel)] += 1;
    }
    eprintln!("{n:?} {}", show.url());
}
