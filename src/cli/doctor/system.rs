//! Disk, memory, heat and power of the machine. `root` is `/` in production. Reads only.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::report::{Disk, Memory, Thermal, Zone};

/// More than any machine has.
const MAX_SENSORS: usize = 64;

/// Whether `folder` can be written, and how much is free there. Of a folder that is not there yet, the nearest one that
/// is decides.
pub(super) fn disk(folder: &Path) -> Disk {
    let existing = existing(folder);
    let usable = writable(&existing).and_then(|()| {
        let (free, total) = space(&existing)?;
        match (free, total) {
            // The kernel's own folders, such as /proc.
            (_, 0) => Err(io::ErrorKind::Unsupported.into()),
            (0, _) => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    });
    let problem = usable
        .err()
        .map(|e| format!("{} {}", existing.display(), why_not(&e)));
    let (free, total) = space(&existing).unwrap_or_default();
    Disk {
        folder: folder.to_owned(),
        writable: problem.is_none(),
        free,
        total,
        problem,
    }
}

fn existing(folder: &Path) -> PathBuf {
    folder
        .ancestors()
        .map(|p| {
            if p.as_os_str().is_empty() {
                Path::new(".")
            } else {
                p
            }
        })
        .find(|p| p.symlink_metadata().is_ok())
        .unwrap_or(Path::new("/"))
        .to_owned()
}

fn writable(folder: &Path) -> io::Result<()> {
    if !fs::metadata(folder)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let path = CString::new(folder.as_os_str().as_bytes())?;
    // SAFETY: `path` ends in NUL and lives through the call.
    let answer = unsafe {
        libc::faccessat(
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::W_OK | libc::X_OK,
            libc::AT_EACCESS,
        )
    };
    if answer == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn why_not(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::PermissionDenied => "may not be written by this user".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "is on a disk that is read-only".to_owned(),
        io::ErrorKind::NotADirectory => "is no folder".to_owned(),
        io::ErrorKind::Unsupported => "is on no disk".to_owned(),
        io::ErrorKind::StorageFull => "is on a disk that is full".to_owned(),
        _ => format!("cannot be used: {e}"),
    }
}

/// Free for this user, and size, in bytes.
fn space(folder: &Path) -> io::Result<(u64, u64)> {
    let path = CString::new(folder.as_os_str().as_bytes())?;
    // SAFETY: a C structure of integers, for which all zeroes are a value.
    let mut raw: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: `path` ends in NUL and `raw` is a valid place to write to.
    if unsafe { libc::statvfs(path.as_ptr(), &raw mut raw) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // These numbers are narrower on 32-bit boards.
    #[allow(clippy::useless_conversion)]
    let (size, free, all) = (
        u64::from(raw.f_frsize),
        u64::from(raw.f_bavail),
        u64::from(raw.f_blocks),
    );
    Ok((size.saturating_mul(free), size.saturating_mul(all)))
}

/// `/proc/meminfo`.
pub(super) fn memory(root: &Path) -> Memory {
    let text = fs::read_to_string(root.join("proc/meminfo")).unwrap_or_default();
    let bytes = |key: &str| {
        let line = text.lines().find_map(|l| l.strip_prefix(key))?;
        let kib: u64 = line
            .trim_start_matches(':')
            .trim()
            .strip_suffix(" kB")?
            .trim()
            .parse()
            .ok()?;
        Some(kib.saturating_mul(1024))
    };
    Memory {
        total: bytes("MemTotal").unwrap_or_default(),
        available: bytes("MemAvailable").unwrap_or_default(),
    }
}

/// Thermal zones, and what a Raspberry Pi's firmware says of throttling and voltage.
pub(super) fn thermal(root: &Path) -> Thermal {
    let mut zones: Vec<Zone> = folders(&root.join("sys/class/thermal"), "thermal_zone")
        .iter()
        .filter_map(|folder| {
            let milli: f32 = read(&folder.join("temp"))?.parse().ok()?;
            Some(Zone {
                name: read(&folder.join("type"))?,
                celsius: milli / 1000.0,
            })
        })
        .collect();
    zones.sort_by(|a, b| b.celsius.total_cmp(&a.celsius));
    let bits = read(&root.join("sys/devices/platform/soc/soc:firmware/get_throttled"));
    let alarm = folders(&root.join("sys/class/hwmon"), "hwmon")
        .iter()
        .find(|f| read(&f.join("name")).as_deref() == Some("rpi_volt"))
        .and_then(|f| read(&f.join("in0_lcrit_alarm")));
    Thermal {
        zones,
        throttled: bits.and_then(|s| u32::from_str_radix(s.trim_start_matches("0x"), 16).ok()),
        under_voltage: alarm.map(|s| s != "0"),
    }
}

fn read(file: &Path) -> Option<String> {
    fs::read_to_string(file).ok().map(|s| s.trim().to_owned())
}

fn folders(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|e| e.file_name().to_string_lossy().starts_with(prefix))
        .take(MAX_SENSORS)
        .map(|e| e.path())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_yet_is_judged_by_the_nearest_that_is() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("var/lib/boothcast");
        let seen = disk(&folder);
        assert!(seen.writable, "{seen:?}");
        assert_eq!(seen.folder, folder);
        assert!(seen.total > 0 && seen.free <= seen.total);
        assert!(!folder.exists(), "the doctor makes nothing");
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_is_said() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("state");
        fs::write(&file, "").unwrap();
        let seen = disk(&file);
        assert!(!seen.writable);
        assert_eq!(
            seen.problem.unwrap(),
            format!("{} is no folder", file.display())
        );
        let proc = disk(Path::new("/proc/boothcast"));
        assert!(!proc.writable, "{proc:?}");
        assert_eq!(proc.problem.as_deref(), Some("/proc is on no disk"));
    }

    #[test]
    fn memory_heat_and_power_are_read() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        assert_eq!(thermal(root.path()), Thermal::default());
        assert_eq!(memory(root.path()), Memory::default());
        put(
            "proc/meminfo",
            "MemTotal:        3884560 kB\nMemFree: 1 kB\nMemAvailable:    3000000 kB\n",
        );
        put("sys/class/thermal/thermal_zone0/type", "gpu-thermal\n");
        put("sys/class/thermal/thermal_zone0/temp", "41000\n");
        put("sys/class/thermal/thermal_zone1/type", "cpu-thermal\n");
        put("sys/class/thermal/thermal_zone1/temp", "48312\n");
        put("sys/class/thermal/cooling_device0/type", "fan\n");
        put(
            "sys/devices/platform/soc/soc:firmware/get_throttled",
            "50005\n",
        );
        put("sys/class/hwmon/hwmon1/name", "rpi_volt\n");
        put("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n");
        let memory = memory(root.path());
        assert_eq!(
            (memory.total, memory.available),
            (3_884_560 << 10, 3_000_000 << 10)
        );
        let thermal = thermal(root.path());
        assert_eq!(thermal.zones[0].name, "cpu-thermal");
        assert!((thermal.zones[0].celsius - 48.312).abs() < 0.001);
        assert_eq!(thermal.zones.len(), 2);
        assert_eq!(thermal.throttled, Some(0x50005));
        assert_eq!(thermal.under_voltage, Some(true));
    }
}
