//! Tests of everything about cameras that needs no camera.

use super::find::find_in;
use super::*;

fn who(driver: &str, caps: u32) -> Capability {
    Capability {
        driver: driver.into(),
        card: String::new(),
        bus: String::new(),
        caps,
    }
}

#[test]
fn only_real_sources_are_cameras() {
    // Streaming and extended formats are set by every driver.
    const BASE: u32 = 0x0420_0000;
    for (driver, caps, expected) in [
        ("uvcvideo", BASE | 0x1, Ok(Queue::Capture)),
        (
            "vivid",
            BASE | 0x1 | 0x1_0000 | 0x0100_0000,
            Ok(Queue::Capture),
        ),
        ("rkisp_v5", BASE | 0x1000, Ok(Queue::CaptureMplane)),
        ("unicam", BASE | 0x1, Ok(Queue::Capture)),
        ("uvcvideo", BASE | 0x0080_0000, Err("a metadata stream")),
        (
            "bcm2835-codec",
            BASE | 0x4000,
            Err("an encoder, decoder or converter"),
        ),
        (
            "vim2m",
            BASE | 0x8000,
            Err("an encoder, decoder or converter"),
        ),
        ("v4l2 loopback", BASE | 0x3, Ok(Queue::Capture)),
        ("vivid", BASE | 0x2, Err("a video output")),
        (
            "bcm2835-isp",
            BASE | 0x1,
            Err("the board's image processor"),
        ),
        ("pispbe", BASE | 0x1000, Err("the board's image processor")),
        (
            "rp1-cfe",
            BASE | 0x2000_0001,
            Err("a CSI receiver, which libcamera drives"),
        ),
        ("vivid", BASE | 0x10, Err("not a video source")),
    ] {
        assert_eq!(role(&who(driver, caps)), expected, "{driver} {caps:#x}");
    }
}

fn camera(id: &str, name: &str, path: &str) -> Camera {
    Camera {
        id: id.into(),
        name: name.into(),
        path: path.into(),
        by_id: Some(id.into()),
        by_path: Some(format!("socket-of-{id}")),
        bus: format!("bus-of-{id}"),
        index: 0,
        driver: "uvcvideo".into(),
        modes: vec![Mode {
            format: PixelFormat::Yuyv,
            width: 640,
            height: 480,
            fps: (30, 1),
        }],
        in_use: None,
        signal: Signal::Steady,
    }
}

fn two() -> Scan {
    Scan {
        cameras: vec![
            camera("usb-A", "HD Webcam C920", "/dev/video0"),
            camera("usb-B", "HD Webcam C930", "/dev/video2"),
        ],
        failed: vec![(
            "/dev/video4".into(),
            open_error(
                Path::new("/dev/video4"),
                "The camera C (/dev/video4)",
                io::Error::from_raw_os_error(libc::EACCES),
            ),
        )],
        others: vec![("/dev/video1".into(), "a metadata stream")],
    }
}

#[test]
fn a_camera_is_found_by_every_name_that_it_has() {
    for wanted in [
        "usb-B",
        "/dev/v4l/by-id/usb-B",
        "socket-of-usb-B",
        "/dev/v4l/by-path/socket-of-usb-B",
        "bus-of-usb-B",
        "/dev/video2",
        "c930",
        " C930 ",
    ] {
        assert_eq!(find_in(two(), wanted).unwrap().id, "usb-B", "{wanted}");
    }
    assert_eq!(find_in(two(), "").unwrap().id, "usb-A");
}

#[test]
fn what_cannot_be_found_is_said_with_what_is_there() {
    let report = |wanted| find_in(two(), wanted).unwrap_err().report();
    assert_eq!(
        report("C922"),
        "There is no camera \"C922\". Set video.device to what is there: \
         usb-A (HD Webcam C920), usb-B (HD Webcam C930)."
    );
    assert_eq!(
        report("webcam"),
        "\"webcam\" fits 2 cameras. Use one of their ids: usb-A, usb-B."
    );
    assert!(report("/dev/video1").starts_with("/dev/video1 is no camera but a metadata stream."));
    assert_eq!(
        report("/dev/video4"),
        "The camera C (/dev/video4) may not be opened by this user. \
         Add the user to the group video: adduser USER video, then log in again."
    );
    let none = find_in(Scan::default(), "").unwrap_err();
    assert_eq!(none.kind(), Kind::NotFound);
    assert_eq!(none.report(), "There is no camera. Plug one in.");
}

#[test]
fn the_default_skips_cameras_without_a_picture_and_those_in_use() {
    let mut infrared = camera("a", "IR", "/dev/video0");
    infrared.modes[0].format = PixelFormat::Other(*b"Y10 ");
    let mut busy = camera("b", "Busy", "/dev/video1");
    busy.in_use = Some("the program obs (process 7)".into());
    let mut all = [infrared, busy, camera("c", "Free", "/dev/video2")];
    name_and_sort(&mut all);
    let order: Vec<&str> = all.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(order, ["c", "b", "a"]);
    assert_eq!(
        all[1].busy().unwrap().report(),
        "The camera Busy is used by the program obs (process 7). End that program, or choose another camera."
    );
    assert!(all[0].busy().is_none());
}

#[test]
fn errors_of_opening_become_sentences() {
    let say = |errno| {
        let e = open_error(
            Path::new("/dev/video77"),
            "The camera X",
            io::Error::from_raw_os_error(errno),
        );
        (e.kind(), e.report())
    };
    assert_eq!(
        say(libc::EBUSY),
        (
            Kind::InUse,
            "The camera X is used by another program. End that program, or choose another camera."
                .into()
        )
    );
    assert_eq!(say(libc::EACCES).0, Kind::Permission);
    assert_eq!(say(libc::ENODEV).0, Kind::NotFound);
    assert_eq!(
        say(libc::ENOTTY),
        (
            Kind::Unsupported,
            "/dev/video77 is not a video device.".into()
        )
    );
    assert!(
        say(libc::EIO)
            .1
            .starts_with("The camera X could not be opened: ")
    );
}

#[test]
fn nodes_are_taken_by_number_and_named_from_sysfs() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("dev")).unwrap();
    for name in ["video10", "video2", "video0", "videodev", "vbi0", "video"] {
        fs::write(root.path().join("dev").join(name), "").unwrap();
    }
    let sys = root.path().join("sys/class/video4linux/video2");
    fs::create_dir_all(&sys).unwrap();
    fs::write(sys.join("name"), "UVC Camera\n").unwrap();
    let found = nodes(root.path());
    let names: Vec<_> = found.iter().filter_map(|p| p.file_name()).collect();
    assert_eq!(names, ["video0", "video2", "video10"]);
    assert_eq!(
        title_of(root.path(), &found[1]),
        format!("The camera UVC Camera ({})", found[1].display())
    );
    assert_eq!(
        title_of(root.path(), &found[0]),
        format!("The camera {}", found[0].display())
    );
}

#[test]
fn the_real_machine_is_looked_at_without_harm() {
    let seen = scan();
    let present = nodes(Path::new("/")).len();
    assert_eq!(
        seen.cameras.len() + seen.failed.len() + seen.others.len(),
        present,
        "each node is accounted for: {seen:?}"
    );
    let e = find("no camera has this name").unwrap_err();
    assert_eq!(e.kind(), Kind::NotFound);
    assert_eq!(
        list_controls(Path::new("/dev/video-none"))
            .unwrap_err()
            .kind(),
        Kind::NotFound
    );
}
