//! What the H.264 encoders deliver.

use std::sync::Arc;

use boothcast::config::{H264Profile, VideoSettings};
use boothcast::media::access_unit::{AccessUnit, Format, Track};
use boothcast::media::h264::{self, Sps, nal_type};
use boothcast::media::raw::{Pixel, RawFormat};

use super::picture::{decode, luma, raw};
use super::rig::{ENCODERS, LIMIT, Rig, START, settings};
use crate::support::wait_for;

fn sps_of(unit: &AccessUnit) -> Sps {
    let Format::H264 { sps, .. } = &*unit.format else {
        panic!("not H.264");
    };
    Sps::parse(sps).unwrap()
}

#[test]
fn delivers_what_was_asked_for() {
    for element in ENCODERS {
        for (profile, width, height) in [
            (H264Profile::ConstrainedBaseline, 320, 180),
            (H264Profile::Main, 426, 240),
            (H264Profile::High, 640, 360),
        ] {
            let settings = VideoSettings {
                h264_profile: profile,
                // Enough that OpenH264 need not skip a frame.
                bitrate: 6_000_000,
                ..settings(width, height, 30)
            };
            let mut rig = Rig::open(element, &settings, raw(width, height, 30));
            rig.push(75, 2);
            let units = rig.settle();
            let told = format!("{element} {profile:?}");
            assert_eq!(rig.encoder.dropped(), 0, "{told}");
            assert_eq!(
                units.len(),
                75,
                "{told}: no frame is skipped at this bitrate"
            );
            for (number, unit) in units.iter().enumerate() {
                assert_eq!(unit.track, Track::Video);
                assert_eq!(
                    unit.pts,
                    rig.pts(number as u64),
                    "{told}: PTS is the input's"
                );
                assert_eq!(unit.dts, unit.pts, "{told}: no B-frames");
                assert_eq!(
                    unit.keyframe,
                    number % 30 == 0,
                    "{told}: GOP of 30 at {number}"
                );
                assert_eq!(unit.duration, 33_333_333);
                assert!(Arc::ptr_eq(&unit.format, &units[0].format), "{told}");
                let has_sets = h264::parameter_sets(&unit.data).is_some();
                assert_eq!(has_sets, unit.keyframe, "{told}: SPS and PPS at {number}");
            }
            let sps = sps_of(&units[0]);
            assert_eq!((sps.width, sps.height), (width, height), "{told}");
            assert_eq!(sps.profile(), Some(profile), "{told}");
            check_picture(&units, width as usize, &told);
        }
    }
}

/// What comes out of a decoder is what went in, at the same times.
fn check_picture(units: &[AccessUnit], width: usize, told: &str) {
    let pictures = decode(units);
    assert_eq!(pictures.len(), units.len(), "{told}: every picture decodes");
    for (number, (pts, pixels)) in pictures.iter().enumerate() {
        assert_eq!(*pts, units[number].pts, "{told}");
        if number % 5 != 0 {
            continue;
        }
        let error: f64 = pixels
            .iter()
            .enumerate()
            .map(|(at, got)| {
                let want = luma(at % width, at / width, number as u64);
                f64::from(i32::from(*got) - want).powi(2)
            })
            .sum::<f64>()
            / pixels.len() as f64;
        let psnr = 10.0 * (255.0f64.powi(2) / error.max(1e-9)).log10();
        assert!(psnr > 28.0, "{told}: picture {number} has {psnr:.1} dB");
    }
}

