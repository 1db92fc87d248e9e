//! The set-up page: shows how the box is, takes the form while set-up is open.

use std::sync::{Arc, PoisonError};
use std::time::Instant;

use axum::Json;
use axum::extract::rejection::FormRejection;
use axum::extract::{ConnectInfo, Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};

use super::form::{Fields, LISTED, Problem};
use super::listen::Peer;
use super::page::{self, Piece, escape, fill};
use super::secure::same;
use super::text::Language;
use super::{FORMS, Site, Wish};
use crate::device::health::Severity;
use crate::edge::network::{AP_ADDRESS, Found};

/// What stands after the `?`.
#[derive(Deserialize)]
pub struct Asked {
    lang: Option<String>,
    /// The form was just sent.
    sent: Option<String>,
}

/// `GET /`
pub async fn show(
    State(site): State<Arc<Site>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    site.wish(Wish::Used);
    let view = View {
        language: Language::of(asked.lang.as_deref(), &headers),
        on_access_point: peer.local == AP_ADDRESS,
        sent: asked.sent.is_some(),
        problems: &[],
        said: None,
    };
    page::html(StatusCode::OK, view.render(&site))
}

/// `POST /`
pub async fn take(
    State(site): State<Arc<Site>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    form: Result<Form<Fields>, FormRejection>,
) -> Response {
    let language = Language::of(asked.lang.as_deref(), &headers);
    let refused = match accept(&site, form) {
        Ok(()) => {
            return if wants_json(&headers) {
                Json(Answer::new(true, language.say("sent"))).into_response()
            } else {
                Redirect::to(&format!("/?lang={}&sent=1", language.code())).into_response()
            };
        }
        Err(refused) => refused,
    };
    let (status, phrase, problems) = refused.said();
    if wants_json(&headers) {
        let answer = Answer {
            problems: problems
                .iter()
                .map(|p| (p.field, p.clause.clone()))
                .collect(),
            ..Answer::new(false, language.say(phrase))
        };
        return (status, Json(answer)).into_response();
    }
    let view = View {
        language,
        on_access_point: peer.local == AP_ADDRESS,
        sent: false,
        problems: &problems,
        said: Some(language.say(phrase)),
    };
    page::html(status, view.render(&site))
}

/// What the page's script is told.
#[derive(Serialize)]
struct Answer {
    ok: bool,
    message: &'static str,
    /// Fields, with what is wrong.
    problems: Vec<(&'static str, String)>,
}

impl Answer {
    fn new(ok: bool, message: &'static str) -> Self {
        Self {
            ok,
            message,
            problems: Vec::new(),
        }
    }
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok());
    accept.is_some_and(|a| a.contains("application/json"))
}

/// Why a form is not taken.
enum Refused {
    TooLarge,
    Unreadable,
    Closed,
    OldForm,
    TooFast,
    Busy,
    Problems(Vec<Problem>),
}

impl Refused {
    /// Status, phrase, problems of fields.
    fn said(self) -> (StatusCode, &'static str, Vec<Problem>) {
        let (status, phrase) = match self {
            Self::Problems(problems) => {
                return (StatusCode::UNPROCESSABLE_ENTITY, "wrong", problems);
            }
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::Unreadable => (StatusCode::BAD_REQUEST, "unreadable"),
            Self::Closed => (StatusCode::FORBIDDEN, "closed"),
            Self::OldForm => (StatusCode::FORBIDDEN, "old_form"),
            Self::TooFast => (StatusCode::TOO_MANY_REQUESTS, "too_fast"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        };
        (status, phrase, Vec::new())
    }
}

/// Hands the form on, if it may be.
fn accept(site: &Site, form: Result<Form<Fields>, FormRejection>) -> Result<(), Refused> {
    let Form(fields) = form.map_err(|e| {
        if e.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Refused::TooLarge
        } else {
            Refused::Unreadable
        }
    })?;
    if !same(&fields.token, &site.token) {
        return Err(Refused::OldForm);
    }
    if !site.status.borrow().setup.open {
        return Err(Refused::Closed);
    }
    let codes = fields.codes().map_err(Refused::Problems)?;
    let now = Instant::now();
    let mut last = site
        .last_form
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if last.is_some_and(|at| now < at + FORMS) {
        return Err(Refused::TooFast);
    }
    if !site.wish(Wish::Codes(codes)) {
        return Err(Refused::Busy);
    }
    *last = Some(now);
    Ok(())
}

