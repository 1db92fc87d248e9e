//! Plots as SVG: classes instead of styles, so that the page needs none of its own.

use std::fmt::Write;

use super::format::{escape, fraction, length, percent, whole};
use crate::room::report::{Here, Interval};

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 552.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 190.0;

/// A round number that is at least `most` parts of four.
fn ceiling(most: f64) -> f64 {
    let most = most.max(4.0);
    let scale = 10_f64.powf(most.log10().floor());
    let nice = [1.0, 2.0, 4.0, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|m| m * scale);
    let fits = |n: &f64| *n >= most && (*n / 4.0).fract() == 0.0;
    nice.clone().find(fits).unwrap_or((most / 4.0).ceil() * 4.0)
}

struct Axes {
    top: f64,
    steps: usize,
}

impl Axes {
    fn x(&self, step: usize) -> f64 {
        LEFT + (RIGHT - LEFT) * step as f64 / self.steps.max(1) as f64
    }

    fn y(&self, value: f64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * (value / self.top).clamp(0.0, 1.0)
    }

    fn draw(&self, out: &mut String, length_ms: u64) {
        for quarter in 0..=4_u32 {
            let value = self.top * f64::from(quarter) / 4.0;
            let y = self.y(value);
            let _ = write!(
                out,
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{RIGHT}\"/><text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value:.0}</text>",
                LEFT - 6.0,
                y + 4.0,
            );
        }
        for (quarter, anchor) in (0..=4_u32).zip(["start", "middle", "middle", "middle", "end"]) {
            let x = LEFT + (RIGHT - LEFT) * f64::from(quarter) / 4.0;
            let at = length(length_ms / 4 * u64::from(quarter));
            let _ = write!(
                out,
                "<text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{at}</text>",
                BOTTOM + 18.0
            );
        }
    }
}

fn open(label: &str, width: f64, height: f64) -> String {
    let label = escape(label);
    format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{label}\"><title>{label}</title>"
    )
}

/// How many were there: the most of each step as an area, the mean as a line.
pub(super) fn viewers(label: &str, steps: &[Here], length_ms: u64) -> String {
    let most = steps.iter().map(|s| s.most).max().unwrap_or(0);
    let axes = Axes {
        top: ceiling(most as f64),
        steps: steps.len(),
    };
    let mut out = open(label, WIDTH, HEIGHT);
    axes.draw(&mut out, length_ms);
    let (mut area, mut line) = (format!("M{LEFT} {BOTTOM}"), String::new());
    for (i, step) in steps.iter().enumerate() {
        let (y, mean, to) = (axes.y(step.most as f64), axes.y(step.mean), axes.x(i + 1));
        let _ = write!(area, "V{y:.1}H{to:.1}");
        let middle = f64::midpoint(axes.x(i), to);
        let _ = write!(
            line,
            "{}{middle:.1} {mean:.1}",
            if i == 0 { 'M' } else { 'L' }
        );
    }
    let _ = write!(
        out,
        "<path class=\"area\" d=\"{area}V{BOTTOM}Z\"/><path class=\"line\" d=\"{line}\"/></svg>"
    );
    out
}

/// Bars, one for each step.
pub(super) fn bars(label: &str, values: &[u64], length_ms: u64) -> String {
    let most = values.iter().max().copied().unwrap_or(0);
    let axes = Axes {
        top: ceiling(most as f64),
        steps: values.len(),
    };
    let mut out = open(label, WIDTH, HEIGHT);
    axes.draw(&mut out, length_ms);
    let gap = if values.len() > 200 { 0.0 } else { 1.0 };
    let mut path = String::new();
    for (i, value) in values.iter().enumerate().filter(|(_, v)| **v > 0) {
        let (from, to, y) = (
            axes.x(i) + gap / 2.0,
            axes.x(i + 1) - gap / 2.0,
            axes.y(*value as f64),
        );
        let _ = write!(path, "M{from:.1} {BOTTOM}V{y:.1}H{to:.1}V{BOTTOM}Z");
    }
    let _ = write!(out, "<path class=\"bar\" d=\"{path}\"/></svg>");
    out
}

/// A stage: what it is called, how many, and the share.
pub(super) type StageBar<'a> = (&'a str, u64, Option<Interval>);

/// Bars of shares, each with its interval.
pub(super) fn funnel(label: &str, stages: &[StageBar<'_>]) -> String {
    let (left, right, row) = (96.0, 560.0, 40.0);
    let mut out = open(label, 720.0, row * stages.len() as f64 + 8.0);
    for (i, (name, n, share)) in stages.iter().enumerate() {
        let y = row * i as f64 + 8.0;
        let x = |share: f64| left + (right - left) * share;
        let _ = write!(
            out,
            "<text class=\"name\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text><rect class=\"track\" x=\"{left}\" y=\"{y}\" width=\"{:.1}\" height=\"26\" rx=\"4\"/>",
            left - 10.0,
            y + 18.0,
            escape(name),
            right - left,
        );
        let mut said = whole(*n);
        if let Some(of) = share {
            let width = x(of.share) - left;
            let _ = write!(
                out,
                "<rect class=\"bar\" x=\"{left}\" y=\"{y}\" width=\"{width:.1}\" height=\"26\" rx=\"4\"/>"
            );
            if i > 0 {
                let (low, high, middle) = (x(of.low), x(of.high), y + 13.0);
                let _ = write!(
                    out,
                    "<path class=\"whisker\" d=\"M{low:.1} {middle}H{high:.1}M{low:.1} {:.1}v10M{high:.1} {:.1}v10\"/>",
                    middle - 5.0,
                    middle - 5.0,
                );
                let _ = write!(said, " · {}", percent(of.share));
            }
        }
        let _ = write!(
            out,
            "<text class=\"value\" x=\"{:.1}\" y=\"{:.1}\">{said}</text>",
            right + 12.0,
            y + 18.0
        );
    }
    out.push_str("</svg>");
    out
}

/// What a plot says in words, for those who do not see it.
pub(super) fn said(label: &str, most: u64, mean: f64) -> String {
    format!("{label}: ≤ {}, Ø {}", whole(most), fraction(mean))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        for (most, end) in [
            (0.0, 4.0),
            (4.0, 4.0),
            (5.0, 8.0),
            (11.0, 20.0),
            (47.0, 60.0),
            (900.0, 1000.0),
            (1_300.0, 2000.0),
        ] {
            assert_eq!(ceiling(most), end, "{most}");
        }
    }
}
