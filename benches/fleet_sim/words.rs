//! What a simulated box says: the product's own payloads, made once from a box with one destination that does not stream.

use std::path::PathBuf;
use std::time::Duration;

use boothcast::config::{BoxId, Config, FleetName, Sources, board, load};
use boothcast::device::state::{DestinationSetup, Setup, State, Wanted};
use boothcast::device::status::Status;
use boothcast::device::thermal::Limits;
use boothcast::edge::mqtt::client::{Message, Properties, Qos};
use boothcast::edge::mqtt::telemetry::{Before, Looks, round};
use boothcast::edge::mqtt::tell::{
    BoardInfo, Capabilities, Conn, ConnState, Facts, Info, Reported, StatusReport, Wishes, json,
};
use boothcast::edge::mqtt::topics::{BoxTopics, Fleet};
use boothcast::edge::system::{look, look_net};
use bytes::Bytes;

/// Payloads that all boxes share but for their names.
pub struct Words {
    status: Bytes,
    reported: Bytes,
    telemetry: Vec<(&'static str, Bytes)>,
}

impl Words {
    pub fn new() -> Self {
        let sources = Sources {
            files: Vec::new(),
            env: Vec::new(),
            set: Vec::new(),
            board: board::detected(),
            default_state: PathBuf::from("/tmp"),
        };
        let config = load(&sources).expect("the defaults are right").config;
        let (state, _) = State::new(setup(&config), Wanted::new(false)).start(Duration::ZERO);
        let status = Status::of(&state);
        let wishes = Wishes::of(&status);
        let facts = Facts {
            version: "0.1.0".into(),
            started_at: Some(1_800_000_000),
        };
        let (system, net) = (look(&std::env::temp_dir()), look_net());
        let looks = Looks {
            now_s: 60.0,
            at: Some(1_800_000_060),
            status: &status,
            system: &system,
            net: &net,
            outbox_dropped: 0,
        };
        let (said, _) = round(&looks, &Before::default());
        let report = StatusReport::of(&status, &wishes, &facts, None);
        Self {
            status: json(&report).into(),
            reported: json(&Reported::from(wishes)).into(),
            telemetry: vec![
                ("tel/sys", json(&said.sys).into()),
                ("tel/stream", json(&said.stream).into()),
                ("tel/net", json(&said.net).into()),
            ],
        }
    }

    /// What a box says when it is connected anew.
    pub fn greeting(&self, topics: &BoxTopics, id: &BoxId, fleet: &FleetName) -> Vec<Message> {
        vec![
            kept(topics, "conn", conn(ConnState::Online)),
            kept(topics, "info", info(id, fleet)),
            kept(topics, "status", self.status.clone()),
            kept(topics, "reported", self.reported.clone()),
        ]
    }

    /// How large the payloads are, in bytes.
    pub fn sizes(&self) -> String {
        let fleet: FleetName = "shop".parse().expect("a name");
        let id: BoxId = "box-1".parse().expect("a name");
        let topics = Fleet::new(&fleet).of(&id);
        let said = [self.greeting(&topics, &id, &fleet), self.telemetry(&topics)].concat();
        let size = |m: &Message| {
            let leaf = m.topic.rsplit("box-1/").next().unwrap_or_default();
            format!("{leaf} {}", m.payload.len())
        };
        said.iter().map(size).collect::<Vec<_>>().join(", ")
    }

    /// What it says every minute.
    pub fn telemetry(&self, topics: &BoxTopics) -> Vec<Message> {
        let message = |(leaf, payload): &(&str, Bytes)| Message {
            qos: Qos::AtMostOnce,
            retain: false,
            ..kept(topics, leaf, payload.clone())
        };
        self.telemetry.iter().map(message).collect()
    }
}

/// What the broker says of a box that is gone.
pub fn will(topics: &BoxTopics) -> Message {
    kept(topics, "conn", conn(ConnState::Offline))
}

fn conn(state: ConnState) -> Bytes {
    json(&Conn { state, session: 1 }).into()
}

fn info(id: &BoxId, fleet: &FleetName) -> Bytes {
    let info = Info {
        id: id.clone(),
        fleet: fleet.clone(),
        name: "Corner shop".into(),
        version: "0.1.0".into(),
        board: BoardInfo {
            id: "rpi4".into(),
            title: "Raspberry Pi 4".into(),
            model: Some("Raspberry Pi 4 Model B Rev 1.4".into()),
        },
        system: None,
        slot: None,
        kernel: "6.12.20".into(),
        arch: "aarch64".into(),
        capabilities: Capabilities {
            encoders: vec!["v4l2h264enc".into(), "x264enc".into()],
            commands: [
                "live/start",
                "live/stop",
                "destination/set",
                "profile/set",
                "camera/control",
            ]
            .map(String::from)
            .to_vec(),
            sound: true,
            schema: 1,
        },
        started_at: Some(1_800_000_000),
        session: 1,
    };
    json(&info).into()
}

fn kept(topics: &BoxTopics, leaf: &str, payload: Bytes) -> Message {
    Message {
        topic: topics.own(leaf),
        payload,
        qos: Qos::AtLeastOnce,
        retain: true,
        properties: Properties {
            content_type: Some("application/json".into()),
            ..Properties::default()
        },
    }
}

fn setup(config: &Config) -> Setup {
    Setup {
        name: config.box_.name.clone(),
        main: config.encode.video.clone(),
        sub: None,
        encoders: vec!["x264enc".into()],
        passthrough: false,
        audio: true,
        gain_db: 0.0,
        offset_ms: 0,
        destinations: vec![DestinationSetup {
            name: "main".parse().expect("a name"),
            enabled: true,
            max_bitrate: None,
        }],
        adaptive: config.adaptive.clone(),
        heat: Limits {
            step_c: 75.0,
            lowest_c: 82.0,
            hold: Duration::from_secs(60),
        },
        first_run: false,
        scan: false,
        safe: None,
        complaint: None,
        configured: true,
    }
}
