use proptest::prelude::*;

use super::*;
use crate::media::overlay::kit::testing::{look, stacked};

pub(super) const WHITE: [u8; 3] = [255; 3];
pub(super) const SCRIPTS: [(&str, &str); 18] = [
    ("latin", "Hamburgefonstiv Ågjpqy 0123456789 “€” …"),
    ("vietnamese", "Tiếng Việt Ẫ Ự"),
    ("greek", "Ελληνικά ΰ"),
    ("cyrillic", "Привет, мир Й"),
    ("han", "弹幕文字：你好，世界！这个多少钱？龘"),
    ("japanese", "こんにちは世界、漢字とカタカナ"),
    ("korean", "안녕하세요 세계"),
    ("arabic", "مُحَمَّدٌ مرحبا بالعالم كيف حالك؟ ﷺ 12"),
    ("persian", "می‌خواهم پچگژ"),
    ("hebrew", "שָׁלוֹם עולם"),
    ("devanagari", "नमस्ते दुनिया क्षत्रिय र्कि ॐ"),
    ("bengali", "বাংলা ক্ষ"),
    ("tamil", "தமிழ் ஸ்ரீ"),
    ("thai", "สวัสดีชาวโลก ที่นี่ ปู่ ญี่ปุ่น ฟื้น"),
    ("georgian", "ქართული"),
    ("armenian", "Հայերեն"),
    ("emoji", "😀 👨‍👩‍👧‍👦 🇩🇪🇯🇵 1️⃣ 👍🏽 ❤️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿"),
    ("signs", "★ ☎ ♪ → ½ ™ © ✓ 12 # *"),
];

pub(super) fn letters() -> Letters {
    Letters::load(None, None).unwrap()
}

pub(super) fn plain(text: &str) -> [Run; 1] {
    [Run::new(text, WHITE)]
}

/// Glyphs of a text in 40 pixels, in one line.
fn glyphs_of(l: &mut Letters, runs: &[Run]) -> Vec<layout::Placed> {
    let clusters = prepare::clusters(runs, &mut l.library, l.base);
    l.shape(&clusters, runs, 40).one_line().glyphs
}

/// How many boxes stand for what nobody can write.
fn boxes(l: &mut Letters, text: &str) -> usize {
    let is_box =
        |p: &layout::Placed| p.glyph.glyph_id == 0 || shape::Mark::of(p.glyph.metadata).missing;
    let glyphs = glyphs_of(l, &plain(text));
    glyphs.iter().filter(|p| is_box(p)).count()
}

fn ink(sprite: &Sprite) -> usize {
    sprite.argb.iter().filter(|p| p[0] > 128).count()
}

/// Pixels that are neither grey nor white.
fn coloured(sprite: &Sprite) -> usize {
    let spread = |p: &[u8; 4]| p[1..].iter().max().unwrap() - p[1..].iter().min().unwrap();
    sprite.argb.iter().filter(|p| spread(p) > 60).count()
}

#[test]
fn every_script_is_written_whole_and_without_a_box() {
    let mut l = letters();
    let style = Style::plain(44);
    let mut drawn = Vec::new();
    for (name, text) in SCRIPTS {
        for bold in [false, true] {
            let mut run = Run::new(text, WHITE);
            run.bold = bold;
            let sprite = l.line(&[run.clone()], &style, 4000);
            assert!(ink(&sprite) > 300, "{name}: {}", ink(&sprite));
            assert_eq!(sprite.height, style.line_height() as usize);
            assert_eq!(sprite.width, l.width(&[run], &style) as usize, "{name}");
            let (w, h) = (sprite.width, sprite.height);
            let edge = |i: usize| {
                i.is_multiple_of(w) || (i + 1).is_multiple_of(w) || i < w || i >= w * (h - 1)
            };
            let cut = (0..w * h)
                .filter(|i| edge(*i) && sprite.argb[*i][0] > 40)
                .count();
            assert_eq!(
                cut, 0,
                "{name}, bold {bold}: letters are cut off at the rim"
            );
            drawn.push(sprite);
        }
        assert_eq!(boxes(&mut l, text), 0, "{name}");
        drawn.push(l.line(&plain(text), &Style::outlined(44), 4000));
        drawn.push(l.line(&plain(text), &Style::shadowed(44), 4000));
    }
    look("scripts", &stacked(drawn.iter().map(|s| &**s)));
}

