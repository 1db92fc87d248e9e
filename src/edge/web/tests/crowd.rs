//! Many clients, and slow ones.

use std::net::Ipv4Addr;

use socket2::{Domain, Socket, Type};

use super::*;

/// From another address of the loopback.
fn from(bench: &Bench, last: u8) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let own = SocketAddr::from((Ipv4Addr::new(127, 0, 1, last), 0));
    socket.bind(&own.into()).unwrap();
    socket.connect(&bench.address().into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

fn ask(bench: &Bench, stream: &mut TcpStream) -> u16 {
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        bench.address()
    );
    let _ = stream.write_all(request.as_bytes());
    Answer::read(stream).status
}

#[test]
fn two_hundred_clients_at_once_are_all_served() {
    let bench = Bench::new();
    let mut all: Vec<TcpStream> = (0..200).map(|n| from(&bench, 1 + n % 10)).collect();
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        bench.address()
    );
    for stream in &mut all {
        stream.write_all(request.as_bytes()).unwrap();
    }
    let served = all
        .iter_mut()
        .filter_map(|s| (Answer::read(s).status == 200).then_some(()));
    assert_eq!(served.count(), 200);
}

#[test]
fn one_address_cannot_take_all_the_room() {
    let bench = Bench::new();
    let limit = Limits::default().most_of_one;
    let mut greedy: Vec<TcpStream> = (0..60).map(|_| from(&bench, 1)).collect();
    // Another is served although sixty sit there; and what is above the limit was closed.
    assert_eq!(ask(&bench, &mut from(&bench, 2)), 200);
    let mut open = 0;
    for stream in &mut greedy {
        stream
            .set_read_timeout(Some(Duration::from_millis(20)))
            .unwrap();
        match stream.read(&mut [0; 16]) {
            Ok(0) => {}
            Ok(n) => panic!("{n} bytes that nobody asked for"),
            Err(e)
                if matches!(
                    e.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                ) =>
            {
                open += 1;
            }
            Err(_) => {}
        }
    }
    assert_eq!(open, limit);
    // Room that is left is given again.
    drop(greedy);
    let end = Instant::now() + LONG;
    while ask(&bench, &mut from(&bench, 1)) != 200 {
        assert!(Instant::now() < end, "no room is given back");
    }
}

#[test]
fn slow_clients_are_let_go_and_hold_up_nobody() {
    let limits = Limits {
        most: 8,
        most_of_one: 8,
        request: Duration::from_secs(1),
        idle: Duration::from_secs(1),
        ..Limits::default()
    };
    let bench = Bench::within(limits);
    let begun = Instant::now();
    // Four say nothing, four send a byte now and then: together they take all the room.
    let silent: Vec<TcpStream> = (0..4).map(|_| from(&bench, 1)).collect();
    let mut slow: Vec<TcpStream> = (0..4).map(|_| from(&bench, 1)).collect();
    let address = bench.address();
    let sender = std::thread::spawn(move || {
        let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\nX-Slow: ");
        for stream in &mut slow {
            stream.write_all(request.as_bytes()).unwrap();
        }
        let mut closed = 0;
        while closed < slow.len() && begun.elapsed() < LONG {
            std::thread::sleep(Duration::from_millis(50));
            closed = slow
                .iter_mut()
                .filter_map(|s| s.write_all(b"a").err())
                .count();
        }
        closed
    });
    assert_eq!(ask(&bench, &mut from(&bench, 2)), 200);
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
    assert_eq!(sender.join().unwrap(), 4, "slow clients are kept");
    for mut stream in silent {
        assert_eq!(stream.read(&mut [0; 16]).unwrap_or(0), 0);
    }
}

#[test]
fn a_connection_serves_several_requests_and_ends_with_its_life() {
    let limits = Limits {
        life: Duration::from_secs(2),
        ..Limits::default()
    };
    let bench = Bench::within(limits);
    let mut stream = bench.connect();
    let request = format!(
        "GET /api/status HTTP/1.1\r\nHost: {}\r\n\r\n",
        bench.address()
    );
    let begun = Instant::now();
    let mut answers = 0;
    let mut bytes = [0; 8192];
    while stream.write_all(request.as_bytes()).is_ok() {
        match stream.read(&mut bytes) {
            Ok(n) if n > 0 => answers += 1,
            _ => break,
        }
        assert!(begun.elapsed() < LONG, "it lives on");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(answers > 1, "{answers}");
}
