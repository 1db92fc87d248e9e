//! Names of facts, as in JSON and in topics.

use super::event::Fact;

impl Fact {
    /// Its name as in JSON and in topics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ShowBegun { .. } => "show-begun",
            Self::ShowEnded => "show-ended",
            Self::Incident { .. } => "incident",
            Self::Came { .. } => "came",
            Self::Renamed { .. } => "renamed",
            Self::Joined => "joined",
            Self::Left { .. } => "left",
            Self::Said { .. } => "said",
            Self::LineShown { .. } => "line-shown",
            Self::LineHidden { .. } => "line-hidden",
            Self::Liked { .. } => "liked",
            Self::Gave { .. } => "gave",
            Self::PollOpened { .. } => "poll-opened",
            Self::Voted { .. } => "voted",
            Self::PollClosed { .. } => "poll-closed",
            Self::PollGone { .. } => "poll-gone",
            Self::Asked { .. } => "asked",
            Self::UpVoted { .. } => "up-voted",
            Self::QuestionsSeen { .. } => "questions-seen",
            Self::QuestionMoved { .. } => "question-moved",
            Self::ProductSet { .. } => "product-set",
            Self::ProductRemoved { .. } => "product-removed",
            Self::Pinned { .. } => "pinned",
            Self::Unpinned { .. } => "unpinned",
            Self::Clicked { .. } => "clicked",
            Self::Ordered { .. } => "ordered",
            Self::DrawOpened { .. } => "draw-opened",
            Self::DrawEntered { .. } => "draw-entered",
            Self::DrawClosed { .. } => "draw-closed",
            Self::DrawDone { .. } => "draw-done",
            Self::Announced { .. } => "announced",
            Self::Moderated { .. } => "moderated",
        }
    }
}
