//! What happens in the room, for MQTT: what everybody in the room may know. No address, no line that waits, nothing of what
//! the staff do; votes and likes are told together, at most four times a second.

use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use crate::edge::mqtt::room::RoomEvent;
use crate::room::live::event::{Event, Fact, LineState, QuestionState};
use crate::room::live::state::Live;
use crate::room::live::view::{Line, Room};

/// Facts that wait to be sent; what finds no place is left out.
const QUEUE: usize = 512;

/// Takes them; cheap to clone.
#[derive(Debug, Clone)]
pub struct Facts(mpsc::Sender<RoomEvent>);

/// The way of facts, and its end.
#[must_use]
pub fn channel() -> (Facts, mpsc::Receiver<RoomEvent>) {
    let (to, from) = mpsc::channel(QUEUE);
    (Facts(to), from)
}

impl Facts {
    /// An event was saved. Never waits.
    pub fn told(&self, event: &Event, live: &Live) {
        if self.0.is_closed() {
            return;
        }
        let data = public(
            &event.fact,
            |line| live.line(line).cloned(),
            |question| {
                let question = live.question(question)?;
                Some(json!({"name": question.name, "text": question.text, "votes": question.votes}))
            },
        );
        if let Some(data) = data {
            self.put(RoomEvent {
                seq: event.seq,
                at_ms: event.at_ms,
                show: event.show,
                viewer: event.viewer,
                kind: event.fact.kind(),
                data,
            });
        }
    }

    /// How the poll stands.
    pub fn votes(&self, room: &Room) {
        if let Some(poll) = &room.poll {
            let data = json!({"poll": poll.poll, "votes": poll.votes, "counts": poll.counts});
            self.put(sum(room, "voted", data));
        }
    }

    /// How many likes there are.
    pub fn likes(&self, room: &Room) {
        self.put(sum(room, "liked", json!({"likes": room.likes})));
    }

    fn put(&self, event: RoomEvent) {
        // Full: a slow broker, which gets the newest again soon. Closed: there is none.
        let _ = self.0.try_send(event);
    }
}

fn sum(room: &Room, kind: &'static str, data: Value) -> RoomEvent {
    RoomEvent {
        seq: room.seq,
        at_ms: super::wall_ms(),
        show: room.show,
        viewer: 0,
        kind,
        data: object(data),
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// The public parts of a fact; `None`: it is nobody's business, or told otherwise.
fn public(
    fact: &Fact,
    line: impl Fn(u64) -> Option<Line>,
    question: impl Fn(u64) -> Option<Value>,
) -> Option<Map<String, Value>> {
    let leave_out: &[&str] = match fact {
        Fact::Voted { .. }
        | Fact::Liked { .. }
        | Fact::UpVoted { .. }
        | Fact::QuestionsSeen { .. }
        | Fact::Asked { .. }
        | Fact::Moderated { .. }
        | Fact::Joined
        | Fact::Left { .. } => return None,
        Fact::Said { state, .. } if *state != LineState::Shown => return None,
        Fact::LineShown { line: number } => return Some(of_line(&line(*number)?)),
        Fact::QuestionMoved {
            question: number,
            state,
        } => {
            let seen = !matches!(state, QuestionState::Pending | QuestionState::Rejected);
            let mut data = seen
                .then(|| question(*number))
                .flatten()
                .map(object)
                .unwrap_or_default();
            data.insert("question".into(), json!(number));
            data.insert("state".into(), json!(state));
            return Some(data);
        }
        Fact::Said { .. } => &["nonce", "item", "state"],
        Fact::Came { .. } => &["addr"],
        Fact::Ordered { .. } => &["order"],
        Fact::LineHidden { .. } => &["why"],
        _ => &[],
    };
    let mut data = object(serde_json::to_value(fact).ok()?);
    data.remove("kind");
    for name in leave_out {
        data.remove(*name);
    }
    Some(data)
}

fn of_line(line: &Line) -> Map<String, Value> {
    object(json!({
        "line": line.line, "name": line.name, "text": line.text, "role": line.role,
        "origin": line.origin, "danmaku": line.danmaku,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::live::event::{Moderation, Role};

    fn told(fact: &Fact) -> Option<Value> {
        public(fact, |_| None, |_| None).map(Value::Object)
    }

    fn said(state: LineState) -> Fact {
        Fact::Said {
            line: 3,
            name: "Ann".into(),
            text: "secret-text".into(),
            role: Role::Viewer,
            origin: None,
            state,
            danmaku: true,
            item: Some(8),
            nonce: Some("secret-nonce".into()),
        }
    }

    #[test]
    fn what_nobody_may_know_is_not_told() {
        assert_eq!(told(&said(LineState::Held)), None);
        assert_eq!(told(&said(LineState::Hidden)), None);
        let shown = told(&said(LineState::Shown)).unwrap();
        assert_eq!(shown["text"], "secret-text");
        assert!(!shown.to_string().contains("nonce") && shown.get("item").is_none());
        let came = Fact::Came {
            name: "Ann".into(),
            role: Role::Viewer,
            addr: "secret".into(),
        };
        assert_eq!(
            told(&came).unwrap(),
            json!({"name": "Ann", "role": "viewer"})
        );
        let asked = Fact::Asked {
            question: 1,
            name: "A".into(),
            text: "?".into(),
            origin: None,
        };
        assert_eq!(told(&asked), None);
        let words = Moderation::Words {
            words: vec!["bad".into()],
        };
        let moderated = Fact::Moderated {
            act: 1,
            by: "owner".into(),
            what: words,
            undoes: None,
        };
        assert_eq!(told(&moderated), None);
        let rejected = Fact::QuestionMoved {
            question: 4,
            state: QuestionState::Rejected,
        };
        let told_of = public(&rejected, |_| None, |_| Some(json!({"text": "secret"}))).unwrap();
        assert!(!told_of.contains_key("text"), "{told_of:?}");
    }

    #[test]
    fn what_everybody_sees_is_told_whole() {
        let moved = Fact::QuestionMoved {
            question: 4,
            state: QuestionState::Live,
        };
        let data = public(&moved, |_| None, |_| Some(json!({"text": "Why?"}))).unwrap();
        assert_eq!(
            Value::Object(data),
            json!({"question": 4, "state": "live", "text": "Why?"})
        );
        let pinned = Fact::Pinned { pin: 2, product: 7 };
        assert_eq!(told(&pinned), Some(json!({"pin": 2, "product": 7})));
    }

    #[tokio::test]
    async fn facts_that_nobody_takes_are_left_out() {
        let (facts, taken) = channel();
        drop(taken);
        facts.put(RoomEvent {
            seq: 1,
            at_ms: 0,
            show: 0,
            viewer: 0,
            kind: "liked",
            data: Map::new(),
        });
    }
}
