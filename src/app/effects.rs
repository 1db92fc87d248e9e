//! The thread that carries out the core's effects, and ends engine and hardware when it is told to.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use tokio::sync::mpsc;

use super::End;
use super::audience::Audience;
use super::hardware::Hardware;
use super::log_ring::LogRing;
use super::onboard::Onboard;
use super::updates::Updates;
use crate::device::effect::Effect;
use crate::device::event::{Event, HardwareEvent};
use crate::device::setup::SetupStep;
use crate::device::state::Wanted;
use crate::device::supervisor::Handle;
use crate::error::{Error, Kind, Result};
use crate::media::engine::Engine;
use crate::store::{files, forget};

/// What carrying out needs.
pub struct Carrier {
    /// Picture, sound, encoders, outputs.
    pub engine: Engine,
    /// The other devices of the box.
    pub hardware: Hardware,
    /// The room.
    pub audience: Audience,
    /// Set-up: network and page.
    pub onboard: Onboard,
    /// New versions of the software.
    pub updates: Updates,
    /// What is to be done, in order.
    pub effects: mpsc::Receiver<Effect>,
    /// Where what is wanted is kept.
    pub state_dir: PathBuf,
    /// Bitrate of the configuration, bit/s.
    pub configured: u32,
    /// Where the box is reached: one clause.
    pub address: String,
    /// Outcomes go in here.
    pub handle: Handle,
    /// Learns the keys of destinations.
    pub logs: LogRing,
    /// Which end it was goes in here, before anything ends.
    pub end: Arc<OnceLock<End>>,
    /// Safe mode: what is wanted is not that of the normal run, and must not take its place.
    pub safe: bool,
}

/// Starts the thread.
///
/// # Errors
/// `Internal` when the system gives no thread.
pub fn spawn(carrier: Carrier) -> Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new()
        .name("effects".into())
        .spawn(move || carrier.run())
        .map_err(|e| {
            Error::new(Kind::Internal, "The effects thread could not be started.").caused_by(e)
        })
}

impl Carrier {
    fn run(mut self) {
        while let Some(effect) = self.effects.blocking_recv() {
            match &effect {
                Effect::Shutdown => break,
                Effect::Restart => {
                    let _ = self.end.set(End::Restart);
                    break;
                }
                Effect::Reboot => {
                    let _ = self.end.set(End::Reboot);
                    break;
                }
                Effect::FactoryReset => {
                    self.forget();
                    break;
                }
                Effect::Persist(wanted) => self.persist(wanted),
                Effect::Identify => self.tell_address(),
                Effect::Setup(step) => {
                    self.hide(step);
                    self.engine.apply(&effect);
                    self.onboard.apply(step);
                }
                Effect::Update(step) => self.updates.apply(step),
                other => {
                    match other {
                        Effect::SetDestination(destination) => self.logs.hide(&destination.key),
                        Effect::ShowStage(stage) => self.audience.stage(stage),
                        _ => {}
                    }
                    self.engine.apply(other);
                    self.hardware.apply(other);
                }
            }
        }
        self.onboard.stop();
        self.updates.stop();
        self.audience.stop();
        self.engine.stop();
        self.hardware.stop();
    }

    /// Nobody logs them; should somebody do so one day, the log does not hand them out.
    fn hide(&self, step: &SetupStep) {
        let (a, b) = match step {
            SetupStep::Join(code) => (&code.password, &None),
            SetupStep::Adopt(code) => (&code.password, &code.claim),
            SetupStep::Scan(_) | SetupStep::Open(_) => return,
        };
        a.iter().chain(b).for_each(|secret| self.logs.hide(secret));
    }

    fn persist(&self, wanted: &Wanted) {
        let video = wanted.video.as_ref();
        self.engine
            .set_wanted_bitrate(video.map_or(self.configured, |v| v.bitrate));
        let error = if self.safe {
            Some("this is the safe mode, which keeps no settings".to_owned())
        } else {
            let saved = files::save_wanted(&self.state_dir, wanted);
            saved.err().map(|e| e.report())
        };
        self.handle.event(Event::Persisted {
            revision: wanted.revision,
            error,
        });
    }

    fn tell_address(&self) {
        tracing::info!("this is the box that you are looking for: {}", self.address);
        self.handle
            .hardware(HardwareEvent::Address(self.address.clone()));
    }

    /// Where services of root end the reset, the machine starts anew for them.
    fn forget(&self) {
        let services = forget::has_services();
        let begun = forget::begin(&self.state_dir);
        let own = forget::forget(&self.state_dir);
        let ended = match services {
            true => self.end.set(End::Reboot).map_err(|_| ()).ok(),
            false => forget::end(&self.state_dir).ok(),
        };
        match begun.and(own) {
            Ok(()) => {
                tracing::warn!("a factory reset: everything that the box was told is forgotten");
            }
            Err(e) => tracing::error!("the factory reset is not complete: {}", e.report()),
        }
        if ended.is_none() {
            tracing::error!("the factory reset goes on at the next start");
        }
    }
}
