//! The GStreamer elements that the program uses, and the Debian packages (12 and 13) that bring them.

use serde::Serialize;

use super::report::{ElementReport, GstReport, Gstreamer};

/// When an element is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// Without it nothing goes live.
    Live,
    /// Without it one thing does not work.
    Part,
    /// Only some boards have it.
    Board,
}

/// Names of which one is enough, package, use, need.
type Row = (&'static [&'static str], &'static str, &'static str, Need);

const BASE: &str = "gstreamer1.0-plugins-base";
const GOOD: &str = "gstreamer1.0-plugins-good";
const BAD: &str = "gstreamer1.0-plugins-bad";

/// Every element, in the order in which they are shown.
const ELEMENTS: [Row; 24] = [
    (&["appsrc"], BASE, "every pipeline", Need::Live),
    (&["appsink"], BASE, "every pipeline", Need::Live),
    (&["videoconvert"], BASE, "every picture", Need::Live),
    (&["videoscale"], BASE, "every picture", Need::Live),
    (&["videorate"], BASE, "every picture", Need::Live),
    (&["audioconvert"], BASE, "every sound", Need::Live),
    (&["audioresample"], BASE, "every sound", Need::Live),
    (&["videotestsrc"], BASE, "the test picture", Need::Live),
    (&["audiotestsrc"], BASE, "the test tone", Need::Live),
    (&["h264parse"], BAD, "H.264", Need::Live),
    (&["aacparse"], GOOD, "AAC", Need::Live),
    (
        &["fdkaacenc", "avenc_aac", "voaacenc"],
        "gstreamer1.0-libav",
        "AAC sound",
        Need::Live,
    ),
    (&["rtph264pay"], GOOD, "RTSP", Need::Live),
    (&["rtpmp4gpay"], GOOD, "RTSP", Need::Live),
    (&["rtpbin"], GOOD, "RTSP", Need::Live),
    (&["udpsink"], GOOD, "RTSP over UDP", Need::Part),
    (&["v4l2src"], GOOD, "cameras", Need::Part),
    (&["jpegdec"], GOOD, "cameras that give MJPEG", Need::Part),
    (
        &["avdec_h264", "openh264dec", "v4l2h264dec"],
        "gstreamer1.0-libav",
        "cameras that give H.264",
        Need::Part,
    ),
    (&["alsasrc"], "gstreamer1.0-alsa", "microphones", Need::Part),
    (&["uridecodebin"], BASE, "media files", Need::Part),
    (
        &["textoverlay"],
        "gstreamer1.0-x",
        "text on the slate",
        Need::Part,
    ),
    (&["pngdec"], GOOD, "an own picture as slate", Need::Part),
    (
        &["libcamerasrc"],
        "gstreamer1.0-libcamera",
        "CSI cameras",
        Need::Board,
    ),
];

/// The package that brings an H.264 encoder element.
#[must_use]
pub fn package_of_encoder(element: &str) -> Option<&'static str> {
    match element {
        "x264enc" => Some("gstreamer1.0-plugins-ugly"),
        "openh264enc" | "vah264enc" => Some(BAD),
        "v4l2h264enc" => Some(GOOD),
        _ => None,
    }
}

/// Every name that should be asked for.
#[must_use]
pub fn names() -> Vec<&'static str> {
    ELEMENTS
        .iter()
        .flat_map(|(names, ..)| *names)
        .copied()
        .collect()
}

/// The table, with what is installed.
#[must_use]
pub fn judge(gst: &GstReport) -> Gstreamer {
    Gstreamer {
        version: gst.version.clone(),
        elements: ELEMENTS
            .iter()
            .map(|(names, package, use_, need)| ElementReport {
                names,
                package,
                use_,
                need: *need,
                present: names.iter().any(|n| gst.present.iter().any(|p| p == n)),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_several_is_enough() {
        let gst = GstReport {
            version: "1.22.0".into(),
            present: vec!["voaacenc".into(), "appsrc".into()],
        };
        let judged = judge(&gst);
        let present: Vec<&str> = judged
            .elements
            .iter()
            .filter(|e| e.present)
            .map(|e| e.use_)
            .collect();
        assert_eq!(present, ["every pipeline", "AAC sound"]);
        assert_eq!(judged.elements.len(), ELEMENTS.len());
        assert!(names().contains(&"fdkaacenc"));
    }
}
