//! THE table of configuration keys: one row per key; those of what is drawn on the picture stand in `table_show.rs`.

use super::keys::Default::{Is, Required, Unset};
use super::keys::Kind::{Bitrate, Bool, Choice, Float, Int, IntOf, Ip, Line, Path, Secret, Text};
use super::keys::{Key, Section};
use super::table_show;
use super::value::checks;

/// Every section, in the order of the reference.
pub const SECTIONS: &[Section] = &[
    section("box", "Who this box is."),
    section("board", "Which board this is."),
    section("video", "Where the picture comes from."),
    section("audio", "Where the sound comes from."),
    section("encode", "How the main rendition is encoded."),
    section(
        "sub",
        "An optional small rendition beside the main one, at `/sub`; its keyframe distance and H.264 profile follow the main one.",
    ),
    section("rtsp", "The RTSP server on the local network."),
    Section {
        name: "destination",
        repeated: true,
        doc: "Where the stream is pushed by RTMP or RTMPS. Write the section once for each destination; an entry in a later layer with the same name changes that destination.",
    },
    section(
        "adaptive",
        "A bitrate that follows the slowest live destination.",
    ),
    section("slate", "What is shown when there is no camera picture."),
    section(
        "led",
        "The status light: a GPIO line, three of them (red, green, blue), or LEDs of the kernel. `docs/light-and-button.md` says what its rhythms mean.",
    ),
    section(
        "button",
        "The button: pressed shortly it goes live or ends the show, for 3 s it makes the box show itself, for 10 s it asks for a factory reset.",
    ),
    section(
        "thermal",
        "Heat: the picture is made smaller before the board's firmware takes the processor's speed away.",
    ),
    section(
        "mqtt",
        "Remote control, fleet settings and notifications over MQTT. `docs/mqtt/README.md` has topics and commands.",
    ),
    section(
        "overlay",
        "What is drawn on the picture: clock, logo, titles, cards. `docs/overlay.md` shows it.",
    ),
    section(
        "danmaku",
        "Comments of the audience that run over the picture; all of it can be changed live.",
    ),
    section(
        "moderation",
        "What keeps the audience's text decent before it is drawn: what is on the picture cannot be called back.",
    ),
    section("room", "Where the audience's messages come from."),
    section(
        "web",
        "The room's pages: watch, talk, moderate, run the show. `docs/room-protocol.md` is for programs.",
    ),
    section("watch", "The live picture in the room's pages."),
    section(
        "setup",
        "How a box that nobody has set up yet is told what it is. `docs/set-up.md` says how.",
    ),
    section(
        "wifi",
        "The Wi-Fi network of a box from the SD-card image, for the file on its boot partition; elsewhere the system has the network. A QR code or the set-up page says the same without it.",
    ),
    section("paths", "Folders."),
    section("log", "Logging, to standard error."),
];

const fn section(name: &'static str, doc: &'static str) -> Section {
    Section {
        name,
        repeated: false,
        doc,
    }
}

/// Rows: path, kind, default, one sentence.
macro_rules! table {
    ($($path:literal, $kind:expr, $default:expr, $doc:literal;)*) => {
        /// Keys, in the order of the reference.
        pub(super) const ROWS: &[Key] = &[$(Key { path: $path, kind: $kind, default: $default, doc: $doc }),*];
    };
}
pub(super) use table;

/// Every key, section by section; the order of sections is that of [`SECTIONS`].
pub const KEYS: &[Key] = &joined::<{ ROWS.len() + table_show::ROWS.len() }>();

const fn joined<const N: usize>() -> [Key; N] {
    let mut keys = [ROWS[0]; N];
    let mut n = 0;
    while n < N {
        keys[n] = if n < ROWS.len() {
            ROWS[n]
        } else {
            table_show::ROWS[n - ROWS.len()]
        };
        n += 1;
    }
    keys
}

