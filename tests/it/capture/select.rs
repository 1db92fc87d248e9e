//! Selection between camera and slate; what cannot be opened; nothing leaks.

use super::*;

#[test]
fn the_slate_takes_over_within_two_seconds_and_the_camera_comes_back_in_order() {
    let (clock, tape, events) = (clock(), Tape::default(), Notes::default());
    let select = VideoSelect::start(FORMAT, &clock, tape.sink(), reporter(&events));
    let config = SlateConfig {
        picture: PathBuf::new(),
    };
    select.set_slate(slate::render(&config, "Stall 7", "no camera", FORMAT).unwrap());
    let camera = || {
        VideoCapture::open(
            &test_picture("clock"),
            FORMAT,
            &clock,
            select.input(),
            None,
            faults(&Notes::default()),
            None,
        )
        .unwrap()
    };
    let first = camera();
    tape.wait_len(20);
    first.stop();
    let (lost_at, lost_len) = (clock.now().nseconds(), tape.len());
    tape.wait_len(lost_len + 30);
    let second = camera();
    let back_at = clock.now().nseconds();
    wait_for("the camera on air again", Duration::from_secs(10), || {
        (events.all().last() == Some(&MediaEvent::SlateOnAir(false))).then_some(())
    });
    tape.wait_len(tape.len() + 20);
    second.stop();
    let frames = tape.buffers();
    assert_rising(&tape.pts());
    let slate_from = frames
        .iter()
        .find(|b| pts(b) > lost_at && strip(b, FORMAT).is_none())
        .unwrap();
    assert!(
        pts(slate_from) < lost_at + 2 * SECOND,
        "slate after {} ms",
        (pts(slate_from) - lost_at) / 1_000_000
    );
    let back = frames
        .iter()
        .rev()
        .take_while(|b| strip(b, FORMAT).is_some())
        .last()
        .unwrap();
    assert!(
        pts(back) < back_at + SECOND,
        "back after {} ms",
        (pts(back) - back_at) / 1_000_000
    );
    let slates = frames
        .iter()
        .filter(|b| pts(b) >= pts(slate_from) && pts(b) < pts(back))
        .count() as u64;
    let nominal = (pts(back) - pts(slate_from)) * 30 / SECOND;
    assert!(
        slates <= nominal + 2 && slates * 2 > nominal,
        "{slates} slate frames, {nominal} nominal"
    );
    let told: Vec<_> = events
        .all()
        .into_iter()
        .filter(|e| matches!(e, MediaEvent::SlateOnAir(_)))
        .collect();
    let tail = &told[told.len() - 3..];
    assert_eq!(
        tail,
        [
            MediaEvent::SlateOnAir(false),
            MediaEvent::SlateOnAir(true),
            MediaEvent::SlateOnAir(false)
        ]
    );
    assert!(
        !events
            .all()
            .iter()
            .any(|e| matches!(e, MediaEvent::CameraLost { .. })),
        "not open, so not lost"
    );
}

#[test]
fn an_open_camera_without_pictures_is_reported_once_and_passthrough_needs_no_slate() {
    let (clock, tape, events) = (clock(), Tape::default(), Notes::default());
    let select = VideoSelect::start(FORMAT, &clock, tape.sink(), reporter(&events));
    let mut longest = Duration::ZERO;
    for _ in 0..16 {
        let begin = Instant::now();
        select.camera_alive();
        std::thread::sleep(Duration::from_millis(50));
        longest = longest.max(begin.elapsed());
    }
    // A machine that held this thread up for long has really seen a silent camera.
    let held_up = longest > Duration::from_millis(400);
    assert!(tape.len() == 0 || held_up, "a slate over a living camera");
    select.set_camera_open(true);
    // Frames of a camera with a broken clock are neither shown nor taken for life.
    let wrong = |at: u64| {
        let mut buffer = gst::Buffer::with_size(bytes(FORMAT)).unwrap();
        buffer
            .get_mut()
            .unwrap()
            .set_pts(gst::ClockTime::from_nseconds(at));
        select.camera_frame(buffer);
    };
    wrong(clock.now().nseconds() + 3600 * SECOND);
    tape.wait_len(60);
    for _ in 0..30 {
        wrong(1);
        std::thread::sleep(Duration::from_millis(50));
    }
    let lost = || {
        events
            .all()
            .iter()
            .filter(|e| matches!(e, MediaEvent::CameraLost { .. }))
            .count()
    };
    wait_for("the stall", Duration::from_secs(10), || {
        (lost() == 1).then_some(())
    });
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(lost(), 1);
    assert!(tape.len() > 90, "no slate beside the broken camera");
    assert_rising(&tape.pts());
    assert!(tape.pts().iter().all(|pts| *pts < 3600 * SECOND));
    select.stop();
    let n = tape.len();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(tape.len(), n, "slate after stop");
}

