//! The microphone: a known tone comes out of RTSP and RTMP, silent and clipping are told, a card in use is named with who
//! uses it, a 44.1 kHz mono card sounds right, and the card's own volume and switch can be set.

mod tone;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Card, Daemon, Process, Rig, needs};
use crate::support::probe::{ffprobe, record};
use crate::support::{Guard, wait_for};
use tone::Heard;

/// A small picture: the emulated processor is to be busy with sound.
const PICTURE: &str = "[encode]\nprofile = \"custom\"\nwidth = 320\nheight = 180\nfps = 10\nbitrate = \"300k\"\n\
                       [video]\nsource = \"test\"\n";
/// How long the box may take to notice and to try again.
const SOON: Duration = Duration::from_secs(12);
/// Bounds of what is heard.
const HZ: f64 = 2.0;
const DB: f64 = 1.0;

fn sound(device: &str) -> String {
    format!("{PICTURE}[audio]\nsource = \"alsa\"\ndevice = \"{device}\"\n")
}

/// A tool that plays into a card, and takes commands.
struct Player<'r> {
    rig: &'r Rig,
    _process: Process,
}

impl<'r> Player<'r> {
    fn start(rig: &'r Rig, args: &[&str]) -> Self {
        let mut all = vec!["tone"];
        all.extend(args);
        let process = rig.tool(&all);
        rig.sh("for n in $(seq 100); do [ -S /run/tone.sock ] && exit 0; sleep 0.05; done; exit 1");
        Self {
            rig,
            _process: process,
        }
    }

    fn tell(&self, command: &str) {
        let mut args = vec!["tell", "/run/tone.sock"];
        args.extend(command.split(' '));
        let outcome = self.rig.tool(&args).finish(Duration::from_secs(10));
        assert_eq!(outcome.code, 0, "{command}: {}", outcome.stderr);
    }
}

/// `arecord` holds the card.
fn hold<'r>(rig: &'r Rig, pcm: &str) -> Process {
    let process = rig.start(
        &[
            "arecord",
            "-q",
            "-D",
            pcm,
            "-f",
            "S16_LE",
            "-r",
            "48000",
            "-c",
            "2",
            "/dev/null",
        ],
        &[],
    );
    let pid = process.pid();
    rig.sh(&format!(
        "for n in $(seq 100); do ls -l /proc/{pid}/fd | grep -q '/dev/snd/pcm.*c$' && exit 0; sleep 0.05; done; exit 1"
    ));
    process
}

fn mic_is(status: &Value, state: &str) -> Option<()> {
    (status["mic"]["state"] == state).then_some(())
}

fn level_is(daemon: &Daemon<'_>, wanted: &str) {
    daemon.wait_status(&format!("the level {wanted}"), SOON, |s| {
        (s["sound"]["level"] == wanted).then_some(())
    });
}

/// Seconds `from` to the end of what an ffmpeg can read of the file; both channels are to be alike.
fn heard(file: &Path, from: f64) -> Heard {
    let found = ffprobe(
        &file.to_string_lossy(),
        &["-show_streams", "-select_streams", "a"],
        Duration::from_secs(20),
    );
    let stream = &found["streams"][0];
    assert_eq!(stream["codec_name"], "aac", "{found}");
    assert_eq!(stream["sample_rate"], "48000", "{found}");
    assert_eq!(stream["channels"], 2, "{found}");
    let heard = tone::heard(file, from);
    assert!(heard.channels_alike < 0.01, "{heard:?}");
    heard
}

#[track_caller]
fn assert_tone(heard: &Heard, hz: f64, dbfs: f64) {
    eprintln!("{hz} Hz at {dbfs} dBFS is heard as {heard:?}");
    assert!((heard.hz - hz).abs() <= HZ, "{heard:?} instead of {hz} Hz");
    assert!(
        (heard.dbfs - dbfs).abs() <= DB,
        "{heard:?} instead of {dbfs} dBFS"
    );
    assert!(heard.purity > 0.98, "something else sounds too: {heard:?}");
}

