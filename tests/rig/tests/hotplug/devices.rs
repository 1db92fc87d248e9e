//! The devices that come and go: each with the way in which it does so.

use std::time::{Duration, Instant};

use super::watcher::Watcher;
use crate::harness::{Process, Rig};

/// How long a reader may have to wait for slate or silence.
pub const GONE: Duration = Duration::from_secs(2);
/// How long a device that came back may take to be on air again.
pub const BACK: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// vivid, unbound from and bound to its driver.
    Vivid,
    /// A USB camera, pulled out of and put into its port.
    UsbCamera,
    /// snd-aloop, unbound and bound.
    Loopback,
    /// A USB microphone.
    UsbMic,
}

/// The gadgets, both not plugged in at first.
pub struct Gadgets {
    _tools: [Process; 2],
}

impl Gadgets {
    pub fn start(rig: &Rig) -> Self {
        let camera = rig.tool(&[
            "uvc",
            "--unplugged",
            "--formats",
            "mjpeg:320x240@10",
            "--mjpeg-bytes",
            "8000",
            "--max-packet",
            "1024",
            "--interval",
            "4",
        ]);
        let mic = rig.tool(&["mic", "--unplugged"]);
        rig.sh("for n in $(seq 100); do [ -S /run/cam0.sock ] && [ -S /run/mic0.sock ] && exit; sleep 0.1; done; exit 1");
        Self {
            _tools: [camera, mic],
        }
    }
}

impl Device {
    pub fn is_camera(self) -> bool {
        matches!(self, Self::Vivid | Self::UsbCamera)
    }

    fn run(self, rig: &Rig, present: bool) {
        let bind = |driver: &str, name: &str| {
            let what = if present { "bind" } else { "unbind" };
            rig.sh(&format!(
                "echo {name} >/sys/bus/platform/drivers/{driver}/{what}"
            ));
        };
        let plug = |name: &str| {
            let what = if present { "plug" } else { "unplug" };
            let socket = format!("/run/{name}.sock");
            let said = rig
                .tool(&["tell", &socket, what])
                .finish(Duration::from_secs(15));
            assert_eq!(said.code, 0, "{what} {name}: {}", said.stderr);
        };
        match self {
            Self::Vivid => bind("vivid", "vivid.0"),
            Self::Loopback => bind("snd_aloop", "snd_aloop.0"),
            Self::UsbCamera => plug("cam0"),
            Self::UsbMic => plug("mic0"),
        }
    }

    /// Takes it away; gives the time until slate or silence was on air.
    pub fn remove(self, rig: &Rig, watcher: &mut Watcher) -> Duration {
        let from = Instant::now();
        self.run(rig, false);
        if self.is_camera() {
            watcher.wait("the slate", from, GONE, |s| s["slate"] == true)
        } else {
            watcher.wait("silence", from, GONE, |s| s["mic"]["state"] == "lost")
        }
    }

    /// Waits until the kernel has it: enumerating a USB device takes its time.
    fn wait_node(self, rig: &Rig) {
        let (kind, serial) = match self {
            Self::UsbCamera => ("camera", "RIG0001"),
            Self::UsbMic => ("card", "RIGMIC1"),
            Self::Vivid | Self::Loopback => return,
        };
        let found = rig
            .tool(&["find", kind, serial, "--within", "10000"])
            .finish(Duration::from_secs(20));
        assert_eq!(found.code, 0, "{self:?}: {}", found.stderr);
    }

    /// Brings it back; gives the time from when the kernel had it until it was on air.
    pub fn bring(self, rig: &Rig, watcher: &mut Watcher) -> Duration {
        self.run(rig, true);
        self.wait_node(rig);
        let from = Instant::now();
        if self.is_camera() {
            watcher.wait("the camera", from, BACK, |s| {
                s["slate"] == false && s["camera"]["state"] == "up"
            })
        } else {
            watcher.wait("the microphone", from, BACK, |s| s["mic"]["state"] == "up")
        }
    }
}
