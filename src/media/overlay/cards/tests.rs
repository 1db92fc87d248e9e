use super::*;
use crate::config::Rgb;
use crate::device::stage::{Choice, Picture, Poll, Product};
use crate::media::overlay::kit::testing::{look, png, stacked};
use crate::media::overlay::text::Letters;
use crate::room::item::{Alert, AlertKind};

fn letters() -> Letters {
    Letters::load(None, None).unwrap()
}

fn an_alert(kind: AlertKind, who: &str, what: &str) -> Alert {
    Alert {
        kind,
        who: who.into(),
        what: (!what.is_empty()).then(|| what.into()),
        amount: None,
        count: 1,
        combo: None,
        platform: Some("YouTube".into()),
        colour: None,
    }
}

fn alerts() -> Vec<Alert> {
    vec![
        an_alert(AlertKind::Follow, "Anna Müller", ""),
        Alert {
            amount: Some("5 €".into()),
            count: 12,
            colour: Some(Rgb([30, 30, 200])),
            ..an_alert(AlertKind::Gift, "李小龙", "Rose 🌹")
        },
        Alert {
            count: 999_999,
            ..an_alert(AlertKind::Gift, "山田太郎", "ハート")
        },
        Alert {
            amount: Some("129.00 $".into()),
            platform: None,
            ..an_alert(AlertKind::Order, "محمد", "قميص أزرق كبير")
        },
        an_alert(
            AlertKind::Question,
            "สมชาย ใจดี",
            "ราคาเท่าไหร่? How much is the small one, and can you send it to Chiang Mai before Friday, please? I would take two of them",
        ),
        an_alert(AlertKind::Chat, "नमस्ते दुनिया", "क्षत्रिय! Great stream 👍🏽"),
    ]
}

#[test]
fn alerts_look() {
    let mut l = letters();
    for (name, page) in [
        ("720p", Page::new(1280, 720)),
        ("portrait", Page::new(720, 1280)),
    ] {
        let width = page.width * 6 / 10 + 100;
        let cards: Vec<_> = alerts()
            .iter()
            .map(|a| alert(a, &page, &mut l, width))
            .collect();
        look(
            &format!("alerts-{name}"),
            &stacked(cards.iter().map(|c| &**c)),
        );
    }
}

fn a_poll(votes: &[u64], open: bool, hidden: bool) -> Poll {
    let words = [
        "Red",
        "Blau",
        "蓝色",
        "أخضر",
        "สีเหลือง",
        "ピンク",
        "보라색",
        "Orange",
        "Schwarz",
        "White with a very long name",
    ];
    Poll {
        question: "Which colour do you want to see next? 下一个颜色?".into(),
        choices: votes
            .iter()
            .zip(words)
            .map(|(votes, text)| Choice {
                text: text.into(),
                votes: *votes,
            })
            .collect(),
        open,
        hidden,
    }
}

#[test]
fn polls_look() {
    let mut l = letters();
    let page = Page::new(1280, 720);
    let polls = [
        a_poll(&[12, 30, 7], true, false),
        a_poll(&[12, 30, 30], false, false),
        a_poll(&[12, 30], true, true),
    ];
    let cards: Vec<_> = polls.iter().map(|p| poll(p, &page, &mut l, 620)).collect();
    look("polls", &stacked(cards.iter().map(|c| &**c)));
    let ten = a_poll(
        &[u64::MAX, 5, 12_345, 99_999, 0, 1, 2, 3, 4, 5_000_000],
        false,
        false,
    );
    look("poll-ten", &poll(&ten, &page, &mut l, 620));
}

fn a_product() -> Product {
    Product {
        name: "Handmade linen shirt, 亚麻衬衫, blue stripes and more".into(),
        price: "19.90 €".into(),
        old_price: Some("24.90 €".into()),
        stock: Some(3),
        url: Some("https://shop.example/p/1234".into()),
        picture: Some(Picture::new(&png(400, 400)).unwrap()),
    }
}

#[test]
fn products_look() {
    let mut l = letters();
    let page = Page::new(1280, 720);
    let products = [
        a_product(),
        Product {
            stock: Some(0),
            picture: Some(Picture::new(&png(300, 500)).unwrap()),
            name: "قميص".into(),
            ..a_product()
        },
        Product {
            picture: None,
            url: None,
            stock: None,
            old_price: None,
            ..a_product()
        },
        Product {
            url: Some(format!("https://shop.example/{}", "a1/".repeat(59))),
            stock: Some(120),
            picture: Some(Picture::new(&png(500, 300)).unwrap()),
            ..a_product()
        },
    ];
    let cards: Vec<_> = products
        .iter()
        .map(|p| product(p, &page, &mut l, 1000))
        .collect();
    look("products", &stacked(cards.iter().map(|c| &**c)));
    let narrow: Vec<_> = products
        .iter()
        .map(|p| product(p, &Page::new(720, 1280), &mut l, 500))
        .collect();
    look("products-narrow", &stacked(narrow.iter().map(|c| &**c)));
}
