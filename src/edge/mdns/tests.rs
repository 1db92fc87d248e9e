//! Two machines on a cable: two threads, each in a network namespace of its own, joined by a pair of veth.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::Command;
use std::sync::mpsc;

use mdns_sd::ServiceEvent;

use super::*;

const LIMIT: Duration = Duration::from_secs(60);
const HOST: &str = "boothcast-0102";

/// Moves this thread, and what it starts, into a network of its own. `None` for who may not.
fn own_network() -> Option<()> {
    // SAFETY: takes flags only, and concerns this thread alone.
    if unsafe { libc::unshare(libc::CLONE_NEWNET) } == 0 {
        return Some(());
    }
    let e = io::Error::last_os_error();
    assert_eq!(e.raw_os_error(), Some(libc::EPERM), "{e}");
    eprintln!("not tested: only root may make a network");
    None
}

fn ip(line: &str) {
    let done = Command::new("ip").args(line.split(' ')).output().unwrap();
    assert!(
        done.status.success(),
        "ip {line}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// The other machine: a thread that does as it is told, until it is dropped.
struct Other {
    jobs: Option<mpsc::Sender<Box<dyn FnOnce() + Send>>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Other {
    /// Joins this thread's new network (10.99.0.1) with that of another thread (10.99.0.2).
    fn on_a_cable() -> Option<Self> {
        own_network()?;
        let (jobs, work) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
        let (tell, told) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            own_network().unwrap();
            // SAFETY: asks for a number.
            tell.send(unsafe { libc::gettid() }).unwrap();
            work.into_iter().for_each(|job| job());
        });
        let thread_id = told.recv().unwrap();
        let there = format!("/proc/{}/task/{thread_id}/ns/net", std::process::id());
        ip(&format!(
            "link add cable type veth peer name cable netns {there}"
        ));
        ip("addr add 10.99.0.1/24 dev cable");
        ip("link set cable up");
        let other = Self {
            jobs: Some(jobs),
            thread: Some(thread),
        };
        other.ask(|| {
            ip("addr add 10.99.0.2/24 dev cable");
            ip("link set cable up");
        });
        Some(other)
    }

    /// Has this done over there.
    fn ask<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        let (answer, answers) = mpsc::channel();
        let job = Box::new(move || drop(answer.send(job())));
        self.jobs.as_ref().unwrap().send(job).unwrap();
        answers.recv().expect("the job over there failed")
    }

    /// What a plain resolver over there finds for a name: a query from a port of its own (RFC 6762, section 6.7).
    fn resolve(&self, name: &str) -> Vec<Ipv4Addr> {
        let name = name.to_owned();
        self.ask(move || addresses_of(&name))
    }

    /// Waits until the name has just these addresses.
    fn wait_for(&self, name: &str, wanted: &[Ipv4Addr]) {
        let end = std::time::Instant::now() + LIMIT;
        loop {
            let found = self.resolve(name);
            if found == wanted {
                return;
            }
            assert!(
                std::time::Instant::now() < end,
                "{name}: {found:?} and not {wanted:?}"
            );
        }
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join().is_ok();
            assert!(ended || std::thread::panicking());
        }
    }
}

fn addresses_of(name: &str) -> Vec<Ipv4Addr> {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket2::SockRef::from(&socket)
        .set_multicast_if_v4(&local_address())
        .unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let mut query = vec![0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        query.push(u8::try_from(label.len()).unwrap());
        query.extend(label.bytes());
    }
    query.extend([0, 0, 1, 0, 1]);
    let group: SocketAddr = "224.0.0.251:5353".parse().unwrap();
    socket.send_to(&query, group).unwrap();
    let mut found = Vec::new();
    let mut answer = [0; 4096];
    while let Ok((n, _)) = socket.recv_from(&mut answer) {
        found.extend(a_records(&answer[..n], name));
    }
    found.sort();
    found.dedup();
    found
}

fn local_address() -> Ipv4Addr {
    let all = if_address("cable");
    all.unwrap_or(Ipv4Addr::UNSPECIFIED)
}

fn if_address(link: &str) -> Option<Ipv4Addr> {
    let out = Command::new("ip")
        .args(["-4", "-o", "addr", "show", link])
        .output()
        .unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    text.split_whitespace()
        .find_map(|w| w.split_once('/')?.0.parse().ok())
}

