//! Coming, going, waiting, ending: nothing may be left behind.

use std::time::{Duration, Instant};

use boothcast::device::event::MediaEvent;

use super::client::Client;
use super::source::{self, Player, SMALL, Spec};
use super::{Show, options};
use crate::support::wait_for;

fn readers(show: &Show) -> u32 {
    show.server.as_ref().unwrap().readers()
}

fn count(folder: &str) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

fn settle(show: &Show) -> (usize, usize) {
    wait_for("no reader", Duration::from_secs(5), || {
        (readers(show) == 0).then_some(())
    });
    // Until the server buried what the last readers kept alive: the lowest count within 4 s.
    let end = Instant::now() + Duration::from_secs(4);
    let mut low = (usize::MAX, usize::MAX);
    while Instant::now() < end {
        low.0 = low.0.min(count("/proc/self/task"));
        low.1 = low.1.min(count("/proc/self/fd"));
        std::thread::sleep(Duration::from_millis(50));
    }
    low
}

fn cycle(show: &Show, n: usize) {
    let mut client = Client::play(show.port, "/main");
    assert!(client.packet(Duration::from_secs(5)).is_some());
    if n.is_multiple_of(2) {
        assert_eq!(client.request("TEARDOWN", "", "").code, 200);
    }
}

#[test]
fn readers_that_come_and_go_leak_neither_threads_nor_descriptors() {
    let show = Show::new(options(), &[source::video(SMALL), source::audio()]);
    (0..5).for_each(|n| cycle(&show, n));
    let before = settle(&show);
    (0..20).for_each(|n| cycle(&show, n));
    let after = settle(&show);
    assert!(after.0 <= before.0 + 3, "threads: {before:?} -> {after:?}");
    assert!(after.1 <= before.1, "descriptors: {before:?} -> {after:?}");
    let events = show.events.lock().unwrap();
    assert!(matches!(events.first(), Some(MediaEvent::RtspReaders(1))));
    assert!(matches!(events.last(), Some(MediaEvent::RtspReaders(0))));
}

#[test]
fn stop_is_bounded_with_readers_connected_and_leaves_nothing() {
    gstreamer::init().unwrap();
    let loops = [
        source::padded(source::video(SMALL), 12_000, 40_000),
        source::audio(),
    ];
    let fds = count("/proc/self/fd");
    let mut show = Show::new(options(), &loops);
    let mut clients: Vec<Client> = (0..3).map(|_| Client::play(show.port, "/main")).collect();
    // One that waits for a mount's answer, one that freezes (all, as nobody reads here).
    let _idle = Client::connect(show.port, "/main");
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(readers(&show), 3);
    let start = Instant::now();
    show.server.take().unwrap().stop();
    let took = start.elapsed();
    assert!(took < Duration::from_millis(1900), "stop took {took:?}");
    for client in &mut clients {
        while client.packet(Duration::from_secs(2)).is_some() {}
        assert!(std::net::TcpStream::connect(("127.0.0.1", show.port)).is_err());
    }
    drop((clients, show, _idle));
    wait_for("all descriptors closed", Duration::from_secs(3), || {
        (count("/proc/self/fd") <= fds + 4).then_some(())
    });
}

#[test]
fn a_reader_that_comes_first_waits_for_the_picture_but_not_forever_for_sound() {
    // Sound is announced and never comes.
    let show = Show::with_sound(options(), &[], true);
    let port = show.port;
    let asking = std::thread::spawn(move || {
        let start = Instant::now();
        let answer = Client::connect(port, "/main").request("DESCRIBE", "", "");
        (answer, start.elapsed())
    });
    std::thread::sleep(Duration::from_secs(1));
    let player = Player::start(&show.clock, &show.fanout, &[source::video(SMALL)]);
    let (answer, took) = asking.join().unwrap();
    assert_eq!(answer.code, 200);
    assert!(answer.body.contains("m=video") && !answer.body.contains("m=audio"));
    assert!(took > Duration::from_millis(2900), "{took:?}");
    assert!(took < Duration::from_secs(7), "{took:?}");
    // The next one need not wait any more.
    let start = Instant::now();
    assert_eq!(
        Client::connect(port, "/main")
            .request("DESCRIBE", "", "")
            .code,
        200
    );
    assert!(start.elapsed() < Duration::from_secs(1));
    drop(player);
}

#[test]
fn without_a_picture_a_reader_is_told_so() {
    let mut show = Show::new(options(), &[]);
    let port = show.port;
    let asking = std::thread::spawn(move || {
        let mut client = Client::connect(port, "/main");
        client.request("DESCRIBE", "", "").code
    });
    let asked = Instant::now();
    assert_eq!(asking.join().unwrap(), 503);
    assert!(asked.elapsed() < Duration::from_secs(13));
    show.server.take().unwrap().stop();
}

