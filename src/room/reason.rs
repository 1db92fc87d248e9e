//! Why something is not on the picture: a stable name for programs, a clause for people.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $clause:literal;)+) => {
        /// Why something is not on the picture. The names are stable: they are in the counters that boxes report.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(rename_all = "kebab-case")]
        pub enum Reason {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Reason {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The name that is counted under.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// The same as a sentence for a person.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$name => $clause),+ }
            }
        }
    };
}

reasons! {
    /// The message is larger than [`MAX_PAYLOAD`](super::intake::MAX_PAYLOAD).
    TooLarge = "too-large", "The message is larger than 16 KiB.";
    /// The bytes are not UTF-8.
    NotUtf8 = "not-utf8", "The message is not UTF-8 text.";
    /// It begins like a JSON object and is not one that can be understood.
    Malformed = "malformed", "The message is not a JSON object with the fields that are documented.";
    /// It contains NUL, which no person types.
    Control = "control", "The text contains the control character NUL.";
    /// The bridge sent a message with the same `id` before.
    Duplicate = "duplicate", "A message with the same id came before.";
    /// There is nothing to read.
    Empty = "empty", "There is no text.";
    /// There are characters, but nothing that can be seen.
    Invisible = "invisible", "The text consists of invisible characters alone.";
    /// It is longer than [`MAX_TEXT`](super::item::MAX_TEXT).
    TooLong = "too-long", "The text is longer than 500 characters.";
    /// It contains a word of the owner's list.
    Word = "word", "The text contains a word of the list moderation.words.";
    /// It contains a link or an e-mail address.
    Link = "link", "The text contains a link, and moderation.links is off.";
    /// The same author said the same a moment ago.
    Repeat = "repeat", "The same author said the same within moderation.repeat_s.";
    /// The author sends more than `moderation.author_per_s`.
    AuthorRate = "author-rate", "The author sends more than moderation.author_per_s allows.";
    /// The room sends more than the picture holds: comments beyond what the lanes or `room.max_drawn_per_s` hold, more than 50
    /// alerts a second, or more than 5 followers a second.
    RoomRate = "room-rate", "More is said than the lanes, room.max_drawn_per_s or the alerts hold.";
    /// It was pushed out of the full queue of what waits for a moderator or its time.
    HeldFull = "held-full", "The queue of what waits for approval is full.";
    /// It was pushed out of the full queue of alerts.
    AlertsFull = "alerts-full", "The queue of alerts is full.";
    /// The alert waited too long for its turn.
    Late = "late", "The alert waited longer than a minute for its turn.";
    /// Panic is on: nothing of the audience is taken.
    Panic = "panic", "Panic is on: nothing of the audience is shown until it is taken back.";
    /// Messages came faster than the box could look at them.
    Overflow = "overflow", "Messages came faster than the box could look at them.";
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_they_are_written() {
        for reason in Reason::ALL {
            assert_eq!(serde_json::json!(reason), reason.code());
            assert!(reason.sentence().ends_with('.'), "{reason}");
        }
    }
}
