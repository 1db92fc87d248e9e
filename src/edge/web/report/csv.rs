//! Tables for a spreadsheet (RFC 4180). A cell that a spreadsheet would take for a formula gets an apostrophe in front.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde_json::Value;

use crate::room::live::event::Event;
use crate::room::report::{Count, Evidence, Figure, Report};

/// Letters of a cell that name its events; a spreadsheet takes at most 32,767.
const EVIDENCE: usize = 30_000;

#[derive(Debug, Default)]
struct Csv {
    out: String,
}

impl Csv {
    fn row(&mut self, cells: &[&str]) {
        for (i, text) in cells.iter().enumerate() {
            if i > 0 {
                self.out.push(',');
            }
            self.out.push_str(&cell(text));
        }
        self.out.push_str("\r\n");
    }

    fn value(&mut self, section: &str, name: &str, value: impl Display, from: &Evidence) {
        self.row(&[section, name, &value.to_string(), "", "", &evidence(from)]);
    }

    fn count(&mut self, section: &str, name: &str, count: &Count) {
        self.value(section, name, count.n, &count.from);
    }

    fn figure(&mut self, section: &str, name: &str, figure: &Figure) {
        self.value(section, name, figure.value, &figure.from);
    }

    fn plain(&mut self, section: &str, name: &str, value: impl Display) {
        self.value(section, name, value, &Evidence::default());
    }

    fn worth(&mut self, section: &str, name: &str, revenue: &BTreeMap<String, Count>) {
        for (currency, count) in revenue {
            self.count(section, &format!("{name}{currency} (minor units)"), count);
        }
    }
}

