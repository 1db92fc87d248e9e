//! V4L2 cameras: which are there, what they are called for good, what they can do, and which of their modes to use.
//!
//! Looking changes nothing: no format is set and nothing is streamed. Each device gets `ANSWER_LIMIT` to answer.
//! `expand`, `format`, `ids`, `mode`, `names`, `signal` and `find` are pure or work on a folder that is passed in;
//! `ioctl` is the thin layer on the kernel. What changes something: [`set`] (controls) and [`Camera::follow_signal`].

mod control;
mod expand;
mod find;
mod format;
pub(super) mod holder;
mod ids;
mod ioctl;
/// The choice of a mode.
pub mod mode;
mod names;
mod set;
/// The signal at an input.
pub mod signal;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::deadline::within;
use crate::error::{Error, Kind, Result, io_kind};

pub use format::PixelFormat;
pub use mode::{Choice, Mode, Use, Wish, choose};
pub use set::{Outcome, list as list_controls, set};
pub use signal::Signal;

use ioctl::{Capability, Node, Queue};

/// How long one device may take to answer.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(4);

/// More nodes than any machine has, and modes than any camera has.
const MAX_NODES: usize = 128;
const MAX_MODES: usize = 2048;

/// What a rate is taken to be when a driver neither lists rates nor says which one is set.
const ASSUMED_RATE: (u32, u32) = (30, 1);

/// A camera that is present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Camera {
    /// Name that survives a restart: what belongs into `video.device`.
    pub id: String,
    /// Model, as the driver names it.
    pub name: String,
    /// Device node at this moment.
    pub path: PathBuf,
    /// udev's name by maker, model and serial number.
    pub by_id: Option<String>,
    /// udev's name by socket.
    pub by_path: Option<String>,
    /// Bus as the driver names it.
    pub bus: String,
    /// Which of the nodes of its device it is.
    pub index: u32,
    /// Kernel driver.
    pub driver: String,
    /// What it can do; ranges are expanded to common sizes and rates.
    pub modes: Vec<Mode>,
    /// Another program streams from it: one clause that says who, where that can be seen.
    pub in_use: Option<String>,
    /// What is at its input.
    pub signal: Signal,
}

impl Camera {
    /// Whether there is at least one mode of which a picture can be made.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.modes.iter().any(|m| m.format.is_usable())
    }

    /// The error that opening it would meet because another program streams from it.
    #[must_use]
    pub fn busy(&self) -> Option<Error> {
        let who = self.in_use.as_deref()?;
        Some(in_use(&format!("The camera {}", self.name), who))
    }

    /// The error that opening it would meet because there is no signal at its input that can be shown.
    #[must_use]
    pub fn no_signal(&self) -> Option<Error> {
        let (problem, mend) = self.signal.problem()?;
        let sentence = format!("{problem} of the camera {}.", self.name);
        Some(Error::new(Kind::Timeout, sentence).mend(mend))
    }

    /// Sets the timings of the signal that is there, and asks for the modes again, which depend on them; nothing for a
    /// camera that needs none. Before it is opened.
    ///
    /// # Errors
    /// Those of opening the device; `InUse` while another program streams; `Timeout`.
    pub fn follow_signal(&mut self) -> Result<()> {
        if !matches!(self.signal, Signal::Present(_)) {
            return Ok(());
        }
        let signal = self.signal.clone();
        self.modes = on_node(&self.path, move |node, title, path| {
            let failed = |e| open_error(path, title, e);
            node.follow_signal().map_err(failed)?;
            let queue = node.capability().map_err(failed).map(|who| role(&who))?;
            Ok(queue.map_or_else(|_| Vec::new(), |queue| modes(node, queue, &signal)))
        })?;
        Ok(())
    }
}

