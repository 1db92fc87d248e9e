//! Access units to RTP packets, once for all readers.
//!
//! GStreamer's payloaders (`rtph264pay`, RFC 6184; `rtpmp4gpay`, RFC 3640) run between two bare pads, so that a call of
//! [`Payloader::push`] returns with the packets of the access unit in hand: no pipeline, no thread, no queue.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use gstreamer as gst;
use gstreamer::prelude::*;

use crate::error::{Error, Kind, Result};
use crate::media::access_unit::{AccessUnit, Format, Track};
use crate::media::fanout::Unit;

/// Bytes of a fixed RTP header (RFC 3550, 5.1).
pub(super) const RTP_HEADER: usize = 12;
/// Largest RTP packet: fits an Ethernet frame, VPN overhead included.
const MTU: u32 = 1400;

/// The RTP packets of one access unit. Cloning shares them.
#[derive(Debug, Clone)]
pub(super) struct RtpUnit(Arc<Packets>);

/// What an [`RtpUnit`] shares.
#[derive(Debug)]
pub(super) struct Packets {
    pub track: Track,
    pub keyframe: bool,
    /// Running time, ns.
    pub pts: u64,
    pub dts: u64,
    /// Sequence number of the first packet.
    pub seq: u16,
    /// RTP timestamp of all packets.
    pub timestamp: u32,
    /// The packets, each in one piece.
    pub packets: Vec<Bytes>,
    /// The same packets for the library's interleaved transport.
    pub list: gst::BufferList,
    /// Bytes of all packets.
    pub size: usize,
}

impl std::ops::Deref for RtpUnit {
    type Target = Packets;

    fn deref(&self) -> &Packets {
        &self.0
    }
}

impl Unit for RtpUnit {
    fn is_video(&self) -> bool {
        self.track == Track::Video
    }

    fn is_keyframe(&self) -> bool {
        self.keyframe
    }

    fn time_ns(&self) -> u64 {
        self.dts
    }

    fn size(&self) -> usize {
        self.size
    }
}

/// What the payloader handed out during one call.
#[derive(Default)]
struct Caught {
    buffers: Vec<gst::Buffer>,
    caps: Option<gst::Caps>,
}

/// One track's payloader.
pub(super) struct Payloader {
    track: Track,
    element: gst::Element,
    src: gst::Pad,
    sink: gst::Pad,
    caught: Arc<Mutex<Caught>>,
    format: Option<Arc<Format>>,
    /// Synchronisation source, the same for every reader.
    pub ssrc: u32,
    offset: u32,
    rate: u32,
}

impl Payloader {
    /// Makes the payloader of `track`. [`Kind::Missing`] when the plug-in is not installed.
    pub(super) fn new(track: Track) -> Result<Self> {
        let (factory, pt) = match track {
            Track::Video => ("rtph264pay", 96_u32),
            Track::Audio => ("rtpmp4gpay", 97),
        };
        let ssrc = rand::random::<u32>();
        let offset = rand::random::<u32>();
        let mut builder = gst::ElementFactory::make(factory)
            .property("mtu", MTU)
            .property("pt", pt)
            .property("ssrc", ssrc)
            .property("timestamp-offset", offset)
            .property("seqnum-offset", i32::from(rand::random::<u16>() >> 1));
        if track == Track::Video {
            // SPS and PPS are in band already: repeating them would split a keyframe into two RTP frames.
            builder = builder
                .property("config-interval", 0_i32)
                .property_from_str("aggregate-mode", "zero-latency");
        }
        let element = builder.build().map_err(|e| {
            Error::new(
                Kind::Missing,
                format!("The GStreamer element {factory} is missing."),
            )
            .caused_by(e)
            .mend("Install the package gstreamer1.0-plugins-good.")
        })?;
        let caught = Arc::new(Mutex::new(Caught::default()));
        let (src, sink) = bare_pads(&element, &caught)?;
        Ok(Self {
            track,
            element,
            src,
            sink,
            caught,
            format: None,
            ssrc,
            offset,
            rate: 90_000,
        })
    }

    /// RTP clock in Hz and random offset of the timestamps.
    pub(super) fn clocking(&self) -> (u32, u32) {
        (self.rate, self.offset)
    }

