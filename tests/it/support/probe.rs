//! ffprobe and ffmpeg as witnesses.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::the_box::run_to_end;

/// Streams and packets of a file, as ffprobe sees them.
pub fn ffprobe(source: &str, extra: &[&str], limit: Duration) -> serde_json::Value {
    let mut command = Command::new("ffprobe");
    command
        .args(["-v", "error", "-of", "json"])
        .args(extra)
        .arg(source);
    let (code, out, err) = run_to_end(&mut command, limit);
    assert_eq!(code, Some(0), "ffprobe {source}: {err}");
    serde_json::from_str(&out).unwrap()
}

/// Copies `seconds` of a stream into a file without touching it.
pub fn record(url: &str, transport: &str, seconds: u32, file: &Path) {
    let mut command = Command::new("ffmpeg");
    command.args([
        "-v",
        "error",
        "-y",
        // A machine that is busy may take longer than the usual 5 s to the first keyframe.
        "-analyzeduration",
        "20000000",
        "-rtsp_transport",
        transport,
        "-i",
        url,
        "-t",
    ]);
    command
        .arg(seconds.to_string())
        .args(["-c", "copy"])
        .arg(file);
    let limit = Duration::from_secs(u64::from(seconds) + 30);
    let (code, _, err) = run_to_end(&mut command, limit);
    assert_eq!(code, Some(0), "ffmpeg {url}: {err}");
}

/// Decodes a file and fails on any complaint of the decoder.
pub fn decodes_cleanly(file: &Path) {
    let mut command = Command::new("ffmpeg");
    command
        .args(["-v", "warning", "-xerror", "-i"])
        .arg(file)
        .args(["-f", "null", "-"]);
    let (code, _, err) = run_to_end(&mut command, Duration::from_secs(60));
    let complaints: Vec<_> = err
        .lines()
        .filter(|l| l.contains("h264") || l.contains("aac"))
        .collect();
    assert_eq!(code, Some(0), "{err}");
    assert!(complaints.is_empty(), "{complaints:?}");
}

/// Times of one stream's packets in seconds, in the order in which they are stored.
pub fn packet_times(file: &Path, stream: &str) -> Vec<f64> {
    let file = file.to_string_lossy();
    let args = [
        "-select_streams",
        stream,
        "-show_entries",
        "packet=pts_time",
    ];
    let found = ffprobe(&file, &args, Duration::from_secs(30));
    let packets = found["packets"].as_array().unwrap();
    packets
        .iter()
        .map(|p| p["pts_time"].as_str().unwrap().parse().unwrap())
        .collect()
}

/// Frame values that an ffmpeg filter measures: (time, value).
pub fn measured(graph: &str, tag: &str) -> Vec<(f64, f64)> {
    let entries = format!("frame=pts_time:frame_tags={tag}");
    let found = ffprobe(
        graph,
        &["-f", "lavfi", "-show_entries", &entries],
        Duration::from_secs(60),
    );
    let frames = found["frames"].as_array().unwrap();
    let number = |v: &serde_json::Value| v.as_str().and_then(|s| s.parse::<f64>().ok());
    frames
        .iter()
        .filter_map(|f| Some((number(&f["pts_time"])?, number(&f["tags"][tag])?)))
        .collect()
}

/// Largest gap between neighbours.
pub fn largest_gap(times: &[f64]) -> f64 {
    times.windows(2).map(|w| w[1] - w[0]).fold(0.0, f64::max)
}
