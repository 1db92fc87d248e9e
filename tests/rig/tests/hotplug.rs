//! Cameras and sound cards that are pulled out and put back while the show is on.

mod devices;
pub mod watcher;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{Camera, Card, Daemon, Rig, needs};
use crate::peer::Peer;
use crate::support::Guard;
use crate::support::probe::{decodes_cleanly, largest_gap, measured, packet_times, record};
use devices::{Device, Gadgets};
use watcher::{Use, Watcher, slope};

/// What the rig's one processor encodes with ease.
const SMALL: &str = "[log]\nlevel = \"info,boothcast=debug\"\n[encode]\nprofile = \"custom\"\nwidth = 320\nheight = 180\nfps = 10\nbitrate = \"300k\"\n";

fn with_server(peer: &Peer) -> String {
    format!(
        "{SMALL}[[destination]]\nname = \"peer\"\nurl = \"rtmp://{}:{}/live\"\nkey = \"k\"\n",
        crate::wire::HOST,
        peer.port()
    )
}

fn all_up(watcher: &mut Watcher) {
    let limit = Duration::from_secs(20);
    watcher.wait("the show", Instant::now(), limit, |s| {
        s["camera"]["state"] == "up"
            && s["mic"]["state"] == "up"
            && s["slate"] == false
            && s["destinations"][0]["state"] == "live"
    });
}

/// Copies the stream into a file until it is told to end.
fn reader(daemon: &Daemon, file: &std::path::Path) -> Guard {
    let mut command = Command::new("ffmpeg");
    command
        .args(["-v", "error", "-y", "-rtsp_transport", "tcp", "-i"])
        .arg(daemon.url("main"))
        .args(["-c", "copy"])
        .arg(file)
        .stdin(Stdio::null());
    Guard::spawn(&mut command)
}

/// One turn: what is there goes, and the same or another takes its place.
#[derive(Debug)]
struct Turn {
    out: Device,
    back: Device,
    gone: Duration,
    returned: Duration,
    used: Use,
}

/// Every way from one device to another, cameras and cards in turns. Begins and ends with vivid and the loopback card.
const TURNS: [(Device, Device); 8] = {
    use Device::{Loopback, UsbCamera, UsbMic, Vivid};
    [
        (Vivid, Vivid),
        (Loopback, Loopback),
        (Vivid, UsbCamera),
        (UsbCamera, UsbCamera),
        (Loopback, UsbMic),
        (UsbMic, UsbMic),
        (UsbCamera, Vivid),
        (UsbMic, Loopback),
    ]
};

fn turn(rig: &Rig, watcher: &mut Watcher, pid: u32, (out, back): (Device, Device)) -> Turn {
    let gone = out.remove(rig, watcher);
    let returned = back.bring(rig, watcher);
    Turn {
        out,
        back,
        gone,
        returned,
        used: Use::of(rig, pid),
    }
}

/// What grew, per turn; and the longest waits, printed for people.
fn growth(turns: &[Turn]) -> Use {
    let longest = |f: fn(&Turn) -> Duration| turns.iter().map(f).max().unwrap();
    let rise = |f: fn(&Use) -> f64| slope(turns.iter().map(|t| f(&t.used)));
    let rises = Use {
        threads: rise(|u| u.threads),
        fds: rise(|u| u.fds),
        rss: rise(|u| u.rss),
    };
    let last = turns.last().unwrap().used;
    println!(
        "{} turns: gone after at most {:?}, back after at most {:?}; per turn {:+.4} threads, {:+.4} descriptors, {:+.2} KiB; \
         at the end {last:?}",
        turns.len(),
        longest(|t| t.gone),
        longest(|t| t.returned),
        rises.threads,
        rises.fds,
        rises.rss
    );
    rises
}

/// Runs turns on a live box for as long as `more` says; checks that nobody outside noticed more than the slate.
fn show(more: impl Fn(usize, Duration) -> bool) -> Vec<Turn> {
    let rig = needs()
        .camera(Camera::Webcam)
        .card(Card::Loopback)
        .usb()
        .first("modprobe uvcvideo; modprobe snd-usb-audio; dmesg -n 4")
        .boot();
    let _gadgets = Gadgets::start(&rig);
    let server = rig.rtmp_server();
    let daemon = rig.boothcast(&with_server(&server));
    let mut watcher = Watcher::start(&rig);
    all_up(&mut watcher);
    let file = rig.folder().join("show.mkv");
    let mut player = reader(&daemon, &file);
    let begun = Instant::now();
    let mut turns = Vec::new();
    while more(turns.len(), begun.elapsed()) {
        let pair = TURNS[turns.len() % TURNS.len()];
        let turn = turn(&rig, &mut watcher, daemon.pid(), pair);
        eprintln!(
            "{} {:?} -> {:?}: gone {:?}, back {:?}, {:?}",
            turns.len(),
            turn.out,
            turn.back,
            turn.gone,
            turn.returned,
            turn.used
        );
        turns.push(turn);
    }
    let status = watcher.look().clone();
    assert_eq!(status["destinations"][0]["state"], "live");
    assert_eq!(status["destinations"][0]["figures"]["sessions"], 1);
    assert!(
        player.0.try_wait().unwrap().is_none(),
        "the RTSP reader was thrown out"
    );
    player.signal(libc::SIGINT);
    player
        .wait(Duration::from_secs(10))
        .expect("the player ends");
    served_without_a_break(&server);
    let times = packet_times(&file, "v:0");
    assert!(
        largest_gap(&times) < 2.0,
        "RTSP: a gap of {} s",
        largest_gap(&times)
    );
    decodes_cleanly(&file);
    assert_eq!(daemon.stop(), 0);
    assert_eq!(rig.kernel_complaints(), Vec::<String>::new());
    turns
}

