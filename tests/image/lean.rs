//! What CI looks at on every change, on one machine that is booted once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{CARD, STREAM_KEY, Scene, Wish, figure, frames, loudness};
use crate::support::probe::ffprobe;

type Check = fn(&mut Scene);

/// In this order: the box's state goes on from one to the next.
const CHECKS: [(&str, Check); 11] = [
    ("it streams the camera", it_streams_the_camera),
    ("it streams the sound", it_streams_the_sound),
    ("systemd is content", systemd_is_content),
    ("the doctor misses nothing", the_doctor_misses_nothing),
    ("MQTT changes the profile", mqtt_changes_the_profile),
    ("the light tells the state", the_light_tells_the_state),
    (
        "the ports are the documented ones",
        the_ports_are_the_documented_ones,
    ),
    ("nobody logs in by password", nobody_logs_in_by_password),
    ("the settings were imported", the_settings_were_imported),
    ("the data partition has grown", the_data_partition_has_grown),
    (
        "a box that dies comes back by itself",
        a_box_that_dies_comes_back,
    ),
];

/// One boot, all checks; those that fail are named together.
#[test]
fn the_image_works() {
    let begun = Instant::now();
    let mut scene = Scene::power_on(&Wish::default());
    scene.machine.wait_slot(Duration::from_secs(60));
    let url = scene.url();
    scene.machine.wait_shell(Duration::from_secs(300));
    scene.machine.wait_picture(&url, Duration::from_secs(300));
    let state = scene.machine.wait_system(Duration::from_secs(300));
    figure("system state", &state);
    figure(
        "power on to that",
        &format!("{:.0} s", begun.elapsed().as_secs_f64()),
    );
    let mut failed = Vec::new();
    for (name, check) in CHECKS {
        let begun = Instant::now();
        let end = catch_unwind(AssertUnwindSafe(|| check(&mut scene)));
        let word = if end.is_ok() { "ok" } else { "FAILED" };
        eprintln!(
            "check: {name}: {word}, {:.1} s",
            begun.elapsed().as_secs_f64()
        );
        if end.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "failed: {failed:?}");
    scene.machine.power_off();
}

fn it_streams_the_camera(scene: &mut Scene) {
    scene.machine.wait_camera();
    // Two seconds and more of the picture: vivid writes the running time into it.
    let seen = frames(&scene.url(), 30, (160, 90), Duration::from_secs(60)).expect("30 frames");
    let moving = seen.moving(0.05);
    assert!(
        moving >= 20,
        "only {moving} of 29 pictures differ from the one before"
    );
    // vivid's colour bars, from white on the left to black on the right: it is the camera and no slate.
    let bright = |x: f64| {
        let colour = seen.colour(15, x, 0.85);
        colour.iter().map(|&c| u32::from(c)).sum::<u32>()
    };
    let bars: Vec<u32> = (0..8).map(|i| bright((f64::from(i) + 0.5) / 8.0)).collect();
    assert!(
        bars[0] > 450 && bars[7] < 150 && bars[1] > bars[6],
        "no colour bars: {bars:?}"
    );
}

fn it_streams_the_sound(scene: &mut Scene) {
    // What is played into one end of the loopback card is what its other end records: the box's microphone.
    scene.machine.begin(
        "timeout 90 gst-launch-1.0 -q audiotestsrc is-live=true freq=440 volume=0.5 ! audio/x-raw,rate=48000,channels=2 \
         ! alsasink device=hw:Loopback,1,0",
    );
    let url = scene.url();
    // The box takes the card's first device; what is played into the second comes out there.
    let mut heard = (0.0, 0.0);
    for _ in 0..4 {
        heard = loudness(&url, 4, 440.0).expect("sound");
        if is_tone(heard) {
            break;
        }
    }
    let (tone, all) = heard;
    figure("tone over the air", &format!("{tone:.3} of {all:.3}"));
    assert!(is_tone(heard), "440 Hz at {tone:.3} of {all:.3}");
}

/// Whether what is heard is mostly the tone.
fn is_tone((tone, all): (f64, f64)) -> bool {
    tone > 0.1 && tone > 0.7 * all
}

