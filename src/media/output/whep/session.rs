//! One viewer: its WebRTC session and what it takes from the fan-outs.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use str0m::media::{Frequency, MediaTime, Mid, Pt};
use str0m::net::Transmit;
use str0m::{Event, IceConnectionState, Input, Output, Rtc, RtcError};

use super::offer::{Agreed, picture_type};
use crate::media::access_unit::{AccessUnit, Format, Track};
use crate::media::fanout::{Consumer, ConsumerOptions, Fanout, Start};
use crate::media::opus::{Listener, OpusFeed};

/// Longest way from the answer to a connection.
const CONNECT: Duration = Duration::from_secs(15);
/// Span of a cached GOP that a viewer is started with, and of what may wait for it: more would be late.
const MAX_SPAN: Duration = Duration::from_millis(500);
const MAX_BYTES: usize = 8 << 20;
/// Where no keyframe comes in this time (a camera of which none can be asked for), the viewer begins with the whole cached GOP.
const KEYFRAME: Duration = Duration::from_millis(300);
const LONG_SPAN: Duration = Duration::from_secs(12);
const LONG_BYTES: usize = 16 << 20;
/// Units taken in one go, so that the others get their turn.
const TURN: usize = 32;

/// A place among the viewers; free again when dropped.
pub(super) struct Seat(Arc<AtomicUsize>);

impl Seat {
    pub(super) fn take(taken: &Arc<AtomicUsize>, max: usize) -> Option<Self> {
        taken
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| {
                (n < max).then_some(n + 1)
            })
            .ok()
            .map(|_| Self(Arc::clone(taken)))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What all sessions of the task share while it works.
#[derive(Default)]
pub(super) struct Desk {
    /// Datagrams to be sent.
    pub(super) out: VecDeque<Transmit>,
    /// When running time was zero: the earliest that fits what was seen, so that no unit is of the future.
    epoch: Option<Instant>,
    /// The last unit's bytes as the library wants them: viewers mostly take the same one.
    copy: Option<(Bytes, Arc<[u8]>)>,
}

impl Desk {
    fn wallclock(&mut self, pts: u64, now: Instant) -> Instant {
        let since = Duration::from_nanos(pts);
        let zero = now.checked_sub(since).unwrap_or(now);
        let epoch = self.epoch.map_or(zero, |e| e.min(zero));
        self.epoch = Some(epoch);
        epoch.checked_add(since).map_or(now, |t| t.min(now))
    }

    fn shared(&mut self, data: &Bytes) -> Arc<[u8]> {
        match &self.copy {
            // The same memory: it is held here, so nobody else can have got it.
            Some((of, copy)) if of.as_ptr() == data.as_ptr() && of.len() == data.len() => {
                Arc::clone(copy)
            }
            _ => {
                let copy: Arc<[u8]> = Arc::from(&data[..]);
                self.copy = Some((data.clone(), Arc::clone(&copy)));
                copy
            }
        }
    }
}

/// A viewer.
pub(super) struct Session {
    pub(super) id: String,
    /// When [`Session::tick`] is due.
    pub(super) due: Instant,
    rtc: Rtc,
    source: Fanout<AccessUnit>,
    video: Mid,
    picture: Option<Consumer<AccessUnit>>,
    /// Payload type of the picture, and the format that it was chosen for.
    chosen: Option<(Arc<Format>, Pt)>,
    /// When the wait for the first keyframe ends.
    patience: Option<Instant>,
    audio: Option<(Mid, Pt, OpusFeed)>,
    listener: Option<Listener>,
    /// When it is given up unless it is connected.
    deadline: Option<Instant>,
    over: Option<&'static str>,
    _seat: Seat,
}

impl Session {
    pub(super) fn new(
        id: String,
        agreed: Agreed,
        source: Fanout<AccessUnit>,
        opus: Option<OpusFeed>,
        seat: Seat,
    ) -> Self {
        let now = Instant::now();
        Self {
            id,
            due: now,
            rtc: agreed.rtc,
            source,
            video: agreed.video,
            picture: None,
            chosen: None,
            patience: None,
            audio: agreed
                .audio
                .zip(opus)
                .map(|((mid, pt), feed)| (mid, pt, feed)),
            listener: None,
            deadline: Some(now + CONNECT),
            over: None,
            _seat: seat,
        }
    }

    /// Why it has ended, if it has.
    pub(super) fn over(&self) -> Option<&'static str> {
        self.over
    }

    pub(super) fn accepts(&self, input: &Input<'_>) -> bool {
        self.over.is_none() && self.rtc.accepts(input)
    }

    /// Takes a datagram.
    pub(super) fn receive(&mut self, input: Input<'_>, now: Instant, desk: &mut Desk) {
        self.guarded(|s| {
            s.rtc.handle_input(input)?;
            s.drive(now, desk)
        });
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, now: Instant, desk: &mut Desk) {
        if self.deadline.is_some_and(|d| d <= now) {
            self.over = Some("did not connect");
            return;
        }
        if self.patience.is_some_and(|p| p <= now) {
            self.patience = None;
            self.picture = Some(self.source.subscribe(options(LONG_SPAN, LONG_BYTES)));
        }
        self.guarded(|s| {
            s.rtc.handle_input(Input::Timeout(now))?;
            s.drive(now, desk)
        });
    }

