//! RAUC's own service on a private bus, with slots in files, our handlers and our tryboot backend, and bundles signed by
//! keys that the test makes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::support::{Guard, wait_for};

/// More than anything takes on a loaded machine.
pub const LIMIT: Duration = Duration::from_secs(60);
/// The version that runs.
pub const RUNS: &str = env!("CARGO_PKG_VERSION");

/// What differs between two bundles.
pub struct Kind<'a> {
    pub version: &'a str,
    pub compatible: &'a str,
    pub key: &'a str,
}

impl Default for Kind<'_> {
    fn default() -> Self {
        Self {
            version: "99.0.0",
            compatible: "boothcast-test",
            key: "ours",
        }
    }
}

/// Fields end in this order: RAUC before its bus.
pub struct Bench {
    rauc: Guard,
    _bus: Guard,
    pub dir: tempfile::TempDir,
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("image-build/rauc")
}

pub fn run(command: &mut Command) -> String {
    let out = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let err = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{command:?}: {err}");
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

impl Bench {
    /// Started from `slot`, A or B.
    pub fn start(slot: &str) -> Self {
        // SAFETY: reads an id.
        let root = unsafe { libc::geteuid() } == 0;
        assert!(root, "RAUC mounts bundles: run this test as root");
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for folder in ["persist", "firmware", "run", "mnt", "state"] {
            std::fs::create_dir(at(folder)).unwrap();
        }
        for (part, size) in [
            ("p2", 1 << 20),
            ("p3", 1 << 20),
            ("p5", 4 << 20),
            ("p6", 4 << 20),
        ] {
            let file = std::fs::File::create(at(part)).unwrap();
            file.set_len(size).unwrap();
        }
        let write = |name: &str, text: String| std::fs::write(at(name), text).unwrap();
        let autoboot = "[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n";
        write("firmware/autoboot.txt", autoboot.into());
        write("cmdline", format!("quiet rauc.slot={slot}\n"));
        write("release", format!("VERSION={RUNS}\nBOARD=test\n"));
        write("system.conf", system_conf(dir.path()));
        write("bus.conf", bus_conf(dir.path()));
        for key in ["ours", "theirs"] {
            make_key(dir.path(), key);
        }
        let bus = Guard::spawn(
            Command::new("dbus-daemon")
                .args(["--nofork", "--nopidfile", "--config-file"])
                .arg(at("bus.conf"))
                .stderr(Stdio::null()),
        );
        wait_for("the bus", LIMIT, || at("bus").exists().then_some(()));
        let rauc = rauc_service(dir.path(), slot);
        let bench = Self {
            rauc,
            _bus: bus,
            dir,
        };
        bench.wait_for_rauc();
        bench
    }

    fn wait_for_rauc(&self) {
        wait_for("RAUC on the bus", LIMIT, || {
            let mut ask = Command::new("rauc");
            ask.arg("-c").arg(self.path("system.conf")).arg("status");
            let said = ask.env("DBUS_SYSTEM_BUS_ADDRESS", self.bus());
            said.output().unwrap().status.success().then_some(())
        });
    }

    /// The machine starts from `slot`.
    pub fn reboot(&mut self, slot: &str) {
        self.rauc.signal(libc::SIGTERM);
        assert!(self.rauc.wait(LIMIT).is_some());
        std::fs::write(self.path("cmdline"), format!("rauc.slot={slot}\n")).unwrap();
        let _ = std::fs::remove_file(self.path("run/boothcast-tryboot"));
        self.rauc = rauc_service(self.dir.path(), slot);
        self.wait_for_rauc();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn bus(&self) -> String {
        format!("unix:path={}", self.path("bus").display())
    }

    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// A bundle with images of its own; its path.
    pub fn bundle(&self, kind: &Kind<'_>) -> PathBuf {
        let name = format!("{}-{}-{}", kind.version, kind.compatible, kind.key);
        let content = self.path(&format!("content-{name}"));
        std::fs::create_dir(&content).unwrap();
        let image = |n: usize| -> Vec<u8> { (0..n).map(|i| (i * 7 % 251) as u8).collect() };
        std::fs::write(content.join("root.img"), image(2_000_000)).unwrap();
        std::fs::write(content.join("boot.img"), image(300_000)).unwrap();
        let manifest = format!(
            "[update]\ncompatible={}\nversion={}\n[bundle]\nformat=plain\n[image.rootfs]\nfilename=root.img\n[image.boot]\nfilename=boot.img\n",
            kind.compatible, kind.version
        );
        std::fs::write(content.join("manifest.raucm"), manifest).unwrap();
        let bundle = self.path(&format!("{name}.raucb"));
        let pem = |end: &str| self.path(&format!("{}.{end}.pem", kind.key));
        run(Command::new("rauc")
            .arg("--cert")
            .arg(pem("cert"))
            .arg("--key")
            .arg(pem("key"))
            .arg("--keyring")
            .arg(pem("cert"))
            .arg("bundle")
            .args([&content, &bundle])
            .stderr(Stdio::null()));
        bundle
    }

    /// What is in the other slot (B, of a machine that was started from A), as a sum.
    pub fn other_slot(&self) -> Vec<u8> {
        let mut sum = Sha256::new();
        for part in ["p3", "p6"] {
            sum.update(std::fs::read(self.path(part)).unwrap());
        }
        sum.finalize().to_vec()
    }
}

fn rauc_service(dir: &Path, slot: &str) -> Guard {
    let mut service = Command::new("rauc");
    service
        .arg("-c")
        .arg(dir.join("system.conf"))
        .args([&format!("--override-boot-slot={slot}"), "service"])
        .env(
            "DBUS_SYSTEM_BUS_ADDRESS",
            format!("unix:path={}", dir.join("bus").display()),
        )
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    for (name, path) in places(dir) {
        service.env(name, path);
    }
    Guard::spawn(&mut service)
}

/// Where our scripts find their files.
pub fn places(dir: &Path) -> Vec<(&'static str, PathBuf)> {
    vec![
        ("BOOTHCAST_PERSIST", dir.join("persist")),
        ("BOOTHCAST_RELEASE", dir.join("release")),
        ("BOOTHCAST_REFUSED", dir.join("refused")),
        ("BOOTHCAST_STATE", dir.join("state")),
        ("BOOTHCAST_RUN", dir.join("run")),
        ("BOOTHCAST_FIRMWARE", dir.join("firmware")),
        ("BOOTHCAST_CMDLINE", dir.join("cmdline")),
        ("BOOTHCAST_RAUC_CONF", dir.join("system.conf")),
        ("BOOTHCAST_LIB", scripts()),
    ]
}

fn make_key(dir: &Path, name: &str) {
    let pem = |end: &str| dir.join(format!("{name}.{end}.pem"));
    run(Command::new("openssl")
        .args([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "400",
        ])
        .args(["-subj", &format!("/CN={name}"), "-keyout"])
        .arg(pem("key"))
        .arg("-out")
        .arg(pem("cert"))
        .stderr(Stdio::null()));
}

fn system_conf(dir: &Path) -> String {
    let (scripts, dir) = (scripts(), dir.display());
    let scripts = scripts.display();
    let mut out = format!(
        "[system]\ncompatible=boothcast-test\nbootloader=custom\nbundle-formats=plain verity\nstatusfile={dir}/status.raucs\nmountprefix={dir}/mnt\n[handlers]\npre-install={scripts}/pre-install\npost-install={scripts}/post-install\nbootloader-custom-backend={scripts}/tryboot\n[keyring]\npath={dir}/ours.cert.pem\n"
    );
    for (n, name, root, boot) in [(0, "A", 5, 2), (1, "B", 6, 3)] {
        out.push_str(&format!(
            "[slot.rootfs.{n}]\ndevice={dir}/p{root}\ntype=raw\nbootname={name}\n[slot.boot.{n}]\ndevice={dir}/p{boot}\ntype=raw\nparent=rootfs.{n}\n"
        ));
    }
    out
}

fn bus_conf(dir: &Path) -> String {
    format!(
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n<busconfig><type>system</type><listen>unix:path={}/bus</listen><auth>EXTERNAL</auth><policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/><allow send_destination=\"*\"/><allow send_type=\"method_call\"/><allow receive_sender=\"*\"/></policy></busconfig>\n",
        dir.display()
    )
}
