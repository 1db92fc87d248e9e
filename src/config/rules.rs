//! Rules between keys. Each points at the line that is easiest to mend.

use std::path::Path;

use super::build::{Look, Merged};
use super::key_file;
use super::keys::bitrate_text;
use super::layer::Dest;
use super::problems::{Problem, Problems};
use super::schema::{Config, VideoSettings};

/// Profile against the numbers below it. Runs before the configuration is built, on what was written.
pub fn profile(m: &Merged, errors: &mut Problems) {
    if m.refused("encode.profile") {
        return;
    }
    let size = ["encode.width", "encode.height", "encode.fps"];
    if m.text("encode.profile") != "custom" {
        for path in size {
            if let Some(entry) = m.written(path) {
                let clause = "is allowed with encode.profile = \"custom\" only";
                let mend = "Remove it, or set encode.profile to \"custom\".";
                errors.push(entry.at.problem(clause).mend(mend));
            }
        }
        return;
    }
    let missing: Vec<&str> = size
        .into_iter()
        .chain(["encode.bitrate"])
        .filter(|p| !m.layer.entries.contains_key(p))
        .collect();
    if !missing.is_empty() {
        let clause = format!("= \"custom\" needs {} as well", missing.join(", "));
        errors.push(m.origin(&["encode.profile"]).problem(&clause));
    }
}

/// Everything that needs the built configuration. Rules about a refused key keep silent.
pub fn check(m: &Merged, config: &Config, errors: &mut Problems, warnings: &mut Problems) {
    sizes(m, config, errors);
    sources(m, config, errors, warnings);
    rtsp(m, config, errors);
    super::web::check(m, config, errors);
    super::gpio::check(m, config, errors, warnings);
    bitrates(m, config, errors);
    thermal(m, config, errors, warnings);
    if config.paths.state.as_os_str().is_empty() {
        errors.push(m.origin(&["paths.state"]).problem("must not be empty"));
    }
    if !config.rtsp.enabled && !m.layer.destinations.iter().any(is_enabled) {
        let at = m.origin(&["rtsp.enabled"]);
        let clause = "is false and no destination is enabled, so the stream goes nowhere";
        warnings.push(
            at.problem(clause)
                .mend("Set rtsp.enabled to true, or add a [[destination]]."),
        );
    }
}

fn is_enabled(dest: &Dest) -> bool {
    use super::value::Value;
    let value = dest.entries.get("destination.enabled");
    value.and_then(|e| e.value.as_ref()) != Some(&Value::Bool(false))
}

fn sizes(m: &Merged, config: &Config, errors: &mut Problems) {
    let (main, sub) = (&config.encode.video, &config.sub.video);
    for (path, n) in [
        ("encode.width", main.width),
        ("encode.height", main.height),
        ("sub.width", sub.width),
        ("sub.height", sub.height),
    ] {
        if n % 2 != 0 {
            let clause = format!("must be even, not {n}");
            errors.push(m.origin(&[path]).problem(&clause));
        }
    }
    gop(m, "encode.fps", main, errors);
    if !config.sub.enabled {
        return;
    }
    gop(m, "sub.fps", sub, errors);
    if sub.fps > main.fps {
        let clause = format!(
            "must not be above the {} frames/s of the main rendition",
            main.fps
        );
        errors.push(
            m.origin(&["sub.fps", "encode.fps", "encode.profile"])
                .problem(&clause),
        );
    }
    for (path, small, large) in [
        ("sub.width", sub.width, main.width),
        ("sub.height", sub.height, main.height),
    ] {
        if small > large {
            let clause = format!("must not be above the {large} pixels of the main rendition");
            let written = m.written(path).map(|e| e.at.clone());
            let at = written.unwrap_or_else(|| m.origin(&["sub.enabled"]));
            errors.push(at.problem(&clause));
        }
    }
}

