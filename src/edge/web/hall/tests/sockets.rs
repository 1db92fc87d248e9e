//! The room over WebSockets.

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use super::*;

struct Socket(WebSocketStream<TcpStream>);

impl Browser {
    async fn try_open(
        &self,
        path: &str,
        headers: &[(&'static str, String)],
    ) -> Result<Socket, u16> {
        let mut request = format!("ws://{}{path}", self.at)
            .into_client_request()
            .unwrap();
        let line = self.cookie_line();
        let line = line
            .trim()
            .strip_prefix("Cookie: ")
            .unwrap_or("")
            .to_owned();
        if !line.is_empty() {
            request
                .headers_mut()
                .insert("cookie", line.parse().unwrap());
        }
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(self.at).await.unwrap();
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((socket, _)) => Ok(Socket(socket)),
            Err(WsError::Http(answer)) => Err(answer.status().as_u16()),
            Err(e) => panic!("{e}"),
        }
    }

    /// A socket, and its hello.
    async fn open(&self, path: &str) -> (Socket, Value) {
        let mut socket = self
            .try_open(path, &[])
            .await
            .unwrap_or_else(|s| panic!("{s}"));
        let hello = socket.next().await;
        assert_eq!(hello["t"], "hello", "{hello}");
        (socket, hello)
    }
}

impl Socket {
    async fn message(&mut self) -> Option<Message> {
        timeout(LONG, self.0.next())
            .await
            .expect("a message")
            .and_then(Result::ok)
    }

