//! What is summed of a show; outlives its events.

use super::put::Gathered;
use crate::room::live::event::{Event, Fact};

/// Sums that follow from the event alone. Those that need to know whether it was the first are made with its table.
pub fn gather(gathered: &mut Gathered, event: &Event) {
    let (what, n) = match &event.fact {
        Fact::Incident { over: false, .. } => ("incidents", 1),
        Fact::Joined => ("joins", 1),
        Fact::Left { stayed_ms } => ("watch_ms", *stayed_ms),
        Fact::Said { .. } => ("lines", 1),
        Fact::Liked { n } => ("likes", u64::from(*n)),
        Fact::Gave { more, .. } => ("gifts", u64::from(*more)),
        Fact::PollOpened { .. } => ("polls", 1),
        Fact::Asked { .. } => ("questions", 1),
        Fact::Clicked { .. } => ("clicks", 1),
        _ => return,
    };
    gathered.add(event.show, what, n);
}
