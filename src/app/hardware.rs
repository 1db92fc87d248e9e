//! The devices of the box beside picture and sound: LED, button, temperature, plugging, controls of camera and card.
//! Each part has a thread or task of its own that is joined at the end; none can hold up another, and a part that
//! fails reports it once and tries again by itself.

mod button;
mod camera;
mod led;
mod mic;
mod plug;
mod thermal;

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::sources::CardInUse;
use crate::clock::Clock;
use crate::config::Config;
use crate::config::board::Board;
use crate::device::effect::Effect;
use crate::device::status::Status;
use crate::device::supervisor::Handle;

/// What the parts need.
pub struct Parts<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The board's facts.
    pub board: &'a Board,
    /// The core's clock: times in events are its.
    pub clock: &'a Clock,
    /// Events go in here.
    pub handle: &'a Handle,
    /// What the box is doing.
    pub status: &'a watch::Receiver<Status>,
    /// The sound card that was opened last.
    pub card: &'a CardInUse,
    /// Where tasks run.
    pub runtime: &'a tokio::runtime::Handle,
    /// The camera that the picture is taken from.
    pub camera: &'a super::sources::LastCamera,
    /// What stands in for devices that are not there.
    pub stand_in: &'a super::sources::StandIn,
}

/// The running parts.
pub struct Hardware {
    led: led::Led,
    button: button::Button,
    thermal: thermal::Thermal,
    plug: plug::Plug,
    camera: camera::Camera,
    mic: mic::Mic,
}

impl Hardware {
    /// Starts every part. A part that cannot start reports why; the box goes on without it.
    #[must_use]
    pub fn start(parts: &Parts<'_>) -> Self {
        Self {
            led: led::Led::start(parts),
            button: button::Button::start(parts),
            thermal: thermal::Thermal::start(parts),
            plug: plug::Plug::start(parts),
            camera: camera::Camera::start(parts),
            mic: mic::Mic::start(parts),
        }
    }

    /// Makes the light blink once for a notification ([`led::Led::blinker`]).
    #[must_use]
    pub fn blinker(&self) -> std::sync::Arc<tokio::sync::Notify> {
        self.led.blinker()
    }

    /// Carries out the effects that are these parts'; never waits for a device. Others are ignored.
    pub fn apply(&self, effect: &Effect) {
        match effect {
            Effect::SetCameraControl { control, value } => self.camera.set(control, *value),
            Effect::SetMicVolume(percent) => self.mic.set_volume(*percent),
            Effect::SetMicSwitch(on) => self.mic.set_switch(*on),
            _ => {}
        }
    }

    /// Ends every part, the light last; bounded.
    pub fn stop(self) {
        self.plug.stop();
        self.camera.stop();
        self.mic.stop();
        self.thermal.stop();
        self.button.stop();
        self.led.stop();
    }
}

/// Waits for a thread that was told to end, at most `limit`: one that hangs in a driver is left behind.
fn join(thread: JoinHandle<()>, what: &str, limit: Duration) {
    let end = Instant::now() + limit;
    while !thread.is_finished() {
        if Instant::now() >= end {
            tracing::warn!("{what}: the driver does not answer; its thread is left behind");
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    if thread.join().is_err() {
        tracing::error!("{what}: the thread ended by a fault of ours");
    }
}
