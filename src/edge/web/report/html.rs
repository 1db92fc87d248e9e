//! The page.

use std::fmt::Write;

use super::format::{escape, fraction, length, money, percent, when, whole, zone};
use super::plot;
use super::tables;
use super::words::{Lang, Word};
use crate::room::report::{Count, Evidence, Report};

/// What the page says of the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head<'a> {
    /// Name of the box.
    pub name: &'a str,
    /// Seconds to the east of UTC: times are told so.
    pub offset_s: i32,
}

/// A page in the making.
#[derive(Debug)]
pub(super) struct Page<'a> {
    pub out: String,
    pub report: &'a Report,
    pub head: Head<'a>,
    pub lang: Lang,
}

impl Page<'_> {
    /// HTML of ours.
    pub fn html(&mut self, html: &str) {
        self.out.push_str(html);
    }

    /// A word, escaped.
    pub fn word(&self, word: Word) -> String {
        escape(word.say(self.lang))
    }

    /// Text of somebody: escaped, and its direction is its own.
    pub fn text(text: &str) -> String {
        format!("<bdi>{}</bdi>", escape(text))
    }

    /// A number that leads to its events.
    pub fn link(&self, shown: &str, from: &Evidence) -> String {
        let shown = escape(shown);
        if from.is_empty() {
            return shown;
        }
        let kinds: Vec<&str> = from.kinds.iter().copied().collect();
        let (show, kinds) = (self.report.show, kinds.join(","));
        let title = format!(
            "{} {}",
            whole(from.len()),
            Word::EventsBehind.say(self.lang)
        );
        format!(
            "<a href=\"/report/{show}.events.csv?kind={kinds}\" title=\"{}\">{shown}</a>",
            escape(&title)
        )
    }

    /// A count that leads to its events.
    pub fn count(&self, count: &Count) -> String {
        self.link(&whole(count.n), &count.from)
    }

    /// Worth by currency.
    pub fn worth(&self, revenue: &std::collections::BTreeMap<String, Count>) -> String {
        let each = revenue
            .iter()
            .map(|(currency, c)| self.link(&money(c.n, currency), &c.from));
        let said: Vec<String> = each.collect();
        if said.is_empty() {
            "–".to_owned()
        } else {
            said.join("<br>")
        }
    }

    /// Date and time by the zone of the head.
    pub fn when(&self, at_ms: i64) -> String {
        when(at_ms, self.head.offset_s)
    }

    /// A table: heads, then rows of cells in HTML. The first cell of a row names it; heads with `#` in front stand over numbers.
    pub fn table(&mut self, heads: &[(Word, bool)], rows: &[Vec<String>]) {
        self.html("<div class=\"scroll\"><table><thead><tr>");
        for (word, number) in heads {
            let class = if *number { " class=\"num\"" } else { "" };
            let _ = write!(
                self.out,
                "<th scope=\"col\"{class}>{}</th>",
                escape(word.say(self.lang))
            );
        }
        self.html("</tr></thead><tbody>");
        for row in rows {
            self.html("<tr>");
            for (i, (cell, (_, number))) in row.iter().zip(heads).enumerate() {
                let _ = match (i, number) {
                    (0, _) => write!(self.out, "<th scope=\"row\">{cell}</th>"),
                    (_, true) => write!(self.out, "<td class=\"num\">{cell}</td>"),
                    (_, false) => write!(self.out, "<td class=\"text\">{cell}</td>"),
                };
            }
            self.html("</tr>");
        }
        self.html("</tbody></table></div>");
    }

    /// Opens a section; the caller closes it.
    pub fn section(&mut self, title: Word) {
        let _ = write!(
            self.out,
            "<section><h2>{}</h2>",
            escape(title.say(self.lang))
        );
    }

    fn card(&mut self, name: Word, value: &str) {
        let _ = write!(
            self.out,
            "<div class=\"card\"><dt>{}</dt><dd>{value}</dd></div>",
            escape(name.say(self.lang))
        );
    }
}

