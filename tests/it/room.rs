//! The room of a whole box: pages, WebSocket, MQTT, ctl, picture and database together.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Message, http::HeaderValue};

use crate::support::broker::Broker;
use crate::support::the_box::{Options, TheBox, run_to_end};
use crate::support::witness::{Seen, Witness, publish};
use crate::support::{free_port, wait_for};

const LIMIT: Duration = Duration::from_secs(20);
const ROOM: &str = "boothcast/v1/show/room/hall";

fn start(broker: &Broker, port: u16, dir: Option<tempfile::TempDir>) -> TheBox {
    let config = format!(
        "[mqtt]\nbroker = \"{}\"\nfleet = \"show\"\nid = \"b1\"\n[room]\nname = \"hall\"\n\
         [web]\nport = {port}\ntls_port = 0\nmetrics = \"\"\n[watch]\nudp_port = 0\n\
         [moderation]\nmode = \"free\"\nwords = \"badword\"\n\
         [video]\nsource = \"test\"\n[audio]\nsource = \"none\"\n[encode]\nprofile = \"custom\"\nwidth = 320\nheight = 180\n\
         fps = 10\nbitrate = 300000\n",
        broker.url()
    );
    let mut it = TheBox::spawn(Options {
        config: &config,
        dir,
        ..Options::default()
    });
    it.wait_up();
    it
}

/// A box of this folder once more, after it ended.
fn again(broker: &Broker, port: u16, mut it: TheBox) -> TheBox {
    it.interrupt();
    let TheBox { dir, .. } = it;
    start(broker, port, Some(dir))
}

struct Answer {
    status: u16,
    cookie: Option<String>,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }
}

/// One request, as a simple client makes it.
fn http(port: u16, method: &str, path: &str, cookie: Option<&str>, body: Option<&Value>) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let body = body.map(Value::to_string).unwrap_or_default();
    let cookie = cookie
        .map(|c| format!("Cookie: {c}\r\n"))
        .unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n{cookie}\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    let text = String::from_utf8_lossy(&text).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap();
    let cookie = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let own = name.eq_ignore_ascii_case("set-cookie");
        own.then(|| value.split(';').next().unwrap_or_default().to_owned())
    });
    Answer {
        status,
        cookie,
        body: body.to_owned(),
    }
}

fn join(port: u16, name: &str) -> String {
    let joined = http(
        port,
        "POST",
        "/api/join",
        None,
        Some(&json!({ "name": name })),
    );
    assert_eq!(joined.status, 200, "{}", joined.body);
    assert_eq!(joined.json()["name"], name);
    joined.cookie.expect("a cookie")
}

type Socket = tokio_tungstenite::WebSocketStream<tokio::net::TcpStream>;

async fn connect(port: u16, cookie: &str) -> Socket {
    let url = format!("ws://127.0.0.1:{port}/api/ws");
    let mut request = url.into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("Cookie", HeaderValue::from_str(cookie).unwrap());
    let origin = format!("http://127.0.0.1:{port}");
    headers.insert("Origin", HeaderValue::from_str(&origin).unwrap());
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .unwrap();
    tokio_tungstenite::client_async(request, stream)
        .await
        .unwrap()
        .0
}

