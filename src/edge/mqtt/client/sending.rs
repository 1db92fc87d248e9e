//! What is to be published, in order: what waits, and what flies. Pure.
//!
//! ```text
//!   add ──> waiting ──launch──> flying ──finish──> answered
//!              ^                   │
//!              └────session_lost───┘   a broker that forgot us forgot these, too
//! ```

use std::collections::BTreeMap;

/// One flight of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    number: u64,
    session: u64,
}

/// Messages by the order in which they were given.
#[derive(Debug)]
pub struct Sending<T> {
    next: u64,
    session: u64,
    waiting: BTreeMap<u64, T>,
    flying: BTreeMap<u64, T>,
}

impl<T> Default for Sending<T> {
    fn default() -> Self {
        Self {
            next: 0,
            session: 0,
            waiting: BTreeMap::new(),
            flying: BTreeMap::new(),
        }
    }
}

impl<T> Sending<T> {
    /// Takes one more.
    pub fn add(&mut self, what: T) {
        self.waiting.insert(self.next, what);
        self.next += 1;
    }

    /// The first that waits, unless `most` fly already.
    pub fn first(&self, most: usize) -> Option<&T> {
        (self.flying.len() < most)
            .then(|| self.waiting.values().next())
            .flatten()
    }

    /// The first that waits flies from now on.
    pub fn launch(&mut self) -> Option<Ticket> {
        let (number, what) = self.waiting.pop_first()?;
        self.flying.insert(number, what);
        Some(Ticket {
            number,
            session: self.session,
        })
    }

    /// Takes the first that waits out again.
    pub fn drop_first(&mut self) -> Option<T> {
        self.waiting.pop_first().map(|(_, what)| what)
    }

    /// A flight ended; `None` if it was of an earlier session, and its message is sent again.
    pub fn finish(&mut self, ticket: Ticket) -> Option<T> {
        (ticket.session == self.session)
            .then(|| self.flying.remove(&ticket.number))
            .flatten()
    }

    /// A flight came to nothing: its message waits again, in its place.
    pub fn put_back(&mut self, ticket: Ticket) {
        if let Some(what) = self.finish(ticket) {
            self.waiting.insert(ticket.number, what);
        }
    }

    /// The broker forgot what flew: all of it waits again, in its place.
    pub fn session_lost(&mut self) {
        self.session += 1;
        self.waiting.append(&mut self.flying);
    }

    /// Takes out what flies.
    pub fn take_flying(&mut self) -> Vec<T> {
        std::mem::take(&mut self.flying).into_values().collect()
    }

    /// Takes out what `is_so` says.
    pub fn take(&mut self, mut is_so: impl FnMut(&T) -> bool) -> Vec<T> {
        let mut out = Vec::new();
        for map in [&mut self.flying, &mut self.waiting] {
            let numbers: Vec<u64> = map
                .iter()
                .filter(|(_, w)| is_so(w))
                .map(|(n, _)| *n)
                .collect();
            out.extend(numbers.iter().filter_map(|n| map.remove(n)));
        }
        out
    }

    /// Whether anything waits or flies.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.flying.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_lost_session_sends_in_the_old_order_and_old_answers_count_no_more() {
        let mut s = Sending::default();
        (0..4).for_each(|n| s.add(n));
        let tickets: Vec<Ticket> = (0..3).filter_map(|_| s.launch()).collect();
        assert_eq!(s.finish(tickets[1]), Some(1));
        s.session_lost();
        assert_eq!(s.finish(tickets[0]), None);
        s.put_back(tickets[2]);
        let again: Vec<i32> = std::iter::from_fn(|| s.drop_first()).collect();
        assert_eq!(again, [0, 2, 3]);
        assert!(s.is_empty());
    }

    #[test]
    fn no_more_fly_than_may() {
        let mut s = Sending::default();
        (0..3).for_each(|n| s.add(n));
        s.launch();
        assert_eq!(s.first(2), Some(&1));
        let second = s.launch().unwrap();
        assert_eq!(s.first(2), None);
        s.put_back(second);
        assert_eq!(s.first(2), Some(&1));
        assert_eq!(s.take(|n| *n != 1), [0, 2]);
        s.launch();
        assert_eq!(s.take_flying(), [1]);
        assert!(s.is_empty());
    }

    #[derive(Debug, Clone)]
    enum Step {
        Add,
        Launch,
        Finish(usize),
        PutBack(usize),
        Lost,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Add),
            Just(Step::Launch),
            (0usize..8).prop_map(Step::Finish),
            (0usize..8).prop_map(Step::PutBack),
            Just(Step::Lost),
        ]
    }

    proptest! {
        #[test]
        fn each_is_answered_once_and_none_is_lost(steps in proptest::collection::vec(step(), 0..120)) {
            let mut s = Sending::default();
            let (mut given, mut tickets, mut answered) = (0u32, Vec::new(), Vec::new());
            for step in steps {
                match step {
                    Step::Add => { s.add(given); given += 1; }
                    Step::Launch => tickets.extend(s.launch()),
                    Step::Finish(n) if n < tickets.len() => answered.extend(s.finish(tickets.swap_remove(n))),
                    Step::PutBack(n) if n < tickets.len() => s.put_back(tickets.swap_remove(n)),
                    Step::Lost => s.session_lost(),
                    _ => {}
                }
            }
            s.session_lost();
            let left: Vec<u32> = std::iter::from_fn(|| s.drop_first()).collect();
            prop_assert!(left.is_sorted());
            answered.extend(left);
            answered.sort_unstable();
            prop_assert_eq!(answered, (0..given).collect::<Vec<_>>());
        }
    }
}
