//! Figures for Prometheus, in its text format 0.0.4: base units, `_total` for what only rises.

use std::fmt::Write;

use crate::device::event::{DestinationState, Rendition};
use crate::device::health::Severity;
use crate::device::status::{DestinationStatus, SourceStatus, Status};

/// The media type of [`render`]'s text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Figures of the room and of the web server. Those that are called `total` only rise while the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RoomFigures {
    /// Viewers who are here now.
    pub viewers: u64,
    /// Lines of the chat.
    pub lines_total: u64,
    /// Likes.
    pub likes_total: u64,
    /// Votes in polls.
    pub votes_total: u64,
    /// Gifts.
    pub gifts_total: u64,
    /// Questions.
    pub questions_total: u64,
    /// Clicks on pinned products.
    pub clicks_total: u64,
    /// Orders.
    pub orders_total: u64,
    /// WebSockets of the room that are open now.
    pub ws_connections: u64,
    /// WebSockets that were closed because they fell behind.
    pub ws_lagged_total: u64,
    /// Who watches by WebRTC now.
    pub watch_whep: u64,
    /// Who watches by fragmented MP4 now.
    pub watch_fmp4: u64,
    /// Answers of the web server with a status of 1xx, 2xx, 3xx, 4xx and 5xx.
    pub http_requests_total: [u64; 5],
}

/// What a figure does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Gauge,
    Counter,
}

#[derive(Debug, Default)]
struct Text {
    out: String,
}

impl Text {
    /// Begins a metric; samples follow.
    fn metric(&mut self, name: &'static str, kind: Kind, help: &str) -> Metric<'_> {
        let word = match kind {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
        };
        let _ = writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} {word}");
        Metric {
            out: &mut self.out,
            name,
        }
    }

    fn gauge(&mut self, name: &'static str, help: &str, value: f64) {
        self.metric(name, Kind::Gauge, help).sample(&[], value);
    }

    fn counter(&mut self, name: &'static str, help: &str, value: u64) {
        self.metric(name, Kind::Counter, help)
            .sample(&[], value as f64);
    }
}

#[derive(Debug)]
struct Metric<'a> {
    out: &'a mut String,
    name: &'static str,
}

impl Metric<'_> {
    fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        self.out.push_str(self.name);
        for (i, (label, text)) in labels.iter().enumerate() {
            let _ = write!(
                self.out,
                "{}{label}=\"{}\"",
                if i == 0 { '{' } else { ',' },
                escape(text)
            );
        }
        if !labels.is_empty() {
            self.out.push('}');
        }
        let _ = writeln!(self.out, " {value}");
    }
}

/// As the format wants it in the value of a label.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// To thousandths: a measured `f32` has no more.
fn thousandths(value: f32) -> f64 {
    (f64::from(value) * 1000.0).round() / 1000.0
}

fn flag(on: bool) -> f64 {
    if on { 1.0 } else { 0.0 }
}

/// All figures.
#[must_use]
pub fn render(status: &Status, room: &RoomFigures) -> String {
    let mut text = Text {
        out: String::with_capacity(8 * 1024),
    };
    the_box(&mut text, status);
    stream(&mut text, status);
    pushes(&mut text, &status.destinations);
    hardware(&mut text, status);
    the_room(&mut text, status, room);
    text.out
}

fn the_box(text: &mut Text, status: &Status) {
    let mut info = text.metric(
        "boothcast_build_info",
        Kind::Gauge,
        "Version of the program.",
    );
    info.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    text.gauge(
        "boothcast_uptime_seconds",
        "Time since the program began.",
        status.uptime_s as f64,
    );
    let severity = match status.health.severity {
        Severity::Ok => 0.0,
        Severity::Notice => 1.0,
        Severity::Warning => 2.0,
        Severity::Problem => 3.0,
    };
    text.gauge(
        "boothcast_health_severity",
        "0 ok, 1 notice, 2 warning, 3 problem.",
        severity,
    );
    text.gauge("boothcast_live", "Pushing is wanted.", flag(status.live));
}

