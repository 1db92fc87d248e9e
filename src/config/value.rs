//! From what was written (TOML, or text from the environment) to a checked value of a key's kind.
//!
//! Messages never repeat text from outside: any of it may be a stream key in the wrong place. Numbers outside
//! destinations, and words close to an allowed one, are the exceptions.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::keys::{Key, Kind, bitrate_text};
use super::suggest::nearest;
use super::types::Secret;

/// A checked value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Of [`Kind::Bool`].
    Bool(bool),
    /// Of [`Kind::Int`], [`Kind::IntOf`] and [`Kind::Bitrate`].
    Int(i64),
    /// Of [`Kind::Float`].
    Float(f64),
    /// Of [`Kind::Text`] and [`Kind::Choice`].
    Text(String),
    /// Of [`Kind::Path`], made absolute against the folder of its file.
    Path(PathBuf),
    /// Of [`Kind::Ip`].
    Ip(IpAddr),
    /// Of [`Kind::Secret`].
    Secret(Secret),
}

/// The whole number in a value, where it has one that fits.
pub fn number<T: TryFrom<i64>>(value: &Value) -> Option<T> {
    match value {
        Value::Int(n) => T::try_from(*n).ok(),
        _ => None,
    }
}

/// What was written, before it is checked.
pub enum Raw<'a> {
    /// A boolean.
    Bool(bool),
    /// A whole number; `None`: beyond 64 bits.
    Int(Option<i64>),
    /// A number with a point or an exponent.
    Float(f64),
    /// Text.
    Text(&'a str),
    /// Anything else, by its name: `an array`.
    Other(&'static str),
}

impl Raw<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a true or false",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number with a point",
            Self::Text(_) => "text",
            Self::Other(name) => name,
        }
    }
}

/// Why a value was refused.
#[derive(Debug)]
pub struct Refusal {
    /// What follows the key's name: `must be …, not …`.
    pub clause: String,
    /// A sentence on what to do.
    pub mend: Option<String>,
}

impl Refusal {
    fn new(clause: impl Into<String>) -> Self {
        Self {
            clause: clause.into(),
            mend: None,
        }
    }

    fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }
}

/// Checks `raw` against the key. `base`: the folder that relative paths count from.
pub fn check(key: &Key, raw: &Raw, base: Option<&Path>) -> Result<Value, Refusal> {
    let wrong_type = || Refusal::new(format!("must be {}, not {}", key.expected(), raw.name()));
    match (key.kind, raw) {
        (Kind::Bool, Raw::Bool(b)) => Ok(Value::Bool(*b)),
        (Kind::Bool, Raw::Text("true" | "false")) => {
            Err(wrong_type().mend("Leave out the quotes."))
        }
        (Kind::Int(min, max, _), Raw::Int(n)) => within(key, *n, |n| (min..=max).contains(&n)),
        (Kind::IntOf(of, _), Raw::Int(n)) => within(key, *n, |n| of.contains(&n)),
        (Kind::Int(..) | Kind::IntOf(..), Raw::Text(t)) if t.parse::<i64>().is_ok() => {
            Err(wrong_type().mend("Leave out the quotes."))
        }
        // `gain_db = 3` is as good as `3.0`; bounds are far below where f64 loses whole numbers.
        #[allow(clippy::cast_precision_loss)]
        (Kind::Float(min, max, _), Raw::Int(Some(n))) => float(key, *n as f64, min, max),
        (Kind::Float(min, max, _), Raw::Float(x)) => float(key, *x, min, max),
        (Kind::Text(_, check), Raw::Text(t)) => match check(t) {
            Ok(()) => Ok(Value::Text((*t).to_owned())),
            Err(clause) => Err(Refusal::new(clause)),
        },
        (Kind::Line, Raw::Int(n)) => within(key, *n, |n| (0..=checks::MAX_OFFSET).contains(&n))
            .map(|_| Value::Text(n.unwrap_or_default().to_string())),
        (Kind::Line, Raw::Text(t)) => match checks::gpio_line(t) {
            Ok(()) => Ok(Value::Text((*t).to_owned())),
            Err(clause) => Err(Refusal::new(clause)),
        },
        (Kind::Choice(words), Raw::Text(t)) => choice(key, words, t),
        (Kind::Path, Raw::Text(t)) => path(t, base),
        (Kind::Bitrate(min, max), Raw::Int(n)) => bitrate(key, *n, min, max),
        (Kind::Bitrate(min, max), Raw::Text(t)) => match bitrate_number(t) {
            Some(n) => bitrate(key, Some(n), min, max),
            None => Err(Refusal::new(format!("must be {}", key.expected()))),
        },
        (Kind::Ip, Raw::Text(t)) => t
            .parse()
            .map(Value::Ip)
            .map_err(|_| Refusal::new("must be an IP address, such as 0.0.0.0 or ::1")),
        (Kind::Secret, Raw::Text(t)) => match secret(key, t) {
            Ok(()) => Ok(Value::Secret(Secret::new(*t))),
            Err(clause) => Err(Refusal::new(clause)),
        },
        _ => Err(wrong_type()),
    }
}

