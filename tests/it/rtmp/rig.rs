//! What the RTMP tests share: real encoders into a fan-out, nginx, and what pushes report.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use boothcast::config::{Destination, Secret};
use boothcast::device::event::{DestinationState, MediaEvent, PushFigures};
use boothcast::media::access_unit::{AccessUnit, Format, Track};
use boothcast::media::fanout::Fanout;
use boothcast::media::h264;
use boothcast::media::output::rtmp::abr::Adaptive;
use boothcast::media::output::rtmp::{Push, PushOptions};
use boothcast::media::report::Reporter;
use bytes::Bytes;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use crate::support::{Guard, wait_for};

pub const FPS: u32 = 25;

/// x264 and voaacenc, live, into a fan-out; notes when each picture went in.
pub struct Source {
    pub fanout: Fanout<AccessUnit>,
    pipelines: Vec<gst::Pipeline>,
    /// Decoding time in ns, and when it was pushed.
    pub pushed: Arc<Mutex<Vec<(u64, Instant)>>>,
    clock: gst::Clock,
    base: gst::ClockTime,
}

impl Source {
    pub fn start(width: u32, height: u32, kbps: u32) -> Self {
        gst::init().unwrap();
        let clock = gst::SystemClock::obtain();
        let base = clock.time();
        let mut source = Self {
            fanout: Fanout::new(|| {}),
            pipelines: Vec::new(),
            pushed: Arc::default(),
            clock,
            base,
        };
        source.video(width, height, kbps);
        source.audio();
        source
    }

    /// The picture goes on in another size, as after a change of profile.
    pub fn change_size(&mut self, width: u32, height: u32, kbps: u32) {
        self.pipelines[0].set_state(gst::State::Null).unwrap();
        self.video(width, height, kbps);
    }

    fn run(&mut self, description: &str) -> gst_app::AppSink {
        let pipeline = gst::parse::launch(description).unwrap();
        let pipeline = pipeline.downcast::<gst::Pipeline>().unwrap();
        pipeline.use_clock(Some(&self.clock));
        pipeline.set_start_time(gst::ClockTime::NONE);
        pipeline.set_base_time(self.base);
        let sink = pipeline.by_name("sink").unwrap();
        self.pipelines.push(pipeline);
        sink.downcast::<gst_app::AppSink>().unwrap()
    }

    fn play(&self) {
        let last = self.pipelines.last().unwrap();
        last.set_state(gst::State::Playing).unwrap();
    }

    fn video(&mut self, width: u32, height: u32, kbps: u32) {
        // Snow, so that the encoder needs the bits that it may use.
        let sink = self.run(&format!(
            "videotestsrc is-live=true pattern=snow ! video/x-raw,format=I420,width={width},height={height},framerate={FPS}/1 \
             ! x264enc tune=zerolatency speed-preset=ultrafast bitrate={kbps} vbv-buf-capacity=200 key-int-max={FPS} \
             ! h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream,alignment=au \
             ! appsink name=sink sync=false"
        ));
        let (fanout, pushed) = (self.fanout.clone(), self.pushed.clone());
        let mut format: Option<Arc<Format>> = None;
        on_sample(&sink, move |buffer, pts, dts| {
            let keyframe = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
            let data = Bytes::copy_from_slice(&buffer.map_readable().unwrap());
            if keyframe && format.is_none() {
                let (sps, pps) = h264::parameter_sets(&data).unwrap();
                format = Some(Arc::new(Format::H264 {
                    width,
                    height,
                    fps: FPS,
                    sps,
                    pps,
                }));
            }
            let Some(format) = format.clone() else { return };
            pushed.lock().unwrap().push((dts, Instant::now()));
            fanout.push(AccessUnit {
                track: Track::Video,
                pts,
                dts,
                duration: 1_000_000_000 / u64::from(FPS),
                keyframe,
                data,
                format,
            });
        });
        self.play();
    }

    fn audio(&mut self) {
        let sink = self.run(
            "audiotestsrc is-live=true samplesperbuffer=1024 ! audio/x-raw,rate=48000,channels=2 \
             ! voaacenc bitrate=64000 ! aacparse ! audio/mpeg,stream-format=raw ! appsink name=sink sync=false",
        );
        let fanout = self.fanout.clone();
        // AAC-LC, 48 kHz, stereo (ISO/IEC 14496-3, 1.6.2.1).
        let config = Bytes::from_static(&[0x11, 0x90]);
        let format = Arc::new(Format::Aac {
            rate: 48_000,
            channels: 2,
            config,
        });
        on_sample(&sink, move |buffer, pts, _| {
            let data = Bytes::copy_from_slice(&buffer.map_readable().unwrap());
            fanout.push(AccessUnit {
                track: Track::Audio,
                pts,
                dts: pts,
                duration: 21_333_333,
                keyframe: true,
                data,
                format: format.clone(),
            });
        });
        self.play();
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        for pipeline in &self.pipelines {
            let _ = pipeline.set_state(gst::State::Null);
        }
    }
}