    async fn next(&mut self) -> Value {
        loop {
            match self.message().await {
                Some(Message::Text(text)) => return serde_json::from_str(&text).unwrap(),
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next of this kind.
    async fn until(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await;
            if message["t"] == kind {
                return message;
            }
        }
    }

    async fn send(&mut self, wish: &Value) {
        self.0.send(Message::text(wish.to_string())).await.unwrap();
    }

    /// The code with which it is closed.
    async fn closed(&mut self) -> u16 {
        loop {
            match self.message().await {
                Some(Message::Close(Some(frame))) => return frame.code.into(),
                Some(_) => {}
                None => return 0,
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_says_all_see_once_also_after_coming_back() {
    let bench = Bench::new().await;
    let (mei, lin) = (bench.viewer("Mei").await, bench.viewer("Lin").await);
    let ((mut a, hello), (mut b, _)) = (mei.open("/api/ws").await, lin.open("/api/ws").await);
    assert_eq!(hello["you"]["role"], "viewer");
    assert!(hello.get("staff").is_none() && hello["seq"].is_u64() && hello["now_ms"].is_i64());
    a.send(&json!({ "id": "1", "do": "say", "text": "hello", "nonce": "n" }))
        .await;
    let ok = a.until("ok").await;
    assert_eq!(
        (&ok["id"], ok["result"]["id"].is_u64()),
        (&json!("1"), true)
    );
    let line = b.until("line").await["line"].clone();
    assert_eq!(
        (&line["text"], &line["name"]),
        (&json!("hello"), &json!("Mei"))
    );
    // Sent again, it is not said again.
    a.send(&json!({ "id": "2", "do": "say", "text": "hello", "nonce": "n" }))
        .await;
    assert_eq!(a.until("ok").await["result"]["again"], true);
    drop(b);
    let after = line["line"].as_u64().unwrap();
    let (_, hello) = lin.open(&format!("/api/ws?after={after}")).await;
    assert_eq!(hello["lines"], json!([]), "known lines come again");
    let (_, hello) = lin.open("/api/ws").await;
    assert_eq!(hello["lines"].as_array().unwrap().len(), 1);
    a.send(&json!({ "id": "3", "do": "ping" })).await;
    assert_eq!(a.until("ok").await["id"], "3");
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_is_for_our_own_pages_and_for_whoever_joined() {
    let bench = Bench::new().await;
    assert_eq!(
        bench.nobody().try_open("/api/ws", &[]).await.err(),
        Some(401)
    );
    let mei = bench.viewer("Mei").await;
    for origin in ["http://evil.example", "null", "https://127.0.0.1"] {
        let with = [("origin", origin.to_owned())];
        assert_eq!(
            mei.try_open("/api/ws", &with).await.err(),
            Some(403),
            "{origin}"
        );
        assert_eq!(
            mei.try_open("/api/fmp4", &with).await.err(),
            Some(403),
            "{origin}"
        );
    }
    let with = [("host", "evil.example".to_owned())];
    assert_eq!(mei.try_open("/api/ws", &with).await.err(), Some(421));
    let ours = [("origin", format!("http://{}", mei.at))];
    assert!(mei.try_open("/api/ws", &ours).await.is_ok());
    assert_eq!(
        mei.try_open("/api/ws?after=x", &ours).await.err(),
        Some(400)
    );
    let mut plain = mei.clone();
    assert_eq!(plain.get("/api/ws").await.status, 400);
    // Pictures as fMP4.
    let mut film = bench
        .nobody()
        .try_open("/api/fmp4", &[])
        .await
        .ok()
        .unwrap();
    assert!(matches!(film.message().await, Some(Message::Text(t)) if t.contains("video/mp4")));
    assert!(matches!(film.message().await, Some(Message::Binary(b)) if b.as_ref() == b"ftypmoov"));
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_are_wrong_or_too_many_are_answered_so() {
    let bench = Bench::new().await;
    let mei = bench.viewer("Mei").await;
    let (mut a, _) = mei.open("/api/ws").await;
    for bad in [
        "",
        "{",
        "[]",
        "\"x\"",
        "{\"id\":\"q\",\"do\":\"panic\"}",
        "{\"id\":\"q\",\"do\":\"say\"}",
        "{\"id\":7}",
    ] {
        a.0.send(Message::text(bad)).await.unwrap();
        let no = a.until("no").await;
        assert_eq!(no["error"]["code"], "bad-request", "{bad}: {no}");
    }
    for act in [
        json!({ "do": "panic", "on": true }),
        json!({ "do": "unpin" }),
        json!({ "do": "show-end" }),
    ] {
        a.send(&act).await;
        assert_eq!(a.until("no").await["error"]["code"], "forbidden");
    }
    for _ in 0..300 {
        if a.0
            .send(Message::text("{\"do\":\"ping\",\"id\":\"x\"}"))
            .await
            .is_err()
        {
            break;
        }
    }
    let mut slowly = false;
    let code = loop {
        match a.message().await {
            Some(Message::Text(text)) => slowly |= text.contains("too-fast"),
            Some(Message::Close(Some(frame))) => break u16::from(frame.code),
            Some(_) => {}
            None => break 1008,
        }
    };
    assert!(slowly && code == 1008, "{code}");
    // Too long, or no text.
    let (mut b, _) = mei.open("/api/ws").await;
    let _ = b.0.send(Message::text("x".repeat(5000))).await;
    while matches!(b.message().await, Some(Message::Text(_) | Message::Ping(_))) {}
    let (mut c, _) = mei.open("/api/ws").await;
    c.0.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(c.closed().await, 1003);
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_staff_sees_more_until_its_session_ends() {
    let bench = Bench::new().await;
    let mut owner = bench.staff(Role::Owner);
    let (mut desk, hello) = owner.open("/api/ws").await;
    assert_eq!(hello["you"]["role"], "owner");
    assert!(hello["staff"]["held"].is_array());
    assert!(desk.until("status").await["status"]["name"].is_string());
    bench.status.send_modify(|s| s.live = true);
    assert_eq!(desk.until("status").await["status"]["live"], true);
    let mei = bench.viewer("Mei").await;
    let (mut viewer, _) = mei.open("/api/ws").await;
    desk.send(&json!({ "id": "1", "do": "announce", "text": "Hello all" }))
        .await;
    assert!(desk.until("ok").await["result"].is_object());
    assert_eq!(viewer.until("announcement").await["text"], "Hello all");
    assert_eq!(bench.memory.audited("act"), 1);
    assert_eq!(
        owner.delete("/api/sessions?account=owner").await.status,
        204
    );
    assert_eq!(desk.closed().await, 4001);
    assert_eq!(owner.try_open("/api/ws", &[]).await.err(), Some(401));
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_room_says_so() {
    let bench = Bench::with(|o| o.max_viewers = 2).await;
    let mei = bench.viewer("Mei").await;
    let (_a, _) = mei.open("/api/ws").await;
    let (b, _) = mei.open("/api/ws").await;
    assert_eq!(mei.try_open("/api/ws", &[]).await.err(), Some(503));
    drop(b);
    let begun = Instant::now();
    while mei.try_open("/api/ws", &[]).await.is_err() {
        assert!(begun.elapsed() < LONG, "the place is not given back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_is_dropped_and_the_others_are_not_held_up() {
    let bench = Bench::new().await;
    let (mei, lin) = (bench.viewer("Mei").await, bench.viewer("Lin").await);
    let (deaf, _) = mei.open("/api/ws").await;
    let (mut good, _) = lin.open("/api/ws").await;
    let mut owner = bench.staff(Role::Owner);
    // Product lists are the longest messages: they fill what the kernel keeps for the one who does not read.
    for n in 0..60 {
        let name = format!("{n} {}", "x".repeat(50));
        let product = json!({ "do": "product-set", "name": name, "price": "1", "url": "https://x.example/".to_owned() + &"y".repeat(400) });
        if owner.post("/api/act", &product).await.status != 200 {
            break;
        }
    }
    let begun = Instant::now();
    let feed = tokio::spawn(async move {
        while begun.elapsed() < LONG {
            let again = json!({ "do": "product-set", "product": 1, "name": "cup", "price": format!("{:?}", begun.elapsed()) });
            let _ = owner.post("/api/act", &again).await;
        }
    });
    let mut got = 0;
    let gone = async {
        // The other end of the connection is closed although it was never read.
        while bench.hall.is_some() {
            let sockets =
                bench.staff(Role::Owner).get("/api/status").await.json()["web"]["sockets"].as_u64();
            if sockets == Some(1) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::select! {
        () = gone => {}
        () = async { loop { good.until("products").await; got += 1; } } => {}
        () = tokio::time::sleep(LONG + LONG) => panic!("it is still there"),
    }
    feed.abort();
    assert!(got > 20, "the others were held up: {got}");
    drop(deaf);
    bench.end().await;
}