/// Checks text from the environment, a flag or the table of defaults: the kind of the key decides how it is read.
pub fn parse_text(key: &Key, text: &str, base: Option<&Path>) -> Result<Value, Refusal> {
    let raw = match key.kind {
        Kind::Bool => match text {
            "true" => Raw::Bool(true),
            "false" => Raw::Bool(false),
            _ => return Err(Refusal::new("must be true or false")),
        },
        Kind::Int(..) | Kind::IntOf(..) => match text.parse() {
            Ok(n) => Raw::Int(Some(n)),
            Err(_) => return Err(Refusal::new(format!("must be {}", key.expected()))),
        },
        Kind::Float(..) => match text.parse() {
            Ok(x) => Raw::Float(x),
            Err(_) => return Err(Refusal::new(format!("must be {}", key.expected()))),
        },
        _ => Raw::Text(text),
    };
    check(key, &raw, base)
}

fn within(key: &Key, n: Option<i64>, ok: impl Fn(i64) -> bool) -> Result<Value, Refusal> {
    match n {
        Some(n) if ok(n) => Ok(Value::Int(n)),
        Some(n) if key.may_be_shown() => {
            Err(Refusal::new(format!("must be {}, not {n}", key.expected())))
        }
        _ => Err(Refusal::new(format!("must be {}", key.expected()))),
    }
}

fn float(key: &Key, x: f64, min: f64, max: f64) -> Result<Value, Refusal> {
    if (min..=max).contains(&x) {
        Ok(Value::Float(x))
    } else {
        Err(Refusal::new(format!("must be {}, not {x}", key.expected())))
    }
}

fn bitrate(key: &Key, n: Option<i64>, min: u32, max: u32) -> Result<Value, Refusal> {
    let fits = |n: i64| (i64::from(min)..=i64::from(max)).contains(&n);
    let value = within(key, n, fits);
    match n {
        // 2500 was meant as kbit/s if a thousand times as much fits.
        Some(n) if value.is_err() && n < 100_000 && fits(n.saturating_mul(1000)) => value
            .map_err(|e| e.mend("A bare number is in bit/s; add k for kbit/s or M for Mbit/s.")),
        _ => value,
    }
}

/// `2500k`, `2.5M`, `2500000` in bit/s; nothing for anything else.
pub(crate) fn bitrate_number(text: &str) -> Option<i64> {
    let (number, factor) = match text.as_bytes().last()? {
        b'k' | b'K' => (&text[..text.len() - 1], 1e3),
        b'M' => (&text[..text.len() - 1], 1e6),
        _ => (text, 1.0),
    };
    let plain = number.len() <= 12 && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let bits = number.parse::<f64>().ok().filter(|_| plain)? * factor;
    // At most 12 digits times 10⁶ fits i64.
    #[allow(clippy::cast_possible_truncation)]
    Some(bits.round() as i64)
}

