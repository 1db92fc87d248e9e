//! One screen that is ours: mode, two buffers in the kernel's memory, and the flip from one to the other.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::Path;

use drm::buffer::{Buffer as _, DrmFourcc};
use drm::control::dumbbuffer::DumbBuffer;
use drm::control::{
    ClipRect, Device as ControlDevice, Mode, ModeFlags, ModeTypeFlags, PageFlipFlags, connector,
    crtc, framebuffer,
};
use drm::{Device, DriverCapability};

use super::find::Connector;
use super::mode::{self, Facts};
use super::{Picture, ScreenState};

/// How long a flip may take: several pictures of the slowest screen.
const FLIP_MS: i32 = 250;
/// Modes and connectors that are looked at.
const MOST: usize = 512;

/// An open card.
struct Card(File);

impl AsFd for Card {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
impl Device for Card {}
impl ControlDevice for Card {}

/// A buffer that can be shown.
struct Page {
    buffer: DumbBuffer,
    handle: framebuffer::Handle,
}

/// A screen that is ours. Dropping it gives it back to the kernel's console.
pub struct Shown {
    card: Card,
    crtc: crtc::Handle,
    connector: connector::Handle,
    mode: Mode,
    /// What was shown before.
    before: Option<crtc::Info>,
    pages: Vec<Page>,
    /// Which of them is seen.
    seen: Option<usize>,
}

impl Shown {
    /// Takes the screen at `wanted`. `None`: nothing is plugged in after all.
    ///
    /// # Errors
    /// Another program has it, or why it cannot be used.
    pub fn open(root: &Path, wanted: &Connector) -> Result<Option<Self>, ScreenState> {
        let failed = |what: &str| {
            let (connector, what) = (wanted.name.clone(), what.to_owned());
            move |e: io::Error| ScreenState::Failed {
                connector,
                reason: format!("{what}: {e}"),
            }
        };
        let node = root.join("dev/dri").join(&wanted.card);
        let card = OpenOptions::new().read(true).write(true).open(&node);
        let card = Card(card.map_err(failed(&node.display().to_string()))?);
        // Who opens a card that nobody has is its master; this only asks.
        if card.acquire_master_lock().is_err() {
            return Err(ScreenState::Taken {
                connector: wanted.name.clone(),
            });
        }
        let dumb = card.get_driver_capability(DriverCapability::DumbBuffer);
        if !dumb.is_ok_and(|yes| yes != 0) {
            return Err(ScreenState::Failed {
                connector: wanted.name.clone(),
                reason: "its driver has no simple buffers".into(),
            });
        }
        let all = card.resource_handles().map_err(failed("its parts"))?;
        let found = all.connectors().iter().take(MOST).find_map(|handle| {
            let info = card.get_connector(*handle, false).ok()?;
            (info.to_string() == wanted.name).then_some(*handle)
        });
        let Some(connector) = found else {
            return Ok(None);
        };
        let info = card
            .get_connector(connector, true)
            .map_err(failed("its modes"))?;
        if info.state() != connector::State::Connected {
            return Ok(None);
        }
        let Some(mode) = chosen(&info) else {
            return Err(ScreenState::Failed {
                connector: wanted.name.clone(),
                reason: "it has no mode".into(),
            });
        };
        let Some(crtc) = crtc_of(&card, &all, &info) else {
            return Err(ScreenState::Failed {
                connector: wanted.name.clone(),
                reason: "all of the card's picture generators are in use".into(),
            });
        };
        let mut shown = Self {
            before: card.get_crtc(crtc).ok(),
            card,
            crtc,
            connector,
            mode,
            pages: Vec::new(),
            seen: None,
        };
        for _ in 0..2 {
            shown.add_page().map_err(failed("its memory"))?;
        }
        Ok(Some(shown))
    }

    /// Pixels.
    pub fn size(&self) -> (u32, u32) {
        let (width, height) = self.mode.size();
        (width.into(), height.into())
    }

    /// Whether a picture is shown.
    pub fn is_lit(&self) -> bool {
        self.seen.is_some()
    }

    /// Shows a picture of the screen's [`size`](Self::size).
    ///
    /// # Errors
    /// What the driver says: the screen is not ours any more, or gone.
    pub fn show(&mut self, picture: &Picture) -> io::Result<()> {
        let next = self.seen.map_or(0, |n| (n + 1) % self.pages.len().max(1));
        let size = self.size();
        let gone = || io::Error::other("it has no memory");
        let page = self.pages.get_mut(next).ok_or_else(gone)?;
        let handle = page.handle;
        let pitch = page.buffer.pitch();
        let mut map = self.card.map_dumb_buffer(&mut page.buffer)?;
        copy(picture, &mut map, pitch, size);
        drop(map);
        if self.seen.is_none() || self.flip(handle).is_err() {
            self.set(Some(handle), (0, 0), Some(self.mode))?;
        }
        self.seen = Some(next);
        // For drivers that send pictures over a wire of their own; the others do not know it.
        let (width, height) = self.mode.size();
        let _ = self
            .card
            .dirty_framebuffer(handle, &[ClipRect::new(0, 0, width, height)]);
        Ok(())
    }

