//! `[overlay]`, `[danmaku]`, `[moderation]` and `[room]`: what is drawn on the picture, how comments of the audience run
//! over it, and what keeps them decent.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::build::Merged;
use super::problems::Problems;
use super::types::RoomName;

/// A colour, written `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rgb(pub [u8; 3]);

impl FromStr for Rgb {
    /// One clause that says what is wrong, without the value.
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let digits = s.strip_prefix('#').unwrap_or_default();
        if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err("must be written as #rrggbb, such as #ff8800".into());
        }
        let number = u32::from_str_radix(digits, 16).unwrap_or_default();
        let [_, r, g, b] = number.to_be_bytes();
        Ok(Self([r, g, b]))
    }
}

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

impl Serialize for Rgb {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rgb {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Rgb {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rgb".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^#[0-9a-fA-F]{6}$"})
    }
}

/// A corner of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Corner {
    /// Top left.
    TopLeft,
    /// Top right.
    TopRight,
    /// Bottom left.
    BottomLeft,
    /// Bottom right.
    BottomRight,
}

/// `[overlay]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverlayConfig {
    /// Folder of fonts, searched before those of the system; empty: those of the system alone.
    pub fonts: PathBuf,
    /// Family of all letters that it has; empty: by script.
    pub font: String,
    /// Share of the picture at each side that stays free, per cent of its size.
    pub safe_percent: u32,
    /// Clock and date as a `strftime` format; empty: none.
    pub clock: String,
    /// IANA time zone of clock and countdown, such as `Europe/Berlin`; empty: the machine's.
    pub zone: String,
    /// Where the clock stands.
    pub clock_corner: Corner,
    /// PNG with alpha; empty: none. A changed file is loaded anew.
    pub logo: PathBuf,
    /// Where the logo stands.
    pub logo_corner: Corner,
    /// Height of the logo, per cent of the picture's shorter side.
    pub logo_percent: f32,
    /// How much of the logo is seen, per cent.
    pub logo_opacity: u32,
    /// The corner with recording and bitrate, for rehearsals.
    pub status: bool,
}

/// `[danmaku]`: how comments run over the picture. All of it can be changed live.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DanmakuConfig {
    /// Whether comments are drawn at all.
    pub enabled: bool,
    /// Time in which a comment crosses the picture, s.
    pub crossing_s: f32,
    /// Height of letters, per cent of the picture's shorter side.
    pub size_percent: f32,
    /// Lanes; 0: as many as the area holds.
    pub lanes: u32,
    /// Share of the picture's height from its top in which comments run, per cent.
    pub area_percent: u32,
    /// How much of a comment is seen, per cent.
    pub opacity: u32,
    /// Time for which a comment that is fixed at the top or the bottom stays, s.
    pub fixed_s: f32,
    /// Colour of what viewers say.
    pub colour_text: Rgb,
    /// Colour of what the staff say.
    pub colour_staff: Rgb,
    /// Colour of questions.
    pub colour_question: Rgb,
    /// Colour of what was paid for.
    pub colour_paid: Rgb,
    /// Comments that wait for a lane.
    pub queue: u32,
    /// A comment that has waited for so long is not drawn any more, s.
    pub ttl_s: f32,
    /// Equal comments within this time become one with `×N`, s; 0: never.
    pub merge_s: f32,
}

/// When the text of the audience comes onto the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ModerationMode {
    /// Only what somebody approves.
    Hold,
    /// After a while in which it can be undone.
    Delay,
    /// At once.
    Free,
}

/// `[moderation]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModerationConfig {
    /// When text comes onto the picture.
    pub mode: ModerationMode,
    /// The while of [`ModerationMode::Delay`], s.
    pub delay_s: f32,
    /// Words that are not shown, commas between them.
    pub words: String,
    /// File with such words, one to a line; empty: none.
    pub words_file: PathBuf,
    /// Whether text with a link is shown.
    pub links: bool,
    /// Longest text on the picture, graphemes.
    pub max_graphemes: u32,
    /// The same text of the same author is refused for so long, s; 0: never.
    pub repeat_s: f32,
    /// Most comments of one author, 1/s, in the long run.
    pub author_per_s: f32,
    /// Time constant of the logistic refill, s.
    pub author_tau_s: f32,
    /// Comments that an author who was silent may send at once.
    pub author_burst: f32,
    /// Whether who goes on sending while refused waits longer (the centred form).
    pub author_suppress: bool,
}

