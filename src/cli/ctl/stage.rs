//! `boothcast ctl`: what the owner puts on the picture.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::{ToSpan, Zoned};

use super::values::{self, End};
use crate::cli::outcome::Trouble;
use crate::config::{Corner, Rgb};
use crate::device::command::Command;
use crate::device::stage::{self, Choice, DanmakuChange, MAX_PICTURE, Picture};
use crate::media::overlay::kit::picture as decode;

/// `ctl lower-third`.
#[derive(Debug, Args)]
pub struct LowerThird {
    /// The large line, 1 to 60 characters.
    #[arg(required_unless_present = "off")]
    pub name: Option<String>,
    /// The small line, 1 to 100 characters.
    pub line: Option<String>,
    /// Until it goes by itself, 1 to 86400; without: it stays until --off
    #[arg(long, value_name = "SECONDS")]
    pub seconds: Option<u32>,
    /// Take it off
    #[arg(long, conflicts_with_all = ["name", "line", "seconds"])]
    pub off: bool,
}

/// `ctl ticker`.
#[derive(Debug, Args)]
pub struct Ticker {
    /// 1 to 500 characters.
    #[arg(required_unless_present = "off")]
    pub text: Option<String>,
    /// Take it off
    #[arg(long, conflicts_with = "text")]
    pub off: bool,
}

/// `ctl countdown`.
#[derive(Debug, Args)]
pub struct Countdown {
    /// How long, such as 90, 5m or 1h30m; or until when by this machine's clock, such as 20:15.
    #[arg(required_unless_present = "off", value_parser = values::end)]
    pub end: Option<End>,
    /// What begins, 1 to 60 characters.
    pub title: Option<String>,
    /// Take it off
    #[arg(long, conflicts_with_all = ["end", "title"])]
    pub off: bool,
}

/// `ctl product`.
#[derive(Debug, Subcommand)]
pub enum Product {
    /// Show a product.
    Pin(Box<Pin>),
    /// Take it off.
    Unpin,
}

/// `ctl product pin`.
#[derive(Debug, Args)]
pub struct Pin {
    /// 1 to 80 characters.
    pub name: String,
    /// As it is shown, such as "19.90 €", 1 to 24 characters.
    pub price: String,
    /// The former price, shown crossed out, 1 to 24 characters
    #[arg(long, value_name = "PRICE")]
    pub old_price: Option<String>,
    /// How many are left
    #[arg(long, value_name = "N")]
    pub stock: Option<u32>,
    /// Where it is sold, http or https, at most 200 bytes: a QR code is made of it
    #[arg(long)]
    pub url: Option<String>,
    /// PNG or JPEG, at most 128 KiB (over MQTT: 45 KiB)
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub picture: Option<PathBuf>,
}

/// `ctl poll`.
#[derive(Debug, Subcommand)]
pub enum Poll {
    /// Show a poll, or its new numbers.
    Show(PollShow),
    /// Take it off.
    Hide,
}

/// `ctl poll show`.
#[derive(Debug, Args)]
pub struct PollShow {
    /// 1 to 100 characters.
    pub question: String,
    /// 2 to 10 choices with their votes, such as Tea=12; without a number: 0.
    #[arg(required = true, value_name = "CHOICE=VOTES", value_parser = values::choice)]
    pub choices: Vec<Choice>,
    /// Votes are counted no more: the winner is shown
    #[arg(long)]
    pub closed: bool,
    /// Keep the votes hidden for now
    #[arg(long)]
    pub hidden: bool,
}

/// `ctl logo`.
#[derive(Debug, Args)]
pub struct Logo {
    /// PNG with transparency, at most 128 KiB (over MQTT: 45 KiB); without: the one that there is.
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub picture: Option<PathBuf>,
    /// Where: top-left, top-right, bottom-left or bottom-right
    #[arg(long, value_parser = values::word::<Corner>)]
    pub corner: Option<Corner>,
    /// Height, per cent of the picture's shorter side, 1 to 50
    #[arg(long)]
    pub percent: Option<f32>,
    /// How much of it is seen, per cent, 1 to 100
    #[arg(long, value_name = "PERCENT")]
    pub opacity: Option<u32>,
    /// Forget the logo that was set so, and show none
    #[arg(long, conflicts_with_all = ["picture", "corner", "percent", "opacity"])]
    pub off: bool,
}

/// `ctl layer`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Layer {
    /// Show it again.
    Show {
        /// danmaku, clock, logo, ticker, banner, lower-third, poll, product, countdown, alert or status.
        #[arg(value_parser = values::word::<stage::Layer>)]
        layer: stage::Layer,
    },
    /// Hide it until it is shown again.
    Hide {
        /// danmaku, clock, logo, ticker, banner, lower-third, poll, product, countdown, alert or status.
        #[arg(value_parser = values::word::<stage::Layer>)]
        layer: stage::Layer,
    },
}

