//! The encoder elements that this program knows, best first.

use gstreamer as gst;
use gstreamer::prelude::*;

use super::tune::{
    Tuning, bitrate_openh264, i32_of, kilo, level, profile_name, set, tune_mpp, tune_openh264,
    tune_v4l2, tune_va, tune_x264, v4l2_controls,
};
use crate::error::{Error, Kind, Result};

/// One encoder element.
pub(super) struct Spec {
    /// Factory name.
    pub(super) element: &'static str,
    /// What to do to get it: a clause.
    origin: &'static str,
    /// Everything but the bitrate.
    pub(super) tune: fn(&gst::Element, &Tuning),
    /// Sets the bitrate in bit/s, before the start or while running.
    pub(super) set_bitrate: fn(&gst::Element, u32),
    /// Name of the property that carries the bitrate.
    bitrate_property: &'static str,
    /// What it delivers lies in a driver's small pool: copy it rather than hold it.
    pub(super) pooled: bool,
    /// It wants the level in its caps.
    needs_level: bool,
}

/// Every encoder that is known, best first: hardware before software, and x264 before OpenH264, which makes the worse
/// picture at the same bitrate and skips frames to keep it.
static TABLE: [Spec; 5] = [
    Spec {
        element: "v4l2h264enc",
        origin: "it needs a board with a V4L2 H.264 encoder, and the package gstreamer1.0-plugins-good",
        tune: tune_v4l2,
        set_bitrate: |e, bps| v4l2_controls(e, &[("video_bitrate", i32_of(bps))]),
        bitrate_property: "extra-controls",
        pooled: true,
        needs_level: true,
    },
    Spec {
        element: "mpph264enc",
        origin: "it needs a Rockchip board, and its GStreamer plug-in rockchipmpp",
        tune: tune_mpp,
        set_bitrate: |e, bps| set(e, "bps", &bps.to_string()),
        bitrate_property: "bps",
        pooled: true,
        needs_level: false,
    },
    Spec {
        element: "vah264enc",
        origin: "it needs a GPU with a VA-API driver, and the package gstreamer1.0-plugins-bad",
        tune: tune_va,
        set_bitrate: |e, bps| set(e, "bitrate", &kilo(bps)),
        bitrate_property: "bitrate",
        pooled: true,
        needs_level: false,
    },
    Spec {
        element: "x264enc",
        origin: "install the package gstreamer1.0-plugins-ugly",
        tune: tune_x264,
        set_bitrate: |e, bps| set(e, "bitrate", &kilo(bps)),
        bitrate_property: "bitrate",
        pooled: false,
        needs_level: false,
    },
    Spec {
        element: "openh264enc",
        origin: "install the package gstreamer1.0-plugins-bad",
        tune: tune_openh264,
        set_bitrate: bitrate_openh264,
        bitrate_property: "bitrate",
        pooled: false,
        needs_level: false,
    },
];

/// The names of all known encoders, in the order in which they are best tried.
#[must_use]
pub fn default_table() -> Vec<String> {
    TABLE.iter().map(|spec| spec.element.to_owned()).collect()
}

/// Finds a known encoder.
pub(super) fn find(element: &str) -> Result<&'static Spec> {
    TABLE
        .iter()
        .find(|spec| spec.element == element)
        .ok_or_else(|| {
            Error::new(
                Kind::Unsupported,
                format!("Boothcast does not know an encoder {element}."),
            )
            .mend(format!(
                "Set encode.encoder to auto or to one of {}.",
                default_table().join(", ")
            ))
        })
}

impl Spec {
    pub(super) fn make(&self) -> Result<gst::Element> {
        let missing = || {
            Error::new(
                Kind::Missing,
                format!("The encoder {} is not installed.", self.element),
            )
            .mend(capitalised(self.origin))
        };
        let factory = gst::ElementFactory::find(self.element).ok_or_else(missing)?;
        factory.create().build().map_err(|e| missing().caused_by(e))
    }

    /// Why the element is not there, as one clause.
    pub(super) fn absence(&self) -> String {
        format!("not installed ({})", self.origin)
    }

    /// Whether a request for a keyframe is obeyed: by `v4l2h264enc` only from GStreamer 1.23.1 on.
    pub(super) fn honours_forced_keyframes(&self) -> bool {
        self.element != "v4l2h264enc" || gst::version() >= (1, 23, 1, 0)
    }

    /// The driver's own way to ask for a keyframe, where there is one: older `v4l2h264enc` ignore the event.
    pub(super) fn force_keyframe(&self, encoder: &gst::Element) {
        if !self.honours_forced_keyframes() {
            v4l2_controls(encoder, &[("force_key_frame", 1)]);
        }
    }

    /// Whether the bitrate can change in a running session: the element says so itself, or is known to.
    pub(super) fn changes_bitrate_live(&self, encoder: &gst::Element) -> bool {
        let Some(property) = encoder.find_property(self.bitrate_property) else {
            return false;
        };
        property.flags().contains(gst::PARAM_FLAG_MUTABLE_PLAYING)
            || matches!(self.element, "v4l2h264enc" | "mpph264enc")
    }

    /// What the element is asked to deliver: the profile is chosen by caps.
    pub(super) fn output_caps(&self, tuning: &Tuning) -> gst::Caps {
        let mut caps = gst::Caps::builder("video/x-h264")
            .field("stream-format", "byte-stream")
            .field("alignment", "au")
            .field("profile", profile_name(tuning.profile));
        if self.needs_level {
            caps = caps.field("level", level(tuning));
        }
        caps.build()
    }
}

fn capitalised(clause: &str) -> String {
    let mut chars = clause.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_encoders_change_their_bitrate_live() {
        gst::init().unwrap();
        for element in ["x264enc", "openh264enc"] {
            let spec = find(element).unwrap();
            assert!(
                spec.changes_bitrate_live(&spec.make().unwrap()),
                "{element}"
            );
        }
    }

    #[test]
    fn unknown_and_missing_encoders_are_told_apart() {
        gst::init().unwrap();
        let unknown = find("nosuchenc").err().unwrap();
        assert_eq!(unknown.kind(), Kind::Unsupported);
        assert!(unknown.report().contains("x264enc"), "{}", unknown.report());
        // No build machine has a Rockchip encoder.
        let missing = find("mpph264enc").unwrap().make().err().unwrap();
        assert_eq!(missing.kind(), Kind::Missing);
        assert!(missing.report().ends_with("rockchipmpp."));
    }

    #[test]
    fn every_board_names_encoders_that_are_known() {
        let known = default_table();
        for board in crate::config::board::all() {
            for element in &board.encoders {
                assert!(known.contains(element), "{}: {element}", board.id);
            }
        }
    }
}
