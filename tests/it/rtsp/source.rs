//! Access units for the tests and benchmarks of the RTSP server: encoded once with GStreamer, then played live in a
//! loop, so that the source costs next to nothing while readers are measured.
#![allow(dead_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use boothcast::media::access_unit::{AccessUnit, Format, Track};
use boothcast::media::fanout::Fanout;
use boothcast::media::time::MediaClock;
use bytes::Bytes;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

#[derive(Clone, Copy)]
pub struct Spec {
    pub width: u32,
    pub height: u32,
    pub fps: u32,
    /// Frames from keyframe to keyframe.
    pub gop: u32,
    pub kbps: u32,
    /// Frames encoded, then repeated: a multiple of `gop`.
    pub frames: u32,
}

pub const SMALL: Spec = Spec {
    width: 320,
    height: 240,
    fps: 30,
    gop: 30,
    kbps: 600,
    frames: 60,
};

/// Encoded frames of one track and their format.
#[derive(Clone)]
pub struct Loop {
    pub format: Arc<Format>,
    /// Data, and whether it is a keyframe.
    pub units: Arc<Vec<(Bytes, bool)>>,
    pub unit_ns: u64,
}

fn pull_all(description: &str) -> (gst::Caps, Vec<(Bytes, bool)>) {
    gst::init().unwrap();
    let pipeline = gst::parse::launch(description)
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
    let sink = pipeline
        .by_name("out")
        .unwrap()
        .downcast::<gst_app::AppSink>()
        .unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let mut caps = None;
    let mut units = Vec::new();
    while let Ok(sample) = sink.pull_sample() {
        caps = sample.caps_owned().or(caps);
        let buffer = sample.buffer().unwrap();
        let key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        units.push((Bytes::copy_from_slice(&buffer.map_readable().unwrap()), key));
    }
    pipeline.set_state(gst::State::Null).unwrap();
    (caps.unwrap(), units)
}

/// NAL unit of `kind` without start code.
pub fn nal(data: &Bytes, kind: u8) -> Bytes {
    let mut starts: Vec<usize> = data
        .windows(3)
        .enumerate()
        .filter(|(_, w)| *w == [0, 0, 1])
        .map(|(i, _)| i + 3)
        .collect();
    starts.push(data.len() + 3);
    for pair in starts.windows(2) {
        if data[pair[0]] & 0x1f == kind {
            let mut end = pair[1] - 3;
            while end > pair[0] && data[end - 1] == 0 {
                end -= 1;
            }
            return data.slice(pair[0]..end);
        }
    }
    panic!("no NAL unit of type {kind}");
}

pub fn video(spec: Spec) -> Loop {
    let Spec {
        width,
        height,
        fps,
        gop,
        kbps,
        frames,
    } = spec;
    let (_, units) = pull_all(&format!(
        "videotestsrc num-buffers={frames} pattern=ball ! \
         video/x-raw,format=I420,width={width},height={height},framerate={fps}/1 ! \
         x264enc tune=zerolatency speed-preset=ultrafast bitrate={kbps} key-int-max={gop} ! \
         video/x-h264,profile=constrained-baseline ! h264parse config-interval=-1 ! \
         video/x-h264,stream-format=byte-stream,alignment=au ! appsink name=out sync=false max-buffers=0"
    ));
    assert_eq!(units.len(), frames as usize);
    assert!(units[0].1);
    let first = units[0].0.clone();
    Loop {
        format: Arc::new(Format::H264 {
            width,
            height,
            fps,
            sps: nal(&first, 7),
            pps: nal(&first, 8),
        }),
        units: Arc::new(units),
        unit_ns: 1_000_000_000 / u64::from(fps),
    }
}

/// Pads every picture to `bytes` with filler NAL units (type 12), for a stream of exactly known bitrate.
pub fn padded(mut video: Loop, delta: usize, key: usize) -> Loop {
    let units = video
        .units
        .iter()
        .map(|(data, is_key)| {
            let want = if *is_key { key } else { delta };
            let mut out = data.to_vec();
            if out.len() + 8 < want {
                out.extend_from_slice(&[0, 0, 0, 1, 12]);
                out.resize(want - 1, 0xff);
                out.push(0x80);
            }
            (Bytes::from(out), *is_key)
        })
        .collect();
    video.units = Arc::new(units);
    video
}

pub fn audio() -> Loop {
    let (caps, units) = pull_all(
        "audiotestsrc num-buffers=94 samplesperbuffer=1024 freq=440 ! audio/x-raw,rate=48000,channels=2 ! \
         voaacenc bitrate=96000 ! audio/mpeg,stream-format=raw ! appsink name=out sync=false max-buffers=0",
    );
    let config = caps
        .structure(0)
        .unwrap()
        .get::<gst::Buffer>("codec_data")
        .unwrap();
    let config = Bytes::copy_from_slice(&config.map_readable().unwrap());
    Loop {
        format: Arc::new(Format::Aac {
            rate: 48_000,
            channels: 2,
            config,
        }),
        units: Arc::new(units),
        unit_ns: 1024 * 1_000_000_000 / 48_000,
    }
}

/// Plays loops live into a fan-out until dropped. PTS is when the unit was due, in running time.
pub struct Player {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Player {
    pub fn start(clock: &MediaClock, fanout: &Fanout<AccessUnit>, loops: &[Loop]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = loops
            .iter()
            .map(|l| {
                let (l, clock, fanout, stop) =
                    (l.clone(), clock.clone(), fanout.clone(), Arc::clone(&stop));
                std::thread::spawn(move || play(&l, &clock, &fanout, &stop))
            })
            .collect();
        Self { stop, threads }
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

fn play(l: &Loop, clock: &MediaClock, fanout: &Fanout<AccessUnit>, stop: &AtomicBool) {
    let start = clock.now().nseconds();
    for n in 0_u64.. {
        let due = start + n * l.unit_ns;
        let wait = due.saturating_sub(clock.now().nseconds());
        std::thread::sleep(Duration::from_nanos(wait));
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let (data, keyframe) = &l.units[usize::try_from(n).unwrap() % l.units.len()];
        fanout.push(AccessUnit {
            track: match *l.format {
                Format::H264 { .. } => Track::Video,
                Format::Aac { .. } => Track::Audio,
            },
            pts: due,
            dts: due,
            duration: l.unit_ns,
            keyframe: *keyframe,
            data: data.clone(),
            format: Arc::clone(&l.format),
        });
    }
}
