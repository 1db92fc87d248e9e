use super::*;
use crate::clock::Clock;
use crate::device::state::{State, Wanted};
use crate::device::supervisor::Supervisor;
use crate::device::testing::setup;

/// A desk in front of a core that starts, with what must live as long.
fn desk_of(
    config: &Config,
) -> (
    Desk,
    LogRing,
    tokio::sync::mpsc::Receiver<crate::device::effect::Effect>,
) {
    crate::media::init().unwrap();
    let (effects, taken) = tokio::sync::mpsc::channel(64);
    let state = State::new(setup(), Wanted::new(false));
    let runtime = tokio::runtime::Handle::current();
    let (handle, _) = Supervisor::spawn(&runtime, state, Clock::real(), effects);
    let logs = LogRing::default();
    let board = board::detected().board;
    let settings = crate::room::Settings {
        moderation: config.moderation.clone(),
        words: Vec::new(),
        room: config.room.clone(),
    };
    let room = crate::room::Room::new(&settings).unwrap();
    let room = RoomHandle::start(room, Clock::real(), Box::new(|_| {})).unwrap();
    let room = (room, Clock::real());
    let behind = Behind::new(
        handle,
        room,
        logs.clone(),
        Fanout::new(|| {}),
        config,
        &board,
    );
    (desk(behind), logs, taken)
}

fn configuration(toml: &str) -> Config {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("boothcast.toml");
    std::fs::write(&file, toml).unwrap();
    let mut sources = config::Sources::from_process(Some(file), vec![]);
    sources.env.clear();
    config::load(&sources).unwrap().config
}

fn ask(command: Command) -> Result<Done, Failure> {
    ask_with("", command)
}

fn ask_with(toml: &str, command: Command) -> Result<Done, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (desk, ..) = desk_of(&configuration(toml));
        desk.run(Origin::Mqtt, command).await
    })
}

fn data(said: Result<Done, Failure>) -> serde_json::Value {
    match said {
        Ok(Done::Data(value)) => value,
        other => panic!("{other:?}"),
    }
}

#[test]
fn status_is_the_status_of_the_core() {
    let status = data(ask(Command::Status));
    assert_eq!(status["name"], setup().name.as_str());
    assert_eq!(status["live"], false);
    assert!(status["health"]["sentence"].is_string(), "{status}");
}

#[test]
fn logs_are_counted_and_bounded() {
    use tracing_subscriber::prelude::*;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (desk, logs, _taken) = desk_of(&configuration(""));
        logs.hide(&crate::config::Secret::new("CANARY-1"));
        let subscriber = tracing_subscriber::registry().with(logs);
        tracing::subscriber::with_default(subscriber, || {
            (0..150).for_each(|n| tracing::info!("line {n} CANARY-1"));
        });
        let lines = async |lines| desk.run(Origin::Mqtt, Command::Logs { lines }).await;
        let all = data(lines(None).await)["lines"].as_array().unwrap().clone();
        assert_eq!(all.len(), 100);
        assert!(
            all[99].as_str().unwrap().ends_with("line 149 ***"),
            "{all:?}"
        );
        let three = data(lines(Some(3)).await);
        assert_eq!(three["lines"].as_array().unwrap().len(), 3);
        for wrong in [0, 1001] {
            assert_eq!(lines(Some(wrong)).await.unwrap_err().code, Code::BadRequest);
        }
    });
}

#[test]
fn a_configuration_is_checked_and_not_used() {
    let check = |toml: &str| ask(Command::ConfigValidate { toml: toml.into() });
    let good = data(check("[rtsp]\nenabled = false\n"));
    assert_eq!(good["valid"], true);
    assert_eq!(good["warnings"][0]["line"], 2);
    let bad = data(check(
        "[rtsp]\nport = \"many\"\n[[destination]]\nname = \"a\"\n",
    ));
    assert_eq!(bad["valid"], false);
    let problems = bad["problems"].as_array().unwrap();
    assert!(problems.len() >= 3, "{bad}");
    assert_eq!(problems[0]["line"], 2);
    assert_eq!(problems[0]["key"], "rtsp.port");
    assert!(problems[1]["mend"].is_string(), "{bad}");
    let long = format!("# {}", "x".repeat(MAX_TOML));
    assert_eq!(check(&long).unwrap_err().code, Code::TooLarge);
    let deep = format!("x = {}", "[".repeat(MAX_TOML - 4));
    assert_eq!(data(check(&deep))["valid"], false);
}

#[test]
fn one_snapshot_at_a_time_and_only_of_a_picture() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (desk, ..) = desk_of(&configuration(""));
        let take = |max_width| desk.run(Origin::Mqtt, Command::Snapshot { max_width });
        for wrong in [0, 63, 3841] {
            assert_eq!(take(Some(wrong)).await.unwrap_err().code, Code::BadRequest);
        }
        // Nothing is on air: both wait for a picture, but only one may.
        let (one, other) = tokio::join!(take(None), take(Some(640)));
        let mut messages = [one.unwrap_err(), other.unwrap_err()].map(|f| {
            assert_eq!((f.code, f.retryable), (Code::Busy, true));
            f.message
        });
        messages.sort();
        assert!(messages[0].starts_with("Another picture"), "{messages:?}");
        assert!(
            messages[1].starts_with("No picture is on air"),
            "{messages:?}"
        );
        let after = take(None).await.unwrap_err();
        assert!(after.message.starts_with("No picture"), "{after:?}");
    });
}

#[test]
fn a_machine_that_cannot_be_started_anew_says_so() {
    let failure = ask_with("[box]\nreboot = \"\"\n", Command::Reboot).unwrap_err();
    assert_eq!(failure.code, Code::Unsupported);
    assert!(failure.message.contains("box.reboot"), "{failure:?}");
}
