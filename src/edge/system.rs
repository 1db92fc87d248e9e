//! The machine under the box, as Linux tells it in `/proc` and `/sys`: load, memory, disk, traffic, clock. Reads only.

use std::fs::{self, File};
use std::io::Read;
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{net, printable};

/// Bytes read of any of these files: more than the longest of them on any board.
const FILE_MAX: u64 = 256 * 1024;
/// A clock before 2025 was never set.
const FLOOR_UNIX_S: i64 = 1_735_689_600;

/// One look at the machine; what cannot be read is left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SystemLook {
    /// Processes that ran or wanted to, on average over a minute.
    pub load1: Option<f32>,
    /// Processor time since the machine started.
    pub cpu: Option<Cpu>,
    /// Memory that programs could still have, bytes.
    pub memory_free: Option<u64>,
    /// All memory, bytes.
    pub memory_total: Option<u64>,
    /// Free space for us in a folder, bytes.
    pub disk_free: Option<u64>,
}

/// Processor time since the machine started, in ticks, over all cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cpu {
    /// All of it.
    pub total: u64,
    /// Of that spent idle, or waiting for a disk.
    pub idle: u64,
}

impl Cpu {
    /// What was used between `then` and now, per cent, to a tenth; `None` when no time went by.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    pub fn percent_since(self, then: Self) -> Option<f32> {
        let total = self.total.checked_sub(then.total).filter(|t| *t > 0)?;
        let idle = self.idle.saturating_sub(then.idle).min(total);
        let used = (total - idle) as f64 / total as f64;
        Some(((used * 1000.0).round() / 10.0) as f32)
    }
}

/// Bytes through a link since it came up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// Received.
    pub received: u64,
    /// Sent.
    pub sent: u64,
}

/// One look at the link that leads out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NetLook {
    /// Its name.
    pub link: Option<String>,
    /// The address by which the box is reached.
    pub address: Option<IpAddr>,
    /// Wi-Fi.
    pub wireless: bool,
    /// Bytes.
    pub traffic: Option<Traffic>,
    /// Strength of the Wi-Fi, dBm.
    pub signal_dbm: Option<i32>,
}

/// Looks at the machine; `folder` is the one whose free space is told.
#[must_use]
pub fn look(folder: &Path) -> SystemLook {
    let root = Path::new("/proc");
    let memory = read(&root.join("meminfo")).unwrap_or_default();
    SystemLook {
        load1: read(&root.join("loadavg")).and_then(|t| load(&t)),
        cpu: read(&root.join("stat")).and_then(|t| cpu(&t)),
        memory_free: meminfo(&memory, "MemAvailable"),
        memory_total: meminfo(&memory, "MemTotal"),
        disk_free: disk_free(folder),
    }
}

/// Looks at the link that leads out.
#[must_use]
pub fn look_net() -> NetLook {
    let network = net::look();
    let reached = network.addresses.first().filter(|a| !a.is_loopback());
    let name = network.route.map(|r| r.link).or_else(|| {
        let link = |l: &&net::Link| reached.is_some_and(|a| l.addresses.contains(a));
        network.links.iter().find(link).map(|l| l.name.clone())
    });
    let link = network
        .links
        .iter()
        .find(|l| Some(&l.name) == name.as_ref());
    NetLook {
        address: reached.copied(),
        wireless: link.is_some_and(|l| l.wireless),
        traffic: read(Path::new("/proc/net/dev"))
            .zip(name.as_deref())
            .and_then(|(t, n)| traffic(&t, n)),
        signal_dbm: read(Path::new("/proc/net/wireless"))
            .zip(name.as_deref())
            .and_then(|(t, n)| signal(&t, n)),
        link: name,
    }
}

/// Version of the kernel.
#[must_use]
pub fn kernel() -> String {
    let text = read(Path::new("/proc/sys/kernel/osrelease")).unwrap_or_default();
    printable(&text)
}

/// What the hardware calls itself (device tree, else DMI).
#[must_use]
pub fn model() -> Option<String> {
    [
        "/proc/device-tree/model",
        "/sys/devices/virtual/dmi/id/product_name",
    ]
    .iter()
    .filter_map(|p| read(Path::new(p)))
    .map(|t| printable(&t))
    .find(|t| !t.is_empty())
}

/// Files that the program may have open: a connection is one.
const OPEN_FILES: libc::rlim_t = 16_384;

/// Lets the program have as many files open as the system allows it, up to [`OPEN_FILES`]; how many that are.
pub fn raise_open_files() -> libc::rlim_t {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the structure is ours and outlives the call, which writes nothing else.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return 0;
    }
    let wanted = limit.rlim_max.min(OPEN_FILES).max(limit.rlim_cur);
    let raised = libc::rlimit {
        rlim_cur: wanted,
        rlim_max: limit.rlim_max,
    };
    if wanted == limit.rlim_cur {
        return wanted;
    }
    // SAFETY: the structure is ours, and is only read.
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) } != 0 {
        return limit.rlim_cur;
    }
    wanted
}

