//! Why NetworkManager could not connect, as sentences with a mend. Pure.

use crate::error::{Error, Kind};

/// `NM_DEVICE_STATE_IP_CONFIG`: from here on the radio link is there.
pub const IP_CONFIG: u32 = 70;
/// `NM_DEVICE_STATE_ACTIVATED`
pub const ACTIVATED: u32 = 100;
/// `NM_DEVICE_STATE_FAILED`
pub const FAILED: u32 = 120;

/// `NMDeviceStateReason` of a join that failed.
pub fn failed(ssid: &str, reason: u32, with_password: bool) -> Error {
    let network = format!("the Wi-Fi network {ssid}");
    match reason {
        // NO_SECRETS: it asked for another password after ours was refused.
        7 if with_password => wrong_password(&network),
        7 => Error::new(
            Kind::Refused,
            format!("It was refused by {network}, which wants a password."),
        )
        .mend("Give it."),
        // SUPPLICANT_DISCONNECT, _CONFIG_FAILED, _FAILED, _TIMEOUT
        8..=11 if with_password => unheard(&network)
            .mend("Check the password, then bring the box nearer to the access point."),
        8..=11 => unheard(&network).mend("Bring the box nearer to the access point."),
        // SSID_NOT_FOUND
        53 => not_found(ssid),
        // CONFIG_UNAVAILABLE, CONFIG_EXPIRED, DHCP_*, SHARED_*, IP_METHOD_UNSUPPORTED
        5 | 6 | 15..=20 | 67 => no_address(ssid),
        // FIRMWARE_MISSING
        35 => Error::new(
            Kind::Missing,
            "The firmware of this box's Wi-Fi is missing.",
        )
        .mend("Connect a cable, or install the firmware of the adapter."),
        // REMOVED
        36 => Error::new(Kind::NotFound, "The Wi-Fi adapter was pulled out.")
            .mend("Plug it in again."),
        // CONNECTION_REMOVED, USER_REQUESTED, NEW_ACTIVATION
        38 | 39 | 60 => Error::new(
            Kind::Refused,
            format!("Joining {network} was broken off by something else."),
        )
        .mend("Try again."),
        // RF kill and the like have no reason of their own; the number helps whoever looks it up.
        other => Error::new(
            Kind::Network,
            format!("The box could not join {network} (reason {other})."),
        )
        .mend("Check that other devices can join it, then try again."),
    }
}

/// The whole join took too long; `state` is how far it came.
pub fn too_late(ssid: &str, state: u32, with_password: bool) -> Error {
    if state >= IP_CONFIG {
        no_address(ssid)
    } else {
        failed(ssid, 11, with_password)
    }
}

fn wrong_password(network: &str) -> Error {
    Error::new(
        Kind::Refused,
        format!("The password is wrong for {network}."),
    )
    .mend("Check it, capital letters included, and try again.")
}

fn unheard(network: &str) -> Error {
    Error::new(
        Kind::Network,
        format!(
            "The box could not log in to {network}: its access point does not answer as it should."
        ),
    )
}

/// Nobody says this name.
pub fn not_found(ssid: &str) -> Error {
    Error::new(Kind::NotFound, format!("The Wi-Fi network {ssid} was not found."))
        .mend("Check its name, capital letters included; bring the box nearer; a box without 5 GHz needs 2.4 GHz.")
}

fn no_address(ssid: &str) -> Error {
    Error::new(
        Kind::Network,
        format!("The Wi-Fi network {ssid} gives the box no address."),
    )
    .mend("Restart its router, or ask who runs it whether new devices are let in.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_a_sentence_with_a_mend() {
        for reason in 0..=80 {
            for with in [false, true] {
                let e = failed("Shop", reason, with);
                assert!(e.mend_text().is_some_and(|m| m.ends_with('.')), "{reason}");
                assert!(e.message().ends_with('.'), "{}", e.message());
            }
        }
        assert!(
            failed("Shop", 7, true)
                .report()
                .contains("password is wrong for the Wi-Fi network Shop")
        );
        assert!(failed("Shop", 53, true).report().contains("not found"));
        assert!(failed("Shop", 5, true).report().contains("no address"));
        assert!(too_late("Shop", 70, true).report().contains("no address"));
        assert!(
            too_late("Shop", 50, true)
                .report()
                .contains("Check the password")
        );
        assert!(!too_late("Shop", 50, false).report().contains("password"));
    }
}