#[test]
fn right_to_left_begins_at_the_right_and_loses_nothing() {
    let mut l = letters();
    let at = |l: &mut Letters, text: &str| -> Vec<(char, f32)> {
        glyphs_of(l, &plain(text))
            .iter()
            .filter_map(|p| Some((text[p.glyph.start..].chars().next()?, p.x)))
            .collect()
    };
    for text in ["אבג", "مرحبا", "4 אב", "12 אב ab", "(אב) 4", "(5) אב!"] {
        let found = at(&mut l, text);
        for c in text.chars() {
            assert!(found.iter().any(|(f, _)| *f == c), "{text}: {c} is lost");
        }
        let first = text.chars().next().unwrap();
        let right = found.iter().map(|(_, x)| *x).fold(0.0, f32::max);
        let x = found.iter().find(|(c, _)| *c == first).unwrap().1;
        // A number is read from left to right in itself.
        assert!(right - x < 30.0, "{text}: {first} is at {x} of {right}");
    }
    // Within a line of the other direction: the letters turned, the words not.
    let order: String = {
        let mut found = at(&mut l, "ab אב cd");
        found.sort_by(|a, b| a.1.total_cmp(&b.1));
        found.into_iter().map(|(c, _)| c).collect()
    };
    assert_eq!(order, "ab בא cd");
    // And so in the picture.
    let runs = [Run::new("א", [255, 0, 0]), Run::new("ב", [0, 255, 0])];
    let sprite = l.line(&runs, &Style::plain(40), 500);
    let middle = |channel: usize| {
        let columns = sprite.argb.iter().enumerate();
        let columns = columns
            .filter(|(_, p)| p[channel] > 128)
            .map(|(i, _)| i % sprite.width);
        let (sum, n) = columns.fold((0, 0), |(s, n), x| (s + x, n + 1));
        sum / n
    };
    assert!(middle(1) > middle(2) + 10, "{} {}", middle(1), middle(2));
}

#[test]
fn emoji_have_colours_and_digits_do_not() {
    let mut l = letters();
    let style = Style::plain(40);
    for emoji in ["😀", "👨‍👩‍👧‍👦", "🇩🇪", "1️⃣", "👍🏽", "❤️", "⭐"]
    {
        let sprite = l.line(&plain(emoji), &style, 500);
        // A family is drawn in greys by some versions of the font.
        let colours = coloured(&sprite);
        assert!(
            colours > 200 || emoji.starts_with('👨'),
            "{emoji}: {colours}"
        );
        assert_eq!(
            glyphs_of(&mut l, &plain(emoji)).len(),
            1,
            "{emoji} is torn apart"
        );
    }
    for text in ["1", "12 #*", "©", "❤", "☎"] {
        assert_eq!(coloured(&l.line(&plain(text), &style, 500)), 0, "{text}");
    }
}

#[test]
fn what_nobody_can_write_is_a_box_each() {
    let mut l = letters();
    for (text, count) in [
        ("a\u{10ffff}b", 1),
        ("\u{e000}\u{10fffd}", 2),
        ("\u{e000}\u{301}", 1),
        ("abc", 0),
        ("\u{301}", 0),
        ("\u{200b}\u{fe0f}\u{202e}\u{0}\u{7f}", 0),
    ] {
        assert_eq!(boxes(&mut l, text), count, "{text:?}");
    }
    let style = Style::plain(40);
    let sprite = l.line(&plain("\u{10ffff}"), &style, 500);
    assert!(ink(&sprite) > 60, "the box is not seen");
    let hollow = sprite.argb[(style.baseline() as usize - 14) * sprite.width + sprite.width / 2];
    assert_eq!(hollow[0], 0, "it is a box and not a block");
    let nothing = l.line(&plain("\u{202e}\u{0}"), &style, 500);
    assert_eq!((nothing.width, nothing.height), (0, 62));
}

#[test]
fn the_same_letter_is_in_the_same_rows_whatever_stands_beside_it() {
    let mut l = letters();
    let style = Style::outlined(40);
    let first = |l: &mut Letters, text: &str| -> Vec<[u8; 4]> {
        let sprite = l.line(&plain(text), &style, 2000);
        let columns = (0..sprite.height).flat_map(|y| (0..20).map(move |x| (x, y)));
        columns
            .map(|(x, y)| sprite.argb[y * sprite.width + x])
            .collect()
    };
    let alone = first(&mut l, "x   .");
    for other in ["x   Ŵg", "x   한文", "x   ปู่", "x   😀", "x   مُ"] {
        assert!(first(&mut l, other) == alone, "{other}");
    }
}

