//! A box as a person has it: flashed, its settings on the boot partition, plugged in; outside a broker, a witness of all
//! that goes through it, and an RTMP server.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use serde_json::{Value, json};

use super::machine::{OUTSIDE, RTSP};
use super::{Disk, Image, Machine, Slot, Wish};
use crate::peer::{Manner, Peer};
use crate::support::broker::Broker;
use crate::support::witness::{Witness, publish};

/// Topics of the box.
pub const BASE: &str = "boothcast/v1/image/box/virt";
/// What must nowhere be left lying open.
pub const STREAM_KEY: &str = "abcd-efgh-0123-stream-key";
/// A card of 2 GiB: larger than the image, and a power of two, as QEMU wants of SD cards.
pub const CARD: u64 = 2 << 30;

/// Ports of what is outside, at [`OUTSIDE`] for the guest.
pub struct Outside {
    pub broker: u16,
    pub rtmp: u16,
}

pub struct Scene {
    pub broker: Broker,
    pub witness: Witness,
    pub peer: Peer,
    pub machine: Machine,
    pub disk: Disk,
    pub image: Image,
}

impl Scene {
    /// Flashes, configures and switches on, and waits until the system runs.
    pub fn boot(wish: &Wish) -> Self {
        let mut scene = Self::power_on(wish);
        assert_eq!(scene.machine.wait_up(), Slot::A);
        scene
    }

    /// The same without waiting.
    pub fn power_on(wish: &Wish) -> Self {
        Self::flashed(wish, |_, outside| settings(outside))
    }

    /// A card with other settings: `prepare` may put files onto it, and gives the text for the boot partition.
    pub fn flashed(wish: &Wish, prepare: impl FnOnce(&Disk, &Outside) -> String) -> Self {
        super::network();
        let image = Image::find();
        let disk = Disk::new(&image, CARD);
        let broker = Broker::start();
        let witness = Witness::of(&broker);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let peer = Peer::on(listener, Manner::Good);
        let outside = Outside {
            broker: broker.port,
            rtmp: peer.port(),
        };
        let text = prepare(&disk, &outside);
        disk.put_firmware("boothcast.toml", &text);
        let machine = Machine::start(&image, &disk, wish);
        Self {
            broker,
            witness,
            peer,
            machine,
            disk,
            image,
        }
    }

    /// Where the main rendition is seen from outside.
    pub fn url(&self) -> String {
        format!("rtsp://127.0.0.1:{RTSP}/main")
    }

    /// Waits until the box says that it can be reached: what is sent before it has subscribed, nobody hears.
    fn online(&self) {
        let topic = format!("{BASE}/conn");
        let limit = Duration::from_secs(60);
        self.witness.wait(&topic, limit, |c| c["state"] == "online");
    }

    /// Sends a command over MQTT and gives its answer.
    pub fn command(&self, name: &str, args: &Value) -> Value {
        self.online();
        let id = format!("image-{}", rand::random::<u32>());
        let payload = json!({"id": id, "args": args}).to_string();
        publish(&self.broker, &format!("{BASE}/cmd/{name}"), &payload);
        let topic = format!("{BASE}/rsp/{name}");
        crate::support::wait_for(&topic, Duration::from_secs(30), || {
            let answers = self.witness.all(&topic);
            answers
                .iter()
                .map(crate::support::witness::Seen::json)
                .find(|a| a["id"] == id.as_str())
        })
    }

    /// The same; panics when the box refuses.
    pub fn order(&self, name: &str, args: &Value) -> Value {
        let answer = self.command(name, args);
        assert_eq!(answer["ok"], true, "{name}: {answer}");
        answer["data"].clone()
    }

    /// Switches the machine on again.
    pub fn restart(&mut self, wish: &Wish) {
        self.machine = Machine::start(&self.image, &self.disk, wish);
    }
}

/// What a person writes into the file on the boot partition. A small picture: the emulated processor is slow.
fn settings(outside: &Outside) -> String {
    let Outside { broker, rtmp } = outside;
    format!(
        "[box]
name = \"Image test\"

[encode]
profile = \"custom\"
width = 320
height = 180
fps = 10
bitrate = \"400k\"

[rtsp]
auth = \"none\"

[mqtt]
broker = \"mqtt://{OUTSIDE}:{broker}\"
fleet = \"image\"
id = \"virt\"

[[destination]]
name = \"outside\"
url = \"rtmp://{OUTSIDE}:{rtmp}/live\"
key = \"{STREAM_KEY}\"
"
    )
}
