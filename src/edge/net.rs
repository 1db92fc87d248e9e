//! The network and the clock as the machine sees them: where it can be reached, over which link, and what time it is
//! by its own account. Reads only; nothing is sent.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ffi::CStr;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use serde::Serialize;

mod identity;

pub use identity::hardware_id;

/// More than any machine has: bounds for lists that come from outside.
const MAX_ADDRESSES: usize = 1024;
const MAX_LINES: usize = 4096;

/// One network link.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Link {
    /// Name: `eth0`.
    pub name: String,
    /// Addresses that are not link-local.
    pub addresses: Vec<IpAddr>,
    /// A cable or an access point is at the other end, where that is known.
    pub carrier: Option<bool>,
    /// Mbit/s, where the link says it.
    pub speed: Option<u32>,
    /// Wi-Fi.
    pub wireless: bool,
    /// Made by software: bridges, containers, tunnels.
    pub is_virtual: bool,
}

/// The way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Route {
    /// Over which link.
    pub link: String,
    /// Next hop; unspecified where the link has none.
    pub gateway: IpAddr,
}

/// What the kernel says of its clock (`adjtimex(2)`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ClockState {
    /// Whether a time service keeps it.
    pub synchronised: bool,
    /// What the time service is correcting just now, ms.
    pub offset_ms: f64,
    /// How far it may be off at most, ms.
    pub max_error_ms: f64,
}

/// Everything at once.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Network {
    /// Addresses by which this machine can be reached, the one to show first in front.
    pub addresses: Vec<IpAddr>,
    /// Links but loopback.
    pub links: Vec<Link>,
    /// Default route.
    pub route: Option<Route>,
    /// DNS servers.
    pub dns: Vec<IpAddr>,
}

/// Looks at links, addresses, route and DNS servers. What cannot be read is left out.
#[must_use]
pub fn look() -> Network {
    let root = Path::new("/");
    let links = links(root, &own_addresses().unwrap_or_default());
    let route = route(root);
    Network {
        addresses: reachable(&links, route.as_ref()),
        links,
        route,
        dns: dns(root),
    }
}

/// Addresses by which this machine can be reached, the one to show first in front: those of the link that leads out,
/// then of real links, then of virtual ones; IPv4 before IPv6. Loopback only if there is nothing else.
#[must_use]
pub fn addresses() -> Vec<IpAddr> {
    look().addresses
}

fn reachable(links: &[Link], route: Option<&Route>) -> Vec<IpAddr> {
    let mut ranked: Vec<(_, IpAddr)> = links
        .iter()
        .filter(|l| l.carrier != Some(false))
        .flat_map(|l| {
            let leads_out = route.is_some_and(|r| r.link == l.name);
            l.addresses.iter().map(move |a| {
                (
                    (!leads_out, l.is_virtual, a.is_ipv6(), Reverse(is_local(*a))),
                    *a,
                )
            })
        })
        .collect();
    ranked.sort();
    let mut out: Vec<IpAddr> = ranked.into_iter().map(|(_, a)| a).collect();
    if out.is_empty() {
        out.push(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    out
}

/// An address of a local network (RFC 1918, RFC 4193).
fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => a.is_private(),
        IpAddr::V6(a) => a.segments()[0] & 0xfe00 == 0xfc00,
    }
}

/// Whether others can use it: not loopback, not link-local, not unspecified.
fn is_usable(address: &IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(a) => a.is_link_local(),
        IpAddr::V6(a) => a.segments()[0] & 0xffc0 == 0xfe80,
    };
    !(address.is_loopback() || address.is_unspecified() || address.is_multicast() || link_local)
}

