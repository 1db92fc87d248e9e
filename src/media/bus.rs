//! What GStreamer says went wrong, as one clause for a person.
//!
//! Elements give a domain, a code, a text for programmers and a "debug" text that often holds the `errno` of the
//! driver. The kind is taken from the `errno` first, because elements map the same `errno` to different codes.

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;

use crate::error::{Error, Kind, Result};

/// Kind and clause for an error that element code reported; `name` is what people call the source or encoder, as in
/// `camera /dev/video0`. The clause has no full stop and no secret: of the element's own texts only known phrases are used.
#[must_use]
pub fn sentence(error: &glib::Error, debug: Option<&str>, name: &str) -> (Kind, String) {
    let text = format!("{} {}", error.message(), debug.unwrap_or_default()).to_lowercase();
    if let Some((kind, what)) = by_phrase(&text) {
        return (kind, format!("{name} {what}"));
    }
    let (kind, what) = by_code(error);
    (kind, format!("{name} {what}"))
}

/// [`sentence`] for an error message on a bus.
#[must_use]
pub fn message_sentence(message: &gst::message::Error, name: &str) -> (Kind, String) {
    sentence(&message.error(), message.debug().as_deref(), name)
}

/// Phrases of drivers and elements, most telling first.
const PHRASES: [(&str, Kind, &str); 17] = [
    (
        "permission denied",
        Kind::Permission,
        "may not be opened: permission denied",
    ),
    (
        "operation not permitted",
        Kind::Permission,
        "may not be opened: permission denied",
    ),
    ("resource busy", Kind::InUse, "is used by another program"),
    ("is busy", Kind::InUse, "is used by another program"),
    (
        "used by another application",
        Kind::InUse,
        "is used by another program",
    ),
    ("no such file", Kind::NotFound, "does not exist"),
    ("cannot identify device", Kind::NotFound, "does not exist"),
    (
        "open error on device",
        Kind::NotFound,
        "does not exist or cannot record",
    ),
    ("no such device", Kind::NotFound, "is gone (unplugged?)"),
    ("disconnected", Kind::NotFound, "is gone (unplugged?)"),
    (
        "no space left on device",
        Kind::Unsupported,
        "does not get enough USB bandwidth; plug it into another port or choose a smaller mode",
    ),
    ("isn't a v4l2", Kind::Unsupported, "is not a video device"),
    ("not a capture device", Kind::Unsupported, "cannot capture"),
    (
        "not-negotiated",
        Kind::Unsupported,
        "does not offer the wanted format",
    ),
    (
        "could not determine type",
        Kind::Unsupported,
        "is not a media file, or is damaged",
    ),
    (
        "not-linked",
        Kind::Unsupported,
        "has nothing that can be played",
    ),
    ("moov", Kind::Corrupt, "is damaged"),
];

fn by_phrase(text: &str) -> Option<(Kind, &'static str)> {
    PHRASES
        .iter()
        .find(|(phrase, ..)| text.contains(phrase))
        .map(|(_, kind, what)| (*kind, *what))
}

fn by_code(error: &glib::Error) -> (Kind, &'static str) {
    if let Some(code) = error.kind::<gst::ResourceError>() {
        use gst::ResourceError as R;
        return match code {
            R::NotFound => (Kind::NotFound, "does not exist"),
            R::Busy => (Kind::InUse, "is used by another program"),
            R::NotAuthorized => (Kind::Permission, "may not be opened: permission denied"),
            R::OpenRead | R::OpenWrite | R::OpenReadWrite => (Kind::NotFound, "cannot be opened"),
            R::Read | R::Close | R::Sync => {
                (Kind::NotFound, "cannot be read any more (unplugged?)")
            }
            R::Settings => (Kind::Unsupported, "does not take the wanted settings"),
            R::NoSpaceLeft => (Kind::Unsupported, "has no space left"),
            _ => (Kind::Internal, "failed"),
        };
    }
    if let Some(code) = error.kind::<gst::StreamError>() {
        use gst::StreamError as S;
        return match code {
            S::CodecNotFound => (Kind::Missing, "needs a decoder that is not installed"),
            S::TypeNotFound | S::WrongType => {
                (Kind::Unsupported, "is not a media file, or is damaged")
            }
            S::Decode | S::Demux => (Kind::Corrupt, "is damaged: it cannot be decoded"),
            S::Encode => (Kind::Internal, "cannot encode"),
            S::Format => (Kind::Unsupported, "does not offer the wanted format"),
            S::Decrypt | S::DecryptNokey => (Kind::Unsupported, "is encrypted"),
            _ => (Kind::Internal, "broke off"),
        };
    }
    if let Some(code) = error.kind::<gst::CoreError>() {
        use gst::CoreError as C;
        return match code {
            C::MissingPlugin => (
                Kind::Missing,
                "needs a GStreamer plug-in that is not installed",
            ),
            C::Negotiation | C::Caps | C::Pad => {
                (Kind::Unsupported, "does not offer the wanted format")
            }
            C::StateChange => (Kind::Unsupported, "cannot be started"),
            _ => (Kind::Internal, "failed"),
        };
    }
    (Kind::Internal, "failed")
}

