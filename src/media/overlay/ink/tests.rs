use proptest::prelude::*;

use super::*;
use crate::media::overlay::sprite::premultiplied;

const PIXELS: [Pixel; 2] = [Pixel::I420, Pixel::Nv12];

/// A picture of noise, and its planes as Y, Cb and Cr per pixel.
struct Picture {
    info: video::VideoInfo,
    buffer: gst::Buffer,
}

impl Picture {
    /// `padding`: bytes at the end of each row that are no picture.
    fn noise(pixel: Pixel, (width, height): (u32, u32), padding: i32, seed: u64) -> Self {
        gst::init().unwrap();
        let format = match pixel {
            Pixel::I420 => video::VideoFormat::I420,
            Pixel::Nv12 => video::VideoFormat::Nv12,
        };
        let plain = video::VideoInfo::builder(format, width, height)
            .build()
            .unwrap();
        let strides: Vec<i32> = plain.stride().iter().map(|s| s + padding).collect();
        let mut offsets = vec![0];
        let rows = [height, height.div_ceil(2), height.div_ceil(2)];
        for (stride, rows) in strides.iter().zip(rows) {
            offsets.push(offsets.last().unwrap() + *stride as usize * rows as usize);
        }
        let size = offsets.pop().unwrap();
        let info = video::VideoInfo::builder(format, width, height)
            .stride(&strides)
            .offset(&offsets)
            .size(size)
            .build()
            .unwrap();
        let mut state = seed | 1;
        let bytes: Vec<u8> = (0..size)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        let buffer = gst::Buffer::from_mut_slice(bytes);
        Self { info, buffer }
    }

    fn draw(&mut self, ink: &Ink, at: Position, clip: Option<Rect>) {
        let buffer = self.buffer.get_mut().unwrap();
        let mut frame = video::VideoFrameRef::from_buffer_ref_writable(buffer, &self.info).unwrap();
        ink.draw(&mut frame, at, clip);
    }

    fn bytes(&self) -> Vec<u8> {
        self.buffer.map_readable().unwrap().to_vec()
    }

    /// Values of plane Y, Cb, Cr: width, and values.
    fn planes(&self) -> [(usize, Vec<u8>); 3] {
        let frame =
            video::VideoFrameRef::from_buffer_ref_readable(self.buffer.as_ref(), &self.info)
                .unwrap();
        [0, 1, 2].map(|component| {
            let comp = component as usize;
            let plane = frame.format_info().plane()[comp];
            let data = frame.plane_data(plane).unwrap();
            let stride = frame.plane_stride()[plane as usize] as usize;
            let (wide, tall) = (frame.comp_width(component), frame.comp_height(component));
            let step = frame.comp_pstride(component) as usize;
            let offset = frame.comp_poffset(component) as usize;
            let values = (0..tall as usize)
                .flat_map(|y| (0..wide as usize).map(move |x| y * stride + x * step + offset))
                .map(|i| data[i])
                .collect();
            (wide as usize, values)
        })
    }
}

fn at(x: i32, y: i32, opacity: u16) -> Position {
    Position { x, y, opacity }
}

fn inside(clip: Option<Rect>, x: i64, y: i64) -> bool {
    clip.is_none_or(|c| {
        let (left, top) = (i64::from(c.x), i64::from(c.y));
        (left..left + i64::from(c.width)).contains(&x)
            && (top..top + i64::from(c.height)).contains(&y)
    })
}

