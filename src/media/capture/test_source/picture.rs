//! Paints the test picture: one copy of a background rendered once, then the few places that change.

use gstreamer_video as video;

use super::{digits, strip};
use crate::error::{Error, Kind, Result};
use crate::media::raw::{Pixel, RawFormat};

/// Frames that the white flash box is shown from each full second of running time on.
pub const FLASH_FRAMES: u64 = 3;

/// 75 % colour bars in BT.709 limited range: Y, Cb, Cr of white, yellow, cyan, green, magenta, red, blue.
const BARS: [[u8; 3]; 7] = [
    [180, 128, 128],
    [168, 44, 136],
    [145, 147, 44],
    [133, 63, 52],
    [63, 193, 204],
    [51, 109, 212],
    [28, 212, 120],
];

/// Where planes lie; as GStreamer lays them out by default, so no video meta is needed.
#[derive(Debug, Clone, Copy)]
struct Layout {
    w: usize,
    h: usize,
    y_stride: usize,
    chroma: [usize; 2],
    chroma_stride: usize,
    /// Bytes from one Cb to the next.
    chroma_step: usize,
}

/// A rectangle in pixels.
#[derive(Debug, Clone, Copy)]
struct Area {
    x: usize,
    y: usize,
    w: usize,
    h: usize,
}

impl Layout {
    fn fill(&self, data: &mut [u8], area: Area, [y, cb, cr]: [u8; 3]) {
        let area = self.clip(area);
        for line in area.y..area.y + area.h {
            let at = line * self.y_stride + area.x;
            data[at..at + area.w].fill(y);
        }
        for line in area.y / 2..(area.y + area.h) / 2 {
            for column in area.x / 2..(area.x + area.w) / 2 {
                let at = line * self.chroma_stride + column * self.chroma_step;
                data[self.chroma[0] + at] = cb;
                data[self.chroma[1] + at] = cr;
            }
        }
    }

    /// Inside of the picture, on even pixels.
    fn clip(&self, area: Area) -> Area {
        let (x, y) = (area.x.min(self.w) & !1, area.y.min(self.h) & !1);
        Area {
            x,
            y,
            w: area.w.min(self.w - x) & !1,
            h: area.h.min(self.h - y) & !1,
        }
    }
}

/// Makes frames of one format.
#[derive(Debug)]
pub(super) struct Painter {
    background: Vec<u8>,
    layout: Layout,
    fps: u32,
    /// Pixels of a dot of the figures.
    dot: usize,
    clock_at: (usize, usize),
    counter_at: (usize, usize),
    flash: Area,
}

/// `HH:MM:SS.mmm`.
const CLOCK_LEN: usize = 12;
const COUNTER_LEN: usize = 8;

/// Where the flash box is in a picture of `width` × `height` pixels: x, y, width, height.
#[must_use]
pub fn flash_box(width: usize, height: usize) -> (usize, usize, usize, usize) {
    let area = flash_area(width, height);
    (area.x, area.y, area.w, area.h)
}

fn flash_area(w: usize, h: usize) -> Area {
    Area {
        x: w * 3 / 8,
        y: h / 6,
        w: w / 4,
        h: h / 6,
    }
}

impl Painter {
    pub(super) fn new(format: RawFormat) -> Result<Self> {
        let layout = layout(format)?;
        let info = info(format)?;
        let (w, h) = (layout.w, layout.h);
        let dot = (w / 120).max(1);
        let (clock_w, clock_h) = digits::size(CLOCK_LEN, dot);
        let (counter_w, _) = digits::size(COUNTER_LEN, dot);
        let clock_at = (w.saturating_sub(clock_w) / 2, h * 2 / 5);
        let counter_at = (
            w.saturating_sub(counter_w) / 2,
            clock_at.1 + clock_h * 3 / 2,
        );
        let mut painter = Self {
            background: vec![0; info.size()],
            layout,
            fps: format.fps,
            dot,
            clock_at,
            counter_at,
            flash: flash_area(w, h),
        };
        painter.render_background(clock_h, clock_w);
        Ok(painter)
    }

