//! The Wi-Fi networks around.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};
use zbus::Variant;

use super::bus::{self, Bus, ROOT};
use super::look::{MOST, WIFI};
use crate::error::{Error, Kind, Result};

/// Access points that are looked at.
const POINTS: usize = 256;
/// Networks that are listed.
const LISTED: usize = 40;
/// Longest wait for the radio to look around.
const LOOKING: Duration = Duration::from_secs(6);
/// Between two looks at whether it is done.
const STEP: Duration = Duration::from_millis(300);

/// What an access point, or all of a network together, offer: bits of `NM80211ApFlags` and `NM80211ApSecurityFlags`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Offer {
    /// Encrypted in some way (also WEP).
    pub privacy: bool,
    /// WPA and RSN together.
    pub security: u32,
    /// There is an access point without any.
    pub open: bool,
}

/// `NM_802_11_AP_SEC_KEY_MGMT_PSK`
pub(super) const PSK: u32 = 0x100;
/// `NM_802_11_AP_SEC_KEY_MGMT_802_1X`
pub(super) const ENTERPRISE: u32 = 0x200;
/// `NM_802_11_AP_SEC_KEY_MGMT_SAE`
pub(super) const SAE: u32 = 0x400;
/// `NM_802_11_AP_SEC_KEY_MGMT_OWE`
pub(super) const OWE: u32 = 0x800;

/// A network that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Its name.
    pub ssid: String,
    /// Signal of its strongest access point, per cent.
    pub strength: u8,
    /// It wants a password.
    pub locked: bool,
    /// It can be joined with a password, or without one; not those that want a user name, or use WEP.
    pub usable: bool,
    #[serde(skip)]
    pub(super) offer: Offer,
}

/// The first radio, as path; switched on if it is off.
pub(super) async fn radio(bus: &Bus) -> Result<String> {
    let mut root = bus.properties(ROOT, "").await?;
    if bus::take::<bool>(&mut root, "WirelessEnabled") == Some(false) {
        bus.set(ROOT, "", "WirelessEnabled", Variant::from(true))
            .await?;
    }
    let mut off = false;
    let mut seen = None;
    for path in bus::paths(&mut root, "Devices", MOST) {
        let mut device = bus.properties(&path, ".Device").await?;
        if bus::take::<u32>(&mut device, "DeviceType") != Some(WIFI) {
            continue;
        }
        let state: u32 = bus::take(&mut device, "State").unwrap_or(0);
        if state > 20 {
            return Ok(path);
        }
        off |= state == 20;
        seen.get_or_insert(path);
    }
    match seen {
        // It may just have been switched on.
        Some(path) if off => Ok(path),
        Some(_) => Err(Error::new(
            Kind::Unsupported,
            "NetworkManager leaves this machine's Wi-Fi alone.",
        )
        .mend("Let NetworkManager manage it, or connect a cable.")),
        None => Err(Error::new(
            Kind::NotFound,
            "This box has no Wi-Fi, or its driver is missing.",
        )
        .mend("Connect a cable, or plug in a Wi-Fi adapter.")),
    }
}

/// The networks around.
pub(super) async fn scan(bus: &Bus, afresh: bool) -> Result<Vec<Found>> {
    let radio = radio(bus).await?;
    if afresh {
        look_around(bus, &radio, None).await;
    }
    seen(bus, &radio).await
}

/// Has the radio look around, for a hidden network by its name, and waits until it has; for as long as [`LOOKING`]. A radio
/// that has just done so refuses, which is as good.
pub(super) async fn look_around(bus: &Bus, radio: &str, hidden: Option<&str>) {
    let before = last_scan(bus, radio).await;
    let mut options: HashMap<&str, Variant<'_>> = HashMap::new();
    if let Some(ssid) = hidden {
        options.insert("ssids", Variant::from(vec![ssid.as_bytes().to_vec()]));
    }
    let asked = bus
        .call(radio, ".Device.Wireless", "RequestScan", &(options,))
        .await;
    if let Err(e) = asked {
        tracing::debug!("the radio does not look around: {}", e.report());
        return;
    }
    let end = Instant::now() + LOOKING;
    while Instant::now() < end {
        sleep(STEP).await;
        if last_scan(bus, radio).await != before {
            return;
        }
    }
}

async fn last_scan(bus: &Bus, radio: &str) -> Option<i64> {
    let mut p = bus.properties(radio, ".Device.Wireless").await.ok()?;
    bus::take(&mut p, "LastScan")
}

/// What is in the list now.
pub(super) async fn seen(bus: &Bus, radio: &str) -> Result<Vec<Found>> {
    let mut p = bus.properties(radio, ".Device.Wireless").await?;
    let mut found = Vec::new();
    for path in bus::paths(&mut p, "AccessPoints", POINTS) {
        // It may have gone meanwhile.
        if let Ok(mut point) = bus.properties(&path, ".AccessPoint").await {
            found.extend(point_of(&mut point));
        }
    }
    Ok(networks(found))
}

