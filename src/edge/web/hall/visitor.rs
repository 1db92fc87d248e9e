//! Who asks: cookies to viewer and account.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue, header};

use super::Shared;
use super::fault::Fault;
use super::sign;
use crate::edge::web::inside::Ending;
use crate::room::live::act::By;
use crate::room::live::event::Role;

/// How long a viewer is known by the cookie, s.
pub const VIEWER_S: i64 = 30 * 24 * 3600;
/// A session ends after that, ms.
pub const SESSION_MS: i64 = 7 * 24 * 3_600_000;
/// A session that nobody used for so long is over, ms.
const IDLE_MS: i64 = 24 * 3_600_000;
/// Its use is noted that often, ms.
const NOTED_MS: i64 = 5 * 60_000;

/// Somebody with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Name of the account.
    pub account: String,
    /// What they may do.
    pub role: Role,
    /// The session.
    pub session: i64,
    /// Its token, to ask whether it still is.
    pub token: [u8; 32],
    /// Their viewer in the room; 0: none yet.
    pub viewer: u64,
    /// The password is still the one that the box made.
    pub first: bool,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    /// By cookie or account.
    pub viewer: Option<u64>,
    /// With an account.
    pub login: Option<Login>,
    /// Keyed hash of the address.
    pub addr: String,
    /// Over HTTPS.
    pub secure: bool,
}

impl Visitor {
    /// What they may do.
    #[must_use]
    pub fn role(&self) -> Role {
        self.login.as_ref().map_or(Role::Viewer, |l| l.role)
    }

    /// For the room. An act of the staff needs no viewer.
    #[must_use]
    pub fn by(&self) -> By {
        By {
            viewer: self.viewer.unwrap_or(0),
            role: self.role(),
            account: self.login.as_ref().map(|l| l.account.clone()),
            addr: self.addr.clone(),
        }
    }

    /// Name of the account; empty: none.
    #[must_use]
    pub fn account(&self) -> &str {
        self.login.as_ref().map_or("", |l| &l.account)
    }
}

/// The names of our cookies. Those of HTTPS have names of their own, with the prefix by which browsers keep everything that is
/// not HTTPS from setting them (RFC 6265bis, 4.1.3): cookies know no ports, and else the two servers would overwrite each other's.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    /// Of a viewer.
    pub viewer: &'static str,
    /// Of a session.
    pub session: &'static str,
}

impl Names {
    /// Those of one kind of connection.
    #[must_use]
    pub const fn of(secure: bool) -> Self {
        if secure {
            Self {
                viewer: "__Host-bc_viewer",
                session: "__Host-bc_session",
            }
        } else {
            Self {
                viewer: "bc_viewer",
                session: "bc_session",
            }
        }
    }
}

/// The value of a cookie; the first of that name.
#[must_use]
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter();
    let pairs = all
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(n, _)| *n == name)
        .map(|(_, value)| value)
}

/// Whether the request is one of somebody whom we know by a cookie.
#[must_use]
pub fn has_cookie(headers: &HeaderMap, secure: bool) -> bool {
    let names = Names::of(secure);
    cookie(headers, names.viewer).is_some() || cookie(headers, names.session).is_some()
}

/// A line `Set-Cookie`; an empty value takes it away. `value` is of our own making: letters, digits and dots.
#[must_use]
pub fn set_cookie(name: &str, value: &str, secure: bool, max_age_s: i64) -> Option<HeaderValue> {
    let age = if value.is_empty() { 0 } else { max_age_s };
    let safe = if secure { "; Secure" } else { "" };
    let line = format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{safe}");
    HeaderValue::from_str(&line).ok()
}

impl Shared {
    /// Who sends these headers from that address.
    ///
    /// # Errors
    /// The records could not be read.
    pub async fn visitor(
        &self,
        headers: &HeaderMap,
        from: IpAddr,
        secure: bool,
    ) -> Result<Visitor, Fault> {
        let names = Names::of(secure);
        let now_ms = (self.inside.wall)();
        let login = match cookie(headers, names.session) {
            Some(word) if word.len() == 64 => self.login(word, now_ms).await?,
            _ => None,
        };
        // The staff work over HTTPS, unless the owner says otherwise: elsewhere their session is none.
        let login = login.filter(|l| l.role == Role::Viewer || self.staff_may(secure));
        let by_cookie = cookie(headers, names.viewer)
            .and_then(|c| self.keys.viewer_of(c, now_ms / 1000, VIEWER_S));
        let of_account = login.as_ref().map(|l| l.viewer).filter(|v| *v != 0);
        Ok(Visitor {
            viewer: of_account.or(by_cookie),
            login,
            addr: self.keys.address(from),
            secure,
        })
    }

    /// Whether staff may work over such a connection.
    #[must_use]
    pub fn staff_may(&self, secure: bool) -> bool {
        secure || self.options.staff_over_http
    }

    async fn login(&self, word: &str, now_ms: i64) -> Result<Option<Login>, Fault> {
        let records = &self.inside.records;
        let token = sign::digest(word.as_bytes());
        let Some((session, account)) = records.session(token, now_ms).await? else {
            return Ok(None);
        };
        let unused = now_ms.saturating_sub(session.used_ms);
        if unused > IDLE_MS || now_ms.saturating_sub(session.made_ms) > SESSION_MS {
            records.sessions_end(Ending::One(session.id)).await?;
            return Ok(None);
        }
        if unused.abs() > NOTED_MS {
            records.session_used(session.id, now_ms).await?;
        }
        Ok(Some(Login {
            account: account.name,
            role: account.role,
            session: session.id,
            token,
            viewer: account.viewer,
            first: account.first,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_and_written() {
        let mut headers = HeaderMap::new();
        headers.append(
            "cookie",
            HeaderValue::from_static("a=1; bc_viewer=v1.2; b=3"),
        );
        headers.append(
            "cookie",
            HeaderValue::from_static("bc_viewer=second;bc_session=word"),
        );
        assert_eq!(cookie(&headers, "bc_viewer"), Some("v1.2"));
        assert_eq!(cookie(&headers, "bc_session"), Some("word"));
        assert_eq!(cookie(&headers, "viewer"), None);
        assert!(has_cookie(&headers, false) && !has_cookie(&headers, true));
        let line = set_cookie("x", "y.z", true, 60).unwrap();
        assert_eq!(
            line,
            "x=y.z; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure"
        );
        let line = set_cookie("x", "", false, 60).unwrap();
        assert_eq!(line, "x=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
    }
}
