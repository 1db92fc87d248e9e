use super::*;

const FORMAT: RawFormat = RawFormat {
    pixel: Pixel::I420,
    width: 1280,
    height: 720,
    fps: 30,
};
const FRAME: u64 = 33_333_333;

fn watched(format: RawFormat) -> Still {
    gst::init().unwrap();
    Still::frames(format)
}

/// A picture with padding between its rows (stride 1280 + 64 in luma), filled with a pattern.
struct Picture {
    buffer: gst::Buffer,
    stride: usize,
}

impl Picture {
    fn new(format: RawFormat, pad: usize) -> Self {
        gst::init().unwrap();
        let (w, h) = (format.width as usize, format.height as usize);
        let stride = w + pad;
        let chroma = stride / 2;
        let size = stride * h + 2 * chroma * (h / 2);
        let bytes: Vec<u8> = (0..size).map(|n| (n * 7 % 251) as u8).collect();
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        let (offsets, strides): (Vec<usize>, Vec<i32>) = match format.pixel {
            Pixel::I420 => (
                vec![0, stride * h, stride * h + chroma * (h / 2)],
                vec![stride as i32, chroma as i32, chroma as i32],
            ),
            Pixel::Nv12 => (vec![0, stride * h], vec![stride as i32, stride as i32]),
        };
        let kind = match format.pixel {
            Pixel::I420 => video::VideoFormat::I420,
            Pixel::Nv12 => video::VideoFormat::Nv12,
        };
        video::VideoMeta::add_full(
            buffer.get_mut().unwrap(),
            video::VideoFrameFlags::empty(),
            kind,
            format.width,
            format.height,
            &offsets,
            &strides,
        )
        .unwrap();
        Self { buffer, stride }
    }

    fn set(&mut self, at: usize, value: u8) {
        self.buffer.get_mut().unwrap().map_writable().unwrap()[at] = value;
    }
}

/// Feeds `seconds` of frames at 30/s; says when (in s since the first) which verdicts came.
fn watch(
    still: &mut Still,
    picture: &mut Picture,
    from: u64,
    seconds: u64,
    mut change: impl FnMut(u64, &mut Picture),
) -> Vec<(f64, bool)> {
    let mut told = Vec::new();
    for n in from..from + seconds * 30 {
        change(n, picture);
        if let Some(verdict) = still.frame(&picture.buffer, 5_000_000_000 + n * FRAME) {
            told.push((n as f64 / 30.0, verdict));
        }
    }
    told
}

#[test]
fn a_picture_that_never_changes_is_still_after_8_s_and_told_once() {
    for pixel in [Pixel::I420, Pixel::Nv12] {
        let format = RawFormat { pixel, ..FORMAT };
        let (mut still, mut picture) = (watched(format), Picture::new(format, 64));
        let told = watch(&mut still, &mut picture, 0, 60, |_, _| {});
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].1 && (8.0..8.5).contains(&told[0].0), "{told:?}");
        // Every sample is new in a live picture: it is seen with the first frame.
        let told = watch(&mut still, &mut picture, 1800, 5, |n, p| {
            let mut map = p.buffer.get_mut().unwrap().map_writable().unwrap();
            map.fill((n % 200) as u8);
        });
        assert_eq!(told, [(60.0, false)]);
    }
}

#[test]
fn a_single_byte_that_changes_once_a_second_keeps_a_picture_alive() {
    let (mut still, mut picture) = (watched(FORMAT), Picture::new(FORMAT, 0));
    for place in [0, 1280 * 720 - 1, 1280 * 720 * 3 / 2 - 1] {
        let mut still = watched(FORMAT);
        let told = watch(&mut still, &mut picture, 0, 40, |n, p| {
            p.set(place, if n / 30 % 2 == 0 { 1 } else { 2 });
        });
        assert!(told.iter().all(|(_, still)| !still), "{place}: {told:?}");
    }
    // It stops: still, 8 s after the last change at the latest (plus the distance of the looks).
    let told = watch(&mut still, &mut picture, 0, 20, |n, p| {
        p.set(77_777, u8::from(n < 150));
    });
    let last = told.last().copied().unwrap();
    assert!(last.1 && last.0 < 5.0 + 8.0 + 0.5, "{told:?}");
}