/// `[room]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoomConfig {
    /// Name in the topics of bridges; `None`: the box's own id.
    pub name: Option<RoomName>,
    /// Whether bridges are heard over MQTT.
    pub bridges: bool,
    /// Comments drawn on the picture, 1/s at most; the lanes may hold fewer.
    pub max_drawn_per_s: f32,
}

pub(super) fn overlay(m: &Merged) -> Result<OverlayConfig, Problems> {
    Ok(OverlayConfig {
        fonts: m.path("overlay.fonts"),
        font: m.text("overlay.font").to_owned(),
        safe_percent: m.int("overlay.safe_percent"),
        clock: m.text("overlay.clock").to_owned(),
        zone: m.text("overlay.zone").to_owned(),
        clock_corner: m.word("overlay.clock_corner")?,
        logo: m.path("overlay.logo"),
        logo_corner: m.word("overlay.logo_corner")?,
        logo_percent: m.float("overlay.logo_percent"),
        logo_opacity: m.int("overlay.logo_opacity"),
        status: m.bool("overlay.status"),
    })
}

pub(super) fn danmaku(m: &Merged) -> Result<DanmakuConfig, Problems> {
    let colour = |path: &str| super::build::checked::<Rgb>(m.text(path), m, path);
    Ok(DanmakuConfig {
        enabled: m.bool("danmaku.enabled"),
        crossing_s: m.float("danmaku.crossing_s"),
        size_percent: m.float("danmaku.size_percent"),
        lanes: m.int("danmaku.lanes"),
        area_percent: m.int("danmaku.area_percent"),
        opacity: m.int("danmaku.opacity"),
        fixed_s: m.float("danmaku.fixed_s"),
        colour_text: colour("danmaku.colour_text")?,
        colour_staff: colour("danmaku.colour_staff")?,
        colour_question: colour("danmaku.colour_question")?,
        colour_paid: colour("danmaku.colour_paid")?,
        queue: m.int("danmaku.queue"),
        ttl_s: m.float("danmaku.ttl_s"),
        merge_s: m.float("danmaku.merge_s"),
    })
}

pub(super) fn moderation(m: &Merged) -> Result<ModerationConfig, Problems> {
    Ok(ModerationConfig {
        mode: m.word("moderation.mode")?,
        delay_s: m.float("moderation.delay_s"),
        words: m.text("moderation.words").to_owned(),
        words_file: m.path("moderation.words_file"),
        links: m.bool("moderation.links"),
        max_graphemes: m.int("moderation.max_graphemes"),
        repeat_s: m.float("moderation.repeat_s"),
        author_per_s: m.float("moderation.author_per_s"),
        author_tau_s: m.float("moderation.author_tau_s"),
        author_burst: m.float("moderation.author_burst"),
        author_suppress: m.bool("moderation.author_suppress"),
    })
}

pub(super) fn room(m: &Merged) -> Result<RoomConfig, Problems> {
    let name = m.text("room.name");
    let checked = (!name.is_empty()).then(|| super::build::checked(name, m, "room.name"));
    Ok(RoomConfig {
        name: checked.transpose()?,
        bridges: m.bool("room.bridges"),
        max_drawn_per_s: m.float("room.max_drawn_per_s"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_and_written() {
        assert_eq!("#ff8001".parse(), Ok(Rgb([255, 128, 1])));
        assert_eq!(Rgb([255, 128, 1]).to_string(), "#ff8001");
        for bad in [
            "", "#", "ff8001", "#ff80011", "#ff80é", "#+f8001", "#gg0000",
        ] {
            assert!(bad.parse::<Rgb>().is_err(), "{bad}");
        }
    }
}
