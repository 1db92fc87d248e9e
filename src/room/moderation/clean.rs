//! A text without what nobody sees, as one line.

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use crate::config::is_invisible;

/// The text as it may be drawn: NFKC, one line, no control, bidi or invisible characters.
#[must_use]
pub fn clean(text: &str) -> String {
    let visible = text.nfkc().map(|c| if c.is_whitespace() { ' ' } else { c });
    let visible: String = visible
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most `most` graphemes of a text; the last of them is `…` where something is missing.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    let mut graphemes = text.grapheme_indices(true).skip(most.saturating_sub(1));
    match (graphemes.next(), graphemes.next()) {
        (Some((at, _)), Some(_)) => format!("{}…", text[..at].trim_end()),
        _ => text.to_owned(),
    }
}
