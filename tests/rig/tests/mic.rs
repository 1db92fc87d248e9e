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
const SOON: Duration = Duration::from_secs(30);
/// Pause between two looks at the status: each starts a program, on the processor that is to handle the sound.
const PAUSE: Duration = Duration::from_millis(500);
/// Bounds of what is heard. Where the rig is short of time the sound is bent by up to 0.45 % to catch up, so tones are low.
const HZ: f64 = 2.0;
const DB: f64 = 1.0;
/// Seconds of tone without a gap that a measurement takes.
const UNBROKEN: f64 = 0.4;

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
        wait_open(rig, &process, 'p');
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
fn hold(rig: &Rig, pcm: &str) -> Process {
    let format = ["-f", "S16_LE", "-r", "48000", "-c", "2"];
    let mut command = vec!["arecord", "-q", "-D", pcm];
    command.extend(format);
    command.push("/dev/null");
    let process = rig.start(&command, &[]);
    wait_open(rig, &process, 'c');
    process
}

/// Waits until a process has opened a card for capture (`c`) or playback (`p`).
fn wait_open(rig: &Rig, process: &Process, direction: char) {
    let pid = process.pid();
    rig.sh(&format!(
        "for n in $(seq 100); do ls -l /proc/{pid}/fd | grep -q '/dev/snd/pcm.*{direction}$' && exit 0; sleep 0.1; done; exit 1"
    ));
}

fn mic_is(status: &Value, state: &str) -> Option<()> {
    (status["mic"]["state"] == state).then_some(())
}

/// Waits for what a mixer says.
fn mixer_says(rig: &Rig, command: &str, words: &[&str]) {
    wait_for(&format!("{words:?} from {command}"), SOON, || {
        let said = rig.sh(command);
        let all = words.iter().all(|w| said.contains(w));
        if !all {
            std::thread::sleep(PAUSE);
        }
        all.then_some(())
    });
}

/// Waits for a status that `f` takes a value from.
fn until<T>(daemon: &Daemon<'_>, what: &str, mut f: impl FnMut(&Value) -> Option<T>) -> T {
    daemon.wait_status(what, SOON, |s| {
        let found = f(s);
        if found.is_none() {
            std::thread::sleep(PAUSE);
        }
        found
    })
}

fn level_is(daemon: &Daemon<'_>, wanted: &str) {
    until(daemon, &format!("the level {wanted}"), |s| {
        (s["sound"]["level"] == wanted).then_some(())
    });
}

/// What an ffmpeg hears in the file; both channels are to be alike.
fn heard(file: &Path) -> Option<Heard> {
    let found = ffprobe(
        &file.to_string_lossy(),
        &["-show_streams", "-select_streams", "a"],
        Duration::from_secs(20),
    );
    let stream = &found["streams"][0];
    assert_eq!(stream["codec_name"], "aac", "{found}");
    assert_eq!(stream["sample_rate"], "48000", "{found}");
    assert_eq!(stream["channels"], 2, "{found}");
    tone::heard(file)
}

/// What a player hears, from a recording in which the tone is unbroken for [`UNBROKEN`]; a busy machine gets more than one try.
fn heard_over_rtsp(rig: &Rig, daemon: &Daemon<'_>) -> Heard {
    let file = rig.folder().join("rtsp.mkv");
    for _ in 0..5 {
        record(&daemon.url("main"), "tcp", 4, &file);
        match heard(&file) {
            Some(heard) if heard.seconds >= UNBROKEN => return heard,
            other => eprintln!("too many gaps, once more: {other:?}"),
        }
    }
    panic!("no recording has {UNBROKEN} s of unbroken tone");
}

