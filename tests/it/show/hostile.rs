//! Texts that would be programs, through every field that somebody may fill in, while the room, the desk and the report look on.

use std::time::Duration;

use serde_json::{Value, json};

use super::Show;
use super::browser::{Browser, WIDE};
use super::kills::order;
use super::staff::at_desk;
use crate::support::visitor::{Visitor, ask};

fn texts() -> Vec<String> {
    let texts: Vec<String> =
        serde_json::from_str(include_str!("../../fixtures/hostile/texts.json")).unwrap();
    assert!(texts.len() >= 200);
    texts
}

/// Nothing ran, and nothing of a text became an element.
async fn nothing_ran(page: &Browser, what: &str) {
    let ran = page.run("return window.__ran || 0").await;
    assert_eq!(ran, json!(0), "{what}: something ran");
    let made = page
        .run("return [...document.querySelectorAll('script:not([src]), iframe, object, embed, marquee, form[action^=javascript], [onerror], [onload], [onclick]')].map(e => e.outerHTML)")
        .await;
    assert_eq!(made, json!([]), "{what}: a text became an element");
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_texts_never_run() {
    let show = tokio::task::block_in_place(|| Show::start(""));
    let room = Browser::start(WIDE).await;
    room.goto(&show.url("/")).await;
    room.find("viewers").await;
    let desk = Browser::start(WIDE).await;
    at_desk(&desk, &show, "owner", &show.first_password()).await;
    desk.find("live").await;
    show.act(&json!({ "do": "show-begin", "title": "<script>window.__ran=1</script>" }));

    let texts = texts();
    for (n, text) in texts.iter().enumerate() {
        each(&show, n, text).await;
        if n.is_multiple_of(25) {
            nothing_ran(&room, text).await;
            nothing_ran(&desk, text).await;
        }
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    nothing_ran(&room, "the room").await;
    nothing_ran(&desk, "the desk").await;
    // Newcomers see all of it at once.
    room.goto(&show.url("/")).await;
    room.find("line").await;
    nothing_ran(&room, "the room, anew").await;
    show.act(&json!({ "do": "show-end" }));
    let shows = show.get("/api/shows", &show.owner).json();
    let number = shows["shows"][0]["show"]
        .as_u64()
        .unwrap_or_else(|| panic!("{shows}"));
    desk.goto(&show.url(&format!("/report/{number}"))).await;
    nothing_ran(&desk, "the report").await;
    room.end().await;
    desk.end().await;
}

/// One text through every field. Most are refused by one rule or another, and that is well.
async fn each(show: &Show, n: usize, text: &str) {
    let url = show.url("/api/join");
    let name = cut(text, 24);
    let joined =
        tokio::task::block_in_place(|| ask("POST", &url, "", Some(&json!({ "name": name }))));
    let cookie = joined.cookie("bc_viewer");
    let cookie = cookie.unwrap_or_default();
    if let Ok(mut me) = Visitor::enter(show.web, &cookie, None).await {
        for wish in [
            json!({ "do": "say", "text": text, "nonce": cut(text, 40) }),
            json!({ "do": "ask", "text": cut(text, 300) }),
            json!({ "do": "give", "gift": text, "combo": cut(text, 40), "count": 1 }),
            json!({ "do": "give", "gift": "heart", "combo": cut(text, 40), "count": 1 }),
            json!({ "do": "rename", "name": name }),
        ] {
            if let Err(Value::String(e)) = me.act(wish.clone()).await {
                panic!("{wish}: {e}");
            }
        }
    }
    let url = Some(format!(
        "https://shop.example/{n}?{}",
        cut(text, 20).replace(char::is_whitespace, "")
    ));
    let wishes = [
        json!({ "do": "poll-open", "question": cut(text, 120), "choices": [cut(text, 60), "other"] }),
        json!({ "do": "product-set", "name": cut(text, 60), "price": cut(text, 24), "old_price": cut(text, 24), "url": url }),
        json!({ "do": "product-set", "name": "x", "price": "1", "url": text }),
        json!({ "do": "draw-open", "title": cut(text, 80), "winners": 1 }),
        json!({ "do": "announce", "text": cut(text, 200) }),
        json!({ "do": "words", "words": [cut(text, 64)] }),
        json!({ "do": "words", "words": [] }),
    ];
    tokio::task::block_in_place(|| {
        for wish in wishes {
            let said = show.post("/api/act", &show.owner, &wish);
            assert!(said.status < 500 || said.status == 503, "{wish}: {said:?}");
            if let Some(id) = said.json()["id"].as_u64() {
                let after = match wish["do"].as_str() {
                    Some("poll-open") => json!({ "do": "poll-close", "poll": id }),
                    Some("product-set") => json!({ "do": "pin", "product": id }),
                    Some("draw-open") => json!({ "do": "draw-close", "draw": id }),
                    _ => continue,
                };
                show.post("/api/act", &show.owner, &after);
                if wish["do"] == "poll-open" {
                    show.post(
                        "/api/act",
                        &show.owner,
                        &json!({ "do": "poll-gone", "poll": id }),
                    );
                }
                if wish["do"] == "draw-open" {
                    show.post(
                        "/api/act",
                        &show.owner,
                        &json!({ "do": "draw-do", "draw": id }),
                    );
                }
                if wish["do"] == "product-set" && !n.is_multiple_of(10) {
                    show.post(
                        "/api/act",
                        &show.owner,
                        &json!({ "do": "product-remove", "product": id }),
                    );
                }
            }
        }
        let body = json!({ "order": cut(text, 40), "count": 1, "amount_minor": 100, "currency": "EUR", "name": cut(text, 24) });
        assert!(order(show.web, &body).is_some_and(|status| status < 500));
        let fail = show.post("/login", "", &json!({ "name": text, "password": text }));
        assert!(
            matches!(fail.status, 400 | 401 | 403 | 422 | 429),
            "{fail:?}"
        );
        for path in ["/r/", "/report/", "/api/draws/"] {
            let odd: String = text.bytes().map(|b| format!("%{b:02x}")).collect();
            let said = show.get(&format!("{path}{odd}"), &show.owner);
            assert!(said.status < 500, "{path}: {said:?}");
            assert!(
                !said.headers.contains_key("x-evil") && said.cookie("bc_session").is_none(),
                "{said:?}"
            );
        }
    });
}
