//! What RTSP readers cost, and how late the picture is: `cargo bench --bench rtsp_readers [-- seconds]`.
//!
//! CPU of the serving process with 0, 1, 10 and 50 readers at 720p30 (2.5 Mbit/s and AAC at 96 kbit/s), for our server
//! and, in the same run, for gst-rtsp-server as it comes (one shared media; a media per client), fed with the same
//! access units. The units are encoded beforehand, so that nothing but serving is measured. Readers are a process of
//! their own that only reads. Then the time from capture to decoded frame, over TCP and UDP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(missing_docs)]

#[path = "../../tests/it/rtsp/client.rs"]
mod client;
#[path = "../../tests/it/rtsp/source.rs"]
mod source;

mod plain;
mod readers;

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use boothcast::media::access_unit::AccessUnit;
use boothcast::media::fanout::Fanout;
use boothcast::media::output::rtsp::{Mount, RtspOptions, RtspServer};
use boothcast::media::report::Reporter;
use boothcast::media::time::MediaClock;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use client::Client;
use plain::Plain;
use readers::Readers;
use source::{Loop, Player, Spec};

const HD: Spec = Spec {
    width: 1280,
    height: 720,
    fps: 30,
    gop: 60,
    kbps: 2_500,
    frames: 120,
};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [role, count, port] = &arguments[..]
        && role == "--readers"
    {
        return readers::read(count.parse().unwrap(), port.parse().unwrap());
    }
    let seconds = arguments.iter().find_map(|a| a.parse().ok()).unwrap_or(10);
    gst::init().unwrap();
    // 2.5 Mbit/s exactly: the test picture alone is too easy to encode.
    let video = source::padded(source::video(HD), 10_000, 35_000);
    let loops = [video, source::audio()];
    println!("| server | readers | CPU, % of one core | per added reader, % | resident, MiB |");
    println!("|---|---|---|---|---|");
    for (content, loops) in [("picture", &loops[..1]), ("picture and sound", &loops[..])] {
        let audio = loops.len() > 1;
        measure(&format!("boothcast, {content}"), seconds, loops, |f, c| {
            Box::new(Ours::start(f, c, audio))
        });
        let name = format!("gst-rtsp-server, shared media, {content}");
        measure(&name, seconds, loops, |f, _| {
            Box::new(Plain::start(f, true, audio))
        });
    }
    let name = "gst-rtsp-server, media per client, picture and sound";
    measure(name, seconds, &loops, |f, _| {
        Box::new(Plain::start(f, false, true))
    });
    println!(
        "\n| transport | first packet, ms | capture to decoded frame: median, ms | p99, ms | frames |"
    );
    println!("|---|---|---|---|---|");
    for protocols in ["tcp", "udp"] {
        latency(protocols, seconds, &loops);
    }
}

/// A server that is measured.
trait Server {
    fn port(&self) -> u16;
    fn stop(self: Box<Self>);
}

struct Ours(RtspServer);

impl Ours {
    fn start(fanout: &Fanout<AccessUnit>, clock: &MediaClock, audio: bool) -> Self {
        let options = RtspOptions {
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            auth: None,
            tls: None,
            max_readers: 60,
            session_timeout_s: 60,
            box_name: "bench".to_owned(),
        };
        let mount = Mount {
            path: "/main".to_owned(),
            fanout: fanout.clone(),
            audio,
        };
        Self(RtspServer::start(options, vec![mount], clock, Reporter::new(|_| {})).unwrap())
    }
}

impl Server for Ours {
    fn port(&self) -> u16 {
        self.0.port()
    }

    fn stop(self: Box<Self>) {
        self.0.stop();
    }
}

