//! `[wifi]` of the boot partition's file becomes a connection of NetworkManager, as a file of its own (keyfile format:
//! nm-settings-keyfile(5)).

use std::fmt::Write as _;
use std::path::PathBuf;

use super::Places;
use crate::config::{WifiConfig, import};
use crate::error::{Error, Result, io_kind};
use crate::store::files::write_atomic;

/// Folder of the connections.
const FOLDER: &str = "/etc/NetworkManager/system-connections";
/// Ours.
const FILE: &str = "boothcast-card.nmconnection";

/// Keeps the network that the text names; removes the one of before where it names none.
pub fn keep(places: &Places, text: &str) -> Result<()> {
    let path = places.system(FOLDER).join(FILE);
    match import::wifi(text) {
        Some(wifi) => write(&path, &connection(&wifi)),
        None => remove(&path),
    }
}

fn write(path: &PathBuf, text: &str) -> Result<()> {
    if std::fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    if let Some(folder) = path.parent().filter(|f| !f.is_dir()) {
        let said = format!("{} cannot be made", folder.display());
        std::fs::create_dir_all(folder).map_err(|e| Error::new(io_kind(&e), said).caused_by(e))?;
    }
    write_atomic(path, text.as_bytes(), 0o600)
}

fn remove(path: &PathBuf) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            let said = format!("{} cannot be removed", path.display());
            Err(Error::new(io_kind(&e), said).caused_by(e))
        }
        _ => Ok(()),
    }
}

/// The file. The name goes as bytes, so that nothing in it is special.
fn connection(wifi: &WifiConfig) -> String {
    let mut ssid = String::new();
    for byte in wifi.ssid.bytes() {
        let _ = write!(ssid, "{byte};");
    }
    let hidden = if wifi.hidden { "hidden=true\n" } else { "" };
    let security = match &wifi.password {
        Some(password) => format!(
            "\n[wifi-security]\nkey-mgmt=wpa-psk\npsk={}\n",
            escaped(password.expose())
        ),
        None => String::new(),
    };
    format!(
        "[connection]\nid=boothcast-card\nuuid=b007ca57-0000-4000-8000-000000000001\ntype=wifi\nautoconnect-priority=10\n\n\
         [wifi]\nmode=infrastructure\nssid={ssid}\n{hidden}{security}\n[ipv4]\nmethod=auto\n\n[ipv6]\nmethod=auto\n"
    )
}

/// A value of GLib's key files: backslashes, and spaces at the ends.
fn escaped(value: &str) -> String {
    let slashed = value.replace('\\', "\\\\");
    let body = slashed.trim_matches(' ');
    let begin = slashed.len() - slashed.trim_start_matches(' ').len();
    let end = slashed.len() - slashed.trim_end_matches(' ').len();
    format!("{}{body}{}", "\\s".repeat(begin), "\\s".repeat(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn nothing_in_name_or_password_is_special() {
        let wifi = WifiConfig {
            ssid: "a;[b]\n".to_owned(),
            password: Some(Secret::new(" c:\\d=# ")),
            hidden: true,
        };
        let text = connection(&wifi);
        assert!(
            text.contains("\nssid=97;59;91;98;93;10;\nhidden=true\n"),
            "{text}"
        );
        assert!(text.contains("\npsk=\\sc:\\\\d=#\\s\n"), "{text}");
        let open = WifiConfig {
            password: None,
            ..wifi
        };
        assert!(!connection(&open).contains("security"));
    }
}
