//! Who gets in, and to what: TLS, certificates, passwords, the access list that is shipped as a sample.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use boothcast::config::Secret;
use boothcast::edge::mqtt::client::{Client, ClientOptions, Link};
use boothcast::error::Kind;

use super::certs::{authority, certificate};
use super::kit::{LONG, Peer, message, options};
use crate::support::broker::Broker;

fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/mqtt")
        .join(name);
    std::fs::read_to_string(path).unwrap()
}

/// A broker with the sample access list and these users, whose password is their name and `-pw`.
pub fn with_users(users: &[&str]) -> Broker {
    let dir = tempfile::tempdir().unwrap();
    let (passwd, acl) = (dir.path().join("passwd"), dir.path().join("acl"));
    std::fs::write(&acl, sample("acl")).unwrap();
    for (n, user) in users.iter().enumerate() {
        let mut command = Command::new("mosquitto_passwd");
        if n == 0 {
            command.arg("-c");
        }
        let done = command
            .arg("-b")
            .arg(&passwd)
            .args([*user, &format!("{user}-pw")])
            .output();
        assert!(done.unwrap().status.success());
    }
    let (passwd, acl) = (std::fs::read(passwd).unwrap(), std::fs::read(acl).unwrap());
    Broker::with_files(
        "allow_anonymous false\npassword_file DIR/passwd\nacl_file DIR/acl\n",
        |dir| {
            std::fs::write(dir.join("passwd"), passwd).unwrap();
            std::fs::write(dir.join("acl"), acl).unwrap();
        },
    )
}

fn as_user(broker: &Broker, user: &str, password: &str) -> ClientOptions {
    let mut o = options(broker, &format!("{user}-client"));
    o.user = user.into();
    o.password = Some(Secret::new(password));
    o
}

