//! The same with GStreamer's own elements.

use boothcast::media::overlay::sprite::Sprite;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::cairo::{self, Surface};
use super::film::Film;
use super::run::{Size, frames_of, pipeline};

pub fn textoverlay(size: Size, film: &Film) -> gst::Pipeline {
    let px = size.height / 20;
    let middle = format!(
        "textoverlay name=text font-desc=\"Sans {px}px\" auto-resize=false halignment=left valignment=top \
         wrap-mode=none draw-shadow=false text=\"the sound is great today, thank you so much\""
    );
    let pipeline = pipeline(size, "black", &middle);
    let text = pipeline.by_name("text").unwrap();
    let places: Vec<_> = (0..400)
        .map(|n| film.comments[7].at(n * 33_333_333))
        .collect();
    frames_of(&pipeline).add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let pts = info.buffer().unwrap().pts().unwrap().nseconds();
        if let Some((x, y)) = places[(pts / 33_333_333) as usize % places.len()] {
            text.set_property("deltax", x);
            text.set_property("deltay", y);
        }
        gst::PadProbeReturn::Ok
    });
    pipeline
}

pub fn cairooverlay(size: Size, film: &Film) -> gst::Pipeline {
    let middle = format!(
        "videoconvert ! video/x-raw,format=BGRx ! cairooverlay name=cairo ! videoconvert ! {}",
        size.format().caps()
    );
    let pipeline = pipeline(size, "black", &middle);
    let element = pipeline.by_name("cairo").unwrap();
    let cairo = cairo::Library::load();
    let surfaces: Vec<Surface> = film
        .comments
        .iter()
        .map(|c| cairo.surface(&c.faded()))
        .collect();
    let places = all_places(film);
    element.connect("draw", false, move |values| {
        let pts: u64 = values[2].get().unwrap();
        for (surface, place) in surfaces.iter().zip(&places[frame_of(pts) % places.len()]) {
            if let Some((x, y)) = place {
                cairo.paint(&values[1], surface, *x, *y);
            }
        }
        None
    });
    pipeline
}

pub fn compositor(size: Size, film: &Film) -> gst::Pipeline {
    let middle = format!(
        "mix.sink_0 compositor name=mix ! video/x-raw,format=AYUV ! videoconvert ! {}",
        size.format().caps()
    );
    let pipeline = pipeline(size, "black", &middle);
    let mix = pipeline.by_name("mix").unwrap();
    let pads: Vec<gst::Pad> = film
        .comments
        .iter()
        .map(|c| text_pad(&pipeline, &mix, &c.faded()))
        .collect();
    let places = all_places(film);
    frames_of(&pipeline).add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let pts = info.buffer().unwrap().pts().unwrap().nseconds();
        for (pad, place) in pads.iter().zip(&places[frame_of(pts) % places.len()]) {
            let (x, y) = place.unwrap_or((-10_000, 0));
            pad.set_property("xpos", x);
            pad.set_property("ypos", y);
        }
        gst::PadProbeReturn::Ok
    });
    pipeline
}

fn frame_of(pts: u64) -> usize {
    ((pts + 16_666_666) / 33_333_333) as usize
}

/// Per frame the places of all comments, worked out beforehand.
fn all_places(film: &Film) -> Vec<Vec<Option<(i32, i32)>>> {
    let at = |n: u64| film.comments.iter().map(move |c| c.at(n * 33_333_333));
    (0..400).map(|n| at(n).collect()).collect()
}

/// A picture that stays, and the compositor's pad that shows it.
fn text_pad(pipeline: &gst::Pipeline, mix: &gst::Element, sprite: &Sprite) -> gst::Pad {
    let line = "appsrc name=src format=time ! videoconvert ! video/x-raw,format=AYUV ! imagefreeze \
                ! capsfilter caps=video/x-raw,framerate=30/1";
    let branch = gst::parse::bin_from_description(line, true).unwrap();
    pipeline.add(&branch).unwrap();
    let pad = mix.request_pad_simple("sink_%u").unwrap();
    branch.static_pad("src").unwrap().link(&pad).unwrap();
    let source: gst_app::AppSrc = branch.by_name("src").unwrap().downcast().unwrap();
    let caps = gst::Caps::builder("video/x-raw")
        .field("format", "BGRA")
        .field("width", sprite.width as i32)
        .field("height", sprite.height as i32)
        .field("framerate", gst::Fraction::new(30, 1));
    source.set_caps(Some(&caps.build()));
    let mut buffer = gst::Buffer::from_mut_slice(straight(sprite));
    buffer.get_mut().unwrap().set_pts(gst::ClockTime::ZERO);
    source.push_buffer(buffer).unwrap();
    source.end_of_stream().unwrap();
    pad
}

/// B, G, R, A, the colours not times alpha.
fn straight(sprite: &Sprite) -> Vec<u8> {
    let pixel = |[a, r, g, b]: [u8; 4]| {
        let full = |c: u8| (u32::from(c) * 255 / u32::from(a.max(1))).min(255) as u8;
        [full(b), full(g), full(r), a]
    };
    sprite.argb.iter().flat_map(|p| pixel(*p)).collect()
}