    fn render_background(&mut self, text_h: usize, text_w: usize) {
        let layout = self.layout;
        let (w, h) = (layout.w, layout.h);
        for (i, colour) in BARS.into_iter().enumerate() {
            let area = Area {
                x: i * w / BARS.len(),
                y: 0,
                w: w / BARS.len() + 2,
                h,
            };
            layout.fill(&mut self.background, area, colour);
        }
        let black = [strip::BLACK, 128, 128];
        let pad = text_h / 2;
        let boxes = [
            Area {
                x: 0,
                y: 0,
                w,
                h: strip::height(h),
            },
            self.flash,
            Area {
                x: self.clock_at.0.saturating_sub(pad),
                y: self.clock_at.1.saturating_sub(pad),
                w: text_w + 2 * pad,
                h: self.counter_at.1 + text_h + 2 * pad - self.clock_at.1,
            },
            Area {
                x: 0,
                y: h * 7 / 8,
                w,
                h: h / 8,
            },
        ];
        for area in boxes {
            layout.fill(&mut self.background, area, black);
        }
    }

    /// Bytes of a frame.
    pub(super) fn size(&self) -> usize {
        self.background.len()
    }

    /// Paints frame `n`, due at running time `pts` ns, over whatever is in `data`.
    pub(super) fn paint(&self, data: &mut [u8], n: u64, pts: u64) {
        let Some(data) = data.get_mut(..self.background.len()) else {
            return;
        };
        data.copy_from_slice(&self.background);
        let layout = self.layout;
        let ms = pts / 1_000_000;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the strip counts modulo 2^32"
        )]
        strip::paint(
            data,
            layout.y_stride,
            layout.w,
            layout.h,
            n as u32,
            ms as u32,
        );
        let s = ms / 1000;
        let clock = format!(
            "{:02}:{:02}:{:02}.{:03}",
            s / 3600 % 100,
            s / 60 % 60,
            s % 60,
            ms % 1000
        );
        let counter = format!("{:08}", n % 100_000_000);
        digits::draw(
            data,
            layout.y_stride,
            self.clock_at,
            self.dot,
            clock.as_bytes(),
            strip::WHITE,
        );
        digits::draw(
            data,
            layout.y_stride,
            self.counter_at,
            self.dot,
            counter.as_bytes(),
            strip::WHITE,
        );
        let fps = u64::from(self.fps.max(1));
        if n % fps < FLASH_FRAMES {
            layout.fill(data, self.flash, [strip::WHITE, 128, 128]);
        }
        // A square that runs along the bottom once in two seconds: shows judder to the eye.
        let side = layout.h / 10;
        let phase = usize::try_from(n % (2 * fps)).unwrap_or(0);
        let run = layout.w.saturating_sub(side);
        let ball = Area {
            x: phase * run / usize::try_from(2 * fps).unwrap_or(1),
            y: layout.h - layout.h / 9,
            w: side,
            h: side,
        };
        layout.fill(data, ball, [180, 90, 90]);
    }
}

fn info(format: RawFormat) -> Result<video::VideoInfo> {
    let pixel = match format.pixel {
        Pixel::I420 => video::VideoFormat::I420,
        Pixel::Nv12 => video::VideoFormat::Nv12,
    };
    let bad = || {
        Error::new(
            Kind::Unsupported,
            format!(
                "a test picture of {}×{} cannot be made",
                format.width, format.height
            ),
        )
    };
    if format.width < 2 || format.height < 2 || format.width % 2 + format.height % 2 > 0 {
        return Err(bad());
    }
    video::VideoInfo::builder(pixel, format.width, format.height)
        .build()
        .map_err(|e| bad().caused_by(e))
}

