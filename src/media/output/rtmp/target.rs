//! Where to connect: the parts of an `rtmp://` or `rtmps://` address. Pure.

use crate::error::{Error, Kind, Result};

/// Ports that the schemes stand for.
const RTMP_PORT: u16 = 1935;
const RTMPS_PORT: u16 = 443;
/// Longest address that is taken from a redirect, in bytes.
const MAX_URL: usize = 1024;

/// A parsed address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Over TLS.
    pub tls: bool,
    /// Host name or address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Application: the path, without slashes at its ends.
    pub app: String,
}

impl Target {
    /// Parses an address.
    ///
    /// # Errors
    /// One clause that names what is wrong, without the address.
    pub fn parse(url: &str) -> Result<Self> {
        let bad = |what: &str| {
            Error::new(Kind::BadConfig, what)
                .mend("Write it as rtmp://host/app or rtmps://host/app.")
        };
        if url.len() > MAX_URL || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(bad("the address is too long or has blanks in it"));
        }
        let (tls, rest) = match url.split_once("://") {
            Some((s, rest)) if s.eq_ignore_ascii_case("rtmp") => (false, rest),
            Some((s, rest)) if s.eq_ignore_ascii_case("rtmps") => (true, rest),
            _ => return Err(bad("the address is not an RTMP address")),
        };
        let (authority, app) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.contains('@') {
            return Err(bad("the address holds a user name"));
        }
        let (host, port) = split_port(authority);
        let port = match port {
            None | Some("") if tls => RTMPS_PORT,
            None | Some("") => RTMP_PORT,
            Some(p) => p.parse::<u16>().ok().filter(|p| *p != 0).ok_or_else(|| {
                bad("the address has a port that is not a number from 1 to 65535")
            })?,
        };
        if host.is_empty() {
            return Err(bad("the address has no host"));
        }
        Ok(Self {
            tls,
            host: host.to_owned(),
            port,
            app: app.trim_matches('/').to_owned(),
        })
    }

    /// The address of the application, as the `tcUrl` of `connect` (Adobe RTMP 1.0, 7.2.1.1).
    #[must_use]
    pub fn tc_url(&self) -> String {
        let scheme = if self.tls { "rtmps" } else { "rtmp" };
        let standard = if self.tls { RTMPS_PORT } else { RTMP_PORT };
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        if self.port == standard {
            format!("{scheme}://{host}/{}", self.app)
        } else {
            format!("{scheme}://{host}:{}/{}", self.port, self.app)
        }
    }
}

fn split_port(authority: &str) -> (&str, Option<&str>) {
    if let Some((v6, after)) = authority
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        return (v6, after.strip_prefix(':'));
    }
    match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(url: &str) -> (bool, String, u16, String) {
        let t = Target::parse(url).unwrap();
        (t.tls, t.host, t.port, t.app)
    }

    #[test]
    fn addresses_of_platforms_and_of_the_lab() {
        assert_eq!(
            parts("rtmp://a.rtmp.example.com/live2"),
            (false, "a.rtmp.example.com".into(), 1935, "live2".into())
        );
        assert_eq!(
            parts("rtmps://live.example.com:443/rtmp/"),
            (true, "live.example.com".into(), 443, "rtmp".into())
        );
        assert_eq!(
            parts("RTMP://[::1]:1936/app/instance"),
            (false, "::1".into(), 1936, "app/instance".into())
        );
        for url in ["rtmp://[::1]:1936/a", "rtmps://h/a", "rtmp://h:5/a"] {
            assert_eq!(Target::parse(url).unwrap().tc_url(), url);
        }
        assert_eq!(
            Target::parse("rtmp://h:1935/a").unwrap().tc_url(),
            "rtmp://h/a"
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (url, word) in [
            ("http://h/a", "not an RTMP"),
            ("rtmp:///a", "no host"),
            ("rtmp://h:0/a", "port"),
            ("rtmp://h:99999/a", "port"),
            ("rtmp://u:p@h/a", "user name"),
            ("rtmp://h/a b", "blanks"),
        ] {
            assert!(
                Target::parse(url).unwrap_err().message().contains(word),
                "{url}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_parses_or_fails(url in "(rtmps?://)?.{0,60}") {
            if let Ok(t) = Target::parse(&url) {
                prop_assert!(!t.host.is_empty() && t.port != 0);
            }
        }
    }
}
