//! What is on the picture, when and where: joins what the owner wants ([`Stage`]), what the room wants ([`Output`]) and what the
//! box knows ([`Facts`]) to a [`Scene`]. Deterministic: time is an argument, and there is no thread here.
//!
//! ```text
//!   stage, facts, wall clock ──> contents ──> zones ──> sprites ──> ink ──┐
//!   alert of the room ─────────────┘                                      ├──> Scene { ink, motion }
//!   comments of the room ──> lanes (danmaku) ──> sprites ──> ink ─────────┘
//! ```
//!
//! A turn draws only what is new, and says nothing where nothing has changed. Motions are given once; the thread that brings
//! frames works out where everything is. What replaces something that is seen begins when that ends, in running time: frames are
//! behind by what the camera needs, and there must be none without either.

mod arrange;
mod cast;
mod contents;
mod warning;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::canvas::{Placed, Scene};
use super::danmaku::{Counts, Field};
use super::layers::Content;
use super::layers::comments::Comments;
use super::layers::logo::LogoSource;
use super::layers::ticker::Running;
use super::layers::time::{self, Clock, Fault};
use super::motion::Rect;
use super::text::Letters;
use super::zones::{Page, Zones};
use crate::config::{Corner, DanmakuConfig, OverlayConfig};
use crate::device::stage::{Layer, Stage};
use crate::media::raw::RawFormat;
use crate::room::item::{Alert, ItemId, Output};
use cast::Cast;
pub use warning::Warning;

/// What the corner for rehearsals shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    /// Servers that take the stream now.
    pub live: u32,
    /// What the encoder makes, bit/s.
    pub bitrate: u32,
}

/// See the module.
#[derive(Debug)]
pub struct Director {
    overlay: OverlayConfig,
    danmaku: DanmakuConfig,
    clock: Option<Clock>,
    logo: LogoSource,
    stage: Stage,
    facts: Facts,
    alert: Option<(ItemId, Alert)>,
    format: Option<RawFormat>,
    /// `None` until something is written for the first time.
    letters: Option<Letters>,
    no_letters: bool,
    cast: Cast,
    zones: Zones,
    wanted: Vec<(Content, Corner)>,
    ticker: Option<Running>,
    comments: Comments,
    /// Comments of the room are taken in with the time of the next turn.
    offered: Vec<Output>,
    /// Something has to be looked at in the next turn.
    stale: bool,
    due: Option<Duration>,
    warned: BTreeSet<String>,
    warnings: Vec<Warning>,
}

impl Director {
    /// Nothing is on the picture but what the configuration says.
    #[must_use]
    pub fn new(overlay: &OverlayConfig, danmaku: &DanmakuConfig) -> Self {
        let (clock, faults) = Clock::new(&overlay.clock, &overlay.zone);
        let mut director = Self {
            clock,
            logo: LogoSource::new(overlay),
            stage: Stage::default(),
            facts: Facts::default(),
            alert: None,
            format: None,
            letters: None,
            no_letters: false,
            cast: Cast::default(),
            zones: Zones::new(Page::new(0, 0, 0)),
            wanted: Vec::new(),
            ticker: None,
            comments: Comments::new(danmaku),
            offered: Vec::new(),
            stale: true,
            due: None,
            warned: BTreeSet::new(),
            warnings: Vec::new(),
            overlay: overlay.clone(),
            danmaku: danmaku.clone(),
        };
        for fault in faults {
            director.warn(match fault {
                Fault::Zone(why) => Warning::Zone(why),
                Fault::Format(why) => Warning::ClockFormat(why),
            });
        }
        director
    }

    /// Shows what the owner wants from the next turn on.
    pub fn stage(&mut self, stage: Stage) {
        if stage.panic {
            self.offered.clear();
        }
        self.stage = stage;
        self.stale = true;
    }

    /// Takes what the room wants; while panic holds only what takes something away.
    pub fn put(&mut self, output: Output) {
        match output {
            Output::Comment(..) if self.stage.panic => return,
            Output::Alert(alert) => self.alert = alert.filter(|_| !self.stage.panic),
            Output::Clear => {
                self.offered.clear();
                self.alert = None;
                self.cast.drop_audience();
                self.comments.clear();
            }
            other => self.offered.push(other),
        }
        self.stale = true;
    }

