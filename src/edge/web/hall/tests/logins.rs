//! Passwords, sessions, cookies.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::*;
use crate::config::Secret;
use crate::edge::web::ensure_owner;

const PASSWORD: &str = "correct horse battery";

impl Bench {
    /// The owner that the box makes, and the password.
    async fn owner(&self) -> String {
        let now = self.now_ms.load(Ordering::Relaxed);
        let mut kept = None;
        let keep = |word: &Secret| {
            kept = Some(word.expose().to_owned());
            Ok(())
        };
        let word = ensure_owner(self.memory.as_ref(), now, keep)
            .await
            .unwrap()
            .unwrap();
        assert!(
            ensure_owner(self.memory.as_ref(), now, |_| Ok(()))
                .await
                .unwrap()
                .is_none(),
            "a second owner"
        );
        assert_eq!(kept.as_deref(), Some(word.expose()));
        word.expose().to_owned()
    }
}

fn login(name: &str, password: &str) -> Value {
    json!({ "name": name, "password": password })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_logs_in_and_gets_a_session_that_nobody_knew_before() {
    let bench = Bench::new().await;
    let password = bench.owner().await;
    let mut browser = bench.nobody();
    // Somebody put cookies there before: a session of their own choice, and a real one.
    browser.cookies.insert("bc_session".into(), "0".repeat(64));
    let reply = browser.post("/login", &login("Owner", &password)).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.json()["role"], "owner");
    assert_eq!(reply.json()["first_password"], true);
    let first = browser.cookies["bc_session"].clone();
    assert!(first != "0".repeat(64) && first.len() == 64);
    for line in reply.head.lines().filter(|l| l.starts_with("set-cookie")) {
        assert!(
            line.contains("HttpOnly")
                && line.contains("SameSite=Strict")
                && line.contains("Path=/"),
            "{line}"
        );
    }
    let me = browser.get("/api/me").await.json();
    assert_eq!(
        (&me["role"], &me["account"]),
        (&json!("owner"), &json!("owner"))
    );
    let viewer = me["viewer"].as_u64().unwrap();
    // The same browser again: another session, and the one before is no more.
    let mut before = browser.clone();
    assert_eq!(
        browser
            .post("/login", &login("owner", &password))
            .await
            .status,
        200
    );
    assert_ne!(browser.cookies["bc_session"], first);
    assert_eq!(before.get("/api/status").await.status, 401);
    assert_eq!(
        browser.get("/api/me").await.json()["viewer"],
        viewer,
        "the same viewer"
    );
    // Another browser, then another password: the others end, this one stays.
    let mut other = bench.nobody();
    assert_eq!(
        other
            .post("/login", &login("owner", &password))
            .await
            .status,
        200
    );
    let wrong = json!({ "old": "wrong", "new": PASSWORD });
    assert_eq!(browser.post("/api/password", &wrong).await.status, 403);
    let short = json!({ "old": password, "new": "short" });
    assert_eq!(browser.post("/api/password", &short).await.status, 400);
    let right = json!({ "old": password, "new": PASSWORD });
    assert_eq!(browser.post("/api/password", &right).await.status, 204);
    assert_eq!(other.get("/api/status").await.status, 401);
    assert_eq!(browser.get("/api/status").await.status, 200);
    assert_eq!(browser.get("/api/me").await.json()["first_password"], false);
    assert_eq!(
        bench
            .nobody()
            .post("/login", &login("owner", &password))
            .await
            .status,
        401
    );
    // Sessions end after a day without use.
    bench.later(25 * 3_600_000);
    assert_eq!(browser.get("/api/status").await.status, 401);
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_passwords_cost_time_but_never_for_ever() {
    let bench = Bench::new().await;
    let password = bench.owner().await;
    // Sent at once, they are counted all the same.
    let tries = (0..12).map(|_| {
        let mut browser = bench.nobody();
        tokio::spawn(async move {
            browser
                .post("/login", &login("owner", "wrong wrong"))
                .await
                .status
        })
    });
    let mut statuses = Vec::new();
    for one in tries.collect::<Vec<_>>() {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [[401; 5].as_slice(), &[429; 7]].concat());
    let mut browser = bench.nobody();
    let reply = browser.post("/login", &login("owner", &password)).await;
    assert_eq!((reply.status, reply.code().as_str()), (429, "too-fast"));
    assert_eq!(reply.json()["error"]["retry_after_ms"], 60_000);
    assert_eq!(reply.header("retry-after").as_deref(), Some("60"));
    // Another name at the same address is not held up; an unknown one is told nothing else.
    let reply = browser.post("/login", &login("nobody", &password)).await;
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (401, "wrong-password")
    );
    bench.later(60_001);
    assert_eq!(
        browser
            .post("/login", &login("owner", &password))
            .await
            .status,
        200
    );
    assert!(
        bench.memory.attempts.lock().unwrap().len() <= 1,
        "it is not forgotten"
    );
    assert!(bench.memory.audited("login") >= 6);
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_are_made_by_whoever_may() {
    let bench = Bench::new().await;
    let mut nobody = bench.nobody();
    let made = nobody.post("/register", &login("Mei", PASSWORD)).await;
    assert_eq!((made.status, &made.json()["role"]), (201, &json!("viewer")));
    assert_eq!(
        nobody
            .post("/register", &login("mei", PASSWORD))
            .await
            .code(),
        "taken"
    );
    assert_eq!(
        nobody
            .post("/register", &login("Lin", "short"))
            .await
            .status,
        400
    );
    let sneaky = json!({ "name": "Lin", "password": PASSWORD, "role": "owner" });
    assert_eq!(nobody.post("/register", &sneaky).await.status, 400);
    assert_eq!(
        nobody.post("/login", &login("MEI", PASSWORD)).await.status,
        200
    );
    assert_eq!(nobody.get("/api/accounts").await.status, 403);
    let mut owner = bench.staff(Role::Owner);
    let moderator = json!({ "name": "lin", "password": PASSWORD, "role": "moderator" });
    assert_eq!(owner.post("/api/accounts", &moderator).await.status, 201);
    let second = json!({ "name": "boss", "password": PASSWORD, "role": "owner" });
    assert_eq!(owner.post("/api/accounts", &second).await.status, 403);
    let names = owner.get("/api/accounts").await;
    assert_eq!(names.json()["accounts"].as_array().unwrap().len(), 3);
    assert!(
        !names.body.contains("argon2"),
        "hashes are nobody's business"
    );
    let sessions = owner.get("/api/sessions").await.json();
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 2);
    assert_eq!(owner.delete("/api/accounts/owner").await.status, 403);
    assert_eq!(owner.delete("/api/accounts/mei").await.status, 204);
    assert_eq!(owner.delete("/api/accounts/mei").await.status, 404);
    assert_eq!(
        nobody.get("/api/sessions").await.status,
        401,
        "its session ended with it"
    );
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_is_known_by_a_cookie_that_cannot_be_forged() {
    let bench = Bench::new().await;
    let mut mei = bench.viewer("Mei").await;
    let viewer = mei.get("/api/me").await.json()["viewer"].as_u64().unwrap();
    let again = mei.post("/api/join", &json!({ "name": "Mei" })).await;
    assert_eq!(again.json()["viewer"], viewer);
    let cookie = mei.cookies["bc_viewer"].clone();
    let forged = cookie.replacen(&format!("v1.{viewer}."), &format!("v1.{}.", viewer + 1), 1);
    for bad in [
        forged,
        format!("{cookie}a"),
        "v1.1.1.".into(),
        "x".repeat(3000),
    ] {
        let mut other = bench.nobody();
        other.cookies.insert("bc_viewer".into(), bad);
        assert_eq!(other.get("/api/me").await.json()["viewer"], Value::Null);
        assert_eq!(
            other
                .post("/api/act", &json!({ "do": "like", "n": 1 }))
                .await
                .status,
            401
        );
    }
    // One of ours, of a viewer whom the room does not know any more.
    let mut old = bench.nobody();
    old.cookies.insert(
        "bc_viewer".into(),
        sign::Keys::new([9; 32]).viewer_cookie(4711, 1_800_000_000),
    );
    assert_eq!(old.get("/api/me").await.json()["viewer"], Value::Null);
    assert_eq!(
        old.post("/api/join", &json!({ "name": "Back" }))
            .await
            .status,
        200
    );
    assert_ne!(old.get("/api/me").await.json()["viewer"], Value::Null);
    // Simple clients need not join.
    let mut simple = bench.nobody();
    assert_eq!(
        simple.post("/chat", &json!({ "text": "hi" })).await.status,
        401
    );
    let reply = simple
        .post(
            "/chat",
            &json!({ "text": "hi", "name": "Bot", "nonce": "n1" }),
        )
        .await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert!(simple.cookies.contains_key("bc_viewer"));
    // One's own data.
    assert_eq!(simple.get("/api/me/data").await.status, 200);
    assert_eq!(simple.delete("/api/me/data").await.status, 204);
    assert!(!simple.cookies.contains_key("bc_viewer"));
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_https_the_staff_is_sent_there() {
    let made = crate::edge::web::tls::make(&["boothcast-ab3f".into()], &[]).unwrap();
    let cert = made.cert.clone();
    let bench = Bench::with(|o| (o.tls_port, o.certificate) = (Some(0), Some(made))).await;
    let tls = bench.addresses().https.unwrap().port();
    let mut nobody = bench.nobody();
    let reply = nobody.post("/login", &login("owner", PASSWORD)).await;
    assert_eq!((reply.status, reply.code().as_str()), (403, "https-only"));
    let there = format!("https://127.0.0.1:{tls}/login");
    assert_eq!(reply.json()["error"]["location"], there);
    let reply = nobody.get("/login").await;
    assert_eq!((reply.status, reply.header("location")), (307, Some(there)));
    let reply = nobody.get("/desk").await;
    assert_eq!(
        reply.header("location"),
        Some(format!("https://127.0.0.1:{tls}/desk"))
    );
    // A session of the staff is none over HTTP.
    assert_eq!(
        bench.staff(Role::Owner).get("/api/status").await.status,
        401
    );
    // Somebody who holds a handshake up holds up nobody else.
    let _slow: Vec<TcpStream> = {
        let mut all = Vec::new();
        for _ in 0..20 {
            all.push(
                TcpStream::connect(bench.addresses().https.unwrap())
                    .await
                    .unwrap(),
            );
        }
        all
    };
    let config = {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(cert.as_bytes()).unwrap())
            .unwrap();
        rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    };
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let tcp = TcpStream::connect(bench.addresses().https.unwrap())
        .await
        .unwrap();
    let name = rustls::pki_types::ServerName::try_from("boothcast-ab3f.local").unwrap();
    let mut stream = connector.connect(name, tcp).await.unwrap();
    let body = json!({ "name": "Mei" }).to_string();
    let ask = format!(
        "POST /api/join HTTP/1.1\r\nHost: boothcast-ab3f.local:{tls}\r\nOrigin: https://boothcast-ab3f.local:{tls}\r\n\
         Connection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    assert!(
        text.contains("set-cookie: __Host-bc_viewer=") && text.contains("; Secure"),
        "{text}"
    );
    bench.end().await;
}
