//! USB devices of our own making, through configfs (`/sys/kernel/config/usb_gadget`): a camera (function `uvc`) and a
//! sound card (function `uac2`), on the emulated controllers of `dummy_hcd` (`modprobe dummy_hcd num=2`).
//!
//! A [`Gadget`] is made once, then plugged and unplugged as often as wished; dropping it takes it out of configfs.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::find::{video_nodes, wait};

const ROOT: &str = "/sys/kernel/config/usb_gadget";

/// What a host reads from the device before it knows what it is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Folder in configfs; one device of that name at a time.
    pub name: String,
    /// USB product string, which becomes the V4L2 card name or the ALSA card name.
    pub product: String,
    /// USB serial number; empty for a device that has none.
    pub serial: String,
    /// Vendor and product number.
    pub ids: (u16, u16),
    /// Which emulated controller it is plugged into, from 0.
    pub port: u32,
}

/// A size of picture with its frame rates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameSize {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames a second, the default first.
    pub rates: Vec<u32>,
}

/// A format of the camera with its sizes, the default first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoFormat {
    /// Whether frames are JPEGs; else they are YUYV.
    pub mjpeg: bool,
    /// Sizes; UVC numbers them from 1.
    pub sizes: Vec<FrameSize>,
}

/// What the camera's descriptors say.
#[derive(Debug, Clone)]
pub struct CameraSpec {
    /// Formats; UVC numbers them from 1.
    pub formats: Vec<VideoFormat>,
    /// Bytes that the host takes in one service interval (1–3072; above 1024 the interval is one microframe).
    pub max_packet: u32,
    /// Service interval as an exponent: 2^(n−1) microframes of 125 µs.
    pub interval: u32,
    /// `bmControls` of the camera terminal and of the processing unit.
    pub controls: ([u8; 3], [u8; 2]),
}

/// What the sound card's descriptors say. The gadget's playback is the host's capture.
#[derive(Debug, Clone)]
pub struct MicSpec {
    /// Sampling rates in Hz that the host may choose from.
    pub rates: Vec<u32>,
    /// Bit per channel.
    pub channels: u32,
    /// Bytes of a sample: 2, 3 or 4.
    pub sample_bytes: u32,
    /// Whether the card has a volume control (−50 … 0 dB in steps of 1 dB) and a switch.
    pub volume: bool,
}

/// A USB device in configfs.
#[derive(Debug)]
pub struct Gadget {
    dir: PathBuf,
    udc: String,
}

impl Gadget {
    /// A camera, not plugged in.
    pub fn camera(identity: &Identity, spec: &CameraSpec) -> Result<Self> {
        let gadget = Self::create(identity)?;
        let function = gadget.function("uvc.cam")?;
        camera_function(&function, spec, &identity.product)?;
        gadget.link(&function, "configs/c.1/uvc.cam")?;
        Ok(gadget)
    }

    /// A sound card with a microphone, not plugged in.
    pub fn mic(identity: &Identity, spec: &MicSpec) -> Result<Self> {
        let gadget = Self::create(identity)?;
        let function = gadget.function("uac2.mic")?;
        let rates: Vec<String> = spec.rates.iter().map(u32::to_string).collect();
        set(&function, "c_chmask", &0)?;
        set(&function, "p_chmask", &((1u64 << spec.channels) - 1))?;
        set(&function, "p_srate", &rates.join(","))?;
        set(&function, "p_ssize", &spec.sample_bytes)?;
        set(&function, "p_volume_present", &u8::from(spec.volume))?;
        set(&function, "p_mute_present", &u8::from(spec.volume))?;
        if spec.volume {
            set(&function, "p_volume_min", &(-50 * 256))?;
            set(&function, "p_volume_max", &0)?;
            set(&function, "p_volume_res", &256)?;
        }
        // With two requests in flight the emulated bus finds none when this processor was busy for 2 ms.
        set(&function, "req_number", &16)?;
        gadget.link(&function, "configs/c.1/uac2.mic")?;
        Ok(gadget)
    }

