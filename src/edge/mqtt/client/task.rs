//! The life of a connection: back-off, connecting, signs of life, loss, goodbye.

use std::pin::pin;
use std::time::Duration;

use rumqttc::{AsyncClient, ConnectionError, Event, EventLoop, Incoming, MqttOptions};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{info, warn};

use super::backoff::Backoff;
use super::mend::Mend;
use super::options::{self, RECEIVE_MAX};
use super::traffic::{Publishing, Reply, Settled, Traffic, check_filters};
use super::wire::Pulse;
use super::{ClientOptions, GRACE, Happening, Link, Room, Timing, explain};
use crate::error::Result;

/// Requests that rumqttc may not have taken yet: all that may fly, be acknowledged and be subscribed at one time.
const REQUESTS: usize = 128;
/// As good as for ever, where nothing is to happen by itself.
const LONG: Duration = Duration::from_secs(24 * 3600);

/// What a [`super::Client`] asks for.
#[derive(Debug)]
pub enum Ask {
    Publish(Publishing),
    Subscribe(Vec<String>, Reply),
    Unsubscribe(Vec<String>, Reply),
    Stop(Duration, Reply),
}

/// What happened beside the connection.
enum Woke {
    Asked(Option<Ask>),
    Acked((u64, u16)),
    Landed,
    Settled(Option<Settled>),
    Delivered,
    NobodyReads,
    Time,
}

/// How a connection, or the try, ended.
enum End {
    Lost { reason: String, mend: Mend },
    Goodbye,
}

/// The one task that polls.
pub struct Task {
    options: ClientOptions,
    timing: Timing,
    settings: MqttOptions,
    pulse: Pulse,
    traffic: Traffic,
    asks: mpsc::Receiver<Ask>,
    /// Nothing more will be asked.
    asked_all: bool,
    acks: mpsc::Receiver<(u64, u16)>,
    happenings: mpsc::Sender<Happening>,
    nobody_reads: bool,
    link: watch::Sender<Link>,
    backoff: Backoff,
    /// The moment of CONNACK.
    up_since: Option<Instant>,
    /// The last packet from the broker.
    heard: Instant,
    probed: bool,
    keep_alive: Duration,
    /// Told to end, at the latest then.
    ending: Option<Instant>,
    told: Vec<Reply>,
}

impl Task {
    /// # Errors
    /// Certificates cannot be read; a filter is none.
    pub fn new(
        options: ClientOptions,
        filters: Vec<String>,
        (timing, room): (Timing, Room),
        asks: mpsc::Receiver<Ask>,
        happenings: mpsc::Sender<Happening>,
        link: watch::Sender<Link>,
    ) -> Result<Self> {
        check_filters(&filters)?;
        let pulse = Pulse::new();
        let settings = options::build(&options, timing, &pulse)?;
        // As many as can be owed at one time, and as many of a connection that has just gone; and all that has room, for
        // the broker that sends more.
        let owed = 2 * usize::from(RECEIVE_MAX) + room.messages;
        let (ack_sender, acks) = mpsc::channel(owed);
        let persistent = options::is_persistent(&options);
        Ok(Self {
            backoff: Backoff::new(options.reconnect),
            options,
            timing,
            settings,
            pulse,
            traffic: Traffic::new(persistent, filters, ack_sender, room),
            asks,
            asked_all: false,
            acks,
            happenings,
            nobody_reads: false,
            link,
            up_since: None,
            heard: Instant::now(),
            probed: false,
            keep_alive: timing.keep_alive,
            ending: None,
            told: Vec::new(),
        })
    }

    /// Connects, keeps at it, and ends when it is told to or when the last [`super::Client`] is gone.
    pub async fn run(mut self) {
        let mut events = self.event_loop();
        let mut mend = Mend::Nothing;
        loop {
            if self.pause().await {
                break;
            }
            let clean = mend == Mend::Session || !options::is_persistent(&self.options);
            events.options.set_clean_start(clean);
            // A broker's own time is for its connection only.
            let keep_alive = options::keep_alive(self.timing);
            events.options.set_keep_alive(keep_alive);
            match self.connection(&mut events).await {
                End::Goodbye => break,
                End::Lost { reason, mend: next } => {
                    let unmended = mend == Mend::Session && self.up_since.is_none();
                    mend = if unmended { mend } else { next };
                    self.lost(reason);
                    if matches!(next, Mend::Flights | Mend::Refused(_)) {
                        events = self.event_loop();
                    }
                }
            }
        }
        drop(events);
        self.traffic.fail_all();
        self.link.send_replace(Link::Down {
            reason: "it was closed".to_owned(),
        });
        for reply in self.told.drain(..) {
            let _ = reply.send(Ok(()));
        }
    }

