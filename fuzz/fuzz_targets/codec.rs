//! Whatever bytes a peer sends: a command, or a typed refusal whose id is the request's own; never a panic. The first byte
//! chooses the door, the rest is what comes through it.
#![no_main]

use boothcast::device::command::Command;
use boothcast::device::settings::Settings;
use boothcast::edge::codec::{self, Answer, Ask};
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
            assert!(said["error"]["message"].as_str().is_some_and(|m| !m.is_empty()));
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

fn remote(_bytes: &[u8]) {}
