use super::*;
use crate::media::overlay::motion::Path;
use crate::media::overlay::sprite::Sprite;
use crate::media::raw::Pixel;

const FORMAT: RawFormat = RawFormat {
    pixel: Pixel::I420,
    width: 64,
    height: 36,
    fps: 30,
};

fn info(format: RawFormat) -> video::VideoInfo {
    gst::init().unwrap();
    video::VideoInfo::from_caps(&format.caps()).unwrap()
}

fn frame(format: RawFormat, pts: u64) -> gst::Buffer {
    let size = info(format).size();
    let bytes: Vec<u8> = (0..size).map(|i| (i % 199 + 20) as u8).collect();
    let mut buffer = gst::Buffer::from_mut_slice(bytes);
    let head = buffer.get_mut().unwrap();
    head.set_pts(gst::ClockTime::from_nseconds(pts));
    buffer
}

fn bytes(buffer: &gst::Buffer) -> Vec<u8> {
    buffer.map_readable().unwrap().to_vec()
}

fn white(motion: Motion) -> Placed {
    let sprite = Sprite::filled(8, 4, 255, [255; 3]);
    Placed {
        ink: Arc::new(Ink::new(&sprite, Pixel::I420)),
        motion,
        clip: None,
    }
}

fn canvas(placed: Vec<Placed>) -> Canvas {
    gst::init().unwrap();
    let canvas = Canvas::default();
    canvas.set(Scene {
        format: FORMAT,
        placed,
    });
    canvas
}

/// The rectangle of full white in luma.
fn found(buffer: &gst::Buffer) -> Option<Rect> {
    let data = bytes(buffer);
    let seen = |(x, y): &(usize, usize)| data[y * 64 + x] == 235;
    let all: Vec<_> = (0..36)
        .flat_map(|y| (0..64).map(move |x| (x, y)))
        .filter(seen)
        .collect();
    let (left, right) = (
        all.iter().map(|p| p.0).min()?,
        all.iter().map(|p| p.0).max()?,
    );
    let (top, bottom) = (all.first()?.1, all.last()?.1);
    Some(Rect {
        x: left as i32,
        y: top as i32,
        width: (right - left + 1) as u32,
        height: (bottom - top + 1) as u32,
    })
}

/// A picture in which nothing is white.
fn dark(pts: u64) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_mut_slice(vec![50_u8; info(FORMAT).size()]);
    let head = buffer.get_mut().unwrap();
    head.set_pts(gst::ClockTime::from_nseconds(pts));
    buffer
}

fn steady() -> Motion {
    Motion {
        begin: 1_000_000_000,
        end: Some(3_000_000_000),
        path: Path::Steady {
            x: 64.0,
            y: 7,
            speed: -30.0,
        },
        ..Motion::still(0, 0, 0)
    }
}

#[test]
fn a_sprite_is_where_its_motion_says_at_the_time_of_the_frame() {
    let canvas = canvas(vec![white(steady())]);
    let mut seen = 0;
    for n in 0..120 {
        let pts = n * 33_333_333;
        let drawn = found(&canvas.draw(FORMAT, dark(pts)));
        let place = steady().at(pts).filter(|at| at.x < 64);
        let wanted = place.map(|at| Rect {
            x: at.x.max(0),
            y: 7,
            width: (64 - at.x).min(8) as u32,
            height: 4,
        });
        assert_eq!(drawn, wanted, "frame {n}");
        seen += usize::from(drawn.is_some());
    }
    assert!((58..=60).contains(&seen), "{seen}");
}

#[test]
fn the_last_of_a_scene_lies_on_top_and_a_clip_cuts() {
    let black = Placed {
        ink: Arc::new(Ink::new(&Sprite::filled(4, 4, 255, [0; 3]), Pixel::I420)),
        ..white(Motion::still(0, 10, 10))
    };
    let rect = |x, y, width, height| {
        Some(Rect {
            x,
            y,
            width,
            height,
        })
    };
    let over = canvas(vec![white(Motion::still(0, 10, 10)), black.clone()]);
    assert_eq!(found(&over.draw(FORMAT, dark(1))), rect(14, 10, 4, 4));
    let under = canvas(vec![black, white(Motion::still(0, 10, 10))]);
    assert_eq!(found(&under.draw(FORMAT, dark(1))), rect(10, 10, 8, 4));
    let cut = Placed {
        clip: rect(12, 3, 3, 9),
        ..white(Motion::still(0, 10, 10))
    };
    let cut = canvas(vec![cut]);
    assert_eq!(found(&cut.draw(FORMAT, dark(1))), rect(12, 10, 3, 2));
}

