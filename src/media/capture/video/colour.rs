//! Brings decoded pictures to BT.709, limited range, in place, where the camera gives something else.
//!
//! JPEG is BT.601 in full range, most cameras' YUYV is BT.601 in limited range. The step between two Y'CbCr
//! encodings is one linear map: luma changes with the chroma of its 2×2 block, chroma with itself. Integer
//! arithmetic over rows, written so that the compiler makes vector code of it.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as video;
use gstreamer_video::prelude::*;

use crate::media::raw::{Pixel, RawFormat};

/// Fixed-point digits of the coefficients.
const SHIFT: i32 = 13;

/// `y' = yy·y + yb·cb + yr·cr`, `cb' = bb·cb + br·cr`, `cr' = rb·cb + rr·cr`, with chroma around 0 and luma from black.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Map {
    black: i32,
    yy: i32,
    yb: i32,
    yr: i32,
    bb: i32,
    br: i32,
    rb: i32,
    rr: i32,
}

/// Luma weights of red and blue of a matrix (ITU-R BT.601 and BT.709).
const BT601: (f64, f64) = (0.299, 0.114);
const BT709: (f64, f64) = (0.2126, 0.0722);

impl Map {
    /// From `(kr, kb)` and a range to BT.709 limited.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "coefficients are below 2^15"
    )]
    fn new((kr, kb): (f64, f64), full: bool) -> Self {
        let (kr2, kb2) = BT709;
        // R, G, B of a unit of Cb and Cr (normalised: luma 0..1, chroma ±0.5) in the source's matrix.
        let (r_cr, b_cb) = (2.0 * (1.0 - kr), 2.0 * (1.0 - kb));
        let kg = 1.0 - kr - kb;
        let (g_cb, g_cr) = (-kb / kg * b_cb, -kr / kg * r_cr);
        let luma = |r: f64, g: f64, b: f64| kr2 * r + (1.0 - kr2 - kb2) * g + kb2 * b;
        let (y_cb, y_cr) = (luma(0.0, g_cb, b_cb), luma(r_cr, g_cr, 0.0));
        let cb = |y: f64, b: f64| (b - y) / (2.0 * (1.0 - kb2));
        let cr = |y: f64, r: f64| (r - y) / (2.0 * (1.0 - kr2));
        // Code values per unit, in and out.
        let (y_in, c_in) = if full { (255.0, 255.0) } else { (219.0, 224.0) };
        let fixed = |x: f64| (x * f64::from(1 << SHIFT)).round() as i32;
        Self {
            black: if full { 0 } else { 16 },
            yy: fixed(219.0 / y_in),
            yb: fixed(y_cb * 219.0 / c_in),
            yr: fixed(y_cr * 219.0 / c_in),
            bb: fixed(cb(y_cb, b_cb) * 224.0 / c_in),
            br: fixed(cb(y_cr, 0.0) * 224.0 / c_in),
            rb: fixed(cr(y_cb, 0.0) * 224.0 / c_in),
            rr: fixed(cr(y_cr, r_cr) * 224.0 / c_in),
        }
    }

    /// What a picture of this kind needs, and whether that can be done here: 8-bit Y'CbCr of a known matrix.
    fn needed(info: &video::VideoInfo) -> (bool, Option<Self>) {
        let colours = info.colorimetry();
        let full = colours.range() == video::VideoColorRange::Range0_255;
        if !info.is_yuv() || info.format_info().depth()[0] != 8 {
            return (false, None);
        }
        match colours.matrix() {
            video::VideoColorMatrix::Bt709 if !full => (true, None),
            video::VideoColorMatrix::Bt709 => (true, Some(Self::new(BT709, full))),
            video::VideoColorMatrix::Bt601 => (true, Some(Self::new(BT601, full))),
            _ => (false, None),
        }
    }

    #[inline]
    fn luma(&self, y: u8, shift: i32) -> u8 {
        clamp(
            ((i32::from(y) - self.black) * self.yy + shift + (1 << (SHIFT - 1))) >> SHIFT,
            16,
        )
    }

    #[inline]
    fn chroma(&self, cb: u8, cr: u8) -> (u8, u8, i32) {
        let (b, r) = (i32::from(cb) - 128, i32::from(cr) - 128);
        let half = 1 << (SHIFT - 1);
        (
            clamp((self.bb * b + self.br * r + half) >> SHIFT, 128),
            clamp((self.rb * b + self.rr * r + half) >> SHIFT, 128),
            self.yb * b + self.yr * r,
        )
    }

    fn luma_row(&self, row: &mut [u8], shifts: &[i32]) {
        for (pair, shift) in row.chunks_mut(2).zip(shifts) {
            for y in pair {
                *y = self.luma(*y, *shift);
            }
        }
    }
}