/// Addresses that a message of DNS gives for a name, RFC 1035 section 4.
fn a_records(message: &[u8], wanted: &str) -> Vec<Ipv4Addr> {
    let word = |at: usize| usize::from(message[at]) << 8 | usize::from(message[at + 1]);
    let mut at = 12;
    for _ in 0..word(4) {
        at = name_at(message, at).1 + 4;
    }
    let mut found = Vec::new();
    for _ in 0..word(6) {
        let (name, rest) = name_at(message, at);
        let (kind, length) = (word(rest), word(rest + 8));
        if kind == 1 && name.eq_ignore_ascii_case(wanted) {
            found.push(
                <[u8; 4]>::try_from(&message[rest + 10..rest + 14])
                    .unwrap()
                    .into(),
            );
        }
        at = rest + 10 + length;
    }
    found
}

/// A name, and where it ends.
fn name_at(message: &[u8], mut at: usize) -> (String, usize) {
    let (mut labels, mut end) = (Vec::new(), None);
    loop {
        match usize::from(message[at]) {
            0 => return (labels.join("."), end.unwrap_or(at + 1)),
            n if n >= 0xc0 => {
                end = end.or(Some(at + 2));
                at = (n & 0x3f) << 8 | usize::from(message[at + 1]);
            }
            n => {
                labels.push(String::from_utf8_lossy(&message[at + 1..=at + n]).into_owned());
                at += 1 + n;
            }
        }
    }
}

fn rtsp() -> Service {
    Service {
        kind: "_rtsp._tcp",
        port: 8554,
        facts: vec![("path", "/main".into())],
    }
}

fn http() -> Service {
    Service {
        kind: "_http._tcp",
        port: 8080,
        facts: vec![("path", "/".into())],
    }
}

fn offer(services: Vec<Service>) -> Offer {
    Offer {
        host: HOST.into(),
        instance: "Kasse 3".into(),
        services,
    }
}

/// A runtime whose tasks run on this thread, in its network.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn wait_for_event(
    runtime: &tokio::runtime::Runtime,
    events: &Receiver<ServiceEvent>,
    what: &str,
    mut wanted: impl FnMut(&ServiceEvent) -> bool,
) {
    runtime.block_on(async {
        let found = async {
            loop {
                let event = events.recv_async().await.unwrap();
                if wanted(&event) {
                    return;
                }
            }
        };
        timeout(LIMIT, found)
            .await
            .unwrap_or_else(|_| panic!("{what}: not seen"));
    });
}

/// Lets the tasks of this thread run until the names are as `wanted` says.
fn wait_for_names(
    runtime: &tokio::runtime::Runtime,
    announcer: &Announcer,
    wanted: impl Fn(&InForce) -> bool,
) -> InForce {
    let mut names = announcer.names();
    runtime.block_on(async {
        let found = names.wait_for(|n| n.as_ref().is_some_and(&wanted));
        let found = timeout(LIMIT, found)
            .await
            .expect("no such name comes into force");
        found.unwrap().clone().unwrap()
    })
}

#[test]
fn a_resolver_on_the_cable_finds_name_and_services_until_the_goodbye() {
    let Some(other) = Other::on_a_cable() else {
        return;
    };
    let (me, runtime) = (Ipv4Addr::new(10, 99, 0, 1), runtime());
    let announcer = Announcer::start(offer(vec![rtsp()]), runtime.handle());
    let names = wait_for_names(&runtime, &announcer, |_| true);
    assert_eq!(
        (&*names.host, &*names.instance),
        ("boothcast-0102.local", "Kasse 3")
    );
    other.wait_for("boothcast-0102.local", &[me]);
    assert_eq!(
        other.resolve("boothcast-0103.local"),
        [Ipv4Addr::UNSPECIFIED; 0]
    );

    let (browser, rtsp_seen, http_seen) = other.ask(|| {
        let browser = ServiceDaemon::new().unwrap();
        let rtsp = browser.browse("_rtsp._tcp.local.").unwrap();
        let http = browser.browse("_http._tcp.local.").unwrap();
        (browser, rtsp, http)
    });
    wait_for_event(&runtime, &rtsp_seen, "the stream", |event| match event {
        ServiceEvent::ServiceResolved(s) => {
            assert_eq!(s.get_fullname(), "Kasse 3._rtsp._tcp.local.");
            assert_eq!(
                (s.get_hostname(), s.get_port()),
                ("boothcast-0102.local.", 8554)
            );
            assert_eq!(s.get_property_val_str("path"), Some("/main"));
            s.get_addresses_v4().contains(&me)
        }
        _ => false,
    });
    // A page comes, and goes.
    announcer.offer(offer(vec![rtsp(), http()]));
    wait_for_event(
        &runtime,
        &http_seen,
        "the page",
        |event| matches!(event, ServiceEvent::ServiceResolved(s) if s.get_port() == 8080),
    );
    announcer.offer(offer(vec![rtsp()]));
    wait_for_event(
        &runtime,
        &http_seen,
        "the page's end",
        |event| matches!(event, ServiceEvent::ServiceRemoved(_, name) if name == "Kasse 3._http._tcp.local."),
    );

    let begun = Instant::now();
    runtime.block_on(announcer.stop());
    let took = begun.elapsed();
    assert!(took < STOP_LIMIT + Duration::from_secs(2), "{took:?}");
    wait_for_event(
        &runtime,
        &rtsp_seen,
        "the goodbye",
        |event| matches!(event, ServiceEvent::ServiceRemoved(_, name) if name == "Kasse 3._rtsp._tcp.local."),
    );
    assert_eq!(
        other.resolve("boothcast-0102.local"),
        [Ipv4Addr::UNSPECIFIED; 0]
    );
    other.ask(move || drop(browser.shutdown().unwrap().recv()));
}

