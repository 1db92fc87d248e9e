//! From clusters to words of glyphs: shaping and directions by `cosmic-text`.
//!
//! It is given only the faces that are in use, each under a name of its own, and each cluster names the face that has it: so
//! its own search, which tries every font there is for every word with a missing letter, has nothing to search.

use std::collections::HashMap;

use cosmic_text::fontdb::{self, Database, FaceInfo, Language};
use cosmic_text::{
    Attrs, AttrsList, CacheKeyFlags, Family, FontSystem, Metrics, ShapeLine, Shaping, Weight,
};

use super::layout::{self, Line};
use super::library::{FamilyId, Library};
use super::prepare::Cluster;
use super::style::{ASCENT, DESCENT, Run};

/// Faces that are open at most; beyond, all are closed.
const MOST_FACES: usize = 48;
/// A font that is taller than a line becomes smaller, down to this part.
const SMALLEST: f32 = 0.8;

/// The faces in use.
pub(super) struct Shaper {
    pub system: FontSystem,
    faces: HashMap<(FamilyId, bool), Option<Face>>,
}

/// A face in use.
#[derive(Debug, Clone)]
struct Face {
    /// Its name in the font system.
    name: String,
    weight: u16,
    /// It is not as heavy as it should be: drawn twice, side by side.
    thicken: bool,
    /// So that its tallest letters fit a line.
    scale: f32,
}

/// How a glyph is drawn, carried through shaping as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub run: usize,
    pub missing: bool,
    pub thicken: bool,
}

impl Mark {
    fn number(self) -> usize {
        self.run << 2 | usize::from(self.missing) << 1 | usize::from(self.thicken)
    }

    pub fn of(number: usize) -> Self {
        Self {
            run: number >> 2,
            missing: number & 2 != 0,
            thicken: number & 1 != 0,
        }
    }
}

/// Shaped text.
pub(super) struct Shaped {
    /// Byte in the text at which each cluster begins, and its end.
    starts: Vec<usize>,
    line: ShapeLine,
    px: f32,
    /// Whether it is read from right to left as a whole.
    pub rtl: bool,
}

impl Shaper {
    pub fn new() -> Self {
        Self {
            system: FontSystem::new_with_locale_and_db("en".into(), Database::new()),
            faces: HashMap::new(),
        }
    }

    /// Whether a face of this family can be used.
    pub fn opens(&mut self, library: &Library, family: FamilyId) -> bool {
        self.face(library, family, false).is_some()
    }

    /// Shapes clusters in letters of `px` pixels.
    pub fn shape(
        &mut self,
        library: &Library,
        base: FamilyId,
        clusters: &[Cluster],
        runs: &[Run],
        px: u32,
    ) -> Shaped {
        if self.faces.len() >= MOST_FACES {
            *self = Self::new();
        }
        let px = px as f32;
        let plain = self.face(library, base, false);
        let mut attrs = AttrsList::new(&attributes(plain.as_ref(), px, 0));
        let (mut text, mut starts) = (String::new(), Vec::with_capacity(clusters.len() + 1));
        let mut from = 0;
        for (n, cluster) in clusters.iter().enumerate() {
            starts.push(text.len());
            text.push_str(&cluster.text);
            if clusters
                .get(n + 1)
                .is_some_and(|next| next.goes_with(cluster))
            {
                continue;
            }
            let run = runs.get(cluster.run);
            let bold = run.is_some_and(|r| r.bold);
            let size = px * run.map_or(1.0, |r| f32::from(r.percent.clamp(20, 250)) / 100.0);
            let face = self
                .face(library, cluster.family, bold)
                .or_else(|| plain.clone());
            let mark = Mark {
                run: cluster.run,
                missing: cluster.missing,
                thicken: face.as_ref().is_some_and(|f| f.thicken),
            };
            let of = attributes(face.as_ref(), size, mark.number());
            attrs.add_span(from..text.len(), &of);
            from = text.len();
        }
        starts.push(text.len());
        let line = ShapeLine::new(&mut self.system, &text, &attrs, Shaping::Advanced, 4);
        Shaped {
            starts,
            rtl: line.rtl,
            line,
            px,
        }
    }

    fn face(&mut self, library: &Library, family: FamilyId, bold: bool) -> Option<Face> {
        if let Some(known) = self.faces.get(&(family, bold)) {
            return known.clone();
        }
        let face = library
            .face(family, bold)
            .and_then(|(info, heavy)| self.open(info, bold, heavy));
        self.faces.insert((family, bold), face.clone());
        face
    }

    /// Opens a face under a name of its own. None where its file is broken: the shaper would panic over it.
    fn open(&mut self, mut info: FaceInfo, bold: bool, heavy: bool) -> Option<Face> {
        let name = format!("face {}", self.faces.len());
        let own_weight = info.weight.0;
        info.families = vec![(name.clone(), Language::English_UnitedStates)];
        info.style = fontdb::Style::Normal;
        info.stretch = fontdb::Stretch::Normal;
        let emoji = info.post_script_name.contains("Emoji");
        let weight = if bold && heavy { 700 } else { 400 };
        info.weight = Weight(weight);
        let id = self.system.db_mut().push_face_info(info);
        let Some(font) = self.system.get_font(id, Weight(weight)) else {
            self.system.db_mut().remove_face(id);
            return None;
        };
        let metrics = font.metrics();
        let em = f32::from(metrics.units_per_em.max(1));
        let fit = |limit: f32, reach: f32| limit * em / reach.max(1.0);
        let scale = fit(ASCENT, metrics.ascent)
            .min(fit(DESCENT, -metrics.descent))
            .clamp(SMALLEST, 1.0);
        Some(Face {
            name,
            weight,
            thicken: bold && !heavy && !emoji && own_weight < 600,
            scale,
        })
    }
}

impl Cluster {
    fn goes_with(&self, other: &Self) -> bool {
        (self.run, self.family, self.missing) == (other.run, other.family, other.missing)
    }
}

fn attributes(face: Option<&Face>, px: f32, mark: usize) -> Attrs<'_> {
    let size = px * face.map_or(1.0, |f| f.scale);
    let attrs = Attrs::new()
        .metadata(mark)
        .metrics(Metrics::new(size, size))
        .cache_key_flags(CacheKeyFlags::DISABLE_HINTING);
    match face {
        Some(f) => attrs.family(Family::Name(&f.name)).weight(Weight(f.weight)),
        None => attrs,
    }
}

impl Shaped {
    /// All in one line.
    pub fn one_line(&self) -> Line {
        layout::lines(&self.line, self.px, None)
            .pop()
            .unwrap_or_default()
    }

    /// Lines of at most `width` pixels.
    pub fn lines(&self, width: u32) -> Vec<Line> {
        layout::lines(&self.line, self.px, Some(width as f32))
    }

    /// Pixels that each cluster takes in one line.
    pub fn widths(&self) -> Vec<f32> {
        let mut widths = vec![0.0; self.starts.len().saturating_sub(1)];
        for placed in &self.one_line().glyphs {
            let start = placed.glyph.start;
            let after = self.starts.partition_point(|s| *s <= start);
            if let Some(width) = after.checked_sub(1).and_then(|n| widths.get_mut(n)) {
                *width += placed.width;
            }
        }
        widths
    }
}
