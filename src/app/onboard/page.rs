//! The page of the box: its names, and its start.

use crate::edge::web::{Site, Web};
use crate::error::Result;

/// How the box is called on the local network: `announced` by mDNS, and by the machine's own name.
pub(super) fn names(announced: String) -> Vec<String> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim().split('.').next().unwrap_or_default().to_owned();
    [announced, host]
        .into_iter()
        .filter(|n| !n.is_empty())
        .collect()
}

/// The page, where it is wanted and its port is free.
pub(super) fn open(port: u16, site: Result<Site>, runtime: &tokio::runtime::Handle) -> Option<Web> {
    if port == 0 {
        return None;
    }
    site.and_then(|site| Web::start(port, site, runtime))
        .inspect_err(|e| tracing::warn!("{}", e.report()))
        .ok()
}
