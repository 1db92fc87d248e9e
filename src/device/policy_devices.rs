//! Accept, keep, ignore or deny what is asked of the camera's controls and of the sound card's mixer. What a device that is
//! away may take is not known: such wishes are kept, and checked when it comes.

use super::camera_controls::Controls;
use super::control::{ControlInfo, ControlKind, ControlName, ControlValue, check};
use super::policy::{
    Decision, DenialCode, MAX_CHOICE, MAX_WANTED_CONTROLS, deny, ignore, no_audio,
};
use super::state::State;

/// Most names that a refusal lists.
const LISTED: usize = 20;

/// The controls of the camera, if there is one that was asked for them.
fn known(state: &State) -> Option<&Controls> {
    let controls = &state.actual.controls;
    (state.actual.camera.is_up() && controls.known).then_some(controls)
}

pub(super) fn camera_control(
    state: &State,
    control: &ControlName,
    value: &ControlValue,
) -> Decision {
    let wishes = &state.wanted.camera_controls;
    if let ControlValue::Choice(text) = value
        && (text.chars().count() > MAX_CHOICE || text.chars().any(char::is_control))
    {
        return deny(
            DenialCode::OutOfRange,
            format!(
                "That is no choice of {control}. Use the name of a choice, one line of at most {MAX_CHOICE} characters."
            ),
        );
    }
    if wishes.len() >= MAX_WANTED_CONTROLS && !wishes.contains_key(control) {
        return deny(
            DenialCode::TooMany,
            format!(
                "{MAX_WANTED_CONTROLS} camera controls are kept already. Reset one of them first."
            ),
        );
    }
    let Some(controls) = known(state) else {
        if wishes.get(control) == Some(value) {
            return ignore(format!(
                "{control} is kept as {value} already; it is set when the camera comes."
            ));
        }
        return Decision::Keep(format!(
            "The controls of the camera are not known now; {control} is kept, and set when the camera comes."
        ));
    };
    let Some(info) = controls.find(control) else {
        return unknown(control, &controls.infos);
    };
    if !info.writable {
        return deny(
            DenialCode::ReadOnly,
            format!("{control} can be read but not set. Choose another control."),
        );
    }
    match check(info, value) {
        Err(message) => deny(DenialCode::OutOfRange, message),
        Ok(n) if wishes.get(control) == Some(value) && info.value == Some(n) => {
            ignore(format!("{control} is {} already.", info.show(n)))
        }
        Ok(_) if !info.active && matches!(info.kind, ControlKind::Number { .. }) => {
            Decision::Keep(format!(
                "{control} has no effect now because an automatic governs it; it is kept, and set when that is off."
            ))
        }
        Ok(_) => Decision::Accept,
    }
}

/// The misspelt one's neighbour first, then what there is.
fn unknown(control: &ControlName, infos: &[ControlInfo]) -> Decision {
    let names = || infos.iter().map(|i| i.control.as_str());
    if infos.is_empty() {
        return deny(
            DenialCode::UnknownControl,
            format!("This camera has no controls, so {control} cannot be set. Use another camera."),
        );
    }
    let near = names()
        .map(|n| (strsim::osa_distance(n, control.as_str()), n))
        .min()
        .filter(|(distance, n)| *distance <= 3 && *distance < n.len());
    let near = near.map_or_else(String::new, |(_, n)| format!(" Did you mean {n}?"));
    let more = match infos.len() {
        n if n > LISTED => format!(" and {} more", n - LISTED),
        _ => String::new(),
    };
    let list: Vec<&str> = names().take(LISTED).collect();
    deny(
        DenialCode::UnknownControl,
        format!(
            "The camera has no control named {control}.{near} It has: {}{more}.",
            list.join(", ")
        ),
    )
}

pub(super) fn camera_control_reset(state: &State, control: Option<&ControlName>) -> Decision {
    let wishes = &state.wanted.camera_controls;
    let controls = known(state);
    let differs = |i: &ControlInfo| i.writable && i.value != Some(i.default);
    let Some(control) = control else {
        let any = !wishes.is_empty() || controls.is_some_and(|c| c.infos.iter().any(differs));
        return if any {
            Decision::Accept
        } else {
            ignore("The camera is set to its defaults already.")
        };
    };
    if wishes.contains_key(control) {
        return Decision::Accept;
    }
    let Some(controls) = controls else {
        return ignore(format!("Nothing is wanted of {control}."));
    };
    match controls.find(control) {
        None => unknown(control, &controls.infos),
        Some(info) if !info.writable => deny(
            DenialCode::ReadOnly,
            format!("{control} can be read but not set. Choose another control."),
        ),
        Some(info) if differs(info) => Decision::Accept,
        Some(_) => ignore(format!("{control} is at its default already.")),
    }
}

pub(super) fn mic_volume(state: &State, percent: u8) -> Decision {
    if percent > 100 {
        return deny(
            DenialCode::OutOfRange,
            format!("The volume {percent} % does not work. Choose 0 to 100 %."),
        );
    }
    let mixer = &state.actual.mixer;
    mixer_wish(
        state,
        (mixer.percent, state.wanted.mic_percent, percent),
        "The sound card has no capture volume of its own. Use the gain.",
    )
}

pub(super) fn mic_switch(state: &State, on: bool) -> Decision {
    let mixer = &state.actual.mixer;
    mixer_wish(
        state,
        (mixer.on, state.wanted.mic_on, on),
        "The sound card has no capture switch of its own. Mute the sound instead.",
    )
}

/// What is, what is wanted, what is asked for.
fn mixer_wish<T: PartialEq>(
    state: &State,
    (is, wanted, asked): (Option<T>, Option<T>, T),
    missing: &str,
) -> Decision {
    if !state.setup.audio {
        return no_audio();
    }
    let here = state.actual.mic.is_up() && state.actual.mixer.known;
    let same = wanted.as_ref() == Some(&asked);
    if !here {
        return if same {
            ignore("That is kept already; it is set when the sound card comes.")
        } else {
            Decision::Keep(
                "The sound card's mixer is not known now; this is kept, and set when the card comes.".into(),
            )
        };
    }
    match is {
        None => deny(DenialCode::Unsupported, missing),
        Some(is) if same && is == asked => ignore("The sound card is set like that already."),
        Some(_) => Decision::Accept,
    }
}
