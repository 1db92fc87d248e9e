//! The judgement on network, disk, memory, clock, heat and power.

use super::super::report::{Mark, Report, Thermal};
use super::Section;
use crate::edge::thermal::Throttled;

const MIB: u64 = 1 << 20;
/// Below this there is room for settings but not for much longer.
const LITTLE_DISK: u64 = 200 * MIB;
/// Below this the next picture may find no memory.
const LITTLE_MEMORY: u64 = 100 * MIB;

pub(super) fn network(report: &Report, mut s: Section) {
    let n = &report.network;
    let list = |a: &[std::net::IpAddr]| {
        let texts: Vec<String> = a.iter().map(ToString::to_string).collect();
        texts.join(", ")
    };
    if n.addresses.iter().all(std::net::IpAddr::is_loopback) {
        s.bad(
            "addresses",
            "None by which others could reach the box.",
            "Plug in a network cable, or set up Wi-Fi.",
        );
    } else {
        s.add(Mark::Good, "addresses", list(&n.addresses));
    }
    match &report.name {
        Some(name) => s.add(
            Mark::Good,
            "name (mDNS)",
            format!("{name}, where no other box has it"),
        ),
        None => s.add(
            Mark::Note,
            "name (mDNS)",
            "None is announced, see setup.mdns and rtsp.listen.",
        ),
    }
    for l in n.links.iter().filter(|l| !l.is_virtual) {
        let kind = if l.wireless { "Wi-Fi" } else { "cable" };
        let speed = l
            .speed
            .map_or_else(String::new, |s| format!(", {s} Mbit/s"));
        match l.carrier {
            Some(true) => s.add(Mark::Good, &l.name, format!("{kind}, connected{speed}")),
            Some(false) => s.add(Mark::Note, &l.name, format!("{kind}, not connected")),
            None => s.add(Mark::Note, &l.name, format!("{kind}, switched off")),
        }
    }
    match &n.route {
        Some(r) => s.add(
            Mark::Good,
            "way out",
            format!("{} by {}", r.gateway, r.link),
        ),
        None => s.bad(
            "way out",
            "There is no default route: nothing outside can be reached.",
            "Check the cable and that the router gives addresses by DHCP.",
        ),
    }
    if n.dns.is_empty() {
        s.bad(
            "names (DNS)",
            "There is no DNS server: streaming servers cannot be found by name.",
            "Set one in the network's settings, or use a router that names one by DHCP.",
        );
    } else {
        s.add(Mark::Good, "names (DNS)", list(&n.dns));
    }
}

/// Where the room's pages are, and by what a browser knows them.
pub(super) fn room(report: &Report, mut s: Section) {
    let Some(room) = &report.room else {
        return s.add(Mark::Note, "pages", "None, see web.enabled.");
    };
    let port = |n: u16| match n {
        0 => "any free port".to_owned(),
        n => format!("port {n}"),
    };
    let pages = format!("{} (HTTPS: {})", port(room.port), port(room.tls_port));
    s.add(Mark::Good, "pages", pages);
    match room.watch_port {
        Some(n) => s.add(Mark::Good, "live picture", format!("UDP {}", port(n))),
        None => s.add(
            Mark::Note,
            "live picture",
            "Not in the pages, see watch.enabled.",
        ),
    }
    match &room.fingerprint {
        Some(print) => s.add(Mark::Good, "certificate", format!("SHA-256 {print}")),
        None => s.add(
            Mark::Note,
            "certificate",
            "The box makes one when it runs first.",
        ),
    }
    if room.first_password {
        s.add(
            Mark::Note,
            "owner",
            "Has the password still that the box made.",
        );
        s.mend("Log in at the desk and change it.");
    }
}

pub(super) fn screen(report: &Report, mut s: Section) {
    let Some(screens) = &report.screens else {
        let text = "Left alone: only a box that people set up (setup.enabled) shows its state on a screen.";
        s.add(Mark::Note, "screen", text);
        return;
    };
    if screens.is_empty() {
        s.add(Mark::Note, "screen", "None is plugged in.");
    }
    for screen in screens {
        let (connector, mode) = screen.split_once(' ').unwrap_or((screen, "no mode"));
        s.add(Mark::Good, connector, mode);
    }
}

