//! The analysis can say no: pictures made by hand, right ones and wrong ones.

use std::io::Write;
use std::process::{Command, Stdio};

use super::analysis::{Analysis, Report, Setup, chroma};

const WIDE: usize = 640;
const TALL: usize = 96;
const FPS: f64 = 30.0;
const FRAMES: usize = 240;
pub const COLOURS: [[u8; 3]; 6] = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [255, 255, 0],
    [255, 0, 255],
    [0, 255, 255],
];

fn setup() -> Setup {
    Setup {
        width: WIDE,
        height: TALL,
        fps: FPS,
        lanes: vec![(0, 48), (48, 48)],
        colours: COLOURS.to_vec(),
    }
}

/// A block: lane, left edge, width, colour.
type Block = (usize, i64, i64, usize);

fn picture(blocks: &[Block]) -> Vec<u8> {
    let mut out = vec![128; WIDE * TALL * 3 / 2];
    let (luma, planes) = out.split_at_mut(WIDE * TALL);
    for lane in 0..2 {
        let mut columns = [None; WIDE];
        for &(_, x, width, colour) in blocks.iter().filter(|b| b.0 == lane) {
            for column in x.clamp(0, WIDE as i64)..(x + width).clamp(0, WIDE as i64) {
                columns[usize::try_from(column).unwrap()] = Some(COLOURS[colour]);
            }
        }
        let grey: Vec<u8> = columns
            .iter()
            .map(|c| if c.is_some() { 150 } else { 128 })
            .collect();
        for row in lane * 48 + 6..lane * 48 + 42 {
            luma[row * WIDE..][..WIDE].copy_from_slice(&grey);
        }
        for plane in 0..2 {
            let value = |two: &[Option<[u8; 3]>]| {
                let sum: f64 = two.iter().flatten().map(|c| chroma(*c)[plane]).sum();
                (128.0 + sum / 2.0).round() as u8
            };
            let halved: Vec<u8> = columns.chunks(2).map(value).collect();
            for row in lane * 24 + 3..lane * 24 + 21 {
                let at = plane * WIDE * TALL / 4 + row * WIDE / 2;
                planes[at..][..WIDE / 2].copy_from_slice(&halved);
            }
        }
    }
    out
}

/// Three comments in two lanes, as they should be in a frame.
fn blocks(n: usize) -> Vec<Block> {
    let at = |begin: f64, speed: f64| WIDE as f64 - speed * (n as f64 / FPS - begin);
    let block = |lane, begin, width, colour| {
        let speed = (WIDE as f64 + f64::from(width)) / 4.0;
        (
            lane,
            at(begin, speed).round() as i64,
            i64::from(width),
            colour,
        )
    };
    vec![
        block(0, 0.5, 120, 0),
        block(0, 1.6, 90, 3),
        block(1, 0.7, 201, 2),
    ]
}

/// Looks at all frames as `change` leaves them: it may change the blocks, and the frame's number that its time follows from, or
/// leave the frame out.
fn look(change: impl Fn(usize, &mut Vec<Block>) -> Option<usize>) -> Report {
    let mut analysis = Analysis::new(setup());
    for n in 0..FRAMES {
        let mut all = blocks(n);
        if let Some(number) = change(n, &mut all) {
            analysis.frame(number as f64 / FPS, &picture(&all));
        }
    }
    analysis.finish()
}

#[test]
fn what_is_right_has_no_fault() {
    let report = look(|n, _| Some(n));
    assert!(report.faults.is_empty(), "{report:?}");
    assert_eq!(
        (report.frames, report.crossed, report.entered),
        (FRAMES, 3, 3)
    );
    assert_eq!(report.at_once, 3);
    // Rounded to pixels: off by half of one at most.
    assert!((0.3..0.6).contains(&report.off_line), "{report:?}");
}

#[test]
fn an_overlap_is_seen() {
    // The second one runs faster and catches up: in another colour, and in the same.
    for colour in [3, 0] {
        let report = look(|n, all| {
            all[1].3 = colour;
            all[1].1 -= 3 * (n as i64 - 60).max(0);
            Some(n)
        });
        assert!(!report.faults.is_empty(), "{colour}");
    }
    // For a single frame, and by four pixels.
    let report = look(|n, all| {
        if n == 80 {
            all[1].1 = all[0].1 + all[0].2 - 4;
        }
        Some(n)
    });
    assert!(
        report.faults.iter().any(|f| f.contains("share")),
        "{report:?}"
    );
}

