use proptest::prelude::*;

use super::*;

/// Real SPS of x264 (high, 1280×720) and of a camera (baseline, 640×360 with cropping).
const HIGH_720: &[u8] = &[
    0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00,
    0x10, 0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x83, 0x19, 0x60,
];
const BASELINE_640X360: &[u8] = &[0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x66];

#[test]
fn reads_size_and_profile_of_real_parameter_sets() {
    let high = Sps::parse(HIGH_720).unwrap();
    assert_eq!((high.width, high.height, high.level_idc), (1280, 720, 31));
    assert_eq!(high.profile(), Some(H264Profile::High));
    let base = Sps::parse(BASELINE_640X360).unwrap();
    assert_eq!((base.width, base.height), (640, 360));
    assert_eq!(base.profile(), Some(H264Profile::ConstrainedBaseline));
    for sps in [high, base] {
        assert_eq!(sps.samples, Samples::PLAIN);
    }
    assert_eq!(Sps::parse(&HIGH_720[..4]), None);
}

#[test]
fn chroma_format_and_bit_depths_are_read_and_bounded() {
    // From 1280x720 in High, with other fields after the id: 4:2:2 (011), 10 bits luma (011), 9 bits chroma (010).
    let fields = |format: &str, luma: &str, chroma: &str| {
        let rest: String = HIGH_720[4..]
            .iter()
            .map(|byte| format!("{byte:08b}"))
            .collect();
        // The set begins with id 0 (1), 4:2:0 (010) and 8 bits twice (1, 1).
        assert!(rest.starts_with("101011"));
        let mut bits = format!("1{format}{luma}{chroma}{}", &rest[6..]);
        bits.truncate(bits.len() / 8 * 8);
        let bytes = bits.as_bytes().chunks(8);
        let mut nal = vec![0x67, 122, 0, 31];
        nal.extend(bytes.map(|b| u8::from_str_radix(str::from_utf8(b).unwrap(), 2).unwrap()));
        Sps::parse(&nal).map(|sps| sps.samples)
    };
    let samples = Samples {
        chroma_format: 2,
        luma_minus_8: 2,
        chroma_minus_8: 1,
    };
    assert_eq!(fields("011", "011", "010"), Some(samples));
    assert_eq!(fields("00101", "1", "1"), None, "format 4");
    assert_eq!(fields("010", "0001000", "1"), None, "15 bits");
}

#[test]
fn splits_at_three_and_four_byte_start_codes() {
    let data = Bytes::from_static(&[
        0, 0, 0, 1, 9, 16, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 2, 0, 0, 1, 0, 0, 1, 0x65, 7, 0, 0,
    ]);
    let units: Vec<&[u8]> = nal_units(&data).collect();
    assert_eq!(
        units,
        [&[9u8, 16][..], &[0x67, 1], &[0x68, 2], &[0x65, 7]],
        "empty units are left out"
    );
    assert!(is_idr(&data));
    let (sps, pps) = parameter_sets(&data).unwrap();
    assert_eq!((&sps[..], &pps[..]), (&[0x67u8, 1][..], &[0x68u8, 2][..]));
    assert_eq!(sps.as_ptr(), data[9..].as_ptr(), "shared, not copied");
    let lengths: Vec<[u8; 4]> = avcc(&data).map(|(length, _)| length).collect();
    assert_eq!(lengths, [[0, 0, 0, 2]; 4]);
}

#[test]
fn a_delta_picture_is_no_keyframe_whatever_follows() {
    assert!(!is_idr(&[0, 0, 1, 9, 16, 0, 0, 1, 0x41, 1, 0, 0, 1, 0x65]));
    assert!(!is_idr(&[]));
    assert!(!is_idr(&[0, 0, 1]));
    let late = Bytes::from_static(&[0, 0, 1, 0x65, 1, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 1]);
    assert_eq!(parameter_sets(&late), None, "must be in front of the slice");
}

/// A NAL unit as an encoder writes it: no start code inside, no zero at the end.
fn nal() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 1..40).prop_map(|mut v| {
        for i in 1..v.len() {
            if v[i - 1] == 0 && v[i] < 4 {
                v[i] = 4;
            }
        }
        v[0] |= 1;
        if let Some(last) = v.last_mut() {
            *last |= 0x80;
        }
        v
    })
}

/// Bytes with many zeros, ones and threes, where splitting is hard.
fn nasty() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(
        prop_oneof![3 => Just(0u8), 2 => Just(1u8), 1 => Just(3u8), 2 => any::<u8>()],
        0..200,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn never_panics_and_units_are_clean(data in nasty()) {
        let bytes = Bytes::from(data.clone());
        for (length, unit) in avcc(&bytes) {
            prop_assert_eq!(u32::from_be_bytes(length) as usize, unit.len());
            prop_assert!(!unit.is_empty());
            prop_assert!(unit.last() != Some(&0));
            prop_assert!(!unit.windows(3).any(|w| w == [0, 0, 1]));
        }
        let _ = (is_idr(&bytes), parameter_sets(&bytes));
        let mut sps = vec![0x67, 100, 0, 31];
        sps.extend_from_slice(&data);
        for start in [&data[..], &sps] {
            if let Some(parsed) = Sps::parse(start) {
                prop_assert!(parsed.width > 0 && parsed.width <= 16384);
                prop_assert!(parsed.height > 0 && parsed.height <= 32768);
                let s = parsed.samples;
                prop_assert!(s.chroma_format <= 3 && s.luma_minus_8 <= 6 && s.chroma_minus_8 <= 6);
            }
        }
    }

    #[test]
    fn what_was_joined_is_split_again(
        units in prop::collection::vec(nal(), 0..10),
        long in prop::collection::vec(any::<bool>(), 10),
    ) {
        let mut data = Vec::new();
        for (unit, long) in units.iter().zip(long) {
            data.extend_from_slice(if long { &[0, 0, 0, 1] } else { &[0, 0, 1] });
            data.extend_from_slice(unit);
        }
        let split: Vec<Vec<u8>> = nal_units(&data).map(<[u8]>::to_vec).collect();
        prop_assert_eq!(split, units);
    }

    #[test]
    fn a_cut_or_changed_sps_never_panics(cut in 0usize..26, at in 0usize..26, flip in any::<u8>()) {
        let mut sps = HIGH_720.to_vec();
        sps[at] ^= flip;
        let _ = Sps::parse(&sps[..cut]);
        let _ = Sps::parse(&sps);
    }
}
