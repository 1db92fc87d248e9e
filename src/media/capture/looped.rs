//! Plays one track of a media file live, in a loop, with timestamps that go on.
//!
//! Picture and sound of the same file are two pipelines that know nothing of each other and yet stay in step, because
//! both take their place in the file from the shared clock alone: at running time *t* the file stands at
//! *t* modulo its duration (the container's duration, asked of the demuxer, so that both get the same). Sample *s* of round
//! *k* is due at *k*·duration + *s*, exactly.
//!
//! The end of the file is a flushing seek back to the start (every demuxer can do that; where one cannot, the pipeline
//! starts anew). Downstream never sees the seek: only buffers and running times leave this file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::live;
use super::presence::Presence;
use super::worker::Signal;
use crate::error::{Error, Kind, Result, io_kind};
use crate::media::bus;
use crate::media::time::MediaClock;

/// Which track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    Picture,
    Sound,
}

impl Kept {
    fn media(self) -> &'static str {
        match self {
            Self::Picture => "video/x-raw",
            Self::Sound => "audio/x-raw",
        }
    }
}

/// What to play, and how.
pub(super) struct Plan {
    pub(super) path: PathBuf,
    pub(super) kept: Kept,
    /// Elements between decoder and sink, in order.
    pub(super) chain: Vec<gst::Element>,
    /// Caps of the sink.
    pub(super) caps: gst::Caps,
    /// How long before a sample is due it is handed on, ns.
    pub(super) lead: u64,
}

/// Longest wait for the next decoded sample: also the bound of the first one.
const PATIENCE: gst::ClockTime = gst::ClockTime::from_seconds(5);
/// A step of waiting for a sample, after which stop and faults are looked at.
const STEP: gst::ClockTime = gst::ClockTime::from_mseconds(100);
/// Time allowed for the first seek, so that playing begins without a burst of late samples.
const HEAD_START: u64 = 200_000_000;
/// Samples later than this are left out: the machine is too slow, or was asleep.
const TOO_LATE: u64 = 1_000_000_000;
/// Shortest file that is played in a loop, ns.
const SHORTEST: u64 = 20_000_000;

/// What people call the file.
pub(super) fn name(path: &Path) -> String {
    format!("file {}", path.display())
}

/// Sees that the file can be read, before GStreamer says it in its own words.
///
/// # Errors
/// Not found, no permission, a folder.
pub(super) fn check(path: &Path) -> Result<()> {
    let refuse = |kind, what: &str| Error::new(kind, format!("{} {what}", name(path)));
    let file = std::fs::File::open(path).map_err(|e| match io_kind(&e) {
        Kind::NotFound => refuse(Kind::NotFound, "does not exist"),
        Kind::Permission => refuse(Kind::Permission, "may not be read: permission denied"),
        kind => refuse(kind, "cannot be read").caused_by(e),
    })?;
    match file.metadata() {
        Ok(meta) if meta.is_file() => Ok(()),
        _ => Err(refuse(Kind::Unsupported, "is not a regular file")),
    }
}

struct Player {
    name: String,
    pipeline: gst::Pipeline,
    sink: gst_app::AppSink,
    /// The decoder found the wanted track.
    linked: Arc<AtomicBool>,
}

/// How a round through the file ended.
enum Round {
    /// At the end of the file; the highest end of a sample in stream time.
    End(u64),
    /// Somebody asked to stop.
    Stopped,
}

impl Player {
    fn build(plan: &Plan) -> Result<Self> {
        let pipeline = gst::Pipeline::new();
        let (source, decoder) = (bus::element("filesrc")?, bus::element("decodebin")?);
        source.set_property("location", plan.path.as_path());
        decoder.set_property("expose-all-streams", false);
        decoder.set_property(
            "caps",
            gst::Caps::builder(plan.kept.media()).any_features().build(),
        );
        let sink = gst_app::AppSink::builder()
            .caps(&plan.caps)
            .sync(false)
            .enable_last_sample(false)
            .max_buffers(4)
            .build();
        bus::link(&pipeline, &[&source, &decoder])?;
        let mut chain: Vec<&gst::Element> = plan.chain.iter().collect();
        chain.push(sink.upcast_ref());
        bus::link(&pipeline, &chain)?;
        let linked = Arc::new(AtomicBool::new(false));
        let (seen, first, media) = (linked.clone(), chain[0].downgrade(), plan.kept.media());
        decoder.connect_pad_added(move |_, pad| {
            let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
            let fits = caps.structure(0).is_some_and(|s| s.name() == media);
            let target = first.upgrade().and_then(|e| e.static_pad("sink"));
            if let (true, Some(target)) = (fits, target)
                && !target.is_linked()
                && pad.link(&target).is_ok()
            {
                seen.store(true, Ordering::SeqCst);
            }
        });
        Ok(Self {
            name: name(&plan.path),
            pipeline,
            sink,
            linked,
        })
    }

    /// The container's duration in ns, asked of the demuxer where there is one, since decoders may answer for a track.
    fn duration(&self) -> Option<u64> {
        let demuxer = self
            .pipeline
            .iterate_recurse()
            .into_iter()
            .filter_map(std::result::Result::ok)
            .find(|e| {
                e.factory()
                    .and_then(|f| f.metadata("klass").map(|k| k.contains("Demuxer")))
                    .unwrap_or(false)
            });
        let asked = demuxer.and_then(|d| d.query_duration::<gst::ClockTime>());
        asked
            .or_else(|| self.pipeline.query_duration::<gst::ClockTime>())
            .map(gst::ClockTime::nseconds)
            .filter(|d| *d >= SHORTEST)
    }

