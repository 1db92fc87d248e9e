//! A box that is given away forgets what it was told.

use std::time::{Duration, Instant};

use crate::harness::{STREAM_KEY, Scene, Wish, figure};

/// The partition with what outlives a restart.
const DATA: usize = 7;
/// From the last press of the button to the restart. The start itself is the board's; the emulated one takes a minute.
const LIMIT: Duration = Duration::from_secs(60);

/// By the button: held, then pressed shortly. The stream key is nowhere on the data partition after that.
#[test]
fn the_button_makes_it_as_new() {
    let mut scene = Scene::boot(&Wish::default());
    let machine = &mut scene.machine;
    let told = machine.status();
    assert_eq!(told["name"], "Image test", "{told}");
    assert_eq!(told["setup"]["claimed"], true, "{told}");
    machine.sh("sync");
    assert!(
        scene.disk.contains(DATA, STREAM_KEY.as_bytes()),
        "the key is not there that shall be forgotten"
    );
    machine.press(Duration::from_millis(10_700));
    machine.wait_status("the question", Duration::from_secs(5), |s| {
        s["hardware"]["confirm_until_ms"].as_u64()
    });
    machine.press(Duration::from_millis(300));
    let begun = Instant::now();
    // It starts anew; what it knew is gone by then.
    machine.wait_slot(Duration::from_secs(120));
    let took = begun.elapsed();
    assert!(
        !scene.disk.contains(DATA, STREAM_KEY.as_bytes()),
        "the stream key can still be read from the card"
    );
    assert!(took <= LIMIT, "it took {took:?}");
    scene.machine.wait_shell(Duration::from_secs(300));
    wait_as_new(&mut scene);
    figure(
        "factory reset",
        &format!(
            "{:.0} s to the restart, {:.0} s to a new box",
            took.as_secs_f64(),
            begun.elapsed().as_secs_f64()
        ),
    );
    let left = scene
        .machine
        .sh("ls /etc/NetworkManager/system-connections /etc/dropbear");
    assert!(!left.contains("nmconnection"), "{left}");
    // And it stays so: what is on the boot partition is not taken in again.
    scene.machine.reboot();
    scene.machine.wait_shell(Duration::from_secs(300));
    wait_as_new(&mut scene);
}

/// Waits for a box that answers and belongs to nobody.
fn wait_as_new(scene: &mut Scene) {
    let end = Instant::now() + Duration::from_secs(300);
    loop {
        let said = scene
            .machine
            .try_sh("boothcast ctl status --json", Duration::from_secs(20));
        let status = serde_json::from_str::<serde_json::Value>(&said.out).unwrap_or_default();
        if status["setup"]["claimed"] == false && status["name"] != "Image test" {
            return;
        }
        assert!(Instant::now() < end, "it is not as new: {}", said.out);
        std::thread::sleep(Duration::from_millis(500));
    }
}