/// A keyframe distance of less than one frame makes no sense.
#[allow(clippy::cast_precision_loss)]
fn gop(m: &Merged, fps: &str, video: &VideoSettings, errors: &mut Problems) {
    if m.refused("encode.gop_s") || video.gop_s * video.fps as f32 >= 1.0 {
        return;
    }
    let at = m.origin(&["encode.gop_s", fps]);
    let clause = format!("is shorter than one frame at {} frames/s", video.fps);
    errors.push(at.problem(&clause));
}

fn sources(m: &Merged, config: &Config, errors: &mut Problems, warnings: &mut Problems) {
    let (video, audio) = (m.text("video.source"), m.text("audio.source"));
    let no_video_file = config.video.file.as_os_str().is_empty();
    let no_audio_file = config.audio.file.as_os_str().is_empty();
    if video == "file" && no_video_file && !m.refused("video.file") {
        let clause = "= \"file\" needs video.file as well";
        errors.push(m.origin(&["video.source"]).problem(clause));
    }
    let of_video = video == "file" || m.refused("video.source") || m.refused("audio.file");
    if audio == "file" && no_audio_file && !of_video {
        let clause = "= \"file\" needs audio.file, or video.source = \"file\"";
        errors.push(m.origin(&["audio.source"]).problem(clause));
    }
    if config.video.passthrough && !["auto", "h264"].contains(&m.text("video.format")) {
        let clause = "needs H.264 from the camera";
        let mend = "Set video.format to \"h264\" or \"auto\", or video.passthrough to false.";
        errors.push(m.origin(&["video.passthrough"]).problem(clause).mend(mend));
    }
    for (path, source, kind, used) in [
        ("video.file", "video.source", video, video == "file"),
        ("audio.file", "audio.source", audio, audio == "file"),
        (
            "video.device",
            "video.source",
            video,
            !["file", "test"].contains(&video),
        ),
        (
            "audio.device",
            "audio.source",
            audio,
            ["auto", "alsa"].contains(&audio),
        ),
    ] {
        if let Some(entry) = m.written(path)
            && !used
            && !m.refused(source)
        {
            let clause = format!("has no effect while {source} is \"{kind}\"");
            warnings.push(entry.at.problem(&clause));
        }
    }
    for path in ["video.file", "audio.file", "slate.picture"] {
        // The box goes on without them, with the slate; so they are no errors.
        warnings.extend(missing_file(m, path));
    }
}

/// A problem if the file that the key names is not there.
fn missing_file(m: &Merged, path: &str) -> Problems {
    let file = m.path(path);
    let Some(entry) = m.written(path) else {
        return Problems::default();
    };
    if m.look == Look::Nowhere || file.as_os_str().is_empty() || file.is_file() {
        return Problems::default();
    }
    file_problem(&entry.at, &file).into()
}

fn file_problem(at: &super::problems::Origin, file: &Path) -> Problem {
    at.problem(&format!(
        "names a file{} that does not exist",
        key_file::shown(file)
    ))
    .mend("Correct the path, or put the file there.")
}

fn rtsp(m: &Merged, config: &Config, errors: &mut Problems) {
    let rtsp = &config.rtsp;
    let cert = !rtsp.tls_cert.as_os_str().is_empty() || m.refused("rtsp.tls_cert");
    let key = !rtsp.tls_key.as_os_str().is_empty() || m.refused("rtsp.tls_key");
    for (has, lacks, there, other) in [
        (cert, !key, "rtsp.tls_cert", "rtsp.tls_key"),
        (key, !cert, "rtsp.tls_key", "rtsp.tls_cert"),
    ] {
        if has && lacks {
            errors.push(
                m.origin(&[there])
                    .problem(&format!("needs {other} as well")),
            );
        }
    }
    for path in ["rtsp.tls_cert", "rtsp.tls_key"] {
        errors.extend(missing_file(m, path));
    }
    let tls = cert || key || m.written("rtsp.tls_port").is_some();
    if tls && rtsp.port == rtsp.tls_port && rtsp.port != 0 && !m.refused("rtsp.port") {
        let at = m.origin(&["rtsp.tls_port", "rtsp.port"]);
        let other = if at.label.to_ascii_lowercase().ends_with("tls_port") {
            "rtsp.port"
        } else {
            "rtsp.tls_port"
        };
        let clause = format!(
            "is {} like {other}, and two servers cannot share a port",
            rtsp.port
        );
        errors.push(
            at.problem(&clause)
                .mend("Choose another number for one of them."),
        );
    }
}

