//! From what was seen to what a person should know: pure.

mod letters;
mod surroundings;

use super::plugins::{Need, package_of_encoder};
use super::report::{Finding, Mark, Report};
use crate::edge::camera::Signal;

/// Collects the lines of one section.
pub(super) struct Section<'a>(pub(super) &'static str, pub(super) &'a mut Vec<Finding>);

impl Section<'_> {
    pub(super) fn add(&mut self, mark: Mark, name: &str, text: impl Into<String>) {
        self.1.push(Finding {
            section: self.0,
            mark,
            name: name.to_owned(),
            text: text.into(),
            mend: None,
        });
    }

    pub(super) fn bad(&mut self, name: &str, text: impl Into<String>, mend: impl Into<String>) {
        self.add(Mark::Bad, name, text);
        self.mend(mend);
    }

    /// What to do about the line that was added last.
    pub(super) fn mend(&mut self, mend: impl Into<String>) {
        if let Some(last) = self.1.last_mut() {
            last.mend = Some(mend.into());
        }
    }
}

/// Whether the box can go live with at least the test picture: an encoder works, every element without which nothing
/// goes live is there, and what is wanted can be saved.
#[must_use]
pub fn can_go_live(report: &Report) -> bool {
    let elements = &report.gstreamer.elements;
    report.encoders.iter().any(|e| e.ok)
        && report.disk.writable
        && elements.iter().all(|e| e.present || e.need != Need::Live)
}

/// Every line of the table. Each bad one has a mend.
#[must_use]
pub fn judge(report: &Report) -> Vec<Finding> {
    let mut out = Vec::new();
    let board = &report.board;
    let text = format!("{}, because {}.", board.title, board.why);
    Section("Board", &mut out).add(Mark::Good, &board.id, text);
    cameras(report, Section("Cameras", &mut out));
    cards(report, Section("Capture cards", &mut out));
    super::gpio::findings(report, Section("Light and button", &mut out));
    encoders(report, Section("Encoders", &mut out));
    gstreamer(report, Section("GStreamer", &mut out));
    letters::letters(report, Section("Letters on the picture", &mut out));
    surroundings::network(report, Section("Network", &mut out));
    surroundings::room(report, Section("Room", &mut out));
    surroundings::screen(report, Section("Screen", &mut out));
    surroundings::machine(report, Section("Machine", &mut out));
    verdict(report, Section("Verdict", &mut out));
    out
}

fn cameras(report: &Report, mut s: Section) {
    for c in &report.cameras {
        let name = format!("{} ({})", c.camera.name, c.camera.path.display());
        let text = format!(
            "{}. Id: {}. Modes: {}.",
            c.choice,
            c.camera.id,
            modes(&c.camera.modes)
        );
        if let Some((problem, mend)) = c.camera.signal.problem() {
            s.bad(&name, format!("{problem}. {text}"), mend);
            continue;
        }
        let text = match &c.camera.signal {
            Signal::Present(timings) => format!("{text} Signal: {}.", timings.describe()),
            _ => text,
        };
        match (&c.camera.in_use, c.usable) {
            (Some(who), _) => s.bad(
                &name,
                format!("Used by {who}. {text}"),
                "End that program, or choose another camera in video.device.",
            ),
            (None, true) => s.add(Mark::Good, &name, text),
            (None, false) => s.bad(
                &name,
                text,
                "Choose another camera in video.device, or set video.format to \"auto\".",
            ),
        }
    }
    for p in &report.camera_problems {
        s.bad(
            &p.what,
            p.sentence.as_str(),
            p.mend
                .as_deref()
                .unwrap_or("Unplug it and plug it in again."),
        );
    }
    if report.cameras.is_empty() && report.camera_problems.is_empty() {
        s.add(
            Mark::Note,
            "camera",
            "None; the box shows its test picture.",
        );
        s.mend("Plug in a USB camera to show more.");
    }
}

/// `YUYV 640×480@30 1280×720@10; MJPEG 1920×1080@30`: the fastest rate of each size. Formats that the box makes no picture
/// of are only counted: some drivers have dozens.
fn modes(all: &[crate::edge::camera::Mode]) -> String {
    type Modes<'a> = Vec<&'a crate::edge::camera::Mode>;
    let mut formats: Vec<String> = Vec::new();
    let (modes, others): (Modes<'_>, Modes<'_>) = all.iter().partition(|m| m.format.is_usable());
    let mut others: Vec<_> = others.iter().map(|m| m.format.to_string()).collect();
    others.sort();
    others.dedup();
    for (i, m) in modes.iter().enumerate() {
        let same = |o: &crate::edge::camera::Mode| {
            (o.format, o.width, o.height) == (m.format, m.width, m.height)
        };
        let rate =
            |o: &crate::edge::camera::Mode| u64::from(o.fps.0) * 1000 / u64::from(o.fps.1.max(1));
        let best = modes
            .iter()
            .enumerate()
            .filter(|(_, o)| same(o))
            .max_by_key(|(j, o)| (rate(o), *j));
        if best.is_none_or(|(j, _)| j != i) {
            continue;
        }
        let size = format!("{}×{}@{}", m.width, m.height, m.rate());
        let head = m.format.to_string();
        match formats
            .iter_mut()
            .find(|f| f.split(' ').next() == Some(head.as_str()))
        {
            Some(known) => *known = format!("{known} {size}"),
            None => formats.push(format!("{head} {size}")),
        }
    }
    if !others.is_empty() {
        formats.push(format!(
            "{} formats more that the box does not use",
            others.len()
        ));
    }
    if formats.is_empty() {
        return "none".to_owned();
    }
    formats.join("; ")
}

