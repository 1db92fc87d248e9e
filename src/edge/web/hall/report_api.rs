//! Reports of shows, and figures for Prometheus.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use serde::Deserialize;

use super::Shared;
use super::api::number;
use super::fault::Fault;
use crate::edge::web::metrics::{self, RoomFigures};
use crate::edge::web::report::{Head, Lang, events_csv, render_csv, render_html};
use crate::edge::web::text::Language;
use crate::room::live::event::Event;
use crate::room::report::Report;

type Answer = Result<Response, Fault>;

async fn events(shared: &Shared, show: &str) -> Result<(u64, Vec<Event>), Fault> {
    let show = number(show, "show")?;
    let events = shared.inside.records.show_events(show).await?;
    if events.is_empty() {
        return Err(Fault::missing(
            "There is no such show, or it is no longer kept.",
        ));
    }
    Ok((show, events))
}

/// A report of many events takes its time: not where others wait.
async fn made<T: Send + 'static>(make: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    let made = tokio::task::spawn_blocking(make).await;
    made.map_err(|_| Fault::busy("The report could not be made."))
}

/// `GET /api/report/{show}`
pub async fn json(State(shared): State<Arc<Shared>>, Path(show): Path<String>) -> Answer {
    let (show, events) = events(&shared, &show).await?;
    let report = made(move || Report::of_show(show, &events)).await?;
    Ok(Json(report).into_response())
}

/// What stands after the `?`.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    lang: Option<String>,
    kind: Option<String>,
}

/// `GET /report/{show}`, `/report/{show}.csv`, `/report/{show}.events.csv`
pub async fn page(
    State(shared): State<Arc<Shared>>,
    Path(show): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Answer {
    let asked = asked.map(|Query(a)| a).unwrap_or_default();
    let (number, form) = show.split_once('.').unwrap_or((&show, ""));
    if !matches!(form, "" | "csv" | "events.csv") {
        return Err(Fault::missing("There is no such report."));
    }
    let (number, events) = events(&shared, number).await?;
    match form {
        "" => {
            let lang = match Language::of(asked.lang.as_deref(), &headers) {
                Language::Zh => Lang::Zh,
                Language::En => Lang::En,
            };
            let name = shared.inside.status.borrow().name.clone();
            let page = made(move || {
                let report = Report::of_show(number, &events);
                let head = Head {
                    name: &name,
                    offset_s: offset_s(report.begun_ms),
                };
                render_html(&report, &head, lang)
            });
            Ok((
                [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
                page.await?,
            )
                .into_response())
        }
        "csv" => {
            let csv = made(move || render_csv(&Report::of_show(number, &events))).await?;
            Ok(file(csv, &show))
        }
        _ => {
            let csv = made(move || {
                let kinds: Option<Vec<&str>> = asked.kind.as_ref().map(|k| k.split(',').collect());
                events_csv(&events, kinds.as_deref())
            });
            Ok(file(csv.await?, &show))
        }
    }
}

/// Seconds to the east of UTC where the box is, then.
fn offset_s(at_ms: i64) -> i32 {
    let zone = jiff::tz::TimeZone::system();
    jiff::Timestamp::from_millisecond(at_ms).map_or(0, |at| zone.to_offset(at).seconds())
}

/// A table as a file; `show` is a number and an ending.
fn file(csv: String, show: &str) -> Response {
    let name = format!("attachment; filename=\"boothcast-show-{show}\"");
    let head = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    (head, csv).into_response()
}

/// `GET /metrics`
pub async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let live = shared.inside.live.figures();
    let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
    let taken = shared.options.max_viewers - shared.seats.available_permits();
    let figures = RoomFigures {
        viewers: live.viewers,
        lines_total: live.lines,
        likes_total: live.likes,
        votes_total: live.votes,
        gifts_total: live.gifts,
        questions_total: live.questions,
        clicks_total: live.clicks,
        orders_total: live.orders,
        ws_connections: u64::try_from(taken).unwrap_or(u64::MAX),
        ws_lagged_total: count(&shared.tally.lagged),
        watch_whep: shared.inside.media.whep_viewers(),
        watch_fmp4: count(&shared.tally.fmp4),
        http_requests_total: shared.tally.answers.each_ref().map(count),
    };
    let text = metrics::render(&shared.inside.status.borrow(), &figures);
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
}
