//! Lines of the live room are judged by the rules of the picture, in the overlay's room, which draws them as well.
//!
//! | overlay's room | the pages |
//! |---|---|
//! | shown, or will be in a moment (`delay` is for what cannot be called back) | shown |
//! | passed: fit, but the picture has no room, or lines do not run over it | shown |
//! | waits for approval | held |
//! | refused | refused |

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::room::Verdict;
use crate::room::actor::{Answer, Ask, RoomHandle};
use crate::room::item::{Comment, ItemId, Rank, Run};
use crate::room::live::actor::{JudgeFn, JudgeLine, Judged};
use crate::room::live::event::Role;

/// How long the overlay's room may take.
const LIMIT: Duration = Duration::from_millis(1500);

tokio::task_local! {
    /// What the overlay's room has said already of the line of a bridge that is handed in now.
    pub static SAID: Judged;
}

/// The judge.
pub fn judge(room: RoomHandle) -> JudgeFn {
    Arc::new(move |line| {
        if let Ok(said) = SAID.try_with(Clone::clone) {
            return Box::pin(std::future::ready(said));
        }
        let room = room.clone();
        Box::pin(async move { ask(&room, line).await })
    })
}

async fn ask(room: &RoomHandle, line: JudgeLine) -> Judged {
    let ask = Ask::Line {
        drawn: line.danmaku,
        comment: comment(line),
    };
    let Ok(reply) = room.ask(ask) else {
        return busy();
    };
    match timeout(LIMIT, reply).await {
        Ok(Ok(Ok(Answer::Verdict(verdict)))) => judged(verdict),
        _ => busy(),
    }
}

fn comment(line: JudgeLine) -> Comment {
    Comment {
        text: line.text,
        who: (!line.name.is_empty()).then_some(line.name),
        rank: match line.role {
            Role::Viewer => Rank::Text,
            Role::Moderator | Role::Owner => Rank::Staff,
        },
        run: Run::Scroll,
        colour: None,
        platform: line.origin,
    }
}

fn judged(verdict: Verdict) -> Judged {
    let known = |id: ItemId| (id.0 != 0).then_some(id.0);
    match verdict {
        Verdict::Shown(id) | Verdict::Delayed(id, _) => Judged::Shown { item: known(id) },
        Verdict::Held(id) => Judged::Held { item: known(id) },
        Verdict::Counted | Verdict::Passed => Judged::Shown { item: None },
        Verdict::Refused(reason) => Judged::Refused {
            code: reason.code().to_owned(),
            sentence: reason.sentence().to_owned(),
        },
    }
}

fn busy() -> Judged {
    Judged::Refused {
        code: "overflow".to_owned(),
        sentence: "Moderation has too much to do.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::Reason;

    #[test]
    fn what_the_picture_says_becomes_what_the_pages_say() {
        let id = ItemId(7);
        let wait = Duration::from_secs(3);
        assert_eq!(judged(Verdict::Shown(id)), Judged::Shown { item: Some(7) });
        assert_eq!(
            judged(Verdict::Delayed(id, wait)),
            Judged::Shown { item: Some(7) }
        );
        assert_eq!(judged(Verdict::Passed), Judged::Shown { item: None });
        assert_eq!(judged(Verdict::Held(id)), Judged::Held { item: Some(7) });
        assert_eq!(
            judged(Verdict::Held(ItemId(0))),
            Judged::Held { item: None }
        );
        let refused = judged(Verdict::Refused(Reason::Panic));
        assert!(matches!(refused, Judged::Refused { code, .. } if code == Reason::Panic.code()));
    }
}