#[test]
fn a_lost_frame_is_seen() {
    for several in [1, 2, 10] {
        let report = look(|n, _| (!(100..100 + several).contains(&n)).then_some(n));
        assert_eq!(report.lost, several);
        // What runs by its time is on its line still.
        assert!(report.faults.is_empty(), "{report:?}");
    }
    let back = look(|n, _| Some(if n == 100 { 99 } else { n }));
    assert!(
        back.faults.iter().any(|f| f.contains("frame times")),
        "{back:?}"
    );
    // Shown twice in place of the next.
    let again = look(|n, all| {
        if n == 100 {
            *all = blocks(99);
        }
        Some(n)
    });
    assert!(
        again.faults.iter().any(|f| f.contains("off its line")),
        "{again:?}"
    );
}

#[test]
fn a_jump_of_two_pixels_in_one_frame_is_seen() {
    let report = look(|n, all| {
        if n == 100 {
            all[2].1 += 2;
        }
        Some(n)
    });
    assert!(
        report
            .faults
            .iter()
            .any(|f| f.contains("lane 1") && f.contains("off its line")),
        "{report:?}"
    );
    assert_eq!(report.faults.len(), 1);
}

#[test]
fn a_stutter_and_an_uneven_pace_are_seen() {
    let stutter = look(|n, all| {
        *all = blocks(n / 2 * 2);
        Some(n)
    });
    assert!(stutter.off_line > 1.0, "{stutter:?}");
    let uneven = look(|n, all| {
        all[0].1 += (4.0 * (n as f64 / 20.0).sin()) as i64;
        Some(n)
    });
    assert!(uneven.off_line > 1.0, "{uneven:?}");
}

#[test]
fn what_comes_or_goes_in_the_middle_is_seen() {
    let comes = look(|n, all| {
        if n < 60 {
            all.remove(0);
        }
        Some(n)
    });
    assert!(
        comes.faults.iter().any(|f| f.contains("begins at")),
        "{comes:?}"
    );
    let goes = look(|n, all| {
        if n > 60 {
            all.remove(0);
        }
        Some(n)
    });
    assert!(
        goes.faults.iter().any(|f| f.contains("is gone")),
        "{goes:?}"
    );
    let grows = look(|n, all| {
        all[0].2 += (n as i64 - 60).clamp(0, 10);
        Some(n)
    });
    assert!(
        grows.faults.iter().any(|f| f.contains("pixels wide")),
        "{grows:?}"
    );
}

#[test]
fn what_an_encoder_does_to_the_picture_does_not_matter() {
    let size = format!("{WIDE}x{TALL}");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args([
        "-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-r", "30",
    ]);
    ffmpeg.args([
        "-s", &size, "-i", "pipe:0", "-c:v", "libx264", "-preset", "veryfast",
    ]);
    let dir = tempfile::tempdir().unwrap();
    let (coded, plain) = (dir.path().join("x.h264"), dir.path().join("x.yuv"));
    let mut child = ffmpeg
        .args(["-tune", "zerolatency", "-b:v", "500k"])
        .arg(&coded)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for n in 0..FRAMES {
        stdin.write_all(&picture(&blocks(n))).unwrap();
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
    let mut decode = Command::new("ffmpeg");
    decode.args(["-v", "error", "-i"]).arg(&coded);
    decode
        .args(["-f", "rawvideo", "-pix_fmt", "yuv420p"])
        .arg(&plain);
    assert!(decode.status().unwrap().success());
    let bytes = std::fs::read(&plain).unwrap();
    let mut analysis = Analysis::new(setup());
    for (n, frame) in bytes.chunks_exact(WIDE * TALL * 3 / 2).enumerate() {
        analysis.frame(n as f64 / FPS, frame);
    }
    let report = analysis.finish();
    assert!(report.faults.is_empty(), "{report:?}");
    assert_eq!((report.frames, report.crossed), (FRAMES, 3));
    println!("{report:?}");
}
