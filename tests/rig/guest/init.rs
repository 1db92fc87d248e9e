//! Process 1: a writable, throw-away copy of the host's root (overlayfs over the read-only hostfs), the kernel's file
//! systems, the network; then the agent, and every orphan's exit status collected.
//!
//! From the kernel's command line, as environment: `rig_modules` and `rig_share` (host folders), `rig_address` and
//! `rig_gateway`.

use std::ffi::CString;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Never returns: the machine ends with it.
pub fn run() -> ! {
    if let Err(e) = begin() {
        eprintln!("rig init: {e}");
    } else {
        serve();
    }
    off()
}

fn begin() -> Result<(), String> {
    let me = std::env::args().next().unwrap_or_default();
    mount("tmpfs", "/mnt", "tmpfs", "")?;
    for folder in ["/mnt/upper", "/mnt/work", "/mnt/root"] {
        fs::create_dir(folder).map_err(|e| format!("{folder}: {e}"))?;
    }
    mount(
        "overlay",
        "/mnt/root",
        "overlay",
        "lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work",
    )?;
    pivot("/mnt/root")?;
    for (kind, at) in [
        ("proc", "/proc"),
        ("sysfs", "/sys"),
        ("devtmpfs", "/dev"),
        ("tmpfs", "/run"),
    ] {
        mount(kind, at, kind, "")?;
    }
    for (kind, at) in [
        ("debugfs", "/sys/kernel/debug"),
        ("configfs", "/sys/kernel/config"),
        ("cgroup2", "/sys/fs/cgroup"),
        ("devpts", "/dev/pts"),
        ("tmpfs", "/dev/shm"),
    ] {
        fs::create_dir_all(at).map_err(|e| format!("{at}: {e}"))?;
        mount(kind, at, kind, "")?;
    }
    for (link, to) in [
        ("fd", "fd"),
        ("stdin", "fd/0"),
        ("stdout", "fd/1"),
        ("stderr", "fd/2"),
    ] {
        let _ =
            std::os::unix::fs::symlink(format!("/proc/self/{to}"), Path::new("/dev").join(link));
    }
    let folder =
        |name: &str| std::env::var(name).map_err(|_| format!("{name} is not on the command line"));
    for (at, from) in [
        ("/lib/modules", folder("rig_modules")?),
        ("/share", folder("rig_share")?),
    ] {
        fs::create_dir_all(at).map_err(|e| format!("{at}: {e}"))?;
        mount("none", at, "hostfs", &from)?;
    }
    // The host's name servers are out of reach: a look-up is to fail at once.
    let _ = fs::write("/etc/resolv.conf", "");
    for (key, value) in [
        ("HOME", "/root"),
        (
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ),
        ("XDG_RUNTIME_DIR", "/run"),
        ("RIG_GUEST", &me),
    ] {
        // SAFETY: there is one thread.
        unsafe { std::env::set_var(key, value) };
    }
    ip(&["link", "set", "lo", "up"])?;
    ip(&["addr", "add", &folder("rig_address")?, "dev", "vec0"])?;
    ip(&["link", "set", "vec0", "up"])?;
    ip(&["route", "add", "default", "via", &folder("rig_gateway")?])
}

/// Starts the agent and collects exit statuses until it ends.
fn serve() {
    let me = std::env::var("RIG_GUEST").unwrap_or_default();
    let agent = match Command::new(me).arg("agent").spawn() {
        Ok(child) => child.id(),
        Err(e) => return eprintln!("rig init: the agent cannot be started: {e}"),
    };
    loop {
        // SAFETY: plain system call; the status is not wanted.
        let ended = unsafe { libc::wait(std::ptr::null_mut()) };
        if ended < 0 || u32::try_from(ended).is_ok_and(|pid| pid == agent) {
            return;
        }
    }
}

fn off() -> ! {
    // SAFETY: plain system calls.
    unsafe {
        libc::sync();
        libc::reboot(libc::RB_POWER_OFF);
    }
    std::process::exit(1)
}

fn ip(args: &[&str]) -> Result<(), String> {
    let status = Command::new("ip").args(args).status();
    match status {
        Ok(s) if s.success() => Ok(()),
        other => Err(format!("ip {args:?}: {other:?}")),
    }
}

fn text(s: &str) -> CString {
    CString::new(s).unwrap_or_default()
}

fn mount(source: &str, at: &str, kind: &str, options: &str) -> Result<(), String> {
    let (source, target, kind, data) = (text(source), text(at), text(kind), text(options));
    // SAFETY: four NUL-terminated strings that live for the call.
    let rc = unsafe {
        libc::mount(
            source.as_ptr(),
            target.as_ptr(),
            kind.as_ptr(),
            0,
            data.as_ptr().cast(),
        )
    };
    if rc == 0 {
        return Ok(());
    }
    Err(format!(
        "mounting {at}: {}",
        std::io::Error::last_os_error()
    ))
}

/// Makes `root` the root, for the kernel's own helpers (modprobe) too, and lets go of the old one.
fn pivot(root: &str) -> Result<(), String> {
    let old = format!("{root}/.old");
    fs::create_dir_all(&old).map_err(|e| format!("{old}: {e}"))?;
    let (new, put) = (text(root), text(&old));
    // SAFETY: NUL-terminated strings that live for the calls.
    let failed = unsafe {
        libc::syscall(libc::SYS_pivot_root, new.as_ptr(), put.as_ptr()) != 0
            || libc::chdir(c"/".as_ptr()) != 0
            || libc::umount2(c"/.old".as_ptr(), libc::MNT_DETACH) != 0
    };
    if failed {
        return Err(format!(
            "changing the root: {}",
            std::io::Error::last_os_error()
        ));
    }
    Ok(())
}