    /// Takes what the box knows.
    pub fn facts(&mut self, facts: Facts) {
        if self.facts != facts {
            self.facts = facts;
            self.stale |= self.overlay.status;
        }
    }

    /// Whether [`Facts`] are seen: else nobody needs to gather them.
    #[must_use]
    pub fn wants_facts(&self) -> bool {
        self.overlay.status && self.stage.shows(Layer::Status)
    }

    /// Brings the picture up to `now` (running time; `wall` is the same moment by the clock on the wall) for frames of `format`;
    /// `None`: nothing has changed, the scene before goes on.
    pub fn turn(&mut self, now: Duration, wall: Timestamp, format: RawFormat) -> Option<Scene> {
        let t = nanoseconds(now);
        let mut changed = self.resize(now, format);
        if self.stage.panic {
            changed |= self.cast.drop_audience();
            changed |= !self.comments.is_idle();
            self.comments.clear();
            self.alert = None;
        }
        let wanted = self.contents(now, wall, format);
        if wanted != self.wanted || changed || self.stale {
            changed |= self.arrange(wanted, t, format);
        }
        changed |= self.turn_comments(now, format);
        changed |= self.cast.forget(t);
        changed |= self.cast.run_ticker(self.ticker.as_ref(), t);
        self.stale = false;
        self.due = self.work_out_next(now, wall, t);
        changed.then(|| self.scene(format, |_| true))
    }

    /// When the next turn is due, running time; `None`: not before something is put in.
    #[must_use]
    pub fn next(&self) -> Option<Duration> {
        if self.stale {
            return Some(Duration::ZERO);
        }
        self.due
    }

    /// The scene of the last turn without anything of the audience.
    #[must_use]
    pub fn without_audience(&self) -> Option<Scene> {
        let format = self.format?;
        Some(self.scene(format, |layer| !layer.is_of_the_audience()))
    }

    /// What stands where, and what did not find a place is not there. Comments are not among them.
    #[must_use]
    pub fn places(&self) -> &[(Layer, Rect)] {
        self.zones.taken()
    }

    /// What is to be seen at `at` within the picture, comments and what is on its way in or out included.
    #[must_use]
    pub fn seen(&self, at: Duration) -> Vec<(Layer, Rect)> {
        let page = self.zones.page();
        let picture = Rect {
            x: 0,
            y: 0,
            width: page.width,
            height: page.height,
        };
        let comments = self.comments.placed().map(|p| (Layer::Danmaku, p));
        let layers = Layer::ALL.into_iter();
        let others = layers.flat_map(|l| self.cast.placed(l).map(move |p| (l, p)));
        let rect = |p: &Placed| {
            let at = p.motion.at(nanoseconds(at))?;
            let own = p.ink.rect(at.x, at.y).common(&picture)?;
            p.clip.map_or(Some(own), |clip| own.common(&clip))
        };
        comments
            .chain(others)
            .filter_map(|(layer, placed)| Some((layer, rect(&placed)?)))
            .collect()
    }

