use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;

/// What the server does with its n-th connection.
#[derive(Clone, Copy)]
enum Turn {
    /// All of it, or the part that is asked for.
    Serve,
    /// Breaks off after so many bytes of the body.
    Break(usize),
    /// Says that the body is so long.
    Pretend(u64),
    /// Answers with this status.
    Status(u16),
}

/// A server with one file; gives its address and what it was asked.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

fn serve(body: Vec<u8>, turns: Vec<Turn>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/b.raucb", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (noted, n) = (asked.clone(), AtomicUsize::new(0));
    // Ends with the process of the test.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let i = n.fetch_add(1, Ordering::Relaxed);
            let turn = turns.get(i).copied().unwrap_or(Turn::Serve);
            let head = head(&stream);
            noted.lock().unwrap().push(head.clone());
            let _ = answer(stream, &head, &body, turn);
        }
    });
    Server { url, asked }
}

fn head(stream: &TcpStream) -> String {
    let mut head = String::new();
    for line in BufReader::new(stream).lines() {
        let line = line.unwrap_or_default();
        if line.is_empty() {
            break;
        }
        head.push_str(&line.to_lowercase());
        head.push('\n');
    }
    head
}

fn answer(mut stream: TcpStream, head: &str, body: &[u8], turn: Turn) -> std::io::Result<()> {
    let from: usize = head
        .lines()
        .find_map(|l| l.strip_prefix("range: bytes="))
        .map_or(0, |r| r.trim_end_matches('-').parse().unwrap());
    let rest = &body[from..];
    let (status, length) = match turn {
        Turn::Status(status) => (status, 0),
        Turn::Pretend(length) => (200, length),
        _ if from > 0 => (206, rest.len() as u64),
        _ => (200, rest.len() as u64),
    };
    let range = if status == 206 {
        format!(
            "Content-Range: bytes {from}-{}/{}\r\n",
            body.len() - 1,
            body.len()
        )
    } else {
        String::new()
    };
    write!(
        stream,
        "HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nETag: \"one\"\r\n{range}Connection: close\r\n\r\n"
    )?;
    match turn {
        Turn::Break(n) => stream.write_all(&rest[..n.min(rest.len())]),
        Turn::Serve => stream.write_all(rest),
        Turn::Pretend(_) | Turn::Status(_) => Ok(()),
    }
}

fn body() -> Vec<u8> {
    (0..300_000u32).map(|n| (n % 251) as u8).collect()
}

fn fetch(dir: &Path, url: &str) -> Result<PathBuf> {
    let mut rising = 0;
    let mut progress = |have: u64, _: Option<u64>| {
        assert!(have >= rising);
        rising = have;
    };
    let mut fetch = Fetch {
        folder: &dir.join("update"),
        stopped: &|| false,
        progress: &mut progress,
    };
    fetch.bundle(url)
}

#[test]
fn a_bundle_is_fetched_whole() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(body(), Vec::new());
    let file = fetch(dir.path(), &server.url).unwrap();
    assert_eq!(std::fs::read(file).unwrap(), body());
    assert_eq!(
        std::fs::read_dir(dir.path().join("update"))
            .unwrap()
            .count(),
        1
    );
}

#[test]
fn what_is_there_is_not_fetched_twice() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(body(), vec![Turn::Break(100_000), Turn::Break(50_000)]);
    let file = fetch(dir.path(), &server.url).unwrap();
    assert_eq!(std::fs::read(file).unwrap(), body());
    let asked = server.asked.lock().unwrap();
    assert_eq!(asked.len(), 3);
    assert!(asked[1].contains("range: bytes=100000-"), "{}", asked[1]);
    assert!(asked[1].contains("if-range: \"one\""), "{}", asked[1]);
    assert!(asked[2].contains("range: bytes=150000-"), "{}", asked[2]);
}

#[test]
fn a_server_that_says_no_or_too_much_is_not_asked_again() {
    for (turn, kind, words) in [
        (Turn::Status(404), Kind::NotFound, "answers 404"),
        (
            Turn::Pretend(MAX_BUNDLE + 1),
            Kind::Refused,
            "larger than 512 MiB",
        ),
        (Turn::Pretend(MAX_BUNDLE), Kind::Unsupported, "no space"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let there = system::disk_free(dir.path()).unwrap();
        if matches!(turn, Turn::Pretend(MAX_BUNDLE)) && there > MAX_BUNDLE + SPARE {
            // This disk has room; the rule is tested by its arithmetic below.
            continue;
        }
        let server = serve(body(), vec![turn; 9]);
        let e = fetch(dir.path(), &server.url).unwrap_err();
        assert_eq!(e.kind(), kind, "{}", e.report());
        assert!(e.report().contains(words), "{}", e.report());
        assert_eq!(server.asked.lock().unwrap().len(), 1);
    }
}

#[test]
fn a_full_card_is_told_before_the_first_byte() {
    let dir = tempfile::tempdir().unwrap();
    let fetch = Fetch {
        folder: dir.path(),
        stopped: &|| false,
        progress: &mut |_, _| {},
    };
    let free = system::disk_free(dir.path()).unwrap();
    let e = fetch.check_room(free, 0).unwrap_err();
    assert!(
        e.report().contains("no space for the bundle"),
        "{}",
        e.report()
    );
    assert!(fetch.check_room(1, 0).is_ok());
}

#[test]
fn whoever_ends_ends_soon() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(body(), vec![Turn::Status(503); 9]);
    let stopped = AtomicBool::new(false);
    let begun = Instant::now();
    let e = std::thread::scope(|s| {
        s.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            stopped.store(true, Ordering::Relaxed);
        });
        let mut fetch = Fetch {
            folder: dir.path(),
            stopped: &|| stopped.load(Ordering::Relaxed),
            progress: &mut |_, _| {},
        };
        fetch.bundle(&server.url).unwrap_err()
    });
    assert!(e.report().contains("The box ends"), "{}", e.report());
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn an_address_is_shown_without_what_may_be_a_secret() {
    assert_eq!(bare("https://u:p@h/x?token=1"), "h/x");
    assert_eq!(bare("https://h/x#y"), "https://h/x");
}