    fn create(identity: &Identity) -> Result<Self> {
        for module in ["libcomposite", "usb_f_uvc", "usb_f_uac2"] {
            modprobe(&[module])?;
        }
        if !Path::new("/sys/class/udc")
            .read_dir()
            .is_ok_and(|mut udcs| udcs.next().is_some())
        {
            modprobe(&["dummy_hcd", "num=2"])?;
        }
        let dir = Path::new(ROOT).join(&identity.name);
        let udc = format!("dummy_udc.{}", identity.port);
        if !Path::new("/sys/class/udc").join(&udc).exists() {
            bail!("there is no emulated USB port {} ({udc})", identity.port);
        }
        if dir.exists() {
            // A tool that was killed left it.
            Self {
                dir: dir.clone(),
                udc: udc.clone(),
            }
            .remove()?;
        }
        fs::create_dir(&dir)
            .with_context(|| format!("cannot make the USB device {}", dir.display()))?;
        let gadget = Self { dir, udc };
        set(&gadget.dir, "idVendor", &format!("{:#06x}", identity.ids.0))?;
        set(
            &gadget.dir,
            "idProduct",
            &format!("{:#06x}", identity.ids.1),
        )?;
        // Miscellaneous device with interface associations, as webcams are.
        set(&gadget.dir, "bDeviceClass", "0xEF")?;
        set(&gadget.dir, "bDeviceSubClass", "0x02")?;
        set(&gadget.dir, "bDeviceProtocol", "0x01")?;
        let strings = gadget.folder("strings/0x409")?;
        set(&strings, "manufacturer", "Boothcast rig")?;
        set(&strings, "product", &identity.product)?;
        set(&strings, "serialnumber", &identity.serial)?;
        gadget.folder("configs/c.1")?;
        Ok(gadget)
    }

    fn function(&self, name: &str) -> Result<PathBuf> {
        self.folder(&format!("functions/{name}"))
    }

    fn folder(&self, name: &str) -> Result<PathBuf> {
        folder(&self.dir, name)
    }

    fn link(&self, target: &Path, name: &str) -> Result<()> {
        link(target, &self.dir.join(name))
    }

    /// Plugs it in. A camera shows on the bus only when its userspace half has subscribed to `SETUP` as well.
    pub fn plug(&self) -> Result<()> {
        set(&self.dir, "UDC", &self.udc)
    }

    /// Pulls it out; no matter where it is already out. The userspace half of a camera shall have closed its node:
    /// the kernel waits for that, but not for ever.
    pub fn unplug(&self) -> Result<()> {
        if !self.plugged() {
            return Ok(());
        }
        set(&self.dir, "UDC", "\n")
    }

    /// Whether it is plugged in.
    pub fn plugged(&self) -> bool {
        fs::read_to_string(self.dir.join("UDC")).is_ok_and(|udc| !udc.trim().is_empty())
    }

    /// The gadget's own V4L2 node (an output), once it is there.
    pub fn output_node(&self, within: Duration) -> Result<PathBuf> {
        let gadget = format!("/{}/", self.udc);
        wait(within, || {
            video_nodes().into_iter().find(|(class, _)| {
                class.join("function_name").exists()
                    && fs::canonicalize(class)
                        .is_ok_and(|path| path.to_string_lossy().contains(&gadget))
            })
        })
        .map(|(_, node)| node)
        .with_context(|| format!("no output node of {} came up", self.udc))
    }

    fn remove(&self) -> Result<()> {
        self.unplug()?;
        // configfs: links first, then what was made, the innermost first; folders that came by themselves stay.
        let mut made = Vec::new();
        collect(&self.dir, 0, &mut made);
        // What is linked into a configuration or a class of descriptors is locked until that link is gone.
        let rank = |path: &Path| {
            let path = path.to_string_lossy();
            (!path.contains("/configs/"), !path.contains("/class/"))
        };
        let mut links: Vec<&PathBuf> = made.iter().filter(|path| path.is_symlink()).collect();
        links.sort_by_key(|path| rank(path));
        for path in links {
            fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        for path in made.iter().rev().filter(|path| !path.is_symlink()) {
            // Folders that configfs made cannot be removed, and need not.
            let _own = fs::remove_dir(path);
        }
        fs::remove_dir(&self.dir).with_context(|| format!("cannot remove {}", self.dir.display()))
    }
}

impl Drop for Gadget {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            eprintln!("rig-guest: {error:#}");
        }
    }
}

