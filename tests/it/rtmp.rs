//! The RTMP publisher against real peers: nginx-rtmp and ffmpeg, and a small server of ours for what those cannot do.
#![allow(clippy::unwrap_used, clippy::panic)]

mod faults;
pub mod peer;
pub mod rig;
mod secret;

use std::process::Command;
use std::time::{Duration, Instant};

use boothcast::device::event::{DestinationState, MediaEvent};
use boothcast::media::output::rtmp::abr::{Adaptive, Controller};

use crate::support::{free_port, wait_for};
use peer::{Manner, Peer};
use rig::{Log, Nginx, Source, destination, output, push, runtime};

const SOON: Duration = Duration::from_secs(10);

fn secs(s: f64) -> Duration {
    Duration::from_secs_f64(s)
}

fn rejected(state: &DestinationState) -> bool {
    matches!(state, DestinationState::KeyRejected { .. })
}

fn waiting(state: &DestinationState) -> bool {
    matches!(state, DestinationState::Waiting { .. })
}

fn reason(state: &DestinationState) -> &str {
    match state {
        DestinationState::Waiting { reason, .. } | DestinationState::KeyRejected { reason } => {
            reason
        }
        _ => "",
    }
}

#[test]
fn nginx_takes_the_stream_and_ffmpeg_reads_it_back() {
    let (rt, source, (log, reporter)) = (runtime(), Source::start(320, 180, 400), Log::new());
    let nginx = Nginx::start(
        free_port(),
        "record all; record_path DIR; record_suffix .flv;",
    );
    nginx.listening();
    // By name: here that is ::1 as well, where nobody listens.
    let by_name = nginx.url().replace("127.0.0.1", "localhost");
    let begun = Instant::now();
    let pushed = push(
        &rt,
        &source,
        destination("a", &by_name, "cam?token=1"),
        None,
        &reporter,
    );
    log.wait_live("a", begun, SOON);
    // As a viewer, live.
    let (ok, _, errors) = output(
        secs(30.0),
        Command::new("ffmpeg").args([
            "-v",
            "warning",
            "-xerror",
            "-i",
            &format!("{}/cam", nginx.url()),
            "-t",
            "3",
            "-f",
            "null",
            "-",
        ]),
    );
    assert!(ok, "ffmpeg: {errors}");
    std::thread::sleep(secs(2.0));
    let bye = Instant::now();
    rt.block_on(pushed.stop());
    assert!(bye.elapsed() < secs(1.0));
    assert_eq!(log.states("a").last().unwrap().1, DestinationState::Off);
    let figures = log.figures("a");
    assert!(
        figures.iter().any(|f| f.bps > 200_000 && f.sessions == 1),
        "{figures:?}"
    );

    let file = wait_for("the recording", SOON, || {
        let files = std::fs::read_dir(nginx.dir())
            .unwrap()
            .filter_map(|f| Some(f.ok()?.path()));
        files
            .into_iter()
            .find(|p| p.extension().is_some_and(|e| e == "flv"))
    });
    let (ok, probed, errors) = output(secs(30.0), Command::new("ffprobe").args([
        "-v", "error", "-show_entries",
        "stream=codec_name,width,height,sample_rate,channels,r_frame_rate,profile:packet=codec_type,dts_time,flags",
        "-of", "json",
    ]).arg(&file));
    assert!(ok && errors.is_empty(), "ffprobe: {errors}");
    let probed: serde_json::Value = serde_json::from_str(&probed).unwrap();
    let streams = probed["streams"].as_array().unwrap();
    let of = |codec: &str| streams.iter().find(|s| s["codec_name"] == codec).unwrap();
    assert_eq!(
        (of("h264")["width"].as_u64(), of("h264")["height"].as_u64()),
        (Some(320), Some(180))
    );
    assert_eq!(of("h264")["r_frame_rate"], "25/1");
    assert_eq!(
        (
            of("aac")["sample_rate"].as_str(),
            of("aac")["channels"].as_u64()
        ),
        (Some("48000"), Some(2))
    );
    for kind in ["video", "audio"] {
        let packets = probed["packets"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|p| p["codec_type"] == kind);
        let times: Vec<f64> = packets
            .map(|p| p["dts_time"].as_str().unwrap().parse().unwrap())
            .collect();
        assert!(
            times.windows(2).all(|w| w[0] < w[1]),
            "{kind} times do not rise"
        );
        assert!(
            times[0] < 0.1 && times.last().unwrap() - times[0] > 4.0,
            "{kind}: {times:?}"
        );
        let (count, span) = ((times.len() - 1) as f64, times.last().unwrap() - times[0]);
        let want = if kind == "video" { 25.0 } else { 46.9 };
        assert!(
            (count / span - want).abs() < want * 0.1,
            "{kind}: {} a second",
            count / span
        );
    }
    let (ok, _, errors) = output(
        secs(30.0),
        Command::new("ffmpeg")
            .args(["-v", "warning", "-xerror", "-i"])
            .arg(&file)
            .args(["-f", "null", "-"]),
    );
    assert!(ok && errors.is_empty(), "decoding: {errors}");
}

