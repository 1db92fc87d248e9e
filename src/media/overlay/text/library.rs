//! Which fonts there are, and which of them has a letter.
//!
//! Faces are looked through once by name; which characters a family has is read when it is asked for the first time. The
//! order of families is ours and not the system's, so that a text looks the same whatever else is installed.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cosmic_text::fontdb::{self, Database, FaceInfo, Source};
use cosmic_text::skrifa::{FontRef, MetadataProvider as _};

use super::script::{Hint, is_ignorable};
use crate::error::{Error, Kind, Result};

/// Families in the order in which they are asked for a letter; those that are not there are left out.
const KNOWN: [&str; 24] = [
    "Noto Sans",
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Noto Sans CJK JP",
    "Noto Sans CJK TC",
    "Noto Sans CJK KR",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Noto Sans Bengali",
    "Noto Sans Tamil",
    "Noto Sans Telugu",
    "DejaVu Sans",
    "Liberation Sans",
    "FreeSans",
    "Noto Sans Symbols",
    "Noto Sans Symbols2",
    "Noto Sans Math",
    "Noto Music",
];
/// Fonts of coloured emoji, the first that is there is taken.
const COLOUR: [&str; 4] = [
    "Noto Color Emoji",
    "Twemoji",
    "Twitter Color Emoji",
    "Apple Color Emoji",
];
/// Files of a configured folder that are read at most, and their size in all, bytes. They are read and not mapped: a mapped
/// file that somebody cuts short under the program would end it.
const FOLDER_FILES: usize = 256;
const FOLDER_BYTES: u64 = 96 * 1024 * 1024;
/// Folders within the folder.
const FOLDER_DEPTH: usize = 3;
/// Letters whose family is remembered.
const MEMO: usize = 8192;

/// Number of a family in its library.
pub(super) type FamilyId = u16;

/// All fonts.
pub(super) struct Library {
    db: Database,
    families: Vec<Family>,
    colour: Option<FamilyId>,
    memo: HashMap<(char, Hint), Option<FamilyId>>,
}

/// Faces that belong together.
struct Family {
    name: String,
    regular: fontdb::ID,
    bold: Option<fontdb::ID>,
    /// Known once it was asked for.
    covers: Option<Coverage>,
}

impl Library {
    /// Looks through `folder` and the system's fonts, see [`Letters::load`](super::Letters::load).
    pub fn open(folder: Option<&Path>, family: Option<&str>) -> Result<Self> {
        let mut db = Database::new();
        let own = match folder {
            Some(folder) => {
                read_folder(&mut db, folder)?;
                db.len()
            }
            None => 0,
        };
        db.load_system_fonts();
        if let Some(wanted) = family.filter(|w| !w.is_empty())
            && !db.faces().any(|f| is_named(f, wanted))
        {
            tracing::warn!("There is no font {wanted}, see overlay.font; another one is used.");
        }
        Ok(Self::of(db, own, family))
    }

    /// The faces of `db`, of which the first `own` are those of the configured folder.
    pub fn of(db: Database, own: usize, family: Option<&str>) -> Self {
        let order = Order {
            wanted: family.unwrap_or_default(),
            own: db.faces().take(own).map(|f| f.id).collect(),
        };
        let (families, colour) = families(&db, &order);
        Self {
            db,
            families,
            colour,
            memo: HashMap::new(),
        }
    }

    /// The family that writes `c`; `hint` decides where languages write the same character in different shapes.
    pub fn family_of(&mut self, c: char, hint: Hint) -> Option<FamilyId> {
        if let Some(known) = self.memo.get(&(c, hint)) {
            return *known;
        }
        let found = self.search(c, hint);
        if self.memo.len() >= MEMO {
            self.memo.clear();
        }
        self.memo.insert((c, hint), found);
        found
    }

