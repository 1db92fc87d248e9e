//! Each profile against its schema, the recognition against what boards say of themselves.

use std::collections::BTreeSet;
use std::fs;

use super::*;

fn traces(model: Option<&str>, compatible: &[&str]) -> Traces {
    Traces {
        model: model.map(str::to_owned),
        compatible: compatible.iter().map(ToString::to_string).collect(),
        product: None,
        processor: "aarch64".into(),
    }
}

#[test]
fn every_profile_parses_holds_and_is_named_as_its_file() {
    assert_eq!(all().len(), SOURCES.len());
    for (name, text) in SOURCES {
        let board: Board = toml::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(board.id, *name);
        board.check().unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(board.encoders.len() >= 2, "{name} has no fall-back encoder");
        assert_ne!(board.default_profile, Some(Profile::Custom), "{name}");
        // What the type knows is all that there is: nothing is lost on the way there and back.
        let back: Board = toml::from_str(&toml::to_string(&board).unwrap()).unwrap();
        assert_eq!(back, board);
    }
}

#[test]
fn every_file_of_the_folder_is_a_profile() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/board");
    let files: BTreeSet<String> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    let known: BTreeSet<String> = SOURCES.iter().map(|(id, _)| format!("{id}.toml")).collect();
    assert_eq!(
        files, known,
        "a file in board/ needs its line in src/config/board.rs"
    );
}

#[test]
fn no_two_boards_claim_the_same_machine() {
    let mut seen = BTreeSet::new();
    for b in all() {
        for text in &b.models {
            assert!(seen.insert(("model", text)), "{}: {text}", b.id);
        }
        for text in &b.compatible {
            assert!(seen.insert(("compatible", text)), "{}: {text}", b.id);
        }
        let fall_back = b.id.starts_with("generic");
        assert_eq!(b.models.is_empty(), fall_back, "{}", b.id);
        assert_eq!(b.compatible.is_empty(), fall_back, "{}", b.id);
    }
}

