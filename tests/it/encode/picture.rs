//! Raw pictures to encode, and decoding them again.

use boothcast::media::access_unit::AccessUnit;
use boothcast::media::raw::{Pixel, RawFormat};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

pub fn raw(width: u32, height: u32, fps: u32) -> RawFormat {
    RawFormat {
        pixel: Pixel::I420,
        width,
        height,
        fps,
    }
}

/// A ramp that drifts, with `noise` (± luma steps, from the frame's number) to make it costly to encode.
pub fn frame(format: RawFormat, number: u64, pts: u64, noise: u32) -> gst::Buffer {
    let info = gst_video::VideoInfo::from_caps(&format.caps()).unwrap();
    let mut buffer = gst::Buffer::with_size(info.size()).unwrap();
    let stride = info.stride()[0] as usize;
    let chroma = info.offset()[1];
    let mut random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let own = buffer.get_mut().unwrap();
    own.set_pts(gst::ClockTime::from_nseconds(pts));
    let mut map = own.map_writable().unwrap();
    for (y, row) in map[..chroma].chunks_mut(stride).enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            let mut value = luma(x, y, number);
            if noise > 0 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                value += (random % u64::from(2 * noise + 1)) as i32 - noise as i32;
            }
            *pixel = value as u8;
        }
    }
    map[chroma..].fill(128);
    drop(map);
    buffer
}

/// The picture without noise.
pub fn luma(x: usize, y: usize, number: u64) -> i32 {
    60 + ((x / 4 + y / 4 + number as usize) % 128) as i32
}

/// Decodes with libav; gives each picture's PTS and luma rows without padding.
pub fn decode(units: &[AccessUnit]) -> Vec<(u64, Vec<u8>)> {
    let pipeline = gst::parse::launch(
        "appsrc name=in format=time caps=video/x-h264,stream-format=byte-stream,alignment=au \
         ! h264parse ! avdec_h264 ! video/x-raw,format=I420 ! appsink name=out sync=false",
    )
    .unwrap()
    .downcast::<gst::Pipeline>()
    .unwrap();
    let src = pipeline
        .by_name("in")
        .unwrap()
        .downcast::<gstreamer_app::AppSrc>()
        .unwrap();
    let sink = pipeline
        .by_name("out")
        .unwrap()
        .downcast::<gstreamer_app::AppSink>()
        .unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    for unit in units {
        let mut buffer = gst::Buffer::from_slice(unit.data.clone());
        let own = buffer.get_mut().unwrap();
        own.set_pts(gst::ClockTime::from_nseconds(unit.pts));
        own.set_dts(gst::ClockTime::from_nseconds(unit.dts));
        src.push_buffer(buffer).unwrap();
    }
    src.end_of_stream().unwrap();
    let mut pictures = Vec::new();
    while let Some(sample) = sink.try_pull_sample(gst::ClockTime::from_seconds(20)) {
        let info = gst_video::VideoInfo::from_caps(sample.caps().unwrap()).unwrap();
        let buffer = sample.buffer_owned().unwrap();
        let pts = buffer.pts().unwrap().nseconds();
        let frame = gst_video::VideoFrame::from_buffer_readable(buffer, &info).unwrap();
        let stride = frame.plane_stride()[0] as usize;
        let width = info.width() as usize;
        let rows = frame.plane_data(0).unwrap().chunks(stride);
        let luma = rows
            .take(info.height() as usize)
            .flat_map(|row| row[..width].to_vec())
            .collect();
        pictures.push((pts, luma));
    }
    let bus = pipeline.bus().unwrap();
    let error = bus.pop_filtered(&[gst::MessageType::Error]);
    pipeline.set_state(gst::State::Null).unwrap();
    assert!(error.is_none(), "decoding failed: {error:?}");
    pictures
}
