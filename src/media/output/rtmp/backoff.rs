//! When to try again. Pure: time and chance are passed in.
//!
//! A server that was good before and is now away is probed often and cheaply, for a while; one that never worked is
//! backed off from exponentially; one that refuses the key is tried at most once per 30 s.

use std::time::Duration;

/// A session that lived this long forgets earlier failures.
const STABLE: Duration = Duration::from_secs(60);
/// Upper bound of the exponential waits.
const MAX_WAIT: f64 = 30.0;
/// At most one try per this once the key was refused.
const REJECTED_WAIT: Duration = Duration::from_secs(30);
/// How long a known-good server is probed before the exponential policy takes over.
const PROBE_FOR: Duration = Duration::from_secs(300);
/// The same for one that is reached but breaks off: a proxy or a port map in front of a server that starts.
const BROKEN_FOR: Duration = Duration::from_secs(60);
/// Longest wait after a session that had worked for a while.
const LOST_WAIT: f64 = 1.0;
/// How long `BadName` is held for an old session that the server has not yet noticed to be dead.
const BAD_NAME_FOR: Duration = Duration::from_secs(30);
/// A session that the server closes sooner than this counts as "closed right after publish".
const SHORT: Duration = Duration::from_secs(3);
/// Time for name resolution and TCP connect.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// The same for most probes: a lost SYN is repeated by the kernel only after 1 s, a new try comes sooner.
const PROBE_LIMIT: Duration = Duration::from_millis(800);

/// How a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No TCP connection.
    Unreachable,
    /// Broken off or timed out after that, before `publish` was sent.
    Broken,
    /// The server closed the connection in answer to `publish`.
    ClosedAtPublish,
    /// The server takes this stream name for used.
    BadName,
    /// The server refused.
    Refused,
    /// The session was accepted, and ended.
    Lost,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// How long to wait.
    pub wait: Duration,
    /// Whether the key counts as refused.
    pub rejected: bool,
    /// Whether the next try is a cheap probe of a server that was good before.
    pub probing: bool,
    /// Time for name resolution and TCP connect of the next try.
    pub connect_limit: Duration,
}

/// The memory of one destination.
#[derive(Debug, Default)]
pub struct Backoff {
    /// Tries in a row that failed other than by not reaching a known-good server.
    failures: u32,
    /// The server accepted us before and has not refused since.
    known_good: bool,
    rejected: bool,
    accepted_at: Option<Duration>,
    /// When the last session ended, until the next is accepted.
    outage_since: Option<Duration>,
    bad_name_since: Option<Duration>,
    /// Times in a row that the server closed right after `publish`.
    closed: u32,
    probes: u32,
}

impl Backoff {
    /// The server accepted `publish` at `now`.
    pub fn accepted(&mut self, now: Duration) {
        self.known_good = true;
        self.rejected = false;
        self.accepted_at = Some(now);
        self.outage_since = None;
        self.bad_name_since = None;
        self.probes = 0;
    }

