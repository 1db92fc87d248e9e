//! The server as clients of all manners find it: over TCP, with nothing in between.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use super::*;
use crate::config::code::SetupCode;
use crate::device::state::{State, Wanted};
use crate::device::testing::setup;

mod crowd;

/// Much longer than anything here takes, also on a busy machine.
const LONG: Duration = Duration::from_secs(20);

struct Bench {
    web: Option<Web>,
    runtime: tokio::runtime::Runtime,
    status: watch::Sender<Status>,
    found: watch::Sender<Vec<Found>>,
    failure: watch::Sender<Option<String>>,
    wishes: mpsc::Receiver<Wish>,
}

impl Bench {
    /// A box whose set-up is open.
    fn new() -> Self {
        Self::within(Limits::default())
    }

    fn within(limits: Limits) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (state, _) = State::new(setup(), Wanted::new(false)).start(Duration::ZERO);
        let mut first = Status::of(&state);
        first.setup.open = true;
        let (status, status_out) = watch::channel(first);
        let (found, found_out) = watch::channel(Vec::new());
        let (failure, failure_out) = watch::channel(None);
        let (wish, wishes) = mpsc::channel(256);
        let site = Site::new(
            status_out,
            found_out,
            failure_out,
            wish,
            &["boothcast-ab3f".into()],
        )
        .unwrap();
        let anywhere = [SocketAddr::from(([127, 0, 0, 1], 0))];
        let web = Web::start_on(&anywhere, limits, site, runtime.handle()).unwrap();
        Self {
            web: Some(web),
            runtime,
            status,
            found,
            failure,
            wishes,
        }
    }

    fn address(&self) -> SocketAddr {
        self.web.as_ref().unwrap().address()
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream
    }

    /// Sends bytes, and gives the answer until the end of the connection: status, head, body.
    fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.connect();
        let _ = stream.write_all(bytes);
        Answer::read(&mut stream)
    }

    fn get(&self, path: &str, headers: &str) -> Answer {
        let host = self.address();
        self.raw(
            format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n")
                .as_bytes(),
        )
    }

    fn post(&self, body: &str, headers: &str) -> Answer {
        let (host, length) = (self.address(), body.len());
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {length}\r\n{headers}\r\n"
        );
        self.raw(format!("{head}{body}").as_bytes())
    }

    /// The token, as a browser has it.
    fn token(&self) -> String {
        let page = self.get("/", "").body;
        let (_, rest) = page.split_once("name=\"token\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    fn codes(&mut self) -> Option<Vec<SetupCode>> {
        while let Ok(wish) = self.wishes.try_recv() {
            if let Wish::Codes(codes) = wish {
                return Some(codes);
            }
        }
        None
    }

    fn set(&self, change: impl FnOnce(&mut Status)) {
        self.status.send_modify(change);
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let begun = Instant::now();
        let address = self.address();
        self.runtime.block_on(self.web.take().unwrap().stop());
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "the end took too long"
        );
        assert!(TcpStream::connect(address).is_err(), "it listens on");
    }
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        // A connection that is reset may have answered before.
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok());
        Self {
            status: status.unwrap_or(0),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }
}

#[test]
fn a_form_becomes_codes_in_order_and_tells_no_secret() {
    let mut bench = Bench::new();
    let token = bench.token();
    let body = format!(
        "token={token}&network=s%3ALa%C3%A4den+%26+Co&password=geheim+123&name=Front&url=rtmp%3A%2F%2Fa.example%2Fapp&key=geheim-key"
    );
    let origin = format!("Origin: http://{}\r\n", bench.address());
    let answer = bench.post(&body, &origin);
    assert_eq!(answer.status, 303, "{}", answer.head);
    assert!(answer.head.contains("location: /?lang=en&sent=1"));
    assert!(!answer.body.contains("geheim"));
    let codes = bench.codes().unwrap();
    let [SetupCode::Wifi(wifi), SetupCode::Box(code)] = codes.as_slice() else {
        panic!("{codes:?}")
    };
    assert_eq!(wifi.ssid, "Laäden & Co");
    assert_eq!(wifi.password.as_ref().unwrap().expose(), "geheim 123");
    assert_eq!(code.key.as_ref().unwrap().expose(), "geheim-key");
    // The page after it says so, and loads itself again without JavaScript.
    let page = bench.get("/?lang=zh&sent=1", "");
    assert!(page.body.contains("http-equiv=\"refresh\"") && page.body.contains("盒子已收到"));
    assert!(!page.body.contains("geheim"));
}