    /// Sends what the fan-outs have; whether there is more.
    pub(super) fn play(&mut self, cx: &mut Context<'_>, desk: &mut Desk) -> bool {
        for _ in 0..TURN {
            let mut idle = true;
            if let Some(Poll::Ready(unit)) = self.picture.as_mut().map(|p| p.poll_next(cx)) {
                match unit {
                    Some(unit) if unit.track == Track::Video => {
                        self.guarded(|s| s.show(&unit, desk));
                    }
                    Some(_) => {}
                    None => self.over = Some("the stream ended"),
                }
                idle = false;
            }
            if let Some(Poll::Ready(frame)) = self.listener.as_mut().map(|l| l.frames.poll_next(cx))
            {
                match frame {
                    Some(frame) => self.guarded(|s| s.sound(frame.pts, &frame.data, desk)),
                    None => self.listener = None,
                }
                idle = false;
            }
            if idle || self.over.is_some() {
                return false;
            }
        }
        true
    }

    /// Says goodbye.
    pub(super) fn close(&mut self, desk: &mut Desk) {
        self.guarded(|s| {
            s.rtc.close()?;
            s.drive(Instant::now(), desk)
        });
        self.over.get_or_insert("ended");
    }

    fn show(&mut self, unit: &AccessUnit, desk: &mut Desk) -> Result<(), RtcError> {
        self.patience = None;
        let Some(pt) = self.payload_type(&unit.format) else {
            return Ok(());
        };
        let now = Instant::now();
        let wallclock = desk.wallclock(unit.pts, now);
        let data = desk.shared(&unit.data);
        let time = MediaTime::new(ticks(unit.pts, 90_000), Frequency::NINETY_KHZ);
        if let Some(writer) = self.rtc.writer(self.video) {
            // Shown as soon as it is decoded: the box is near, and lost packets come again in a moment.
            writer
                .playout_delay(MediaTime::ZERO, MediaTime::ZERO)
                .write(pt, wallclock, time, data)?;
        }
        self.drive(now, desk)
    }

    fn sound(&mut self, pts: u64, data: &Bytes, desk: &mut Desk) -> Result<(), RtcError> {
        let now = Instant::now();
        let wallclock = desk.wallclock(pts, now);
        let time = MediaTime::new(ticks(pts, 48_000), Frequency::FORTY_EIGHT_KHZ);
        if let Some((mid, pt, _)) = &self.audio
            && let Some(writer) = self.rtc.writer(*mid)
        {
            writer.write(*pt, wallclock, time, &data[..])?;
        }
        self.drive(now, desk)
    }

    fn payload_type(&mut self, format: &Arc<Format>) -> Option<Pt> {
        if let Some((of, pt)) = &self.chosen
            && Arc::ptr_eq(of, format)
        {
            return Some(*pt);
        }
        let Format::H264 { sps, .. } = &**format else {
            return None;
        };
        let pt = picture_type(&mut self.rtc, self.video, sps.get(1).copied())?;
        self.chosen = Some((Arc::clone(format), pt));
        Some(pt)
    }

    /// Empties the library's output.
    fn drive(&mut self, now: Instant, desk: &mut Desk) -> Result<(), RtcError> {
        let mut turns = 0;
        loop {
            match self.rtc.poll_output()? {
                Output::Transmit(datagram) => desk.out.push_back(datagram),
                Output::Event(event) => self.event(&event),
                Output::Timeout(at) if at <= now && turns < TURN && self.rtc.is_alive() => {
                    turns += 1;
                    self.rtc.handle_input(Input::Timeout(now))?;
                }
                Output::Timeout(at) => {
                    let mine = [self.deadline, self.patience].into_iter().flatten();
                    self.due = mine.fold(at, Instant::min);
                    break;
                }
            }
        }
        if !self.rtc.is_alive() {
            self.over.get_or_insert("the viewer left");
        }
        Ok(())
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Connected => {
                self.deadline = None;
                self.patience = Some(Instant::now() + KEYFRAME);
                self.picture = Some(self.source.subscribe(options(MAX_SPAN, MAX_BYTES)));
                self.listener = self.audio.as_ref().map(|(_, _, feed)| feed.listen("whep"));
            }
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                self.over.get_or_insert("the viewer is gone");
            }
            // The fan-out sees to it that not too many are asked for.
            Event::KeyframeRequest(_) => self.source.request_keyframe(),
            _ => {}
        }
    }

    /// A fault in one session ends that session, whatever it is: the others go on.
    fn guarded(&mut self, work: impl FnOnce(&mut Self) -> Result<(), RtcError>) {
        if self.over.is_some() {
            return;
        }
        match catch_unwind(AssertUnwindSafe(|| work(self))) {
            Ok(Ok(())) => {}
            Ok(Err(e)) => {
                tracing::debug!(viewer = %self.id, error = %e, "a viewer's session failed");
                self.over.get_or_insert("its session failed");
            }
            Err(_) => {
                tracing::error!(viewer = %self.id, "a viewer's session broke");
                self.over = Some("its session broke");
            }
        }
    }
}

/// With the cached GOP if it is short, else at the next keyframe, which is asked for.
fn options(max_span: Duration, max_bytes: usize) -> ConsumerOptions {
    ConsumerOptions {
        name: "whep".into(),
        start: Start::CachedGop,
        max_span,
        max_bytes,
    }
}

/// Nanoseconds to ticks of an RTP clock.
fn ticks(ns: u64, rate: u32) -> u64 {
    let ticks = u128::from(ns) * u128::from(rate) / 1_000_000_000;
    u64::try_from(ticks).unwrap_or(u64::MAX)
}