#[test]
fn a_known_tone_goes_through_and_the_card_in_use_is_named() {
    let rig = needs()
        .first("modprobe snd-aloop pcm_substreams=1; modprobe snd-dummy model=rme9652")
        .boot();
    let holder = hold(&rig, "hw:Loopback,1,0");
    let server = Recorder::start(&rig.folder().join("out.flv"));
    let config = format!(
        "{}[[destination]]\nname = \"out\"\nurl = \"rtmp://10.77.0.1:{}/live\"\nkey = \"k\"\n",
        sound("CARD=Loopback,DEV=1"),
        server.port
    );
    let daemon = rig.boothcast(&config);

    let reason = daemon.wait_status("the lost microphone", SOON, |s| {
        mic_is(s, "lost")?;
        s["mic"]["reason"].as_str().map(str::to_owned)
    });
    assert_eq!(
        reason,
        format!(
            "The sound card Loopback (CARD=Loopback,DEV=1) is used by the program arecord (process {}). \
             End that program, or choose another card.",
            holder.pid()
        )
    );
    drop(holder);
    let player = Player::start(&rig, &["--freq", "997", "--level", "-20"]);
    daemon.wait_status("the microphone", SOON, |s| mic_is(s, "up"));
    level_is(&daemon, "ok");
    let peak = daemon.wait_status("a level of -20 dBFS", SOON, |s| {
        let peak = s["sound"]["channels"][0]["peak_db"].as_f64()?;
        ((peak + 20.0).abs() < 0.5).then_some(peak)
    });
    eprintln!("the box measures {peak} dBFS");
    let file = rig.folder().join("rtsp.mkv");
    record(&daemon.url("main"), "tcp", 5, &file);
    assert_tone(&heard(&file, 1.0), 997.0, -20.0);
    let file = server.stop();
    assert_tone(&heard(&file, -4.0), 997.0, -20.0);

    player.tell("silence");
    level_is(&daemon, "silent");
    player.tell("clip");
    level_is(&daemon, "clipping");
    player.tell("tone 440 -20");
    level_is(&daemon, "ok");

    let refused = daemon.ctl(&["mic", "volume", "50"]);
    assert_ne!(refused.code, 0);
    let said = refused.stdout + &refused.stderr;
    assert!(said.contains("no capture volume"), "{said}");
    assert_eq!(daemon.stop(), 0);
    drop(player);
    many_channels(&rig);
    may_not_be_opened(&rig);
    assert_eq!(rig.kernel_complaints(), Vec::<String>::new());
}

/// 26 channels of 32 bits, and a mixer with five microphones to be.
fn many_channels(rig: &Rig) {
    let daemon = rig.boothcast(&sound("Dummy"));
    daemon.wait_status("the card with 26 channels", SOON, |s| {
        mic_is(s, "up")?;
        s["mic"]["description"]
            .as_str()?
            .contains("26 channels")
            .then_some(())
    });
    level_is(&daemon, "silent");
    assert_eq!(daemon.ctl(&["mic", "volume", "67"]).code, 0);
    assert_eq!(daemon.ctl(&["mic", "on"]).code, 0);
    wait_for("the card's own word", SOON, || {
        let said = rig.sh("amixer -c Dummy sget Mic");
        // 67 % of -45 to 0 dB, in steps of 0.3 dB.
        (said.contains("-15.00dB") && said.contains("Capture [on]")).then_some(())
    });
    let others = rig.sh("amixer -c Dummy sget Line");
    assert!(
        others.contains("-30.00dB") && others.contains("[off]"),
        "{others}"
    );
    assert_eq!(daemon.stop(), 0);
}

/// A user who is in no group.
fn may_not_be_opened(rig: &Rig) {
    let program = env!("CARGO_BIN_EXE_boothcast");
    let said = rig.sh(&format!(
        "chmod 700 /dev/snd/*; cd /; setpriv --reuid 65534 --regid 65534 --clear-groups {program} doctor --json || true"
    ));
    let report: Value = serde_json::from_str(&said).unwrap();
    let card = &report["capture_cards"][0];
    assert_eq!(card["capture"]["kind"], "permission", "{report}");
    assert!(
        card["capture"]["mend"]
            .as_str()
            .unwrap()
            .contains("group audio"),
        "{card}"
    );
}

