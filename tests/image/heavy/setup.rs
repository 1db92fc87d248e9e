//! A new box is told what it is: by a code before its camera, by its page; its screen shows the way.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::harness::{Scene, Slot, Wish, figure, folder, frames, run};
use crate::support::the_box::run_to_end;

/// A small picture without a password; nothing in it claims the box.
const QUIET: &str = "[encode]\nprofile = \"custom\"\nwidth = 320\nheight = 180\nfps = 10\nbitrate = \"400k\"\n\n[rtsp]\nauth = \"none\"\n\n";

/// The camera is a file on the boot partition in which somebody holds up the code.
#[test]
fn a_new_box_goes_live_by_a_code_before_its_camera() {
    let mut scene = Scene::flashed(&Wish::default(), |disk, outside| {
        let key = folder().join("key.txt");
        std::fs::write(&key, "a-key-in-a-code\n").unwrap();
        secret(&key);
        let url = format!("rtmp://{}:{}/live", crate::harness::OUTSIDE, outside.rtmp);
        let code = qr(&[
            "box",
            "--name",
            "Told by a code",
            "--url",
            &url,
            "--key-file",
            key.to_str().unwrap(),
        ]);
        disk.put_file("code.mkv", &held_up(&code));
        QUIET.to_owned() + "[video]\nsource = \"file\"\nfile = \"/boot/firmware/code.mkv\"\n"
    });
    assert_eq!(scene.machine.wait_up(), Slot::A);
    let begun = Instant::now();
    scene
        .machine
        .wait_status("the box to be claimed", Duration::from_secs(180), |s| {
            (s["setup"]["claimed"] == true).then_some(())
        });
    crate::support::wait_for("pictures over RTMP", Duration::from_secs(180), || {
        (scene.peer.seen().pictures.len() > 20).then_some(())
    });
    figure(
        "code before the camera: running to live",
        &format!("{:.0} s", begun.elapsed().as_secs_f64()),
    );
    scene
        .machine
        .wait_status("its name", Duration::from_secs(60), |s| {
            (s["name"] == "Told by a code").then_some(())
        });
    // A code is not for everybody to read afterwards.
    let journal = scene.machine.sh("journalctl -b --no-pager -o cat");
    assert!(
        !journal.contains("a-key-in-a-code"),
        "the key is in the journal"
    );
}

/// Nobody has told this box anything: page and screen say how.
#[test]
fn a_new_box_shows_its_page_and_a_picture_on_its_screen() {
    let wish = Wish {
        screen: true,
        ..Wish::default()
    };
    let mut scene = Scene::flashed(&wish, |_, _| QUIET.to_owned());
    assert_eq!(scene.machine.wait_up(), Slot::A);
    scene.machine.wait_status(
        "the box to wait for its set-up",
        Duration::from_secs(60),
        |s| (s["health"]["led"] == "set_up").then_some(()),
    );
    let waits = scene.machine.light(Duration::from_secs(6));
    assert!(
        (0.3..0.7).contains(&waits.on),
        "500 ms on and off: {waits:?}"
    );
    let page = page().expect("the page of set-up");
    assert!(
        page.contains("<form") && page.to_lowercase().contains("wi-fi"),
        "{page}"
    );
    let end = Instant::now() + Duration::from_secs(60);
    let code = loop {
        if let Some(code) = code_on(&scene.machine.screen()) {
            break code;
        }
        assert!(Instant::now() < end, "no QR code on the screen");
        std::thread::sleep(Duration::from_secs(2));
    };
    assert!(code.starts_with("http://"), "{code}");
    figure("code on the screen", &code);
    assert!(
        frames(&scene.url(), 5, (64, 36), Duration::from_secs(60)).is_some(),
        "no stream"
    );
}

fn page() -> Option<String> {
    let mut peer = TcpStream::connect(("127.0.0.1", 80)).ok()?;
    peer.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    // The host is the address that the guest has: the page takes requests for the box's own names only.
    peer.write_all(b"GET / HTTP/1.1\r\nHost: 10.0.2.15\r\nConnection: close\r\n\r\n")
        .ok()?;
    let mut text = String::new();
    peer.take(1 << 20).read_to_string(&mut text).ok()?;
    text.starts_with("HTTP/1.1 200").then_some(text)
}

/// What the code says that is on a picture.
fn code_on(picture: &image::RgbImage) -> Option<String> {
    let grey = image::DynamicImage::ImageRgb8(picture.clone()).into_luma8();
    let (width, height) = (grey.width() as usize, grey.height() as usize);
    let mut seen = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
        grey.get_pixel(u32::try_from(x).unwrap(), u32::try_from(y).unwrap())
            .0[0]
    });
    seen.detect_grids()
        .iter()
        .find_map(|g| g.decode().ok())
        .map(|(_, text)| text)
}

/// A code of the host's own program, as a picture.
fn qr(args: &[&str]) -> PathBuf {
    let out = folder().join("code.png");
    let _ = std::fs::remove_file(&out);
    let mut command = Command::new(env!("CARGO_BIN_EXE_boothcast"));
    command.arg("qr").args(args).arg("--out").arg(&out);
    let (code, _, err) = run_to_end(&mut command, Duration::from_secs(60));
    assert_eq!(code, Some(0), "{err}");
    out
}

/// A few seconds of video in which the code is held up, small and a little tilted, before a grey wall.
fn held_up(code: &Path) -> PathBuf {
    let out = folder().join("code.mkv");
    let filter = "scale=400:-1,rotate=0.06:ow=460:oh=460:c=gray,pad=640:480:(ow-iw)/2:(oh-ih)/2:gray,format=yuvj420p";
    run(
        "ffmpeg",
        &[
            "-v",
            "error",
            "-nostdin",
            "-y",
            "-loop",
            "1",
            "-framerate",
            "10",
            "-i",
            code.to_str().unwrap(),
            "-t",
            "6",
            "-vf",
            filter,
            "-c:v",
            "mjpeg",
            "-q:v",
            "5",
            out.to_str().unwrap(),
        ],
    );
    out
}

fn secret(path: &Path) {
    let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
    std::fs::set_permissions(path, mode).unwrap();
}