    /// A new event loop of rumqttc; what flew through an older one waits again.
    fn event_loop(&mut self) -> EventLoop {
        let (mqtt, events) = AsyncClient::builder(self.settings.clone())
            .capacity(REQUESTS)
            .build();
        self.traffic.through(mqtt);
        events
    }

    /// Whether all that was asked is done.
    fn is_done(&self) -> bool {
        self.asked_all && self.traffic.is_idle()
    }

    fn lost(&mut self, reason: String) {
        let url = &self.options.broker;
        if let Some(since) = self.up_since.take() {
            self.backoff.ended(since.elapsed());
            warn!("The connection to the MQTT broker {url} is lost: {reason}.");
        } else if !matches!(&*self.link.borrow(), Link::Down { reason: r } if *r == reason) {
            warn!("There is no connection to the MQTT broker {url}: {reason}.");
        }
        self.traffic.lost(&reason);
        self.link.send_replace(Link::Down { reason });
    }

    /// Waits before the next try. Says whether to end instead.
    async fn pause(&mut self) -> bool {
        let until = Instant::now() + self.backoff.wait(rand::random());
        loop {
            // What waits for a connection that will not be tried in time need not be waited for.
            if self
                .ending
                .is_some_and(|end| self.is_done() || until >= end)
            {
                return true;
            }
            match self.wake(until).await {
                Woke::Time => return false,
                woke => self.handle(woke),
            }
        }
    }

    /// One connection, from the try to its end.
    async fn connection(&mut self, events: &mut EventLoop) -> End {
        self.keep_alive = self.timing.keep_alive;
        loop {
            let event = {
                // Never dropped half-way but at the end: a try to connect would begin anew.
                let mut poll = pin!(events.poll());
                loop {
                    if let Some(end) = self.due() {
                        break Err(end);
                    }
                    let until = self.next_look();
                    tokio::select! {
                        event = &mut poll => break Ok(event),
                        woke = self.wake(until) => self.handle(woke),
                    }
                }
            };
            match event {
                Ok(Ok(event)) => self.event(event),
                Ok(Err(e)) => return self.failed(&e),
                Err(End::Goodbye) => {
                    self.goodbye(events).await;
                    return End::Goodbye;
                }
                Err(lost) => {
                    events.clean();
                    return lost;
                }
            }
        }
    }

    fn event(&mut self, event: Event) {
        let Event::Incoming(packet) = event else {
            return;
        };
        self.heard = Instant::now();
        self.probed = false;
        match packet {
            Incoming::ConnAck(connack) => {
                self.up_since = Some(self.heard);
                let theirs = connack
                    .properties
                    .as_ref()
                    .and_then(|p| p.server_keep_alive);
                if let Some(seconds) = theirs.filter(|s| *s > 0) {
                    self.keep_alive = Duration::from_secs(u64::from(seconds));
                }
                self.traffic.connected(&connack);
                self.announce();
            }
            Incoming::Publish(packet) if !self.nobody_reads => self.traffic.received(packet),
            _ => self.traffic.launch(),
        }
    }

    /// Tells that there is a connection once all is subscribed.
    fn announce(&self) {
        if self.traffic.is_ready() && *self.link.borrow() != Link::Up {
            info!("Connected to the MQTT broker {}.", self.options.broker);
            self.link.send_replace(Link::Up);
        }
    }

    fn failed(&mut self, e: &ConnectionError) -> End {
        let up = self.up_since.is_some();
        let mend = Mend::after(e, up);
        let reason = match mend {
            Mend::Refused(code) => {
                self.traffic.refused_unread(code);
                format!("the broker refused a message with code {code}")
            }
            _ => explain::failure(e, &self.options.broker, up),
        };
        End::Lost { reason, mend }
    }

