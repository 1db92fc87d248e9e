//! How many corners of codes there seem to be in a picture, roughly and cheaply.
//!
//! The reader tries every three corners that may belong together, so its work grows with the square of their number, and a
//! picture made for it would keep it busy for a minute. One with more corners than a page of codes has is not given to it.

use super::luma::Luma;

/// Corners of a dozen codes, and some that only look like it.
const MOST: usize = 48;
/// Levels between dark and light of a corner; what is less is noise of the sensor.
const LEAST_CONTRAST: u8 = 16;
/// Bands that are followed at a time.
const OPEN: usize = 256;

/// Rows one below the other in which dark and light follow one another as through the middle of a corner: 1:1:3:1:1
/// (ISO/IEC 18004, section 6.3.3).
struct Band {
    /// Middle of the row seen last, pixels.
    middle: usize,
    /// Width of the dark middle part, pixels.
    core: usize,
    last_row: usize,
    rows: usize,
}

impl Band {
    /// The middle of a corner is as high as it is wide; half of that will do for one that is turned.
    fn is_corner(&self) -> bool {
        self.rows >= 3.max(self.core / 2)
    }
}

/// Whether there are more than the reader is to be bothered with.
pub(super) fn too_many(picture: &Luma) -> bool {
    count(picture) > MOST
}

/// As many as there seem to be; counting ends above [`MOST`].
pub(super) fn count(picture: &Luma) -> usize {
    let mut open: Vec<Band> = Vec::new();
    let mut corners = 0;
    let mut runs = Vec::new();
    for y in 0..picture.height() {
        row(picture, y, &mut runs);
        for five in runs.windows(5) {
            if let Some((middle, core)) = across(five)
                && down(picture, five, y)
            {
                follow(&mut open, middle, core, y);
            }
        }
        open.retain(|band| {
            let goes_on = band.last_row + 2 > y;
            corners += usize::from(!goes_on && band.is_corner());
            goes_on
        });
        if corners > MOST {
            return corners;
        }
    }
    corners + open.iter().filter(|band| band.is_corner()).count()
}

/// A stretch of one row that is dark or light.
#[derive(Clone, Copy)]
struct Run {
    dark: bool,
    start: usize,
    length: usize,
}

/// Takes a row apart. Dark is what is darker than the mean of what was met shortly before, as the reader has it.
fn row(picture: &Luma, y: usize, runs: &mut Vec<Run>) {
    runs.clear();
    let reach = (picture.width() / 8).max(1);
    let mut mean = usize::from(picture.at(0, y)) * reach;
    for x in 0..picture.width() {
        let pixel = usize::from(picture.at(x, y));
        mean = mean - mean / reach + pixel;
        let dark = pixel * reach * 100 < mean * 95;
        match runs.last_mut() {
            Some(run) if run.dark == dark => run.length += 1,
            _ => runs.push(Run {
                dark,
                start: x,
                length: 1,
            }),
        }
    }
}

/// Middle and width of the core, where five runs are 1:1:3:1:1, dark first, each to three quarters of a module.
fn across(five: &[Run]) -> Option<(usize, usize)> {
    let [a, b, core, c, d] = five else {
        return None;
    };
    if !a.dark {
        return None;
    }
    let sum = a.length + b.length + core.length + c.length + d.length;
    // In quarters of a module, times seven.
    let near = |length: usize, modules: usize| (length * 28).abs_diff(modules * 4 * sum) <= 3 * sum;
    let fits = [a, b, c, d].iter().all(|run| near(run.length, 1)) && near(core.length, 3);
    fits.then_some((core.start + core.length / 2, core.length))
}

/// Whether the column through the middle of `five` is dark, light and dark again, up and down from row `y`, as a corner is:
/// noise and texture make many rows like a corner's, but few such columns.
fn down(picture: &Luma, five: &[Run], y: usize) -> bool {
    let [_, light, core, _, _] = five else {
        return false;
    };
    let x = core.start + core.length / 2;
    let bright = picture.at(light.start + light.length / 2, y);
    let dark = picture.at(x, y);
    let (Some(contrast), level) = (bright.checked_sub(dark), bright.midpoint(dark)) else {
        return false;
    };
    if contrast < LEAST_CONTRAST {
        return false;
    }
    // Length of the stretch from `from` on, downwards or upwards, that is dark, or not; at most three modules of the largest kind.
    let reach = 4 * core.length;
    let stretch = |from: usize, down: bool, dark: bool| {
        let at = |n: usize| {
            let row = if down {
                from.checked_add(n)
            } else {
                from.checked_sub(n)
            }?;
            (row < picture.height()).then(|| picture.at(x, row) <= level)
        };
        (0..reach).take_while(|n| at(*n) == Some(dark)).count()
    };
    let rings = |down: bool| {
        let inner = stretch(y, down, true);
        let step = |by: usize| if down { y + by } else { y.saturating_sub(by) };
        let light = stretch(step(inner), down, false);
        let outer = stretch(step(inner + light), down, true);
        (inner, light, outer)
    };
    let (above, below) = (rings(false), rings(true));
    let height = above.0 + below.0;
    let about = |ring: usize| (ring * 6).abs_diff(core.length * 2) <= core.length * 2 + 3;
    (core.length..=core.length * 4).contains(&(height * 2))
        && [above.1, below.1, above.2, below.2].into_iter().all(about)
}

fn follow(open: &mut Vec<Band>, middle: usize, core: usize, y: usize) {
    let same = |band: &&mut Band| {
        band.middle.abs_diff(middle) <= 1 + core / 4 && band.core.abs_diff(core) <= 1 + core / 3
    };
    if let Some(band) = open.iter_mut().find(same) {
        band.rows += usize::from(band.last_row != y);
        (band.middle, band.core, band.last_row) = (middle, core, y);
    } else if open.len() < OPEN {
        open.push(Band {
            middle,
            core,
            last_row: y,
            rows: 1,
        });
    }
}
