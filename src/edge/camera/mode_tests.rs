//! Table and property tests of the choice of a mode.

use proptest::prelude::*;

use super::*;

fn mode(format: PixelFormat, width: u32, height: u32, num: u32) -> Mode {
    Mode {
        format,
        width,
        height,
        fps: (num, 1),
    }
}

fn wish(width: u32, height: u32, fps: u32) -> Wish {
    Wish {
        width,
        height,
        fps,
        format: CameraFormat::Auto,
        passthrough: false,
    }
}

use PixelFormat::{H264, I420, Mjpeg, Nv12, Yuyv};

/// The modes of a common USB 2 webcam: raw is fast only when it is small.
fn webcam() -> Vec<Mode> {
    vec![
        mode(Yuyv, 640, 480, 30),
        mode(Yuyv, 1280, 720, 10),
        mode(Yuyv, 1920, 1080, 5),
        mode(Mjpeg, 640, 480, 30),
        mode(Mjpeg, 1280, 720, 30),
        mode(Mjpeg, 1920, 1080, 30),
        mode(H264, 1280, 720, 30),
        mode(H264, 1920, 1080, 30),
    ]
}

#[track_caller]
fn check(modes: &[Mode], wish: &Wish, expected: Mode, use_: Use, reason: &str) {
    let got = choose(modes, wish).unwrap();
    assert_eq!((got.mode, got.use_), (expected, use_), "{}", got.reason);
    assert_eq!(got.reason, reason);
}

#[test]
fn mjpeg_wins_where_raw_is_too_slow_and_says_why() {
    check(
        &webcam(),
        &wish(1280, 720, 30),
        mode(Mjpeg, 1280, 720, 30),
        Use::DecodeJpeg,
        "MJPEG 1280×720 at 30/s, because raw reaches only 10/s at that size",
    );
}

#[test]
fn raw_wins_where_it_reaches_the_rate() {
    check(
        &webcam(),
        &wish(640, 480, 30),
        mode(Yuyv, 640, 480, 30),
        Use::Raw,
        "YUYV 640×480 at 30/s: exactly the size and rate that are wanted",
    );
    check(
        &webcam(),
        &wish(1280, 720, 10),
        mode(Yuyv, 1280, 720, 10),
        Use::Raw,
        "YUYV 1280×720 at 10/s: exactly the size and rate that are wanted",
    );
}

#[test]
fn h264_is_passed_through_only_where_allowed_exact_and_fast_enough() {
    let allowed = Wish {
        passthrough: true,
        ..wish(1920, 1080, 30)
    };
    check(
        &webcam(),
        &allowed,
        mode(H264, 1920, 1080, 30),
        Use::Passthrough,
        "H.264 1920×1080 at 30/s, passed through without encoding again",
    );
    let other_size = Wish {
        width: 1600,
        height: 900,
        ..allowed
    };
    assert_eq!(
        choose(&webcam(), &other_size).unwrap().mode,
        mode(Mjpeg, 1920, 1080, 30)
    );
    let too_fast = Wish { fps: 60, ..allowed };
    assert_eq!(choose(&webcam(), &too_fast).unwrap().use_, Use::DecodeJpeg);
}

#[test]
fn an_asked_format_restricts() {
    let asked = Wish {
        format: CameraFormat::Yuyv,
        ..wish(1920, 1080, 30)
    };
    check(
        &webcam(),
        &asked,
        mode(Yuyv, 1920, 1080, 5),
        Use::Raw,
        "YUYV 1920×1080 at 5/s: the fastest that it has at that size (wanted: 30/s)",
    );
    let h264 = Wish {
        format: CameraFormat::H264,
        ..wish(1280, 720, 30)
    };
    check(
        &webcam(),
        &h264,
        mode(H264, 1280, 720, 30),
        Use::DecodeH264,
        "H.264 1280×720 at 30/s, because that format is asked for",
    );
    let none = choose(
        &webcam(),
        &Wish {
            format: CameraFormat::Nv12,
            ..asked
        },
    )
    .unwrap_err();
    assert_eq!(none.kind(), Kind::Unsupported);
    assert_eq!(
        none.report(),
        "The camera has no NV12 mode; it has YUYV, MJPEG, H.264. Set video.format to \"auto\" or to one of these."
    );
}

