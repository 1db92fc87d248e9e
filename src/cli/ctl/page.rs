//! The status as a page for people: the health sentence first. It is drawn from the JSON that the box sends, so that a box
//! of another version is still shown as far as it goes.

use serde_json::Value;

use crate::cli::table::table;

/// The page.
pub(super) fn status(status: &Value) -> String {
    let mut rows = Vec::new();
    let mut row = |what: &str, text: String| {
        if !text.is_empty() {
            rows.push([format!("  {what}"), text]);
        }
    };
    row("Picture", picture(status));
    row("Sound", sound(status));
    row("Microphone", microphone(status));
    for encoder in items(status, "encoders") {
        row("Encoder", self::encoder(encoder, status));
    }
    for destination in items(status, "destinations") {
        row("Destination", self::destination(destination));
    }
    row("Readers", readers(status));
    row("On the picture", on_the_picture(&status["stage"]));
    row("Audience", audience(&status["audience"]));
    let hardware = &status["hardware"];
    row("Temperature", temperature(hardware));
    row("Power", power(hardware));
    row("Address", text(hardware, "address").to_owned());
    for note in items(hardware, "notes") {
        let note = format!("{}: {}", text(note, "part"), text(note, "text"));
        row("Fault", note);
    }
    row("Set-up", setup(&status["setup"]));
    row("Version", version(&status["update"]));
    row("Up", span(number(status, "uptime_s")));
    format!(
        "{}: {}\n{}",
        text(status, "name"),
        text(&status["health"], "sentence"),
        table(rows)
    )
}

/// Where set-up stands; nothing where it is closed and there is nothing to say.
pub(super) fn setup(setup: &Value) -> String {
    let mut parts = Vec::new();
    if setup["open"] == true {
        let left = setup["closes_in_s"].as_u64();
        parts.push(left.map_or_else(
            || "open until somebody sets the box up".to_owned(),
            |s| format!("open for {}", span(s)),
        ));
    }
    let own = setup["access_point"].as_str();
    parts.extend(own.map(|ssid| format!("its own Wi-Fi is {ssid}")));
    parts.extend(
        setup["note"]
            .as_str()
            .map(|note| note.trim_end_matches('.').to_owned()),
    );
    parts.join("; ")
}

/// What is in the slots; nothing where there are none.
fn version(update: &Value) -> String {
    let text = |key: &str| text(update, key);
    if text("slot").is_empty() {
        return String::new();
    }
    let trial = if update["trial"] == true {
        ", on trial"
    } else {
        ""
    };
    let note = text("note").trim_end_matches('.');
    let gap = if note.is_empty() { "" } else { "; " };
    format!(
        "{} in slot {}{trial}{gap}{note}",
        text("version"),
        text("slot")
    )
}

/// What the owner has put up, and whether the audience is shut out.
fn on_the_picture(stage: &Value) -> String {
    let parts = [
        ("banner", "a line"),
        ("lower_third", "a title"),
        ("ticker", "a ticker"),
        ("countdown", "a countdown"),
        ("product", "a product"),
        ("poll", "a poll"),
        ("logo", "a logo"),
    ];
    let there = |v: &Value| !v.is_null() && *v != Value::Bool(false);
    let panic = (stage["panic"] == true)
        .then_some("nothing of the audience (panic; `boothcast ctl panic --off` takes it back)");
    let shown = parts.into_iter().filter(|(key, _)| there(&stage[key]));
    let all: Vec<&str> = panic
        .into_iter()
        .chain(shown.map(|(_, name)| name))
        .collect();
    all.join(", ")
}

/// What became of what the audience said; nothing while nobody said anything.
fn audience(figures: &Value) -> String {
    let number = |key: &str| number(figures, key);
    if number("taken") == 0 {
        return String::new();
    }
    let many = |n: u64, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let mut out = format!(
        "{}, {}",
        many(number("drawn"), "comment"),
        many(number("alerts"), "alert")
    );
    let refused = figures["refused"].as_object();
    let mut reasons: Vec<(&str, u64)> = refused
        .into_iter()
        .flatten()
        .map(|(reason, n)| (reason.as_str(), n.as_u64().unwrap_or_default()))
        .collect();
    reasons.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let sum: u64 = reasons.iter().map(|(_, n)| *n).sum();
    if sum > 0 {
        let most: Vec<String> = reasons
            .iter()
            .take(3)
            .map(|(r, n)| format!("{r} {n}"))
            .collect();
        out.push_str(&format!(", {sum} not shown ({})", most.join(", ")));
    }
    match number("waiting") {
        0 => out,
        n => format!("{out}, {n} waiting"),
    }
}

