//! Who may ask what, before anything else looks at a request of the room's server.
//!
//! ```text
//!   Host ours? -> Origin ours? -> body short? -> route -> role enough? -> cookie used by our own page? -> handler -> headers
//! ```
//!
//! Host and Origin are judged as for the set-up page (`secure.rs`). A request that changes something and comes with a cookie must also
//! be one that no form of another site can make: with `X-Boothcast: 1` or a JSON body.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::Shared;
use super::door::Caller;
use super::fault::Fault;
use super::visitor::{Visitor, has_cookie};
use crate::edge::web::BODY;
use crate::edge::web::secure::{host, is_foreign, is_ours, length};
use crate::room::live::event::Role;

/// The header by which our own pages are known: another site cannot send it without asking first.
pub const OURS: HeaderName = HeaderName::from_static("x-boothcast");

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Anybody.
    Anyone,
    /// Somebody who joined the room, or has an account.
    Viewer,
    /// Somebody with an account.
    Account,
    /// A moderator, or the owner.
    Moderator,
    /// The owner.
    Owner,
}

/// What every answer says to the browser, beside the policy of contents.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    ),
];

/// The policy of contents. Old browsers do not take `'self'` for a WebSocket, so it is named.
fn policy(host: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; \
         connect-src 'self' ws://{host} wss://{host}; manifest-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    )
}

/// Stands before everything.
pub async fn guard(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    request: Request,
    next: Next,
) -> Response {
    let host = host(&request).filter(|h| is_ours(h, &shared.inside.names));
    let mut answer = match refuse(host.as_deref(), caller.secure, &request) {
        Some(fault) => fault.into_response(),
        None => next.run(request).await,
    };
    shared.tally.answered(answer.status().as_u16());
    let headers = answer.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // The name was judged: it holds nothing but letters, digits, dots, hyphens, brackets and colons.
    let policy = policy(host.as_deref().unwrap_or("localhost"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    answer
}

/// The answer to a request that goes no further.
fn refuse(host: Option<&str>, secure: bool, request: &Request) -> Option<Fault> {
    if host.is_none() {
        return Some(Fault::new(
            StatusCode::MISDIRECTED_REQUEST,
            "wrong-host",
            "This box does not answer to that name. Call it by its address.",
        ));
    }
    let headers = request.headers();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let socket = headers.contains_key(header::UPGRADE);
    let scheme = if secure { "https" } else { "http" };
    if (!reads || socket) && is_foreign(headers, scheme) {
        return Some(Fault::new(
            StatusCode::FORBIDDEN,
            "foreign",
            "That comes from another site. Open the page of the box itself.",
        ));
    }
    if !reads && length(headers).is_some_and(|n| n > BODY) {
        return Some(too_large());
    }
    None
}

/// The body is too long.
#[must_use]
pub fn too_large() -> Fault {
    Fault::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too-large",
        format!("A request may be {BODY} bytes long."),
    )
}

/// Stands before one route.
pub async fn admit(
    State((shared, who)): State<(Arc<Shared>, Who)>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    mut request: Request,
    next: Next,
) -> Response {
    // The body of a request cannot be shared between threads, its head can.
    let head = Head {
        reads: matches!(*request.method(), Method::GET | Method::HEAD),
        path: request.uri().path().to_owned(),
        headers: request.headers().clone(),
        secure: caller.secure,
    };
    match judge(&shared, who, caller.remote, &head).await {
        Ok(visitor) => {
            request.extensions_mut().insert(visitor);
            next.run(request).await
        }
        Err(answer) => *answer,
    }
}

/// What is judged of a request.
struct Head {
    reads: bool,
    path: String,
    headers: HeaderMap,
    secure: bool,
}

async fn judge(
    shared: &Shared,
    who: Who,
    from: IpAddr,
    head: &Head,
) -> Result<Visitor, Box<Response>> {
    let refuse = |fault: Fault| Box::new(fault.into_response());
    let Head {
        reads,
        path,
        headers,
        secure,
    } = head;
    let (reads, secure) = (*reads, *secure);
    if !reads && has_cookie(headers, secure) && !is_from_our_page(headers) {
        return Err(refuse(Fault::forbidden(
            "A request with a cookie needs the header X-Boothcast: 1, or a JSON body.",
        )));
    }
    let visitor = shared
        .visitor(headers, from, secure)
        .await
        .map_err(refuse)?;
    let enough = match who {
        Who::Anyone => true,
        Who::Viewer => visitor.viewer.is_some() || visitor.login.is_some(),
        Who::Account => visitor.login.is_some(),
        Who::Moderator => visitor.role() >= Role::Moderator,
        Who::Owner => visitor.role() >= Role::Owner,
    };
    if enough {
        return Ok(visitor);
    }
    if visitor.login.is_some() {
        return Err(refuse(Fault::forbidden(
            "That needs a higher role than yours.",
        )));
    }
    if reads && is_page(path) {
        return Err(Box::new(to_login(shared, headers, path, secure)));
    }
    let said = match who {
        Who::Viewer => "Join the room first: POST /api/join with a name.",
        _ => "Log in first.",
    };
    Err(refuse(Fault::nobody(said)))
}

/// A page for the staff, as opposed to data.
fn is_page(path: &str) -> bool {
    path == "/desk" || path.starts_with("/report/")
}

/// To the login page, and back from there.
fn to_login(shared: &Shared, headers: &HeaderMap, path: &str, secure: bool) -> Response {
    if !shared.staff_may(secure) {
        return to_https(shared, headers, path);
    }
    Redirect::to(&format!("/login?next={path}")).into_response()
}

/// The same page over HTTPS, where there is any.
pub fn to_https(shared: &Shared, headers: &HeaderMap, path: &str) -> Response {
    match shared.https(headers, path) {
        Some(to) => Redirect::temporary(&to).into_response(),
        None => no_https().into_response(),
    }
}

/// Staff without HTTPS.
#[must_use]
pub fn no_https() -> Fault {
    Fault::new(
        StatusCode::FORBIDDEN,
        "https-only",
        "Passwords are taken over HTTPS only. Use the https address of the box, or set web.staff_over_http.",
    )
}

/// No form of another site can be that.
fn is_from_our_page(headers: &HeaderMap) -> bool {
    if headers.get(OURS).is_some_and(|v| v == "1") {
        return true;
    }
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok());
    kind.is_some_and(is_json)
}

/// Whether a media type is JSON.
#[must_use]
pub fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or("").trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// Before `/metrics`: whoever calls it by a name other than an address or `localhost` may have been led here (DNS rebinding).
pub async fn only_addresses(request: Request, next: Next) -> Response {
    if host(&request).is_some_and(|h| is_ours(&h, &[])) {
        return next.run(request).await;
    }
    StatusCode::MISDIRECTED_REQUEST.into_response()
}
