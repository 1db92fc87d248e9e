//! A picture of the overlay without a camera: the very director and canvas of the box on one frame.

use std::time::Duration;

use gstreamer as gst;
use gstreamer_video as video;
use jiff::{SignedDuration, Timestamp};

use super::Canvas;
use super::director::{Director, Facts, Warning};
use super::kit;
use super::motion::Rect;
use super::sprite::Sprite;
use crate::config::{DanmakuConfig, OverlayConfig};
use crate::device::stage::{Layer, Stage};
use crate::error::{Error, Kind, Result};
use crate::media::raw::RawFormat;
use crate::room::item::{Alert, Comment, ItemId, Output};

/// Turns that are made at most: a comment makes two or three.
const TURNS: u32 = 200_000;
/// Luma weights of red and blue, ITU-R BT.709.
const KR: f32 = 0.2126;
const KB: f32 = 0.0722;

/// What lies below the overlay.
#[derive(Debug, Clone)]
pub enum Ground {
    /// One grey.
    Grey,
    /// Colours that flow into one another, light and dark.
    Test,
    /// A picture (PNG or JPEG), which fills the frame.
    Picture(Vec<u8>),
}

/// What happens before the picture is taken.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Size and layout of the frame.
    pub format: RawFormat,
    /// `[overlay]`
    pub overlay: OverlayConfig,
    /// `[danmaku]`
    pub danmaku: DanmakuConfig,
    /// What the owner shows, from the beginning on.
    pub stage: Stage,
    /// What the corner for rehearsals shows.
    pub facts: Facts,
    /// Comments, and when each comes.
    pub comments: Vec<(Duration, Comment)>,
    /// Alerts, from when on each is shown instead of the one before.
    pub alerts: Vec<(Duration, Alert)>,
    /// When the picture is taken, after the beginning.
    pub at: Duration,
    /// What the clock on the wall says then.
    pub wall: Timestamp,
    /// What lies below.
    pub ground: Ground,
}

/// The picture, and what is where in it.
#[derive(Debug, Clone)]
pub struct Shot {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Red, green, blue, row by row.
    pub rgb: Vec<u8>,
    /// What stands where, comments included.
    pub places: Vec<(Layer, Rect)>,
    /// What could not be shown as it was wanted.
    pub warnings: Vec<Warning>,
}

/// Takes the picture. Two plans that are equal give the same picture, to the bit, with the same fonts.
///
/// # Errors
/// The picture below cannot be read, or so much happens before the moment that it would take minutes.
pub fn shoot(plan: &Plan) -> Result<Shot> {
    crate::media::init()?;
    let mut frame = frame(plan)?;
    let mut director = Director::new(&plan.overlay, &plan.danmaku);
    let canvas = Canvas::default();
    play(plan, &mut director, &canvas)?;
    let pts = gst::ClockTime::from_nseconds(nanoseconds(plan.at));
    if let Some(head) = frame.get_mut() {
        head.set_pts(pts);
    }
    let frame = canvas.draw(plan.format, frame);
    Ok(Shot {
        width: plan.format.width,
        height: plan.format.height,
        rgb: rgb(&frame, plan.format)?,
        places: director.seen(plan.at),
        warnings: director.warnings(),
    })
}

