//! What comes after an orderly end: the program once more in this process, or the machine.

use std::ffi::OsString;
use std::os::fd::RawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::app::broker;
use crate::error::{Error, Kind, Result};

/// Longest time for the command that starts the machine anew to be done with its part.
const REBOOT_LIMIT: Duration = Duration::from_secs(10);
/// What Linux adds to the path of a program whose file is another one now.
const DELETED: &[u8] = b" (deleted)";

/// Puts the program in the place of itself: same process id, same arguments, same environment. Whoever watches the process
/// (a service manager, a shell) sees nothing end. A private broker gets the same port again. Comes back only with the reason
/// why it could not be done.
pub fn exec(broker_port: Option<u16>) -> Error {
    let failed = |e: std::io::Error| {
        Error::new(Kind::Internal, "The program could not be started anew.").caused_by(e)
    };
    let program = match program() {
        Ok(program) => program,
        Err(e) => return failed(e),
    };
    tracing::info!(program = %program.display(), "starting anew");
    let mut args = std::env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = args.next() {
        command.arg0(name);
    }
    if let Some(port) = broker_port {
        command.env(broker::PORT, port.to_string());
    }
    close_on_exec();
    failed(command.args(args).exec())
}

/// The file of this program; after an update, the one that took its place.
fn program() -> std::io::Result<PathBuf> {
    let path = std::env::current_exe()?;
    let bytes = path.as_os_str().as_bytes();
    match bytes.strip_suffix(DELETED) {
        Some(file) if !path.exists() => Ok(OsString::from_vec(file.to_vec()).into()),
        _ => Ok(path),
    }
}

/// Lets no descriptor slip into the next program: a driver's library may have left one open, and a camera is opened by one
/// only. Standard input, output and error stay.
fn close_on_exec() {
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else {
        return;
    };
    let numbers = open.flatten().take(65_536);
    let numbers: Vec<RawFd> = numbers
        .filter_map(|e| e.file_name().to_str()?.parse().ok())
        .filter(|fd| *fd > 2)
        .collect();
    for fd in numbers {
        // SAFETY: sets a flag of a descriptor; on one that is closed meanwhile it does nothing.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}

/// Runs the command that starts the machine anew, its parts separated by spaces, and waits until it has done its part: a
/// service manager may end it together with this process.
///
/// # Errors
/// It cannot be started, or says that it failed.
pub fn reboot(line: &str) -> Result<()> {
    let failed = |why: String| {
        tracing::error!("the machine is not started anew: {why}");
        Error::new(
            Kind::Internal,
            format!("The machine is not started anew: {why}."),
        )
        .mend("Correct box.reboot, or switch the machine off and on.")
    };
    let mut parts = line.split_whitespace();
    let Some(program) = parts.next() else {
        return Err(failed("box.reboot is empty".into()));
    };
    tracing::info!("starting the machine anew");
    let mut child = Command::new(program)
        .args(parts)
        .stdin(Stdio::null())
        .spawn()
        .map_err(|e| failed(format!("{program} cannot be started: {e}")))?;
    let end = Instant::now() + REBOOT_LIMIT;
    while Instant::now() < end {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(failed(format!("{program} ended with {status}"))),
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
            Err(e) => return Err(failed(format!("{program} cannot be waited for: {e}"))),
        }
    }
    // It is at it, and needs no more of us.
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_run_with_its_parts_and_its_failure_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rebooted");
        reboot(&format!("  touch   {} ", file.display())).unwrap();
        assert!(file.exists());
        for (line, why) in [
            ("", "box.reboot is empty"),
            ("/nonexistent/reboot now", "cannot be started"),
            ("false", "ended with exit status: 1"),
        ] {
            let e = reboot(line).unwrap_err();
            assert!(e.report().contains(why), "{}", e.report());
            assert_eq!(e.kind().exit_code(), 1);
        }
    }

    #[test]
    fn the_program_is_this_one() {
        assert_eq!(program().unwrap(), std::env::current_exe().unwrap());
    }
}