/// What should be there, in floating point and straight from the definitions: each pixel's colour, mixed. A chroma value belongs
/// to its first pixel where a clip cuts through its four.
fn reference(
    before: &[(usize, Vec<u8>); 3],
    s: &Sprite,
    place: Position,
    clip: Option<Rect>,
) -> [Vec<f64>; 3] {
    let at = |px: i64, py: i64| -> [f64; 4] {
        let (sx, sy) = (px - i64::from(place.x), py - i64::from(place.y));
        let inside = (0..s.width as i64).contains(&sx) && (0..s.height as i64).contains(&sy);
        let pixel = inside.then(|| s.argb[sy as usize * s.width + sx as usize]);
        pixel
            .unwrap_or_default()
            .map(|v| f64::from(v) / 255.0 * f64::from(place.opacity) / 256.0)
    };
    let ycc = |[_, r, g, b]: [f64; 4]| {
        let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        [
            219.0 * y,
            224.0 * (b - y) / 1.8556,
            224.0 * (r - y) / 1.5748,
        ]
    };
    [0, 1, 2].map(|which| {
        let (wide, old) = &before[which];
        let each = if which == 0 { 1 } else { 2 };
        let grey = if which == 0 { 16.0 } else { 128.0 };
        let mixed = old.iter().enumerate().map(|(i, old)| {
            let (x, y) = (each * (i % wide) as i64, each * (i / wide) as i64);
            if !inside(clip, x, y) {
                return f64::from(*old);
            }
            let covered = (0..each * each).map(|n| {
                let p = at(x + n % each, y + n / each);
                f64::from(*old) * (1.0 - p[0]) + grey * p[0] + ycc(p)[which]
            });
            covered.sum::<f64>() / (each * each) as f64
        });
        mixed.collect()
    })
}

/// Small ones, and long ones with stretches of one alpha, as letters and boxes have.
fn sprites() -> impl Strategy<Value = Sprite> {
    let stretch = prop_oneof![1_usize..4, 60_usize..100];
    let wide = prop_oneof![1_usize..12, 100_usize..180];
    (wide, 1_usize..9, stretch).prop_flat_map(|(width, height, stretch)| {
        let count = (width * height).div_ceil(stretch);
        proptest::collection::vec(any::<[u8; 4]>(), count).prop_map(move |colours| Sprite {
            width,
            height,
            argb: (0..width * height)
                .map(|i| match colours[i / stretch] {
                    [0..64, ..] => [0; 4],
                    [192..=255, r, g, b] => premultiplied(255, [r, g, b]),
                    [a, r, g, b] => premultiplied(a, [r, g, b]),
                })
                .collect(),
        })
    })
}

fn clips() -> impl Strategy<Value = Option<Rect>> {
    proptest::option::of((-9_i32..30, -9_i32..22, 0_u32..200, 0_u32..20).prop_map(
        |(x, y, width, height)| Rect {
            x,
            y,
            width,
            height,
        },
    ))
}

/// Anything goes.
fn rects() -> impl Strategy<Value = Option<Rect>> {
    proptest::option::of(
        any::<(i32, i32, u32, u32)>().prop_map(|(x, y, width, height)| Rect {
            x,
            y,
            width,
            height,
        }),
    )
}

fn pixel(nv12: bool) -> Pixel {
    PIXELS[usize::from(nv12)]
}

