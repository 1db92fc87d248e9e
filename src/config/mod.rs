//! Configuration: the schema as plain types, checked newtypes, layers, and board profiles.
//!
//! Pure but for reading the files of the layers. Every error is reported with file, line and key.
//!
//! ```text
//! table (one row per key) ─> keys ─┬─> value, suggest ─> document (TOML), overrides (environment, flags)
//!                                  │                          └─> layer ─> merge ─> build + rules ─> Config
//!                                  └─> reference (docs/configuration.md)
//! ```

/// Board profiles: facts of each board.
pub mod board;
mod build;
/// Texts of QR codes for set-up.
pub mod code;
mod destination;
mod document;
mod gpio;
/// What a person wrote onto the boot partition, and what a code said.
pub mod import;
mod key_file;
/// What a key is: path, kind, default, documentation.
pub mod keys;
mod last_good;
mod layer;
mod load;
mod mqtt;
mod overrides;
mod problems;
/// The reference of every key, for people.
pub mod reference;
mod rules;
/// The configuration as the rest of the program sees it.
pub mod schema;
mod setup;
mod show;
mod suggest;
mod table;
mod table_show;
#[cfg(test)]
mod tests;
/// Checked newtypes for everything that comes from outside, and [`Secret`].
pub mod types;
mod url;
mod value;
mod web;
mod wifi;

pub use gpio::{Bias, ButtonConfig, ButtonLine, ChosenBy, Lamp, LedConfig, is_offset};
pub(crate) use key_file::read as read_key_file;
pub use last_good::load_or_last_good;
pub use load::{DEFAULT_FILES, Loaded, STATE_FILES, Sources, load, validate};
pub use mqtt::{BrokerUrl, MqttConfig};
pub use problems::{Problem, Problems};
pub use schema::*;
pub use setup::SetupConfig;
pub use show::{
    Corner, DanmakuConfig, ModerationConfig, ModerationMode, OverlayConfig, Rgb, RoomConfig,
};
pub(crate) use types::is_invisible;
pub use types::{
    BoxId, BoxName, DestinationName, FleetName, GroupName, RoomName, Secret, StreamUrl,
};
pub(crate) use value::bitrate_number;
pub(crate) use value::checks::stream_key as check_stream_key;
pub use web::{WatchConfig, WebConfig};
pub use wifi::WifiConfig;
