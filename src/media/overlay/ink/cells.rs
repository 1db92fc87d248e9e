//! What is done to one plane: per row the runs in which there is something to see, and the loops that lay them over a frame.

/// Runs begin at multiples of this many bytes and, but at a sprite's right edge, are as many long: whole vectors.
const BLOCK: usize = 16;
/// So many opaque blocks in a row become a run of their own, which is copied and not mixed.
const SOLID: usize = 4;
/// So many clear blocks between two runs do not part them.
const GAP: usize = 1;

/// The prepared values of one plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cells {
    /// First byte of a place: 1 value for a plane of its own, 2 for Cb and Cr in turns.
    step: usize,
    /// Where each row's runs begin; one more than there are rows.
    rows: Vec<u32>,
    runs: Vec<Run>,
    /// Per run its `add`, and after it, unless it is solid, its `cover`.
    values: Vec<u8>,
}

/// Bytes beside one another in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    start: u32,
    len: u32,
    /// Of its values.
    at: u32,
    solid: bool,
}

/// What may be written to, in values: from and up to columns and rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    columns: (i64, i64),
    rows: (i64, i64),
}

impl Window {
    /// A picture of that size, and of it only `clip`; nothing if the two do not meet.
    pub(super) fn of(width: u32, height: u32, clip: Option<super::Rect>) -> Option<Self> {
        let (mut columns, mut rows) = ((0, i64::from(width)), (0, i64::from(height)));
        if let Some(clip) = clip {
            let (x, y) = (i64::from(clip.x), i64::from(clip.y));
            columns = (columns.0.max(x), columns.1.min(x + i64::from(clip.width)));
            rows = (rows.0.max(y), rows.1.min(y + i64::from(clip.height)));
        }
        (columns.0 < columns.1 && rows.0 < rows.1).then_some(Self { columns, rows })
    }

    /// The same in chroma, of which each value has two columns and two rows: those whose first ones lie inside.
    pub(super) fn halved(self) -> Self {
        let half = |(from, to): (i64, i64)| ((from + 1) / 2, (to + 1) / 2);
        Self {
            columns: half(self.columns),
            rows: half(self.rows),
        }
    }
}

impl Cells {
    /// No rows yet; `step`: values of a place.
    pub(super) fn new(step: usize) -> Self {
        Self {
            step,
            rows: vec![0],
            runs: Vec::new(),
            values: Vec::new(),
        }
    }

    /// One more row: values times alpha, none above its alpha, and the alphas.
    pub(super) fn push_row(&mut self, add: &[u8], cover: &[u8]) {
        let kinds: Vec<Kind> = cover.chunks(BLOCK).map(Kind::of).collect();
        let mut first = 0;
        for same in joined(kinds).chunk_by(|a, b| a == b) {
            let start = first * BLOCK;
            first += same.len();
            let end = (first * BLOCK).min(cover.len());
            if same[0] == Kind::Clear {
                continue;
            }
            let solid = same[0] == Kind::Solid;
            self.runs.push(Run {
                start: as_u32(start),
                len: as_u32(end - start),
                at: as_u32(self.values.len()),
                solid,
            });
            self.values.extend_from_slice(&add[start..end]);
            if !solid {
                self.values.extend_from_slice(&cover[start..end]);
            }
        }
        self.rows.push(as_u32(self.runs.len()));
    }

    /// Gives back memory that it will not need.
    pub(super) fn fit(&mut self) {
        self.rows.shrink_to_fit();
        self.runs.shrink_to_fit();
        self.values.shrink_to_fit();
    }

