//! Child processes: the box, nginx-rtmp, the bare pipeline; CPU time as the kernel counts it.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Killed, by id, when it goes out of scope.
pub struct Guard(pub Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// User and system CPU seconds of a process, all threads (proc(5), fields 14 and 15).
pub fn cpu_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

/// CPU seconds that a process uses in a window of wall time.
pub fn cpu_over(pid: u32, window: Duration) -> f64 {
    let before = cpu_seconds(pid);
    std::thread::sleep(window);
    cpu_seconds(pid) - before
}

/// Starts the release box with a configuration and waits until it prints its addresses.
pub fn start_box(dir: &Path, port: u16, config: &str) -> Guard {
    // The room is measured by whoever asks for it.
    let web = if config.contains("[web]") {
        ""
    } else {
        "[web]\nenabled = false\n"
    };
    let text = format!(
        "[paths]\nstate = \"{}\"\n[rtsp]\nlisten = \"127.0.0.1\"\nport = {port}\nauth = \"none\"\n{web}{config}\n",
        dir.join("state").display()
    );
    fs::write(dir.join("boothcast.toml"), text).unwrap();
    let out = dir.join("stdout");
    let child = Command::new(env!("CARGO_BIN_EXE_boothcast"))
        .args(["run", "--config"])
        .arg(dir.join("boothcast.toml"))
        .stdin(Stdio::null())
        .stdout(File::create(&out).unwrap())
        .stderr(File::create(dir.join("stderr")).unwrap())
        .spawn()
        .unwrap();
    let guard = Guard(child);
    let end = Instant::now() + Duration::from_secs(15);
    while !fs::read_to_string(&out).unwrap().contains("Ctrl-C ends it") {
        let log = || fs::read_to_string(dir.join("stderr")).unwrap();
        assert!(Instant::now() < end, "the box did not come up: {}", log());
        std::thread::sleep(Duration::from_millis(20));
    }
    guard
}

/// An nginx with the RTMP module on a port of its own; gives the address of its application.
pub fn start_nginx(dir: &Path) -> (Guard, String) {
    let port = free_port();
    let module = [
        "/usr/lib/nginx/modules/ngx_rtmp_module.so",
        "/usr/share/nginx/modules/ngx_rtmp_module.so",
    ]
    .into_iter()
    .find(|p| Path::new(p).exists())
    .expect("libnginx-mod-rtmp is not installed");
    let config = format!(
        "load_module {module};\ndaemon off;\nmaster_process off;\nerror_log {d}/error.log;\npid {d}/pid;\n\
         events {{}}\nrtmp {{ server {{ listen 127.0.0.1:{port}; application live {{ live on; }} }} }}\n",
        d = dir.display()
    );
    fs::write(dir.join("nginx.conf"), config).unwrap();
    let child = Command::new("nginx")
        .arg("-c")
        .arg(dir.join("nginx.conf"))
        .arg("-p")
        .arg(dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let guard = Guard(child);
    let end = Instant::now() + Duration::from_secs(5);
    while std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(Instant::now() < end, "nginx did not come up");
        std::thread::sleep(Duration::from_millis(20));
    }
    (guard, format!("rtmp://127.0.0.1:{port}/live"))
}

pub fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}

pub fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * q).round() as usize]
}
