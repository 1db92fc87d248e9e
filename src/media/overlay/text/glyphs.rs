//! Glyphs as pixels, kept while there is room.

use std::collections::HashMap;
use std::sync::Arc;

use cosmic_text::{CacheKey, FontSystem, SwashCache, SwashContent};

use crate::media::overlay::sprite::{Sprite, premultiplied};

/// Memory of kept glyphs, bytes; beyond it all are dropped.
const LIMIT: usize = 4 * 1024 * 1024;

/// A drawn glyph.
pub(super) struct Glyph {
    /// Its top left corner, from where it stands.
    pub left: i32,
    pub top: i32,
    pub pixels: Pixels,
}

/// What it is made of.
pub(super) enum Pixels {
    /// How much of each pixel is covered, row by row.
    Cover { width: usize, cover: Vec<u8> },
    /// Colours of its own.
    Colour(Sprite),
}

/// Draws glyphs, and keeps them.
pub(super) struct Glyphs {
    swash: SwashCache,
    kept: HashMap<CacheKey, Option<Arc<Glyph>>>,
    bytes: usize,
}

impl Glyphs {
    pub fn new() -> Self {
        Self {
            swash: SwashCache::new(),
            kept: HashMap::new(),
            bytes: 0,
        }
    }

    /// The glyph, or nothing where it has no pixels.
    pub fn get(&mut self, system: &mut FontSystem, key: CacheKey) -> Option<Arc<Glyph>> {
        if let Some(known) = self.kept.get(&key) {
            return known.clone();
        }
        let glyph = self.draw(system, key).map(Arc::new);
        if self.bytes > LIMIT {
            self.kept.clear();
            self.bytes = 0;
        }
        self.bytes += 128
            + glyph.as_ref().map_or(0, |g| match &g.pixels {
                Pixels::Cover { cover, .. } => cover.len(),
                Pixels::Colour(sprite) => sprite.bytes(),
            });
        self.kept.insert(key, glyph.clone());
        glyph
    }

    fn draw(&mut self, system: &mut FontSystem, key: CacheKey) -> Option<Glyph> {
        let image = self.swash.get_image_uncached(system, key)?;
        let size = |n: u32| usize::try_from(n).unwrap_or_default();
        let (width, height) = (size(image.placement.width), size(image.placement.height));
        let pixels = match image.content {
            SwashContent::Mask if image.data.len() >= width * height => Pixels::Cover {
                width,
                cover: image.data,
            },
            SwashContent::Color if image.data.len() >= width * height * 4 => {
                let colours = image.data.chunks_exact(4).take(width * height);
                Pixels::Colour(Sprite {
                    width,
                    height,
                    argb: colours
                        .map(|p| premultiplied(p[3], [p[0], p[1], p[2]]))
                        .collect(),
                })
            }
            _ => return None,
        };
        Some(Glyph {
            left: image.placement.left,
            top: -image.placement.top,
            pixels,
        })
    }
}
