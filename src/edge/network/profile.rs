//! Connection profiles as NetworkManager keeps them, and the choice of a network's security.

use std::collections::HashMap;

use zbus::{OwnedObjectPath, Variant};

use super::access_point::PROFILE_ID;
use super::bus::{self, Bus, Properties};
use super::look::MOST;
use super::scan::{ENTERPRISE, OWE, Offer, PSK, SAE};
use crate::config::Secret;
use crate::config::code::WifiCode;
use crate::error::{Error, Kind, Result};

/// The object that keeps the profiles.
const SETTINGS: &str = "/org/freedesktop/NetworkManager/Settings";
/// So long may DHCP take, s: shorter than the whole join may, so that its failure is heard as such.
const DHCP_S: i32 = 25;

/// A group of settings.
pub type Group<'a> = HashMap<&'static str, Variant<'a>>;
/// A profile: groups by name.
pub type Profile<'a> = HashMap<&'static str, Group<'a>>;

/// How the box proves that it may join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    Open,
    /// Not at all, but encrypted (RFC 8110).
    Owe,
    /// By a password, WPA2; with WPA3 where radio and network can do both.
    Psk,
    /// By a password, WPA3 alone.
    Sae,
}

impl Security {
    /// What fits `offer` (`None`: the network was not seen) and the code.
    ///
    /// # Errors
    /// None does; says why.
    pub fn choose(offer: Option<Offer>, code: &WifiCode) -> Result<Self> {
        let name = &code.ssid;
        let password = code.password.as_ref().filter(|p| !p.is_empty());
        let Some(offer) = offer else {
            return Ok(if password.is_some() {
                Self::Psk
            } else {
                Self::Open
            });
        };
        let has = |bit: u32| offer.security & bit != 0;
        match password {
            Some(_) if has(PSK) => Ok(Self::Psk),
            Some(_) if has(SAE) => Ok(Self::Sae),
            None if offer.open => Ok(Self::Open),
            None if has(OWE) => Ok(Self::Owe),
            _ if has(ENTERPRISE) => Err(Error::new(
                Kind::Unsupported,
                format!("The Wi-Fi network {name} wants a user name, which this box cannot give."),
            )
            .mend("Use a network with a password only, such as one for guests, or a cable.")),
            None if has(PSK | SAE) => Err(Error::new(
                Kind::Refused,
                format!("The Wi-Fi network {name} wants a password."),
            )
            .mend("Give it.")),
            Some(_) if offer.open || has(OWE) => Err(Error::new(
                Kind::Refused,
                format!("The Wi-Fi network {name} takes no password, but one was given."),
            )
            .mend("Check the name of the network, or leave the password out.")),
            _ => Err(Error::new(
                Kind::Unsupported,
                format!("The Wi-Fi network {name} uses WEP, which is not safe and not supported."),
            )
            .mend("Switch its access point to WPA2 or WPA3.")),
        }
    }

    fn key_management(self) -> Option<&'static str> {
        match self {
            Self::Open => None,
            Self::Owe => Some("owe"),
            Self::Psk => Some("wpa-psk"),
            Self::Sae => Some("sae"),
        }
    }
}

/// The profile of a network to join.
pub fn client<'a>(code: &'a WifiCode, security: Security, uuid: &'a str) -> Profile<'a> {
    let mut profile = Profile::new();
    profile.insert(
        "connection",
        Group::from([
            ("id", Variant::from(code.ssid.as_str())),
            ("uuid", Variant::from(uuid)),
            ("type", Variant::from("802-11-wireless")),
            ("autoconnect", Variant::from(true)),
            // For ever: nobody is there to press a button when the shop's router was off over night.
            ("autoconnect-retries", Variant::from(0_i32)),
        ]),
    );
    profile.insert(
        "802-11-wireless",
        Group::from([
            ("ssid", Variant::from(code.ssid.as_bytes())),
            ("mode", Variant::from("infrastructure")),
            ("hidden", Variant::from(code.hidden)),
            // 2: off. It costs frames: packets wait for the next beacon.
            ("powersave", Variant::from(2_u32)),
        ]),
    );
    if let Some(way) = security.key_management() {
        let mut group = Group::from([("key-mgmt", Variant::from(way))]);
        if let Some(password) = code.password.as_ref().map(Secret::expose) {
            group.insert("psk", Variant::from(password));
        }
        profile.insert("802-11-wireless-security", group);
    }
    profile.insert(
        "ipv4",
        Group::from([
            ("method", Variant::from("auto")),
            ("dhcp-timeout", Variant::from(DHCP_S)),
        ]),
    );
    profile.insert("ipv6", Group::from([("method", Variant::from("auto"))]));
    profile
}

