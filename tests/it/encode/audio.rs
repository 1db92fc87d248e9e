//! AAC sessions on real encoders: configuration, timing to the sample, errors, leaks.

use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use boothcast::media::access_unit::{AccessUnit, Format, Track};
use boothcast::media::audio_encode::{AudioEncoder, installed};
use boothcast::media::raw::{AuSink, FaultSink};
use boothcast::media::time::MediaClock;
use gstreamer as gst;
use gstreamer::prelude::*;

use crate::support::wait_for;

const LIMIT: Duration = Duration::from_secs(30);
/// Frames per block, as the sound path delivers them.
const BLOCK: u64 = 1024;
/// Frames that an encoder may hold back.
const HELD_BACK: u64 = 4;
/// Far from zero.
const START: u64 = 3_600_000_000_000;
/// Sample at which the click is.
const CLICK: u64 = 30_100;

fn block_pts(number: u64, rate: u32) -> u64 {
    START + number * BLOCK * 1_000_000_000 / u64::from(rate)
}

/// Silence with one click, a short burst.
fn block(number: u64, rate: u32, channels: u32) -> gst::Buffer {
    let mut samples = Vec::new();
    for at in number * BLOCK..(number + 1) * BLOCK {
        let value: i16 = match at {
            CLICK..=CLICK_END => 24_000,
            _ => 0,
        };
        for _ in 0..channels {
            samples.extend_from_slice(&value.to_le_bytes());
        }
    }
    let mut buffer = gst::Buffer::from_slice(samples);
    let pts = gst::ClockTime::from_nseconds(block_pts(number, rate));
    buffer.get_mut().unwrap().set_pts(pts);
    buffer
}
const CLICK_END: u64 = CLICK + 8;

type Collected = Arc<Mutex<Vec<AccessUnit>>>;

fn open(
    element: &str,
    rate: u32,
    channels: u32,
) -> (AudioEncoder, Collected, Arc<Mutex<Vec<String>>>) {
    gst::init().unwrap();
    let units = Collected::default();
    let failures = Arc::new(Mutex::new(Vec::new()));
    let (sink, faults) = (Arc::clone(&units), Arc::clone(&failures));
    let encoder = AudioEncoder::open_with(
        element,
        rate,
        channels,
        128_000,
        &MediaClock::start(),
        Arc::new(move |unit| sink.lock().unwrap().push(unit)),
        Arc::new(move |reason| faults.lock().unwrap().push(reason)),
    )
    .unwrap();
    (encoder, units, failures)
}

/// Encodes `blocks` blocks; no more wait than the encoder may have waiting.
fn encode(element: &str, rate: u32, channels: u32, blocks: u64) -> Vec<AccessUnit> {
    let (encoder, units, failures) = open(element, rate, channels);
    for number in 0..blocks {
        encoder.push(block(number, rate, channels));
        let due = number.saturating_sub(HELD_BACK + 4) as usize;
        wait_for("the encoder", LIMIT, || {
            (units.lock().unwrap().len() >= due).then_some(())
        });
    }
    // All but what the encoder holds back.
    let due = (blocks - HELD_BACK) as usize;
    wait_for("the last frames", LIMIT, || {
        (units.lock().unwrap().len() >= due).then_some(())
    });
    encoder.stop();
    assert_eq!(*failures.lock().unwrap(), Vec::<String>::new());
    units.lock().unwrap().clone()
}

/// Decodes with libav; gives PTS of each buffer and its samples (first channel).
fn decode(units: &[AccessUnit], rate: u32, channels: u32) -> Vec<(u64, Vec<f32>)> {
    let Format::Aac { config, .. } = &*units[0].format else {
        panic!("not AAC");
    };
    let pipeline = gst::parse::launch(
        "appsrc name=in format=time ! avdec_aac ! audioconvert \
         ! audio/x-raw,format=F32LE,layout=interleaved ! appsink name=out sync=false",
    )
    .unwrap()
    .downcast::<gst::Pipeline>()
    .unwrap();
    let src = pipeline
        .by_name("in")
        .unwrap()
        .downcast::<gstreamer_app::AppSrc>()
        .unwrap();
    src.set_caps(Some(
        &gst::Caps::builder("audio/mpeg")
            .field("mpegversion", 4i32)
            .field("stream-format", "raw")
            .field("framed", true)
            .field("rate", rate as i32)
            .field("channels", channels as i32)
            .field("codec_data", gst::Buffer::from_slice(config.clone()))
            .build(),
    ));
    let sink = pipeline
        .by_name("out")
        .unwrap()
        .downcast::<gstreamer_app::AppSink>()
        .unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    for unit in units {
        let mut buffer = gst::Buffer::from_slice(unit.data.clone());
        let pts = gst::ClockTime::from_nseconds(unit.pts);
        buffer.get_mut().unwrap().set_pts(pts);
        src.push_buffer(buffer).unwrap();
    }
    src.end_of_stream().unwrap();
    let mut out = Vec::new();
    while let Some(sample) = sink.try_pull_sample(gst::ClockTime::from_seconds(20)) {
        let buffer = sample.buffer().unwrap();
        let map = buffer.map_readable().unwrap();
        let samples = map
            .chunks_exact(4 * channels as usize)
            .map(|frame| f32::from_le_bytes(frame[..4].try_into().unwrap()))
            .collect();
        out.push((buffer.pts().unwrap().nseconds(), samples));
    }
    pipeline.set_state(gst::State::Null).unwrap();
    out
}