/// One page.
struct View<'a> {
    language: Language,
    on_access_point: bool,
    sent: bool,
    problems: &'a [Problem],
    said: Option<&'a str>,
}

impl View<'_> {
    fn render(&self, site: &Site) -> String {
        let language = self.language;
        let (name, sentence, severity, setup) = {
            let status = site.status.borrow();
            (
                status.name.clone(),
                status.health.sentence.clone(),
                status.health.severity,
                status.setup.clone(),
            )
        };
        let main = if setup.open {
            let closes = setup.closes_in_s.map(|s| {
                let minutes = s.div_ceil(60);
                format!(
                    "<p class=\"hint\">{} {minutes}</p>",
                    language.say("closes_in")
                )
            });
            self.form(site, closes.as_deref().unwrap_or(""))
        } else {
            let said = escape(language.say("closed"));
            format!("<p class=\"card\">{said}</p>")
        };
        let failure = site.failure.borrow().clone();
        let note = match (self.said, setup.note.as_deref().or(failure.as_deref())) {
            (Some(said), _) => said,
            (None, Some(note)) => note,
            (None, None) if self.sent => language.say("sent"),
            (None, None) => "",
        };
        let other = match language {
            Language::En => Language::Zh,
            Language::Zh => Language::En,
        };
        // Without JavaScript the page shows the progress by being loaded again.
        let refresh = if self.sent {
            "<noscript><meta http-equiv=\"refresh\" content=\"4\"></noscript>"
        } else {
            ""
        };
        let places = [
            ("lang", Piece::Text(language.code())),
            ("other_lang", Piece::Text(other.code())),
            ("refresh", Piece::Html(refresh)),
            ("name_now", Piece::Text(&name)),
            ("sentence", Piece::Text(&sentence)),
            ("severity", Piece::Text(class(severity))),
            (
                "network",
                Piece::Text(
                    setup
                        .network
                        .as_deref()
                        .unwrap_or(language.say("no_network")),
                ),
            ),
            ("note", Piece::Text(note)),
            ("main", Piece::Html(&main)),
        ];
        fill(page::SETUP, language, &places)
    }

    fn form(&self, site: &Site, closes: &str) -> String {
        let language = self.language;
        let networks = networks(language, &site.found.borrow());
        let ap = if self.on_access_point {
            format!(
                "<p class=\"hint\">{}</p>",
                escape(language.say("ap_warning"))
            )
        } else {
            String::new()
        };
        let problems: String = self
            .problems
            .iter()
            .map(|p| {
                let label = label(language, p.field);
                let clause = escape(&p.clause);
                format!("<li>{label}{clause}</li>")
            })
            .collect();
        let places = [
            ("token", Piece::Text(&site.token)),
            ("lang", Piece::Text(language.code())),
            ("networks", Piece::Html(&networks)),
            ("problems", Piece::Html(&problems)),
            ("ap", Piece::Html(&ap)),
            ("closes", Piece::Html(closes)),
        ];
        fill(page::FORM, language, &places)
    }
}

/// How a field is called, before what is wrong with it.
fn label(language: Language, field: &'static str) -> String {
    let phrase = match field {
        "" => return String::new(),
        "password" => "wifi_password",
        other => other,
    };
    format!("<b>{}:</b> ", escape(language.say(phrase)))
}

/// The list of networks as lines of the form.
fn networks(language: Language, found: &[Found]) -> String {
    if found.is_empty() {
        return format!(
            "<p class=\"hint\">{}</p>",
            escape(language.say("none_found"))
        );
    }
    let lines = found.iter().map(|f| {
        let name = escape(&f.ssid);
        let off = if f.usable { "" } else { " disabled" };
        let said = match (f.usable, f.locked) {
            (false, _) => language.say("unusable"),
            (true, true) => "",
            (true, false) => language.say("open"),
        };
        let bars = 1 + f.strength.min(99) / 25;
        format!(
            "<label class=\"line\"><input type=\"radio\" name=\"network\" value=\"{LISTED}{name}\"{off}>\
             <span class=\"ssid\">{name}</span><small>{}</small><span class=\"bars b{bars}\" title=\"{} %\"></span></label>\n",
            escape(said),
            f.strength,
        )
    });
    lines.collect()
}

fn class(severity: Severity) -> &'static str {
    match severity {
        Severity::Ok => "ok",
        Severity::Notice => "notice",
        Severity::Warning => "warning",
        Severity::Problem => "problem",
    }
}
