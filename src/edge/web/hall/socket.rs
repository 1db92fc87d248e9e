//! `/api/ws`: the room for one browser. The protocol stands in docs/room-protocol.md.
//!
//! ```text
//!   subscribe -> come in (presence) -> hello (state of seq n) -> every message of a seq above n
//! ```
//!
//! So there is no gap and nothing twice. A browser that does not read for 10 s is dropped; one that reads too slowly is told so
//! (`lost`, close 1013) and joins anew. So is one whose session ended (close 4001).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, Query, State};
use axum::response::{IntoResponse, Response};
use futures_util::SinkExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::Shared;
use super::door::Caller;
use super::fault::Fault;
use super::feed::Batch;
use super::visitor::{Login, Visitor};
use crate::room::live::act::{Act, Refusal, Why};
use crate::room::live::event::Role;

/// Longest message of a browser, bytes.
pub const MOST: usize = 4096;
/// Longest word by which a browser calls its wish.
const WORD: usize = 40;
/// Messages of a browser in one second, and at once.
const RATE: f64 = 20.0;
/// So many above the rate, and the connection ends.
const PATIENCE: u32 = 200;
/// Between two pings.
const PING: Duration = Duration::from_secs(20);
/// Nothing heard for so long: nobody is there.
const DEAD: Duration = Duration::from_secs(60);
/// A browser that takes nothing for so long is dropped.
const STUCK: Duration = Duration::from_secs(10);
/// Between two words on the state of the box, to the owner.
const STATUS: Duration = Duration::from_millis(500);

/// What stands after the `?`.
#[derive(Debug, Deserialize)]
pub struct Asked {
    after: Option<u64>,
}

/// `GET /api/ws`
pub async fn open(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    Extension(visitor): Extension<Visitor>,
    asked: Result<Query<Asked>, QueryRejection>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        return Fault::bad("This address is for WebSockets.").into_response();
    };
    let Ok(Query(asked)) = asked else {
        return Fault::bad("after is the number of a line.").into_response();
    };
    let Ok(seat) = shared.seats.clone().try_acquire_owned() else {
        return Fault::busy("The room is full. Try again a little later.")
            .after_ms(10_000)
            .into_response();
    };
    let visitor = match shared.in_the_room(visitor).await {
        Ok(visitor) => visitor,
        Err(fault) => return fault.into_response(),
    };
    caller.lasts();
    // Small buffers: there may be a thousand of these.
    upgrade
        .max_message_size(MOST)
        .max_frame_size(MOST)
        .read_buffer_size(2048)
        .write_buffer_size(4096)
        .max_write_buffer_size(1 << 20)
        .on_upgrade(move |socket| async move {
            let _seat = seat;
            Talk::new(&shared, socket, visitor).run(asked.after).await;
        })
}

/// Why a connection ends.
enum End {
    /// The other side went, or takes nothing.
    Gone,
    /// It is told why.
    Told(u16, &'static str),
    /// It missed something.
    Lost,
    /// It takes nothing, so what it misses is told only if it reads on at once.
    Stuck,
}

/// One connection.
struct Talk<'a> {
    shared: &'a Shared,
    socket: WebSocket,
    visitor: Visitor,
    viewer: u64,
    role: Role,
    /// The seq up to which everything is known.
    known: u64,
    tokens: (f64, Instant),
    refused: u32,
}

impl<'a> Talk<'a> {
    fn new(shared: &'a Shared, socket: WebSocket, visitor: Visitor) -> Self {
        let (viewer, role) = (visitor.viewer.unwrap_or(0), visitor.role());
        let tokens = (RATE, Instant::now());
        Self {
            shared,
            socket,
            visitor,
            viewer,
            role,
            known: 0,
            tokens,
            refused: 0,
        }
    }

