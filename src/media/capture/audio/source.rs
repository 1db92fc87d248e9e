//! Sound sources: a card, a file, the test tone. Each on a thread of its own, delivering blocks with capture times.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_audio as gst_audio;

use super::super::presence::Presence;
use super::super::test_source::Tone;
use super::super::worker::{Signal, Worker};
use super::super::{AudioInput, live, looped};
use super::feed::Block;
use crate::error::{Error, Kind, Result};
use crate::media::bus;
use crate::media::raw::FaultSink;
use crate::media::time::MediaClock;

/// Takes blocks on the source's thread. Must not block.
pub(super) type Deliver = Arc<dyn Fn(Block<'_>) + Send + Sync>;

const START_LIMIT: Duration = Duration::from_secs(6);
/// Blocks of the tone, and of silence between rounds of a file, ns.
const TONE_BLOCK: u64 = 10_000_000;
/// A file's samples are handed on this much before they are due, so that its loop is seamless, ns.
const FILE_LEAD: u64 = 150_000_000;

/// What people call a source, in sentences.
pub(super) fn name(input: &AudioInput) -> String {
    match input {
        AudioInput::Alsa { pcm, .. } => format!("sound card {pcm}"),
        AudioInput::Test => "test tone".to_owned(),
        AudioInput::File { path } => looped::name(path),
    }
}

/// What a source is, for status.
pub(super) fn description(input: &AudioInput) -> String {
    match input {
        AudioInput::Alsa { description, .. } => description.clone(),
        AudioInput::Test => "test tone, beep each second".to_owned(),
        AudioInput::File { .. } => format!("sound of {}", name(input)),
    }
}

/// What a source needs while it runs.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) input: AudioInput,
    pub(super) rate: u32,
    pub(super) channels: u32,
    pub(super) clock: MediaClock,
    pub(super) deliver: Deliver,
}

/// Starts a source and waits, with a bound, until it runs.
///
/// # Errors
/// One sentence on why it cannot be started.
pub(super) fn start(job: Job, ended: FaultSink) -> Result<Worker> {
    if let AudioInput::File { path } = &job.input {
        looped::check(path)?;
    }
    let name = name(&job.input);
    let (tell, started) = mpsc::sync_channel(1);
    let worker = Worker::spawn("capture-audio", Signal::default(), move |signal| {
        let began = std::cell::Cell::new(false);
        let outcome = run(&job, signal, &|| {
            began.set(true);
            let _ = tell.try_send(Ok(()));
        });
        match outcome {
            Err(e) if began.get() => ended(e.report().trim_end_matches('.').to_owned()),
            Err(e) => {
                let _ = tell.try_send(Err(e));
            }
            Ok(()) => {}
        }
    })?;
    match started.recv_timeout(START_LIMIT) {
        Ok(Ok(())) => Ok(worker),
        Ok(Err(e)) => Err(e),
        Err(_) => Err(Error::new(Kind::Timeout, format!("{name} does not start"))),
    }
}

fn run(job: &Job, signal: &Signal, started: &dyn Fn()) -> Result<()> {
    match &job.input {
        AudioInput::Test => {
            started();
            tone(job, signal);
            Ok(())
        }
        AudioInput::Alsa { pcm, .. } => {
            let pipeline = alsa(job, pcm)?;
            let deliver = job.deliver.clone();
            let channels = usize::try_from(job.channels).unwrap_or(1);
            let on_sample: live::OnSample = Arc::new(move |sample, pts| {
                if let Some(samples) = Samples::of(&sample, channels) {
                    deliver(samples.block(pts));
                }
            });
            live::run(&pipeline, &job.clock, signal, on_sample, started)
        }
        AudioInput::File { path } => {
            let plan = looped::Plan {
                path: path.clone(),
                kept: looped::Kept::Sound,
                chain: vec![bus::element("audioconvert")?],
                caps: caps(job, false),
                lead: FILE_LEAD,
            };
            let mut seam = Seam::default();
            looped::run(
                &plan,
                &job.clock,
                signal,
                &mut |s, pts| seam.samples(job, &s, pts),
                started,
            )
        }
    }
}

/// Channels of the largest card.
const CHANNELS_MAX: i32 = 64;
/// Rates that are asked of a source that cannot give the wanted one, best first; then whatever it has.
const RATES: [i32; 8] = [
    48_000, 44_100, 96_000, 88_200, 192_000, 32_000, 24_000, 22_050,
];

