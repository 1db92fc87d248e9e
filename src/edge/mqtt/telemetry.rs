//! `tel/sys`, `tel/stream` and `tel/net`: numbers that never stand still. Pure: what was read goes in, rates come out.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::tell::DestinationWord;
use crate::device::status::{FlowStatus, Status};
use crate::edge::system::{Cpu, NetLook, SystemLook, Traffic};

/// `tel/sys`: the machine.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TelSys {
    /// Unix time, s; null while the clock is not set.
    pub at: Option<i64>,
    /// Processes that ran or wanted to, on average over a minute.
    pub load1: Option<f32>,
    /// Processor time that was used since the last message, per cent of all cores.
    pub cpu_percent: Option<f32>,
    /// Memory that programs could still have, bytes.
    pub memory_free: Option<u64>,
    /// All memory, bytes.
    pub memory_total: Option<u64>,
    /// Free space in the state folder, bytes.
    pub disk_free: Option<u64>,
    /// Temperature of the processor, °C.
    pub temperature_c: Option<f32>,
    /// The processor is slowed down for its supply or its heat; null: the board does not say.
    pub throttled: Option<bool>,
    /// The supply is too weak; null: the board does not say.
    pub under_voltage: Option<bool>,
    /// Since the program started, s.
    pub uptime_s: u64,
    /// Messages that were dropped for want of room since the database was made.
    pub outbox_dropped: u64,
}

/// `tel/stream`: picture, sound and pushes.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TelStream {
    /// Unix time, s; null while the clock is not set.
    pub at: Option<i64>,
    /// Pushing is wanted.
    pub live: bool,
    /// The slate is on air.
    pub slate: bool,
    /// Access units a second since the last message.
    pub fps: FlowRates,
    /// Bitrate of the main rendition now, bit/s.
    pub bitrate: u32,
    /// RTSP readers now.
    pub readers: u32,
    /// Drift of the microphone's clock, ppm; positive: it is fast.
    pub drift_ppm: Option<f32>,
    /// Pushes by name.
    pub destinations: BTreeMap<String, PushReport>,
}

/// Access units a second.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, JsonSchema)]
pub struct FlowRates {
    /// Main rendition.
    pub main: f32,
    /// Sub rendition.
    pub sub: f32,
    /// Sound.
    pub audio: f32,
}

/// Figures of a push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PushReport {
    /// Where it stands.
    pub state: DestinationWord,
    /// Delivered, bit/s, over the last seconds.
    pub bps: u32,
    /// Not yet taken by the server, ms.
    pub backlog_ms: u32,
    /// Access units refused since start because the server was slow.
    pub refused: u64,
}

/// `tel/net`: the link that leads out.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TelNet {
    /// Unix time, s; null while the clock is not set.
    pub at: Option<i64>,
    /// Its name, such as `eth0`; null: there is no way out.
    pub link: Option<String>,
    /// The address by which the box is reached.
    pub address: Option<String>,
    /// Wi-Fi.
    pub wireless: bool,
    /// Received since the last message, bytes a second.
    pub rx_bytes_per_s: Option<u64>,
    /// Sent since the last message, bytes a second.
    pub tx_bytes_per_s: Option<u64>,
    /// Strength of the Wi-Fi, dBm.
    pub signal_dbm: Option<i32>,
}

/// What the last telemetry was reckoned from; rates are against it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Before {
    at_s: Option<f64>,
    flow: FlowStatus,
    cpu: Option<Cpu>,
    traffic: Option<(String, Traffic)>,
}

/// One round of telemetry.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// The machine.
    pub sys: TelSys,
    /// Picture, sound and pushes.
    pub stream: TelStream,
    /// The link.
    pub net: TelNet,
}

