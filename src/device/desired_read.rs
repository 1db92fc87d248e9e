//! Reads settings leniently: each key by itself, into the command that it stands for. No value is repeated in an error: it
//! may be a key that was put in the wrong place.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::command::Command;
use super::control::{ControlName, ControlValue};
use super::desired::MAX_GROUPS;
use super::desired_destination::destinations;
use super::policy::{self, DenialCode};
use super::settings::SettingError;
use super::state::State;
use crate::config::{GroupName, H264Profile, Profile, VideoSettings};

/// Keys of the settings.
const TOP: [&str; 9] = [
    "live",
    "profile",
    "video",
    "bitrate",
    "audio",
    "mic",
    "camera",
    "destinations",
    "groups",
];
/// Code of a key that does not exist.
const UNKNOWN: &str = "unknown_setting";

/// What was read.
#[derive(Default)]
pub(super) struct Read {
    pub leaves: Vec<Leaf>,
    pub errors: Vec<SettingError>,
}

/// One setting.
pub(super) struct Leaf {
    pub path: String,
    pub wish: Wish,
}

/// What it stands for.
pub(super) enum Wish {
    Command(Command),
    Groups(Vec<GroupName>),
}

/// Reads settings that passed `desired::decide`. Nothing (`null`) is as good as left out where it has no meaning.
pub(super) fn read(state: &State, settings: &Value) -> Read {
    let mut read = Read::default();
    let Some(top) = read.fields("", settings, &TOP) else {
        return read;
    };
    if let Some(live) = read.switch("live", top.get("live")) {
        read.command("live", Command::LiveSet { live });
    }
    picture(&mut read, state, top);
    if let Some(audio) = given(top.get("audio")) {
        sound(&mut read, audio);
    }
    if let Some(mic) = given(top.get("mic")) {
        card(&mut read, mic);
    }
    if let Some(camera) = given(top.get("camera")) {
        controls(&mut read, camera);
    }
    if let Some(all) = given(top.get("destinations")) {
        destinations(&mut read, state, all);
    }
    if let Some(list) = given(top.get("groups")) {
        groups(&mut read, list);
    }
    read
}

pub(super) fn given(value: Option<&Value>) -> Option<&Value> {
    value.filter(|v| !v.is_null())
}

/// At most `most` characters of a text.
pub(super) fn short(text: &str, most: usize) -> String {
    let fit = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(most).map(fit).collect()
}

/// A path to a key; what comes from outside is made fit to be shown.
pub(super) fn join(path: &str, key: &str) -> String {
    let key = short(key, 48);
    if path.is_empty() {
        key
    } else {
        format!("{path}.{key}")
    }
}

impl Read {
    pub(super) fn command(&mut self, path: &str, command: Command) {
        self.leaves.push(Leaf {
            path: path.to_owned(),
            wish: Wish::Command(command),
        });
    }

    pub(super) fn wrong(&mut self, path: &str, code: DenialCode, message: impl Into<String>) {
        self.errors.push(SettingError {
            path: path.to_owned(),
            code: code.name(),
            message: message.into(),
        });
    }

    /// The map at `path`; keys other than `known` are errors.
    pub(super) fn fields<'v>(
        &mut self,
        path: &str,
        value: &'v Value,
        known: &[&str],
    ) -> Option<&'v Map<String, Value>> {
        let map = self.map(path, value)?;
        for key in map.keys().filter(|k| !known.contains(&k.as_str())) {
            let path = join(path, key);
            self.errors.push(SettingError {
                message: format!(
                    "There is no setting {path}. Choose one of: {}.",
                    known.join(", ")
                ),
                path,
                code: UNKNOWN.to_owned(),
            });
        }
        Some(map)
    }

    pub(super) fn map<'v>(
        &mut self,
        path: &str,
        value: &'v Value,
    ) -> Option<&'v Map<String, Value>> {
        let map = value.as_object();
        if map.is_none() {
            self.wrong(
                path,
                DenialCode::Invalid,
                format!("{path} must be an object."),
            );
        }
        map
    }

    /// A value that serde reads; `expected` names what it must be. The error never holds the value.
    pub(super) fn value<T: DeserializeOwned>(
        &mut self,
        path: &str,
        value: Option<&Value>,
        expected: &str,
    ) -> Option<T> {
        let value = given(value)?;
        let read = T::deserialize(value).ok();
        if read.is_none() {
            self.wrong(
                path,
                DenialCode::Invalid,
                format!("{path} must be {expected}."),
            );
        }
        read
    }

    pub(super) fn switch(&mut self, path: &str, value: Option<&Value>) -> Option<bool> {
        self.value(path, value, "true or false")
    }
}

/// `profile`, `video` and `bitrate` belong together: one command.
fn picture(read: &mut Read, state: &State, top: &Map<String, Value>) {
    let profile: Option<Profile> = read.value(
        "profile",
        top.get("profile"),
        "1080p30, 720p30, 480p30 or custom",
    );
    let bitrate: Option<u32> = read.value("bitrate", top.get("bitrate"), "a whole number, bit/s");
    let bitrate = bitrate.filter(|b| match policy::check_bitrate(*b) {
        Ok(()) => true,
        Err(message) => {
            read.wrong("bitrate", DenialCode::OutOfRange, message);
            false
        }
    });
    let named = profile.filter(|p| *p != Profile::Custom);
    let numbers = match given(top.get("video")) {
        None => None,
        Some(_) if named.is_some() => {
            let message = "Give either a named profile or video with numbers, not both.";
            return read.wrong("video", DenialCode::Invalid, message);
        }
        // Half of the numbers would make a picture that nobody asked for.
        Some(value) => match video(read, state, value) {
            None => return,
            numbers => numbers,
        },
    };
    let (path, command) = match (named, numbers, bitrate) {
        (Some(_), _, _) => (
            "profile",
            Command::ProfileSet {
                profile: named,
                bitrate,
                video: None,
            },
        ),
        (None, Some(video), _) => (
            "video",
            Command::ProfileSet {
                profile: None,
                bitrate,
                video: Some(video),
            },
        ),
        (None, None, Some(bitrate)) => ("bitrate", Command::BitrateSet { bitrate }),
        (None, None, None) => return,
    };
    if !is_so(state, &command) {
        read.command(path, command);
    }
}

