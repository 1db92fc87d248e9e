use super::*;

fn read(payload: &str) -> Result<Event, Reason> {
    Incoming::read(payload.as_bytes())?.event("test")
}

fn comment(payload: &str) -> Comment {
    match read(payload) {
        Ok(Event::Item(Item::Comment(comment))) => comment,
        other => panic!("{payload}: {other:?}"),
    }
}

fn alert(payload: &str) -> Alert {
    match read(payload) {
        Ok(Event::Item(Item::Alert(alert))) => alert,
        other => panic!("{payload}: {other:?}"),
    }
}

#[test]
fn bare_text_is_a_comment_by_nobody() {
    for text in ["hello", "42", "\"hi\"", "[1]", "null", "你好"] {
        let comment = comment(text);
        assert_eq!(
            (comment.text.as_str(), comment.who, comment.rank),
            (text, None, Rank::Text)
        );
        assert_eq!(comment.platform.as_deref(), Some("test"));
    }
}

#[test]
fn each_kind_becomes_what_it_is() {
    let chat = comment(
        r##"{"kind":"chat","who":"Anna","text":"hi","run":"top","colour":"#ff0000","unknown":{"a":[1]}}"##,
    );
    assert_eq!(
        (chat.who.as_deref(), chat.run, chat.colour),
        (Some("Anna"), Run::Top, Some(Rgb([255, 0, 0])))
    );
    assert_eq!(comment(r#"{"text":"hi"}"#).rank, Rank::Text);
    assert_eq!(
        comment(r#"{"text":"a \"quoted\" \u00e9"}"#).text,
        "a \"quoted\" é"
    );
    assert_eq!(
        comment(r#"{"kind":"question","who":"A","text":"?","role":"owner"}"#).rank,
        Rank::Question
    );
    assert_eq!(
        comment(r#"{"who":"A","text":"x","role":"staff"}"#).rank,
        Rank::Staff
    );
    assert_eq!(
        comment(r#"{"who":"A","text":"x","paid":true,"role":"staff"}"#).rank,
        Rank::Paid
    );
    let gift =
        alert(r#"{"kind":"gift","who":"A","text":"rose","amount":"5 €","count":12,"combo":"r1"}"#);
    assert_eq!(
        (
            gift.kind,
            gift.count,
            gift.amount.as_deref(),
            gift.combo.as_deref()
        ),
        (AlertKind::Gift, 12, Some("5 €"), Some("r1"))
    );
    assert_eq!(
        alert(r#"{"kind":"order","who":"A"}"#).kind,
        AlertKind::Order
    );
    assert_eq!(alert(r#"{"kind":"follow","who":"A","count":0}"#).count, 1);
    assert_eq!(
        alert(r#"{"kind":"gift","who":"A","count":18446744073709551615}"#).count,
        MAX_COUNT
    );
    assert_eq!(read(r#"{"kind":"like","count":30}"#), Ok(Event::Likes(30)));
    assert_eq!(read(r#"{"kind":"like"}"#), Ok(Event::Likes(1)));
}

#[test]
fn what_cannot_be_understood_is_refused_with_a_reason() {
    let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(MAX_TEXT + 1));
    let combo = format!(
        r#"{{"kind":"gift","who":"a","combo":"{}"}}"#,
        "x".repeat(41)
    );
    for (payload, reason) in [
        ("{", Reason::Malformed),
        (" {\"text\": 5}", Reason::Malformed),
        (r#"{"kind":"dance","text":"x"}"#, Reason::Malformed),
        (r#"{"text":"x","colour":"red"}"#, Reason::Malformed),
        (r#"{"text":"x","count":-1}"#, Reason::Malformed),
        (r#"{"text":"x"} trailing"#, Reason::Malformed),
        (r#"{"kind":"gift"}"#, Reason::Malformed),
        (r#"{"kind":"gift","who":"  "}"#, Reason::Malformed),
        (r#"{"kind":"chat","who":"A"}"#, Reason::Empty),
        ("{}", Reason::Empty),
        (long.as_str(), Reason::TooLong),
        (combo.as_str(), Reason::Malformed),
    ] {
        assert_eq!(read(payload), Err(reason), "{payload}");
    }
    assert_eq!(Incoming::read(b"\xff\xfe"), Err(Reason::NotUtf8));
    assert_eq!(Incoming::read(&[b'x'; 64 * 1024]), Err(Reason::TooLarge));
    let nested = "{\"a\":".repeat(2000);
    assert_eq!(read(&nested), Err(Reason::Malformed));
}
