//! MQTT against a real mosquitto.

mod audience;
mod cli;
mod client;
mod commands;
mod flood;
mod history;
mod tell;

use crate::support::broker::Broker;

#[test]
fn the_broker_of_the_tests_starts_stops_and_starts_again() {
    let mut broker = Broker::start();
    broker.kill();
    assert!(std::net::TcpStream::connect(("127.0.0.1", broker.port)).is_err());
    broker.run();
    assert!(broker.log().contains("running"), "{}", broker.log());
}
