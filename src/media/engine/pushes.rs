//! The pushes: one publisher per destination that is open, and the adaptive bitrate they share.

use std::collections::BTreeMap;

use crate::config::{Config, Destination, DestinationName};
use crate::media::access_unit::AccessUnit;
use crate::media::fanout::Fanout;
use crate::media::output::rtmp::{Abr, Push, PushOptions};
use crate::media::report::Reporter;

/// All destinations, open or not.
pub(super) struct Pushes {
    known: BTreeMap<DestinationName, Destination>,
    open: BTreeMap<DestinationName, Push>,
    fanout: Fanout<AccessUnit>,
    audio: bool,
    abr: Option<Abr>,
    runtime: tokio::runtime::Handle,
    reporter: Reporter,
}

impl Pushes {
    pub(super) fn new(
        config: &Config,
        fanout: &Fanout<AccessUnit>,
        audio: bool,
        runtime: &tokio::runtime::Handle,
        reporter: &Reporter,
    ) -> Self {
        let abr = config.adaptive.enabled.then(|| {
            Abr::new(config.encode.video.bitrate, config.adaptive.floor, reporter.clone())
        });
        Self {
            known: config.destination.iter().map(|d| (d.name.clone(), d.clone())).collect(),
            open: BTreeMap::new(),
            fanout: fanout.clone(),
            audio,
            abr,
            runtime: runtime.clone(),
            reporter: reporter.clone(),
        }
    }

    pub(super) fn open(&mut self, name: &DestinationName) {
        let Some(destination) = self.known.get(name) else { return };
        if self.open.contains_key(name) {
            return;
        }
        let options = PushOptions {
            destination: destination.clone(),
            fanout: self.fanout.clone(),
            audio: self.audio,
            abr: self.abr.clone(),
        };
        let push = Push::spawn(&self.runtime, options, self.reporter.clone());
        self.open.insert(name.clone(), push);
    }

    /// Ends in the background: a server that does not answer holds up nobody.
    pub(super) fn close(&mut self, name: &DestinationName) {
        if let Some(push) = self.open.remove(name) {
            self.runtime.spawn(push.stop());
        }
    }

    /// Ends all at once, each within its own bound.
    pub(super) async fn stop(self) {
        let ends: Vec<_> =
            self.open.into_values().map(|push| self.runtime.spawn(push.stop())).collect();
        for end in ends {
            let _ = end.await;
        }
    }
}
