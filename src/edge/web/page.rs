//! Pages and assets: templates in the program, filled in with escaped text.

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::secure::plain;
use super::text::Language;

/// The set-up page.
pub const SETUP: &str = include_str!("pages/setup.html");
/// Its form.
pub const FORM: &str = include_str!("pages/form.html");

/// A place in a template: its name, and what comes there.
pub type Place<'a> = (&'a str, Piece<'a>);

/// What comes into a place.
#[derive(Debug, Clone, Copy)]
pub enum Piece<'a> {
    /// Text from anywhere: it is escaped.
    Text(&'a str),
    /// HTML made by us.
    Html(&'a str),
}

/// Fills `{{name}}` by `places`, else by the phrase of that name.
pub fn fill(template: &str, language: Language, places: &[Place<'_>]) -> String {
    let mut out = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            break;
        };
        rest = after;
        match places.iter().find(|(n, _)| *n == name) {
            Some((_, Piece::Text(text))) => out.push_str(&escape(text)),
            Some((_, Piece::Html(html))) => out.push_str(html),
            None => out.push_str(&escape(phrase(language, name))),
        }
    }
    out.push_str(rest);
    out
}

fn phrase(language: Language, name: &str) -> &'static str {
    let known = super::text::PHRASES.iter().find(|(n, ..)| *n == name);
    known.map_or("", |(n, ..)| language.say(n))
}

/// Text as it may stand in HTML, between tags and in quoted attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A page.
pub fn html(status: StatusCode, page: String) -> Response {
    (status, Html(page)).into_response()
}

/// `GET /assets/style.css`
pub async fn style() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
    (kind, include_str!("pages/style.css")).into_response()
}

/// `GET /assets/setup.js`
pub async fn script() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (kind, include_str!("pages/setup.js")).into_response()
}

/// Anything else.
pub async fn not_found() -> Response {
    plain(
        StatusCode::NOT_FOUND,
        "There is nothing here. The page of the box is /.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_the_templates_is_known() {
        let filled = [
            "lang",
            "name_now",
            "sentence",
            "severity",
            "network",
            "note",
            "main",
            "refresh",
            "script",
            "token",
            "networks",
            "problems",
            "ap",
            "other_lang",
            "closes",
        ];
        for template in [SETUP, FORM] {
            for place in template.split("{{").skip(1) {
                let name = place.split_once("}}").unwrap().0;
                let known = super::super::text::PHRASES.iter().any(|(n, ..)| *n == name);
                assert!(known || filled.contains(&name), "{name}");
            }
        }
    }

    #[test]
    fn text_is_escaped_and_not_filled_in_again() {
        let places = [
            ("a", Piece::Text("<script>'\"&{{b}}")),
            ("b", Piece::Html("<b>")),
        ];
        let out = fill("x{{a}}y{{b}}z{{wifi}}", Language::En, &places);
        assert_eq!(out, "x&lt;script&gt;&#39;&quot;&amp;{{b}}y<b>zWi-Fi");
    }
}