#[test]
fn a_dead_udp_reader_vanishes() {
    let mut quick = options();
    quick.session_timeout_s = 1;
    let show = Show::new(quick, &[source::video(SMALL)]);
    let mut client = Client::connect(show.port, "/main");
    assert_eq!(client.request("DESCRIBE", "", "").code, 200);
    let ports = "Transport: RTP/AVP;unicast;client_port=40102-40103\r\n";
    let setup = client.request("SETUP", "/stream=0", ports);
    assert_eq!(setup.code, 200, "{}", setup.head);
    assert_eq!(client.request("PLAY", "", "").code, 200);
    wait_for("the reader", Duration::from_secs(2), || {
        (readers(&show) == 1).then_some(())
    });
    // The control connection stays open, as it does when a cable is pulled.
    wait_for("its end", Duration::from_secs(12), || {
        (readers(&show) == 0).then_some(())
    });
}

#[test]
fn pause_stops_and_play_begins_at_a_keyframe() {
    let show = Show::new(options(), &[source::video(SMALL)]);
    let mut client = Client::play(show.port, "/main");
    assert!(client.packet(Duration::from_secs(5)).is_some());
    assert_eq!(client.request("PAUSE", "", "").code, 200);
    wait_for("the pause", Duration::from_secs(2), || {
        (readers(&show) == 0).then_some(())
    });
    while client.packet(Duration::from_millis(300)).is_some() {}
    let play = client.request("PLAY", "", "");
    assert_eq!(play.code, 200);
    let info = play.header("RTP-Info").unwrap().to_owned();
    let packet = loop {
        let packet = client.packet(Duration::from_secs(5)).unwrap();
        if packet.channel == 0 {
            break packet;
        }
    };
    assert!(packet.starts_keyframe());
    assert!(info.contains(&format!("seq={}", packet.seq())), "{info}");
    assert!(
        info.contains(&format!("rtptime={}", packet.timestamp())),
        "{info}"
    );
}

#[test]
fn a_new_format_reaches_old_readers_in_band_and_new_ones_in_the_description() {
    let mut show = Show::new(options(), &[source::video(SMALL)]);
    let mut old = Client::play(show.port, "/main");
    let before = Client::connect(show.port, "/main").request("DESCRIBE", "", "");
    assert!(old.packet(Duration::from_secs(5)).is_some());
    let last = show.clock.now();
    drop(show.player.take());
    let larger = Spec {
        width: 640,
        height: 360,
        ..SMALL
    };
    let larger = source::video(larger);
    show.player = Some(Player::start(&show.clock, &show.fanout, &[larger]));
    let sprop = |sdp: &str| {
        let at = sdp.find("sprop-parameter-sets=").expect("parameter sets");
        sdp[at..].split([';', '\r']).next().unwrap().to_owned()
    };
    let before = sprop(&before.body);
    wait_for("the new description", Duration::from_secs(5), || {
        let answer = Client::connect(show.port, "/main").request("DESCRIBE", "", "");
        assert_eq!(answer.code, 200, "{}", answer.head);
        (sprop(&answer.body) != before).then_some(())
    });
    // The old session goes on, its timestamps too.
    let mut timestamps = Vec::new();
    let end = Instant::now() + Duration::from_secs(5);
    let mut keyframe = false;
    while timestamps.len() < 400 && Instant::now() < end && !(keyframe && timestamps.len() > 100) {
        let packet = old.packet(Duration::from_secs(2)).expect("still served");
        if packet.channel == 0 {
            keyframe |= packet.starts_keyframe();
            timestamps.push(packet.timestamp());
        }
    }
    assert!(keyframe);
    let steps: Vec<u32> = timestamps
        .windows(2)
        .map(|w| w[1].wrapping_sub(w[0]))
        .collect();
    let gap = show.clock.now().saturating_sub(last).nseconds() * 9 / 100_000;
    let limit = u32::try_from(gap).unwrap() + 90_000;
    assert!(steps.iter().all(|s| *s < limit), "no jump: {steps:?}");
}

#[test]
fn many_come_and_go_at_once() {
    let show = Show::new(options(), &[source::video(SMALL), source::audio()]);
    Client::play(show.port, "/main");
    for round in 0..6 {
        // Less than max_readers, so that those of the last round who are still being cleared away fit in too.
        let threads: Vec<_> = (0..8)
            .map(|n| {
                let port = show.port;
                std::thread::spawn(move || {
                    let mut client = Client::play(port, "/main");
                    assert!(client.packet(Duration::from_secs(5)).is_some());
                    if n % 3 == 0 {
                        assert_eq!(client.request("TEARDOWN", "", "").code, 200);
                    }
                    client
                })
            })
            .collect();
        let clients: Vec<Client> = threads.into_iter().map(|t| t.join().unwrap()).collect();
        drop(clients);
        wait_for(
            &format!("the end of round {round}"),
            Duration::from_secs(5),
            || (readers(&show) == 0).then_some(()),
        );
    }
}
