//! Running comments, from a bridge's message to the decoded stream: no two of a lane overlap, no frame is missing, and all of
//! them run evenly.

mod analysis;
mod synthetic;

use std::io::{Read, Write};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use boothcast::media::overlay::danmaku::Field;

use crate::support::broker::Broker;
use crate::support::probe::{decodes_cleanly, packet_times, record};
use crate::support::the_box::{Options, TheBox};
use crate::support::{Guard, wait_for};
use analysis::{Analysis, Report, Setup};
use synthetic::COLOURS;

const LIMIT: Duration = Duration::from_secs(20);
const WIDE: usize = 1280;
const TALL: usize = 720;
const FPS: f64 = 30.0;
/// Comments a second.
const RATE: f64 = 5.5;
/// Rows that stay free at the top: 5 % of the picture.
const SAFE: usize = 36;
/// Height of letters: 5 % of the picture.
const LETTERS: u32 = 36;
/// Lanes hold 7.1 usual comments a second then (`Field`, area 80 %).
const LANES: usize = 11;

fn start(broker: &Broker) -> TheBox {
    let config = format!(
        "[mqtt]\nbroker = \"{}\"\nfleet = \"show\"\nid = \"b1\"\n[room]\nname = \"hall\"\n\
         [video]\nsource = \"test\"\ntest_pattern = \"black\"\n[audio]\nsource = \"none\"\n[adaptive]\nenabled = false\n\
         [encode]\nprofile = \"custom\"\nwidth = {WIDE}\nheight = {TALL}\nfps = 30\nbitrate = 4000000\n\
         [moderation]\nmode = \"free\"\nrepeat_s = 0\n\
         [danmaku]\ncrossing_s = 8\nsize_percent = 5\narea_percent = 80\nopacity = 100\nmerge_s = 0\n",
        broker.url()
    );
    let mut it = TheBox::spawn(Options {
        config: &config,
        ..Options::default()
    });
    it.wait_up();
    wait_for("the room's connection", LIMIT, || {
        let topic = "boothcast/v1/show/room/hall/in/+";
        broker.log().contains(topic).then_some(())
    });
    it
}

/// Publishes [`RATE`] comments a second until it is told to end; gives how many.
struct Sender {
    ends: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<u64>,
    /// Ends with the test, and after the thread.
    _publisher: Guard,
}

impl Sender {
    fn start(broker: &Broker) -> Self {
        let mut command = Command::new("mosquitto_pub");
        let topic = "boothcast/v1/show/room/hall/in/test";
        command.args(["-p", &broker.port.to_string(), "-q", "1", "-l", "-t", topic]);
        let mut publisher = Guard::spawn(command.stdin(Stdio::piped()));
        let lines = publisher.0.stdin.take().unwrap();
        let ends = Arc::new(AtomicBool::new(false));
        let ended = ends.clone();
        Self {
            ends,
            thread: std::thread::spawn(move || send(lines, &ended)),
            _publisher: publisher,
        }
    }

    fn stop(self) -> u64 {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// Blocks of 2 to 7 letters in six colours in turn.
fn send(mut lines: ChildStdin, ended: &AtomicBool) -> u64 {
    let begun = Instant::now();
    let mut sent = 0;
    while !ended.load(Ordering::Relaxed) {
        let due = Duration::from_secs_f64(sent as f64 / RATE);
        if begun.elapsed() < due {
            std::thread::sleep(Duration::from_millis(5));
            continue;
        }
        let [r, g, b] = COLOURS[(sent % 6) as usize];
        let text = "█".repeat(2 + (sent * 5 % 7 % 6) as usize);
        let colour = format!("#{r:02x}{g:02x}{b:02x}");
        let line = format!(r#"{{"kind":"chat","text":"{text}","colour":"{colour}"}}"#);
        writeln!(lines, "{line}").unwrap();
        sent += 1;
    }
    sent
}

/// Every picture of a file, with the times of its packets.
fn look(file: &Path) -> Report {
    let times = packet_times(file, "v:0");
    let height = Field::lane_height(LETTERS) as usize;
    let mut analysis = Analysis::new(Setup {
        width: WIDE,
        height: TALL,
        fps: FPS,
        lanes: (0..LANES).map(|n| (SAFE + n * height, height)).collect(),
        colours: COLOURS.to_vec(),
    });
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-i"]).arg(file);
    ffmpeg.args(["-fps_mode", "passthrough", "-f", "rawvideo"]);
    ffmpeg
        .args(["-pix_fmt", "yuv420p", "pipe:1"])
        .stdout(Stdio::piped());
    let mut ffmpeg = Guard::spawn(&mut ffmpeg);
    let mut pictures = ffmpeg.0.stdout.take().unwrap();
    let mut picture = vec![0; WIDE * TALL * 3 / 2];
    let mut decoded = 0;
    while pictures.read_exact(&mut picture).is_ok() {
        assert!(decoded < times.len(), "more pictures than packets");
        // ffmpeg gives the first RTP packet of a session no time of its own.
        if decoded > 0 {
            analysis.frame(times[decoded], &picture);
        }
        decoded += 1;
    }
    assert!(ffmpeg.wait(LIMIT).is_some_and(|status| status.success()));
    assert_eq!(decoded, times.len(), "not every packet became a picture");
    analysis.finish()
}

/// Sends comments to the box while a player records its stream, and looks at what the player got. `make overlay-proof` does it
/// for a minute, on a machine that does nothing else.
#[test]
fn comments_run_evenly_and_apart_in_every_decoded_frame() {
    let proof = std::env::var("OVERLAY_PROOF_S").ok();
    let seconds: u32 = proof.as_ref().map_or(10, |s| s.parse().unwrap());
    let broker = Broker::start();
    let it = start(&broker);
    let sender = Sender::start(&broker);
    // The lanes are as full as they will be after one crossing.
    std::thread::sleep(Duration::from_secs(9));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.mp4");
    record(&it.url("main"), "tcp", seconds, &file);
    let sent = sender.stop();
    decodes_cleanly(&file);
    let report = look(&file);
    println!("{sent} were sent; {report:?}");
    assert!(report.faults.is_empty(), "{report:#?}");
    // A machine that is busy with other things for a moment may cost a frame or two; comments run by their time even then.
    let bearable = if proof.is_some() {
        0
    } else {
        report.frames / 100
    };
    assert!(report.lost <= bearable, "{report:?}");
    let least = (seconds - 1) as usize * FPS as usize;
    assert!(report.frames + report.lost >= least, "{report:?}");
    let expected = RATE * f64::from(seconds);
    let off = (report.entered as f64 - expected).abs();
    assert!(
        off <= 2.0 * RATE,
        "{expected} should have entered: {report:?}"
    );
    // As many as enter in 8 s, less those that are just leaving.
    assert!(report.at_once >= 35, "{report:?}");
}