/// What a round is made from.
#[derive(Debug, Clone, Copy)]
pub struct Looks<'a> {
    /// Monotonic time, s.
    pub now_s: f64,
    /// Unix time, s; `None`: not known.
    pub at: Option<i64>,
    /// The core.
    pub status: &'a Status,
    /// The machine.
    pub system: &'a SystemLook,
    /// The link.
    pub net: &'a NetLook,
    /// Rows that the outbox dropped.
    pub outbox_dropped: u64,
}

/// A round, and what the next one counts from. The first after a start counts from the start.
#[must_use]
pub fn round(looks: &Looks<'_>, before: &Before) -> (Round, Before) {
    let seconds = looks.now_s - before.at_s.unwrap_or(0.0);
    let status = looks.status;
    let power = status.hardware.power;
    let sys = TelSys {
        at: looks.at,
        load1: looks.system.load1,
        cpu_percent: looks
            .system
            .cpu
            .zip(before.cpu)
            .and_then(|(now, then)| now.percent_since(then)),
        memory_free: looks.system.memory_free,
        memory_total: looks.system.memory_total,
        disk_free: looks.system.disk_free,
        temperature_c: status.hardware.temperature_c,
        throttled: power.map(|p| p.throttled),
        under_voltage: power.map(|p| p.under_voltage),
        uptime_s: status.uptime_s,
        outbox_dropped: looks.outbox_dropped,
    };
    let after = Before {
        at_s: Some(looks.now_s),
        flow: status.flow,
        cpu: looks.system.cpu,
        traffic: looks.net.link.clone().zip(looks.net.traffic),
    };
    let round = Round {
        sys,
        stream: stream(looks, before, seconds),
        net: net(looks, before, seconds),
    };
    (round, after)
}

fn stream(looks: &Looks<'_>, before: &Before, seconds: f64) -> TelStream {
    let status = looks.status;
    let rate = |now: u64, then: u64| tenths(per_second(now, then, seconds));
    let push = |d: &crate::device::status::DestinationStatus| PushReport {
        state: (&d.state).into(),
        bps: d.figures.bps,
        backlog_ms: d.figures.backlog_ms,
        refused: d.figures.refused,
    };
    TelStream {
        at: looks.at,
        live: status.live,
        slate: status.slate,
        fps: FlowRates {
            main: rate(status.flow.main, before.flow.main),
            sub: rate(status.flow.sub, before.flow.sub),
            audio: rate(status.flow.audio, before.flow.audio),
        },
        bitrate: status.bitrate.now,
        readers: status.rtsp_readers,
        drift_ppm: status.drift_ppm,
        destinations: status
            .destinations
            .iter()
            .map(|d| (d.name.to_string(), push(d)))
            .collect(),
    }
}

fn net(looks: &Looks<'_>, before: &Before, seconds: f64) -> TelNet {
    let look = looks.net;
    // Another link counts from its own beginning: nothing can be said until the next round.
    let then = match (&look.link, &before.traffic) {
        (Some(link), Some((old, traffic))) if link == old => Some(*traffic),
        _ => None,
    };
    let rate = |of: fn(Traffic) -> u64| {
        let (now, then) = look.traffic.zip(then)?;
        Some(whole(per_second(of(now), of(then), seconds)))
    };
    TelNet {
        at: looks.at,
        link: look.link.clone(),
        address: look.address.map(|a| a.to_string()),
        wireless: look.wireless,
        rx_bytes_per_s: rate(|t| t.received),
        tx_bytes_per_s: rate(|t| t.sent),
        signal_dbm: look.signal_dbm,
    }
}

/// A counter that went back began anew.
#[allow(clippy::cast_precision_loss)]
fn per_second(now: u64, then: u64, seconds: f64) -> f64 {
    if seconds > 0.0 {
        now.saturating_sub(then) as f64 / seconds
    } else {
        0.0
    }
}

#[allow(clippy::cast_possible_truncation)]
fn tenths(n: f64) -> f32 {
    ((n * 10.0).round() / 10.0) as f32
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(n: f64) -> u64 {
    n.round() as u64
}

#[cfg(test)]
#[path = "telemetry_tests.rs"]
mod tests;