/// `clock` and the patterns of GStreamer's `videotestsrc`.
const PATTERNS: &[&str] = &[
    "clock",
    "smpte",
    "snow",
    "black",
    "white",
    "red",
    "green",
    "blue",
    "checkers-1",
    "checkers-2",
    "checkers-4",
    "checkers-8",
    "circular",
    "blink",
    "smpte75",
    "zone-plate",
    "gamut",
    "chroma-zone-plate",
    "solid-color",
    "ball",
    "smpte100",
    "bar",
    "pinwheel",
    "spokes",
    "gradient",
    "colors",
    "smpte-rp-219",
];

table! {
    "box.name", Text("a name", checks::box_name), Is("Boothcast"),
        "Name shown on the slate and to RTSP clients: 1 to 64 characters.";
    "box.reboot", Text("a command", checks::line), Is("systemctl reboot"),
        "Command that starts the machine anew, its parts separated by spaces; empty: it cannot be started anew from afar.";

    "board.profile", Text("auto, the id of a board such as rpi4, or a path that begins with /", checks::board), Is("auto"),
        "Board profile: `auto` recognises the board (see Boards), an id of that list takes its profile, and a path that begins with `/` reads one of your own (`docs/boards.md`). `boothcast doctor` says which is in force and why.";

    "video.source", Choice(&["auto", "v4l2", "libcamera", "test", "file"]), Is("auto"),
        "Kind of source: `auto` takes the first camera, and the test picture until one is plugged in; `libcamera` is for CSI cameras; `file` plays a media file in a loop.";
    "video.device", Text("a camera's id, path or bus", checks::line), Is(""),
        "Camera by its stable id (a name in `/dev/v4l/by-id` or `by-path`), path or bus; empty: the first one. `boothcast doctor` lists them.";
    "video.file", Path, Is(""),
        "Media file for `source = \"file\"`.";
    "video.format", Choice(&["auto", "nv12", "yuyv", "mjpeg", "h264"]), Is("auto"),
        "Format asked of the camera; `auto` takes the best that gives the wanted size and rate.";
    "video.passthrough", Bool, Is("false"),
        "Whether a camera's own H.264 is passed through without encoding it again.";
    "video.test_pattern", Choice(PATTERNS), Is("clock"),
        "Test picture: `clock` (running clock, frame counter and a flash each second) or a pattern of GStreamer's `videotestsrc`.";

    "audio.source", Choice(&["auto", "alsa", "test", "file", "none"]), Is("auto"),
        "Kind of source: `auto` takes the default card, else a tone beside the test picture, else silence; `file` the sound of a media file; `none` makes a stream without sound.";
    "audio.device", Text("a card's name or id", checks::line), Is(""),
        "Capture card by name or stable id; empty: the default card. `boothcast doctor` lists them.";
    "audio.file", Path, Is(""),
        "Media file for `source = \"file\"`; empty: the file of the picture.";
    "audio.rate", IntOf(&[44100, 48000], "samples/s"), Is("48000"),
        "Sampling rate.";
    "audio.channels", IntOf(&[1, 2], "channels"), Is("2"),
        "Mono (1) or stereo (2).";
    "audio.bitrate", Bitrate(32_000, 320_000), Is("128k"),
        "Bitrate of the AAC sound.";
    "audio.gain_db", Float(-60.0, 30.0, "dB"), Is("0"),
        "Gain before encoding.";
    "audio.offset_ms", Int(-2000, 2000, "ms"), Is("0"),
        "Sound later than picture by this much; below zero: earlier.";

    "encode.profile", Choice(&["1080p30", "720p30", "480p30", "custom"]), Is("720p30"),
        "Named size and rate: 1920×1080 at 4500k, 1280×720 at 2500k, 854×480 at 1200k, each at 30 frames/s; `custom` takes them from the keys below. Some boards have a smaller default (see Boards).";
    "encode.width", Int(64, 3840, "pixels, even"), Unset("from the profile"),
        "Width, with `profile = \"custom\"` only.";
    "encode.height", Int(64, 2160, "pixels, even"), Unset("from the profile"),
        "Height, with `profile = \"custom\"` only.";
    "encode.fps", Int(1, 60, "frames/s"), Unset("from the profile"),
        "Frame rate, with `profile = \"custom\"` only.";
    "encode.bitrate", Bitrate(100_000, 50_000_000), Unset("from the profile"),
        "Constant bitrate of the picture; needed with `custom`, and allowed with any profile.";
    "encode.gop_s", Float(0.5, 10.0, "s"), Is("2.0"),
        "Time between keyframes; platforms ask for 2 s.";
    "encode.h264_profile", Choice(&["constrained-baseline", "main", "high"]), Is("main"),
        "H.264 profile.";
    "encode.encoder", Text("auto, or the name of a GStreamer encoder", checks::element), Is("auto"),
        "GStreamer encoder element, or `auto`: the first of the board's table that passes a test encode.";

    "sub.enabled", Bool, Is("false"),
        "Whether the small rendition is made.";
    "sub.clean", Bool, Is("false"),
        "Whether it carries the bare picture, without clock, comments or anything else that is drawn.";
    "sub.width", Int(64, 1920, "pixels, even"), Is("640"),
        "Width.";
    "sub.height", Int(64, 1080, "pixels, even"), Is("360"),
        "Height.";
    "sub.fps", Int(1, 60, "frames/s"), Is("15"),
        "Frame rate, at most that of the main rendition.";
    "sub.bitrate", Bitrate(50_000, 10_000_000), Is("400k"),
        "Constant bitrate.";

    "rtsp.enabled", Bool, Is("true"),
        "Whether the RTSP server runs.";
    "rtsp.listen", Ip, Is("0.0.0.0"),
        "Address to listen on; `0.0.0.0` is every IPv4 address, `::` every address.";
    "rtsp.port", Int(0, 65535, "(0: one that the system chooses)"), Is("8554"),
        "TCP port.";
    "rtsp.auth", Choice(&["digest", "none"]), Is("digest"),
        "`digest` asks for the user and the password made at first run; `none` opens the stream to the whole network.";
    "rtsp.user", Text("a user name", checks::user), Is("boothcast"),
        "User name for `digest`.";
    "rtsp.max_readers", Int(1, 1000, "readers"), Is("50"),
        "Readers at once; more are refused.";
    "rtsp.session_timeout_s", Int(5, 3600, "s"), Is("60"),
        "Time without a sign of life until a reader's session is dropped.";
    "rtsp.tls_cert", Path, Is(""),
        "PEM certificate; with it and `tls_key`, RTSPS is served on `tls_port`.";
    "rtsp.tls_key", Path, Is(""),
        "PEM private key of the certificate.";
    "rtsp.tls_port", Int(0, 65535, "(0: one that the system chooses)"), Is("8322"),
        "TCP port of RTSPS.";

    "destination.name", Text("a name of 1 to 32 characters out of a-z, 0-9 and -", checks::destination), Required,
        "Name of the destination, each its own: 1 to 32 characters out of `a-z`, `0-9` and `-`.";
    "destination.url", Text("an address such as \"rtmp://host/live\"", checks::url), Required,
        "Server and application, `rtmp://host/app` or `rtmps://host/app`, without the stream key.";
    "destination.key", Secret, Unset("none"),
        "Stream key, written into the configuration file itself; better is `key_file`. Exactly one of the two is needed.";
    "destination.key_file", Path, Unset("none"),
        "File with the stream key as its only line, readable by its owner only (`chmod 600`).";
    "destination.enabled", Bool, Is("true"),
        "Whether it is pushed to when the box is live.";
    "destination.max_bitrate", Bitrate(100_000, 50_000_000), Unset("no ceiling"),
        "Highest bitrate of the picture while this destination is live.";
    "destination.tls_ca", Path, Is(""),
        "PEM file of a private certificate authority, for `rtmps`; empty: those of the system.";

    "adaptive.enabled", Bool, Is("true"),
        "Whether the bitrate steps down when a destination cannot keep up, and climbs back afterwards.";
    "adaptive.floor", Bitrate(50_000, 10_000_000), Is("300k"),
        "Never below this bitrate.";

    "slate.picture", Path, Is(""),
        "Own picture, PNG or JPEG; empty: one made of the box's name and a sentence on what is wrong.";

    "led.kind", Choice(&["auto", "gpio", "class", "off"]), Is("auto"),
        "`gpio` drives lines, `class` an LED of the kernel; `auto` takes what is written below, else the board's light, else none.";
    "led.chip", Text("a chip's label, name or path", checks::line), Unset("the board's"),
        "GPIO chip by label, name (`gpiochip0`) or path; empty: the chip that has a line of that name. `gpiodetect` lists them.";
    "led.line", Line, Unset("the board's"),
        "Line of a light of one colour, by number or name.";
    "led.active_low", Bool, Unset("the board's, else `false`"),
        "Whether the light is lit while its line is low.";
    "led.red", Line, Unset("none"),
        "Line of the red part of a light of three colours; with `kind = \"class\"` the name of a kernel LED.";
    "led.green", Line, Unset("none"),
        "The same for green.";
    "led.blue", Line, Unset("none"),
        "The same for blue.";
    "led.name", Text("a name in /sys/class/leds", checks::led_names), Unset("the board's"),
        "Kernel LED; of several names with commas between them, the first that is there.";

    "led.notify", Bool, Is("false"),
        "Whether the light blinks once when a notification or an alert comes onto the picture.";

    "button.enabled", Bool, Is("true"),
        "Whether the button is used.";
    "button.chip", Text("a chip's label, name or path", checks::line), Unset("the board's"),
        "GPIO chip by label, name (`gpiochip0`) or path; empty: the chip that has a line of that name.";
    "button.line", Line, Unset("the board's; none: no button"),
        "Line of the button, by number or name.";
    "button.active_low", Bool, Unset("the board's, else `true`"),
        "Whether the line is low while the button is pressed.";
    "button.bias", Choice(&["pull-up", "pull-down", "none"]), Unset("towards the level of a button that is not pressed"),
        "Resistor of the chip that holds the line while nobody presses; `none` where the circuit has its own. Chips without resistors ignore it.";
    "button.debounce_ms", Int(1, 500, "ms"), Is("20"),
        "Time for which a level must hold until it counts, so that a bouncing contact makes one press.";

    "thermal.enabled", Bool, Is("true"),
        "Whether temperature and power supply are watched.";
    "thermal.sensor", Path, Is(""),
        "File with the temperature in thousandths of a degree Celsius; empty: the board's sensor, else the hottest of the processor's that the kernel lists.";
    "thermal.step_down_c", Float(30.0, 110.0, "°C"), Is("80"),
        "From this temperature on the picture is a step smaller. Lower on boards that throttle hard below 85 °C.";
    "thermal.lowest_c", Float(30.0, 110.0, "°C"), Is("85"),
        "From this temperature on the picture is as small as can be.";
    "thermal.recover_s", Int(1, 3600, "s"), Is("60"),
        "For so long it must be 5 °C below `step_down_c` before the picture grows by a step; longer when it soon gets hot again.";

    "mqtt.broker", Text("local, or an address such as \"mqtts://broker.example\"", checks::broker), Is(""),
        "`mqtt://host[:port]`, or `mqtts://host[:port]` for TLS, or `local`: the broker on this machine; empty: no MQTT.";
    "mqtt.fleet", Text("1 to 32 characters out of a-z, 0-9 and -", checks::segment), Is("home"),
        "Fleet that this box belongs to, a part of its topics: 1 to 32 characters out of `a-z`, `0-9` and `-`.";
    "mqtt.id", Text("1 to 32 characters out of a-z, 0-9 and -", checks::segment), Is(""),
        "Who this box is in its fleet, a part of its topics: 1 to 32 characters out of `a-z`, `0-9` and `-`; empty: `box-` and the end of its hardware address.";
    "mqtt.user", Text("a user name", checks::line), Is(""),
        "User name for the broker.";
    "mqtt.password", Secret, Unset("none"),
        "Password for the broker, written into the configuration file itself; better is `password_file`.";
    "mqtt.password_file", Path, Is(""),
        "File with the password as its only line, readable by its owner only (`chmod 600`).";
    "mqtt.tls_ca", Path, Is(""),
        "PEM file of a private certificate authority, for `mqtts`; empty: those of the system.";
    "mqtt.tls_cert", Path, Is(""),
        "PEM client certificate, where the broker wants one.";
    "mqtt.tls_key", Path, Is(""),
        "PEM private key of the client certificate.";
    "mqtt.session_expiry_s", Int(0, 604_800, "s"), Is("3600"),
        "For how long the broker keeps commands for this box while it is away.";
    "mqtt.reconnect_s", Int(1, 120, "s"), Is("30"),
        "After a lost connection the first wait is random up to this, so that a fleet does not storm its broker; a broker on this machine is joined at once.";
    "mqtt.telemetry_live_s", Int(1, 3600, "s"), Is("10"),
        "Time between telemetry messages while the box is live.";
    "mqtt.telemetry_idle_s", Int(1, 3600, "s"), Is("60"),
        "The same while it is not.";
    "mqtt.rate_per_s", Int(1, 1000, "commands/s"), Is("20"),
        "Commands that one origin (MQTT, command line, web) may send each second; more are answered `rate_limited`.";
    "mqtt.rate_burst", Int(1, 1000, "commands"), Is("40"),
        "Commands that it may send at once.";
    "mqtt.homeassistant", Bool, Is("false"),
        "Whether the box announces itself to Home Assistant.";
    "mqtt.homeassistant_prefix", Text("1 to 32 characters out of a-z, 0-9 and -", checks::segment), Is("homeassistant"),
        "Home Assistant's discovery prefix.";

    "setup.enabled", Bool, Is("false"),
        "Whether the box waits to be set up until somebody has claimed it, and for 10 minutes after its button was held for 3 s; the SD-card image has it on.";
    "setup.camera", Bool, Is("true"),
        "Whether codes that are shown to the camera are taken then.";
    "setup.access_point", Bool, Is("true"),
        "Whether the box opens a Wi-Fi network of its own then, if it has no other network.";
    "setup.port", Int(0, 65_535, "TCP port"), Is("80"),
        "Port of the page by which the box is set up; `0`: no page.";
    "setup.mdns", Bool, Is("true"),
        "Whether the box says its name (`boothcast-….local`) and its services on the local network.";
    "setup.screen", Bool, Is("true"),
        "Whether a screen at the board's HDMI shows name, address and state, where no other program draws on it.";

    "wifi.ssid", Text("the name of a Wi-Fi network", super::wifi::ssid), Is(""),
        "Name of the network; empty: none.";
    "wifi.password", Secret, Unset("an open network"),
        "Its password, 8 to 63 characters.";
    "wifi.hidden", Bool, Is("false"),
        "Whether the network does not say its name.";

    "paths.state", Path, Unset("`$STATE_DIRECTORY`; else `/var/lib/boothcast` for root; else `~/.local/state/boothcast`"),
        "Folder for what must survive a restart: what was wanted, passwords, the last good configuration.";

    "log.level", Text("a level (error, warn, info, debug, trace) or a filter such as \"info,boothcast::media=debug\"", checks::log_filter), Is("info"),
        "`error`, `warn`, `info`, `debug` or `trace`, or a filter such as `info,boothcast::media=debug`.";
    "log.json", Bool, Is("false"),
        "Whether each line is a JSON object.";
}
