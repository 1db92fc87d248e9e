//! The H.264 session and the probe, on real encoders.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use boothcast::config::{H264Profile, VideoSettings};
use boothcast::error::Kind;
use boothcast::media::access_unit::{AccessUnit, Format, Track};
use boothcast::media::encode::{VideoEncoder, probe};
use boothcast::media::h264::{self, Sps, nal_type};
use boothcast::media::raw::{Pixel, RawFormat};
use boothcast::media::time::MediaClock;
use gstreamer as gst;

use super::picture::{decode, frame, luma, raw};
use crate::support::wait_for;

/// Where an encode that works on a busy machine is long done.
const LIMIT: Duration = Duration::from_secs(30);
/// Both software encoders come with the packages that the tests need.
const ENCODERS: [&str; 2] = ["x264enc", "openh264enc"];

fn settings(width: u32, height: u32, fps: u32) -> VideoSettings {
    VideoSettings {
        width,
        height,
        fps,
        bitrate: 1_500_000,
        gop_s: 1.0,
        h264_profile: H264Profile::Main,
    }
}

/// An encoder session with what it delivered.
struct Rig {
    encoder: VideoEncoder,
    input: RawFormat,
    units: Arc<Mutex<Vec<AccessUnit>>>,
    failures: Arc<Mutex<Vec<String>>>,
    failed: Arc<AtomicUsize>,
    next: u64,
}

/// Far from zero, as it is after hours of running.
const START: u64 = 10_000_000_000_000;

impl Rig {
    fn open(element: &str, settings: &VideoSettings, input: RawFormat) -> Self {
        gst::init().unwrap();
        let units = Arc::new(Mutex::new(Vec::new()));
        let failures = Arc::new(Mutex::new(Vec::new()));
        let failed = Arc::new(AtomicUsize::new(0));
        let (sink, faults, count) = (
            Arc::clone(&units),
            Arc::clone(&failures),
            Arc::clone(&failed),
        );
        let encoder = VideoEncoder::open(
            element,
            settings,
            input,
            &MediaClock::start(),
            Arc::new(move |unit| sink.lock().unwrap().push(unit)),
            Arc::new(move |reason| {
                faults.lock().unwrap().push(reason);
                count.fetch_add(1, Ordering::SeqCst);
            }),
        )
        .unwrap();
        Self {
            encoder,
            input,
            units,
            failures,
            failed,
            next: 0,
        }
    }

    fn pts(&self, number: u64) -> u64 {
        START + number * self.input.frame_ns()
    }

    /// Pushes `count` frames, each when the one before has left the appsrc, so that none is dropped.
    fn push(&mut self, count: u64, noise: u32) {
        for _ in 0..count {
            let number = self.next;
            self.encoder
                .push(frame(self.input, number, self.pts(number), noise));
            self.next += 1;
            wait_for("the encoder to take a frame", LIMIT, || {
                (self.encoder.waiting() == 0).then_some(())
            });
        }
    }

    fn count(&self) -> usize {
        self.units.lock().unwrap().len()
    }

    /// Waits for the access unit of the last pushed frame.
    fn settle(&self) -> Vec<AccessUnit> {
        let last = self.pts(self.next - 1);
        wait_for("the last access unit", LIMIT, || {
            let units = self.units.lock().unwrap();
            (units.last()?.pts >= last).then(|| units.clone())
        })
    }
}

fn sps_of(unit: &AccessUnit) -> Sps {
    let Format::H264 { sps, .. } = &*unit.format else {
        panic!("not H.264");
    };
    Sps::parse(sps).unwrap()
}