    async fn run(mut self, after: Option<u64>) {
        let end = match self.talk(after).await {
            Ok(()) => return,
            Err(end) => end,
        };
        // A browser that is behind may still read on: it is told, if it does so soon.
        let (code, why, wait) = match end {
            End::Gone => return,
            End::Told(code, why) => (code, why, None),
            End::Lost => (1013, "lost", Some(STUCK)),
            End::Stuck => (1013, "lost", Some(Duration::from_secs(1))),
        };
        if let Some(wait) = wait {
            self.shared.tally.lagged.fetch_add(1, Ordering::Relaxed);
            let lost = Message::Text(Utf8Bytes::from_static(r#"{"t":"lost"}"#));
            let _ = timeout(wait, self.socket.send(lost)).await;
        }
        let frame = CloseFrame {
            code,
            reason: Utf8Bytes::from_static(why),
        };
        let _ = timeout(
            Duration::from_secs(1),
            self.socket.send(Message::Close(Some(frame))),
        )
        .await;
    }

    async fn talk(&mut self, after: Option<u64>) -> Result<(), End> {
        let shared = self.shared;
        let mut feed = shared.feed.subscribe();
        let mut ended = shared.ended.subscribe();
        let mut stop = shared.stop.clone();
        let _here = shared.inside.live.connect(self.viewer);
        self.hello(after).await?;
        let mut status = shared.inside.status.clone();
        let watches = self.role == Role::Owner;
        if watches {
            status.mark_changed();
        }
        let mut status_at = tokio::time::Instant::now();
        let mut pings = interval(PING);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                batch = feed.recv() => match batch {
                    Ok(Batch::Frames(frames)) => {
                        let mine = frames.iter().filter(|f| self.wants(f.seq) && f.is_for(self.viewer, self.role));
                        let mine: Vec<Message> = mine.map(|f| Message::Text(f.text.clone())).collect();
                        self.put(mine).await?;
                    }
                    Ok(Batch::Lost) | Err(RecvError::Lagged(_)) => return Err(End::Lost),
                    Err(RecvError::Closed) => return Err(End::Told(1001, "the box ends")),
                },
                message = self.socket.recv() => {
                    let Some(Ok(message)) = message else { return Err(End::Gone) };
                    heard = Instant::now();
                    self.hear(message).await?;
                }
                _ = pings.tick() => {
                    if heard.elapsed() > DEAD {
                        return Err(End::Gone);
                    }
                    self.put(vec![Message::Ping(bytes::Bytes::new())]).await?;
                }
                changed = async {
                    tokio::time::sleep_until(status_at).await;
                    status.changed().await
                }, if watches => {
                    if changed.is_err() {
                        return Err(End::Told(1001, "the box ends"));
                    }
                    status_at = tokio::time::Instant::now() + STATUS;
                    let said = json!({ "t": "status", "status": *status.borrow_and_update() });
                    self.say(&said).await?;
                }
                over = ended.recv() => {
                    // Also after missing some of these: asking costs little.
                    let mine = over.map_or(true, |over| over.is_of(self.visitor.login.as_ref()));
                    if mine && is_over(shared, self.visitor.login.as_ref()).await {
                        return Err(End::Told(4001, "logged out"));
                    }
                }
                () = stopped(&mut stop) => return Err(End::Told(1001, "the box ends")),
            }
        }
    }

    /// Whether a message of this seq is new to it; 0: always.
    fn wants(&self, seq: u64) -> bool {
        seq == 0 || seq > self.known
    }

    async fn hello(&mut self, after: Option<u64>) -> Result<(), End> {
        let live = &self.shared.inside.live;
        let Ok(hello) = live.hello(self.viewer, self.role, after).await else {
            return Err(End::Told(1013, "the room is busy"));
        };
        self.known = hello.room.seq;
        let mut said = json!({
            "t": "hello",
            "seq": hello.room.seq,
            "now_ms": (self.shared.inside.wall)(),
            "you": hello.you,
            "room": hello.room,
            "lines": hello.lines,
        });
        if let (Some(staff), Value::Object(fields)) = (hello.staff, &mut said) {
            fields.insert("staff".into(), json!(staff));
        }
        self.say(&said).await
    }

    async fn say(&mut self, said: &Value) -> Result<(), End> {
        self.put(vec![Message::Text(said.to_string().into())]).await
    }

    /// Writes them in one go.
    async fn put(&mut self, messages: Vec<Message>) -> Result<(), End> {
        if messages.is_empty() {
            return Ok(());
        }
        let all = async {
            for message in messages {
                self.socket.feed(message).await?;
            }
            self.socket.flush().await
        };
        match timeout(STUCK, all).await {
            Ok(Ok(())) => Ok(()),
            Err(_) => Err(End::Stuck),
            Ok(Err(_)) => Err(End::Gone),
        }
    }