#[track_caller]
fn assert_tone(heard: &Heard, hz: f64, dbfs: f64) {
    eprintln!(
        "{hz} Hz at {dbfs} dBFS: {:.2} Hz, {:.3} dBFS, {:.2} s unbroken of {:.2} s",
        heard.hz, heard.dbfs, heard.seconds, heard.of
    );
    assert!((heard.hz - hz).abs() <= HZ, "{heard:?} instead of {hz} Hz");
    assert!(
        (heard.dbfs - dbfs).abs() <= DB,
        "{heard:?} instead of {dbfs} dBFS"
    );
    assert!(heard.purity > 0.98, "something else sounds: {heard:?}");
    assert!(heard.channels_alike < 0.01, "{heard:?}");
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

    let reason = until(&daemon, "the lost microphone", |s| {
        mic_is(s, "lost")?;
        s["mic"]["reason"].as_str().map(str::to_owned)
    });
    assert_eq!(
        reason,
        format!(
            "The sound card Loopback (CARD=Loopback,DEV=1) is used by the program arecord (process {}). \
             End that program, or choose another card",
            holder.pid()
        )
    );
    // The loopback takes its format from the one who comes first, and the player has only one.
    let player = Player::start(&rig, &["--freq", "400", "--level", "-20"]);
    drop(holder);
    until(&daemon, "the microphone", |s| mic_is(s, "up"));
    level_is(&daemon, "ok");
    let peak = until(&daemon, "a level of -20 dBFS", |s| {
        let peak = s["sound"]["channels"][0]["peak_db"].as_f64()?;
        ((peak + 20.0).abs() < 0.5).then_some(peak)
    });
    eprintln!("the box measures {peak} dBFS");
    assert_tone(&heard_over_rtsp(&rig, &daemon), 400.0, -20.0);
    let pushed = heard(&server.stop()).expect("the pushed stream is silent");
    assert!(pushed.seconds >= UNBROKEN, "{pushed:?}");
    assert_tone(&pushed, 400.0, -20.0);

    player.tell("silence");
    level_is(&daemon, "silent");
    player.tell("clip");
    level_is(&daemon, "clipping");
    player.tell("tone 300 -20");
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
    until(&daemon, "the card with 26 channels", |s| {
        mic_is(s, "up")?;
        s["mic"]["description"]
            .as_str()?
            .contains("26 channels")
            .then_some(())
    });
    level_is(&daemon, "silent");
    assert_eq!(daemon.ctl(&["mic", "volume", "67"]).code, 0);
    assert_eq!(daemon.ctl(&["mic", "on"]).code, 0);
    // Its scale in dB is even, so that per cent of dB are per cent of steps.
    mixer_says(rig, "amixer -c Dummy sget Mic", &["[67%]", "Capture [on]"]);
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
fn a_usb_microphone_of_44100_hz_in_mono_and_24_bit_sounds_right_and_is_set() {
    let rig = needs()
        .card(Card::Loopback)
        .card(Card::Dummy)
        .usb()
        .first("modprobe snd-usb-audio")
        .boot();
    let _card = rig.tool(&[
        "mic",
        "--rates",
        "44100",
        "--channels",
        "1",
        "--sample-bytes",
        "3",
    ]);
    rig.sh("for n in $(seq 100); do grep -q 'Rig Microphone' /proc/asound/cards && exit 0; sleep 0.1; done; exit 1");
    let _player = Player::start(
        &rig,
        &[
            "--device",
            "hw:UAC2Gadget",
            "--rate",
            "44100",
            "--format",
            "S24_3LE",
            "--channels",
            "1",
            "--freq",
            "400",
            "--level",
            "-12",
        ],
    );
    // No card is named: a real one comes before loopback and dummy.
    let daemon = rig.boothcast(&sound(""));
    let description = until(&daemon, "the microphone", |s| {
        mic_is(s, "up")?;
        s["mic"]["description"].as_str().map(str::to_owned)
    });
    assert_eq!(description, "Rig Microphone, 44100 samples/s, 1 channel");
    level_is(&daemon, "ok");
    assert_tone(&heard_over_rtsp(&rig, &daemon), 400.0, -12.0);

    volume_and_switch(&rig, &daemon);
    // A rate that were taken for another would drive the figure to its limit of 1000 ppm and hold it there.
    let drift = until(&daemon, "a settled clock", |s| {
        s["drift_ppm"].as_f64().filter(|ppm| ppm.abs() < 900.0)
    });
    eprintln!("drift {drift} ppm");
    assert_eq!(daemon.stop(), 0);
    assert_eq!(rig.kernel_complaints(), Vec::<String>::new());
}

/// What the box sets arrives in the device, whose own mixer (seen from its side) says so; and what others set is noticed.
fn volume_and_switch(rig: &Rig, daemon: &Daemon<'_>) {
    let device = "amixer -c UAC2Gadget sget PCM";
    for (percent, db) in [(40, "[-30.00dB]"), (80, "[-10.00dB]")] {
        assert_eq!(daemon.ctl(&["mic", "volume", &percent.to_string()]).code, 0);
        until(daemon, "the volume", |s| {
            (s["mixer"]["percent"] == percent).then_some(())
        });
        mixer_says(rig, device, &[db, "[on]"]);
    }
    assert_eq!(daemon.ctl(&["mic", "off"]).code, 0);
    until(daemon, "the switch", |s| {
        (s["mixer"]["on"] == false).then_some(())
    });
    mixer_says(rig, device, &["[-10.00dB]", "[off]"]);
    rig.sh("amixer -q -c Microphone sset 'Capture Volume' 20% cap");
    until(daemon, "what another program set", |s| {
        (s["mixer"]["percent"] == 20 && s["mixer"]["on"] == true).then_some(())
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
