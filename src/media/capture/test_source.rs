//! The test picture and the test tone, made here rather than by `videotestsrc`, because they are measured with: every
//! frame says in a machine-readable strip which one it is and when it was due, and flash and beep begin exactly at each
//! full second of running time.

mod digits;
mod picture;
mod strip;
mod tone;

use super::worker::{Signal, time};
use crate::error::{Error, Kind, Result};
use crate::media::raw::{BufferSink, RawFormat};
use crate::media::time::MediaClock;

use gstreamer as gst;
use gstreamer::prelude::*;
use picture::Painter;
pub(super) use picture::plain;
pub use picture::{FLASH_FRAMES, flash_box};
pub use strip::read_strip;
pub(super) use tone::Tone;

/// Buffers that the pool may hold at most: more than any encoder queues, and a bound for a consumer that leaks.
const POOL_MAX: u32 = 24;

/// Running time of frame `n` in ns.
pub(super) fn frame_time(n: u64, fps: u32) -> u64 {
    let exact = u128::from(n) * 1_000_000_000 / u128::from(fps.max(1));
    u64::try_from(exact).unwrap_or(u64::MAX)
}

/// Number of the first frame that is due after running time `ns`.
pub(super) fn next_frame(ns: u64, fps: u32) -> u64 {
    let passed = u128::from(ns) * u128::from(fps.max(1)) / 1_000_000_000;
    u64::try_from(passed).unwrap_or(u64::MAX - 1) + 1
}

fn pool(size: usize) -> Result<gst::BufferPool> {
    let failed = |e: gst::glib::BoolError| {
        Error::new(Kind::Internal, "the test picture gets no memory").caused_by(e)
    };
    let pool = gst::BufferPool::new();
    let mut config = pool.config();
    let size = u32::try_from(size).unwrap_or(u32::MAX);
    config.set_params(None, size, 4, POOL_MAX);
    pool.set_config(config).map_err(failed)?;
    pool.set_active(true).map_err(failed)?;
    Ok(pool)
}

/// Makes frames on the grid n/fps of running time until `signal` says stop. A frame that comes too late is left out, as a
/// camera would.
pub(super) fn run(
    format: RawFormat,
    clock: &MediaClock,
    frames: &BufferSink,
    signal: &Signal,
) -> Result<()> {
    let painter = Painter::new(format)?;
    let pool = pool(painter.size())?;
    let dont_wait = gst::BufferPoolAcquireParams::with_flags(gst::BufferPoolAcquireFlags::DONTWAIT);
    let mut n = next_frame(clock.now().nseconds(), format.fps);
    while signal.wait_until(clock, frame_time(n, format.fps)) {
        // An empty pool means that a consumer holds too many frames: leave this one out.
        if let Ok(mut buffer) = pool.acquire_buffer(Some(&dont_wait)) {
            let pts = frame_time(n, format.fps);
            if let Some(buffer) = buffer.get_mut() {
                buffer.set_pts(time(pts));
                buffer.set_duration(time(frame_time(n + 1, format.fps) - pts));
                if let Ok(mut map) = buffer.map_writable() {
                    painter.paint(map.as_mut_slice(), n, pts);
                }
            }
            frames(buffer);
        }
        n = next_frame(clock.now().nseconds(), format.fps).max(n + 1);
    }
    // Buffers that are still out are freed when their last holder lets go.
    let _ = pool.set_active(false);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_is_exact_and_full_seconds_are_on_it() {
        for fps in [1, 15, 24, 25, 30, 50, 60] {
            assert_eq!(frame_time(u64::from(fps) * 3600, fps), 3_600_000_000_000);
            for n in 1..200 {
                let at = frame_time(n, fps);
                assert_eq!(next_frame(at + 1, fps), n + 1);
                // Rounded down, so that a time between is just before the frame.
                let exact = (at * u64::from(fps)).is_multiple_of(1_000_000_000);
                assert_eq!(next_frame(at, fps), n + u64::from(exact));
            }
        }
    }
}
