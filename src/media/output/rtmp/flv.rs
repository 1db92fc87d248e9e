//! Bodies of RTMP audio, video and data messages: FLV tags without their header (Adobe, *Video File Format
//! Specification 10.1*, annex E), H.264 as ISO/IEC 14496-15 wants it, and room for Enhanced RTMP. Pure; media bytes
//! are shared, never copied.

use bytes::Bytes;

use super::amf::{self, Value};
use crate::media::access_unit::Format;
use crate::media::h264::{avcc, decoder_config, nal_type, nal_type_of};

/// Video codecs of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VideoCodec {
    /// H.264 in the form of FLV 10.1 (CodecID 7), which every server takes.
    Avc,
    /// Any other, by the FourCC of Enhanced RTMP v1 (`hvc1`, `av01`, `vp09`).
    FourCc([u8; 4]),
}

/// What a video message carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packet {
    /// The decoder's configuration record.
    SequenceHeader,
    /// A picture, shown `composition_ms` after its decoding time.
    Picture {
        /// Whether a decoder can start here.
        keyframe: bool,
        /// Composition time offset, ms; 24 bits, signed.
        composition_ms: i32,
    },
}

/// The bytes in front of the codec's own data in a video message.
#[must_use]
pub fn video_header(codec: VideoCodec, packet: Packet) -> Vec<u8> {
    let (keyframe, offset) = match packet {
        Packet::SequenceHeader => (true, 0),
        Packet::Picture {
            keyframe,
            composition_ms,
        } => (keyframe, composition_ms.clamp(-0x80_0000, 0x7F_FFFF)),
    };
    let frame_type: u8 = if keyframe { 1 } else { 2 };
    let [_, a, b, c] = offset.to_be_bytes();
    match codec {
        VideoCodec::Avc => {
            let kind = u8::from(packet != Packet::SequenceHeader);
            vec![frame_type << 4 | 7, kind, a, b, c]
        }
        VideoCodec::FourCc(cc) => {
            // Enhanced RTMP v1: bit 7 marks the extended header; packet type 0 starts a sequence, 1 carries frames.
            let kind = u8::from(packet != Packet::SequenceHeader);
            let mut out = vec![0x80 | frame_type << 4 | kind, cc[0], cc[1], cc[2], cc[3]];
            if cc == *b"hvc1" && kind == 1 {
                out.extend_from_slice(&[a, b, c]);
            }
            out
        }
    }
}

/// A picture as a video message: header, then each NAL unit with a 4-byte length. Parameter sets (they are in the
/// sequence header), delimiters and filler are left out. `None` when nothing is left.
#[must_use]
pub fn picture(data: &Bytes, keyframe: bool, composition_ms: i32) -> Option<Vec<Bytes>> {
    let mut parts = Vec::with_capacity(5);
    let mut header = video_header(
        VideoCodec::Avc,
        Packet::Picture {
            keyframe,
            composition_ms,
        },
    );
    for (length, nal) in avcc(data) {
        use nal_type::{AUD, FILLER, PPS, SPS};
        if matches!(nal_type_of(&nal), SPS | PPS | AUD | FILLER) {
            continue;
        }
        header.extend_from_slice(&length);
        parts.push(Bytes::from(std::mem::take(&mut header)));
        parts.push(nal);
    }
    (!parts.is_empty()).then_some(parts)
}

/// The AVC sequence header: an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1) of one SPS and one PPS.
/// `None` when the SPS is too short, or a broken one of a High profile, or the sets too long.
#[must_use]
pub fn avc_sequence_header(sps: &[u8], pps: &[u8]) -> Option<Bytes> {
    let mut out = video_header(VideoCodec::Avc, Packet::SequenceHeader);
    out.extend_from_slice(&decoder_config(sps, pps)?);
    Some(out.into())
}

/// First byte of every AAC message: AAC, and the three fields that FLV fixes to 44 kHz, 16 bit, stereo for AAC.
const AAC: u8 = 0xAF;

/// The AAC sequence header, from the AudioSpecificConfig.
#[must_use]
pub fn aac_sequence_header(config: &Bytes) -> Vec<Bytes> {
    vec![Bytes::from_static(&[AAC, 0]), config.clone()]
}

/// One raw AAC frame.
#[must_use]
pub fn aac_frame(data: &Bytes) -> Vec<Bytes> {
    vec![Bytes::from_static(&[AAC, 1]), data.clone()]
}