/// The page of a report.
#[must_use]
pub fn render_html(report: &Report, head: &Head<'_>, lang: Lang) -> String {
    let mut page = Page {
        out: String::with_capacity(32 * 1024),
        report,
        head: *head,
        lang,
    };
    top(&mut page);
    page.html("<main>");
    if report.clock_jumps.n > 0 {
        let _ = write!(
            page.out,
            "<p class=\"warn\" role=\"note\">{}</p>",
            escape(Word::ClockJumps.say(lang))
        );
    }
    cards(&mut page);
    plots(&mut page);
    funnel(&mut page);
    tables::shop(&mut page);
    page.html("<div class=\"pair\">");
    tables::talk(&mut page);
    tables::engagement(&mut page);
    page.html("</div>");
    tables::polls(&mut page);
    tables::questions(&mut page);
    tables::draws(&mut page);
    page.html("<div class=\"pair\">");
    tables::incidents(&mut page);
    tables::moderation(&mut page);
    page.html("</div></main>");
    let _ = writeln!(
        page.out,
        "<footer><p>{}</p></footer></body></html>",
        page.word(Word::Footer)
    );
    page.out
}

fn title_of(report: &Report, lang: Lang) -> &str {
    let title = report.title.trim();
    if title.is_empty() {
        Word::NoTitle.say(lang)
    } else {
        title
    }
}

fn top(page: &mut Page<'_>) {
    let (report, lang) = (page.report, page.lang);
    let (title, name) = (escape(title_of(report, lang)), escape(page.head.name));
    let _ = write!(
        page.out,
        "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title} – {name}</title><link rel=\"stylesheet\" href=\"/assets/report.css\"></head><body><header><div>\
         <p class=\"kicker\">{} · <bdi>{name}</bdi></p><h1><bdi>{title}</bdi>",
        if lang == Lang::Zh { "zh-Hans" } else { "en" },
        page.word(Word::Report),
    );
    if report.ended_ms.is_none() {
        let _ = write!(
            page.out,
            " <span class=\"badge\">{}</span>",
            page.word(Word::SoFar)
        );
    }
    let _ = write!(
        page.out,
        "</h1><p class=\"facts\">{} {}",
        page.word(Word::Begun),
        page.when(report.begun_ms)
    );
    if let Some(ended) = report.ended_ms {
        let _ = write!(
            page.out,
            " · {} {}",
            page.word(Word::Ended),
            page.when(ended)
        );
    }
    let show = report.show;
    let _ = write!(
        page.out,
        " ({}) · {} {}</p></div><nav aria-label=\"{}\"><a href=\"/report/{show}.csv\">{}</a><a href=\"/report/{show}.events.csv\">{}</a>\
         <a href=\"/api/report/{show}\">{}</a><a href=\"?lang={other}\" hreflang=\"{other}\">{}</a></nav></header>",
        zone(page.head.offset_s),
        page.word(Word::Length),
        length(report.length_ms),
        page.word(Word::Downloads),
        page.word(Word::AllNumbers),
        page.word(Word::AllEvents),
        page.word(Word::ForPrograms),
        page.word(Word::OtherLanguage),
        other = lang.other().code(),
    );
}

