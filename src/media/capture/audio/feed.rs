//! Samples of sources in, blocks on the media clock out. Pure.
//!
//! Each unbroken run of samples is a [`Feed`] with a line of its own ([`Drift`]). A source that is opened again, or jumps, begins
//! the next feed; the one before is played to its end. Where no feed has a sample for an instant there is silence, and
//! every edge is faded over 5 ms by [`Fader`].

use std::collections::VecDeque;

use super::drift::{Drift, Reader, Verdict};
use super::resample::{BACK, Kernel, TAPS};

/// Seconds of samples that a feed keeps: the largest delay, and what the output lags behind.
const KEEP_S: u32 = 4;
/// Feeds kept at most: a source that jumps all the time.
const FEEDS: usize = 4;
/// Channels at most.
pub(super) const CHANNELS: usize = 2;
/// A frame; mono uses the first.
pub(super) type Frame = [f32; CHANNELS];

/// A block of interleaved samples as a source delivers it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block<'a> {
    /// Running time of the capture of the first sample, ns.
    pub(super) at: u64,
    /// Nominal samples per second.
    pub(super) rate: u32,
    /// Interleaved, with the channels of the output.
    pub(super) samples: &'a [f32],
    /// The source says that something is missing before it.
    pub(super) marked: bool,
}

#[derive(Debug)]
struct Feed {
    rate: u32,
    channels: usize,
    drift: Drift,
    reader: Reader,
    kernel: Kernel,
    /// Samples from frame `first` on, counted with [`BACK`] frames of silence before the first real one, so that the kernel finds
    /// something to the left of it. `cut` frames at the front of the vector are used up.
    samples: Vec<f32>,
    first: usize,
    cut: usize,
    closed: bool,
}

/// What a feed has for an instant.
enum Found {
    Frame(Frame),
    /// Not (yet, or any more) there.
    Nothing,
    /// The instant is after the end of a feed that is closed.
    Over,
}

impl Feed {
    fn new(block: &Block<'_>, out_rate: u32, channels: usize, like: Option<&Self>) -> Self {
        let same = like.filter(|l| l.rate == block.rate);
        Self {
            rate: block.rate,
            channels,
            drift: Drift::new(block.rate, block.at, same.map(|l| &l.drift)),
            reader: Reader::default(),
            kernel: same.map_or_else(|| Kernel::new(block.rate, out_rate), |l| l.kernel.clone()),
            samples: vec![0.0; BACK * channels],
            first: 0,
            cut: 0,
            closed: false,
        }
    }

    /// Takes a block; false when it does not go on from the one before.
    fn push(&mut self, block: &Block<'_>) -> bool {
        let frames = block.samples.len() / self.channels;
        if self.drift.block(block.at, frames, block.marked) == Verdict::Jumps {
            return false;
        }
        self.samples
            .extend_from_slice(&block.samples[..frames * self.channels]);
        let keep = usize::try_from(self.rate.saturating_mul(KEEP_S)).unwrap_or(usize::MAX);
        let held = self.samples.len() / self.channels - self.cut;
        let old = held.saturating_sub(keep);
        self.cut += old;
        self.first += old;
        // Moves the rest down only now and then, so that it costs a copy per sample at most.
        if self.cut > keep / 2 {
            self.samples.drain(..self.cut * self.channels);
            self.cut = 0;
        }
        true
    }

    fn steer(&mut self, t: f64, out_rate: u32) -> bool {
        let step = self.drift.step(out_rate);
        self.reader.steer(self.drift.index_at(t), step, out_rate)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be at least 0"
    )]
    fn next(&mut self) -> Found {
        let at = self.reader.advance(1.0);
        if at < 0.0 {
            return Found::Nothing;
        }
        // Frame `at` of the source is `at + BACK` here, and the kernel begins `BACK` before it.
        let left = at as usize;
        let have = self.samples.len() / self.channels - self.cut;
        if left + TAPS > self.first + have {
            return if self.closed {
                Found::Over
            } else {
                Found::Nothing
            };
        }
        let Some(from) = left.checked_sub(self.first) else {
            return Found::Nothing;
        };
        let begin = (self.cut + from) * self.channels;
        let window = &self.samples[begin..begin + TAPS * self.channels];
        let weights = self.kernel.weights(at - at.floor());
        let mut frame = [0.0; CHANNELS];
        for (channel, value) in frame.iter_mut().enumerate().take(self.channels) {
            *value = Kernel::apply(&weights, window, channel, self.channels);
        }
        Found::Frame(frame)
    }
}

