//! Discovery by Home Assistant: one retained message makes the box a device there, with its entities (Home Assistant's MQTT
//! integration, "device discovery payload"). Pure.
//!
//! States come from `status`, availability from `conn`, commands go to the box's own command topics. An empty message at
//! the same topic takes the device away.

use serde_json::{Map, Value, json};

use super::tell::Info;
use super::topics::BoxTopics;
use crate::device::policy::{MAX_BITRATE, MIN_BITRATE};

/// What Home Assistant says at `{prefix}/status` when it has started.
pub const BIRTH: &[u8] = b"online";

/// Named profiles that can be chosen.
const PROFILES: [&str; 3] = ["1080p30", "720p30", "480p30"];

/// An id for a command, made by Home Assistant when it sends one.
const ID: &str = "ha-{{ now().timestamp() }}";

/// Where the device is announced.
#[must_use]
pub fn topic(prefix: &str, info: &Info) -> String {
    format!("{prefix}/device/{}-{}/config", info.fleet, info.id)
}

/// Where Home Assistant says that it has started.
#[must_use]
pub fn birth_topic(prefix: &str) -> String {
    format!("{prefix}/status")
}

/// The device with its entities.
#[must_use]
pub fn device(info: &Info, topics: &BoxTopics) -> Value {
    let key = format!("boothcast-{}-{}", info.fleet, info.id);
    let mut components = Map::new();
    for (name, mut component) in entities(topics) {
        if let Value::Object(fields) = &mut component {
            fields.insert("unique_id".into(), format!("{key}-{name}").into());
        }
        components.insert(name.to_owned(), component);
    }
    json!({
        "device": {
            "identifiers": [key],
            "name": info.name,
            "manufacturer": "Boothcast",
            "model": info.board.model.as_ref().unwrap_or(&info.board.title),
            "model_id": info.board.id,
            "sw_version": info.version,
        },
        "origin": {
            "name": "boothcast",
            "sw_version": info.version,
        },
        "availability": [{
            "topic": topics.own("conn"),
            "value_template": "{{ 'online' if value_json.state == 'online' else 'offline' }}",
        }],
        "qos": 1,
        "components": components,
    })
}

fn entities(topics: &BoxTopics) -> Vec<(&'static str, Value)> {
    let mut out = sensors(&topics.own("status"));
    out.extend(controls(topics));
    out
}

fn sensors(status: &str) -> Vec<(&'static str, Value)> {
    vec![
        (
            "bitrate-now",
            json!({
                "platform": "sensor",
                "name": "Bitrate now",
                "device_class": "data_rate",
                "state_class": "measurement",
                "unit_of_measurement": "kbit/s",
                "state_topic": status,
                "value_template": "{{ (value_json.bitrate / 1000) | round(0) | int }}",
            }),
        ),
        (
            "temperature",
            json!({
                "platform": "sensor",
                "name": "Temperature",
                "device_class": "temperature",
                "state_class": "measurement",
                "unit_of_measurement": "°C",
                "entity_category": "diagnostic",
                "state_topic": status,
                "value_template": "{{ value_json.temperature_c }}",
            }),
        ),
        (
            // A state of Home Assistant has at most 255 characters.
            "health",
            json!({
                "platform": "sensor",
                "name": "Health",
                "icon": "mdi:stethoscope",
                "state_topic": status,
                "value_template": "{{ value_json.health.sentence[:255] }}",
            }),
        ),
        (
            "uptime",
            json!({
                "platform": "sensor",
                "name": "Started",
                "device_class": "timestamp",
                "entity_category": "diagnostic",
                "state_topic": status,
                "value_template": "{{ (value_json.started_at | as_datetime).isoformat() if value_json.started_at else None }}",
            }),
        ),
        (
            "problem",
            json!({
                "platform": "binary_sensor",
                "name": "Problem",
                "device_class": "problem",
                "state_topic": status,
                "value_template": "{{ 'ON' if value_json.health.severity in ['warning', 'problem'] else 'OFF' }}",
            }),
        ),
        (
            // `value_json.update` would be the method of that name, and forbidden.
            "update",
            json!({
                "platform": "update",
                "name": "Boothcast",
                "title": "Boothcast",
                "device_class": "firmware",
                "entity_category": "diagnostic",
                "state_topic": status,
                "value_template": "{{ {'installed_version': value_json['update'].installed, 'latest_version': value_json['update'].latest or value_json['update'].installed} | to_json }}",
            }),
        ),
    ]
}

