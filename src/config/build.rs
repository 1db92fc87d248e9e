//! From merged layers to [`Config`]: defaults for what is missing, profiles to numbers, key files read.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::de::IntoDeserializer;
use serde::de::value::Error as WordError;

use super::board::Board;
use super::key_file;
use super::keys::{self, Default};
use super::layer::{Dest, Entry, Layer};
use super::problems::{Origin, Problem, Problems};
use super::schema::{
    AdaptiveConfig, AudioConfig, BoxConfig, Config, Destination, EncodeConfig, LogConfig,
    PathsConfig, Profile, RtspConfig, SlateConfig, SubConfig, VideoConfig, VideoSettings,
};
use super::table::KEYS;
use super::types::{DestinationName, Secret, StreamUrl};
use super::value::{Value, parse_text};

/// How the built-in defaults are called in messages.
pub const DEFAULTS: &str = "defaults";

/// The layer of the built-in defaults, straight from the table.
pub fn defaults() -> Layer {
    let mut layer = Layer::default();
    for key in KEYS {
        if let Default::Is(text) = key.default
            && key.section() != "destination"
            && let Ok(value) = parse_text(key, text, None)
        {
            let entry = entry(DEFAULTS, key.path, value);
            layer.entries.insert(key.path, entry);
        }
    }
    layer
}

/// The layer of the board: what it is known to sustain.
pub fn of_board(board: &Board, layer: &mut Layer) {
    if let Some(profile) = board.default_profile {
        let value = Value::Text(profile.name().to_owned());
        let entry = entry(DEFAULTS, "encode.profile", value);
        layer.entries.insert("encode.profile", entry);
    }
}

/// The layer's state folder, which is a default that the process decides.
pub fn of_state(folder: PathBuf, layer: &mut Layer) {
    let entry = entry(DEFAULTS, "paths.state", Value::Path(folder));
    layer.entries.insert("paths.state", entry);
}

fn entry(source: &str, path: &str, value: Value) -> Entry {
    let at = Origin {
        source: source.into(),
        place: None,
        label: path.to_owned(),
    };
    Entry {
        value: Some(value),
        at,
    }
}

/// Merged layers over the defaults.
pub struct Merged {
    /// Everything that was written, over the defaults.
    pub layer: Layer,
    /// The defaults alone, for keys whose value was refused.
    pub defaults: Layer,
}

impl Merged {
    /// The value in force: the default where what was written was refused.
    pub fn value(&self, path: &str) -> Option<&Value> {
        let of = |layer: &'_ Layer| layer.entries.get(path).is_some_and(|e| e.value.is_some());
        let layer = if of(&self.layer) {
            &self.layer
        } else {
            &self.defaults
        };
        layer.entries.get(path)?.value.as_ref()
    }

    /// Where the key was written, if somebody wrote it.
    pub fn written(&self, path: &str) -> Option<&Entry> {
        let entry = self.layer.entries.get(path)?;
        (&*entry.at.source != DEFAULTS).then_some(entry)
    }

    /// Whether what was written for the key was refused: nothing else should be said about it then.
    pub fn refused(&self, path: &str) -> bool {
        self.layer
            .entries
            .get(path)
            .is_some_and(|e| e.value.is_none())
    }

    /// Where to point for a problem between keys: the first of them that somebody wrote.
    pub fn origin(&self, paths: &[&str]) -> Origin {
        let written = paths.iter().find_map(|p| self.written(p));
        match written {
            Some(entry) => entry.at.clone(),
            None => Origin {
                source: DEFAULTS.into(),
                place: None,
                label: paths.first().copied().unwrap_or_default().to_owned(),
            },
        }
    }

    /// A boolean in force.
    pub fn bool(&self, path: &str) -> bool {
        matches!(self.value(path), Some(Value::Bool(true)))
    }

    /// A whole number in force, if there is one.
    pub fn number<T: TryFrom<i64>>(&self, path: &str) -> Option<T> {
        number(self.value(path)?)
    }

