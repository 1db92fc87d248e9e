//! Several destinations at once: one good, one killed and restarted, one that accepts and then stalls. The readers and the good
//! one must not notice.

use std::time::{Duration, Instant};

use boothcast::device::event::{DestinationState, PushFigures};
use boothcast::device::status::DestinationStatus;
use boothcast::media::access_unit::Track;

use super::in_process::InProcess;
use crate::rtmp::peer::{Manner, Peer};
use crate::rtmp::rig::Nginx;
use crate::rtsp::Noise;
use crate::rtsp::client::Client;
use crate::rtsp::isolate::watch;
use crate::support::{free_port, wait_for};

/// A `[[destination]]` section.
pub fn destination(name: &str, url: &str) -> String {
    format!("[[destination]]\nname = \"{name}\"\nurl = \"{url}\"\nkey = \"cam-{name}\"\n")
}

fn status(it: &InProcess, name: &str) -> DestinationStatus {
    let status = it.app.status.borrow();
    let found = status.destinations.iter().find(|d| d.name.as_str() == name);
    found.expect("the destination").clone()
}

fn figures(it: &InProcess, name: &str) -> PushFigures {
    status(it, name).figures
}

fn wait_live(it: &InProcess, name: &str, limit: Duration) {
    wait_for(&format!("{name} to be live"), limit, || {
        (status(it, name).state == DestinationState::Live).then_some(())
    });
}

#[test]
fn a_killed_and_a_stalled_destination_are_felt_by_nobody_else() {
    let (good, stalled) = (Peer::start(Manner::Good), Peer::start(Manner::Stall));
    let mut nginx = Nginx::start(free_port(), "");
    nginx.listening();
    let file = [
        destination("good", &good.url()),
        destination("stalled", &stalled.url()),
        destination("killed", &nginx.url()),
    ]
    .concat();
    // Noise: a picture so hard to encode that the stalled server's kernel is soon full.
    let set = ["video.test_pattern=snow", "encode.bitrate=2M"];
    let it = InProcess::start_with(&set, &file);
    for name in ["good", "stalled", "killed"] {
        wait_live(&it, name, Duration::from_secs(10));
    }
    let listener = it.listen();
    let reader = Client::play(it.port, "/main");
    std::thread::sleep(Duration::from_millis(500));
    let (noise, begun) = (Noise::start(), Instant::now());
    let end = begun + Duration::from_secs(14);
    let reading = std::thread::spawn(move || watch(reader, end));

    std::thread::sleep(Duration::from_secs(1));
    nginx.kill();
    std::thread::sleep(Duration::from_secs(2));
    nginx.begin();
    let back = nginx.listening();
    wait_live(&it, "killed", Duration::from_secs(5));
    assert!(
        back.elapsed() < Duration::from_millis(1300),
        "back after {:?}",
        back.elapsed()
    );
    // It is dropped and tried again at once, so what is sure to be seen is the second session.
    wait_for("the stall to be found", Duration::from_secs(12), || {
        let figures = figures(&it, "stalled");
        (figures.sessions >= 2 && figures.refused > 20).then_some(())
    });

    let (worst, _) = reading.join().unwrap();
    let noise = noise.end();
    let seen = good.seen();
    it.stop();
    // What the encoder itself paused on a loaded machine is no doing of the outputs.
    let own = listener.join().unwrap();
    let own: Vec<Instant> = own
        .iter()
        .filter(|(_, u)| u.track == Track::Video)
        .map(|(t, _)| *t)
        .collect();
    let pause = own
        .windows(2)
        .map(|w| w[1] - w[0])
        .max()
        .unwrap_or_default();
    let pause = pause.saturating_sub(Duration::from_millis(34)).max(noise);
    assert!(
        worst < Duration::from_millis(100) + pause,
        "reader: {worst:?} (own {pause:?})"
    );
    assert_eq!(seen.accepted.len(), 1);
    let during: Vec<_> = seen
        .pictures
        .iter()
        .map(|(t, _)| *t)
        .filter(|t| *t >= begun)
        .collect();
    assert!(during.len() > 200, "only {} pictures", during.len());
    let gap = during.windows(2).map(|w| w[1] - w[0]).max().unwrap();
    assert!(
        gap < Duration::from_millis(200) + pause,
        "good: {gap:?} (own {pause:?})"
    );
}
