//! What the status says of the devices of the box: controls, mixer, heat, supply, button, faults.

use serde::Serialize;

use super::control::{ControlInfo, ControlName, ControlValue, check};
use super::event::{Gesture, PowerState};
use super::state::State;
use super::still;
use super::thermal::HeatLevel;

/// One control of the camera that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ControlStatus {
    /// What the camera says of it.
    #[serde(flatten)]
    pub info: ControlInfo,
    /// What is wanted of it, if anything.
    pub wanted: Option<ControlValue>,
    /// Why it is not as wanted, one clause.
    pub note: Option<String>,
    /// The camera itself refused the last value, and the note says why; false while it may still take it.
    pub refused: bool,
}

/// A wish that the camera of now cannot fulfil.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptControl {
    /// Which control.
    pub control: ControlName,
    /// What is wanted of it.
    pub wanted: ControlValue,
    /// Why it is not set, one clause.
    pub note: String,
}

/// The sound card's own mixer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MixerStatus {
    /// Capture volume, per cent of the card's range; absent: it has none, or is away.
    pub percent: Option<u8>,
    /// Capture switch; absent: it has none, or is away.
    pub on: Option<bool>,
    /// The volume that is wanted, if any.
    pub wanted_percent: Option<u8>,
    /// The switch that is wanted, if any.
    pub wanted_on: Option<bool>,
    /// Why the last wish was refused, one clause.
    pub note: Option<String>,
}

/// Temperature, supply, button, faults.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HardwareStatus {
    /// Temperature of the processor, °C, to a tenth; absent: unknown.
    pub temperature_c: Option<f32>,
    /// What heat does to the picture.
    pub heat: HeatLevel,
    /// Supply and throttling; absent: the board says nothing of them.
    pub power: Option<PowerState>,
    /// The last press of the button.
    pub button: Option<ButtonStatus>,
    /// Milliseconds since start until when a short press confirms a factory reset.
    pub confirm_until_ms: Option<u64>,
    /// Where the box is reached, while it blinks to be found.
    pub address: Option<String>,
    /// Times that the camera was restarted because it sent the same picture again and again.
    pub camera_restarts: u32,
    /// The last of them.
    pub camera_restart: Option<RestartStatus>,
    /// The picture does not move, also after a restart.
    pub camera_still: bool,
    /// What does not work.
    pub notes: Vec<HardwareNote>,
}

/// A press of the button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ButtonStatus {
    /// How.
    pub gesture: Gesture,
    /// When, milliseconds since start.
    pub at_ms: u64,
    /// What the box had to say to it, if anything: one sentence.
    pub answer: Option<String>,
}

/// A restart of the camera.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestartStatus {
    /// Why, one clause.
    pub reason: String,
    /// When, whole seconds since start.
    pub at_s: u64,
}

/// A part of the box that does not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HardwareNote {
    /// `led`, `button` or `temperature`.
    pub part: &'static str,
    /// Why, one clause.
    pub text: String,
}

pub(super) fn controls(state: &State) -> Vec<ControlStatus> {
    let controls = &state.actual.controls;
    let wishes = &state.wanted.camera_controls;
    let status = |info: &ControlInfo| {
        let wanted = wishes.get(&info.control);
        let check = wanted.map(|v| check(info, v));
        let note = match (controls.failed.get(&info.control), check) {
            (_, Some(Err(sentence))) => Some(sentence.trim_end_matches('.').to_owned()),
            (_, Some(Ok(_))) if !info.writable => Some("it can be read but not set".to_owned()),
            (Some(reason), _) => Some(reason.clone()),
            (None, Some(Ok(n))) if info.value.is_some_and(|v| v != n) => Some(if info.active {
                "the camera did not take this value".to_owned()
            } else {
                "it has no effect now; it is set when it has".to_owned()
            }),
            _ => None,
        };
        ControlStatus {
            info: info.clone(),
            wanted: wanted.cloned(),
            note,
            refused: controls.failed.contains_key(&info.control),
        }
    };
    controls.infos.iter().map(status).collect()
}

/// Wishes for controls that the camera lacks, or that wait for a camera.
pub(super) fn kept_controls(state: &State) -> Vec<KeptControl> {
    let controls = &state.actual.controls;
    let note = if controls.known {
        "the camera has no such control"
    } else {
        "the controls of the camera are not known now"
    };
    let wishes = state.wanted.camera_controls.iter();
    wishes
        .filter(|(control, _)| controls.find(control).is_none())
        .map(|(control, wanted)| KeptControl {
            control: control.clone(),
            wanted: wanted.clone(),
            note: note.to_owned(),
        })
        .collect()
}

pub(super) fn mixer(state: &State) -> Option<MixerStatus> {
    let mixer = &state.actual.mixer;
    state.setup.audio.then(|| MixerStatus {
        percent: mixer.percent,
        on: mixer.on,
        wanted_percent: state.wanted.mic_percent,
        wanted_on: state.wanted.mic_on,
        note: mixer.failed.clone(),
    })
}

pub(super) fn hardware(state: &State) -> HardwareStatus {
    let actual = &state.actual;
    let ms = |at: std::time::Duration| u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
    let restart = |at: std::time::Duration| RestartStatus {
        reason: still::REASON.to_owned(),
        at_s: at.as_secs(),
    };
    HardwareStatus {
        temperature_c: actual.heat.celsius.map(|c| (c * 10.0).round() / 10.0),
        heat: actual.heat.level,
        power: actual.power,
        button: actual.pressed.as_ref().map(|p| ButtonStatus {
            gesture: p.gesture,
            at_ms: ms(p.at),
            answer: p.answer.clone(),
        }),
        confirm_until_ms: actual.confirm_until.map(ms),
        address: actual.address.clone(),
        camera_restarts: actual.still.restarts,
        camera_restart: actual.still.restarted_at.map(restart),
        camera_still: actual.still.now,
        notes: notes(state),
    }
}

fn notes(state: &State) -> Vec<HardwareNote> {
    let actual = &state.actual;
    let silent = actual
        .heat
        .silent
        .then(|| "the sensor is silent".to_owned());
    [
        ("led", actual.led_fault.clone()),
        ("button", actual.button_fault.clone()),
        ("temperature", silent),
    ]
    .into_iter()
    .filter_map(|(part, text)| Some(HardwareNote { part, text: text? }))
    .collect()
}
