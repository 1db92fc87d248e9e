//! The show never stops: camera lost and back, encoder failing over, with readers and pushes that notice nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use boothcast::media::access_unit::{AccessUnit, Format, Track};

use super::destinations::destination;
use super::in_process::{InProcess, assert_unbroken, camera_up, main_encoder};
use crate::rtmp::peer::{Manner, Peer};
use crate::rtsp::client::Client;
use crate::support::probe::largest_gap;
use crate::support::wait_for;

#[test]
fn a_lost_camera_is_a_slate_within_two_seconds_and_comes_back() {
    let server = Peer::start(Manner::Good);
    let it = InProcess::start_with(&[], &destination("good", &server.url()));
    let status = it.app.status.clone();
    wait_for("the camera", Duration::from_secs(10), || camera_up(&status));
    wait_for("the push", Duration::from_secs(10), || {
        server.seen().accepted.first().map(|_| ())
    });
    let listener = it.listen();
    let reader = Client::play(it.port, "/main");
    let reading = std::thread::spawn(move || timestamps(reader));
    std::thread::sleep(Duration::from_secs(1));

    it.present.store(false, Ordering::SeqCst);
    let lost = Instant::now();
    it.app.handle.event(boothcast::device::event::Event::Media(
        boothcast::device::event::MediaEvent::CameraLost {
            reason: "the camera was unplugged".into(),
        },
    ));
    wait_for("the slate", Duration::from_secs(4), || {
        status.borrow().slate.then_some(())
    });
    assert!(
        lost.elapsed() < Duration::from_secs(2),
        "{:?}",
        lost.elapsed()
    );
    std::thread::sleep(Duration::from_secs(2));
    let sentence = status.borrow().health.sentence.clone();
    assert!(sentence.contains("unplugged"), "{sentence}");

    it.present.store(true, Ordering::SeqCst);
    let back = Instant::now();
    wait_for("the camera", Duration::from_secs(8), || {
        (!status.borrow().slate).then_some(())
    });
    assert!(
        back.elapsed() < Duration::from_secs(6),
        "{:?}",
        back.elapsed()
    );
    std::thread::sleep(Duration::from_secs(1));
    it.stop();
    assert_unbroken(&listener.join().unwrap(), Duration::from_millis(1500));
    let seen = server.seen();
    assert_eq!(seen.accepted.len(), 1, "the RTMP session broke");
    let times: Vec<f64> = seen
        .pictures
        .iter()
        .map(|(_, ms)| f64::from(*ms) / 1000.0)
        .collect();
    assert!(
        times.windows(2).all(|w| w[1] > w[0]),
        "RTMP timestamps do not rise"
    );
    assert!(largest_gap(&times) < 1.5, "RTMP: {} s", largest_gap(&times));
    let times = reading.join().unwrap();
    assert!(
        times[times.len() - 1] - times[0] > 5.0,
        "the RTSP session broke"
    );
    assert!(
        times.windows(2).all(|w| w[1] > w[0]),
        "RTP timestamps do not rise"
    );
    assert!(largest_gap(&times) < 1.5, "RTSP: {} s", largest_gap(&times));
}

/// RTP timestamps of the pictures that a reader gets until its session ends, in seconds from the first.
fn timestamps(mut reader: Client) -> Vec<f64> {
    let mut out: Vec<f64> = Vec::new();
    let mut first = None;
    while let Some(packet) = reader.packet(Duration::from_secs(5)) {
        if packet.channel == 0 && packet.marker() {
            let zero = *first.get_or_insert(packet.timestamp());
            out.push(f64::from(packet.timestamp().wrapping_sub(zero)) / 90_000.0);
        }
    }
    out
}

#[test]
fn an_encoder_that_fails_is_followed_by_the_next_in_the_same_session() {
    use boothcast::device::event::{Event, MediaEvent, Rendition};
    let it = InProcess::start(&["encode.encoder=auto"]);
    let status = it.app.status.clone();
    wait_for("frames", Duration::from_secs(10), || camera_up(&status));
    let first = wait_for("an encoder", Duration::from_secs(5), || {
        main_encoder(&status)
    });
    let listener = it.listen();
    std::thread::sleep(Duration::from_secs(2));
    it.app.handle.event(Event::Media(MediaEvent::EncoderFailed {
        rendition: Rendition::Main,
        encoder: first.clone(),
        reason: "the test says so".into(),
    }));
    let second = wait_for("another encoder", Duration::from_secs(5), || {
        main_encoder(&status).filter(|e| *e != first)
    });
    assert_ne!(first, second);
    std::thread::sleep(Duration::from_secs(2));
    it.stop();
    assert_unbroken(&listener.join().unwrap(), Duration::from_millis(1500));
}

#[test]
fn the_bitrate_changes_live_without_a_new_encoder_session() {
    use boothcast::device::command::{Command, Origin};
    let it = InProcess::start(&[]);
    let status = it.app.status.clone();
    wait_for("frames", Duration::from_secs(10), || camera_up(&status));
    let listener = it.listen();
    std::thread::sleep(Duration::from_secs(2));
    let change = Command::BitrateSet { bitrate: 400_000 };
    it.runtime
        .block_on(it.app.handle.command(Origin::Cli, change))
        .unwrap();
    std::thread::sleep(Duration::from_secs(6));
    it.stop();
    let units = listener.join().unwrap();
    assert_unbroken(&units, Duration::from_millis(300));
    let formats: Vec<_> = units
        .iter()
        .filter(|(_, u)| u.track == Track::Video)
        .map(|(_, u)| &u.format)
        .collect();
    assert!(
        formats.iter().all(|f| Arc::ptr_eq(f, formats[0])),
        "SPS or PPS changed"
    );
}

fn picture_size(unit: &AccessUnit) -> Option<(u32, u32)> {
    match *unit.format {
        Format::H264 { width, height, .. } => Some((width, height)),
        Format::Aac { .. } => None,
    }
}

#[test]
fn another_size_is_taken_live_by_both_renditions_and_no_encoder_fails() {
    use boothcast::config::VideoSettings;
    use boothcast::device::command::{Command, Origin};
    let it = InProcess::start(&["sub.enabled=true"]);
    let status = it.app.status.clone();
    wait_for("frames", Duration::from_secs(10), || camera_up(&status));
    let listener = it.listen();
    std::thread::sleep(Duration::from_secs(1));
    let old = status.borrow().encoders[0].video.clone();
    for (width, height) in [(640, 360), (1280, 720)] {
        let video = VideoSettings {
            width,
            height,
            ..old.clone()
        };
        let command = it.app.handle.command(
            Origin::Cli,
            Command::ProfileSet {
                profile: None,
                bitrate: None,
                video: Some(video),
            },
        );
        it.runtime.block_on(command).unwrap();
        std::thread::sleep(Duration::from_secs(3));
    }
    {
        let status = status.borrow();
        assert_eq!(status.encoders.len(), 2);
        for encoder in &status.encoders {
            assert_eq!((encoder.failures, encoder.state), (0, "up"), "{encoder:?}");
        }
        assert!(status.flow.sub > 60, "{:?}", status.flow);
        assert!(!status.slate);
    }
    it.stop();
    let units = listener.join().unwrap();
    assert_unbroken(&units, Duration::from_millis(1500));
    let mut sizes: Vec<(u32, u32)> = units.iter().filter_map(|(_, u)| picture_size(u)).collect();
    sizes.dedup();
    assert_eq!(sizes, [(854, 480), (640, 360), (1280, 720)]);
}