/// Frequency (MHz) and strength of every access point in the list; empty where it cannot be read.
pub(super) async fn heard(bus: &Bus, radio: &str) -> Vec<(u32, u8)> {
    let Ok(mut p) = bus.properties(radio, ".Device.Wireless").await else {
        return Vec::new();
    };
    let mut heard = Vec::new();
    for path in bus::paths(&mut p, "AccessPoints", POINTS) {
        if let Ok(mut point) = bus.properties(&path, ".AccessPoint").await
            && let Some(frequency) = bus::take(&mut point, "Frequency")
        {
            heard.push((frequency, bus::take(&mut point, "Strength").unwrap_or(0)));
        }
    }
    heard
}

/// Of the channels of 2.4 GHz that do not overlap, the one with the least to hear. All of them are allowed everywhere.
pub(super) fn quietest(heard: &[(u32, u8)]) -> u32 {
    let noise = |channel: u32| -> u32 {
        let middle = 2407 + 5 * channel;
        // A network is 20 MHz wide.
        let near = heard.iter().filter(|(f, _)| f.abs_diff(middle) < 20);
        near.map(|(_, strength)| u32::from(*strength)).sum()
    };
    [1, 6, 11]
        .into_iter()
        .min_by_key(|c| noise(*c))
        .unwrap_or(1)
}

fn point_of(p: &mut bus::Properties) -> Option<Found> {
    /// `NM_802_11_AP_FLAGS_PRIVACY`
    const PRIVACY: u32 = 1;
    /// `NM_802_11_MODE_INFRA`
    const INFRASTRUCTURE: u32 = 2;
    let mode: u32 = bus::take(p, "Mode")?;
    let ssid = String::from_utf8(bus::take(p, "Ssid")?).ok()?;
    let named = !ssid.is_empty() && !ssid.chars().any(char::is_control);
    let bits = |p: &mut bus::Properties, name| bus::take::<u32>(p, name).unwrap_or(0);
    let privacy = bits(p, "Flags") & PRIVACY != 0;
    let security = bits(p, "WpaFlags") | bits(p, "RsnFlags");
    let offer = Offer {
        privacy,
        security,
        open: !privacy && security & (PSK | ENTERPRISE | SAE | OWE) == 0,
    };
    (named && mode == INFRASTRUCTURE).then(|| Found {
        strength: bus::take(p, "Strength").unwrap_or(0).min(100),
        ..Found::new(ssid, offer)
    })
}

impl Found {
    fn new(ssid: String, offer: Offer) -> Self {
        Self {
            ssid,
            strength: 0,
            locked: !offer.open && offer.security & OWE == 0,
            usable: offer.open || offer.security & (PSK | SAE | OWE) != 0,
            offer,
        }
    }
}

#[cfg(test)]
impl Found {
    /// A network with a password.
    pub(crate) fn for_tests(ssid: &str) -> Self {
        let offer = Offer {
            privacy: true,
            security: PSK,
            open: false,
        };
        Self::new(ssid.to_owned(), offer)
    }
}

/// Access points of one name are one network; the strongest first.
fn networks(points: Vec<Found>) -> Vec<Found> {
    let mut by_name: HashMap<String, Found> = HashMap::new();
    for point in points {
        let so_far = by_name.get(&point.ssid);
        let strength = so_far.map_or(0, |f| f.strength).max(point.strength);
        let before = so_far.map_or(Offer::default(), |f| f.offer);
        let offer = Offer {
            privacy: before.privacy | point.offer.privacy,
            security: before.security | point.offer.security,
            open: before.open | point.offer.open,
        };
        let merged = Found {
            strength,
            ..Found::new(point.ssid, offer)
        };
        by_name.insert(merged.ssid.clone(), merged);
    }
    let mut all: Vec<Found> = by_name.into_values().collect();
    all.sort_by(|a, b| (b.strength, &a.ssid).cmp(&(a.strength, &b.ssid)));
    all.truncate(LISTED);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(ssid: &str, strength: u8, security: u32) -> Found {
        let offer = Offer {
            privacy: security != 0,
            security,
            open: security == 0,
        };
        Found {
            strength,
            ..Found::new(ssid.into(), offer)
        }
    }

    #[test]
    fn the_quietest_channel_is_one_that_all_may_use() {
        assert_eq!(quietest(&[]), 1);
        assert_eq!(quietest(&[(2412, 40)]), 6);
        assert_eq!(quietest(&[(2412, 40), (2437, 30)]), 11);
        // Channel 4 is heard on 1 and on 6; 5 GHz nowhere.
        assert_eq!(quietest(&[(2427, 90), (2462, 80), (5180, 100)]), 11);
        assert_eq!(quietest(&[(2427, 90), (2462, 95), (2472, 1)]), 1);
    }

    #[test]
    fn a_network_of_many_points_is_one_and_the_strongest_is_first() {
        let mut points = vec![
            point("Shop", 30, PSK),
            point("Cafe", 50, 0),
            point("Shop", 80, SAE),
            point("Office", 90, ENTERPRISE),
        ];
        points.extend((0..100).map(|n| point(&format!("n{n:03}"), 1, PSK)));
        let list = networks(points);
        assert_eq!(list.len(), LISTED);
        let names: Vec<&str> = list.iter().take(4).map(|f| f.ssid.as_str()).collect();
        assert_eq!(names, ["Office", "Shop", "Cafe", "n000"]);
        assert_eq!((list[1].strength, list[1].offer.security), (80, PSK | SAE));
        assert!(list[1].locked && list[1].usable && !list[0].usable);
        assert!(!list[2].locked && list[2].usable);
    }
}