fn stream(text: &mut Text, status: &Status) {
    let up = |source: &SourceStatus| flag(matches!(source, SourceStatus::Up { .. }));
    text.gauge(
        "boothcast_camera_up",
        "The camera delivers.",
        up(&status.camera),
    );
    text.gauge(
        "boothcast_microphone_up",
        "The microphone delivers.",
        up(&status.mic),
    );
    text.gauge(
        "boothcast_slate_on_air",
        "The slate is on air instead of the camera.",
        flag(status.slate),
    );
    let help = "Access units since the program began; of video, these are frames.";
    let mut units = text.metric("boothcast_access_units_total", Kind::Counter, help);
    for (stream, n) in [
        ("main", status.flow.main),
        ("sub", status.flow.sub),
        ("audio", status.flow.audio),
    ] {
        units.sample(&[("stream", stream)], n as f64);
    }
    let rendition = |r: Rendition| match r {
        Rendition::Main => "main",
        Rendition::Sub => "sub",
    };
    let mut encoders = text.metric("boothcast_encoder_up", Kind::Gauge, "The encoder delivers.");
    for e in &status.encoders {
        let name = e.encoder.as_deref().unwrap_or("");
        encoders.sample(
            &[("rendition", rendition(e.rendition)), ("encoder", name)],
            flag(e.state == "up"),
        );
    }
    let help = "Failures since the last stable minute.";
    let mut failures = text.metric("boothcast_encoder_failures", Kind::Gauge, help);
    for e in &status.encoders {
        failures.sample(&[("rendition", rendition(e.rendition))], e.failures.into());
    }
    let help = "Bitrate of the main rendition: in force (now), asked for (wanted).";
    let mut bitrate = text.metric(
        "boothcast_video_bitrate_bytes_per_second",
        Kind::Gauge,
        help,
    );
    for (which, bits) in [
        ("now", status.bitrate.now),
        ("wanted", status.bitrate.wanted),
    ] {
        bitrate.sample(&[("which", which)], f64::from(bits) / 8.0);
    }
    text.gauge(
        "boothcast_rtsp_readers",
        "RTSP readers connected now.",
        status.rtsp_readers.into(),
    );
    let mut peak = text.metric(
        "boothcast_audio_peak_decibels",
        Kind::Gauge,
        "Highest sample of the last moment, dBFS.",
    );
    for (i, level) in status.sound.iter().flat_map(|s| &s.channels).enumerate() {
        peak.sample(&[("channel", &i.to_string())], thousandths(level.peak_db));
    }
    let help = "Drift of the microphone's clock against the box's.";
    let mut drift = text.metric("boothcast_audio_drift_ratio", Kind::Gauge, help);
    if let Some(ppm) = status.drift_ppm {
        drift.sample(&[], thousandths(ppm) / 1e6);
    }
}

fn pushes(text: &mut Text, destinations: &[DestinationStatus]) {
    let mut state = text.metric(
        "boothcast_push_state",
        Kind::Gauge,
        "1 at the state in which the push is.",
    );
    for d in destinations {
        let now = match d.state {
            DestinationState::Off => "off",
            DestinationState::Connecting => "connecting",
            DestinationState::Live => "live",
            DestinationState::Waiting { .. } => "waiting",
            DestinationState::KeyRejected { .. } => "key_rejected",
        };
        for state_word in ["off", "connecting", "live", "waiting", "key_rejected"] {
            let labels = [("destination", d.name.as_str()), ("state", state_word)];
            state.sample(&labels, flag(state_word == now));
        }
    }
    let mut each = |name, kind, help: &str, value: &dyn Fn(&DestinationStatus) -> f64| {
        let mut metric = text.metric(name, kind, help);
        for d in destinations {
            metric.sample(&[("destination", d.name.as_str())], value(d));
        }
    };
    let help = "Media that the server has not taken yet.";
    each("boothcast_push_backlog_seconds", Kind::Gauge, help, &|d| {
        f64::from(d.figures.backlog_ms) / 1000.0
    });
    let help = "Delivered over the last seconds.";
    each("boothcast_push_bytes_per_second", Kind::Gauge, help, &|d| {
        f64::from(d.figures.bps) / 8.0
    });
    let help = "Access units left out because the server was slow.";
    each(
        "boothcast_push_refused_access_units_total",
        Kind::Counter,
        help,
        &|d| d.figures.refused as f64,
    );
    each(
        "boothcast_push_sessions_total",
        Kind::Counter,
        "Sessions begun.",
        &|d| d.figures.sessions.into(),
    );
}

