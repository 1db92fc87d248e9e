//! The slate: what is shown when there is no camera picture.
//!
//! Made once per change, by a short pipeline with pango (`textoverlay`), which shapes every script that a font is installed for. Where
//! that fails (no plug-in, no font, a broken own picture) a plainer slate takes its place: a slate is never missing.

use std::fmt::Write as _;
use std::path::Path;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::live::{self, Pipeline};
use super::presence::Presence;
use super::worker::Signal;
use super::{looped, test_source};
use crate::config::schema::SlateConfig;
use crate::error::{Error, Kind, Result};
use crate::media::bus;
use crate::media::raw::RawFormat;

/// Longest time for making a slate.
const LIMIT: gst::ClockTime = gst::ClockTime::from_seconds(3);
/// Background: Y, Cb, Cr of a dark blue-grey in BT.709.
const DARK: [u8; 3] = [42, 136, 124];
/// The same as ARGB.
const DARK_ARGB: u32 = 0xff1c_222c;
/// Characters that are drawn at most: more would be unreadable and costs time.
const NAME_MAX: usize = 64;
const SENTENCE_MAX: usize = 240;

/// A picture in `format` with the box's `name` and one `sentence`, or with the sentence on a band over the own picture
/// of `config`. Blocks up to 6 s: not for streaming threads.
///
/// # Errors
/// Only for a format in which no picture can be made; everything else falls back to a plainer slate.
pub fn render(
    config: &SlateConfig,
    name: &str,
    sentence: &str,
    format: RawFormat,
) -> Result<gst::Buffer> {
    if !config.picture.as_os_str().is_empty() {
        match own(&config.picture, sentence, format) {
            Ok(slate) => return Ok(slate),
            Err(e) => {
                tracing::warn!(error = %e.report(), "the own slate cannot be shown; made one instead");
            }
        }
    }
    match made(name, sentence, format) {
        Ok(slate) => Ok(slate),
        Err(e) => {
            tracing::warn!(error = %e.report(), "the slate has no text");
            plain(format)
        }
    }
}

/// A dark picture without text.
pub(super) fn plain(format: RawFormat) -> Result<gst::Buffer> {
    Ok(gst::Buffer::from_mut_slice(test_source::plain(
        format, DARK,
    )?))
}

/// Text for `textoverlay`, whose `text` is pango markup: everything special is escaped, so that a name like `A<B & C` is shown as it is.
fn markup(text: &str, limit: usize) -> String {
    let mut out = String::new();
    for c in text.chars().take(limit) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => {
                let _ = out.write_char(c);
            }
        }
    }
    if text.chars().nth(limit).is_some() {
        out.push('…');
    }
    out
}

/// A `textoverlay` with letters of `size` pixels whose middle is at `at` (0 top to 1 bottom).
fn overlay(text: &str, bold: bool, size: u32, at: f64) -> Result<gst::Element> {
    let element = bus::element("textoverlay")?;
    element.set_property("text", text);
    let weight = if bold { "Bold " } else { "" };
    element.set_property("font-desc", format!("Sans {weight}{}px", size.max(8)));
    element.set_property("auto-resize", false);
    element.set_property_from_str("wrap-mode", "wordchar");
    element.set_property_from_str("halignment", "center");
    element.set_property_from_str("line-alignment", "center");
    element.set_property_from_str("valignment", "position");
    element.set_property("ypos", at);
    element.set_property("draw-shadow", false);
    element.set_property("draw-outline", false);
    Ok(element)
}

fn filter(caps: &gst::Caps) -> Result<gst::Element> {
    let element = bus::element("capsfilter")?;
    element.set_property("caps", caps);
    Ok(element)
}

/// Text is drawn in RGB: blending it in 4:2:0 would fray the letters.
fn canvas(format: RawFormat) -> gst::Caps {
    let pixels = |n| i32::try_from(n).unwrap_or(i32::MAX);
    gst::Caps::builder("video/x-raw")
        .field("format", "BGRx")
        .field("width", pixels(format.width))
        .field("height", pixels(format.height))
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .build()
}

fn made(name: &str, sentence: &str, format: RawFormat) -> Result<gst::Buffer> {
    let source = bus::element("videotestsrc")?;
    source.set_property("num-buffers", 1_i32);
    source.set_property_from_str("pattern", "solid-color");
    source.set_property("foreground-color", DARK_ARGB);
    let chain = [
        source,
        filter(&canvas(format))?,
        overlay(&markup(name, NAME_MAX), true, fit(name, format, 9), 0.38)?,
        overlay(
            &markup(sentence, SENTENCE_MAX),
            false,
            format.height / 20,
            0.66,
        )?,
        bus::element("videoconvertscale")?,
    ];
    let pipeline = gst::Pipeline::new();
    finish(pipeline, &chain, None, format, "slate")
}

