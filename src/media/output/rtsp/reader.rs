//! One reader in PLAY: takes packets from the mount's fan-out and puts them onto the library's transports.
//!
//! Nothing here waits. Over TCP at most one access unit is under way beyond the socket's buffer: the library writes what
//! fits, queues the rest, and tells when it is through; until then the packets stay in this reader's own queue, which
//! refuses GOP-wise. Over UDP bursts (the cached GOP, a large keyframe) are paced.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant, SystemTime};

use gstreamer_rtsp_server as rtsp;
use rtsp::prelude::*;

use super::leg::Leg;
use super::mount::Clocking;
use super::payload::{RTP_HEADER, RtpUnit};
use super::rtcp;
use crate::media::access_unit::Track;
use crate::media::fanout::{Consumer, Next};

/// Datagrams per [`UDP_TICK`] to one reader: about 90 Mbit/s, and within a receive buffer of 208 KiB.
const UDP_BURST: usize = 32;
/// How long a paced reader waits for its next burst.
pub(super) const UDP_TICK: Duration = Duration::from_millis(4);
/// A reader that could not be written to for this long goes on with the newest keyframe.
const STALE: Duration = Duration::from_millis(500);
/// Second sender report: once a burst of old packets is through.
const EARLY_REPORT: Duration = Duration::from_millis(1500);
/// Time between sender reports (RFC 3550, 6.2: at least 5 s).
const REPORT_EVERY: Duration = Duration::from_secs(5);

/// One reader in PLAY.
pub(super) struct Reader {
    pub session_id: String,
    pub client: rtsp::RTSPClient,
    /// The transports point to it without owning it.
    _session: rtsp::RTSPSession,
    tcp: bool,
    /// A write is under way; cleared by the library when it is through.
    in_flight: AtomicBool,
    dead: AtomicBool,
    state: Mutex<State>,
}

struct State {
    consumer: Consumer<RtpUnit>,
    /// Taken for the `RTP-Info` of the PLAY answer, not sent yet.
    early: VecDeque<RtpUnit>,
    /// Not wholly sent: the unit and the first packet that is left.
    pending: Option<(RtpUnit, usize)>,
    legs: Vec<Leg>,
    blocked: Option<Instant>,
    next_burst: Option<Instant>,
    reports: u32,
    next_report: Option<Instant>,
    last_keyframe: u64,
}

/// What the mount lends for a round.
pub(super) struct Round<'a> {
    pub clocking: &'a Clocking,
    /// Subscribes anew, at the cached GOP.
    pub resubscribe: &'a dyn Fn() -> Consumer<RtpUnit>,
}

impl Reader {
    pub(super) fn new(
        session: &rtsp::RTSPSession,
        client: &rtsp::RTSPClient,
        legs: Vec<Leg>,
        mut consumer: Consumer<RtpUnit>,
    ) -> Arc<Self> {
        let mut early = VecDeque::new();
        let mut missing: Vec<Track> = legs.iter().map(|l| l.track).collect();
        while !missing.is_empty() {
            let Next::Unit(unit) = consumer.try_next() else {
                break;
            };
            missing.retain(|t| *t != unit.track);
            early.push_back(unit);
        }
        Arc::new(Self {
            session_id: session.sessionid().map(String::from).unwrap_or_default(),
            client: client.clone(),
            _session: session.clone(),
            tcp: legs.iter().any(Leg::is_tcp),
            in_flight: AtomicBool::new(false),
            dead: AtomicBool::new(false),
            state: Mutex::new(State {
                consumer,
                early,
                pending: None,
                legs,
                blocked: None,
                next_burst: None,
                reports: 0,
                next_report: None,
                last_keyframe: 0,
            }),
        })
    }

    /// First unit of `track` that will be sent, if it is there already.
    pub(super) fn first(&self, track: Track) -> Option<RtpUnit> {
        self.lock().early.iter().find(|u| u.track == track).cloned()
    }

    /// Hears from the library when a write is through. `again` is called then, from the library's thread.
    pub(super) fn listen(
        self: &Arc<Self>,
        again: impl Fn(&Arc<Self>) + Clone + Send + Sync + 'static,
    ) {
        for leg in &self.lock().legs {
            let (weak, again) = (Arc::downgrade(self), again.clone());
            leg.transport.set_message_sent(move || {
                if let Some(reader) = weak.upgrade() {
                    reader.in_flight.store(false, Ordering::Release);
                    again(&reader);
                }
            });
        }
    }

    /// Ends it; when this returns, nothing is sent any more.
    pub(super) fn kill(&self) {
        self.dead.store(true, Ordering::Release);
        drop(self.lock());
    }

