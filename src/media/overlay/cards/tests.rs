use super::*;
use crate::config::Rgb;
use crate::device::stage::{Choice, Picture, Poll, Product};
use crate::media::overlay::kit::testing::{look, png, stacked};
use crate::media::overlay::sprite::Sprite;
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

/// Pixels that are nearly `rgb` and cover fully.
fn pixels(sprite: &Sprite, rgb: [u8; 3]) -> usize {
    let near = |p: &&[u8; 4]| p[1..].iter().zip(rgb).all(|(a, b)| a.abs_diff(b) < 6);
    sprite
        .argb
        .iter()
        .filter(|p| p[0] == 255)
        .filter(near)
        .count()
}

/// Lighter than the panel and not of one colour: letters.
fn letters_in(sprite: &Sprite) -> usize {
    sprite
        .argb
        .iter()
        .filter(|p| p[1..].iter().all(|c| *c > 170))
        .count()
}

#[test]
fn alerts_say_what_they_are_told() {
    let mut l = letters();
    let page = Page::new(1280, 720);
    let mut draw = |a: &Alert| alert(a, &page, &mut l, 800);
    let bare = an_alert(AlertKind::Gift, "Li", "");
    let with = |change: &dyn Fn(&mut Alert)| {
        let mut changed = bare.clone();
        change(&mut changed);
        changed
    };
    let first = draw(&bare);
    let gold = accent(AlertKind::Gift);
    assert!(
        pixels(&first, gold) > 1000,
        "the sign is of the kind's colour"
    );
    let count = draw(&with(&|a| a.count = 12));
    assert!(
        pixels(&count, gold) > pixels(&first, gold) + 200,
        "the counter is large"
    );
    let amount = draw(&with(&|a| a.amount = Some("5 €".into())));
    assert!(
        pixels(&amount, gold) > pixels(&first, gold) + 400,
        "worth on its colour"
    );
    let what = draw(&with(&|a| a.what = Some("A rose".into())));
    assert!(what.height > first.height && letters_in(&what) > letters_in(&first) + 100);
    let colour = draw(&with(&|a| a.colour = Some(Rgb([255, 128, 0]))));
    assert!(pixels(&colour, [255, 128, 0]) > 100);
    assert_eq!(draw(&with(&|a| a.platform = None)).height, first.height);
    let kinds = [
        AlertKind::Chat,
        AlertKind::Follow,
        AlertKind::Order,
        AlertKind::Question,
    ];
    for kind in kinds {
        let card = draw(&with(&|a| a.kind = kind));
        assert!(pixels(&card, accent(kind)) > 1000, "{kind:?}");
    }
    // The same height for the same kind of content, so that a combo does not jump.
    assert_eq!(
        draw(&with(&|a| a.count = 2)).height,
        draw(&with(&|a| a.count = 99_999)).height
    );
}

#[test]
fn polls_show_shares_winners_and_secrets() {
    let mut l = letters();
    let page = Page::new(1280, 720);
    let mut draw = |p: &Poll| poll(p, &page, &mut l, 620);
    let [open, shut, hidden] = [
        draw(&a_poll(&[10, 30], true, false)),
        draw(&a_poll(&[10, 30], false, false)),
        draw(&a_poll(&[10, 30], true, true)),
    ];
    // A bar is more than the track: columns in the row's lower rim that are blue.
    let blue = |s: &Sprite| {
        s.argb
            .iter()
            .filter(|p| p[3] > p[1].saturating_add(60))
            .count()
    };
    assert!(
        blue(&open) > 3 * blue(&hidden) + 2000,
        "{} {}",
        blue(&open),
        blue(&hidden)
    );
    let nobody = draw(&a_poll(&[0, 0], true, false));
    assert!(blue(&open) > 3 * blue(&nobody) + 2000);
    let gold = |s: &Sprite| {
        s.argb
            .iter()
            .filter(|p| p[1] > p[3].saturating_add(60))
            .count()
    };
    assert_eq!(gold(&open), 0);
    assert!(gold(&shut) > 2000, "the winner is marked");
    let tie = draw(&a_poll(&[30, 30], false, false));
    assert!(gold(&tie) > gold(&shut), "both are");
    assert_eq!(
        gold(&draw(&a_poll(&[0, 0], false, false))),
        0,
        "nobody has won"
    );
    for count in 2..=10 {
        let many = draw(&a_poll(&vec![u64::MAX; count], true, false));
        assert!(many.height <= 720 * 9 / 10, "{count}: {}", many.height);
    }
}

#[test]
fn products_have_all_that_they_are_told() {
    let mut l = letters();
    let page = Page::new(1280, 720);
    let mut draw = |p: &Product, max| product(p, &page, &mut l, max);
    let whole = draw(&a_product(), 1000);
    let code = crate::media::overlay::kit::qr_modules("https://shop.example/p/1234").unwrap();
    let white = pixels(&whole, [255; 3]);
    assert!(white > code * code * 4, "the code is there, {white}");
    let without = |change: &dyn Fn(&mut Product)| {
        let mut changed = a_product();
        change(&mut changed);
        changed
    };
    assert!(draw(&without(&|p| p.url = None), 1000).width + 100 < whole.width);
    assert!(draw(&without(&|p| p.picture = None), 1000).width + 100 < whole.width);
    let red = |s: &Sprite| pixels(s, [255, 128, 112]);
    assert!(
        red(&whole) > 300,
        "few are left, and the old price is crossed out"
    );
    assert!(red(&draw(&without(&|p| p.stock = Some(50)), 1000)) + 100 < red(&whole));
    assert!(red(&draw(&without(&|p| p.old_price = None), 1000)) + 60 < red(&whole));
    let many = without(&|p| p.stock = None);
    assert!(draw(&many, 1000).height <= whole.height);
    // What cannot be drawn is left out.
    let broken = without(&|p| p.picture = Some(Picture::new(&png(9, 9)[..30]).unwrap()));
    let none = without(&|p| p.picture = None);
    assert_eq!(draw(&broken, 1000), draw(&none, 1000));
    let narrow = draw(&a_product(), 400);
    assert!(narrow.width <= 400 && narrow.height > whole.height);
}

#[test]
fn any_page_and_width_gives_a_card_within_it() {
    let mut l = letters();
    let sizes = [
        (0, 0),
        (1, 1),
        (16, 16),
        (64, 48),
        (320, 240),
        (720, 1280),
        (1920, 1080),
    ];
    for (width, height) in sizes {
        let page = Page::new(width, height);
        for max in [0, 1, 5, 40, 150, width * 6 / 10] {
            let mut cards = Vec::new();
            for a in alerts() {
                cards.push(alert(&a, &page, &mut l, max));
            }
            let ten = a_poll(&[u64::MAX; 10], false, false);
            cards.push(poll(&ten, &page, &mut l, max));
            cards.push(poll(&a_poll(&[], true, false), &page, &mut l, max));
            cards.push(product(&a_product(), &page, &mut l, max));
            for card in cards {
                assert!(
                    card.width <= max as usize,
                    "{} of {max} at {width}",
                    card.width
                );
                assert_eq!(card.argb.len(), card.width * card.height);
                assert!(
                    card.height <= 4 * (height as usize + 100),
                    "{}",
                    card.height
                );
            }
        }
    }
    assert_eq!(l.counts().failed, 0);
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
