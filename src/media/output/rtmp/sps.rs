//! The few fields of an H.264 sequence parameter set that a High profile configuration record repeats
//! (ITU-T H.264, 7.3.2.1.1). Pure.

/// Chroma format and bit depths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chroma {
    /// `chroma_format_idc`, 0 to 3; 1 is 4:2:0.
    pub format: u8,
    /// Luma bit depth minus 8, 0 to 6.
    pub luma_minus_8: u8,
    /// Chroma bit depth minus 8, 0 to 6.
    pub chroma_minus_8: u8,
}

/// Reads them from an SPS NAL unit (without start code) of a High profile. `None` when it is cut short or out of range.
#[must_use]
pub fn chroma(nal: &[u8]) -> Option<Chroma> {
    let mut bits = Bits {
        data: unescape(nal.get(4..)?),
        at: 0,
    };
    bits.exp_golomb()?; // seq_parameter_set_id
    let format = bits.exp_golomb()?;
    if format == 3 {
        bits.bit()?; // separate_colour_plane_flag
    }
    let small = |v: u32, max: u8| u8::try_from(v).ok().filter(|v| *v <= max);
    Some(Chroma {
        format: small(format, 3)?,
        luma_minus_8: small(bits.exp_golomb()?, 6)?,
        chroma_minus_8: small(bits.exp_golomb()?, 6)?,
    })
}

/// Takes emulation prevention bytes out of the first bytes, which are all that is read.
fn unescape(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(32);
    let mut zeros = 0;
    for &byte in data.iter().take(32) {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

struct Bits {
    data: Vec<u8>,
    at: usize,
}

impl Bits {
    fn bit(&mut self) -> Option<u32> {
        let byte = *self.data.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(u32::from(bit))
    }

    fn exp_golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.bit()? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let mut value = 1u32;
        for _ in 0..zeros {
            value = value << 1 | self.bit()?;
        }
        Some(value - 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn real_high_profile_sets_are_8_bit_420() {
        // From x264: High, level 3.1, 1280x720.
        let sps = [
            0x67, 0x64, 0x00, 0x1F, 0xAC, 0xD9, 0x40, 0x50, 0x05, 0xBB, 0x01, 0x10,
        ];
        let want = Chroma {
            format: 1,
            luma_minus_8: 0,
            chroma_minus_8: 0,
        };
        assert_eq!(chroma(&sps), Some(want));
        assert_eq!(chroma(&sps[..4]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(data in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some(c) = chroma(&data) {
                prop_assert!(c.format <= 3 && c.luma_minus_8 <= 6 && c.chroma_minus_8 <= 6);
            }
        }
    }
}
