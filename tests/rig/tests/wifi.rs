//! Set-up over the air: the real program, NetworkManager and wpa_supplicant on emulated radios. The box, a shop with an access
//! point and a phone are three network namespaces; the air between them is mac80211_hwsim's.

use std::time::Duration;

use crate::harness::{Process, Rig, needs};
use crate::support::wait_for;

/// Radios, a shop with the network `Shop`, and on the box's side the system bus and what NetworkManager needs. Sysfs is read-only
/// there: else NetworkManager waits for udev.
const AIR: &str = r#"
set -e
modprobe mac80211_hwsim radios=3
n=0
for who in box shop phone; do
  ip netns add $who; ip -n $who link set lo up
  iw phy phy$n set netns name $who; n=$((n+1))
done
printf 'interface=wlan1\nssid=Shop\nhw_mode=g\nchannel=1\nwpa=2\nwpa_key_mgmt=WPA-PSK\nrsn_pairwise=CCMP\nwpa_passphrase=shop-geheim\n' >/run/shop.conf
ip -n shop addr add 10.9.0.1/24 dev wlan1
ip netns exec shop hostapd -B -f /run/hostapd.log /run/shop.conf
ip netns exec shop dnsmasq --port=0 --interface=wlan1 --bind-interfaces --dhcp-authoritative --leasefile-ro \
  --dhcp-range=10.9.0.50,10.9.0.60,1h --conf-file=/dev/null
mkdir -p /run/dbus /run/NetworkManager
cat >/run/bus.conf <<END
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><policy context="default">
<allow own="*"/><allow send_destination="*"/><allow send_type="method_call"/><allow eavesdrop="true"/></policy></busconfig>
END
dbus-daemon --config-file=/run/bus.conf --fork
printf '[main]\nplugins=keyfile\nauth-polkit=false\ndns=none\nrc-manager=unmanaged\ndhcp=internal\n[device]\nwifi.scan-rand-mac-address=no\n' \
  >/etc/NetworkManager/NetworkManager.conf
ip netns exec box sh -c 'mount -o remount,ro /sys; exec wpa_supplicant -u -B -f /run/wpa.log'
"#;

/// To standard error, where `--no-daemon` alone writes to the system's log.
const MANAGER: &str = "mount -o remount,ro /sys; exec NetworkManager --debug";

const CONFIG: &str = "[video]\nsource = \"test\"\n[audio]\nsource = \"none\"\n[encode]\nprofile = \"custom\"\nwidth = 160\nheight = 90\nfps = 5\nbitrate = 300000\n[setup]\nenabled = true\nmdns = false\nscreen = false\ncamera = false\nport = 80\n[rtsp]\nport = 8554\nauth = \"none\"\n[web]\nenabled = false\n[paths]\nstate = \"/run/box\"\n";

/// Longest wait for the box: it has one slow processor here.
const LONG: Duration = Duration::from_secs(150);

/// Between two looks at the box, which each cost its processor several processes.
const STEP: Duration = Duration::from_millis(500);

/// Starts a program on the box's side; what it says is kept in `log` of the test's folder. It ends with the value: of a script
/// nothing is left but what made itself a daemon.
fn on_the_box(rig: &Rig, argv: &[&str], log: &str) -> Process {
    let mut all = vec!["ip", "netns", "exec", "box"];
    all.extend(argv);
    Process::start(&all, &[], Some(&rig.folder().join(log)))
}

fn boot() -> (Rig, Process) {
    let rig = needs().boot();
    rig.sh(AIR);
    let manager = on_the_box(&rig, &["sh", "-c", MANAGER], "manager.log");
    wait_for("NetworkManager", LONG, || {
        assert!(manager.running(), "{}", manager.stderr());
        std::thread::sleep(STEP);
        (rig.try_sh("nmcli -t general").code == 0).then_some(())
    });
    rig.write("/run/box.toml", CONFIG);
    (rig, manager)
}

fn start(rig: &Rig) -> Process {
    let program = crate::harness::PROGRAM;
    on_the_box(
        rig,
        &[program, "run", "--config", "/run/box.toml"],
        "boothcast.log",
    )
}

/// What the page tells, asked from inside the box.
fn status(rig: &Rig) -> Option<serde_json::Value> {
    std::thread::sleep(STEP);
    let out = rig.try_sh("ip netns exec box curl -sS -m 5 http://127.0.0.1/api/status");
    serde_json::from_str(&out.stdout).ok()
}

fn setup(rig: &Rig) -> Option<serde_json::Value> {
    Some(status(rig)?["setup"].clone())
}

/// Why the last step failed, once it has.
fn failure(rig: &Rig) -> Option<String> {
    status(rig)?["failure"].as_str().map(str::to_owned)
}

