//! `docs/configuration.md`, made from the table of keys: a test keeps the two in step.

use std::fmt::Write as _;

use super::board;
use super::keys::{Default, Key, Kind, Section, bitrate_text, keys_of};
use super::overrides::variable_of;
use super::table::SECTIONS;
use super::value::{parse_text, shown};

const HEAD: &str = "\
# Configuration reference

Made from the program's own table of keys; `BOOTHCAST_BLESS=1 cargo test reference` writes it anew.

Layers, later ones winning:

1. built-in defaults, and the profile of the board (see Boards);
2. `/etc/boothcast/boothcast.toml`, or the file named by `--config`;
3. what the box keeps in its state folder: `imported.toml` (from the boot partition of an SD card) and `setup.toml` (what a
   QR code or the set-up page said), see system.md; then, without `--config`, `boothcast.toml` in the working folder;
4. environment variables: `BOOTHCAST__RTSP__PORT=9000` is `rtsp.port`, and `BOOTHCAST__DESTINATION__MY_TUBE__KEY` is
   the `key` of the destination `my-tube`;
5. flags: `--set rtsp.port=9000`, `--set destination.my-tube.url=rtmp://host/live`.

`boothcast check` reports every error with file, line and key, and exits with 78. Unknown keys are errors. Relative
paths in a file count from that file's folder, others from the working folder.

A bitrate is a whole number in bit/s, or text such as `\"2500k\"` or `\"2.5M\"`.
";

/// The whole reference as Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut out = HEAD.to_owned();
    out.push_str(&sections());
    out.push_str(&boards());
    out
}

/// The sections alone, as README.md shows them.
#[must_use]
pub fn sections() -> String {
    let mut out = String::new();
    for section in SECTIONS {
        out.push_str(&one_section(section));
    }
    out
}

fn one_section(section: &Section) -> String {
    let title = if section.repeated {
        format!("[[{}]]", section.name)
    } else {
        format!("[{}]", section.name)
    };
    let mut out = format!(
        "\n## `{title}`\n\n{}\n\n| key | values | default | meaning |\n|---|---|---|---|\n",
        section.doc
    );
    for key in keys_of(section.name) {
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} |",
            key.name(),
            values(key),
            default(key),
            key.doc
        );
    }
    out
}

fn values(key: &Key) -> String {
    match key.kind {
        Kind::Bool => "`true`, `false`".into(),
        Kind::Int(min, max, unit) => format!("{min} to {max} {unit}").trim_end().to_owned(),
        Kind::IntOf(of, unit) => {
            let of: Vec<_> = of.iter().map(|n| format!("`{n}`")).collect();
            format!("{} {unit}", of.join(", "))
        }
        Kind::Float(min, max, unit) => format!("{min} to {max} {unit}"),
        Kind::Text(what, _) => what.replace('|', "\\|"),
        Kind::Line => "a line's number, or its name".into(),
        Kind::Choice(words) => {
            let words: Vec<_> = words.iter().map(|w| format!("`\"{w}\"`")).collect();
            words.join(", ")
        }
        Kind::Path => "path".into(),
        Kind::Bitrate(min, max) => {
            format!(
                "bitrate, `{}` to `{}`",
                bitrate_text(min),
                bitrate_text(max)
            )
        }
        Kind::Ip => "IP address".into(),
        Kind::Secret => "text, never printed".into(),
    }
}

fn default(key: &Key) -> String {
    match key.default {
        Default::Required => "must be written".into(),
        Default::Unset(note) => note.into(),
        Default::Is("") => "empty".into(),
        Default::Is(text) => match parse_text(key, text, None) {
            Ok(value) => format!("`{}`", shown(key, &value)),
            Err(_) => text.to_owned(),
        },
    }
}

fn boards() -> String {
    let mut out = "\n## Boards\n\nRecognised by the device tree (`/proc/device-tree/compatible`, else `model`); `boothcast doctor` names the one found\n\
        and says why. `board.profile` overrides it.\n\n\
        | board | default `encode.profile` | encoders, in the order in which they are tried |\n|---|---|---|\n"
        .to_owned();
    for b in board::all() {
        let profile = b.default_profile.map_or("720p30", super::Profile::name);
        let _ = writeln!(
            out,
            "| {} (`{}`) | `{profile}` | {} |",
            b.title,
            b.id,
            b.encoders.join(", ")
        );
    }
    out
}

/// The environment variable of a key, `BOOTHCAST__RTSP__PORT`.
#[must_use]
pub fn variable(key: &Key) -> String {
    variable_of(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::table::KEYS;

    #[test]
    fn docs_configuration_md_is_the_reference() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");
        let made = markdown();
        if std::env::var_os("BOOTHCAST_BLESS").is_some_and(|v| v == "1") {
            std::fs::write(path, &made).unwrap();
        }
        let there = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            there == made,
            "docs/configuration.md is not what the table of keys says; write it anew with BOOTHCAST_BLESS=1"
        );
    }

    #[test]
    fn every_key_and_board_is_in_it() {
        let text = markdown();
        for k in KEYS {
            assert!(text.contains(&format!("| `{}` |", k.name())) && text.contains(k.doc));
        }
        for b in board::all() {
            assert!(text.contains(&b.title));
        }
        assert_eq!(variable(&KEYS[0]), "BOOTHCAST__BOX__NAME");
    }
}
