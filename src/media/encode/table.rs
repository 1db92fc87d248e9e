//! The encoder elements that this program knows, each with its tuning: constant bitrate, no B-frames, no look-ahead,
//! SPS and PPS in every keyframe.

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;

use crate::config::{H264Profile, VideoSettings};
use crate::error::{Error, Kind, Result};

/// GOP for elements that ignore requests for keyframes, so that nobody waits long.
const SHORT_GOP_S: f32 = 1.0;
/// More slices than this cost more bits than the time that they save is worth.
const MAX_THREADS: u32 = 4;
/// Pixels per second and core above which x264 gets its faster preset: 1080p30 on 4 cores or fewer (a Pi 5), 720p30 on
/// one core.
const SUPERFAST_FROM: u64 = 15_000_000;
/// Milliseconds at the bitrate that x264 may save up for a keyframe.
const VBV_MS: u32 = 600;

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

/// Numbers of one session, within what every element takes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tuning {
    pub(super) width: u32,
    pub(super) height: u32,
    /// The lower of what comes and what is wanted.
    pub(super) fps: u32,
    pub(super) bitrate: u32,
    /// Frames between keyframes.
    pub(super) gop: u32,
    pub(super) profile: H264Profile,
    pub(super) cores: u32,
}

impl Tuning {
    pub(super) fn new(settings: &VideoSettings, input_fps: u32, honours_forced: bool) -> Self {
        let fps = settings.fps.min(input_fps).clamp(1, 240);
        let longest = if honours_forced { 60.0 } else { SHORT_GOP_S };
        // NaN and negative numbers become one frame.
        let gop = (fps as f32 * settings.gop_s.min(longest)).round().max(1.0) as u32;
        Self {
            width: settings.width,
            height: settings.height,
            fps,
            bitrate: sane_bitrate(settings.bitrate),
            gop,
            profile: settings.h264_profile,
            cores: std::thread::available_parallelism()
                .map_or(1, |n| u32::try_from(n.get()).unwrap_or(1)),
        }
    }

    fn pixels_per_second(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height) * u64::from(self.fps)
    }

    fn threads(&self) -> u32 {
        self.cores.clamp(1, MAX_THREADS)
    }
}

/// Within what every element takes.
pub(super) fn sane_bitrate(bitrate: u32) -> u32 {
    bitrate.clamp(10_000, 200_000_000)
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

fn profile_name(profile: H264Profile) -> &'static str {
    match profile {
        H264Profile::ConstrainedBaseline => "constrained-baseline",
        H264Profile::Main => "main",
        H264Profile::High => "high",
    }
}

/// The lowest level that holds the size and rate (ITU-T H.264, table A-1).
fn level(tuning: &Tuning) -> &'static str {
    let frame = u64::from(tuning.width.div_ceil(16)) * u64::from(tuning.height.div_ceil(16));
    let second = frame * u64::from(tuning.fps);
    let levels = [
        ("3", 1620, 40_500, 10_000_000),
        ("3.1", 3600, 108_000, 14_000_000),
        ("3.2", 5120, 216_000, 20_000_000),
        ("4", 8192, 245_760, 20_000_000),
        ("4.2", 8704, 522_240, 50_000_000),
        ("5.1", 36_864, 983_040, 240_000_000),
    ];
    levels
        .iter()
        .find(|(_, f, s, bps)| frame <= *f && second <= *s && tuning.bitrate <= *bps)
        .map_or("5.2", |(name, ..)| name)
}

fn tune_x264(e: &gst::Element, t: &Tuning) {
    let fast = t.pixels_per_second() / u64::from(t.cores) >= SUPERFAST_FROM;
    set(e, "tune", "zerolatency");
    set(
        e,
        "speed-preset",
        if fast { "superfast" } else { "veryfast" },
    );
    set(e, "threads", &t.threads().to_string());
    set(e, "key-int-max", &t.gop.to_string());
    set(e, "bframes", "0");
    set(e, "byte-stream", "true");
    // h264parse would add a delimiter otherwise, in memory of its own, and the bytes would have to be copied together.
    set(e, "aud", "true");
    set(e, "pass", "cbr");
    set(e, "vbv-buf-capacity", &VBV_MS.to_string());
    // The element forbids by the profile in the caps what that profile lacks; but what it allows must be switched on,
    // or the stream is of a lower profile than asked.
    set(
        e,
        "cabac",
        on(t.profile != H264Profile::ConstrainedBaseline),
    );
    set(e, "dct8x8", on(t.profile == H264Profile::High));
    // Keyframes come when they are due or asked for, not at every cut.
    set(e, "option-string", "scenecut=0");
}

fn tune_openh264(e: &gst::Element, t: &Tuning) {
    // Without these two it overshoots the bitrate several times.
    set(e, "rate-control", "bitrate");
    set(e, "enable-frame-skip", "true");
    set(e, "complexity", "low");
    set(e, "gop-size", &t.gop.to_string());
    set(e, "scene-change-detection", "false");
    set(e, "multi-thread", &t.threads().to_string());
    set(e, "slice-mode", "auto");
}

/// A highest bitrate is always given, and left alone where it can be: without one, OpenH264 raises the level to 5.1 when
/// the bitrate changes, which means another SPS in the middle of the stream.
fn bitrate_openh264(e: &gst::Element, bps: u32) {
    let highest = bps.saturating_add(bps / 2);
    let known = e.has_property_with_type("max-bitrate", u32::static_type());
    if known && e.property::<u32>("max-bitrate") < bps {
        set(e, "max-bitrate", &highest.to_string());
    }
    set(e, "bitrate", &bps.to_string());
}

