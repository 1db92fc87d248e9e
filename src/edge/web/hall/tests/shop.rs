//! Orders, clicks, other people's bytes.

use hmac::Mac;

use super::*;

fn signed(secret: &str, body: &str) -> String {
    let mut mac = <hmac::Hmac<sha2::Sha256> as Mac>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    format!("sha256={}", sign::hex(&mac.finalize().into_bytes()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_needs_the_signature_of_its_body_and_counts_once() {
    let bench = Bench::new().await;
    let mut shop = bench.nobody();
    let body = json!({ "order": "A-1", "count": 2, "amount_minor": 1990, "currency": "EUR", "name": "Mei" }).to_string();
    let good = signed(SECRET, &body);
    let header =
        |sum: &str| format!("Content-Type: application/json\r\nX-Boothcast-Signature: {sum}\r\n");
    for (headers, sent) in [
        (String::new(), body.clone()),
        (header("sha256="), body.clone()),
        (header(&signed("other", &body)), body.clone()),
        (header(&good), body.replace("1990", "1991")),
        (format!("{}{}", header(&good), header(&good)), body.clone()),
    ] {
        let reply = shop.ask("POST", "/api/orders", &headers, &sent).await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (401, "bad-signature"),
            "{headers}"
        );
    }
    let first = shop.ask("POST", "/api/orders", &header(&good), &body).await;
    assert_eq!(first.status, 200, "{}", first.body);
    let again = shop.ask("POST", "/api/orders", &header(&good), &body).await;
    assert_eq!((again.status, &again.json()["again"]), (200, &json!(true)));
    let ordered = || {
        let events = bench.memory.events.lock().unwrap();
        events.iter().filter(|e| e.fact.kind() == "ordered").count()
    };
    assert_eq!(ordered(), 1);
    // Signed, but nonsense.
    for bad in [
        "",
        "{}",
        "[]",
        "{\"order\":7}",
        &body.replace("\"count\":2", "\"count\":-2"),
        &body.replace("EUR", "EUR\",\"x\":\"y"),
    ] {
        let reply = shop
            .ask("POST", "/api/orders", &header(&signed(SECRET, bad)), bad)
            .await;
        assert_eq!(reply.status, 400, "{bad}: {}", reply.body);
    }
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_click_leads_to_the_product_and_nowhere_else() {
    let bench = Bench::new().await;
    let mut owner = bench.staff(Role::Owner);
    let url = "https://shop.example/cup?x=1";
    let product = json!({ "do": "product-set", "name": "Cup", "price": "9 €", "url": url });
    let id = owner.post("/api/act", &product).await.json()["id"]
        .as_u64()
        .unwrap();
    let pin = owner
        .post("/api/act", &json!({ "do": "pin", "product": id }))
        .await
        .json()["id"]
        .as_u64()
        .unwrap();
    let reply = bench.nobody().get(&format!("/r/{pin}")).await;
    assert_eq!(
        (reply.status, reply.header("location").as_deref()),
        (302, Some(url))
    );
    for odd in [
        "999",
        "0",
        "-1",
        "+1",
        "01",
        "1%0d%0aSet-Cookie:%20x=y",
        "x",
        "1/2",
    ] {
        let reply = bench.nobody().get(&format!("/r/{odd}")).await;
        assert_eq!(reply.status, 404, "{odd}");
        assert!(reply.header("set-cookie").is_none() && reply.header("location").is_none());
    }
    // What is no address of a page is not even kept, nor is a line end.
    for bad in [
        "javascript:alert(1)",
        "ftp://x/",
        "//x",
        "https://x/\r\nSet-Cookie: a=b",
        "data:text/html,x",
    ] {
        let bad = json!({ "do": "product-set", "name": "Cup", "price": "9 €", "url": bad });
        let reply = owner.post("/api/act", &bad).await;
        assert!(matches!(reply.status, 400 | 422), "{bad}: {}", reply.body);
    }
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_are_too_long_or_no_json_are_refused() {
    let bench = Bench::new().await;
    let mut nobody = bench.nobody();
    let json = "Content-Type: application/json\r\n";
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(20_000));
    assert_eq!(
        nobody.ask("POST", "/api/join", json, &long).await.status,
        413
    );
    // Without a length, in pieces.
    let chunk = format!("{:x}\r\n{}\r\n", 5000, "x".repeat(5000)).repeat(4);
    let pieces = format!(
        "POST /api/join HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{json}Transfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n",
        nobody.at
    );
    assert_eq!(nobody.raw(&pieces).await.status, 413);
    for bad in [
        "",
        "{",
        "[]",
        "null",
        "{\"name\":7}",
        "{\"name\":\"a\",\"x\":1}",
        "\u{0}",
        "{\"name\":\"\\ud800\"}",
    ] {
        assert_eq!(
            nobody.ask("POST", "/api/join", json, bad).await.status,
            400,
            "{bad}"
        );
    }
    let deep = "[".repeat(10_000);
    assert_eq!(
        nobody.ask("POST", "/api/join", json, &deep).await.status,
        400
    );
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    assert_eq!(
        nobody.ask("POST", "/api/join", form, "name=x").await.status,
        415
    );
    assert_eq!(
        nobody
            .ask(
                "POST",
                "/api/join",
                "Content-Type: text/plain\r\n",
                "{\"name\":\"x\"}"
            )
            .await
            .status,
        415
    );
    // Many headers, long ones, broken ones.
    let many = "X: y\r\n".repeat(300);
    assert!(matches!(
        nobody.ask("GET", "/", &many, "").await.status,
        400 | 431
    ));
    let long = format!("X-Long: {}\r\n", "y".repeat(70_000));
    assert!(matches!(
        nobody.ask("GET", "/", &long, "").await.status,
        0 | 400 | 431
    ));
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whep_takes_sdp_and_gives_sdp() {
    let bench = Bench::new().await;
    let mut player = bench.nobody();
    let sdp = "Content-Type: application/sdp\r\n";
    let reply = player.ask("POST", "/api/whep", sdp, "v=0\r\n").await;
    assert_eq!((reply.status, reply.body.as_str()), (201, "v=0\r\nanswer"));
    assert_eq!(reply.header("location").as_deref(), Some("/api/whep/abc-1"));
    assert_eq!(
        reply.header("content-type").as_deref(),
        Some("application/sdp")
    );
    assert_eq!(reply.header("etag").as_deref(), Some("\"abc-1\""));
    assert_eq!(player.ask("POST", "/api/whep", sdp, "x").await.status, 400);
    assert_eq!(player.post("/api/whep", &json!("v=0")).await.status, 415);
    assert_eq!(
        player
            .ask("PATCH", "/api/whep/abc-1", sdp, "a=")
            .await
            .status,
        405
    );
    assert_eq!(player.delete("/api/whep/other").await.status, 404);
    assert_eq!(player.delete("/api/whep/abc-1").await.status, 200);
    let live = player.get("/watch_live").await.json();
    assert_eq!(live["rtsp"], json!("rtsp://127.0.0.1:8554/main"));
    assert_eq!(live["on_air"], json!(true));
    bench.end().await;
}
