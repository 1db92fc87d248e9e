//! Sizes and other limits, ours and the broker's.

use std::time::Duration;

use boothcast::edge::mqtt::client::{Link, Message};
use boothcast::error::Kind;
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::kit::{LONG, Peer, message, options, publish_with};
use crate::support::broker::Broker;

fn large(bytes: usize) -> Message {
    Message {
        payload: Bytes::from(vec![b'x'; bytes]),
        ..message("large", "")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_megabyte_neither_comes_in_nor_blocks_what_comes_after_it() {
    let broker = Broker::with("allow_anonymous true\n", |dir| {
        std::fs::write(dir.join("mb"), vec![b'x'; 1 << 20]).unwrap();
    });
    let file = broker.path("mb");
    let mb = ["-t", "in/mb", "-q", "1", "-f", file.to_str().unwrap()];
    let mut peer = Peer::start(options(&broker, "box"), &["in/#"]);
    peer.connected().await;
    publish_with(&broker, &mb);
    publish_with(&broker, &["-t", "in/1", "-q", "1", "-m", "x"]);
    let came = peer.received().await;
    assert_eq!(came.topic, "in/1");
    came.ack.done();
    assert_eq!(*peer.client.link().borrow(), Link::Up);
    crate::support::wait_for("the acknowledgement", LONG, || {
        broker
            .log()
            .contains("Received PUBACK from box")
            .then_some(())
    });
    peer.vanish();

    // And from the queue of a session.
    publish_with(&broker, &mb);
    publish_with(&broker, &["-t", "in/2", "-q", "1", "-m", "x"]);
    let mut peer = Peer::start(options(&broker, "box"), &["in/#"]);
    assert!(peer.connected().await);
    let came = peer.received().await;
    assert_eq!(came.topic, "in/2");
    came.ack.done();
    assert!(
        peer.is_quiet(Duration::from_millis(500)).await,
        "no loss follows"
    );
}

/// The broker's answer to a CONNECT that it takes, with a session that it knows.
const CONNACK: [u8; 5] = [0x20, 3, 1, 0, 0];

/// No real broker does what this one does: it ignores our maximum, and does it again with each connection of the session.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_sends_too_much_loses_its_session_and_is_not_asked_in_a_loop() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let broker = Broker::start();
    let mut o = options(&broker, "box");
    let port = listener.local_addr().unwrap().port();
    o.broker = format!("mqtt://127.0.0.1:{port}").parse().unwrap();
    let peer = Peer::start(o, &["in"]);
    let mut clean_starts = Vec::new();
    for _ in 0..3 {
        let (mut socket, _) = tokio::time::timeout(LONG, listener.accept())
            .await
            .unwrap()
            .unwrap();
        let mut connect = vec![0; 512];
        let n = socket.read(&mut connect).await.unwrap();
        // Fixed header (2), "MQTT" (6), version (1), then the flags (section 3.1.2.3); bit 1 is Clean Start.
        assert_eq!(
            (connect[0], &connect[4..8], connect[8]),
            (0x10, &b"MQTT"[..], 5)
        );
        assert!(n > 10);
        let clean = connect[9] & 2 != 0;
        clean_starts.push(clean);
        let mut answer = CONNACK;
        answer[2] = u8::from(!clean);
        socket.write_all(&answer).await.unwrap();
        if !clean {
            // PUBLISH, QoS 0, of 1 MiB: remaining length as a variable byte integer.
            socket.write_all(&[0x30, 0x80, 0x80, 0x40]).await.unwrap();
            let mut rest = Vec::new();
            // Until the client has closed the connection.
            let _ = socket.read_to_end(&mut rest).await;
        }
        if clean_starts.len() == 2 {
            drop(socket);
        }
    }
    assert_eq!(clean_starts, [false, true, false]);
    let link = peer.client.link().borrow().clone();
    assert!(!matches!(link, Link::Up), "{link:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_larger_than_the_broker_takes_is_refused_and_costs_no_connection() {
    let broker = Broker::with("allow_anonymous true\nmax_packet_size 2000\n", |_| {});
    let mut peer = Peer::start(options(&broker, "box"), &[]);
    peer.connected().await;
    let error = peer.client.publish(large(2000)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    assert!(
        error.report().contains("2000 that the broker takes"),
        "{error:?}"
    );
    peer.client.publish(large(1900)).await.unwrap();
    assert!(peer.is_quiet(Duration::from_millis(300)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_became_too_large_on_its_way_is_refused_and_the_rest_goes() {
    let mut broker = Broker::start();
    let mut peer = Peer::start(options(&broker, "box"), &[]);
    peer.connected().await;
    broker.signal(libc::SIGSTOP);
    let too_large = peer.publish_later(large(5000));
    let fits = peer.publish_later(large(500));
    tokio::time::sleep(Duration::from_millis(300)).await;
    broker.kill();
    let config = broker.path("mosquitto.conf");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text + "max_packet_size 2000\n").unwrap();
    broker.run();
    assert_eq!(too_large.await.unwrap().unwrap_err().kind(), Kind::Refused);
    fits.await.unwrap().unwrap();
}

/// mosquitto answers with Packet too large (0x95), which is no reason of a PUBACK by the letter of the standard (section
/// 3.4.2.1), and which rumqttc cannot read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_the_broker_refuses_in_words_of_its_own_is_found_and_the_rest_goes() {
    let broker = Broker::with("allow_anonymous true\nmessage_size_limit 1000\n", |_| {});
    let mut peer = Peer::start(options(&broker, "box"), &[]);
    peer.connected().await;
    let fit: Vec<_> = (0..5).map(|_| peer.publish_later(large(100))).collect();
    let too_large = peer.publish_later(large(5000));
    let more: Vec<_> = (0..5).map(|_| peer.publish_later(large(100))).collect();
    let error = tokio::time::timeout(LONG, too_large)
        .await
        .unwrap()
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    assert!(error.report().contains("too large"), "{error:?}");
    for s in fit.into_iter().chain(more) {
        s.await.unwrap().unwrap();
    }
    peer.client.publish(large(10)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_keeps_nothing_says_so() {
    let broker = Broker::with("allow_anonymous true\nretain_available false\n", |_| {});
    let mut peer = Peer::start(options(&broker, "box"), &[]);
    peer.connected().await;
    let mut kept = message("a", "x");
    kept.retain = true;
    let error = peer.client.publish(kept).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    assert!(error.report().contains("retained"), "{error:?}");
    peer.client.publish(message("a", "x")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_message_is_refused_here() {
    let broker = Broker::start();
    let peer = Peer::start(options(&broker, "box"), &[]);
    let error = peer.client.publish(message("a/#", "x")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
}