fn tune_v4l2(e: &gst::Element, t: &Tuning) {
    v4l2_controls(
        e,
        &[
            ("video_bitrate", i32_of(t.bitrate)),
            ("video_bitrate_mode", 1),
            ("h264_i_frame_period", i32_of(t.gop)),
            ("video_gop_size", i32_of(t.gop)),
            ("video_b_frames", 0),
            ("repeat_sequence_header", 1),
        ],
    );
}

fn tune_va(e: &gst::Element, t: &Tuning) {
    set(e, "rate-control", "cbr");
    set(e, "key-int-max", &t.gop.to_string());
    set(e, "b-frames", "0");
    set(e, "ref-frames", "1");
    set(e, "aud", "false");
    set(
        e,
        "cabac",
        on(t.profile != H264Profile::ConstrainedBaseline),
    );
    set(e, "dct8x8", on(t.profile == H264Profile::High));
}

fn tune_mpp(e: &gst::Element, t: &Tuning) {
    set(e, "rc-mode", "cbr");
    set(e, "gop", &t.gop.to_string());
    set(e, "header-mode", "each-idr");
    let profile = match t.profile {
        H264Profile::ConstrainedBaseline => "baseline",
        H264Profile::Main => "main",
        H264Profile::High => "high",
    };
    set(e, "profile", profile);
}

/// Controls of the V4L2 driver by their normalised names; those that it lacks are left out with a warning in
/// GStreamer's log. While the device is open they take effect at once.
fn v4l2_controls(e: &gst::Element, controls: &[(&str, i32)]) {
    let mut structure = gst::Structure::builder("controls");
    for (name, value) in controls {
        structure = structure.field(*name, *value);
    }
    let known = e
        .find_property("extra-controls")
        .is_some_and(|p| p.value_type() == gst::Structure::static_type());
    if known {
        e.set_property("extra-controls", structure.build());
    }
}

/// Sets a property from text, as `gst-launch` does. A property or value that this version of the element lacks is left
/// alone: what matters is checked on what comes out, by the probe.
fn set(e: &gst::Element, name: &str, value: &str) {
    let value = e
        .find_property(name)
        .filter(|p| p.flags().contains(glib::ParamFlags::WRITABLE))
        .and_then(|p| glib::Value::deserialize_with_pspec(value, &p).ok());
    match value {
        Some(value) => e.set_property_from_value(name, &value),
        None => tracing::debug!(property = name, "not a property or value of this encoder"),
    }
}

fn on(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

fn kilo(bps: u32) -> String {
    bps.div_ceil(1000).to_string()
}

fn i32_of(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn capitalised(clause: &str) -> String {
    let mut chars = clause.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuning(width: u32, height: u32, fps: u32) -> Tuning {
        Tuning {
            width,
            height,
            fps,
            bitrate: 2_500_000,
            gop: 60,
            profile: H264Profile::High,
            cores: 4,
        }
    }

    #[test]
    fn level_is_the_lowest_that_holds_the_picture() {
        assert_eq!(level(&tuning(854, 480, 30)), "3.1");
        assert_eq!(level(&tuning(1280, 720, 30)), "3.1");
        assert_eq!(level(&tuning(1280, 720, 60)), "3.2");
        assert_eq!(level(&tuning(1920, 1080, 30)), "4");
        assert_eq!(level(&tuning(1920, 1080, 60)), "4.2");
    }

    #[test]
    fn tuning_stays_within_bounds_whatever_the_settings() {
        let mut settings = VideoSettings {
            width: 1280,
            height: 720,
            fps: 60,
            bitrate: 0,
            gop_s: 2.0,
            h264_profile: H264Profile::Main,
        };
        let t = Tuning::new(&settings, 30, true);
        assert_eq!((t.fps, t.gop, t.bitrate), (30, 60, 10_000));
        assert_eq!(Tuning::new(&settings, 30, false).gop, 30);
        for gop_s in [f32::NAN, -3.0, 0.0, f32::INFINITY] {
            settings.gop_s = gop_s;
            assert!((1..=3600).contains(&Tuning::new(&settings, 60, true).gop));
        }
    }

    /// Every property that is set must exist with that value: else the tuning is silently lost.
    #[test]
    fn installed_encoders_have_what_is_set() {
        gst::init().unwrap();
        let x264 = find("x264enc").unwrap().make().unwrap();
        tune_x264(&x264, &tuning(1920, 1080, 30));
        let text = |e: &gst::Element, name: &str| {
            let value = e.property_value(name);
            value.serialize().unwrap().to_string()
        };
        for (name, want) in [
            ("tune", "Zero latency"),
            ("speed-preset", "superfast"),
            ("key-int-max", "60"),
            ("bframes", "0"),
            ("byte-stream", "true"),
            ("aud", "true"),
            ("pass", "cbr"),
            ("dct8x8", "true"),
            ("vbv-buf-capacity", "600"),
        ] {
            assert_eq!(text(&x264, name), want, "{name}");
        }
        let openh264 = find("openh264enc").unwrap().make().unwrap();
        tune_openh264(&openh264, &tuning(1280, 720, 30));
        for (name, want) in [
            ("rate-control", "bitrate"),
            ("enable-frame-skip", "true"),
            ("complexity", "low"),
            ("gop-size", "60"),
            ("multi-thread", "4"),
            ("slice-mode", "auto"),
        ] {
            assert_eq!(text(&openh264, name), want, "{name}");
        }
        assert!(find("x264enc").unwrap().changes_bitrate_live(&x264));
        assert!(find("openh264enc").unwrap().changes_bitrate_live(&openh264));
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
}
