//! Who holds a device open, from `/proc`: other users' programs are seen only by root.

use std::fs;
use std::path::Path;

const MAX_PROCESSES: usize = 32_768;
const MAX_FILES: usize = 4096;

/// One clause: `the program obs (process 4711)`, or `another program` where it cannot be seen.
pub(in crate::edge) fn of_device(proc: &Path, device: &Path) -> String {
    let own = std::process::id();
    processes(proc)
        .filter(|pid| *pid != own)
        .find(|pid| holds(&proc.join(pid.to_string()), device))
        .map_or_else(
            || "another program".to_owned(),
            |pid| {
                let name = fs::read(proc.join(pid.to_string()).join("comm")).unwrap_or_default();
                let name = super::ioctl::clean(name.trim_ascii());
                format!("the program {name} (process {pid})")
            },
        )
}

fn processes(proc: &Path) -> impl Iterator<Item = u32> {
    fs::read_dir(proc)
        .into_iter()
        .flatten()
        .take(MAX_PROCESSES)
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.parse().ok())
}

fn holds(process: &Path, device: &Path) -> bool {
    fs::read_dir(process.join("fd"))
        .into_iter()
        .flatten()
        .take(MAX_FILES)
        .flatten()
        .any(|fd| fs::read_link(fd.path()).is_ok_and(|target| target == device))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn the_program_that_holds_a_device_is_named() {
        let proc = tempfile::tempdir().unwrap();
        let own = std::process::id();
        let other = own.wrapping_add(1).max(1);
        for (pid, name) in [(own, "boothcast"), (other, "obs")] {
            let fd = proc.path().join(pid.to_string()).join("fd");
            fs::create_dir_all(&fd).unwrap();
            symlink("/dev/video0", fd.join("7")).unwrap();
            fs::write(fd.with_file_name("comm"), format!("{name}\n")).unwrap();
        }
        assert_eq!(
            of_device(proc.path(), Path::new("/dev/video0")),
            format!("the program obs (process {other})")
        );
        assert_eq!(
            of_device(proc.path(), Path::new("/dev/video1")),
            "another program"
        );
    }

    #[test]
    fn a_real_process_that_holds_a_file_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let file = fs::canonicalize(dir.path()).unwrap().join("held");
        fs::write(&file, "").unwrap();
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .stdin(fs::File::open(&file).unwrap())
            .spawn()
            .unwrap();
        let who = of_device(Path::new("/proc"), &file);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(who, format!("the program sleep (process {})", child.id()));
    }
}
