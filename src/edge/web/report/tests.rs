use proptest::prelude::*;

use super::*;
use crate::room::live::event::{Event, Fact, LineState, Moderation, Role, Winner};
use crate::room::report::Report;

const HEAD: Head<'static> = Head {
    name: "shop",
    offset_s: 28_800,
};

/// A show in which every text that somebody can choose is `text`.
fn show(text: &str) -> Vec<Event> {
    let t = || text.to_owned();
    let facts = vec![
        Fact::ShowBegun { title: t() },
        Fact::Came {
            name: t(),
            role: Role::Viewer,
            addr: "addr-hash".into(),
        },
        Fact::Joined,
        Fact::Said {
            line: 1,
            name: t(),
            text: t(),
            role: Role::Viewer,
            origin: Some(t()),
            state: LineState::Shown,
            danmaku: false,
            item: None,
            nonce: Some(t()),
        },
        Fact::Gave {
            gift: t(),
            name: t(),
            combo: t(),
            count: 2,
            more: 2,
            origin: None,
        },
        Fact::PollOpened {
            poll: 1,
            question: t(),
            choices: vec![t(), t()],
            hidden: false,
        },
        Fact::Voted {
            poll: 1,
            choice: 0,
            instead_of: None,
        },
        Fact::Asked {
            question: 1,
            name: t(),
            text: t(),
            origin: Some(t()),
        },
        Fact::ProductSet {
            product: 1,
            name: t(),
            price: t(),
            old_price: None,
            stock: None,
            url: Some(t()),
        },
        Fact::Pinned { pin: 1, product: 1 },
        Fact::Clicked { pin: 1, product: 1 },
        Fact::Ordered {
            order: t(),
            pin: Some(1),
            product: Some(1),
            count: 1,
            amount_minor: 5,
            currency: t(),
            name: Some(t()),
        },
        Fact::DrawOpened {
            draw: 1,
            title: t(),
            winners: 1,
            commitment: t(),
        },
        Fact::DrawClosed {
            draw: 1,
            entries: 1,
            digest: t(),
        },
        Fact::DrawDone {
            draw: 1,
            seed: t(),
            winners: vec![Winner {
                viewer: 1,
                name: t(),
            }],
        },
        Fact::Incident {
            text: t(),
            over: false,
        },
        Fact::Moderated {
            act: 1,
            by: t(),
            what: Moderation::Words { words: vec![t()] },
            undoes: None,
        },
    ];
    (1..)
        .zip(facts)
        .map(|(seq, fact)| Event {
            seq,
            at_ms: 1_700_000_000_000,
            show: 7,
            viewer: 1,
            fact,
        })
        .collect()
}

/// What stands between `<` and `>`, and whether all of them match.
fn tags(html: &str) -> Vec<&str> {
    html.split('<')
        .skip(1)
        .map(|part| part.split_once('>').expect("a tag that does not end").0)
        .collect()
}

/// Rows and cells by RFC 4180, strictly.
fn rows(csv: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut chars = csv.chars().peekable();
    let mut begins = true;
    while let Some(c) = chars.next() {
        match c {
            '"' if begins => {
                loop {
                    match chars.next().expect("a quote that does not end") {
                        '"' if chars.peek() == Some(&'"') => cell.extend(chars.next()),
                        '"' => break,
                        c => cell.push(c),
                    }
                }
                assert!(
                    matches!(chars.peek(), Some(',' | '\r')),
                    "text after a quoted cell"
                );
                begins = false;
            }
            ',' => {
                row.push(std::mem::take(&mut cell));
                begins = true;
            }
            '\r' => {
                assert_eq!(chars.next(), Some('\n'));
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
                begins = true;
            }
            '"' | '\n' => panic!("{c:?} outside quotes"),
            c => {
                cell.push(c);
                begins = false;
            }
        }
    }
    assert!(cell.is_empty() && row.is_empty(), "the last row has no end");
    rows
}

fn hostile() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</title></bdi></svg><svg onload=alert(1)>",
        "javascript:alert(1)",
        "{{constructor}} ${7*7} &lt;script&gt;",
        "=HYPERLINK(\"http://x\")",
        "+1+1",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        " =1",
        "＝1",
        "a\r\n=cmd|' /C calc'!A0",
        "\u{0}\u{1b}[31m\u{7f}\u{85}",
        "\u{202e}gnp.exe",
        "",
        "a,b;\"c\"",
    ]);
    prop_oneof![
        known.prop_map(str::to_owned),
        any::<String>(),
        "[<>\"'&=+@\\-\t\r\n,a]{0,12}"
    ]
}

