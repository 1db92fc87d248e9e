//! Accept, ignore or deny what the owner wants on the picture. Lengths and ranges are those of [`super::stage`].

use super::command::Command;
use super::notice::Banner;
use super::on_stage::{danmaku, end_of, logo_after, moderation};
use super::policy::{Decision, DenialCode, deny, ignore};
use super::stage::{DanmakuChange, Layer, Logo, ModerationChange, Poll, Product, Stage};
use super::state::State;
use crate::config::is_invisible;

/// The longest line of `overlay/text`, question of a poll, and small line of a title, in characters.
const MAX_LINE: usize = 100;
/// The longest title, in characters.
const MAX_TITLE: usize = 60;
/// The longest ticker, in characters.
const MAX_TICKER: usize = 500;
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
type Checked = Result<(), (DenialCode, String)>;

/// What becomes of a command that is about the picture.
pub(super) fn decide(state: &State, command: &Command) -> Decision {
    let stage = state.stage();
    match command {
        Command::OverlayText(banner) => text(state, &stage, banner),
        Command::OverlayClear => gone(stage.banner.is_none(), "There is no line on the picture."),
        Command::LowerThird {
            name,
            line,
            seconds,
        } => title(state, &stage, name.as_deref(), line.as_deref(), *seconds),
        Command::Ticker { text } => ticker(state, &stage, text.as_deref()),
        Command::Countdown {
            title,
            seconds,
            until,
            now,
        } => countdown(state, &stage, title.as_deref(), (*seconds, *until, *now)),
        Command::ProductPin(product) => {
            let same = stage.product.as_ref() == Some(product);
            put(
                state,
                check_product(product),
                same,
                "That product is on the picture already.",
            )
        }
        Command::ProductUnpin => gone(
            stage.product.is_none(),
            "There is no product on the picture.",
        ),
        Command::PollShow(poll) => {
            let same = stage.poll.as_ref() == Some(poll);
            put(
                state,
                check_poll(poll),
                same,
                "That poll is on the picture already.",
            )
        }
        Command::PollHide => gone(stage.poll.is_none(), "There is no poll on the picture."),
        Command::Logo { off, logo: asked } => logo(state, &stage, *off, asked),
        Command::LayerShow { layer } => layer_wish(state, &stage, *layer, true),
        Command::LayerHide { layer } => layer_wish(state, &stage, *layer, false),
        Command::DanmakuSet { reset, change } => comments(state, &stage, *reset, change),
        Command::ModerationSet(change) => moderation_wish(&stage, *change),
        Command::Panic { on } => panic(&stage, *on),
        _ => deny(
            DenialCode::Unsupported,
            "This is nothing that stands on the picture.",
        ),
    }
}

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

fn text(state: &State, stage: &Stage, banner: &Banner) -> Decision {
    let checked = check_text("The line", &banner.text, MAX_LINE)
        .and_then(|()| check_seconds("A line", banner.seconds));
    let stands = stage.banner.as_ref() == Some(&banner.text) && state.wanted.banner.is_some();
    let same = banner.seconds.is_none() && stands;
    put(state, checked, same, "That line is on the picture already.")
}

fn title(
    state: &State,
    stage: &Stage,
    name: Option<&str>,
    line: Option<&str>,
    seconds: Option<u32>,
) -> Decision {
    let Some(name) = name else {
        if line.is_some() || seconds.is_some() {
            return deny(
                DenialCode::Invalid,
                "The title has no name. Give a name, or nothing at all to take the title off.",
            );
        }
        return gone(
            stage.lower_third.is_none(),
            "There is no title on the picture.",
        );
    };
    let checked = check_title(name, line).and_then(|()| check_seconds("A title", seconds));
    let kept = state.wanted.stage.lower_third.as_ref();
    let same = kept.is_some_and(|k| k.name == name && k.line.as_deref() == line);
    let same = same && seconds.is_none();
    put(
        state,
        checked,
        same,
        "That title is on the picture already.",
    )
}

fn ticker(state: &State, stage: &Stage, text: Option<&str>) -> Decision {
    let Some(text) = text else {
        return gone(stage.ticker.is_none(), "There is no ticker on the picture.");
    };
    let same = stage.ticker.as_ref().is_some_and(|t| t.text == text);
    put(
        state,
        check_text("The ticker", text, MAX_TICKER),
        same,
        "That ticker is on the picture already.",
    )
}

fn countdown(
    state: &State,
    stage: &Stage,
    title: Option<&str>,
    (seconds, until, now): (Option<u32>, Option<i64>, Option<i64>),
) -> Decision {
    match (seconds, until) {
        (None, None) if title.is_some() => {
            return deny(
                DenialCode::Invalid,
                "The countdown has no end. Give seconds or until, or nothing at all to take the countdown off.",
            );
        }
        (None, None) => {
            return gone(
                stage.countdown.is_none(),
                "There is no countdown on the picture.",
            );
        }
        (Some(_), Some(_)) => {
            return deny(
                DenialCode::Invalid,
                "The countdown has two ends. Give either seconds or until.",
            );
        }
        _ => {}
    }
    let Some((until, left)) = end_of(seconds, until, now) else {
        return deny(
            DenialCode::Busy,
            "The box does not know the time. Try again in a moment.",
        );
    };
    let checked =
        check_some("The countdown's title", title, MAX_TITLE).and_then(|()| check_left(left));
    let same =
        (stage.countdown.as_ref()).is_some_and(|c| c.until == until && c.title.as_deref() == title);
    put(
        state,
        checked,
        same,
        "That countdown is on the picture already.",
    )
}

