//! Programme and clean picture: what is drawn is on `/main`, and on `/sub` only where it is not to be clean.

use std::process::Command as Program;
use std::time::Duration;

use super::in_process::{InProcess, camera_up, main_encoder};
use super::words::{banner, bright, command};
use crate::support::the_box::run_to_end;
use crate::support::wait_for;

const LIMIT: Duration = Duration::from_secs(20);
/// Of the sub rendition below.
const SIZE: (usize, usize) = (320, 180);

/// Per frame of `seconds` of a mount, as a player sees them, the bright share of the upper and of the lower third, per mille.
fn watched(it: &InProcess, mount: &str, seconds: u32) -> Vec<[usize; 2]> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.rgb");
    let mut ffmpeg = Program::new("ffmpeg");
    let url = format!("rtsp://127.0.0.1:{}/{mount}", it.port);
    ffmpeg.args(["-v", "error", "-rtsp_transport", "tcp", "-i", &url]);
    ffmpeg.args(["-an", "-t", &seconds.to_string()]);
    ffmpeg.args(["-vf", &format!("scale={}:{}", SIZE.0, SIZE.1)]);
    ffmpeg.args(["-f", "rawvideo", "-pix_fmt", "rgb24"]);
    let (code, _, err) = run_to_end(ffmpeg.arg(&file), LIMIT);
    assert_eq!(code, Some(0), "{err}");
    let bytes = std::fs::read(&file).unwrap();
    let frames = bytes.chunks_exact(SIZE.0 * SIZE.1 * 3).map(|frame| {
        let picture: Vec<_> = frame.chunks(3).map(|c| [c[0], c[1], c[2]]).collect();
        bright(&picture)
    });
    frames.collect()
}

fn box_with(clean: bool) -> InProcess {
    let it = InProcess::start(&[
        "video.test_pattern=black",
        "sub.enabled=true",
        &format!("sub.clean={clean}"),
        "sub.width=320",
        "sub.height=180",
    ]);
    wait_for("the picture", LIMIT, || camera_up(&it.app.status));
    wait_for("the encoder", LIMIT, || main_encoder(&it.app.status));
    command(&it, banner("Spring sale, 50 % off everything, today only"));
    // A new reader begins with the last keyframe, which may be older than the line.
    wait_for("the line on /main", LIMIT, || {
        let last = *watched(&it, "main", 1).last()?;
        (last[1] > 5).then_some(())
    });
    it
}

#[test]
fn a_clean_sub_rendition_has_the_picture_and_nothing_that_is_drawn() {
    let it = box_with(true);
    let sub = watched(&it, "sub", 4);
    let main = watched(&it, "main", 1);
    it.stop();
    assert!(main.iter().all(|[_, bottom]| *bottom > 5), "{main:?}");
    // Longer than the time between two keyframes, so that the reader has seen pictures of now.
    assert!(sub.len() >= 30, "{} frames", sub.len());
    assert!(sub.iter().all(|b| *b == [0, 0]), "{sub:?}");
}

#[test]
fn a_sub_rendition_that_is_not_clean_has_what_main_has() {
    let it = box_with(false);
    wait_for("the line on /sub", LIMIT, || {
        let last = *watched(&it, "sub", 1).last()?;
        (last[1] > 5).then_some(())
    });
    it.stop();
}
