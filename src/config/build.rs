//! From merged layers to [`Config`]: defaults for what is missing, profiles to numbers, key files read.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::de::IntoDeserializer;
use serde::de::value::Error as WordError;

use super::board::Board;
use super::keys::Default;
use super::layer::{Entry, Layer};
use super::problems::{Origin, Problems};
use super::schema::{
    AdaptiveConfig, AudioConfig, BoxConfig, Config, Destination, EncodeConfig, LogConfig,
    PathsConfig, Profile, RtspConfig, SlateConfig, SubConfig, ThermalConfig, VideoConfig,
    VideoSettings,
};
use super::table::KEYS;
use super::value::{Value, number, parse_text};
use super::{gpio, mqtt, show};

/// How the built-in defaults are called in messages.
pub const DEFAULTS: &str = "defaults";

/// The default of `thermal.lowest_c`, and how far below it that of `thermal.step_down_c` lies, °C.
const LOWEST_C: f64 = 85.0;
const STEP_C: f64 = 5.0;

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
    let mut set = |path: &'static str, value| {
        layer.entries.insert(path, entry(DEFAULTS, path, value));
    };
    if let Some(profile) = board.default_profile {
        set("encode.profile", Value::Text(profile.name().to_owned()));
    }
    // The smallest picture comes before the firmware takes most of the processor away.
    if let Some(limit) = board.thermal.as_ref().map(|t| f64::from(t.limit_c))
        && limit < LOWEST_C
    {
        set("thermal.lowest_c", Value::Float(limit));
        set("thermal.step_down_c", Value::Float(limit - STEP_C));
    }
    let texts = gpio::texts_of_board(board).into_iter();
    let levels = gpio::levels_of_board(board).into_iter();
    let values = texts
        .map(|(path, text)| (path, Value::Text(text)))
        .chain(levels.map(|(path, low)| (path, Value::Bool(low))));
    for (path, value) in values {
        layer.entries.insert(path, entry(DEFAULTS, path, value));
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

/// Whether files that a configuration names are looked at. Somebody afar who has a text checked must not learn so what is on
/// the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// They are.
    Files,
    /// They are not, and are taken to be in order.
    Nowhere,
}

/// Merged layers over the defaults.
pub struct Merged {
    /// Everything that was written, over the defaults.
    pub layer: Layer,
    /// The defaults alone, for keys whose value was refused.
    pub defaults: Layer,
    /// Whether files that keys name may be looked at.
    pub look: Look,
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
    pub(super) fn float(&self, path: &str) -> f32 {
        match self.value(path) {
            Some(Value::Float(x)) => *x as f32,
            _ => 0.0,
        }
    }

    pub(super) fn int<T: TryFrom<i64> + std::default::Default>(&self, path: &str) -> T {
        self.number(path).unwrap_or_default()
    }

    /// A word in force, as its enumeration.
    pub fn word<T: DeserializeOwned>(&self, path: &str) -> Result<T, Problems> {
        let word = self.text(path);
        let parsed: Result<T, WordError> = T::deserialize(word.into_deserializer());
        parsed.map_err(|_| {
            self.origin(&[path])
                .problem("has a value that this program does not know")
                .into()
        })
    }
}

/// Everything but the destinations.
pub fn config(m: &Merged, destination: Vec<Destination>) -> Result<Config, Problems> {
    let encode = encode(m)?;
    Ok(Config {
        box_: BoxConfig {
            name: checked(m.text("box.name"), m, "box.name")?,
            reboot: m.text("box.reboot").to_owned(),
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
        led: gpio::led(m),
        button: gpio::button(m)?,
        thermal: ThermalConfig {
            enabled: m.bool("thermal.enabled"),
            sensor: m.path("thermal.sensor"),
            step_down_c: m.float("thermal.step_down_c"),
            lowest_c: m.float("thermal.lowest_c"),
            recover_s: m.int("thermal.recover_s"),
        },
        mqtt: mqtt::build(m)?,
        overlay: show::overlay(m)?,
        danmaku: show::danmaku(m)?,
        moderation: show::moderation(m)?,
        room: show::room(m)?,
        web: super::web::web(m)?,
        watch: super::web::watch(m),
        setup: super::setup::setup(m),
        wifi: super::wifi::build(m)?,
        paths: PathsConfig {
            state: m.path("paths.state"),
        },
        log: LogConfig {
            level: m.text("log.level").to_owned(),
            json: m.bool("log.json"),
        },
    })
}

pub(super) fn checked<T: std::str::FromStr<Err = String>>(
    text: &str,
    m: &Merged,
    path: &str,
) -> Result<T, Problems> {
    text.parse()
        .map_err(|clause: String| m.origin(&[path]).problem(&clause).into())
}

/// `[encode]` with the profile's numbers in place.
pub fn encode(m: &Merged) -> Result<EncodeConfig, Problems> {
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
        clean: m.bool("sub.clean"),
        video: VideoSettings {
            width: m.int("sub.width"),
            height: m.int("sub.height"),
            fps: m.int("sub.fps"),
            bitrate: m.int("sub.bitrate"),
            ..main.clone()
        },
    }
}

fn rtsp(m: &Merged) -> Result<RtspConfig, Problems> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::{self, Kind};
    use crate::config::schema::*;
    use crate::config::{Corner, ModerationMode};

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
        knows::<Corner>("overlay.clock_corner");
        knows::<Corner>("overlay.logo_corner");
        knows::<ModerationMode>("moderation.mode");
        knows::<crate::config::Bias>("button.bias");
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