proptest! {
    #[test]
    fn is_what_floating_point_says_at_every_place(
        sprite in sprites(), x in -190_i32..30, y in -10_i32..22, faded in 1_u16..256, whole in any::<bool>(),
        clip in clips(), seed in any::<u64>(), nv12 in any::<bool>(), width in 1_u32..40, padding in 0_i32..5,
    ) {
        let place = at(x, y, if whole { 256 } else { faded });
        let mut picture = Picture::noise(pixel(nv12), (width, 18), padding, seed);
        let before = picture.planes();
        let want = reference(&before, &sprite, place, clip);
        picture.draw(&Ink::new(&sprite, pixel(nv12)), place, clip);
        for (n, ((_, found), want)) in picture.planes().iter().zip(&want).enumerate() {
            // Half a step for each number that is rounded: add, out; in chroma the alpha; with an opacity add and alpha again.
            let most = 1.01 + if n > 0 { 0.5 } else { 0.0 } + if whole { 0.0 } else { 1.0 };
            for (i, (found, want)) in found.iter().zip(want).enumerate() {
                let old = before[n].1[i];
                prop_assert!(
                    (f64::from(*found) - want).abs() <= most,
                    "component {n}, value {i}: {old} became {found} instead of {want}"
                );
            }
        }
    }

    #[test]
    fn bytes_outside_of_picture_sprite_and_clip_stay_to_the_bit(
        sprite in sprites(), x in -190_i32..30, y in -10_i32..22, opacity in 0_u16..300,
        clip in clips(), seed in any::<u64>(), nv12 in any::<bool>(), padding in 0_i32..5,
    ) {
        let size = (22, 18);
        let mut picture = Picture::noise(pixel(nv12), size, padding, seed);
        let before = picture.bytes();
        picture.draw(&Ink::new(&sprite, pixel(nv12)), at(x, y, opacity), clip);
        let after = picture.bytes();
        let covers = |px: i64, py: i64| {
            let (sx, sy) = (px - i64::from(x), py - i64::from(y));
            let pixel = usize::try_from(sx).ok().zip(usize::try_from(sy).ok());
            pixel.is_some_and(|(sx, sy)| {
                sx < sprite.width && sy < sprite.height && sprite.argb[sy * sprite.width + sx][0] > 0
            })
        };
        let info = &picture.info;
        for (n, (before, after)) in before.iter().zip(&after).enumerate() {
            if before == after {
                continue;
            }
            prop_assert!(opacity > 0);
            let plane = info.offset().iter().rposition(|o| *o <= n).unwrap();
            let stride = info.stride()[plane] as usize;
            let (row, byte) = ((n - info.offset()[plane]) / stride, (n - info.offset()[plane]) % stride);
            let (each, step) = match (plane, nv12) {
                (0, _) => (1_i64, 1),
                (_, false) => (2, 1),
                (_, true) => (2, 2),
            };
            let (px, py) = (each * (byte / step) as i64, each * row as i64);
            prop_assert!(px < i64::from(size.0) && py < i64::from(size.1), "padding was written");
            prop_assert!(inside(clip, px, py), "outside of the clip: {px}, {py}");
            let under = (0..each * each).any(|n| covers(px + n % each, py + n / each));
            prop_assert!(under, "plane {plane} at {px}, {py}");
        }
    }

    #[test]
    fn no_place_size_or_clip_is_a_fault(
        sprite in sprites(), x in any::<i32>(), y in any::<i32>(), opacity in any::<u16>(),
        clip in rects(), nv12 in any::<bool>(), width in 1_u32..9, height in 1_u32..9,
    ) {
        let ink = Ink::new(&sprite, pixel(nv12));
        let mut picture = Picture::noise(pixel(nv12), (width, height), 0, 3);
        picture.draw(&ink, at(x, y, opacity), clip);
        for (x, y) in [(i32::MIN, i32::MIN), (i32::MAX, i32::MAX), (0, i32::MIN), (i32::MAX, 0), (x, 0), (0, y)] {
            picture.draw(&ink, at(x, y, opacity), clip);
        }
        prop_assert!(ink.bytes() < 4096 + sprite.argb.len() * 8 + sprite.height * 256);
    }

    #[test]
    fn clips_side_by_side_draw_what_one_does(
        sprite in sprites(), x in -20_i32..30, y in -10_i32..22, opacity in 1_u16..=256,
        at_x in -3_i32..45, at_y in -3_i32..25, seed in any::<u64>(), nv12 in any::<bool>(),
    ) {
        let ink = Ink::new(&sprite, pixel(nv12));
        let mut whole = Picture::noise(pixel(nv12), (40, 18), 0, seed);
        let mut parts = Picture::noise(pixel(nv12), (40, 18), 0, seed);
        whole.draw(&ink, at(x, y, opacity), None);
        for (x0, x1) in [(-500, at_x), (at_x, 500)] {
            for (y0, y1) in [(-500, at_y), (at_y, 500)] {
                let clip = Rect { x: x0, y: y0, width: (x1 - x0) as u32, height: (y1 - y0) as u32 };
                parts.draw(&ink, at(x, y, opacity), Some(clip));
            }
        }
        prop_assert_eq!(whole.bytes(), parts.bytes());
    }
}

