//! Filters: which are wanted, and what a new connection has to ask for. Pure.

use std::collections::BTreeSet;

/// The filters of a client.
#[derive(Debug)]
pub struct Subscriptions {
    wanted: BTreeSet<String>,
    /// Not wanted any more, and the broker has not said yet that it forgot them.
    gone: BTreeSet<String>,
    /// The broker's session has all that is wanted.
    whole: bool,
    /// Requests that the broker has not answered.
    open: usize,
}

/// What a new connection asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// To be subscribed.
    pub subscribe: Vec<String>,
    /// To be unsubscribed.
    pub unsubscribe: Vec<String>,
}

impl Subscriptions {
    /// These are wanted; what an earlier process subscribed is not known.
    pub fn new(filters: Vec<String>) -> Self {
        Self {
            wanted: filters.into_iter().collect(),
            gone: BTreeSet::new(),
            whole: false,
            open: 0,
        }
    }

    /// Wants more.
    pub fn add(&mut self, filters: &[String]) {
        for filter in filters {
            self.gone.remove(filter);
            self.wanted.insert(filter.clone());
        }
    }

    /// Wants these no more.
    pub fn remove(&mut self, filters: &[String]) {
        for filter in filters {
            self.wanted.remove(filter);
            self.gone.insert(filter.clone());
        }
    }

    /// A connection is there.
    pub fn at_connection(&mut self, session_present: bool) -> Requests {
        self.open = 0;
        if !session_present {
            self.gone.clear();
            self.whole = false;
        }
        let wanted = self.wanted.iter().filter(|_| !self.whole);
        Requests {
            subscribe: wanted.cloned().collect(),
            unsubscribe: self.gone.iter().cloned().collect(),
        }
    }

    /// A request went out.
    pub fn asked(&mut self) {
        self.open += 1;
    }

    /// The broker answered one; `all` says that it was for all that is wanted.
    pub fn subscribed(&mut self, all: bool) {
        self.open = self.open.saturating_sub(1);
        self.whole |= all;
    }

    /// The broker forgot these.
    pub fn unsubscribed(&mut self, filters: &[String]) {
        self.open = self.open.saturating_sub(1);
        for filter in filters {
            self.gone.remove(filter);
        }
    }

    /// Filters changed without a connection.
    pub fn changed_unheard(&mut self) {
        self.whole = false;
    }

    /// The connection is lost: what was not answered may or may not be in force.
    pub fn lost(&mut self) {
        if std::mem::take(&mut self.open) > 0 {
            self.whole = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn a_session_that_has_them_all_is_not_asked_again() {
        let mut s = Subscriptions::new(filters(&["a", "b"]));
        // A session of an earlier process: its filters are not known.
        assert_eq!(s.at_connection(true).subscribe, filters(&["a", "b"]));
        s.asked();
        s.subscribed(true);
        s.lost();
        assert_eq!(s.at_connection(true), Requests::default());
        s.lost();
        assert_eq!(s.at_connection(false).subscribe, filters(&["a", "b"]));
    }

    #[test]
    fn what_was_not_answered_is_asked_again() {
        let mut s = Subscriptions::new(filters(&["a"]));
        s.at_connection(false);
        s.asked();
        s.subscribed(true);
        s.add(&filters(&["b"]));
        s.asked();
        s.lost();
        assert_eq!(s.at_connection(true).subscribe, filters(&["a", "b"]));
    }

    #[test]
    fn changes_without_a_connection_come_with_the_next() {
        let mut s = Subscriptions::new(filters(&["a", "b"]));
        s.at_connection(false);
        s.asked();
        s.subscribed(true);
        s.lost();
        s.remove(&filters(&["b"]));
        let next = s.at_connection(true);
        assert_eq!(
            (next.subscribe, next.unsubscribe),
            (vec![], filters(&["b"]))
        );
        s.asked();
        s.unsubscribed(&filters(&["b"]));
        s.add(&filters(&["c"]));
        s.changed_unheard();
        assert_eq!(s.at_connection(true).subscribe, filters(&["a", "c"]));
        s.remove(&filters(&["c"]));
        s.add(&filters(&["c"]));
        assert_eq!(s.at_connection(false).unsubscribe, filters(&[]));
    }
}
