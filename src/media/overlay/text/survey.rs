//! Which scripts can be written: for `boothcast doctor`.

use std::path::Path;

use serde::Serialize;

use super::library::Library;
use super::script::Hint;
use crate::error::Result;

/// A script, and who writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Its name in English.
    pub script: &'static str,
    /// The family of fonts that writes it, where there is one.
    pub family: Option<String>,
    /// The Debian package that brings one.
    pub package: &'static str,
}

/// Scripts, letters that all fonts of them have, and packages.
const SCRIPTS: [(&str, &str, &str); 8] = [
    ("Latin", "aZéß", "fonts-noto-core"),
    ("Chinese", "你們电價", "fonts-wqy-microhei"),
    ("Japanese", "あア漢", "fonts-wqy-microhei"),
    ("Korean", "한국", "fonts-wqy-microhei"),
    ("Arabic", "عربي", "fonts-noto-core"),
    ("Hebrew", "שלם", "fonts-noto-core"),
    ("Devanagari", "नहि", "fonts-noto-core"),
    ("Thai", "ไทย", "fonts-noto-core"),
];

/// Looks which scripts have a font, coloured emoji last.
///
/// # Errors
/// The folder cannot be read.
pub fn survey(folder: Option<&Path>, family: Option<&str>) -> Result<Vec<Written>> {
    let mut library = Library::open(folder, family)?;
    Ok(of(&mut library))
}

pub(super) fn of(library: &mut Library) -> Vec<Written> {
    let mut out = Vec::new();
    for (script, letters, package) in SCRIPTS {
        let hint = Hint::of(letters.chars());
        let mut writers = letters.chars().map(|c| library.family_of(c, hint));
        let first = writers.next().flatten();
        let all = writers.all(|w| w.is_some());
        out.push(Written {
            script,
            family: first.filter(|_| all).map(|id| library.name(id).to_owned()),
            package,
        });
    }
    let emoji = library.colour_of("😀");
    out.push(Written {
        script: "emoji",
        family: emoji.map(|id| library.name(id).to_owned()),
        package: "fonts-noto-color-emoji",
    });
    out
}
