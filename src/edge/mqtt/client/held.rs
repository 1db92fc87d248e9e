//! Happenings on their way to a reader who may be slow. Pure.
//!
//! Messages with QoS 1 should need no bound here, as the broker should send no more than [`super::options::RECEIVE_MAX`] that
//! are not acknowledged; but mosquitto 2.0.11 sends that many more at each acknowledgement, so a list of thousands of
//! retained messages comes as fast as the line carries it. Those with QoS 0 may be dropped, and are when the reader is behind.

use std::collections::VecDeque;

use super::{Happening, Received};

/// How much may wait for a reader who is behind, beside a handful in the channel; what goes beyond is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Happenings of any kind: a bound for a reader who is stuck through many connections.
    pub messages: usize,
    /// Messages with QoS 0.
    pub loose: usize,
    /// Bytes of messages with QoS 0.
    pub bytes: usize,
}

impl Room {
    /// For a box, to which little is said.
    pub const BOX: Self = Self {
        messages: 256,
        loose: 64,
        bytes: 512 * 1024,
    };
    /// For one who hears what thousands of boxes keep, all at once.
    pub const FLEET: Self = Self {
        messages: 1 << 20,
        loose: 1 << 16,
        bytes: 64 << 20,
    };
}

impl Default for Room {
    fn default() -> Self {
        Self::BOX
    }
}

/// What the reader has not taken yet.
#[derive(Debug, Default)]
pub struct Held {
    room: Room,
    ready: VecDeque<Happening>,
    /// What came before the subscriptions were acknowledged.
    early: VecDeque<Received>,
    connected: bool,
    loose: usize,
    loose_bytes: usize,
    dropped: u64,
}

fn is_loose(message: &Received) -> bool {
    !message.ack.is_owed()
}

impl Held {
    /// With so much room.
    pub fn with(room: Room) -> Self {
        Self {
            room,
            ..Self::default()
        }
    }

    /// A message came. Says whether it was dropped.
    pub fn received(&mut self, message: Received) -> bool {
        if self.ready.len() + self.early.len() >= self.room.messages {
            self.dropped += 1;
            return true;
        }
        if is_loose(&message) {
            let size = message.payload.len();
            let full = self.loose > 0 && self.loose_bytes + size > self.room.bytes;
            if self.loose >= self.room.loose || full {
                self.dropped += 1;
                return true;
            }
            self.loose += 1;
            self.loose_bytes += size;
        }
        if self.connected {
            self.ready.push_back(Happening::Received(message));
        } else {
            self.early.push_back(message);
        }
        false
    }

    /// Connected and subscribed.
    pub fn connected(&mut self, session_present: bool) {
        self.connected = true;
        self.ready
            .push_back(Happening::Connected { session_present });
        let early = self.early.drain(..).map(Happening::Received);
        self.ready.extend(early);
    }

    /// The connection is lost. What the broker sends again (`again`: it keeps our session) is dropped here.
    pub fn lost(&mut self, reason: String, again: bool) {
        self.early.retain(is_loose);
        if again {
            self.ready
                .retain(|h| !matches!(h, Happening::Received(m) if !is_loose(m)));
        }
        if !std::mem::take(&mut self.connected) {
            return;
        }
        // A reader who sleeps through whole connections need not hear of them.
        if matches!(self.ready.back(), Some(Happening::Connected { .. })) {
            self.ready.pop_back();
            return;
        }
        self.ready.push_back(Happening::Lost { reason });
    }

    /// Whether there is something for the reader.
    pub fn is_waiting(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The next for the reader.
    pub fn next(&mut self) -> Option<Happening> {
        let next = self.ready.pop_front();
        if let Some(Happening::Received(m)) = &next
            && is_loose(m)
        {
            self.loose -= 1;
            self.loose_bytes -= m.payload.len();
        }
        next
    }

    /// How many were dropped since the last call.
    pub fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    /// Nobody reads.
    pub fn clear(&mut self) {
        *self = Self {
            connected: self.connected,
            ..Self::with(self.room)
        };
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::{Ack, Properties};
    use super::*;

    const MOST: usize = Room::BOX.loose;
    const MOST_BYTES: usize = Room::BOX.bytes;

    fn message(topic: &str, size: usize, ack: Ack) -> Received {
        Received {
            topic: topic.into(),
            payload: Bytes::from(vec![0; size]),
            retain: false,
            dup: false,
            properties: Properties::default(),
            ack,
        }
    }

    fn owed() -> Ack {
        Ack::owed_for_tests()
    }

    fn names(held: &mut Held) -> Vec<String> {
        std::iter::from_fn(|| held.next())
            .map(|h| match h {
                Happening::Connected { .. } => "connected".into(),
                Happening::Lost { .. } => "lost".into(),
                Happening::Received(m) => m.topic,
            })
            .collect()
    }

    #[test]
    fn connected_comes_before_what_the_session_kept() {
        let mut held = Held::default();
        held.received(message("kept", 1, owed()));
        assert!(!held.is_waiting());
        held.connected(true);
        held.received(message("new", 1, Ack::none()));
        held.lost("cut".into(), false);
        assert_eq!(names(&mut held), ["connected", "kept", "new", "lost"]);
    }

    #[test]
    fn what_comes_again_is_not_kept_twice() {
        let mut held = Held::default();
        held.connected(false);
        held.received(message("again", 1, owed()));
        held.received(message("once", 1, Ack::none()));
        held.lost("cut".into(), true);
        assert_eq!(names(&mut held), ["connected", "once", "lost"]);
    }

    #[test]
    fn a_flood_without_acknowledgement_is_bounded_in_number_and_bytes() {
        let mut held = Held::default();
        held.connected(false);
        let dropped = (0..100)
            .filter(|_| held.received(message("a", 1, Ack::none())))
            .count();
        assert_eq!((dropped, held.take_dropped()), (100 - MOST, 36));
        assert_eq!(names(&mut held).len(), MOST + 1);
        let big = MOST_BYTES / 4 + 1;
        let dropped = (0..9)
            .filter(|_| held.received(message("b", big, Ack::none())))
            .count();
        assert_eq!(dropped, 6);
        names(&mut held);
        assert!(!held.received(message(
            "larger than the bound, alone",
            2 * MOST_BYTES,
            Ack::none()
        )));
    }

    #[test]
    fn a_listener_to_a_fleet_has_room_for_what_all_its_boxes_keep() {
        let mut held = Held::with(Room::FLEET);
        held.connected(false);
        for _ in 0..40_000 {
            assert!(!held.received(message("kept", 1, owed())));
        }
        assert_eq!(names(&mut held).len(), 40_001);
        let mut of_a_box = Held::default();
        of_a_box.connected(false);
        let most = Room::BOX.messages;
        let dropped = (0..most).filter(|_| of_a_box.received(message("kept", 1, owed())));
        assert_eq!(dropped.count(), 1, "and a box has a bound");
    }

    #[test]
    fn connections_that_nobody_saw_leave_nothing() {
        let mut held = Held::default();
        held.connected(false);
        assert_eq!(names(&mut held), ["connected"]);
        held.lost("cut".into(), true);
        for _ in 0..1000 {
            held.connected(true);
            held.lost("cut".into(), true);
        }
        assert_eq!(names(&mut held), ["lost"]);
    }
}