/// The Debian package that brings an element.
fn package(element: &str) -> &'static str {
    match element {
        "alsasrc" => "gstreamer1.0-alsa",
        "libcamerasrc" => "gstreamer1.0-libcamera",
        "textoverlay" => "gstreamer1.0-x",
        "v4l2src" | "jpegdec" | "v4l2h264enc" => "gstreamer1.0-plugins-good",
        "x264enc" => "gstreamer1.0-plugins-ugly",
        "h264parse" | "openh264enc" | "voaacenc" | "fdkaacenc" => "gstreamer1.0-plugins-bad",
        name if name.starts_with("av") => "gstreamer1.0-libav",
        _ => "gstreamer1.0-plugins-base",
    }
}

/// Makes an element.
///
/// # Errors
/// [`Kind::Missing`], with the Debian package in the mend, when the plug-in is not installed.
pub fn element(name: &str) -> Result<gst::Element> {
    gst::ElementFactory::make(name).build().map_err(|_| {
        Error::new(
            Kind::Missing,
            format!("the GStreamer element {name} is not installed"),
        )
        .mend(format!("Install the package {}.", package(name)))
    })
}

/// Writes the pipeline's graph, named after what it is, into `$GST_DEBUG_DUMP_DOT_DIR`; does nothing when that is unset.
/// Called before a pipeline is taken down, so that a failure leaves its last state behind.
pub fn graph(pipeline: &gst::Pipeline, name: &str) {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = name.chars().map(plain).take(60).collect();
    pipeline.debug_to_dot_file_with_ts(gst::DebugGraphDetails::all(), name);
}

/// Adds `chain` to `pipeline` and links it in order.
///
/// # Errors
/// [`Kind::Internal`] when two neighbours can never be linked: a fault of ours.
pub fn link(pipeline: &gst::Pipeline, chain: &[&gst::Element]) -> Result<()> {
    pipeline
        .add_many(chain)
        .and_then(|()| gst::Element::link_many(chain))
        .map_err(|e| {
            Error::new(Kind::Internal, "a capture pipeline cannot be put together").caused_by(e)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(error: &glib::Error, debug: &str) -> (Kind, String) {
        sentence(error, Some(debug), "camera /dev/video0")
    }

    #[test]
    fn errno_in_the_debug_text_beats_the_code() {
        let open = glib::Error::new(gst::ResourceError::OpenReadWrite, "Could not open device.");
        assert_eq!(
            case(&open, "system error: Permission denied"),
            (
                Kind::Permission,
                "camera /dev/video0 may not be opened: permission denied".into()
            )
        );
        assert_eq!(
            case(&open, "system error: No such device").0,
            Kind::NotFound
        );
        let busy = glib::Error::new(gst::ResourceError::Failed, "Call to S_FMT failed");
        assert_eq!(
            case(&busy, "Device or resource busy"),
            (
                Kind::InUse,
                "camera /dev/video0 is used by another program".into()
            )
        );
    }

    #[test]
    fn the_code_is_the_fallback_and_unknown_texts_are_not_repeated() {
        let codec = glib::Error::new(gst::StreamError::CodecNotFound, "x");
        assert_eq!(case(&codec, "").0, Kind::Missing);
        let stream = glib::Error::new(gst::StreamError::Failed, "Internal data stream error.");
        let flow = "streaming stopped, reason not-negotiated (-4)";
        assert_eq!(case(&stream, flow).0, Kind::Unsupported);
        let odd = glib::Error::new(gst::ResourceError::Failed, "canary-key-123");
        let (kind, text) = case(&odd, "canary-key-123");
        assert_eq!(kind, Kind::Internal);
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn a_missing_element_names_the_package() {
        gst::init().unwrap();
        let e = element("nosuchelement").unwrap_err();
        assert_eq!(e.kind(), Kind::Missing);
        assert!(e.report().contains("nosuchelement"), "{}", e.report());
        assert_eq!(package("libcamerasrc"), "gstreamer1.0-libcamera");
    }
}