fn choice(key: &Key, words: &[&str], text: &str) -> Result<Value, Refusal> {
    if words.contains(&text) {
        return Ok(Value::Text(text.to_owned()));
    }
    let refusal = Refusal::new(format!("must be {}", key.expected()));
    Err(match nearest(text, words.iter().copied()) {
        Some(word) => refusal.mend(format!("Did you mean \"{word}\"?")),
        None => refusal,
    })
}

/// How a path begins that names a credential of the service (systemd.exec(5), `LoadCredential=`, `ImportCredential=`).
const CREDENTIALS: &str = "$CREDENTIALS_DIRECTORY/";

/// The file of a credential; outside a service one that cannot exist, which is told where it is read.
fn credential(name: &str) -> Result<PathBuf, Refusal> {
    if name.is_empty() || name.contains('/') || name == ".." {
        return Err(Refusal::new("must name one credential after the folder"));
    }
    let folder = super::key_file::credentials();
    Ok(folder
        .unwrap_or_else(|| "/run/credentials/none".into())
        .join(name))
}

/// Keys and passwords have no spaces, but for the one that people choose to be spoken.
fn secret(key: &Key, text: &str) -> Result<(), String> {
    match key.path {
        "wifi.password" => super::wifi::password(text),
        _ => checks::stream_key(text),
    }
}

fn path(text: &str, base: Option<&Path>) -> Result<Value, Refusal> {
    if text.len() > 4096 || text.chars().any(char::is_control) {
        return Err(Refusal::new("must be a path without control characters"));
    }
    if text.starts_with('~') {
        return Err(Refusal::new("must not begin with ~").mend("Write the whole path."));
    }
    if let Some(name) = text.strip_prefix(CREDENTIALS) {
        return credential(name).map(Value::Path);
    }
    let path = PathBuf::from(text);
    Ok(Value::Path(match base {
        Some(base) if !text.is_empty() => base.join(path),
        _ => path,
    }))
}

/// Checks of texts: each answers with a clause that follows the key's name and does not repeat the text.
pub mod checks {
    use crate::config::mqtt::BrokerUrl;
    use crate::config::types::{BoxId, BoxName, DestinationName, StreamUrl};

    /// The name of the box.
    pub fn box_name(s: &str) -> Result<(), String> {
        s.parse::<BoxName>().map(|_| ())
    }

    /// The name of a destination.
    pub fn destination(s: &str) -> Result<(), String> {
        s.parse::<DestinationName>().map(|_| ())
    }

    /// The address of a destination.
    pub fn url(s: &str) -> Result<(), String> {
        s.parse::<StreamUrl>().map(|_| ())
    }

    /// `auto`, the id of a board profile, or the absolute path of one.
    pub fn board(s: &str) -> Result<(), String> {
        use crate::config::board;
        if s == "auto" || board::by_id(s).is_some() {
            return Ok(());
        }
        if s.starts_with('/') {
            return line(s);
        }
        let ids: Vec<_> = board::all().iter().map(|b| b.id.as_str()).collect();
        Err(format!(
            "must be auto, a path that begins with /, or one of {}",
            ids.join(", ")
        ))
    }

    /// The address of an MQTT broker; empty: none.
    pub fn broker(s: &str) -> Result<(), String> {
        s.parse::<BrokerUrl>().map(|_| ())
    }

    /// One segment of an MQTT topic.
    pub fn segment(s: &str) -> Result<(), String> {
        s.parse::<BoxId>().map(|_| ())
    }

    /// A line of at most 256 bytes.
    pub fn line(s: &str) -> Result<(), String> {
        if s.len() > 256 || s.chars().any(char::is_control) {
            return Err("must be at most 256 bytes without control characters".into());
        }
        Ok(())
    }

    /// More lines than any GPIO chip has.
    pub const MAX_OFFSET: i64 = 65_535;

    /// A GPIO line's number, or its name, of which the kernel keeps 31 bytes.
    pub fn gpio_line(s: &str) -> Result<(), String> {
        let named = (1..=31).contains(&s.len()) && !s.chars().any(char::is_control);
        let number = s.bytes().all(|b| b.is_ascii_digit());
        if named && (!number || s.parse::<i64>().is_ok_and(|n| n <= MAX_OFFSET)) {
            return Ok(());
        }
        Err(format!(
            "must be a line's number (0 to {MAX_OFFSET}) or its name of at most 31 bytes"
        ))
    }