/// A cell, as it stands between commas.
fn cell(text: &str) -> String {
    // Spreadsheets skip spaces and byte order marks before they look for a formula.
    let first = text
        .trim_start_matches([' ', '\u{feff}', '\u{a0}'])
        .chars()
        .next();
    let formula = matches!(
        first,
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠')
    );
    let shown = |c: char| {
        if c.is_control() && !matches!(c, '\t' | '\r' | '\n') {
            '\u{fffd}'
        } else {
            c
        }
    };
    let text: String = formula
        .then_some('\'')
        .into_iter()
        .chain(text.chars().map(shown))
        .collect();
    if text.contains(['"', ',', '\r', '\n', '\t', ';']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

fn evidence(from: &Evidence) -> String {
    if from.is_empty() {
        return String::new();
    }
    let kinds: Vec<&str> = from.kinds.iter().copied().collect();
    let mut text = format!("{}: {}", kinds.join(" "), from.ranges());
    if text.len() > EVIDENCE {
        // ASCII throughout.
        text.truncate(text.get(..EVIDENCE).and_then(|t| t.rfind(' ')).unwrap_or(0));
        text.push_str(" …");
    }
    text
}

/// All numbers of a report: section, name, value, interval, and the events behind it.
#[must_use]
pub fn render_csv(report: &Report) -> String {
    let mut csv = Csv::default();
    csv.row(&["section", "name", "value", "low", "high", "evidence"]);
    csv.plain("show", "number", report.show);
    csv.plain("show", "title", &report.title);
    csv.plain("show", "begun_ms", report.begun_ms);
    csv.plain(
        "show",
        "ended_ms",
        report
            .ended_ms
            .map_or_else(String::new, |at| at.to_string()),
    );
    csv.plain("show", "length_ms", report.length_ms);
    csv.plain("show", "step_ms", report.step_ms);
    csv.plain("show", "events", report.events);
    csv.count("show", "clock_jumps", &report.clock_jumps);
    audience(&mut csv, report);
    for (name, part) in report.engagement.parts() {
        csv.count("engagement", name, part);
    }
    csv.count(
        "engagement",
        "interactions",
        &report.engagement.interactions,
    );
    if let Some(per_view) = &report.engagement.per_view {
        csv.figure("engagement", "per_view", per_view);
    }
    for stage in &report.funnel {
        csv.count("funnel", stage.stage, &stage.count);
        if let Some(of) = stage.of_viewers {
            let name = format!("{} / viewers", stage.stage);
            let (share, low, high) = (
                of.share.to_string(),
                of.low.to_string(),
                of.high.to_string(),
            );
            csv.row(&[
                "funnel",
                &name,
                &share,
                &low,
                &high,
                &evidence(&stage.count.from),
            ]);
        }
    }
    shop(&mut csv, report);
    room(&mut csv, report);
    csv.out
}

fn audience(csv: &mut Csv, report: &Report) {
    let (audience, talk) = (&report.audience, &report.talk);
    for (name, count) in [
        ("viewers", &audience.viewers),
        ("views", &audience.views),
        ("peak", &audience.peak),
        ("watch_ms", &audience.watch_ms),
    ] {
        csv.count("audience", name, count);
    }
    csv.figure("audience", "average", &audience.average);
    csv.figure("audience", "watch_mean_ms", &audience.watch_mean_ms);
    csv.figure("audience", "watch_median_ms", &audience.watch_median_ms);
    // From the events of the peak, as all of them: not said again in each row.
    for (i, here) in audience.over_time.iter().enumerate() {
        csv.plain("viewers over time: most", &i.to_string(), here.most);
        csv.plain("viewers over time: mean", &i.to_string(), here.mean);
    }
    for (name, count) in [
        ("messages", &talk.messages),
        ("bridged", &talk.bridged),
        ("held", &talk.held),
        ("hidden", &talk.hidden),
        ("likes", &talk.likes),
        ("gifts", &talk.gifts),
        ("announcements", &talk.announcements),
    ] {
        csv.count("talk", name, count);
    }
    csv.figure("talk", "per_minute", &talk.per_minute);
    for (i, count) in talk.over_time.iter().enumerate() {
        csv.count("messages over time", &i.to_string(), count);
    }
    for (gift, count) in &talk.gifts_by_kind {
        csv.count("gifts", gift, count);
    }
}

fn shop(csv: &mut Csv, report: &Report) {
    let shop = &report.shop;
    csv.count("shop", "clicks", &shop.clicks);
    csv.count("shop", "orders", &shop.orders);
    csv.count("shop", "orders_without_pin", &shop.orders_without_pin);
    csv.worth("shop", "", &shop.revenue);
    for product in &shop.products {
        let section = format!("product {}", product.product);
        csv.plain(&section, "name", &product.name);
        csv.count(&section, "pinned", &product.pinned);
        csv.count(&section, "clicks", &product.clicks);
        csv.count(&section, "orders", &product.orders);
        csv.count(&section, "pieces", &product.pieces);
        csv.worth(&section, "", &product.revenue);
    }
    for pin in &shop.pins {
        let section = format!("pin {}", pin.pin);
        csv.plain(&section, "product", pin.product);
        csv.plain(
            &section,
            "at_ms",
            pin.at_ms.map_or_else(String::new, |at| at.to_string()),
        );
        csv.count(&section, "clicks", &pin.clicks);
        csv.count(&section, "orders", &pin.orders);
        csv.worth(&section, "", &pin.revenue);
    }
}

fn room(csv: &mut Csv, report: &Report) {
    for poll in &report.polls {
        let section = format!("poll {}", poll.poll);
        csv.plain(&section, "question", &poll.question);
        for (choice, count) in poll.choices.iter().zip(&poll.counts) {
            csv.count(&section, choice, count);
        }
        csv.count(&section, "votes", &poll.votes);
        let won: Vec<&str> = (0_u32..)
            .zip(&poll.choices)
            .filter(|(i, _)| poll.winners.contains(i))
            .map(|(_, c)| c.as_str())
            .collect();
        csv.plain(
            &section,
            if won.len() > 1 { "tied" } else { "winner" },
            won.join(" | "),
        );
    }
    let questions = &report.questions;
    csv.count("questions", "asked", &questions.asked);
    csv.count("questions", "answered", &questions.answered);
    csv.count("questions", "rejected", &questions.rejected);
    for question in &questions.top {
        let section = format!("question {}", question.question);
        csv.plain(&section, "text", &question.text);
        csv.plain(&section, "name", &question.name);
        csv.count(&section, "votes", &question.votes);
        csv.count(&section, "seen", &question.seen);
    }
    for draw in &report.draws {
        let section = format!("draw {}", draw.draw);
        csv.plain(&section, "title", &draw.title);
        csv.count(&section, "entries", &draw.entries);
        csv.plain(&section, "commitment", &draw.commitment);
        csv.plain(
            &section,
            "digest",
            draw.digest.as_deref().unwrap_or_default(),
        );
        csv.plain(&section, "seed", draw.seed.as_deref().unwrap_or_default());
        for (place, winner) in draw.won.iter().enumerate() {
            csv.plain(
                &section,
                &format!("winner {}", place + 1),
                format!("{} #{}", winner.name, winner.viewer),
            );
        }
    }
    let time = |at: Option<i64>| at.map_or_else(String::new, |at| at.to_string());
    for (i, incident) in report.incidents.iter().enumerate() {
        // Value: how long; low and high: from and to, ms since 1970.
        let took = incident
            .took_ms
            .map_or_else(String::new, |ms| ms.to_string());
        let section = format!("incident {}", i + 1);
        csv.row(&[
            &section,
            &incident.text,
            &took,
            &time(incident.from_ms),
            &time(incident.to_ms),
            &evidence(&incident.from),
        ]);
    }
    csv.count("moderation", "acts", &report.moderation.acts);
    csv.count("moderation", "undone", &report.moderation.undone);
    for (kind, count) in &report.moderation.by_kind {
        csv.count("moderation", kind, count);
    }
}

/// Events: number, time, show, viewer, kind, and the rest as JSON. Only these `kinds`, if they are given. Keyed hashes of
/// addresses are left out.
#[must_use]
pub fn events_csv(events: &[Event], kinds: Option<&[&str]>) -> String {
    let mut csv = Csv::default();
    csv.row(&["seq", "at_ms", "at", "show", "viewer", "kind", "data"]);
    let mut sorted: Vec<&Event> = events.iter().collect();
    sorted.sort_by_key(|e| e.seq);
    for event in sorted {
        let kind = event.fact.kind();
        if kinds.is_some_and(|wanted| !wanted.contains(&kind)) {
            continue;
        }
        let mut data = serde_json::to_value(&event.fact).unwrap_or_default();
        if let Value::Object(fields) = &mut data {
            fields.remove("kind");
            fields.remove("addr");
        }
        let at = jiff::Timestamp::from_millisecond(event.at_ms);
        csv.row(&[
            &event.seq.to_string(),
            &event.at_ms.to_string(),
            &at.map_or_else(|_| String::new(), |t| t.to_string()),
            &event.show.to_string(),
            &event.viewer.to_string(),
            kind,
            &data.to_string(),
        ]);
    }
    csv.out
}
