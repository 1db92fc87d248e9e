//! Real players: ffmpeg and GStreamer, over TCP and UDP.

use std::process::Command;
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::source::{self, SMALL, Spec};
use super::{Show, options};

fn ffprobe(arguments: &[&str], url: &str) -> String {
    let out = Command::new("timeout")
        .args(["20", "ffprobe", "-v", "error"])
        .args(arguments)
        .arg(url)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{:?}: {errors}", out.status);
    assert_eq!(errors, "");
    String::from_utf8(out.stdout).unwrap()
}

fn ffmpeg_reads(transport: &str) {
    let show = Show::new(options(), &[source::video(SMALL), source::audio()]);
    let entries = "stream=codec_name,width,height,avg_frame_rate,sample_rate,channels";
    let arguments = ["-rtsp_transport", transport, "-show_entries", entries];
    let out = ffprobe(&[&arguments[..], &["-of", "json"]].concat(), &show.url());
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    let (video, audio) = (&json["streams"][0], &json["streams"][1]);
    assert_eq!(video["codec_name"], "h264", "{json}");
    assert_eq!(video["width"], 320);
    assert_eq!(video["height"], 240);
    assert_eq!(video["avg_frame_rate"], "30/1");
    assert_eq!(audio["codec_name"], "aac");
    assert_eq!(audio["sample_rate"], "48000");
    assert_eq!(audio["channels"], 2);

    let entries = "packet=stream_index,pts_time";
    let arguments = ["-rtsp_transport", transport, "-read_intervals", "%+2"];
    let out = ffprobe(
        &[
            &arguments[..],
            &["-show_entries", entries, "-of", "csv=p=0"],
        ]
        .concat(),
        &show.url(),
    );
    for stream in ["0", "1"] {
        let times: Vec<f64> = out
            .lines()
            .filter_map(|l| l.split_once(','))
            .filter(|(s, _)| *s == stream)
            .map(|(_, t)| t.trim_end_matches(','))
            // ffprobe has no time for the picture that it starts with.
            .enumerate()
            .filter(|(n, t)| !(*n == 0 && *t == "N/A"))
            .map(|(_, t)| t.parse().unwrap())
            .collect();
        assert!(times.len() > 40, "stream {stream}: {} packets", times.len());
        let steps: Vec<f64> = times.windows(2).map(|w| w[1] - w[0]).collect();
        assert!(
            steps.iter().all(|s| *s > 0.0 && *s < 0.1),
            "stream {stream}: {times:?}"
        );
    }

    let out = Command::new("timeout")
        .args(["20", "ffmpeg", "-v", "error", "-xerror", "-rtsp_transport"])
        .args([transport, "-i", &show.url(), "-t", "2", "-f", "null", "-"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{errors}");
    assert_eq!(errors, "", "decoding errors");
}

#[test]
fn ffmpeg_reads_picture_and_sound_over_tcp() {
    ffmpeg_reads("tcp");
}

#[test]
fn ffmpeg_reads_picture_and_sound_over_udp() {
    ffmpeg_reads("udp");
}

/// What a GStreamer client saw.
pub(super) struct Seen {
    pub first: Duration,
    pub video: Vec<u64>,
    pub audio: Vec<u64>,
}

/// Links the source's pads by the media in their caps. `gst_parse` would do it too, but loses a pad now and then when both
/// come at the same moment from two threads ("Delayed linking failed").
fn link_by_media(pipeline: &gst::Pipeline) {
    let [video, audio] = ["video", "audio"].map(|name| pipeline.by_name(name).unwrap().downgrade());
    pipeline
        .by_name("s")
        .unwrap()
        .connect_pad_added(move |_, pad| {
            let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
            let media = caps
                .structure(0)
                .and_then(|s| s.get::<String>("media").ok());
            let to = if media.as_deref() == Some("video") {
                &video
            } else {
                &audio
            };
            if let Some(element) = to.upgrade() {
                pad.link(&element.static_pad("sink").unwrap()).unwrap();
            }
        });
}

/// Plays with `rtspsrc` and decodes until `frames` pictures are there, at most 15 s.
pub(super) fn rtspsrc(url: &str, extra: &str, frames: usize) -> Seen {
    gst::init().unwrap();
    let pipeline = gst::parse::launch(&format!(
        "rtspsrc location={url} latency=100 {extra} name=s \
         rtph264depay name=video ! h264parse ! avdec_h264 ! appsink name=v sync=false \
         rtpmp4gdepay name=audio ! aacparse ! avdec_aac ! appsink name=a sync=false"
    ))
    .unwrap()
    .downcast::<gst::Pipeline>()
    .unwrap();
    link_by_media(&pipeline);
    let sink = |name: &str| {
        let sink = pipeline.by_name(name).unwrap();
        sink.downcast::<gst_app::AppSink>().unwrap()
    };
    let (video, audio) = (sink("v"), sink("a"));
    let start = Instant::now();
    pipeline.set_state(gst::State::Playing).unwrap();
    let mut seen = Seen {
        first: Duration::ZERO,
        video: Vec::new(),
        audio: Vec::new(),
    };
    let poll = gst::ClockTime::from_mseconds(20);
    while seen.video.len() < frames && start.elapsed() < Duration::from_secs(15) {
        if let Some(sample) = video.try_pull_sample(poll) {
            if seen.video.is_empty() {
                seen.first = start.elapsed();
            }
            seen.video
                .push(sample.buffer().unwrap().pts().unwrap().nseconds());
        }
        while let Some(sample) = audio.try_pull_sample(gst::ClockTime::ZERO) {
            seen.audio
                .push(sample.buffer().unwrap().pts().unwrap().nseconds());
        }
    }
    let bus = pipeline.bus().unwrap();
    if let Some(message) = bus.pop_filtered(&[gst::MessageType::Error])
        && let gst::MessageView::Error(e) = message.view()
    {
        eprintln!("client: {} {:?}", e.error(), e.debug());
    }
    pipeline.set_state(gst::State::Null).unwrap();
    seen
}

fn gstreamer_reads(protocols: &str) {
    let show = Show::new(options(), &[source::video(SMALL), source::audio()]);
    let seen = rtspsrc(&show.url(), &format!("protocols={protocols}"), 75);
    assert_eq!(seen.video.len(), 75);
    assert!(
        seen.audio.len() > 60,
        "{} blocks of sound",
        seen.audio.len()
    );
    assert!(seen.video.is_sorted_by(|a, b| a < b), "{:?}", seen.video);
    // The client places sound by arrival until the second sender report, and then moves it once to the picture.
    let back = seen.audio.windows(2).filter(|w| w[1] <= w[0]).count();
    assert!(back <= 1, "{:?}", seen.audio);
    drop(show);
}

#[test]
fn gstreamer_reads_picture_and_sound_over_tcp() {
    gstreamer_reads("tcp");
}

#[test]
fn gstreamer_reads_picture_and_sound_over_udp() {
    gstreamer_reads("udp");
}

#[test]
fn first_picture_comes_from_the_gop_cache() {
    let gop = Spec {
        gop: 120,
        frames: 120,
        ..SMALL
    };
    let show = Show::new(options(), &[source::video(gop), source::audio()]);
    // In the middle of a GOP of 4 s, so that the next keyframe is 2 s away.
    std::thread::sleep(Duration::from_millis(1900));
    for protocols in ["tcp", "udp"] {
        let seen = rtspsrc(&show.url(), &format!("protocols={protocols}"), 1);
        assert_eq!(seen.video.len(), 1);
        assert!(
            seen.first < Duration::from_millis(1200),
            "{protocols}: first picture after {:?}",
            seen.first
        );
    }
}
