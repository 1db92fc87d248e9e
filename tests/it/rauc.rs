//! Updates with RAUC itself: its service on a private bus, slots in files, bundles signed by keys of the test. The plain
//! bundle format, as the host's kernel may lack dm-verity; the image's own format is tested in the emulator.

mod bench;
mod daemon;
mod scripts;

use std::path::Path;

use boothcast::device::update::Slot;
use boothcast::edge::rauc::places::Places;
use boothcast::edge::rauc::{Bundle, Rauc};
use boothcast::error::{Error, Kind as ErrorKind, Result};

use bench::{Bench, Kind, RUNS};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Connects to the bench's bus.
async fn connect(bench: &Bench) -> Rauc {
    // SAFETY: nextest gives each test a process of its own, and no other thread reads the environment now.
    unsafe { std::env::set_var("DBUS_SYSTEM_BUS_ADDRESS", bench.bus()) };
    let places = Places {
        release: bench.path("release"),
        persist: bench.path("persist"),
        refused: bench.path("refused"),
        no_data: bench.path("no-data"),
    };
    let rauc = Rauc::connect(places).await.unwrap();
    rauc.expect("RAUC is on the bus")
}

async fn install(rauc: &Rauc, bundle: &Path) -> Result<Vec<u8>> {
    let mut percents = Vec::new();
    rauc.install(bundle.to_str().unwrap(), |percent, _| {
        percents.push(percent);
    })
    .await?;
    Ok(percents)
}

async fn inspect(rauc: &Rauc, bundle: &Path, downgrade: bool) -> Result<Bundle> {
    rauc.inspect(bundle.to_str().unwrap(), downgrade).await
}

#[test]
fn a_good_bundle_is_written_to_the_other_slot_tried_and_kept() {
    let mut bench = Bench::start("A");
    let bundle = bench.bundle(&Kind::default());
    runtime().block_on(async {
        let rauc = connect(&bench).await;
        let slots = rauc.slots().await.unwrap().unwrap();
        assert_eq!((slots.booted, slots.trial), (Slot::A, false));
        assert_eq!((slots.version.as_str(), slots.other), (RUNS, None));
        let found = inspect(&rauc, &bundle, false).await.unwrap();
        assert_eq!(found.version, "99.0.0");
        let percents = install(&rauc, &bundle).await.unwrap();
        assert!(!percents.is_empty());
        assert!(percents.windows(2).all(|w| w[0] <= w[1]), "{percents:?}");
        let written = std::fs::read(bench.path("p6")).unwrap();
        let image =
            std::fs::read(bench.path("content-99.0.0-boothcast-test-ours/root.img")).unwrap();
        assert!(written.starts_with(&image));
    });
    let trial = bench.text("persist/trial");
    assert!(trial.contains("SLOT=B\nVERSION=99.0.0\n"), "{trial}");
    assert!(trial.contains("STATE=installed"), "{trial}");
    assert_eq!(bench.text("run/boothcast-tryboot"), "B\n");
    // The firmware still starts A of itself.
    assert!(
        bench
            .text("firmware/autoboot.txt")
            .contains("[all]\ntryboot_a_b=1\nboot_partition=2\n")
    );

    bench.reboot("B");
    runtime().block_on(async {
        let rauc = connect(&bench).await;
        let slots = rauc.slots().await.unwrap().unwrap();
        assert_eq!((slots.booted, slots.trial), (Slot::B, true));
        rauc.mark_good().await.unwrap();
        assert!(!rauc.slots().await.unwrap().unwrap().trial);
    });
    assert!(
        bench
            .text("firmware/autoboot.txt")
            .contains("[all]\ntryboot_a_b=1\nboot_partition=3\n")
    );
}

#[test]
fn a_version_that_is_given_up_leaves_the_old_slot_in_force() {
    let mut bench = Bench::start("A");
    let bundle = bench.bundle(&Kind::default());
    runtime().block_on(async {
        let rauc = connect(&bench).await;
        install(&rauc, &bundle).await.unwrap();
    });
    bench.reboot("B");
    runtime().block_on(async {
        let rauc = connect(&bench).await;
        assert!(rauc.slots().await.unwrap().unwrap().trial);
        // No installation during a trial, by whomever.
        let e = install(&rauc, &bundle).await.unwrap_err();
        assert!(e.report().contains("on trial"), "{}", e.report());
        rauc.mark_bad().await.unwrap();
    });
    assert!(
        bench
            .text("firmware/autoboot.txt")
            .contains("[all]\ntryboot_a_b=1\nboot_partition=2\n")
    );
    bench.reboot("A");
    runtime().block_on(async {
        let rauc = connect(&bench).await;
        let slots = rauc.slots().await.unwrap().unwrap();
        assert_eq!((slots.booted, slots.trial), (Slot::A, false));
    });
}

