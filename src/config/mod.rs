//! Configuration: the schema as plain types, checked newtypes, layers, and board profiles.
//!
//! Pure but for reading the files of the layers. Every error is reported with file, line and key.

/// Board profiles: facts of each board.
pub mod board;
/// The configuration as the rest of the program sees it.
pub mod schema;
/// Checked newtypes for everything that comes from outside, and [`Secret`].
pub mod types;

pub use schema::*;
pub use types::{BoxName, DestinationName, Secret, StreamUrl};
