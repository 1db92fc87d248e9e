//! A poll: question, choices, shares.

use std::sync::Arc;

use super::Page;
use super::look::{GOLD, GREY, WHITE, accent, bar, inked, limit, panel, put_line, put_right, size};
use crate::device::stage::{Choice, Poll};
use crate::media::overlay::kit::{Icon, icon};
use crate::media::overlay::sprite::Sprite;
use crate::media::overlay::text::{Letters, Run, Style};
use crate::room::item::AlertKind;

/// Choices that are drawn at most.
const MOST: usize = 10;

/// The card of a poll, at most `max_width` pixels wide.
#[must_use]
pub fn poll(poll: &Poll, page: &Page, letters: &mut Letters, max_width: u32) -> Arc<Sprite> {
    let choices = &poll.choices[..poll.choices.len().min(MOST)];
    let pad = size(page.part(26));
    let width = size(max_width.min(page.part(860)));
    let room = width.saturating_sub(2 * pad).max(1);
    let head_style = Style::plain(page.part(42));
    let head = Run::new(poll.question.as_str(), WHITE).bold();
    let head = letters.block(&[head], &head_style, limit(room, &head_style), 2);
    let foot = foot(poll, choices);
    let foot_style = Style::plain(page.part(29));
    let foot_height = foot.as_ref().map_or(0, |_| size(foot_style.line_height()));
    let rows = Rows::of(page, choices.len(), head.height + foot_height + pad);

    let height = head.height + rows.height() + foot_height + pad;
    let mut card = panel(width, height, page);
    let mut y = pad / 2;
    put_line(&mut card, &head, &head_style, pad, y);
    y += head.height + rows.gap / 2;
    for (n, choice) in choices.iter().enumerate() {
        let row = Row::of(poll, choices, n);
        let drawn = row.draw(choice, room, &rows, letters);
        card.lay(&drawn, pad, y);
        y += rows.row + rows.gap;
    }
    if let Some(foot) = foot {
        let line = letters.line(
            &[Run::new(foot, GREY)],
            &foot_style,
            limit(room, &foot_style),
        );
        put_line(&mut card, &line, &foot_style, pad, y);
    }
    Arc::new(card)
}

/// Heights of rows: smaller where many of them share the picture.
struct Rows {
    count: usize,
    row: usize,
    gap: usize,
    style: Style,
}

impl Rows {
    fn of(page: &Page, count: usize, others: usize) -> Self {
        let room = (size(page.height) * 4 / 5).saturating_sub(others);
        let each = (room / count.max(1)).clamp(size(page.part(30)), size(page.part(72)));
        let gap = each / 6;
        let row = each - gap;
        let px = u32::try_from(row * 3 / 5).unwrap_or(u32::MAX);
        Self {
            count,
            row,
            gap,
            style: Style::plain(px),
        }
    }

    fn height(&self) -> usize {
        self.count * (self.row + self.gap) + self.gap / 2
    }
}

/// What a row says beside its choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    number: usize,
    /// Votes, share in per mille for the bar, and in per cent for people.
    votes: Option<(u64, u32, u32)>,
    winner: bool,
}

impl Row {
    fn of(poll: &Poll, choices: &[Choice], n: usize) -> Self {
        let votes = choices.get(n).map_or(0, |c| c.votes);
        let total = total(choices);
        let mille = (u128::from(votes) * 1000).checked_div(total).unwrap_or(0);
        let cent = percent(votes, total);
        Self {
            number: n + 1,
            votes: (!poll.hidden).then(|| (votes, u32::try_from(mille).unwrap_or(1000), cent)),
            winner: !poll.hidden && !poll.open && winners(choices).contains(&n),
        }
    }

    fn draw(&self, choice: &Choice, width: usize, rows: &Rows, letters: &mut Letters) -> Sprite {
        let style = &rows.style;
        let rgb = if self.winner {
            GOLD
        } else {
            accent(AlertKind::Chat)
        };
        // Grey on gold is too little.
        let faint = if self.winner { WHITE } else { GREY };
        let part = self.votes.map_or(0, |(_, mille, _)| mille);
        let mut row = bar(width, rows.row, part, rgb, 120);
        let pad = rows.row / 4;
        let y = rows.row.saturating_sub(size(style.line_height())) / 2;
        let mut right = width.saturating_sub(pad);
        if let Some((votes, _, cent)) = self.votes {
            let runs = [
                Run::new(format!("{}  ", short(votes)), faint).sized(75),
                Run::new(format!("{cent} %"), WHITE).bold(),
            ];
            let line = letters.line(&runs, style, limit(width / 2, style));
            put_right(&mut row, &line, style, right, y);
            right = right.saturating_sub(inked(&line, style) + pad);
        }
        if self.winner {
            let side = rows.row * 5 / 9;
            let tick = icon(Icon::Tick, side, GOLD);
            right = right.saturating_sub(side);
            row.lay(&tick, right, (rows.row - side) / 2);
            right = right.saturating_sub(pad);
        }
        // The number is by itself, so that it stands at the left of right-to-left text too.
        let number = Run::new(self.number.to_string(), faint).sized(85);
        let number = letters.line(&[number], style, limit(width / 4, style));
        put_line(&mut row, &number, style, pad, y);
        let left = pad + inked(&number, style) + pad;
        let mut text = Run::new(choice.text.as_str(), WHITE);
        text.bold = self.winner;
        let room = right.saturating_sub(left).max(1);
        let line = letters.line(&[text], style, limit(room, style));
        put_line(&mut row, &line, style, left, y);
        row
    }
}