#[inline]
#[expect(clippy::cast_sign_loss, reason = "clamped to a byte")]
fn clamp(value: i32, offset: i32) -> u8 {
    (value + offset).clamp(0, 255) as u8
}

/// The map for the frames that come out of a converter now.
pub(super) type Slot = Arc<Mutex<Option<Map>>>;

/// Decides at each change of caps who corrects the colours of what goes through `converter` (`videoconvertscale`): this file, with
/// the converter's own matrix switched off, or the converter, for everything unusual (RGB, 10 bit, BT.2020).
pub(super) fn watch(converter: &gst::Element) -> Slot {
    let slot = Slot::default();
    let (inner, element) = (slot.clone(), converter.downgrade());
    if let Some(pad) = converter.static_pad("sink") {
        pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
            if let Some(event) = info.event()
                && let gst::EventView::Caps(caps) = event.view()
                && let Ok(video) = video::VideoInfo::from_caps(caps.caps())
                && let Some(element) = element.upgrade()
            {
                let (ours, map) = Map::needed(&video);
                element.set_property_from_str("matrix-mode", if ours { "none" } else { "full" });
                *inner.lock().unwrap_or_else(PoisonError::into_inner) = map;
            }
            gst::PadProbeReturn::Ok
        });
    }
    slot
}

/// Applies the map in a slot.
#[derive(Debug)]
pub(super) struct Correction {
    format: RawFormat,
    slot: Slot,
    /// Luma shift of each 2×2 block of a row.
    shifts: Vec<i32>,
}

impl Correction {
    pub(super) fn new(format: RawFormat, slot: Slot) -> Self {
        Self {
            format,
            slot,
            shifts: Vec::new(),
        }
    }

    /// Corrects a frame in place.
    pub(super) fn apply(&mut self, buffer: &mut gst::Buffer) {
        let Some(map) = *self.slot.lock().unwrap_or_else(PoisonError::into_inner) else {
            return;
        };
        let Some(info) = self.info() else {
            return;
        };
        let buffer = buffer.make_mut();
        if let Ok(mut frame) = video::VideoFrameRef::from_buffer_ref_writable(buffer, &info) {
            self.frame(map, &mut frame);
        }
    }

    fn info(&self) -> Option<video::VideoInfo> {
        let pixel = match self.format.pixel {
            Pixel::I420 => video::VideoFormat::I420,
            Pixel::Nv12 => video::VideoFormat::Nv12,
        };
        video::VideoInfo::builder(pixel, self.format.width, self.format.height)
            .build()
            .ok()
    }

    fn frame(&mut self, map: Map, frame: &mut video::VideoFrameRef<&mut gst::BufferRef>) {
        let (w, h) = (self.format.width as usize, self.format.height as usize);
        self.shifts.resize(w / 2, 0);
        let strides: Vec<usize> = frame
            .plane_stride()
            .iter()
            .map(|s| usize::try_from(*s).unwrap_or(0))
            .collect();
        for line in 0..h / 2 {
            let done = match self.format.pixel {
                Pixel::I420 => planar_row(
                    map,
                    frame,
                    line * strides[1],
                    line * strides[2],
                    w / 2,
                    &mut self.shifts,
                ),
                Pixel::Nv12 => semi_row(map, frame, line * strides[1], w, &mut self.shifts),
            };
            let Ok(luma) = frame.plane_data_mut(0) else {
                return;
            };
            for y in [2 * line, 2 * line + 1] {
                if let (Some(()), Some(row)) =
                    (done, luma.get_mut(y * strides[0]..y * strides[0] + w))
                {
                    map.luma_row(row, &self.shifts);
                }
            }
        }
    }
}

type Frame<'a> = video::VideoFrameRef<&'a mut gst::BufferRef>;