pub(super) fn machine(report: &Report, mut s: Section) {
    disk(report, &mut s);
    let m = report.memory;
    let text = format!(
        "{} MiB available of {} MiB",
        m.available / MIB,
        m.total / MIB
    );
    if m.total == 0 {
        s.add(Mark::Note, "memory", "Not known.");
    } else if m.available < LITTLE_MEMORY {
        s.bad(
            "memory",
            text,
            "End other programs, or choose a smaller encode.profile.",
        );
    } else {
        s.add(Mark::Good, "memory", text);
    }
    match report.clock {
        Some(c) if c.synchronised => s.add(
            Mark::Good,
            "clock",
            format!(
                "Kept by a time service; at most {:.0} ms off.",
                c.max_error_ms
            ),
        ),
        Some(_) => {
            s.bad(
                "clock",
                "No time service keeps it: times on the picture and TLS may be wrong.",
                "Switch one on: timedatectl set-ntp true",
            );
        }
        None => s.add(Mark::Note, "clock", "Cannot be read."),
    }
    heat(report, &mut s);
}

fn disk(report: &Report, s: &mut Section) {
    let d = &report.disk;
    let folder = d.folder.display();
    if let Some(problem) = &d.problem {
        s.bad(
            "state folder",
            format!("{folder} cannot be used: {problem}."),
            "Set paths.state to a folder that this user can write, or run as the service's user.",
        );
    } else {
        let text = format!(
            "{folder}: {} MiB free of {} MiB",
            d.free / MIB,
            d.total / MIB
        );
        if d.free < LITTLE_DISK {
            s.bad(
                "state folder",
                text,
                "Delete what is not needed: the disk is nearly full.",
            );
        } else {
            s.add(Mark::Good, "state folder", text);
        }
    }
}

fn heat(report: &Report, s: &mut Section) {
    let t = &report.thermal;
    let thresholds = thresholds(t);
    let now = |c: f32| {
        let sensor = t.sensor.as_deref().unwrap_or("sensor");
        format!("{c:.0} °C ({sensor})")
    };
    let air = "Give it air, a heat sink or a fan.";
    match (t.celsius, &t.problem) {
        (Some(c), _) if c >= t.lowest_c => s.bad(
            "temperature",
            format!(
                "{}: too hot for more than the smallest picture. {thresholds}",
                now(c)
            ),
            air,
        ),
        (Some(c), _) if c >= t.step_down_c => s.bad(
            "temperature",
            format!("{}: too hot for the whole picture. {thresholds}", now(c)),
            air,
        ),
        (Some(c), _) => s.add(
            Mark::Good,
            "temperature",
            format!("{}. {thresholds}", now(c)),
        ),
        (None, Some(p)) => s.bad(
            "temperature",
            p.sentence.as_str(),
            p.mend.as_deref().unwrap_or("Restart the box."),
        ),
        (None, None) => s.add(Mark::Note, "temperature", "Not measured here."),
    }
    supply(t, s);
}

/// What happens at which temperature: by the box, and by the board's firmware.
fn thresholds(t: &Thermal) -> String {
    let own = if t.watched {
        format!(
            "The picture gets smaller from {:.0} °C, as small as can be from {:.0} °C",
            t.step_down_c, t.lowest_c
        )
    } else {
        "The box does not act on it (thermal.enabled is false)".to_owned()
    };
    match (t.firmware_soft_c, t.firmware_limit_c) {
        (Some(soft), Some(limit)) => format!(
            "{own}; the firmware slows the processor down from {soft:.0} °C, and hard at {limit:.0} °C."
        ),
        _ => format!("{own}."),
    }
}

fn supply(t: &Thermal, s: &mut Section) {
    let Some(power) = t.power else {
        return s.add(Mark::Note, "power", "The board says nothing of its supply.");
    };
    let weak = "Use the board maker's power supply and a short cable.";
    if power.under_voltage {
        s.bad("power", "The supply's voltage is too low.", weak);
    } else if power.under_voltage_before {
        s.add(
            Mark::Note,
            "power",
            "Enough now, but it was too weak before.",
        );
        s.mend(weak);
    } else {
        s.add(Mark::Good, "power", "The supply's voltage is high enough.");
    }
    let Some(bits) = t.throttled.map(Throttled) else {
        return;
    };
    if bits.slowed() {
        s.bad(
            "throttling",
            "The board runs slower than it could.",
            "Give it air, a heat sink or a fan, and a strong power supply.",
        );
    } else if bits.slowed_before() {
        s.add(
            Mark::Note,
            "throttling",
            "Not now, but before: heat or a weak power supply.",
        );
    } else {
        s.add(Mark::Good, "throttling", "None.");
    }
}