    /// The next sample; `None` at the end of the file or on a stop.
    fn next(&self, signal: &Signal, kept: Kept) -> Result<Option<gst::Sample>> {
        let mut waited = gst::ClockTime::ZERO;
        loop {
            if let Some(sample) = self.sink.try_pull_sample(STEP) {
                return Ok(Some(sample));
            }
            if signal.stopped() {
                return Ok(None);
            }
            if let Some((kind, text)) = signal.take_fault() {
                return Err(self.explain(kind, text, kept));
            }
            if self.sink.is_eos() {
                return Ok(None);
            }
            waited += STEP;
            if waited >= PATIENCE {
                return Err(self.explain(
                    Kind::Timeout,
                    format!("{} gives nothing for {} s", self.name, PATIENCE.seconds()),
                    kept,
                ));
            }
        }
    }

    /// A file without the wanted track fails in several ways; they all mean the same.
    fn explain(&self, kind: Kind, text: String, kept: Kept) -> Error {
        let unlinked = !self.linked.load(Ordering::SeqCst);
        let generic = matches!(kind, Kind::Missing | Kind::Internal | Kind::Timeout)
            || text.ends_with("can be played")
            || text.ends_with("ended");
        if unlinked && generic {
            let what = match kept {
                Kept::Picture => "has no picture that can be decoded",
                Kept::Sound => "has no sound that can be decoded",
            };
            return Error::new(Kind::Unsupported, format!("{} {what}", self.name));
        }
        Error::new(kind, text)
    }

    fn seek(&self, to: u64) -> bool {
        let flags = gst::SeekFlags::FLUSH | gst::SeekFlags::ACCURATE;
        let at = gst::ClockTime::from_nseconds(to);
        self.pipeline.seek_simple(flags, at).is_ok()
    }

    /// Back to the start: by a seek, or by starting anew where the file cannot be sought.
    fn rewind(&self) -> Result<()> {
        if self.seek(0) {
            return Ok(());
        }
        let again = self
            .pipeline
            .set_state(gst::State::Ready)
            .and_then(|_| self.pipeline.set_state(gst::State::Playing));
        again.map(|_| ()).map_err(|_| {
            Error::new(
                Kind::Unsupported,
                format!("{} cannot be played again from its start", self.name),
            )
        })
    }
}

/// Place of a sample in the file, ns, and where it ends.
fn place(sample: &gst::Sample) -> Option<(u64, u64)> {
    let buffer = sample.buffer()?;
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?.clone();
    let at = segment.to_stream_time(buffer.pts()?)?.nseconds();
    Some((
        at,
        at + buffer.duration().map_or(0, gst::ClockTime::nseconds),
    ))
}

/// Plays until `signal` says stop (`Ok`). `deliver` gets each sample with its running time in ns.
///
/// # Errors
/// One clause on why the file cannot be played.
pub(super) fn run(
    plan: &Plan,
    clock: &MediaClock,
    signal: &Signal,
    deliver: &mut dyn FnMut(gst::Sample, u64),
    started: impl FnOnce(),
) -> Result<()> {
    let player = Player::build(plan)?;
    let live = live::Pipeline {
        name: player.name.clone(),
        pipeline: player.pipeline.clone(),
        sink: player.sink.clone(),
        ends: false,
        presence: Presence::default(),
    };
    live::start(&live, clock, signal)
        .map_err(|e| player.explain(e.kind(), e.message().to_owned(), plan.kept))?;
    let outcome = rounds(plan, &player, clock, signal, deliver, started);
    live::halt(&player.pipeline);
    outcome
}

fn rounds(
    plan: &Plan,
    player: &Player,
    clock: &MediaClock,
    signal: &Signal,
    deliver: &mut dyn FnMut(gst::Sample, u64),
    started: impl FnOnce(),
) -> Result<()> {
    let Some(first) = player.next(signal, plan.kept)? else {
        let text = format!("{} gives nothing", player.name);
        return if signal.stopped() {
            Ok(())
        } else {
            Err(player.explain(Kind::Internal, text, plan.kept))
        };
    };
    drop(first);
    started();
    let known = player.duration();
    let target = clock.now().nseconds() + HEAD_START;
    // Without a known duration (a bare stream of one track) the first round begins now and gives the duration.
    let mut base = match known {
        Some(d) if player.seek(target % d) => target - target % d,
        _ => {
            player.rewind()?;
            target
        }
    };
    loop {
        match round(plan, player, clock, signal, base, known, deliver)? {
            Round::Stopped => return Ok(()),
            Round::End(last) => base += known.unwrap_or(last).max(SHORTEST),
        }
        // After a long sleep of the machine, whole rounds are skipped rather than played in a rush.
        let now = clock.now().nseconds();
        if let Some(d) = known
            && now > base + d
        {
            base = now - now % d;
        }
        player.rewind()?;
    }
}

fn round(
    plan: &Plan,
    player: &Player,
    clock: &MediaClock,
    signal: &Signal,
    base: u64,
    known: Option<u64>,
    deliver: &mut dyn FnMut(gst::Sample, u64),
) -> Result<Round> {
    let mut end = 0;
    while let Some(sample) = player.next(signal, plan.kept)? {
        let Some((at, until)) = place(&sample) else {
            continue;
        };
        end = end.max(until);
        if known.is_some_and(|d| at >= d) {
            continue;
        }
        let due = base + at;
        if due + TOO_LATE < clock.now().nseconds() {
            continue;
        }
        // A fault ends the wait early, and is taken up by the next pull.
        signal.wait_until(clock, due.saturating_sub(plan.lead));
        if signal.stopped() {
            return Ok(Round::Stopped);
        }
        deliver(sample, due);
    }
    Ok(if signal.stopped() {
        Round::Stopped
    } else {
        Round::End(end)
    })
}
