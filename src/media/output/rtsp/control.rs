//! What the server decides on requests: who may come in, when a reader begins and ends.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use gstreamer::glib::WeakRef;
use gstreamer::prelude::*;
use gstreamer_rtsp_server as rtsp;
use rtsp::gst_rtsp::RTSPStatusCode;
use rtsp::prelude::*;

use super::connection;
use super::feed::{RtpFeed, StartPoint};
use super::leg::Leg;
use super::mount::MountState;
use super::reader::Reader;
use crate::device::event::MediaEvent;
use crate::media::access_unit::Track;
use crate::media::report::Reporter;
use crate::media::sync::lock;

/// How long DESCRIBE waits for the first access units.
const FORMAT_WAIT: Duration = Duration::from_secs(10);
/// The library keeps pointers to client and session in idle sources and transports; a dead reader outlives these.
const GRAVE: Duration = Duration::from_secs(1);

/// A reader between the PLAY request and its answer.
struct Prepared {
    mount: Arc<MountState>,
    reader: Arc<Reader>,
    since: Instant,
}

/// Shared by all handlers of requests.
pub(super) struct Control {
    mounts: Vec<Arc<MountState>>,
    pool: rtsp::RTSPSessionPool,
    max_readers: u32,
    session_timeout_s: u32,
    reporter: Reporter,
    prepared: Mutex<HashMap<String, Prepared>>,
    /// Whose a session is.
    owners: Mutex<HashMap<String, WeakRef<rtsp::RTSPClient>>>,
    /// The thread that ends sessions which nobody keeps alive.
    ticking: OnceLock<ThreadId>,
    graves: Mutex<Vec<(Instant, Arc<Reader>)>>,
    connections: AtomicUsize,
    reported: Mutex<u32>,
    stopping: AtomicBool,
}

impl Control {
    pub(super) fn new(
        mounts: Vec<Arc<MountState>>,
        max_readers: u32,
        session_timeout_s: u32,
        reporter: Reporter,
    ) -> Arc<Self> {
        let pool = rtsp::RTSPSessionPool::new();
        pool.set_max_sessions(max_readers);
        let control = Arc::new(Self {
            mounts,
            pool,
            max_readers,
            session_timeout_s: session_timeout_s.max(1),
            reporter,
            prepared: Mutex::default(),
            owners: Mutex::default(),
            ticking: OnceLock::new(),
            graves: Mutex::default(),
            connections: AtomicUsize::new(0),
            reported: Mutex::new(0),
            stopping: AtomicBool::new(false),
        });
        let weak = Arc::downgrade(&control);
        control.pool.connect_session_removed(move |_, session| {
            if let (Some(control), Some(id)) = (weak.upgrade(), session.sessionid()) {
                control.session_removed(&id);
            }
        });
        control
    }

    pub(super) fn pool(&self) -> &rtsp::RTSPSessionPool {
        &self.pool
    }

    /// Readers in PLAY.
    pub(super) fn readers(&self) -> u32 {
        let n: usize = self.mounts.iter().map(|m| m.readers().len()).sum();
        u32::try_from(n).unwrap_or(u32::MAX)
    }

