//! CPU of the whole box against the bare `gst-launch-1.0` pipeline: same source, same encode, one RTMP output each,
//! measured in turns in one run.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::process::{Guard, cpu_over, free_port, median, start_box, start_nginx};

const WINDOW: Duration = Duration::from_secs(15);
const ROUNDS: usize = 3;

/// The encoder's settings are those of `src/media/encode/tune.rs`, so that both do the same work.
fn bare(url: &str) -> Guard {
    let cores = std::thread::available_parallelism()
        .unwrap()
        .get()
        .clamp(1, 4);
    let preset = if 1280 * 720 * 30 / cores >= 12_000_000 {
        "superfast"
    } else {
        "veryfast"
    };
    let x264 = format!(
        "x264enc tune=zerolatency speed-preset={preset} threads={cores} key-int-max=60 bframes=0 byte-stream=true \
         aud=true pass=cbr vbv-buf-capacity=600 cabac=true dct8x8=false option-string=scenecut=0 bitrate=2500 \
         ! video/x-h264,profile=main"
    );
    let line = format!(
        "videotestsrc is-live=true pattern=smpte ! video/x-raw,format=I420,width=1280,height=720,framerate=30/1 \
         ! {x264} ! h264parse ! flvmux streamable=true name=m ! rtmp2sink location={url}/bare \
         audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=2 ! voaacenc bitrate=128000 ! aacparse ! m."
    );
    let child = Command::new("gst-launch-1.0")
        .arg("-q")
        .args(line.split_whitespace())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Guard(child)
}

pub fn measure() {
    let dir = tempfile::tempdir().unwrap();
    let (_nginx, url) = start_nginx(dir.path());
    let config = format!(
        "[video]\nsource = \"test\"\ntest_pattern = \"smpte\"\n[audio]\nsource = \"test\"\n[adaptive]\nenabled = false\n\
         [encode]\nencoder = \"x264enc\"\n[[destination]]\nname = \"bench\"\nurl = \"{url}\"\nkey = \"box\"\n"
    );
    let (mut ours, mut theirs, mut ratios) = (vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        let b = {
            let process = bare(&url);
            std::thread::sleep(Duration::from_secs(3));
            cpu_over(process.0.id(), WINDOW)
        };
        let a = {
            let home = tempfile::tempdir().unwrap();
            let process = start_box(home.path(), free_port(), &config);
            std::thread::sleep(Duration::from_secs(3));
            cpu_over(process.0.id(), WINDOW)
        };
        ours.push(a);
        theirs.push(b);
        ratios.push(a / b);
    }
    let percent = 100.0 / WINDOW.as_secs_f64();
    println!(
        "| CPU, whole box ÷ bare gst-launch, 720p30 x264 + AAC, one RTMP output (median of {ROUNDS} × {} s) | \
         {:.2} ({:.0} % ÷ {:.0} % of a core; each round: {}) |",
        WINDOW.as_secs(),
        median(&mut ratios.clone()),
        median(&mut ours) * percent,
        median(&mut theirs) * percent,
        ratios
            .iter()
            .map(|r| format!("{r:.2}"))
            .collect::<Vec<_>>()
            .join(", ")
    );
}
