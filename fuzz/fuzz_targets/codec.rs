//! Whatever bytes a peer sends: a command, or a typed refusal whose id is the request's own; never a panic. The first byte
//! chooses the door, the rest is what comes through it.
#![no_main]

use boothcast::device::command::Command;
use boothcast::device::settings::Settings;
use boothcast::edge::codec::{self, Answer, Ask};
use boothcast::edge::mqtt::client::Properties;
use boothcast::edge::mqtt::codec::{self as codec_of_mqtt, Incoming, Taken};
use boothcast::edge::mqtt::topics::Fleet;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|data: &[u8]| {
    let Some((door, bytes)) = data.split_first() else {
        return;
    };
    match door % 4 {
        0 => local(bytes),
        1 => command(bytes),
        2 => settings(bytes),
        _ => remote(bytes),
    }
});

fn local(bytes: &[u8]) {
    match codec::request(bytes) {
        Ok(request) => {
            assert!((1..=codec::MAX_ID).contains(&request.id.len()));
            if let Ask::Command(command) = request.ask {
                survives(&command);
            }
        }
        Err(refused) => {
            let line = Answer::failure(refused.id.as_deref(), refused.failure).line();
            let said: Value = serde_json::from_slice(&line).expect("an answer is JSON");
            assert_eq!(said["ok"], json!(false));
            assert!(
                said["error"]["message"]
                    .as_str()
                    .is_some_and(|m| !m.is_empty())
            );
        }
    }
}

fn command(bytes: &[u8]) {
    if let Ok(value) = serde_json::from_slice::<Value>(bytes)
        && let Ok(command) = codec::command(&value)
    {
        survives(&command);
    }
}

/// What was understood is written, and understood as the same; but for secrets, which are never written.
fn survives(command: &Command) {
    let written = json!(command);
    if matches!(
        command,
        Command::DestinationSet { .. } | Command::DesiredApply { .. }
    ) {
        return;
    }
    let again = codec::command(&written).expect("what we write, we read");
    assert_eq!(json!(again), written);
}

fn settings(bytes: &[u8]) {
    if let Ok(settings) = serde_json::from_slice::<Settings>(bytes) {
        let written = serde_json::to_vec(&settings).expect("settings are plain data");
        serde_json::from_slice::<Settings>(&written).expect("what we report, we would take");
    }
}

/// A message of the broker: the command's name to the first line end, its payload, and, after a zero byte, a response topic.
fn remote(bytes: &[u8]) {
    let split = |bytes: &[u8], at: u8| -> (Vec<u8>, Vec<u8>) {
        match bytes.iter().position(|b| *b == at) {
            Some(n) => (bytes[..n].to_vec(), bytes[n + 1..].to_vec()),
            None => (bytes.to_vec(), Vec::new()),
        }
    };
    let (name, rest) = split(bytes, b'\n');
    let (payload, response) = split(&rest, 0);
    let name = String::from_utf8_lossy(&name);
    let response = String::from_utf8_lossy(&response);
    let properties = Properties {
        response_topic: (!response.is_empty()).then(|| response.into_owned()),
        correlation: payload.first().map(|b| vec![*b; 8].into()),
        expiry_s: None,
        content_type: None,
    };
    let fleet = Fleet::new(&"fleet".parse().expect("a name"));
    let topics = fleet.of(&"box".parse().expect("a name"));
    let flag = payload.len() % 7;
    let incoming = Incoming {
        name: &name,
        payload: &payload,
        properties: &properties,
        retain: flag == 1,
        dup: flag == 2,
    };
    match codec_of_mqtt::take(&incoming, &topics) {
        Taken::Command(command) => {
            assert!(flag != 1, "a retained command is never run");
            assert!(publishable(&command.reply.topic));
            survives(&command.command);
        }
        Taken::Refused(refusal) => {
            assert!(publishable(&refusal.reply.topic));
            assert!(!refusal.failure.message.is_empty());
        }
        Taken::Repeated => assert!(flag == 2),
    }
}

/// A topic to which an answer may go.
fn publishable(topic: &str) -> bool {
    !topic.is_empty()
        && topic.len() <= 65_535
        && !topic.starts_with('$')
        && !topic.contains(['+', '#', '\0'])
}