fn hardware(text: &mut Text, status: &Status) {
    let hardware = &status.hardware;
    let mut heat = text.metric(
        "boothcast_temperature_celsius",
        Kind::Gauge,
        "Temperature of the processor.",
    );
    if let Some(celsius) = hardware.temperature_c {
        heat.sample(&[], thousandths(celsius));
    }
    let mut weak = text.metric(
        "boothcast_under_voltage",
        Kind::Gauge,
        "The supply is too weak now.",
    );
    if let Some(power) = hardware.power {
        weak.sample(&[], flag(power.under_voltage));
    }
    let mut slow = text.metric(
        "boothcast_throttled",
        Kind::Gauge,
        "The processor is slowed down now.",
    );
    if let Some(power) = hardware.power {
        slow.sample(&[], flag(power.throttled));
    }
    let help = "Restarts of a camera that sent the same picture again and again.";
    text.counter(
        "boothcast_camera_restarts_total",
        help,
        hardware.camera_restarts.into(),
    );
}

fn the_room(text: &mut Text, status: &Status, room: &RoomFigures) {
    text.gauge(
        "boothcast_room_viewers",
        "Viewers who are here now.",
        room.viewers as f64,
    );
    for (name, help, n) in [
        (
            "boothcast_room_lines_total",
            "Lines of the chat.",
            room.lines_total,
        ),
        ("boothcast_room_likes_total", "Likes.", room.likes_total),
        (
            "boothcast_room_votes_total",
            "Votes in polls.",
            room.votes_total,
        ),
        ("boothcast_room_gifts_total", "Gifts.", room.gifts_total),
        (
            "boothcast_room_questions_total",
            "Questions.",
            room.questions_total,
        ),
        (
            "boothcast_room_clicks_total",
            "Clicks on pinned products.",
            room.clicks_total,
        ),
        ("boothcast_room_orders_total", "Orders.", room.orders_total),
        (
            "boothcast_websocket_lagged_total",
            "WebSockets closed because they fell behind.",
            room.ws_lagged_total,
        ),
    ] {
        text.counter(name, help, n);
    }
    let help = "Messages that are not on the picture, by reason.";
    let mut refused = text.metric("boothcast_moderation_refused_total", Kind::Counter, help);
    for (reason, n) in &status.audience.refused {
        refused.sample(&[("reason", reason)], *n as f64);
    }
    text.gauge(
        "boothcast_websocket_connections",
        "WebSockets of the room that are open now.",
        room.ws_connections as f64,
    );
    let mut watch = text.metric(
        "boothcast_watch_sessions",
        Kind::Gauge,
        "Who watches in a browser now.",
    );
    watch.sample(&[("transport", "whep")], room.watch_whep as f64);
    watch.sample(&[("transport", "fmp4")], room.watch_fmp4 as f64);
    let mut http = text.metric(
        "boothcast_http_requests_total",
        Kind::Counter,
        "Answers of the web server.",
    );
    for (class, n) in ["1xx", "2xx", "3xx", "4xx", "5xx"]
        .into_iter()
        .zip(room.http_requests_total)
    {
        http.sample(&[("class", class)], n as f64);
    }
}

#[cfg(test)]
mod tests;
