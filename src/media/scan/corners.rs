//! How many corners of codes there seem to be in a picture, roughly and cheaply.
//!
//! The reader tries every three corners that may belong together, so its work grows with the square of their number, and a
//! picture made for it would keep it busy for a minute. One with more corners than a page of codes has is not given to it.

use super::luma::Luma;

/// Corners of a dozen codes, and some that only look like it.
const MOST: usize = 48;
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
    let mut open: Vec<Band> = Vec::new();
    let mut corners = 0;
    let mut runs = Vec::new();
    for y in 0..picture.height() {
        row(picture, y, &mut runs);
        for five in runs.windows(5) {
            if let Some((middle, core)) = across(five) {
                follow(&mut open, middle, core, y);
            }
        }
        open.retain(|band| {
            let goes_on = band.last_row + 2 > y;
            corners += usize::from(!goes_on && band.is_corner());
            goes_on
        });
        if corners > MOST {
            return true;
        }
    }
    corners + open.iter().filter(|band| band.is_corner()).count() > MOST
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
