//! From text of any content to clusters with a font each, bounded.

use unicode_segmentation::UnicodeSegmentation as _;

use super::library::{FamilyId, Library};
use super::script::{Hint, is_emoji, is_ignorable, is_kept};
use super::style::Run;

/// Characters of a text that are looked at.
pub(super) const MOST_CHARS: usize = 4096;
/// Graphemes of a text that are drawn.
pub(super) const MOST_CLUSTERS: usize = 1024;
/// Characters of one grapheme that are drawn: the longest emoji of today have 10, stacks of marks in living languages fewer.
const MOST_IN_ONE: usize = 16;

/// A grapheme that is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cluster {
    /// What of it is drawn.
    pub text: String,
    /// The run that it belongs to.
    pub run: usize,
    /// Who writes it.
    pub family: FamilyId,
    /// Nobody can: a box stands for it.
    pub missing: bool,
}

/// The text of a box's place: a letter that every font has.
const PLACE: &str = "x";

/// Runs as clusters: line ends and tabs are spaces, what is never seen is left out, and what is too long is cut.
pub(super) fn clusters(runs: &[Run], library: &mut Library, base: FamilyId) -> Vec<Cluster> {
    let hint = Hint::of(runs.iter().flat_map(|r| r.text.chars()).take(MOST_CHARS));
    let mut out = Vec::new();
    let mut left = MOST_CHARS;
    for (run, Run { text, .. }) in runs.iter().enumerate() {
        let clean: String = text.chars().take(left).filter_map(kept).collect();
        left = left.saturating_sub(text.chars().take(left).count());
        for grapheme in clean.graphemes(true) {
            if out.len() >= MOST_CLUSTERS {
                return out;
            }
            let last = out.last().map(|c: &Cluster| c.family);
            if let Some((text, family)) = written(grapheme, library, hint, last) {
                let missing = family.is_none();
                out.push(Cluster {
                    text: if missing { PLACE.into() } else { text },
                    run,
                    family: family.unwrap_or(base),
                    missing,
                });
            }
        }
    }
    out
}

fn kept(c: char) -> Option<char> {
    match c {
        '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
        c => is_kept(c).then_some(c),
    }
}

/// What of a grapheme is drawn and by whom; nothing, where there is nothing to see.
fn written(
    grapheme: &str,
    library: &mut Library,
    hint: Hint,
    last: Option<FamilyId>,
) -> Option<(String, Option<FamilyId>)> {
    let lead = grapheme.chars().find(|c| !is_ignorable(*c))?;
    let text: String = grapheme.chars().take(MOST_IN_ONE).collect();
    if is_emoji(&text)
        && let Some(colour) = library.colour_of(&text)
    {
        return Some((text, Some(colour)));
    }
    // Spaces and the like stay with what they follow, so that a run is not torn apart.
    let follows =
        last.filter(|id| lead == ' ' && !library.is_colour(*id) && library.has(*id, lead));
    let Some(family) = follows.or_else(|| library.family_of(lead, hint)) else {
        return Some((text, None));
    };
    // A mark that the letter's font lacks would be a box upon the letter.
    let text = text
        .chars()
        .filter(|c| is_ignorable(*c) || library.has(family, *c))
        .collect();
    Some((text, Some(family)))
}