fn cards(report: &Report, mut s: Section) {
    for c in &report.capture_cards {
        match c.card.error() {
            None => {
                let gains: Vec<String> = c.controls.iter().map(gain).collect();
                let gains = if gains.is_empty() {
                    String::new()
                } else {
                    format!(" {}.", gains.join(", "))
                };
                let name = c.card.id.as_str();
                let microphone = microphone(&c.microphone);
                s.add(
                    Mark::Good,
                    name,
                    format!("{}.{gains}{microphone}", c.card.describe()),
                );
                if c.microphone.on == Some(false) {
                    s.mend("Its switch is off, so it records silence: boothcast ctl mic on.");
                }
            }
            Some(e) => s.bad(
                &c.card.id,
                e.message(),
                e.mend_text()
                    .unwrap_or("Choose another card in audio.device."),
            ),
        }
    }
    problems(report, &mut s, "sound");
    if report.capture_cards.is_empty() {
        s.add(
            Mark::Note,
            "capture card",
            "None; the box sends a test tone or silence.",
        );
        s.mend("Plug in a microphone or a sound card to hear more.");
    }
}

/// What `boothcast ctl` sets, as a sentence.
fn microphone(m: &crate::edge::sound::MainCapture) -> String {
    let parts: Vec<String> = [
        m.percent.map(|p| format!("volume {p} %")),
        m.on.map(|on| if on { "on" } else { "off" }.to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!(" Microphone: {}.", parts.join(", "))
    }
}

fn gain(c: &crate::edge::sound::CaptureControl) -> String {
    let level = c.volume.map_or_else(String::new, |v| {
        format!(" {:.1} dB ({:.1} to {:.1})", v.db, v.min_db, v.max_db)
    });
    let switch = match c.on {
        Some(true) => " on",
        Some(false) => " off",
        None => "",
    };
    format!("{}{level}{switch}", c.name)
}

fn encoders(report: &Report, mut s: Section) {
    let works = report.encoders.iter().any(|e| e.ok);
    for e in &report.encoders {
        match (e.ok, works) {
            (true, _) => s.add(Mark::Good, &e.element, e.detail.as_str()),
            // Another one works: there is nothing to mend.
            (false, true) => s.add(Mark::Note, &e.element, e.detail.as_str()),
            (false, false) => s.bad(
                &e.element,
                e.detail.as_str(),
                package_of_encoder(&e.element).map_or_else(
                    || "It is part of this kind of board; use another encoder.".to_owned(),
                    |package| format!("Install it: apt-get install {package}"),
                ),
            ),
        }
    }
    problems(report, &mut s, "encoders");
    if report.encoders.is_empty() {
        s.bad(
            "encoder",
            "None was tried.",
            "Install one: apt-get install gstreamer1.0-plugins-ugly",
        );
    }
}

fn gstreamer(report: &Report, mut s: Section) {
    let gst = &report.gstreamer;
    problems(report, &mut s, "gstreamer");
    if !gst.version.is_empty() {
        s.add(Mark::Good, "version", gst.version.as_str());
    }
    for e in gst.elements.iter().filter(|e| !e.present) {
        let name = e.names.join(" or ");
        let mend = format!("Install it: apt-get install {}", e.package);
        match e.need {
            Need::Live | Need::Part => {
                s.bad(&name, format!("Missing: needed for {}.", e.use_), mend);
            }
            Need::Board => {
                s.add(
                    Mark::Note,
                    &name,
                    format!("Not installed: only for {}.", e.use_),
                );
            }
        }
    }
    let missing = gst
        .elements
        .iter()
        .filter(|e| !e.present && e.need != Need::Board);
    if !gst.elements.is_empty() && missing.count() == 0 {
        s.add(
            Mark::Good,
            "plug-ins",
            "Everything that is needed is installed.",
        );
    }
}

fn verdict(report: &Report, mut s: Section) {
    if can_go_live(report) {
        s.add(Mark::Good, "go live", "The box can go live.");
    } else {
        s.bad(
            "go live",
            "The box cannot go live, not even with the test picture.",
            "Mend what is marked under Encoders, GStreamer and state folder above.",
        );
    }
}

/// Parts that did not answer.
fn problems(report: &Report, s: &mut Section, what: &str) {
    for p in report.problems.iter().filter(|p| p.what == what) {
        s.bad(
            what,
            p.sentence.as_str(),
            p.mend.as_deref().unwrap_or("Restart the box."),
        );
    }
}

#[cfg(test)]
#[path = "findings_tests.rs"]
mod tests;
