//! Tables of the choice of a mode.

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
        mode(Yuyv, 640, 480, 30),
        Use::Raw,
        "YUYV 640×480 at 30/s: the largest size that it has for 1920×1080, because 1280×720 reaches only 10/s",
    );
    check(
        &webcam()[1..],
        &Wish {
            width: 1280,
            height: 720,
            ..asked
        },
        mode(Yuyv, 1280, 720, 10),
        Use::Raw,
        "YUYV 1280×720 at 10/s: the fastest that it has at that size (wanted: 30/s)",
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
