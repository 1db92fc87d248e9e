//! One look at what the box is connected to.

use std::net::IpAddr;

use super::State;
use super::access_point::PROFILE_ID;
use super::bus::{self, Bus, ROOT};
use crate::edge::net;
use crate::error::Result;

/// `NM_ACTIVE_CONNECTION_STATE_ACTIVATED`
const ACTIVATED: u32 = 2;
/// `NM_DEVICE_TYPE_WIFI`
pub(super) const WIFI: u32 = 2;
/// `NM_DEVICE_STATE_UNAVAILABLE`: managed, but without firmware, or switched off.
const UNAVAILABLE: u32 = 20;
/// Connections, devices and profiles that are looked at.
pub(super) const MOST: usize = 64;

/// A connection that is up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Up {
    /// `cable`, `Wi-Fi Shop`, or the name of the link.
    what: String,
    addresses: Vec<IpAddr>,
    /// It has the default route.
    leads_out: bool,
}

/// The state by NetworkManager's account; links that it leaves alone by the kernel's.
pub async fn look(bus: &Bus) -> Result<State> {
    let mut root = bus.properties(ROOT, "").await?;
    let mut state = State {
        manager: true,
        ..State::default()
    };
    let mut up = Vec::new();
    for path in bus::paths(&mut root, "ActiveConnections", MOST) {
        match active(bus, &path).await {
            Ok(Some(Active::Own)) => state.access_point = true,
            Ok(Some(Active::Other(connection))) => up.push(connection),
            Ok(None) => {}
            // It went away while we looked; the change will be told.
            Err(e) => tracing::debug!("a connection is not seen: {}", e.report()),
        }
    }
    let mut managed = Vec::new();
    for path in bus::paths(&mut root, "Devices", MOST) {
        let Ok(mut device) = bus.properties(&path, ".Device").await else {
            continue;
        };
        let now: u32 = bus::take(&mut device, "State").unwrap_or(0);
        if now >= UNAVAILABLE {
            managed.extend(bus::take::<String>(&mut device, "Interface"));
        }
        let wifi = bus::take::<u32>(&mut device, "DeviceType") == Some(WIFI);
        state.radio |= wifi && now > UNAVAILABLE;
    }
    state.known = !super::profile::saved(bus)
        .await
        .unwrap_or_default()
        .is_empty();
    up.sort_by_key(|u| !u.leads_out);
    up.extend(
        tokio::task::spawn_blocking(move || unmanaged(&managed))
            .await
            .unwrap_or_default(),
    );
    Ok(said(state, &up))
}

/// The state where there is no NetworkManager.
pub fn by_kernel() -> State {
    said(State::default(), &unmanaged(&[]))
}

fn said(mut state: State, up: &[Up]) -> State {
    let with_address = up.iter().find(|u| !u.addresses.is_empty());
    state.clause = with_address.and_then(|u| {
        let address = u.addresses.first()?;
        Some(format!("{}, {address}", u.what))
    });
    state.addresses = up.iter().flat_map(|u| u.addresses.clone()).collect();
    state
}

enum Active {
    /// The access point of the box.
    Own,
    Other(Up),
}

async fn active(bus: &Bus, path: &str) -> Result<Option<Active>> {
    let mut p = bus.properties(path, ".Connection.Active").await?;
    if bus::take::<u32>(&mut p, "State") != Some(ACTIVATED) {
        return Ok(None);
    }
    let id: String = bus::take(&mut p, "Id").unwrap_or_default();
    if id == PROFILE_ID {
        return Ok(Some(Active::Own));
    }
    let kind: String = bus::take(&mut p, "Type").unwrap_or_default();
    let what = match kind.as_str() {
        "loopback" => return Ok(None),
        "802-3-ethernet" => "cable".to_owned(),
        "802-11-wireless" => format!("Wi-Fi {}", ssid(bus, &mut p, &id).await),
        _ => clean(&id),
    };
    let leads_out = ["Default", "Default6"]
        .iter()
        .any(|name| bus::take::<bool>(&mut p, name) == Some(true));
    let mut addresses = Vec::new();
    for (property, interface) in [("Ip4Config", ".IP4Config"), ("Ip6Config", ".IP6Config")] {
        if let Some(config) = bus::path(&mut p, property) {
            addresses.extend(addresses_of(bus, &config, interface).await?);
        }
    }
    addresses.retain(usable);
    Ok(Some(Active::Other(Up {
        what,
        addresses,
        leads_out,
    })))
}

/// Name of the network; of the profile, where the access point is gone from the list.
async fn ssid(bus: &Bus, active: &mut bus::Properties, id: &str) -> String {
    if let Some(path) = bus::path(active, "SpecificObject")
        && let Ok(mut point) = bus.properties(&path, ".AccessPoint").await
        && let Some(bytes) = bus::take::<Vec<u8>>(&mut point, "Ssid")
    {
        return clean(&String::from_utf8_lossy(&bytes));
    }
    clean(id)
}

async fn addresses_of(bus: &Bus, config: &str, interface: &str) -> Result<Vec<IpAddr>> {
    let mut p = bus.properties(config, interface).await?;
    let data: Vec<bus::Properties> = bus::take(&mut p, "AddressData").unwrap_or_default();
    let addresses = data
        .into_iter()
        .take(MOST)
        .filter_map(|mut one| bus::take::<String>(&mut one, "address")?.parse().ok());
    Ok(addresses.collect())
}

fn usable(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => !a.is_link_local() && !a.is_unspecified(),
        IpAddr::V6(a) => a.segments()[0] & 0xffc0 != 0xfe80 && !a.is_unspecified(),
    }
}

/// Links with addresses that are none of `managed`: the way out first, links made by software not at all.
fn unmanaged(managed: &[String]) -> Vec<Up> {
    let network = net::look();
    let out = network.route.map(|r| r.link);
    let mut up: Vec<Up> = network
        .links
        .into_iter()
        .filter(|l| l.carrier != Some(false) && !managed.contains(&l.name))
        .filter(|l| !l.is_virtual || out.as_ref() == Some(&l.name))
        .filter(|l| !l.addresses.is_empty() && !l.addresses.contains(&super::AP_ADDRESS.into()))
        .map(|mut l| {
            l.addresses.sort_by_key(IpAddr::is_ipv6);
            Up {
                what: if l.wireless { "Wi-Fi" } else { "cable" }.to_owned(),
                leads_out: out.as_ref() == Some(&l.name),
                addresses: l.addresses,
            }
        })
        .collect();
    up.sort_by_key(|u| !u.leads_out);
    up
}

/// A name from outside, fit for a sentence.
fn clean(name: &str) -> String {
    let printable = super::super::printable(name);
    printable.chars().take(32).collect()
}