#[test]
fn a_killed_and_a_stalled_destination_hurt_nobody() {
    let (rt, source, (log, reporter)) = (runtime(), Source::start(640, 360, 1500), Log::new());
    let (good, stalled) = (Peer::start(Manner::Good), Peer::start(Manner::Stall));
    let mut nginx = Nginx::start(free_port(), "");
    nginx.listening();
    let begun = Instant::now();
    let pushes = [
        ("good", good.url()),
        ("stalled", stalled.url()),
        ("killed", nginx.url()),
    ]
    .map(|(name, url)| {
        push(
            &rt,
            &source,
            destination(name, &url, "cam"),
            None,
            &reporter,
        )
    });
    for name in ["good", "stalled", "killed"] {
        log.wait_live(name, begun, SOON);
    }
    std::thread::sleep(secs(2.0));
    nginx.kill();
    std::thread::sleep(secs(2.0));
    nginx.begin();
    let back = nginx.listening();
    let live = log.wait_live("killed", back - secs(0.2), SOON);
    assert!(
        live.saturating_duration_since(back) <= secs(1.0),
        "back after {:?}",
        live - back
    );
    let (at, state) = log.wait("stalled", "found to stall", begun, secs(20.0), waiting);
    assert!(
        reason(&state).contains("taken nothing for 8 s"),
        "{state:?}"
    );
    assert!(at - begun < secs(14.0), "found after {:?}", at - begun);
    let figures = log.figures("stalled");
    assert!(
        figures
            .iter()
            .any(|f| f.refused > 20 && f.backlog_ms > 3_000),
        "{figures:?}"
    );
    log.wait("stalled", "tried again", at, SOON, |s| {
        *s == DestinationState::Live
    });

    let seen = good.seen();
    assert_eq!(seen.accepted.len(), 1);
    assert!(
        log.figures("good")
            .iter()
            .all(|f| f.refused == 0 && f.sessions <= 1)
    );
    check_arrivals(&source, &seen.pictures, begun);
    rt.block_on(async {
        for p in pushes {
            p.stop().await;
        }
    });
}

