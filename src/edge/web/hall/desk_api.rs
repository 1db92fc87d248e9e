//! What the staff ask of the box: status, commands, log, settings, audit, shows and their reports, other people's data.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::api::{export, number};
use super::fault::Fault;
use super::read::Read;
use super::visitor::Visitor;
use crate::device::command::{Command, Origin};
use crate::edge::codec;
use crate::edge::desk::Done;
use crate::edge::net;
use crate::edge::web::tls;

type Answer = Result<Response, Fault>;
type Asked<T> = Result<Query<T>, axum::extract::rejection::QueryRejection>;

/// Lines of the log, if no number is asked for.
const LINES: u32 = 300;
/// Lines of the audit log, if no number is asked for, and at most.
const AUDIT: u32 = 200;

impl Shared {
    /// Hands a command of the owner in.
    async fn run(&self, command: Command) -> Result<Done, Fault> {
        let desk = &self.inside.desk;
        if command.is_urgent() {
            desk.admit_urgent(Origin::Web)?;
        } else {
            desk.admit(Origin::Web)?;
        }
        Ok(desk.run(Origin::Web, command).await?)
    }
}

/// `GET /api/status`
pub async fn status(State(shared): State<Arc<Shared>>) -> Answer {
    let mut status = json!(*shared.inside.status.borrow());
    let certificate = shared.options.certificate.as_ref();
    let fingerprint = certificate.and_then(|c| tls::fingerprint(&c.cert).ok());
    let at = shared.addresses;
    if let Value::Object(fields) = &mut status {
        let addresses = net::addresses().into_iter().map(|ip| {
            let at = std::net::SocketAddr::new(ip, at.http.port());
            format!("http://{at}/")
        });
        let web = json!({
            "addresses": addresses.collect::<Vec<_>>(),
            "version": env!("CARGO_PKG_VERSION"),
            "fingerprint": fingerprint,
            "port": at.http.port(),
            "tls_port": at.https.map(|a| a.port()),
            "names": shared.inside.names,
            "sockets": shared.options.max_viewers - shared.seats.available_permits(),
        });
        fields.insert("web".into(), web);
    }
    Ok(Json(status).into_response())
}

/// `POST /api/command`
pub async fn command(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    Read(given): Read<Value>,
) -> Answer {
    let command = codec::command(&given)?;
    // Its `Debug` is its JSON without secrets.
    let about = json!(format!("{command:?}"));
    let reads = matches!(
        command,
        Command::Status | Command::Logs { .. } | Command::Snapshot { .. }
    );
    let done = shared.run(command).await;
    if !reads {
        shared
            .audit(&visitor, "command", &about, done.is_ok())
            .await;
    }
    Ok(match done? {
        Done::Accepted => Json(json!({ "outcome": "accepted" })).into_response(),
        Done::AlreadySo(how) => {
            Json(json!({ "outcome": "already_so", "message": how })).into_response()
        }
        Done::Kept(when) => Json(json!({ "outcome": "kept", "message": when })).into_response(),
        Done::Data(data) => Json(data).into_response(),
        Done::Picture(picture) => jpeg(picture.jpeg),
    })
}

fn jpeg(bytes: bytes::Bytes) -> Response {
    ([(header::CONTENT_TYPE, "image/jpeg")], bytes).into_response()
}

/// `GET /api/snapshot.jpg`
pub async fn snapshot(State(shared): State<Arc<Shared>>) -> Answer {
    match shared.run(Command::Snapshot { max_width: None }).await? {
        Done::Picture(picture) => Ok(jpeg(picture.jpeg)),
        _ => Err(Fault::busy("There is no picture now.")),
    }
}

/// How much is asked for.
#[derive(Debug, Deserialize)]
pub struct Much {
    lines: Option<u32>,
    limit: Option<u32>,
    before: Option<u64>,
}

/// `GET /api/log`
pub async fn log(State(shared): State<Arc<Shared>>, much: Asked<Much>) -> Answer {
    let lines = much
        .ok()
        .and_then(|Query(m)| m.lines)
        .unwrap_or(LINES)
        .max(1);
    match shared.run(Command::Logs { lines: Some(lines) }).await? {
        Done::Data(data) => Ok(Json(data).into_response()),
        _ => Err(Fault::busy("There is no log now.")),
    }
}

/// `GET /api/audit`
pub async fn audit(State(shared): State<Arc<Shared>>, much: Asked<Much>) -> Answer {
    let Ok(Query(much)) = much else {
        return Err(Fault::bad("limit and before are numbers."));
    };
    let limit = much.limit.unwrap_or(AUDIT).clamp(1, AUDIT);
    let lines = shared
        .inside
        .records
        .audit_lines(much.before, limit)
        .await?;
    Ok(Json(json!({ "audit": lines })).into_response())
}

/// `GET /api/schema`
pub async fn schema(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json((shared.inside.schema)())
}

/// `GET /api/shows`
pub async fn shows(State(shared): State<Arc<Shared>>) -> Answer {
    let shows = shared.inside.records.shows().await?;
    Ok(Json(json!({ "shows": shows })).into_response())
}

/// `GET /api/export/{viewer}`
pub async fn export_one(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    Path(viewer): Path<String>,
) -> Answer {
    let viewer = number(&viewer, "viewer")?;
    let answer = export(&shared, viewer).await?;
    shared
        .audit(&visitor, "export", &json!({ "viewer": viewer }), true)
        .await;
    Ok(answer)
}

/// `DELETE /api/viewers/{viewer}`
pub async fn erase_one(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    Path(viewer): Path<String>,
) -> Answer {
    let viewer = number(&viewer, "viewer")?;
    let erased = shared.inside.records.erase(viewer).await?;
    shared
        .audit(&visitor, "erase", &json!({ "viewer": viewer }), erased)
        .await;
    if !erased {
        return Err(Fault::missing("There is no such viewer."));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}