/// Unix time, s, if the clock is right as far as can be known: a time service keeps it, or the machine has a clock that
/// runs while it is off. A board without one starts with the time at which it was switched off.
#[must_use]
pub fn unix_time() -> Option<i64> {
    let kept = net::clock().is_ok_and(|c| c.synchronised);
    let runs_on = || {
        let has_clock =
            fs::read_dir("/sys/class/rtc").is_ok_and(|mut clocks| clocks.next().is_some());
        has_clock || !Path::new("/proc/device-tree").exists()
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    trusted(i64::try_from(now.as_secs()).ok()?, kept || runs_on())
}

fn trusted(now: i64, kept: bool) -> Option<i64> {
    (kept && now >= FLOOR_UNIX_S).then_some(now)
}

fn read(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path)
        .ok()?
        .take(FILE_MAX)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// `/proc/loadavg`
fn load(text: &str) -> Option<f32> {
    let load: f32 = text.split_whitespace().next()?.parse().ok()?;
    load.is_finite().then_some(load)
}

/// The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal; what guests take (the last two) is in
/// `user` already.
fn cpu(text: &str) -> Option<Cpu> {
    let line = text.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = line
        .split_whitespace()
        .take(8)
        .map_while(|t| t.parse().ok())
        .collect();
    let idle = ticks.get(3)?.saturating_add(*ticks.get(4).unwrap_or(&0));
    let total = ticks.iter().fold(0_u64, |a, t| a.saturating_add(*t));
    Some(Cpu { total, idle })
}

/// A line of `/proc/meminfo`, in bytes.
fn meminfo(text: &str, key: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|l| l.strip_prefix(key)?.strip_prefix(':'))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    kib.checked_mul(1024)
}

/// A line of `/proc/net/dev`: received bytes first, sent bytes ninth.
fn traffic(text: &str, link: &str) -> Option<Traffic> {
    let line = text
        .lines()
        .find_map(|l| l.trim_start().strip_prefix(link)?.strip_prefix(':'))?;
    let n: Vec<u64> = line
        .split_whitespace()
        .map_while(|t| t.parse().ok())
        .collect();
    Some(Traffic {
        received: *n.first()?,
        sent: *n.get(8)?,
    })
}

/// A line of `/proc/net/wireless`: status, link quality, level. Numbers that are fresh end in a point; a driver that says
/// something else than dBm says a positive number.
fn signal(text: &str, link: &str) -> Option<i32> {
    let line = text
        .lines()
        .find_map(|l| l.trim_start().strip_prefix(link)?.strip_prefix(':'))?;
    let level = line.split_whitespace().nth(2)?;
    let dbm: i32 = level.trim_end_matches('.').parse().ok()?;
    (-120..0).contains(&dbm).then_some(dbm)
}

/// Free space for ordinary users in the file system of `folder`, bytes.
pub fn disk_free(folder: &Path) -> Option<u64> {
    let path = std::ffi::CString::new(folder.as_os_str().as_bytes()).ok()?;
    // SAFETY: a C structure of integers, for which all zeroes are a value.
    let mut raw: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: `path` ends in NUL, and `raw` is a valid place to write to.
    if unsafe { libc::statvfs(path.as_ptr(), &raw mut raw) } != 0 {
        return None;
    }
    // 32 bits wide on some boards.
    #[allow(clippy::useless_conversion)]
    let (blocks, size) = (u64::from(raw.f_bavail), u64::from(raw.f_frsize));
    blocks.checked_mul(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_read() {
        assert_eq!(load("0.52 0.58 0.59 1/467 12345\n"), Some(0.52));
        let stat = "cpu  100 10 40 800 50 0 0 0 7 0\ncpu0 1 1 1 1\n";
        assert_eq!(
            cpu(stat),
            Some(Cpu {
                total: 1000,
                idle: 850
            })
        );
        let memory =
            "MemTotal:        3884092 kB\nMemFree:          110 kB\nMemAvailable:    2000 kB\n";
        assert_eq!(meminfo(memory, "MemAvailable"), Some(2_048_000));
        assert_eq!(meminfo(memory, "Mem"), None);
        let dev = "Inter-|   Receive\n face |bytes\n  eth0: 1000 1 0 0 0 0 0 0 2000 2 0 0 0 0 0 0\n eth01: 9 1 0 0 0 0 0 0 8 2 0 0 0 0 0 0\n";
        assert_eq!(
            traffic(dev, "eth0"),
            Some(Traffic {
                received: 1000,
                sent: 2000
            })
        );
        assert_eq!(traffic(dev, "eth"), None);
        let wireless = "Inter-| sta-|\n face | tus |\n wlan0: 0000   54.  -56.  -256        0\n";
        assert_eq!(signal(wireless, "wlan0"), Some(-56));
        assert_eq!(signal("wlan0: 0000 54. 200. -256", "wlan0"), None);
    }

    #[test]
    fn what_is_damaged_is_left_out() {
        for text in ["", "cpu", "cpu  1 2", "x", "\0\0"] {
            assert_eq!(load(text), None);
            assert_eq!(cpu(text), None);
            assert_eq!(meminfo(text, "MemTotal"), None);
            assert_eq!(traffic(text, "eth0"), None);
            assert_eq!(signal(text, "eth0"), None);
        }
        assert_eq!(
            meminfo("MemTotal: 99999999999999999999 kB", "MemTotal"),
            None
        );
    }

    #[test]
    fn processor_time_is_a_share_of_what_went_by() {
        let at = |total, idle| Cpu { total, idle };
        assert_eq!(at(1100, 875).percent_since(at(1000, 850)), Some(75.0));
        assert_eq!(at(1000, 850).percent_since(at(1000, 850)), None);
        assert_eq!(at(10, 5).percent_since(at(1000, 850)), None);
    }

    #[test]
    fn a_clock_that_was_never_set_tells_no_time() {
        assert_eq!(trusted(FLOOR_UNIX_S, true), Some(FLOOR_UNIX_S));
        assert_eq!(trusted(FLOOR_UNIX_S - 1, true), None);
        assert_eq!(trusted(FLOOR_UNIX_S, false), None);
    }

    #[test]
    fn this_machine_is_looked_at() {
        let look = look(Path::new("/"));
        assert!(look.load1.is_some() && look.cpu.is_some(), "{look:?}");
        assert!(look.memory_free < look.memory_total, "{look:?}");
        assert!(look.disk_free.is_some(), "{look:?}");
        assert!(!kernel().is_empty());
    }
}
