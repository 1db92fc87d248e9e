//! USB cameras and sound cards that a test plugs in and pulls out, and tones for them: tools of `tests/rig/guest` that
//! take commands. `rig-guest TOOL --help` has their arguments and commands.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::{Process, Rig};
use crate::support::wait_for;

/// Starting a tool, or what was plugged in showing up, on a loaded machine.
const LIMIT: Duration = Duration::from_secs(20);

/// A running tool. When it is dropped it is killed, which leaves its device as it is; [`Tool::stop`] takes that away.
pub struct Tool<'r> {
    rig: &'r Rig,
    process: Process,
    socket: String,
    serial: String,
    kind: &'static str,
}

impl Rig {
    /// A USB camera, plugged in (`--unplugged`: not yet), with MJPEG and YUYV sizes and the picture of
    /// `guest/pattern.rs`. A second one needs a `--name`, a `--serial` and a `--port` (0 or 1) of its own.
    pub fn usb_camera(&self, args: &[&str]) -> Tool<'_> {
        self.sh("modprobe uvcvideo");
        Tool::start(self, "uvc", "camera", ("cam0", "RIG0001"), args)
    }

    /// A USB sound card with a microphone, plugged in. What is played into the card `UAC2Gadget` is what it hears.
    pub fn usb_mic(&self, args: &[&str]) -> Tool<'_> {
        self.sh("modprobe snd-usb-audio");
        Tool::start(self, "mic", "card", ("mic0", "RIGMIC1"), args)
    }

    /// A tone into an ALSA device (`--device hw:UAC2Gadget`; by default the one end of snd-aloop). The device may come
    /// later, and may go and come back.
    pub fn tone(&self, args: &[&str]) -> Tool<'_> {
        Tool::start(self, "tone", "", ("tone", ""), args)
    }
}

impl<'r> Tool<'r> {
    fn start(
        rig: &'r Rig,
        tool: &str,
        kind: &'static str,
        (name, serial): (&str, &str),
        args: &[&str],
    ) -> Self {
        let given = |option: &str| {
            let at = args.iter().position(|arg| *arg == option)?;
            args.get(at + 1).map(|value| (*value).to_owned())
        };
        let name = given("--name").unwrap_or_else(|| name.to_owned());
        let tool_of = Self {
            rig,
            socket: given("--socket").unwrap_or_else(|| format!("/run/{name}.sock")),
            serial: given("--serial").unwrap_or_else(|| serial.to_owned()),
            process: {
                let mut argv = vec![tool];
                argv.extend(args);
                rig.tool(&argv)
            },
            kind,
        };
        wait_for(&format!("the tool {tool}"), LIMIT, || {
            assert!(
                tool_of.process.running(),
                "{tool}: {}",
                tool_of.process.stderr()
            );
            (tool_of.try_tell("state").code == 0).then_some(())
        });
        tool_of
    }

    fn try_tell(&self, command: &str) -> super::Outcome {
        self.rig
            .tool(&["tell", &self.socket, command])
            .finish(LIMIT)
    }

    /// Gives it a command, such as `unplug` or `freeze-none`; panics when it refuses.
    pub fn tell(&self, command: &str) -> String {
        let outcome = self.try_tell(command);
        assert_eq!(
            outcome.code,
            0,
            "{}{}",
            outcome.stderr,
            self.process.stderr()
        );
        outcome.stdout.trim().to_owned()
    }

    /// What it does and what the host has done to it.
    pub fn state(&self) -> Value {
        serde_json::from_str(&self.tell("state")).unwrap()
    }

    /// Waits until `f` takes a value from the state.
    pub fn wait_state<T>(
        &self,
        what: &str,
        limit: Duration,
        mut f: impl FnMut(&Value) -> Option<T>,
    ) -> T {
        wait_for(what, limit, || f(&self.state()))
    }

    /// Where the host has put it: `/dev/videoN`, or the number of the ALSA card. Waits until it is there.
    pub fn found(&self) -> String {
        let outcome = self
            .rig
            .tool(&["find", self.kind, &self.serial, "--within", "15000"])
            .finish(LIMIT);
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        outcome.stdout.trim().to_owned()
    }

    /// Ends it in order: the device is pulled out and taken away.
    pub fn stop(mut self) {
        self.process.signal(libc::SIGTERM);
        let code = self.process.wait(LIMIT);
        assert_eq!(code, Some(0), "{}", self.process.stderr());
    }
}

/// The pixels of a recording, in grey, scaled to 320×180: one frame after the other.
pub struct Grey {
    frames: Vec<u8>,
}

impl Grey {
    /// Pixels of a frame.
    pub const SIZE: (usize, usize) = (320, 180);

    /// Decodes every frame of the file, none doubled and none left out.
    pub fn decode(file: &std::path::Path) -> Self {
        let (width, height) = Self::SIZE;
        let out: PathBuf = file.with_extension("grey");
        let mut command = std::process::Command::new("ffmpeg");
        command
            .args(["-v", "error", "-y", "-i"])
            .arg(file)
            .args(["-map", "0:v:0", "-vsync", "passthrough", "-vf"])
            .arg(format!("scale={width}:{height}:flags=area"))
            .args(["-pix_fmt", "gray", "-f", "rawvideo"])
            .arg(&out);
        let (code, _, error) =
            crate::support::the_box::run_to_end(&mut command, Duration::from_secs(120));
        assert_eq!(code, Some(0), "{error}");
        let frames = std::fs::read(&out).unwrap();
        std::fs::remove_file(&out).unwrap();
        Self { frames }
    }

    /// The frames, in order.
    pub fn frames(&self) -> impl Iterator<Item = &[u8]> {
        self.frames.chunks_exact(Self::SIZE.0 * Self::SIZE.1)
    }
}