fn layout(format: RawFormat) -> Result<Layout> {
    let info = info(format)?;
    let stride = |plane: usize| usize::try_from(info.stride()[plane]).unwrap_or(0);
    let offset = info.offset();
    let (chroma, chroma_step) = match format.pixel {
        Pixel::I420 => ([offset[1], offset[2]], 1),
        Pixel::Nv12 => ([offset[1], offset[1] + 1], 2),
    };
    Ok(Layout {
        w: usize::try_from(format.width).unwrap_or(0),
        h: usize::try_from(format.height).unwrap_or(0),
        y_stride: stride(0),
        chroma,
        chroma_stride: stride(1),
        chroma_step,
    })
}

/// A picture of one colour (Y, Cb, Cr), laid out as GStreamer does by default.
pub(in crate::media::capture) fn plain(format: RawFormat, colour: [u8; 3]) -> Result<Vec<u8>> {
    let layout = layout(format)?;
    let mut data = vec![0; info(format)?.size()];
    let all = Area {
        x: 0,
        y: 0,
        w: layout.w,
        h: layout.h,
    };
    layout.fill(&mut data, all, colour);
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::capture::test_source::read_strip;

    fn format(pixel: Pixel, width: u32, height: u32) -> RawFormat {
        RawFormat {
            pixel,
            width,
            height,
            fps: 30,
        }
    }

    #[test]
    fn both_layouts_have_the_same_picture() {
        gstreamer::init().unwrap();
        for (w, h) in [(854, 480), (1280, 720), (322, 242)] {
            let planar = Painter::new(format(Pixel::I420, w, h)).unwrap();
            let semi = Painter::new(format(Pixel::Nv12, w, h)).unwrap();
            let (mut a, mut b) = (vec![0; planar.size()], vec![0; semi.size()]);
            planar.paint(&mut a, 61, 2_033_333_333);
            semi.paint(&mut b, 61, 2_033_333_333);
            let (la, lb) = (planar.layout, semi.layout);
            for y in 0..h as usize {
                for x in 0..w as usize {
                    assert_eq!(
                        a[y * la.y_stride + x],
                        b[y * lb.y_stride + x],
                        "luma {x},{y}"
                    );
                    for plane in 0..2 {
                        let pa = la.chroma[plane] + y / 2 * la.chroma_stride + x / 2;
                        let pb = lb.chroma[plane] + y / 2 * lb.chroma_stride + x / 2 * 2;
                        assert_eq!(a[pa], b[pb], "chroma {plane} {x},{y}");
                    }
                }
            }
            assert_eq!(read_strip(&a, la.y_stride, w, h), Some((61, 2033)));
        }
    }

    #[test]
    fn the_flash_is_on_for_the_first_frames_of_a_second() {
        gstreamer::init().unwrap();
        let painter = Painter::new(format(Pixel::I420, 640, 360)).unwrap();
        let mut data = vec![0; painter.size()];
        let middle = (painter.flash.y + painter.flash.h / 2) * painter.layout.y_stride + 320;
        for n in 0..90 {
            painter.paint(&mut data, n, n * 1_000_000_000 / 30);
            let want = if n % 30 < FLASH_FRAMES {
                strip::WHITE
            } else {
                strip::BLACK
            };
            assert_eq!(data[middle], want, "frame {n}");
        }
    }

    #[test]
    fn the_clock_changes_the_picture_and_nothing_is_left_of_the_last_frame() {
        gstreamer::init().unwrap();
        let painter = Painter::new(format(Pixel::Nv12, 640, 360)).unwrap();
        let (mut fresh, mut used) = (vec![0; painter.size()], vec![7; painter.size()]);
        painter.paint(&mut used, 3, 100_000_000);
        painter.paint(&mut fresh, 100, 3_333_333_333);
        assert_ne!(fresh, used);
        painter.paint(&mut used, 100, 3_333_333_333);
        assert_eq!(fresh, used);
    }

    #[test]
    fn odd_sizes_are_refused() {
        gstreamer::init().unwrap();
        assert!(Painter::new(format(Pixel::I420, 641, 360)).is_err());
        assert!(Painter::new(format(Pixel::I420, 0, 0)).is_err());
    }
}
