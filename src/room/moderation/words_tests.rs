use super::*;

fn hits(list: &[&str], text: &str) -> bool {
    let words = Words::new(list.iter().copied()).unwrap();
    let cleaned = clean(text);
    words.are_in(&cleaned, &fold(&cleaned))
}

#[track_caller]
fn finds(list: &[&str], texts: &[&str]) {
    for text in texts {
        assert!(hits(list, text), "{list:?} in {text:?}");
    }
}

#[track_caller]
fn leaves(list: &[&str], texts: &[&str]) {
    for text in texts {
        assert!(!hits(list, text), "{list:?} not in {text:?}");
    }
}

#[test]
fn disguises_are_seen_through() {
    finds(
        &["bad"],
        &[
            "bad",
            "BAD!",
            "b.a.d",
            "b a d",
            "ｂａｄ",
            "b\u{200b}a\u{200b}d",
            "bаd",
            "b4d",
            "baaaad",
            "so (bad)",
            "b*a*d",
            "b_a-d",
            "𝓫𝓪𝓭",
            "🇧🇦🇩",
            "🅑🅐🅓",
            "ⓑⓐⓓ",
            "bäd",
            "bad1",
            "1bad",
            "ʙᴀᴅ",
            "B@D",
            "你bad啊",
            "bad.",
            "b🔥a🔥d",
        ],
    );
    finds(
        &["badword"],
        &[
            "b4dw0rd",
            "bad-word",
            "baddword",
            "BΑDWΟRD",
            "b a d w o r d",
            "ba dw or d",
            "@badword hi",
            "БАDWОRD",
        ],
    );
    finds(
        &["bad word"],
        &["badword", "bad word", "b.a.d word", "bad - word"],
    );
}

#[test]
fn innocent_words_are_left_alone() {
    leaves(
        &["bad"],
        &[
            "badge", "Sindbad", "bard", "bade", "ba", "b ad hoc", "tab a d", "baad",
        ],
    );
    leaves(
        &["ass"],
        &[
            "class",
            "assist",
            "as soon",
            "a s",
            "455 €",
            "A55",
            "pass the salt",
            "as",
        ],
    );
    leaves(&["badword"], &["bad word", "keyword", "bad words"]);
    leaves(&["god"], &["good", "goody"]);
    leaves(&["therapist"], &["the rapist in a film"]);
}

#[test]
fn an_entry_says_what_may_stand_around_it() {
    finds(&["bad*"], &["badge", "bad"]);
    leaves(&["bad*"], &["Sindbad"]);
    finds(&["*bad"], &["Sindbad", "bad"]);
    leaves(&["*bad"], &["badge"]);
    finds(&["*bad*"], &["Sindbads", "ab.a.dx"]);
    leaves(&["bad*", "!badge"], &["my badge", "badges"]);
    finds(&["bad*", "!badge"], &["bad badge", "baddest"]);
    finds(&["🍆"], &["so 🍆!"]);
    leaves(&["# bad", "", "  "], &["bad", "# bad"]);
    finds(&["1488"], &["x 1488", "14.88"]);
    leaves(&["1488"], &["21488", "iabb", "1480"]);
}

#[test]
fn scripts_without_spaces_are_searched_everywhere() {
    finds(
        &["坏蛋"],
        &[
            "你是坏蛋吗",
            "坏 蛋",
            "坏*蛋",
            "坏.蛋",
            "坏\u{200b}蛋",
            "坏坏蛋",
            "坏　蛋",
        ],
    );
    leaves(&["坏蛋"], &["坏，蛋糕", "蛋坏了", "坏a蛋糕"]);
    finds(&["ばか"], &["バカ", "ﾊﾞｶ", "ばーか", "おばかさん", "ば か"]);
    leaves(&["ばか", "!ばかり"], &["そればかり"]);
    finds(
        &["바보"],
        &["바보야", "바 보", "ㅂㅏㅂㅗ", "바.보", "바본데"],
    );
    leaves(&["바보"], &["대바보", "바부", "다시 바 보다"]);
    leaves(&["시발"], &["다시 발표", "시바라"]);
    finds(&["غبي"], &["أنت غبي", "الغبي", "غـبـي", "غَبِيّ", "والغبي"]);
    finds(&["טיפש"], &["הטיפש", "טיפש!", "ט.י.פ.ש"]);
    leaves(&["טיפש"], &["טיפשון"]);
    finds(&["дурак"], &["ДУРАК", "дypaк", "д у р а к", "дуууурак"]);
    leaves(&["дурак"], &["дурака валять"]);
    finds(&["मूर्ख"], &["तुम मूर्ख हो", "मू\u{200d}र्ख", "मू.र्ख"]);
}

#[test]
fn lists_that_cannot_be_used_are_refused_by_name() {
    let long = "x".repeat(MAX_WORD + 1);
    for bad in [long.as_str(), "***", "!", "!🍆", "\u{200b}"] {
        assert!(Words::new(std::iter::once(bad)).is_err(), "{bad:?}");
    }
    let many: Vec<String> = (0..=MAX_WORDS).map(|n| format!("word{n}")).collect();
    assert!(Words::new(many.iter().map(String::as_str)).is_err());
    assert!(Words::new(many.iter().skip(1).map(String::as_str)).is_ok());
}