#[test]
fn another_address_is_followed() {
    let Some(other) = Other::on_a_cable() else {
        return;
    };
    let runtime = runtime();
    let announcer = Announcer::start(offer(Vec::new()), runtime.handle());
    wait_for_names(&runtime, &announcer, |_| true);
    // Without a service there is a name all the same.
    other.wait_for("boothcast-0102.local", &[Ipv4Addr::new(10, 99, 0, 1)]);
    ip("addr add 10.99.0.7/24 dev cable");
    ip("addr del 10.99.0.1/24 dev cable");
    ip("addr replace 10.99.0.7/24 dev cable");
    other.wait_for("boothcast-0102.local", &[Ipv4Addr::new(10, 99, 0, 7)]);
    runtime.block_on(announcer.stop());
}

#[test]
fn a_name_that_another_box_has_gets_a_number() {
    let Some(other) = Other::on_a_cable() else {
        return;
    };
    let runtime = runtime();
    let there = other.ask(|| {
        let there = ServiceDaemon::new().unwrap();
        there
            .disable_interface(vec![IfKind::LoopbackV4, IfKind::LoopbackV6])
            .unwrap();
        let names = Names::of(&offer(Vec::new()));
        let events = there.monitor().unwrap();
        there.register(record(&names, &rtsp()).unwrap()).unwrap();
        let told = std::iter::from_fn(|| events.recv_timeout(LIMIT).ok());
        let announced = told
            .into_iter()
            .any(|e| matches!(e, DaemonEvent::Announce(..)));
        assert!(announced, "the other box is not announced");
        there
    });
    let announcer = Announcer::start(offer(vec![rtsp()]), runtime.handle());
    let names = wait_for_names(&runtime, &announcer, |n| n.host != "boothcast-0102.local");
    assert_eq!(names.host, "boothcast-0102-2.local");
    let names = wait_for_names(&runtime, &announcer, |n| n.instance != "Kasse 3");
    assert_eq!(
        (&*names.host, &*names.instance),
        ("boothcast-0102-2.local", "Kasse 3 (2)")
    );
    other.wait_for("boothcast-0102-2.local", &[Ipv4Addr::new(10, 99, 0, 1)]);
    other.wait_for("boothcast-0102.local", &[Ipv4Addr::new(10, 99, 0, 2)]);
    runtime.block_on(announcer.stop());
    other.ask(move || drop(there.shutdown().unwrap().recv()));
}

#[test]
fn without_a_network_all_is_quiet_and_the_end_comes_in_time() {
    if own_network().is_none() {
        return;
    }
    let runtime = runtime();
    let announcer = Announcer::start(offer(vec![rtsp()]), runtime.handle());
    runtime.block_on(async { tokio::time::sleep(Duration::from_secs(3)).await });
    assert_eq!(*announcer.names().borrow(), None);
    let begun = Instant::now();
    runtime.block_on(announcer.stop());
    assert!(begun.elapsed() < STOP_LIMIT + Duration::from_secs(2));
}
