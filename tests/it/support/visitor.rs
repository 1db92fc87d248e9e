//! Somebody in the room: over HTTP and a WebSocket, as a browser would be.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(30);

/// An HTTP answer.
#[derive(Debug)]
pub struct Said {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub body: String,
}

impl Said {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The cookie that it sets.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let set = self.headers.get_all("set-cookie").iter();
        set.filter_map(|v| v.to_str().ok())
            .filter_map(|v| v.split(';').next())
            .find(|v| v.starts_with(&format!("{name}=")))
            .map(str::to_owned)
    }
}

/// One request; blocking. `cookie` may be empty.
pub fn ask(method: &str, url: &str, cookie: &str, body: Option<&Value>) -> Said {
    try_ask(method, url, cookie, body).unwrap_or_else(|e| panic!("{method} {url}: {e}"))
}

/// The same where the box may be gone.
pub fn try_ask(
    method: &str,
    url: &str,
    cookie: &str,
    body: Option<&Value>,
) -> Result<Said, ureq::Error> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(LIMIT))
        .build()
        .into();
    let mut request = ureq::http::Request::builder()
        .method(method)
        .uri(url)
        .header("x-boothcast", "1");
    if !cookie.is_empty() {
        request = request.header("cookie", cookie);
    }
    let answer = match body {
        Some(body) => agent.run(
            request
                .header("content-type", "application/json")
                .body(body.to_string())?,
        ),
        None => agent.run(request.body(())?),
    }?;
    let (parts, mut body) = answer.into_parts();
    Ok(Said {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: body.read_to_string().unwrap_or_default(),
    })
}

/// Somebody with a connection.
pub struct Visitor {
    pub cookie: String,
    pub viewer: u64,
    /// What was told on joining.
    pub hello: Value,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// What came while an answer was awaited.
    came: std::collections::VecDeque<Value>,
    asked: u64,
}

impl Visitor {
    /// Takes a name and goes in.
    pub async fn join(port: u16, name: &str) -> Self {
        let url = format!("http://127.0.0.1:{port}/api/join");
        let body = json!({ "name": name });
        let said = tokio::task::spawn_blocking(move || ask("POST", &url, "", Some(&body)))
            .await
            .unwrap();
        assert!(said.status < 300, "{said:?}");
        let cookie = said
            .cookie("bc_viewer")
            .unwrap_or_else(|| panic!("{said:?}"));
        Self::enter(port, &cookie, None).await.unwrap()
    }

    /// Goes in with a cookie; `after`: the last line that is known.
    pub async fn enter(port: u16, cookie: &str, after: Option<u64>) -> Result<Self, String> {
        let after = after.map_or_else(String::new, |n| format!("?after={n}"));
        let mut request = format!("ws://127.0.0.1:{port}/api/ws{after}")
            .into_client_request()
            .unwrap();
        let headers = request.headers_mut();
        headers.insert("cookie", cookie.parse().unwrap());
        headers.insert(
            "origin",
            format!("http://127.0.0.1:{port}").parse().unwrap(),
        );
        let (socket, _) = connect_async(request).await.map_err(|e| e.to_string())?;
        let mut it = Self {
            cookie: cookie.to_owned(),
            viewer: 0,
            hello: Value::Null,
            socket,
            came: std::collections::VecDeque::new(),
            asked: 0,
        };
        it.hello = it.read().await?;
        it.viewer = it.hello["you"]["viewer"].as_u64().unwrap_or_default();
        Ok(it)
    }

    async fn read(&mut self) -> Result<Value, String> {
        let end = Instant::now() + LIMIT;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match tokio::time::timeout(left, self.socket.next()).await {
                Ok(Some(Ok(Message::Text(text)))) => {
                    return serde_json::from_str(text.as_str()).map_err(|e| e.to_string());
                }
                Ok(Some(Ok(Message::Close(why)))) => return Err(format!("closed: {why:?}")),
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(e))) => return Err(e.to_string()),
                Ok(None) => return Err("the connection ended".into()),
                Err(_) => return Err("nothing came in time".into()),
            }
        }
    }

    /// The next message.
    pub async fn next(&mut self) -> Result<Value, String> {
        match self.came.pop_front() {
            Some(value) => Ok(value),
            None => self.read().await,
        }
    }

    /// The next message of a kind.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let value = self
                .next()
                .await
                .unwrap_or_else(|e| panic!("waiting for {kind}: {e}"));
            if value["t"] == kind {
                return value;
            }
        }
    }

    /// Sends a wish and waits for its answer: `Err` holds the refusal, or a text where the connection broke.
    pub async fn act(&mut self, mut wish: Value) -> Result<Value, Value> {
        self.asked += 1;
        let id = format!("t{}", self.asked);
        wish["id"] = json!(id);
        self.send(&wish.to_string()).await.map_err(Value::String)?;
        loop {
            let value = self.read().await.map_err(Value::String)?;
            if value["id"] != id.as_str() {
                self.came.push_back(value);
                continue;
            }
            return match value["t"].as_str() {
                Some("ok") => Ok(value["result"].clone()),
                _ => Err(value["error"].clone()),
            };
        }
    }

    /// Sends a text as it is.
    pub async fn send(&mut self, text: &str) -> Result<(), String> {
        self.socket
            .send(Message::text(text))
            .await
            .map_err(|e| e.to_string())
    }

    /// The socket itself, for whoever counts.
    pub fn into_socket(self) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
        self.socket
    }
}
