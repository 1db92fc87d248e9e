//! A moderator with a phone, and the viewers that the acts are about.

use serde_json::json;

use super::Show;
use super::browser::{Browser, PHONE};
use crate::support::visitor::Visitor;

/// Goes to the desk as somebody of the staff.
pub async fn at_desk(page: &Browser, show: &Show, name: &str, password: &str) {
    page.goto(&show.url("/login?next=/desk")).await;
    page.write("login-name", name).await;
    page.write("login-password", password).await;
    page.click("login-send").await;
    if name == "owner" {
        // It still has the password that the box made.
        page.click("login-later").await;
    }
    page.find("box-name").await;
}

/// Clicks a control in the row of an element, both called by `data-test`.
pub async fn click_in(page: &Browser, row: &str, control: &str) {
    let css = format!("[data-test=\"{row}\"] [data-test=\"{control}\"]");
    page.css(&css).await.click().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_moderator_keeps_the_room_in_order() {
    let show = tokio::task::block_in_place(|| Show::start(""));
    tokio::task::block_in_place(|| show.moderator("mia"));
    let page = Browser::start(PHONE).await;
    at_desk(&page, &show, "mia", "a long password").await;

    // One tap takes a line away, another brings it back.
    let mut ann = Visitor::join(show.web, "Ann").await;
    let mut bob = Visitor::join(show.web, "Bob").await;
    let line = ann
        .act(json!({ "do": "say", "text": "buy my watches" }))
        .await
        .unwrap()["id"]
        .as_u64()
        .unwrap();
    page.click("tab-chat").await;
    page.sees("buy my watches").await;
    let row = format!("[data-test=\"chat-line\"][data-line=\"{line}\"]");
    page.css(&format!("{row} [data-test=\"chat-hide\"]"))
        .await
        .click()
        .await
        .unwrap();
    let gone = bob.next_of("line-gone").await;
    assert_eq!(gone["line"].as_u64(), Some(line));
    page.click("undo").await;
    let back = loop {
        let line = bob.next_of("line").await;
        if line["line"]["text"] == "buy my watches" && line["line"]["state"] == "shown" {
            break line;
        }
    };
    assert_eq!(back["line"]["line"].as_u64(), Some(line));

    // Hold: what is said waits until it is approved.
    let held =
        tokio::task::block_in_place(|| show.command("moderation-set", &json!({ "mode": "hold" })));
    assert!(held.status < 300, "{held:?}");
    let said = ann
        .act(json!({ "do": "say", "text": "may I?" }))
        .await
        .unwrap();
    assert_eq!(said["held"], json!(true), "{said}");
    click_in(&page, "held-line", "held-approve").await;
    loop {
        let line = bob.next_of("line").await;
        if line["line"]["text"] == "may I?" {
            break;
        }
    }

    // A ban survives another name.
    page.css(&format!("{row} [data-test=\"chat-more\"]"))
        .await
        .click()
        .await
        .unwrap();
    page.css(&format!("{row} [data-test=\"chat-ban\"]"))
        .await
        .click()
        .await
        .unwrap();
    page.until(
        "the ban",
        "return document.querySelector('[data-test=\"act\"]') !== null",
    )
    .await;
    let _ = ann.act(json!({ "do": "rename", "name": "Anna" })).await;
    let refused = ann
        .act(json!({ "do": "say", "text": "it is me" }))
        .await
        .unwrap_err();
    assert_eq!(refused["code"], "muted", "{refused}");

    // What only the owner may do is not offered, nor taken.
    let none = page.run("return document.querySelectorAll('[data-test=\"tab-air\"], [data-test=\"card-accounts\"]').length").await;
    assert_eq!(none, json!(0));
    page.end().await;

    let log = tokio::task::block_in_place(|| show.get("/api/audit", &show.owner)).json();
    let text = log.to_string();
    for what in ["hide", "ban", "approve"] {
        assert!(text.contains(what), "{what} is not in the log: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn panic_is_one_tap() {
    let show = tokio::task::block_in_place(|| Show::start(""));
    tokio::task::block_in_place(|| show.moderator("mia"));
    let page = Browser::start(PHONE).await;
    at_desk(&page, &show, "mia", "a long password").await;
    let mut ann = Visitor::join(show.web, "Ann").await;
    page.click("panic").await;
    page.until("panic", "return document.querySelector('[data-test=\"panic\"]').getAttribute('aria-pressed') === 'true'").await;
    let refused = ann
        .act(json!({ "do": "say", "text": "hello?" }))
        .await
        .unwrap_err();
    assert_eq!(refused["reason"], "panic", "{refused}");
    page.click("panic").await;
    page.click("confirm-yes").await;
    page.until("calm", "return document.querySelector('[data-test=\"panic\"]').getAttribute('aria-pressed') === 'false'").await;
    ann.act(json!({ "do": "say", "text": "hello!" }))
        .await
        .unwrap();
    page.end().await;
}
