//! `[wifi]`: the network of a box that was set up by a file. A code or the page says the same without it.

use serde::{Deserialize, Serialize};

use super::build::Merged;
use super::problems::Problems;
use super::types::Secret;
use super::value::Value;

/// `[wifi]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WifiConfig {
    /// Its name (SSID), 1 to 32 bytes.
    pub ssid: String,
    /// Its password; `None`: an open network.
    pub password: Option<Secret>,
    /// The network does not say its name.
    pub hidden: bool,
}

/// Builds it; `None` where no network is named.
pub(super) fn build(m: &Merged) -> Result<Option<WifiConfig>, Problems> {
    let ssid = m.text("wifi.ssid").to_owned();
    let password = match m.value("wifi.password") {
        Some(Value::Secret(secret)) => Some(secret.clone()),
        _ => None,
    };
    if ssid.is_empty() {
        if password.is_some() && !m.refused("wifi.ssid") {
            let at = m.origin(&["wifi.password"]);
            return Err(at.problem("needs wifi.ssid as well").into());
        }
        return Ok(None);
    }
    Ok(Some(WifiConfig {
        ssid,
        password,
        hidden: m.bool("wifi.hidden"),
    }))
}

/// A name: what a frame of 802.11 holds.
pub(super) fn ssid(s: &str) -> Result<(), String> {
    if s.len() > 32 || s.contains('\0') {
        return Err("must have at most 32 bytes".into());
    }
    Ok(())
}

/// A password of WPA: 8 to 63 printable ASCII characters (IEEE 802.11i, annex H.4.1).
pub(super) fn password(s: &str) -> Result<(), String> {
    let printable = s.bytes().all(|b| (b' '..=b'~').contains(&b));
    if !(8..=63).contains(&s.len()) || !printable {
        return Err("must be 8 to 63 letters, digits or signs of ASCII".into());
    }
    Ok(())
}