fn links(root: &Path, own: &[(String, IpAddr)]) -> Vec<Link> {
    let mut links: BTreeMap<String, Link> = BTreeMap::new();
    let folder = root.join("sys/class/net");
    let names = fs::read_dir(&folder).into_iter().flatten().flatten();
    for name in names
        .take(MAX_ADDRESSES)
        .filter_map(|e| e.file_name().into_string().ok())
        .chain(own.iter().map(|(name, _)| name.clone()))
        .filter(|name| name != "lo")
    {
        links
            .entry(name.clone())
            .or_insert_with(|| read_link(&folder.join(&name), name));
    }
    for (name, address) in own.iter().filter(|(_, a)| is_usable(a)) {
        if let Some(link) = links.get_mut(name) {
            link.addresses.push(*address);
        }
    }
    links.into_values().collect()
}

fn read_link(folder: &Path, name: String) -> Link {
    let read = |file: &str| fs::read_to_string(folder.join(file)).ok();
    let number = |file: &str| read(file).and_then(|s| s.trim().parse::<i64>().ok());
    Link {
        name,
        addresses: Vec::new(),
        // Cannot be read while the link is switched off.
        carrier: number("carrier").map(|c| c == 1),
        // −1: not known.
        speed: number("speed")
            .and_then(|s| u32::try_from(s).ok())
            .filter(|s| *s > 0),
        wireless: folder.join("wireless").exists() || folder.join("phy80211").exists(),
        is_virtual: folder.exists() && !folder.join("device").exists(),
    }
}

/// Links and their addresses, loopback and link-local ones included.
fn own_addresses() -> io::Result<Vec<(String, IpAddr)>> {
    let mut head: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: `head` is a valid place for the list's address.
    if unsafe { libc::getifaddrs(&raw mut head) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let mut out = Vec::new();
    let mut next = head;
    while !next.is_null() && out.len() < MAX_ADDRESSES {
        // SAFETY: not null, and an entry of the list, which lives until `freeifaddrs` below.
        let entry = unsafe { &*next };
        next = entry.ifa_next;
        let up = entry.ifa_flags & libc::IFF_UP.cast_unsigned() != 0;
        // SAFETY: `ifa_addr` is null or points to a `sockaddr` of the family that it names.
        let address = unsafe { address_of(entry.ifa_addr) };
        if let (true, Some(address)) = (up, address) {
            // SAFETY: every entry has a name that ends in NUL.
            let name = unsafe { CStr::from_ptr(entry.ifa_name) };
            out.push((name.to_string_lossy().into_owned(), address));
        }
    }
    // SAFETY: `head` came from `getifaddrs` and nothing of the list is kept.
    unsafe { libc::freeifaddrs(head) };
    Ok(out)
}

/// # Safety
/// `raw` must be null or point to a `sockaddr` that is as long as its family says.
unsafe fn address_of(raw: *const libc::sockaddr) -> Option<IpAddr> {
    if raw.is_null() {
        return None;
    }
    // SAFETY: not null; the caller promises a `sockaddr`.
    let family = unsafe { (*raw).sa_family };
    match i32::from(family) {
        libc::AF_INET => {
            // SAFETY: this family means `sockaddr_in`.
            let v4 = unsafe { &*raw.cast::<libc::sockaddr_in>() };
            Some(Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes()).into())
        }
        libc::AF_INET6 => {
            // SAFETY: this family means `sockaddr_in6`.
            let v6 = unsafe { &*raw.cast::<libc::sockaddr_in6>() };
            Some(Ipv6Addr::from(v6.sin6_addr.s6_addr).into())
        }
        _ => None,
    }
}

/// The default route: IPv4's with the lowest metric, else IPv6's.
fn route(root: &Path) -> Option<Route> {
    let read = |file: &str| fs::read_to_string(root.join(file)).unwrap_or_default();
    route_v4(&read("proc/net/route")).or_else(|| route_v6(&read("proc/net/ipv6_route")))
}