#[test]
fn what_lies_between_the_rows_does_not_count() {
    let (mut still, mut picture) = (watched(FORMAT), Picture::new(FORMAT, 64));
    let stride = picture.stride;
    let told = watch(&mut still, &mut picture, 0, 10, |n, p| {
        for row in 0..720 {
            p.set(row * stride + 1280 + (n % 64) as usize, n as u8);
        }
    });
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].1);
}

#[test]
fn noise_of_a_dark_sensor_is_life_in_every_frame() {
    let (mut still, mut picture) = (watched(FORMAT), Picture::new(FORMAT, 0));
    let mut noise = 1_u64;
    let told = watch(&mut still, &mut picture, 0, 12, |_, p| {
        // One byte in 50 flips its lowest bit: the quiet noise of a covered lens.
        let mut map = p.buffer.get_mut().unwrap().map_writable().unwrap();
        for n in 0..map.len() / 50 {
            noise = mixed(noise);
            map[n * 50 + (noise % 50) as usize] ^= 1;
        }
    });
    assert_eq!(told, [(1.0 / 30.0, false)]);
    assert!(still.whole.is_none(), "the whole picture was looked at");
}

#[test]
fn access_units_that_repeat_are_still_and_others_are_not() {
    gst::init().unwrap();
    let unit =
        |n: u64| gst::Buffer::from_mut_slice([&[0, 0, 0, 1, 0x41][..], &n.to_le_bytes()].concat());
    let mut still = Still::units();
    let mut told = Vec::new();
    for n in 0..900_u64 {
        let content = if n < 300 { n } else { 300 };
        told.extend(still.frame(&unit(content), n * FRAME).map(|v| (n / 30, v)));
    }
    assert_eq!(told, [(0, false), (18, true)]);
}

#[test]
fn times_that_fall_back_begin_anew() {
    let (mut still, picture) = (watched(FORMAT), Picture::new(FORMAT, 0));
    for n in 0..200_u64 {
        assert_eq!(
            still.frame(&picture.buffer, 100_000_000_000 + n * FRAME),
            None
        );
    }
    assert_eq!(still.frame(&picture.buffer, 0), Some(false));
    for n in 1..200_u64 {
        assert_eq!(still.frame(&picture.buffer, n * FRAME), None);
    }
}

#[test]
fn runs_stay_inside_their_row() {
    let data: Vec<u8> = (0..40).collect();
    let plane = Plane {
        data: &data,
        stride: 10,
        width: 7,
        height: 4,
    };
    for at in 0..plane.size() {
        let run = plane.run(at).unwrap();
        assert_eq!((run.len(), run[0] % 10), (7, 0));
    }
}

/// Not a bound on this machine's speed: prints what a frame costs, for `docs/benchmarks.md`.
#[test]
#[ignore = "a measurement: run it in a release build with --no-capture"]
fn cost_of_a_frame() {
    let format = RawFormat {
        width: 1920,
        height: 1080,
        ..FORMAT
    };
    let mut pictures: Vec<_> = (0..8).map(|_| Picture::new(format, 0)).collect();
    for (n, picture) in pictures.iter_mut().enumerate() {
        picture
            .buffer
            .get_mut()
            .unwrap()
            .map_writable()
            .unwrap()
            .fill(n as u8);
    }
    let mut still = watched(format);
    let begin = std::time::Instant::now();
    for n in 0..3000_u64 {
        still.frame(&pictures[(n % 8) as usize].buffer, n * FRAME);
    }
    let each = begin.elapsed() / 3000;
    let begin = std::time::Instant::now();
    for n in 0..50 {
        std::hint::black_box(still.whole(&pictures[n % 8].buffer));
    }
    println!(
        "1080p: {each:?} a moving frame, {:?} a whole picture",
        begin.elapsed() / 50
    );
}