#[test]
fn delivers_what_was_asked_for() {
    for element in ENCODERS {
        for (profile, width, height) in [
            (H264Profile::ConstrainedBaseline, 320, 180),
            (H264Profile::Main, 426, 240),
            (H264Profile::High, 640, 360),
        ] {
            let settings = VideoSettings {
                h264_profile: profile,
                // Enough that OpenH264 need not skip a frame.
                bitrate: 6_000_000,
                ..settings(width, height, 30)
            };
            let mut rig = Rig::open(element, &settings, raw(width, height, 30));
            rig.push(75, 2);
            let units = rig.settle();
            let told = format!("{element} {profile:?}");
            assert_eq!(rig.encoder.dropped(), 0, "{told}");
            assert_eq!(
                units.len(),
                75,
                "{told}: no frame is skipped at this bitrate"
            );
            for (number, unit) in units.iter().enumerate() {
                assert_eq!(unit.track, Track::Video);
                assert_eq!(
                    unit.pts,
                    rig.pts(number as u64),
                    "{told}: PTS is the input's"
                );
                assert_eq!(unit.dts, unit.pts, "{told}: no B-frames");
                assert_eq!(
                    unit.keyframe,
                    number % 30 == 0,
                    "{told}: GOP of 30 at {number}"
                );
                assert_eq!(unit.duration, 33_333_333);
                assert!(Arc::ptr_eq(&unit.format, &units[0].format), "{told}");
                let has_sets = h264::parameter_sets(&unit.data).is_some();
                assert_eq!(has_sets, unit.keyframe, "{told}: SPS and PPS at {number}");
            }
            let sps = sps_of(&units[0]);
            assert_eq!((sps.width, sps.height), (width, height), "{told}");
            assert_eq!(sps.profile(), Some(profile), "{told}");
            check_picture(&units, width as usize, &told);
        }
    }
}

/// What comes out of a decoder is what went in, at the same times.
fn check_picture(units: &[AccessUnit], width: usize, told: &str) {
    let pictures = decode(units);
    assert_eq!(pictures.len(), units.len(), "{told}: every picture decodes");
    for (number, (pts, pixels)) in pictures.iter().enumerate() {
        assert_eq!(*pts, units[number].pts, "{told}");
        let error: f64 = pixels
            .iter()
            .enumerate()
            .map(|(at, got)| {
                let want = luma(at % width, at / width, number as u64);
                f64::from(i32::from(*got) - want).powi(2)
            })
            .sum::<f64>()
            / pixels.len() as f64;
        let psnr = 10.0 * (255.0f64.powi(2) / error.max(1e-9)).log10();
        assert!(psnr > 28.0, "{told}: picture {number} has {psnr:.1} dB");
    }
}

#[test]
fn scales_converts_and_lowers_the_rate_by_itself() {
    for element in ENCODERS {
        let input = RawFormat {
            pixel: Pixel::Nv12,
            ..raw(640, 480, 30)
        };
        let mut rig = Rig::open(element, &settings(320, 180, 15), input);
        rig.push(60, 0);
        let units = wait_for("the last access unit", LIMIT, || {
            let units = rig.units.lock().unwrap();
            (units.len() >= 30).then(|| units.clone())
        });
        assert_eq!(units.len(), 30, "{element}: every other frame");
        for (n, unit) in units.iter().enumerate() {
            assert_eq!(unit.pts, rig.pts(2 * n as u64), "{element}");
            assert_eq!(unit.keyframe, n % 15 == 0, "{element}");
        }
        let sps = sps_of(&units[0]);
        assert_eq!((sps.width, sps.height), (320, 180), "{element}");
        let Format::H264 { fps, .. } = *units[0].format else {
            panic!("not H.264");
        };
        assert_eq!(fps, 15);
    }
}

#[test]
fn a_forced_keyframe_comes_within_three_frames() {
    for element in ENCODERS {
        let long = VideoSettings {
            gop_s: 20.0,
            ..settings(320, 180, 30)
        };
        let mut rig = Rig::open(element, &long, raw(320, 180, 30));
        rig.push(20, 2);
        assert!(rig.settle()[1..].iter().all(|u| !u.keyframe), "{element}");
        rig.encoder.force_keyframe();
        rig.push(10, 2);
        let after: Vec<bool> = rig.settle()[20..].iter().map(|u| u.keyframe).collect();
        assert!(after[..3].contains(&true), "{element}: {after:?}");
        assert_eq!(after.iter().filter(|k| **k).count(), 1, "{element}");
    }
}