#[test]
fn a_script_gets_json_and_the_fields_that_are_wrong() {
    let mut bench = Bench::new();
    let token = bench.token();
    let json = "Accept: application/json\r\n";
    let answer = bench.post(
        &format!("token={token}&network=s%3AShop&password=geheim"),
        json,
    );
    assert_eq!(answer.status, 422, "{}", answer.body);
    let said: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(said["ok"], false);
    assert_eq!(said["problems"][0][0], "password");
    assert!(!answer.body.contains("geheim"));
    // The same without a script: the page again, with the problem on it.
    let answer = bench.post(
        &format!("token={token}&network=s%3AShop&password=geheim"),
        "",
    );
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("<b>Wi-Fi password:</b>") && !answer.body.contains("geheim"));
    assert_eq!(bench.codes(), None);
    let answer = bench.post(
        &format!("token={token}&network=s%3AShop&password=12345678"),
        json,
    );
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(bench.codes().is_some());
    // And not another within a second.
    let answer = bench.post(
        &format!("token={token}&network=s%3AShop&password=12345678"),
        json,
    );
    assert_eq!((answer.status, bench.codes()), (429, None));
}

#[test]
fn a_closed_window_takes_nothing_and_shows_how_to_open_it() {
    let mut bench = Bench::new();
    let token = bench.token();
    bench.set(|s| s.setup.open = false);
    let page = bench.get("/", "");
    assert_eq!(page.status, 200);
    assert!(
        page.body
            .contains("Hold the button of the box for 3 seconds")
            && !page.body.contains("<form")
    );
    let answer = bench.post(
        &format!("token={token}&network=s%3AShop&password=12345678"),
        "",
    );
    assert_eq!(answer.status, 403);
    assert_eq!(bench.codes(), None);
    bench.found.send_replace(vec![]);
    assert_eq!(bench.get("/api/networks", "").body, "[]");
}