#[test]
fn what_is_too_long_shrinks_and_then_is_cut() {
    let mut l = letters();
    let style = Style::plain(40);
    let text = plain("A fairly long line of some words");
    let full = l.width(&text, &style);
    let room = |width: u32| width - 2 * style.margin();
    let mut fit = |width: u32| {
        let clusters = prepare::clusters(&text, &mut l.library, l.base);
        let placed = l.fit_line(&clusters, &text, 40, room(width));
        let line = &placed.lines[0];
        assert!(line.columns() <= room(width));
        (line.glyphs.len(), line.glyphs[0].px)
    };
    let (all, px) = fit(full);
    assert_eq!(px, 40.0);
    let (count, px) = fit(full * 3 / 4);
    assert_eq!(count, all, "nothing is cut while it can shrink");
    assert!((28.0..31.0).contains(&px), "{px}");
    let (count, px) = fit(full / 3);
    assert_eq!(px, 25.0, "not below 5/8");
    assert!((all / 3..all * 2 / 3).contains(&count), "{count} of {all}");
    let dots = glyphs_of(&mut l, &plain("…"))[0].glyph.glyph_id;
    for width in [400, 120, 60, 30, 12, 1, 0] {
        let sprite = l.line(&text, &style, width);
        assert!(sprite.width <= width.max(1) as usize, "{width}");
        assert_eq!(sprite.height, 62);
    }
    let clusters = prepare::clusters(&text, &mut l.library, l.base);
    let placed = l.fit_line(&clusters, &text, 40, 200);
    assert_eq!(placed.lines[0].glyphs.last().unwrap().glyph.glyph_id, dots);
    // Never within a grapheme: the family stays whole or goes.
    let family = plain("👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦");
    let clusters = prepare::clusters(&family, &mut l.library, l.base);
    let placed = l.fit_line(&clusters, &family, 40, 80);
    let ids: Vec<u16> = placed.lines[0]
        .glyphs
        .iter()
        .map(|p| p.glyph.glyph_id)
        .collect();
    assert!(ids.len() >= 2 && ids[..ids.len() - 1].iter().all(|id| *id == ids[0]));
}

#[test]
fn blocks_are_broken_between_words_and_end_in_dots() {
    let mut l = letters();
    let style = Style::plain(30);
    let words = plain("one two three four five six seven eight nine ten");
    let mut lines = |width, most| {
        let sprite = l.block(&words, &style, width, most);
        assert!(sprite.width <= width as usize);
        sprite.height / style.line_height() as usize
    };
    assert_eq!(lines(2000, 3), 1);
    assert_eq!(lines(400, 3), 2);
    assert_eq!(lines(200, 3), 3);
    assert_eq!(lines(200, 9), 5);
    let clusters = prepare::clusters(&words, &mut l.library, l.base);
    let placed = l.fit_block(&clusters, &words, 30, 160, 2);
    let dots = glyphs_of(&mut l, &plain("…"))[0].glyph.glyph_id;
    assert_eq!(placed.lines.len(), 2);
    assert_eq!(placed.lines[1].glyphs.last().unwrap().glyph.glyph_id, dots);
    for line in &placed.lines {
        assert!(line.columns() <= 160);
    }
    // A word wider than the line, and a direction for all lines.
    let long = plain(&"ש".repeat(100));
    let sprite = l.block(&long, &style, 200, 4);
    assert!(sprite.width <= 200 && sprite.height == 4 * 47);
    let last_row = &sprite.argb[(3 * 47 + 20) * sprite.width..][..sprite.width];
    assert!(last_row[sprite.width / 2..].iter().any(|p| p[0] > 128));
}

#[test]
fn sprites_are_kept_and_counted() {
    let mut l = letters();
    let style = Style::plain(20);
    let one = l.line(&plain("again"), &style, 100);
    let two = l.line(&plain("again"), &style, 100);
    assert!(Arc::ptr_eq(&one, &two));
    assert!(!Arc::ptr_eq(&one, &l.line(&plain("again"), &style, 99)));
    assert!(!Arc::ptr_eq(
        &one,
        &l.block(&plain("again"), &style, 100, 1)
    ));
    let counts = l.counts();
    assert_eq!((counts.hits, counts.misses, counts.kept), (1, 3, 3));
}

