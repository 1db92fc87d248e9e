//! The last lines of the log, kept in memory so that they can be asked for from afar, without secrets.
//!
//! Our types never print a secret. What is known to be one is taken out here once more, when a line comes in and when it is handed
//! out: a library, or a peer whose words we repeat, may have been less careful.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::layer::Context;

use crate::config::Secret;
use crate::media::sync::lock;

/// Most lines kept.
pub const MAX_LINES: usize = 1000;
/// Most bytes kept.
const MAX_BYTES: usize = 256 * 1024;
/// Longest line, bytes.
const MAX_LINE: usize = 4096;
/// Most secrets known; the oldest is forgotten first.
const MAX_SECRETS: usize = 256;
/// A shorter secret is not taken out: it would tear up every line.
const LEAST_SECRET: usize = 4;
/// What stands in a secret's place.
const STARS: &str = "***";

/// Keeps the last lines; clones share them. A layer of `tracing`.
#[derive(Clone, Default)]
pub struct LogRing(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    lines: VecDeque<String>,
    bytes: usize,
    /// Longest first, so that one that holds another goes as a whole; each with its number of arrival.
    secrets: Vec<(u64, String)>,
    arrived: u64,
}

impl fmt::Debug for LogRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogRing")
    }
}

impl LogRing {
    /// Never hands out this secret from now on, however it is written: plain, quoted, or in an address.
    pub fn hide(&self, secret: &Secret) {
        let plain = secret.expose();
        let quoted = format!("{plain:?}");
        let mut inner = lock(&self.0);
        for form in [plain, quoted.trim_matches('"'), &percent_encoded(plain)] {
            inner.hide(form);
        }
    }

    /// The last `n` lines, oldest first.
    #[must_use]
    pub fn last(&self, n: usize) -> Vec<String> {
        let inner = lock(&self.0);
        let skip = inner.lines.len().saturating_sub(n);
        let lines = inner.lines.iter().skip(skip);
        lines.map(|line| inner.redacted(line)).collect()
    }

    fn push(&self, line: &str) {
        let mut inner = lock(&self.0);
        let mut line = inner.redacted(line);
        if line.len() > MAX_LINE {
            let cut = (0..=MAX_LINE).rev().find(|i| line.is_char_boundary(*i));
            line.truncate(cut.unwrap_or_default());
            line.push('…');
        }
        inner.bytes += line.len();
        inner.lines.push_back(line);
        while inner.lines.len() > MAX_LINES || inner.bytes > MAX_BYTES {
            let Some(gone) = inner.lines.pop_front() else {
                break;
            };
            inner.bytes -= gone.len();
        }
    }
}

impl Inner {
    fn hide(&mut self, secret: &str) {
        if secret.len() < LEAST_SECRET || self.secrets.iter().any(|(_, s)| s == secret) {
            return;
        }
        if self.secrets.len() >= MAX_SECRETS
            && let Some(oldest) = (0..self.secrets.len()).min_by_key(|i| self.secrets[*i].0)
        {
            self.secrets.remove(oldest);
        }
        self.arrived += 1;
        let at = self
            .secrets
            .partition_point(|(_, s)| s.len() >= secret.len());
        self.secrets.insert(at, (self.arrived, secret.to_owned()));
    }

    fn redacted(&self, line: &str) -> String {
        let mut line = without_login(line);
        for (_, secret) in &self.secrets {
            if line.contains(secret.as_str()) {
                line = line.replace(secret.as_str(), STARS);
            }
        }
        line
    }
}

/// Takes user and password out of every address in `line`: what stands between `://` and the last `@` before a slash, a
/// quote or a space.
fn without_login(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        out.push_str(head);
        let ends = |c: char| c.is_whitespace() || "/?#\"'<>".contains(c);
        let authority = &tail[..tail.find(ends).unwrap_or(tail.len())];
        rest = match authority.rfind('@') {
            Some(at) => {
                out.push_str(STARS);
                &tail[at..]
            }
            None => tail,
        };
    }
    out.push_str(rest);
    out
}

/// As it stands in an address (RFC 3986, section 2.1).
fn percent_encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

impl<S: Subscriber> Layer<S> for LogRing {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let meta = event.metadata();
        let mut line = String::new();
        // A clock that cannot be written leaves its place empty.
        let _ = SystemTime.format_time(&mut Writer::new(&mut line));
        let _ = write!(line, " {:>5} {}:", meta.level(), meta.target());
        let mut fields = Fields::default();
        event.record(&mut fields);
        line.push_str(&fields.message);
        line.push_str(&fields.others);
        self.push(&line);
    }
}

