use super::*;
use crate::media::raw::Pixel;

const FORMATS: [RawFormat; 3] = [
    RawFormat {
        pixel: Pixel::I420,
        width: 1280,
        height: 720,
        fps: 30,
    },
    RawFormat {
        pixel: Pixel::Nv12,
        width: 854,
        height: 480,
        fps: 30,
    },
    RawFormat {
        pixel: Pixel::I420,
        width: 1080,
        height: 1920,
        fps: 30,
    },
];

fn words(banner: &str, who: &str, what: &str) -> Words {
    Words {
        banner: Some(banner.to_owned()).filter(|b| !b.is_empty()),
        notice: (!who.is_empty()).then(|| Notice {
            who: who.to_owned(),
            what: what.to_owned(),
            kind: crate::device::notice::NoticeKind::Gift,
            platform: Some("YouTube".into()),
            colour: Some("#ffcc00".into()),
        }),
    }
}

fn painted(words: &Words, format: RawFormat) -> Canvas {
    crate::media::init().unwrap();
    let canvas = Canvas::default();
    Painter::default().paint(words, format, &canvas);
    canvas
}

/// A picture in which every byte is another one than its neighbours.
fn frame(format: RawFormat) -> gst::Buffer {
    let size = info(format).unwrap().size();
    let bytes: Vec<u8> = (0..size).map(|i| (i % 199 + 20) as u8).collect();
    gst::Buffer::from_mut_slice(bytes)
}

fn bytes(buffer: &gst::Buffer) -> Vec<u8> {
    buffer.map_readable().unwrap().to_vec()
}

/// Where luma differs: left, top, right, bottom.
fn changed(before: &[u8], after: &[u8], format: RawFormat) -> Option<[usize; 4]> {
    let info = info(format).unwrap();
    let stride = info.stride()[0] as usize;
    let mut found: Option<[usize; 4]> = None;
    for y in 0..format.height as usize {
        for x in 0..format.width as usize {
            if before[y * stride + x] != after[y * stride + x] {
                let [l, t, r, b] = found.unwrap_or([x, y, x, y]);
                found = Some([l.min(x), t.min(y), r.max(x), b.max(y)]);
            }
        }
    }
    found
}

