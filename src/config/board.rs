//! Board profiles: facts of each board, from `board/*.toml`.

use serde::{Deserialize, Serialize};

/// Facts of one board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Board {
    /// Short id, the file's name: `rpi4`, `pc`.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// Beginnings of `/proc/device-tree/model` that mean this board; empty for the fall-back.
    pub models: Vec<String>,
    /// H.264 encoders in the order in which they are tried.
    pub encoders: Vec<String>,
}
