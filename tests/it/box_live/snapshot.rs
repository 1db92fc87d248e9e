//! Pictures of what is on air: what is in them, what they cost, and that nobody notices.

use std::process::Command;
use std::time::{Duration, Instant};

use boothcast::media::access_unit::Track;
use boothcast::media::output::snapshot::{self, Jpeg};

use super::in_process::{InProcess, camera_up};
use crate::support::the_box::run_to_end;
use crate::support::wait_for;

const LIMIT: Duration = Duration::from_secs(20);

/// A box whose picture is up, with these keys.
fn up(extra: &[&str]) -> InProcess {
    let it = InProcess::start(extra);
    wait_for("the picture", LIMIT, || camera_up(&it.app.status));
    it
}

/// The picture as RGB, as ffmpeg decodes it.
pub fn rgb(jpeg: &Jpeg, dir: &std::path::Path) -> Vec<[u8; 3]> {
    let (file, out) = (dir.join("x.jpg"), dir.join("x.rgb"));
    std::fs::write(&file, &jpeg.data).unwrap();
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y", "-i"]).arg(&file);
    command
        .args(["-f", "rawvideo", "-pix_fmt", "rgb24"])
        .arg(&out);
    let (code, _, err) = run_to_end(&mut command, LIMIT);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let bytes = std::fs::read(&out).unwrap();
    assert_eq!(bytes.len(), (jpeg.width * jpeg.height * 3) as usize);
    bytes.chunks(3).map(|c| [c[0], c[1], c[2]]).collect()
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn a_snapshot_shows_the_picture_in_its_colours_and_no_larger_than_asked() {
    let it = up(&["video.test_pattern=smpte100"]);
    let dir = tempfile::tempdir().unwrap();
    let jpeg = snapshot::take(&it.app.main, 1280).unwrap();
    assert_eq!((jpeg.width, jpeg.height), (854, 480), "never up");
    let picture = rgb(&jpeg, dir.path());
    let at = |x: u32, y: u32| picture[(y * 854 + x) as usize];
    // The bars of SMPTE at 100 %, in the middle of each: white, yellow, cyan, green, magenta, red, blue.
    let bars: [[u8; 3]; 7] = [
        [255, 255, 255],
        [255, 255, 0],
        [0, 255, 255],
        [0, 255, 0],
        [255, 0, 255],
        [255, 0, 0],
        [0, 0, 255],
    ];
    for (n, bar) in (0..).zip(bars) {
        let found = at(854 * (2 * n + 1) / 14, 200);
        let off = (0..3).map(|i| found[i].abs_diff(bar[i])).max().unwrap();
        assert!(off < 24, "bar {n} is {found:?} instead of {bar:?}");
    }
    let small = snapshot::take(&it.app.main, 101).unwrap();
    assert_eq!((small.width, small.height), (100, 56));
    assert_eq!(rgb(&small, dir.path()).len(), 5600);
    it.stop();
}

#[test]
fn fifty_snapshots_leave_nothing_behind() {
    let it = up(&[]);
    let take = || snapshot::take(&it.app.main, 320).unwrap();
    // What is made once (plug-ins, pools of threads) is made by the first ones.
    (0..3).for_each(|_| drop(take()));
    let settled = || {
        let mut last = (threads(), descriptors());
        wait_for("quiet", LIMIT, || {
            std::thread::sleep(Duration::from_millis(300));
            let now = (threads(), descriptors());
            let same = now == last;
            last = now;
            same.then_some(now)
        })
    };
    let before = settled();
    (0..50).for_each(|_| drop(take()));
    // The box itself makes and ends a few all the time; one that is left by each snapshot would be fifty.
    wait_for("as few threads and files as before", LIMIT, || {
        let after = settled();
        (after.0 <= before.0 + 5 && after.1 <= before.1 + 5).then_some(())
    });
    assert!(
        it.app
            .main
            .consumers()
            .iter()
            .all(|(name, _)| name != "snapshot"),
        "a consumer is left"
    );
    it.stop();
}

#[test]
fn twenty_snapshots_do_not_disturb_the_stream() {
    let it = up(&[]);
    let witness = it.listen();
    let begun = Instant::now();
    let mut taken = 0;
    while taken < 20 {
        snapshot::take(&it.app.main, 640).unwrap();
        taken += 1;
    }
    let span = begun.elapsed();
    let main = it.app.main.clone();
    it.stop();
    drop(main);
    let units = witness.join().unwrap();
    let video: Vec<_> = units
        .iter()
        .filter(|(_, u)| u.track == Track::Video)
        .collect();
    for pair in video.windows(2) {
        let step = pair[1].1.pts - pair[0].1.pts;
        // 30 pictures a second: one that is missing would make a step of 67 ms.
        assert!(step < 60_000_000, "a step of {step} ns");
    }
    let fewest = span.as_millis() as usize * 30 / 1000 * 9 / 10;
    assert!(video.len() > fewest, "{} pictures in {span:?}", video.len());
}
