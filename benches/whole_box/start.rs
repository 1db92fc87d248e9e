//! From starting the process to the first RTP packet at an RTSP reader, encoder probe included.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::process::{Guard, free_port, median};

const ROUNDS: usize = 5;

fn request(stream: &mut TcpStream, text: &str) -> Option<String> {
    stream.write_all(text.as_bytes()).ok()?;
    let mut all = Vec::new();
    let mut buffer = [0_u8; 4096];
    let end = Instant::now() + Duration::from_secs(15);
    while Instant::now() < end {
        let n = stream.read(&mut buffer).ok()?;
        if n == 0 {
            return None;
        }
        all.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&all);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|l| {
                l.to_ascii_lowercase()
                    .strip_prefix("content-length:")?
                    .trim()
                    .parse::<usize>()
                    .ok()
            });
            if body.len() >= length.unwrap_or(0) {
                return head.contains(" 200 ").then(|| text.clone().into_owned());
            }
        }
    }
    None
}

/// DESCRIBE, SETUP, PLAY over TCP; returns once the first interleaved packet is there.
fn first_packet(port: u16) -> Option<()> {
    let mut s = TcpStream::connect(("127.0.0.1", port)).ok()?;
    s.set_read_timeout(Some(Duration::from_secs(15))).ok()?;
    let url = format!("rtsp://127.0.0.1:{port}/main");
    request(
        &mut s,
        &format!("DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n"),
    )?;
    let setup = format!(
        "SETUP {url}/stream=0 RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n"
    );
    let answer = request(&mut s, &setup)?;
    let session = answer
        .lines()
        .find_map(|l| l.strip_prefix("Session: "))?
        .split(';')
        .next()?
        .to_owned();
    let play = format!("PLAY {url} RTSP/1.0\r\nCSeq: 3\r\nSession: {session}\r\n\r\n");
    s.write_all(play.as_bytes()).ok()?;
    let mut buffer = [0_u8; 65536];
    let mut seen = Vec::new();
    loop {
        let n = s.read(&mut buffer).ok().filter(|n| *n > 0)?;
        seen.extend_from_slice(&buffer[..n]);
        let after = seen
            .windows(4)
            .position(|w| w == b"\r\n\r\n")
            .map(|i| i + 4);
        if seen.first() == Some(&b'$') || after.is_some_and(|i| seen.get(i) == Some(&b'$')) {
            return Some(());
        }
    }
}

pub fn measure() {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let state = format!("paths.state={}", dir.path().display());
        let port_set = format!("rtsp.port={port}");
        let begun = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_boothcast"))
            .args(["run", "--set", &state, "--set", &port_set])
            .args([
                "--set",
                "rtsp.auth=none",
                "--set",
                "video.source=test",
                "--set",
                "rtsp.listen=127.0.0.1",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let _guard = Guard(child);
        while first_packet(port).is_none() {
            assert!(begun.elapsed() < Duration::from_secs(30), "no packet");
            std::thread::sleep(Duration::from_millis(5));
        }
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    println!(
        "| start of the process to the first RTP packet at a reader (median of {ROUNDS}) | {:.0} ms |",
        median(&mut times)
    );
}