    /// Memory, bytes.
    pub(super) fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<u32>()
            + self.runs.capacity() * size_of::<Run>()
            + self.values.capacity()
    }

    /// Lays them over a plane with their first value at `origin`, opacity 0 to 256; writes within `window` only.
    pub(super) fn draw(
        &self,
        data: &mut [u8],
        stride: usize,
        origin: (i64, i64),
        window: Window,
        opacity: u16,
    ) {
        let step = self.step as i64;
        // In bytes and rows of the sprite's own.
        let from = ((window.columns.0 - origin.0) * step).max(0) as usize;
        let to = ((window.columns.1 - origin.0) * step).max(0) as usize;
        let rows = self.rows.len().saturating_sub(1);
        let top = ((window.rows.0 - origin.1).max(0) as usize).min(rows);
        let bottom = ((window.rows.1 - origin.1).max(0) as usize).min(rows);
        if from >= to || opacity == 0 {
            return;
        }
        for y in top..bottom {
            let line = (origin.1 + y as i64) as usize * stride;
            for run in &self.runs[self.rows[y] as usize..self.rows[y + 1] as usize] {
                let (start, end) = (run.start as usize, (run.start + run.len) as usize);
                let (left, right) = (start.max(from), end.min(to));
                if left >= right {
                    continue;
                }
                let place = (origin.0 * step + left as i64) as usize + line;
                let Some(under) = data.get_mut(place..place + (right - left)) else {
                    return;
                };
                let (add, cover) = self.values_of(run, left - start..right - start);
                mix(under, add, cover, opacity);
            }
        }
    }

    /// `add` and `cover` of a part of a run; no `cover` where it is solid.
    fn values_of(&self, run: &Run, part: std::ops::Range<usize>) -> (&[u8], Option<&[u8]>) {
        let values = &self.values[run.at as usize..];
        let cover = (!run.solid).then(|| &values[run.len as usize..][part.clone()]);
        (&values[part], cover)
    }
}

/// Lays values over some bytes of a frame. A camera's memory may be uncached: these loops become ones of whole vectors, which
/// read and write each byte once.
fn mix(under: &mut [u8], add: &[u8], cover: Option<&[u8]>, opacity: u16) {
    match cover {
        Some(cover) if opacity == 256 => opaque(under, add, cover),
        Some(cover) => faded(under, add, cover, opacity),
        None if opacity == 256 => under.copy_from_slice(add),
        None => even(under, add, opacity),
    }
}

/// `under · keep / 255`, rounded; exact in 16 bits.
#[inline(always)]
fn kept(under: u8, keep: u8) -> u8 {
    let t = u16::from(under) * u16::from(keep) + 128;
    ((t + (t >> 8)) >> 8) as u8
}

/// `value · opacity / 256`, rounded.
#[inline(always)]
fn times(value: u8, opacity: u16) -> u8 {
    ((u16::from(value) * opacity + 128) >> 8) as u8
}

fn opaque(values: &mut [u8], add: &[u8], cover: &[u8]) {
    for ((v, a), c) in values.iter_mut().zip(add).zip(cover) {
        *v = a.saturating_add(kept(*v, 255 - *c));
    }
}

fn faded(values: &mut [u8], add: &[u8], cover: &[u8], opacity: u16) {
    for ((v, a), c) in values.iter_mut().zip(add).zip(cover) {
        *v = times(*a, opacity).saturating_add(kept(*v, 255 - times(*c, opacity)));
    }
}

fn even(values: &mut [u8], add: &[u8], opacity: u16) {
    let keep = 255 - times(255, opacity);
    for (v, a) in values.iter_mut().zip(add) {
        *v = times(*a, opacity).saturating_add(kept(*v, keep));
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Clear,
    Mixed,
    Solid,
}

impl Kind {
    fn of(cover: &[u8]) -> Self {
        if cover.iter().all(|c| *c == 0) {
            Self::Clear
        } else if cover.iter().all(|c| *c == 255) {
            Self::Solid
        } else {
            Self::Mixed
        }
    }
}

/// Short stretches are mixed with their neighbours: a run of their own would cost more than it spares.
fn joined(mut kinds: Vec<Kind>) -> Vec<Kind> {
    let last = kinds.len();
    let mut from = 0;
    for same in kinds.chunk_by_mut(|a, b| a == b) {
        let inside = from > 0 && from + same.len() < last;
        from += same.len();
        let short = match same[0] {
            Kind::Clear => inside && same.len() <= GAP,
            Kind::Mixed => false,
            Kind::Solid => same.len() < SOLID,
        };
        if short {
            same.fill(Kind::Mixed);
        }
    }
    kinds
}

fn as_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
