//! fMP4 of a real encoder's picture and sound, read back by ffprobe and decoded by ffmpeg.

use std::process::Command;
use std::sync::{Arc, Mutex};

use boothcast::media::access_unit::AccessUnit;
use boothcast::media::audio_encode::AudioEncoder;
use boothcast::media::fanout::Fanout;
use boothcast::media::output::fmp4::{Chunk, Fmp4Stream};
use boothcast::media::time::MediaClock;
use gstreamer as gst;

use crate::encode::picture::raw;
use crate::encode::rig::{LIMIT, Rig, START, settings};
use crate::support::wait_for;

const PICTURES: u64 = 60;

/// 2 s of a tone as AAC, on the same clock as the pictures.
fn sound() -> Vec<AccessUnit> {
    let units = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&units);
    let encoder = AudioEncoder::open(
        48_000,
        2,
        128_000,
        &MediaClock::start(),
        &(Arc::new(move |unit| sink.lock().unwrap().push(unit)) as _),
        &(Arc::new(|reason: String| assert!(reason.is_empty(), "{reason}")) as _),
    )
    .unwrap();
    for number in 0..96_u64 {
        let samples: Vec<u8> = (0..1024)
            .flat_map(|i| {
                let t = (number * 1024 + i) as f64 / 48_000.0;
                let value = ((t * 440.0 * std::f64::consts::TAU).sin() * 8_000.0) as i16;
                [value.to_le_bytes(), value.to_le_bytes()].concat()
            })
            .collect();
        let mut buffer = gst::Buffer::from_slice(samples);
        let pts = START + number * 1024 * 1_000_000_000 / 48_000;
        buffer
            .get_mut()
            .unwrap()
            .set_pts(gst::ClockTime::from_nseconds(pts));
        encoder.push(buffer);
        let due = number.saturating_sub(8) as usize;
        wait_for("the AAC encoder", LIMIT, || {
            (units.lock().unwrap().len() >= due).then_some(())
        });
    }
    encoder.stop();
    units.lock().unwrap().clone()
}

fn output(program: &str, args: &[&str]) -> String {
    let out = Command::new(program).args(args).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let errors = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success() && errors.is_empty(), "{errors}");
    text
}

#[test]
fn ffmpeg_decodes_every_picture_and_the_sound() {
    let mut rig = Rig::open("x264enc", &settings(320, 180, 30), raw(320, 180, 30));
    rig.push(PICTURES, 8);
    let mut units = rig.settle();
    units.extend(sound());
    // In the order in which they are there: the sound comes later than its time.
    units.sort_by_key(|u| {
        u.dts
            + if u.track == boothcast::media::access_unit::Track::Audio {
                90_000_000
            } else {
                0
            }
    });
    let fanout = Fanout::new(|| {});
    let mut stream = Fmp4Stream::open(&fanout);
    for unit in units {
        fanout.push(unit);
    }
    fanout.close();
    let chunks: Vec<Chunk> = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(async {
            let mut chunks = Vec::new();
            while let Some(chunk) = stream.next().await {
                chunks.push(chunk);
            }
            chunks
        });
    let Some(Chunk::Head(head)) = chunks.first() else {
        panic!("no head")
    };
    assert!(
        head.contains("avc1.4d") && head.contains("mp4a.40.2"),
        "{head}"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.mp4");
    let bytes: Vec<u8> = chunks
        .iter()
        .filter_map(|c| match c {
            Chunk::Data(data) => Some(data.to_vec()),
            Chunk::Head(_) => None,
        })
        .flatten()
        .collect();
    std::fs::write(&path, bytes).unwrap();
    let file = path.to_str().unwrap();

    let streams = output(
        "ffprobe",
        &[
            "-v",
            "warning",
            "-count_frames",
            "-of",
            "csv=p=0",
            "-show_entries",
            "stream=codec_name,width,height,sample_rate,channels,start_time,nb_read_frames",
            file,
        ],
    );
    let lines: Vec<&str> = streams.lines().collect();
    assert!(lines[0].starts_with("h264,320,180,0.000000"), "{streams}");
    assert!(lines[0].ends_with(",60"), "{streams}");
    assert!(lines[1].starts_with("aac,48000,2,0.0"), "{streams}");
    let times = output(
        "ffprobe",
        &[
            "-v",
            "warning",
            "-select_streams",
            "v",
            "-of",
            "csv=p=0",
            "-show_entries",
            "packet=dts_time",
            file,
        ],
    );
    let times: Vec<f64> = times
        .lines()
        .map(|l| l.trim_end_matches(',').parse().unwrap())
        .collect();
    assert_eq!(times.len(), PICTURES as usize);
    for (n, time) in times.iter().enumerate() {
        assert!((time - n as f64 / 30.0).abs() < 0.000_1, "{n}: {time}");
    }
    output(
        "ffmpeg",
        &["-v", "warning", "-xerror", "-i", file, "-f", "null", "-"],
    );
}
