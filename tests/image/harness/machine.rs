//! The emulated board: QEMU as a process of the test's own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::console::{Console, Outcome};
use super::monitor::Monitor;
use super::pins::{BUTTON, Light, Pins};
use super::{Disk, Image, Slot, figure, pins, player, tail};
use crate::support::Guard;

/// Ports of the guest that are reached from outside, at the same numbers on the test's loopback.
const FORWARDED: [u16; 3] = [80, 8080, RTSP];
pub const RTSP: u16 = 8554;
/// The test's loopback, as the guest sees it.
pub const OUTSIDE: &str = "10.0.2.2";
/// What U-Boot's script prints when it has chosen a system.
const CHOSEN: [&str; 2] = ["boothcast: slot A, ", "boothcast: slot B, "];

/// Which machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Board {
    /// QEMU's own: what the tests use.
    Virt,
    /// A Raspberry Pi 3, as far as QEMU has one: no GPU, hence none of the Pi's own boot firmware, and no network.
    Raspi3,
}

/// What a test wants of the machine.
pub struct Wish {
    pub board: Board,
    /// Files that are handed in on a second disk; [`Machine::mount_share`] brings them into sight.
    pub share: Option<PathBuf>,
    /// A screen.
    pub screen: bool,
    /// All writes are logged, so that a power cut can lose those that were not flushed.
    pub logged: bool,
    pub memory: &'static str,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            board: Board::Virt,
            share: None,
            screen: false,
            logged: false,
            memory: "1024",
        }
    }
}

/// A running machine; it is killed, by id, when the value is dropped.
pub struct Machine {
    process: Guard,
    pub monitor: Monitor,
    console: Console,
    pins: Option<Pins>,
    sockets: tempfile::TempDir,
    log: PathBuf,
    pub begun: Instant,
}

