//! H.264 byte-stream (ITU-T H.264, annex B): NAL units, parameter sets, keyframes. Pure; bytes from outside are never
//! trusted: nothing here panics, and nothing is read without bound.

use bytes::Bytes;

use crate::config::H264Profile;

/// NAL unit types that matter here (ITU-T H.264, table 7-1).
pub mod nal_type {
    /// Coded slice of a non-IDR picture.
    pub const SLICE: u8 = 1;
    /// Coded slice of an IDR picture.
    pub const IDR: u8 = 5;
    /// Supplemental enhancement information.
    pub const SEI: u8 = 6;
    /// Sequence parameter set.
    pub const SPS: u8 = 7;
    /// Picture parameter set.
    pub const PPS: u8 = 8;
    /// Access unit delimiter.
    pub const AUD: u8 = 9;
    /// Filler data.
    pub const FILLER: u8 = 12;
}

/// Type of a NAL unit without start code; 0 (unspecified) for an empty one.
#[must_use]
pub fn nal_type_of(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |header| header & 0x1f)
}

/// Where the next start code (00 00 01) begins at or after `from`.
fn find_start_code(data: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    // The third byte decides how far the next possible start code is: this looks at about every third byte.
    while let Some(&third) = data.get(at + 2) {
        match third {
            0 => at += 1,
            1 if data[at] == 0 && data[at + 1] == 0 => return Some(at),
            _ => at += 3,
        }
    }
    None
}

/// Iterator over the NAL units of a byte-stream, without start codes and trailing zeros; see [`nal_units`].
#[derive(Debug, Clone)]
pub struct NalUnits<'a> {
    data: &'a [u8],
    /// First byte after the start code of the next NAL unit.
    next: Option<usize>,
}

impl NalUnits<'_> {
    /// The next NAL unit as a range into the data.
    fn next_range(&mut self) -> Option<std::ops::Range<usize>> {
        loop {
            let start = self.next?;
            let code = find_start_code(self.data, start);
            self.next = code.map(|at| at + 3);
            let mut end = code.unwrap_or(self.data.len());
            // A NAL unit never ends with a zero byte: those belong to the next start code or are padding.
            while end > start && self.data[end - 1] == 0 {
                end -= 1;
            }
            if end > start {
                return Some(start..end);
            }
        }
    }
}

impl<'a> Iterator for NalUnits<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.next_range().map(|range| &self.data[range])
    }
}

/// The NAL units of annex B data; bytes before the first start code are skipped.
#[must_use]
pub fn nal_units(data: &[u8]) -> NalUnits<'_> {
    NalUnits {
        data,
        next: find_start_code(data, 0).map(|at| at + 3),
    }
}

/// The NAL units of annex B data as slices that share its memory.
pub fn nal_units_shared(data: &Bytes) -> impl Iterator<Item = Bytes> + '_ {
    let mut units = nal_units(data);
    std::iter::from_fn(move || units.next_range().map(|range| data.slice(range)))
}

/// Annex B to AVCC (ISO/IEC 14496-15): each NAL unit as its length, 4 bytes big-endian, and its bytes, which share
/// the memory of `data`. A NAL unit longer than a length can say is left out.
pub fn avcc(data: &Bytes) -> impl Iterator<Item = ([u8; 4], Bytes)> + '_ {
    nal_units_shared(data).filter_map(|nal| {
        let length = u32::try_from(nal.len()).ok()?;
        Some((length.to_be_bytes(), nal))
    })
}

/// Whether the access unit is an IDR picture. Looks no further than the first slice.
#[must_use]
pub fn is_idr(data: &[u8]) -> bool {
    let mut at = 0;
    while let Some(code) = find_start_code(data, at) {
        match nal_type_of(&data[code + 3..]) {
            nal_type::IDR => return true,
            1..=4 => return false,
            _ => at = code + 3,
        }
    }
    false
}

/// The first SPS and PPS in front of the first slice, sharing the memory of `data`.
#[must_use]
pub fn parameter_sets(data: &Bytes) -> Option<(Bytes, Bytes)> {
    let (mut sps, mut pps) = (None, None);
    let mut units = nal_units(data);
    while let Some(range) = units.next_range() {
        match nal_type_of(&data[range.clone()]) {
            nal_type::SPS if sps.is_none() => sps = Some(data.slice(range)),
            nal_type::PPS if pps.is_none() => pps = Some(data.slice(range)),
            nal_type::SLICE..=nal_type::IDR => break,
            _ => {}
        }
        if sps.is_some() && pps.is_some() {
            break;
        }
    }
    sps.zip(pps)
}

