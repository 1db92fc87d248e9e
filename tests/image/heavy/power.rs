//! Power cuts in the middle of an update.

use std::time::{Duration, Instant};

use crate::harness::{Bundles, CARD, Disk, Image, Label, Machine, Scene, Slot, Wish, figure};

/// Cuts by the share of the update's bytes that were written; three more come after that.
const BY_BYTES: u32 = 17;

/// Where the power fails.
#[derive(Debug, Clone, Copy)]
enum Point {
    /// After so many thousandths of what a whole update writes.
    Written(u64),
    /// As soon as the boot loader's order has changed.
    Ordered,
    /// A second after the installation has ended.
    Installed,
    /// Two seconds into the first start of the new system.
    Trial,
}

/// Twenty power cuts at points spread over an update; after each the machine comes up into a whole system. Every other
/// time the card loses a part of what was not flushed, as cards with a cache of their own do.
#[test]
fn it_boots_after_a_power_cut_at_any_point_of_an_update() {
    let bundles = Bundles::new(&Disk::new(&Image::find(), CARD));
    bundles.whole("good.raucb", &Label::default());
    let wish = Wish {
        share: Some(bundles.share.clone()),
        logged: true,
        ..Wish::default()
    };
    let mut scene = Scene::boot(&wish);
    let whole = whole_update(&mut scene);
    figure("an update writes", &format!("{} MiB", whole >> 20));
    let mut points = vec![Point::Ordered, Point::Trial];
    points.extend(
        (0..BY_BYTES).map(|i| Point::Written((u64::from(i) * 1000 + 500) / u64::from(BY_BYTES))),
    );
    // The whole update was the first one.
    power_fails(&mut scene, Point::Installed, 0, &wish);
    let cuts = std::env::var("POWER_CUTS").map_or(20, |n| n.parse().unwrap());
    for (n, point) in (1..cuts).zip(points) {
        let begun = Instant::now();
        begin_update(&mut scene.machine);
        wait_point(&mut scene, point, whole);
        power_fails(&mut scene, point, n, &wish);
        eprintln!("cut {n:2} of 20, {:.0} s", begun.elapsed().as_secs_f64());
    }
}

/// Installs without a cut; gives how many bytes that wrote.
fn whole_update(scene: &mut Scene) -> u64 {
    let machine = &mut scene.machine;
    machine.mount_share();
    let before = machine.written();
    let begun = Instant::now();
    let end = machine.try_sh(
        "rauc install /run/share/good.raucb",
        Duration::from_secs(400),
    );
    assert_eq!(end.code, 0, "{}", end.out);
    figure(
        "an update installs in",
        &format!("{:.0} s", begun.elapsed().as_secs_f64()),
    );
    std::thread::sleep(Duration::from_secs(1));
    machine.written() - before
}

fn begin_update(machine: &mut Machine) {
    machine.mount_share();
    machine.begin("rauc install /run/share/good.raucb; echo ended $? >/run/image-test/update");
}

fn wait_point(scene: &mut Scene, point: Point, whole: u64) {
    let order = scene.disk.variable("BOOT_ORDER");
    let begun = scene.machine.written();
    let ended = |machine: &mut Machine| {
        let end = machine.try_sh("cat /run/image-test/update", Duration::from_secs(20));
        (end.code == 0).then_some(end.out)
    };
    let limit = Instant::now() + Duration::from_secs(500);
    loop {
        let reached = match point {
            Point::Written(thousandths) => {
                (scene.machine.written() - begun) * 1000 >= whole * thousandths
            }
            Point::Ordered => scene.disk.variable("BOOT_ORDER") != order,
            Point::Installed | Point::Trial => ended(&mut scene.machine).is_some(),
        };
        if reached {
            break;
        }
        let log = "cat /run/image-test/begun.log /run/image-test/update";
        assert!(
            Instant::now() < limit,
            "{point:?} was not reached:\n{}",
            scene.machine.try_sh(log, Duration::from_secs(20)).out
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    if let Point::Trial = point {
        scene.machine.reboot();
        std::thread::sleep(Duration::from_secs(2));
    }
}

/// Cuts the power, loses what a card may lose, and starts again: the system must be whole.
fn power_fails(scene: &mut Scene, point: Point, n: u64, wish: &Wish) {
    scene.machine.cut();
    let lost = if n % 2 == 1 {
        let (lost, open) = scene.disk.lose_unflushed(n);
        format!("{lost} of {open} writes that were not flushed are lost")
    } else {
        "nothing written is lost".to_owned()
    };
    scene.restart(wish);
    let slot = scene.machine.wait_up();
    assert_whole(&mut scene.machine, &scene.disk, slot);
    eprintln!("cut at {point:?}: {lost}; slot {slot:?} runs");
    // What the health gate does after two minutes; the next update needs a system that is known to be good.
    scene
        .machine
        .sh("rauc status mark-good booted; rm -f /data/persist/trial");
}

/// The whole root can be read, and the box is up.
pub fn assert_whole(machine: &mut Machine, disk: &Disk, slot: Slot) {
    assert!(
        disk.variable("BOOT_ORDER").is_some(),
        "the boot loader's variables are torn"
    );
    let line = machine.sh("cat /proc/cmdline");
    assert!(
        line.contains(&format!("rauc.slot={}", slot.name())),
        "{line}"
    );
    machine.sh("systemctl is-active boothcast.service");
    let read = machine.try_sh(
        "find / -xdev -type f -print0 | xargs -0 cat >/dev/null",
        Duration::from_secs(240),
    );
    assert_eq!(read.code, 0, "the root cannot be read: {}", read.out);
    let errors = machine
        .sh("dmesg | grep -iE 'squashfs error|verity.*corrupt|i/o error|ext4-fs error' || true");
    assert_eq!(errors.trim(), "");
}
