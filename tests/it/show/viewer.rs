//! A viewer with a phone: watches, takes a name, talks, likes, gives, votes, asks, and comes back.

use std::time::Duration;

use serde_json::json;

use super::Show;
use super::browser::{Browser, PHONE};
use crate::support::visitor::Visitor;

/// Says something on the page; the first time it asks for a name.
async fn say(page: &Browser, text: &str, name: Option<&str>) {
    page.write("say", text).await;
    page.click("send").await;
    if let Some(name) = name {
        page.write("name", name).await;
        page.click("join").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_takes_part() {
    let show = tokio::task::block_in_place(|| Show::start(""));
    let mut bob = Visitor::join(show.web, "Bob").await;
    bob.act(json!({ "do": "say", "text": "I was here before" }))
        .await
        .unwrap();
    let page = Browser::start(PHONE).await;
    page.goto(&show.url("/")).await;
    // Watching needs no name, and what was said before is there.
    page.until(
        "the picture",
        "return window.boothcast?.player?.state === 'playing'",
    )
    .await;
    page.sees("I was here before").await;

    // Chat.
    say(&page, "Hello from my phone", Some("Ann")).await;
    let line = loop {
        let line = bob.next_of("line").await;
        if line["line"]["text"] == "Hello from my phone" {
            break line;
        }
    };
    assert_eq!(line["line"]["name"], "Ann");
    page.sees("Hello from my phone").await;

    // Likes and gifts.
    for _ in 0..3 {
        page.click("like").await;
    }
    loop {
        if bob.next_of("count").await["likes"].as_u64().unwrap() >= 3 {
            break;
        }
    }
    page.click("gift-heart").await;
    page.click("gift-heart").await;
    let gift = loop {
        let gift = bob.next_of("gift").await;
        if gift["count"] == json!(2) {
            break gift;
        }
    };
    assert_eq!(gift["gift"], "heart");

    // A poll: a vote, and another instead.
    show_act(
        &show,
        &json!({ "do": "poll-open", "question": "Tea or coffee?", "choices": ["Tea", "Coffee"] }),
    );
    page.click("poll-choice-0").await;
    page.click("poll-choice-1").await;
    loop {
        let poll = bob.next_of("poll").await;
        if poll["poll"]["counts"] == json!([0, 1]) {
            break;
        }
    }

    // A question.
    page.click("tab-questions").await;
    page.write("question-text", "Is it dishwasher-safe?").await;
    page.click("ask").await;
    let mut question = None;
    for _ in 0..100 {
        let staff = super::ask_staff(&show).await;
        if let Some(n) = staff["pending"][0]["question"].as_u64() {
            question = Some(n);
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    show_act(
        &show,
        &json!({ "do": "move-question", "question": question.unwrap(), "state": "live" }),
    );
    bob.act(json!({ "do": "up-vote", "question": question.unwrap(), "on": true }))
        .await
        .unwrap();
    page.sees("Is it dishwasher-safe?").await;
    page.end().await;
}

fn show_act(show: &Show, wish: &serde_json::Value) {
    tokio::task::block_in_place(|| show.act(wish));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_to_send_stays_in_the_box() {
    let show = tokio::task::block_in_place(|| Show::start(""));
    let page = Browser::start(PHONE).await;
    page.goto(&show.url("/")).await;
    say(&page, "one", Some("Ann")).await;
    page.sees("one").await;
    show_act(&show, &json!({ "do": "slow", "seconds": 60 }));
    tokio::time::sleep(Duration::from_millis(300)).await;
    say(&page, "two", None).await;
    page.find("say-note").await;
    let left = page
        .run("return document.querySelector('[data-test=\"say\"]').value")
        .await;
    assert_eq!(left, json!("two"));
    page.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_nothing_is_there_twice() {
    let mut show = tokio::task::block_in_place(|| Show::start(""));
    let page = Browser::start(PHONE).await;
    page.goto(&show.url("/")).await;
    say(&page, "before the restart", Some("Ann")).await;
    page.sees("before the restart").await;
    let (web, dir) = (
        show.web,
        std::mem::replace(&mut show.the_box.dir, tempfile::tempdir().unwrap()),
    );
    tokio::task::block_in_place(|| {
        show.the_box.process.signal(libc::SIGKILL);
        show.the_box.process.wait(Duration::from_secs(10));
        show = Show::start_at(Some(dir), "", web);
    });
    say(&page, "after the restart", None).await;
    let mut eve = Visitor::join(show.web, "Eve").await;
    if !eve.hello["lines"].to_string().contains("after the restart") {
        loop {
            if eve.next_of("line").await["line"]["text"] == "after the restart" {
                break;
            }
        }
    }
    page.sees("after the restart").await;
    for text in ["before the restart", "after the restart"] {
        let count = page
            .run(&format!("return [...document.querySelectorAll('[data-test=\"line-text\"]')].filter(e => e.innerText.includes('{text}')).length"))
            .await;
        assert_eq!(count, json!(1), "{text}");
    }
    page.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_speaks_chinese() {
    let show = tokio::task::block_in_place(|| Show::start(""));
    let page = Browser::start_in(PHONE, "zh-CN").await;
    page.goto(&show.url("/")).await;
    page.find("like").await;
    assert_eq!(
        page.run("return document.documentElement.lang.slice(0, 2)")
            .await,
        json!("zh")
    );
    let has = page.run("return /[\\u4e00-\\u9fff]/.test(document.querySelector('[data-test=\"say\"]').placeholder + document.body.innerText)").await;
    assert_eq!(has, json!(true));
    page.click("lang").await;
    page.until(
        "English",
        "return document.documentElement.lang.slice(0, 2) === 'en'",
    )
    .await;
    page.end().await;
}