#[test]
fn with_nothing_to_see_a_frame_is_the_very_same() {
    let later = Motion::still(5_000_000_000, 1, 1);
    let over = Motion {
        end: Some(10),
        ..Motion::still(0, 1, 1)
    };
    let clipped = Placed {
        clip: Some(Rect {
            x: 30,
            y: 0,
            width: 9,
            height: 9,
        }),
        ..white(Motion::still(0, 1, 1))
    };
    let scenes = [
        vec![],
        vec![white(later)],
        vec![white(over)],
        vec![
            white(Motion::still(0, 64, 1)),
            white(Motion::still(0, 1, -4)),
        ],
        vec![white(Motion {
            opacity: 0,
            ..Motion::still(0, 1, 1)
        })],
        vec![clipped],
    ];
    for placed in scenes {
        let canvas = canvas(placed);
        let given = frame(FORMAT, 1_000_000_000);
        // Held here as well: writing to it would need a copy.
        let (head, held) = (given.as_ptr(), given.clone());
        let back = canvas.draw(FORMAT, given);
        assert_eq!(back.as_ptr(), head);
        assert_eq!(bytes(&held), bytes(&frame(FORMAT, 0)));
    }
}

#[test]
fn a_frame_of_another_format_or_without_time_stays() {
    let canvas = canvas(vec![white(Motion::still(0, 1, 1))]);
    let other = RawFormat {
        width: 48,
        ..FORMAT
    };
    let given = frame(other, 7);
    let head = given.as_ptr();
    assert_eq!(canvas.draw(other, given).as_ptr(), head);
    let mut timeless = frame(FORMAT, 7);
    timeless.get_mut().unwrap().set_pts(gst::ClockTime::NONE);
    let back = canvas.draw(FORMAT, timeless);
    assert_eq!(bytes(&back), bytes(&frame(FORMAT, 7)));
    // Shorter than its format: no fault.
    let mut short = gst::Buffer::from_mut_slice(vec![0_u8; 100]);
    short.get_mut().unwrap().set_pts(gst::ClockTime::ZERO);
    assert_eq!(bytes(&canvas.draw(FORMAT, short)), vec![0; 100]);
}

#[test]
fn what_others_hold_is_copied_and_what_is_ours_is_not() {
    let canvas = canvas(vec![white(Motion::still(0, 3, 3))]);
    let plain = bytes(&frame(FORMAT, 0));
    let own = frame(FORMAT, 5);
    let memory = own.peek_memory(0).as_ptr();
    let drawn = canvas.draw(FORMAT, own);
    assert_eq!(drawn.peek_memory(0).as_ptr(), memory, "needlessly copied");
    // The head is shared: so are frames of which somebody wants the clean picture.
    let held = frame(FORMAT, 5);
    let drawn = canvas.draw(FORMAT, held.clone());
    assert_eq!(bytes(&held), plain);
    assert_ne!(bytes(&drawn), plain);
    // The head is ours, the memory is another frame's as well: so are the slate's frames.
    let slate = frame(FORMAT, 5);
    let mut copy = slate.clone();
    copy.make_mut().set_pts(gst::ClockTime::from_seconds(1));
    let drawn = canvas.draw(FORMAT, copy);
    assert_eq!(bytes(&slate), plain);
    assert_ne!(bytes(&drawn), plain);
    assert_eq!(drawn.pts(), Some(gst::ClockTime::from_seconds(1)));
    // The memory may only be read: so is what some cameras hand out.
    let mut fixed = gst::Buffer::from_slice(plain.clone());
    fixed.get_mut().unwrap().set_pts(gst::ClockTime::ZERO);
    let drawn = canvas.draw(FORMAT, fixed);
    assert_ne!(bytes(&drawn), plain);
}

#[test]
fn a_scene_that_is_replaced_frees_its_memory_at_once() {
    let canvas = canvas(vec![white(Motion::still(0, 3, 3))]);
    let placed = white(Motion::still(0, 3, 3));
    let ink = Arc::downgrade(&placed.ink);
    let scene = |placed| Scene {
        format: FORMAT,
        placed,
    };
    canvas.set(scene(vec![placed]));
    drop(canvas.draw(FORMAT, frame(FORMAT, 1)));
    assert!(ink.upgrade().is_some());
    // As if a frame were just being drawn: what it needs stays, and is freed when the next scene comes.
    let drawing = lock(&canvas.0.scene).clone();
    canvas.set(scene(vec![]));
    drop(drawing);
    assert!(ink.upgrade().is_some(), "freed by the thread that draws");
    canvas.set(scene(vec![]));
    assert!(ink.upgrade().is_none());
    assert!(lock(&canvas.0.gone).is_empty());
}

#[test]
fn scenes_change_while_two_threads_draw() {
    let canvas = canvas(vec![white(Motion::still(0, 3, 3))]);
    let whole = bytes(&canvas.draw(FORMAT, frame(FORMAT, 9)));
    let plain = bytes(&frame(FORMAT, 9));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let drawn = bytes(&canvas.draw(FORMAT, frame(FORMAT, 9)));
                    assert!(drawn == whole || drawn == plain, "half a scene");
                }
            });
        }
        for n in 0..500 {
            let placed = (n % 2 == 0).then(|| white(Motion::still(0, 3, 3)));
            canvas.set(Scene {
                format: FORMAT,
                placed: placed.into_iter().collect(),
            });
        }
    });
    assert!(lock(&canvas.0.gone).len() <= 2);
}
