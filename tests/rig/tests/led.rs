//! The status LED on a real line: every state of the box by its rhythm, and what happens when the line cannot be had.

use std::net::TcpListener;
use std::time::Duration;

use super::light::{Light, Run};
use crate::harness::{Daemon, Rig, needs};
use crate::peer::{Manner, Peer};

const LIMIT: Duration = Duration::from_secs(40);
const STATE: &str = "/run/boothcast-state";

/// A box that is cheap to run, with its light on line 0 and its button on line 1.
fn config(more: &str) -> String {
    with("[led]\nchip = \"rig\"\nline = 0\n", more)
}

fn with(led: &str, more: &str) -> String {
    let video = if more.contains("[video]") {
        ""
    } else {
        "[video]\nsource = \"test\"\ntest_pattern = \"black\"\n"
    };
    let audio = if more.contains("[audio]") {
        ""
    } else {
        "[audio]\nsource = \"test\"\n"
    };
    format!(
        "{video}{audio}{led}
         [button]\nchip = \"rig\"\nline = 1\nactive_low = false\n
         [encode]\nprofile = \"custom\"\nwidth = 320\nheight = 180\nfps = 10\nbitrate = \"400k\"\n{more}"
    )
}

fn destination(port: u16) -> String {
    format!("[[destination]]\nname = \"a\"\nurl = \"rtmp://10.77.0.1:{port}/live\"\nkey = \"k\"\n")
}

fn server(manner: Manner) -> Peer {
    Peer::on(TcpListener::bind(("10.77.0.1", 0)).unwrap(), manner)
}

/// Starts a box anew, as on the first day.
fn fresh<'r>(rig: &'r Rig, config: &str) -> Daemon<'r> {
    rig.sh(&format!("rm -rf {STATE}/* {STATE}"));
    rig.boothcast(config)
}

fn note(daemon: &Daemon, part: &str) -> Option<String> {
    let status = daemon.status();
    let notes = status["hardware"]["notes"].as_array().unwrap().clone();
    let note = notes.into_iter().find(|n| n["part"] == part)?;
    Some(note["text"].as_str().unwrap().to_owned())
}

fn wait_note(daemon: &Daemon, part: &str, text: &str) {
    crate::support::wait_for(text, Duration::from_secs(30), || {
        note(daemon, part)?.contains(text).then_some(())
    });
}

fn wait_no_note(daemon: &Daemon, part: &str) {
    crate::support::wait_for("no note", Duration::from_secs(30), || {
        note(daemon, part).is_none().then_some(())
    });
}

/// Pictures go on into the fan-out.
fn goes_on(daemon: &Daemon) {
    let flow = |d: &Daemon| d.status()["flow"]["main"].as_u64().unwrap();
    let before = flow(daemon);
    crate::support::wait_for("more pictures", Duration::from_secs(20), || {
        (flow(daemon) > before).then_some(())
    });
}

#[test]
fn the_states_of_a_box_that_goes_live_have_their_rhythms() {
    let rig = needs().lines(4).boot();
    let light = Light::watch(&rig, "0", false);
    assert!(!light.lit(0));
    let good = server(Manner::Good);
    let daemon = fresh(&rig, &config(&destination(good.port())));
    light.wait_steady(0, true, LIMIT);
    assert_eq!(daemon.status()["health"]["led"], "live");
    assert_eq!(daemon.ctl(&["live", "stop"]).code, 0);
    light.wait("ready", LIMIT);
    assert_eq!(daemon.ctl(&["identify"]).code, 0);
    light.wait("identify", Duration::from_secs(6));
    light.wait("ready", LIMIT);
    // Held for 10 s and let go: 10 s for the confirmation, then all is as before.
    let press = ["gpio", "press", "--line", "1", "--ms", "10300"];
    let press = rig.tool(&press);
    light.wait("confirm", LIMIT);
    assert_eq!(press.finish(LIMIT).code, 0);
    light.wait("ready", LIMIT);
    assert_eq!(daemon.stop(), 0);
    light.wait_steady(0, false, LIMIT);
    assert_eq!(rig.kernel_complaints(), Vec::<String>::new());
}