#[test]
fn no_alpha_is_no_change_and_full_alpha_the_very_colour() {
    for pixel in PIXELS {
        let mut picture = Picture::noise(pixel, (220, 32), 0, 7);
        let before = picture.bytes();
        let clear = Ink::new(&Sprite::clear(90, 7), pixel);
        picture.draw(&clear, at(3, 5, 256), None);
        // Seen next to what is not: values of alpha 0 in the same run.
        let mut spots = Sprite::clear(90, 7);
        spots.lay(&Sprite::filled(1, 1, 255, [255; 3]), 40, 3);
        let spots = Ink::new(&spots, pixel);
        picture.draw(&spots, at(3, 5, 0), None);
        assert_eq!(picture.bytes(), before, "{pixel:?}");
        picture.draw(&spots, at(2, 4, 256), None);
        let after = picture.bytes();
        let changed = after.iter().zip(&before).filter(|(a, b)| a != b);
        assert!(changed.count() <= 3, "one pixel is one value of each plane");
        // Wide enough for a run that is copied, and narrow enough for one that is mixed.
        for (wide, left) in [(200, 8), (9, 8), (200, 9), (9, 9)] {
            let red = Ink::new(&Sprite::filled(wide, 8, 255, [255, 0, 0]), pixel);
            picture.draw(&red, at(left, 6, 256), None);
            let middle = |n: usize, each: usize| {
                let (width, values) = &picture.planes()[n];
                values[10 / each * width + (left as usize + 4) / each]
            };
            assert_eq!([middle(0, 1), middle(1, 2), middle(2, 2)], [63, 102, 240]);
        }
    }
}

#[test]
fn sizes_at_both_ends_are_no_fault() {
    for pixel in PIXELS {
        let sprites = [(1, 1), (3000, 5), (5, 2000), (0, 7), (7, 0)]
            .map(|(w, h)| Ink::new(&Sprite::filled(w, h, 200, [9, 200, 40]), pixel));
        for size in [(1, 1), (2, 2), (16, 3840), (3840, 16), (3840, 2160)] {
            let mut picture = Picture::noise(pixel, size, 0, 1);
            for ink in &sprites {
                picture.draw(ink, at(-2, -1, 256), None);
                picture.draw(ink, at(size.0 as i32 - 3, size.1 as i32 - 1, 77), None);
            }
        }
    }
}

#[test]
fn what_is_no_sprite_is_an_empty_ink() {
    let mut short = Sprite::filled(4, 4, 255, [1; 3]);
    short.argb.pop();
    let overflow = Sprite {
        width: usize::MAX,
        height: 3,
        argb: vec![],
    };
    let huge = Sprite::filled(3840, 2161, 255, [1; 3]);
    for sprite in [short, overflow, huge] {
        let ink = Ink::new(&sprite, Pixel::I420);
        assert_eq!((ink.width(), ink.height()), (0, 0));
        assert!(ink.bytes() < 2000);
    }
}

#[test]
fn memory_is_taken_for_what_is_seen() {
    let clear = Ink::new(&Sprite::clear(1600, 100), Pixel::Nv12).bytes();
    assert!(clear < 5000, "{clear}");
    let box_of = |alpha| Ink::new(&Sprite::filled(1600, 100, alpha, [7; 3]), Pixel::I420).bytes();
    let (mixed, solid) = (box_of(128), box_of(255));
    // Add and cover of luma, of two planes of chroma, and those for four kinds of places.
    assert!((6 * 160_000..7 * 160_000).contains(&mixed), "{mixed}");
    assert!((3 * 160_000..7 * 160_000 / 2).contains(&solid), "{solid}");
}

#[test]
fn a_frame_of_another_layout_is_left_alone() {
    let ink = Ink::new(&Sprite::filled(9, 9, 255, [255; 3]), Pixel::I420);
    let mut picture = Picture::noise(Pixel::Nv12, (16, 16), 0, 5);
    let before = picture.bytes();
    picture.draw(&ink, at(0, 0, 256), None);
    assert_eq!(picture.bytes(), before);
}
