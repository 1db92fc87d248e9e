//! Media files in a loop.

use super::*;

#[test]
fn a_file_loops_at_its_own_pace_with_timestamps_going_on() {
    let dir = tempfile::tempdir().unwrap();
    let file = make_file(
        dir.path(),
        "loop.mp4",
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=320x240:r=25:d=3",
            "-f",
            "lavfi",
            "-i",
            "sine=f=600:r=44100:d=3",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "25",
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            "aac",
            "-shortest",
        ],
    );
    let (clock, tape) = (clock(), Tape::default());
    let begin = clock.now().nseconds();
    let (capture, ended) = open(&VideoInput::File { path: file }, FORMAT, &clock, &tape);
    std::thread::sleep(Duration::from_millis(10_500));
    let end = clock.now().nseconds();
    capture.stop();
    let pts = tape.pts();
    assert_rising(&pts);
    assert!(ended.all().is_empty(), "{:?}", ended.all());
    assert!(tape.buffers().iter().all(|b| b.size() == bytes(FORMAT)));
    // More than three rounds of 3 s; from first to last frame the pace is nominal.
    let (first, last) = (pts[0], *pts.last().unwrap());
    assert!(
        last - first > 9 * SECOND,
        "{} ms",
        (last - first) / 1_000_000
    );
    let nominal = ((last - first) * 25 / SECOND) as usize + 1;
    assert!(
        pts.len() <= nominal + 2,
        "{} frames, {nominal} nominal",
        pts.len()
    );
    assert!(
        pts.len() * 100 >= nominal * 90,
        "{} frames, {nominal} nominal",
        pts.len()
    );
    let gap = pts.windows(2).map(|w| w[1] - w[0]).max().unwrap();
    assert!(gap < SECOND / 2, "a gap of {} ms", gap / 1_000_000);
    assert!(
        first >= begin && last <= end + 40_000_000,
        "{first}..{last} in {begin}..{end}"
    );
    // No frame comes before its time.
    let late: Vec<i64> = tape
        .0
        .lock()
        .unwrap()
        .iter()
        .map(|(b, at)| {
            let now = clock.now().nseconds() as i64 - at.elapsed().as_nanos() as i64;
            now - self::pts(b) as i64
        })
        .collect();
    assert!(
        late.iter().all(|l| *l > -5_000_000),
        "{:?}",
        late.iter().min()
    );
}

#[test]
fn picture_and_sound_of_a_looped_file_stay_together() {
    let dir = tempfile::tempdir().unwrap();
    // White for the first 200 ms of each round of 2.5 s, and a loud tone just then; the sound track is a little shorter.
    let file = make_file(
        dir.path(),
        "av.mkv",
        &[
            "-f",
            "lavfi",
            "-i",
            "color=black:s=320x240:r=50:d=2.5,drawbox=c=white:t=fill:enable='between(t,0.995,1.19)'",
            "-f",
            "lavfi",
            "-i",
            "aevalsrc='0.5*sin(2*PI*1000*t)*between(t,1,1.2)':s=44100:d=2.46",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "50",
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            "pcm_s16le",
        ],
    );
    let (clock, frames, sound) = (clock(), Tape::default(), Tape::default());
    let format = RawFormat { fps: 50, ..FORMAT };
    let path = AudioPath::start(options(), &clock, sound.sink(), reporter(&Notes::default()));
    let (capture, _) = open(
        &VideoInput::File { path: file.clone() },
        format,
        &clock,
        &frames,
    );
    std::thread::sleep(Duration::from_millis(700));
    path.open(&AudioInput::File { path: file }, faults(&Notes::default()))
        .unwrap();
    std::thread::sleep(Duration::from_millis(11_000));
    capture.stop();
    path.stop();
    let lit = |b: &gst::Buffer| b.map_readable().unwrap()[180 * 640 + 320] > 128;
    let all = frames.buffers();
    let flashes: Vec<_> = all
        .windows(2)
        .filter(|w| !lit(&w[0]) && lit(&w[1]))
        .map(|w| pts(&w[1]))
        .collect();
    let beeps = beeps(&sound.buffers(), 0.2);
    assert!(beeps.len() >= 3, "{beeps:?} {flashes:?}");
    let mut offsets = Vec::new();
    for beep in &beeps {
        let near = flashes.iter().min_by_key(|f| f.abs_diff(*beep)).unwrap();
        offsets.push((*beep as i64 - *near as i64) / 1000);
    }
    println!("A/V offsets in µs: {offsets:?}");
    // The sound may have been opened in the middle of a beep: that one begins late.
    assert!(offsets[1..].iter().all(|o| o.abs() < 40_000), "{offsets:?}");
}
