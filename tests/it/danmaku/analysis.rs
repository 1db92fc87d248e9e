//! Reads running comments back from decoded pictures and says what is wrong with them.
//!
//! Comments are solid blocks of a few strong colours on a grey picture, so that in the middle rows of a lane every column is
//! either grey or of one comment. Chroma is looked at: it does not mistake outlines and shadows for text. A comment's place is the
//! centre of gravity of its chroma, which neither the halved resolution nor soft edges shift.

/// Chroma further from grey than this is a comment's.
const COLOURED: f64 = 24.0;
/// From here on its hue tells one colour from another.
const STRONG: f64 = 60.0;
/// Grey columns (of chroma) within one comment: spaces between its letters.
const CLOSE: usize = 3;
/// Furthest that a comment moves in a frame, pixels.
const STEP: usize = 16;
/// Over more frames that are missing no comment is followed: it is taken for another.
const FOLLOWED: usize = 2;
/// A comment is wholly in the picture if it is so far from both sides, pixels.
const EDGE: usize = 4;
/// How much its width may seem to change, pixels: two columns of chroma.
const WIDTH: usize = 4;
/// Furthest from its line that a comment may be, pixels.
pub const OFF_LINE: f64 = 1.0;

/// What the pictures are.
pub struct Setup {
    pub width: usize,
    pub height: usize,
    pub fps: f64,
    /// First row and height of each lane.
    pub lanes: Vec<(usize, usize)>,
    pub colours: Vec<[u8; 3]>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    pub frames: usize,
    /// Frames that are missing between them, by their times.
    pub lost: usize,
    /// Comments that came in at the right and left at the left while it was looked.
    pub crossed: usize,
    /// Comments that came in at the right.
    pub entered: usize,
    /// Most comments at once.
    pub at_once: usize,
    /// Furthest from its line that a comment was, pixels.
    pub off_line: f64,
    /// Sentences, first 20.
    pub faults: Vec<String>,
}

/// Coloured columns side by side, pixels; `right` is the first column behind them.
#[derive(Debug, Clone, Copy)]
struct Span {
    left: usize,
    right: usize,
    centre: f64,
    /// `None`: so little is seen of it that its hue says nothing.
    colour: Option<usize>,
}

struct Track {
    lane: usize,
    span: Span,
    entered: bool,
    /// Time and centre of gravity while it was wholly in the picture.
    points: Vec<(f64, f64)>,
    widths: Option<(usize, usize)>,
}

pub struct Analysis {
    setup: Setup,
    /// Direction of each colour in the plane of chroma.
    hues: Vec<[f64; 2]>,
    tracks: Vec<Track>,
    last: Option<f64>,
    /// Furthest that a comment moved since the frame before, pixels.
    step: usize,
    /// There is no frame before.
    fresh: bool,
    report: Report,
}

/// Cb and Cr without their offset, BT.709 in limited range.
pub fn chroma([r, g, b]: [u8; 3]) -> [f64; 2] {
    let [r, g, b] = [r, g, b].map(f64::from);
    let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    [(b - y) / 1.8556, (r - y) / 1.5748].map(|c| c * 224.0 / 255.0)
}

impl Analysis {
    pub fn new(setup: Setup) -> Self {
        let hue = |rgb: &[u8; 3]| {
            let c = chroma(*rgb);
            c.map(|v| v / c[0].hypot(c[1]))
        };
        Self {
            hues: setup.colours.iter().map(hue).collect(),
            setup,
            tracks: vec![],
            last: None,
            step: STEP,
            fresh: true,
            report: Report::default(),
        }
    }

    fn fault(&mut self, fault: String) {
        if self.report.faults.len() < 20 {
            self.report.faults.push(fault);
        }
    }

    /// Looks at the next picture, I420 without padding; `pts` in seconds.
    pub fn frame(&mut self, pts: f64, picture: &[u8]) {
        let n = self.report.frames;
        let step = self.last.map_or(1.0, |last| (pts - last) * self.setup.fps);
        if step < 0.5 {
            self.fault(format!(
                "frame {n}: {step:.2} frame times after the one before"
            ));
        }
        let missing = (step.round() as usize).saturating_sub(1);
        self.report.lost += missing;
        self.step = STEP * (missing + 1);
        self.fresh = n == 0 || missing > FOLLOWED;
        if self.fresh {
            self.end_all();
        }
        self.last = Some(pts);
        let mut on = 0;
        for lane in 0..self.setup.lanes.len() {
            let spans = self.spans(lane, picture);
            on += spans.len();
            self.follow(lane, &spans, pts);
        }
        self.report.at_once = self.report.at_once.max(on);
        self.report.frames += 1;
    }

    /// Mean chroma of each column in the middle rows of a lane.
    fn columns(&self, lane: usize, picture: &[u8]) -> Vec<[f64; 2]> {
        let (wide, tall) = (self.setup.width / 2, self.setup.height / 2);
        let (top, height) = self.setup.lanes[lane];
        let rows = (top + height * 3 / 8) / 2..(top + height * 5 / 8) / 2;
        let planes = &picture[self.setup.width * self.setup.height..];
        let mean = |plane: usize, x: usize| {
            let sum: f64 = (rows.clone())
                .map(|y| f64::from(planes[plane * wide * tall + y * wide + x]) - 128.0)
                .sum();
            sum / rows.len() as f64
        };
        (0..wide).map(|x| [mean(0, x), mean(1, x)]).collect()
    }