    /// Open connections.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Acquire)
    }

    /// Whoever waits gives up, nobody is let in any more, readers over UDP hear a goodbye.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        for mount in &self.mounts {
            mount.stop();
            for reader in mount.readers().iter() {
                reader.goodbye(&mount.clocking);
            }
        }
        self.end(|_| true);
    }

    /// Lets the library tear its media down. Once the connections are closed.
    pub(super) fn release(&self) {
        for mount in &self.mounts {
            mount.let_go(None);
        }
    }

    /// Drops what dead readers kept alive, whatever their age. Only once no library thread runs any more.
    pub(super) fn bury_all(&self) {
        lock(&self.prepared).clear();
        lock(&self.graves).clear();
    }

    /// Takes charge of a new connection.
    pub(super) fn admit(self: &Arc<Self>, client: &rtsp::RTSPClient) {
        let open = self.connections.fetch_add(1, Ordering::AcqRel) + 1;
        let weak = Arc::downgrade(self);
        client.connect_closed(move |client| {
            if let Some(control) = weak.upgrade() {
                control.closed(client);
            }
        });
        let limit = (self.max_readers as usize)
            .saturating_mul(2)
            .saturating_add(8);
        if open > limit || self.stopping.load(Ordering::Acquire) {
            tracing::warn!("An RTSP connection was closed: {limit} are open already.");
            connection::shut(client);
            return;
        }
        connection::tune(client);
        let weak = Arc::downgrade(self);
        client.connect_new_session(move |client, session| {
            if let (Some(control), Some(id)) = (weak.upgrade(), session.sessionid()) {
                session.set_timeout(control.session_timeout_s);
                lock(&control.owners).insert(id.into(), client.downgrade());
            }
        });
        self.watch_requests(client);
    }

    /// Once a second: sessions that nobody keeps alive, readers whose transport the library took back.
    pub(super) fn tick(&self) {
        let _ = self.ticking.set(std::thread::current().id());
        self.pool.cleanup();
        self.end(|r| r.is_dead() || !r.is_active());
        lock(&self.prepared).retain(|_, p| p.since.elapsed() < FORMAT_WAIT);
        let old: Vec<_> = {
            let mut graves = lock(&self.graves);
            let (old, young) = graves.drain(..).partition(|(at, _)| at.elapsed() > GRAVE);
            *graves = young;
            old
        };
        drop::<Vec<(Instant, Arc<Reader>)>>(old);
    }

    fn watch_requests(self: &Arc<Self>, client: &rtsp::RTSPClient) {
        let weak = Arc::downgrade(self);
        client.connect_pre_describe_request(move |_, context| {
            with(&weak, |c| c.before_describe(context))
        });
        let weak = Arc::downgrade(self);
        client
            .connect_pre_setup_request(move |_, context| with(&weak, |c| c.before_setup(context)));
        let weak = Arc::downgrade(self);
        client.connect_pre_play_request(move |client, context| {
            with(&weak, |c| c.before_play(client, context))
        });
        let weak = Arc::downgrade(self);
        client.connect_play_request(move |_, context| {
            if let Some(control) = weak.upgrade() {
                control.play(context);
            }
        });
        let weak = Arc::downgrade(self);
        client.connect_pause_request(move |_, context| {
            if let Some(control) = weak.upgrade() {
                let id = session_id(context);
                control.end(|r| Some(&r.session_id) == id.as_ref());
            }
        });
    }

    fn full(&self) -> bool {
        self.max_readers != 0 && self.pool.n_sessions() >= self.max_readers
    }

    fn refuse_full(&self) -> RTSPStatusCode {
        tracing::warn!(
            "A reader was refused: {} are connected, which is the limit of rtsp.max_readers.",
            self.max_readers
        );
        RTSPStatusCode::NotEnoughBandwidth
    }

    fn before_describe(&self, context: &rtsp::RTSPContext) -> RTSPStatusCode {
        if context.session().is_none() && self.full() {
            return self.refuse_full();
        }
        let wanted = context.uri().map(|u| u.decode_path_components().join("/"));
        let Some(mount) = self
            .mounts
            .iter()
            .find(|m| wanted.as_ref() == Some(&m.path))
        else {
            return RTSPStatusCode::Ok;
        };
        if mount.wait_for_formats(FORMAT_WAIT) {
            return RTSPStatusCode::Ok;
        }
        tracing::warn!(
            "A reader of {} was refused: there is no picture yet.",
            mount.path
        );
        RTSPStatusCode::ServiceUnavailable
    }

    fn before_setup(&self, context: &rtsp::RTSPContext) -> RTSPStatusCode {
        if context.session().is_none() && self.full() {
            return self.refuse_full();
        }
        RTSPStatusCode::Ok
    }

    /// Makes the reader before the answer to PLAY, so that its `RTP-Info` names the very packets that come first.
    fn before_play(
        &self,
        client: &rtsp::RTSPClient,
        context: &rtsp::RTSPContext,
    ) -> RTSPStatusCode {
        let Some(session) = context.session() else {
            return RTSPStatusCode::Ok;
        };
        let Some(id) = session.sessionid().map(String::from) else {
            return RTSPStatusCode::Ok;
        };
        let plays = |m: &Arc<MountState>| m.readers().iter().any(|r| r.session_id == id);
        if self.mounts.iter().any(plays) {
            return RTSPStatusCode::Ok;
        }
        for media in session.filter(None) {
            let legs: Vec<Leg> = media.transports().iter().filter_map(leg).collect();
            let Some((mount, media)) = self.mount_of(&media).zip(media.media()) else {
                continue;
            };
            if legs.is_empty() {
                continue;
            }
            let reader = Reader::new(session, client, legs, mount.subscribe());
            announce(&media, &mount, &reader);
            let since = Instant::now();
            lock(&self.prepared).insert(
                id,
                Prepared {
                    mount,
                    reader,
                    since,
                },
            );
            break;
        }
        RTSPStatusCode::Ok
    }

    fn play(&self, context: &rtsp::RTSPContext) {
        let Some(id) = session_id(context) else {
            return;
        };
        let Some(prepared) = lock(&self.prepared).remove(&id) else {
            return;
        };
        prepared.mount.add(&prepared.reader);
        tracing::info!(mount = %prepared.mount.path, "A reader plays.");
        self.report();
    }

    fn mount_of(&self, media: &rtsp::RTSPSessionMedia) -> Option<Arc<MountState>> {
        self.mounts
            .iter()
            .filter(|m| media.matches(&m.path).is_some())
            .max_by_key(|m| m.path.len())
            .cloned()
    }

    /// A session that timed out takes its connection along: the library's own way to do that
    /// (`post-session-timeout`) aborts the program when the client leaves at the same moment.
    fn session_removed(&self, id: &str) {
        let owner = lock(&self.owners).remove(id);
        if self.ticking.get() == Some(&std::thread::current().id())
            && let Some(client) = owner.and_then(|o| o.upgrade())
        {
            tracing::info!("An RTSP session timed out.");
            connection::shut(&client);
        }
        self.end(|r| r.session_id == id);
    }

    fn closed(&self, client: &rtsp::RTSPClient) {
        self.end(|r| &r.client == client);
        // The library leaves the sessions in its pool until they time out, which counts against the limit.
        let owned: Vec<String> = lock(&self.owners)
            .iter()
            .filter(|(_, owner)| owner.upgrade().as_ref() == Some(client))
            .map(|(id, _)| id.clone())
            .collect();
        for id in owned {
            if let Some(session) = self.pool.find(&id) {
                let _ = self.pool.remove(&session);
            }
            lock(&self.owners).remove(&id);
        }
        self.connections.fetch_sub(1, Ordering::AcqRel);
    }

    fn end(&self, gone: impl Fn(&Reader) -> bool) {
        let ended: Vec<_> = self.mounts.iter().flat_map(|m| m.remove(&gone)).collect();
        if ended.is_empty() {
            return;
        }
        tracing::info!("{} reader(s) left.", ended.len());
        lock(&self.graves).extend(ended.into_iter().map(|r| (Instant::now(), r)));
        self.report();
    }

    fn report(&self) {
        let mut last = lock(&self.reported);
        let now = self.readers();
        if *last != now {
            *last = now;
            self.reporter.report(MediaEvent::RtspReaders(now));
        }
    }
}