/// Sends the form from `who`, whose box is at `address`.
fn send(rig: &Rig, who: &str, address: &str, fields: &str) -> String {
    rig.sh(&format!(
        "t=$(ip netns exec {who} curl -sS -m 10 http://{address}/ | sed -n 's/.*name=\"token\" value=\"\\([0-9a-f]*\\)\".*/\\1/p')
         ip netns exec {who} curl -sS -m 10 -H 'Accept: application/json' --data-urlencode token=$t {fields} http://{address}/"
    ))
}

#[test]
fn a_phone_sets_the_box_up_over_the_boxs_own_network() {
    let (rig, manager) = boot();
    let daemon = start(&rig);
    wait_for("the access point", LONG, || {
        setup(&rig)?["access_point"].as_str().map(str::to_owned)
    });

    // The phone joins it with the password that the box shows, and gets an address.
    let name = setup(&rig).unwrap()["access_point"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(name.starts_with("Boothcast-"), "{name}");
    rig.sh(&format!(
        "p=$(cat /run/box/access-point-password); [ ${{#p}} = 12 ]
         printf 'network={{\\nssid=\"{name}\"\\npsk=\"%s\"\\nscan_freq=2412 2437 2462\\n}}\\n' $p >/run/phone.conf
         ip netns exec phone wpa_supplicant -B -P /run/phone.pid -i wlan2 -c /run/phone.conf -f /run/phone.log
         for i in $(seq 100); do ip netns exec phone iw dev wlan2 link | grep -q Connected && break; sleep 0.3; done
         ip -n phone addr add 10.77.0.77/24 dev wlan2"
    ));
    // The portal that phones look for, by any name; and the page.
    let head = rig.sh("ip netns exec phone curl -sSi -m 20 -H 'Host: connectivitycheck.gstatic.com' http://10.77.0.1/generate_204");
    assert!(head.contains("302") || head.contains("303"), "{head}");
    assert!(
        head.to_lowercase().contains("location: http://10.77.0.1/"),
        "{head}"
    );
    let page = rig.sh("ip netns exec phone curl -sS -m 10 http://10.77.0.1/");
    assert!(page.contains("Your phone is on the box"), "{page}");
    assert!(
        page.contains("value=\"s:Shop\""),
        "the list from before is there: {page}"
    );

    // A wrong password: the box says so, and its own network comes back.
    let sent = send(
        &rig,
        "phone",
        "10.77.0.1",
        "-d network=s:Shop -d password=wrong-geheim",
    );
    assert!(sent.contains("\"ok\":true"), "{sent}");
    let said = wait_for("the failure", LONG, || failure(&rig));
    assert!(
        said.contains("password is wrong for the Wi-Fi network Shop"),
        "{said}"
    );
    wait_for("the access point again", LONG, || {
        setup(&rig)?["access_point"].as_str().map(|_| ())
    });
    assert!(
        !rig.sh("nmcli -t -f NAME connection").contains("Shop"),
        "a network that failed is kept"
    );

    // The right one.
    wait_for("the phone on it again", LONG, || {
        let page = "ip netns exec phone curl -sS -m 2 -o /dev/null http://10.77.0.1/";
        (rig.try_sh(page).code == 0).then_some(())
    });
    let sent = send(
        &rig,
        "phone",
        "10.77.0.1",
        "-d network=s:Shop -d password=shop-geheim",
    );
    assert!(sent.contains("\"ok\":true"), "{sent}");
    let network = wait_for("the network", LONG, || {
        setup(&rig)?["network"].as_str().map(str::to_owned)
    });
    assert!(network.starts_with("Wi-Fi Shop, 10.9.0."), "{network}");
    assert_eq!(
        setup(&rig).unwrap()["access_point"],
        serde_json::Value::Null
    );
    let kept = rig.sh("cat /etc/NetworkManager/system-connections/*.nmconnection");
    assert!(
        kept.contains("ssid=Shop") && kept.contains("psk=shop-geheim") && !kept.contains("wrong"),
        "{kept}"
    );

    // From the shop's network: an unknown one is not found, and the box stays where it is.
    let address = network.rsplit(' ').next().unwrap().to_owned();
    let sent = send(
        &rig,
        "shop",
        &address,
        "-d network=other -d ssid=Nowhere -d password=12345678",
    );
    assert!(sent.contains("\"ok\":true"), "{sent}");
    let said = wait_for("not found", LONG, || failure(&rig));
    assert!(said.contains("Nowhere was not found"), "{said}");
    wait_for("the old network", LONG, || {
        (setup(&rig)?["network"].as_str()? == network).then_some(())
    });
    // No password was told to anybody.
    assert_eq!(
        rig.try_sh("grep -l geheim /run/*.log")
            .stdout
            .replace("/run/wpa.log\n", ""),
        ""
    );
    for process in [&daemon, &manager] {
        let said = process.stdout() + &process.stderr();
        assert!(
            !said.is_empty() && !said.contains("geheim"),
            "it told a password, or nothing at all: {said}"
        );
    }
}
