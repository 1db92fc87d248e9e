//! The boot partition of the Pi, on an emulated Raspberry Pi 3: U-Boot, device tree, boot script, kernel, system. QEMU has
//! no VideoCore, so none of the Pi's own firmware runs; and its emulated USB network dies, so that the box is only looked
//! at from inside.

use std::time::{Duration, Instant};

use crate::harness::{Board, CARD, Disk, Image, Machine, Slot, Wish, figure, network};

/// Levels of the lines 0 to 31 of the Pi's GPIO (BCM2835 ARM Peripherals, GPLEV0).
const LEVELS: u64 = 0x3f20_0034;
/// The light (`board/rpi3.toml`).
const LED: u32 = 17;

#[test]
fn the_card_starts_on_a_raspberry_pi_3() {
    network();
    let image = Image::find();
    let disk = Disk::new(&image, CARD);
    // The emulator lacks what these two drive: one oopses, the other resets the machine as soon as it is armed.
    disk.set_variables(&[
        ("BOOT_ORDER", "A B"),
        ("BOOT_A_LEFT", "3"),
        ("BOOT_B_LEFT", "3"),
        ("extra", "module_blacklist=vchiq,bcm2835_wdt"),
    ]);
    let wish = Wish {
        board: Board::Raspi3,
        ..Wish::default()
    };
    let mut machine = Machine::start(&image, &disk, &wish);
    assert_eq!(machine.wait_slot(Duration::from_secs(120)), Slot::A);
    machine.wait_shell(Duration::from_secs(300));
    machine.wait_system(Duration::from_secs(300));
    figure(
        "raspi3b: up",
        &format!(
            "{:.0} s after power on",
            machine.begun.elapsed().as_secs_f64()
        ),
    );
    let doctor = machine.try_sh(
        "boothcast doctor --json 2>/dev/null",
        Duration::from_secs(240),
    );
    let report: serde_json::Value =
        serde_json::from_str(&doctor.out).unwrap_or_else(|e| panic!("{e}: {}", doctor.out));
    assert_eq!(report["board"]["id"], "rpi3", "{}", report["board"]);
    assert_eq!(report["led"]["usable"], true, "{}", report["led"]);
    machine.wait_camera();
    assert!(light_changes(&machine), "GPIO 17 does not change");
}

fn light_changes(machine: &Machine) -> bool {
    let end = Instant::now() + Duration::from_secs(10);
    let lit = || machine.monitor.word(LEVELS) >> LED & 1;
    let first = lit();
    while Instant::now() < end {
        if lit() != first {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}
