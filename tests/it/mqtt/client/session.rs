//! What the broker keeps for a client that is away, and what becomes of what was on its way.

use std::time::Duration;

use boothcast::edge::mqtt::client::ClientOptions;

use super::cable::Cable;
use super::kit::{LONG, Peer, message, options, publish_with, subscribe_with};
use crate::support::broker::Broker;
use crate::support::wait_for;

async fn over_cable(broker: &Broker, id: &str) -> (Cable, ClientOptions) {
    let cable = Cable::to(broker).await;
    let mut o = options(broker, id);
    o.broker = format!("mqtt://127.0.0.1:{}", cable.port).parse().unwrap();
    (cable, o)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_while_a_killed_box_was_away_waits_for_its_next_start() {
    let broker = Broker::start();
    let mut first = Peer::start(options(&broker, "box"), &["in/#"]);
    assert!(!first.connected().await);
    first.vanish();
    for n in 0..3 {
        publish_with(&broker, &["-t", &format!("in/{n}"), "-q", "1", "-m", "x"]);
    }
    let mut second = Peer::start(options(&broker, "box"), &["in/#"]);
    assert!(second.connected().await, "the session is kept");
    for n in 0..3 {
        let came = second.received().await;
        assert_eq!(came.topic, format!("in/{n}"));
        came.ack.done();
    }
    // The new process can publish in the old session.
    second.client.publish(message("out", "x")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_expires() {
    let broker = Broker::start();
    let mut o = options(&broker, "box");
    o.session_expiry = Duration::from_secs(1);
    let mut first = Peer::start(o.clone(), &["in"]);
    first.connected().await;
    first.vanish();
    wait_for("the end of the session", LONG, || {
        broker.log().contains("Expiring client box").then_some(())
    });
    let mut second = Peer::start(o, &["in"]);
    assert!(!second.connected().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_expiry_each_connection_begins_anew_and_subscribes_again() {
    let broker = Broker::start();
    let (cable, mut o) = over_cable(&broker, "box").await;
    o.session_expiry = Duration::ZERO;
    let mut peer = Peer::start(o, &["in"]);
    for _ in 0..3 {
        assert!(!peer.connected().await);
        peer.client.publish(message("in", "x")).await.unwrap();
        peer.received().await.ack.done();
        cable.cut();
        peer.lost().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_acknowledged_does_not_come_again() {
    let broker = Broker::start();
    let (cable, o) = over_cable(&broker, "box").await;
    let mut peer = Peer::start(o, &["in/#"]);
    peer.connected().await;
    for name in ["kept", "dropped", "late"] {
        peer.client
            .publish(message(&format!("in/{name}"), "x"))
            .await
            .unwrap();
    }
    let [kept, dropped, late] = [
        peer.received().await,
        peer.received().await,
        peer.received().await,
    ];
    kept.ack.done();
    drop(dropped.ack);
    wait_for("the acknowledgement", LONG, || {
        broker
            .log()
            .contains("Received PUBACK from box")
            .then_some(())
    });
    cable.cut();
    peer.lost().await;
    assert!(peer.connected().await);
    // Of the connection before: void, and no harm to this one.
    late.ack.done();
    for name in ["in/dropped", "in/late"] {
        let again = peer.received().await;
        assert_eq!((again.topic.as_str(), again.dup), (name, true));
        again.ack.done();
    }
    // All is acknowledged now, and nothing comes a third time.
    wait_for("the acknowledgements", LONG, || {
        (broker.log().matches("Received PUBACK from box").count() == 3).then_some(())
    });
    cable.cut();
    assert!(peer.connected().await);
    peer.client.publish(message("in/end", "x")).await.unwrap();
    assert_eq!(peer.received().await.topic, "in/end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_on_its_way_when_the_cable_was_cut_arrives() {
    let broker = Broker::start();
    let (cable, o) = over_cable(&broker, "box").await;
    let mut peer = Peer::start(o, &[]);
    peer.connected().await;
    let hears = subscribe_with(&broker, &["-t", "n/+", "-q", "1", "-C", "40", "-W", "5"]);
    broker.signal(libc::SIGSTOP);
    let sent: Vec<_> = (0..40)
        .map(|n| peer.publish_later(message(&format!("n/{n}"), &n.to_string())))
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    cable.cut();
    peer.lost().await;
    broker.signal(libc::SIGCONT);
    for s in sent {
        s.await.unwrap().unwrap();
    }
    let mut heard: Vec<u32> = hears.lines().iter().map(|l| l.parse().unwrap()).collect();
    heard.sort_unstable();
    heard.dedup();
    assert!(
        heard.len() >= 32,
        "{heard:?}: those that flew may have come twice"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_that_change_while_away_are_in_force_with_the_next_connection() {
    let broker = Broker::start();
    let (cable, o) = over_cable(&broker, "box").await;
    let mut peer = Peer::start(o, &["old", "keep"]);
    peer.connected().await;
    broker.signal(libc::SIGSTOP);
    cable.cut();
    peer.lost().await;
    // There is no connection: both are noted, and nobody waits.
    peer.client.subscribe(vec!["new".into()]).await.unwrap();
    peer.client.unsubscribe(vec!["old".into()]).await.unwrap();
    broker.signal(libc::SIGCONT);
    assert!(peer.connected().await);
    for topic in ["old", "new", "keep"] {
        peer.client.publish(message(topic, "x")).await.unwrap();
    }
    for topic in ["new", "keep"] {
        let came = peer.received().await;
        assert_eq!(came.topic, topic);
        came.ack.done();
    }
}