/// An AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1) of one SPS and one PPS, as MP4 and FLV want it. `None` when
/// the SPS is too short, or a broken one of a High profile, or the sets too long.
#[must_use]
pub fn decoder_config(sps: &[u8], pps: &[u8]) -> Option<Vec<u8>> {
    let [_, profile, compatibility, level, ..] = *sps else {
        return None;
    };
    // Version 1; reserved ones and 4-byte NAL lengths; reserved ones and one SPS.
    let mut out = vec![1, profile, compatibility, level, 0xFF, 0xE1];
    out.extend_from_slice(&u16::try_from(sps.len()).ok()?.to_be_bytes());
    out.extend_from_slice(sps);
    out.push(1);
    out.extend_from_slice(&u16::try_from(pps.len()).ok()?.to_be_bytes());
    out.extend_from_slice(pps);
    if matches!(profile, 100 | 110 | 122 | 144) {
        let samples = Sps::parse(sps)?.samples;
        out.extend_from_slice(&[
            0xFC | samples.chroma_format,
            0xF8 | samples.luma_minus_8,
            0xF8 | samples.chroma_minus_8,
            0,
        ]);
    }
    Some(out)
}

/// What a sequence parameter set says (ITU-T H.264, 7.3.2.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sps {
    /// `profile_idc`: 66 baseline, 77 main, 100 high.
    pub profile_idc: u8,
    /// The byte with the `constraint_setN_flag`s, set 0 in the highest bit.
    pub constraints: u8,
    /// `level_idc`: ten times the level.
    pub level_idc: u8,
    /// Chroma format and bit depths.
    pub samples: Samples,
    /// Pixels after cropping.
    pub width: u32,
    /// Pixels after cropping.
    pub height: u32,
}

/// How samples are stored, as a sequence parameter set says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Samples {
    /// `chroma_format_idc`, 0 to 3; 1 is 4:2:0.
    pub chroma_format: u8,
    /// Luma bit depth minus 8, 0 to 6.
    pub luma_minus_8: u8,
    /// Chroma bit depth minus 8, 0 to 6.
    pub chroma_minus_8: u8,
}

impl Samples {
    /// 8 bits in 4:2:0: what a profile without fields for it has (ITU-T H.264, 7.4.2.1.1).
    const PLAIN: Self = Self {
        chroma_format: 1,
        luma_minus_8: 0,
        chroma_minus_8: 0,
    };
}

/// Largest side in macroblocks that is believed: 16,384 pixels, the limit of level 6.2 and then some.
const MAX_MACROBLOCKS: u32 = 1024;
/// Longest SPS that is looked at; real ones have below 100 bytes.
const MAX_SPS: usize = 1024;

impl Sps {
    /// Parses an SPS NAL unit without start code; `None` for anything that is not a whole and sane one.
    #[must_use]
    pub fn parse(nal: &[u8]) -> Option<Self> {
        if nal_type_of(nal) != nal_type::SPS || nal.len() > MAX_SPS {
            return None;
        }
        let payload = without_emulation_prevention(&nal[1..]);
        let &[profile_idc, constraints, level_idc, ..] = payload.as_slice() else {
            return None;
        };
        let mut bits = Bits::new(&payload[3..]);
        bits.ue()?; // seq_parameter_set_id
        let samples = match profile_idc {
            // 144 is the High 4:4:4 profile of 2005, withdrawn since; its fields are the same.
            100 | 110 | 122 | 144 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135 => {
                high_profile_fields(&mut bits)?
            }
            _ => Samples::PLAIN,
        };
        bits.ue()?; // log2_max_frame_num_minus4
        order_count_fields(&mut bits)?;
        bits.ue()?; // max_num_ref_frames
        bits.bit()?; // gaps_in_frame_num_value_allowed_flag
        let (width, height) = dimensions(&mut bits, samples.chroma_format)?;
        Some(Self {
            profile_idc,
            constraints,
            level_idc,
            samples,
            width,
            height,
        })
    }

    /// The profile, where it is one that this program asks for.
    #[must_use]
    pub fn profile(&self) -> Option<H264Profile> {
        match self.profile_idc {
            66 if self.constraints & 0x40 != 0 => Some(H264Profile::ConstrainedBaseline),
            77 => Some(H264Profile::Main),
            100 => Some(H264Profile::High),
            _ => None,
        }
    }
}