    /// A try, or a session, ended at `now`. `random` is uniform in [0, 1).
    pub fn failed(&mut self, now: Duration, failure: Failure, random: f64) -> Next {
        let random = random.clamp(0.0, 1.0);
        let lived = self.accepted_at.take().map(|at| now.saturating_sub(at));
        match failure {
            Failure::Unreachable => return self.unreachable(now, random),
            Failure::Lost => {
                let lived = lived.unwrap_or_default();
                if lived >= STABLE {
                    self.failures = 0;
                }
                self.closed = if lived < SHORT { self.closed + 1 } else { 0 };
            }
            Failure::ClosedAtPublish => self.closed += 1,
            Failure::BadName if self.known_good => {
                let since = *self.bad_name_since.get_or_insert(now);
                if now.saturating_sub(since) <= BAD_NAME_FOR {
                    return Next {
                        wait: Duration::from_secs_f64(0.5 + 0.5 * random),
                        rejected: false,
                        probing: false,
                        connect_limit: CONNECT_LIMIT,
                    };
                }
            }
            Failure::BadName | Failure::Refused | Failure::Broken => {}
        }
        // One close can be a restart; two, or three from a server that was good, are an answer.
        let closed_limit = if self.known_good { 3 } else { 2 };
        let refused = matches!(failure, Failure::BadName | Failure::Refused);
        if refused || self.closed >= closed_limit || self.rejected {
            return self.reject(random);
        }
        match failure {
            Failure::Lost => {
                self.outage_since = Some(now);
                let limit = if self.closed > 0 { MAX_WAIT } else { LOST_WAIT };
                self.exponential(random, limit)
            }
            Failure::Broken if self.outage_within(now, BROKEN_FOR) => Next {
                wait: Duration::from_secs_f64(0.4 + 0.4 * random),
                rejected: false,
                probing: true,
                connect_limit: CONNECT_LIMIT,
            },
            _ => self.exponential(random, MAX_WAIT),
        }
    }

    /// Whether a server that was good has been away no longer than `limit`.
    fn outage_within(&self, now: Duration, limit: Duration) -> bool {
        self.known_good
            && self
                .outage_since
                .is_some_and(|since| now.saturating_sub(since) <= limit)
    }

    fn unreachable(&mut self, now: Duration, random: f64) -> Next {
        if !self.outage_within(now, PROBE_FOR) {
            return self.exponential(random, MAX_WAIT);
        }
        self.probes = self.probes.wrapping_add(1);
        Next {
            wait: Duration::from_secs_f64(0.25 + 0.15 * random),
            rejected: false,
            probing: true,
            // Now and then a full wait, for links with a round trip longer than a probe.
            connect_limit: if self.probes.is_multiple_of(4) {
                CONNECT_LIMIT
            } else {
                PROBE_LIMIT
            },
        }
    }

    fn reject(&mut self, random: f64) -> Next {
        self.rejected = true;
        self.known_good = false;
        self.failures = self.failures.saturating_add(1);
        Next {
            wait: REJECTED_WAIT + Duration::from_secs_f64(3.0 * random),
            rejected: true,
            probing: false,
            connect_limit: CONNECT_LIMIT,
        }
    }