#[test]
fn what_cannot_be_opened_is_named_in_a_sentence() {
    let clock = clock();
    let dir = tempfile::tempdir().unwrap();
    let video = |input: VideoInput| {
        let ended = Notes::default();
        match VideoCapture::open(
            &input,
            FORMAT,
            &clock,
            Tape::default().sink(),
            None,
            faults(&ended),
            None,
        ) {
            Err(e) => e.report(),
            Ok(capture) => {
                let text = wait_for("the end", Duration::from_secs(8), || ended.all().pop());
                capture.stop();
                assert_eq!(ended.all().len(), 1);
                text
            }
        }
    };
    let stream = |path: &Path, stream| VideoInput::V4l2 {
        path: path.to_owned(),
        stream,
        width: 640,
        height: 360,
        fps: (30, 1),
        description: String::new(),
    };
    let camera = |path: &Path| stream(path, CameraStream::Raw("I420"));
    // Each kind of camera pipeline can be put together, and fails for the device alone.
    for kind in [
        CameraStream::Raw("YUY2"),
        CameraStream::Jpeg,
        CameraStream::H264Decoded,
        CameraStream::H264Passthrough,
    ] {
        let text = video(stream(Path::new("/dev/video987"), kind));
        assert_eq!(text, "camera /dev/video987 does not exist.");
    }
    let broken = dir.path().join("broken.mp4");
    std::fs::write(&broken, [b'x'; 5000]).unwrap();
    let sound = make_file(
        dir.path(),
        "sound.m4a",
        &["-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac"],
    );
    let silent = make_file(
        dir.path(),
        "silent.mp4",
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc=d=1:s=64x64",
            "-c:v",
            "libx264",
        ],
    );
    let file = |path: &Path| VideoInput::File {
        path: path.to_owned(),
    };
    for (input, thing, what) in [
        (
            camera(Path::new("/dev/video987")),
            "/dev/video987",
            "does not exist",
        ),
        (
            camera(Path::new("/dev/null")),
            "/dev/null",
            "not a video device",
        ),
        (
            file(Path::new("/nonexistent/a.mp4")),
            "/nonexistent/a.mp4",
            "does not exist",
        ),
        (file(dir.path()), "", "not a regular file"),
        (file(&broken), "broken.mp4", "not a media file"),
        (file(&sound), "sound.m4a", "no picture"),
    ] {
        let text = video(input);
        assert!(text.contains(thing) && text.contains(what), "{text}");
    }
    if gst::ElementFactory::find("libcamerasrc").is_none() {
        let text = video(VideoInput::Libcamera { id: String::new() });
        assert!(text.contains("gstreamer1.0-libcamera"), "{text}");
    }
    let path = AudioPath::start(
        options(),
        &clock,
        Tape::default().sink(),
        reporter(&Notes::default()),
    );
    let pcm = "hw:CARD=Nosuch,DEV=0".to_owned();
    let card = AudioInput::Alsa {
        pcm,
        description: String::new(),
    };
    let nothing = faults(&Notes::default());
    let text = path.open(&card, nothing.clone()).unwrap_err().report();
    assert!(
        text.contains("hw:CARD=Nosuch,DEV=0") && !text.contains("Internal"),
        "{text}"
    );
    let text = path
        .open(&AudioInput::File { path: silent }, nothing)
        .unwrap_err()
        .report();
    assert!(
        text.contains("silent.mp4") && text.contains("no sound"),
        "{text}"
    );
    path.stop();
}

#[test]
fn twenty_openings_leave_no_thread_and_no_file_behind() {
    let dir = tempfile::tempdir().unwrap();
    let file = make_file(
        dir.path(),
        "short.mp4",
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc=d=1:s=320x240",
            "-f",
            "lavfi",
            "-i",
            "sine=d=1",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-c:a",
            "aac",
        ],
    );
    let clock = clock();
    let cycle = |n: usize| {
        let tape = Tape::default();
        let input = match n % 3 {
            0 => test_picture("clock"),
            1 => test_picture("smpte"),
            _ => VideoInput::File { path: file.clone() },
        };
        let select = VideoSelect::start(FORMAT, &clock, tape.sink(), reporter(&Notes::default()));
        let (capture, _) = open(&input, FORMAT, &clock, &tape);
        let path = AudioPath::start(options(), &clock, tape.sink(), reporter(&Notes::default()));
        let sound = if n.is_multiple_of(2) {
            AudioInput::Test
        } else {
            AudioInput::File { path: file.clone() }
        };
        path.open(&sound, faults(&Notes::default())).unwrap();
        tape.wait_len(5);
        path.stop();
        capture.stop();
        select.stop();
    };
    let count = |what: &str| {
        std::fs::read_dir(format!("/proc/self/{what}"))
            .unwrap()
            .count()
    };
    for n in 0..6 {
        cycle(n);
    }
    // GLib keeps idle threads of its pool for a while; they do not grow with the cycles.
    let (threads, files) = (count("task"), count("fd"));
    for n in 0..20 {
        cycle(n);
    }
    wait_for("threads to end", Duration::from_secs(5), || {
        (count("task") <= threads + 2).then_some(())
    });
    assert!(
        count("fd") <= files + 2,
        "{} files, {files} before",
        count("fd")
    );
}