    /// Names in `/sys/class/leds`, with commas between them.
    pub fn led_names(s: &str) -> Result<(), String> {
        if s.len() > 256 {
            return Err("must be at most 256 bytes".into());
        }
        if s.is_empty() {
            return Ok(());
        }
        s.split(',').try_for_each(|name| led_name(name.trim()))
    }

    /// A name in `/sys/class/leds`: one part of a path.
    pub fn led_name(s: &str) -> Result<(), String> {
        let named = (1..=64).contains(&s.len()) && !s.chars().any(|c| c.is_control() || c == '/');
        if named && s != "." && s != ".." {
            return Ok(());
        }
        Err("must be a name in /sys/class/leds, at most 64 bytes without /".into())
    }

    /// `#rrggbb`.
    pub fn colour(s: &str) -> Result<(), String> {
        s.parse::<crate::config::Rgb>().map(|_| ())
    }

    /// Words with commas between them.
    pub fn words(s: &str) -> Result<(), String> {
        if s.len() <= 65_536 && !s.chars().any(char::is_control) {
            return Ok(());
        }
        Err("must be at most 64 KiB of words with commas between them, in one line".into())
    }

    /// `auto` or a GStreamer element's name.
    pub fn element(s: &str) -> Result<(), String> {
        let ok = (1..=64).contains(&s.len())
            && s.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b));
        ok.then_some(()).ok_or_else(|| {
            "must be auto or the name of a GStreamer encoder, such as x264enc".into()
        })
    }

    /// A user name that needs no quoting in a digest header or an address.
    pub fn user(s: &str) -> Result<(), String> {
        let ok = (1..=64).contains(&s.len())
            && s.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        ok.then_some(())
            .ok_or_else(|| "must be 1 to 64 of letters, digits, -, _ and .".into())
    }

    /// A stream key: one word.
    pub fn stream_key(s: &str) -> Result<(), String> {
        if s.is_empty() {
            return Err("must not be empty".into());
        }
        if s.len() > 2048 || s.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err("must be at most 2048 bytes without spaces or line ends".into());
        }
        Ok(())
    }

    /// A level, or a list of `target=level` and levels.
    pub fn log_filter(s: &str) -> Result<(), String> {
        let level = |l: &str| ["off", "error", "warn", "info", "debug", "trace"].contains(&l);
        let target = |t: &str| {
            !t.is_empty()
                && t.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':')
        };
        let part = |p: &str| match p.split_once('=') {
            Some((t, l)) => target(t) && level(l),
            None => level(p),
        };
        if s.len() <= 512 && s.split(',').all(|p| part(p.trim())) {
            Ok(())
        } else {
            Err("must be error, warn, info, debug or trace, or a filter such as \"info,boothcast::media=debug\"".into())
        }
    }
}

/// A value as plain text, for a shell: whole numbers in their unit, text without quotes.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Bool(b) => b.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Float(x) => x.to_string(),
        Value::Text(t) => t.clone(),
        Value::Path(p) => p.display().to_string(),
        Value::Ip(ip) => ip.to_string(),
        Value::Secret(s) => s.to_string(),
    }
}

/// A value as it would be written, for the reference; secrets as `***`.
#[must_use]
pub fn shown(key: &Key, value: &Value) -> String {
    match (key.kind, value) {
        (_, Value::Bool(b)) => b.to_string(),
        (Kind::Bitrate(..), Value::Int(n)) => {
            format!("\"{}\"", bitrate_text(u32::try_from(*n).unwrap_or(0)))
        }
        (_, Value::Int(n)) => n.to_string(),
        (_, Value::Float(x)) => format!("{x:?}"),
        (_, Value::Text(t)) => format!("{t:?}"),
        (_, Value::Path(p)) => format!("{:?}", p.display().to_string()),
        (_, Value::Ip(ip)) => format!("\"{ip}\""),
        (_, Value::Secret(s)) => s.to_string(),
    }
}