/// Whether the picture is wanted like that already. Asked here, since a camera's own stream refuses any change.
fn is_so(state: &State, command: &Command) -> bool {
    let now = state.wanted_video();
    match command {
        Command::ProfileSet {
            profile,
            bitrate,
            video,
        } => policy::profile_wish(state, *profile, *bitrate, video.as_ref())
            .is_ok_and(|video| video == *now),
        Command::BitrateSet { bitrate } => *bitrate == now.bitrate,
        _ => false,
    }
}

/// Numbers that are left out stay as they are.
fn video(read: &mut Read, state: &State, value: &Value) -> Option<VideoSettings> {
    let known = ["width", "height", "fps", "bitrate", "gop_s", "h264_profile"];
    let errors = read.errors.len();
    let map = read.fields("video", value, &known)?;
    let number = "a whole number";
    let profile = "constrained-baseline, main or high";
    let mut video = state.wanted_video().clone();
    let mut set = |field: &mut u32, name: &str| {
        let path = join("video", name);
        if let Some(n) = read.value(&path, map.get(name), number) {
            *field = n;
        }
    };
    set(&mut video.width, "width");
    set(&mut video.height, "height");
    set(&mut video.fps, "fps");
    set(&mut video.bitrate, "bitrate");
    if let Some(gop_s) = read.value("video.gop_s", map.get("gop_s"), "a number of seconds") {
        video.gop_s = gop_s;
    }
    let wish: Option<H264Profile> =
        read.value("video.h264_profile", map.get("h264_profile"), profile);
    video.h264_profile = wish.unwrap_or(video.h264_profile);
    (read.errors.len() == errors).then_some(video)
}

fn sound(read: &mut Read, value: &Value) {
    let Some(map) = read.fields("audio", value, &["muted", "gain_db", "offset_ms"]) else {
        return;
    };
    let (muted, gain, offset) = ("audio.muted", "audio.gain_db", "audio.offset_ms");
    if let Some(is) = read.switch(muted, map.get("muted")) {
        read.command(muted, Command::AudioMute { muted: is });
    }
    if let Some(gain_db) = read.value(gain, map.get("gain_db"), "a number of dB") {
        read.command(gain, Command::AudioGain { gain_db });
    }
    if let Some(offset_ms) = read.value(offset, map.get("offset_ms"), "a whole number, ms") {
        read.command(offset, Command::AudioOffset { offset_ms });
    }
}

fn card(read: &mut Read, value: &Value) {
    let Some(map) = read.fields("mic", value, &["percent", "on"]) else {
        return;
    };
    let expected = "a whole number from 0 to 100";
    if let Some(percent) = read.value("mic.percent", map.get("percent"), expected) {
        read.command("mic.percent", Command::MicVolume { percent });
    }
    if let Some(on) = read.switch("mic.on", map.get("on")) {
        read.command("mic.on", Command::MicSwitch { on });
    }
}

/// Here `null` means something: back to the default.
fn controls(read: &mut Read, value: &Value) {
    let Some(map) = read.map("camera", value) else {
        return;
    };
    for (name, value) in map {
        let path = join("camera", name);
        let control = match ControlName::new(name) {
            Ok(control) => control,
            Err(message) => {
                read.wrong(&path, DenialCode::UnknownControl, message);
                continue;
            }
        };
        if value.is_null() {
            let control = Some(control);
            read.command(&path, Command::CameraControlReset { control });
            continue;
        }
        let expected = "a number, true, false or the name of a choice";
        let value: Option<ControlValue> = read.value(&path, Some(value), expected);
        if let Some(value) = value {
            read.command(&path, Command::CameraControl { control, value });
        }
    }
}

fn groups(read: &mut Read, value: &Value) {
    let Some(list) = value.as_array() else {
        return read.wrong(
            "groups",
            DenialCode::Invalid,
            "groups must be a list of names.",
        );
    };
    if list.len() > MAX_GROUPS {
        let message = format!("A box belongs to at most {MAX_GROUPS} groups.");
        return read.wrong("groups", DenialCode::TooMany, message);
    }
    let mut groups: Vec<GroupName> = Vec::new();
    for (n, name) in list.iter().enumerate() {
        let path = format!("groups.{n}");
        let expected = "the name of a group, 1 to 32 of a-z, 0-9 and -";
        let Some(name) = read.value(&path, Some(name), expected) else {
            continue;
        };
        if groups.contains(&name) {
            let message = format!("{name} stands there twice.");
            read.wrong(&path, DenialCode::Invalid, message);
        } else {
            groups.push(name);
        }
    }
    read.leaves.push(Leaf {
        path: "groups".to_owned(),
        wish: Wish::Groups(groups),
    });
}