    /// Payloads one access unit. The second part is the caps for the session description, when they changed.
    pub(super) fn push(&mut self, au: &AccessUnit) -> Result<(Option<RtpUnit>, Option<gst::Caps>)> {
        if self.format.as_ref().is_none_or(|f| **f != *au.format) {
            self.announce(&au.format);
            self.format = Some(Arc::clone(&au.format));
        }
        let mut buffer = gst::Buffer::from_slice(au.data.clone());
        if let Some(b) = buffer.get_mut() {
            b.set_pts(gst::ClockTime::from_nseconds(au.pts));
            b.set_dts(gst::ClockTime::from_nseconds(au.dts));
            b.set_duration(gst::ClockTime::from_nseconds(au.duration));
            if !au.keyframe {
                b.set_flags(gst::BufferFlags::DELTA_UNIT);
            }
        }
        self.src.push(buffer).map_err(|e| {
            Error::new(
                Kind::Internal,
                format!("An access unit could not be made into RTP packets ({e})."),
            )
        })?;
        let caught =
            std::mem::take(&mut *self.caught.lock().unwrap_or_else(PoisonError::into_inner));
        Ok((self.unit(au, &caught.buffers), caught.caps))
    }

    fn announce(&mut self, format: &Format) {
        let caps = match format {
            Format::H264 {
                width, height, fps, ..
            } => gst::Caps::builder("video/x-h264")
                .field("stream-format", "byte-stream")
                .field("alignment", "au")
                .field("width", i32::try_from(*width).unwrap_or(i32::MAX))
                .field("height", i32::try_from(*height).unwrap_or(i32::MAX))
                .field(
                    "framerate",
                    gst::Fraction::new(i32::try_from(*fps).unwrap_or(30), 1),
                )
                .build(),
            Format::Aac {
                rate,
                channels,
                config,
            } => {
                self.rate = *rate;
                gst::Caps::builder("audio/mpeg")
                    .field("mpegversion", 4_i32)
                    .field("stream-format", "raw")
                    .field("rate", i32::try_from(*rate).unwrap_or(i32::MAX))
                    .field("channels", i32::try_from(*channels).unwrap_or(1))
                    .field("codec_data", gst::Buffer::from_slice(config.clone()))
                    .build()
            }
        };
        let first = self.format.is_none();
        if first {
            self.src.push_event(gst::event::StreamStart::new("rtsp"));
        }
        self.src.push_event(gst::event::Caps::new(&caps));
        if first {
            let segment = gst::FormattedSegment::<gst::ClockTime>::new();
            self.src.push_event(gst::event::Segment::new(&segment));
        }
    }

    /// One copy per access unit makes every packet contiguous: cheaper for N readers than N scattered writes.
    fn unit(&self, au: &AccessUnit, buffers: &[gst::Buffer]) -> Option<RtpUnit> {
        let size: usize = buffers.iter().map(|b| b.size()).sum();
        let mut bytes = BytesMut::zeroed(size);
        let mut ends = Vec::with_capacity(buffers.len());
        let mut at = 0;
        for buffer in buffers {
            let n = buffer.size();
            buffer.copy_to_slice(0, &mut bytes[at..at + n]).ok()?;
            at += n;
            ends.push(at);
        }
        let bytes = bytes.freeze();
        let head = bytes.get(..RTP_HEADER)?;
        let seq = u16::from_be_bytes([head[2], head[3]]);
        let timestamp = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        let mut list = gst::BufferList::new_sized(ends.len());
        let mut packets = Vec::with_capacity(ends.len());
        let mut start = 0;
        for end in ends {
            let packet = bytes.slice(start..end);
            start = end;
            if let Some(list) = list.get_mut() {
                list.add(gst::Buffer::from_slice(packet.clone()));
            }
            packets.push(packet);
        }
        Some(RtpUnit(Arc::new(Packets {
            track: self.track,
            keyframe: au.keyframe,
            pts: au.pts,
            dts: au.dts,
            seq,
            timestamp,
            packets,
            list,
            size,
        })))
    }
}

impl Drop for Payloader {
    fn drop(&mut self) {
        let _ = self.src.set_active(false);
        let _ = self.element.set_state(gst::State::Null);
        let _ = self.sink.set_active(false);
    }
}

/// `offset + t · rate` in RTP clock units, modulo 2³², rounded down as GStreamer does.
pub(super) fn rtp_time(offset: u32, rate: u32, running_ns: u64) -> u32 {
    let ticks = u128::from(running_ns) * u128::from(rate) / 1_000_000_000;
    // Wraps by design (RFC 3550, 5.1).
    offset.wrapping_add(u32::try_from(ticks & 0xffff_ffff).unwrap_or_default())
}

