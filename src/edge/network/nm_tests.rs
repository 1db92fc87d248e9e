//! Against the real NetworkManager, in namespaces of its own: network, mounts and processes. Nothing of the machine is touched,
//! and with the last process of a test everything of it is gone.
//!
//! The test starts itself anew inside `unshare`; where that is not allowed or NetworkManager is not installed it says so and
//! passes (`make setup-test` installs it).

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::{Network, State};
use crate::config::Secret;
use crate::config::code::WifiCode;

/// Longer than anything here takes, also on a busy machine.
const LONG: Duration = Duration::from_secs(60);
/// Tells the inner run where its files are.
const INNER: &str = "BOOTHCAST_TEST_NM_DIR";

/// Own `/run`, own settings of NetworkManager, a bus. Sysfs is read-only, as in a container: else NetworkManager waits for udev.
const PREPARE: &str = r#"
set -eu
mount -t tmpfs none /run
mount -t sysfs -o ro none /sys
mkdir -p "$DIR"/etc/system-connections "$DIR"/lib /etc/NetworkManager /var/lib/NetworkManager /run/NetworkManager
printf '[main]\nplugins=keyfile\nauth-polkit=false\ndns=none\nrc-manager=unmanaged\ndhcp=internal\n' >"$DIR/etc/NetworkManager.conf"
mount --bind "$DIR/etc" /etc/NetworkManager
mount --bind "$DIR/lib" /var/lib/NetworkManager
cat >"$DIR/bus.conf" <<END
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=$DIR/bus</listen>
<policy context="default"><allow own="*"/><allow send_destination="*"/><allow send_type="method_call"/><allow eavesdrop="true"/></policy></busconfig>
END
ip link set lo up
ip netns add peer
ip link add cable0 type veth peer name far0 netns peer
ip -n peer addr add 10.9.0.1/24 dev far0
exec "$0" --exact edge::network::nm_tests::a_cable_a_lost_manager_and_a_lost_bus --nocapture
"#;

fn there(program: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .stdout(Stdio::null())
        .status();
    found.is_ok_and(|s| s.success())
}