/// Message and fields of an event, bounded: what is written beyond the bound is dropped.
#[derive(Default)]
struct Fields {
    message: String,
    others: String,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = if field.name() == "message" {
            write!(Bounded(&mut self.message), " {value:?}")
        } else {
            write!(Bounded(&mut self.others), " {}={value:?}", field.name())
        };
    }
}

/// Takes four times as much as a line may have, so that a secret at its end is still whole when it is looked for.
struct Bounded<'a>(&'a mut String);

impl fmt::Write for Bounded<'_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        if self.0.len() < 4 * MAX_LINE {
            // One line each, whatever is in it.
            self.0
                .extend(s.chars().map(|c| if c.is_control() { ' ' } else { c }));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::prelude::*;

    use super::*;

    fn logged(ring: &LogRing, log: impl FnOnce()) {
        let subscriber = tracing_subscriber::registry().with(ring.clone());
        tracing::subscriber::with_default(subscriber, log);
    }

    #[test]
    fn a_line_has_time_level_target_message_and_fields() {
        let ring = LogRing::default();
        logged(&ring, || {
            tracing::warn!(ms = 5, name = "x\ny", "two\nlines");
        });
        let [line] = &ring.last(9)[..] else { panic!() };
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.starts_with("20") && time.ends_with('Z'), "{line}");
        assert!(rest.starts_with(" WARN boothcast::app::log_ring"), "{line}");
        assert!(line.ends_with(": two lines ms=5 name=\"x\\ny\""), "{line}");
    }

    #[test]
    fn known_secrets_never_come_out_in_any_form() {
        let ring = LogRing::default();
        logged(&ring, || tracing::info!("before it was known: Cn4ry-early"));
        for secret in ["Cn4ry", "Cn4ry-early", "Cn4ry/\"8 9", "abc"] {
            ring.hide(&Secret::new(secret));
        }
        logged(&ring, || {
            tracing::info!(debug = ?"Cn4ry/\"8 9", "rtmp://h/live/Cn4ry%2F%228%209?x=Cn4ry");
            tracing::info!(
                "rtsp://u:Pw%40rd@10.0.0.1:8554/main and http://a@b@c/x, mail me@home.example, abc"
            );
        });
        let all = ring.last(9).join("\n");
        for bad in ["Cn4ry", "early", "Pw%40rd", "u:", "%2F%22", "a@b"] {
            assert!(!all.contains(bad), "{bad} in {all}");
        }
        assert!(all.contains("rtsp://***@10.0.0.1:8554/main"), "{all}");
        assert!(
            all.contains("http://***@c/x, mail me@home.example, abc"),
            "{all}"
        );
    }

    #[test]
    fn a_secret_at_the_end_of_a_long_line_is_not_cut_in_two() {
        let ring = LogRing::default();
        ring.hide(&Secret::new("CANARY-0123456789"));
        for n in MAX_LINE - 120..MAX_LINE + 20 {
            let text = format!("{}CANARY-0123456789", "x".repeat(n));
            logged(&ring, || tracing::info!("{text}"));
        }
        let all = ring.last(MAX_LINES);
        assert!(
            all.iter()
                .all(|l| !l.contains("CANAR") && l.len() <= MAX_LINE + 3)
        );
    }

    #[test]
    fn no_more_than_its_bounds_is_kept() {
        let ring = LogRing::default();
        logged(&ring, || (0..1500).for_each(|n| tracing::info!(n, "short")));
        let lines = ring.last(usize::MAX);
        assert_eq!(lines.len(), MAX_LINES);
        assert!(lines[0].ends_with("n=500") && lines[999].ends_with("n=1499"));
        assert_eq!(ring.last(2), lines[998..]);
        let long = "é".repeat(9000);
        logged(&ring, || (0..200).for_each(|_| tracing::info!("{long}")));
        let bytes: usize = ring.last(usize::MAX).iter().map(String::len).sum();
        assert!((MAX_BYTES / 2..=MAX_BYTES).contains(&bytes), "{bytes}");
        for n in 0..1000 {
            ring.hide(&Secret::new(format!("secret-{n}")));
        }
        assert_eq!(lock(&ring.0).secrets.len(), MAX_SECRETS);
    }
}