/// A pad in front of `element` and one behind it that keeps what comes.
fn bare_pads(element: &gst::Element, caught: &Arc<Mutex<Caught>>) -> Result<(gst::Pad, gst::Pad)> {
    let internal = |e: gst::glib::BoolError| {
        Error::new(Kind::Internal, "The RTP payloader does not start.").caused_by(e)
    };
    let (one, many, events) = (Arc::clone(caught), Arc::clone(caught), Arc::clone(caught));
    // Without a template the pad would insist on the first caps when the format changes.
    let template = gst::PadTemplate::new(
        "caught",
        gst::PadDirection::Sink,
        gst::PadPresence::Always,
        &gst::Caps::new_any(),
    )
    .map_err(internal)?;
    let sink = gst::Pad::builder_from_template(&template)
        .name("caught")
        .chain_function(move |_, _, buffer| {
            let mut caught = one.lock().unwrap_or_else(PoisonError::into_inner);
            caught.buffers.push(buffer);
            Ok(gst::FlowSuccess::Ok)
        })
        .chain_list_function(move |_, _, list| {
            let mut caught = many.lock().unwrap_or_else(PoisonError::into_inner);
            caught.buffers.extend(list.iter_owned());
            Ok(gst::FlowSuccess::Ok)
        })
        .event_function(move |_, _, event| {
            if let gst::EventView::Caps(caps) = event.view() {
                let mut caught = events.lock().unwrap_or_else(PoisonError::into_inner);
                caught.caps = Some(caps.caps_owned());
            }
            true
        })
        .build();
    let src = gst::Pad::builder(gst::PadDirection::Src)
        .name("units")
        .build();
    let missing = || Error::new(Kind::Internal, "The RTP payloader has no pads.");
    let pay_sink = element.static_pad("sink").ok_or_else(missing)?;
    let pay_src = element.static_pad("src").ok_or_else(missing)?;
    sink.set_active(true).map_err(internal)?;
    src.set_active(true).map_err(internal)?;
    let link = |e: gst::PadLinkError| {
        Error::new(Kind::Internal, "The RTP payloader cannot be linked.").caused_by(e)
    };
    src.link(&pay_sink).map_err(link)?;
    pay_src.link(&sink).map_err(link)?;
    element.set_state(gst::State::Playing).map_err(|e| {
        Error::new(Kind::Internal, "The RTP payloader does not start.").caused_by(e)
    })?;
    Ok((src, sink))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access_unit(pts: u64, keyframe: bool, size: usize) -> AccessUnit {
        let mut data = Vec::new();
        if keyframe {
            data.extend_from_slice(&[0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x0d, 0xda, 0x05, 0x07, 0xec]);
            data.extend_from_slice(&[0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80]);
        }
        data.extend_from_slice(&[0, 0, 0, 1, if keyframe { 0x65 } else { 0x41 }]);
        data.resize(data.len() + size, 0x55);
        AccessUnit {
            track: Track::Video,
            pts,
            dts: pts,
            duration: 33_333_333,
            keyframe,
            data: Bytes::from(data),
            format: Arc::new(Format::H264 {
                width: 320,
                height: 240,
                fps: 30,
                sps: Bytes::new(),
                pps: Bytes::new(),
            }),
        }
    }

    #[test]
    fn an_access_unit_becomes_one_unit_whose_last_packet_alone_is_marked() {
        gst::init().unwrap();
        let mut payloader = Payloader::new(Track::Video).unwrap();
        let (rate, offset) = payloader.clocking();
        let mut next = None;
        for (n, size) in [(0_u64, 10_000), (1, 40), (2, 1_380), (3, 5_000)] {
            let pts = 7_000_000_000 + n * 33_333_333;
            let (unit, caps) = payloader.push(&access_unit(pts, n == 0, size)).unwrap();
            let unit = unit.unwrap();
            assert_eq!(caps.is_some(), n == 0, "caps come with the first keyframe");
            assert_eq!(unit.timestamp, rtp_time(offset, rate, pts));
            assert_eq!(unit.list.len(), unit.packets.len());
            assert_eq!(
                unit.size,
                unit.packets.iter().map(Bytes::len).sum::<usize>()
            );
            for (i, packet) in unit.packets.iter().enumerate() {
                assert!(packet.len() <= MTU as usize);
                assert_eq!(packet[4..8], unit.timestamp.to_be_bytes());
                assert_eq!(packet[8..12], payloader.ssrc.to_be_bytes());
                let last = i + 1 == unit.packets.len();
                assert_eq!(packet[1] & 0x80 != 0, last, "marker");
                let seq = u16::from_be_bytes([packet[2], packet[3]]);
                assert_eq!(seq, *next.get_or_insert(seq));
                next = Some(seq.wrapping_add(1));
            }
        }
    }

    #[test]
    fn rtp_time_wraps_and_does_not_drift() {
        assert_eq!(rtp_time(u32::MAX, 90_000, 1_000_000_000), 89_999);
        let year = 365 * 86_400 * 1_000_000_000_u64;
        assert_eq!(
            rtp_time(0, 48_000, year),
            ((year / 1_000_000_000) * 48_000) as u32
        );
    }
}