    fn search(&mut self, c: char, hint: Hint) -> Option<FamilyId> {
        let all = 0..FamilyId::try_from(self.families.len()).unwrap_or(FamilyId::MAX);
        if let Some(suffixes) = hint.suffixes() {
            for id in all.clone() {
                let name = &self.families[usize::from(id)].name;
                if suffixes.iter().any(|s| name.ends_with(s)) && self.has(id, c) {
                    return Some(id);
                }
            }
        }
        let colour = self.colour;
        all.into_iter()
            .find(|id| Some(*id) != colour && self.has(*id, c))
            .or_else(|| colour.filter(|id| self.has(*id, c)))
    }

    /// The family of coloured emoji, where it has all of `cluster` that is to be seen.
    pub fn colour_of(&mut self, cluster: &str) -> Option<FamilyId> {
        let id = self.colour?;
        let mut seen = cluster.chars().filter(|c| !is_ignorable(*c)).peekable();
        seen.peek()?;
        seen.all(|c| self.has(id, c)).then_some(id)
    }

    /// Whether it is the family of coloured emoji.
    pub fn is_colour(&self, id: FamilyId) -> bool {
        self.colour == Some(id)
    }

    /// Whether a family has a character.
    pub fn has(&mut self, id: FamilyId, c: char) -> bool {
        let Some(family) = self.families.get_mut(usize::from(id)) else {
            return false;
        };
        let db = &self.db;
        let face = family.regular;
        family
            .covers
            .get_or_insert_with(|| Coverage::of(db, face))
            .has(c)
    }

    /// A family with the letters that everything needs, for boxes and dots.
    pub fn base(&mut self) -> Result<FamilyId> {
        self.family_of('x', Hint::Any)
            .filter(|id| self.has(*id, ' '))
            .ok_or_else(no_fonts)
    }

    /// Name of a family.
    pub fn name(&self, id: FamilyId) -> &str {
        self.families
            .get(usize::from(id))
            .map_or("", |f| f.name.as_str())
    }

    /// A face of a family, and whether it is as heavy as was asked for.
    pub fn face(&self, id: FamilyId, bold: bool) -> Option<(FaceInfo, bool)> {
        let family = self.families.get(usize::from(id))?;
        let face = family.bold.filter(|_| bold);
        let heavy = face.is_some() || !bold;
        let info = self.db.face(face.unwrap_or(family.regular))?;
        Some((info.clone(), heavy))
    }
}

fn no_fonts() -> Error {
    Error::new(
        Kind::Missing,
        "No font with Latin letters is installed, so nothing is written on the picture.",
    )
    .mend("Install one: apt-get install fonts-noto-core fonts-dejavu-core")
}

/// What decides the order of families.
struct Order<'a> {
    wanted: &'a str,
    /// Faces of the configured folder.
    own: Vec<fontdb::ID>,
}

impl Order<'_> {
    fn of(&self, name: &str, face: &FaceInfo) -> (usize, usize, bool) {
        let known = KNOWN.iter().position(|k| *k == name);
        let group = if !self.wanted.is_empty() && is_named(face, self.wanted) {
            0
        } else if self.own.contains(&face.id) {
            1
        } else if known.is_some() {
            2
        } else {
            3
        };
        let plain = name.contains("Sans") && !name.contains("Mono");
        (group, known.unwrap_or(KNOWN.len()), !plain)
    }
}

fn is_named(face: &FaceInfo, name: &str) -> bool {
    face.families
        .iter()
        .any(|(family, _)| family.eq_ignore_ascii_case(name))
}

