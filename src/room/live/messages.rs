//! Messages to browsers: what follows from an event at once, and what is gathered. docs/room-protocol.md describes them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::event::{Event, Fact, LineState, Moderation, QuestionState};
use super::state::Live;
use super::view::{Line, Out, To};

/// What changed since it was sent last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Dirty {
    pub count: bool,
    pub poll: bool,
    pub questions: bool,
    pub products: bool,
    pub draws: bool,
    pub staff: bool,
}

impl Dirty {
    pub(super) fn all() -> Self {
        Self {
            count: true,
            poll: true,
            questions: true,
            products: true,
            draws: true,
            staff: true,
        }
    }

    pub(super) fn any(self) -> bool {
        self != Self::default()
    }
}

/// What was sent last, so that what is the same is not sent again.
#[derive(Debug, Default)]
pub(super) struct Sent {
    count: (u64, u64),
    questions: Vec<(u64, QuestionState, u32)>,
}

/// A message.
fn out(to: To, seq: u64, message: &Value) -> Out {
    Out {
        to,
        seq,
        json: Arc::from(message.to_string()),
    }
}

fn line(t: &str, line: &Line) -> Value {
    json!({"t": t, "line": line})
}

fn you(live: &Live, viewer: u64, seq: u64) -> Option<Out> {
    let person = live.person(viewer)?;
    let you = live.you(viewer, person.role);
    Some(out(
        To::Viewer(viewer),
        seq,
        &json!({"t": "you", "you": you}),
    ))
}

fn switches(live: &Live, seq: u64) -> Out {
    let message = json!({"t": "room", "danmaku": live.desk.danmaku, "slow_s": live.desk.slow_s,
        "panic": live.desk.panic, "show": live.show, "title": live.title});
    out(To::All, seq, &message)
}

/// To its author and to the staff.
fn held(of: &Line, seq: u64) -> Vec<Out> {
    let for_staff = Line {
        nonce: None,
        ..of.clone()
    };
    let mut messages = vec![out(To::Staff, seq, &line("held", &for_staff))];
    if of.viewer != 0 {
        messages.push(out(To::Viewer(of.viewer), seq, &line("held", of)));
    }
    messages
}

/// What is sent at once about an event that was saved, and what is to be sent soon.
pub(super) fn at_once(event: &Event, live: &Live, dirty: &mut Dirty) -> Vec<Out> {
    let seq = event.seq;
    match &event.fact {
        Fact::Said { line: number, .. } => match live.line(*number) {
            Some(said) if said.state == LineState::Shown => {
                vec![out(To::All, seq, &line("line", said))]
            }
            Some(said) if said.state == LineState::Held => {
                dirty.staff = true;
                held(said, seq)
            }
            _ => Vec::new(),
        },
        Fact::LineShown { line: number } => {
            dirty.staff = true;
            let shown = live.line(*number).filter(|of| of.state == LineState::Shown);
            shown
                .map(|of| out(To::All, seq, &line("line", of)))
                .into_iter()
                .collect()
        }
        Fact::LineHidden { line, .. } => {
            dirty.staff = true;
            vec![out(To::All, seq, &json!({"t": "line-gone", "line": line}))]
        }
        Fact::Gave {
            gift,
            name,
            combo,
            count,
            origin,
            ..
        } => {
            let message = json!({"t": "gift", "viewer": event.viewer, "name": name, "gift": gift,
                "combo": combo, "count": count, "origin": origin});
            vec![out(To::All, seq, &message)]
        }
        Fact::Announced { text } => vec![out(
            To::All,
            seq,
            &json!({"t": "announcement", "text": text}),
        )],
        Fact::ShowBegun { .. } | Fact::ShowEnded => {
            dirty.count = true;
            vec![switches(live, seq)]
        }
        Fact::Renamed { .. } => {
            dirty.staff = true;
            you(live, event.viewer, seq).into_iter().collect()
        }
        Fact::Moderated { what, undoes, .. } => {
            dirty.staff = true;
            moderated(what, *undoes, live, seq)
        }
        fact => {
            soon(fact, dirty);
            Vec::new()
        }
    }
}

fn moderated(what: &Moderation, undoes: Option<u64>, live: &Live, seq: u64) -> Vec<Out> {
    match what {
        Moderation::TimeOut { viewer, .. } | Moderation::Ban { viewer, .. } => {
            you(live, *viewer, seq).into_iter().collect()
        }
        Moderation::Slow { .. } | Moderation::Danmaku { .. } | Moderation::Panic { .. } => {
            vec![switches(live, seq)]
        }
        Moderation::Approve { line } if undoes.is_some() => {
            let waits = live.line(*line).filter(|of| of.state == LineState::Held);
            waits.map(|of| held(of, seq)).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

fn soon(fact: &Fact, dirty: &mut Dirty) {
    match fact {
        Fact::Joined | Fact::Left { .. } => (dirty.count, dirty.staff) = (true, true),
        Fact::Liked { .. } => dirty.count = true,
        Fact::PollOpened { .. }
        | Fact::Voted { .. }
        | Fact::PollClosed { .. }
        | Fact::PollGone { .. } => {
            dirty.poll = true;
        }
        Fact::Asked { .. } => dirty.staff = true,
        Fact::QuestionMoved { .. } => (dirty.questions, dirty.staff) = (true, true),
        Fact::UpVoted { .. } | Fact::QuestionsSeen { .. } => dirty.questions = true,
        Fact::ProductSet { .. }
        | Fact::ProductRemoved { .. }
        | Fact::Pinned { .. }
        | Fact::Unpinned { .. }
        | Fact::Ordered { .. } => dirty.products = true,
        Fact::DrawOpened { .. }
        | Fact::DrawEntered { .. }
        | Fact::DrawClosed { .. }
        | Fact::DrawDone { .. } => dirty.draws = true,
        _ => {}
    }
}

/// What was gathered for all; the staff's part stays.
pub(super) fn gathered(live: &Live, dirty: &mut Dirty, sent: &mut Sent) -> Vec<Out> {
    let mut messages = Vec::new();
    let count = (live.people.here, live.gifts.likes);
    if dirty.count && sent.count != count {
        sent.count = count;
        messages.push(json!({"t": "count", "viewers": count.0, "likes": count.1}));
    }
    if dirty.poll {
        messages.push(json!({"t": "poll", "poll": live.polls.view()}));
    }
    if dirty.questions {
        // Those who see a question are many: that alone is no news.
        let questions = live.questions.public();
        let now: Vec<_> = questions
            .iter()
            .map(|q| (q.question, q.state, q.votes))
            .collect();
        if now != sent.questions {
            sent.questions = now;
            messages.push(json!({"t": "questions", "questions": questions}));
        }
    }
    if dirty.products {
        messages.push(json!({"t": "products", "products": live.shop.view()}));
    }
    if dirty.draws {
        messages.push(json!({"t": "draws", "draws": live.draws.view()}));
    }
    *dirty = Dirty {
        staff: dirty.staff,
        ..Dirty::default()
    };
    messages
        .iter()
        .map(|message| out(To::All, 0, message))
        .collect()
}

/// What the staff see.
pub(super) fn staff(live: &Live) -> Out {
    out(To::Staff, 0, &json!({"t": "staff", "staff": live.staff()}))
}