/// Floats at the wanted rate where the source can, else at its own: the output's resampler, which knows the place of every sample,
/// does the rest. (`audioresample` would hide the card's drift by counting samples itself.) Likewise the channels, where the
/// source keeps its own: `audioconvert` cannot bring down those of a card with ten inputs, for it is not told where they
/// belong; [`fit`] can.
fn caps(job: &Job, any_channels: bool) -> gst::Caps {
    let structure = |(rate, channels): (gst::glib::SendValue, gst::glib::SendValue)| {
        let mut structure = gst::Structure::builder("audio/x-raw")
            .field("format", gst_audio::AUDIO_FORMAT_F32.to_str().as_str())
            .field("layout", "interleaved")
            .build();
        structure.set_value("rate", rate);
        structure.set_value("channels", channels);
        structure
    };
    let range = |min, max| gst::IntRange::new(min, max).to_send_value();
    let mut channels = vec![int(job.channels).to_send_value()];
    if any_channels {
        channels.push(range(1, CHANNELS_MAX));
    }
    std::iter::once(int(job.rate))
        .chain(RATES)
        .map(|rate| rate.to_send_value())
        .chain([range(8000, 192_000)])
        .flat_map(|rate| channels.iter().map(move |c| (rate.clone(), c.clone())))
        .map(structure)
        .collect()
}

/// Interleaved samples with `have` channels as samples with `want` (1 or 2): one channel becomes two alike; of more, the first
/// two count, mixed to one where one is wanted.
fn fit(values: Vec<f32>, have: usize, want: usize) -> Vec<f32> {
    if have == want {
        return values;
    }
    values
        .chunks_exact(have.max(1))
        .flat_map(|frame| {
            let left = frame[0];
            let right = frame.get(1).copied().unwrap_or(left);
            let pair = if want == 1 {
                [(left + right) / 2.0; 2]
            } else {
                [left, right]
            };
            pair.into_iter().take(want)
        })
        .collect()
}

fn int(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// A card keeps its own clock: `alsasrc` only stamps what it reads with the media clock's time, and the drift is followed
/// by `drift.rs`. `alsasrc`'s own ways (`skew` drops and doubles whole periods) would be heard.
fn alsa(job: &Job, pcm: &str) -> Result<live::Pipeline> {
    let source = bus::element("alsasrc")?;
    source.set_property("device", pcm);
    source.set_property("provide-clock", false);
    source.set_property_from_str("slave-method", "re-timestamp");
    source.set_property("buffer-time", 100_000_i64);
    source.set_property("latency-time", 10_000_i64);
    let convert = bus::element("audioconvert")?;
    let sink = live::live_sink(&caps(job, true));
    // Sound must not be dropped where a picture may.
    sink.set_max_buffers(50);
    let pipeline = gst::Pipeline::new();
    bus::link(&pipeline, &[&source, &convert, sink.upcast_ref()])?;
    Ok(live::Pipeline {
        name: name(&job.input),
        pipeline,
        sink,
        ends: true,
        presence: Presence::card(pcm),
    })
}

/// The samples of a GStreamer sample.
struct Samples {
    rate: u32,
    channels: usize,
    marked: bool,
    values: Vec<f32>,
}

impl Samples {
    /// With `want` channels.
    fn of(sample: &gst::Sample, want: usize) -> Option<Self> {
        let structure = sample.caps()?.structure(0)?;
        let rate = u32::try_from(structure.get::<i32>("rate").ok()?).ok()?;
        let have = usize::try_from(structure.get::<i32>("channels").ok()?).ok()?;
        let buffer = sample.buffer()?;
        let map = buffer.map_readable().ok()?;
        let values = map
            .chunks_exact(4)
            .map(|b| f32::from_ne_bytes([b[0], b[1], b[2], b[3]]))
            .map(|v| if v.is_finite() { v } else { 0.0 })
            .collect();
        let marked = buffer.flags().contains(gst::BufferFlags::DISCONT);
        (rate > 0 && have > 0 && want > 0).then(|| Self {
            rate,
            channels: want,
            marked,
            values: fit(values, have, want),
        })
    }

    fn block(&self, at: u64) -> Block<'_> {
        Block {
            at,
            rate: self.rate,
            samples: &self.values,
            marked: self.marked,
        }
    }

    fn frames(&self) -> u64 {
        (self.values.len() / self.channels) as u64
    }
}

/// The seam of a looped file, where the sound track is a little shorter or longer than the picture: small gaps are filled with silence
/// and overlaps cut off, so that the samples are one unbroken line and stay in step with the picture.
#[derive(Default)]
struct Seam {
    /// Running time and rate at which the unbroken line began, and frames delivered since.
    line: Option<(u64, u32, u64)>,
}