/// Faces by family, in order, and which of the families is that of coloured emoji.
fn families(db: &Database, order: &Order) -> (Vec<Family>, Option<FamilyId>) {
    let mut by_name: BTreeMap<&str, Vec<&FaceInfo>> = BTreeMap::new();
    for face in db.faces() {
        if let Some((name, _)) = face.families.first() {
            by_name.entry(name).or_default().push(face);
        }
    }
    let mut found: Vec<_> = by_name
        .into_iter()
        .filter_map(|(name, faces)| {
            let regular = nearest(&faces, 400)?;
            let bold = nearest(&faces, 700).filter(|f| (600..=800).contains(&f.weight.0));
            let family = Family {
                name: name.to_owned(),
                regular: regular.id,
                bold: bold.map(|f| f.id),
                covers: None,
            };
            Some((order.of(name, regular), family))
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.name.cmp(&b.1.name)));
    found.truncate(usize::from(FamilyId::MAX));
    let families: Vec<Family> = found.into_iter().map(|(_, family)| family).collect();
    let colour = COLOUR
        .iter()
        .find_map(|name| families.iter().position(|f| f.name == *name));
    (families, colour.and_then(|n| FamilyId::try_from(n).ok()))
}

/// The upright face of usual width whose weight is nearest.
fn nearest<'a>(faces: &[&'a FaceInfo], weight: u16) -> Option<&'a FaceInfo> {
    let key = |f: &FaceInfo| {
        (
            f.style != fontdb::Style::Normal,
            f.stretch.to_number().abs_diff(5),
            f.weight.0.abs_diff(weight),
            f.id,
        )
    };
    faces.iter().copied().min_by_key(|f| key(f))
}

/// The characters that a face has, as ranges in rising order, both ends included.
struct Coverage(Vec<(u32, u32)>);

impl Coverage {
    fn of(db: &Database, face: fontdb::ID) -> Self {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        db.with_face_data(face, |data, index| {
            let Ok(font) = FontRef::from_index(data, index) else {
                return;
            };
            for (c, glyph) in font.charmap().mappings() {
                match ranges.last_mut() {
                    _ if glyph.to_u32() == 0 => {}
                    Some((_, end)) if *end + 1 == c => *end = c,
                    _ => ranges.push((c, c)),
                }
            }
        });
        ranges.sort_unstable();
        Self(ranges)
    }

    fn has(&self, c: char) -> bool {
        let c = u32::from(c);
        let after = self.0.partition_point(|(start, _)| *start <= c);
        after > 0 && self.0[after - 1].1 >= c
    }
}

/// Reads the fonts of a folder and of the folders in it.
fn read_folder(db: &mut Database, folder: &Path) -> Result<()> {
    let mut files = Vec::new();
    list(folder, FOLDER_DEPTH, &mut files).map_err(|e| {
        let kind = crate::error::io_kind(&e);
        let text = format!("The folder of fonts {} cannot be read.", folder.display());
        Error::new(kind, text)
            .mend("Set overlay.fonts to a folder of TTF and OTF files, or to nothing.")
            .caused_by(e)
    })?;
    files.sort();
    let mut left = FOLDER_BYTES;
    for file in files.into_iter().take(FOLDER_FILES) {
        let size = std::fs::metadata(&file).map_or(u64::MAX, |m| m.len());
        if size > left {
            tracing::warn!("The font {} is left out: too large.", file.display());
            continue;
        }
        match std::fs::read(&file) {
            Ok(data) => {
                left = left.saturating_sub(u64::try_from(data.len()).unwrap_or(u64::MAX));
                db.load_font_source(Source::Binary(Arc::new(data)));
            }
            Err(e) => tracing::warn!("The font {} cannot be read: {e}.", file.display()),
        }
    }
    Ok(())
}

fn list(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_font = path
            .extension()
            .and_then(|e| e.to_str())
            .is_some_and(|e| ["ttf", "otf", "ttc", "otc"].contains(&&*e.to_ascii_lowercase()));
        if files.len() >= 4 * FOLDER_FILES {
            return Ok(());
        }
        if is_font && path.is_file() {
            files.push(path);
        } else if depth > 1 && path.is_dir() {
            // A folder within that cannot be read is none.
            let _ = list(&path, depth - 1, files);
        }
    }
    Ok(())
}
