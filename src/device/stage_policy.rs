//! Accept, ignore or deny what the owner wants on the picture.

use super::command::Command;
use super::notice::Banner;
use super::on_stage::{danmaku, end_of, logo_after, moderation};
use super::policy::{Decision, Denial, DenialCode, deny, ignore};
use super::stage::{DanmakuChange, Layer, Logo, ModerationChange, Stage};
use super::stage_check::{
    Checked, MAX_LINE, MAX_TICKER, MAX_TITLE, check_danmaku, check_delay, check_left, check_logo,
    check_poll, check_product, check_seconds, check_some, check_text, check_title,
};
use super::state::State;

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

/// Why nothing can be drawn while the camera's own stream is on air; the room's commands hear it too.
#[must_use]
pub fn nothing_drawn() -> Denial {
    Denial::new(
        DenialCode::Passthrough,
        "The camera makes the stream itself, so nothing can be drawn on it. Set video.passthrough to false.",
    )
}

/// Something new on the picture.
fn put(state: &State, checked: Checked, same: bool, how: &str) -> Decision {
    if let Err((code, message)) = checked {
        return deny(code, message);
    }
    if state.actual.passthrough {
        return Decision::Deny(nothing_drawn());
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

#[cfg(test)]
#[path = "stage_policy_tests.rs"]
mod tests;