/// A copy with one byte changed.
fn flipped(bundle: &Path, at: impl FnOnce(usize) -> usize) -> std::path::PathBuf {
    let mut bytes = std::fs::read(bundle).unwrap();
    let at = at(bytes.len());
    bytes[at] ^= 0x20;
    let copy = bundle.with_extension(format!("{at}.raucb"));
    std::fs::write(&copy, bytes).unwrap();
    copy
}

fn says(e: &Error, kind: ErrorKind, words: &str) {
    let text = e.report();
    assert!(text.contains(words), "{text}");
    assert_eq!(e.kind(), kind, "{text}");
}

#[test]
fn what_is_refused_is_refused_before_the_first_write() {
    let bench = Bench::start("A");
    let before = bench.other_slot();
    let good = bench.bundle(&Kind::default());
    let kind = |version, compatible, key| {
        bench.bundle(&Kind {
            version,
            compatible,
            key,
        })
    };
    let older = kind("0.0.9", "boothcast-test", "ours");
    let equal = kind(RUNS, "boothcast-test", "ours");
    let odd = kind("spring", "boothcast-test", "ours");
    let board = kind("99.0.1", "boothcast-other", "ours");
    let stranger = kind("99.0.2", "boothcast-test", "theirs");
    let damaged = [
        flipped(&good, |_| 1000),
        flipped(&good, |n| n / 2),
        flipped(&good, |n| n - 700),
        flipped(&good, |n| n - 3),
    ];
    let short = bench.path("short.raucb");
    std::fs::write(&short, &std::fs::read(&good).unwrap()[..5000]).unwrap();
    runtime().block_on(async {
        let rauc = connect(&bench).await;
        let refused = async |bundle: &Path| inspect(&rauc, bundle, false).await.unwrap_err();
        for bundle in [&older, &equal] {
            says(&refused(bundle).await, ErrorKind::Refused, "not newer than");
        }
        says(
            &refused(&odd).await,
            ErrorKind::Refused,
            "cannot be compared",
        );
        says(
            &refused(&board).await,
            ErrorKind::Refused,
            "is made for boothcast-other",
        );
        says(
            &refused(&stranger).await,
            ErrorKind::Refused,
            "does not trust",
        );
        says(
            &refused(&bench.path("none.raucb")).await,
            ErrorKind::NotFound,
            "is not there",
        );
        for bundle in damaged.iter().chain([&short]) {
            let e = refused(bundle).await;
            assert!(e.report().contains("damaged"), "{}", e.report());
        }
        // Whoever asks RAUC itself gets no further.
        for bundle in [&older, &equal, &odd, &board, &stranger, &short] {
            let e = install(&rauc, bundle).await.unwrap_err();
            assert!(
                e.report().contains("refused") || e.kind() != ErrorKind::Internal,
                "{}",
                e.report()
            );
        }
        for bundle in &damaged {
            install(&rauc, bundle).await.unwrap_err();
        }
        assert!(
            install(&rauc, &older)
                .await
                .unwrap_err()
                .report()
                .contains("not newer")
        );
        assert_eq!(bench.other_slot(), before, "nothing was written");
        assert!(!bench.path("persist/trial").exists());
        // On purpose it goes.
        assert!(inspect(&rauc, &older, true).await.is_ok());
        std::fs::write(bench.path("run/boothcast-downgrade"), "").unwrap();
        install(&rauc, &older).await.unwrap();
    });
    assert_ne!(bench.other_slot(), before);
}

#[test]
fn without_rauc_or_with_one_for_other_machines_a_box_has_no_slots() {
    let dir = tempfile::tempdir().unwrap();
    // SAFETY: as above.
    unsafe {
        std::env::set_var(
            "DBUS_SYSTEM_BUS_ADDRESS",
            format!("unix:path={}/none", dir.path().display()),
        );
    }
    let found = runtime().block_on(Rauc::connect(Places::default()));
    assert!(found.unwrap().is_none());
}
