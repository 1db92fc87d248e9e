use super::*;

#[test]
fn text_from_a_driver_is_cut_and_cleaned() {
    assert_eq!(clean(b"UVC Camera\0junk"), "UVC Camera");
    // 31 bytes and half a letter, as the kernel cuts them.
    assert_eq!(clean(b"Kamera \xc3"), "Kamera \u{fffd}");
    assert_eq!(clean(b"\x1b[31mred\n"), "[31mred");
    assert_eq!(clean(b""), "");
}

#[test]
fn sizes_and_intervals_are_decoded_by_their_type() {
    let mut size: sys::v4l2_frmsizeenum = zeroed();
    size.type_ = 1;
    size.__bindgen_anon_1.discrete = sys::v4l2_frmsize_discrete {
        width: 640,
        height: 480,
    };
    assert_eq!(decode_size(&size), Some(Sizes::One(640, 480)));
    size.type_ = 3;
    size.__bindgen_anon_1.stepwise = sys::v4l2_frmsize_stepwise {
        min_width: 16,
        max_width: 1920,
        step_width: 2,
        min_height: 17,
        max_height: 1080,
        step_height: 3,
    };
    let range = Sizes::Range {
        width: (16, 1920, 2),
        height: (17, 1080, 3),
    };
    assert_eq!(decode_size(&size), Some(range));
    size.type_ = 9;
    assert_eq!(decode_size(&size), None);

    let fract = |numerator, denominator| sys::v4l2_fract {
        numerator,
        denominator,
    };
    let mut interval: sys::v4l2_frmivalenum = zeroed();
    interval.__bindgen_anon_1.stepwise = sys::v4l2_frmival_stepwise {
        min: fract(1, 60),
        max: fract(1, 1),
        step: fract(1, 1),
    };
    let with = |step| {
        Some(Intervals::Range {
            min: (1, 60),
            max: (1, 1),
            step,
        })
    };
    for (kind, expected) in [
        (1, Some(Intervals::One((1, 60)))),
        (2, with(None)),
        (3, with(Some((1, 1)))),
        (0, None),
    ] {
        interval.type_ = kind;
        assert_eq!(decode_interval(&interval), expected);
    }
}

#[test]
fn a_file_that_is_no_camera_gives_errors_and_empty_lists_not_harm() {
    let node = Node::open(Path::new("/dev/null")).unwrap();
    let e = node.capability().unwrap_err();
    assert_eq!(e.raw_os_error(), Some(libc::ENOTTY));
    assert!(node.formats(Queue::Capture).is_empty());
    assert!(node.sizes(0).is_empty());
    assert!(node.intervals(0, (640, 480)).is_empty());
    assert!(node.controls().is_empty());
    assert!(!node.is_busy(Queue::CaptureMplane));
    assert_eq!(node.current_interval(Queue::Capture), None);
}

#[test]
fn a_request_never_gets_a_structure_of_another_size() {
    let node = Node::open(Path::new("/dev/null")).unwrap();
    let mut wrong: sys::v4l2_control = zeroed();
    let e = node.call(vidioc::VIDIOC_QUERYCAP, &mut wrong).unwrap_err();
    assert_eq!(e.kind(), io::ErrorKind::InvalidInput);
}
