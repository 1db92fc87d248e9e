//! `[web]` and `[watch]`: the room's pages, and the live picture in them.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::build::Merged;
use super::problems::Problems;
use super::schema::Config;
use super::types::Secret;
use super::value::Value;

/// Shortest secret of the shop's orders, in characters.
const MIN_SECRET: usize = 16;

/// `[web]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebConfig {
    /// Whether the room has pages.
    pub enabled: bool,
    /// TCP port of the pages; 0: any free one.
    pub port: u16,
    /// TCP port of the same over TLS; 0: any free one.
    pub tls_port: u16,
    /// The staff may log in without TLS.
    pub staff_over_http: bool,
    /// Where figures for Prometheus are served; `None`: nowhere.
    pub metrics: Option<SocketAddr>,
    /// What happened in the room is kept for so many days.
    pub retention_days: u32,
    /// What the shop signs its orders with; `None`: no orders are taken.
    pub order_secret: Option<Secret>,
    /// Viewers who may be connected at once.
    pub max_viewers: u32,
}

/// `[watch]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchConfig {
    /// Whether the pages show the live picture.
    pub enabled: bool,
    /// UDP port of WebRTC; 0: any free one.
    pub udp_port: u16,
    /// Who may watch at once.
    pub max_viewers: u32,
}

/// Whether a text is empty or `address:port`.
pub(super) fn address(text: &str) -> Result<(), String> {
    if text.is_empty() || text.parse::<SocketAddr>().is_ok() {
        Ok(())
    } else {
        Err("must be an address with a port, such as 127.0.0.1:9477, or empty".into())
    }
}

pub(super) fn web(m: &Merged) -> Result<WebConfig, Problems> {
    Ok(WebConfig {
        enabled: m.bool("web.enabled"),
        port: m.int("web.port"),
        tls_port: m.int("web.tls_port"),
        staff_over_http: m.bool("web.staff_over_http"),
        metrics: m.text("web.metrics").parse().ok(),
        retention_days: m.int("web.retention_days"),
        order_secret: order_secret(m)?,
        max_viewers: m.int("web.max_viewers"),
    })
}

pub(super) fn watch(m: &Merged) -> WatchConfig {
    WatchConfig {
        enabled: m.bool("watch.enabled"),
        udp_port: m.int("watch.udp_port"),
        max_viewers: m.int("watch.max_viewers"),
    }
}

fn order_secret(m: &Merged) -> Result<Option<Secret>, Problems> {
    let Some(Value::Secret(secret)) = m.value("web.order_secret") else {
        return Ok(None);
    };
    if secret.is_empty() {
        return Ok(None);
    }
    if secret.expose().chars().count() < MIN_SECRET {
        let at = m.origin(&["web.order_secret"]);
        let clause = format!("is shorter than {MIN_SECRET} characters, so it could be guessed");
        return Err(at.problem(&clause).into());
    }
    Ok(Some(secret.clone()))
}

/// No two servers share a TCP port.
pub(super) fn check(m: &Merged, config: &Config, errors: &mut Problems) {
    let web = &config.web;
    if !web.enabled {
        return;
    }
    let metrics = web.metrics.map_or(0, |at| at.port());
    let own = [
        ("web.tls_port", web.tls_port),
        ("web.port", web.port),
        ("web.metrics", metrics),
    ];
    let has_tls = !config.rtsp.tls_cert.as_os_str().is_empty();
    let others = [
        ("rtsp.port", config.rtsp.port, config.rtsp.enabled),
        (
            "rtsp.tls_port",
            config.rtsp.tls_port,
            config.rtsp.enabled && has_tls,
        ),
        ("setup.port", config.setup.port, config.setup.enabled),
    ];
    let others = others
        .into_iter()
        .filter_map(|(path, port, used)| used.then_some((path, port)));
    let all: Vec<(&'static str, u16)> = others.chain(own).collect();
    for (n, (path, port)) in all.iter().enumerate() {
        let first = all
            .iter()
            .take(n)
            .find(|(earlier, other)| other == port && !m.refused(earlier));
        if let Some((earlier, _)) = first
            && *port != 0
            && !m.refused(path)
        {
            let at = m.origin(&[path, earlier]);
            let text = format!(
                "{path} and {earlier} are both {port}, and two servers cannot share a port."
            );
            let mend = "Choose another number for one of them.";
            errors.push(at.sentence(text).mend(mend));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::{lines, load_text};

    #[test]
    fn the_pages_are_on_unless_they_are_switched_off() {
        let config = load_text("").unwrap().config;
        let web = config.web;
        assert!(web.enabled && config.watch.enabled && !web.staff_over_http);
        assert_eq!((web.port, web.tls_port), (8080, 8443));
        assert_eq!(web.metrics, Some("127.0.0.1:9477".parse().unwrap()));
        assert_eq!(web.order_secret, None);
        assert_eq!(
            (config.watch.udp_port, config.watch.max_viewers),
            (8189, 20)
        );
        let off = load_text("[web]\nmetrics = \"\"\n").unwrap().config;
        assert_eq!(off.web.metrics, None);
    }

    #[test]
    fn two_servers_do_not_share_a_port() {
        for (text, what) in [
            (
                "[web]\nport = 8554\n",
                "web.port and rtsp.port are both 8554",
            ),
            (
                "[web]\nport = 9000\ntls_port = 9000\n",
                "web.port and web.tls_port are both 9000",
            ),
            (
                "[setup]\nenabled = true\nport = 8080\n",
                "web.port and setup.port are both 8080",
            ),
            (
                "[web]\nport = 9477\n",
                "web.metrics and web.port are both 9477",
            ),
        ] {
            let said = lines(load_text(text)).join("\n");
            assert!(said.contains(what), "{text}: {said}");
        }
        for fine in [
            "[web]\nport = 0\ntls_port = 0\n",
            "[web]\nenabled = false\nport = 8554\n",
            "[setup]\nport = 8080\n",
        ] {
            assert!(load_text(fine).is_ok(), "{fine}");
        }
    }

    #[test]
    fn a_secret_of_orders_is_long_and_is_never_said() {
        let said = lines(load_text("[web]\norder_secret = \"canary\"\n")).join("\n");
        assert!(
            said.contains("web.order_secret") && !said.contains("canary"),
            "{said}"
        );
        let text = "[web]\norder_secret = \"0123456789abcdef\"\n";
        let config = load_text(text).unwrap().config;
        assert_eq!(
            config.web.order_secret.unwrap().expose(),
            "0123456789abcdef"
        );
        let said = lines(load_text("[web]\nmetrics = \"9477\"\n")).join("\n");
        assert!(said.contains("web.metrics"), "{said}");
    }
}
