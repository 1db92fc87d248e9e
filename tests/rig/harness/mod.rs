//! Boots the rig, runs things inside, and keeps what is needed to understand a failure.
#![allow(dead_code)]

mod daemon;
mod machine;
mod process;
mod usb;

pub use daemon::{CONFIG, Daemon, PROGRAM};
pub use process::{Outcome, Process};
pub use usb::{Grey, Tool};

use std::path::{Path, PathBuf};
use std::time::Duration;

use machine::Machine;

/// Cameras that a test can ask for.
#[derive(Debug, Clone, Copy)]
pub enum Camera {
    /// vivid as one webcam: 320×180 to 3840×2160, 1 to 60 frames/s, many raw formats.
    Webcam,
    /// vivid as one HDMI input with DV timings.
    Hdmi,
    /// vivid with parameters of the test's own.
    Vivid(&'static str),
    /// vimc: a sensor behind a media controller, without automatic set-up.
    Vimc,
}

/// Sound cards that a test can ask for.
#[derive(Debug, Clone, Copy)]
pub enum Card {
    /// snd-aloop: what is played into `hw:Loopback,0,0` is recorded from `hw:Loopback,1,0`.
    Loopback,
    /// snd-dummy: a card with a mixer that records silence.
    Dummy,
}

/// What a test needs of the rig: a line of it, then [`Needs::boot`].
#[must_use]
pub fn needs() -> Needs {
    Needs {
        script: String::from("set -e\n"),
        memory: "1G",
    }
}

/// A list of needs.
pub struct Needs {
    script: String,
    memory: &'static str,
}

impl Needs {
    /// A camera.
    #[must_use]
    pub fn camera(self, camera: Camera) -> Self {
        let one = "n_devs=1 num_inputs=1 node_types=0x1";
        self.first(&match camera {
            Camera::Webcam => format!("modprobe vivid {one} input_types=0"),
            Camera::Hdmi => format!("modprobe vivid {one} input_types=3"),
            Camera::Vivid(parameters) => format!("modprobe vivid {parameters}"),
            Camera::Vimc => "modprobe vimc".to_owned(),
        })
    }

    /// A sound card.
    #[must_use]
    pub fn card(self, card: Card) -> Self {
        self.first(match card {
            Card::Loopback => "modprobe snd-aloop",
            Card::Dummy => "modprobe snd-dummy",
        })
    }

    /// A GPIO chip with the label `rig` and this many lines, named `RIG0` and so on. In [`Rig::gpio`] each has a file
    /// `sim_gpioN/value` (its level) and `sim_gpioN/pull` (`pull-up` or `pull-down`).
    #[must_use]
    pub fn lines(self, count: u32) -> Self {
        self.first(&format!(
            "modprobe gpio-sim; c=/sys/kernel/config/gpio-sim/rig; mkdir -p $c/bank0; echo {count} >$c/bank0/num_lines
             echo rig >$c/bank0/label
             for n in $(seq 0 $(({count} - 1))); do mkdir $c/bank0/line$n; echo RIG$n >$c/bank0/line$n/name; done
             echo 1 >$c/live
             ln -s /sys/devices/platform/$(cat $c/dev_name)/$(cat $c/bank0/chip_name) /run/gpio"
        ))
    }

    /// USB host and device controllers in one: gadgets can be plugged in.
    #[must_use]
    pub fn usb(self) -> Self {
        self.first("modprobe dummy_hcd num=2; modprobe libcomposite")
    }

    /// Commands of the test's own, before its first line.
    #[must_use]
    pub fn first(mut self, commands: &str) -> Self {
        self.script.push_str(commands);
        self.script.push('\n');
        self
    }

    /// Boots a rig with all of it; panics with the reason and the kernel's log when that fails.
    #[must_use]
    pub fn boot(self) -> Rig {
        let rig = Rig {
            machine: Machine::boot(self.memory),
        };
        rig.sh(&self.script);
        rig
    }
}

/// A running rig. It ends with the test; after a failure its logs are kept and their folder is printed.
pub struct Rig {
    machine: Machine,
}

impl Rig {
    /// From the start of the kernel to the agent's first answer.
    #[must_use]
    pub fn boot_time(&self) -> Duration {
        self.machine.boot_time
    }

    /// A folder of this test on the host, seen inside as `/share`. It is new at each start and stays afterwards.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.machine.folder
    }

    /// Folder of the GPIO chip of [`Needs::lines`], inside.
    #[must_use]
    pub fn gpio(&self) -> PathBuf {
        PathBuf::from("/run/gpio")
    }

    /// Runs a shell script inside to its end; gives what it printed; panics when it fails. At most 60 s.
    pub fn sh(&self, script: &str) -> String {
        let outcome = self.try_sh(script);
        assert_eq!(
            outcome.code, 0,
            "failed in the rig: {script}\n{}{}",
            outcome.stdout, outcome.stderr
        );
        outcome.stdout
    }

    /// The same, without a panic.
    pub fn try_sh(&self, script: &str) -> Outcome {
        self.start(&["bash", "-c", script], &[])
            .finish(Duration::from_secs(60))
    }

    /// Writes a file inside.
    pub fn write(&self, path: &str, content: &str) {
        let mut process = self.start(&["bash", "-c", &format!("cat >'{path}'")], &[]);
        process.input(content.as_bytes());
        process.input(b"");
        let outcome = process.finish(Duration::from_secs(10));
        assert_eq!(outcome.code, 0, "{path}: {}", outcome.stderr);
    }

    /// Starts a program inside. It is killed, with what it started, when the value is dropped.
    pub fn start(&self, argv: &[&str], env: &[(&str, &str)]) -> Process {
        Process::start(argv, env, None)
    }

    /// Starts a tool of `tests/rig/guest` inside.
    pub fn tool(&self, args: &[&str]) -> Process {
        let guest = machine::guest_program();
        let mut argv = vec![guest.to_str().unwrap()];
        argv.extend(args);
        Process::start(&argv, &[], None)
    }

    /// Starts the real program inside with this configuration (`[rtsp]` and `[paths]` are given) and waits until it is
    /// up.
    pub fn boothcast(&self, config: &str) -> Daemon<'_> {
        let mut daemon = Daemon::start(self, config, &[]);
        daemon.wait_up();
        daemon
    }

    /// The same with more environment, and without waiting.
    pub fn boothcast_with(&self, config: &str, env: &[(&str, &str)]) -> Daemon<'_> {
        Daemon::start(self, config, env)
    }

    /// An RTMP server outside; its address for a destination is `rtmp://10.77.0.1:PORT/live`.
    pub fn rtmp_server(&self) -> crate::peer::Peer {
        let listener = std::net::TcpListener::bind((crate::wire::HOST, 0)).unwrap();
        crate::peer::Peer::on(listener, crate::peer::Manner::Good)
    }

    /// Warnings and worse of the kernel since its start: `WARNING:`, `BUG:`, hung tasks.
    pub fn kernel_complaints(&self) -> Vec<String> {
        self.sh("dmesg")
            .lines()
            .filter(|l| {
                ["WARNING:", "BUG:", "hung", "Oops", "stuck"]
                    .iter()
                    .any(|w| l.contains(w))
            })
            .map(str::to_owned)
            .collect()
    }
}