#[test]
fn the_bitrate_changes_live_without_a_new_session() {
    for element in ENCODERS {
        let fast = VideoSettings {
            bitrate: 2_000_000,
            ..settings(640, 360, 30)
        };
        let mut rig = Rig::open(element, &fast, raw(640, 360, 30));
        rig.push(150, 12);
        let before = rig.settle().len();
        assert!(rig.encoder.set_bitrate(700_000), "{element}");
        rig.push(180, 12);
        rig.settle();
        assert!(rig.encoder.set_bitrate(1_600_000), "{element}");
        rig.push(150, 12);
        let units = rig.settle();
        // Whole GOPs, once each rate control has settled.
        let first = rate(
            &units[..before],
            START + 2_000_000_000,
            START + 5_000_000_000,
        );
        let second = rate(&units, START + 7_000_000_000, START + 11_000_000_000);
        assert!(
            (1_500_000.0..2_500_000.0).contains(&first),
            "{element}: {first}"
        );
        let third = rate(&units, START + 13_000_000_000, START + 16_000_000_000);
        assert!(
            (1_200_000.0..2_000_000.0).contains(&third),
            "{element}: {third}"
        );
        assert!(
            (525_000.0..875_000.0).contains(&second),
            "{element}: {second}"
        );
        assert!(
            units
                .iter()
                .all(|u| Arc::ptr_eq(&u.format, &units[0].format)),
            "{element}: same SPS and PPS"
        );
    }
}

/// bit/s of the units in a span of media time.
fn rate(units: &[AccessUnit], from: u64, to: u64) -> f64 {
    let bytes: usize = units
        .iter()
        .filter(|u| (from..to).contains(&u.pts))
        .map(|u| u.data.len())
        .sum();
    bytes as f64 * 8e9 / (to - from) as f64
}

#[test]
fn a_frame_of_the_wrong_size_ends_the_session_and_is_reported_once() {
    for element in ENCODERS {
        let mut rig = Rig::open(element, &settings(320, 180, 30), raw(320, 180, 30));
        rig.push(5, 0);
        rig.settle();
        // Too short for a picture: OpenH264 would read beyond its end.
        for n in 5..9 {
            let mut broken = gst::Buffer::from_slice([0u8; 10]);
            let pts = gst::ClockTime::from_nseconds(rig.pts(n));
            broken.get_mut().unwrap().set_pts(pts);
            rig.encoder.push(broken);
        }
        wait_for("the failure", LIMIT, || {
            (rig.failed.load(Ordering::SeqCst) > 0).then_some(())
        });
        for n in 9..40 {
            rig.encoder.push(frame(rig.input, n, rig.pts(n), 0));
        }
        let begun = Instant::now();
        rig.encoder.stop();
        assert!(begun.elapsed() < Duration::from_secs(2), "{element}");
        let failures = rig.failures.lock().unwrap();
        assert_eq!(failures.len(), 1, "{element}: {failures:?}");
        assert!(!failures[0].is_empty() && !failures[0].contains('\n'));
    }
}

#[test]
fn frames_are_dropped_not_queued_while_the_encoder_is_late() {
    let mut rig = Rig::open("x264enc", &settings(1280, 720, 30), raw(1280, 720, 30));
    rig.push(1, 0);
    let frames: Vec<_> = (1..60)
        .map(|n| frame(rig.input, n % 4, rig.pts(n), 20))
        .collect();
    let begun = Instant::now();
    for buffer in frames {
        rig.encoder.push(buffer);
        assert!(rig.encoder.waiting() <= 3);
    }
    let took = begun.elapsed();
    rig.next = 60;
    let units = rig.settle();
    assert_eq!(units.len() as u64 + rig.encoder.dropped(), 60);
    assert!(rig.encoder.dropped() > 0, "59 pushes took {took:?}");
    // The newest picture always gets through, in order.
    assert!(units.windows(2).all(|w| w[0].pts < w[1].pts));
}

