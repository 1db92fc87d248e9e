//! Whether a text leads away: addresses of pages and mail, also spelled out.
//!
//! A host is known by its last label. Such that are also words or file endings (`it`, `me`, `live`, `sh` …) count only where
//! something else says so: a path, `www`, an `@`, a digit or hyphen in the name, or nothing else in the text. `z.B.`, `3.5`,
//! `v1.2.3` and `Node.js` are no links. Not looked for: IPv6 addresses, and names of accounts.

use unicode_security::skeleton;

/// Last labels that are no words of a language which is written without a space behind the full stop.
const SURE: &str = "com net org info biz edu gov mil int io ai co tv cc gg ly gl gd xyz app dev xxx porn icu vip wiki \
    blog shop store casino tk ml ga cf ws su ac ae af al ar au ax az ba bd bg bo br bw by bz ca ch ci cl \
    cm cn cr cu cx cy cz de dk dz ec ee eg eu fi fj fr ge gh gr gt hk hn hr hu ie il iq ir jo jp ke kg \
    kh kr kw kz lb lk lt lu lv ma mc mk mn mt mv mx my ng ni nl np nz om pa pe ph pk pl pt pw py qa ro \
    ru sa sg si sk sv sy th tn tr tw tz ua ug uk uy uz ve vn za zm zw рф бел укр москва онлайн 中国 中國 公司 \
    网络 网址 商城 在线 香港 台湾 みんな 한국 भारत امارات السعودية مصر ישראל ไทย";

/// Last labels that may as well be words or file endings.
const UNSURE: &str = "it is in to so no be me am as at do us es id se st la li pro name mobi live link online site club \
    fun win bet top click space world news life love chat one today games video cam dating sex tech \
    cloud art page cafe bar health group center sh pm md rs zip mov";

/// Hosts with an unsure end that everybody knows.
const KNOWN: &str =
    "t.me wa.me m.me fb.me line.me youtu.be amzn.to redd.it spoti.fi lnkd.in is.gd v.gd twitch.tv";

/// What looks like a host and is none.
const INNOCENT: &[&str] = &["asp.net", "vb.net", "ado.net", "ml.net"];

/// Ends that are believed where the stop is spelled out.
const SPELLED: &str = "com net org info io ru cn de tv gg co xyz jp kr shop me рф ком ру";

/// Ways to spell the stop of a host as a word of its own.
const STOPS: &[&str] = &[
    "dot",
    "punkt",
    "punto",
    "ponto",
    "точка",
    "点",
    "點",
    "ドット",
    "닷",
    "도트",
    "نقطة",
    "דוט",
    "נקודה",
    "डॉट",
    ".",
];

/// Whether a word is one of a list.
fn listed(list: &str, word: &str) -> bool {
    list.split(' ').any(|listed| listed == word)
}

/// Whether a cleaned text contains a link or an e-mail address.
#[must_use]
pub fn has_link(text: &str) -> bool {
    let text = plain(text);
    if !text.contains(['.', ':']) && !STOPS.iter().any(|stop| text.contains(stop)) {
        return false;
    }
    has_scheme(&text) || has_www(&text) || has_host(&text) || is_spelled(&text)
}

/// Small letters, and every disguise of a stop as a stop.
fn plain(text: &str) -> String {
    let chars: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    let is_name = |c: Option<&char>| c.is_some_and(char::is_ascii_alphanumeric);
    let mut out = String::with_capacity(text.len());
    for (at, &c) in chars.iter().enumerate() {
        let between = at > 0 && is_name(chars.get(at - 1)) && is_name(chars.get(at + 1));
        out.push(match c {
            '。' | '・' | '·' | '•' | '∙' if between => '.',
            '\u{ff0e}' | '\u{ff61}' | '\u{2024}' | '\u{fe52}' => '.',
            c => c,
        });
    }
    for wrapped in [
        "[.]",
        "(.)",
        "{.}",
        "<.>",
        "[dot]",
        "(dot)",
        "{dot}",
        "<dot>",
        "(punkt)",
        "[punkt]",
        "(点)",
        "[点]",
        "(точка)",
    ] {
        if out.contains(wrapped) {
            out = out
                .replace(&format!(" {wrapped} "), ".")
                .replace(wrapped, ".");
        }
    }
    out
}

fn has_scheme(text: &str) -> bool {
    text.match_indices("://").any(|(at, _)| {
        let before = text[..at]
            .bytes()
            .rev()
            .take_while(u8::is_ascii_alphabetic)
            .count();
        let after = text[at + 3..].chars().next();
        before >= 2 && after.is_some_and(char::is_alphanumeric)
    })
}