#[test]
fn a_usb_microphone_of_44100_hz_in_mono_sounds_right_and_is_set() {
    let rig = needs().card(Card::Loopback).card(Card::Dummy).usb().boot();
    let _card = rig.tool(&["mic", "--rates", "44100", "--channels", "1"]);
    rig.sh("for n in $(seq 100); do grep -q 'Rig Microphone' /proc/asound/cards && exit 0; sleep 0.1; done; exit 1");
    let _player = Player::start(
        &rig,
        &[
            "--device",
            "hw:UAC2Gadget",
            "--rate",
            "44100",
            "--channels",
            "1",
            "--freq",
            "1234",
            "--level",
            "-12",
        ],
    );
    // No card is named: a real one comes before loopback and dummy.
    let daemon = rig.boothcast(&sound(""));
    let description = daemon.wait_status("the microphone", SOON, |s| {
        mic_is(s, "up")?;
        s["mic"]["description"].as_str().map(str::to_owned)
    });
    assert_eq!(description, "Rig Microphone, 44100 samples/s, 1 channel");
    level_is(&daemon, "ok");
    let file = rig.folder().join("rtsp.mkv");
    record(&daemon.url("main"), "tcp", 6, &file);
    assert_tone(&heard(&file, 1.5), 1234.0, -12.0);

    volume_and_switch(&rig, &daemon);
    let drift = daemon.wait_status("the drift", SOON * 2, |s| s["drift_ppm"].as_f64());
    assert!(
        drift.abs() < 300.0,
        "{drift} ppm: the rate is not taken for what it is"
    );
    assert_eq!(daemon.stop(), 0);
    assert_eq!(rig.kernel_complaints(), Vec::<String>::new());
}

/// What the host sets arrives in the device, whose own mixer (seen from its side) says so; and what others set is noticed.
fn volume_and_switch(rig: &Rig, daemon: &Daemon<'_>) {
    let device = || rig.sh("amixer -c UAC2Gadget contents");
    let host =
        || rig.sh("grep -l Rig /proc/asound/card*/id >/dev/null; amixer -c Microphone scontents");
    let seen = |s: &Value| (s["mixer"]["percent"].clone(), s["mixer"]["on"].clone());
    for (percent, db) in [(40, -30), (100, 0), (80, -10)] {
        assert_eq!(daemon.ctl(&["mic", "volume", &percent.to_string()]).code, 0);
        daemon.wait_status("the volume", SOON, |s| (seen(s).0 == percent).then_some(()));
        wait_for("the device's own word", SOON, || {
            device().contains(&format!("{db}")).then_some(())
        });
    }
    assert_eq!(daemon.ctl(&["mic", "off"]).code, 0);
    daemon.wait_status("the switch", SOON, |s| (seen(s).1 == false).then_some(()));
    rig.sh("amixer -q -c Microphone sset Mic cap 20dB- || true");
    eprintln!("{}\n{}", device(), host());
    daemon.wait_status("what another program set", SOON, |s| {
        (seen(s).1 == true).then_some(())
    });
}

/// ffmpeg as an RTMP server, outside.
struct Recorder {
    port: u16,
    file: std::path::PathBuf,
    server: Guard,
}

impl Recorder {
    fn start(file: &Path) -> Self {
        let port = crate::support::free_port();
        let url = format!("rtmp://10.77.0.1:{port}/live/k");
        let server = Guard::spawn(
            Command::new("ffmpeg")
                .args(["-v", "error", "-y", "-listen", "1", "-f", "flv", "-i", &url])
                .args(["-c", "copy", "-flush_packets", "1"])
                .arg(file)
                .stdin(std::process::Stdio::null()),
        );
        Self {
            port,
            file: file.to_owned(),
            server,
        }
    }

    /// Ends it; gives what it has written.
    fn stop(mut self) -> std::path::PathBuf {
        self.server.signal(libc::SIGINT);
        self.server
            .wait(Duration::from_secs(10))
            .expect("ffmpeg does not end");
        self.file.clone()
    }
}