/// The next message that `wanted` holds for.
async fn until(socket: &mut Socket, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let search = async {
        loop {
            let message = socket.next().await.expect("open").unwrap();
            let Message::Text(text) = message else {
                continue;
            };
            let value: Value = serde_json::from_str(&text).unwrap();
            if wanted(&value) {
                return value;
            }
        }
    };
    let found = tokio::time::timeout(LIMIT, search).await;
    found.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

async fn act(socket: &mut Socket, id: &str, act: Value) -> Value {
    let mut act = act;
    act["id"] = json!(id);
    socket.send(Message::text(act.to_string())).await.unwrap();
    until(socket, id, |m| m["id"] == id).await
}

/// An order to the room by MQTT; its answer.
fn order(broker: &Broker, witness: &Witness, id: &str, act: &Value) -> Value {
    let payload = json!({"id": id, "args": act}).to_string();
    publish(broker, "boothcast/v1/show/box/b1/cmd/room/act", &payload);
    wait_for(id, LIMIT, || {
        let all = witness.all("boothcast/v1/show/box/b1/rsp/room/act");
        all.iter().map(Seen::json).find(|a| a["id"] == id)
    })
}

fn told(witness: &Witness, kind: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    wait_for(kind, LIMIT, || {
        let all = witness.all(&format!("{ROOM}/event/{kind}"));
        all.iter().map(Seen::json).find(|e| wanted(e))
    })
}

#[test]
fn a_room_is_joined_run_by_mqtt_and_kept() {
    let broker = Broker::start();
    let port = free_port();
    let it = start(&broker, port, None);
    let witness = Witness::of(&broker);
    let out = it.stdout();
    assert!(
        out.contains("The room:") && out.contains("User owner, password"),
        "{out}"
    );
    for secret in ["room-key", "web-key.pem", "owner-first-password"] {
        let meta = std::fs::metadata(it.path("state").join(secret)).unwrap();
        assert_eq!(meta.permissions().mode() & 0o777, 0o600, "{secret}");
    }
    let cookie = join(port, "Ann");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let poll = runtime.block_on(async {
        let mut ann = connect(port, &cookie).await;
        let hello = until(&mut ann, "hello", |m| m["t"] == "hello").await;
        assert_eq!(hello["you"]["name"], "Ann");
        let said = act(
            &mut ann,
            "1",
            json!({"do": "say", "text": "Hi all", "nonce": "n1"}),
        )
        .await;
        assert_eq!(said["t"], "ok", "{said}");
        let bad = act(&mut ann, "2", json!({"do": "say", "text": "badword"})).await;
        assert_eq!(
            (&bad["t"], &bad["error"]["code"]),
            (&json!("no"), &json!("refused")),
            "{bad}"
        );

        // A bridge is heard in the room, with its badge.
        publish(
            &broker,
            &format!("{ROOM}/in/youtube"),
            r#"{"who":"Bo","text":"from afar"}"#,
        );
        let line = until(&mut ann, "a line of the bridge", |m| {
            m["line"]["text"] == "from afar"
        })
        .await;
        assert_eq!(
            (&line["line"]["origin"], &line["line"]["name"]),
            (&json!("youtube"), &json!("Bo"))
        );

        let open = json!({"do": "poll-open", "question": "Tea?", "choices": ["Yes", "No"]});
        let opened = order(&broker, &witness, "p1", &open);
        assert_eq!(opened["ok"], true, "{opened}");
        let poll = opened["data"]["id"].as_u64().unwrap();
        let shown = until(&mut ann, "the poll", |m| m["poll"]["question"] == "Tea?").await;
        assert_eq!(shown["poll"]["open"], true);
        let vote = act(
            &mut ann,
            "3",
            json!({"do": "vote", "poll": poll, "choice": 1}),
        )
        .await;
        assert_eq!(vote["t"], "ok", "{vote}");
        poll
    });
    let said = told(&witness, "said", |e| e["data"]["text"] == "Hi all");
    assert!(said["data"].get("nonce").is_none(), "{said}");
    assert_eq!(
        told(&witness, "poll-opened", |_| true)["data"]["poll"],
        poll
    );
    told(&witness, "voted", |e| e["data"]["counts"] == json!([0, 1]));
    let refused = order(
        &broker,
        &witness,
        "p2",
        &json!({"do": "poll-close", "poll": 99}),
    );
    assert_eq!(refused["error"]["code"], "bad_request", "{refused}");
    on_the_picture(&it);

    // Killed by an orderly end: what was acknowledged is there again.
    let it = again(&broker, port, it);
    assert!(
        !it.stdout().contains("shown this once; kept in")
            || it.stdout().contains("first password in")
    );
    runtime.block_on(async {
        let mut ann = connect(port, &cookie).await;
        let hello = until(&mut ann, "hello", |m| m["t"] == "hello").await;
        assert_eq!(hello["you"]["name"], "Ann", "the cookie holds");
        assert_eq!(hello["you"]["vote"], 1);
        assert_eq!(hello["room"]["poll"]["counts"], json!([0, 1]));
        let texts: Vec<_> = hello["lines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|l| &l["text"])
            .collect();
        assert_eq!(texts, ["Hi all", "from afar"]);
    });
    let closed = order(
        &broker,
        &witness,
        "p3",
        &json!({"do": "poll-close", "poll": poll}),
    );
    assert_eq!(closed["ok"], true, "{closed}");
    assert_eq!(
        told(&witness, "poll-closed", |_| true)["data"]["winners"],
        json!([1])
    );
}

/// The poll is on the picture, too, and ctl runs the room.
fn on_the_picture(it: &TheBox) {
    let ctl = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_boothcast"));
        command.arg("ctl").args(args).arg("--json").arg("--config");
        let (code, out, err) = run_to_end(command.arg(it.path("boothcast.toml")), LIMIT);
        assert_eq!(code, Some(0), "{args:?}: {out}{err}");
        serde_json::from_str::<Value>(&out).unwrap()
    };
    wait_for("the poll on the picture", LIMIT, || {
        (ctl(&["status"])["stage"]["poll"] == "Tea?").then_some(())
    });
    ctl(&["room", r#"{"do":"announce","text":"Free coffee"}"#]);
    wait_for("the announcement on the picture", LIMIT, || {
        (ctl(&["status"])["stage"]["ticker"] == true).then_some(())
    });
}
