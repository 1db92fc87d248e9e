//! What a run begins with, out of configuration and state folder.

use std::time::Duration;

use super::log_ring::LogRing;
use crate::config::{Config, RtspAuth, Secret, keys};
use crate::device::state::{DestinationSetup, Setup, Wanted};
use crate::device::thermal::Limits;
use crate::error::Result;
use crate::media::output::rtsp::{RtspOptions, RtspTls};
use crate::store::files::{self, LoadedWanted};
use crate::store::setup_file;

/// How a run begins, other than well.
#[derive(Debug, Clone, Default)]
pub struct Begin {
    /// In safe mode: the sentence for people.
    pub safe: Option<String>,
    /// With other settings than those that were meant: the sentence for people.
    pub complaint: Option<String>,
}

/// What the log must never hand out. Keys of destinations that are set by command follow when they are set.
pub fn hide_secrets(logs: &LogRing, config: &Config) {
    let keys = config.destination.iter().map(|d| &d.key);
    let others = config.mqtt.password.iter().chain(&config.web.order_secret);
    keys.chain(others).for_each(|s| logs.hide(s));
}

/// Wanted state from the last run; on the first run, live if a destination is switched on.
pub fn load_wanted(config: &Config, safe: bool) -> Result<(Wanted, Option<String>)> {
    let (mut wanted, warning) = match files::load_wanted(&config.paths.state)? {
        LoadedWanted::FirstRun => (
            Wanted::new(config.destination.iter().any(|d| d.enabled)),
            None,
        ),
        LoadedWanted::Loaded(wanted) => (wanted, None),
        LoadedWanted::Broken { wanted, warning } => (wanted, Some(warning)),
    };
    // Whoever wrote the file on the boot partition is as good as whoever showed a code.
    wanted.claimed |= setup_file::is_claimed_by_file(&config.paths.state);
    if safe {
        // Who owns the box stays, and who may command it.
        let (claimed, claim, groups) = (wanted.claimed, wanted.claim, wanted.groups);
        wanted = Wanted {
            claimed,
            claim,
            groups,
            ..Wanted::new(false)
        };
    }
    Ok((wanted, warning))
}

/// The RTSP server's options, and the password if it was made just now.
pub fn rtsp_options(config: &Config) -> Result<(Option<RtspOptions>, Option<Secret>)> {
    let rtsp = &config.rtsp;
    if !rtsp.enabled {
        return Ok((None, None));
    }
    let mut fresh = None;
    let auth = match rtsp.auth {
        RtspAuth::None => None,
        RtspAuth::Digest => {
            let (password, made_now) = files::rtsp_password(&config.paths.state)?;
            fresh = made_now.then(|| password.clone());
            Some((rtsp.user.clone(), password))
        }
    };
    let tls = (!rtsp.tls_cert.as_os_str().is_empty()).then(|| RtspTls {
        cert_pem: rtsp.tls_cert.clone(),
        key_pem: rtsp.tls_key.clone(),
        port: rtsp.tls_port,
    });
    let options = RtspOptions {
        listen: rtsp.listen,
        port: rtsp.port,
        auth,
        tls,
        max_readers: rtsp.max_readers,
        session_timeout_s: rtsp.session_timeout_s,
        box_name: config.box_.name.to_string(),
    };
    Ok((Some(options), fresh))
}

/// What the core must know of the configuration.
pub fn setup(config: &Config, encoders: &[String], audio: bool, begin: Begin) -> Setup {
    Setup {
        name: config.box_.name.clone(),
        main: config.encode.video.clone(),
        sub: config.sub.enabled.then(|| config.sub.video.clone()),
        encoders: encoders.to_vec(),
        passthrough: config.video.passthrough && !config.sub.enabled,
        audio,
        gain_db: config.audio.gain_db,
        offset_ms: config.audio.offset_ms,
        destinations: config
            .destination
            .iter()
            .map(|d| DestinationSetup {
                name: d.name.clone(),
                enabled: d.enabled,
                max_bitrate: d.max_bitrate,
            })
            .collect(),
        adaptive: config.adaptive.clone(),
        first_run: config.setup.enabled,
        scan: config.setup.camera && begin.safe.is_none(),
        safe: begin.safe,
        complaint: begin.complaint,
        configured: is_configured(config),
        heat: Limits {
            step_c: config.thermal.step_down_c,
            lowest_c: config.thermal.lowest_c,
            hold: Duration::from_secs(config.thermal.recover_s.into()),
        },
    }
}

/// Whether somebody has said in the configuration what this box is. Such a box is nobody's to claim.
fn is_configured(config: &Config) -> bool {
    let unnamed = keys::by_path("box.name").is_some_and(
        |key| matches!(key.default, keys::Default::Is(name) if name == config.box_.name.as_str()),
    );
    !unnamed || !config.destination.is_empty() || config.mqtt.broker.is_some()
}
