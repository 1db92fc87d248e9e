//! The pushes: one publisher per destination that is open, and the adaptive bitrate they share.

use std::collections::BTreeMap;

use tokio::task::JoinHandle;

use crate::config::{Config, Destination, DestinationName};
use crate::media::access_unit::AccessUnit;
use crate::media::fanout::Fanout;
use crate::media::output::rtmp::abr::{Adaptive, Controller};
use crate::media::output::rtmp::{Push, PushOptions};
use crate::media::report::Reporter;

/// All destinations, open or not: those of the configuration, and those that were added by command.
pub(super) struct Pushes {
    known: BTreeMap<DestinationName, Destination>,
    open: BTreeMap<DestinationName, Push>,
    /// Pushes on their way out: the next to the same place waits for them, or the server would see the key twice.
    ending: BTreeMap<DestinationName, JoinHandle<()>>,
    fanout: Fanout<AccessUnit>,
    audio: bool,
    adaptive: Option<Adaptive>,
    floor: u32,
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
        let floor = config.adaptive.floor;
        let adaptive = config.adaptive.enabled.then(|| {
            let controller = Controller::new(config.encode.video.bitrate, floor);
            Adaptive::new(controller, reporter.clone())
        });
        Self {
            known: config
                .destination
                .iter()
                .map(|d| (d.name.clone(), d.clone()))
                .collect(),
            open: BTreeMap::new(),
            ending: BTreeMap::new(),
            fanout: fanout.clone(),
            audio,
            adaptive,
            floor,
            runtime: runtime.clone(),
            reporter: reporter.clone(),
        }
    }

    /// The bitrate that people want now: what the adaptive bitrate climbs back to.
    pub(super) fn set_wanted(&self, bitrate: u32) {
        if let Some(adaptive) = &self.adaptive {
            adaptive.set_wanted(bitrate, self.floor);
        }
    }

    /// Knows `destination` from now on. If it is open, another ceiling counts at once, another address or key from the next
    /// opening.
    pub(super) fn set(&mut self, destination: Destination) {
        if let Some(adaptive) = &self.adaptive
            && self.open.contains_key(&destination.name)
        {
            adaptive.set_ceiling(&destination.name, destination.max_bitrate);
        }
        self.known.insert(destination.name.clone(), destination);
    }

    /// Knows it no more.
    pub(super) fn forget(&mut self, name: &DestinationName) {
        self.close(name);
        self.known.remove(name);
    }

    pub(super) fn open(&mut self, name: &DestinationName) {
        let Some(destination) = self.known.get(name) else {
            return;
        };
        if self.open.contains_key(name) {
            return;
        }
        if let Some(end) = self.ending.remove(name) {
            // Within a second, by the bound of `Push::stop`.
            let _ = self.runtime.block_on(end);
        }
        let options = PushOptions {
            destination: destination.clone(),
            fanout: self.fanout.clone(),
            audio: self.audio,
            adaptive: self.adaptive.clone(),
        };
        let push = Push::spawn(&self.runtime, options, self.reporter.clone());
        self.open.insert(name.clone(), push);
    }

    /// Ends in the background: a server that does not answer holds up nobody.
    pub(super) fn close(&mut self, name: &DestinationName) {
        // Names come and go; what has ended is no longer waited for.
        self.ending.retain(|_, end| !end.is_finished());
        if let Some(push) = self.open.remove(name) {
            self.ending
                .insert(name.clone(), self.runtime.spawn(push.stop()));
        }
    }

    /// Ends all at once, each within its own bound.
    pub(super) async fn stop(self) {
        let Self {
            open,
            ending,
            runtime,
            ..
        } = self;
        let mut ends: Vec<_> = ending.into_values().collect();
        ends.extend(open.into_values().map(|push| runtime.spawn(push.stop())));
        for end in ends {
            let _ = end.await;
        }
    }
}