    /// Whether the connection is to end now.
    fn due(&mut self) -> Option<End> {
        let now = Instant::now();
        if let Some(end) = self.ending
            && (now >= end || self.is_done())
        {
            return Some(End::Goodbye);
        }
        self.up_since?;
        let quiet = now.saturating_duration_since(self.heard.max(self.pulse.last()));
        if quiet >= self.keep_alive.mul_f32(1.5) {
            return Some(End::Lost {
                reason: format!("the broker has been silent for {} s", quiet.as_secs()),
                mend: Mend::Nothing,
            });
        }
        if !self.probed && now >= self.probe_at() {
            self.probed = true;
            self.traffic.probe();
        }
        None
    }

    /// A little after rumqttc's own ping is answered, if it sent one.
    fn probe_at(&self) -> Instant {
        self.heard + self.keep_alive.mul_f32(1.1)
    }

    /// When [`Self::due`] is to be asked again at the latest.
    fn next_look(&self) -> Instant {
        let mut next = self.ending.unwrap_or_else(|| Instant::now() + LONG);
        if self.up_since.is_some() {
            next = next.min(self.heard.max(self.pulse.last()) + self.keep_alive.mul_f32(1.5));
            if !self.probed {
                next = next.min(self.probe_at());
            }
        }
        next
    }

    async fn goodbye(&mut self, events: &mut EventLoop) {
        if self.up_since.is_none() {
            return;
        }
        self.traffic.goodbye();
        let said = async { while events.poll().await.is_ok() {} };
        if timeout(GRACE, said).await.is_err() {
            info!("The MQTT broker took no goodbye.");
        }
    }

    /// Waits for anything but the connection. Can be dropped at any time: nothing is lost.
    async fn wake(&mut self, until: Instant) -> Woke {
        let traffic = &mut self.traffic;
        tokio::select! {
            ask = self.asks.recv(), if !self.asked_all => Woke::Asked(ask),
            Some(ack) = self.acks.recv() => Woke::Acked(ack),
            Some(flight) = traffic.flights.join_next() => {
                // A flight that did not end by itself was ended with the runtime.
                if let Ok(flight) = flight {
                    traffic.landed(flight);
                }
                Woke::Landed
            }
            Some(settled) = traffic.settling.join_next() => Woke::Settled(settled.ok()),
            place = self.happenings.reserve(), if traffic.held.is_waiting() => match place {
                Ok(place) => {
                    if let Some(next) = traffic.held.next() {
                        place.send(next);
                    }
                    Woke::Delivered
                }
                Err(_) => Woke::NobodyReads,
            },
            () = sleep_until(until) => Woke::Time,
        }
    }

    fn handle(&mut self, woke: Woke) {
        match woke {
            Woke::Asked(Some(ask)) => self.asked(ask),
            Woke::Asked(None) => {
                self.asked_all = true;
                // Not told to end: the last client is gone, and nobody waits for an answer.
                self.ending.get_or_insert_with(Instant::now);
            }
            Woke::Acked(ack) => self.traffic.acknowledge(ack),
            Woke::Landed => self.traffic.launch(),
            Woke::Settled(settled) => {
                if let Some(settled) = settled {
                    self.traffic.settled(&settled);
                }
                self.announce();
            }
            Woke::Delivered => {
                if !self.traffic.held.is_waiting() {
                    let dropped = self.traffic.held.take_dropped();
                    if dropped > 0 {
                        warn!(
                            "{dropped} MQTT messages came faster than they were read, and were dropped."
                        );
                    }
                }
            }
            Woke::NobodyReads => {
                self.nobody_reads = true;
                self.traffic.held.clear();
            }
            Woke::Time => {}
        }
    }

    fn asked(&mut self, ask: Ask) {
        match ask {
            Ask::Stop(limit, reply) => {
                let end = Instant::now() + limit;
                self.ending = Some(self.ending.map_or(end, |e| e.min(end)));
                self.told.push(reply);
                // What was asked before is in the queue; what comes later is refused by it.
                self.asks.close();
            }
            Ask::Publish(publishing) => self.traffic.publish(publishing),
            Ask::Subscribe(filters, reply) => self.traffic.subscribe(&filters, reply),
            Ask::Unsubscribe(filters, reply) => self.traffic.unsubscribe(filters, reply),
        }
    }
}