#[test]
fn what_goes_wrong_has_its_number_of_blinks() {
    let rig = needs().lines(4).first("modprobe test_power").boot();
    let light = Light::watch(&rig, "0", false);
    let show = |config: &str, pattern: &str| {
        let daemon = fresh(&rig, config);
        light.wait(pattern, LIMIT);
        assert_eq!(daemon.stop(), 0, "{pattern}");
    };
    show(
        &config("[video]\nsource = \"v4l2\"\ndevice = \"/dev/video9\"\n"),
        "error 1",
    );
    // A port that nobody listens on.
    let closed = TcpListener::bind(("10.77.0.1", 0)).unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    show(&config(&destination(port)), "error 2");
    // Hotter than the lowest step can mend.
    let zone = rig.sh("dirname $(grep -l test_battery /sys/class/thermal/thermal_zone*/type)");
    let zone = zone.trim();
    rig.sh(&format!("echo 95000 >{zone}/emul_temp"));
    let hot = format!("[thermal]\nsensor = \"{zone}/temp\"\n");
    show(&config(&hot), "error 5");
    let refuses = server(Manner::Refuse("NetStream.Publish.Denied"));
    show(&config(&destination(refuses.port())), "error 3");
    let mute = server(Manner::Mute);
    show(&config(&destination(mute.port())), "connecting");
    let good = server(Manner::Good);
    let no_mic = "[audio]\nsource = \"alsa\"\ndevice = \"hw:9\"\n";
    let degraded = format!("{no_mic}{}", destination(good.port()));
    show(&config(&degraded), "degraded");
    assert_eq!(rig.kernel_complaints(), Vec::<String>::new());
}