/// The body of `@setDataFrame onMetaData`, from what is known of both tracks.
#[must_use]
pub fn metadata(video: Option<&Format>, audio: Option<&Format>) -> Bytes {
    let mut fields: Vec<(String, Value)> = Vec::new();
    let mut number = |name: &str, value: f64| fields.push((name.to_owned(), value.into()));
    if let Some(Format::H264 {
        width, height, fps, ..
    }) = video
    {
        number("width", f64::from(*width));
        number("height", f64::from(*height));
        number("framerate", f64::from(*fps));
        number("videocodecid", 7.0);
    }
    if let Some(Format::Aac { rate, channels, .. }) = audio {
        number("audiocodecid", 10.0);
        number("audiosamplerate", f64::from(*rate));
        number("audiosamplesize", 16.0);
        fields.push(("stereo".to_owned(), Value::Boolean(*channels == 2)));
    }
    let encoder = concat!("boothcast ", env!("CARGO_PKG_VERSION"));
    fields.push(("encoder".to_owned(), encoder.into()));
    amf::encode_all(&[
        "@setDataFrame".into(),
        "onMetaData".into(),
        Value::EcmaArray(fields),
    ])
    .into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_split_without_panic(data in proptest::collection::vec(0u8..4, 0..100)) {
            let data = Bytes::from(data);
            for part in picture(&data, true, 0).unwrap_or_default() { prop_assert!(!part.is_empty()); }
            let _ = avc_sequence_header(&data, &data);
        }
    }

    #[test]
    fn a_picture_shares_its_bytes_and_leaves_parameter_sets_out() {
        let data = Bytes::from_static(&[
            0, 0, 0, 1, 0x67, 1, 2, 3, 0, 0, 1, 0x68, 9, 0, 0, 1, 0x65, 0xAA, 0xBB,
        ]);
        let parts = picture(&data, true, 40).unwrap();
        assert_eq!(parts[0][..], [0x17, 1, 0, 0, 40, 0, 0, 0, 3]);
        assert_eq!(parts[1][..], [0x65, 0xAA, 0xBB]);
        assert_eq!(parts[1].as_ptr(), data[16..].as_ptr());
        let only_sets = Bytes::from_static(&[0, 0, 1, 0x67, 1, 0, 0, 1, 0x09, 0x10]);
        assert_eq!(picture(&only_sets, false, 0), None);
    }

    #[test]
    fn negative_composition_offsets_and_enhanced_headers() {
        let p = |keyframe, composition_ms| Packet::Picture {
            keyframe,
            composition_ms,
        };
        assert_eq!(
            video_header(VideoCodec::Avc, p(false, -2)),
            [0x27, 1, 0xFF, 0xFF, 0xFE]
        );
        assert_eq!(
            video_header(VideoCodec::FourCc(*b"av01"), Packet::SequenceHeader),
            [0x90, b'a', b'v', b'0', b'1']
        );
        assert_eq!(
            video_header(VideoCodec::FourCc(*b"hvc1"), p(false, 5)),
            [0xA1, b'h', b'v', b'c', b'1', 0, 0, 5]
        );
    }

    #[test]
    fn sequence_headers_have_the_form_of_the_standards() {
        let baseline = [0x67, 66, 0xC0, 31, 0xAA];
        assert_eq!(
            avc_sequence_header(&baseline, &[0x68, 0xCE]).unwrap()[..],
            [
                0x17, 0, 0, 0, 0, 1, 66, 0xC0, 31, 0xFF, 0xE1, 0, 5, 0x67, 66, 0xC0, 31, 0xAA, 1,
                0, 2, 0x68, 0xCE
            ]
        );
        assert_eq!(avc_sequence_header(&[0x67, 66], &[0x68]), None);
        // From x264: High, level 3.1, 1280x720; 8 bits in 4:2:0 are said behind the sets.
        let high = [
            0x67, 0x64, 0x00, 0x1F, 0xAC, 0xD9, 0x40, 0x50, 0x05, 0xBB, 0x01, 0x10,
        ];
        let header = avc_sequence_header(&high, &[0x68, 0xCE]).unwrap();
        assert_eq!(
            header[header.len() - 6..],
            [0x68, 0xCE, 0xFD, 0xF8, 0xF8, 0]
        );
        assert_eq!(avc_sequence_header(&high[..5], &[0x68, 0xCE]), None);
        let parts = aac_sequence_header(&Bytes::from_static(&[0x11, 0x90]));
        assert_eq!(
            [&parts[0][..], &parts[1][..]].concat(),
            [0xAF, 0, 0x11, 0x90]
        );
    }

    #[test]
    fn metadata_tells_what_is_known() {
        let video = Format::H264 {
            width: 1280,
            height: 720,
            fps: 30,
            sps: Bytes::new(),
            pps: Bytes::new(),
        };
        let values = amf::decode_all(&metadata(Some(&video), None)).unwrap();
        assert_eq!(values[1].as_str(), Some("onMetaData"));
        assert_eq!(
            values[2].get("width").and_then(Value::as_number),
            Some(1280.0)
        );
        assert_eq!(values[2].get("audiocodecid"), None);
    }
}