/// One connection, and pictures whose times rise without a gap.
fn served_without_a_break(server: &Peer) {
    let seen = server.seen();
    assert_eq!(seen.connections.len(), 1, "the RTMP session broke");
    assert!(seen.pictures.len() > 30);
    let worst = seen
        .pictures
        .windows(2)
        .map(|w| (w[1].0 - w[0].0, i64::from(w[1].1) - i64::from(w[0].1)))
        .max_by_key(|(arrival, ms)| if *ms > 0 { *arrival } else { Duration::MAX })
        .unwrap();
    assert!(
        worst.0 < Duration::from_secs(2) && (1..2000).contains(&worst.1),
        "pictures do not follow one another: {worst:?} (arrival, ms)"
    );
}

#[test]
fn fifty_times_while_live_nobody_outside_notices_and_nothing_leaks() {
    // What is loaded and allocated once (plug-ins, pools, arenas) is there after the first round.
    let turns = show(|n, _| n < TURNS.len() + 50);
    let rises = growth(&turns[TURNS.len()..]);
    assert!(rises.threads < 0.05, "threads leak: {rises:?}");
    assert!(rises.fds < 0.05, "descriptors leak: {rises:?}");
    // The heap still settles (about 20 KiB a turn); the buffers of one pipeline would be 350.
    assert!(rises.rss < 80.0, "memory leaks: {rises:?}");
}

/// `make rig-soak`: the same for `RIG_SOAK_S` seconds, with finer bounds.
#[test]
fn soak_of_plugging() {
    let seconds =
        std::env::var("RIG_SOAK_S").map_or(3600, |s| s.parse().expect("RIG_SOAK_S: seconds"));
    let turns = show(|_, time| time < Duration::from_secs(seconds));
    let settled = &turns[(turns.len() / 10).max(TURNS.len())..];
    let rises = growth(settled);
    assert!(rises.threads < 0.005 && rises.fds < 0.005, "{rises:?}");
    assert!(rises.rss < 10.0, "{rises:?}");
}

#[test]
fn readers_see_the_slate_and_then_the_camera_again() {
    let rig = needs().camera(Camera::Webcam).card(Card::Loopback).boot();
    // vivid's bars are colourful; the slate is nearly without colour.
    let daemon = rig.boothcast(SMALL);
    let mut watcher = Watcher::start(&rig);
    watcher.wait("the camera", Instant::now(), Duration::from_secs(20), |s| {
        s["camera"]["state"] == "up" && s["slate"] == false
    });
    // Until no slate of the start is left in the GOP that a reader begins with.
    std::thread::sleep(Duration::from_secs(3));
    let file = rig.folder().join("slate.mkv");
    std::thread::scope(|scope| {
        let (url, file) = (daemon.url("main"), &file);
        let recording = scope.spawn(move || record(&url, "tcp", 10, file));
        std::thread::sleep(Duration::from_secs(3));
        Device::Vivid.remove(&rig, &mut watcher);
        std::thread::sleep(Duration::from_secs(2));
        Device::Vivid.bring(&rig, &mut watcher);
        recording.join().unwrap();
    });
    let colour = measured(
        &format!("movie={},signalstats", file.display()),
        "lavfi.signalstats.SATAVG",
    );
    let kinds: Vec<bool> = colour
        .iter()
        .map(|(_, saturation)| *saturation > 20.0)
        .collect();
    let mut runs = kinds.clone();
    runs.dedup();
    assert_eq!(
        runs,
        [true, false, true],
        "camera, slate, camera: {colour:?}"
    );
    let slate = kinds.iter().filter(|camera| !**camera).count();
    assert!(slate > 20, "{slate} pictures of slate in 2 s");
    assert!(largest_gap(&packet_times(&file, "v:0")) < 2.0);
}

#[test]
fn a_camera_plugged_in_after_power_on_takes_the_place_of_the_test_picture() {
    let rig = needs().usb().first("modprobe uvcvideo").boot();
    rig.sh("modprobe snd-aloop; echo snd_aloop.0 >/sys/bus/platform/drivers/snd_aloop/unbind");
    let _gadgets = Gadgets::start(&rig);
    let server = rig.rtmp_server();
    let daemon = rig.boothcast(&with_server(&server));
    assert!(
        daemon.stdout().contains("test picture"),
        "{}",
        daemon.stdout()
    );
    let mut watcher = Watcher::start(&rig);
    all_up(&mut watcher);
    let described =
        |s: &serde_json::Value, of: &str| s[of]["description"].as_str().unwrap_or("").to_owned();
    assert!(described(watcher.look(), "mic").contains("tone"));
    let from = Instant::now();
    Device::UsbCamera.bring(&rig, &mut watcher);
    let limit = devices::BACK;
    watcher.wait("the camera itself", from, limit, |s| {
        described(s, "camera").contains("Rig Camera") && s["slate"] == false
    });
    // No test tone under a real picture.
    watcher.wait("silence", from, limit, |s| s["mic"]["state"] != "up");
    let from = Instant::now();
    Device::Loopback.bring(&rig, &mut watcher);
    watcher.wait("the card", from, limit, |s| {
        described(s, "mic").contains("Loopback")
    });
    // From now on a lost camera is a lost camera, not a test picture.
    Device::UsbCamera.remove(&rig, &mut watcher);
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(watcher.look()["slate"], true);
    assert_eq!(watcher.look()["camera"]["state"], "lost");
    Device::UsbCamera.bring(&rig, &mut watcher);
    served_without_a_break(&server);
    assert_eq!(daemon.stop(), 0);
}
