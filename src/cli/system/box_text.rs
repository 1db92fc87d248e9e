//! `box.txt` on the boot partition: who this box is and where it is found, for whoever puts the card into a computer.

use std::path::Path;

use crate::app::live::keys::first_password_file;
use crate::config::{self, Config, Sources};
use crate::edge::net::hardware_id;
use crate::store::files::read_small;

/// Name of the file.
pub const FILE: &str = "box.txt";
/// Where set-up keeps the password of the box's own network, in the state folder.
const ACCESS_POINT: &str = "access-point-password";

/// What stands in it.
pub fn text(sources: &Sources, state: &Path) -> String {
    // Nothing of it is kept here: what root would write into the state folder, the box could not replace.
    let loaded = config::load(sources);
    let config = loaded.as_ref().map(|l| &l.config).ok();
    let id = hardware_id().unwrap_or_else(|| "box".to_owned());
    let mut lines = vec![
        "This Boothcast box, as it was when it was started last.".to_owned(),
        String::new(),
        format!("Name:     {}", config.map_or("-", |c| c.box_.name.as_str())),
        format!("Id:       {}", mqtt_id(config, &id)),
        format!("Page:     {}", page(config, &id)),
        format!("Picture:  {}", picture(config, &id)),
        format!("Room:     {}", room(config, &id)),
        format!("Desk:     {}", desk(config, &id)),
        format!("Version:  {}", super::version()),
    ];
    if let Some(password) = read_small(&state.join(ACCESS_POINT)).ok().flatten() {
        lines.push(format!(
            "Password of its own Wi-Fi network: {}",
            password.trim()
        ));
    }
    // Made by the box itself at its first start, so it stands here from the second on, until the owner changes it.
    if let Some(password) = read_small(&first_password_file(state)).ok().flatten() {
        lines.push(format!(
            "At the desk you are owner, with the password {}",
            password.trim()
        ));
    }
    lines.push(String::new());
    lines.join("\r\n")
}

fn mqtt_id(config: Option<&Config>, id: &str) -> String {
    let given = config.and_then(|c| c.mqtt.id.as_ref());
    given.map_or_else(|| format!("box-{id}"), ToString::to_string)
}

/// Its name in the local network: the last four letters of what tells this machine from others.
fn host(id: &str) -> String {
    let skipped = id.chars().count().saturating_sub(4);
    let end: String = id.chars().skip(skipped).collect();
    format!("boothcast-{}.local", end.to_lowercase())
}

fn page(config: Option<&Config>, id: &str) -> String {
    match config.map_or(80, |c| c.setup.port) {
        0 => "-".to_owned(),
        80 => format!("http://{}/", host(id)),
        port => format!("http://{}:{port}/", host(id)),
    }
}

fn picture(config: Option<&Config>, id: &str) -> String {
    match config {
        Some(c) if c.rtsp.enabled => format!("rtsp://{}:{}/main", host(id), c.rtsp.port),
        _ => "-".to_owned(),
    }
}

/// For everybody.
fn room(config: Option<&Config>, id: &str) -> String {
    match config {
        Some(c) if c.web.enabled => format!("http://{}:{}/", host(id), c.web.port),
        _ => "-".to_owned(),
    }
}

/// For the staff: over HTTPS, unless they may do without.
fn desk(config: Option<&Config>, id: &str) -> String {
    match config {
        Some(c) if c.web.enabled && c.web.staff_over_http => {
            format!("http://{}:{}/desk", host(id), c.web.port)
        }
        Some(c) if c.web.enabled => format!("https://{}:{}/desk", host(id), c.web.tls_port),
        _ => "-".to_owned(),
    }
}
