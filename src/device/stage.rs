//! What the owner has put on the picture, as plain data. What the audience says is the room's.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::{Corner, DanmakuConfig, ModerationMode, Rgb};

/// Largest PNG or JPEG that is kept, bytes.
pub const MAX_PICTURE: usize = 128 * 1024;

/// Layers of the overlay, from the lowest to the highest.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// Comments of the audience.
    Danmaku,
    /// Clock and date.
    Clock,
    /// Logo.
    Logo,
    /// Ticker at the bottom.
    Ticker,
    /// The line of `overlay/text`.
    Banner,
    /// Title, or name and line.
    LowerThird,
    /// Bars of a poll.
    Poll,
    /// Product card.
    Product,
    /// Countdown.
    Countdown,
    /// Alerts and notifications.
    Alert,
    /// State and bitrate, for rehearsals.
    Status,
}

impl Layer {
    /// All of them, from the lowest to the highest.
    pub const ALL: [Self; 11] = [
        Self::Danmaku,
        Self::Clock,
        Self::Logo,
        Self::Ticker,
        Self::Banner,
        Self::LowerThird,
        Self::Poll,
        Self::Product,
        Self::Countdown,
        Self::Alert,
        Self::Status,
    ];

    /// Whether the audience has a say in what it shows: panic clears these.
    #[must_use]
    pub fn is_of_the_audience(self) -> bool {
        matches!(self, Self::Danmaku | Self::Alert | Self::Poll)
    }
}

/// Who is speaking, or what this is: a title with an optional second line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LowerThird {
    /// The large line, 1 to 60 characters.
    pub name: String,
    /// The small line, at most 100 characters.
    #[serde(default)]
    pub line: Option<String>,
}

/// A line that runs along the bottom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ticker {
    /// 1 to 500 characters.
    pub text: String,
}

/// Time until something begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Countdown {
    /// What begins, at most 60 characters.
    #[serde(default)]
    pub title: Option<String>,
    /// When, in seconds since 1970-01-01 UTC.
    pub until: i64,
}

/// A product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// 1 to 80 characters.
    pub name: String,
    /// As it is shown, such as "19.90 €", 1 to 24 characters.
    pub price: String,
    /// The former price, shown crossed out, at most 24 characters.
    #[serde(default)]
    pub old_price: Option<String>,
    /// How many are left.
    #[serde(default)]
    pub stock: Option<u32>,
    /// Where it is sold, `http` or `https`, at most 200 bytes: a QR code is made of it.
    #[serde(default)]
    pub url: Option<String>,
    /// PNG or JPEG.
    #[serde(default)]
    pub picture: Option<Picture>,
}

/// A poll as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    /// 1 to 100 characters.
    pub question: String,
    /// 2 to 10.
    pub choices: Vec<Choice>,
    /// Whether votes are counted still; a closed poll shows its winner.
    #[serde(default = "yes")]
    pub open: bool,
    /// Whether the votes stay hidden for now.
    #[serde(default)]
    pub hidden: bool,
}

fn yes() -> bool {
    true
}

/// One choice of a poll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// 1 to 40 characters.
    pub text: String,
    /// Votes.
    #[serde(default)]
    pub votes: u64,
}

/// A logo that was set by command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Logo {
    /// PNG with transparency; left out: the one that there is.
    #[serde(default)]
    pub picture: Option<Picture>,
    /// Where; left out: as configured.
    #[serde(default)]
    pub corner: Option<Corner>,
    /// Height, per cent of the picture's shorter side, 1 to 50; left out: as configured.
    #[serde(default)]
    pub percent: Option<f32>,
    /// How much of it is seen, per cent, 1 to 100; left out: as configured.
    #[serde(default)]
    pub opacity: Option<u32>,
}

/// Changes to how comments run; what is left out stays.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DanmakuChange {
    /// `danmaku.enabled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// `danmaku.crossing_s`, 2 to 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crossing_s: Option<f32>,
    /// `danmaku.size_percent`, 2 to 15.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_percent: Option<f32>,
    /// `danmaku.lanes`, 0 to 40.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lanes: Option<u32>,
    /// `danmaku.area_percent`, 10 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area_percent: Option<u32>,
    /// `danmaku.opacity`, 10 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opacity: Option<u32>,
    /// `danmaku.colour_text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colour_text: Option<Rgb>,
    /// `danmaku.colour_staff`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colour_staff: Option<Rgb>,
    /// `danmaku.colour_question`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colour_question: Option<Rgb>,
    /// `danmaku.colour_paid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colour_paid: Option<Rgb>,
}

