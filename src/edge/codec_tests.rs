use proptest::prelude::*;

use super::*;
use crate::device::testing::{Rig, name};

fn read(text: &str) -> Result<Request, Refused> {
    request(text.as_bytes())
}

fn code(text: &str) -> (Option<String>, Code) {
    let refused = read(text).unwrap_err();
    assert!(!refused.failure.message.is_empty());
    (refused.id, refused.failure.code)
}

fn written(answer: &Answer) -> Value {
    let line = answer.line();
    assert_eq!(line.iter().filter(|b| **b == b'\n').count(), 1);
    assert_eq!(line.last(), Some(&b'\n'));
    serde_json::from_slice(&line).unwrap()
}

#[test]
fn requests_are_read() {
    let asks = |text: &str| read(text).unwrap().ask;
    assert_eq!(asks(r#"{"id":"1","status":true}"#), Ask::Status);
    assert_eq!(asks(r#"{"watch":true,"id":"1"}"#), Ask::Watch);
    let one = read(r#"{"id":"é-7","command":{"name":"live-start"}}"#).unwrap();
    assert_eq!(one.id, "é-7");
    assert_eq!(one.ask, Ask::Command(Command::LiveStart));
    assert_eq!(
        asks(
            r#"{"id":"1","command":{"name":"destination-enable","args":{"destination":"youtube","enabled":true}}}"#
        ),
        Ask::Command(Command::DestinationEnable {
            destination: name("youtube"),
            enabled: true
        })
    );
}

#[test]
fn empty_args_and_no_args_are_the_same() {
    for text in [
        r#"{"id":"1","command":{"name":"live-stop","args":{}}}"#,
        r#"{"id":"1","command":{"name":"live-stop"}}"#,
    ] {
        assert_eq!(read(text).unwrap().ask, Ask::Command(Command::LiveStop));
    }
    for text in [
        r#"{"id":"1","command":{"name":"camera-control-reset"}}"#,
        r#"{"id":"1","command":{"name":"camera-control-reset","args":{}}}"#,
        r#"{"id":"1","command":{"name":"camera-control-reset","args":{"control":null}}}"#,
    ] {
        assert_eq!(
            read(text).unwrap().ask,
            Ask::Command(Command::CameraControlReset { control: None })
        );
    }
}

#[test]
fn what_is_wrong_is_said_with_the_id_where_there_is_one() {
    use Code::*;
    let one = || Some("1".to_owned());
    for (text, want) in [
        ("", (None, BadRequest)),
        ("hello", (None, BadRequest)),
        ("[1]", (None, BadRequest)),
        ("{}", (None, BadRequest)),
        (r#"{"status":true}"#, (None, BadRequest)),
        (r#"{"id":7,"status":true}"#, (None, BadRequest)),
        (r#"{"id":"","status":true}"#, (None, BadRequest)),
        (r#"{"id":"1"}"#, (one(), BadRequest)),
        (r#"{"id":"1","status":false}"#, (one(), BadRequest)),
        (
            r#"{"id":"1","status":true,"watch":true}"#,
            (one(), BadRequest),
        ),
        (r#"{"id":"1","reboot":true}"#, (one(), BadRequest)),
        (r#"{"id":"1","command":"live-start"}"#, (one(), BadRequest)),
        (r#"{"id":"1","command":{"name":7}}"#, (one(), BadRequest)),
        (
            r#"{"id":"1","command":{"name":"explode"}}"#,
            (one(), UnknownCommand),
        ),
        (
            r#"{"id":"1","command":{"name":"audio-gain"}}"#,
            (one(), BadRequest),
        ),
        (
            r#"{"id":"1","command":{"name":"audio-gain","args":{"gain_db":"loud"}}}"#,
            (one(), BadRequest),
        ),
        (
            r#"{"id":"1","command":{"name":"audio-gain","args":{"gain_db":1,"x":1}}}"#,
            (one(), BadRequest),
        ),
        (
            r#"{"id":"1","command":{"name":"live-start","x":1}}"#,
            (one(), BadRequest),
        ),
        (
            r#"{"id":"1","command":{"name":"live-start","args":{"x":1}}}"#,
            (one(), BadRequest),
        ),
        (
            r#"{"id":"1","command":{"name":"mic-volume","args":{"percent":256}}}"#,
            (one(), BadRequest),
        ),
        (
            r#"{"id":"1","command":{"name":"destination-enable","args":{"destination":"../x","enabled":true}}}"#,
            (one(), BadRequest),
        ),
        (
            r#"{"id":"1","command":{"name":"camera-control","args":{"control":"Zoom!","value":1}}}"#,
            (one(), BadRequest),
        ),
    ] {
        assert_eq!(code(text), want, "{text}");
    }
    let long = format!(r#"{{"id":"1","status":true{}}}"#, " ".repeat(MAX_REQUEST));
    assert_eq!(code(&long), (None, TooLarge));
    let deep = format!(
        r#"{{"id":"1","command":{}{}}}"#,
        "[".repeat(1000),
        "]".repeat(1000)
    );
    assert_eq!(code(&deep), (None, BadRequest));
    let id = "x".repeat(MAX_ID + 1);
    assert_eq!(
        code(&format!(r#"{{"id":"{id}","status":true}}"#)),
        (None, BadRequest)
    );
    assert_eq!(
        request(b"{\"id\":\"\xff\"}").unwrap_err().failure.code,
        BadRequest
    );
}

#[test]
fn unknown_names_are_answered_with_the_known_ones() {
    let said = read(r#"{"id":"1","command":{"name":"explode"}}"#).unwrap_err();
    let message = said.failure.message;
    assert!(
        message.contains("\"explode\"") && message.contains("live-start"),
        "{message}"
    );
    let said = read(r#"{"id":"1","command":{"name":"live-start","args":{"now":1}}}"#).unwrap_err();
    assert!(said.failure.message.contains("live-start"), "{said:?}");
}

#[test]
fn answers_have_the_one_shape() {
    let rig = Rig::up();
    let status = Status::of(&rig.state);
    let said = written(&Answer::status("1", &status));
    assert_eq!(said["id"], "1");
    assert_eq!(said["ok"], true);
    assert_eq!(said["data"]["health"]["sentence"], "Ready. Not live.");
    assert_eq!(said.get("error"), None);

    let said = written(&Answer::command("2", &Ok(Done::Accepted)));
    assert_eq!(
        said,
        json!({"id":"2","ok":true,"data":{"outcome":"accepted"}})
    );
    let already = Ok(Done::AlreadySo("The box is live already.".into()));
    let said = written(&Answer::command("2", &already));
    assert_eq!(said["data"]["outcome"], "already_so");
    assert_eq!(said["data"]["message"], "The box is live already.");

    let kept = Ok(Done::Kept("When the camera comes.".into()));
    assert_eq!(
        written(&Answer::command("2", &kept))["data"],
        json!({"outcome": "kept", "message": "When the camera comes."})
    );

    let denied = Err(Failure::from(&Denial::new(
        DenialCode::OutOfRange,
        "Too loud.",
    )));
    assert_eq!(
        written(&Answer::command("3", &denied)),
        json!({"id":"3","ok":false,"error":{
            "code":"bad_request","reason":"out_of_range","message":"Too loud.","retryable":false}})
    );
    let busy = Err(Failure::from(&Denial::new(DenialCode::Busy, "Later.")));
    assert_eq!(
        written(&Answer::command("3", &busy))["error"]["retryable"],
        true
    );
    assert_eq!(
        written(&Answer::failure(None, too_large(MAX_REQUEST)))["id"],
        Value::Null
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Err(refused) = request(&bytes) {
            let said = written(&Answer::failure(refused.id.as_deref(), refused.failure));
            prop_assert_eq!(&said["ok"], &json!(false));
        }
    }

    /// Whatever command there is, as the command line writes it, comes out as it went in.
    #[test]
    fn commands_survive_the_wire(gain in -60.0_f32..30.0, percent in 0_u8..=100, on: bool, n: i64) {
        use crate::device::control::{ControlName, ControlValue};
        let control = ControlName::new("zoom").unwrap();
        for command in [
            Command::AudioGain { gain_db: gain },
            Command::MicVolume { percent },
            Command::MicSwitch { on },
            Command::CameraControl { control: control.clone(), value: ControlValue::Number(n) },
            Command::CameraControlReset { control: Some(control.clone()) },
            Command::video(crate::device::testing::video(1_000_000)),
            Command::FactoryReset,
        ] {
            let text = json!({"id": "1", "command": command}).to_string();
            prop_assert_eq!(read(&text).unwrap().ask, Ask::Command(command));
        }
    }
}
