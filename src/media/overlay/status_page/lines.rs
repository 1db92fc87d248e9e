//! The words of the page, in the order in which they stand.

use super::StatusPage;
use crate::device::led::{LedPattern, Trouble};

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Faint,
    /// On air.
    Live,
    /// What set-up said last.
    Told,
}

/// A line of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub text: String,
    pub tone: Tone,
    /// Between groups is a gap.
    pub group: usize,
    /// Where there is too little room, the line with the highest number goes first.
    pub spare: u8,
}

fn line(text: impl Into<String>, tone: Tone, spare: u8) -> Line {
    Line {
        text: text.into(),
        tone,
        group: 0,
        spare,
    }
}

/// Destinations that are named.
const NAMED: usize = 3;
/// Addresses that are named.
const ADDRESSES: usize = 3;

/// All lines.
pub(super) fn of(page: &StatusPage) -> Vec<Line> {
    let groups = [
        access_point(page),
        setup(page),
        found(page),
        live(page),
        light(page),
    ];
    let numbered = groups.into_iter().enumerate();
    numbered
        .flat_map(|(group, lines)| lines.into_iter().map(move |l| Line { group, ..l }))
        .collect()
}

fn access_point(page: &StatusPage) -> Vec<Line> {
    let Some(own) = &page.access_point else {
        return Vec::new();
    };
    let mut out = vec![line(
        format!("Wi-Fi of this box: {}", own.ssid),
        Tone::Plain,
        0,
    )];
    if let Some(password) = &own.password {
        out.push(line(
            format!("Password: {}", password.expose()),
            Tone::Plain,
            0,
        ));
    }
    if let Some(url) = &page.page {
        out.push(line(format!("Then open {url}"), Tone::Plain, 1));
    }
    out
}

fn setup(page: &StatusPage) -> Vec<Line> {
    let mut out = Vec::new();
    if let Some(note) = &page.note {
        out.push(line(note.as_str(), Tone::Told, 0));
    }
    let Some(setup) = &page.setup else {
        return out;
    };
    let how = match (setup.camera, page.page.is_some()) {
        (true, true) => "Set me up: show the camera a QR code, or open my page.",
        (true, false) => "Set me up: show the camera a QR code.",
        (false, true) => "Set me up: open my page.",
        (false, false) => "Set me up: write boothcast.toml on my card.",
    };
    out.push(line(how, Tone::Plain, 2));
    if let Some(minutes) = setup.closes_in_min {
        let text = match minutes {
            0 => "Set-up closes in less than a minute.".to_owned(),
            1 => "Set-up closes in 1 minute.".to_owned(),
            n => format!("Set-up closes in {n} minutes."),
        };
        out.push(line(text, Tone::Faint, 5));
    }
    out
}

fn found(page: &StatusPage) -> Vec<Line> {
    if page.addresses.is_empty() {
        let text = "No network. Plug in a cable, or tell me your Wi-Fi.";
        return vec![line(text, Tone::Plain, 1)];
    }
    let shown = page.addresses.iter().take(ADDRESSES);
    let spare = |n: usize| if n == 0 { 1 } else { 6 };
    shown
        .enumerate()
        .map(|(n, a)| line(a.as_str(), Tone::Plain, spare(n)))
        .collect()
}

fn live(page: &StatusPage) -> Vec<Line> {
    let names = |live: bool| {
        let all: Vec<&str> = page
            .destinations
            .iter()
            .filter(|d| d.live == live)
            .map(|d| d.name.as_str())
            .collect();
        let more = all.len().saturating_sub(NAMED);
        let list = all[..all.len().min(NAMED)].join(", ");
        match (all.len(), more) {
            (0, _) => None,
            (_, 0) => Some(list),
            _ => Some(format!("{list} and {more} more")),
        }
    };
    let on = names(true).map(|n| line(format!("Live: {n}"), Tone::Live, 2));
    let off = names(false).map(|n| line(format!("Not live: {n}"), Tone::Faint, 4));
    on.into_iter().chain(off).collect()
}

fn light(page: &StatusPage) -> Vec<Line> {
    let text = match page.light {
        LedPattern::Booting => "Light: slow, starting or ending".to_owned(),
        LedPattern::SetUp => "Light: once a second, waits to be set up".into(),
        LedPattern::Ready => "Light: a flash every 2 s, ready".into(),
        LedPattern::Connecting => "Light: twice a second, connecting".into(),
        LedPattern::Live => "Light: steady, live".into(),
        LedPattern::Degraded => "Light: steady with dips, live with something amiss".into(),
        LedPattern::Error(trouble) => {
            let times = match trouble.blinks() {
                1 => "1 blink".to_owned(),
                n => format!("{n} blinks"),
            };
            format!("Light: {times} and a pause, {}", cause(trouble))
        }
        LedPattern::Updating => "Light: pairs of flashes, a new version is installed".into(),
        LedPattern::Identify => "Light: very fast, here I am".into(),
        LedPattern::Confirm => "Light: a quarter of a second on, asks before a reset".into(),
    };
    vec![line(text, Tone::Faint, 7)]
}

fn cause(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Camera => "no picture",
        Trouble::Network => "the network",
        Trouble::Server => "a server or its key",
        Trouble::Storage => "storage",
        Trouble::Heat => "heat or power",
    }
}
