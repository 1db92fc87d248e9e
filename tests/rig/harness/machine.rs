//! The kernel as a process: its network, its folder, its end.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::wire::{GUEST, HOST, PORT};

/// From the start of the kernel to the agent's first answer.
const BOOT_LIMIT: Duration = Duration::from_secs(30);

pub struct Machine {
    kernel: Child,
    pub boot_time: Duration,
    pub folder: PathBuf,
}

impl Machine {
    pub fn boot(memory: &str) -> Self {
        let folder = new_folder();
        let built = built();
        network();
        let console = File::create(folder.join("console.log")).unwrap();
        let begun = Instant::now();
        let kernel = Command::new(built.join("linux"))
            .args([
                &format!("mem={memory}"),
                "root=/dev/root",
                "rootfstype=hostfs",
                "rootflags=/",
                "ro",
                "con=null",
                "con0=null,fd:1",
                "loglevel=7",
                "panic=-1",
                &format!("uml_dir={}/", folder.display()),
                &format!("init={}", guest_program().display()),
                "vec0:transport=tap,ifname=rig0,depth=128,gro=1",
                &format!("rig_modules={}", built.join("modules").display()),
                &format!("rig_share={}", folder.display()),
                &format!("rig_address={GUEST}/24"),
                &format!("rig_gateway={HOST}"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::from(console.try_clone().unwrap()))
            .stderr(Stdio::from(console))
            .spawn()
            .unwrap();
        let mut machine = Self {
            kernel,
            boot_time: Duration::ZERO,
            folder,
        };
        machine.wait_agent(begun);
        machine
    }

    fn wait_agent(&mut self, begun: Instant) {
        let address: SocketAddr = format!("{GUEST}:{PORT}").parse().unwrap();
        while TcpStream::connect_timeout(&address, Duration::from_millis(100)).is_err() {
            let ended = self.kernel.try_wait().unwrap();
            assert!(
                ended.is_none() && begun.elapsed() < BOOT_LIMIT,
                "the rig did not boot ({ended:?}):\n{}",
                tail(&self.folder.join("console.log"), 40)
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        self.boot_time = begun.elapsed();
    }

    fn running(&mut self) -> bool {
        matches!(self.kernel.try_wait(), Ok(None))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            if self.running() {
                keep_kernel_log(&self.folder);
            }
            eprintln!(
                "the rig's logs are in {}; the kernel's last lines:\n{}",
                self.folder.display(),
                tail(&self.folder.join("console.log"), 15)
            );
        }
        if self.running() {
            drop(super::Process::start(&["poweroff"], &[], None));
        }
        let end = Instant::now() + Duration::from_secs(3);
        while self.running() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.kernel.kill();
        let _ = self.kernel.wait();
        // Sockets and the process id of the kernel's own console.
        let _ = fs::remove_dir_all(self.folder.join("uml"));
    }
}

fn keep_kernel_log(folder: &Path) {
    let outcome = super::Process::start(&["dmesg"], &[], None).finish(Duration::from_secs(5));
    let _ = fs::write(folder.join("dmesg.log"), outcome.stdout);
    let script =
        "cp /run/*.log /share; tar -C /run/graphs -c . 2>/dev/null | tar -C /share/graphs -x";
    let _ = fs::create_dir_all(folder.join("graphs"));
    let _ =
        super::Process::start(&["bash", "-c", script], &[], None).finish(Duration::from_secs(10));
    // Written through the guest's page cache.
    let _ = super::Process::start(&["sync"], &[], None).finish(Duration::from_secs(5));
}

/// A network namespace of this test's own, with a tap device whose other end is the rig.
fn network() {
    // SAFETY: plain system call; this thread and what it starts get a network of their own.
    let rc = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    assert_eq!(
        rc,
        0,
        "the rig needs the right to make a network namespace (root): {}",
        std::io::Error::last_os_error()
    );
    for line in [
        "link set lo up".to_owned(),
        "tuntap add dev rig0 mode tap".to_owned(),
        format!("addr add {HOST}/24 dev rig0"),
        "link set rig0 up".to_owned(),
    ] {
        let status = Command::new("ip").args(line.split(' ')).status().unwrap();
        assert!(
            status.success(),
            "ip {line} failed: is iproute2 installed, and is there /dev/net/tun?"
        );
    }
}

/// The folder of the kernel, which `make rig` builds.
fn built() -> PathBuf {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rig/kernel/build.sh");
    let found = Command::new(script).arg("--where").output().unwrap();
    let folder = PathBuf::from(String::from_utf8(found.stdout).unwrap().trim());
    assert!(
        folder.join("done").exists(),
        "the rig's kernel is not built: run make rig first"
    );
    folder
}

/// `rig-guest`, which cargo builds as an example beside this test.
pub fn guest_program() -> PathBuf {
    let me = std::env::current_exe().unwrap();
    let profile = me.parent().and_then(Path::parent).unwrap();
    let guest = profile.join("examples/rig-guest");
    assert!(
        guest.exists(),
        "{} is missing: cargo builds it with the tests",
        guest.display()
    );
    guest
}

/// A new folder named after the test.
fn new_folder() -> PathBuf {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("rig").replace("::", "-");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("rig")
        .join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn tail(file: &Path, lines: usize) -> String {
    let text = String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).into_owned();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