fn collect(dir: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = dir.read_dir() else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_symlink() {
            found.push(path);
        } else if path.is_dir() && depth < 8 {
            found.push(path.clone());
            collect(&path, depth + 1, found);
        }
    }
}

fn camera_function(function: &Path, spec: &CameraSpec, name: &str) -> Result<()> {
    let name: String = name.chars().take(31).collect();
    set(function, "function_name", &name)?;
    set(function, "streaming_interval", &spec.interval)?;
    set(function, "streaming_maxpacket", &spec.max_packet)?;
    set(
        function,
        "control/terminal/camera/default/bmControls",
        &lines(&spec.controls.0),
    )?;
    set(
        function,
        "control/processing/default/bmControls",
        &lines(&spec.controls.1),
    )?;
    let header = folder(function, "control/header/h")?;
    for speed in ["fs", "ss"] {
        link(
            &header,
            &function.join("control/class").join(speed).join("h"),
        )?;
    }
    let streaming = folder(function, "streaming/header/h")?;
    for (index, format) in spec.formats.iter().enumerate() {
        let kind = if format.mjpeg {
            "mjpeg"
        } else {
            "uncompressed"
        };
        let dir = folder(function, &format!("streaming/{kind}/f{index}"))?;
        for size in &format.sizes {
            frame_size(&dir, size)?;
        }
        link(&dir, &streaming.join(format!("f{index}")))?;
    }
    for speed in ["fs", "hs", "ss"] {
        link(
            &streaming,
            &function.join("streaming/class").join(speed).join("h"),
        )?;
    }
    Ok(())
}

fn frame_size(format: &Path, size: &FrameSize) -> Result<()> {
    let dir = folder(format, &format!("{}x{}", size.width, size.height))?;
    let bytes = max_frame_bytes(size);
    let intervals: Vec<u32> = size
        .rates
        .iter()
        .map(|rate| interval_100ns(*rate))
        .collect();
    let (slow, fast) = (size.rates.iter().min(), size.rates.iter().max());
    set(&dir, "wWidth", &size.width)?;
    set(&dir, "wHeight", &size.height)?;
    set(&dir, "dwMaxVideoFrameBufferSize", &bytes)?;
    set(
        &dir,
        "dwMinBitRate",
        &(bytes.saturating_mul(8 * slow.copied().unwrap_or(1))),
    )?;
    set(
        &dir,
        "dwMaxBitRate",
        &(bytes.saturating_mul(8 * fast.copied().unwrap_or(1))),
    )?;
    set(
        &dir,
        "dwDefaultFrameInterval",
        &intervals.first().copied().unwrap_or(333_333),
    )?;
    let mut sorted = intervals;
    sorted.sort_unstable();
    let sorted: Vec<String> = sorted.iter().map(u32::to_string).collect();
    set(&dir, "dwFrameInterval", &sorted.join("\n"))
}

/// The largest frame of that size: two bytes a pixel, for JPEG too.
pub fn max_frame_bytes(size: &FrameSize) -> u32 {
    size.width * size.height * 2
}

/// The time of a frame in UVC's unit of 100 ns.
pub fn interval_100ns(rate: u32) -> u32 {
    10_000_000 / rate.max(1)
}

fn lines(values: &[u8]) -> String {
    let values: Vec<String> = values.iter().map(u8::to_string).collect();
    values.join("\n")
}

fn folder(base: &Path, name: &str) -> Result<PathBuf> {
    let dir = base.join(name);
    fs::create_dir(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    Ok(dir)
}

fn link(target: &Path, name: &Path) -> Result<()> {
    symlink(target, name).with_context(|| format!("cannot link {}", name.display()))
}

fn set(dir: &Path, name: &str, value: &(impl ToString + ?Sized)) -> Result<()> {
    let (path, value) = (dir.join(name), value.to_string());
    fs::write(&path, &value)
        .with_context(|| format!("cannot write {value:?} to {}", path.display()))
}

/// Loads a kernel module with its parameters; one that is loaded already is fine.
pub fn modprobe(args: &[&str]) -> Result<()> {
    let done = Command::new("modprobe")
        .args(args)
        .output()
        .context("cannot start modprobe")?;
    if !done.status.success() {
        bail!(
            "modprobe {}: {}",
            args.join(" "),
            String::from_utf8_lossy(&done.stderr).trim()
        );
    }
    Ok(())
}