fn cards(page: &mut Page<'_>) {
    let report = page.report;
    let audience = &report.audience;
    page.html("<dl class=\"cards\">");
    let time = |ms: f64| length(ms.max(0.0) as u64);
    let values = [
        (Word::Viewers, page.count(&audience.viewers)),
        (Word::Views, page.count(&audience.views)),
        (Word::Peak, page.count(&audience.peak)),
        (
            Word::Average,
            page.link(&fraction(audience.average.value), &audience.average.from),
        ),
        (
            Word::WatchTime,
            page.link(&length(audience.watch_ms.n), &audience.watch_ms.from),
        ),
        (
            Word::WatchMean,
            page.link(
                &time(audience.watch_mean_ms.value),
                &audience.watch_mean_ms.from,
            ),
        ),
        (
            Word::WatchMedian,
            page.link(
                &time(audience.watch_median_ms.value),
                &audience.watch_median_ms.from,
            ),
        ),
        (
            Word::MessagesPerMinute,
            page.link(
                &fraction(report.talk.per_minute.value),
                &report.talk.per_minute.from,
            ),
        ),
        (Word::Likes, page.count(&report.talk.likes)),
        (Word::Gifts, page.count(&report.talk.gifts)),
        (Word::Orders, page.count(&report.shop.orders)),
        (Word::Revenue, page.worth(&report.shop.revenue)),
    ];
    for (name, value) in values {
        page.card(name, &value);
    }
    page.html("</dl>");
}

fn plots(page: &mut Page<'_>) {
    let (report, lang) = (page.report, page.lang);
    page.html("<div class=\"pair\">");
    page.section(Word::ViewersOverTime);
    let audience = &report.audience;
    let label = plot::said(
        Word::ViewersOverTime.say(lang),
        audience.peak.n,
        audience.average.value,
    );
    let svg = plot::viewers(&label, &audience.over_time, report.length_ms);
    page.html(&svg);
    let _ = write!(
        page.out,
        "<p class=\"legend\">{}<span class=\"key\"></span>{}<span class=\"key mean\"></span>{}</p></section>",
        page.word(Word::Time),
        page.word(Word::MostInStep),
        page.word(Word::MeanInStep),
    );
    let values: Vec<u64> = report.talk.over_time.iter().map(|c| c.n).collect();
    let per_minute = report.step_ms == 60_000;
    let title = if per_minute {
        Word::MessagesPerMinute
    } else {
        Word::MessagesPerStep
    };
    page.section(title);
    let most = values.iter().max().copied().unwrap_or(0);
    let mean = values.iter().sum::<u64>() as f64 / values.len().max(1) as f64;
    let svg = plot::bars(
        &plot::said(title.say(lang), most, mean),
        &values,
        report.length_ms,
    );
    page.html(&svg);
    let _ = write!(page.out, "<p class=\"legend\">{}", page.word(Word::Time));
    if !per_minute {
        let _ = write!(
            page.out,
            " · {} / {}",
            page.word(Word::Messages),
            length(report.step_ms)
        );
    }
    let _ = write!(
        page.out,
        " · {}: {}",
        page.word(Word::Messages),
        page.count(&report.talk.messages)
    );
    page.html("</p></section></div>");
}

fn funnel(page: &mut Page<'_>) {
    let (report, lang) = (page.report, page.lang);
    page.section(Word::Funnel);
    let named = |stage: &'static str| Word::of(stage).map_or(stage, |w| w.say(lang));
    let stages: Vec<_> = report
        .funnel
        .iter()
        .map(|s| (named(s.stage), s.count.n, s.of_viewers))
        .collect();
    let svg = plot::funnel(Word::Funnel.say(lang), &stages);
    page.html(&svg);
    let _ = write!(
        page.out,
        "<p class=\"note\">{}</p>",
        page.word(Word::FunnelNote)
    );
    let rows: Vec<Vec<String>> = report
        .funnel
        .iter()
        .map(|stage| {
            // All of all viewers: no more than what the number says.
            let of = stage.of_viewers.filter(|_| stage.stage != "viewers");
            let dash = || "–".to_owned();
            vec![
                escape(named(stage.stage)),
                page.count(&stage.count),
                of.map_or_else(dash, |i| percent(i.share)),
                of.map_or_else(dash, |i| {
                    format!("{} – {}", percent(i.low), percent(i.high))
                }),
            ]
        })
        .collect();
    page.table(
        &[
            (Word::Stage, false),
            (Word::Viewers, true),
            (Word::Share, true),
            (Word::Interval, true),
        ],
        &rows,
    );
    page.html("</section>");
}
