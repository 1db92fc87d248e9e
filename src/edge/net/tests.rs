//! Tests on real excerpts of `/proc` and `/sys`, and on the machine as it is.

use super::*;

fn link(name: &str, addresses: &[&str], is_virtual: bool) -> Link {
    Link {
        name: name.into(),
        addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
        is_virtual,
        ..Link::default()
    }
}

fn texts(addresses: &[IpAddr]) -> Vec<String> {
    addresses.iter().map(ToString::to_string).collect()
}

#[test]
fn the_address_of_the_way_out_is_shown_first_and_containers_last() {
    let links = [
        link("docker0", &["172.17.0.1"], true),
        link("eth0", &["10.0.0.5"], false),
        link("wlan0", &["fd00::2", "203.0.113.9", "192.168.1.7"], false),
    ];
    let out = Route {
        link: "wlan0".into(),
        gateway: "192.168.1.1".parse().unwrap(),
    };
    assert_eq!(
        texts(&reachable(&links, Some(&out))),
        [
            "192.168.1.7",
            "203.0.113.9",
            "fd00::2",
            "10.0.0.5",
            "172.17.0.1"
        ]
    );
    assert_eq!(texts(&reachable(&links, None))[0], "10.0.0.5");
}

#[test]
fn a_link_without_cable_does_not_count_and_loopback_is_the_last_resort() {
    let mut down = link("eth0", &["10.0.0.5"], false);
    down.carrier = Some(false);
    assert_eq!(texts(&reachable(&[down], None)), ["127.0.0.1"]);
}

#[test]
fn addresses_that_others_cannot_use_are_left_out() {
    for (address, expected) in [
        ("192.168.1.2", true),
        ("2001:db8::1", true),
        ("fd00::1", true),
        ("127.0.0.1", false),
        ("169.254.3.4", false),
        ("fe80::1", false),
        ("::1", false),
        ("0.0.0.0", false),
    ] {
        assert_eq!(is_usable(&address.parse().unwrap()), expected, "{address}");
    }
}

#[test]
fn the_default_route_is_the_one_with_the_lowest_metric() {
    let little = cfg!(target_endian = "little");
    let hex = |a: &str, b: &str| if little { a.to_owned() } else { b.to_owned() };
    let table = format!(
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n\
         wlan0\t00000000\t{}\t0003\t0\t0\t600\t00000000\t0\t0\t0\n\
         eth0\t00000000\t{}\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
         eth1\t00000000\t{}\t0002\t0\t0\t1\t00000000\t0\t0\t0\n\
         eth0\t{}\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n",
        hex("0101A8C0", "C0A80101"),
        hex("010200C0", "C0000201"),
        hex("0101A8C0", "C0A80101"),
        hex("000200C0", "C0000200"),
    );
    let route = route_v4(&table).unwrap();
    assert_eq!(route.link, "eth0", "eth1's route is down");
    assert_eq!(route.gateway.to_string(), "192.0.2.1");
    assert_eq!(route_v4("rubbish\nmore rubbish"), None);
}

#[test]
fn without_ipv4_the_way_out_is_ipv6s() {
    let zero = "0".repeat(32);
    let table = format!(
        "{zero} 00 {zero} 00 fe8000000000000000fc00fffe000002 00000400 00000001 00000000 00000003     eth0\n\
         {zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200       lo\n"
    );
    let route = route_v6(&table).unwrap();
    assert_eq!(route.link, "eth0");
    assert_eq!(route.gateway.to_string(), "fe80::fc:ff:fe00:2");
}

#[test]
fn dns_servers_are_those_behind_the_systems_own_resolver() {
    let root = tempfile::tempdir().unwrap();
    let etc = root.path().join("etc");
    let run = root.path().join("run/systemd/resolve");
    fs::create_dir_all(&etc).unwrap();
    fs::write(
        etc.join("resolv.conf"),
        "# made by hand\nsearch lan\nnameserver 127.0.0.53\noptions edns0\n",
    )
    .unwrap();
    assert_eq!(texts(&dns(root.path())), ["127.0.0.53"]);
    fs::create_dir_all(&run).unwrap();
    fs::write(
        run.join("resolv.conf"),
        "nameserver 192.168.1.1\nnameserver fe80::1%eth0\nnameserver nonsense\n",
    )
    .unwrap();
    assert_eq!(texts(&dns(root.path())), ["192.168.1.1", "fe80::1"]);
}

#[test]
fn links_are_read_from_sysfs() {
    let root = tempfile::tempdir().unwrap();
    let net = root.path().join("sys/class/net");
    for (name, files, folders) in [
        (
            "eth0",
            vec![("carrier", "1\n"), ("speed", "1000\n")],
            vec!["device"],
        ),
        (
            "wlan0",
            vec![("carrier", "0\n"), ("speed", "-1\n")],
            vec!["device", "wireless"],
        ),
        ("docker0", vec![], vec![]),
        ("lo", vec![("carrier", "1\n")], vec![]),
    ] {
        fs::create_dir_all(net.join(name)).unwrap();
        for (file, text) in files {
            fs::write(net.join(name).join(file), text).unwrap();
        }
        for folder in folders {
            fs::create_dir(net.join(name).join(folder)).unwrap();
        }
    }
    let own = [
        ("eth0".to_owned(), "192.168.1.5".parse().unwrap()),
        ("eth0".to_owned(), "fe80::1".parse().unwrap()),
        ("lo".to_owned(), "127.0.0.1".parse().unwrap()),
    ];
    let links = links(root.path(), &own);
    let names: Vec<&str> = links.iter().map(|l| l.name.as_str()).collect();
    assert_eq!(names, ["docker0", "eth0", "wlan0"]);
    assert!(links[0].is_virtual && links[0].carrier.is_none());
    assert_eq!(links[1].speed, Some(1000));
    assert_eq!(links[1].carrier, Some(true));
    assert_eq!(texts(&links[1].addresses), ["192.168.1.5"]);
    assert!(links[2].wireless && links[2].carrier == Some(false) && links[2].speed.is_none());
}

#[test]
fn the_clock_is_read_in_the_unit_that_the_status_names() {
    let synced = clock_of(0, libc::STA_NANO | 1, -2_500_000, 16_000);
    assert!(synced.synchronised);
    assert!((synced.offset_ms + 2.5).abs() < 1e-9);
    assert!((synced.max_error_ms - 16.0).abs() < 1e-9);
    let micro = clock_of(0, 1, 1500, 0);
    assert!((micro.offset_ms - 1.5).abs() < 1e-9);
    assert!(!clock_of(5, 0, 0, 0).synchronised);
    assert!(!clock_of(0, libc::STA_UNSYNC, 0, 0).synchronised);
}

#[test]
fn the_real_machine_has_addresses_that_can_be_bound() {
    let network = look();
    assert!(!network.addresses.is_empty());
    for address in &network.addresses {
        // An address of this machine can be bound; one that was misread cannot.
        let bound = std::net::UdpSocket::bind((*address, 0));
        assert!(bound.is_ok(), "{address}: {bound:?}");
    }
    let raw = own_addresses().unwrap();
    assert!(
        raw.iter().any(|(name, a)| name == "lo" && a.is_loopback()),
        "{raw:?}"
    );
    assert!(clock().is_ok_and(|c| c.max_error_ms >= 0.0));
}
