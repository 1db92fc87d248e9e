//! What a screen shows, and another program that has it.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use anyhow::{Context, Result, bail};
use drm::Device;
use drm::control::Device as ControlDevice;

use crate::options::Options;
use crate::stop;

/// For `--help`.
pub const USAGE: &str = "\
screen shot FILE     writes what is in the buffer that the card's first picture generator shows, as PNG
screen hold          has the card, as a desktop has, until SIGTERM; prints a line when it has it
    --card PATH  (/dev/dri/card0)";

struct Card(File);

impl AsFd for Card {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
impl Device for Card {}
impl ControlDevice for Card {}

/// Runs the tool.
pub fn main(options: &Options) -> Result<()> {
    let path = options.text("card").unwrap_or("/dev/dri/card0");
    let file = OpenOptions::new().read(true).write(true).open(path);
    let card = Card(file.context(path.to_owned())?);
    match options.at(0, "shot or hold")? {
        "shot" => shot(&card, options.at(1, "the file")?),
        "hold" => hold(&card),
        other => bail!("`{other}`: there are shot and hold"),
    }
}

fn hold(card: &Card) -> Result<()> {
    stop::listen();
    card.acquire_master_lock()
        .context("somebody else has the card")?;
    println!("held");
    while !stop::asked() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    Ok(())
}

fn shot(card: &Card, file: &str) -> Result<()> {
    let parts = card.resource_handles()?;
    let shown = parts
        .crtcs()
        .iter()
        .find_map(|c| card.get_crtc(*c).ok()?.framebuffer());
    let shown = card.get_framebuffer(shown.context("nothing is shown")?)?;
    let (width, height) = shown.size();
    let buffer = shown
        .buffer()
        .context("only root sees the buffers of others")?;
    let memory = card.buffer_to_prime_fd(buffer, drm::CLOEXEC | drm::RDWR)?;
    let pitch = shown.pitch() as usize;
    let bytes = read(&memory, pitch * height as usize)?;
    let mut rgb = Vec::with_capacity((width * height * 3) as usize);
    for row in bytes.chunks_exact(pitch) {
        for pixel in row[..width as usize * 4].chunks_exact(4) {
            rgb.extend([pixel[2], pixel[1], pixel[0]]);
        }
    }
    image::save_buffer(file, &rgb, width, height, image::ColorType::Rgb8)?;
    println!("{width}x{height}");
    Ok(())
}

fn read(memory: &OwnedFd, size: usize) -> Result<Vec<u8>> {
    // SAFETY: a new mapping of an open descriptor, which is checked below.
    let at = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            size,
            libc::PROT_READ,
            libc::MAP_SHARED,
            memory.as_raw_fd(),
            0,
        )
    };
    if at == libc::MAP_FAILED {
        return Err(std::io::Error::last_os_error()).context("the buffer cannot be mapped");
    }
    // SAFETY: `size` bytes were mapped just now.
    let bytes = unsafe { std::slice::from_raw_parts(at.cast::<u8>(), size) }.to_vec();
    // SAFETY: nothing of the mapping is kept.
    unsafe { libc::munmap(at, size) };
    Ok(bytes)
}
