//! What is plugged in or pulled out becomes an event; a test picture or tone that stood in for a device makes way for it.
//!
//! ```text
//!  kernel ──> edge::plug (thread) ──Plugged──────────────────> core: what is lost is tried again at once
//!                   └──class──> task: is it what `auto` waits for? ──CameraLost, Plugged──> core: opened anew
//! ```

use std::time::Duration;

use tokio::sync::mpsc;

use super::Parts;
use crate::app::sources::{StandIn, is_none};
use crate::device::event::{DeviceClass, Event, HardwareEvent, MediaEvent};
use crate::device::supervisor::Handle;
use crate::edge::plug::Watch;
use crate::edge::{camera, sound};

/// When a device that is waited for is looked for after a change: drivers and udev take their time.
const LOOKS: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_secs(1),
    Duration::from_secs(3),
];
/// Distance of looks where changes are not told.
const UNTOLD: Duration = Duration::from_secs(5);

/// The running part.
pub struct Plug {
    watch: Option<Watch>,
    task: tokio::task::JoinHandle<()>,
}

impl Plug {
    /// Starts it. Where hot-plug cannot be watched, lost devices are still tried again every few seconds.
    #[must_use]
    pub fn start(parts: &Parts<'_>) -> Self {
        // More changes than this at once are one change.
        let (changed, changes) = mpsc::channel(4);
        let handle = parts.handle.clone();
        let watch = Watch::start(move |class| {
            tracing::debug!(?class, "plugged in or pulled out");
            handle.event(Event::Hardware(HardwareEvent::Plugged(class)));
            let _ = changed.try_send(class);
        })
        .inspect_err(|e| tracing::warn!("{}", e.report()))
        .ok();
        let relief = Relief {
            stand_in: parts.stand_in.clone(),
            camera: parts.config.video.device.clone(),
            card: parts.config.audio.device.clone(),
            handle: parts.handle.clone(),
        };
        let task = parts.runtime.spawn(relief.run(changes));
        Self { watch, task }
    }

    /// Ends it. Bounded by a second.
    pub fn stop(self) {
        self.task.abort();
        if let Some(watch) = self.watch {
            watch.stop();
        }
    }
}

/// Puts devices in the place of what stands in for them.
#[derive(Clone)]
struct Relief {
    stand_in: StandIn,
    /// Which camera and card are wanted; empty: any.
    camera: String,
    card: String,
    handle: Handle,
}

impl Relief {
    async fn run(self, mut changes: mpsc::Receiver<DeviceClass>) {
        loop {
            match changes.recv().await {
                Some(class) => {
                    for wait in LOOKS {
                        tokio::time::sleep(wait).await;
                        if self.look(class).await {
                            break;
                        }
                    }
                }
                None => {
                    tokio::time::sleep(UNTOLD).await;
                    self.look(DeviceClass::Camera).await;
                    self.look(DeviceClass::Sound).await;
                }
            }
        }
    }

    /// Looks for a device of `class` if something stands in for it. True when there is nothing left to wait for.
    async fn look(&self, class: DeviceClass) -> bool {
        let waited_for = match class {
            DeviceClass::Camera => self.stand_in.picture().is_some(),
            DeviceClass::Sound => self.stand_in.sound(),
        };
        if !waited_for {
            return true;
        }
        let me = self.clone();
        let found = tokio::task::spawn_blocking(move || match class {
            DeviceClass::Camera => {
                camera::find(&me.camera).map_or_else(|problem| !is_none(&problem), |_| true)
            }
            DeviceClass::Sound => sound::find(&me.card).is_ok(),
        });
        let found = found.await.unwrap_or(false);
        if found {
            self.replace(class);
        }
        found
    }

    /// Has the core open the source anew: the resolver finds the device now.
    fn replace(&self, class: DeviceClass) {
        let mut again = vec![class];
        if class == DeviceClass::Camera {
            // A test tone never goes with a real picture. Noted first, for the sound may be opened before the picture.
            self.stand_in.camera_found();
            if self.stand_in.sound() {
                again.push(DeviceClass::Sound);
            }
        }
        for class in again {
            let event = match class {
                DeviceClass::Camera => MediaEvent::CameraLost {
                    reason: "a camera was plugged in and takes the place of the test picture"
                        .into(),
                },
                DeviceClass::Sound => MediaEvent::MicLost {
                    reason: "a device was plugged in, so the test tone ends".into(),
                },
            };
            self.handle.media(event);
            self.handle
                .event(Event::Hardware(HardwareEvent::Plugged(class)));
        }
    }
}
