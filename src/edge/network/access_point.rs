//! The box's own Wi-Fi network, for phones that are to set it up.

use std::time::Duration;

use tokio::sync::broadcast;
use zbus::ObjectPath;

use super::AP_ADDRESS;
use super::bus::{self, Bus, ROOT, Word};
use super::join::{Outcome, add_and_activate};
use super::look::MOST;
use super::{profile, scan};
use crate::config::Secret;
use crate::config::code::WifiCode;
use crate::error::{Error, Kind, Result};

/// Name of its profile in NetworkManager.
pub(super) const PROFILE_ID: &str = "Boothcast set-up";
/// Longest wait until it is up.
const UP: Duration = Duration::from_secs(30);

/// Its name: `Boothcast-XXXX`, by the last four letters of what tells this machine from others
/// ([`crate::edge::net::hardware_id`]).
#[must_use]
pub fn network_name(hardware_id: Option<&str>) -> String {
    let id = hardware_id.unwrap_or("box");
    let end: String = id
        .chars()
        .skip(id.chars().count().saturating_sub(4))
        .collect();
    format!("Boothcast-{}", end.to_uppercase())
}

/// What a phone needs to join it.
#[must_use]
pub fn wifi_code(name: String, password: Secret) -> WifiCode {
    WifiCode {
        ssid: name,
        password: Some(password),
        hidden: false,
    }
}

/// Opens it, and waits until it is up.
pub(super) async fn open(
    bus: &Bus,
    words: broadcast::Receiver<Word>,
    own: &WifiCode,
) -> Result<()> {
    let radio = scan::radio(bus).await?;
    let address = AP_ADDRESS.to_string();
    let channel = scan::quietest(&scan::heard(bus, &radio).await);
    let profile = profile::access_point(own, &address, channel);
    let begun = add_and_activate(bus, &radio, &profile, "volatile")
        .await
        .map_err(not_opened)?;
    let outcome = Outcome {
        bus,
        radio: &radio,
        active: &begun.active,
        words,
        ssid: &own.ssid,
        with_password: false,
    };
    match outcome.wait(tokio::time::Instant::now() + UP).await {
        Ok(()) => Ok(()),
        Err(e) => {
            // Volatile, it may be gone already.
            let _ = profile::delete(bus, &begun.profile).await;
            Err(not_opened(e))
        }
    }
}

fn not_opened(e: Error) -> Error {
    Error::new(
        Kind::Unsupported,
        "The box could not open a Wi-Fi network of its own",
    )
    .caused_by(e)
    .mend("Connect a cable, or show the camera a QR code of your Wi-Fi.")
}

/// Closes it, if it is open. Its profile goes with it.
pub(super) async fn close(bus: &Bus) -> Result<()> {
    let mut root = bus.properties(ROOT, "").await?;
    for path in bus::paths(&mut root, "ActiveConnections", MOST) {
        let Ok(mut active) = bus.properties(&path, ".Connection.Active").await else {
            continue;
        };
        if bus::take::<String>(&mut active, "Id").as_deref() != Some(PROFILE_ID) {
            continue;
        }
        let object = ObjectPath::try_from(path.as_str())
            .map_err(|e| Error::new(Kind::Internal, "A path on the bus is broken").caused_by(e))?;
        bus.call(ROOT, "", "DeactivateConnection", &(object,))
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_name_ends_as_the_box_does() {
        assert_eq!(network_name(Some("01ab3f")), "Boothcast-AB3F");
        assert_eq!(network_name(Some("3f")), "Boothcast-3F");
        assert_eq!(network_name(None), "Boothcast-BOX");
    }
}