/// Everything from the beginning to the moment, each thing at its time.
fn play(plan: &Plan, director: &mut Director, canvas: &Canvas) -> Result<()> {
    let mut orders: Vec<(Duration, Output)> = Vec::new();
    let ids = (1..).map(ItemId);
    for (id, (at, comment)) in ids.zip(&plan.comments) {
        orders.push((*at, Output::Comment(id, comment.clone())));
    }
    let (mut id, mut before) = (ItemId(1 << 32), None::<&Alert>);
    for (at, alert) in &plan.alerts {
        // As the room has it: the same person, kind and combo again is the same alert.
        let combo = |a: &Alert| (a.kind, a.who.clone(), a.combo.clone());
        let goes_on = alert.combo.is_some() && before.map(combo) == Some(combo(alert));
        id = ItemId(id.0 + u64::from(!goes_on));
        before = Some(alert);
        orders.push((*at, Output::Alert(Some((id, alert.clone())))));
    }
    orders.sort_by_key(|(at, _)| *at);
    director.stage(plan.stage.clone());
    director.facts(plan.facts);
    let mut orders = orders.into_iter().peekable();
    let mut now = Duration::ZERO;
    for _ in 0..TURNS {
        while let Some((_, order)) = orders.next_if(|(at, _)| *at <= now) {
            director.put(order);
        }
        if let Some(scene) = director.turn(now, wall(plan, now), plan.format) {
            canvas.set(scene);
        }
        if now >= plan.at {
            return Ok(());
        }
        let next = [director.next(), orders.peek().map(|(at, _)| *at)];
        let next = next.into_iter().flatten().min().unwrap_or(plan.at);
        now = next.clamp(
            now + Duration::from_millis(1),
            plan.at.max(now + Duration::from_millis(1)),
        );
        now = now.min(plan.at);
    }
    Err(Error::new(
        Kind::Unsupported,
        "Too much happens before the moment of the picture.",
    )
    .mend("Take an earlier moment, or fewer comments."))
}

fn wall(plan: &Plan, now: Duration) -> Timestamp {
    let until = SignedDuration::try_from(plan.at.saturating_sub(now)).unwrap_or_default();
    plan.wall.checked_sub(until).unwrap_or(plan.wall)
}

fn nanoseconds(t: Duration) -> u64 {
    u64::try_from(t.as_nanos()).unwrap_or(u64::MAX)
}

/// The frame as it would come from the camera.
fn frame(plan: &Plan) -> Result<gst::Buffer> {
    let format = plan.format;
    let (width, height) = (format.width as usize, format.height as usize);
    let ground = match &plan.ground {
        Ground::Grey => Sprite::filled(width, height, 255, [104; 3]),
        Ground::Test => test_picture(width, height),
        Ground::Picture(bytes) => filling(&kit::picture(bytes)?, width, height),
    };
    let info = info(format)?;
    let mut bytes = vec![0_u8; info.size()];
    let component = |bytes: &mut [u8], n: u8, x: usize, y: usize, value: f32| {
        if let Some(byte) = bytes.get_mut(offset(&info, n, x, y)) {
            *byte = value.round().clamp(0.0, 255.0) as u8;
        }
    };
    for y in 0..height {
        for x in 0..width {
            let p = ground.at(x as i64, y as i64);
            component(&mut bytes, 0, x, y, ycbcr(p)[0]);
        }
    }
    for y in 0..height / 2 {
        for x in 0..width / 2 {
            let mut mean = [0.0; 4];
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                let p = ground.at((2 * x + dx) as i64, (2 * y + dy) as i64);
                mean.iter_mut().zip(p).for_each(|(m, v)| *m += v / 4.0);
            }
            let [_, cb, cr] = ycbcr(mean);
            component(&mut bytes, 1, x, y, cb);
            component(&mut bytes, 2, x, y, cr);
        }
    }
    Ok(gst::Buffer::from_mut_slice(bytes))
}

fn info(format: RawFormat) -> Result<video::VideoInfo> {
    video::VideoInfo::from_caps(&format.caps()).map_err(|e| {
        let RawFormat { width, height, .. } = format;
        Error::new(
            Kind::Unsupported,
            format!("There are no frames of {width}x{height}."),
        )
        .caused_by(e)
    })
}

/// Where the value of a component is, for the pixel or group of pixels at (`x`, `y`).
fn offset(info: &video::VideoInfo, component: u8, x: usize, y: usize) -> usize {
    let size = |n: i32| usize::try_from(n).unwrap_or_default();
    let stride = size(info.comp_stride(component));
    info.comp_offset(component) + y * stride + x * size(info.comp_pstride(component))
}

/// BT.709 in limited range, of a pixel of which nothing shines through.
fn ycbcr([_, r, g, b]: [f32; 4]) -> [f32; 3] {
    let y = KR * r + (1.0 - KR - KB) * g + KB * b;
    let cb = (b - y) / (2.0 * (1.0 - KB));
    let cr = (r - y) / (2.0 * (1.0 - KR));
    [
        16.0 + y * 219.0 / 255.0,
        128.0 + cb * 224.0 / 255.0,
        128.0 + cr * 224.0 / 255.0,
    ]
}

