//! `[setup]`: how a box that nobody has set up yet is told what it is.

use serde::{Deserialize, Serialize};

use super::build::Merged;

/// `[setup]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "switches of a person, one by one"
)]
pub struct SetupConfig {
    /// The box waits to be set up: by a code before its camera, or its page.
    pub enabled: bool,
    /// Codes shown to the camera are taken.
    pub camera: bool,
    /// Whether the box opens a Wi-Fi network of its own when it has none.
    pub access_point: bool,
    /// TCP port of the page; 0: no page.
    pub port: u16,
    /// Whether the box says its name and services on the local network (mDNS).
    pub mdns: bool,
    /// Whether a screen that is plugged in shows name, address and state.
    pub screen: bool,
}

/// Builds it.
pub(super) fn setup(m: &Merged) -> SetupConfig {
    SetupConfig {
        enabled: m.bool("setup.enabled"),
        camera: m.bool("setup.camera"),
        access_point: m.bool("setup.access_point"),
        port: m.int("setup.port"),
        mdns: m.bool("setup.mdns"),
        screen: m.bool("setup.screen"),
    }
}