/// Everything that was seen under `/dev/video*`.
#[derive(Debug, Default)]
pub struct Scan {
    /// Cameras, those that can be used first, then by stable id.
    pub cameras: Vec<Camera>,
    /// Nodes that could not be looked at, and why.
    pub failed: Vec<(PathBuf, Error)>,
    /// Nodes that are no cameras, and what they are.
    pub others: Vec<(PathBuf, &'static str)>,
}

/// The cameras that are present, the default one first.
///
/// # Errors
/// Why the only candidates could not be looked at (permission, in use, no answer). No camera at all is an empty list.
pub fn list() -> Result<Vec<Camera>> {
    let mut scan = scan();
    if scan.cameras.is_empty() && !scan.failed.is_empty() {
        return Err(scan.failed.swap_remove(0).1);
    }
    Ok(scan.cameras)
}

/// The camera that `wanted` names: a stable id, a by-id or by-path name, a bus, a device path, or a part of the name
/// that only one has. Empty: the first.
///
/// # Errors
/// `NotFound` when none or several fit, with what is there; `Permission`, `InUse` or `Timeout` when the one that is
/// wanted could not be looked at.
pub fn find(wanted: &str) -> Result<Camera> {
    find::find_in(scan(), wanted)
}

/// Looks at every `/dev/video*`.
#[must_use]
pub fn scan() -> Scan {
    let root = Path::new("/");
    let links = ids::Links::scan(root);
    let mut out = Scan::default();
    for path in nodes(root) {
        let title = title_of(root, &path);
        let node = path.clone();
        let looked = within(ANSWER_LIMIT, &title.clone(), move || read(&node, &title));
        match looked {
            Ok(Seen::Camera(mut camera)) => {
                camera.by_id = links.by_id(&path).map(str::to_owned);
                camera.by_path = links.by_path(&path).map(str::to_owned);
                camera.index = sysfs(root, &path, "index")
                    .and_then(|s| s.parse().ok())
                    .unwrap_or(0);
                out.cameras.push(*camera);
            }
            Ok(Seen::Other(what)) => out.others.push((path, what)),
            Err(e) => out.failed.push((path, e)),
        }
    }
    name_and_sort(&mut out.cameras);
    out
}

/// What is at the input of the camera at `path` now; works while it streams.
///
/// # Errors
/// Those of opening the device, and `Timeout`.
pub fn signal_at(path: &Path) -> Result<Signal> {
    on_node(path, |node, _, _| Ok(node.signal()))
}

/// Opens the node a second time and does `work` with it, within [`ANSWER_LIMIT`]; `work` gets its title for sentences.
fn on_node<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce(&Node, &str, &Path) -> Result<T> + Send + 'static,
) -> Result<T> {
    let title = title_of(Path::new("/"), path);
    let path = path.to_owned();
    within(ANSWER_LIMIT, &title.clone(), move || {
        let node = Node::open(&path).map_err(|e| open_error(&path, &title, e))?;
        work(&node, &title, &path)
    })
}

fn name_and_sort(cameras: &mut [Camera]) {
    let names = ids::stable_ids(
        &cameras
            .iter()
            .map(|c| ids::Facts {
                by_id: c.by_id.as_deref(),
                by_path: c.by_path.as_deref(),
                bus: &c.bus,
                index: c.index,
                model: (&c.driver, &c.name),
            })
            .collect::<Vec<_>>(),
    );
    for (camera, id) in cameras.iter_mut().zip(names) {
        camera.id = id;
    }
    cameras.sort_by(|a, b| {
        let key = |c: &Camera| (!c.is_usable(), c.in_use.is_some());
        key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
    });
}

/// `video0`, `video1`, … under `root/dev`, by number.
fn nodes(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root.join("dev")) else {
        return Vec::new();
    };
    let mut numbers: Vec<u32> = entries
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.strip_prefix("video")?.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.truncate(MAX_NODES);
    numbers
        .into_iter()
        .map(|n| root.join(format!("dev/video{n}")))
        .collect()
}

fn sysfs(root: &Path, node: &Path, attribute: &str) -> Option<String> {
    let folder = root.join("sys/class/video4linux").join(node.file_name()?);
    let text = fs::read_to_string(folder.join(attribute)).ok()?;
    Some(ioctl::clean(text.trim().as_bytes()))
}

/// How a node is called in sentences, before it is opened: `The camera UVC Camera (/dev/video0)`.
fn title_of(root: &Path, node: &Path) -> String {
    match sysfs(root, node, "name") {
        Some(name) if !name.is_empty() => format!("The camera {name} ({})", node.display()),
        _ => format!("The camera {}", node.display()),
    }
}

