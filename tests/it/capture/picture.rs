//! The test picture, other patterns, the slate.

use super::*;

#[test]
fn the_test_picture_says_which_frame_it_is_on_the_exact_grid() {
    for format in [
        FORMAT,
        RawFormat {
            pixel: Pixel::Nv12,
            fps: 25,
            ..FORMAT
        },
    ] {
        let (clock, tape) = (clock(), Tape::default());
        let (capture, ended) = open(&test_picture("clock"), format, &clock, &tape);
        tape.wait_len(2 * format.fps as usize);
        capture.stop();
        let buffers = tape.buffers();
        assert_rising(&tape.pts());
        for buffer in &buffers {
            assert_eq!(buffer.size(), bytes(format));
            let n = (pts(buffer) * u64::from(format.fps)).div_ceil(SECOND);
            assert_eq!(
                pts(buffer),
                n * SECOND / u64::from(format.fps),
                "off the grid"
            );
            let (frame, ms) = strip(buffer, format).unwrap();
            assert_eq!(
                (u64::from(frame), u64::from(ms)),
                (n, pts(buffer) / 1_000_000)
            );
        }
        assert!(ended.all().is_empty());
        let after = tape.len();
        std::thread::sleep(Duration::from_millis(150));
        assert_eq!(tape.len(), after, "frames after stop");
    }
}

#[test]
fn the_strip_survives_h264_at_a_low_bitrate_and_a_smaller_size() {
    let (clock, tape) = (clock(), Tape::default());
    let (capture, _) = open(&test_picture("clock"), FORMAT, &clock, &tape);
    tape.wait_len(20);
    capture.stop();
    let dir = tempfile::tempdir().unwrap();
    let raw = dir.path().join("in.yuv");
    let all: Vec<u8> = tape
        .buffers()
        .iter()
        .take(20)
        .flat_map(|b| b.map_readable().unwrap().to_vec())
        .collect();
    std::fs::write(&raw, all).unwrap();
    let size = [
        "-f",
        "rawvideo",
        "-pix_fmt",
        "yuv420p",
        "-s",
        "640x360",
        "-r",
        "30",
        "-i",
        raw.to_str().unwrap(),
    ];
    let encode = [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-b:v",
        "400k",
        "-vf",
        "scale=426:240",
    ];
    let small = make_file(dir.path(), "a.mp4", &[&size[..], &encode].concat());
    let decode = [
        "-i",
        small.to_str().unwrap(),
        "-pix_fmt",
        "gray",
        "-f",
        "rawvideo",
    ];
    let out = std::fs::read(make_file(dir.path(), "out.gray", &decode)).unwrap();
    let frames: Vec<_> = out
        .chunks_exact(426 * 240)
        .map(|f| read_strip(f, 426, 426, 240))
        .collect();
    assert_eq!(frames.len(), 20);
    for (buffer, got) in tape.buffers().iter().zip(frames) {
        assert_eq!(got, strip(buffer, FORMAT));
    }
}

#[test]
fn other_patterns_come_from_a_real_live_pipeline_and_unknown_ones_are_named() {
    let (clock, tape) = (clock(), Tape::default());
    let (capture, _) = open(&test_picture("ball"), FORMAT, &clock, &tape);
    tape.wait_len(30);
    let now = clock.now().nseconds();
    capture.stop();
    assert_rising(&tape.pts());
    let newest = *tape.pts().last().unwrap();
    assert!(
        newest <= now + SECOND / 10 && newest + SECOND > now,
        "{newest} at {now}"
    );
    assert!(tape.buffers().iter().all(|b| b.size() == bytes(FORMAT)));
    let bad = VideoCapture::open(
        &test_picture("nosuch"),
        FORMAT,
        &clock,
        tape.sink(),
        None,
        faults(&Notes::default()),
        None,
    );
    let text = bad.unwrap_err().report();
    assert!(
        text.contains("\"nosuch\"") && text.contains("video.test_pattern"),
        "{text}"
    );
}

#[test]
fn the_slate_shows_its_texts() {
    clock();
    let config = SlateConfig {
        picture: PathBuf::new(),
    };
    let draw = |config: &SlateConfig, name: &str, sentence: &str, format: RawFormat| {
        let buffer = slate::render(config, name, sentence, format).unwrap();
        assert_eq!(buffer.size(), bytes(format));
        buffer.map_readable().unwrap().to_vec()
    };
    let nv12 = RawFormat {
        pixel: Pixel::Nv12,
        ..FORMAT
    };
    draw(&config, "Stall", "x", nv12);
    if gst::ElementFactory::find("textoverlay").is_none() {
        // Without pango (Debian package gstreamer1.0-x) the slate is plain; the rest cannot be shown here.
        return;
    }
    let a = draw(&config, "A & B <live>", "no picture for 5 s", FORMAT);
    let b = draw(
        &config,
        "A & B <live>",
        "the camera is used by another program",
        FORMAT,
    );
    let empty = draw(&config, "", "", FORMAT);
    let bright = |f: &[u8]| f[..640 * 360].iter().filter(|y| **y > 150).count();
    let differ = |a: &[u8], b: &[u8], lines: std::ops::Range<usize>| {
        let span = lines.start * 640..lines.end * 640;
        a[span.clone()]
            .iter()
            .zip(&b[span])
            .filter(|(a, b)| a.abs_diff(**b) > 40)
            .count()
    };
    assert_eq!(bright(&empty), 0);
    assert!(bright(&a) > 500, "{}", bright(&a));
    assert!(differ(&a, &b, 200..330) > 200, "the sentence is not on it");
    assert_eq!(differ(&a, &b, 60..180), 0, "the name moved");
    assert!(differ(&a, &empty, 60..180) > 300, "the name is not on it");
    let dir = tempfile::tempdir().unwrap();
    let red = make_file(
        dir.path(),
        "red.png",
        &["-f", "lavfi", "-i", "color=red:s=300x300", "-frames:v", "1"],
    );
    let own = SlateConfig { picture: red };
    let c = draw(&own, "x", "no camera", FORMAT);
    let cr = |x: usize, y: usize| c[640 * 360 * 5 / 4 + y / 2 * 320 + x / 2];
    assert!(cr(320, 100) > 200, "red in the middle: {}", cr(320, 100));
    assert!(
        cr(10, 100).abs_diff(128) < 8,
        "a border on the left: {}",
        cr(10, 100)
    );
    let d = draw(&own, "x", "another sentence here", FORMAT);
    assert!(
        differ(&c, &d, 280..360) > 100,
        "no sentence on the own picture"
    );
    let missing = SlateConfig {
        picture: dir.path().join("nosuch.png"),
    };
    assert_eq!(
        draw(&missing, "A & B <live>", "no picture for 5 s", FORMAT),
        a,
        "no fall-back"
    );
}