fn systemd_is_content(scene: &mut Scene) {
    let machine = &mut scene.machine;
    let failed = machine.sh("systemctl --failed --no-legend --plain");
    assert_eq!(failed.trim(), "", "failed units");
    let state = machine.try_sh("systemctl is-system-running", Duration::from_secs(20));
    assert_eq!(state.out.trim(), "running");
    let unit = machine.sh("systemctl show boothcast.service -p ActiveState,Type,NRestarts,MemoryCurrent,MainPID,Result");
    for line in ["ActiveState=active", "Type=notify", "NRestarts=0"] {
        assert!(unit.lines().any(|l| l == line), "{line}: {unit}");
    }
    let user = machine.sh("ps -o user= -p $(systemctl show -P MainPID boothcast.service) || stat -c %U /proc/$(systemctl show -P MainPID boothcast.service)");
    assert_eq!(user.trim(), "boothcast");
    let memory = machine.sh(
        "awk '/MemTotal|MemAvailable/ {print $1, int($2/1024), \"MiB\"}' /proc/meminfo
         awk '/VmRSS|RssAnon/ {print $1, int($2/1024), \"MiB\"}' /proc/$(systemctl show -P MainPID boothcast.service)/status",
    );
    figure("memory", &memory.replace('\n', ", "));
    figure(
        "disks",
        &machine
            .sh("df -m / /data 2>/dev/null | tail -n +2")
            .replace('\n', ", "),
    );
}

fn the_doctor_misses_nothing(scene: &mut Scene) {
    let end = scene.machine.try_sh(
        "boothcast doctor --json 2>/dev/null",
        Duration::from_secs(150),
    );
    let report: Value =
        serde_json::from_str(&end.out).unwrap_or_else(|e| panic!("{e}: {}", end.out));
    assert_eq!(report["can_go_live"], true, "{report}");
    assert_eq!(report["board"]["id"], "qemu-virt");
    let elements = report["gstreamer"]["elements"].as_array().unwrap();
    assert!(elements.len() > 20, "{elements:?}");
    let missing: Vec<_> = elements
        .iter()
        .filter(|e| e["present"] != true)
        .map(|e| &e["names"])
        .collect();
    // Ribbon cameras want Raspberry Pi's own kernel (docs/image.md).
    assert_eq!(
        missing,
        [&json!(["libcamerasrc"])],
        "elements that are not in the image"
    );
    assert_eq!(
        report["cameras"][0]["usable"], true,
        "{}",
        report["cameras"]
    );
    assert_eq!(report["led"]["usable"], true, "{}", report["led"]);
    assert_eq!(report["button"]["usable"], true, "{}", report["button"]);
    let works: Vec<_> = report["encoders"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|e| e["ok"] == true)
        .map(|e| &e["element"])
        .collect();
    assert!(works.contains(&&json!("x264enc")), "{}", report["encoders"]);
}

fn mqtt_changes_the_profile(scene: &mut Scene) {
    assert_eq!(picture_size(scene), (320, 180));
    let video = json!({"width": 480, "height": 270, "fps": 10, "bitrate": 500_000, "gop_s": 2.0, "h264_profile": "main"});
    scene.order("profile/set", &json!({"video": video}));
    let end = Instant::now() + Duration::from_secs(60);
    while picture_size(scene) != (480, 270) {
        assert!(Instant::now() < end, "the stream is still as it was");
    }
    scene.order("bitrate/set", &json!({"bitrate": 300_000}));
    scene
        .machine
        .wait_status("the bitrate", Duration::from_secs(30), |s| {
            (s["bitrate"]["now"] == 300_000).then_some(())
        });
}

fn picture_size(scene: &Scene) -> (u64, u64) {
    let args = [
        "-rtsp_transport",
        "tcp",
        "-show_streams",
        "-select_streams",
        "v",
    ];
    let found = ffprobe(&scene.url(), &args, Duration::from_secs(60));
    let stream = &found["streams"][0];
    assert_eq!(stream["codec_name"], "h264");
    (
        stream["width"].as_u64().unwrap(),
        stream["height"].as_u64().unwrap(),
    )
}

fn the_light_tells_the_state(scene: &mut Scene) {
    scene.order("live/stop", &json!({}));
    std::thread::sleep(Duration::from_secs(2));
    let ready = scene.machine.light(Duration::from_secs(6));
    scene.order("identify", &json!({}));
    let identify = scene.machine.light(Duration::from_millis(3500));
    scene.order("live/start", &json!({}));
    crate::support::wait_for("pictures over RTMP", Duration::from_secs(60), || {
        (scene.peer.seen().pictures.len() > 20).then_some(())
    });
    // Two seconds for what identify left, and for the first good word of the destination.
    std::thread::sleep(Duration::from_secs(4));
    let live = scene.machine.light(Duration::from_secs(4));
    scene.order("live/stop", &json!({}));
    figure(
        "light",
        &format!("ready {ready:?}, identify {identify:?}, live {live:?}"),
    );
    assert!(
        ready.on < 0.2 && ready.edges_per_s < 3.0,
        "ready is a flash every 2 s: {ready:?}"
    );
    assert!(
        (0.2..0.8).contains(&identify.on) && identify.edges_per_s > 5.0,
        "identify is very fast: {identify:?}"
    );
    assert!(live.on > 0.8, "live is on: {live:?}");
}