#[test]
fn size_goes_exact_then_larger_of_same_aspect_then_smaller() {
    let modes = [
        mode(Yuyv, 1280, 960, 30),
        mode(Yuyv, 1920, 1080, 30),
        mode(Yuyv, 2560, 1440, 30),
        mode(Yuyv, 640, 480, 30),
    ];
    check(
        &modes,
        &wish(1280, 720, 30),
        modes[1],
        Use::Raw,
        "YUYV 1920×1080 at 30/s: the nearest larger size that it has for 1280×720",
    );
    // 4:3 is the only larger one left.
    assert_eq!(
        choose(&modes[..1], &wish(1280, 720, 30)).unwrap().mode,
        modes[0]
    );
    // Nothing covers the wish: the largest of the smaller ones.
    check(
        &[mode(Yuyv, 640, 360, 15), mode(Yuyv, 1024, 576, 15)],
        &wish(1920, 1080, 30),
        mode(Yuyv, 1024, 576, 15),
        Use::Raw,
        "YUYV 1024×576 at 15/s: the largest size that it has for 1920×1080, slower than the wanted 30/s",
    );
}

#[test]
fn motion_comes_before_size() {
    // A USB 2 camera without compression.
    let raw_only = [
        mode(Yuyv, 160, 120, 30),
        mode(Yuyv, 320, 240, 30),
        mode(Yuyv, 640, 480, 30),
        mode(Yuyv, 800, 600, 20),
        mode(Yuyv, 1280, 720, 10),
        mode(Yuyv, 1920, 1080, 5),
    ];
    check(
        &raw_only,
        &wish(1920, 1080, 30),
        raw_only[2],
        Use::Raw,
        "YUYV 640×480 at 30/s: the largest size that it has for 1920×1080, because 800×600 reaches only 20/s",
    );
    // What is wanted is no faster: then size decides.
    check(
        &raw_only,
        &wish(1920, 1080, 5),
        raw_only[5],
        Use::Raw,
        "YUYV 1920×1080 at 5/s: exactly the size and rate that are wanted",
    );
    assert_eq!(
        choose(&raw_only, &wish(1280, 720, 10)).unwrap().mode,
        raw_only[4]
    );
    // Nothing is fluid: what moves comes before what does not.
    let without_480 = [raw_only[0], raw_only[3], raw_only[4], raw_only[5]];
    let chosen = choose(&without_480, &wish(1920, 1080, 30)).unwrap();
    assert_eq!(chosen.mode, raw_only[3]);
    // A stamp is no picture: 15/s at a real size beats it, but 5/s does not.
    let stamp = [
        mode(Yuyv, 160, 120, 30),
        mode(Yuyv, 1280, 720, 15),
        mode(Yuyv, 1280, 720, 5),
    ];
    let chosen = choose(&stamp, &wish(1280, 720, 30)).unwrap();
    assert_eq!(chosen.mode, stamp[1]);
    let chosen = choose(&[stamp[0], stamp[2]], &wish(1280, 720, 30)).unwrap();
    assert_eq!(chosen.mode, stamp[0]);
    // 24/s is fluid, and so is a larger size that is fast enough.
    let film = [mode(Yuyv, 1280, 720, 24), mode(Yuyv, 640, 480, 60)];
    assert_eq!(choose(&film, &wish(1280, 720, 60)).unwrap().mode, film[0]);
    let larger = [mode(Yuyv, 1280, 720, 10), mode(Yuyv, 1920, 1080, 30)];
    check(
        &larger,
        &wish(1280, 720, 30),
        larger[1],
        Use::Raw,
        "YUYV 1920×1080 at 30/s: the nearest larger size that it has for 1280×720, because 1280×720 reaches only 10/s",
    );
}

#[test]
fn nearest_rate_above_then_highest_below_and_ntsc_counts_as_reached() {
    let modes = [
        mode(Nv12, 1280, 720, 120),
        mode(Nv12, 1280, 720, 60),
        mode(Nv12, 1280, 720, 25),
        mode(Nv12, 1280, 720, 15),
    ];
    assert_eq!(choose(&modes, &wish(1280, 720, 30)).unwrap().mode, modes[1]);
    assert_eq!(
        choose(&modes[2..], &wish(1280, 720, 30)).unwrap().mode,
        modes[2]
    );
    let ntsc = Mode {
        fps: (30000, 1001),
        ..modes[0]
    };
    let got = choose(&[modes[0], ntsc, modes[2]], &wish(1280, 720, 30)).unwrap();
    assert_eq!(got.mode, ntsc);
    assert_eq!(
        got.reason,
        "NV12 1280×720 at 29.97/s: exactly the size, and the rate nearest to 30/s"
    );
}