fn measure(
    name: &str,
    seconds: u64,
    loops: &[Loop],
    start: impl Fn(&Fanout<AccessUnit>, &MediaClock) -> Box<dyn Server>,
) {
    let clock = MediaClock::start();
    let fanout = Fanout::new(|| {});
    let player = Player::start(&clock, &fanout, loops);
    let server = start(&fanout, &clock);
    let mut one = None;
    for readers in [0_u32, 1, 10, 50] {
        let mut child = (readers > 0).then(|| Readers::start(readers, server.port()));
        std::thread::sleep(Duration::from_secs(1));
        let cpu = cpu_seconds();
        let at = Instant::now();
        let (_, bytes_before) = child.as_mut().map_or((0, 0), Readers::state);
        std::thread::sleep(Duration::from_secs(seconds));
        let percent = (cpu_seconds() - cpu) / at.elapsed().as_secs_f64() * 100.0;
        let (playing, bytes) = child.as_mut().map_or((0, 0), Readers::state);
        assert_eq!(playing, readers, "{name}: readers that play");
        if readers > 0 {
            let rate = (bytes - bytes_before) as f64 * 8.0
                / f64::from(readers)
                / at.elapsed().as_secs_f64();
            assert!(
                (2.3e6..3.2e6).contains(&rate),
                "{name}: {rate} bit/s per reader"
            );
        }
        let added = match one {
            Some((n, cpu)) if readers > n => {
                format!("{:.3}", (percent - cpu) / f64::from(readers - n))
            }
            _ => String::new(),
        };
        if readers == 1 {
            one = Some((1, percent));
        }
        println!(
            "| {name} | {readers} | {percent:.2} | {added} | {:.1} |",
            resident_mib()
        );
        drop(child);
        std::thread::sleep(Duration::from_secs(2));
    }
    server.stop();
    fanout.close();
    drop(player);
}

fn cpu_seconds() -> f64 {
    // SAFETY: all-zero is a valid `rusage`, which the call fills in.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        assert_eq!(libc::getrusage(libc::RUSAGE_SELF, &raw mut usage), 0);
        usage
    };
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS")).unwrap();
    let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / 1024.0
}

/// Plays with `rtspsrc`, decodes, and compares the NTP time of capture of each frame with the time now.
fn latency(protocols: &str, seconds: u64, loops: &[Loop]) {
    let clock = MediaClock::start();
    let fanout = Fanout::new(|| {});
    let player = Player::start(&clock, &fanout, loops);
    let server = Ours::start(&fanout, &clock, true);
    std::thread::sleep(Duration::from_secs(1));
    let at = Instant::now();
    let mut client = Client::play(server.port(), "/main");
    while client.packet(Duration::from_secs(5)).unwrap().channel % 2 == 1 {}
    let first = at.elapsed().as_secs_f64() * 1e3;
    drop(client);
    let pipeline = gst::parse::launch(&format!(
        "rtspsrc location=rtsp://127.0.0.1:{}/main protocols={protocols} latency=0 add-reference-timestamp-meta=true \
         name=s s. ! application/x-rtp,media=video ! rtph264depay ! avdec_h264 max-threads=1 ! \
         appsink name=out sync=false",
        server.port()
    ))
    .unwrap()
    .downcast::<gst::Pipeline>()
    .unwrap();
    let sink = pipeline.by_name("out").unwrap();
    let sink = sink.downcast::<gst_app::AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let start = Instant::now();
    let mut late = Vec::new();
    while start.elapsed() < Duration::from_secs(seconds + 3) {
        let Some(sample) = sink.try_pull_sample(gst::ClockTime::from_seconds(1)) else {
            continue;
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        // The burst of the cached GOP is old by design.
        if start.elapsed() < Duration::from_secs(3) {
            continue;
        }
        let buffer = sample.buffer().unwrap();
        if let Some(meta) = buffer.meta::<gst::ReferenceTimestampMeta>() {
            let captured = meta.timestamp().nseconds() as f64 / 1e9 - 2_208_988_800.0;
            late.push((now.as_secs_f64() - captured) * 1e3);
        }
    }
    pipeline.set_state(gst::State::Null).unwrap();
    Box::new(server).stop();
    drop(player);
    late.sort_by(f64::total_cmp);
    assert!(
        late.len() > 100,
        "{} frames with a time of capture",
        late.len()
    );
    let at = |part: f64| late[((late.len() - 1) as f64 * part) as usize];
    println!(
        "| {protocols} | {first:.1} | {:.2} | {:.2} | {} |",
        at(0.5),
        at(0.99),
        late.len()
    );
}
