//! The agent: starts processes for the host, one per connection, and passes on what they say. See `wire.rs`.

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::wire::{self, ENDED, PORT, Request, SIGNAL, STARTED, STDERR, STDIN, STDOUT};

type Line = Arc<Mutex<TcpStream>>;

/// Serves until the machine ends.
pub fn run() -> Result<(), String> {
    let listener = TcpListener::bind(("0.0.0.0", PORT)).map_err(|e| format!("port {PORT}: {e}"))?;
    for connection in listener.incoming().flatten() {
        std::thread::spawn(move || {
            if let Err(e) = serve(connection) {
                eprintln!("rig agent: {e}");
            }
        });
    }
    Ok(())
}

fn serve(connection: TcpStream) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut from = BufReader::new(connection.try_clone()?);
    let to: Line = Arc::new(Mutex::new(connection));
    let mut line = String::new();
    from.read_line(&mut line)?;
    let request: Request = serde_json::from_str(&line)?;
    if request.argv.first().is_some_and(|a| a == "poweroff") {
        std::process::exit(0);
    }
    let mut child = match start(&request) {
        Ok(child) => child,
        Err(e) => {
            say(&to, STDERR, format!("{:?}: {e}", request.argv).as_bytes());
            say(&to, ENDED, &(-1000_i32).to_be_bytes());
            return Ok(());
        }
    };
    let pid = child.id();
    say(&to, STARTED, &pid.to_be_bytes());
    let readers = [
        child.stdout.take().map(|out| pump(out, to.clone(), STDOUT)),
        child.stderr.take().map(|err| pump(err, to.clone(), STDERR)),
    ];
    let stdin = child.stdin.take();
    std::thread::spawn(move || obey(&mut from, stdin, pid));
    let status = child.wait()?;
    // Whoever holds the pipes beyond the end of the process does not hold up its end.
    let end = std::time::Instant::now() + std::time::Duration::from_millis(500);
    for reader in readers.into_iter().flatten() {
        while !reader.is_finished() && std::time::Instant::now() < end {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }
    let code = status
        .code()
        .unwrap_or_else(|| -status.signal().unwrap_or(999));
    say(&to, ENDED, &code.to_be_bytes());
    Ok(())
}

fn start(request: &Request) -> std::io::Result<Child> {
    let (program, args) = request
        .argv
        .split_first()
        .ok_or_else(|| std::io::Error::other("nothing to start"))?;
    Command::new(program)
        .args(args)
        .envs(request.env.iter().map(|(k, v)| (k, v)))
        .current_dir("/run")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own, so that all of it can be killed.
        .process_group(0)
        .spawn()
}

fn pump(mut from: impl Read + Send + 'static, to: Line, kind: u8) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 65536];
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            say(&to, kind, &buffer[..n]);
        }
    })
}

fn say(to: &Line, kind: u8, payload: &[u8]) {
    if let Ok(mut to) = to.lock() {
        // The host may have gone: `obey` hears that.
        let _ = wire::send(&mut *to, kind, payload);
    }
}

/// Passes on standard input and signals; kills the group when the host is gone.
fn obey(from: &mut impl Read, mut stdin: Option<ChildStdin>, pid: u32) {
    let pid = i32::try_from(pid).unwrap_or(i32::MAX);
    while let Ok(Some((kind, payload))) = wire::receive(from) {
        match (kind, payload.as_slice()) {
            (STDIN, []) => stdin = None,
            (STDIN, bytes) => {
                if let Some(to) = &mut stdin {
                    let _ = std::io::Write::write_all(to, bytes);
                }
            }
            // SAFETY: plain system call.
            (SIGNAL, [signal]) => unsafe {
                libc::kill(pid, i32::from(*signal));
            },
            _ => {}
        }
    }
    // SAFETY: plain system call; the group is the process's own.
    unsafe { libc::kill(-pid, libc::SIGKILL) };
}
