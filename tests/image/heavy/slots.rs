//! A system that does not start, and the other one that stands in.

use std::time::{Duration, Instant};

use crate::harness::{CARD, Disk, Image, Machine, Slot, Wish, figure, network};

/// What is broken of system A.
#[derive(Debug, Clone, Copy)]
enum Damage {
    /// Its kernel cannot be read.
    Kernel,
    /// Its root cannot be mounted.
    RootHead,
    /// Its root can be mounted, and blocks here and there are not what was signed: dm-verity tells.
    RootBlocks,
}

#[test]
fn a_system_with_a_broken_kernel_gives_way() {
    gives_way(Damage::Kernel);
}

#[test]
fn a_system_with_a_broken_root_gives_way() {
    gives_way(Damage::RootHead);
}

#[test]
fn a_system_with_altered_blocks_gives_way() {
    gives_way(Damage::RootBlocks);
}

/// Three tries of A, then B runs; and a restart does not go back to A.
fn gives_way(damage: Damage) {
    network();
    let (image, disk) = two_systems();
    break_it(&disk, damage);
    let begun = Instant::now();
    let mut machine = Machine::start(&image, &disk, &Wish::default());
    let mut tries = 0;
    while machine.wait_slot(Duration::from_secs(240)) == Slot::A {
        tries += 1;
        assert!(tries <= 3, "{damage:?}: A is tried again and again");
    }
    assert!(tries >= 1, "A was not tried");
    machine.wait_shell(Duration::from_secs(300));
    assert_eq!(machine.wait_system(Duration::from_secs(300)), "running");
    figure(
        &format!("{damage:?}: power on to the other system"),
        &format!("{:.0} s, {tries} tries", begun.elapsed().as_secs_f64()),
    );
    super::power::assert_whole(&mut machine, &disk, Slot::B);
    assert_eq!(machine.reboot(), Slot::B);
}

/// A card with the same system twice, as after an update to the version that it has.
fn two_systems() -> (Image, Disk) {
    let image = Image::find();
    let disk = Disk::new(&image, CARD);
    for (from, to) in [
        (Slot::A.boot(), Slot::B.boot()),
        (Slot::A.root(), Slot::B.root()),
    ] {
        disk.copy_partition(from, to);
    }
    disk.set_variables(&[
        ("BOOT_ORDER", "A B"),
        ("BOOT_A_LEFT", "3"),
        ("BOOT_B_LEFT", "3"),
    ]);
    (image, disk)
}

fn break_it(disk: &Disk, damage: Damage) {
    match damage {
        // Past the FAT: the files are there, and are not what they were.
        Damage::Kernel => disk.damage(Slot::A.boot(), 4 << 20, 2 << 20),
        Damage::RootHead => disk.damage(Slot::A.root(), 0, 64 << 10),
        Damage::RootBlocks => {
            for mebibyte in 2..40 {
                disk.damage(Slot::A.root(), mebibyte << 20, 4096);
            }
        }
    }
}

/// The boot loader's own variables are torn by a power cut: it takes its defaults, and the box comes up.
#[test]
fn torn_boot_variables_are_made_anew() {
    network();
    let image = Image::find();
    let disk = Disk::new(&image, CARD);
    disk.tear_variables();
    assert_eq!(disk.variable("BOOT_ORDER"), None);
    let mut machine = Machine::start(&image, &disk, &Wish::default());
    assert_eq!(machine.wait_up(), Slot::A);
    super::power::assert_whole(&mut machine, &disk, Slot::A);
    machine.sh("fw_printenv BOOT_ORDER");
}
