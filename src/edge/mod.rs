//! Each peer outside the process, in one place.

/// V4L2 cameras: discovery, stable ids, modes, the choice of a mode.
pub mod camera;
/// Requests and answers as JSON, for every peer that speaks in text.
pub mod codec;
/// A time limit for calls into drivers.
pub mod deadline;
/// Where edges hand in commands.
pub mod desk;
/// LED and button.
pub mod gpio;
/// How many commands an origin may hand in.
pub mod limit;
/// The control socket of `boothcast ctl`.
pub mod local;
/// Name and services on the local network (mDNS).
pub mod mdns;
/// MQTT.
pub mod mqtt;
/// Link, addresses, time synchronisation.
pub mod net;
/// The network, by NetworkManager: join, scan, access point.
pub mod network;
/// Hot-plug of cameras and sound cards.
pub mod plug;
/// Updates: RAUC over D-Bus, bundles from a server.
pub mod rauc;
/// A screen that is plugged in (DRM).
pub mod screen;
/// ALSA capture cards: discovery, mixer controls.
pub mod sound;
/// Load, memory, disk, traffic, clock.
pub mod system;
/// systemd's notification socket and watchdog.
pub mod systemd;
/// Temperature and power supply of the board.
pub mod thermal;
/// The web server: the set-up page.
pub mod web;

/// Text from a driver in letters that can be printed.
fn printable(text: &str) -> String {
    let printable: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    printable.trim().to_owned()
}
