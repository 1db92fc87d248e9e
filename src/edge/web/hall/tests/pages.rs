//! Pages, headers, and who is not answered at all.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_has_its_headers_and_nothing_inline_is_allowed() {
    let bench = Bench::new().await;
    let mut nobody = bench.nobody();
    for (path, status, cache) in [
        ("/", 200, "no-cache"),
        ("/login", 200, "no-cache"),
        ("/assets/style.css", 200, "no-cache"),
        ("/api/room", 200, "no-store"),
        ("/api/me", 200, "no-store"),
        ("/openapi.json", 200, "no-store"),
        ("/nothing", 404, "no-store"),
        ("/assets/../secret", 404, "no-store"),
        ("/assets/room.html", 404, "no-store"),
        ("/assets/%2e%2e/%2e%2e/etc/passwd", 404, "no-store"),
        ("/api/status", 401, "no-store"),
    ] {
        let reply = nobody.get(path).await;
        assert_eq!(reply.status, status, "{path}");
        assert_eq!(
            reply.header("cache-control").as_deref(),
            Some(cache),
            "{path}"
        );
        let policy = reply.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert!(policy.contains(&format!("ws://{}", nobody.at)), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(reply.header(name).as_deref(), Some(value), "{path}");
        }
        assert!(reply.header("access-control-allow-origin").is_none());
    }
    let tag = nobody.get("/").await.header("etag").unwrap();
    let reply = nobody
        .ask("GET", "/", &format!("If-None-Match: {tag}\r\n"), "")
        .await;
    assert_eq!((reply.status, reply.body.as_str()), (304, ""));
    let desk = nobody.get("/desk").await;
    assert_eq!(
        (desk.status, desk.header("location").as_deref()),
        (303, Some("/login?next=/desk"))
    );
    assert_eq!(bench.staff(Role::Moderator).get("/desk").await.status, 200);
    let back = bench.staff(Role::Moderator).get("/login?next=/desk").await;
    assert_eq!(back.header("location").as_deref(), Some("/desk"));
    let evil = bench
        .staff(Role::Owner)
        .get("/login?next=//evil.example")
        .await;
    assert_eq!((evil.status, evil.header("location")), (200, None));
    assert_eq!(
        nobody
            .ask("PUT", "/api/room", "X-Boothcast: 1\r\n", "")
            .await
            .status,
        405
    );
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_are_not_ours_are_not_answered() {
    let bench = Bench::new().await;
    let port = bench.addresses().http.port();
    for (host, status) in [
        ("evil.example".to_owned(), 421),
        (format!("evil.example:{port}"), 421),
        ("boothcast-ab3f.local.evil.example".into(), 421),
        (String::new(), 421),
        ("a\tb".into(), 421),
        (format!("boothcast-ab3f.local:{port}"), 200),
        (format!("127.0.0.1:{port}"), 200),
        ("localhost".into(), 200),
    ] {
        for path in ["/", "/api/room", "/assets/style.css"] {
            let reply = bench
                .nobody()
                .ask("GET", path, &format!("Host: {host}\r\n"), "")
                .await;
            assert!(
                reply.status == status || (status == 421 && reply.status == 400),
                "{host} {path}: {}",
                reply.status
            );
        }
    }
    let two = format!("Host: 127.0.0.1:{port}\r\nHost: evil.example\r\n");
    assert!(matches!(
        bench.nobody().ask("GET", "/", &two, "").await.status,
        400 | 421
    ));
    let mut metrics = Browser::new(bench.addresses().metrics.unwrap());
    assert_eq!(metrics.get("/metrics").await.status, 200);
    assert_eq!(
        metrics
            .ask("GET", "/metrics", "Host: evil.example\r\n", "")
            .await
            .status,
        421
    );
    assert_eq!(
        bench.nobody().get("/metrics").await.status,
        404,
        "not on the room's own port"
    );
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_site_sends_is_not_taken() {
    let bench = Bench::new().await;
    let mut owner = bench.staff(Role::Owner);
    let act = json!({ "do": "panic", "on": true }).to_string();
    let json = "Content-Type: application/json\r\n";
    let port = owner.at.port();
    for foreign in [
        "Origin: http://evil.example\r\n".to_owned(),
        "Origin: null\r\n".into(),
        format!("Origin: https://127.0.0.1:{port}\r\n"),
        "Origin: http://127.0.0.1\r\n".into(),
        format!("Origin: http://127.0.0.1:{}\r\n", port.wrapping_add(1)),
        format!("Origin: http://127.0.0.1:{port}.evil.example\r\n"),
        "Sec-Fetch-Site: cross-site\r\n".into(),
        "Sec-Fetch-Site: same-site\r\n".into(),
    ] {
        for (method, path) in [
            ("POST", "/api/act"),
            ("POST", "/login"),
            ("POST", "/api/orders"),
            ("DELETE", "/api/sessions"),
            ("POST", "/chat"),
        ] {
            let reply = owner
                .ask(method, path, &format!("{json}{foreign}"), &act)
                .await;
            assert_eq!(
                (reply.status, reply.code().as_str()),
                (403, "foreign"),
                "{foreign} {path}"
            );
        }
    }
    // A form of another site by a browser that says nothing of where it comes from.
    for kind in [
        "Content-Type: text/plain\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        "",
    ] {
        for (method, path) in [
            ("POST", "/api/act"),
            ("POST", "/logout"),
            ("DELETE", "/api/sessions"),
            ("POST", "/api/command"),
        ] {
            let reply = owner.ask(method, path, kind, &act).await;
            assert_eq!(
                (reply.status, reply.code().as_str()),
                (403, "forbidden"),
                "{kind} {path}"
            );
        }
    }
    assert!(bench.memory.events.lock().unwrap().is_empty());
    let ours = format!("{json}Origin: http://127.0.0.1:{port}\r\nSec-Fetch-Site: same-origin\r\n");
    assert_eq!(owner.ask("POST", "/api/act", &ours, &act).await.status, 200);
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_commands_the_box() {
    let bench = Bench::new().await;
    let mut owner = bench.staff(Role::Owner);
    let reply = owner
        .post("/api/command", &json!({ "name": "live-start" }))
        .await;
    assert_eq!(
        (reply.status, &reply.json()["outcome"]),
        (200, &json!("accepted"))
    );
    let reply = owner
        .post("/api/command", &json!({ "name": "nothing" }))
        .await;
    assert_eq!((reply.status, reply.code().as_str()), (404, "not-found"));
    let secret = json!({ "name": "destination-set", "args": { "destination": "tube", "url": "rtmp://a.example/live", "key": "top-secret-key" } });
    assert_eq!(owner.post("/api/command", &secret).await.status, 200);
    assert_eq!(bench.memory.audited("command"), 2);
    let audit = owner.get("/api/audit").await;
    assert!(
        audit.body.contains("live-start") && !audit.body.contains("top-secret-key"),
        "{}",
        audit.body
    );
    assert_eq!(
        owner.get("/api/log?lines=5").await.json()["lines"][0],
        "a line"
    );
    let picture = owner.get("/api/snapshot.jpg").await;
    assert_eq!(
        picture.header("content-type").as_deref(),
        Some("image/jpeg")
    );
    assert!(owner.get("/api/status").await.json()["web"]["port"].is_u64());
    assert_eq!(
        owner.get("/api/shows").await.json()["shows"][0]["title"],
        "One"
    );
    assert_eq!(owner.get("/report/77").await.status, 404);
    let begin = json!({ "do": "show-begin", "title": "<b>Tea & cups</b>" });
    assert_eq!(owner.post("/api/act", &begin).await.status, 200);
    let page = owner.get("/report/1").await;
    assert_eq!(page.status, 200);
    assert!(
        page.body.contains("Tea &amp; cups") && !page.body.contains("<b>Tea"),
        "{}",
        page.body
    );
    assert!(
        owner
            .get("/report/1.csv")
            .await
            .header("content-type")
            .unwrap()
            .starts_with("text/csv")
    );
    assert!(
        owner
            .get("/report/1.events.csv?kind=show-begun")
            .await
            .body
            .contains("show-begun")
    );
    assert_eq!(owner.get("/api/report/1").await.json()["show"], 1);
    assert_eq!(owner.get("/report/1.exe").await.status, 404);
    bench.end().await;
}
