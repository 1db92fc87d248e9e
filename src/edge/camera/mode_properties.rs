//! The rule of `mode.rs` said again, as statements about pairs of modes, and checked with random cameras.

use proptest::prelude::*;

use super::*;
use crate::config::CameraFormat;
use PixelFormat::{H264, I420, Mjpeg, Nv12, Yuyv};

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
    if fluid(o) && !small(o) && (!fluid(m) || small(m)) {
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
