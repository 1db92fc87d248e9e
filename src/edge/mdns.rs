//! Name and services of the box on the local network: multicast DNS (RFC 6762) and its service discovery (RFC 6763).
//!
//! ```text
//!   Offer ──> task ── one responder of `mdns-sd` at a time, on every network but loopback ──> announced ──> InForce
//!               ^                          │
//!               └── the next name, anew <──┴── somebody else has the name (section 9)
//! ```
//!
//! The responder follows addresses and probes names by itself. Names are chosen here: it would count `boothcast-0102` up to
//! `boothcast-103`, and have another name on each network. Without a network, or without the right to send, all is quiet.

mod names;

use std::time::Duration;

use mdns_sd::{DaemonEvent, DnsNameChange, IfKind, Receiver, ServiceDaemon, ServiceInfo};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use names::Names;
pub use names::host_of;

/// Seconds between looks for other addresses.
const LOOK_S: u32 = 2;
/// A responder that could announce nothing for so long is begun anew: what it lacked at its start it does not look for again.
const MUTE: Duration = Duration::from_secs(60);
/// How long [`Announcer::stop`] takes at most.
const STOP_LIMIT: Duration = Duration::from_millis(500);
/// The second goodbye goes out 120 ms after the first.
const GOODBYE: Duration = Duration::from_millis(160);
/// What is left for the responder to end.
const CLOSE: Duration = Duration::from_millis(250);
/// Services of one box at most.
const MOST: usize = 8;
/// For a box without a service that others could use: it has a name all the same.
const BARE: &str = "_device-info._tcp";

/// A service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its type: `_rtsp._tcp`.
    pub kind: &'static str,
    /// The port that is in use.
    pub port: u16,
    /// What is in its TXT record: key and value, at most 255 bytes together with the sign between them.
    pub facts: Vec<(&'static str, String)>,
}

/// What is to be announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Name of the host without `.local`: letters, digits, hyphens; at most 56 bytes.
    pub host: String,
    /// Name of the box, as people see it in a list.
    pub instance: String,
    /// Its services.
    pub services: Vec<Service>,
}

/// The names that were announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// `boothcast-3f2a.local`.
    pub host: String,
    /// `Kasse 3`.
    pub instance: String,
}

