//! Watching: WHEP, fMP4 over a WebSocket, and where else the picture is to be had.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::Shared;
use super::door::Caller;
use super::fault::Fault;
use super::read;
use crate::edge::web::inside::{Fmp4, Piece};

type Answer = Result<Response, Fault>;

/// A browser that takes no picture for so long is dropped.
const STUCK: Duration = Duration::from_secs(10);
/// Between two pings.
const PING: Duration = Duration::from_secs(20);

/// `GET /watch_live`
pub async fn watch_live(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Json<Value> {
    let on_air = shared.inside.media.on_air();
    let (live, name) = {
        let status = shared.inside.status.borrow();
        (status.live, status.name.clone())
    };
    // The gate has judged it.
    let host = headers
        .get(header::HOST)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("");
    let bare = match host.rfind(':') {
        Some(at) if !host.get(at..).is_some_and(|r| r.contains(']')) => host.get(..at),
        _ => Some(host),
    };
    let rtsp = shared
        .inside
        .rtsp
        .as_ref()
        .map(|r| format!("rtsp://{}:{r}", bare.unwrap_or(host)));
    Json(json!({
        "name": name,
        "on_air": on_air,
        "live": live,
        "whep": "/api/whep",
        "fmp4": "/api/fmp4",
        "rtsp": rtsp,
        "room": "/",
    }))
}

/// `POST /api/whep` (draft-ietf-wish-whep)
pub async fn whep(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Answer {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim();
    if !kind.eq_ignore_ascii_case("application/sdp") {
        let said = "An offer is SDP, its type application/sdp.";
        return Err(Fault::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-sdp",
            said,
        ));
    }
    let offer = read::body(body).await?;
    let offer =
        String::from_utf8(offer.to_vec()).map_err(|_| Fault::bad("The offer is no text."))?;
    let answer = shared.inside.media.whep(offer).await?;
    if !is_id(&answer.id) {
        return Err(Fault::busy("The picture is not to be had now."));
    }
    let head = [
        (header::CONTENT_TYPE, "application/sdp".to_owned()),
        (header::LOCATION, format!("/api/whep/{}", answer.id)),
        (header::ETAG, format!("\"{}\"", answer.id)),
    ];
    Ok((StatusCode::CREATED, head, answer.sdp).into_response())
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// `DELETE /api/whep/{id}`: whoever knows the id has made the session.
pub async fn whep_end(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Answer {
    if !is_id(&id) || !shared.inside.media.whep_end(id).await? {
        return Err(Fault::missing("There is no such session."));
    }
    Ok(StatusCode::OK.into_response())
}

/// `GET /api/fmp4`
pub async fn fmp4(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Answer {
    let Ok(upgrade) = upgrade else {
        return Err(Fault::bad("This address is for WebSockets."));
    };
    let pieces = shared.inside.media.fmp4().await?;
    caller.lasts();
    let upgrade = upgrade
        .max_message_size(1024)
        .max_frame_size(1024)
        .read_buffer_size(2048)
        .write_buffer_size(32 * 1024)
        .max_write_buffer_size(16 << 20);
    Ok(upgrade.on_upgrade(move |socket| async move {
        shared.tally.fmp4.fetch_add(1, Ordering::Relaxed);
        show(&shared, socket, pieces).await;
        shared.tally.fmp4.fetch_sub(1, Ordering::Relaxed);
    }))
}

async fn show(shared: &Shared, mut socket: WebSocket, mut pieces: Box<dyn Fmp4>) {
    let mut stop = shared.stop.clone();
    let mut pings = tokio::time::interval(PING);
    loop {
        let message = tokio::select! {
            piece = pieces.next() => match piece {
                Some(Piece::Format(json)) => Message::Text(json.into()),
                Some(Piece::Data(data)) => Message::Binary(data),
                None => return,
            },
            heard = socket.recv() => match heard {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                // It has nothing to say.
                Some(Ok(_)) => continue,
            },
            _ = pings.tick() => Message::Ping(bytes::Bytes::new()),
            () = super::socket::stopped(&mut stop) => return,
        };
        if !matches!(timeout(STUCK, socket.send(message)).await, Ok(Ok(()))) {
            return;
        }
    }
}