/// A box afar, by what it keeps at the broker: less than the whole status.
pub(super) fn brief(id: &str, conn: &Value, status: &Value) -> String {
    let mut rows = Vec::new();
    let mut row = |what: &str, text: String| {
        if !text.is_empty() {
            rows.push([format!("  {what}"), text]);
        }
    };
    let word = |field: &str| text(status, field).to_owned();
    row("Connection", text(conn, "state").to_owned());
    row(
        "Live",
        if status["live"] == true { "yes" } else { "no" }.to_owned(),
    );
    row("Picture", word("camera"));
    row("Sound", word("mic"));
    row("Encoder", brief_encoder(status));
    for (name, push) in status["destinations"].as_object().into_iter().flatten() {
        let reason = push["reason"].as_str().map(|r| format!(": {r}"));
        let state = if push["enabled"] == true {
            text(push, "state")
        } else {
            "disabled"
        };
        row(
            "Destination",
            format!("{name}: {state}{}", reason.unwrap_or_default()),
        );
    }
    row("Readers", readers_of(number(status, "readers")));
    let degrees = status["temperature_c"].as_f64();
    row(
        "Temperature",
        degrees.map_or_else(String::new, |c| format!("{c:.0} °C")),
    );
    row("Version", word("version"));
    let name = status["name"].as_str().unwrap_or(id);
    format!(
        "{name}: {}\n{}",
        text(&status["health"], "sentence"),
        table(rows)
    )
}

fn brief_encoder(status: &Value) -> String {
    let Some(encoder) = status["encoder"].as_str() else {
        return "none".into();
    };
    format!(
        "{encoder}, {}×{} at {}/s, {} kbit/s ({})",
        status["width"],
        status["height"],
        status["fps"],
        number(status, "bitrate") / 1000,
        text(status, "profile")
    )
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

fn number(value: &Value, field: &str) -> u64 {
    value[field].as_u64().unwrap_or_default()
}

fn items<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value[field].as_array().into_iter().flatten()
}

fn picture(status: &Value) -> String {
    let slate = if status["slate"] == true {
        " (the slate is on air)"
    } else {
        ""
    };
    let restarts = match number(&status["hardware"], "camera_restarts") {
        0 => String::new(),
        1 => ", restarted once because it stood still".to_owned(),
        n => format!(", restarted {n} times because it stood still"),
    };
    format!("{}{slate}{restarts}", source(&status["camera"]))
}

fn source(source: &Value) -> String {
    match text(source, "state") {
        "up" => text(source, "description").to_owned(),
        "lost" => format!("lost: {}", text(source, "reason")),
        "opening" => "starting".into(),
        other => other.to_owned(),
    }
}

fn sound(status: &Value) -> String {
    let sound = &status["sound"];
    if sound.is_null() {
        return "none".into();
    }
    let mut parts = vec![source(&status["mic"])];
    if sound["muted"] == true {
        parts.push("muted".into());
    }
    let level = text(sound, "level");
    if !level.is_empty() && level != "ok" {
        parts.push(level.to_owned());
    }
    let peak = items(sound, "channels").filter_map(|c| c["peak_db"].as_f64());
    if let Some(peak) = peak.reduce(f64::max) {
        parts.push(format!("peak {peak:.0} dBFS"));
    }
    let gain = sound["gain_db"].as_f64().unwrap_or_default();
    if gain != 0.0 {
        parts.push(format!("gain {gain:+} dB"));
    }
    let offset = sound["offset_ms"].as_i64().unwrap_or_default();
    if offset != 0 {
        parts.push(format!("offset {offset:+} ms"));
    }
    parts.join(", ")
}

fn microphone(status: &Value) -> String {
    let mixer = &status["mixer"];
    let mut parts = Vec::new();
    if let Some(percent) = mixer["percent"].as_u64() {
        parts.push(format!("volume {percent} %"));
    }
    if let Some(on) = mixer["on"].as_bool() {
        parts.push(if on { "on" } else { "off" }.to_owned());
    }
    let note = text(mixer, "note");
    if !note.is_empty() {
        parts.push(note.to_owned());
    }
    parts.join(", ")
}