    fn spans(&mut self, lane: usize, picture: &[u8]) -> Vec<Span> {
        let columns = self.columns(lane, picture);
        let strength = |x: usize| columns[x][0].hypot(columns[x][1]);
        let mut runs: Vec<(usize, usize)> = vec![];
        for x in (0..columns.len()).filter(|x| strength(*x) >= COLOURED) {
            match runs.last_mut().filter(|run| x - run.1 <= CLOSE) {
                Some(run) => run.1 = x + 1,
                None => runs.push((x, x + 1)),
            }
        }
        let mut spans = vec![];
        for (from, to) in runs {
            let mut seen = vec![0_usize; self.hues.len()];
            let (mut sum, mut moment) = (0.0, 0.0);
            for (x, column) in columns.iter().enumerate().take(to).skip(from) {
                sum += strength(x);
                moment += strength(x) * (2.0 * x as f64 + 0.5);
                if strength(x) >= STRONG {
                    seen[self.nearest(*column)] += 1;
                }
            }
            if seen.iter().filter(|count| **count >= 2).count() > 1 {
                let (n, left) = (self.report.frames, 2 * from);
                self.fault(format!(
                    "frame {n}, lane {lane}: two comments share what begins at {left}"
                ));
            }
            let most = (0..seen.len()).filter(|c| seen[*c] > 0);
            spans.push(Span {
                left: 2 * from,
                right: 2 * to,
                centre: moment / sum,
                colour: most.max_by_key(|c| seen[*c]),
            });
        }
        spans
    }

    fn nearest(&self, column: [f64; 2]) -> usize {
        let along = |hue: &[f64; 2]| hue[0] * column[0] + hue[1] * column[1];
        let all = self.hues.iter().enumerate();
        let best = all.max_by(|a, b| along(a.1).total_cmp(&along(b.1)));
        best.map_or(0, |(colour, _)| colour)
    }

    /// Finds the comments of the frame before in this one.
    fn follow(&mut self, lane: usize, spans: &[Span], pts: f64) {
        let (n, wide) = (self.report.frames, self.setup.width);
        let mut free = spans.to_vec();
        let mut faults = vec![];
        let mut kept = vec![];
        for mut track in std::mem::take(&mut self.tracks) {
            if track.lane != lane {
                kept.push(track);
                continue;
            }
            match free
                .iter()
                .position(|span| track.goes_on_as(span, self.step))
            {
                Some(at) => {
                    track.take(free.remove(at), pts, wide);
                    kept.push(track);
                }
                None => {
                    if track.span.right > self.step + EDGE {
                        let at = track.span.left;
                        faults.push(format!("frame {n}, lane {lane}: what was at {at} is gone"));
                    }
                    self.judge(&track, track.entered);
                }
            }
        }
        for span in free {
            let enters = span.left + self.step + EDGE >= wide;
            if !self.fresh && !enters {
                let at = span.left;
                faults.push(format!("frame {n}, lane {lane}: something begins at {at}"));
            }
            self.report.entered += usize::from(enters && !self.fresh);
            let mut track = Track {
                lane,
                span,
                entered: enters && !self.fresh,
                points: vec![],
                widths: None,
            };
            track.take(span, pts, wide);
            kept.push(track);
        }
        self.tracks = kept;
        faults.into_iter().for_each(|fault| self.fault(fault));
    }

    /// Whether the width stayed and the way was a line.
    fn judge(&mut self, track: &Track, crossed: bool) {
        self.report.crossed += usize::from(crossed);
        if let Some((least, most)) = track.widths
            && most - least > WIDTH
        {
            let lane = track.lane;
            self.fault(format!(
                "lane {lane}: a comment was {least} to {most} pixels wide"
            ));
        }
        let off = off_line(&track.points);
        self.report.off_line = self.report.off_line.max(off.0);
        if off.0 > OFF_LINE {
            let (off, at) = off;
            let lane = track.lane;
            self.fault(format!(
                "lane {lane}: a comment was {off:.2} pixels off its line at {at:.3} s"
            ));
        }
    }

    fn end_all(&mut self) {
        for track in std::mem::take(&mut self.tracks) {
            self.judge(&track, false);
        }
    }

    /// What was found in all.
    pub fn finish(mut self) -> Report {
        self.end_all();
        self.report
    }
}

impl Track {
    /// Whether this can be the same comment a frame later.
    fn goes_on_as(&self, span: &Span, step: usize) -> bool {
        let near = |before: usize, now: usize| now <= before + 2 && before <= now + step;
        let edges = if self.span.left < EDGE {
            near(self.span.right, span.right)
        } else {
            near(self.span.left, span.left)
        };
        edges
            && self
                .span
                .colour
                .zip(span.colour)
                .is_none_or(|(a, b)| a == b)
    }

    fn take(&mut self, span: Span, pts: f64, picture: usize) {
        let colour = span.colour.or(self.span.colour);
        self.span = Span { colour, ..span };
        if span.left < EDGE || span.right + EDGE > picture {
            return;
        }
        self.points.push((pts, span.centre));
        let width = span.right - span.left;
        let (least, most) = self.widths.unwrap_or((width, width));
        self.widths = Some((least.min(width), most.max(width)));
    }
}

/// How far the furthest point is from the line through all of them (least squares), and when that is.
fn off_line(points: &[(f64, f64)]) -> (f64, f64) {
    let n = points.len() as f64;
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (t, x) = (mean(&|p| p.0), mean(&|p| p.1));
    let (cov, var) = (
        mean(&|p| (p.0 - t) * (p.1 - x)),
        mean(&|p| (p.0 - t) * (p.0 - t)),
    );
    if points.len() < 3 || var == 0.0 {
        return (0.0, 0.0);
    }
    let speed = cov / var;
    let off = |p: &(f64, f64)| ((p.1 - x - speed * (p.0 - t)).abs(), p.0);
    points
        .iter()
        .map(off)
        .fold((0.0, 0.0), |a, b| if b.0 > a.0 { b } else { a })
}
