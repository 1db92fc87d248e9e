//! The logo: from the configured file, which is looked at every two seconds, or from a command.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::config::OverlayConfig;
use crate::device::stage::{Logo, Picture};
use crate::error::{Error, Kind, Result, io_kind};
use crate::media::overlay::kit;
use crate::media::overlay::sprite::Sprite;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(2);
/// Largest file, bytes.
const MOST: u64 = 8 * 1024 * 1024;

/// A logo at a size.
#[derive(Debug, Clone)]
pub(in super::super) struct Look {
    sprite: Arc<Sprite>,
    /// Height, pixels.
    height: u32,
    percent: u32,
}

impl PartialEq for Look {
    fn eq(&self, other: &Self) -> bool {
        !self.is_other_picture(other)
            && (self.height, self.percent) == (other.height, other.percent)
    }
}

impl Look {
    /// Whether it is another picture, and not only another size of it.
    pub(super) fn is_other_picture(&self, other: &Self) -> bool {
        !Arc::ptr_eq(&self.sprite, &other.sprite)
    }

    /// How much of it is seen, 0 to 256.
    pub(super) fn opacity(&self) -> u16 {
        (256 * self.percent.min(100) / 100) as u16
    }

    /// In its shape, at most `limit` pixels wide and high; `None`: nothing would be left of it.
    pub(in super::super) fn scaled(&self, limit: (u32, u32)) -> Option<Arc<Sprite>> {
        let (width, height) = (self.sprite.width as f64, self.sprite.height as f64);
        if width < 1.0 || height < 1.0 {
            return None;
        }
        let tall = f64::from(self.height.min(limit.1)).min(f64::from(limit.0) * height / width);
        let wide = (tall * width / height).round() as usize;
        let tall = tall.round() as usize;
        (wide > 0 && tall > 0 && wide <= limit.0 as usize)
            .then(|| Arc::new(kit::scaled(&self.sprite, wide, tall)))
    }
}

/// What is known of the file: it is read anew when one of these differs.
type Mark = Option<(SystemTime, u64)>;

/// Where the logo comes from.
#[derive(Debug)]
pub(in super::super) struct LogoSource {
    file: PathBuf,
    /// When it was looked at, running time.
    looked: Option<Duration>,
    mark: Option<Mark>,
    of_file: Option<Arc<Sprite>>,
    /// Set by command.
    of_command: Option<(Picture, Option<Arc<Sprite>>)>,
}

impl LogoSource {
    pub(in super::super) fn new(config: &OverlayConfig) -> Self {
        Self {
            file: config.logo.clone(),
            looked: None,
            mark: None,
            of_file: None,
            of_command: None,
        }
    }

    /// The logo as it is to be seen in a picture whose shorter side has `short` pixels. Looks at the file if it is time. The
    /// error is told once for each file; what was shown before stays.
    pub(in super::super) fn look(
        &mut self,
        config: &OverlayConfig,
        wanted: Option<&Logo>,
        short: u32,
        now: Duration,
    ) -> (Option<Look>, Result<()>) {
        let told = match wanted.and_then(|l| l.picture.as_ref()) {
            Some(picture) => self.take(picture),
            None => {
                self.of_command = None;
                self.watch(now)
            }
        };
        let by_command = self
            .of_command
            .as_ref()
            .and_then(|(_, sprite)| sprite.clone());
        let percent = wanted
            .and_then(|l| l.percent)
            .unwrap_or(config.logo_percent);
        let look = by_command
            .or_else(|| self.of_file.clone())
            .map(|sprite| Look {
                sprite,
                height: ((f64::from(short) * f64::from(percent) / 100.0).round() as u32).max(1),
                percent: wanted
                    .and_then(|l| l.opacity)
                    .unwrap_or(config.logo_opacity),
            });
        (look, told)
    }

    /// When it is to be looked at again, running time.
    pub(in super::super) fn next(&self) -> Option<Duration> {
        let watched = self.of_command.is_none() && !self.file.as_os_str().is_empty();
        watched.then(|| self.looked.map_or(Duration::ZERO, |at| at + LOOK))
    }

    fn take(&mut self, picture: &Picture) -> Result<()> {
        if self
            .of_command
            .as_ref()
            .is_some_and(|(of, _)| of == picture)
        {
            return Ok(());
        }
        let before = self.of_command.take().and_then(|(_, sprite)| sprite);
        let decoded = kit::picture(picture.bytes()).map_err(|e| {
            Error::new(e.kind(), "The logo that was sent cannot be shown.").caused_by(e.report())
        });
        let (sprite, told) = match decoded {
            Ok(sprite) => (Some(Arc::new(sprite)), Ok(())),
            Err(e) => (before, Err(e)),
        };
        self.of_command = Some((picture.clone(), sprite));
        told
    }

    fn watch(&mut self, now: Duration) -> Result<()> {
        if self.file.as_os_str().is_empty() || self.next().is_some_and(|at| now < at) {
            return Ok(());
        }
        self.looked = Some(now);
        let (mark, opened) = match std::fs::metadata(&self.file) {
            Ok(m) => (m.modified().ok().map(|at| (at, m.len())), Ok(m.len())),
            Err(e) => (None, Err(e)),
        };
        if self.mark == Some(mark) && mark.is_some() == opened.is_ok() {
            return Ok(());
        }
        self.mark = Some(mark);
        let cannot = |kind| {
            let name = self.file.display();
            Error::new(kind, format!("The logo {name} cannot be shown."))
        };
        let length = opened.map_err(|e| cannot(io_kind(&e)).caused_by(e))?;
        if length > MOST {
            return Err(cannot(Kind::Unsupported).mend("It may have at most 8 MiB."));
        }
        let sprite = read(&self.file).map_err(|e| cannot(e.kind()).caused_by(e.report()))?;
        self.of_file = Some(Arc::new(sprite));
        Ok(())
    }
}

fn read(file: &Path) -> Result<Sprite> {
    use std::io::Read as _;
    let failed = |e: std::io::Error| Error::new(io_kind(&e), "It cannot be read.").caused_by(e);
    let opened = std::fs::File::open(file).map_err(failed)?;
    let mut bytes = Vec::new();
    opened.take(MOST).read_to_end(&mut bytes).map_err(failed)?;
    kit::picture(&bytes)
}

#[cfg(test)]
#[path = "logo_tests.rs"]
mod tests;