fn controls(topics: &BoxTopics) -> Vec<(&'static str, Value)> {
    let status = topics.own("status");
    let command = |name: &str| topics.own(&format!("cmd/{name}"));
    vec![
        (
            "live",
            switch(
                ("Live", "mdi:broadcast"),
                (&status, "value_json.live"),
                (&command("live/set"), r#"{"live":{{ value }}}"#),
            ),
        ),
        (
            "panic",
            switch(
                ("Audience off at once", "mdi:alert-octagon"),
                (&status, "value_json.panic"),
                (&command("panic"), r#"{"on":{{ value }}}"#),
            ),
        ),
        (
            // Where nobody commanded it, it is as configured, which is on unless somebody has changed that.
            "danmaku",
            switch(
                ("Comments on the picture", "mdi:comment-text-multiple"),
                (&status, "value_json.danmaku != false"),
                (&command("danmaku/set"), r#"{"enabled":{{ value }}}"#),
            ),
        ),
        (
            "profile",
            json!({
                "platform": "select",
                "name": "Profile",
                "icon": "mdi:high-definition-box",
                "entity_category": "config",
                "options": PROFILES,
                "state_topic": status,
                "value_template": format!(
                    "{{{{ value_json.profile if value_json.profile in {PROFILES:?} else None }}}}"
                ),
                "command_topic": command("profile/set"),
                "command_template": payload(r#"{"profile":"{{ value }}"}"#),
            }),
        ),
        (
            "bitrate",
            json!({
                "platform": "number",
                "name": "Bitrate",
                "device_class": "data_rate",
                "unit_of_measurement": "kbit/s",
                "entity_category": "config",
                "mode": "box",
                "min": MIN_BITRATE / 1000,
                "max": MAX_BITRATE / 1000,
                "step": 1,
                "state_topic": status,
                "value_template": "{{ (value_json.bitrate_wanted / 1000) | round(0) | int }}",
                "command_topic": command("bitrate/set"),
                "command_template": payload(r#"{"bitrate":{{ (value | float * 1000) | int }}}"#),
            }),
        ),
        (
            "identify",
            button("Identify", Some("identify"), &command("identify")),
        ),
        (
            "restart",
            button("Restart", Some("restart"), &command("restart")),
        ),
        (
            "snapshot",
            button("Take a picture", None, &command("snapshot")),
        ),
        (
            "picture",
            json!({
                "platform": "image",
                "name": "Picture",
                "content_type": "image/jpeg",
                "image_topic": topics.own("snapshot"),
            }),
        ),
    ]
}

/// How it is called and looks; where its state is and when it is on; where it commands what.
fn switch(
    (name, icon): (&str, &str),
    (state, is_on): (&str, &str),
    (topic, args): (&str, &str),
) -> Value {
    json!({
        "platform": "switch",
        "name": name,
        "icon": icon,
        "state_topic": state,
        "value_template": format!("{{{{ 'true' if {is_on} else 'false' }}}}"),
        "payload_on": "true",
        "payload_off": "false",
        "command_topic": topic,
        "command_template": payload(args),
    })
}

fn button(name: &str, class: Option<&str>, topic: &str) -> Value {
    let mut button = json!({
        "platform": "button",
        "name": name,
        "entity_category": "config",
        "command_topic": topic,
        "command_template": payload("{}"),
    });
    if let (Some(class), Value::Object(fields)) = (class, &mut button) {
        fields.insert("device_class".into(), class.into());
    }
    button
}

/// A command as the box hears it: each with an id of its own, so that none runs twice.
fn payload(args: &str) -> String {
    format!(r#"{{"id":"{ID}","args":{args}}}"#)
}

#[cfg(test)]
#[path = "homeassistant_tests.rs"]
mod tests;
