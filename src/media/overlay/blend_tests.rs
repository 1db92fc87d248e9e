use proptest::prelude::*;

use super::*;

const PIXELS: [Pixel; 2] = [Pixel::I420, Pixel::Nv12];

fn format(pixel: Pixel, width: u32, height: u32) -> RawFormat {
    RawFormat {
        pixel,
        width,
        height,
        fps: 30,
    }
}

/// A picture of noise, and its planes as Y, Cb and Cr per pixel.
struct Picture {
    format: RawFormat,
    info: video::VideoInfo,
    buffer: gst::Buffer,
}

impl Picture {
    fn noise(format: RawFormat, seed: u64) -> Self {
        gst::init().unwrap();
        let info = video::VideoInfo::from_caps(&format.caps()).unwrap();
        let mut state = seed | 1;
        let bytes: Vec<u8> = (0..info.size())
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        let buffer = gst::Buffer::from_mut_slice(bytes);
        Self {
            format,
            info,
            buffer,
        }
    }

    fn draw(&mut self, patch: &Patch) {
        let buffer = self.buffer.get_mut().unwrap();
        let mut frame = video::VideoFrameRef::from_buffer_ref_writable(buffer, &self.info).unwrap();
        patch.draw(&mut frame, &mut Vec::new());
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

/// What should be there, in floating point and straight from the definitions: each pixel's colour, mixed.
fn reference(before: &[(usize, Vec<u8>); 3], s: &Sprite, x: i64, y: i64) -> [Vec<f64>; 3] {
    let at = |px: i64, py: i64| -> Option<[f64; 4]> {
        let (sx, sy) = (px - x, py - y);
        let inside = (0..s.width as i64).contains(&sx) && (0..s.height as i64).contains(&sy);
        inside.then(|| s.argb[sy as usize * s.width + sx as usize].map(|v| f64::from(v) / 255.0))
    };
    let ycc = |[_, r, g, b]: [f64; 4]| {
        let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        [
            219.0 * y,
            224.0 * (b - y) / 1.8556,
            224.0 * (r - y) / 1.5748,
        ]
    };
    let (wide, _) = before[0];
    let luma = before[0].1.iter().enumerate().map(|(i, old)| {
        let p = at((i % wide) as i64, (i / wide) as i64).unwrap_or_default();
        f64::from(*old) * (1.0 - p[0]) + 16.0 * p[0] + ycc(p)[0]
    });
    let chroma = |which: usize| -> Vec<f64> {
        let (wide, old) = &before[which];
        old.iter()
            .enumerate()
            .map(|(i, old)| {
                let (cx, cy) = (2 * (i % wide) as i64, 2 * (i / wide) as i64);
                let four = [(0, 0), (1, 0), (0, 1), (1, 1)];
                let mixed = four.map(|(dx, dy)| {
                    let p = at(cx + dx, cy + dy).unwrap_or_default();
                    f64::from(*old) * (1.0 - p[0]) + 128.0 * p[0] + ycc(p)[which]
                });
                mixed.iter().sum::<f64>() / 4.0
            })
            .collect()
    };
    [luma.collect(), chroma(1), chroma(2)]
}

fn sprites() -> impl Strategy<Value = Sprite> {
    (1_usize..12, 1_usize..9).prop_flat_map(|(width, height)| {
        proptest::collection::vec(any::<[u8; 4]>(), width * height).prop_map(move |argb| Sprite {
            width,
            height,
            argb: argb
                .into_iter()
                .map(|[a, r, g, b]| match a {
                    0..64 => [0; 4],
                    192.. => premultiplied(255, [r, g, b]),
                    a => premultiplied(a, [r, g, b]),
                })
                .collect(),
        })
    })
}

proptest! {
    #[test]
    fn is_what_floating_point_says_at_every_place(
        sprite in sprites(), x in -14_i64..26, y in -10_i64..22, seed in any::<u64>(),
        nv12 in any::<bool>(),
    ) {
        let mut picture = Picture::noise(format(PIXELS[usize::from(nv12)], 22, 18), seed);
        let before = picture.planes();
        let want = reference(&before, &sprite, x, y);
        picture.draw(&Patch::new(&sprite, x, y, picture.format));
        let planes = picture.planes();
        for (n, ((_, found), want)) in planes.iter().zip(&want).enumerate() {
            for (i, (found, want)) in found.iter().zip(want).enumerate() {
                let old = before[n].1[i];
                // Half a step of `keep`, and the rounding.
                prop_assert!(
                    (f64::from(*found) - want.clamp(0.0, 255.0)).abs() <= 1.01,
                    "component {n}, value {i}: {old} became {found} instead of {want}"
                );
                if (want - f64::from(old)).abs() < 1e-9 {
                    prop_assert!(*found == old || before[n].1[i].abs_diff(*found) <= 1);
                }
            }
        }
    }
}

#[test]
fn nothing_outside_changes_by_a_bit_and_no_alpha_is_no_change() {
    for pixel in PIXELS {
        let mut picture = Picture::noise(format(pixel, 32, 32), 7);
        let before = picture.planes();
        let clear = Sprite::filled(9, 7, 0, [255; 3]);
        picture.draw(&Patch::new(&clear, 3, 5, picture.format));
        assert_eq!(picture.planes(), before, "{pixel:?}");
        let white = Sprite::filled(9, 7, 255, [255; 3]);
        picture.draw(&Patch::new(&white, 3, 5, picture.format));
        let after = picture.planes();
        for (n, (wide, values)) in after.iter().enumerate() {
            for (i, value) in values.iter().enumerate() {
                let (x, y) = (i % wide, i / wide);
                let (columns, rows) = if n == 0 { (3..12, 5..12) } else { (1..6, 2..6) };
                if columns.contains(&x) && rows.contains(&y) {
                    let whole = n == 0 || ((2..6).contains(&x) && (3..6).contains(&y));
                    let full = if n == 0 { 235 } else { 128 };
                    assert!(!whole || *value == full, "{pixel:?} {n} {x},{y}: {value}");
                } else {
                    assert_eq!(*value, before[n].1[i], "{pixel:?} {n} {x},{y}");
                }
            }
        }
    }
}

#[test]
fn sprites_lie_over_one_another() {
    let mut under = Sprite::filled(4, 3, 255, [0, 0, 200]);
    under.lay(&Sprite::filled(9, 9, 128, [255, 0, 0]), 2, 1);
    assert_eq!(under.argb[0], [255, 0, 0, 200]);
    assert_eq!(under.argb[4 + 2], [255, 128, 0, 100]);
    under.lay(&Sprite::filled(1, 1, 255, [9; 3]), 7, 7);
}
