//! One reader must not feel another: a frozen one, and what it gets when it goes on.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::client::{Client, Packet};
use super::source::{self, SMALL};
use super::{Noise, Show, options};

const FREEZE: Duration = Duration::from_secs(10);

/// Longest time between ends of pictures until `end`, and the RTP timestamp of the last one.
pub fn watch(mut client: Client, end: Instant) -> (Duration, u32) {
    let mut last = Instant::now();
    let mut worst = Duration::ZERO;
    let mut timestamp = 0;
    while Instant::now() < end {
        let packet = client.packet(Duration::from_secs(5)).expect("a packet");
        if packet.channel == 0 && packet.marker() {
            worst = worst.max(last.elapsed());
            last = Instant::now();
            timestamp = packet.timestamp();
        }
    }
    (worst, timestamp)
}

#[test]
fn a_frozen_reader_hurts_nobody_and_resumes_at_a_keyframe() {
    // About 3 Mbit/s: much more than socket buffers hold in 10 s.
    let video = source::padded(source::video(SMALL), 12_000, 40_000);
    let show = Show::new(options(), &[video, source::audio()]);
    std::thread::sleep(Duration::from_millis(300));
    let mut frozen = Client::play(show.port, "/main");
    frozen.packet(Duration::from_secs(5)).expect("a packet");
    let (b, c) = (
        Client::play(show.port, "/main"),
        Client::play(show.port, "/main"),
    );
    std::thread::sleep(Duration::from_millis(200));
    let noise = Noise::start();
    let end = Instant::now() + FREEZE;
    let threads = [b, c].map(|client| std::thread::spawn(move || watch(client, end)));
    let seen = threads.map(|t| t.join().unwrap());
    let noise = noise.end();
    for (worst, _) in &seen {
        assert!(
            *worst < Duration::from_millis(100) + noise,
            "a gap of {worst:?} (the machine itself: {noise:?})"
        );
    }
    let live = seen[0].1;
    resumes_cleanly(&mut frozen, live);
}

/// Reads on: old packets first, then a jump that lands on a keyframe, and from there live.
fn resumes_cleanly(client: &mut Client, live: u32) {
    let mut last: Option<Packet> = None;
    let mut stale = 0_usize;
    let mut jumps = 0;
    let end = Instant::now() + Duration::from_secs(8);
    while Instant::now() < end {
        let packet = client.packet(Duration::from_secs(5)).expect("still served");
        if packet.channel != 0 {
            continue;
        }
        if let Some(before) = &last
            && packet.seq() != before.seq().wrapping_add(1)
        {
            jumps += 1;
            assert!(before.marker(), "a picture was cut off");
            assert!(
                packet.starts_keyframe(),
                "the jump does not land on a keyframe"
            );
        }
        if jumps == 0 {
            stale += packet.data.len();
        }
        let ahead = packet.timestamp().wrapping_sub(live);
        last = Some(packet);
        if jumps > 0 && ahead < 90_000 * 60 {
            break;
        }
    }
    let last = last.unwrap();
    let ahead = last.timestamp().wrapping_sub(live);
    assert!(ahead < 90_000 * 60, "caught up with the others");
    assert!(
        jumps >= 1,
        "10 s at 3 Mbit/s do not fit: something must have been refused"
    );
    assert!(stale < 2 << 20, "{stale} bytes of old picture were kept");
}

/// NTP time as seconds since 1970, and the RTP timestamp of a sender report.
fn sender_report(packet: &Packet) -> Option<(f64, u32)> {
    let d = &packet.data;
    if d[1] != 200 {
        return None;
    }
    let word = |at: usize| u32::from_be_bytes(d[at..at + 4].try_into().unwrap());
    let seconds = f64::from(word(8)) - 2_208_988_800.0;
    Some((seconds + f64::from(word(12)) / 4_294_967_296.0, word(16)))
}

fn wall() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs_f64()
}

#[test]
fn sender_reports_map_both_tracks_to_the_wall_clock_of_capture() {
    let show = Show::new(options(), &[source::video(SMALL), source::audio()]);
    std::thread::sleep(Duration::from_millis(300));
    for _ in 0..2 {
        let mut client = Client::play(show.port, "/main");
        // Per track: reports' age on arrival, and time from capture to arrival of the packets.
        let mut report_age = [f64::MAX; 2];
        let mut latency = [f64::MAX; 2];
        let mut map = [None; 2];
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(2500) {
            let packet = client.packet(Duration::from_secs(5)).unwrap();
            let track = usize::from(packet.channel / 2);
            let rate = [90_000.0, 48_000.0][track];
            if packet.channel % 2 == 1 {
                let report = sender_report(&packet).expect("a sender report");
                report_age[track] = report_age[track].min((wall() - report.0).abs());
                if let Some((ntp, rtp)) = map[track] {
                    let ticks = f64::from(report.1.wrapping_sub(rtp));
                    let drift: f64 = ticks / rate - (report.0 - ntp);
                    assert!(drift.abs() < 0.005, "the mapping moved by {drift} s");
                }
                map[track] = Some(report);
            } else if let Some((ntp, rtp)) = map[track] {
                let ticks = packet.timestamp().wrapping_sub(rtp).cast_signed();
                let captured = ntp + f64::from(ticks) / rate;
                latency[track] = latency[track].min(wall() - captured);
            }
        }
        for track in 0..2 {
            assert!(report_age[track] < 0.05, "{report_age:?}");
            assert!((-0.002..0.05).contains(&latency[track]), "{latency:?}");
        }
    }
}
