//! The client against a real mosquitto.

pub mod access;
mod cable;
mod certs;
mod faults;
pub mod kit;
mod limits;
mod session;

use std::time::Duration;

use boothcast::edge::mqtt::client::{Happening, Link, Properties, Qos};
use bytes::Bytes;

use crate::support::broker::Broker;
use kit::{Peer, message, options, publish_with, subscribe_with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_goes_out_and_another_comes_in_with_all_of_its_properties() {
    let broker = Broker::start();
    let mut peer = Peer::start(options(&broker, "box"), &["in/#"]);
    assert!(!peer.connected().await);
    assert_eq!(*peer.client.link().borrow(), Link::Up);
    let mut sent = message("in/a", "hello");
    sent.properties = Properties {
        response_topic: Some("out/b".into()),
        correlation: Some(Bytes::from_static(b"\0\xff7")),
        expiry_s: Some(99),
        content_type: Some("text/plain".into()),
    };
    peer.client.publish(sent.clone()).await.unwrap();
    let came = peer.received().await;
    assert_eq!(
        (came.topic.as_str(), &came.payload[..]),
        ("in/a", &b"hello"[..])
    );
    assert_eq!(came.properties, sent.properties);
    assert!(!came.retain && !came.dup);
    came.ack.done();

    let mut zero = message("in/zero", "");
    zero.qos = Qos::AtMostOnce;
    peer.client.publish(zero).await.unwrap();
    assert_eq!(peer.received().await.topic, "in/zero");
    peer.client.stop(Duration::from_secs(2)).await;
    assert!(matches!(&*peer.client.link().borrow(), Link::Down { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_mqtt_3_1_1_are_heard_and_hear() {
    let broker = Broker::start();
    let mut peer = Peer::start(options(&broker, "box"), &["in/#"]);
    peer.connected().await;
    let hears = subscribe_with(&broker, &["-V", "mqttv311", "-t", "out/#", "-C", "1", "-v"]);
    publish_with(
        &broker,
        &["-V", "mqttv311", "-t", "in/old", "-q", "1", "-m", "hi"],
    );
    let came = peer.received().await;
    assert_eq!(&came.payload[..], b"hi");
    assert_eq!(came.properties, Properties::default());
    came.ack.done();
    peer.client.publish(message("out/x", "ho")).await.unwrap();
    assert_eq!(hears.lines(), ["out/x ho"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_come_and_go() {
    let broker = Broker::start();
    let mut peer = Peer::start(options(&broker, "box"), &["a"]);
    peer.connected().await;
    peer.client
        .subscribe(vec!["b".into(), "c/#".into()])
        .await
        .unwrap();
    peer.client.publish(message("b", "1")).await.unwrap();
    let came = peer.received().await;
    assert_eq!(came.topic, "b");
    came.ack.done();
    peer.client.unsubscribe(vec!["b".into()]).await.unwrap();
    peer.client.publish(message("b", "2")).await.unwrap();
    peer.client.publish(message("c/d", "3")).await.unwrap();
    assert_eq!(peer.received().await.topic, "c/d");
    let bad = peer.client.subscribe(vec!["x#y".into()]).await.unwrap_err();
    assert_eq!(bad.kind(), boothcast::error::Kind::Refused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_retained_says_so_the_first_time_and_later() {
    let broker = Broker::start();
    let mut peer = Peer::start(options(&broker, "box"), &["in/#"]);
    peer.connected().await;
    publish_with(&broker, &["-t", "in/now", "-q", "1", "-r", "-m", "kept"]);
    let now = peer.received().await;
    assert!(now.retain, "{now:?}");
    now.ack.done();
    let mut late = Peer::start(options(&broker, "late"), &["in/#"]);
    late.connected().await;
    assert!(late.received().await.retain);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_will_comes_after_its_delay_and_never_after_a_goodbye() {
    let broker = Broker::start();
    let hears = subscribe_with(&broker, &["-t", "will/#", "-C", "1", "-v", "-W", "20"]);
    for (id, goodbye) in [("polite", true), ("gone", false)] {
        let mut o = options(&broker, id);
        o.will = Some((
            message(&format!("will/{id}"), "offline"),
            Duration::from_secs(1),
        ));
        let mut peer = Peer::start(o, &[]);
        peer.connected().await;
        if goodbye {
            peer.client.stop(Duration::from_secs(2)).await;
        } else {
            // As by SIGKILL: the runtime goes with its sockets, and nothing is said.
            peer.vanish();
        }
    }
    // Both are gone for longer than the delay; one will was sent.
    assert_eq!(hears.lines(), ["will/gone offline"]);
    let log = broker.log();
    assert!(log.contains("Received DISCONNECT from polite"), "{log}");
    assert!(!log.contains("will/polite'"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_clone_that_goes_says_goodbye() {
    let broker = Broker::start();
    let mut peer = Peer::start(options(&broker, "box"), &[]);
    peer.connected().await;
    let other = peer.client.clone();
    let (client, mut happenings, _life) = peer.into_parts();
    drop(client);
    other.publish(message("still", "there")).await.unwrap();
    drop(other);
    // The channel closes when the task has ended.
    let end = tokio::time::timeout(kit::LONG, async {
        while happenings.recv().await.is_some() {}
    });
    end.await.unwrap();
    crate::support::wait_for("the goodbye", kit::LONG, || {
        broker
            .log()
            .contains("Received DISCONNECT from box")
            .then_some(())
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_sent_before_the_end_and_what_cannot_be_fails() {
    let mut broker = Broker::start();
    let mut peer = Peer::start(options(&broker, "box"), &[]);
    peer.connected().await;
    // Frozen, so that none is done before the end is asked for. Polled once, each has been asked for.
    broker.signal(libc::SIGSTOP);
    let mut sent: Vec<_> = (0..40)
        .map(|n| Box::pin(peer.client.publish(message(&format!("n/{n}"), "x"))))
        .collect();
    std::future::poll_fn(|cx| {
        assert!(sent.iter_mut().all(|s| s.as_mut().poll(cx).is_pending()));
        std::task::Poll::Ready(())
    })
    .await;
    broker.signal(libc::SIGCONT);
    let answers = async {
        for s in sent {
            s.await.unwrap();
        }
    };
    tokio::join!(peer.client.stop(kit::LONG), answers);
    assert!(peer.client.publish(message("late", "x")).await.is_err());

    broker.kill();
    let peer = Peer::start(options(&broker, "box"), &[]);
    let sent = peer.publish_later(message("n", "x"));
    peer.client.stop(Duration::from_millis(300)).await;
    assert_eq!(
        sent.await.unwrap().unwrap_err().kind(),
        boothcast::error::Kind::Network
    );
    let (_client, mut happenings, _life) = peer.into_parts();
    assert!(!matches!(
        happenings.recv().await,
        Some(Happening::Connected { .. })
    ));
}
