//! [`StreamUrl`]: the address of an RTMP server and its application, taken apart once, at the door.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest address in bytes.
const MAX_LEN: usize = 1024;
/// IANA port of RTMP.
const RTMP_PORT: u16 = 1935;
/// Port of RTMP over TLS: that of HTTPS, by custom of the platforms.
const RTMPS_PORT: u16 = 443;

/// An `rtmp://` or `rtmps://` address with host and application, without user information and without the
/// stream key (the key is a [`Secret`](super::Secret) of its own).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamUrl {
    text: String,
    tls: bool,
    host: String,
    port: u16,
    app: String,
}

impl StreamUrl {
    /// The address as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the connection is over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// Host name or IP address; an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// TCP port: as written, else 1935 (`rtmp`) or 443 (`rtmps`).
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The RTMP application: every segment of the path, `live` or `live/instance`, without outer slashes.
    #[must_use]
    pub fn app(&self) -> &str {
        &self.app
    }

    /// The `tcUrl` of RTMP's `connect`: the address without a trailing slash and without a default port.
    #[must_use]
    pub fn tc_url(&self) -> String {
        format!("{}/{}", self.server(), self.app)
    }

    /// For logs and the status: further segments than the first are hidden, as people put keys there by mistake.
    #[must_use]
    pub fn redacted(&self) -> String {
        match self.app.split_once('/') {
            Some((first, _)) => format!("{}/{first}/…", self.server()),
            None => self.tc_url(),
        }
    }

    fn server(&self) -> String {
        let (scheme, default) = if self.tls {
            ("rtmps", RTMPS_PORT)
        } else {
            ("rtmp", RTMP_PORT)
        };
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        if self.port == default {
            format!("{scheme}://{host}")
        } else {
            format!("{scheme}://{host}:{}", self.port)
        }
    }
}

impl FromStr for StreamUrl {
    /// One clause that says what is wrong, without the value: it may hold a key.
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        if s.len() > MAX_LEN {
            return Err(format!("must have at most {MAX_LEN} characters"));
        }
        let (tls, rest) = if let Some(rest) = s.strip_prefix("rtmp://") {
            (false, rest)
        } else if let Some(rest) = s.strip_prefix("rtmps://") {
            (true, rest)
        } else {
            return Err("must start with rtmp:// or rtmps://".into());
        };
        if s.chars().any(|c| !c.is_ascii_graphic()) {
            return Err("must be plain ASCII without spaces".into());
        }
        if s.contains(['?', '#']) {
            return Err(
                "must not hold ? or #, because what follows belongs to the stream key".into(),
            );
        }
        if s.contains(['"', '<', '>', '\\', '`', '{', '}', '|', '^']) {
            return Err("has a character that no address can have".into());
        }
        let (authority, path) = rest
            .split_once('/')
            .ok_or("must name an application, as in rtmp://host/live")?;
        if rest.contains('@') {
            return Err("must not hold a user name or password".into());
        }
        let (host, port) = host_and_port(authority, |host| format!("rtmp://{host}/live"))?;
        let app = path.strip_suffix('/').unwrap_or(path);
        if app.is_empty() {
            return Err("must name an application, as in rtmp://host/live".into());
        }
        if app.split('/').any(str::is_empty) {
            return Err("has an empty part between two slashes".into());
        }
        Ok(Self {
            text: s.to_owned(),
            tls,
            host,
            port: port.unwrap_or(if tls { RTMPS_PORT } else { RTMP_PORT }),
            app: app.to_owned(),
        })
    }
}

/// RFC 3986 section 3.2, without user information: `host`, `host:port`, `[IPv6]`, `[IPv6]:port`. `example` makes an
/// address of a host, for the sentence on what is wrong.
pub(super) fn host_and_port(
    authority: &str,
    example: impl Fn(&str) -> String,
) -> Result<(String, Option<u16>), String> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest
            .split_once(']')
            .ok_or("has a [ without ] around its IPv6 address")?;
        host.parse::<Ipv6Addr>()
            .map_err(|_| "has no valid IPv6 address between [ and ]")?;
        let port = match after {
            "" => None,
            _ => Some(
                after
                    .strip_prefix(':')
                    .ok_or("has something other than a port after ]")?,
            ),
        };
        (host, port)
    } else {
        match authority.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err(format!(
                    "must have its IPv6 address in brackets, as in {}",
                    example("[::1]")
                ));
            }
            Some((host, port)) => (check_host(host, &example)?, Some(port)),
            None => (check_host(authority, &example)?, None),
        }
    };
    let port = port.map(port_number).transpose()?;
    Ok((host.to_owned(), port))
}

