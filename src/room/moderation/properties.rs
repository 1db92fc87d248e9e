//! Properties of moderation over arbitrary texts.

use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;

use super::*;
use crate::config::is_invisible;

/// Texts with many of what matters here: marks, joiners, emoji, disguises.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        "[a-z0-9 .*@$!|-]{1,4}",
        prop::sample::select(vec![
            "\u{200b}",
            "\u{200d}",
            "\u{200c}",
            "\u{fe0f}",
            "\u{301}",
            "\u{323}",
            "\u{20e3}",
            "\u{202e}",
            "👩",
            "👍🏽",
            "🇩",
            "❤",
            "ｂ",
            "а",
            "坏",
            "바",
            "ᄇ",
            "ᅡ",
            "ᆯ",
            "غ",
            "ـ",
            "क",
            "्",
            "が",
            "\u{3099}",
            "ー",
            "´",
            "\u{fdfa}",
            "\u{3164}",
            "。",
            "bad",
            "badword",
            "\u{e0041}",
            "ﬁ",
            "ß",
            "İ",
            "\u{345}",
            "\u{f73}",
            "\u{1d15e}",
            "\u{600}",
            "\u{0}",
            "\n",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn words() -> Words {
    Words::new(["bad", "badword*", "坏蛋", "바보", "غبي", "!badge", "मूर्ख"].into_iter()).unwrap()
}

fn refuses(words: &Words, text: &str) -> bool {
    let cleaned = clean(text);
    words.are_in(&cleaned, &fold::fold(&cleaned))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_cleaned_text_is_clean_and_stays_as_it_is(text in texts()) {
        let once = clean(&text);
        prop_assert_eq!(clean(&once), once.clone());
        prop_assert!(once.chars().count() <= MAX_TEXT);
        prop_assert!(!once.chars().any(|c| c.is_control() || is_invisible(c)), "{:?}", once);
        prop_assert_eq!(once.trim(), once.as_str());
    }

    #[test]
    fn what_is_cut_is_within_bounds(text in texts(), most in 1_usize..20) {
        let cleaned = clean(&text);
        let cut_ = cut(&cleaned, most);
        prop_assert!(cut_.graphemes(true).count() <= most);
        prop_assert!(cut_chars(&cleaned, most).chars().count() <= most);
        prop_assert!(cleaned.starts_with(cut_.trim_end_matches('…')));
    }

    #[test]
    fn judging_never_fails_on_any_text(text in texts()) {
        let cleaned = clean(&text);
        let _ = has_link(&text);
        let _ = has_link(&cleaned);
        for unit in fold::fold(&cleaned) {
            prop_assert!(unit.run > 0);
        }
    }

    #[test]
    fn invisible_characters_hide_nothing(text in "[a-z坏蛋バ보 .]{0,12}", disguised in "(bad|badwords|坏蛋|바보|غبي)", at in any::<prop::sample::Index>()) {
        let words = words();
        let plain = format!("{text} {disguised}");
        let mut chars: Vec<char> = plain.chars().collect();
        for hidden in ['\u{200b}', '\u{2060}', '\u{ad}', '\u{202e}', '\u{feff}', '\u{e0041}'] {
            chars.insert(at.index(chars.len()), hidden);
        }
        let hidden: String = chars.into_iter().collect();
        prop_assert!(refuses(&words, &plain), "{}", plain);
        prop_assert_eq!(refuses(&words, &hidden), refuses(&words, &plain));
    }

    #[test]
    fn full_width_letters_hide_nothing(before in "[a-z ]{0,8}") {
        let words = words();
        let wide: String = "badword".chars().map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap()).collect();
        let text = format!("{before} {wide}");
        prop_assert!(refuses(&words, &text), "{}", text);
    }
}