/// The other way; chroma between its places is linear.
fn rgb(frame: &gst::Buffer, format: RawFormat) -> Result<Vec<u8>> {
    let info = info(format)?;
    let lost = || Error::new(Kind::Internal, "The frame of the preview cannot be read.");
    let map = frame.map_readable().map_err(|e| lost().caused_by(e))?;
    let plane = |n: u8| {
        let (w, h) = (info.comp_width(n) as usize, info.comp_height(n) as usize);
        let value = |i: usize| {
            let at = offset(&info, n, i % w.max(1), i / w.max(1));
            f32::from(map.get(at).copied().unwrap_or_default())
        };
        ((0..w * h).map(value).collect::<Vec<f32>>(), w, h)
    };
    let (luma, chroma) = (plane(0), [plane(1), plane(2)]);
    let (width, height) = (luma.1, luma.2);
    let mut out = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            let l = (luma.0[y * width + x] - 16.0) * 255.0 / 219.0;
            let [cb, cr] = [0, 1].map(|n| {
                let (values, w, h) = &chroma[n];
                (between(values, *w, *h, x, y) - 128.0) * 255.0 / 224.0
            });
            let (r, b) = (l + 2.0 * (1.0 - KR) * cr, l + 2.0 * (1.0 - KB) * cb);
            let g = (l - KR * r - KB * b) / (1.0 - KR - KB);
            out.extend([r, g, b].map(|v| v.round().clamp(0.0, 255.0) as u8));
        }
    }
    Ok(out)
}

/// The chroma of a pixel, from the four values around it, each in the middle of its four pixels.
fn between(values: &[f32], w: usize, h: usize, x: usize, y: usize) -> f32 {
    let around = |n: usize, most: usize| {
        let near = (n / 2).min(most.saturating_sub(1));
        let far = if n.is_multiple_of(2) {
            near.saturating_sub(1)
        } else {
            (near + 1).min(most.saturating_sub(1))
        };
        (near, far)
    };
    let ((xn, xf), (yn, yf)) = (around(x, w), around(y, h));
    let at = |x: usize, y: usize| values.get(y * w + x).copied().unwrap_or(128.0);
    let row = |y: usize| 0.75 * at(xn, y) + 0.25 * at(xf, y);
    0.75 * row(yn) + 0.25 * row(yf)
}

/// A picture that fills the frame; what is too much is cut off at both sides alike.
fn filling(picture: &Sprite, width: usize, height: usize) -> Sprite {
    let (pw, ph) = (picture.width.max(1) as f64, picture.height.max(1) as f64);
    let by = (width as f64 / pw).max(height as f64 / ph);
    let size = |n: f64, least: usize| ((n * by).round() as usize).max(least);
    let scaled = kit::scaled(picture, size(pw, width), size(ph, height));
    let (left, top) = ((scaled.width - width) / 2, (scaled.height - height) / 2);
    let rows = scaled.argb.chunks(scaled.width.max(1)).skip(top);
    let mut ground = Sprite::filled(width, height, 255, [0; 3]);
    let seen = rows.flat_map(|row| row.iter().skip(left).take(width));
    for (under, over) in ground.argb.iter_mut().zip(seen) {
        *under = super::sprite::laid(*under, *over);
    }
    ground
}

/// Hues across, light at the top and dark at the bottom.
fn test_picture(width: usize, height: usize) -> Sprite {
    let mut argb = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            let hue = x as f32 / width.max(1) as f32 * std::f32::consts::TAU;
            let light = 0.85 - 0.65 * y as f32 / height.max(1) as f32;
            let part = |shift: f32| {
                let wave = 0.5 + 0.5 * (hue + shift).cos();
                (255.0 * light * (0.45 + 0.55 * wave)) as u8
            };
            argb.push([255, part(0.0), part(2.094), part(4.189)]);
        }
    }
    Sprite {
        width,
        height,
        argb,
    }
}
