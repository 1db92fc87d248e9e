//! The button on a real line of gpio-sim: gestures with their times, bounce, and what they bring about.

use std::time::Duration;

use serde_json::Value;

use crate::harness::{Daemon, Rig, needs};
use crate::peer::{Manner, Peer};
use crate::support::wait_for;

const LIMIT: Duration = Duration::from_secs(30);

fn config(line: &str, port: u16) -> String {
    format!(
        "[video]\nsource = \"test\"\ntest_pattern = \"black\"\n[audio]\nsource = \"test\"\n
         [encode]\nprofile = \"custom\"\nwidth = 320\nheight = 180\nfps = 10\nbitrate = \"400k\"\n
         [button]\nchip = \"rig\"\n{line}\n
         [[destination]]\nname = \"a\"\nurl = \"rtmp://10.77.0.1:{port}/live\"\nkey = \"k\"\n"
    )
}

fn server() -> Peer {
    let listener = std::net::TcpListener::bind(("10.77.0.1", 0)).unwrap();
    Peer::on(listener, Manner::Good)
}

/// A contact that bounces for longer than its gaps are: the rig's processor is shared with an encoder, and the host's
/// with others, so that a gap of 3 ms may become one of 50.
const BOUNCY: &str = "debounce_ms = 200";

/// Presses, waits for the end of it; gives start and length by the rig's clock, ms.
fn press(rig: &Rig, args: &[&str]) -> (f64, f64) {
    let all: Vec<&str> = ["gpio", "press", "--line", "1"]
        .iter()
        .chain(args)
        .copied()
        .collect();
    let outcome = rig.tool(&all).finish(Duration::from_secs(40));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    // Until it counts as let go.
    std::thread::sleep(Duration::from_millis(600));
    let said: Value = serde_json::from_str(outcome.stdout.trim()).unwrap();
    (
        said["ms"].as_f64().unwrap(),
        said["pressed_ms"].as_f64().unwrap(),
    )
}

/// Gestures in the log, in order.
fn gestures(daemon: &Daemon) -> Vec<String> {
    let log = daemon.stderr();
    let of = |l: &str| {
        let rest = l.split_once("gesture=")?.1;
        Some(rest.split_whitespace().next()?.to_owned())
    };
    log.lines().filter_map(of).collect()
}

fn wait_gestures(daemon: &Daemon, expected: &[&str]) {
    wait_for(&format!("{expected:?}"), LIMIT, || {
        (gestures(daemon).len() >= expected.len()).then_some(())
    });
    // A second one would come within the debounce time; this is some of them.
    std::thread::sleep(Duration::from_millis(800));
    assert_eq!(gestures(daemon), expected, "{}", daemon.stderr());
}

#[test]
fn short_ends_and_begins_the_show_and_long_identifies() {
    let rig = needs().lines(2).boot();
    // Against ground with the chip's own resistor: released is high.
    let peer = server();
    let daemon = rig.boothcast(&config(&format!("line = \"RIG1\"\n{BOUNCY}"), peer.port()));
    let level = rig.sh("cat /run/gpio/sim_gpio1/value");
    assert_eq!(level.trim(), "1", "the resistor is not on");
    let live = |d: &Daemon| d.status()["live"] == true;
    assert!(live(&daemon));
    let mut told = Vec::new();
    for (n, wanted) in [(0, false), (1, true), (2, false)] {
        // Each with a worse contact.
        let bounce = (n * 14).to_string();
        press(&rig, &["--active-low", "--ms", "900", "--bounce", &bounce]);
        told.push("Short");
        wait_gestures(&daemon, &told);
        wait_for("the show to follow", LIMIT, || {
            (live(&daemon) == wanted).then_some(())
        });
    }
    // Long is told while it is held.
    let (begin, _) = press(&rig, &["--active-low", "--ms", "4000", "--bounce", "9"]);
    told.push("Long");
    wait_gestures(&daemon, &told);
    let status = daemon.status();
    assert_eq!(status["hardware"]["button"]["gesture"], "long");
    assert!(!live(&daemon), "a long press is no short one");
    // The time of the event is that of the box: start of the press and 3 s, less the start of the box.
    let at = status["hardware"]["button"]["at_ms"].as_f64().unwrap();
    let uptime = || {
        rig.sh("cut -d' ' -f1 /proc/uptime")
            .trim()
            .parse::<f64>()
            .unwrap()
            * 1e3
    };
    let age = status["uptime_s"].as_f64().unwrap() * 1e3 - at;
    let true_age = uptime() - (begin + 3000.0);
    assert!(
        (age - true_age).abs() < 2500.0,
        "{age} ms ago by the box, {true_age} ms by the rig"
    );
    assert_eq!(daemon.stop(), 0);
    assert_eq!(rig.kernel_complaints(), Vec::<String>::new());
}

