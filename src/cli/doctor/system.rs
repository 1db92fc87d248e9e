//! Disk, memory, heat and power of the machine. Reads only.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::report::{Disk, Memory, Problem, Thermal};
use crate::config::ThermalConfig;
use crate::config::board::Board;
use crate::edge::thermal::{self, Places, Supply};

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

/// Temperature and supply, with what they mean to this box.
pub(super) fn thermal(config: &ThermalConfig, board: &Board) -> Thermal {
    let places = Places::of(config, board);
    let look = thermal::look_in_time(&places);
    let (temperature, supply) = match look {
        Ok(look) => (look.temperature, look.supply),
        Err(e) => (Err(e), None),
    };
    let (reading, problem) = match temperature {
        Ok(reading) => (reading, None),
        Err(e) => (None, Some(Problem::new("temperature", &e))),
    };
    let firmware = board.thermal.as_ref();
    Thermal {
        watched: config.enabled,
        zones: thermal::zones(&places.sysfs),
        celsius: reading.as_ref().map(|r| r.celsius),
        sensor: reading.map(|r| r.sensor),
        problem,
        step_down_c: config.step_down_c,
        lowest_c: config.lowest_c,
        firmware_soft_c: firmware.map(|t| t.soft_c),
        firmware_limit_c: firmware.map(|t| t.limit_c),
        throttled: supply.and_then(|s| s.throttled).map(|t| t.0),
        under_voltage: supply.and_then(|s| s.low),
        power: supply.map(Supply::power),
    }
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
    fn memory_is_read() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        assert_eq!(memory(root.path()), Memory::default());
        put(
            "proc/meminfo",
            "MemTotal:        3884560 kB\nMemFree: 1 kB\nMemAvailable:    3000000 kB\n",
        );
        let memory = memory(root.path());
        assert_eq!(
            (memory.total, memory.available),
            (3_884_560 << 10, 3_000_000 << 10)
        );
    }

    #[test]
    fn heat_is_that_of_the_sensor_with_the_thresholds_of_both_sides() {
        let root = tempfile::tempdir().unwrap();
        let sensor = root.path().join("temp");
        fs::write(&sensor, "48312\n").unwrap();
        let config = ThermalConfig {
            enabled: true,
            sensor: sensor.clone(),
            step_down_c: 70.0,
            lowest_c: 75.0,
            recover_s: 60,
        };
        let pi3 = crate::config::board::by_id("rpi3").unwrap();
        let seen = thermal(&config, pi3);
        assert!((seen.celsius.unwrap() - 48.312).abs() < 0.001);
        assert_eq!(seen.sensor, Some(sensor.display().to_string()));
        assert_eq!((seen.step_down_c, seen.lowest_c), (70.0, 75.0));
        assert_eq!(seen.firmware_soft_c, Some(60.0));
        assert_eq!(seen.firmware_limit_c, Some(85.0));
        fs::write(&sensor, "warm").unwrap();
        let broken = thermal(&config, pi3);
        assert_eq!(broken.celsius, None);
        let problem = broken.problem.unwrap();
        assert!(problem.sentence.contains("gives no whole number"));
        assert!(problem.mend.unwrap().contains("thermal.sensor"));
    }
}