#[test]
fn a_start_that_takes_long_and_a_disk_that_is_full_are_shown() {
    let rig = needs().lines(4).boot();
    let light = Light::watch(&rig, "0", false);
    // A file that nobody ever writes holds the source's opening like a driver that hangs.
    rig.sh("mkfifo /run/clip.mp4");
    let hangs = "[video]\nsource = \"file\"\nfile = \"/run/clip.mp4\"\n";
    // It is shown for 10 s from the beginning, of which a busy machine takes some until the box says that it is up.
    let start = light.now();
    let daemon = fresh(&rig, &config(hangs));
    light.wait_since(start, 0, "booting", Duration::from_secs(12));
    drop(daemon);
    let full = format!("rm -rf {STATE}; mkdir {STATE}; mount -t tmpfs -o size=128k rig {STATE}");
    rig.sh(&full);
    let daemon = rig.boothcast(&config(""));
    light.wait("ready", LIMIT);
    rig.sh(&format!(
        "head -c 1M /dev/zero >{STATE}/fill 2>/dev/null || true"
    ));
    // Done, though it cannot be kept.
    daemon.ctl(&["live", "start"]);
    light.wait("error 4", LIMIT);
    rig.sh(&format!("rm {STATE}/fill"));
    crate::support::wait_for("room to be found", LIMIT, || {
        (daemon.status()["health"]["led"] != serde_json::json!({"error": "storage"})).then_some(())
    });
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn a_notification_blinks_once_where_that_is_switched_on() {
    let rig = needs().lines(4).boot();
    let light = Light::watch(&rig, "0", false);
    let blinks = |led: &str| {
        let daemon = fresh(&rig, &with(led, "[moderation]\nmode = \"free\"\n"));
        light.wait("ready", LIMIT);
        let since = light.now();
        for who in ["Mia", "Ben"] {
            let said = daemon.ctl(&["notify", who, "hello"]);
            assert_eq!(said.code, 0, "{}", said.stderr);
            // Longer than a notification waits for its turn.
            std::thread::sleep(Duration::from_secs(8));
        }
        let runs = light.runs(0, since);
        assert_eq!(daemon.stop(), 0);
        let blink = |run: &&Run| run.0 && (run.1 - 240.0).abs() <= 45.0;
        runs.iter().filter(blink).count()
    };
    let line = "[led]\nchip = \"rig\"\nline = 0\n";
    assert_eq!(blinks(line), 0);
    assert_eq!(blinks(&format!("{line}notify = true\n")), 2);
}

#[test]
fn an_active_low_light_and_three_colours_show_the_same() {
    let rig = needs().lines(4).boot();
    // A light against the supply: dark is high, also while nobody drives it.
    rig.sh("echo pull-up >/run/gpio/sim_gpio0/pull");
    let light = Light::watch(&rig, "0", true);
    assert!(!light.lit(0));
    let led = "[led]\nline = \"RIG0\"\nactive_low = true\n";
    let daemon = fresh(&rig, &with(led, ""));
    light.wait("ready", LIMIT);
    assert_eq!(daemon.stop(), 0);
    light.wait_steady(0, false, LIMIT);
    drop(light);

    let light = Light::watch(&rig, "0,2,3", false);
    let led = "[led]\nchip = \"gpiochip0\"\nred = \"RIG0\"\ngreen = 2\nblue = \"RIG3\"\n";
    rig.sh("echo pull-down >/run/gpio/sim_gpio0/pull");
    let good = server(Manner::Good);
    let daemon = fresh(&rig, &with(led, &destination(good.port())));
    // Live is red.
    light.wait_steady(0, true, LIMIT);
    assert!(!light.lit(2) && !light.lit(3));
    // Ready is green.
    assert_eq!(daemon.ctl(&["live", "stop"]).code, 0);
    light.wait_on(2, "ready", LIMIT);
    assert!(!light.lit(0) && !light.lit(3));
    // Identify is white: three lines in one rhythm.
    assert_eq!(daemon.ctl(&["identify"]).code, 0);
    let since = light.now();
    light.wait_on(0, "identify", Duration::from_secs(6));
    for line in [2, 3] {
        let seen = super::light::recognise(&light.runs(line, since), "identify");
        assert!(seen, "line {line}: {:?}", light.runs(line, since));
    }
    assert_eq!(daemon.stop(), 0);
    light.wait_steady(0, false, LIMIT);
    assert!(!light.lit(2) && !light.lit(3));
}

#[test]
fn a_light_that_cannot_be_had_is_one_clear_sentence_and_the_box_goes_on() {
    let rig = needs().lines(4).boot();
    // Missing line, then missing chip.
    let daemon = fresh(&rig, &with("[led]\nchip = \"rig\"\nline = 9\n", ""));
    wait_note(
        &daemon,
        "led",
        "GPIO chip rig (gpiochip0) has no line 9; it has lines 0 to 3",
    );
    goes_on(&daemon);
    assert_eq!(daemon.stop(), 0);
    let daemon = fresh(&rig, &with("[led]\nchip = \"soc\"\nline = 0\n", ""));
    wait_note(
        &daemon,
        "led",
        "there is no GPIO chip named soc; chips here: rig (gpiochip0)",
    );
    goes_on(&daemon);
    assert_eq!(daemon.stop(), 0);

    // Somebody else has the line: told by name; had as soon as it is free.
    let mut holder = rig.start(&["gpioset", "--mode=signal", "rig", "0=0"], &[]);
    crate::support::wait_for("the line to be held", LIMIT, || {
        rig.sh("gpioinfo rig").contains("gpioset").then_some(())
    });
    let daemon = fresh(&rig, &config(""));
    let busy = "line 0 (RIG0) of GPIO chip rig (gpiochip0) is used by gpioset";
    wait_note(&daemon, "led", busy);
    goes_on(&daemon);
    let light = Light::watch(&rig, "0", false);
    holder.signal(libc::SIGTERM);
    light.wait("ready", LIMIT);
    wait_no_note(&daemon, "led");
    assert!(rig.sh("gpioinfo rig").contains("boothcast-led"));

    // The chip is pulled out and comes back.
    drop(light);
    let chip = "/sys/kernel/config/gpio-sim/rig/live";
    rig.sh(&format!("echo 0 >{chip}"));
    let gone = |line| format!("line {line} (RIG{line}) of GPIO chip rig (gpiochip0) has gone");
    wait_note(&daemon, "led", &gone(0));
    wait_note(&daemon, "button", &gone(1));
    goes_on(&daemon);
    // It is a new device, as after plugging it in again.
    rig.sh(&format!(
        "c=/sys/kernel/config/gpio-sim/rig; echo 1 >{chip}; rm /run/gpio
         ln -s /sys/devices/platform/$(cat $c/dev_name)/$(cat $c/bank0/chip_name) /run/gpio"
    ));
    wait_no_note(&daemon, "led");
    wait_no_note(&daemon, "button");
    Light::watch(&rig, "0", false).wait("ready", LIMIT);
    assert_eq!(daemon.stop(), 0);
    let log = |what: &str| {
        let log = std::fs::read_to_string(rig.folder().join("boothcast.log")).unwrap();
        log.lines().filter(|l| l.contains(what)).count()
    };
    assert_eq!(
        log("the LED stays dark: line 0"),
        1,
        "said once, not at each try"
    );
}

#[test]
fn a_kernel_led_shows_it_where_there_is_only_that() {
    let rig = needs()
        .lines(4)
        .first("modprobe uleds; modprobe ledtrig-timer || true")
        .boot();
    let led = rig.tool(&["leds", "--name", "rig::status", "--max", "200"]);
    let light = Light::sampled(&rig, led, false);
    let class = "/sys/class/leds/rig::status";
    rig.sh(&format!(
        "grep -q none {class}/trigger && echo timer >{class}/trigger"
    ));
    let daemon = fresh(&rig, &with("[led]\nname = \"no-such, rig::status\"\n", ""));
    light.wait("ready", LIMIT);
    assert!(rig.sh(&format!("cat {class}/trigger")).contains("[none]"));
    assert_eq!(daemon.stop(), 0);
    // What it was before: the kernel's own blinking.
    assert!(rig.sh(&format!("cat {class}/trigger")).contains("[timer]"));
    let daemon = fresh(&rig, &with("[led]\nname = \"nope\"\n", ""));
    wait_note(
        &daemon,
        "led",
        "there is no kernel LED named nope; LEDs here: rig::status",
    );
    goes_on(&daemon);
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn the_doctor_says_which_light_and_button_and_whether_they_can_be_had() {
    let rig = needs().lines(4).boot();
    let mut holder = rig.start(&["gpioset", "--mode=signal", "rig", "0=0"], &[]);
    crate::support::wait_for("the line to be held", LIMIT, || {
        rig.sh("gpioinfo rig").contains("gpioset").then_some(())
    });
    rig.write("/run/doctor.toml", &config(""));
    let doctor = || {
        let program = env!("CARGO_BIN_EXE_boothcast");
        let outcome = rig
            .start(
                &[program, "doctor", "--json", "--config", "/run/doctor.toml"],
                &[],
            )
            .finish(Duration::from_secs(120));
        serde_json::from_str::<serde_json::Value>(&outcome.stdout).unwrap()
    };
    let report = doctor();
    assert_eq!(report["led"]["usable"], false);
    assert_eq!(
        report["led"]["problem"]["sentence"],
        "line 0 (RIG0) of GPIO chip rig (gpiochip0) is used by gpioset."
    );
    assert_eq!(report["button"]["usable"], true);
    assert_eq!(
        report["button"]["what"],
        "line 1 (RIG1) of GPIO chip rig (gpiochip0)"
    );
    assert_eq!(report["button"]["chosen_by"], "configuration");
    holder.signal(libc::SIGTERM);
    assert!(holder.wait(LIMIT).is_some());
    assert_eq!(doctor()["led"]["usable"], true);
}
