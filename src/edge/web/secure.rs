//! Who may ask what, before anything else looks at a request.
//!
//! - **Host.** A name that somebody else owns may be made to point to the box (DNS rebinding), and then a page of theirs could read
//!   it. So only names of the box are answered, and addresses: an address cannot be made to point elsewhere.
//! - **Origin.** A form of another site may be sent here by a browser. It is refused by its `Origin` and `Sec-Fetch-Site`, and it
//!   lacks the token of our own form.
//! - **A phone on the access point** asks for pages of its maker to see whether there is an internet: it is sent to the page.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::listen::Peer;
use super::{BODY, Site};
use crate::edge::network::AP_ADDRESS;
use crate::error::{Error, Kind, Result};

/// Paths by which systems look for a captive portal: Android, iOS and macOS, Windows, Firefox, GNOME, Kindle.
const PROBES: [&str; 12] = [
    "/generate_204",
    "/gen_204",
    "/hotspot-detect.html",
    "/library/test/success.html",
    "/connecttest.txt",
    "/ncsi.txt",
    "/redirect",
    "/canonical.html",
    "/success.txt",
    "/check_network_status.txt",
    "/kindle-wifi/wifistub.html",
    "/mobile/status.php",
];

/// What every answer says to the browser.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // With `no-referrer` browsers would send `Origin: null` with our own form.
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// 128 random bits.
pub fn token() -> Result<String> {
    use rand::TryRng;
    let mut bytes = [0_u8; 16];
    rand::rngs::SysRng.try_fill_bytes(&mut bytes).map_err(|e| {
        Error::new(Kind::Internal, "The system gives no random numbers").caused_by(e)
    })?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

/// Whether two texts are the same, in a time that says nothing of where they differ.
pub fn same(a: &str, b: &str) -> bool {
    let differing = a
        .bytes()
        .zip(b.bytes())
        .fold(0, |sum, (a, b)| sum | (a ^ b));
    a.len() == b.len() && differing == 0
}

/// Stands before everything.
pub async fn guard(
    State(site): State<Arc<Site>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let mut answer = match refuse(&site, peer.local, &request) {
        Some(answer) => answer,
        None => next.run(request).await,
    };
    for (name, value) in HEADERS {
        answer
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// The answer to a request that goes no further.
fn refuse(site: &Site, local: IpAddr, request: &Request) -> Option<Response> {
    let headers = request.headers();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let on_access_point = local == IpAddr::V4(AP_ADDRESS);
    let host = host(request);
    let ours = host.as_deref().is_some_and(|h| is_ours(h, &site.names));
    let probe = PROBES.contains(&request.uri().path());
    if on_access_point && reads && (!ours || probe) {
        return Some(Redirect::to(&format!("http://{AP_ADDRESS}/")).into_response());
    }
    if !ours {
        return Some(plain(
            StatusCode::MISDIRECTED_REQUEST,
            "This box does not answer to that name. Call it by its address.",
        ));
    }
    if reads {
        return None;
    }
    if length(headers).is_some_and(|n| n > BODY) {
        return Some(plain(
            StatusCode::PAYLOAD_TOO_LARGE,
            "That is too much for a form.",
        ));
    }
    if is_foreign(headers, "http") {
        return Some(plain(
            StatusCode::FORBIDDEN,
            "A form of another site is not taken. Open the page of the box itself.",
        ));
    }
    None
}

/// A short answer.
pub fn plain(status: StatusCode, text: &'static str) -> Response {
    (status, text).into_response()
}

/// What the request says of the length of its body.
pub fn length(headers: &HeaderMap) -> Option<usize> {
    let text = headers.get(header::CONTENT_LENGTH)?.to_str().ok()?;
    // A number that does not fit is too large.
    Some(text.parse().unwrap_or(usize::MAX))
}

/// Whom the request calls; of the request line where it is there (RFC 9112, 3.2.2). More than one `Host` is none.
pub fn host(request: &Request) -> Option<String> {
    if let Some(authority) = request.uri().authority() {
        return Some(authority.as_str().to_ascii_lowercase());
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    hosts.next().is_none().then(|| host.to_ascii_lowercase())
}

/// Whether `host`, with or without a port, is an address or a name of the box.
pub fn is_ours(host: &str, names: &[String]) -> bool {
    let Some(name) = without_port(host) else {
        return false;
    };
    let bare = name.strip_prefix('[').and_then(|n| n.strip_suffix(']'));
    if bare.unwrap_or(name).parse::<IpAddr>().is_ok() || name == "localhost" {
        return true;
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let Some(name) = name.strip_suffix(".local") else {
        return names.iter().any(|n| n == name);
    };
    // Two boxes of one name: the second is called `name-2` (RFC 6762, 9).
    names.iter().any(|n| {
        let rest = name.strip_prefix(n.as_str());
        rest.is_some_and(|r| r.is_empty() || r.strip_prefix('-').is_some_and(is_number))
    })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit())
}

fn without_port(host: &str) -> Option<&str> {
    let port_at = host
        .rfind(':')
        .filter(|at| !host.get(*at..).is_some_and(|r| r.contains(']')));
    let (name, port) = match port_at {
        Some(at) => (host.get(..at)?, host.get(at + 1..)?),
        None => (host, ""),
    };
    let fine = port.bytes().all(|b| b.is_ascii_digit()) && port.len() <= 5;
    (fine && !name.is_empty() && !name.contains('@')).then_some(name)
}

/// Whether a browser says that another site sends this, to a server of this scheme. A client that says nothing is no browser, and
/// still needs the token.
pub fn is_foreign(headers: &HeaderMap, scheme: &str) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|v| v.to_str().unwrap_or("?"));
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site"))
        && !matches!(site, "same-origin" | "none")
    {
        return true;
    }
    match (text(header::ORIGIN), text(header::HOST)) {
        (None, _) => false,
        (Some(origin), Some(host)) => {
            let origin = origin.to_ascii_lowercase();
            let ours = origin
                .strip_prefix(scheme)
                .and_then(|o| o.strip_prefix("://"));
            ours != Some(host.to_ascii_lowercase().as_str())
        }
        (Some(_), None) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_and_names_of_the_box_are_ours() {
        let names = ["boothcast-ab3f".to_owned(), "shop".to_owned()];
        for ours in [
            "192.168.1.20",
            "10.77.0.1:80",
            "[fe80::1]",
            "[::1]:8080",
            "localhost:8080",
            "boothcast-ab3f.local",
            "boothcast-ab3f.local.",
            "boothcast-ab3f-2.local:80",
            "boothcast-ab3f",
            "shop",
        ] {
            assert!(is_ours(ours, &names), "{ours}");
        }
        for foreign in [
            "",
            ":80",
            "evil.example",
            "evil.example:80",
            "boothcast-ab3f.local.evil.example",
            "boothcast-ab3f-x.local",
            "boothcast-ab3f-2",
            "10.77.0.1.evil.example",
            "other.local",
            "user@10.0.0.1",
            "10.0.0.1:80:80",
            "shop-.local",
            "boothcast-ab3f.local:port",
            "[::1",
        ] {
            assert!(!is_ours(foreign, &names), "{foreign}");
        }
    }

    #[test]
    fn a_form_of_another_site_is_known_by_what_the_browser_says() {
        let with = |pairs: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_str(value).unwrap());
            }
            is_foreign(&headers, "http")
        };
        let host = ("host", "10.0.0.7:8080");
        assert!(!with(&[host]));
        assert!(!with(&[host, ("origin", "http://10.0.0.7:8080")]));
        assert!(!with(&[
            host,
            ("origin", "http://10.0.0.7:8080"),
            ("sec-fetch-site", "same-origin")
        ]));
        assert!(with(&[host, ("origin", "http://10.0.0.7")]));
        assert!(with(&[host, ("origin", "http://evil.example")]));
        assert!(with(&[host, ("origin", "https://10.0.0.7:8080")]));
        assert!(with(&[host, ("origin", "null")]));
        assert!(with(&[host, ("sec-fetch-site", "cross-site")]));
        assert!(with(&[host, ("sec-fetch-site", "same-site")]));
    }

    #[test]
    fn tokens_differ_and_are_compared_whole() {
        let (a, b) = (token().unwrap(), token().unwrap());
        assert!(a.len() == 32 && a != b && same(&a, &a.clone()) && !same(&a, &b));
        assert!(!same(&a, "") && !same("", &a) && !same(&a, &a[..31]));
    }
}