#[test]
fn a_hundred_thousand_characters_are_a_bounded_piece_of_work() {
    let mut l = letters();
    let style = Style::outlined(40);
    for text in [
        "a".repeat(100_000),
        "文".repeat(100_000),
        "ab ".repeat(33_333),
        "e\u{301}".repeat(50_000),
        format!("a{}", "\u{301}".repeat(100_000)),
        "\u{202e}".repeat(100_000),
        "👨‍👩‍👧‍👦".repeat(20_000),
        "א1".repeat(50_000),
    ] {
        let runs = plain(&text);
        let clusters = prepare::clusters(&runs, &mut l.library, l.base);
        assert!(clusters.len() <= MOST_CLUSTERS);
        let bytes: usize = clusters.iter().map(|c| c.text.len()).sum();
        assert!(bytes <= 4 * MOST_CHARS, "{bytes}");
        let line = l.line(&runs, &style, u32::MAX);
        assert!(line.argb.len() <= MOST_PIXELS as usize);
        let block = l.block(&runs, &style, 600, 3);
        assert!(block.width <= 600 && block.height <= 3 * style.line_height() as usize);
    }
    let many = vec![Run::new("x", WHITE); 100_000];
    assert!(l.line(&many, &style, 500).width <= 500);
    assert!(l.counts().bytes <= CACHE);
    assert_eq!(l.counts().failed, 0);
}

#[test]
fn more_fonts_than_are_kept_open_are_opened_anew() {
    let mut l = letters();
    // A letter of each block of the first plane and the beginning of the second.
    let starts = (0x100..0x1_2000).step_by(0x40).filter_map(char::from_u32);
    let text: String = starts.collect();
    for _ in 0..2 {
        for part in text.chars().collect::<Vec<_>>().chunks(40) {
            let part: String = part.iter().collect();
            l.line(&plain(&part), &Style::plain(20), 2000);
        }
    }
    assert_eq!(boxes(&mut l, "abc"), 0);
}

fn any_text() -> impl Strategy<Value = String> {
    let odd = prop_oneof![
        any::<char>(),
        proptest::char::range('\u{0}', '\u{20}'),
        proptest::char::range('\u{300}', '\u{36f}'),
        proptest::char::range('\u{590}', '\u{6ff}'),
        proptest::char::range('\u{900}', '\u{97f}'),
        proptest::char::range('\u{e00}', '\u{e7f}'),
        proptest::char::range('\u{2000}', '\u{206f}'),
        proptest::char::range('\u{1f1e6}', '\u{1f64f}'),
        proptest::char::range('\u{e0000}', '\u{e007f}'),
        proptest::char::range('a', 'z'),
        proptest::char::range('0', '9'),
        Just(' '),
        Just('\u{200d}'),
        Just('\u{fe0f}'),
        Just('\t'),
    ];
    proptest::collection::vec(odd, 0..60).prop_map(|v| v.into_iter().collect())
}

#[test]
fn any_text_keeps_its_bounds() {
    let l = std::cell::RefCell::new(letters());
    let runs = proptest::collection::vec((any_text(), any::<bool>(), any::<u8>()), 0..4);
    let config = ProptestConfig::with_cases(48);
    proptest!(config, |(runs in runs, px in 0_u32..48, width in 0_u32..900, lines in 0_u32..5, rim in any::<bool>())| {
        let l = &mut *l.borrow_mut();
        let of = |(text, bold, percent): (String, bool, u8)| Run { bold, percent, ..Run::new(text, WHITE) };
        let runs: Vec<Run> = runs.into_iter().map(of).collect();
        let style = if rim { Style::outlined(px) } else { Style::plain(px) };
        let row = style.line_height() as usize;
        let line = l.line(&runs, &style, width);
        prop_assert!(line.width <= width.max(1) as usize);
        prop_assert_eq!(line.height, row);
        let block = l.block(&runs, &style, width, lines);
        prop_assert!(block.width <= width.max(1) as usize);
        prop_assert!(block.height.is_multiple_of(row) && block.height <= row * lines.max(1) as usize);
        let wide = l.width(&runs, &style);
        let whole = l.line(&runs, &style, 60_000);
        prop_assert!(whole.width == wide as usize || whole.width == 0);
        prop_assert_eq!(l.counts().failed, 0);
    });
}