fn check_host<'a>(host: &'a str, example: &impl Fn(&str) -> String) -> Result<&'a str, String> {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && !l.starts_with('-')
            && l.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if host.is_empty() {
        return Err(format!("must have a host, as in {}", example("host")));
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    if host.len() > 253 || !name.split('.').all(label) {
        return Err("has no valid host name".into());
    }
    Ok(host)
}

fn port_number(text: &str) -> Result<u16, String> {
    let digits = (1..=5).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<u16>() {
        Ok(port) if digits && port > 0 => Ok(port),
        _ => Err("must have a port between 1 and 65535 after the colon".into()),
    }
}

impl fmt::Display for StreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for StreamUrl {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.text)
    }
}

impl schemars::JsonSchema for StreamUrl {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "StreamUrl".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^rtmps?://", "maxLength": 1024})
    }
}

impl<'de> Deserialize<'de> for StreamUrl {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(s: &str) -> (bool, String, u16, String) {
        let u: StreamUrl = s.parse().unwrap();
        (u.is_tls(), u.host().into(), u.port(), u.app().into())
    }

    #[test]
    fn takes_an_address_apart() {
        let cases = [
            ("rtmp://a.example/live", (false, "a.example", 1935, "live")),
            ("rtmps://a.example/live2", (true, "a.example", 443, "live2")),
            (
                "rtmp://127.0.0.1:19350/live/",
                (false, "127.0.0.1", 19350, "live"),
            ),
            (
                "rtmp://[fe80::1]:1936/app/inst",
                (false, "fe80::1", 1936, "app/inst"),
            ),
            ("rtmps://[::1]/a", (true, "::1", 443, "a")),
            ("rtmp://live_box./a", (false, "live_box.", 1935, "a")),
        ];
        for (text, (tls, host, port, app)) in cases {
            assert_eq!(parts(text), (tls, host.into(), port, app.into()), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_server_address() {
        for (text, why) in [
            ("http://a/live", "rtmp://"),
            ("rtmp://a", "application"),
            ("rtmp://a/", "application"),
            ("rtmp:///live", "host"),
            ("rtmp://user:pw@a/live", "user name"),
            ("rtmp://a/live@b", "user name"),
            ("rtmp://a:0/live", "port"),
            ("rtmp://a:65536/live", "port"),
            ("rtmp://a:+80/live", "port"),
            ("rtmp://a:/live", "port"),
            ("rtmp://::1/live", "brackets"),
            ("rtmp://[::1/live", "]"),
            ("rtmp://[::g]/live", "IPv6"),
            ("rtmp://[::1]x/live", "after ]"),
            ("rtmp://a b/live", "spaces"),
            ("rtmp://ä/live", "ASCII"),
            ("rtmp://a/live?k=1", "stream key"),
            ("rtmp://a//live", "empty part"),
            ("rtmp://-a/live", "host name"),
        ] {
            let e = text.parse::<StreamUrl>().unwrap_err();
            assert!(e.contains(why), "{text}: {e}");
        }
    }

    #[test]
    fn tc_url_is_canonical_and_redacted_hides_the_tail() {
        let u: StreamUrl = "rtmps://[::1]:443/app/x/".parse().unwrap();
        assert_eq!(u.tc_url(), "rtmps://[::1]/app/x");
        assert_eq!(u.redacted(), "rtmps://[::1]/app/…");
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_passes_is_sound(s in "(rtmps?://)?[ -~é\\x00]{0,60}") {
            if let Ok(u) = s.parse::<StreamUrl>() {
                prop_assert!(u.port() > 0);
                prop_assert!(!u.host().is_empty() && !u.app().is_empty());
                prop_assert!(!u.app().starts_with('/') && !u.app().ends_with('/'));
                let again: StreamUrl = u.tc_url().parse().unwrap();
                prop_assert_eq!((again.host(), again.port(), again.app()), (u.host(), u.port(), u.app()));
            }
        }

        #[test]
        fn plausible_addresses_keep_their_parts(
            tls: bool, host in "[a-z][a-z0-9]{0,10}(\\.[a-z]{2,5}){0,2}", port in 1u16.., app in "[a-z0-9]{1,8}(/[a-z0-9]{1,8}){0,3}"
        ) {
            let scheme = if tls { "rtmps" } else { "rtmp" };
            prop_assert_eq!(parts(&format!("{scheme}://{host}:{port}/{app}")), (tls, host, port, app));
        }

        #[test]
        fn no_error_repeats_the_text(s in "[a-zA-Z0-9:/@]{12,40}") {
            if let Err(e) = s.parse::<StreamUrl>() {
                prop_assert!(!e.contains(&s));
            }
        }
    }
}