/// Fades whatever begins, ends or jumps, over 5 ms.
#[derive(Debug)]
struct Fader {
    step: f32,
    gain: f32,
    sounding: bool,
    last: Frame,
    tail: Frame,
    tail_gain: f32,
}

impl Fader {
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    fn new(rate: u32) -> Self {
        Self {
            step: 200.0 / rate.max(200) as f32,
            gain: 0.0,
            sounding: false,
            last: [0.0; CHANNELS],
            tail: [0.0; CHANNELS],
            tail_gain: 0.0,
        }
    }

    /// The sound breaks here: what was last heard dies away while the new fades in.
    fn cut(&mut self) {
        self.tail = self.last;
        self.tail_gain = 1.0;
        self.gain = 0.0;
    }

    fn frame(&mut self, frame: Option<Frame>) -> Frame {
        if frame.is_some() != self.sounding {
            self.sounding = frame.is_some();
            self.cut();
        }
        if self.sounding {
            self.gain = (self.gain + self.step).min(1.0);
        }
        self.tail_gain = (self.tail_gain - self.step).max(0.0);
        let frame = frame.unwrap_or_default();
        self.last = std::array::from_fn(|c| frame[c] * self.gain + self.tail[c] * self.tail_gain);
        self.last
    }
}

/// All feeds and the one output.
#[derive(Debug)]
pub(super) struct Feeds {
    rate: u32,
    channels: usize,
    feeds: VecDeque<Feed>,
    fader: Fader,
    delay: f64,
    /// Changed delay that is not yet applied, ns.
    shift: f64,
}

impl Feeds {
    pub(super) fn new(rate: u32, channels: usize, delay_ns: u64) -> Self {
        Self {
            rate,
            channels: channels.clamp(1, CHANNELS),
            feeds: VecDeque::new(),
            fader: Fader::new(rate),
            delay: delay_ns as f64,
            shift: 0.0,
        }
    }

    /// Takes samples of the open source.
    pub(super) fn push(&mut self, block: &Block<'_>) {
        let continues = match self.feeds.back_mut() {
            Some(feed) if !feed.closed && feed.rate == block.rate => feed.push(block),
            _ => false,
        };
        if !continues {
            self.close();
            let mut feed = Feed::new(block, self.rate, self.channels, self.feeds.back());
            feed.push(block);
            self.feeds.push_back(feed);
            while self.feeds.len() > FEEDS {
                self.feeds.pop_front();
            }
        }
    }

    /// The source is closed: what it delivered is played, then there is silence.
    pub(super) fn close(&mut self) {
        if let Some(feed) = self.feeds.back_mut() {
            feed.closed = true;
        }
    }

    /// Sound later by `delay_ns` than captured.
    pub(super) fn set_delay(&mut self, delay_ns: u64) {
        let delay = delay_ns as f64;
        self.shift += delay - self.delay;
        self.delay = delay;
    }

    /// Rate error of the open source in ppm, when there is one.
    pub(super) fn ppm(&self) -> Option<f32> {
        self.feeds
            .back()
            .filter(|f| !f.closed)
            .map(|f| f.drift.ppm())
    }

    /// Fills `out` with the frames from running time `t` ns on.
    pub(super) fn fill(&mut self, t: f64, out: &mut [Frame]) {
        let period = 1e9 / f64::from(self.rate);
        self.steer(t);
        for (n, slot) in out.iter_mut().enumerate() {
            let frame = self.next(t + n as f64 * period);
            *slot = self.fader.frame(frame);
        }
    }

    fn steer(&mut self, t: f64) {
        let shift = std::mem::take(&mut self.shift);
        let (delay, rate) = (self.delay, self.rate);
        let Some(feed) = self.feeds.front_mut() else {
            return;
        };
        if shift != 0.0 {
            feed.reader.shift(-shift * 1e-9 * f64::from(feed.rate));
            self.fader.cut();
        }
        if feed.steer(t - delay, rate) {
            self.fader.cut();
        }
    }

    fn next(&mut self, t: f64) -> Option<Frame> {
        loop {
            match self.feeds.front_mut()?.next() {
                Found::Frame(frame) => return Some(frame),
                Found::Nothing => return None,
                Found::Over => {
                    self.feeds.pop_front();
                    self.fader.cut();
                    self.steer(t);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