/// When the click is heard, as samples later than it was made: the centre of the energy around the loudest sample.
fn click_error(element: &str, rate: u32, channels: u32) -> f64 {
    let units = encode(element, rate, channels, 60);
    let sound: Vec<(f64, f64)> = decode(&units, rate, channels)
        .iter()
        .flat_map(|(pts, samples)| {
            let start = (*pts as f64 - START as f64) * f64::from(rate) / 1e9;
            let energy = |(n, v): (usize, &f32)| (start + n as f64, f64::from(v * v));
            samples.iter().enumerate().map(energy).collect::<Vec<_>>()
        })
        .collect();
    let loudest = *sound.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    assert!(loudest.1 > 0.04, "{element}: the click is not heard");
    let near = sound.iter().filter(|(at, _)| (at - loudest.0).abs() < 64.0);
    let (sum, weight) = near.fold((0.0, 0.0), |(s, w), (at, e)| (s + at * e, w + e));
    sum / weight - (CLICK + CLICK_END) as f64 / 2.0
}

#[test]
fn sound_is_where_it_was() {
    let mut off = Vec::new();
    for element in installed_now() {
        for (rate, channels) in [(48_000, 2), (44_100, 1)] {
            let error = click_error(element, rate, channels);
            // A third of a millisecond; without correction it would be 20 to 40 ms.
            if error.abs() > 16.0 {
                off.push(format!(
                    "{element} at {rate}/{channels}: {error:.1} samples late"
                ));
            }
        }
    }
    assert!(off.is_empty(), "{off:#?}");
}

fn installed_now() -> Vec<&'static str> {
    gst::init().unwrap();
    let found = installed();
    assert!(found.contains(&"voaacenc") || found.contains(&"avenc_aac"));
    found
}

#[test]
fn frames_have_rising_times_and_the_right_configuration() {
    for element in installed_now() {
        for (rate, channels, index) in [(48_000u32, 2u32, 3u16), (48_000, 1, 3), (44_100, 2, 4)] {
            let units = encode(element, rate, channels, 40);
            let told = format!("{element} at {rate}/{channels}");
            let frame = BLOCK * 1_000_000_000 / u64::from(rate);
            for unit in &units {
                assert_eq!(unit.track, Track::Audio);
                assert!(unit.keyframe && unit.pts == unit.dts && unit.duration == frame);
                assert!(Arc::ptr_eq(&unit.format, &units[0].format), "{told}");
                assert_ne!(unit.data[..2], [0xff, 0xf1], "{told}: no ADTS header");
            }
            for pair in units.windows(2) {
                let step = pair[1].pts - pair[0].pts;
                assert!(step.abs_diff(frame) <= 1000, "{told}: a step of {step} ns");
            }
            let Format::Aac {
                rate: r,
                channels: c,
                config,
            } = &*units[0].format
            else {
                panic!("not AAC");
            };
            assert_eq!((*r, *c), (rate, channels));
            // AudioSpecificConfig: 5 bits object type (2 = LC), 4 bits rate index, 4 bits channels.
            let head = u16::from_be_bytes(config[..2].try_into().unwrap());
            assert_eq!(head >> 11, 2, "{told}: AAC-LC");
            assert_eq!((head >> 7) & 15, index, "{told}: rate");
            assert_eq!(u32::from((head >> 3) & 15), channels, "{told}: channels");
            ffprobe_agrees(&units, rate, channels, index, &told);
        }
    }
}

/// ffprobe reads the frames, given an ADTS header made from the configuration.
fn ffprobe_agrees(units: &[AccessUnit], rate: u32, channels: u32, index: u16, told: &str) {
    let mut adts = Vec::new();
    for unit in units {
        let length = unit.data.len() + 7;
        adts.extend_from_slice(&[
            0xff,
            0xf1,
            0x40 | (index << 2) as u8,
            ((channels << 6) as u8) | (length >> 11) as u8,
            (length >> 3) as u8,
            ((length & 7) << 5) as u8 | 0x1f,
            0xfc,
        ]);
        adts.extend_from_slice(&unit.data);
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), adts).unwrap();
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-f", "aac", "-count_frames", "-show_entries"])
        .args([
            "stream=codec_name,profile,sample_rate,channels,nb_read_frames",
            "-of",
            "csv=p=0",
        ])
        .arg(file.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let want = format!("aac,LC,{rate},{channels},{}", units.len());
    assert_eq!(
        text.trim(),
        want,
        "{told}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_best_installed_encoder_is_taken() {
    let best = installed_now()[0];
    let encoder = AudioEncoder::open(
        48_000,
        2,
        128_000,
        &MediaClock::start(),
        &(Arc::new(|_| {}) as AuSink),
        &(Arc::new(|_| {}) as FaultSink),
    )
    .unwrap();
    assert_eq!(encoder.name(), best);
}

#[test]
fn an_impossible_rate_is_reported_once() {
    for element in installed_now() {
        let (encoder, units, failures) = open(element, 12_345, 2);
        for number in 0..10 {
            encoder.push(block(number, 12_345, 2));
        }
        let reason = wait_for("the failure", LIMIT, || {
            failures.lock().unwrap().first().cloned()
        });
        assert!(
            reason.contains("negotiated") || reason.contains("format"),
            "{reason}"
        );
        let begun = Instant::now();
        encoder.stop();
        assert!(begun.elapsed() < Duration::from_secs(2));
        assert_eq!(failures.lock().unwrap().len(), 1);
        assert!(units.lock().unwrap().is_empty());
    }
}

#[test]
fn opening_and_stopping_leaks_nothing() {
    for element in installed_now() {
        encode(element, 48_000, 2, 20);
        encode(element, 48_000, 2, 20);
        let before = super::session::footprint();
        for _ in 0..20 {
            encode(element, 48_000, 2, 12);
        }
        let after = wait_for("threads to end", LIMIT, || {
            let now = super::session::footprint();
            (now <= before).then_some(now)
        });
        assert_eq!(after.1, before.1, "{element}: open files");
    }
}
