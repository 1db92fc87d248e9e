//! The owner runs a show from the desk.

use serde_json::json;

use super::Show;
use super::browser::{Browser, WIDE};
use super::staff::at_desk;
use crate::support::visitor::Visitor;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_runs_a_show() {
    let show = tokio::task::block_in_place(|| Show::start(""));
    let page = Browser::start(WIDE).await;
    at_desk(&page, &show, "owner", &show.first_password()).await;
    let mut ann = Visitor::join(show.web, "Ann").await;

    // Live and off again.
    page.click("live").await;
    page.until("live", "return /^(live|on|degraded|true)/i.test(document.querySelector('[data-test=\"live-badge\"]').innerText.trim()) || document.querySelector('[data-test=\"live-badge\"]').dataset.live === 'true'").await;
    let begun = ann.next_of("room").await;
    assert_ne!(begun["show"], json!(0), "{begun}");

    // A poll, voted in by chat.
    page.click("tab-show").await;
    page.write("poll-question", "Which cup next?").await;
    let choices = page
        .client()
        .find_all(fantoccini::Locator::Css("[data-test=\"poll-choice\"]"))
        .await
        .unwrap();
    assert!(choices.len() >= 2);
    choices[0].send_keys("Red").await.unwrap();
    choices[1].send_keys("Blue").await.unwrap();
    page.click("poll-form-send").await;
    let poll = loop {
        let poll = ann.next_of("poll").await;
        if poll["poll"]["open"] == json!(true) {
            break poll["poll"].clone();
        }
    };
    assert_eq!(poll["choices"], json!(["Red", "Blue"]));
    ann.act(json!({ "do": "say", "text": "!2" })).await.unwrap();
    page.click("poll-close").await;
    loop {
        let poll = ann.next_of("poll").await;
        if poll["poll"]["open"] == json!(false) {
            assert_eq!(poll["poll"]["counts"], json!([0, 1]));
            assert_eq!(poll["poll"]["winners"], json!([1]));
            break;
        }
    }

    // A product: pinned, clicked, on the picture.
    page.click("product-new").await;
    page.write("product-name", "Red cup").await;
    page.write("product-price", "12 EUR").await;
    page.write("product-url", "https://shop.example/cup").await;
    page.click("product-form-send").await;
    page.click("product-pin").await;
    let products = loop {
        let products = ann.next_of("products").await;
        if products["products"][0]["pin"].is_u64() {
            break products;
        }
    };
    let pin = products["products"][0]["pin"].as_u64().unwrap();
    let click = tokio::task::block_in_place(|| show.get(&format!("/r/{pin}"), &ann.cookie));
    assert_eq!(click.status, 302, "{click:?}");
    assert_eq!(click.headers["location"], "https://shop.example/cup");
    page.until("the product on the picture", "return fetch('/api/status', {headers: {'X-Boothcast': '1'}}).then(r => r.json()).then(s => JSON.stringify(s.stage || {}).includes('Red cup'))").await;

    // An announcement.
    page.write("announce-text", "Five minutes left").await;
    page.click("announce-form-send").await;
    assert_eq!(
        ann.next_of("announcement").await["text"],
        "Five minutes left"
    );

    // The end, and its report.
    page.click("tab-air").await;
    page.click("live").await;
    page.click("confirm-yes").await;
    loop {
        if ann.next_of("room").await["show"] == json!(0) {
            break;
        }
    }
    let shows = tokio::task::block_in_place(|| show.get("/api/shows", &show.owner)).json();
    let number = shows["shows"][0]["show"]
        .as_u64()
        .unwrap_or_else(|| panic!("{shows}"));
    page.goto(&show.url(&format!("/report/{number}"))).await;
    page.sees("Which cup next?").await;
    page.sees("Red cup").await;
    page.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_comes_to_the_desk() {
    let show = tokio::task::block_in_place(|| Show::start(""));
    let page = Browser::start(WIDE).await;
    page.goto(&show.url("/desk")).await;
    page.find("login-form").await;
    page.write("login-name", "owner").await;
    page.write("login-password", "wrong").await;
    page.click("login-send").await;
    page.find("login-error").await;
    page.end().await;
}