/// The profile of the access point: WPA2 alone and no protected management frames, which radios of small boards get wrong as
/// access points.
///
/// With a channel (of 2.4 GHz): NetworkManager would choose any, also 12 and 13, where a radio that does not know its country
/// may not begin to send.
pub fn access_point<'a>(own: &'a WifiCode, address: &'a str, channel: u32) -> Profile<'a> {
    let mut profile = Profile::new();
    profile.insert(
        "connection",
        Group::from([
            ("id", Variant::from(PROFILE_ID)),
            ("type", Variant::from("802-11-wireless")),
            ("autoconnect", Variant::from(false)),
        ]),
    );
    profile.insert(
        "802-11-wireless",
        Group::from([
            ("ssid", Variant::from(own.ssid.as_bytes())),
            ("mode", Variant::from("ap")),
            ("band", Variant::from("bg")),
            ("channel", Variant::from(channel)),
        ]),
    );
    if let Some(password) = own.password.as_ref().map(Secret::expose) {
        profile.insert(
            "802-11-wireless-security",
            Group::from([
                ("key-mgmt", Variant::from("wpa-psk")),
                ("proto", Variant::from(vec!["rsn"])),
                ("pairwise", Variant::from(vec!["ccmp"])),
                ("group", Variant::from(vec!["ccmp"])),
                // 1: off.
                ("pmf", Variant::from(1_i32)),
                ("psk", Variant::from(password)),
            ]),
        );
    }
    let own_address: Group<'a> = Group::from([
        ("address", Variant::from(address)),
        ("prefix", Variant::from(24_u32)),
    ]);
    profile.insert(
        "ipv4",
        Group::from([
            ("method", Variant::from("shared")),
            ("address-data", Variant::from(vec![own_address])),
        ]),
    );
    profile.insert("ipv6", Group::from([("method", Variant::from("disabled"))]));
    profile
}

/// A profile that NetworkManager keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Its object.
    pub path: String,
    /// Name of its network.
    pub ssid: Vec<u8>,
}

/// The Wi-Fi networks that NetworkManager would join.
///
/// # Errors
/// It does not answer.
pub async fn saved(bus: &Bus) -> Result<Vec<Saved>> {
    let list = bus
        .call(SETTINGS, ".Settings", "ListConnections", &())
        .await?;
    let paths: Vec<OwnedObjectPath> = list.body().deserialize().unwrap_or_default();
    let mut found = Vec::new();
    for path in paths.iter().take(MOST) {
        let answer = bus
            .call(path.as_str(), ".Settings.Connection", "GetSettings", &())
            .await;
        // It may have been deleted meanwhile.
        let Ok(answer) = answer else { continue };
        let body = answer.body();
        let Ok(mut profile) = body.deserialize::<HashMap<String, Properties>>() else {
            continue;
        };
        let Some(mut wireless) = profile.remove("802-11-wireless") else {
            continue;
        };
        let mode: Option<String> = bus::take(&mut wireless, "mode");
        let joins = mode.is_none_or(|m| m == "infrastructure");
        if let (true, Some(ssid)) = (joins, bus::take(&mut wireless, "ssid")) {
            found.push(Saved {
                path: path.as_str().to_owned(),
                ssid,
            });
        }
    }
    Ok(found)
}

/// Deletes a profile.
///
/// # Errors
/// NetworkManager does not answer, or refuses.
pub async fn delete(bus: &Bus, path: &str) -> Result<()> {
    let call = bus.call(path, ".Settings.Connection", "Delete", &());
    call.await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(password: Option<&str>) -> WifiCode {
        WifiCode {
            ssid: "Shop".into(),
            password: password.map(Secret::new),
            hidden: false,
        }
    }

    fn offer(security: u32) -> Option<Offer> {
        Some(Offer {
            privacy: security != 0,
            security,
            open: security == 0,
        })
    }

    #[test]
    fn security_is_what_both_can_do_or_a_sentence() {
        let with = code(Some("12345678"));
        let without = code(None);
        for (offered, code, chosen) in [
            (offer(PSK), &with, Security::Psk),
            (offer(PSK | SAE), &with, Security::Psk),
            (offer(SAE), &with, Security::Sae),
            (offer(PSK | ENTERPRISE), &with, Security::Psk),
            (None, &with, Security::Psk),
            (None, &without, Security::Open),
            (offer(0), &without, Security::Open),
            (offer(OWE), &without, Security::Owe),
        ] {
            assert_eq!(Security::choose(offered, code).unwrap(), chosen);
        }
        let wep = Some(Offer {
            privacy: true,
            ..Offer::default()
        });
        for (offered, code, said) in [
            (offer(ENTERPRISE), &with, "user name"),
            (offer(PSK), &without, "wants a password"),
            (offer(0), &with, "takes no password"),
            (wep, &with, "WEP"),
            (wep, &without, "WEP"),
        ] {
            let e = Security::choose(offered, code).unwrap_err();
            assert!(e.report().contains(said), "{}", e.report());
            assert!(!e.report().contains("12345678") && e.mend_text().is_some());
        }
    }

    #[test]
    fn an_open_network_gets_no_security_and_a_password_is_only_there() {
        let open = code(None);
        assert!(!client(&open, Security::Open, "u").contains_key("802-11-wireless-security"));
        let with = code(Some("12345678"));
        let profile = client(&with, Security::Sae, "u");
        let holds = |g: &Group<'_>| format!("{g:?}").contains("12345678");
        let places: Vec<_> = profile
            .iter()
            .filter(|(_, g)| holds(g))
            .map(|(n, _)| *n)
            .collect();
        assert_eq!(places, ["802-11-wireless-security"]);
    }
}