    /// First retry at once, then U(0, min(30 s, 0.5 s · 2ⁿ)).
    fn exponential(&mut self, random: f64, limit: f64) -> Next {
        let n = self.failures;
        self.failures = n.saturating_add(1);
        let seconds = if n == 0 {
            0.0
        } else {
            random * (0.5 * 2f64.powi(i32::try_from(n.min(10)).unwrap_or(10))).min(limit)
        };
        Next {
            wait: Duration::from_secs_f64(seconds),
            rejected: false,
            probing: false,
            connect_limit: CONNECT_LIMIT,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn s(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn an_unknown_server_is_retried_at_once_and_then_ever_more_rarely() {
        let mut b = Backoff::default();
        let waits: Vec<f64> = (0..9)
            .map(|i| {
                b.failed(s(f64::from(i)), Failure::Unreachable, 1.0)
                    .wait
                    .as_secs_f64()
            })
            .collect();
        assert_eq!(waits, [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]);
        assert_eq!(b.failed(s(99.0), Failure::Unreachable, 0.0).wait, s(0.0));
    }

    #[test]
    fn a_minute_of_stream_forgets_failures_and_less_does_not() {
        for (lived, want) in [(2.0, 2.0), (59.0, 1.0), (60.0, 0.0)] {
            let mut b = Backoff::default();
            b.failed(s(0.0), Failure::Broken, 1.0);
            b.failed(s(1.0), Failure::Broken, 1.0);
            b.accepted(s(2.0));
            let next = b.failed(s(2.0 + lived), Failure::Lost, 1.0);
            assert_eq!(next.wait, s(want), "after {lived} s");
        }
    }

    #[test]
    fn a_known_good_server_is_probed_often_for_five_minutes() {
        let mut b = Backoff::default();
        b.accepted(s(0.0));
        assert_eq!(b.failed(s(10.0), Failure::Lost, 1.0).wait, s(0.0));
        let (mut now, mut full) = (10.0, 0);
        while now <= 310.0 {
            let next = b.failed(s(now), Failure::Unreachable, 0.99);
            assert!(next.probing && next.wait >= s(0.25) && next.wait <= s(0.4));
            full += u32::from(next.connect_limit == CONNECT_LIMIT);
            now += next.wait.as_secs_f64();
        }
        assert!(full > 100);
        assert!(!b.failed(s(310.1), Failure::Unreachable, 1.0).probing);
    }

    #[test]
    fn a_port_that_answers_for_a_server_that_starts_is_tried_often_for_a_minute() {
        let mut b = Backoff::default();
        b.accepted(s(0.0));
        b.failed(s(10.0), Failure::Lost, 0.5);
        assert!(b.failed(s(70.0), Failure::Broken, 1.0).wait <= s(0.8));
        assert!(b.failed(s(71.0), Failure::Broken, 1.0).wait >= s(1.0));
    }

    #[test]
    fn bad_name_after_a_cut_is_retried_for_30_s_and_then_counts() {
        let mut b = Backoff::default();
        b.accepted(s(0.0));
        b.failed(s(5.0), Failure::Lost, 0.5);
        let mut now = 20.0;
        while now <= 50.0 {
            let next = b.failed(s(now), Failure::BadName, 0.5);
            assert!(!next.rejected && next.wait <= s(1.0), "at {now}");
            now += next.wait.as_secs_f64();
        }
        assert!(b.failed(s(50.1), Failure::BadName, 0.5).rejected);
        assert!(
            Backoff::default()
                .failed(s(0.0), Failure::BadName, 0.5)
                .rejected
        );
    }

    #[test]
    fn closing_at_publish_counts_when_repeated() {
        let mut b = Backoff::default();
        assert!(!b.failed(s(0.0), Failure::ClosedAtPublish, 0.5).rejected);
        assert!(b.failed(s(0.1), Failure::ClosedAtPublish, 0.5).rejected);

        let mut good = Backoff::default();
        let rejected: Vec<bool> = (0..3)
            .map(|i| {
                good.accepted(s(f64::from(i)));
                good.failed(s(f64::from(i) + 0.5), Failure::Lost, 0.5)
                    .rejected
            })
            .collect();
        assert_eq!(rejected, [false, false, true]);
    }

    fn failure() -> impl Strategy<Value = Option<Failure>> {
        prop_oneof![
            Just(None),
            Just(Some(Failure::Unreachable)),
            Just(Some(Failure::Broken)),
            Just(Some(Failure::ClosedAtPublish)),
            Just(Some(Failure::BadName)),
            Just(Some(Failure::Refused)),
            Just(Some(Failure::Lost)),
        ]
    }

    proptest! {
        #[test]
        fn once_refused_never_more_than_one_try_per_30_s(
            steps in proptest::collection::vec((failure(), 0.0f64..1.0, 0.0f64..20.0), 1..80),
        ) {
            let (mut b, mut now, mut rejected) = (Backoff::default(), 0.0, false);
            for (step, random, pause) in steps {
                now += pause;
                let Some(failure) = step else {
                    b.accepted(s(now));
                    rejected = false;
                    continue;
                };
                let next = b.failed(s(now), failure, random);
                prop_assert!(next.wait <= s(33.0));
                // Not reaching the server is no try of the key.
                if rejected && failure != Failure::Unreachable {
                    prop_assert!(next.rejected);
                }
                prop_assert!(!next.rejected || next.wait >= s(30.0));
                rejected |= next.rejected;
                now += next.wait.as_secs_f64();
            }
        }
    }
}