/// Letters of a `1/part` of the height, smaller for a long name, so that it stays on about one line.
fn fit(name: &str, format: RawFormat, part: u32) -> u32 {
    // A wide script's letter is about as wide as high; Latin ones are half of that.
    let halves: u32 = name
        .chars()
        .map(|c| if u32::from(c) < 0x1100 { 1 } else { 2 })
        .sum();
    let widest = format.width * 9 / 5 / halves.max(1);
    (format.height / part).min(widest).max(format.height / 24)
}

fn own(picture: &Path, sentence: &str, format: RawFormat) -> Result<gst::Buffer> {
    looped::check(picture)?;
    let (source, decoder) = (bus::element("filesrc")?, bus::element("decodebin")?);
    source.set_property("location", picture);
    let converter = bus::element("videoconvertscale")?;
    converter.set_property("add-borders", true);
    let band = overlay(
        &markup(sentence, SENTENCE_MAX),
        false,
        format.height / 20,
        0.92,
    )?;
    band.set_property("shaded-background", true);
    band.set_property("shading-value", 160_u32);
    let chain = [
        converter,
        filter(&canvas(format))?,
        band,
        bus::element("videoconvertscale")?,
    ];
    let pipeline = gst::Pipeline::new();
    bus::link(&pipeline, &[&source, &decoder])?;
    let name = format!("slate picture {}", picture.display());
    finish(pipeline, &chain, Some(&decoder), format, &name)
}

/// Runs `chain` (after `decoder`, when there is one) and takes the first picture.
fn finish(
    pipeline: gst::Pipeline,
    chain: &[gst::Element],
    decoder: Option<&gst::Element>,
    format: RawFormat,
    name: &str,
) -> Result<gst::Buffer> {
    let mut caps = format.caps();
    for structure in caps.make_mut().iter_mut() {
        structure.remove_field("framerate");
    }
    let sink = gst_app::AppSink::builder().caps(&caps).sync(false).build();
    let mut all: Vec<&gst::Element> = chain.iter().collect();
    all.push(sink.upcast_ref());
    bus::link(&pipeline, &all)?;
    if let Some(decoder) = decoder {
        let first = all[0].downgrade();
        decoder.connect_pad_added(move |_, pad| {
            if let Some(target) = first.upgrade().and_then(|e| e.static_pad("sink"))
                && !target.is_linked()
            {
                // A pad that does not fit stays unlinked, and the pipeline says so.
                let _ = pad.link(&target);
            }
        });
    }
    let plan = Pipeline {
        name: name.to_owned(),
        pipeline,
        sink,
        ends: true,
        presence: Presence::default(),
    };
    let picture = first_picture(&plan);
    live::halt(&plan.pipeline);
    picture
}

fn first_picture(plan: &Pipeline) -> Result<gst::Buffer> {
    let signal = Signal::default();
    live::watch(plan, &signal);
    let failed = |signal: &Signal| {
        let (kind, text) = signal.take_fault().unwrap_or_else(|| {
            (
                Kind::Timeout,
                format!("{} is not ready in {} s", plan.name, LIMIT.seconds()),
            )
        });
        Error::new(kind, text)
    };
    if plan.pipeline.set_state(gst::State::Playing).is_err() {
        return Err(failed(&signal));
    }
    let mut left = LIMIT;
    let step = gst::ClockTime::from_mseconds(50);
    while left > gst::ClockTime::ZERO {
        if let Some(buffer) = plan
            .sink
            .try_pull_sample(step)
            .and_then(|s| s.buffer_owned())
        {
            // A copy of its own: the pipeline's pool ends with the pipeline.
            return buffer
                .copy_deep()
                .map_err(|e| Error::new(Kind::Internal, "the slate cannot be kept").caused_by(e));
        }
        if signal.wait(std::time::Duration::ZERO) || plan.sink.is_eos() {
            return Err(failed(&signal));
        }
        left = left.saturating_sub(step);
    }
    Err(failed(&signal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_bounded() {
        assert_eq!(
            markup("<b>A & 'B'</b>\n", 64),
            "&lt;b&gt;A &amp; &#39;B&#39;&lt;/b&gt; "
        );
        assert_eq!(markup("abc", 3), "abc");
        assert_eq!(markup("abcd", 3), "abc…");
    }
}