impl DanmakuChange {
    /// These changes on top of the ones before.
    #[must_use]
    pub fn after(&self, before: &Self) -> Self {
        Self {
            enabled: self.enabled.or(before.enabled),
            crossing_s: self.crossing_s.or(before.crossing_s),
            size_percent: self.size_percent.or(before.size_percent),
            lanes: self.lanes.or(before.lanes),
            area_percent: self.area_percent.or(before.area_percent),
            opacity: self.opacity.or(before.opacity),
            colour_text: self.colour_text.or(before.colour_text),
            colour_staff: self.colour_staff.or(before.colour_staff),
            colour_question: self.colour_question.or(before.colour_question),
            colour_paid: self.colour_paid.or(before.colour_paid),
        }
    }

    /// How comments run with these changes to what is configured.
    #[must_use]
    pub fn over(&self, configured: &DanmakuConfig) -> DanmakuConfig {
        let c = configured;
        DanmakuConfig {
            enabled: self.enabled.unwrap_or(c.enabled),
            crossing_s: self.crossing_s.unwrap_or(c.crossing_s),
            size_percent: self.size_percent.unwrap_or(c.size_percent),
            lanes: self.lanes.unwrap_or(c.lanes),
            area_percent: self.area_percent.unwrap_or(c.area_percent),
            opacity: self.opacity.unwrap_or(c.opacity),
            colour_text: self.colour_text.unwrap_or(c.colour_text),
            colour_staff: self.colour_staff.unwrap_or(c.colour_staff),
            colour_question: self.colour_question.unwrap_or(c.colour_question),
            colour_paid: self.colour_paid.unwrap_or(c.colour_paid),
            ..c.clone()
        }
    }
}

/// When the audience's text is drawn, as it was set by command.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModerationChange {
    /// When.
    pub mode: ModerationMode,
    /// The while of `delay`, 0 to 30 s; left out: as it is.
    #[serde(default)]
    pub delay_s: Option<f32>,
}

/// Everything that the owner has put on the picture; absent fields follow the configuration.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stage {
    /// The line of `overlay/text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banner: Option<String>,
    /// Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lower_third: Option<LowerThird>,
    /// Ticker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticker: Option<Ticker>,
    /// Countdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub countdown: Option<Countdown>,
    /// Product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<Product>,
    /// Poll.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poll: Option<Poll>,
    /// Logo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<Logo>,
    /// Layers that were shown (true) or hidden (false) by command.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub layers: BTreeMap<Layer, bool>,
    /// Nothing of the audience is drawn until this is taken back.
    pub panic: bool,
    /// How comments run.
    pub danmaku: DanmakuChange,
    /// When they come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moderation: Option<ModerationChange>,
}

impl Stage {
    /// Whether a layer may be drawn.
    #[must_use]
    pub fn shows(&self, layer: Layer) -> bool {
        self.layers.get(&layer).copied().unwrap_or(true)
            && !(self.panic && layer.is_of_the_audience())
    }
}

/// A small picture file (PNG or JPEG), in JSON as base64. Whether it can be read, `media::overlay` says.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture(Arc<[u8]>);

impl Picture {
    /// Takes the bytes of a file.
    ///
    /// # Errors
    /// One clause, where it is empty, larger than [`MAX_PICTURE`], or neither PNG nor JPEG by its first bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, String> {
        const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
        const JPEG: &[u8] = &[0xff, 0xd8, 0xff];
        if bytes.len() > MAX_PICTURE {
            return Err(format!(
                "must have at most {} KiB; make the picture smaller",
                MAX_PICTURE / 1024
            ));
        }
        if !bytes.starts_with(PNG) && !bytes.starts_with(JPEG) {
            return Err("must be a PNG or JPEG picture".into());
        }
        Ok(Self(bytes.into()))
    }

    /// The file's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({} bytes)", self.0.len())
    }
}

impl Serialize for Picture {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Picture {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        let bytes = STANDARD
            .decode(text.trim())
            .map_err(|_| serde::de::Error::custom("must be base64 of a PNG or JPEG picture"))?;
        Self::new(&bytes).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Picture {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Picture".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "contentEncoding": "base64",
            "maxLength": MAX_PICTURE.div_ceil(3) * 4
        })
    }
}