    async fn hear(&mut self, message: Message) -> Result<(), End> {
        let text = match message {
            Message::Text(text) => text,
            Message::Close(_) => return Err(End::Gone),
            Message::Binary(_) => return Err(End::Told(1003, "text only")),
            // Answered by the library; they count as any message does.
            Message::Ping(_) | Message::Pong(_) => {
                return if self.may() { Ok(()) } else { self.enough() };
            }
        };
        if !self.may() {
            self.enough()?;
            let wish = serde_json::from_str(&text).unwrap_or(Value::Null);
            let slowly = Refusal::new(Why::TooFast, "These are too many messages.").after_ms(1000);
            return self.no(&word(&wish), &slowly).await;
        }
        let wish: Value = match serde_json::from_str(&text) {
            Ok(wish @ Value::Object(_)) => wish,
            _ => {
                let refusal = Refusal::new(Why::BadRequest, "A message is a JSON object.");
                return self.no(&Value::Null, &refusal).await;
            }
        };
        let id = word(&wish);
        match self.shared.carry_out(&self.visitor, wish).await {
            Ok(result) => {
                self.say(&json!({ "t": "ok", "id": id, "result": result }))
                    .await
            }
            Err(refusal) => self.no(&id, &refusal).await,
        }
    }

    async fn no(&mut self, id: &Value, refusal: &Refusal) -> Result<(), End> {
        self.say(&json!({ "t": "no", "id": id, "error": refusal }))
            .await
    }

    /// Whether one more message may come now.
    fn may(&mut self) -> bool {
        let now = Instant::now();
        let (tokens, at) = self.tokens;
        let tokens = (tokens + now.duration_since(at).as_secs_f64() * RATE).min(RATE);
        let may = tokens >= 1.0;
        self.tokens = (if may { tokens - 1.0 } else { tokens }, now);
        may
    }

    fn enough(&mut self) -> Result<(), End> {
        self.refused += 1;
        if self.refused > PATIENCE {
            return Err(End::Told(1008, "too many messages"));
        }
        Ok(())
    }
}

/// Once the server is to end.
pub async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|s| *s).await;
}

/// Whether a session is over.
async fn is_over(shared: &Shared, login: Option<&Login>) -> bool {
    let Some(login) = login else {
        return false;
    };
    let session = shared
        .inside
        .records
        .session(login.token, (shared.inside.wall)());
    !matches!(session.await, Ok(Some((_, account))) if account.role == login.role)
}

/// By what a browser calls its wish.
fn word(wish: &Value) -> Value {
    match wish.get("id") {
        Some(Value::String(id)) if id.len() <= WORD => Value::String(id.clone()),
        _ => Value::Null,
    }
}

/// Reads a wish of a socket: an act with an `id`; `None`: a ping.
///
/// # Errors
/// What is wrong with it.
pub fn wish(mut wish: Value) -> Result<Option<Act>, Refusal> {
    let bad = |said: String| Refusal::new(Why::BadRequest, said);
    if let Value::Object(fields) = &mut wish {
        if let Some(id) = fields.remove("id")
            && id.as_str().is_none_or(|id| id.len() > WORD)
        {
            return Err(bad(format!("id is a text of at most {WORD} bytes.")));
        }
        if fields.len() == 1 && fields.get("do").is_some_and(|v| v == "ping") {
            return Ok(None);
        }
    }
    let act = serde_json::from_value(wish);
    act.map(Some)
        .map_err(|e| bad(format!("This is no wish: {e}.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_read_strictly() {
        let read = |text: &str| wish(serde_json::from_str(text).unwrap());
        assert_eq!(read(r#"{"id":"a","do":"ping"}"#), Ok(None));
        assert_eq!(
            read(r#"{"id":"a","do":"like","n":3}"#),
            Ok(Some(Act::Like { n: 3 }))
        );
        assert_eq!(read(r#"{"do":"unpin"}"#), Ok(Some(Act::Unpin)));
        for bad in [
            "{}",
            "[]",
            "3",
            r#"{"id":7,"do":"like","n":1}"#,
            r#"{"id":"a","do":"like"}"#,
            r#"{"id":"a","do":"like","n":-1}"#,
            r#"{"id":"a","do":"like","n":1,"role":"owner"}"#,
            r#"{"id":"a","do":"nothing"}"#,
            r#"{"id":"a","do":"ping","x":1}"#,
            &format!(r#"{{"id":"{}","do":"ping"}}"#, "x".repeat(41)),
        ] {
            assert_eq!(read(bad).unwrap_err().code, Why::BadRequest, "{bad}");
        }
    }
}
