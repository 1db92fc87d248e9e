//! What is written, and how it looks: plain data, and the key of the cache.

/// Room above and below the base line, em: enough for marks upon letters in Thai, Arabic and Devanagari.
pub(super) const ASCENT: f32 = 1.12;
pub(super) const DESCENT: f32 = 0.42;

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Run {
    /// What it says; control characters are left out, line ends become spaces.
    pub text: String,
    /// Its colour; emoji have their own.
    pub rgb: [u8; 3],
    /// Heavier.
    pub bold: bool,
    /// Its size, per cent of [`Style::px`].
    pub percent: u8,
}

impl Run {
    /// Plain text of full size.
    #[must_use]
    pub fn new(text: impl Into<String>, rgb: [u8; 3]) -> Self {
        Self {
            text: text.into(),
            rgb,
            bold: false,
            percent: 100,
        }
    }

    /// The same, heavier.
    #[must_use]
    pub fn bold(mut self) -> Self {
        self.bold = true;
        self
    }

    /// The same at `percent` of the size.
    #[must_use]
    pub fn sized(mut self, percent: u8) -> Self {
        self.percent = percent;
        self
    }
}

/// A rim around letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Outline {
    /// How far it reaches, pixels.
    pub width: u32,
    /// Its colour.
    pub rgb: [u8; 3],
    /// 255: nothing shines through.
    pub alpha: u8,
}

/// A dark copy of the letters, below and to the right of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shadow {
    /// How far it is moved in both directions, pixels.
    pub offset: u32,
    /// 255: nothing shines through.
    pub alpha: u8,
}

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Style {
    /// Size of letters (the em square), pixels, 6 to 400; what is outside is taken as the nearest of these.
    pub px: u32,
    /// Rim.
    pub outline: Option<Outline>,
    /// Shadow.
    pub shadow: Option<Shadow>,
}

impl Style {
    /// Letters without rim and shadow.
    #[must_use]
    pub fn plain(px: u32) -> Self {
        Self {
            px,
            outline: None,
            shadow: None,
        }
    }

    /// Letters with a dark, soft rim that are legible over any picture.
    #[must_use]
    pub fn outlined(px: u32) -> Self {
        Self {
            outline: Some(Outline {
                width: (px / 14).max(1),
                rgb: [8, 8, 12],
                alpha: 215,
            }),
            ..Self::plain(px)
        }
    }

    /// Letters with a shadow.
    #[must_use]
    pub fn shadowed(px: u32) -> Self {
        Self {
            shadow: Some(Shadow {
                offset: (px / 18).max(1),
                alpha: 170,
            }),
            ..Self::plain(px)
        }
    }

    /// Rows of a line, pixels.
    #[must_use]
    pub fn line_height(&self) -> u32 {
        self.baseline() + (self.size() * 42).div_ceil(100) + self.rim()
    }

    /// Columns at the left and right of a line that are kept for rim and overhanging letters, pixels: text that is to
    /// begin at `x` is laid at `x - margin`.
    #[must_use]
    pub fn margin(&self) -> u32 {
        self.size().div_ceil(10) + self.rim()
    }

    /// The row on which letters stand, counted from the top of a line, pixels.
    #[must_use]
    pub fn baseline(&self) -> u32 {
        (self.size() * 28).div_ceil(25) + self.rim()
    }

    /// [`px`](Self::px) within its bounds.
    pub(super) fn size(&self) -> u32 {
        self.px.clamp(6, 400)
    }

    /// How far rim and shadow reach, pixels.
    pub(super) fn rim(&self) -> u32 {
        let outline = self.outline.map_or(0, |o| o.width.min(self.size()));
        let shadow = self.shadow.map_or(0, |s| s.offset.min(self.size()));
        outline.max(shadow)
    }
}
