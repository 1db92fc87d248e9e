//! What a QR code says that is shown to the box's camera: a Wi-Fi network in the form that phones make, or a Boothcast code.
//!
//! ```text
//!   WIFI:T:WPA;S:Shop;P:password;H:true;;
//!   BOOTHCAST:V:1;N:Hall 2;U:rtmp://host/live;K:key;F:fleet;I:id;B:mqtts://broker;M:user;P:password;C:claim token;;
//! ```
//!
//! Both are `NAME:K:value;K:value;;`, with `\` before `\`, `;`, `,`, `:` and `"` inside values (the form of ZXing's
//! "Wi-Fi Network config"). Of a Wi-Fi code, fields that we do not know are ignored, as phones add their own; of a
//! Boothcast code they are refused, because whoever wrote them meant something by them that the box would not do.

use std::str::FromStr;

use super::is_invisible;
use super::types::{BoxId, BoxName, FleetName, Secret, StreamUrl};
use super::value::checks;
use super::{BrokerUrl, DestinationName};

mod read;
#[cfg(test)]
mod tests;

/// Longest code in bytes: what the largest QR code holds (ISO/IEC 18004, version 40, level L).
pub const MAX_BYTES: usize = 2953;
/// The version of Boothcast codes that we write, and the highest that we read.
pub const VERSION: u32 = 1;
/// Under this name the destination of a code is kept.
pub const DESTINATION: &str = "live";

/// What is wrong with a code of something else.
pub const NOT_OURS: &str = "it is neither a Wi-Fi code nor a Boothcast code";

const WIFI: &str = "WIFI:";
const BOX: &str = "BOOTHCAST:";

/// A Wi-Fi network: `WIFI:T:WPA;S:name;P:password;H:true;;`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WifiCode {
    /// Its name (SSID), 1 to 32 bytes.
    pub ssid: String,
    /// Its password, 8 to 63 bytes, or 64 hexadecimal digits (the key itself); `None`: an open network.
    pub password: Option<Secret>,
    /// The network does not say its name.
    pub hidden: bool,
}

/// What a box is to be: `BOOTHCAST:V:1;…;;`. Each part may be left out, but for what needs another.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BoxCode {
    /// Name of the box (`N`).
    pub name: Option<BoxName>,
    /// Where it pushes to (`U`), kept as the destination [`DESTINATION`]; only with a key.
    pub url: Option<StreamUrl>,
    /// Stream key (`K`); only with an address.
    pub key: Option<Secret>,
    /// Fleet (`F`), as in `mqtt.fleet`.
    pub fleet: Option<FleetName>,
    /// Its id in the fleet (`I`), as in `mqtt.id`.
    pub id: Option<BoxId>,
    /// Broker (`B`), as in `mqtt.broker`.
    pub broker: Option<BrokerUrl>,
    /// User at the broker (`M`), 1 to 256 bytes; only with a broker.
    pub user: Option<String>,
    /// Password at the broker (`P`); only with a user. A broker without one has none: an older one is never sent to it.
    pub password: Option<Secret>,
    /// Who claims the box (`C`), 8 to 64 characters: later codes must carry the same, until the factory reset.
    pub claim: Option<Secret>,
}

/// Either.
#[derive(Debug, Clone, PartialEq)]
pub enum SetupCode {
    /// A network to join.
    Wifi(WifiCode),
    /// What the box is to be.
    Box(Box<BoxCode>),
}

impl SetupCode {
    /// Reads the text of a QR code.
    ///
    /// # Errors
    /// One clause that says what is wrong, such as `the code names no network`; never with a value of the code in it.
    pub fn read(text: &str) -> Result<Self, String> {
        // Some programs make a code of a line with its end.
        let text = text.trim_end_matches(['\r', '\n']);
        if text.len() > MAX_BYTES {
            return Err(format!("the code is longer than {MAX_BYTES} bytes"));
        }
        if let Some(rest) = text.strip_prefix(WIFI) {
            read::wifi(rest).map(Self::Wifi)
        } else if let Some(rest) = text.strip_prefix(BOX) {
            read::boothcast(rest).map(|code| Self::Box(Box::new(code)))
        } else {
            Err(NOT_OURS.into())
        }
    }

    /// Whether a text is meant to be such a code, well or badly.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(WIFI) || text.starts_with(BOX)
    }

    /// The text of the QR code, secrets and all.
    #[must_use]
    pub fn text(&self) -> Secret {
        match self {
            Self::Wifi(code) => code.text(),
            Self::Box(code) => code.text(),
        }
    }
}

impl FromStr for SetupCode {
    /// As of [`SetupCode::read`].
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::read(text)
    }
}