fn has_www(text: &str) -> bool {
    text.match_indices("www.").any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + 4..].chars().next();
        after.is_some_and(char::is_alphanumeric)
            && !before.is_some_and(|c| c.is_ascii_alphanumeric())
    })
}

/// A piece of text that may be a host, and what stands around it.
struct Host<'a> {
    name: &'a str,
    before: Option<char>,
    after: Option<char>,
    alone: bool,
}

fn has_host(text: &str) -> bool {
    let is_part = |c: char| {
        c.is_alphanumeric()
            || c == '-'
            || c == '.'
            || unicode_normalization::char::is_combining_mark(c)
    };
    let mut rest = 0;
    while let Some(from) = text[rest..].find(is_part).map(|at| rest + at) {
        let end = text[from..]
            .find(|c| !is_part(c))
            .map_or(text.len(), |at| from + at);
        rest = end;
        let name = text[from..end].trim_matches('.');
        if !name.contains('.') {
            continue;
        }
        let host = Host {
            name,
            before: text[..from].chars().next_back(),
            after: text[end..].chars().next(),
            alone: name.len() == text.trim().trim_end_matches(['.', '!', '?']).len(),
        };
        if host.is_link() {
            return true;
        }
    }
    false
}

impl Host<'_> {
    fn is_link(&self) -> bool {
        if INNOCENT.contains(&self.name) {
            return false;
        }
        let labels: Vec<&str> = self.name.split('.').collect();
        if labels.iter().any(|label| label.starts_with("xn--"))
            || is_address(&labels)
            || listed(KNOWN, self.name)
        {
            return true;
        }
        labels.windows(2).enumerate().any(|(at, pair)| {
            let [name, end] = pair else { return false };
            let is_last = at + 2 == labels.len();
            !name.is_empty() && self.is_end(name, end, is_last)
        })
    }

    /// Whether `end` makes a host of `name.end`.
    fn is_end(&self, name: &str, end: &str, is_last: bool) -> bool {
        // “z.B. v.a.de”: abbreviations have no label of three letters, hosts with one letter are as good as none.
        let end = alike(end);
        let end = end.as_str();
        if listed(SURE, end) {
            return name.chars().any(char::is_alphabetic)
                || self.leads_on(is_last)
                || name.len() > 2;
        }
        if is_last
            && self.before == Some('@')
            && end.chars().count() >= 2
            && end.chars().all(char::is_alphabetic)
        {
            return true;
        }
        let is_name = name.bytes().any(|b| b.is_ascii_digit() || b == b'-')
            && name.chars().any(char::is_alphabetic);
        listed(UNSURE, end)
            && name.chars().count() >= 2
            && (self.leads_on(is_last)
                || is_last && (is_name || self.alone && name.chars().count() >= 4))
    }

    /// Whether a path, a port or a query follows.
    fn leads_on(&self, is_last: bool) -> bool {
        is_last && matches!(self.after, Some('/' | '?' | '#' | ':'))
    }
}

/// Look-alike letters of a Latin ending made Latin.
fn alike(end: &str) -> String {
    if end.is_ascii() || end.chars().any(|c| u32::from(c) > 0x52f) {
        return end.to_owned();
    }
    let latin: String = skeleton(end)
        .collect::<String>()
        .replace("rn", "m")
        .to_lowercase();
    if latin.is_ascii() {
        latin
    } else {
        end.to_owned()
    }
}

/// An IPv4 address.
fn is_address(labels: &[&str]) -> bool {
    labels.len() == 4
        && labels
            .iter()
            .all(|label| label.len() <= 3 && label.parse::<u8>().is_ok())
}

/// “example dot com”, “example .com”, “例子点com”.
fn is_spelled(text: &str) -> bool {
    STOPS.iter().any(|stop| {
        text.match_indices(stop).any(|(at, _)| {
            let (before, behind) = (&text[..at], &text[at + stop.len()..]);
            let apart = before.ends_with(' ') || !stop.is_ascii();
            let is_word = *stop == "."
                || !stop
                    .chars()
                    .all(|c| c.is_alphabetic() && u32::from(c) < 0x2e80)
                || behind.starts_with(' ');
            let name = before.trim_end().chars().next_back();
            apart
                && is_word
                && name.is_some_and(char::is_alphanumeric)
                && begins_with_end(behind.trim_start())
        })
    })
}

fn begins_with_end(text: &str) -> bool {
    let end = text
        .find(|c: char| !c.is_alphanumeric())
        .unwrap_or(text.len());
    listed(SPELLED, &text[..end])
}

#[cfg(test)]
#[path = "links_tests.rs"]
mod tests;