#[test]
fn very_long_asks_and_only_a_second_press_resets() {
    let rig = needs().lines(2).boot();
    let peer = server();
    // With a resistor of the circuit's own, and the other way round.
    let line = format!("line = 1\nactive_low = false\nbias = \"none\"\n{BOUNCY}");
    let daemon = rig.boothcast(&config(&line, peer.port()));
    press(&rig, &["--ms", "10800", "--bounce", "20"]);
    wait_gestures(&daemon, &["Long", "VeryLong"]);
    assert_eq!(daemon.status()["health"]["led"], "confirm");
    // Not confirmed: forgotten after 10 s, and a press is a press again.
    wait_for("the question to be over", LIMIT, || {
        (daemon.status()["health"]["led"] != "confirm").then_some(())
    });
    press(&rig, &["--ms", "600"]);
    wait_gestures(&daemon, &["Long", "VeryLong", "Short"]);
    wait_for("the end of the show", LIMIT, || {
        (daemon.status()["live"] == false).then_some(())
    });
    let kept = || rig.try_sh("ls /run/boothcast-state/wanted.json").code == 0;
    assert!(kept(), "forgotten without a confirmation");
    // And confirmed: the box forgets, and ends to begin anew.
    press(&rig, &["--ms", "10800"]);
    press(&rig, &["--ms", "600"]);
    daemon.wait_log("Forgetting everything, then starting anew.", LIMIT);
    wait_for("its end", LIMIT, || (!daemon.running()).then_some(()));
    assert!(!kept());
}

#[test]
fn a_stuck_button_a_spike_and_a_busy_line_press_nothing() {
    let rig = needs().lines(2).boot();
    let peer = server();
    // Held since before the start.
    rig.sh("echo pull-up >/run/gpio/sim_gpio1/pull");
    let line = "line = 1\nactive_low = false\nbias = \"none\"";
    let daemon = rig.boothcast(&config(line, peer.port()));
    daemon.wait_log("the button is on line 1 (RIG1)", LIMIT);
    std::thread::sleep(Duration::from_millis(3500));
    rig.sh("echo pull-down >/run/gpio/sim_gpio1/pull");
    wait_gestures(&daemon, &[]);
    // Shorter than the debounce time.
    let spike = "for n in 1 2 3; do echo pull-up >pull; echo pull-down >pull; sleep 0.1; done";
    rig.sh(&format!("cd /run/gpio/sim_gpio1; {spike}"));
    wait_gestures(&daemon, &[]);
    press(&rig, &["--ms", "150"]);
    wait_gestures(&daemon, &["Short"]);
    assert_eq!(daemon.stop(), 0);

    let mut holder = rig.start(&["gpioset", "--mode=signal", "rig", "1=0"], &[]);
    wait_for("the line to be held", LIMIT, || {
        rig.sh("gpioinfo rig").contains("gpioset").then_some(())
    });
    let daemon = rig.boothcast(&config(line, peer.port()));
    wait_for("the fault", LIMIT, || {
        let status = daemon.status();
        let notes = status["hardware"]["notes"].as_array()?.clone();
        let text = notes.iter().find(|n| n["part"] == "button")?["text"].clone();
        let busy = "line 1 (RIG1) of GPIO chip rig (gpiochip0) is used by gpioset";
        (text == busy).then_some(())
    });
    holder.signal(libc::SIGTERM);
    daemon.wait_log("the button is on line 1", LIMIT);
    press(&rig, &["--ms", "150"]);
    wait_gestures(&daemon, &["Short"]);
    assert_eq!(daemon.stop(), 0);
}