impl WifiCode {
    /// Whether there can be such a network.
    ///
    /// # Errors
    /// One clause without the password.
    pub fn check(&self) -> Result<(), String> {
        match self.ssid.len() {
            0 => return Err("the code names no network".into()),
            1..=32 => {}
            _ => return Err("the name of a network has at most 32 bytes".into()),
        }
        if self.ssid.chars().any(|c| c.is_control() || is_invisible(c)) {
            return Err("the name of the network has characters that cannot be shown".into());
        }
        self.password.as_ref().map_or(Ok(()), check_wifi_password)
    }

    /// The text of the QR code, with the password.
    #[must_use]
    pub fn text(&self) -> Secret {
        let mut out = String::from(WIFI);
        let kind = if self.password.is_some() {
            "WPA"
        } else {
            "nopass"
        };
        field(&mut out, 'T', kind);
        field(&mut out, 'S', &self.ssid);
        if let Some(password) = &self.password {
            field(&mut out, 'P', password.expose());
        }
        if self.hidden {
            field(&mut out, 'H', "true");
        }
        out.push(';');
        Secret::new(out)
    }
}

impl BoxCode {
    /// Whether a box can be that.
    ///
    /// # Errors
    /// One clause without secrets.
    pub fn check(&self) -> Result<(), String> {
        if *self == Self::default() {
            return Err("the code says nothing".into());
        }
        match (&self.url, &self.key) {
            (Some(_), None) => {
                return Err("the code has an address (U) without its stream key (K)".into());
            }
            (None, Some(_)) => {
                return Err("the code has a stream key (K) without its address (U)".into());
            }
            _ => {}
        }
        if self.user.is_some() && self.broker.is_none() {
            return Err("the code has a user (M) without a broker (B)".into());
        }
        if self.password.is_some() && self.user.is_none() {
            return Err("the code has a broker's password (P) without a user (M)".into());
        }
        if self
            .user
            .as_ref()
            .is_some_and(|user| user.is_empty() || checks::line(user).is_err())
        {
            return Err("the user (M) must have 1 to 256 bytes without control characters".into());
        }
        for (secret, what) in [
            (&self.key, "stream key (K)"),
            (&self.password, "password (P)"),
        ] {
            if let Some(Err(clause)) = secret.as_ref().map(|s| checks::stream_key(s.expose())) {
                return Err(format!("the {what} {clause}"));
            }
        }
        self.claim.as_ref().map_or(Ok(()), check_claim)
    }

    /// Whether anything in it counts from the next start only: name, fleet, id or broker.
    #[must_use]
    pub fn needs_restart(&self) -> bool {
        self.name.is_some() || self.fleet.is_some() || self.id.is_some() || self.broker.is_some()
    }

    /// Its destination: name, address and key.
    #[must_use]
    pub fn destination(&self) -> Option<(DestinationName, StreamUrl, Secret)> {
        let name = DESTINATION.parse().ok()?;
        Some((name, self.url.clone()?, self.key.clone()?))
    }

    /// The text of the QR code, with the secrets.
    #[must_use]
    pub fn text(&self) -> Secret {
        let mut out = String::from(BOX);
        field(&mut out, 'V', &VERSION.to_string());
        for (key, value) in [
            ('N', self.name.as_ref().map(BoxName::as_str)),
            ('U', self.url.as_ref().map(StreamUrl::as_str)),
            ('K', self.key.as_ref().map(Secret::expose)),
            ('F', self.fleet.as_ref().map(FleetName::as_str)),
            ('I', self.id.as_ref().map(BoxId::as_str)),
            ('B', self.broker.as_ref().map(BrokerUrl::as_str)),
            ('M', self.user.as_deref()),
            ('P', self.password.as_ref().map(Secret::expose)),
            ('C', self.claim.as_ref().map(Secret::expose)),
        ] {
            if let Some(value) = value {
                field(&mut out, key, value);
            }
        }
        out.push(';');
        Secret::new(out)
    }
}

/// IEEE 802.11 has 8 to 63 printable ASCII characters for a passphrase; access points and phones also take UTF-8 of that
/// many bytes. 64 hexadecimal digits are the key itself.
fn check_wifi_password(password: &Secret) -> Result<(), String> {
    let text = password.expose();
    let phrase = (8..=63).contains(&text.len()) && !text.chars().any(char::is_control);
    let key = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if phrase || key {
        Ok(())
    } else {
        Err("a Wi-Fi password has 8 to 63 characters".into())
    }
}

fn check_claim(claim: &Secret) -> Result<(), String> {
    let text = claim.expose();
    if (8..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(())
    } else {
        Err("a claim token (C) has 8 to 64 characters of ASCII without spaces".into())
    }
}

/// Whether a character stands behind a `\` inside a value.
fn is_special(c: char) -> bool {
    matches!(c, '\\' | ';' | ',' | ':' | '"')
}

fn field(out: &mut String, key: char, value: &str) {
    out.push(key);
    out.push(':');
    for c in value.chars() {
        if is_special(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out.push(';');
}