fn total(choices: &[Choice]) -> u128 {
    choices.iter().map(|c| u128::from(c.votes)).sum()
}

/// Those with the most votes, if there are any.
fn winners(choices: &[Choice]) -> Vec<usize> {
    let best = choices.iter().map(|c| c.votes).max().unwrap_or_default();
    let with_best = |(n, c): (usize, &Choice)| (c.votes == best && best > 0).then_some(n);
    choices.iter().enumerate().filter_map(with_best).collect()
}

/// Shares in per cent, rounded: the same votes are the same share, so that they may sum up to 99 or 101.
fn percent(votes: u64, total: u128) -> u32 {
    let rounded = (u128::from(votes) * 100 + total / 2).checked_div(total);
    u32::try_from(rounded.unwrap_or_default()).unwrap_or(100)
}

/// The line below: how many voted, and how it ended.
fn foot(poll: &Poll, choices: &[Choice]) -> Option<String> {
    if poll.hidden {
        return (!poll.open).then(|| "closed".to_owned());
    }
    let total = total(choices);
    let votes = match total {
        1 => "1 vote".to_owned(),
        n => format!("{} votes", grouped(n)),
    };
    if poll.open {
        return Some(votes);
    }
    Some(match winners(choices).len() {
        0 | 1 => format!("closed, {votes}"),
        n => format!("closed, {votes}, a tie of {n}"),
    })
}

/// Digits in threes.
fn grouped(n: u128) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{2009}');
        }
        out.push(digit);
    }
    out
}

/// A number in few characters: 9999, 12.3k, 4.5M.
fn short(n: u64) -> String {
    if n < 10_000 {
        return n.to_string();
    }
    let units = [
        (1_000, "k"),
        (1_000_000, "M"),
        (1_000_000_000, "G"),
        (1_000_000_000_000, "T"),
    ];
    let (unit, sign) = units
        .into_iter()
        .rev()
        .find(|(unit, _)| n >= *unit)
        .unwrap_or((1, ""));
    match n / unit {
        whole @ ..100 => format!("{whole}.{}{sign}", n % unit * 10 / unit),
        whole => format!("{whole}{sign}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(votes: &[u64]) -> Vec<Choice> {
        let of = |(n, votes): (usize, &u64)| Choice {
            text: format!("Choice {n}"),
            votes: *votes,
        };
        votes.iter().enumerate().map(of).collect()
    }

    #[test]
    fn shares_are_rounded_and_do_not_overflow() {
        assert_eq!([1, 1, 2].map(|v| percent(v, 4)), [25, 25, 50]);
        assert_eq!([0, 5].map(|v| percent(v, 0)), [0, 0]);
        assert_eq!([1, 2].map(|v| percent(v, 3)), [33, 67]);
        let most = choices(&[u64::MAX; 10]);
        assert_eq!(percent(u64::MAX, total(&most)), 10);
        assert_eq!(percent(u64::MAX, u128::from(u64::MAX)), 100);
        assert_eq!(total(&most), u128::from(u64::MAX) * 10);
    }

    #[test]
    fn winners_are_the_most_and_all_of_them() {
        assert_eq!(winners(&choices(&[3, 7, 1])), [1]);
        assert_eq!(winners(&choices(&[7, 3, 7])), [0, 2]);
        assert!(winners(&choices(&[0, 0])).is_empty());
        let of = |votes: &[u64], open, hidden| {
            let choices = choices(votes);
            let poll = Poll {
                question: "?".into(),
                choices: choices.clone(),
                open,
                hidden,
            };
            (foot(&poll, &choices), Row::of(&poll, &choices, 0))
        };
        let (text, row) = of(&[5, 5], false, false);
        assert_eq!(text.unwrap(), "closed, 10 votes, a tie of 2");
        assert!(row.winner);
        let (text, row) = of(&[5, 1], true, false);
        assert_eq!(text.unwrap(), "6 votes");
        assert_eq!((row.winner, row.votes), (false, Some((5, 833, 83))));
        let (text, row) = of(&[5, 1], false, true);
        assert_eq!(text.unwrap(), "closed");
        assert_eq!((row.winner, row.votes), (false, None));
        assert_eq!(of(&[5, 1], true, true).0, None);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [9_999, 12_345, 999_999, 4_560_000, u64::MAX].map(short),
            ["9999", "12.3k", "999k", "4.5M", "18446744T"]
        );
        assert_eq!(grouped(1_234_567), "1\u{2009}234\u{2009}567");
        assert_eq!(grouped(12), "12");
    }
}