fn with(weak: &Weak<Control>, f: impl FnOnce(&Control) -> RTSPStatusCode) -> RTSPStatusCode {
    weak.upgrade()
        .map_or(RTSPStatusCode::ServiceUnavailable, |c| f(&c))
}

fn session_id(context: &rtsp::RTSPContext) -> Option<String> {
    context.session()?.sessionid().map(String::from)
}

fn leg(transport: &rtsp::RTSPStreamTransport) -> Option<Leg> {
    let caps = transport.stream()?.caps()?;
    let track = match caps.structure(0)?.get::<&str>("media").ok()? {
        "video" => Track::Video,
        "audio" => Track::Audio,
        _ => return None,
    };
    Leg::new(track, transport)
}

/// Puts where `reader` begins into the stand-in payloaders, from which the library makes `RTP-Info`.
fn announce(media: &rtsp::RTSPMedia, mount: &MountState, reader: &Reader) {
    let Ok(bin) = media.element().downcast::<gstreamer::Bin>() else {
        return;
    };
    let mut earliest = None;
    for n in 0..media.n_streams() {
        let Some(feed) = bin.by_name(&format!("pay{n}")).and_downcast::<RtpFeed>() else {
            continue;
        };
        let track = if n == 0 { Track::Video } else { Track::Audio };
        if let Some(unit) = reader.first(track) {
            earliest.get_or_insert(unit.pts);
            feed.set_start(StartPoint {
                seq: unit.seq,
                timestamp: unit.timestamp,
                running_ns: unit.pts,
                rate: mount.rate(track),
            });
        }
    }
}
