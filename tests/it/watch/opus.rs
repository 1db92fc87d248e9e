//! Opus sessions on the real encoder.

use std::sync::Arc;
use std::time::Duration;

use boothcast::media::fanout::Next;
use boothcast::media::opus::{OpusEncoder, OpusFeed, OpusFrame};
use boothcast::media::time::MediaClock;
use gstreamer as gst;

const START: u64 = 3_600_000_000_000;

fn encode(rate: u32, channels: u32) -> Vec<OpusFrame> {
    gst::init().unwrap();
    let feed = OpusFeed::new(|_| {});
    let mut listener = feed.listen("test");
    let encoder = OpusEncoder::open(
        rate,
        channels,
        &MediaClock::start(),
        &feed,
        Arc::new(|reason| assert!(reason.is_empty(), "{reason}")),
    )
    .unwrap();
    let mut frames = Vec::new();
    for number in 0..60_u64 {
        let samples: Vec<u8> = (0..1024 * u64::from(channels))
            .flat_map(|i| ((i * 7919 % 4000) as i16).to_le_bytes())
            .collect();
        let mut buffer = gst::Buffer::from_slice(samples);
        let pts = START + number * 1024 * 1_000_000_000 / u64::from(rate);
        buffer
            .get_mut()
            .unwrap()
            .set_pts(gst::ClockTime::from_nseconds(pts));
        encoder.push(buffer);
        let patience = Duration::from_millis(if number < 3 { 1 } else { 2_000 });
        while let Next::Unit(frame) = listener.frames.next_timeout(patience) {
            frames.push(frame);
            if frames.len() as u64 * 20 >= number.saturating_sub(4) * 1024 * 1000 / u64::from(rate)
            {
                break;
            }
        }
    }
    frames
}

#[test]
fn frames_are_20_ms_apart_and_where_the_sound_was() {
    for (rate, channels) in [(48_000, 2), (44_100, 1)] {
        let frames = encode(rate, channels);
        assert!(frames.len() >= 50, "{} at {rate}", frames.len());
        let first = frames[0].pts.abs_diff(START);
        assert!(first <= 30_000_000, "{first}");
        for pair in frames.windows(2) {
            let step = pair[1].pts - pair[0].pts;
            assert!(step.abs_diff(20_000_000) < 1_000_000, "{step}");
        }
        // 96 kbit/s, and nothing like PCM.
        assert!(frames.iter().all(|f| (2..=400).contains(&f.data.len())));
    }
}
