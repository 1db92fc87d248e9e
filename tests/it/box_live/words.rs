//! Words on the picture, from the command to the decoded frame.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::Command as Program;
use std::time::Duration;

use serde_json::json;

use boothcast::device::command::{Command, Origin};
use boothcast::device::notice::Banner;
use boothcast::media::access_unit::Track;
use boothcast::media::output::snapshot;

use super::in_process::{InProcess, camera_up, main_encoder};
use super::snapshot::rgb;
use crate::support::the_box::run_to_end;
use crate::support::wait_for;

const LIMIT: Duration = Duration::from_secs(20);

pub fn command(it: &InProcess, command: Command) {
    let said = it
        .runtime
        .block_on(it.app.handle.command(Origin::Cli, command));
    assert!(said.is_ok(), "{said:?}");
}

pub fn banner(text: &str) -> Command {
    Command::OverlayText(Banner {
        text: text.into(),
        seconds: None,
    })
}

/// As a program of this machine asks: the room answers, not the core.
fn notify(it: &InProcess, what: &str) {
    let args = json!({"who": "Mia", "what": what, "platform": "Twitch", "colour": "#ffcc00"});
    let request = json!({"id": "1", "command": {"name": "notify", "args": args}});
    let socket = it.dir.path().join("control.sock");
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    writeln!(stream, "{request}").unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    assert!(answer.contains(r#""state":"shown""#), "{answer}");
}

/// Share of bright pixels in the upper and in the lower third of a picture, per mille.
pub fn bright(picture: &[[u8; 3]]) -> [usize; 2] {
    let third = picture.len() / 3;
    let count = |part: &[[u8; 3]]| {
        let seen = part.iter().filter(|p| p.iter().all(|v| *v > 180));
        seen.count() * 1000 / part.len()
    };
    [count(&picture[..third]), count(&picture[2 * third..])]
}

fn on_air(it: &InProcess) -> [usize; 2] {
    let dir = tempfile::tempdir().unwrap();
    bright(&rgb(
        &snapshot::take(&it.app.main, 3840).unwrap(),
        dir.path(),
    ))
}

/// One frame of a mount, as a player sees it.
fn seen(it: &InProcess, mount: &str) -> [usize; 2] {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.rgb");
    let mut ffmpeg = Program::new("ffmpeg");
    let url = format!("rtsp://127.0.0.1:{}/{mount}", it.port);
    ffmpeg.args(["-v", "error", "-rtsp_transport", "tcp", "-i", &url]);
    ffmpeg.args(["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24"]);
    let (code, _, err) = run_to_end(ffmpeg.arg(&file), LIMIT);
    assert_eq!(code, Some(0), "{err}");
    let bytes = std::fs::read(&file).unwrap();
    let picture: Vec<_> = bytes.chunks(3).map(|c| [c[0], c[1], c[2]]).collect();
    bright(&picture)
}

#[test]
fn words_come_and_go_on_both_renditions_and_no_picture_is_lost() {
    let it = InProcess::start(&[
        "video.test_pattern=black",
        "sub.enabled=true",
        "moderation.mode=free",
    ]);
    wait_for("the picture", LIMIT, || camera_up(&it.app.status));
    wait_for("the encoder", LIMIT, || main_encoder(&it.app.status));
    assert_eq!(on_air(&it), [0, 0]);
    let witness = it.listen();
    command(&it, banner("Spring sale 世界 50 % off"));
    // It stands still once it has come in.
    let line = wait_for("the line", LIMIT, || {
        let [before, now] = [on_air(&it), on_air(&it)];
        assert_eq!(now[0], 0);
        (now[1] > 5 && now == before).then_some(now[1])
    });
    notify(&it, "Greetings from the front row");
    wait_for("the notification above it", LIMIT, || {
        (on_air(&it)[1] >= line + 2).then_some(())
    });
    // A new reader begins with the last keyframe, which may be older than the words.
    wait_for("the words in the small picture", LIMIT, || {
        let [_, bottom] = seen(&it, "sub");
        (bottom > 3).then_some(())
    });
    // Another size: the words come along.
    let small = Command::ProfileSet {
        profile: Some(boothcast::config::Profile::P720),
        bitrate: None,
        video: None,
    };
    command(&it, small);
    wait_for("the words in another size", LIMIT, || {
        let dir = tempfile::tempdir().unwrap();
        let jpeg = snapshot::take(&it.app.main, 3840).ok()?;
        let bright = bright(&rgb(&jpeg, dir.path()));
        (jpeg.width == 1280 && bright[1] > 5).then_some(())
    });
    command(&it, Command::OverlayClear);
    wait_for("a clear picture", LIMIT, || {
        (on_air(&it) == [0, 0]).then_some(())
    });
    it.stop();
    let units = witness.join().unwrap();
    let video: Vec<_> = units
        .iter()
        .map(|(_, u)| u)
        .filter(|u| u.track == Track::Video)
        .collect();
    let width = |u: &boothcast::media::access_unit::AccessUnit| match &*u.format {
        boothcast::media::access_unit::Format::H264 { width, .. } => *width,
        boothcast::media::access_unit::Format::Aac { .. } => 0,
    };
    for pair in video.windows(2) {
        // A new encoder session for the other size is a gap of its own.
        if width(pair[0]) == width(pair[1]) && width(pair[0]) == 854 {
            let step = pair[1].pts - pair[0].pts;
            assert!(step < 60_000_000, "a step of {step} ns");
        }
    }
    assert!(video.len() > 60, "{} pictures", video.len());
}