proptest! {
    #[test]
    fn no_text_becomes_markup(text in hostile()) {
        let (report, plain) = (Report::of(&show(&text)), Report::of(&show("tea")));
        for lang in [Lang::En, Lang::Zh] {
            let html = render_html(&report, &Head { name: &text, ..HEAD }, lang);
            let like = render_html(&plain, &HEAD, lang);
            prop_assert_eq!(tags(&html), tags(&like));
            prop_assert!(!html.chars().any(|c| c.is_control() && c != '\n'));
        }
    }

    #[test]
    fn no_cell_becomes_a_formula(text in hostile()) {
        let events = show(&text);
        let tables = [render_csv(&Report::of(&events)), events_csv(&events, None)];
        for table in &tables {
            let rows = rows(table);
            let width = rows[0].len();
            for row in rows {
                prop_assert_eq!(row.len(), width);
                for cell in row {
                    prop_assert!(!cell.trim_start().starts_with(['=', '+', '-', '@']), "{:?}", cell);
                    prop_assert!(!cell.starts_with(['\t', '\r', '\n']));
                    prop_assert!(cell.len() <= 32_767 || text.len() > 1000);
                }
            }
        }
    }
}

#[test]
fn the_page_needs_nothing_that_the_policy_forbids() {
    let html = render_html(&Report::of(&show("tea")), &HEAD, Lang::En);
    for forbidden in [
        "<script",
        " style=",
        "<style",
        "javascript:",
        " on",
        "http:",
        "https:",
        "<iframe",
        "<object",
    ] {
        let found = tags(&html)
            .iter()
            .any(|tag| format!("<{tag}").contains(forbidden));
        assert!(!found, "{forbidden}");
    }
    for outside in ["url(", "@import", "http"] {
        assert!(!REPORT_CSS.contains(outside), "{outside}");
    }
}

#[test]
fn tags_of_the_page_match() {
    for events in [show("tea"), Vec::new()] {
        for lang in [Lang::En, Lang::Zh] {
            let html = render_html(&Report::of(&events), &HEAD, lang);
            let mut open = Vec::new();
            for tag in tags(&html) {
                let name = tag
                    .trim_start_matches('/')
                    .split([' ', '/'])
                    .next()
                    .unwrap();
                if tag.starts_with('/') {
                    assert_eq!(open.pop(), Some(name));
                } else if !tag.ends_with('/') && !["!doctype", "meta", "link", "br"].contains(&name)
                {
                    open.push(name);
                }
            }
            assert!(open.is_empty(), "{open:?}");
        }
    }
}

#[test]
fn classes_of_the_page_have_a_style() {
    let html = render_html(&Report::of(&show("tea")), &HEAD, Lang::En);
    for classes in html.split("class=\"").skip(1) {
        for class in classes.split('"').next().unwrap().split(' ') {
            if !["tick"].contains(&class) {
                assert!(REPORT_CSS.contains(&format!(".{class}")), "{class}");
            }
        }
    }
}

#[test]
fn a_number_leads_to_its_events() {
    let html = render_html(&Report::of(&show("tea")), &HEAD, Lang::En);
    assert!(html.contains(
        "<a href=\"/report/7.events.csv?kind=clicked\" title=\"1 events behind this number\">1</a>"
    ));
    let events = show("tea");
    let some = events_csv(&events, Some(&["clicked", "joined"]));
    let kinds: Vec<String> = rows(&some)
        .into_iter()
        .skip(1)
        .map(|row| row[5].clone())
        .collect();
    assert_eq!(kinds, ["joined", "clicked"]);
}

#[test]
fn the_page_speaks_chinese() {
    let html = render_html(&Report::of(&show("tea")), &HEAD, Lang::Zh);
    assert!(html.contains("<html lang=\"zh-Hans\">") && html.contains("转化漏斗"));
    assert!(html.contains("2023-11-15 06:13:20") && html.contains("UTC+08:00"));
}

#[test]
fn a_share_stands_in_the_table_with_its_interval() {
    let csv = render_csv(&Report::of(&show("tea")));
    let rows = rows(&csv);
    let row = rows.iter().find(|r| r[1] == "click / viewers").unwrap();
    assert_eq!(
        (row[2].as_str(), row[4].as_str(), row[5].as_str()),
        ("1", "1", "clicked: 11")
    );
    assert!(row[3].starts_with("0.2065"), "{}", row[3]);
}

#[test]
fn no_address_is_told() {
    assert!(!events_csv(&show("tea"), None).contains("addr"));
}
