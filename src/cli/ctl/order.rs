//! From a subcommand to the command that the box gets, as JSON: `{"name","args"}`. A stream key is put in by hand, since a
//! `Secret` never shows itself.

use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};

use super::what::{
    Audio, Config, Destination, DestinationSet, Live, Mic, Notify, Overlay, ProfileSub, Setup, What,
};
use crate::cli::outcome::Trouble;
use crate::config::{DestinationName, Profile, Secret, VideoSettings, read_key_file};
use crate::device::command::Command;
use crate::device::notice::{Banner, Notice};

/// The longest key, in bytes.
const MAX_KEY: u64 = 4096;
/// The longest configuration file that is sent: what a box takes of a request, less what stands around it.
const MAX_FILE: u64 = 60 * 1024;

/// The command of `what`; nothing where it is more than one command. Reads the files that are named.
///
/// # Errors
/// A file that cannot be read.
pub(super) fn order(what: &What) -> Result<Option<Value>, Trouble> {
    let command = match what {
        What::Live(Live::Start) => Command::LiveStart,
        What::Live(Live::Stop) => Command::LiveStop,
        What::Destination(Destination::Set(set)) => return destination(set).map(Some),
        What::Destination(Destination::Enable { name }) => enable(name, true),
        What::Destination(Destination::Disable { name }) => enable(name, false),
        What::Destination(Destination::Remove { name }) => Command::DestinationRemove {
            destination: name.clone(),
        },
        What::Mic(Mic::Volume { percent }) => Command::MicVolume { percent: *percent },
        What::Mic(Mic::On) => Command::MicSwitch { on: true },
        What::Mic(Mic::Off) => Command::MicSwitch { on: false },
        What::Audio(Audio::Gain { db }) => Command::AudioGain { gain_db: *db },
        What::Audio(Audio::Mute) => Command::AudioMute { muted: true },
        What::Audio(Audio::Unmute) => Command::AudioMute { muted: false },
        What::Audio(Audio::Offset { ms }) => Command::AudioOffset { offset_ms: *ms },
        What::Profile(ProfileSub::Bitrate { bitrate }) => Command::BitrateSet { bitrate: *bitrate },
        What::Profile(ProfileSub::P1080(rate)) => named(Profile::P1080, rate.bitrate),
        What::Profile(ProfileSub::P720(rate)) => named(Profile::P720, rate.bitrate),
        What::Profile(ProfileSub::P480(rate)) => named(Profile::P480, rate.bitrate),
        What::Overlay(Overlay::Text { text, seconds }) => Command::OverlayText(Banner {
            text: text.clone(),
            seconds: *seconds,
        }),
        What::Overlay(Overlay::Clear) => Command::OverlayClear,
        What::Notify(notify) => Command::Notify(notice(notify)),
        What::Danmaku(danmaku) => danmaku.command(),
        What::Alert(alert) => alert.command(),
        What::Moderation(moderation) => moderation.command(),
        What::Room(room) => room.command(),
        What::Panic(panic) => Command::Panic { on: !panic.off },
        What::LowerThird(title) => title.command(),
        What::Ticker(ticker) => Command::Ticker {
            text: ticker.text.clone(),
        },
        What::Countdown(countdown) => countdown.command(&jiff::Zoned::now())?,
        What::Product(product) => product.command()?,
        What::Poll(poll) => poll.command(),
        What::Logo(logo) => logo.command()?,
        What::Layer(layer) => layer.command(),
        What::DanmakuSet(change) => change.command(),
        What::Logs { lines } => Command::Logs { lines: *lines },
        What::Config(Config::Validate { file }) => Command::ConfigValidate {
            toml: text_of(file)?,
        },
        What::Update(update) => update.command(),
        What::Identify => Command::Identify,
        What::Setup(Setup::Open) => Command::SetupOpen { open: true },
        What::Setup(Setup::Close) => Command::SetupOpen { open: false },
        What::Setup(Setup::Show) => Command::Status,
        What::Restart => Command::Restart,
        What::Reboot { .. } => Command::Reboot,
        What::FactoryReset { .. } => Command::FactoryReset,
        What::Shutdown => Command::Shutdown,
        What::Status { .. } => Command::Status,
        What::Profile(ProfileSub::Custom { .. })
        | What::Camera(_)
        | What::Snapshot(_)
        | What::Raw { .. } => return Ok(None),
    };
    Ok(Some(bare(&command)))
}

/// The command as JSON; what is left out does not go over the wire.
pub(in crate::cli) fn bare(command: &Command) -> Value {
    let mut value = json!(command);
    if let Some(args) = value.get_mut("args").and_then(Value::as_object_mut) {
        args.retain(|_, v| !v.is_null());
    }
    value
}