impl Seam {
    /// Larger gaps begin a new line, ns.
    const MENDED: u64 = 500_000_000;

    fn samples(&mut self, job: &Job, sample: &gst::Sample, pts: u64) {
        if let Some(samples) = Samples::of(sample, usize::try_from(job.channels).unwrap_or(1)) {
            self.put(samples, pts, &*job.deliver);
        }
    }

    fn put(&mut self, mut samples: Samples, pts: u64, deliver: &dyn Fn(Block<'_>)) {
        samples.marked = false;
        let rate = samples.rate;
        let expected = self
            .line
            .filter(|l| l.1 == rate)
            .map(|l| l.0 + nanos(l.2, rate));
        let Some(expected) = expected.filter(|e| e.abs_diff(pts) < Self::MENDED) else {
            samples.marked = self.line.is_some();
            self.line = Some((pts, rate, samples.frames()));
            deliver(samples.block(pts));
            return;
        };
        // Rounding of timestamps is not a gap.
        if expected.abs_diff(pts) > 1_000_000 {
            if pts > expected {
                let missing = frames(pts - expected, rate);
                let silence = vec![0.0; missing * samples.channels];
                samples.values.splice(0..0, silence);
            } else {
                let double = frames(expected - pts, rate) * samples.channels;
                samples.values.drain(..double.min(samples.values.len()));
            }
        }
        if let Some(line) = &mut self.line {
            line.2 += samples.frames();
        }
        deliver(samples.block(expected));
    }
}

fn nanos(frames: u64, rate: u32) -> u64 {
    let ns = u128::from(frames) * 1_000_000_000 / u128::from(rate.max(1));
    u64::try_from(ns).unwrap_or(u64::MAX)
}

fn frames(ns: u64, rate: u32) -> usize {
    let n = (u128::from(ns) * u128::from(rate) + 500_000_000) / 1_000_000_000;
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// The test tone, in blocks on the grid of running time.
fn tone(job: &Job, signal: &Signal) {
    let tone = Tone::new(job.rate);
    let channels = usize::try_from(job.channels).unwrap_or(1);
    let block = u64::from(job.rate) * TONE_BLOCK / 1_000_000_000;
    let mut next = job.clock.now().nseconds() / TONE_BLOCK * block;
    while signal.wait_until(&job.clock, nanos(next + block, job.rate)) {
        let samples: Vec<f32> = (next..next + block)
            .flat_map(|n| std::iter::repeat_n(tone.sample(n), channels))
            .collect();
        (job.deliver)(Block {
            at: nanos(next, job.rate),
            rate: job.rate,
            samples: &samples,
            marked: false,
        });
        next += block;
        // After a sleep of the machine: from now on, rather than all that was missed.
        let now = job.clock.now().nseconds() / TONE_BLOCK * block;
        if now > next + u64::from(job.rate) {
            next = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn channels_are_doubled_mixed_or_left_out() {
        let two = vec![0.5, -0.25, 1.0, 0.0];
        assert_eq!(fit(two.clone(), 2, 2), two);
        assert_eq!(fit(vec![0.5, 1.0], 1, 2), [0.5, 0.5, 1.0, 1.0]);
        assert_eq!(fit(two, 2, 1), [0.125, 0.5]);
        let four = vec![0.1, 0.2, 0.9, 0.9, 0.3, 0.5, 0.9, 0.9];
        assert_eq!(fit(four.clone(), 4, 2), [0.1, 0.2, 0.3, 0.5]);
        assert_eq!(fit(four, 4, 1).len(), 2);
    }

    #[test]
    fn the_seam_of_a_loop_is_filled_or_cut() {
        let got = Mutex::new(Vec::new());
        let deliver = |b: Block<'_>| got.lock().unwrap().push((b.at, b.samples.len(), b.marked));
        let mut seam = Seam::default();
        let mut put = |pts_ms: u64, frames: usize| {
            let samples = Samples {
                rate: 48_000,
                channels: 2,
                marked: true,
                values: vec![0.5; frames * 2],
            };
            seam.put(samples, pts_ms * 1_000_000, &deliver);
        };
        put(0, 48_000);
        put(1020, 4800);
        put(1100, 4800);
        put(9000, 480);
        assert_eq!(
            *got.lock().unwrap(),
            [
                (0, 96_000, false),
                (1_000_000_000, 2 * (960 + 4800), false),
                (1_120_000_000, 2 * (4800 - 960), false),
                (9_000_000_000, 960, true),
            ]
        );
    }
}