fn encoder(encoder: &Value, status: &Value) -> String {
    let video = &encoder["video"];
    let kbits = |field: &Value| field.as_u64().unwrap_or_default() / 1000;
    let wanted = kbits(&video["bitrate"]);
    let now = kbits(&status["bitrate"]["now"]);
    let rate = if text(encoder, "rendition") == "main" && now != wanted {
        format!("{now} of {wanted} kbit/s")
    } else {
        format!("{wanted} kbit/s")
    };
    let name = encoder["encoder"].as_str().unwrap_or("no encoder");
    let mut out = format!(
        "{}: {name}, {}×{} at {}/s, {rate}",
        text(encoder, "rendition"),
        video["width"],
        video["height"],
        video["fps"]
    );
    if text(encoder, "state") != "up" {
        out.push_str(&format!(", {}", text(encoder, "state")));
    }
    if let Some(reason) = encoder["reason"].as_str() {
        out.push_str(&format!(" (failed before: {reason})"));
    }
    out
}

fn destination(destination: &Value) -> String {
    let name = text(destination, "name");
    let state = match text(destination, "state") {
        _ if destination["enabled"] != true => "disabled".to_owned(),
        "waiting" => format!("waiting: {}", text(destination, "reason")),
        "key_rejected" => format!("refuses the stream key: {}", text(destination, "reason")),
        other => other.to_owned(),
    };
    let figures = &destination["figures"];
    if text(destination, "state") != "live" {
        return format!("{name}: {state}");
    }
    format!(
        "{name}: {state}, {} kbit/s, {} ms waiting, {} refused, session {}",
        number(figures, "bps") / 1000,
        number(figures, "backlog_ms"),
        number(figures, "refused"),
        number(figures, "sessions")
    )
}

fn readers(status: &Value) -> String {
    readers_of(number(status, "rtsp_readers"))
}

fn readers_of(count: u64) -> String {
    match count {
        0 => "nobody watches over RTSP".into(),
        1 => "1 watches over RTSP".into(),
        n => format!("{n} watch over RTSP"),
    }
}

fn temperature(hardware: &Value) -> String {
    let degrees = hardware["temperature_c"].as_f64();
    let heat = match text(hardware, "heat") {
        "" | "normal" => String::new(),
        level => format!(" ({level}: the picture is made smaller)"),
    };
    degrees.map_or_else(String::new, |c| format!("{c:.0} °C{heat}"))
}

fn power(hardware: &Value) -> String {
    let power = &hardware["power"];
    let said = [
        ("under_voltage", "the supply is too weak"),
        ("throttled", "the processor is slowed down"),
        ("under_voltage_before", "the supply was too weak before"),
    ];
    let said = said.iter().filter(|(field, _)| power[*field] == true);
    let said: Vec<&str> = said.map(|(_, words)| *words).collect();
    said.join(", ")
}

/// `42 s`, `7 min`, `3 h 5 min`, `2 d 4 h`.
fn span(s: u64) -> String {
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min", s / 60),
        3600..86_400 => format!("{} h {} min", s / 3600, s % 3600 / 60),
        _ => format!("{} d {} h", s / 86_400, s % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{audience, on_the_picture};

    #[test]
    fn the_audience_is_a_line_once_there_is_one() {
        assert_eq!(audience(&json!({"taken": 0})), "");
        assert_eq!(audience(&serde_json::Value::Null), "");
        let figures = json!({
            "taken": 90, "drawn": 12, "alerts": 3, "waiting": 1,
            "refused": {"word": 2, "link": 9, "room-rate": 60, "repeat": 1},
        });
        assert_eq!(
            audience(&figures),
            "12 comments, 3 alerts, 72 not shown (room-rate 60, link 9, word 2), 1 waiting"
        );
    }

    #[test]
    fn panic_is_said_first() {
        let stage =
            json!({"panic": true, "product": {"name": "Mug"}, "poll": null, "ticker": false});
        let said = on_the_picture(&stage);
        assert!(said.starts_with("nothing of the audience"), "{said}");
        assert!(said.ends_with(", a product"), "{said}");
        assert_eq!(on_the_picture(&json!({"panic": false})), "");
    }
}