fn named(profile: Profile, bitrate: Option<u32>) -> Command {
    Command::ProfileSet {
        profile: Some(profile),
        bitrate,
        video: None,
    }
}

fn enable(name: &DestinationName, enabled: bool) -> Command {
    Command::DestinationEnable {
        destination: name.clone(),
        enabled,
    }
}

fn destination(set: &DestinationSet) -> Result<Value, Trouble> {
    let key = match &set.key_file {
        Some(file) => Some(key_in(file)?),
        None if set.key_stdin => Some(key_from(&mut std::io::stdin().lock())?),
        None => None,
    };
    let mut value = bare(&Command::DestinationSet {
        destination: set.name.clone(),
        url: set.url.clone(),
        key: None,
        enabled: set.disabled.then_some(false),
        max_bitrate: set.max_bitrate,
    });
    if let Some(key) = key {
        value["args"]["key"] = json!(key.expose());
    }
    Ok(value)
}

fn key_in(file: &Path) -> Result<Secret, Trouble> {
    read_key_file(file).map_err(|(message, mend)| {
        let mend = mend.map(|m| format!(" {m}")).unwrap_or_default();
        Trouble::Usage(format!("{message}{mend}"))
    })
}

/// One line, and nothing of it in any complaint.
fn key_from(input: &mut dyn Read) -> Result<Secret, Trouble> {
    let wrong = |what: &str| Trouble::Usage(format!("The key on standard input {what}."));
    let mut bytes = Vec::new();
    input
        .take(MAX_KEY + 1)
        .read_to_end(&mut bytes)
        .map_err(|_| wrong("cannot be read"))?;
    if bytes.len() as u64 > MAX_KEY {
        return Err(wrong("is longer than 4 KiB"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("is not text"))?;
    match text.trim() {
        "" => Err(wrong("is empty")),
        key if key.contains('\n') => Err(wrong("has more than one line")),
        key => Ok(Secret::new(key)),
    }
}

fn notice(notify: &Notify) -> Notice {
    Notice {
        who: notify.who.clone(),
        what: notify.what.clone(),
        kind: notify.kind,
        platform: notify.platform.clone(),
        colour: notify.colour,
    }
}

fn text_of(file: &Path) -> Result<String, Trouble> {
    let wrong = |what: String| Trouble::Usage(format!("{}: {what}.", file.display()));
    let read = |input: &mut dyn Read| {
        let mut bytes = Vec::new();
        input
            .take(MAX_FILE + 1)
            .read_to_end(&mut bytes)
            .map(|_| bytes)
    };
    let bytes = if file.as_os_str() == "-" {
        read(&mut std::io::stdin().lock())
    } else {
        std::fs::File::open(file).and_then(|mut f| read(&mut f))
    }
    .map_err(|e| wrong(e.to_string()))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(wrong(format!("is longer than {} KiB", MAX_FILE / 1024)));
    }
    String::from_utf8(bytes).map_err(|_| wrong("is not text".into()))
}

/// The main rendition in force, with another size, rate and bitrate.
pub(super) fn custom(sub: ProfileSub, status: &Value) -> Result<Value, Trouble> {
    let now = serde_json::from_value::<VideoSettings>(status["encoders"][0]["video"].clone())
        .map_err(|e| Trouble::Broken(format!("The box does not say what it encodes: {e}.")))?;
    let ProfileSub::Custom {
        width,
        height,
        fps,
        rate,
    } = sub
    else {
        return Err(Trouble::Usage("This profile has a name.".into()));
    };
    Ok(bare(&Command::video(VideoSettings {
        width,
        height,
        fps,
        bitrate: rate.bitrate.unwrap_or(now.bitrate),
        ..now
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_in_one_line_and_is_in_no_complaint() {
        let key = |bytes: &[u8]| key_from(&mut &bytes[..]);
        assert_eq!(key(b"canary-1\r\n").unwrap().expose(), "canary-1");
        let long = [b'c'; 5000];
        for bad in [&b""[..], b" \n ", b"canary\ncanary", b"canary\xff", &long] {
            let Err(Trouble::Usage(text)) = key(bad) else {
                panic!("{bad:?}")
            };
            assert!(!text.contains("canary"), "{text}");
        }
    }

    #[test]
    fn what_is_left_out_does_not_go_over_the_wire() {
        assert_eq!(
            bare(&named(Profile::P720, None)),
            json!({"name": "profile-set", "args": {"profile": "720p30"}})
        );
        let all = Command::CameraControlReset { control: None };
        assert_eq!(
            bare(&all),
            json!({"name": "camera-control-reset", "args": {}})
        );
        assert_eq!(bare(&Command::Identify), json!({"name": "identify"}));
    }
}