/// The running part.
#[derive(Debug)]
pub struct Announcer {
    offer: watch::Sender<Offer>,
    names: watch::Receiver<Option<InForce>>,
    quit: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Announcer {
    /// Announces from now on; the first names are in force about a second later.
    #[must_use]
    pub fn start(offer: Offer, runtime: &tokio::runtime::Handle) -> Self {
        let (offer, offers) = watch::channel(offer);
        let (tell, names) = watch::channel(None);
        let (quit, quits) = oneshot::channel();
        let task = runtime.spawn(run(offers, tell, quits));
        Self {
            offer,
            names,
            quit,
            task,
        }
    }

    /// Announces this instead. Does nothing when it is the same.
    pub fn offer(&self, offer: Offer) {
        self.offer.send_if_modified(|now| {
            let changed = *now != offer;
            *now = offer;
            changed
        });
    }

    /// The names in force; `None` until they are.
    #[must_use]
    pub fn names(&self) -> watch::Receiver<Option<InForce>> {
        self.names.clone()
    }

    /// Says goodbye to the network and ends. Bounded by half a second.
    pub async fn stop(self) {
        let _ = self.quit.send(());
        let mut task = self.task;
        if timeout(STOP_LIMIT, &mut task).await.is_err() {
            task.abort();
            tracing::warn!("mDNS: no goodbye could be said in time");
        }
    }
}

/// Why a responder ended.
enum Next {
    Quit,
    /// Another name is needed.
    Renamed(DnsNameChange),
    /// The same again, after a pause.
    Again(Duration),
}

async fn run(
    mut offers: watch::Receiver<Offer>,
    tell: watch::Sender<Option<InForce>>,
    mut quit: oneshot::Receiver<()>,
) {
    let mut names = Names::of(&offers.borrow_and_update());
    loop {
        let pause = match respond(&names, &mut offers, &tell, &mut quit).await {
            Next::Quit => return,
            Next::Renamed(change) => names.after(&change.original),
            Next::Again(pause) => {
                names.follow(&offers.borrow());
                pause
            }
        };
        if pause > Duration::ZERO {
            tokio::select! {
                _ = &mut quit => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

/// One responder, from its beginning to its end.
async fn respond(
    names: &Names,
    offers: &mut watch::Receiver<Offer>,
    tell: &watch::Sender<Option<InForce>>,
    quit: &mut oneshot::Receiver<()>,
) -> Next {
    let mut offer = offers.borrow_and_update().clone();
    let opened = open().and_then(|(responder, events)| {
        register(&responder, names, &offer.services)?;
        Ok((responder, events))
    });
    let (responder, events) = match opened {
        Ok(opened) => opened,
        Err(e) => {
            tracing::debug!("mDNS: {e}");
            return Next::Again(MUTE);
        }
    };
    let mute = Instant::now() + MUTE;
    let mut heard = false;
    let next = loop {
        tokio::select! {
            _ = &mut *quit => break Next::Quit,
            changed = offers.changed() => {
                if changed.is_err() {
                    break Next::Quit;
                }
                let new = offers.borrow_and_update().clone();
                if (&new.host, &new.instance) != (&offer.host, &offer.instance) {
                    break Next::Again(Duration::ZERO);
                }
                if let Err(e) = change(&responder, names, &offer, &new) {
                    tracing::debug!("mDNS: {e}");
                    break Next::Again(Duration::from_secs(1));
                }
                offer = new;
            }
            event = events.recv_async() => match event {
                Ok(DaemonEvent::NameChange(change)) => break Next::Renamed(change),
                Ok(DaemonEvent::Announce(..)) => {
                    heard = true;
                    say(tell, names);
                }
                Ok(event) => tracing::trace!(?event, "mDNS"),
                Err(_) => break Next::Again(MUTE),
            },
            () = sleep_until(mute), if !heard => break Next::Again(Duration::ZERO),
        }
    };
    tell.send_if_modified(|now| !matches!(next, Next::Renamed(_)) && now.take().is_some());
    close(
        &responder,
        names,
        &offer.services,
        matches!(next, Next::Quit),
    )
    .await;
    next
}

fn open() -> mdns_sd::Result<(ServiceDaemon, Receiver<DaemonEvent>)> {
    let responder = ServiceDaemon::new()?;
    responder.disable_interface(vec![IfKind::LoopbackV4, IfKind::LoopbackV6])?;
    responder.set_ip_check_interval(LOOK_S)?;
    let events = responder.monitor()?;
    Ok((responder, events))
}

/// Tells the names in force, and once a line of the log.
fn say(tell: &watch::Sender<Option<InForce>>, names: &Names) {
    let told = Some(InForce {
        host: format!("{}.local", names.host()),
        instance: names.instance(),
    });
    let changed = tell.send_if_modified(|now| {
        let changed = *now != told;
        now.clone_from(&told);
        changed
    });
    if changed {
        tracing::info!(
            instance = names.instance(),
            "found as {}.local",
            names.host()
        );
    }
}

/// What stands for services, of which there is always one.
fn or_bare(services: &[Service]) -> Vec<Service> {
    let mut all: Vec<Service> = services.iter().take(MOST).cloned().collect();
    if all.is_empty() {
        all.push(Service {
            kind: BARE,
            port: 0,
            facts: Vec::new(),
        });
    }
    all
}

fn register(responder: &ServiceDaemon, names: &Names, services: &[Service]) -> mdns_sd::Result<()> {
    or_bare(services)
        .iter()
        .try_for_each(|s| responder.register(record(names, s)?))
}

fn change(
    responder: &ServiceDaemon,
    names: &Names,
    old: &Offer,
    new: &Offer,
) -> mdns_sd::Result<()> {
    let (old, new) = (or_bare(&old.services), or_bare(&new.services));
    for gone in old.iter().filter(|o| new.iter().all(|n| n.kind != o.kind)) {
        let _ = responder.unregister(record(names, gone)?.get_fullname())?;
    }
    new.iter()
        .filter(|n| !old.contains(n))
        .try_for_each(|n| responder.register(record(names, n)?))
}

fn record(names: &Names, service: &Service) -> mdns_sd::Result<ServiceInfo> {
    let facts: Vec<(&str, &str)> = service
        .facts
        .iter()
        .map(|(k, v)| (*k, v.as_str()))
        .collect();
    let host = format!("{}.local.", names.host());
    let kind = format!("{}.local.", service.kind);
    let info = ServiceInfo::new(
        &kind,
        &names.instance(),
        &host,
        (),
        service.port,
        &facts[..],
    )?;
    Ok(info.enable_addr_auto())
}

/// Takes all back. At the `end` twice, for those who miss the first word.
async fn close(responder: &ServiceDaemon, names: &Names, services: &[Service], end: bool) {
    if end {
        let gone = or_bare(services)
            .into_iter()
            .filter_map(|s| record(names, &s).ok());
        let told = gone
            .filter(|g| responder.unregister(g.get_fullname()).is_ok())
            .count();
        if told > 0 {
            tokio::time::sleep(GOODBYE).await;
        }
    }
    if let Ok(ended) = responder.shutdown()
        && timeout(CLOSE, ended.recv_async()).await.is_err()
    {
        tracing::debug!("the mDNS responder does not end");
    }
}

#[cfg(test)]
mod tests;