fn on_sample(
    sink: &gst_app::AppSink,
    mut f: impl FnMut(&gst::BufferRef, u64, u64) + Send + 'static,
) {
    let callbacks = gst_app::AppSinkCallbacks::builder().new_sample(move |sink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let segment = sample
            .segment()
            .unwrap()
            .downcast_ref::<gst::ClockTime>()
            .unwrap()
            .clone();
        let buffer = sample.buffer().unwrap();
        // The encoder's timestamps are 1000 h off; running time is not.
        let pts = segment.to_running_time(buffer.pts()).unwrap().nseconds();
        let dts = segment
            .to_running_time(buffer.dts())
            .map_or(pts, gst::ClockTime::nseconds);
        f(buffer, pts, dts.min(pts));
        Ok(gst::FlowSuccess::Ok)
    });
    sink.set_callbacks(callbacks.build());
}

/// What pushes reported, with the time.
#[derive(Clone)]
pub struct Log(Arc<Mutex<Vec<(Instant, MediaEvent)>>>);

impl Log {
    pub fn new() -> (Self, Reporter) {
        let log = Self(Arc::default());
        let to = log.0.clone();
        (
            log,
            Reporter::new(move |event| to.lock().unwrap().push((Instant::now(), event))),
        )
    }

    pub fn all(&self) -> Vec<(Instant, MediaEvent)> {
        self.0.lock().unwrap().clone()
    }

    pub fn states(&self, name: &str) -> Vec<(Instant, DestinationState)> {
        let all = self.all().into_iter();
        all.filter_map(|(at, event)| match event {
            MediaEvent::Destination { name: n, state } if n.as_str() == name => Some((at, state)),
            _ => None,
        })
        .collect()
    }

    pub fn figures(&self, name: &str) -> Vec<PushFigures> {
        let all = self.all().into_iter();
        all.filter_map(|(_, event)| match event {
            MediaEvent::Push { name: n, figures } if n.as_str() == name => Some(figures),
            _ => None,
        })
        .collect()
    }

    /// Waits for a state that was reported after `since`; when it was.
    pub fn wait(
        &self,
        name: &str,
        what: &str,
        since: Instant,
        limit: Duration,
        is: impl Fn(&DestinationState) -> bool,
    ) -> (Instant, DestinationState) {
        let end = Instant::now() + limit;
        loop {
            let states = self.states(name);
            if let Some(found) = states.iter().find(|(at, s)| *at >= since && is(s)) {
                return found.clone();
            }
            assert!(
                Instant::now() < end,
                "{name} was not {what} within {limit:?}: {states:?}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn wait_live(&self, name: &str, since: Instant, limit: Duration) -> Instant {
        self.wait(name, "live", since, limit, |s| *s == DestinationState::Live)
            .0
    }
}

pub fn destination(name: &str, url: &str, key: &str) -> Destination {
    Destination {
        name: name.parse().unwrap(),
        url: url.parse().unwrap(),
        key: Secret::new(key),
        enabled: true,
        max_bitrate: None,
        tls_ca: "".into(),
    }
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

pub fn push(
    rt: &tokio::runtime::Runtime,
    source: &Source,
    destination: Destination,
    adaptive: Option<Adaptive>,
    reporter: &Reporter,
) -> Push {
    let options = PushOptions {
        destination,
        fanout: source.fanout.clone(),
        audio: true,
        adaptive,
    };
    Push::spawn(rt.handle(), options, reporter.clone())
}

/// nginx with its RTMP module, in one process, with its own folder.
pub struct Nginx {
    dir: tempfile::TempDir,
    port: u16,
    child: Option<Guard>,
}

impl Nginx {
    /// `directives` go into the application `live`.
    pub fn start(port: u16, directives: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let shown = dir.path().display();
        let conf = format!(
            "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;\ndaemon off;\nmaster_process off;\n\
             pid {shown}/nginx.pid;\nerror_log {shown}/error.log info;\nevents {{ worker_connections 64; }}\n\
             rtmp {{ server {{ listen 127.0.0.1:{port}; application live {{ live on; {} }} }} }}\n",
            directives.replace("DIR", &shown.to_string()),
        );
        std::fs::write(dir.path().join("nginx.conf"), conf).unwrap();
        let mut nginx = Self {
            dir,
            port,
            child: None,
        };
        nginx.begin();
        nginx
    }

    pub fn begin(&mut self) {
        let dir = self.dir.path();
        let mut command = Command::new("nginx");
        command
            .arg("-p")
            .arg(dir)
            .arg("-c")
            .arg(dir.join("nginx.conf"))
            .arg("-e")
            .arg(dir.join("early.log"));
        self.child = Some(Guard::spawn(
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        ));
    }

    /// Cut off without a word, as by a power cut.
    pub fn kill(&mut self) {
        self.child = None;
    }

    pub fn url(&self) -> String {
        format!("rtmp://127.0.0.1:{}/live", self.port)
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// When it began to listen, to 2 ms.
    pub fn listening(&self) -> Instant {
        wait_for("nginx to listen", Duration::from_secs(10), || {
            std::net::TcpStream::connect(("127.0.0.1", self.port))
                .ok()
                .map(|_| Instant::now())
        })
    }
}

/// Runs a program to its end, with a bound; what it wrote to stdout and stderr.
pub fn output(limit: Duration, command: &mut Command) -> (bool, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let (out, err) = (dir.path().join("out"), dir.path().join("err"));
    command.stdin(Stdio::null());
    command
        .stdout(std::fs::File::create(&out).unwrap())
        .stderr(std::fs::File::create(&err).unwrap());
    let status = Guard::spawn(command).wait(limit);
    let read = |p| String::from_utf8_lossy(&std::fs::read(p).unwrap()).into_owned();
    (status.is_some_and(|s| s.success()), read(out), read(err))
}