fn planar_row(
    map: Map,
    frame: &mut Frame<'_>,
    b_at: usize,
    r_at: usize,
    len: usize,
    shifts: &mut [i32],
) -> Option<()> {
    let mut b = [0_u8; 64];
    let mut at = 0;
    while at < len {
        let n = (len - at).min(b.len());
        b[..n].copy_from_slice(frame.plane_data(1).ok()?.get(b_at + at..b_at + at + n)?);
        let r = frame
            .plane_data_mut(2)
            .ok()?
            .get_mut(r_at + at..r_at + at + n)?;
        for ((b, r), shift) in b.iter_mut().zip(r).zip(&mut shifts[at..]) {
            (*b, *r, *shift) = map.chroma(*b, *r);
        }
        frame
            .plane_data_mut(1)
            .ok()?
            .get_mut(b_at + at..b_at + at + n)?
            .copy_from_slice(&b[..n]);
        at += n;
    }
    Some(())
}

fn semi_row(
    map: Map,
    frame: &mut Frame<'_>,
    at: usize,
    len: usize,
    shifts: &mut [i32],
) -> Option<()> {
    let row = frame.plane_data_mut(1).ok()?.get_mut(at..at + len)?;
    for (pair, shift) in row.chunks_exact_mut(2).zip(shifts) {
        (pair[0], pair[1], *shift) = map.chroma(pair[0], pair[1]);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bus;

    /// Runs one frame of noise-free bars through a converter, ours or GStreamer's own matrix.
    fn convert(caps: &str, format: RawFormat, ours: bool) -> Vec<u8> {
        let pipeline = gst::Pipeline::new();
        let source = bus::element("videotestsrc").unwrap();
        source.set_property("num-buffers", 1_i32);
        source.set_property_from_str("pattern", "smpte75");
        let filter = bus::element("capsfilter").unwrap();
        filter.set_property_from_str("caps", caps);
        let converter = bus::element("videoconvertscale").unwrap();
        let slot = if ours {
            watch(&converter)
        } else {
            Slot::default()
        };
        let sink = gstreamer_app::AppSink::builder()
            .caps(&super::super::build::sink_caps(format))
            .sync(false)
            .build();
        bus::link(
            &pipeline,
            &[&source, &filter, &converter, sink.upcast_ref()],
        )
        .unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        let sample = sink.pull_sample().unwrap();
        let mut buffer = sample.buffer_owned().unwrap();
        drop(sample);
        Correction::new(format, slot).apply(&mut buffer);
        pipeline.set_state(gst::State::Null).unwrap();
        buffer.map_readable().unwrap().to_vec()
    }

    #[test]
    fn our_matrix_gives_what_gstreamers_slow_one_gives() {
        gst::init().unwrap();
        for pixel in [Pixel::I420, Pixel::Nv12] {
            let format = RawFormat {
                pixel,
                width: 320,
                height: 240,
                fps: 30,
            };
            for source in [
                "format=YUY2,colorimetry=bt601",
                "format=I420,colorimetry=1:4:0:0",
                "format=I420,colorimetry=bt709",
                "format=NV12,colorimetry=1:4:0:0",
                "format=BGRx",
            ] {
                let caps = format!("video/x-raw,width=320,height=240,{source}");
                let (ours, theirs) = (convert(&caps, format, true), convert(&caps, format, false));
                assert_eq!(ours.len(), theirs.len());
                // Edges of bars differ by the order of chroma resampling and matrix; flat areas by rounding only.
                let far = ours
                    .iter()
                    .zip(&theirs)
                    .filter(|(a, b)| a.abs_diff(**b) > 3)
                    .count();
                assert!(
                    far * 20 < ours.len(),
                    "{source} to {pixel:?}: {far} of {} differ",
                    ours.len()
                );
            }
        }
    }

    #[test]
    fn the_map_is_the_identity_where_nothing_is_to_do() {
        let map = Map::new(BT709, false);
        for y in 16..=235 {
            assert_eq!(map.luma(y, 0), y);
        }
        assert_eq!(map.chroma(90, 200), (90, 200, 0));
        let full = Map::new(BT601, true);
        assert_eq!((full.luma(0, 0), full.luma(255, 0)), (16, 235));
        assert_eq!(full.chroma(128, 128), (128, 128, 0));
        // GStreamer 1.22 forgets the range between pictures of the same matrix; here it counts.
        let full = Map::new(BT709, true);
        assert_eq!((full.luma(0, 0), full.luma(255, 0)), (16, 235));
        assert_eq!(full.chroma(255, 0), (240, 16, 0));
    }
}
