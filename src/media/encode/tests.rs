//! What needs a look inside a session.

use std::sync::Mutex;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::*;
use crate::config::H264Profile;

/// Real errors of the pipeline's elements: one posts it, others follow; one reaches the callback.
#[test]
fn an_error_inside_the_pipeline_is_reported_once_with_its_reason() {
    gst::init().unwrap();
    for element in ["x264enc", "openh264enc"] {
        let settings = VideoSettings {
            width: 320,
            height: 180,
            fps: 30,
            bitrate: 500_000,
            gop_s: 1.0,
            h264_profile: H264Profile::Main,
        };
        let input = RawFormat {
            pixel: Pixel::I420,
            width: 320,
            height: 180,
            fps: 30,
        };
        let (reports, failures) = mpsc::channel();
        let reports = Mutex::new(reports);
        let encoder = VideoEncoder::open(
            element,
            &settings,
            input,
            &MediaClock::start(),
            Arc::new(|_| {}),
            Arc::new(move |reason| reports.lock().unwrap().send(reason).unwrap()),
        )
        .unwrap();
        // The stream becomes something that no encoder takes.
        let other = gst::Caps::builder("video/x-raw")
            .field("format", "GRAY16_LE")
            .build();
        encoder.session.set_caps(&other);
        for n in 0..10u64 {
            let mut frame = gst::Buffer::with_size(320 * 180 * 2).unwrap();
            let pts = gst::ClockTime::from_mseconds(n * 33);
            frame.get_mut().unwrap().set_pts(pts);
            encoder.push(frame);
        }
        let reason = failures.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(reason.contains("not-negotiated"), "{element}: {reason}");
        let clause = format!("the encoder {element} does not offer the wanted format (");
        assert!(reason.starts_with(&clause), "{element}: {reason}");
        let begun = Instant::now();
        encoder.stop();
        assert!(begun.elapsed() < Duration::from_secs(3));
        // The callback is gone with the session: nothing more can come.
        assert_eq!(failures.recv(), Err(mpsc::RecvError), "{element}");
    }
}