#[test]
fn words_stand_in_the_safe_area_and_nothing_else_changes() {
    for format in FORMATS {
        let (wide, tall) = (format.width as usize, format.height as usize);
        for (words, area) in [
            (
                words("Breaking: 50 % off, today only", "", ""),
                [0, tall * 2 / 3, wide, tall],
            ),
            (
                words("", "Mia 世界", "sent a rose"),
                [0, 0, wide * 2 / 3, tall / 3],
            ),
            (
                words(&"W".repeat(100), "", ""),
                [0, tall * 2 / 3, wide, tall],
            ),
            (
                words("", &"W".repeat(40), &"世".repeat(100)),
                [0, 0, wide * 2 / 3, tall / 3],
            ),
        ] {
            let canvas = painted(&words, format);
            let before = bytes(&frame(format));
            let after = bytes(&canvas.draw(format, frame(format)));
            let [left, top, right, bottom] = changed(&before, &after, format).expect("no words");
            assert!(
                left >= wide / 20 && right < wide - wide / 20,
                "{format:?} {words:?}"
            );
            assert!(
                top >= tall / 20 && bottom < tall - tall / 20,
                "{format:?} {words:?}"
            );
            assert!(left >= area[0] && right < area[2], "{format:?} {words:?}");
            assert!(top >= area[1] && bottom < area[3], "{format:?} {words:?}");
            // Chroma too: what lies outside the rectangle is the same to the bit.
            let info = info(format).unwrap();
            for plane in 1..info.n_planes() as usize {
                let (stride, offset) = (info.stride()[plane] as usize, info.offset()[plane]);
                let step = if format.pixel == Pixel::Nv12 { 2 } else { 1 };
                for y in 0..tall / 2 {
                    for x in 0..wide / 2 * step {
                        let i = offset + y * stride + x;
                        let inside = (left / 2..=right / 2).contains(&(x / step))
                            && (top / 2..=bottom / 2).contains(&y);
                        assert!(
                            inside || before[i] == after[i],
                            "{format:?} plane {plane} {x},{y}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn letters_are_bright_on_a_dark_box() {
    let format = FORMATS[0];
    let said = words(
        "Spring sale: 世界 مرحبا 50 % off",
        "Mia Ångström",
        "sent ten roses",
    );
    let canvas = painted(&said, format);
    let grey = vec![128_u8; info(format).unwrap().size()];
    let after = bytes(&canvas.draw(format, gst::Buffer::from_mut_slice(grey)));
    let luma = &after[..1280 * 720];
    let bright = luma.iter().filter(|y| **y > 225).count();
    let dark = luma.iter().filter(|y| **y < 70).count();
    assert!(bright > 1000 && dark > 5000, "{bright} bright, {dark} dark");
    if let Some(path) = std::env::var_os("BOOTHCAST_LOOK") {
        std::fs::write(path, &after).unwrap();
    }
}

#[test]
fn with_nothing_to_draw_a_frame_is_not_touched() {
    let format = FORMATS[0];
    let canvas = painted(&Words::default(), format);
    let given = frame(format);
    let (at, held) = (given.as_ptr(), given.clone());
    let back = canvas.draw(format, given);
    assert_eq!(
        back.as_ptr(),
        at,
        "the very same buffer, though it is shared"
    );
    drop(held);
    // Words that were there and are gone.
    let mut painter = Painter::default();
    painter.paint(&words("Hello", "", ""), format, &canvas);
    assert_ne!(
        bytes(&canvas.draw(format, frame(format))),
        bytes(&frame(format))
    );
    painter.paint(&Words::default(), format, &canvas);
    assert_eq!(
        bytes(&canvas.draw(format, frame(format))),
        bytes(&frame(format))
    );
    // Words for another size than that of the frame.
    painter.paint(&words("Hello", "", ""), FORMATS[1], &canvas);
    assert_eq!(
        bytes(&canvas.draw(format, frame(format))),
        bytes(&frame(format))
    );
}

#[test]
fn what_others_hold_is_copied_and_what_is_ours_is_not() {
    let format = FORMATS[0];
    let canvas = painted(&words("Hello", "", ""), format);
    let plain = bytes(&frame(format));
    let own = frame(format);
    let memory = own.peek_memory(0).as_ptr();
    let drawn = canvas.draw(format, own);
    assert_eq!(drawn.peek_memory(0).as_ptr(), memory, "needlessly copied");
    // The head is shared.
    let held = frame(format);
    let drawn = canvas.draw(format, held.clone());
    assert_eq!(bytes(&held), plain);
    assert_ne!(bytes(&drawn), plain);
    // The head is ours, the memory is another frame's as well: so are the slate's frames.
    let slate = frame(format);
    let mut copy = slate.clone();
    copy.make_mut().set_pts(gst::ClockTime::from_seconds(1));
    let drawn = canvas.draw(format, copy);
    assert_eq!(bytes(&slate), plain);
    assert_ne!(bytes(&drawn), plain);
    assert_eq!(drawn.pts(), Some(gst::ClockTime::from_seconds(1)));
    // The memory may only be read: so is what some cameras hand out.
    let fixed = gst::Buffer::from_slice(plain.clone());
    let drawn = canvas.draw(format, fixed);
    assert_ne!(bytes(&drawn), plain);
}

#[test]
fn tiny_and_huge_pictures_are_no_fault() {
    for (width, height) in [(16, 16), (16, 3840), (3840, 16), (64, 36), (3840, 2160)] {
        for pixel in [Pixel::I420, Pixel::Nv12] {
            let format = RawFormat {
                pixel,
                width,
                height,
                fps: 30,
            };
            let canvas = painted(&words("Hello world", "Mia", "hi"), format);
            let back = canvas.draw(format, frame(format));
            assert_eq!(bytes(&back).len(), info(format).unwrap().size());
        }
    }
}

#[test]
fn the_same_words_are_made_once() {
    crate::media::init().unwrap();
    let (mut painter, canvas) = (Painter::default(), Canvas::default());
    let patch = |painter: &Painter| painter.banner.as_ref().unwrap().2.clone().unwrap();
    painter.paint(&words("Hello", "Mia", "one"), FORMATS[0], &canvas);
    let first = patch(&painter);
    painter.paint(&words("Hello", "Mia", "two"), FORMATS[0], &canvas);
    assert!(Arc::ptr_eq(&first, &patch(&painter)));
    painter.paint(&words("Hello", "Mia", "two"), FORMATS[1], &canvas);
    assert!(!Arc::ptr_eq(&first, &patch(&painter)));
}