/// Chroma format, bit depths and scaling lists.
fn high_profile_fields(bits: &mut Bits<'_>) -> Option<Samples> {
    let chroma_format = bits.ue_up_to(3)?;
    if chroma_format == 3 {
        bits.bit()?; // separate_colour_plane_flag
    }
    let samples = Samples {
        chroma_format,
        luma_minus_8: bits.ue_up_to(6)?,
        chroma_minus_8: bits.ue_up_to(6)?,
    };
    bits.bit()?; // qpprime_y_zero_transform_bypass_flag
    if bits.bit()? == 1 {
        let lists = if chroma_format == 3 { 12 } else { 8 };
        for list in 0..lists {
            if bits.bit()? == 1 {
                skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
            }
        }
    }
    Some(samples)
}

fn skip_scaling_list(bits: &mut Bits<'_>, size: u32) -> Option<()> {
    let (mut last, mut next) = (8i64, 8i64);
    for _ in 0..size {
        if next != 0 {
            next = (last + i64::from(bits.se()?) + 256).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

fn order_count_fields(bits: &mut Bits<'_>) -> Option<()> {
    match bits.ue()? {
        0 => {
            bits.ue()?; // log2_max_pic_order_cnt_lsb_minus4
        }
        1 => {
            bits.bit()?; // delta_pic_order_always_zero_flag
            bits.se()?; // offset_for_non_ref_pic
            bits.se()?; // offset_for_top_to_bottom_field
            let count = bits.ue()?;
            if count > 255 {
                return None;
            }
            for _ in 0..count {
                bits.se()?;
            }
        }
        2 => {}
        _ => return None,
    }
    Some(())
}

fn dimensions(bits: &mut Bits<'_>, chroma: u8) -> Option<(u32, u32)> {
    let columns = bits.ue()?.checked_add(1)?;
    let map_units = bits.ue()?.checked_add(1)?;
    if columns > MAX_MACROBLOCKS || map_units > MAX_MACROBLOCKS {
        return None;
    }
    let frame_only = bits.bit()?;
    if frame_only == 0 {
        bits.bit()?; // mb_adaptive_frame_field_flag
    }
    bits.bit()?; // direct_8x8_inference_flag
    let field_factor = 2 - frame_only;
    let (mut width, mut height) = (columns * 16, map_units * 16 * field_factor);
    if bits.bit()? == 1 {
        let unit_x = if matches!(chroma, 1 | 2) { 2 } else { 1 };
        let unit_y = field_factor * if chroma == 1 { 2 } else { 1 };
        let (left, right) = (bits.ue()?, bits.ue()?);
        let (top, bottom) = (bits.ue()?, bits.ue()?);
        let crop_x = left.checked_add(right)?.checked_mul(unit_x)?;
        let crop_y = top.checked_add(bottom)?.checked_mul(unit_y)?;
        width = width.checked_sub(crop_x).filter(|w| *w > 0)?;
        height = height.checked_sub(crop_y).filter(|h| *h > 0)?;
    }
    Some((width, height))
}

/// Removes the 03 of each 00 00 03 (ITU-T H.264, 7.4.1).
fn without_emulation_prevention(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut zeros = 0;
    for &byte in data {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

/// Reads bits, highest first.
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    fn bit(&mut self) -> Option<u32> {
        let byte = *self.data.get(self.at / 8)?;
        let bit = (byte >> (7 - self.at % 8)) & 1;
        self.at += 1;
        Some(u32::from(bit))
    }

    /// Unsigned Exp-Golomb (ITU-T H.264, 9.1), below 2³²−1.
    fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.bit()? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let mut value: u32 = 1;
        for _ in 0..zeros {
            value = (value << 1) | self.bit()?;
        }
        Some(value - 1)
    }

    /// Unsigned Exp-Golomb of a field that may not be above `max`.
    fn ue_up_to(&mut self, max: u8) -> Option<u8> {
        u8::try_from(self.ue()?).ok().filter(|v| *v <= max)
    }

    /// Signed Exp-Golomb.
    fn se(&mut self) -> Option<i32> {
        let code = self.ue()?;
        let magnitude = i32::try_from(code.div_ceil(2)).ok()?;
        Some(if code % 2 == 1 { magnitude } else { -magnitude })
    }
}

#[cfg(test)]
mod tests;