/// `ctl danmaku-set`.
#[derive(Debug, Args)]
pub struct DanmakuSet {
    /// Whether comments are drawn at all: on or off
    #[arg(long, value_name = "ON|OFF", value_parser = values::on_off)]
    pub enabled: Option<bool>,
    /// Time in which a comment crosses the picture, s, 2 to 30
    #[arg(long, value_name = "SECONDS")]
    pub crossing: Option<f32>,
    /// Height of letters, per cent of the picture's shorter side, 2 to 15
    #[arg(long, value_name = "PERCENT")]
    pub size: Option<f32>,
    /// Lanes, 0 to 40; 0: as many as the area holds
    #[arg(long, value_name = "N")]
    pub lanes: Option<u32>,
    /// Share of the picture's height in which comments run, per cent, 10 to 100
    #[arg(long, value_name = "PERCENT")]
    pub area: Option<u32>,
    /// How much of a comment is seen, per cent, 10 to 100
    #[arg(long, value_name = "PERCENT")]
    pub opacity: Option<u32>,
    /// Colour of what viewers say
    #[arg(long, value_name = "#RRGGBB")]
    pub colour_text: Option<Rgb>,
    /// Colour of what the staff say
    #[arg(long, value_name = "#RRGGBB")]
    pub colour_staff: Option<Rgb>,
    /// Colour of questions
    #[arg(long, value_name = "#RRGGBB")]
    pub colour_question: Option<Rgb>,
    /// Colour of what was paid for
    #[arg(long, value_name = "#RRGGBB")]
    pub colour_paid: Option<Rgb>,
    /// Forget what was changed before: as configured, but for what is given beside
    #[arg(long)]
    pub reset: bool,
}

/// `ctl panic`.
#[derive(Debug, Clone, Copy, Args)]
pub struct Panic {
    /// Show the audience again
    #[arg(long)]
    pub off: bool,
}

impl LowerThird {
    pub(super) fn command(&self) -> Command {
        Command::LowerThird {
            name: self.name.clone(),
            line: self.line.clone(),
            seconds: self.seconds,
        }
    }
}

impl Countdown {
    /// By what the clock of this machine says `now`.
    pub(super) fn command(&self, now: &Zoned) -> Result<Command, Trouble> {
        let (seconds, until) = match self.end {
            None => (None, None),
            Some(End::After(seconds)) => (Some(seconds), None),
            Some(End::At(hour, minute)) => (None, Some(next(now, hour, minute)?)),
        };
        Ok(Command::Countdown {
            title: self.title.clone(),
            seconds,
            until,
            now: None,
        })
    }
}

/// When the clock shows this next, in seconds since 1970-01-01 UTC.
fn next(now: &Zoned, hour: i8, minute: i8) -> Result<i64, Trouble> {
    let on = |day: &Zoned| {
        let at = day.with().hour(hour).minute(minute).second(0);
        at.subsec_nanosecond(0).build()
    };
    let found = on(now).and_then(|today| {
        if today > *now {
            Ok(today)
        } else {
            on(&now.checked_add(1.day())?)
        }
    });
    let wrong = |e: jiff::Error| Trouble::Usage(format!("{hour:02}:{minute:02} is no time: {e}."));
    Ok(found.map_err(wrong)?.timestamp().as_second())
}

impl Product {
    pub(super) fn command(&self) -> Result<Command, Trouble> {
        let Self::Pin(pin) = self else {
            return Ok(Command::ProductUnpin);
        };
        Ok(Command::ProductPin(stage::Product {
            name: pin.name.clone(),
            price: pin.price.clone(),
            old_price: pin.old_price.clone(),
            stock: pin.stock,
            url: pin.url.clone(),
            picture: pin.picture.as_deref().map(read).transpose()?,
        }))
    }
}

impl Poll {
    pub(super) fn command(&self) -> Command {
        let Self::Show(poll) = self else {
            return Command::PollHide;
        };
        Command::PollShow(stage::Poll {
            question: poll.question.clone(),
            choices: poll.choices.clone(),
            open: !poll.closed,
            hidden: poll.hidden,
        })
    }
}

impl Logo {
    pub(super) fn command(&self) -> Result<Command, Trouble> {
        Ok(Command::Logo {
            off: self.off,
            logo: stage::Logo {
                picture: self.picture.as_deref().map(read).transpose()?,
                corner: self.corner,
                percent: self.percent,
                opacity: self.opacity,
            },
        })
    }
}

impl Layer {
    pub(super) fn command(self) -> Command {
        match self {
            Self::Show { layer } => Command::LayerShow { layer },
            Self::Hide { layer } => Command::LayerHide { layer },
        }
    }
}

impl DanmakuSet {
    pub(super) fn command(&self) -> Command {
        Command::DanmakuSet {
            reset: self.reset,
            change: DanmakuChange {
                enabled: self.enabled,
                crossing_s: self.crossing,
                size_percent: self.size,
                lanes: self.lanes,
                area_percent: self.area,
                opacity: self.opacity,
                colour_text: self.colour_text,
                colour_staff: self.colour_staff,
                colour_question: self.colour_question,
                colour_paid: self.colour_paid,
            },
        }
    }
}

/// A picture that the box can draw: what is wrong with it is said here, before anything is sent.
fn read(file: &Path) -> Result<Picture, Trouble> {
    let wrong = |what: String| Trouble::Usage(format!("{}: {what}", file.display()));
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|f| f.take(MAX_PICTURE as u64 + 1).read_to_end(&mut bytes))
        .map_err(|e| wrong(format!("{e}.")))?;
    let picture = Picture::new(&bytes).map_err(|e| wrong(format!("it {e}.")))?;
    decode(&bytes).map_err(|e| wrong(e.report()))?;
    Ok(picture)
}

#[cfg(test)]
#[path = "stage_tests.rs"]
mod tests;