fn logo(state: &State, stage: &Stage, off: bool, asked: &Logo) -> Decision {
    let hidden = stage.layers.get(&Layer::Logo) == Some(&false);
    let nothing = Logo {
        picture: None,
        corner: None,
        percent: None,
        opacity: None,
    };
    if off && *asked != nothing {
        return deny(
            DenialCode::Invalid,
            "The logo cannot be taken off and be changed at once. Leave off out, or all else.",
        );
    }
    if off {
        return gone(
            hidden && stage.logo.is_none(),
            "There is no logo on the picture.",
        );
    }
    let same = !hidden && logo_after(stage, asked.clone()) == stage.logo;
    put(
        state,
        check_logo(asked),
        same,
        "The logo is like that already.",
    )
}

fn layer_wish(state: &State, stage: &Stage, layer: Layer, shown: bool) -> Decision {
    if stage.layers.get(&layer) == Some(&shown) {
        return ignore(if shown {
            "That layer is shown already."
        } else {
            "That layer is hidden already."
        });
    }
    kept(state)
}

fn comments(state: &State, stage: &Stage, reset: bool, change: &DanmakuChange) -> Decision {
    if !reset && *change == DanmakuChange::default() {
        return deny(
            DenialCode::Invalid,
            "Nothing is to be changed. Give at least one field, or reset.",
        );
    }
    if let Err((code, message)) = check_danmaku(change) {
        return deny(code, message);
    }
    if danmaku(stage, reset, change) == stage.danmaku {
        return ignore("Comments run like that already.");
    }
    kept(state)
}

fn moderation_wish(stage: &Stage, change: ModerationChange) -> Decision {
    if let Err((code, message)) = check_delay(change) {
        return deny(code, message);
    }
    if stage.moderation == Some(moderation(stage, change)) {
        return ignore("Moderation is set like that already.");
    }
    Decision::Accept
}

fn panic(stage: &Stage, on: bool) -> Decision {
    match (stage.panic, on) {
        (true, true) => ignore("Nothing of the audience is shown already."),
        (false, false) => ignore("The audience is shown already."),
        _ => Decision::Accept,
    }
}

/// Something new on the picture.
fn put(state: &State, checked: Checked, same: bool, how: &str) -> Decision {
    if let Err((code, message)) = checked {
        return deny(code, message);
    }
    if state.actual.passthrough {
        return deny(
            DenialCode::Passthrough,
            "The camera makes the stream itself, so nothing can be drawn on it. Set video.passthrough to false.",
        );
    }
    if same {
        return ignore(how);
    }
    Decision::Accept
}

/// Something off the picture: always possible.
fn gone(is_gone: bool, how: &str) -> Decision {
    if is_gone {
        return ignore(how);
    }
    Decision::Accept
}

/// How things are drawn, whether anything can be drawn now or not.
fn kept(state: &State) -> Decision {
    if state.actual.passthrough {
        return Decision::Keep(
            "The camera makes the stream itself, so nothing is drawn on it now; this is kept for when the box makes it."
                .into(),
        );
    }
    Decision::Accept
}

fn check_title(name: &str, line: Option<&str>) -> Checked {
    check_text("The title", name, MAX_TITLE)
        .and_then(|()| check_some("The title's small line", line, MAX_LINE))
}

fn check_product(product: &Product) -> Checked {
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

fn check_poll(poll: &Poll) -> Checked {
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

fn check_logo(logo: &Logo) -> Checked {
    check_range("The logo's height", logo.percent, 1.0, 50.0, "%")?;
    check_number("The logo's opacity", logo.opacity, 1, 100, " %")
}

fn check_danmaku(change: &DanmakuChange) -> Checked {
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

fn check_delay(change: ModerationChange) -> Checked {
    check_range("The delay", change.delay_s, 0.0, 30.0, "s")
}

fn check_left(left: i64) -> Checked {
    if (1..=MAX_COUNTDOWN).contains(&left) {
        return Ok(());
    }
    out_of_range(
        "The countdown must end within a year from now, and not before a second has passed.",
    )
}

fn check_seconds(what: &str, seconds: Option<u32>) -> Checked {
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

fn check_some(what: &str, text: Option<&str>, most: usize) -> Checked {
    text.map_or(Ok(()), |text| check_text(what, text, most))
}

fn check_text(what: &str, text: &str, most: usize) -> Checked {
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

#[cfg(test)]
#[path = "stage_policy_tests.rs"]
mod tests;