/// Runs the test that called it once more, inside; `None`: it cannot be run here.
fn inside() -> Option<bool> {
    let allowed = Command::new("unshare").args(["-nmpf", "true"]).status();
    let programs = ["NetworkManager", "dbus-daemon", "dnsmasq", "ip"];
    if !allowed.is_ok_and(|s| s.success()) || !programs.iter().all(|p| there(p)) {
        eprintln!("not run: it needs root, NetworkManager, dbus-daemon, dnsmasq and iproute2");
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new("timeout")
        .args([
            "-k",
            "2",
            "300",
            "unshare",
            "-nmpf",
            "--kill-child",
            "--mount-proc",
        ])
        .args(["--propagation", "private", "sh", "-c", PREPARE])
        .arg(std::env::current_exe().unwrap())
        .env("DIR", dir.path())
        .env(INNER, dir.path())
        .env(
            "DBUS_SYSTEM_BUS_ADDRESS",
            format!("unix:path={}/bus", dir.path().display()),
        )
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let good = output.status.success();
    if !good {
        eprintln!("{}", String::from_utf8_lossy(&output.stdout));
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        let log = std::fs::read_to_string(dir.path().join("manager.log"));
        eprintln!("{}", log.unwrap_or_default());
    }
    Some(good)
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(dir: &Path, log: &str, command: &str) -> Running {
    let log = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(dir.join(log))
        .unwrap();
    let child = Command::new("sh")
        .args(["-c", &format!("exec {command}")])
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    Running(child)
}

fn ip(args: &str) {
    assert!(
        Command::new("ip")
            .args(args.split(' '))
            .status()
            .unwrap()
            .success(),
        "ip {args}"
    );
}

async fn wait(
    state: &mut watch::Receiver<State>,
    what: &str,
    until: impl Fn(&State) -> bool,
) -> State {
    let waited = timeout(LONG, state.wait_for(until))
        .await
        .map(|r| r.unwrap().clone());
    waited.unwrap_or_else(|_| panic!("waited in vain: {what}; it is {:?}", state.borrow()))
}

#[test]
fn a_cable_a_lost_manager_and_a_lost_bus() {
    let Some(dir) = std::env::var_os(INNER) else {
        assert_ne!(inside(), Some(false), "it failed inside");
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(course(Path::new(&dir)));
}

async fn course(dir: &Path) {
    let bus = format!(
        "dbus-daemon --nofork --config-file={}/bus.conf",
        dir.display()
    );
    let manager = "NetworkManager --no-daemon";
    let (network, task) = Network::start(&tokio::runtime::Handle::current());
    let mut state = network.state();

    // Neither a bus nor a network; the calls say so.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(*state.borrow(), State::default());
    assert!(said(network.scan(true).await).contains("NetworkManager is not running"));

    let running_bus = run(dir, "bus.log", &bus);
    let running_manager = run(dir, "manager.log", manager);
    let now = wait(&mut state, "NetworkManager", |s| s.manager).await;
    assert!(!now.radio && !now.access_point && !now.known, "{now:?}");

    // A cable with a server of addresses at its end.
    let _dhcp = run(
        dir,
        "dhcp.log",
        "ip netns exec peer dnsmasq --keep-in-foreground --port=0 --interface=far0 --bind-interfaces \
         --dhcp-range=10.9.0.50,10.9.0.50,255.255.255.0,1h --dhcp-authoritative --leasefile-ro --conf-file=/dev/null",
    );
    ip("-n peer link set far0 up");
    ip("link set cable0 up");
    let with = |s: &State| s.clause.as_deref() == Some("cable, 10.9.0.50");
    let now = wait(&mut state, "an address", with).await;
    assert_eq!(now.addresses, [std::net::IpAddr::from([10, 9, 0, 50])]);

    // No radio: every call says so at once.
    let code = WifiCode {
        ssid: "Shop".into(),
        password: Some(Secret::new("geheim-123")),
        hidden: false,
    };
    let end = Instant::now() + LONG;
    for said in [
        said(network.scan(true).await),
        said(network.join(&code, end).await),
        said(network.open_access_point(&code).await),
    ] {
        assert!(
            said.contains("has no Wi-Fi") && !said.contains("geheim"),
            "{said}"
        );
    }
    network.close_access_point().await.unwrap();

    // The cable is pulled, and put back.
    ip("-n peer link set far0 down");
    wait(&mut state, "no network", |s| {
        s.manager && s.clause.is_none()
    })
    .await;
    ip("-n peer link set far0 up");
    wait(&mut state, "the address again", with).await;

    // NetworkManager dies: its address stays, by the kernel's account. A new one is found.
    drop(running_manager);
    let now = wait(&mut state, "no manager", |s| !s.manager).await;
    assert_eq!(now.clause.as_deref(), Some("cable, 10.9.0.50"));
    assert!(said(network.scan(false).await).contains("NetworkManager is not running"));
    let running_manager = run(dir, "manager.log", manager);
    wait(&mut state, "the manager again", |s| s.manager && with(s)).await;

    // The bus dies with everybody on it.
    drop((running_bus, running_manager));
    wait(&mut state, "no bus", |s| !s.manager).await;
    let _bus = run(dir, "bus.log", &bus);
    let _manager = run(dir, "manager.log", manager);
    wait(&mut state, "all of it again", |s| s.manager && with(s)).await;
    assert!(said(network.scan(false).await).contains("has no Wi-Fi"));

    timeout(Duration::from_secs(5), task.stop()).await.unwrap();
}

fn said<T: std::fmt::Debug>(outcome: crate::error::Result<T>) -> String {
    outcome.unwrap_err().report()
}