    fn add_page(&mut self) -> io::Result<()> {
        let buffer = self
            .card
            .create_dumb_buffer(self.size(), DrmFourcc::Xrgb8888, 32)?;
        match self.card.add_framebuffer(&buffer, 24, 32) {
            Ok(handle) => {
                self.pages.push(Page { buffer, handle });
                Ok(())
            }
            Err(e) => {
                let _ = self.card.destroy_dumb_buffer(buffer);
                Err(e)
            }
        }
    }

    fn set(
        &self,
        picture: Option<framebuffer::Handle>,
        place: (u32, u32),
        mode: Option<Mode>,
    ) -> io::Result<()> {
        self.card
            .set_crtc(self.crtc, picture, place, &[self.connector], mode)
    }

    /// Changes over without a tear, and waits until it is done: the other buffer is free then.
    fn flip(&self, to: framebuffer::Handle) -> io::Result<()> {
        self.card
            .page_flip(self.crtc, to, PageFlipFlags::EVENT, None)?;
        let mut wait = libc::pollfd {
            fd: self.card.0.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one record of an open descriptor, which lives past the call.
        let ready = unsafe { libc::poll(&raw mut wait, 1, FLIP_MS) };
        if ready <= 0 {
            return Err(io::Error::from(io::ErrorKind::TimedOut));
        }
        self.card.receive_events().map(drop)
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        // What was there before, if it still is; the kernel's console puts itself there, too, when the card is closed.
        if let Some(before) = self.before.take().filter(|_| self.seen.is_some())
            && let (Some(picture), Some(mode)) = (before.framebuffer(), before.mode())
            && self
                .set(Some(picture), before.position(), Some(mode))
                .is_err()
        {
            tracing::debug!("what the screen showed before is gone");
        }
        for page in self.pages.drain(..) {
            let _ = self.card.destroy_framebuffer(page.handle);
            let _ = self.card.destroy_dumb_buffer(page.buffer);
        }
    }
}

fn chosen(info: &connector::Info) -> Option<Mode> {
    let modes = info.modes();
    let facts: Vec<Facts> = modes
        .iter()
        .take(MOST)
        .map(|m| Facts {
            width: m.size().0,
            height: m.size().1,
            rate: m.vrefresh(),
            preferred: m.mode_type().contains(ModeTypeFlags::PREFERRED),
            interlaced: m.flags().contains(ModeFlags::INTERLACE),
        })
        .collect();
    modes.get(mode::choose(&facts)?).copied()
}

/// The part of the card that makes the picture: the one that feeds the screen already, else one that can.
fn crtc_of(
    card: &Card,
    all: &drm::control::ResourceHandles,
    info: &connector::Info,
) -> Option<crtc::Handle> {
    let now = info
        .current_encoder()
        .and_then(|e| card.get_encoder(e).ok()?.crtc());
    now.or_else(|| {
        let encoders = info
            .encoders()
            .iter()
            .filter_map(|e| card.get_encoder(*e).ok());
        encoders
            .flat_map(|e| all.filter_crtcs(e.possible_crtcs()))
            .next()
    })
}

/// Writes a picture into a buffer of rows that are `pitch` bytes apart; where it is smaller than the buffer, the rest is black.
fn copy(picture: &Picture, map: &mut [u8], pitch: u32, (width, height): (u32, u32)) {
    let size = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    let (from, wide) = (size(picture.width), size(width.min(picture.width)));
    let pitch = size(pitch);
    if pitch == 0 {
        return;
    }
    for (row, line) in map.chunks_exact_mut(pitch).take(size(height)).enumerate() {
        line.fill(0);
        let Some(pixels) = picture.argb.get(row * from..row * from + wide) else {
            continue;
        };
        for (to, [_, r, g, b]) in line.as_chunks_mut::<4>().0.iter_mut().zip(pixels) {
            // XRGB8888 is a number in the order of the machine's least byte first: drm_fourcc.h.
            *to = [*b, *g, *r, 0];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_laid_at_the_buffers_distance_and_nothing_is_written_outside() {
        let picture = |width: u32, height: u32| Picture {
            width,
            height,
            argb: (0..width * height)
                .map(|n| {
                    [
                        255,
                        (n % 50) as u8,
                        100 + (n % 50) as u8,
                        200 + (n % 50) as u8,
                    ]
                })
                .collect(),
        };
        // 3 by 2 pixels, rows 16 bytes apart, and a byte behind the last row.
        let mut map = vec![7_u8; 33];
        copy(&picture(3, 2), &mut map, 16, (3, 2));
        let row = |n: u8| {
            [
                200 + n,
                100 + n,
                n,
                0,
                201 + n,
                101 + n,
                1 + n,
                0,
                202 + n,
                102 + n,
                2 + n,
                0,
            ]
        };
        assert_eq!(map[..12], row(0));
        assert_eq!(map[12..16], [0; 4]);
        assert_eq!(map[16..28], row(3));
        assert_eq!(map[32], 7);
        // Smaller and larger pictures than the buffer; a distance of nothing.
        for (w, h) in [(1, 1), (9, 9), (0, 0), (3, 1)] {
            let mut map = vec![7_u8; 32];
            copy(&picture(w, h), &mut map, 16, (3, 2));
            assert_eq!(map[0], if w > 0 { 200 } else { 0 });
            assert_eq!(map[28], 0);
            copy(&picture(w, h), &mut map, 0, (3, 2));
        }
    }
}
