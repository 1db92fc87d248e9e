//! Lengths and ranges of what the owner puts on the picture: those of [`super::stage`].

use super::policy::DenialCode;
use super::stage::{DanmakuChange, Logo, ModerationChange, Poll, Product, Stage};
use crate::config::is_invisible;

/// The longest line of `overlay/text`, question of a poll, and small line of a title, in characters.
pub(super) const MAX_LINE: usize = 100;
/// The longest title, in characters.
pub(super) const MAX_TITLE: usize = 60;
/// The longest ticker, in characters.
pub(super) const MAX_TICKER: usize = 500;
/// The longest name of a product, in characters.
const MAX_PRODUCT: usize = 80;
/// The longest price, in characters.
const MAX_PRICE: usize = 24;
/// The longest address of a product, in bytes: a QR code of it can be read from a picture.
const MAX_URL: usize = 200;
/// The longest choice of a poll, in characters.
const MAX_CHOICE: usize = 40;
/// Choices of a poll.
const CHOICES: std::ops::RangeInclusive<usize> = 2..=10;
/// What has an end ends within a day.
const MAX_SECONDS: u32 = 86_400;
/// A countdown ends within a year, s.
const MAX_COUNTDOWN: i64 = 31_536_000;

/// A sentence that says what is wrong, with the code for it.
pub(super) type Checked = Result<(), (DenialCode, String)>;

/// Takes out what could not have been commanded: a file may have been written by hand, or by another version.
pub(super) fn keep_what_fits(stage: &mut Stage) {
    stage.banner = None;
    let fits = |checked: Checked| checked.is_ok();
    stage
        .lower_third
        .take_if(|t| !fits(check_title(&t.name, t.line.as_deref())));
    stage
        .ticker
        .take_if(|t| !fits(check_text("", &t.text, MAX_TICKER)));
    stage
        .countdown
        .take_if(|c| !fits(check_some("", c.title.as_deref(), MAX_TITLE)));
    stage.product.take_if(|p| !fits(check_product(p)));
    stage.poll.take_if(|p| !fits(check_poll(p)));
    stage.logo.take_if(|l| !fits(check_logo(l)));
    stage.moderation.take_if(|m| !fits(check_delay(*m)));
    if !fits(check_danmaku(&stage.danmaku)) {
        stage.danmaku = DanmakuChange::default();
    }
}

pub(super) fn check_title(name: &str, line: Option<&str>) -> Checked {
    check_text("The title", name, MAX_TITLE)
        .and_then(|()| check_some("The title's small line", line, MAX_LINE))
}

pub(super) fn check_product(product: &Product) -> Checked {
    check_text("The product's name", &product.name, MAX_PRODUCT)?;
    check_text("The price", &product.price, MAX_PRICE)?;
    check_some("The old price", product.old_price.as_deref(), MAX_PRICE)?;
    product.url.as_deref().map_or(Ok(()), check_url)
}

fn check_url(url: &str) -> Checked {
    let lower = url.to_ascii_lowercase();
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| lower.strip_prefix(scheme));
    let host = rest.map(|r| r.split(['/', '?', '#']).next().unwrap_or_default());
    let good_host = host.is_some_and(|h| !h.is_empty() && !h.starts_with(':') && !h.contains('@'));
    if url.len() > MAX_URL {
        invalid(format!(
            "The product's address is longer than {MAX_URL} bytes. Use a shorter one."
        ))
    } else if !good_host || !url.bytes().all(|b| b.is_ascii_graphic()) {
        invalid(
            "The product's address must begin with https:// or http:// and a host, and have neither spaces nor letters other than ASCII, such as https://shop.example/cap.",
        )
    } else {
        Ok(())
    }
}

pub(super) fn check_poll(poll: &Poll) -> Checked {
    check_text("The question", &poll.question, MAX_LINE)?;
    if !CHOICES.contains(&poll.choices.len()) {
        return invalid(format!(
            "A poll has {} to {} choices, and not {}.",
            CHOICES.start(),
            CHOICES.end(),
            poll.choices.len()
        ));
    }
    (poll.choices.iter()).try_for_each(|c| check_text("A choice", &c.text, MAX_CHOICE))
}

pub(super) fn check_logo(logo: &Logo) -> Checked {
    check_range("The logo's height", logo.percent, 1.0, 50.0, "%")?;
    check_number("The logo's opacity", logo.opacity, 1, 100, " %")
}

pub(super) fn check_danmaku(change: &DanmakuChange) -> Checked {
    check_range("The crossing time", change.crossing_s, 2.0, 30.0, "s")?;
    check_range(
        "The height of comments",
        change.size_percent,
        2.0,
        15.0,
        "%",
    )?;
    check_number("The number of lanes", change.lanes, 0, 40, "")?;
    check_number("The area of comments", change.area_percent, 10, 100, " %")?;
    check_number("The opacity of comments", change.opacity, 10, 100, " %")
}

pub(super) fn check_delay(change: ModerationChange) -> Checked {
    check_range("The delay", change.delay_s, 0.0, 30.0, "s")
}

pub(super) fn check_left(left: i64) -> Checked {
    if (1..=MAX_COUNTDOWN).contains(&left) {
        return Ok(());
    }
    out_of_range(
        "The countdown must end within a year from now, and not before a second has passed.",
    )
}

pub(super) fn check_seconds(what: &str, seconds: Option<u32>) -> Checked {
    match seconds {
        Some(s) if !(1..=MAX_SECONDS).contains(&s) => out_of_range(format!(
            "{what} cannot stay for {s} s. Choose 1 to {MAX_SECONDS} s, or leave seconds out."
        )),
        _ => Ok(()),
    }
}

fn check_range(what: &str, given: Option<f32>, least: f32, most: f32, unit: &str) -> Checked {
    match given {
        Some(n) if !(least..=most).contains(&n) => out_of_range(format!(
            "{what} cannot be {n} {unit}. Choose {least} to {most} {unit}."
        )),
        _ => Ok(()),
    }
}

fn check_number(what: &str, given: Option<u32>, least: u32, most: u32, unit: &str) -> Checked {
    match given {
        Some(n) if !(least..=most).contains(&n) => out_of_range(format!(
            "{what} cannot be {n}{unit}. Choose {least} to {most}{unit}."
        )),
        _ => Ok(()),
    }
}

pub(super) fn check_some(what: &str, text: Option<&str>, most: usize) -> Checked {
    text.map_or(Ok(()), |text| check_text(what, text, most))
}

pub(super) fn check_text(what: &str, text: &str, most: usize) -> Checked {
    let length = text.chars().count();
    if length > most || text.trim().is_empty() {
        invalid(format!("{what} must have 1 to {most} characters."))
    } else if text.chars().any(|c| c.is_control() || is_invisible(c)) {
        invalid(format!(
            "{what} must be one line without control characters or characters that turn or hide text."
        ))
    } else {
        Ok(())
    }
}

fn invalid(message: impl Into<String>) -> Checked {
    Err((DenialCode::Invalid, message.into()))
}

fn out_of_range(message: impl Into<String>) -> Checked {
    Err((DenialCode::OutOfRange, message.into()))
}
