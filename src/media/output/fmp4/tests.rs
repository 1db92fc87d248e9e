use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::media::access_unit::{Format, Track};

/// Parameter sets of x264, 320×180, Main.
const SPS: &[u8] = &[
    0x67, 0x4d, 0x40, 0x0d, 0xec, 0xa0, 0xa0, 0xcb, 0x42, 0x00, 0x00, 0x03, 0x00, 0x02, 0x00, 0x00,
    0x03, 0x00, 0x79, 0x1e, 0x28, 0x53, 0x2c,
];
const MS: u64 = 1_000_000;
const START: u64 = 10_000_000 * MS;

fn h264(width: u32) -> Arc<Format> {
    Arc::new(Format::H264 {
        width,
        height: 180,
        fps: 30,
        sps: Bytes::from_static(SPS),
        pps: Bytes::from_static(&[0x68, 0xEB, 0xE3]),
    })
}

fn aac() -> Arc<Format> {
    Arc::new(Format::Aac {
        rate: 48_000,
        channels: 2,
        config: Bytes::from_static(&[0x11, 0x90]),
    })
}

fn picture(ns: u64, keyframe: bool, format: &Arc<Format>) -> AccessUnit {
    let data: &'static [u8] = if keyframe {
        &[
            0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 0, 0, 1, 0x65, 0xAA, 0xBB,
        ]
    } else {
        &[0, 0, 0, 1, 0x09, 0x10, 0, 0, 1, 0x41, 0xCC]
    };
    AccessUnit {
        track: Track::Video,
        pts: START + ns,
        dts: START + ns,
        duration: 33_333_333,
        keyframe,
        data: Bytes::from_static(data),
        format: Arc::clone(format),
    }
}

fn sound(number: i64, format: &Arc<Format>) -> AccessUnit {
    let at = (i128::from(START) + i128::from(number) * 1024 * 1_000_000_000 / 48_000) as u64;
    AccessUnit {
        track: Track::Audio,
        pts: at,
        dts: at,
        duration: 21_333_333,
        keyframe: true,
        data: Bytes::from_static(&[1, 2, 3]),
        format: Arc::clone(format),
    }
}

/// The boxes of `data`: kind and content; panics where lengths do not fit.
fn boxes(mut data: &[u8]) -> Vec<([u8; 4], &[u8])> {
    let mut out = Vec::new();
    while !data.is_empty() {
        let length = u32::from_be_bytes(data[..4].try_into().unwrap()) as usize;
        assert!(length >= 8 && length <= data.len());
        out.push((data[4..8].try_into().unwrap(), &data[8..length]));
        data = &data[length..];
    }
    out
}

fn find<'a>(data: &'a [u8], path: &[&[u8; 4]]) -> Vec<&'a [u8]> {
    let Some((first, rest)) = path.split_first() else {
        return vec![data];
    };
    boxes(data)
        .into_iter()
        .filter(|(kind, _)| kind == *first)
        .flat_map(|(_, content)| find(content, rest))
        .collect()
}

fn u32_at(data: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(data[at..at + 4].try_into().unwrap())
}

/// A sample as a reader finds it: track, time, duration, whether it is a keyframe, bytes.
#[derive(Debug, PartialEq)]
struct Read {
    track: u32,
    time: u64,
    duration: u32,
    sync: bool,
    data: Vec<u8>,
}

fn read(fragment: &[u8]) -> Vec<Read> {
    let mut out = Vec::new();
    let moof = &find(fragment, &[b"moof"])[0];
    for traf in find(moof, &[b"traf"]) {
        let track = u32_at(find(traf, &[b"tfhd"])[0], 4);
        let tfdt = find(traf, &[b"tfdt"])[0];
        let mut time = u64::from_be_bytes(tfdt[4..12].try_into().unwrap());
        let trun = find(traf, &[b"trun"])[0];
        let mut at = u32_at(trun, 8) as usize;
        for n in 0..u32_at(trun, 4) as usize {
            let entry = &trun[12 + 16 * n..];
            let size = u32_at(entry, 4) as usize;
            out.push(Read {
                track,
                time,
                duration: u32_at(entry, 0),
                sync: u32_at(entry, 8) & 0x1_0000 == 0,
                data: fragment[at..at + size].to_vec(),
            });
            time += u64::from(u32_at(entry, 0));
            at += size;
        }
    }
    out
}