    /// Text in force.
    pub fn text(&self, path: &str) -> &str {
        match self.value(path) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// A path in force; empty where there is none.
    pub fn path(&self, path: &str) -> PathBuf {
        match self.value(path) {
            Some(Value::Path(path)) => path.clone(),
            _ => PathBuf::new(),
        }
    }

    // Bounded by the table to numbers that f32 holds well enough.
    #[allow(clippy::cast_possible_truncation)]
    fn float(&self, path: &str) -> f32 {
        match self.value(path) {
            Some(Value::Float(x)) => *x as f32,
            _ => 0.0,
        }
    }

    fn int<T: TryFrom<i64> + std::default::Default>(&self, path: &str) -> T {
        self.number(path).unwrap_or_default()
    }

    /// A word in force, as its enumeration.
    pub fn word<T: DeserializeOwned>(&self, path: &str) -> Result<T, Problem> {
        let word = self.text(path);
        let parsed: Result<T, WordError> = T::deserialize(word.into_deserializer());
        parsed.map_err(|_| {
            self.origin(&[path])
                .problem("has a value that this program does not know")
        })
    }
}

fn number<T: TryFrom<i64>>(value: &Value) -> Option<T> {
    match value {
        Value::Int(n) => T::try_from(*n).ok(),
        _ => None,
    }
}

/// Everything but the destinations.
pub fn config(m: &Merged, destination: Vec<Destination>) -> Result<Config, Problem> {
    let encode = encode(m)?;
    Ok(Config {
        box_: BoxConfig {
            name: checked(m.text("box.name"), m, "box.name")?,
        },
        video: VideoConfig {
            source: m.word("video.source")?,
            device: m.text("video.device").to_owned(),
            file: m.path("video.file"),
            format: m.word("video.format")?,
            passthrough: m.bool("video.passthrough"),
            test_pattern: m.text("video.test_pattern").to_owned(),
        },
        audio: AudioConfig {
            source: m.word("audio.source")?,
            device: m.text("audio.device").to_owned(),
            file: m.path("audio.file"),
            rate: m.int("audio.rate"),
            channels: m.int("audio.channels"),
            bitrate: m.int("audio.bitrate"),
            gain_db: m.float("audio.gain_db"),
            offset_ms: m.int("audio.offset_ms"),
        },
        sub: sub(m, &encode.video),
        encode,
        rtsp: rtsp(m)?,
        destination,
        adaptive: AdaptiveConfig {
            enabled: m.bool("adaptive.enabled"),
            floor: m.int("adaptive.floor"),
        },
        slate: SlateConfig {
            picture: m.path("slate.picture"),
        },
        paths: PathsConfig {
            state: m.path("paths.state"),
        },
        log: LogConfig {
            level: m.text("log.level").to_owned(),
            json: m.bool("log.json"),
        },
    })
}

fn checked<T: std::str::FromStr<Err = String>>(
    text: &str,
    m: &Merged,
    path: &str,
) -> Result<T, Problem> {
    text.parse()
        .map_err(|clause: String| m.origin(&[path]).problem(&clause))
}

/// `[encode]` with the profile's numbers in place.
pub fn encode(m: &Merged) -> Result<EncodeConfig, Problem> {
    let profile: Profile = m.word("encode.profile")?;
    let named = profile.numbers();
    Ok(EncodeConfig {
        profile,
        video: VideoSettings {
            width: m.number("encode.width").unwrap_or(named.0),
            height: m.number("encode.height").unwrap_or(named.1),
            fps: m.number("encode.fps").unwrap_or(named.2),
            bitrate: m.number("encode.bitrate").unwrap_or(named.3),
            gop_s: m.float("encode.gop_s"),
            h264_profile: m.word("encode.h264_profile")?,
        },
        encoder: m.text("encode.encoder").to_owned(),
    })
}

fn sub(m: &Merged, main: &VideoSettings) -> SubConfig {
    SubConfig {
        enabled: m.bool("sub.enabled"),
        video: VideoSettings {
            width: m.int("sub.width"),
            height: m.int("sub.height"),
            fps: m.int("sub.fps"),
            bitrate: m.int("sub.bitrate"),
            ..main.clone()
        },
    }
}

fn rtsp(m: &Merged) -> Result<RtspConfig, Problem> {
    Ok(RtspConfig {
        enabled: m.bool("rtsp.enabled"),
        listen: match m.value("rtsp.listen") {
            Some(Value::Ip(ip)) => *ip,
            _ => IpAddr::from([0, 0, 0, 0]),
        },
        port: m.int("rtsp.port"),
        auth: m.word("rtsp.auth")?,
        user: m.text("rtsp.user").to_owned(),
        max_readers: m.int("rtsp.max_readers"),
        session_timeout_s: m.int("rtsp.session_timeout_s"),
        tls_cert: m.path("rtsp.tls_cert"),
        tls_key: m.path("rtsp.tls_key"),
        tls_port: m.int("rtsp.tls_port"),
    })
}

/// One destination, with its key read; nothing if any part of it is missing or wrong (each part is reported).
pub fn destination(dest: &Dest, problems: &mut Problems) -> Option<Destination> {
    for key in keys::keys_of("destination") {
        if matches!(key.default, Default::Required) && !dest.entries.contains_key(key.path) {
            let problem = dest
                .at
                .sentence(format!("This destination has no {}.", key.name()));
            problems.push(problem.mend(format!("Add {} = \"…\": {}.", key.name(), key.expected())));
        }
    }
    let key = stream_key(dest, problems);
    let name: DestinationName = dest.name()?.parse().ok()?;
    let url = address(dest)?;
    let key = key?;
    if url.as_str().contains(key.expose()) && key.expose().len() >= 4 {
        let at = dest
            .entries
            .get("destination.url")
            .map_or(&dest.at, |e| &e.at);
        problems.push(
            at.problem("holds the stream key")
                .mend("Leave the key out of the address; Boothcast adds it."),
        );
        return None;
    }
    let value = |path: &str| dest.entries.get(path).and_then(|e| e.value.as_ref());
    Some(Destination {
        name,
        url,
        key,
        enabled: value("destination.enabled") != Some(&Value::Bool(false)),
        max_bitrate: value("destination.max_bitrate").and_then(number),
        tls_ca: match value("destination.tls_ca") {
            Some(Value::Path(path)) => path.clone(),
            _ => PathBuf::new(),
        },
    })
}

/// The valid address, if there is one.
pub fn address(dest: &Dest) -> Option<StreamUrl> {
    match dest.entries.get("destination.url")?.value.as_ref()? {
        Value::Text(url) => url.parse().ok(),
        _ => None,
    }
}

fn stream_key(dest: &Dest, problems: &mut Problems) -> Option<Secret> {
    let key = dest.entries.get("destination.key");
    let file = dest.entries.get("destination.key_file");
    match (key, file) {
        (Some(key), Some(file)) => {
            // Point at the one that stands further down.
            let later = if key.at.place > file.at.place {
                key
            } else {
                file
            };
            let clause =
                "stands beside its other form; a destination has a key or a key_file, not both";
            problems.push(later.at.problem(clause).mend("Remove one of the two."));
            None
        }
        (None, None) => {
            let mut mend =
                "Write the key into a file (chmod 600) and add key_file = \"FILE\".".to_owned();
            if address(dest).is_some_and(|url| url.app().contains('/')) {
                mend.push_str(" If the last part of the url is the stream key, it belongs there.");
            }
            let problem = dest
                .at
                .sentence("This destination has no key and no key_file.");
            problems.push(problem.mend(mend));
            None
        }
        (Some(key), None) => match key.value.as_ref()? {
            Value::Secret(secret) => Some(secret.clone()),
            _ => None,
        },
        (None, Some(file)) => {
            let Value::Path(path) = file.value.as_ref()? else {
                return None;
            };
            if path.as_os_str().is_empty() {
                problems.push(file.at.problem("must not be empty"));
                return None;
            }
            match key_file::read(path) {
                Ok(secret) => Some(secret),
                Err((message, mend)) => {
                    problems.push(file.at.sentence(message).maybe_mend(mend));
                    None
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::Kind;
    use crate::config::schema::*;

    fn knows<T: DeserializeOwned>(path: &str) {
        let Some(Kind::Choice(words)) = keys::by_path(path).map(|k| k.kind) else {
            panic!("{path} is no enumeration");
        };
        for word in words {
            let parsed: Result<T, WordError> = T::deserialize((*word).into_deserializer());
            assert!(parsed.is_ok(), "{path}: {word}");
        }
    }

    #[test]
    fn the_table_and_the_types_agree_on_every_word() {
        knows::<VideoSourceKind>("video.source");
        knows::<CameraFormat>("video.format");
        knows::<AudioSourceKind>("audio.source");
        knows::<Profile>("encode.profile");
        knows::<H264Profile>("encode.h264_profile");
        knows::<RtspAuth>("rtsp.auth");
    }

    #[test]
    fn profiles_have_the_names_of_the_table() {
        for p in [
            Profile::P1080,
            Profile::P720,
            Profile::P480,
            Profile::Custom,
        ] {
            assert_eq!(serde_json::to_value(p).unwrap(), p.name());
        }
    }
}
