//! From capture timestamp to decoded frame at an RTSP reader, over TCP and UDP. Box and reader share this process and
//! its clock; the frame number is read back from the decoded picture's own strip.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use boothcast::app::{App, AppOptions};
use boothcast::clock::Clock;
use boothcast::config::{self, board};
use boothcast::media::access_unit::Track;
use boothcast::media::capture::test_source::read_strip;
use boothcast::media::fanout::{ConsumerOptions, Next, Start};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSinkCallbacks};

use super::process::{free_port, quantile};

const SECONDS: u64 = 20;

fn start(runtime: &tokio::runtime::Runtime, dir: &std::path::Path, port: u16) -> App {
    let set = vec![
        format!("paths.state={}", dir.display()),
        "rtsp.listen=127.0.0.1".into(),
        format!("rtsp.port={port}"),
        "rtsp.auth=none".into(),
        "video.source=test".into(),
    ];
    let sources = config::Sources {
        files: vec![],
        env: vec![],
        set,
        board: board::detected(),
        default_state: "/nonexistent".into(),
    };
    let config = config::load(&sources)
        .unwrap_or_else(|p| panic!("{p}"))
        .config;
    let options = AppOptions {
        config,
        board: board::detected().board,
        clock: Clock::real(),
        notices: vec![],
        sources: None,
        logs: Default::default(),
        begin: Default::default(),
    };
    App::start(options, runtime.handle()).unwrap_or_else(|e| panic!("{}", e.report()))
}

/// Latencies in ms of the frames that a reader decodes.
fn read(app: &App, port: u16, protocol: &str) -> Vec<f64> {
    let line = format!(
        "rtspsrc location=rtsp://127.0.0.1:{port}/main latency=0 protocols={protocol} ! rtph264depay ! h264parse \
         ! avdec_h264 max-threads=1 ! appsink name=sink sync=false max-buffers=4"
    );
    let pipeline = gst::parse::launch(&line)
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
    let sink = pipeline
        .by_name("sink")
        .unwrap()
        .downcast::<AppSink>()
        .unwrap();
    let (found, clock) = (Arc::new(Mutex::new(Vec::new())), app.media_clock.clone());
    let list = found.clone();
    sink.set_callbacks(
        AppSinkCallbacks::builder()
            .new_sample(move |sink| {
                let now = clock.now();
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                let map = sample.buffer().unwrap().map_readable().unwrap();
                if let Some((frame, _)) = read_strip(&map, 1280, 1280, 720) {
                    list.lock()
                        .unwrap()
                        .push(now.nseconds() as f64 / 1e6 - f64::from(frame) * 1000.0 / 30.0);
                }
                Ok(gst::FlowSuccess::Ok)
            })
            .build(),
    );
    pipeline.set_state(gst::State::Playing).unwrap();
    std::thread::sleep(Duration::from_secs(SECONDS));
    pipeline.set_state(gst::State::Null).unwrap();
    let all = found.lock().unwrap().clone();
    // The cached GOP comes first and is old by nature; steady state is what counts.
    all.into_iter().skip(60).collect()
}

/// The part before the network: from capture timestamp to the encoded access unit in the fan-out.
fn encoded(app: &App) -> Vec<f64> {
    let mut consumer = app.main.subscribe(ConsumerOptions {
        name: "bench".into(),
        start: Start::NextKeyframe,
        max_span: Duration::from_secs(5),
        max_bytes: 16 << 20,
    });
    let end = Instant::now() + Duration::from_secs(SECONDS / 2);
    let mut out = Vec::new();
    while Instant::now() < end {
        if let Next::Unit(unit) = consumer.next_timeout(Duration::from_secs(1))
            && unit.track == Track::Video
        {
            out.push((app.media_clock.now().nseconds() - unit.pts) as f64 / 1e6);
        }
    }
    out
}

pub fn measure() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let app = start(&runtime, dir.path(), port);
    let mut ms = encoded(&app);
    println!(
        "| of that: capture timestamp to encoded access unit (n = {}) | median {:.1} ms, p99 {:.1} ms |",
        ms.len(),
        quantile(&mut ms, 0.5),
        quantile(&mut ms, 0.99)
    );
    for protocol in ["tcp", "udp"] {
        let mut ms = read(&app, port, protocol);
        println!(
            "| latency, capture timestamp to decoded frame, 720p30, {protocol} (n = {}) | \
             median {:.1} ms, p99 {:.1} ms |",
            ms.len(),
            quantile(&mut ms, 0.5),
            quantile(&mut ms, 0.99)
        );
    }
    runtime.block_on(app.stop());
}