/// One row per board: id, encoders, LED, button, LED class, firmware's limits.
#[test]
fn the_facts_are_those_of_the_table() {
    type Row = (
        &'static str,
        &'static str,
        Option<(&'static str, u32)>,
        Option<(&'static str, u32)>,
        &'static str,
        Option<(f32, f32)>,
    );
    let v4l2 = "v4l2h264enc x264enc openh264enc";
    let software = "x264enc openh264enc";
    let rows: [Row; 7] = [
        (
            "generic",
            "vah264enc x264enc openh264enc",
            None,
            None,
            "",
            None,
        ),
        (
            "generic-arm64",
            "mpph264enc v4l2h264enc x264enc openh264enc",
            None,
            None,
            "",
            None,
        ),
        (
            "rpi-zero2w",
            v4l2,
            Some(("pinctrl-bcm2835", 17)),
            Some(("pinctrl-bcm2835", 27)),
            "ACT led0",
            Some((80.0, 85.0)),
        ),
        (
            "rpi3",
            v4l2,
            Some(("pinctrl-bcm2835", 17)),
            Some(("pinctrl-bcm2835", 27)),
            "ACT led0",
            Some((60.0, 85.0)),
        ),
        (
            "rpi4",
            v4l2,
            Some(("pinctrl-bcm2711", 17)),
            Some(("pinctrl-bcm2711", 27)),
            "ACT led0",
            Some((80.0, 85.0)),
        ),
        (
            "rpi5",
            software,
            Some(("pinctrl-rp1", 17)),
            Some(("pinctrl-rp1", 27)),
            "ACT led0",
            Some((80.0, 85.0)),
        ),
        (
            "qemu-virt",
            software,
            Some(("9030000.pl061", 5)),
            Some(("9030000.pl061", 4)),
            "",
            None,
        ),
    ];
    assert_eq!(rows.len(), all().len());
    for (board, row) in all().iter().zip(rows) {
        let line = |l: &Option<GpioLine>| l.as_ref().map(|l| (l.chip.clone(), l.line));
        let wanted = |l: Option<(&str, u32)>| l.map(|(chip, line)| (chip.to_owned(), line));
        assert_eq!(board.id, row.0);
        assert_eq!(board.encoders.join(" "), row.1, "{}", row.0);
        assert_eq!(line(&board.led), wanted(row.2), "{}", row.0);
        assert_eq!(line(&board.button), wanted(row.3), "{}", row.0);
        assert_eq!(board.led_class.join(" "), row.4, "{}", row.0);
        let limits = board.thermal.as_ref().map(|t| (t.soft_c, t.limit_c));
        assert_eq!(limits, row.5, "{}", row.0);
        // A button between the line and ground, an LED between the line and ground.
        assert!(board.button.as_ref().is_none_or(|b| b.active_low));
        assert!(board.led.as_ref().is_none_or(|l| !l.active_low));
    }
}

#[test]
fn unknown_facts_are_refused() {
    for (name, text) in SOURCES {
        let text = text.replacen("id =", "encoder = 1\nid =", 1);
        let e = toml::from_str::<Board>(&text).unwrap_err();
        assert!(e.message().contains("encoder"), "{name}: {e}");
    }
}

#[test]
fn each_impossible_fact_is_named() {
    type Spoil = fn(&mut Board);
    let cases: [(&str, Spoil); 16] = [
        ("id", |b| b.id = "Pi 4".into()),
        ("id", |b| b.id = String::new()),
        ("title", |b| b.title = "\n".into()),
        ("models", |b| b.models.push(String::new())),
        ("compatible", |b| b.compatible.push("rpi".into())),
        ("encoders", |b| b.encoders.clear()),
        ("encoders", |b| b.encoders.push("x264enc ! fakesink".into())),
        ("encoders", |b| b.encoders.push("x264enc".into())),
        ("led.chip", |b| b.led.as_mut().unwrap().chip.clear()),
        ("button.chip", |b| {
            b.button.as_mut().unwrap().chip = "x".repeat(32);
        }),
        ("led.line", |b| b.led.as_mut().unwrap().line = 5000),
        ("led and button", |b| b.led = b.button.clone()),
        ("led_class", |b| b.led_class.push("../../x".into())),
        ("thermal.sensor", |b| {
            b.thermal.as_mut().unwrap().sensor = "temp".into();
        }),
        ("thermal.soft_c", |b| {
            b.thermal.as_mut().unwrap().soft_c = 85.0;
        }),
        ("thermal.soft_c", |b| {
            b.thermal.as_mut().unwrap().limit_c = f32::NAN;
        }),
    ];
    for (key, spoil) in cases {
        let mut board = by_id("rpi4").unwrap().clone();
        assert_eq!(board.check(), Ok(()));
        spoil(&mut board);
        let clause = board.check().unwrap_err();
        assert!(clause.starts_with(key), "{key}: {clause}");
    }
}

#[test]
fn known_models_are_recognised_by_their_text_alone() {
    for (model, id) in [
        ("Raspberry Pi 3 Model B Plus Rev 1.3\0", "rpi3"),
        ("Raspberry Pi Compute Module 3 Plus Rev 1.0", "rpi3"),
        ("Raspberry Pi 4 Model B Rev 1.4\0", "rpi4"),
        ("Raspberry Pi 400 Rev 1.0", "rpi4"),
        ("Raspberry Pi Compute Module 4 Rev 1.1", "rpi4"),
        ("Raspberry Pi 5 Model B Rev 1.0", "rpi5"),
        ("Raspberry Pi 500 Rev 1.0", "rpi5"),
        ("Raspberry Pi Zero 2 W Rev 1.0", "rpi-zero2w"),
        ("linux,dummy-virt", "qemu-virt"),
        ("Radxa ROCK 5B", "generic-arm64"),
        ("", "generic-arm64"),
    ] {
        assert_eq!(detect(Some(model)).id, id, "{model}");
    }
    let without = detect(None).id;
    assert_eq!(without == "generic", !cfg!(target_arch = "aarch64"));
}

#[test]
fn compatible_counts_before_the_model_and_says_why() {
    for (compatible, id) in [
        (["raspberrypi,model-zero-2-w", "brcm,bcm2837"], "rpi-zero2w"),
        (["raspberrypi,3-model-b-plus", "brcm,bcm2837"], "rpi3"),
        (["raspberrypi,4-model-b", "brcm,bcm2711"], "rpi4"),
        (["raspberrypi,4-compute-module", "brcm,bcm2711"], "rpi4"),
        (["raspberrypi,5-model-b", "brcm,bcm2712"], "rpi5"),
        // The chip alone says nothing of LEDs and lines.
        (["kunbus,revpi-connect-se", "brcm,bcm2711"], "generic-arm64"),
    ] {
        let seen = recognise(&traces(Some("Box 1"), &compatible));
        assert_eq!(seen.board.id, id, "{compatible:?}");
    }
    let pi = traces(
        Some("Raspberry Pi 4 Model B Rev 1.4"),
        &["raspberrypi,4-model-b", "brcm,bcm2711"],
    );
    assert_eq!(
        recognise(&pi).why,
        "the device tree says raspberrypi,4-model-b (\"Raspberry Pi 4 Model B Rev 1.4\")"
    );
    // A text that was changed (some images do) fools nobody.
    let renamed = traces(Some("Raspberry Pi 3"), &["raspberrypi,5-model-b"]);
    assert_eq!(recognise(&renamed).board.id, "rpi5");
    let virt = recognise(&traces(Some("linux,dummy-virt"), &["linux,dummy-virt"]));
    assert_eq!(virt.why, "the device tree says linux,dummy-virt");
}

#[test]
fn a_fall_back_says_what_it_went_by() {
    let unknown = recognise(&traces(Some("Radxa ROCK 5B"), &["radxa,rock-5b"]));
    assert_eq!(unknown.board.id, "generic-arm64");
    assert!(unknown.why.contains("no profile knows \"Radxa ROCK 5B\""));
    let pc = Traces {
        product: Some("Maker Model 7".into()),
        processor: "x86_64".into(),
        ..Traces::default()
    };
    let seen = recognise(&pc);
    assert_eq!(seen.board.id, "generic");
    assert_eq!(
        seen.why,
        "there is no device tree; it calls itself \"Maker Model 7\", with a processor of the kind x86_64"
    );
}

#[test]
fn traces_are_read_bounded_and_cleaned() {
    let root = tempfile::tempdir().unwrap();
    let put = |path: &str, bytes: &[u8]| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let empty = Traces::read(root.path());
    assert_eq!((empty.model, empty.product), (None, None));
    put(
        "proc/device-tree/model",
        b"Raspberry Pi 4 Model B Rev 1.5\0",
    );
    put(
        "proc/device-tree/compatible",
        b"raspberrypi,4-model-b\0brcm,bcm2711\0",
    );
    put("sys/class/dmi/id/sys_vendor", b"Maker\n");
    put("sys/class/dmi/id/product_name", b"Model \x1b[31m7\n");
    let seen = Traces::read(root.path());
    assert_eq!(
        seen.model.as_deref(),
        Some("Raspberry Pi 4 Model B Rev 1.5")
    );
    assert_eq!(seen.compatible, ["raspberrypi,4-model-b", "brcm,bcm2711"]);
    assert_eq!(seen.product.as_deref(), Some("Maker Model [31m7"));
    assert_eq!(recognise(&seen).board.id, "rpi4");
    put("proc/device-tree/model", &[0xff; 100_000]);
    put("proc/device-tree/compatible", &[b'a'; 100_000]);
    let wild = Traces::read(root.path());
    assert!(wild.model.unwrap().chars().count() <= 256);
    assert!(wild.compatible[0].len() <= 4096);
}

#[test]
fn a_profile_of_ones_own_is_read_and_what_is_wrong_with_it_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    let good = SOURCES[4].1.replace("\"rpi4\"", "\"mine\"");
    fs::write(&file, &good).unwrap();
    assert_eq!(read_file(&file).unwrap().id, "mine");
    for (text, said) in [
        ("id = 7\n".to_owned(), "is no board profile: line 1"),
        (
            good.replace("id = \"mine\"", "ids = \"mine\""),
            "is no board profile: line 2",
        ),
        (
            good.replace("line = 27", "line = 17"),
            "is no board profile: led and button share a line",
        ),
        ("#".repeat(70_000), "is longer than 64 KiB"),
    ] {
        fs::write(&file, text).unwrap();
        let clause = read_file(&file).unwrap_err();
        assert!(clause.starts_with(said), "{clause}");
    }
    let clause = read_file(&folder.path().join("not there")).unwrap_err();
    assert!(clause.starts_with("cannot be read: no such"), "{clause}");
    assert_eq!(read_file(folder.path()).unwrap_err(), "is no file");
    let pipe = std::ffi::CString::new(folder.path().join("pipe").to_str().unwrap()).unwrap();
    // SAFETY: the path ends in NUL and lives through the call.
    assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
    let pipe = folder.path().join("pipe");
    assert_eq!(
        read_file(&pipe).unwrap_err(),
        "is no file",
        "and nobody waits for it"
    );
}

#[test]
fn a_pi_5_never_waits_for_a_hardware_encoder() {
    let pi5 = detect(Some("Raspberry Pi 5"));
    assert_eq!(pi5.encoders, ["x264enc", "openh264enc"]);
    assert_eq!(pi5.default_profile, Some(Profile::P720));
    assert_eq!(
        detect(Some("Raspberry Pi Zero 2 W")).default_profile,
        Some(Profile::P480)
    );
}