#[test]
fn scales_converts_and_lowers_the_rate_by_itself() {
    for element in ENCODERS {
        let input = RawFormat {
            pixel: Pixel::Nv12,
            ..raw(640, 480, 30)
        };
        let mut rig = Rig::open(element, &settings(320, 180, 15), input);
        rig.push(60, 0);
        let units = wait_for("the last access unit", LIMIT, || {
            let units = rig.units.lock().unwrap();
            (units.len() >= 30).then(|| units.clone())
        });
        assert_eq!(units.len(), 30, "{element}: every other frame");
        for (n, unit) in units.iter().enumerate() {
            assert_eq!(unit.pts, rig.pts(2 * n as u64), "{element}");
            assert_eq!(unit.keyframe, n % 15 == 0, "{element}");
        }
        let sps = sps_of(&units[0]);
        assert_eq!((sps.width, sps.height), (320, 180), "{element}");
        let Format::H264 { fps, .. } = *units[0].format else {
            panic!("not H.264");
        };
        assert_eq!(fps, 15);
    }
}

#[test]
fn a_forced_keyframe_comes_within_three_frames() {
    for element in ENCODERS {
        let long = VideoSettings {
            gop_s: 20.0,
            ..settings(320, 180, 30)
        };
        let mut rig = Rig::open(element, &long, raw(320, 180, 30));
        rig.push(20, 2);
        assert!(rig.settle()[1..].iter().all(|u| !u.keyframe), "{element}");
        rig.encoder.force_keyframe();
        rig.push(10, 2);
        let after: Vec<bool> = rig.settle()[20..].iter().map(|u| u.keyframe).collect();
        assert!(after[..3].contains(&true), "{element}: {after:?}");
        assert_eq!(after.iter().filter(|k| **k).count(), 1, "{element}");
    }
}

#[test]
fn the_bitrate_changes_live_without_a_new_session() {
    for element in ENCODERS {
        let fast = VideoSettings {
            bitrate: 2_000_000,
            ..settings(426, 240, 30)
        };
        let mut rig = Rig::open(element, &fast, raw(426, 240, 30));
        rig.push(150, 12);
        let before = rig.settle().len();
        assert!(rig.encoder.set_bitrate(700_000), "{element}");
        rig.push(180, 12);
        rig.settle();
        assert!(rig.encoder.set_bitrate(1_600_000), "{element}");
        rig.push(150, 12);
        let units = rig.settle();
        // Whole GOPs, once each rate control has settled.
        let first = rate(
            &units[..before],
            START + 2_000_000_000,
            START + 5_000_000_000,
        );
        let second = rate(&units, START + 7_000_000_000, START + 11_000_000_000);
        assert!(
            (1_500_000.0..2_500_000.0).contains(&first),
            "{element}: {first}"
        );
        let third = rate(&units, START + 13_000_000_000, START + 16_000_000_000);
        assert!(
            (1_200_000.0..2_000_000.0).contains(&third),
            "{element}: {third}"
        );
        assert!(
            (525_000.0..875_000.0).contains(&second),
            "{element}: {second}"
        );
        assert!(
            units
                .iter()
                .all(|u| Arc::ptr_eq(&u.format, &units[0].format)),
            "{element}: same SPS and PPS"
        );
    }
}

/// bit/s of the units in a span of media time.
fn rate(units: &[AccessUnit], from: u64, to: u64) -> f64 {
    let bytes: usize = units
        .iter()
        .filter(|u| (from..to).contains(&u.pts))
        .map(|u| u.data.len())
        .sum();
    bytes as f64 * 8e9 / (to - from) as f64
}

#[test]
fn the_stream_starts_with_parameter_sets_and_shares_its_memory() {
    let mut rig = Rig::open("x264enc", &settings(320, 180, 30), raw(320, 180, 30));
    rig.push(1, 0);
    let unit = rig.settle().remove(0);
    let types: Vec<u8> = h264::nal_units(&unit.data).map(h264::nal_type_of).collect();
    assert_eq!(types[..3], [nal_type::AUD, nal_type::SPS, nal_type::PPS]);
    assert!(types.contains(&nal_type::IDR));
    let copy = unit.data.clone();
    assert_eq!(copy.as_ptr(), unit.data.as_ptr());
    assert_eq!(rig.count(), 1);
    // Access units outlive the session that made them.
    rig.encoder.stop();
    assert!(h264::is_idr(&copy));
}