/// `/proc/net/route`: addresses are hexadecimal in the order in which they lie in memory.
fn route_v4(table: &str) -> Option<Route> {
    let lines = table.lines().skip(1).take(MAX_LINES);
    let routes = lines.filter_map(|line| {
        let f: Vec<&str> = line.split_whitespace().collect();
        let (&link, &to, &gateway, &flags) = (f.first()?, f.get(1)?, f.get(2)?, f.get(3)?);
        let (metric, mask): (u32, &str) = (f.get(6)?.parse().ok()?, f.get(7)?);
        let up = u32::from_str_radix(flags, 16).ok()? & u32::from(libc::RTF_UP) != 0;
        let gateway = u32::from_str_radix(gateway, 16).ok()?;
        (up && to == "00000000" && mask == "00000000").then(|| {
            let gateway = Ipv4Addr::from(gateway.to_ne_bytes()).into();
            (
                metric,
                Route {
                    link: link.to_owned(),
                    gateway,
                },
            )
        })
    });
    routes.min_by_key(|(metric, _)| *metric).map(|(_, r)| r)
}

/// `/proc/net/ipv6_route`: destination, prefix length, source, its length, next hop, metric, …, link.
fn route_v6(table: &str) -> Option<Route> {
    let routes = table.lines().take(MAX_LINES).filter_map(|line| {
        let f: Vec<&str> = line.split_whitespace().collect();
        let (&prefix, &hop, &metric, &link) = (f.get(1)?, f.get(4)?, f.get(5)?, f.get(9)?);
        let metric = u32::from_str_radix(metric, 16).ok()?;
        let hop = Ipv6Addr::from(u128::from_str_radix(hop, 16).ok()?);
        // The kernel keeps a route to nowhere on `lo`.
        (prefix == "00" && link != "lo").then(|| {
            (
                metric,
                Route {
                    link: link.to_owned(),
                    gateway: hop.into(),
                },
            )
        })
    });
    routes.min_by_key(|(metric, _)| *metric).map(|(_, r)| r)
}

/// DNS servers; behind systemd's own resolver those that it asks.
fn dns(root: &Path) -> Vec<IpAddr> {
    let read = |file: &str| name_servers(&fs::read_to_string(root.join(file)).unwrap_or_default());
    let servers = read("etc/resolv.conf");
    let behind = read("run/systemd/resolve/resolv.conf");
    if !behind.is_empty() && servers.iter().all(IpAddr::is_loopback) {
        behind
    } else {
        servers
    }
}

fn name_servers(text: &str) -> Vec<IpAddr> {
    let servers = text.lines().take(MAX_LINES).filter_map(|line| {
        let mut words = line.split_whitespace();
        let address = words
            .next()
            .filter(|w| *w == "nameserver")
            .and(words.next())?;
        // A link-local server carries its link: fe80::1%eth0.
        address.split('%').next()?.parse().ok()
    });
    servers.collect()
}

/// What the kernel says of its clock.
///
/// # Errors
/// The system's, where even reading it is forbidden (some containers).
pub fn clock() -> io::Result<ClockState> {
    // SAFETY: a C structure of integers, for which all zeroes are a value; `modes` 0 means: read only.
    let mut raw: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: `raw` is a valid place to write to.
    let answer = unsafe { libc::adjtimex(&raw mut raw) };
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    // The kernel's `long` is 32 bits on some boards.
    #[allow(clippy::useless_conversion)]
    Ok(clock_of(
        answer,
        raw.status,
        i64::from(raw.offset),
        i64::from(raw.maxerror),
    ))
}

/// `offset` is in µs, or ns where the status says so; `max_error` in µs.
fn clock_of(answer: i32, status: i32, offset: i64, max_error: i64) -> ClockState {
    /// `TIME_ERROR` of `adjtimex(2)`.
    const TIME_ERROR: i32 = 5;
    let per_ms = if status & libc::STA_NANO == 0 {
        1e3
    } else {
        1e6
    };
    #[allow(clippy::cast_precision_loss)]
    let ms = |n: i64, per: f64| n as f64 / per;
    ClockState {
        synchronised: answer != TIME_ERROR && status & libc::STA_UNSYNC == 0,
        offset_ms: ms(offset, per_ms),
        max_error_ms: ms(max_error, 1e3),
    }
}

#[cfg(test)]
#[path = "net/tests.rs"]
mod tests;
