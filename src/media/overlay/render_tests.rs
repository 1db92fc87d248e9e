use super::*;

fn run(text: &str) -> Run {
    Run {
        text: text.to_owned(),
        rgb: [255, 40, 0],
        bold: false,
        small: false,
    }
}

fn made(text: &str, size: usize, width: usize) -> Sprite {
    crate::media::init().unwrap();
    line(&[run(text)], size, width).unwrap()
}

#[test]
fn a_line_is_as_wide_as_its_letters_and_in_its_colour() {
    let short = made("Hi", 40, 1000);
    assert!((30..80).contains(&short.width), "{}", short.width);
    assert_eq!(short.height, 60);
    let full: Vec<_> = short.argb.iter().filter(|p| p[0] == 255).collect();
    assert!(full.len() > 50 && full.iter().all(|p| **p == [255, 255, 40, 0]));
    assert!(
        short.argb.iter().all(|p| p[0] >= p[1] && p[0] >= p[2]),
        "premultiplied"
    );
    // Letters with and without parts below keep their base line: the same letter is in the same rows.
    let rows = |s: &Sprite| {
        let row = |y: usize| s.argb[y * s.width..][..s.width].iter().any(|p| p[0] > 0);
        (0..s.height).filter(|y| row(*y)).collect::<Vec<_>>()
    };
    let (plain, tail) = (rows(&made("a", 40, 1000)), rows(&made("ag", 40, 1000)));
    assert_eq!(plain.first(), tail.first());
    assert!(plain.last() < tail.last());
}

#[test]
fn what_is_too_long_becomes_smaller_and_then_is_cut() {
    let natural = made("A line that is rather long", 40, 4000).width;
    let smaller = made("A line that is rather long", 40, natural * 5 / 6);
    assert!(smaller.width <= natural * 5 / 6 && smaller.width > natural * 3 / 5);
    assert!(smaller.height < 60);
    for text in [
        "W".repeat(100),
        "世".repeat(100),
        "i".repeat(100),
        "مرحبا ".repeat(16),
    ] {
        let cut = made(&text, 40, 600);
        assert!((400..=600).contains(&cut.width), "{text}: {}", cut.width);
    }
    let narrow = made(&"W".repeat(100), 40, 3);
    assert!(narrow.width <= 3);
}

#[test]
fn no_text_is_a_fault() {
    let all = [
        "世界 こんにちは 안녕",
        "👩‍🎤 🇩🇪 😀",
        "مرحبا بالعالم",
        "שלום <b>&amp;",
        "a\u{202e}b\u{200b}c\u{fe0f}",
        "Z̸̢̛͕a̷l̵g̶o̴",
        "\u{10ffff}\u{fdfd}\u{0}\n\t",
        "%s %n {}",
    ];
    for text in all {
        let sprite = made(text, 30, 700);
        assert!(sprite.width > 0 && sprite.width <= 700, "{text:?}");
        assert_eq!(sprite.argb.len(), sprite.width * sprite.height);
    }
    for empty in ["", "   ", "\u{200b}"] {
        assert_eq!(made(empty, 30, 700).width, 0, "{empty:?}");
    }
}

#[test]
fn markup_is_escaped_and_cut_across_runs() {
    let mut second = run("<c>&d");
    (second.bold, second.small) = (true, true);
    let runs = [run("ab"), run(""), second];
    let span = "<span foreground=\"#ff2800\"";
    assert_eq!(
        markup(&runs, 99),
        format!("{span}>ab</span>{span} weight=\"bold\" size=\"75%\">&lt;c&gt;&amp;d</span>")
    );
    assert_eq!(
        markup(&runs, 3),
        format!("{span}>ab</span>{span} weight=\"bold\" size=\"75%\">&lt;…</span>")
    );
    assert_eq!(markup(&runs, 1), format!("{span}>a…</span>"));
}