fn muxed(units: &[AccessUnit]) -> Vec<Chunk> {
    let (mut mux, mut out) = (Mux::default(), Vec::new());
    for unit in units {
        mux.unit(unit, &mut out);
    }
    out
}

fn samples(chunks: &[Chunk]) -> Vec<Read> {
    chunks
        .iter()
        .filter_map(|c| match c {
            Chunk::Data(data) if &data[4..8] == b"moof" => Some(read(data)),
            _ => None,
        })
        .flatten()
        .collect()
}

#[test]
fn a_stream_begins_with_head_and_segment_and_has_a_fragment_for_each_picture() {
    let (v, a) = (h264(320), aac());
    let chunks = muxed(&[
        picture(0, true, &v),
        sound(-1, &a),
        sound(0, &a),
        sound(1, &a),
        picture(33_333_333, false, &v),
    ]);
    assert_eq!(
        chunks[0],
        Chunk::Head(
            r#"{"mime":"video/mp4; codecs=\"avc1.4d400d, mp4a.40.2\"","width":320,"height":180}"#
                .into()
        )
    );
    let Chunk::Data(init) = &chunks[1] else {
        panic!("no segment")
    };
    let kinds: Vec<_> = boxes(init).iter().map(|(k, _)| *k).collect();
    assert_eq!(kinds, [*b"ftyp", *b"moov"]);
    let stsd = find(
        init,
        &[b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"],
    );
    assert_eq!(stsd.len(), 2);
    let entry = &boxes(&stsd[0][8..])[0];
    assert_eq!(&entry.0, b"avc1");
    let record = find(&entry.1[78..], &[b"avcC"])[0];
    assert_eq!(&record[..8], &[1, 0x4d, 0x40, 0x0d, 0xFF, 0xE1, 0, 23]);
    let entry = &boxes(&stsd[1][8..])[0];
    let esds = find(&entry.1[28..], &[b"esds"])[0];
    assert_eq!(esds[esds.len() - 7..], [5, 2, 0x11, 0x90, 6, 1, 2]);
    assert_eq!(find(init, &[b"moov", b"mvex", b"trex"]).len(), 2);

    assert_eq!(chunks.len(), 4);
    let all = samples(&chunks);
    let one = |track, time, duration, sync, data: &[u8]| Read {
        track,
        time,
        duration,
        sync,
        data: data.to_vec(),
    };
    assert_eq!(
        all,
        [
            one(1, 0, 3000, true, &[0, 0, 0, 3, 0x65, 0xAA, 0xBB]),
            one(1, 3000, 3000, false, &[0, 0, 0, 2, 0x41, 0xCC]),
            one(2, 0, 1024, true, &[1, 2, 3]),
            one(2, 1024, 1024, true, &[1, 2, 3]),
        ]
    );
}

#[test]
fn the_bytes_of_a_fragment_are_as_written() {
    let chunks = muxed(&[picture(0, true, &h264(320)), sound(0, &aac())]);
    let Chunk::Data(fragment) = &chunks[2] else {
        panic!("no fragment")
    };
    #[rustfmt::skip]
    let want: &[u8] = &[
        0, 0, 0, 104, b'm', b'o', b'o', b'f',
        0, 0, 0, 16, b'm', b'f', b'h', b'd', 0, 0, 0, 0, 0, 0, 0, 1,
        0, 0, 0, 80, b't', b'r', b'a', b'f',
        0, 0, 0, 16, b't', b'f', b'h', b'd', 0, 2, 0, 0, 0, 0, 0, 1,
        0, 0, 0, 20, b't', b'f', b'd', b't', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 36, b't', b'r', b'u', b'n', 0, 0, 0x0F, 1, 0, 0, 0, 1, 0, 0, 0, 112,
        0, 0, 0x0B, 0xB8, 0, 0, 0, 7, 2, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 15, b'm', b'd', b'a', b't', 0, 0, 0, 3, 0x65, 0xAA, 0xBB,
    ];
    assert_eq!(&fragment[..], want);
}

#[test]
fn without_sound_the_stream_begins_after_a_moment() {
    let v = h264(320);
    let units: Vec<_> = (0..8)
        .map(|n| picture(n * 33_333_333, n == 0, &v))
        .collect();
    assert!(muxed(&units[..5]).is_empty());
    let chunks = muxed(&units);
    assert!(matches!(&chunks[0], Chunk::Head(h) if !h.contains("mp4a")));
    assert_eq!(samples(&chunks).len(), 8);
    // Sound that comes later is described anew.
    let mut units = units;
    units.push(sound(12, &aac()));
    units.push(picture(300 * MS, false, &v));
    let heads = muxed(&units);
    let heads: Vec<_> = heads
        .iter()
        .filter_map(|c| match c {
            Chunk::Head(h) => Some(h.contains("mp4a")),
            Chunk::Data(_) => None,
        })
        .collect();
    assert_eq!(heads, [false, true]);
}

#[test]
fn a_gap_and_a_new_format_keep_the_times() {
    let (v, w, a) = (h264(320), h264(640), aac());
    let chunks = muxed(&[
        picture(0, true, &v),
        sound(0, &a),
        picture(2_000 * MS, true, &v),
        // Refused for want of a keyframe, then taken.
        picture(2_033 * MS, false, &w),
        picture(3_000 * MS, true, &w),
    ]);
    let times: Vec<u64> = samples(&chunks)
        .iter()
        .filter(|s| s.track == 1)
        .map(|s| s.time)
        .collect();
    assert_eq!(times, [0, 180_000, 270_000]);
    let heads = chunks.iter().filter(|c| matches!(c, Chunk::Head(_)));
    assert_eq!(heads.count(), 2);
}

#[test]
fn sound_goes_on_while_the_picture_stands_still() {
    let mut units = vec![picture(0, true, &h264(320))];
    let a = aac();
    units.extend((0..60).map(|n| sound(n, &a)));
    let heard = samples(&muxed(&units))
        .iter()
        .filter(|s| s.track == 2)
        .count();
    assert!(heard >= 48, "{heard}");
}

proptest! {
    #[test]
    fn times_rise_and_durations_add_up(
        fps in prop::sample::select(vec![24_u64, 25, 30, 50, 60]),
        count in 30_u64..300,
        jitter in 0_u64..3_000_000,
        regular in any::<bool>(),
    ) {
        let (v, a) = (h264(320), aac());
        let frame = 1_000_000_000 / fps;
        let mut units = Vec::new();
        let mut heard = 0_i64;
        for n in 0..count {
            let off = if regular { 0 } else { (n * 7919) % (jitter + 1) };
            let mut unit = picture(n * frame + off, n % 50 == 0, &v);
            unit.duration = frame;
            units.push(unit);
            while (heard as u64) * 1024 * 1000 / 48 * 1000 <= n * frame {
                units.push(sound(heard, &a));
                heard += 1;
            }
        }
        let all = samples(&muxed(&units));
        for track in [1, 2] {
            let of: Vec<_> = all.iter().filter(|s| s.track == track).collect();
            for pair in of.windows(2) {
                prop_assert!(pair[1].time > pair[0].time);
                if regular || track == 2 {
                    prop_assert_eq!(pair[0].time + u64::from(pair[0].duration), pair[1].time);
                }
            }
            let scale = if track == 1 { 90_000 } else { 48_000 };
            let last = of.last().unwrap();
            let want = if track == 1 { u128::from(units.iter().rfind(|u| u.track == Track::Video).unwrap().dts - START) * scale / 1_000_000_000 }
                else { u128::from(last.time) };
            // Never further from the truth than what a picture is off nominal by rounding.
            prop_assert!(u128::from(last.time).abs_diff(want) <= 2 + u128::from(count) / 8, "{} {}", last.time, want);
        }
    }

    #[test]
    fn any_bytes_make_whole_boxes(data in prop::collection::vec(0_u8..4, 0..80), sps in prop::collection::vec(any::<u8>(), 0..20)) {
        let format = Arc::new(Format::H264 { width: 1, height: u32::MAX, fps: 0, sps: sps.into(), pps: Bytes::new() });
        let mut unit = picture(0, true, &format);
        unit.data = data.into();
        let later = AccessUnit { dts: u64::MAX, pts: u64::MAX, duration: u64::MAX, ..unit.clone() };
        for chunk in muxed(&[unit, later]) {
            if let Chunk::Data(data) = chunk { boxes(&data); }
        }
    }
}