impl Machine {
    /// Switches the machine on.
    pub fn start(image: &Image, disk: &Disk, wish: &Wish) -> Self {
        let sockets = tempfile::tempdir().unwrap();
        let log = log_name();
        let mut command = Command::new("qemu-system-aarch64");
        command
            .args(["-display", "none", "-nodefaults", "-S"])
            // What was translated before a restart is dropped early: with the usual GiB of it a second start once took minutes.
            .args(["-accel", "tcg,thread=multi,tb-size=256"])
            .args(["-m", wish.memory]);
        let socket = |name: &str| sockets.path().join(name).display().to_string();
        let listen = "server=on,wait=off";
        command
            .arg("-qmp")
            .arg(format!("unix:{},{listen}", socket("qmp")))
            .arg("-chardev")
            .arg(format!(
                "socket,id=console,path={},{listen},logfile={}",
                socket("console"),
                log.display()
            ));
        match wish.board {
            Board::Virt => virt(&mut command, image, disk, wish, &socket("pins")),
            Board::Raspi3 => raspi3(&mut command, disk),
        }
        let errors = File::create(log.with_extension("qemu")).unwrap();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors);
        let process = Guard::spawn(&mut command);
        let monitor = Monitor::connect(&sockets.path().join("qmp"));
        let console = Console::connect(&sockets.path().join("console"));
        let pins = (wish.board == Board::Virt).then(|| {
            let mut pins = Pins::connect(&sockets.path().join("pins"), &monitor);
            // A button that nobody presses: it pulls the line low.
            pins.set(BUTTON, true);
            pins
        });
        let begun = Instant::now();
        monitor.tell("cont", &serde_json::json!({}));
        Self {
            process,
            monitor,
            console,
            pins,
            sockets,
            log,
            begun,
        }
    }

    /// Waits until U-Boot has chosen a system.
    pub fn wait_slot(&mut self, limit: Duration) -> Slot {
        let (which, _) = self.told(|c| c.wait_any(&CHOSEN, limit));
        if which == 0 { Slot::A } else { Slot::B }
    }

    /// Waits for one of these texts on the console.
    pub fn wait_console(&mut self, texts: &[&str], limit: Duration) -> usize {
        self.told(|c| c.wait_any(texts, limit)).0
    }

    /// Waits for the root shell.
    pub fn wait_shell(&mut self, limit: Duration) {
        self.told(|c| c.shell(limit));
    }

    /// Waits until systemd has done all that it starts with; gives `running` or what is amiss.
    pub fn wait_system(&mut self, limit: Duration) -> String {
        let end = self.try_sh("systemctl is-system-running --wait", limit);
        end.out.trim().to_owned()
    }

    /// From U-Boot to a running system; gives the slot.
    pub fn wait_up(&mut self) -> Slot {
        let slot = self.wait_slot(Duration::from_secs(60));
        self.wait_shell(Duration::from_secs(300));
        let state = self.wait_system(Duration::from_secs(300));
        if state != "running" {
            let failed = self.sh("systemctl --failed --no-legend; journalctl -b -p 4 --no-pager | tail -40; systemctl list-jobs");
            panic!("slot {slot:?} is {state:?}:\n{failed}");
        }
        slot
    }

    /// Runs a script inside; gives what it printed; panics when it fails. At most a minute.
    pub fn sh(&mut self, script: &str) -> String {
        let end = self.try_sh(script, Duration::from_secs(60));
        assert_eq!(end.code, 0, "failed inside: {script}\n{}", end.out);
        end.out
    }

    /// The same with another bound, and without a panic.
    pub fn try_sh(&mut self, script: &str, limit: Duration) -> Outcome {
        self.told(|c| c.run(script, limit))
    }

    /// Starts a script inside and leaves it running.
    pub fn begin(&mut self, script: &str) {
        let script = format!("({script}) >/run/image-test/begun.log 2>&1 </dev/null &\n");
        self.sh(&script);
    }

    /// `boothcast ctl status --json`.
    pub fn status(&mut self) -> serde_json::Value {
        let text = self.sh("boothcast ctl status --json");
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
    }

    /// Waits for a status from which `f` takes a value.
    pub fn wait_status<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut f: impl FnMut(&serde_json::Value) -> Option<T>,
    ) -> T {
        let end = Instant::now() + limit;
        loop {
            let status = self.status();
            if let Some(found) = f(&status) {
                return found;
            }
            assert!(
                Instant::now() < end,
                "waited {limit:?} in vain for {what}: {status}"
            );
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// Waits until the box has its camera.
    pub fn wait_camera(&mut self) {
        self.wait_status("the camera", Duration::from_secs(60), |s| {
            (s["camera"]["state"] == "up").then_some(())
        });
    }

    /// Makes the files of [`Wish::share`] readable at `/run/share`.
    pub fn mount_share(&mut self) {
        self.sh("mkdir -p /run/share && mount -t ext4 -o ro /dev/vdb /run/share");
    }

    /// What the light does.
    pub fn light(&self, time: Duration) -> Light {
        pins::watch(&self.monitor, time)
    }

    /// Presses the button.
    pub fn press(&mut self, time: Duration) {
        let pins = self.pins.as_mut().expect("this board has no button");
        pins.set(BUTTON, false);
        std::thread::sleep(time);
        pins.set(BUTTON, true);
    }

    /// What is on the screen.
    pub fn screen(&self) -> image::RgbImage {
        let file = super::folder().join("screen.png");
        let _ = std::fs::remove_file(&file);
        self.monitor.tell(
            "screendump",
            &serde_json::json!({"filename": file, "format": "png"}),
        );
        let bytes =
            crate::support::wait_for("the screen's picture", Duration::from_secs(10), || {
                std::fs::read(&file).ok().filter(|b| !b.is_empty())
            });
        image::load_from_memory(&bytes).unwrap().to_rgb8()
    }

    /// Waits for the stream's first picture; prints how long it took.
    pub fn wait_picture(&mut self, url: &str, limit: Duration) {
        let end = Instant::now() + limit;
        assert!(player::wait_server(RTSP, limit), "no RTSP server came up");
        let ok = loop {
            let left = end.saturating_duration_since(Instant::now());
            if player::frames(url, 1, (64, 36), left.min(Duration::from_secs(30))).is_some() {
                break true;
            }
            if left.is_zero() {
                break false;
            }
        };
        let err = std::fs::read_to_string(super::folder().join("player.err")).unwrap_or_default();
        assert!(ok, "no picture in {limit:?}: {err}");
        let since_power = self.begun.elapsed().as_secs_f64();
        let asked = Instant::now();
        let up: f64 = self.uptime();
        let guest = up - asked.elapsed().as_secs_f64();
        figure(
            "boot to first RTSP picture",
            &format!(
                "{guest:.1} guest seconds from the kernel's start, {since_power:.1} s from power on with U-Boot"
            ),
        );
    }

    /// Seconds since the kernel started, inside.
    pub fn uptime(&mut self) -> f64 {
        let text = self.sh("cut -d' ' -f1 /proc/uptime");
        text.trim().parse().unwrap()
    }

    /// Bytes that the guest wrote to its card since the machine's start.
    pub fn written(&self) -> u64 {
        let stats = self
            .monitor
            .tell("query-blockstats", &serde_json::json!({}));
        let devices = stats.as_array().unwrap();
        // The card is the first of the disks.
        devices[0]["stats"]["wr_bytes"].as_u64().unwrap()
    }

    /// Cuts the power; the value is of no more use then.
    pub fn cut(&mut self) {
        self.process.signal(libc::SIGKILL);
        assert!(self.process.wait(Duration::from_secs(10)).is_some());
    }

    /// Switches off in order; panics when that takes more than a minute.
    pub fn power_off(&mut self) {
        self.console.say("systemctl poweroff");
        assert!(
            self.process.wait(Duration::from_secs(90)).is_some(),
            "the machine did not switch off:\n{}",
            tail(&self.log, 20)
        );
    }

    /// Restarts in order, and waits for the boot loader.
    pub fn reboot(&mut self) -> Slot {
        self.console.say("systemctl reboot");
        self.wait_slot(Duration::from_secs(150))
    }

    fn told<T>(&mut self, f: impl FnOnce(&mut Console) -> Result<T, String>) -> T {
        match f(&mut self.console) {
            Ok(value) => value,
            Err(why) => panic!("{why}; the console's end:\n{}", tail(&self.log, 30)),
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let journal = self.console.run(
                "journalctl -b --no-pager | tail -n 400",
                Duration::from_secs(90),
            );
            if let Ok(journal) = journal {
                let _ = std::fs::write(self.log.with_extension("journal"), journal.out);
            }
            eprintln!(
                "the machine's logs are {} and its neighbours; the console's end:\n{}",
                self.log.display(),
                tail(&self.log, 15)
            );
        }
    }
}

fn virt(command: &mut Command, image: &Image, disk: &Disk, wish: &Wish, pins: &str) {
    command
        // The core of a Raspberry Pi 4: what it lacks, the programs must do without.
        // With a boot loader and ACPI this machine has no GPIO: it comes by the device tree.
        .args(["-M", "virt,acpi=off", "-cpu", "cortex-a72", "-smp", "2"])
        .arg("-bios")
        .arg(image.uboot())
        .args(["-serial", "chardev:console"])
        .arg("-qtest")
        .arg(format!("unix:{pins},server=on,wait=off"))
        .args(["-qtest-log", "none"]);
    let file = disk.path.display();
    if wish.logged {
        let log = disk.begin_log();
        command
            .arg("-blockdev")
            .arg(format!("driver=file,filename={file},node-name=card-file"))
            .arg("-blockdev")
            .arg(format!(
                "driver=file,filename={},node-name=log-file",
                log.display()
            ))
            .args(["-blockdev", "driver=raw,file=card-file,node-name=card-raw"])
            .arg("-blockdev")
            .arg(
                "driver=blklogwrites,node-name=card,file=card-raw,log=log-file,log-sector-size=512",
            );
    } else {
        command.arg("-blockdev").arg(format!(
            "driver=raw,node-name=card,file.driver=file,file.filename={file}"
        ));
    }
    command.args(["-device", "virtio-blk-pci,drive=card,bootindex=0"]);
    if let Some(share) = &wish.share {
        let packed = super::disk::pack(share);
        command
            .arg("-blockdev")
            .arg(format!(
                "driver=raw,node-name=share,read-only=on,file.driver=file,file.filename={}",
                packed.display()
            ))
            .args(["-device", "virtio-blk-pci,drive=share"]);
    }
    if wish.screen {
        command.args(["-device", "virtio-gpu-pci"]);
    }
    command
        .args(["-netdev", &network()])
        .args(["-device", "virtio-net-pci,netdev=net,romfile="])
        .args(["-device", "virtio-rng-pci"]);
}

fn network() -> String {
    let mut line = String::from("user,id=net");
    for port in FORWARDED {
        line += &format!(",hostfwd=tcp:127.0.0.1:{port}-:{port}");
    }
    line
}

/// The true boot partition: QEMU cannot run the Pi's own firmware, so that what this would load is given to it.
fn raspi3(command: &mut Command, disk: &Disk) {
    let folder = super::folder();
    let given = |name: &str| {
        let to = folder.join(Path::new(name).file_name().unwrap());
        disk.take(1, name, &to);
        to
    };
    command
        .args(["-M", "raspi3b", "-serial", "null"])
        .args(["-serial", "chardev:console"])
        .arg("-kernel")
        .arg(given("u-boot.bin"))
        .arg("-dtb")
        .arg(given("bcm2837-rpi-3-b.dtb"))
        .arg("-drive")
        .arg(format!("if=sd,format=raw,file={}", disk.path.display()));
}

/// A name of its own for each start of a machine in this test.
fn log_name() -> PathBuf {
    let folder = super::folder();
    (1..)
        .map(|n| folder.join(format!("console-{n}.log")))
        .find(|path| !path.exists())
        .unwrap()
}
