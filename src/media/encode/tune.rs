//! The numbers of one session, and how each element is told: constant bitrate, no B-frames, no look-ahead, SPS and PPS
//! in every keyframe.

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;

use crate::config::{H264Profile, VideoSettings};

/// GOP for elements that ignore requests for keyframes, so that nobody waits long.
const SHORT_GOP_S: f32 = 1.0;
/// More slices than this cost more bits than the time that they save is worth.
const MAX_THREADS: u32 = 4;
/// Pixels per second and core above which x264 gets its faster preset: 1080p30 on 4 cores or fewer (a Pi 5), 720p30 on
/// two cores or fewer, where `veryfast` alone takes about as long as the whole delay that a local reader may see.
const SUPERFAST_FROM: u64 = 12_000_000;
/// Milliseconds at the bitrate that x264 may save up for a keyframe.
const VBV_MS: u32 = 600;

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

pub(super) fn profile_name(profile: H264Profile) -> &'static str {
    match profile {
        H264Profile::ConstrainedBaseline => "constrained-baseline",
        H264Profile::Main => "main",
        H264Profile::High => "high",
    }
}

/// The lowest level that holds the size and rate (ITU-T H.264, table A-1).
pub(super) fn level(tuning: &Tuning) -> &'static str {
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

pub(super) fn tune_x264(e: &gst::Element, t: &Tuning) {
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

pub(super) fn tune_openh264(e: &gst::Element, t: &Tuning) {
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
pub(super) fn bitrate_openh264(e: &gst::Element, bps: u32) {
    let highest = bps.saturating_add(bps / 2);
    let known = e.has_property_with_type("max-bitrate", u32::static_type());
    if known && e.property::<u32>("max-bitrate") < bps {
        set(e, "max-bitrate", &highest.to_string());
    }
    set(e, "bitrate", &bps.to_string());
}

pub(super) fn tune_v4l2(e: &gst::Element, t: &Tuning) {
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

pub(super) fn tune_va(e: &gst::Element, t: &Tuning) {
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

pub(super) fn tune_mpp(e: &gst::Element, t: &Tuning) {
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
pub(super) fn v4l2_controls(e: &gst::Element, controls: &[(&str, i32)]) {
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
pub(super) fn set(e: &gst::Element, name: &str, value: &str) {
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

pub(super) fn kilo(bps: u32) -> String {
    bps.div_ceil(1000).to_string()
}

pub(super) fn i32_of(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
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
        let x264 = gst::ElementFactory::make("x264enc").build().unwrap();
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
        let openh264 = gst::ElementFactory::make("openh264enc").build().unwrap();
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
    }
}