#[test]
fn only_the_boxs_own_page_is_heard() {
    let mut bench = Bench::new();
    let token = bench.token();
    let body = format!("token={token}&network=s%3AShop&password=12345678");
    let (address, port) = (bench.address(), bench.address().port());
    for foreign in [
        "Origin: http://evil.example\r\n".to_owned(),
        "Origin: null\r\n".to_owned(),
        format!("Origin: https://{address}\r\n"),
        "Sec-Fetch-Site: cross-site\r\n".to_owned(),
    ] {
        assert_eq!(bench.post(&body, &foreign).status, 403, "{foreign}");
    }
    // Without the token, or with another.
    for token in ["", "0123456789abcdef0123456789abcdef"] {
        let body = format!("token={token}&network=s%3AShop&password=12345678");
        assert_eq!(bench.post(&body, "").status, 403);
    }
    // A name that somebody points to the box.
    for (host, status) in [
        ("evil.example".to_owned(), 421),
        (format!("evil.example:{port}"), 421),
        (format!("boothcast-ab3f.local.evil.example:{port}"), 421),
        (format!("boothcast-ab3f.local:{port}"), 200),
        (format!("BOOTHCAST-AB3F.local:{port}"), 200),
        (format!("localhost:{port}"), 200),
        ("192.168.7.7".to_owned(), 200),
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = bench.raw(request.as_bytes());
        assert_eq!(answer.status, status, "{host}");
        assert_eq!(answer.body.contains(&token), status == 200, "{host}");
    }
    let two = format!(
        "GET / HTTP/1.1\r\nHost: {address}\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    );
    assert_ne!(bench.raw(two.as_bytes()).status, 200);
    let none = bench.raw(b"GET / HTTP/1.0\r\n\r\n");
    assert_eq!(none.status, 421);
    assert_eq!(bench.codes(), None);
}

#[test]
fn every_answer_says_what_the_browser_may_do() {
    let bench = Bench::new();
    for path in [
        "/",
        "/api/status",
        "/assets/style.css",
        "/assets/setup.js",
        "/nothing",
    ] {
        let head = bench.get(path, "").head;
        for wanted in [
            "content-security-policy: default-src 'none'; style-src 'self'; script-src 'self';",
            "frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
            "referrer-policy: same-origin",
        ] {
            assert!(
                head.contains(wanted),
                "{path}: {wanted} is missing in {head}"
            );
        }
    }
    // The policy forbids what is not there.
    for page in [page::SETUP, page::FORM] {
        for inline in [
            "<style",
            " style=",
            " onclick=",
            " onsubmit=",
            "javascript:",
        ] {
            assert!(!page.contains(inline), "{inline}");
        }
        let scripts = page.matches("<script").count();
        assert_eq!(
            scripts,
            page.matches("<script type=\"module\" src=").count()
        );
    }
    let status: serde_json::Value =
        serde_json::from_str(&bench.get("/api/status", "").body).unwrap();
    assert_eq!(status["name"], "Shop");
    assert_eq!(status["setup"]["open"], true);
    assert_eq!(bench.get("/nothing", "").status, 404);
    assert_eq!(
        bench
            .raw(
                format!(
                    "DELETE / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
                    bench.address()
                )
                .as_bytes()
            )
            .status,
        405
    );
}

#[test]
fn names_from_the_air_are_text() {
    let bench = Bench::new();
    let evil = "\"><script>alert(1)</script>'&";
    bench.found.send_replace(vec![Found::for_tests(evil)]);
    bench.set(|s| {
        s.name = "<b>box".into();
        s.health.sentence = "<img src=x>".into();
        s.setup.network = Some("Wi-Fi <i>".into());
        s.setup.note = Some("</p><script>".into());
    });
    let page = bench.get("/", "").body;
    assert_eq!(page.matches("<script").count(), 1, "{page}");
    for raw in ["<b>box", "<img", "<i>", "alert(1)</script>", "value=\"s:\""] {
        assert!(!page.contains(raw), "{raw}");
    }
    assert!(page.contains("value=\"s:&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#39;&amp;\""));
    bench.set(|s| s.setup.note = None);
    bench
        .failure
        .send_replace(Some("The password is <wrong>.".into()));
    let page = bench.get("/", "").body;
    assert!(page.contains("The password is &lt;wrong&gt;."), "{page}");
    // As JSON it is what it is.
    let list: serde_json::Value =
        serde_json::from_str(&bench.get("/api/networks", "").body).unwrap();
    assert_eq!(list[0]["ssid"], evil);
}

#[test]
fn what_is_too_large_is_not_taken() {
    let mut bench = Bench::new();
    let token = bench.token();
    let fill = "x".repeat(BODY);
    let answer = bench.post(&format!("token={token}&network=keep&name={fill}"), "");
    assert_eq!(answer.status, 413);
    // Without a length: cut off where it is too much.
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n",
        bench.address()
    );
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    let answer = bench.raw(format!("{head}{}0\r\n\r\n", chunk.repeat(6)).as_bytes());
    assert_eq!(answer.status, 413, "{}", answer.head);
    // A head without an end.
    let answer = bench.raw(
        format!(
            "GET / HTTP/1.1\r\nHost: x\r\n{}",
            "X-A: bbbbbbbb\r\n".repeat(20_000)
        )
        .as_bytes(),
    );
    assert_ne!(answer.status, 200);
    // No form at all.
    let answer = bench.raw(
        format!("POST / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\nx", bench.address()).as_bytes(),
    );
    assert_eq!(answer.status, 400);
    assert_eq!(bench.codes(), None);
    assert_eq!(bench.get("/", "").status, 200);
}
