//! What is asked of the task.

use tokio::sync::oneshot;

use super::super::act::{Act, By, Done, Refusal};
use super::super::bridged::{Bridged, NewOrder};
use super::super::chat::Draft;
use super::super::draws::DrawProof;
use super::super::event::Role;
use super::super::view::Person;
use super::{Hello, JudgeLine, Judged};
use crate::error::Result;

pub(in super::super) type Reply<T> = oneshot::Sender<T>;
pub(in super::super) type Answer = Reply<Result<Done, Refusal>>;

/// What came of the first look at a wish.
pub(in super::super) enum First {
    /// It is done.
    Done(Done),
    /// It is a line that is to be judged.
    Judge(Draft),
}

/// What is asked of the task.
pub(in super::super) enum Ask {
    Act {
        by: By,
        act: Act,
        reply: Reply<Result<First, Refusal>>,
    },
    Hear {
        bridged: Bridged,
        reply: Reply<Result<First, Refusal>>,
    },
    Say {
        line: Draft,
        judged: Judged,
        reply: Answer,
    },
    Come {
        name: String,
        role: Role,
        addr: String,
        reply: Reply<Result<u64, Refusal>>,
    },
    Person {
        viewer: u64,
        reply: Reply<Option<Person>>,
    },
    Click {
        pin: u64,
        viewer: u64,
        reply: Reply<Result<String, Refusal>>,
    },
    Order {
        order: NewOrder,
        reply: Answer,
    },
    LineState {
        item: u64,
        shown: bool,
        reply: Reply<()>,
    },
    Show {
        on: bool,
        title: String,
        reply: Answer,
    },
    Incident {
        text: String,
        over: bool,
        reply: Reply<()>,
    },
    Hello {
        viewer: u64,
        role: Role,
        after: Option<u64>,
        reply: Reply<Hello>,
    },
    Draw {
        draw: u64,
        reply: Reply<Option<DrawProof>>,
    },
    Reload {
        reply: Reply<Result<()>>,
    },
    Stop {
        reply: Reply<()>,
    },
}

impl Draft {
    pub(in super::super) fn to_judge(&self) -> JudgeLine {
        JudgeLine {
            viewer: self.viewer,
            name: self.name.clone(),
            text: self.text.clone(),
            role: self.role,
            origin: self.origin.clone(),
            danmaku: self.danmaku,
        }
    }
}
