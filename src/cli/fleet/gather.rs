//! What the broker has kept of all boxes.

use std::time::Duration;

use tokio::time::Instant;

use super::known::{Boxes, Leaf};
use crate::cli::broker::args::Reach;
use crate::cli::broker::link::Link;
use crate::cli::outcome::Trouble;

/// A broker that sends nothing new for so long has sent all that it kept.
pub(super) const QUIET: Duration = Duration::from_secs(1);

/// The filters of all that is kept of boxes.
pub(super) fn filters(reach: &Reach) -> Vec<String> {
    Leaf::ALL
        .iter()
        .map(|leaf| reach.fleet.every(leaf))
        .collect()
}

/// Hears the broker out, for at most the limit of an answer.
pub(super) async fn gather(link: &mut Link, reach: &Reach) -> Result<Boxes, Trouble> {
    let mut boxes = Boxes::default();
    let end = Instant::now() + reach.limit;
    while Instant::now() < end
        && let Some(said) = link.next(end.min(Instant::now() + QUIET)).await?
    {
        boxes.take(&reach.fleet, &said);
    }
    Ok(boxes)
}

/// What cannot be right: a box that is there and says nothing else was cut off by the broker.
pub(super) fn doubt(boxes: &Boxes) -> Option<String> {
    let cut =
        |k: &&super::known::Known| k.state == super::known::Conn::Online && k.status.is_none();
    let n = boxes.all.values().filter(cut).count();
    let mut doubt = (n > 0 && n * 10 > boxes.all.len()).then(|| format!(
        "{n} boxes are online, but the broker did not send their status. If there are hundreds of boxes, its limit on queued messages is too low (mosquitto: max_queued_messages 0)."
    ));
    if boxes.more > 0 {
        let more = format!(
            "{} messages are about boxes beyond the {} that are shown.",
            boxes.more,
            boxes.all.len()
        );
        doubt = Some(more);
    }
    doubt
}