/// Threads and open files of this process.
pub fn footprint() -> (usize, usize) {
    let count = |path| std::fs::read_dir(path).unwrap().count();
    (count("/proc/self/task"), count("/proc/self/fd"))
}

#[test]
fn opening_and_stopping_leaks_nothing() {
    for element in ENCODERS {
        let cycle = || {
            let mut rig = Rig::open(element, &settings(320, 180, 30), raw(640, 360, 30));
            rig.push(3, 0);
            rig.settle();
            let units = Arc::downgrade(&rig.units);
            rig.encoder.stop();
            assert_eq!(rig.failed.load(Ordering::SeqCst), 0);
            drop(rig.units);
            // The callbacks are gone with the pipeline, or else they would hold the vector.
            assert!(
                units.upgrade().is_none(),
                "{element}: the pipeline lives on"
            );
        };
        // The first rounds load plug-ins and start thread pools that stay.
        cycle();
        cycle();
        let before = footprint();
        for _ in 0..20 {
            cycle();
        }
        let after = wait_for("threads to end", LIMIT, || {
            let now = footprint();
            (now <= before).then_some(now)
        });
        assert_eq!(after.1, before.1, "{element}: open files");
    }
}

#[test]
fn the_probe_finds_what_works_and_says_why_the_rest_does_not() {
    let names: Vec<String> = ["mpph264enc", "nosuchenc", "x264enc", "openh264enc"]
        .iter()
        .map(ToString::to_string)
        .collect();
    // A width that is no multiple of four: rows are padded.
    let settings = VideoSettings {
        h264_profile: H264Profile::High,
        ..settings(854, 480, 30)
    };
    let found = probe(&names, &settings);
    let order: Vec<_> = found.iter().map(|p| p.element.clone()).collect();
    assert_eq!(order, names);
    let missing = found[0].outcome.as_ref().unwrap_err();
    assert!(
        missing.starts_with("not installed (it needs a Rockchip"),
        "{missing}"
    );
    let unknown = found[1].outcome.as_ref().unwrap_err();
    assert!(
        unknown.contains("does not know an encoder nosuchenc"),
        "{unknown}"
    );
    for good in &found[2..] {
        let probed = good.outcome.as_ref().unwrap();
        assert_eq!(probed.pixel, Pixel::I420, "{}", good.element);
        assert!(probed.took < Duration::from_secs(3));
    }
    // An impossible size is refused by the element itself, and said.
    let odd = VideoSettings {
        width: 100_000,
        height: 2,
        ..settings
    };
    for bad in probe(&names[2..], &odd) {
        let why = bad.outcome.unwrap_err();
        assert!(!why.is_empty() && !why.contains('\n'), "{why}");
    }
}

#[test]
fn opening_a_missing_encoder_says_so() {
    gst::init().unwrap();
    let open = |element: &str| {
        VideoEncoder::open(
            element,
            &settings(320, 180, 30),
            raw(320, 180, 30),
            &MediaClock::start(),
            Arc::new(|_| {}),
            Arc::new(|_| {}),
        )
        .unwrap_err()
    };
    assert_eq!(open("mpph264enc").kind(), Kind::Missing);
    assert_eq!(open("nosuchenc").kind(), Kind::Unsupported);
}

#[test]
fn the_stream_starts_with_parameter_sets_and_shares_its_memory() {
    let mut rig = Rig::open("x264enc", &settings(320, 180, 30), raw(320, 180, 30));
    rig.push(1, 0);
    let unit = rig.settle().remove(0);
    let types: Vec<u8> = h264::nal_units(&unit.data).map(h264::nal_type_of).collect();
    assert_eq!(types[..3], [nal_type::AUD, nal_type::SPS, nal_type::PPS]);
    assert!(types.contains(&nal_type::IDR));
    let copy = unit.data.clone();
    assert_eq!(copy.as_ptr(), unit.data.as_ptr());
    assert_eq!(rig.count(), 1);
    // Access units outlive the session that made them.
    rig.encoder.stop();
    assert!(h264::is_idr(&copy));
}
