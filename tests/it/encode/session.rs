//! The life of a session: errors, leaks, and the probe that tries encoders.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use boothcast::config::{H264Profile, VideoSettings};
use boothcast::error::Kind;
use boothcast::media::encode::{VideoEncoder, probe};
use boothcast::media::raw::Pixel;
use boothcast::media::time::MediaClock;
use gstreamer as gst;

use super::picture::{frame, raw};
use super::rig::{ENCODERS, LIMIT, Rig, settings};
use crate::support::wait_for;

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
        assert!(rig.encoder.waiting() <= boothcast::media::encode::MAX_WAITING);
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