async fn reason(peer: &Peer) -> String {
    let mut link = peer.client.link();
    let down = tokio::time::timeout(LONG, link.wait_for(|l| matches!(l, Link::Down { .. })));
    match down.await.unwrap().unwrap().clone() {
        Link::Down { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_lets_in_and_a_wrong_one_is_said_and_not_shown() {
    let broker = with_users(&["b1"]);
    let mut right = Peer::start(as_user(&broker, "b1", "b1-pw"), &[]);
    right.connected().await;
    let wrong = Peer::start(as_user(&broker, "b1", "guessed"), &[]);
    let why = reason(&wrong).await;
    assert!(why.contains("does not let this client in"), "{why}");
    assert!(
        why.contains("mqtt.password") && !why.contains("guessed"),
        "{why}"
    );
    // It is tried again, as after any loss.
    crate::support::wait_for("further tries", LONG, || {
        (broker.log().matches("disconnected, not authorised").count() >= 3).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sample_access_list_gives_a_box_its_own_topics_and_no_other() {
    let broker = with_users(&["b1", "b2", "operator"]);
    let base = "boothcast/v1/shop";
    let mine = [
        format!("{base}/box/b1/cmd/#"),
        format!("{base}/box/b1/desired"),
        format!("{base}/group/hall/cmd/#"),
    ];
    let mine: Vec<&str> = mine.iter().map(String::as_str).collect();
    let mut b1 = Peer::start(as_user(&broker, "b1", "b1-pw"), &mine);
    b1.connected().await;
    let mut operator = Peer::start(
        as_user(&broker, "operator", "operator-pw"),
        &["boothcast/v1/shop/#"],
    );
    operator.connected().await;

    for leaf in [
        "conn",
        "info",
        "status",
        "reported",
        "snapshot",
        "rsp/live/start",
        "tel/sys",
        "evt/alarm",
    ] {
        let topic = format!("{base}/box/b1/{leaf}");
        b1.client.publish(message(&topic, "x")).await.unwrap();
        let came = operator.received().await;
        assert_eq!(came.topic, topic);
        came.ack.done();
    }
    b1.client
        .publish(message("boothcast/v1/shop/ctl/ctl-1/rsp", "x"))
        .await
        .unwrap();
    operator.received().await.ack.done();

    for foreign in [
        "boothcast/v1/shop/box/b2/conn",
        "boothcast/v1/shop/box/b2/cmd/reboot",
        "boothcast/v1/shop/box/b1/cmd/reboot",
        "boothcast/v1/shop/box/b1/desired",
        "boothcast/v1/shop/group/hall/cmd/reboot",
        "boothcast/v1/other/box/b1/conn",
        "homeassistant/device/shop-b1/config",
        "elsewhere",
    ] {
        let error = b1
            .client
            .publish(message(foreign, "x"))
            .await
            .expect_err(foreign);
        assert_eq!(error.kind(), Kind::Refused, "{foreign}");
        assert!(
            error.report().contains("may not write that topic"),
            "{error:?}"
        );
    }
    for foreign in ["boothcast/v1/shop/box/b2/cmd/#", "boothcast/v1/shop/#", "#"] {
        // mosquitto takes the subscription of a filter in which something might be allowed, and lets nothing through.
        let _ = b1.client.subscribe(vec![foreign.into()]).await;
    }
    let to = |topic: &str| message(&format!("{base}/{topic}"), "x");
    for topic in [
        "box/b2/cmd/reboot",
        "box/b2/desired",
        "box/b1/cmd/identify",
        "box/b1/desired",
        "group/hall/cmd/identify",
    ] {
        operator.client.publish(to(topic)).await.unwrap();
    }
    let mut came = Vec::new();
    while came.last().is_none_or(|t| t != "group/hall/cmd/identify") {
        let m = b1.received().await;
        came.push(m.topic.trim_start_matches("boothcast/v1/shop/").to_owned());
        m.ack.done();
    }
    // Filters overlap, and mosquitto sends once for each; nothing of b2 is among it.
    came.dedup();
    assert_eq!(
        came,
        [
            "box/b1/cmd/identify",
            "box/b1/desired",
            "group/hall/cmd/identify"
        ]
    );
    // Nothing of all that cost a connection.
    assert_eq!(*b1.client.link().borrow(), Link::Up);
}

/// What mosquitto's access list cannot do, and its plugin can: refuse a subscription.
const PLUGIN: &str = r#"{"defaultACLAccess":{"publishClientSend":true,"publishClientReceive":true,"subscribe":false,
"unsubscribe":true},"clients":[],"groups":[{"groupname":"all","roles":[{"rolename":"all"}]}],"anonymousGroup":"all",
"roles":[{"rolename":"all","acls":[{"acltype":"subscribePattern","topic":"mine/#","allow":true}]}]}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_that_is_refused_does_not_keep_the_others_from_working() {
    let library = find_library("mosquitto_dynamic_security.so");
    let lines =
        format!("allow_anonymous true\nplugin {library}\nplugin_opt_config_file DIR/plugin.json\n");
    let broker = Broker::with_files(&lines, |dir| {
        let path = dir.join("plugin.json");
        std::fs::write(&path, PLUGIN).unwrap();
        let open = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666);
        std::fs::set_permissions(path, open).unwrap();
    });
    let mut b1 = Peer::start(options(&broker, "b1"), &["mine/a", "foreign/a"]);
    b1.connected().await;
    let error = b1
        .client
        .subscribe(vec!["mine/b".into(), "foreign/b".into()])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    assert!(
        error
            .report()
            .contains("foreign/b: this client may not read that topic"),
        "{error:?}"
    );
    for topic in ["foreign/a", "foreign/b", "mine/a", "mine/b"] {
        b1.client.publish(message(topic, "x")).await.unwrap();
    }
    for topic in ["mine/a", "mine/b"] {
        let came = b1.received().await;
        assert_eq!(came.topic, topic);
        came.ack.done();
    }
}

fn find_library(name: &str) -> String {
    let out = Command::new("find")
        .args(["/usr/lib", "-name", name])
        .output()
        .unwrap();
    let found = String::from_utf8(out.stdout).unwrap();
    found
        .lines()
        .next()
        .expect("comes with mosquitto")
        .to_owned()
}

/// A broker by the sample configuration, with paths and port of the test.
fn by_the_sample() -> Broker {
    let text = sample("mosquitto.conf");
    let lines: Vec<String> = text
        .lines()
        .filter(|l| !l.starts_with("listener"))
        .map(|l| {
            l.replace("/etc/mosquitto/certs/", "DIR/")
                .replace("/etc/mosquitto/", "DIR/")
                .replace("/var/lib/mosquitto/", "DIR/")
        })
        .collect();
    Broker::with_files(&(lines.join("\n") + "\n"), |dir| {
        std::fs::write(dir.join("acl"), sample("acl")).unwrap();
        authority(dir, "ca");
        authority(dir, "other");
        certificate(
            dir,
            "ca",
            "broker",
            "broker",
            "DNS:localhost,IP:127.0.0.1",
            2,
        );
        certificate(dir, "ca", "b1", "b1", "DNS:b1", 2);
        certificate(dir, "other", "stranger", "b1", "DNS:b1", 2);
    })
}

fn with_certificate(broker: &Broker, name: &str) -> ClientOptions {
    let mut o = options(broker, name);
    o.broker = format!("mqtts://127.0.0.1:{}", broker.port)
        .parse()
        .unwrap();
    o.tls_ca = broker.path("ca.crt");
    o.tls_cert = broker.path(&format!("{name}.crt"));
    o.tls_key = broker.path(&format!("{name}.key"));
    o
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_the_sample_configuration_a_certificate_is_who_a_box_is() {
    let broker = by_the_sample();
    let mut b1 = Peer::start(with_certificate(&broker, "b1"), &[]);
    b1.connected().await;
    b1.client
        .publish(message("boothcast/v1/shop/box/b1/conn", "x"))
        .await
        .unwrap();
    let foreign = b1
        .client
        .publish(message("boothcast/v1/shop/box/b2/conn", "x"))
        .await;
    assert_eq!(foreign.unwrap_err().kind(), Kind::Refused);

    let mut none = with_certificate(&broker, "b1");
    none.tls_cert = Default::default();
    none.tls_key = Default::default();
    let why = reason(&Peer::start(none, &[])).await;
    assert!(why.contains("wants a certificate from this box"), "{why}");
    let why = reason(&Peer::start(with_certificate(&broker, "stranger"), &[])).await;
    assert!(
        why.contains("does not take the certificate of this box"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_the_right_one_is_told_from_one_that_is() {
    let tls = |name: &str| {
        format!(
            "allow_anonymous true\ncafile DIR/ca.crt\ncertfile DIR/{name}.crt\nkeyfile DIR/{name}.key\n"
        )
    };
    let prepare = |dir: &Path| {
        authority(dir, "ca");
        authority(dir, "other");
        certificate(dir, "ca", "good", "good", "DNS:localhost,IP:127.0.0.1", 2);
        certificate(dir, "ca", "named", "named", "DNS:broker.example", 2);
        certificate(dir, "ca", "old", "old", "IP:127.0.0.1", -1);
    };
    let over_tls = |broker: &Broker, host: &str, ca: &str| {
        let mut o = options(broker, "box");
        o.broker = format!("mqtts://{host}:{}", broker.port).parse().unwrap();
        o.tls_ca = broker.path(ca);
        o
    };
    let good = Broker::with_files(&tls("good"), prepare);
    for host in ["127.0.0.1", "localhost"] {
        let mut peer = Peer::start(over_tls(&good, host, "ca.crt"), &[]);
        peer.connected().await;
        peer.client.stop(Duration::from_secs(2)).await;
    }
    let why = reason(&Peer::start(over_tls(&good, "127.0.0.1", "other.crt"), &[])).await;
    assert!(
        why.contains("an authority that this box does not know"),
        "{why}"
    );
    let mut plain = over_tls(&good, "127.0.0.1", "ca.crt");
    plain.broker = good.url().parse().unwrap();
    let why = reason(&Peer::start(plain, &[])).await;
    assert!(why.contains("is mqtt:// or mqtts:// right?"), "{why}");

    let named = Broker::with_files(&tls("named"), prepare);
    let why = reason(&Peer::start(over_tls(&named, "127.0.0.1", "ca.crt"), &[])).await;
    assert!(why.contains("was made for another name"), "{why}");
    let old = Broker::with_files(&tls("old"), prepare);
    let why = reason(&Peer::start(over_tls(&old, "127.0.0.1", "ca.crt"), &[])).await;
    assert!(why.contains("out of date"), "{why}");

    let no_tls = Broker::with_files("allow_anonymous true\n", |dir| authority(dir, "ca"));
    let why = reason(&Peer::start(over_tls(&no_tls, "127.0.0.1", "ca.crt"), &[])).await;
    assert!(
        why.contains("is mqtt:// or mqtts:// right?") || why.contains("does not speak TLS"),
        "{why}"
    );
}

type Change = fn(&mut ClientOptions, &Broker);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_are_no_certificates_are_named_at_once() {
    let broker = Broker::with_files("allow_anonymous true\n", |dir| {
        authority(dir, "ca");
        certificate(dir, "ca", "b1", "b1", "DNS:b1", 2);
        authority(dir, "other");
        std::fs::write(dir.join("empty"), "hello").unwrap();
    });
    let runtime = tokio::runtime::Handle::current();
    let good = with_certificate(&broker, "b1");
    let changes: [(&str, Change); 6] = [
        ("mqtt.tls_ca cannot be read", |o, b| {
            o.tls_ca = b.path("missing");
        }),
        ("mqtt.tls_ca holds no certificate", |o, b| {
            o.tls_ca = b.path("empty");
        }),
        ("mqtt.tls_cert cannot be read", |o, b| {
            o.tls_cert = b.path("missing");
        }),
        ("mqtt.tls_key holds no private key", |o, b| {
            o.tls_key = b.path("b1.crt");
        }),
        ("does not fit mqtt.tls_key", |o, b| {
            o.tls_key = b.path("other.key");
        }),
        ("belong together", |o, _| o.tls_key = Default::default()),
    ];
    for (words, change) in changes {
        let mut o = good.clone();
        change(&mut o, &broker);
        let error = Client::start(o, vec![], &runtime).expect_err(words);
        assert_eq!(error.kind(), Kind::BadConfig, "{words}");
        assert!(
            error.report().contains(words),
            "{} in place of {words}",
            error.report()
        );
    }
}
