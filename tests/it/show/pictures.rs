//! The screenshots of README: taken anew by `make pictures`, else only looked at.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::Show;
use super::browser::{Browser, PHONE, WIDE};
use super::staff::at_desk;
use crate::support::visitor::Visitor;

/// Keeps the picture where `BOOTHCAST_BLESS` is set; always looks whether it shows something.
async fn keep(page: &Browser, name: &str) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shot.png");
    page.shot(&file).await;
    let picture = image::open(&file).unwrap().to_luma8();
    let (least, most) = picture
        .pixels()
        .fold((255, 0), |(l, m), p| (p.0[0].min(l), p.0[0].max(m)));
    assert!(most - least > 100, "{name} is one colour");
    let kept = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("docs/images/{name}.png"));
    if std::env::var_os("BOOTHCAST_BLESS").is_some() {
        std::fs::copy(&file, kept).unwrap();
    } else {
        assert!(kept.exists(), "{name} is missing: make pictures");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_the_room_and_the_desk() {
    let show = tokio::task::block_in_place(|| {
        Show::start("[box]\nname = \"Corner shop\"\n[encode]\nprofile = \"720p30\"\n")
    });
    let wish = |wish: serde_json::Value| tokio::task::block_in_place(|| show.act(&wish));
    wish(json!({ "do": "show-begin", "title": "Spring cups" }));
    let mut people = Vec::new();
    for name in ["Ann", "Bob", "小明", "Dora"] {
        people.push(Visitor::join(show.web, name).await);
    }
    let said = [
        "Good evening from Leipzig!",
        "Is the blue one back?",
        "杯子真好看",
        "The picture is so clear today",
    ];
    for (who, text) in people.iter_mut().zip(said) {
        who.act(json!({ "do": "say", "text": text })).await.unwrap();
    }
    wish(
        json!({ "do": "poll-open", "question": "Which cup next?", "choices": ["Red", "Blue", "The large one"] }),
    );
    let poll = people[0].next_of("poll").await["poll"]["poll"]
        .as_u64()
        .unwrap();
    for (n, who) in people.iter_mut().enumerate() {
        who.act(json!({ "do": "vote", "poll": poll, "choice": n % 2 }))
            .await
            .unwrap();
        who.act(json!({ "do": "like", "n": 10 })).await.unwrap();
    }
    let product = wish(
        json!({ "do": "product-set", "name": "Blue cup", "price": "12 €", "old_price": "15 €", "stock": 7, "url": "https://shop.example/blue" }),
    );
    wish(json!({ "do": "pin", "product": product["id"] }));
    people[1]
        .act(json!({ "do": "ask", "text": "Is it dishwasher-safe?" }))
        .await
        .unwrap();
    let staff = super::ask_staff(&show).await;
    wish(
        json!({ "do": "move-question", "question": staff["pending"][0]["question"], "state": "live" }),
    );

    for (size, room) in [(WIDE, "room"), (PHONE, "room-phone")] {
        let page = Browser::start(size).await;
        page.goto(&show.url("/")).await;
        page.until(
            "the picture",
            "return window.boothcast?.player?.state === 'playing'",
        )
        .await;
        page.sees("Which cup next?").await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        keep(&page, room).await;
        page.end().await;
    }
    let page = Browser::start(WIDE).await;
    at_desk(&page, &show, "owner", &show.first_password()).await;
    page.until("the preview", "return document.querySelector('[data-test=\"card-preview\"]')?.dataset.player === 'playing'").await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    keep(&page, "desk-owner").await;
    page.click("tab-box").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    keep(&page, "desk-settings").await;
    wish(json!({ "do": "show-end" }));
    page.goto(&show.url("/report/1")).await;
    page.sees("Which cup next?").await;
    keep(&page, "report").await;
    page.end().await;
    tokio::task::block_in_place(|| show.moderator("mia"));
    let page = Browser::start(PHONE).await;
    at_desk(&page, &show, "mia", "a long password").await;
    page.click("tab-chat").await;
    page.sees("Good evening").await;
    keep(&page, "desk-moderator").await;
    page.end().await;
}