#[test]
fn even_a_tie_is_broken_the_same_way_whatever_the_order() {
    let a = mode(Yuyv, 360, 640, 30);
    let b = mode(Yuyv, 640, 360, 30);
    let doubled = Mode { fps: (60, 2), ..b };
    for (one, other) in [(a, b), (b, doubled)] {
        let wish = wish(1280, 960, 30);
        assert_eq!(
            choose(&[one, other], &wish).unwrap(),
            choose(&[other, one], &wish).unwrap()
        );
    }
}

#[test]
fn raw_order_is_nv12_i420_yuyv_others() {
    let other = PixelFormat::Other(*b"UYVY");
    let mut modes = vec![
        mode(other, 640, 480, 30),
        mode(Yuyv, 640, 480, 30),
        mode(I420, 640, 480, 30),
        mode(Nv12, 640, 480, 30),
    ];
    for expected in [Nv12, I420, Yuyv, other] {
        let got = choose(&modes, &wish(640, 480, 30)).unwrap().mode;
        assert_eq!(got.format, expected);
        modes.retain(|m| m.format != expected);
    }
    // Both too slow: nothing is decoded in vain, not even for a raw format without a name of its own.
    let slow = [mode(Mjpeg, 640, 480, 10), mode(other, 640, 480, 10)];
    let got = choose(&slow, &wish(640, 480, 30)).unwrap();
    assert_eq!(got.use_, Use::Raw);
}

#[test]
fn no_modes_and_unusable_modes_are_unsupported_in_a_sentence() {
    let e = choose(&[], &wish(640, 480, 30)).unwrap_err();
    assert_eq!(e.kind(), Kind::Unsupported);
    let bayer = mode(PixelFormat::Other(*b"pRAA"), 1920, 1080, 30);
    let e = choose(&[bayer], &wish(640, 480, 30)).unwrap_err();
    assert_eq!(
        e.report(),
        "The camera gives only pRAA, of which no picture can be made here. \
         If it is a CSI camera, set video.source to \"libcamera\"."
    );
    let still = Mode {
        fps: (0, 1),
        ..mode(Yuyv, 640, 480, 1)
    };
    assert_eq!(
        choose(&[still], &wish(640, 480, 30)).unwrap_err().kind(),
        Kind::Unsupported
    );
}

fn any_mode() -> impl Strategy<Value = Mode> {
    let format = prop_oneof![
        Just(Nv12),
        Just(I420),
        Just(Yuyv),
        Just(Mjpeg),
        Just(H264),
        Just(PixelFormat::Other(*b"UYVY")),
        Just(PixelFormat::Other(*b"pRAA")),
    ];
    let size = prop_oneof![
        Just((640, 480)),
        Just((1280, 720)),
        Just((1280, 960)),
        Just((1920, 1080)),
        (0u32..5000, 0u32..5000),
    ];
    let fps = prop_oneof![
        Just((30, 1)),
        Just((30000, 1001)),
        Just((5, 1)),
        Just((60, 1)),
        (any::<u32>(), any::<u32>()),
    ];
    (format, size, fps).prop_map(|(format, (width, height), fps)| Mode {
        format,
        width,
        height,
        fps,
    })
}

fn any_wish() -> impl Strategy<Value = Wish> {
    let format = prop_oneof![
        4 => Just(CameraFormat::Auto),
        1 => Just(CameraFormat::Nv12),
        1 => Just(CameraFormat::Yuyv),
        1 => Just(CameraFormat::Mjpeg),
        1 => Just(CameraFormat::H264),
    ];
    let size = prop_oneof![
        Just((640, 480)),
        Just((1280, 720)),
        (16u32..4000, 16u32..4000)
    ];
    (size, 1u32..=60, format, any::<bool>()).prop_map(|((width, height), fps, format, through)| {
        Wish {
            width,
            height,
            fps,
            format,
            passthrough: through,
        }
    })
}

