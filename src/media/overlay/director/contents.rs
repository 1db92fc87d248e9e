//! What each layer shows now: from stage, configuration, room and wall clock.

use std::time::Duration;

use jiff::Timestamp;

use super::{Director, Facts, Warning};
use crate::config::Corner;
use crate::device::stage::Layer;
use crate::media::overlay::layers::Content;
use crate::media::overlay::layers::time;
use crate::media::overlay::zones::ORDER;
use crate::media::raw::RawFormat;

impl Director {
    /// What is to be seen now, in the order in which zones are given out.
    pub(super) fn contents(
        &mut self,
        now: Duration,
        wall: Timestamp,
        format: RawFormat,
    ) -> Vec<(Content, Corner)> {
        let corner = |layer: Layer| match layer {
            Layer::Clock => self.overlay.clock_corner,
            Layer::Logo => {
                let own = self.stage.logo.as_ref().and_then(|l| l.corner);
                own.unwrap_or(self.overlay.logo_corner)
            }
            _ => Corner::TopLeft,
        };
        let corners = ORDER.map(|layer| (layer, corner(layer)));
        let all = corners.into_iter().filter(|(l, _)| self.stage.shows(*l));
        let all: Vec<_> = all.collect();
        all.into_iter()
            .filter_map(|(layer, corner)| Some((self.content(layer, now, wall, format)?, corner)))
            .collect()
    }

    fn content(
        &mut self,
        layer: Layer,
        now: Duration,
        wall: Timestamp,
        format: RawFormat,
    ) -> Option<Content> {
        let stage = &self.stage;
        let text = |s: &Option<String>| s.clone().filter(|s| !s.trim().is_empty());
        match layer {
            Layer::Clock => self.clock.as_ref().map(|c| Content::Clock(c.text(wall))),
            Layer::Logo => self.find_logo(now, format),
            Layer::Status => self.overlay.status.then(|| self.status()),
            Layer::Ticker => stage.ticker.clone().map(|t| Content::Ticker(t.text)),
            Layer::Banner => text(&stage.banner).map(Content::Banner),
            Layer::LowerThird => stage.lower_third.clone().map(Content::LowerThird),
            Layer::Poll => stage.poll.clone().map(Content::Poll),
            Layer::Product => stage.product.clone().map(Content::Product),
            Layer::Countdown => stage.countdown.as_ref().and_then(|c| {
                Some(Content::Countdown {
                    title: text(&c.title),
                    left: time::left(c, wall)?,
                })
            }),
            Layer::Alert => {
                let (id, alert) = self.alert.clone()?;
                Some(Content::Alert(id, alert))
            }
            Layer::Danmaku => None,
        }
    }

    fn find_logo(&mut self, now: Duration, format: RawFormat) -> Option<Content> {
        let short = format.width.min(format.height);
        let wanted = self.stage.logo.as_ref();
        let (look, told) = self.logo.look(&self.overlay, wanted, short, now);
        if let Err(e) = told {
            self.warn(Warning::Logo(e.report()));
        }
        look.map(Content::Logo)
    }

    fn status(&self) -> Content {
        let Facts { live, bitrate } = self.facts;
        let state = match live {
            0 => "NOT LIVE".to_owned(),
            1 => "LIVE".to_owned(),
            n => format!("LIVE ×{n}"),
        };
        let tenths = bitrate / 100_000;
        Content::Status {
            live: live > 0,
            text: format!("{state}  {}.{} Mbit/s", tenths / 10, tenths % 10),
        }
    }
}
