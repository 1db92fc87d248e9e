//! What a viewer gets: codec, size, rate, times, sound in step with the picture.

use std::time::Duration;

use crate::support::probe::{
    decodes_cleanly, ffprobe, largest_gap, measured, packet_times, record,
};
use crate::support::the_box::TheBox;

#[test]
fn test_picture_over_tcp_and_udp() {
    let it = TheBox::start("[sub]\nenabled = true\n");
    for (transport, mount, width) in [
        ("tcp", "main", 1280),
        ("udp", "main", 1280),
        ("tcp", "sub", 640),
    ] {
        let file = it.path(&format!("{transport}-{mount}.mkv"));
        record(&it.url(mount), transport, 4, &file);
        let found = ffprobe(
            &file.to_string_lossy(),
            &["-show_streams"],
            Duration::from_secs(20),
        );
        let streams = found["streams"].as_array().unwrap();
        let video = streams
            .iter()
            .find(|s| s["codec_type"] == "video")
            .expect("a picture");
        let audio = streams
            .iter()
            .find(|s| s["codec_type"] == "audio")
            .expect("a sound track");
        assert_eq!(video["codec_name"], "h264");
        assert_eq!(video["width"], width);
        assert_eq!(audio["codec_name"], "aac");
        assert_eq!(audio["sample_rate"], "48000");
        decodes_cleanly(&file);
        let times = packet_times(&file, "v");
        assert!(
            times.windows(2).all(|w| w[1] > w[0]),
            "{transport} {mount}: times do not rise"
        );
        let rate = (times.len() - 1) as f64 / (times[times.len() - 1] - times[0]);
        let nominal = if mount == "main" { 30.0 } else { 15.0 };
        assert!(
            (rate - nominal).abs() < nominal * 0.05,
            "{transport} {mount}: {rate} frames/s"
        );
        assert!(
            largest_gap(&times) < 0.25,
            "{transport} {mount}: gap of {} s",
            largest_gap(&times)
        );
    }
}

/// Times at which a measured value crosses `level` upwards.
fn rises(values: &[(f64, f64)], level: f64) -> Vec<f64> {
    values
        .windows(2)
        .filter(|w| w[0].1 < level && w[1].1 >= level)
        .map(|w| w[1].0)
        .collect()
}

/// For each flash, the beep nearest to it: how much later the sound is, seconds.
fn sound_after_picture(file: &std::path::Path) -> Vec<f64> {
    let name = file.to_string_lossy();
    let (x, y, w, h) = boothcast::media::capture::test_source::flash_box(1280, 720);
    let picture = measured(
        &format!("movie={name},crop={w}:{h}:{x}:{y},signalstats"),
        "lavfi.signalstats.YAVG",
    );
    let sound = measured(
        &format!("amovie={name},asetnsamples=n=240,astats=metadata=1:reset=1"),
        "lavfi.astats.Overall.RMS_level",
    );
    let flashes = rises(&picture, 150.0);
    let beeps = rises(&sound, -18.0);
    assert!(
        flashes.len() >= 3,
        "only {} flashes: {picture:?}",
        flashes.len()
    );
    assert!(beeps.len() >= 3, "only {} beeps", beeps.len());
    let nearest = |f: &f64| {
        beeps
            .iter()
            .map(|b| b - f)
            .min_by(|a, b| a.abs().total_cmp(&b.abs()))
            .unwrap()
    };
    // The recording may begin or end between a flash and its beep.
    flashes[..flashes.len() - 1].iter().map(nearest).collect()
}

#[test]
fn flash_and_beep_are_in_step_and_the_offset_moves_the_sound() {
    for (offset, wanted) in [(0, 0.0), (300, 0.3), (-300, -0.3)] {
        let it = TheBox::start(&format!("[audio]\noffset_ms = {offset}\n"));
        let file = it.path("av.mkv");
        record(&it.url("main"), "tcp", 6, &file);
        for late in sound_after_picture(&file) {
            assert!(
                (late - wanted).abs() < 0.040,
                "offset {offset} ms: sound {late:.3} s after picture"
            );
        }
    }
}

#[test]
fn two_readers_do_not_disturb_each_other() {
    let it = TheBox::start("");
    let (a, b) = (it.path("a.mkv"), it.path("b.mkv"));
    let url = it.url("main");
    std::thread::scope(|s| {
        s.spawn(|| record(&url, "tcp", 4, &a));
        s.spawn(|| record(&url, "tcp", 4, &b));
    });
    for file in [&a, &b] {
        let gap = largest_gap(&packet_times(file, "v"));
        // On a busy machine the test picture itself skips frames; how one reader's arrivals bear on another's is
        // measured, with the machine's own pauses deducted, in `rtsp::isolate` and `destinations`.
        assert!(gap < 0.25, "a gap of {gap} s");
        decodes_cleanly(file);
    }
}
