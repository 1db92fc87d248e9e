//! What could not be shown as it was wanted.

use std::fmt;

use crate::device::stage::Layer;

/// One thing that was left out or done otherwise; a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// No such time zone; the clock goes by the machine's.
    Zone(String),
    /// The clock cannot be written so; there is none.
    ClockFormat(String),
    /// The logo cannot be read; the one before stays.
    Logo(String),
    /// There are no fonts; nothing that is written can be seen.
    Fonts(String),
    /// There is no room for this layer.
    NoRoom {
        /// Which.
        layer: Layer,
        /// Pixels of the picture.
        width: u32,
        /// Pixels of the picture.
        height: u32,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zone(why) => write!(
                f,
                "overlay.zone is not known here, so the clock goes by the machine's zone: {why}"
            ),
            Self::ClockFormat(why) => {
                write!(
                    f,
                    "overlay.clock cannot be written, so there is no clock: {why}"
                )
            }
            Self::Logo(why) | Self::Fonts(why) => f.write_str(why),
            Self::NoRoom {
                layer,
                width,
                height,
            } => write!(
                f,
                "There is no room for {} on a picture of {width}x{height} beside what is there already.",
                name(*layer)
            ),
        }
    }
}

/// A layer as people call it.
fn name(layer: Layer) -> &'static str {
    match layer {
        Layer::Danmaku => "comments",
        Layer::Clock => "the clock",
        Layer::Logo => "the logo",
        Layer::Ticker => "the ticker",
        Layer::Banner => "the line of text",
        Layer::LowerThird => "the title",
        Layer::Poll => "the poll",
        Layer::Product => "the product",
        Layer::Countdown => "the countdown",
        Layer::Alert => "the alert",
        Layer::Status => "the status",
    }
}
