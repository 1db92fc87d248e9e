//! Reports of shows, and figures for Prometheus.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::Shared;
use super::api::number;
use super::fault::Fault;
use crate::room::live::event::Event;
use crate::room::report::Report;

type Answer = Result<Response, Fault>;

async fn events(shared: &Shared, show: &str) -> Result<(u64, Vec<Event>), Fault> {
    let show = number(show, "show")?;
    let events = shared.inside.records.show_events(show).await?;
    if events.is_empty() {
        return Err(Fault::missing("There is no such show, or it is no longer kept."));
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

/// `GET /report/{show}`, `/report/{show}.csv`, `/report/{show}.events.csv`
pub async fn page(
    State(shared): State<Arc<Shared>>,
    Path(show): Path<String>,
    _headers: HeaderMap,
) -> Answer {
    let (number, kind) = show.split_once('.').unwrap_or((&show, ""));
    let (show, events) = events(&shared, number).await?;
    match kind {
        "" | "csv" | "events.csv" => {}
        _ => return Err(Fault::missing("There is no such report.")),
    }
    let report = made(move || Report::of_show(show, &events)).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain")], format!("{report:?}")).into_response())
}

/// `GET /metrics`
pub async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let figures = shared.inside.live.figures();
    format!("{figures:?}").into_response()
}