enum Seen {
    Camera(Box<Camera>),
    Other(&'static str),
}

fn read(path: &Path, title: &str) -> Result<Seen> {
    let node = Node::open(path).map_err(|e| open_error(path, title, e))?;
    let who = node.capability().map_err(|e| open_error(path, title, e))?;
    let queue = match role(&who) {
        Ok(queue) => queue,
        Err(what) => return Ok(Seen::Other(what)),
    };
    let signal = node.signal();
    let modes = modes(&node, queue, &signal);
    let in_use = node
        .is_busy(queue)
        .then(|| holder::of_device(Path::new("/proc"), path));
    Ok(Seen::Camera(Box::new(Camera {
        id: String::new(),
        name: who.card,
        path: path.to_owned(),
        by_id: None,
        by_path: None,
        bus: who.bus,
        index: 0,
        driver: who.driver,
        modes,
        in_use,
        signal,
    })))
}

fn modes(node: &Node, queue: Queue, signal: &Signal) -> Vec<Mode> {
    let (own_size, own_rate) = match signal {
        Signal::Present(t) => (Some((t.width, t.height)), Some(t.fps)),
        _ => (None, None),
    };
    let current = || node.current_interval(queue).and_then(expand::rate_of);
    let fallback = own_rate.or_else(current).unwrap_or(ASSUMED_RATE);
    let mut out = Vec::new();
    for fourcc in node.formats(queue) {
        let format = PixelFormat::from_fourcc(fourcc);
        let given = node.sizes(fourcc);
        let mut sizes = expand::sizes(&given);
        if given.is_empty() {
            // A receiver that does not scale lists no sizes: it gives that of the signal.
            sizes.extend(own_size.or_else(|| node.current_size(queue)));
        } else {
            let own = own_size.filter(|s| !sizes.contains(s) && expand::allows(&given, *s));
            sizes.extend(own);
        }
        if !format.is_usable() {
            // It is only named, so one mode is enough: asking a driver for all takes its time.
            let largest = sizes
                .iter()
                .max_by_key(|(w, h)| u64::from(*w) * u64::from(*h));
            sizes = largest.copied().into_iter().collect();
        }
        for (width, height) in sizes {
            let mut rates = Vec::new();
            if format.is_usable() {
                rates = expand::rates(&node.intervals(fourcc, (width, height)));
            }
            if rates.is_empty() {
                rates.push(fallback);
            }
            let mode = |fps| Mode {
                format,
                width,
                height,
                fps,
            };
            out.extend(rates.into_iter().map(mode));
        }
    }
    let mut out = signal.fitting(out);
    // Those of which a picture can be made come first: they are the last to be cut off.
    out.sort_unstable_by_key(|m| (!m.format.is_usable(), *m));
    out.dedup();
    out.truncate(MAX_MODES);
    out
}

/// `V4L2_CAP_…` of `linux/videodev2.h`.
mod cap {
    pub(super) const CAPTURE: u32 = 0x1;
    pub(super) const CAPTURE_MPLANE: u32 = 0x1000;
    pub(super) const OUTPUT: u32 = 0x2 | 0x2000;
    pub(super) const M2M: u32 = 0x4000 | 0x8000;
    pub(super) const META: u32 = 0x0080_0000 | 0x0800_0000;
    /// Its inputs must be set up through the media controller first.
    pub(super) const IO_MC: u32 = 0x2000_0000;
}

/// Image processors of boards: they take pictures from memory, but look like cameras.
const PROCESSORS: [&str; 3] = ["bcm2835-isp", "pispbe", "rkisp1_params"];

/// A virtual camera into which another program writes: one node for both directions.
const LOOPBACK: &str = "v4l2 loopback";

/// Whether a node is a camera, and the kind of its queue; else what it is.
fn role(who: &Capability) -> Result<Queue, &'static str> {
    let has = |bits: u32| who.caps & bits != 0;
    if who.driver == LOOPBACK && has(cap::CAPTURE) {
        Ok(Queue::Capture)
    } else if has(cap::M2M) || (has(cap::CAPTURE | cap::CAPTURE_MPLANE) && has(cap::OUTPUT)) {
        Err("an encoder, decoder or converter")
    } else if PROCESSORS.contains(&who.driver.as_str()) {
        Err("the board's image processor")
    } else if has(cap::CAPTURE | cap::CAPTURE_MPLANE) && has(cap::IO_MC) {
        Err("a CSI receiver, which libcamera drives")
    } else if has(cap::CAPTURE) {
        Ok(Queue::Capture)
    } else if has(cap::CAPTURE_MPLANE) {
        Ok(Queue::CaptureMplane)
    } else if has(cap::OUTPUT) {
        Err("a video output")
    } else if has(cap::META) {
        Err("a metadata stream")
    } else {
        Err("not a video source")
    }
}

fn open_error(path: &Path, title: &str, e: io::Error) -> Error {
    match e.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) => Error::new(
            Kind::Permission,
            format!("{title} may not be opened by this user."),
        )
        .mend("Add the user to the group video: adduser USER video, then log in again."),
        Some(libc::EBUSY) => in_use(title, &holder::of_device(Path::new("/proc"), path)),
        Some(libc::ENODEV | libc::ENXIO | libc::ENOENT) => {
            Error::new(Kind::NotFound, format!("{title} is gone."))
                .mend("Plug it in again, and check its cable.")
        }
        Some(libc::ENOTTY) => Error::new(
            Kind::Unsupported,
            format!("{} is not a video device.", path.display()),
        ),
        _ => Error::new(io_kind(&e), format!("{title} could not be opened.")).caused_by(e),
    }
}

fn in_use(title: &str, who: &str) -> Error {
    Error::new(Kind::InUse, format!("{title} is used by {who}."))
        .mend("End that program, or choose another camera.")
}

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
