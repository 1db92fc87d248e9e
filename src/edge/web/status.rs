//! What programs are told, as JSON. No secrets.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::{Site, Wish};
use crate::device::health::Severity;
use crate::device::setup::SetupStatus;
use crate::edge::network::Found;

/// The box in short.
#[derive(Debug, Serialize)]
pub struct Short {
    name: String,
    /// How it is, in one sentence.
    sentence: String,
    severity: Severity,
    live: bool,
    setup: SetupStatus,
    /// Why the last step of set-up failed, until the next one begins.
    failure: Option<String>,
}

/// `GET /api/status`
pub async fn status(State(site): State<Arc<Site>>) -> Json<Short> {
    let status = site.status.borrow();
    Json(Short {
        name: status.name.clone(),
        sentence: status.health.sentence.clone(),
        severity: status.health.severity,
        live: status.live,
        setup: status.setup.clone(),
        failure: site.failure.borrow().clone(),
    })
}

/// `GET /api/networks`: what is known; the radio looks around meanwhile. Nothing while set-up is closed.
pub async fn networks(State(site): State<Arc<Site>>) -> Json<Vec<Found>> {
    if !site.status.borrow().setup.open {
        return Json(Vec::new());
    }
    site.wish(Wish::LookAround);
    Json(site.found.borrow().clone())
}