/// The rule said again, as single statements about a pair: what may never be true of the chosen mode `c` while `o` was
/// there. Written apart from the ranking that the code uses.
fn is_beaten(c: &Choice, o: &Mode, wish: &Wish) -> Option<&'static str> {
    let m = &c.mode;
    let exact = |m: &Mode| m.width == wish.width && m.height == wish.height;
    let covers = |m: &Mode| m.width >= wish.width && m.height >= wish.height;
    let fps = |m: &Mode| f64::from(m.fps.0) / f64::from(m.fps.1);
    let reached = |m: &Mode| fps(m) >= f64::from(wish.fps) * 0.99;
    let area = |m: &Mode| u64::from(m.width) * u64::from(m.height);
    let raw = |m: &Mode| m.format.gst_raw_name().is_some();
    if wish.passthrough && o.format == H264 && exact(o) && reached(o) && c.use_ != Use::Passthrough
    {
        return Some("a stream could have been passed through");
    }
    if c.use_ == Use::Passthrough {
        return (!(wish.passthrough && m.format == H264 && exact(m) && reached(m)))
            .then_some("passed through without leave");
    }
    let small = |m: &Mode| {
        area(m) * 9
            < area(&Mode {
                width: wish.width,
                height: wish.height,
                ..*m
            })
    };
    let at_least = |m: &Mode, n: u32| fps(m) >= f64::from(wish.fps.min(n)) * 0.99;
    let (fluid, moving) = (|m: &Mode| at_least(m, 24), |m: &Mode| at_least(m, 12));
    if fluid(o) && !small(o) && !(fluid(m) && !small(m)) {
        return Some("a fluid mode of a fair size was there");
    }
    if moving(o) && !small(o) && (small(m) || !moving(m)) {
        return Some("a moving mode of a fair size was there");
    }
    if fluid(o) && !moving(m) {
        return Some("a fluid mode was there");
    }
    if fluid(m) && !fluid(o) || moving(m) && !moving(o) || small(o) && !small(m) {
        return None;
    }
    if exact(o) && !exact(m) {
        return Some("an exact size was there");
    }
    if covers(o) && !covers(m) {
        return Some("a covering size was there");
    }
    if !covers(m) && area(o) > area(m) {
        return Some("a larger one of the smaller sizes was there");
    }
    if (o.width, o.height) != (m.width, m.height) {
        return None;
    }
    if reached(o) && !reached(m) {
        return Some("the rate could have been reached at that size");
    }
    if !reached(m) && fps(o) > fps(m) + 1e-5 {
        return Some("a higher rate was there");
    }
    if reached(m) && reached(o) && raw(o) && !raw(m) {
        return Some("decoded although raw reaches the rate");
    }
    if reached(m) && reached(o) && raw(o) == raw(m) && o.format == m.format {
        let away = |m: &Mode| (fps(m) - f64::from(wish.fps)).abs();
        return (away(o) < away(m) - 1e-5).then_some("a nearer rate was there");
    }
    None
}

proptest! {
    #[test]
    fn the_choice_is_offered_fits_and_is_never_beaten(
        modes in prop::collection::vec(any_mode(), 0..40), wish in any_wish()
    ) {
        let usable: Vec<&Mode> = modes
            .iter()
            .filter(|m| {
                m.format.is_usable() && m.format.fits(wish.format)
                    && m.width > 0 && m.height > 0 && m.fps.0 > 0 && m.fps.1 > 0
            })
            .collect();
        match choose(&modes, &wish) {
            Ok(choice) => {
                prop_assert!(modes.contains(&choice.mode));
                prop_assert!(choice.mode.format.fits(wish.format));
                prop_assert!(choice.reason.starts_with(&choice.mode.describe()));
                for other in usable {
                    prop_assert_eq!(is_beaten(&choice, other, &wish), None, "{:?} by {:?}", choice, other);
                }
            }
            Err(e) => {
                prop_assert!(usable.is_empty());
                prop_assert_eq!(e.kind(), Kind::Unsupported);
            }
        }
    }

    #[test]
    fn the_order_of_the_list_does_not_matter(
        (modes, shuffled) in prop::collection::vec(any_mode(), 1..30)
            .prop_flat_map(|v| (Just(v.clone()), Just(v).prop_shuffle())),
        wish in any_wish()
    ) {
        let a = choose(&modes, &wish).map_err(|e| e.report());
        let b = choose(&shuffled, &wish).map_err(|e| e.report());
        prop_assert_eq!(a, b);
    }
}