    pub(super) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Acquire)
    }

    /// Whether the library still serves its transports.
    pub(super) fn is_active(&self) -> bool {
        self.lock().legs.iter().any(|leg| {
            leg.transport.stream().is_some_and(|stream| {
                stream
                    .transport_filter(None)
                    .iter()
                    .any(|t| t == &leg.transport)
            })
        })
    }

    /// Says goodbye over UDP, where closing the connection says nothing.
    pub(super) fn goodbye(&self, clocking: &Clocking) {
        if self.tcp {
            return;
        }
        let state = self.lock();
        for leg in &state.legs {
            let report = clocking.report(leg);
            leg.send_rtcp(rtcp::goodbye(&report, &clocking.cname));
        }
    }

    /// Sends what can be sent now. Gives when to come again, if this reader is paced.
    pub(super) fn drain(&self, round: &Round<'_>) -> Option<Instant> {
        let mut state = self.lock();
        self.work(&mut state, round)
    }

    /// As [`Reader::drain`], for the library's thread: does nothing while somebody else drains (perhaps this thread).
    pub(super) fn try_drain(&self, round: &Round<'_>) {
        match self.state.try_lock() {
            Ok(mut state) => {
                self.work(&mut state, round);
            }
            Err(TryLockError::Poisoned(e)) => {
                self.work(&mut e.into_inner(), round);
            }
            Err(TryLockError::WouldBlock) => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, state: &mut State, round: &Round<'_>) -> Option<Instant> {
        let now = Instant::now();
        if state.next_burst.is_some_and(|at| at > now) {
            return state.next_burst;
        }
        state.next_burst = None;
        self.report(state, round.clocking, now);
        let mut budget = UDP_BURST;
        while !self.is_dead() {
            if self.tcp && self.in_flight.load(Ordering::Acquire) {
                state.blocked.get_or_insert(now);
                return None;
            }
            if state
                .blocked
                .take()
                .is_some_and(|since| now.duration_since(since) > STALE)
            {
                skip_ahead(state, round);
            }
            let (unit, from) = next(state)?;
            let Some(leg) = state.legs.iter_mut().find(|l| l.track == unit.track) else {
                continue;
            };
            if leg.is_tcp() {
                self.in_flight.store(true, Ordering::Release);
                if !leg.send_list(&unit.list) {
                    state.pending = Some((unit, 0));
                    return None;
                }
                count(leg, &unit, unit.packets.len());
            } else {
                let until = unit.packets.len().min(from + budget);
                let sent = leg.send_datagrams(&unit.packets[from..until]);
                count(leg, &unit, sent);
                budget -= sent.min(budget);
                if from + sent < unit.packets.len() {
                    state.pending = Some((unit, from + sent));
                    state.next_burst = Some(now + UDP_TICK);
                    return state.next_burst;
                }
            }
        }
        None
    }

    /// Sender reports for all tracks at once, before the first packet and then every few seconds.
    fn report(&self, state: &mut State, clocking: &Clocking, now: Instant) {
        let busy = self.tcp && self.in_flight.load(Ordering::Acquire);
        if busy || self.is_dead() || state.next_report.is_some_and(|at| at > now) {
            return;
        }
        for leg in &state.legs {
            let packet = rtcp::sender_report(&clocking.report(leg), &clocking.cname);
            leg.send_rtcp(packet);
        }
        let pause = if state.reports == 0 {
            EARLY_REPORT
        } else {
            REPORT_EVERY
        };
        state.reports = state.reports.saturating_add(1);
        state.next_report = Some(now + pause);
    }
}

fn count(leg: &mut Leg, unit: &RtpUnit, packets: usize) {
    let octets = (unit.size / unit.packets.len().max(1)).saturating_sub(RTP_HEADER) * packets;
    // Counters wrap by design (RFC 3550, 6.4.1).
    leg.packets = leg
        .packets
        .wrapping_add(u32::try_from(packets).unwrap_or(0));
    leg.octets = leg.octets.wrapping_add(u32::try_from(octets).unwrap_or(0));
}

fn next(state: &mut State) -> Option<(RtpUnit, usize)> {
    if let Some(pending) = state.pending.take() {
        return Some(pending);
    }
    let unit = match state.early.pop_front() {
        Some(unit) => unit,
        None => match state.consumer.try_next() {
            Next::Unit(unit) => unit,
            Next::TimedOut | Next::Closed => return None,
        },
    };
    if unit.track == Track::Video && unit.keyframe {
        state.last_keyframe = unit.dts;
    }
    Some((unit, 0))
}

/// After a long stop: if there is a newer keyframe than the one that was sent last, everything before it is of no use.
fn skip_ahead(state: &mut State, round: &Round<'_>) {
    let mut fresh = (round.resubscribe)();
    if let Next::Unit(unit) = fresh.try_next()
        && unit.track == Track::Video
        && unit.dts > state.last_keyframe
    {
        state.consumer = fresh;
        state.pending = None;
        state.early = VecDeque::from([unit]);
    }
}

impl Clocking {
    /// Maps the wall clock of now to the track's RTP clock of now.
    pub(super) fn report(&self, leg: &Leg) -> rtcp::Report {
        let (ssrc, timestamp) = self.now(leg.track);
        leg.report(ssrc, rtcp::ntp(SystemTime::now()), timestamp)
    }
}