fn bitrates(m: &Merged, config: &Config, errors: &mut Problems) {
    if !config.adaptive.enabled || m.refused("adaptive.floor") {
        return;
    }
    let floor = config.adaptive.floor;
    let main = config.encode.video.bitrate;
    let mend = "Lower adaptive.floor, or set adaptive.enabled to false.";
    if floor > main && !m.refused("encode.bitrate") {
        let at = m.origin(&["adaptive.floor", "encode.bitrate", "encode.profile"]);
        let text = format!(
            "adaptive.floor ({}) is above the bitrate of the main rendition ({}).",
            bitrate_text(floor),
            bitrate_text(main)
        );
        errors.push(at.sentence(text).mend(mend));
    }
    for dest in &m.layer.destinations {
        let Some(entry) = dest.entries.get("destination.max_bitrate") else {
            continue;
        };
        if let Some(super::value::Value::Int(max)) = &entry.value
            && *max < i64::from(floor)
        {
            let clause = format!("is below adaptive.floor ({})", bitrate_text(floor));
            errors.push(entry.at.problem(&clause).mend(mend));
        }
    }
}

fn thermal(m: &Merged, config: &Config, errors: &mut Problems, warnings: &mut Problems) {
    let (step, lowest) = ("thermal.step_down_c", "thermal.lowest_c");
    let thermal = &config.thermal;
    if thermal.step_down_c >= thermal.lowest_c && !m.refused(step) && !m.refused(lowest) {
        let at = m.origin(&[step, lowest]);
        let text = format!(
            "{step} ({} °C) is not below {lowest} ({} °C).",
            thermal.step_down_c, thermal.lowest_c
        );
        errors.push(
            at.sentence(text)
                .mend("Raise thermal.lowest_c, or lower thermal.step_down_c."),
        );
    }
    // It may come later, with a driver.
    warnings.extend(missing_file(m, "thermal.sensor"));
}

/// Rules of destinations, among one another and for each.
pub fn destinations(m: &Merged, errors: &mut Problems, warnings: &mut Problems) {
    let all = &m.layer.destinations;
    for (n, dest) in all.iter().enumerate() {
        let (Some(name), Some(entry)) = (dest.name(), dest.entries.get("destination.name")) else {
            continue;
        };
        if let Some(first) = all[..n].iter().find(|d| d.name() == Some(name)) {
            let clause = match first
                .entries
                .get("destination.name")
                .and_then(|e| e.at.place)
            {
                Some((line, _)) => format!("is the same as in line {line}"),
                None => "occurs twice".to_owned(),
            };
            let mend = "Give each destination a name of its own.";
            errors.push(entry.at.problem(&clause).mend(mend));
        }
    }
    for dest in all {
        let Some(ca) = dest.entries.get("destination.tls_ca") else {
            continue;
        };
        let Some(super::value::Value::Path(file)) = &ca.value else {
            continue;
        };
        if m.look == Look::Files && !file.as_os_str().is_empty() && !file.is_file() {
            errors.push(file_problem(&ca.at, file));
        }
        if super::destination::address(dest).is_some_and(|url| !url.is_tls()) {
            warnings.push(ca.at.problem("has no effect on an rtmp:// address"));
        }
    }
}

/// A key written into a configuration file that others can read.
pub fn exposed_keys(m: &Merged, readable_by_others: &[String], warnings: &mut Problems) {
    for dest in &m.layer.destinations {
        if let Some(entry) = dest.entries.get("destination.key")
            && readable_by_others.iter().any(|f| **f == *entry.at.source)
        {
            let clause = "stands in a file that others can read";
            let mend = format!("Run: chmod 600 {} (or use key_file).", entry.at.source);
            warnings.push(entry.at.problem(clause).mend(mend));
        }
    }
}