/// Every picture arrived, none later than 200 ms after it left the encoder, and with no gap above 200 ms unless the
/// encoder itself paused (this machine may be loaded).
fn check_arrivals(source: &Source, pictures: &[(Instant, u32)], begun: Instant) {
    let pushed = source.pushed.lock().unwrap().clone();
    let first_ms = |dts: u64| pushed.iter().find(|(d, _)| *d == dts).is_some();
    let last = pictures.last().unwrap();
    // The session's zero is the cached GOP's first picture: the one that makes all pictures match.
    let zero = pushed
        .iter()
        .map(|(dts, _)| *dts)
        .filter(|d| first_ms(*d))
        .find(|zero| {
            pictures.iter().take(50).all(|(_, ts)| {
                pushed.iter().any(|(d, _)| {
                    d.saturating_sub(*zero) / 1_000_000 == u64::from(*ts) && d >= zero
                })
            })
        })
        .unwrap();
    let sent: Vec<Instant> = pushed
        .iter()
        .filter(|(d, _)| *d >= zero)
        .map(|(_, at)| *at)
        .collect();
    assert!(last.1 > 8_000 && pictures.len() <= sent.len());
    let mut worst = (Duration::ZERO, Duration::ZERO);
    for (i, ((arrived, _), left)) in pictures.iter().zip(&sent).enumerate() {
        if *left < begun {
            continue;
        }
        worst.0 = worst.0.max(arrived.saturating_duration_since(*left));
        if i > 0 {
            let (gap, pause) = (*arrived - pictures[i - 1].0, *left - sent[i - 1]);
            worst.1 = worst
                .1
                .max(gap.saturating_sub(pause.saturating_sub(secs(0.04))));
        }
    }
    assert!(
        worst.0 <= secs(0.2) && worst.1 <= secs(0.2),
        "latest and longest gap: {worst:?}"
    );
}

#[test]
fn a_new_picture_size_goes_on_in_the_same_session() {
    let (rt, mut source, (log, reporter)) = (runtime(), Source::start(320, 180, 300), Log::new());
    let peer = Peer::start(Manner::Good);
    let begun = Instant::now();
    let pushed = push(
        &rt,
        &source,
        destination("a", &peer.url(), "cam"),
        None,
        &reporter,
    );
    log.wait_live("a", begun, SOON);
    wait_for("pictures", SOON, || {
        (peer.seen().pictures.len() > 20).then_some(())
    });
    assert_eq!(peer.seen().headers, 1);
    source.change_size(426, 240, 300);
    wait_for("the new sequence header", SOON, || {
        (peer.seen().headers == 2).then_some(())
    });
    let count = peer.seen().pictures.len();
    wait_for("more pictures", SOON, || {
        (peer.seen().pictures.len() > count + 20).then_some(())
    });
    // The producer is gone: the stream ends in order, and nobody tries again.
    source.fanout.close();
    log.wait("a", "off", begun, SOON, |s| *s == DestinationState::Off);
    rt.block_on(pushed.stop());
    let seen = peer.seen();
    assert!(seen.commands.contains(&"deleteStream".to_owned()));
    assert_eq!((seen.accepted.len(), seen.headers), (1, 2));
    assert!(seen.sounds > 20);
    assert!(
        seen.pictures.windows(2).all(|w| w[0].1 < w[1].1),
        "timestamps go on"
    );
}

#[test]
fn a_slow_link_brings_the_advice_down_and_its_end_brings_it_back() {
    let wanted = 1_500_000;
    let (rt, source, (log, reporter)) = (runtime(), Source::start(640, 360, 1500), Log::new());
    let (good, slow) = (
        Peer::start(Manner::Good),
        Peer::start(Manner::Trickle(50_000)),
    );
    let adaptive = Adaptive::new(Controller::new(wanted, 200_000), reporter.clone());
    let begun = Instant::now();
    let pushes = [("good", &good), ("slow", &slow)].map(|(name, peer)| {
        push(
            &rt,
            &source,
            destination(name, &peer.url(), "cam"),
            Some(adaptive.clone()),
            &reporter,
        )
    });
    let live = log.wait_live("slow", begun, SOON);
    let advice = wait_for("a step down", SOON, || {
        log.all().into_iter().find_map(|(at, e)| match e {
            MediaEvent::BitrateAdvised(bps) => Some((at, bps)),
            _ => None,
        })
    });
    // 400 kbit/s less the sound.
    assert!(
        (200_000..400_000).contains(&advice.1),
        "advised {}",
        advice.1
    );
    assert!(advice.0 - live <= secs(6.0), "after {:?}", advice.0 - live);
    let [good_push, slow_push] = pushes;
    rt.block_on(slow_push.stop());
    assert_eq!(adaptive.advised(), wanted);
    rt.block_on(good_push.stop());
    assert!(log.figures("good").iter().all(|f| f.refused == 0));
}