/// Ports on which something listens for others: those of the table in docs/system.md, and no more.
fn the_ports_are_the_documented_ones(scene: &mut Scene) {
    let listed = scene.machine.sh("ss -H -tulpn");
    let mut open: Vec<String> = listed.lines().filter_map(open_port).collect();
    open.sort();
    open.dedup();
    let documented = documented_ports();
    assert_eq!(open, documented, "ss says:\n{listed}");
}

/// `tcp 8554` of a line of `ss`, unless it is bound to the machine itself.
fn open_port(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (address, port) = words.get(4)?.rsplit_once(':')?;
    let own = address.starts_with("127.") || address == "[::1]" || address.contains("%lo");
    (!own).then(|| format!("{} {port}", words[0]))
}

/// The rows `| tcp | 8554 | …` of the documented list.
fn documented_ports() -> Vec<String> {
    let doc = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/system.md");
    let text = std::fs::read_to_string(doc).unwrap();
    let mut ports: Vec<String> = text
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let (kind, port) = (*cells.get(1)?, cells.get(2)?.trim_matches('`'));
            let always = cells.get(3)?.starts_with("always");
            (["tcp", "udp"].contains(&kind) && always).then(|| format!("{kind} {port}"))
        })
        .collect();
    ports.sort();
    ports
}

fn nobody_logs_in_by_password(scene: &mut Scene) {
    let open = scene
        .machine
        .sh("awk -F: '$2 !~ /^[!*]/ {print $1}' /etc/shadow");
    assert_eq!(
        open.trim(),
        "",
        "accounts with a password, or without need of one"
    );
    let shells = scene.machine.sh("systemctl list-units --plain --no-legend --state=active 'getty@*' 'serial-getty@*' 'ssh*' 'dropbear*'");
    assert_eq!(shells.trim(), "", "ways to log in");
}

fn the_settings_were_imported(scene: &mut Scene) {
    let machine = &mut scene.machine;
    let shown = machine.sh("mount | grep ' /boot/firmware ' && cat /boot/firmware/boothcast.toml");
    assert!(
        !shown.contains(STREAM_KEY),
        "the stream key is still on the boot partition"
    );
    assert!(shown.contains("(ro,"), "{shown}");
    assert!(shown.contains("Image test"), "{shown}");
    // Nowhere on the firmware partition: a file that was rewritten in place may leave its old sectors behind.
    machine.sh("sync");
    let left = scene.disk.contains(1, STREAM_KEY.as_bytes());
    assert!(
        !left,
        "the stream key can still be read from the boot partition's sectors"
    );
}

/// The card is larger than the image: what is left belongs to the data.
fn the_data_partition_has_grown(scene: &mut Scene) {
    let (start, size) = scene.disk.partition(7);
    let left = CARD - start - size;
    assert!(left < 8 << 20, "{left} bytes of the card belong to nobody");
    let mebibytes: u64 = scene
        .machine
        .sh("df -m --output=size /data | tail -n 1")
        .trim()
        .parse()
        .unwrap();
    assert!(
        mebibytes > (size >> 20) * 8 / 10,
        "the file system has {mebibytes} MiB of {}",
        size >> 20
    );
}

/// One failure is followed by the box itself, not by its safe mode.
fn a_box_that_dies_comes_back(scene: &mut Scene) {
    let machine = &mut scene.machine;
    machine.sh("kill -KILL $(systemctl show -P MainPID boothcast.service)");
    let begun = Instant::now();
    let show = "for p in 'ActiveState boothcast' 'NRestarts boothcast' 'ActiveState boothcast-safe'; do \
                systemctl show -P ${p% *} ${p#* }.service; done";
    loop {
        let said = machine.sh(show);
        let words: Vec<&str> = said.split_whitespace().collect();
        assert_eq!(words[2], "inactive", "the safe mode began: {said}");
        if words[..2] == ["active", "1"] {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{said}");
        std::thread::sleep(Duration::from_secs(1));
    }
    figure(
        "back after a SIGKILL",
        &format!("{:.0} s", begun.elapsed().as_secs_f64()),
    );
    assert!(frames(&scene.url(), 5, (64, 36), Duration::from_secs(60)).is_some());
}