    /// What became of the room's comments.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.comments.counts()
    }

    /// Comments of a usual length that the lanes hold, 1/s; 0 where none are drawn.
    #[must_use]
    pub fn capacity_per_s(&self) -> f64 {
        self.comments.capacity_per_s()
    }

    /// What could not be shown as it was wanted, since the last call; the same thing is told once.
    pub fn warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }

    fn warn(&mut self, warning: Warning) {
        // Bounded: products and banners with ever new faults may come for years.
        if self.warned.len() > 500 {
            self.warned.clear();
        }
        if self.warned.insert(warning.to_string()) {
            self.warnings.push(warning);
        }
    }

    /// Another size or layout: nothing that was made for the one before can be used.
    fn resize(&mut self, now: Duration, format: RawFormat) -> bool {
        if self.format == Some(format) {
            return false;
        }
        self.format = Some(format);
        self.cast = Cast::default();
        self.ticker = None;
        self.comments.begin_anew(now);
        self.stale = true;
        true
    }

    /// The fonts, found when something is written for the first time.
    fn load_letters(&mut self) {
        if self.letters.is_some() || self.no_letters {
            return;
        }
        let fonts = &self.overlay.fonts;
        let folder = (!fonts.as_os_str().is_empty()).then_some(fonts.as_path());
        let family = Some(self.overlay.font.as_str()).filter(|f| !f.is_empty());
        match Letters::load(folder, family) {
            Ok(letters) => self.letters = Some(letters),
            Err(e) => {
                self.no_letters = true;
                self.warn(Warning::Fonts(e.report()));
            }
        }
    }

    fn turn_comments(&mut self, now: Duration, format: RawFormat) -> bool {
        let mut config = self.stage.danmaku.over(&self.danmaku);
        config.enabled &= self.stage.shows(Layer::Danmaku);
        self.comments.set(config, now);
        self.comments.lay_out(self.field(format), now);
        for output in std::mem::take(&mut self.offered) {
            match output {
                Output::Comment(id, comment) => self.comments.offer(id, comment, now),
                Output::Withdraw(id) => self.comments.withdraw(id),
                Output::Alert(_) | Output::Clear => {}
            }
        }
        if self.comments.is_idle() {
            return false;
        }
        self.load_letters();
        let Some(letters) = &mut self.letters else {
            self.comments.clear();
            return false;
        };
        self.comments.turn(now, format.pixel, letters)
    }

    /// Comments keep clear of what the owner shows. Of what stands in the corners only while that leaves them most of their
    /// area; else they pass below it.
    fn field(&self, format: RawFormat) -> Field {
        let page = self.zones.page();
        let percent = self.stage.danmaku.over(&self.danmaku).area_percent;
        let area = u64::from(format.height) * u64::from(percent) / 100;
        let of_corners = super::zones::in_corner;
        let corners = self.zones.taken().iter().filter(|(l, _)| of_corners(*l));
        let deep = |r: &Rect| u64::try_from(r.bottom()).unwrap_or_default();
        let at_top = |r: &Rect| deep(r) * 2 < u64::from(format.height);
        let ceiling = corners.map(|(_, r)| r).filter(|r| at_top(r)).map(deep);
        let pass_below = ceiling.max().is_some_and(|deep| deep * 5 > area * 2);
        let keep_clear = self.zones.taken().iter().filter(|(layer, _)| {
            let passed = matches!(layer, Layer::Alert | Layer::Countdown)
                || (pass_below && of_corners(*layer));
            !passed
        });
        Field {
            width: format.width,
            height: format.height,
            safe: u32::try_from(page.safe.y).unwrap_or_default(),
            keep_clear: keep_clear.map(|(_, rect)| *rect).collect(),
        }
    }

    fn scene(&self, format: RawFormat, shows: impl Fn(Layer) -> bool) -> Scene {
        let mut placed: Vec<Placed> = Vec::new();
        if shows(Layer::Danmaku) {
            placed.extend(self.comments.placed());
        }
        for layer in Layer::ALL.into_iter().filter(|l| shows(*l)) {
            placed.extend(self.cast.placed(layer));
        }
        Scene { format, placed }
    }

    fn work_out_next(&self, now: Duration, wall: Timestamp, t: u64) -> Option<Duration> {
        let shown = |layer| self.stage.shows(layer);
        let clock = self.clock.as_ref().filter(|_| shown(Layer::Clock));
        let clock = clock.map(|c| now + c.stays(wall));
        let counting = (self.stage.countdown.as_ref())
            .filter(|_| shown(Layer::Countdown))
            .and_then(|c| time::left(c, wall));
        let countdown = counting.map(|_| now + time::until_second(wall));
        let logo = self.logo.next().filter(|_| shown(Layer::Logo));
        let ticker = self
            .ticker
            .as_ref()
            .map(|r| Duration::from_nanos(r.next(t)));
        let all = [
            clock,
            countdown,
            logo,
            ticker,
            self.cast.next(),
            self.comments.next(),
        ];
        all.into_iter().flatten().min()
    }
}

pub(super) fn nanoseconds(t: Duration) -> u64 {
    u64::try_from(t.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "director_tests.rs"]
mod tests;
