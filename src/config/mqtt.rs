//! `[mqtt]`: the broker, how it is reached, and who this box is there.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::build::{Look, Merged};
use super::key_file;
use super::problems::Problems;
use super::types::{BoxId, FleetName, Secret};
use super::url::host_and_port;
use super::value::Value;

/// IANA ports of MQTT, plain and over TLS.
const PORT: u16 = 1883;
const TLS_PORT: u16 = 8883;
/// Longest address in bytes.
const MAX_LEN: usize = 512;

/// The address of a broker: `mqtt://host[:port]`, `mqtts://host[:port]` (TLS), or `local`: the one on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    text: String,
    tls: bool,
    host: String,
    port: u16,
}

impl BrokerUrl {
    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the connection is over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// Host name or address, without the brackets of IPv6.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// TCP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the broker is on this machine: then nobody else storms it, and it is joined at once.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self
                .host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback())
    }
}

impl FromStr for BrokerUrl {
    /// One clause that says what is wrong, without the value.
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        if s == "local" {
            return Ok(Self {
                text: s.to_owned(),
                tls: false,
                host: "127.0.0.1".to_owned(),
                port: PORT,
            });
        }
        if s.len() > MAX_LEN {
            return Err(format!("must have at most {MAX_LEN} characters"));
        }
        let (tls, rest) = match (s.strip_prefix("mqtt://"), s.strip_prefix("mqtts://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err("must be local, or start with mqtt:// or mqtts://".into()),
        };
        if rest.contains('@') {
            return Err("must not hold a user; write mqtt.user and mqtt.password_file".into());
        }
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = host_and_port(authority, |host| format!("mqtt://{host}"))?;
        let default = if tls { TLS_PORT } else { PORT };
        Ok(Self {
            text: s.to_owned(),
            tls,
            host,
            port: port.unwrap_or(default),
        })
    }
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for BrokerUrl {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for BrokerUrl {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// `[mqtt]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MqttConfig {
    /// The broker; `None`: no MQTT.
    pub broker: Option<BrokerUrl>,
    /// The fleet that this box belongs to.
    pub fleet: FleetName,
    /// Who it is there; `None`: made from its hardware address.
    pub id: Option<BoxId>,
    /// User; empty: none.
    pub user: String,
    /// Password, if there is one.
    pub password: Option<Secret>,
    /// PEM file of a private certificate authority for `mqtts`; empty: the system's.
    pub tls_ca: PathBuf,
    /// PEM client certificate; empty: none.
    pub tls_cert: PathBuf,
    /// PEM private key of the client certificate.
    pub tls_key: PathBuf,
    /// For how long the broker keeps what it could not deliver, s.
    pub session_expiry_s: u32,
    /// The first wait after a loss is random up to this, s; not for a broker on this machine.
    pub reconnect_s: u32,
    /// Telemetry while live, every s.
    pub telemetry_live_s: u32,
    /// Telemetry while not live, every s.
    pub telemetry_idle_s: u32,
    /// Commands per second from one origin.
    pub rate_per_s: u32,
    /// Commands at once from one origin.
    pub rate_burst: u32,
    /// Whether the box announces itself to Home Assistant.
    pub homeassistant: bool,
    /// Home Assistant's discovery prefix.
    pub homeassistant_prefix: String,
}

/// The section with its password read.
pub(super) fn build(m: &Merged) -> Result<MqttConfig, Problems> {
    let text = |path: &str| m.text(path).to_owned();
    Ok(MqttConfig {
        broker: optional(m, "mqtt.broker")?,
        fleet: required(m, "mqtt.fleet")?,
        id: optional(m, "mqtt.id")?,
        user: text("mqtt.user"),
        password: password(m)?,
        tls_ca: m.path("mqtt.tls_ca"),
        tls_cert: m.path("mqtt.tls_cert"),
        tls_key: m.path("mqtt.tls_key"),
        session_expiry_s: m.number("mqtt.session_expiry_s").unwrap_or_default(),
        reconnect_s: m.number("mqtt.reconnect_s").unwrap_or_default(),
        telemetry_live_s: m.number("mqtt.telemetry_live_s").unwrap_or_default(),
        telemetry_idle_s: m.number("mqtt.telemetry_idle_s").unwrap_or_default(),
        rate_per_s: m.number("mqtt.rate_per_s").unwrap_or_default(),
        rate_burst: m.number("mqtt.rate_burst").unwrap_or_default(),
        homeassistant: m.bool("mqtt.homeassistant"),
        homeassistant_prefix: text("mqtt.homeassistant_prefix"),
    })
}

fn required<T: FromStr<Err = String>>(m: &Merged, path: &str) -> Result<T, Problems> {
    m.text(path)
        .parse()
        .map_err(|clause: String| m.origin(&[path]).problem(&clause).into())
}

fn optional<T: FromStr<Err = String>>(m: &Merged, path: &str) -> Result<Option<T>, Problems> {
    if m.text(path).is_empty() {
        return Ok(None);
    }
    required(m, path).map(Some)
}

fn password(m: &Merged) -> Result<Option<Secret>, Problems> {
    let file = m.path("mqtt.password_file");
    let written = match m.value("mqtt.password") {
        Some(Value::Secret(secret)) if !secret.is_empty() => Some(secret.clone()),
        _ => None,
    };
    if file.as_os_str().is_empty() {
        return Ok(written);
    }
    let at = m.origin(&["mqtt.password_file"]);
    if written.is_some() {
        let clause = "stands beside mqtt.password; there is one password, in one of the two";
        return Err(at.problem(clause).mend("Remove one of the two.").into());
    }
    if m.look == Look::Nowhere {
        return Ok(None);
    }
    key_file::read(&file)
        .map(Some)
        .map_err(|(message, mend)| at.sentence(message).maybe_mend(mend).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        for (text, tls, host, port) in [
            ("local", false, "127.0.0.1", 1883),
            ("mqtt://broker.example", false, "broker.example", 1883),
            ("mqtts://10.0.0.7/", true, "10.0.0.7", 8883),
            ("mqtts://[::1]:884", true, "::1", 884),
        ] {
            let url: BrokerUrl = text.parse().unwrap();
            assert_eq!((url.is_tls(), url.host(), url.port()), (tls, host, port));
        }
        assert!("local".parse::<BrokerUrl>().unwrap().is_loopback());
        assert!("mqtts://[::1]".parse::<BrokerUrl>().unwrap().is_loopback());
        assert!(!"mqtt://box".parse::<BrokerUrl>().unwrap().is_loopback());
    }

    #[test]
    fn wrong_addresses_are_told() {
        for bad in [
            "",
            "broker",
            "http://x",
            "mqtt://",
            "mqtt://u:p@host",
            "mqtt://h:0",
            "mqtt://h:99999",
            "mqtt://[::1",
            "mqtt://[::1]884",
            "mqtt://h:+5",
            "mqtt://[zz]",
            "mqtt://a b",
        ] {
            assert!(bad.parse::<BrokerUrl>().is_err(), "{bad}");
        }
    }
}
