//! A USB camera: the gadget's descriptors and the userspace half of the kernel's UVC function in one process.
//!
//! It answers the host's requests, sends the picture of [`crate::pattern`] with a frame counter, lets the controls act
//! on it, and obeys commands on a Unix socket: one line in, one line out (`rig-guest tell SOCKET COMMAND`).

pub mod abi;
pub mod controls;
pub mod probe;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::commands::{Commands, poll, poll_fd};
use crate::gadget::{CameraSpec, FrameSize, Gadget, Identity, VideoFormat};
use crate::options::Options;
use crate::{jpeg, pattern, stop};
use abi::{Event, Node, Setup};
use controls::{Answer, Controls};
use probe::{Mode, Negotiation};

/// For `--help`.
pub const USAGE: &str = "\
uvc: a USB camera on an emulated port; SIGTERM pulls it out and takes it away
  --socket PATH       where it takes commands (/run/NAME.sock)
  --name NAME         folder in configfs (cam0)      --product TEXT    (Rig Camera)
  --serial TEXT       (RIG0001)                      --port N          emulated controller (0)
  --formats LIST      default mjpeg:1280x720@30,640x480@30;yuyv:640x480@30/15,320x240@30/15
                      (of each format and size the first is the default)
  --max-packet BYTES  per service interval, 1-3072 (3072)   --interval N  2^(N-1) microframes (1)
  --mjpeg-bytes N     size that JPEG frames are filled up to (60000)
  --unplugged         do not plug it in yet
commands: plug, unplug, go, freeze-same (one frame again and again), freeze-none (no frame, no error), state (JSON)";

const DEFAULT_FORMATS: &str = "mjpeg:1280x720@30,640x480@30;yuyv:640x480@30/15,320x240@30/15";
/// Buffers between this process and the kernel.
const BUFFERS: u32 = 4;

/// Runs the camera until a signal.
pub fn main(options: &Options) -> Result<()> {
    stop::listen();
    let spec = CameraSpec {
        formats: formats(options.text("formats").unwrap_or(DEFAULT_FORMATS))?,
        max_packet: options.number("max-packet", 3072)?,
        interval: options.number("interval", 1)?,
        controls: controls::BITS,
    };
    let name = options.text("name").unwrap_or("cam0").to_owned();
    let commands = Commands::listen(options, &name)?;
    let identity = Identity {
        name,
        product: options.text("product").unwrap_or("Rig Camera").to_owned(),
        serial: options.text("serial").unwrap_or("RIG0001").to_owned(),
        ids: (0x1d6b, 0x0102),
        port: options.number("port", 0)?,
    };
    let gadget = Gadget::camera(&identity, &spec)?;
    let mut camera = Camera::new(gadget, spec, options.number("mjpeg-bytes", 60_000)?);
    if !options.has("unplugged") {
        camera.plug()?;
    }
    let done = camera.run(&commands);
    camera.node = None; // before the gadget goes: the kernel waits for it
    done
}

fn formats(text: &str) -> Result<Vec<VideoFormat>> {
    let wrong = || format!("--formats {text}: this is not like {DEFAULT_FORMATS}");
    let size = |text: &str| -> Option<FrameSize> {
        let (size, rates) = text.split_once('@')?;
        let (width, height) = size.split_once('x')?;
        let rates = rates.split('/').map(|rate| rate.parse().ok());
        Some(FrameSize {
            width: width.parse().ok()?,
            height: height.parse().ok()?,
            rates: rates.collect::<Option<_>>()?,
        })
    };
    let format = |text: &str| -> Option<VideoFormat> {
        let (kind, sizes) = text.split_once(':')?;
        Some(VideoFormat {
            mjpeg: match kind {
                "mjpeg" => true,
                "yuyv" => false,
                _ => return None,
            },
            sizes: sizes.split(',').map(size).collect::<Option<_>>()?,
        })
    };
    text.split(';')
        .map(format)
        .collect::<Option<_>>()
        .with_context(wrong)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Freeze {
    Off,
    Same,
    None,
}

/// A stream in progress.
struct Stream {
    mode: Mode,
    /// When the next frame is due.
    due: Instant,
    /// The next frame found all buffers under way.
    starved: bool,
}

struct Camera {
    // Dropped in this order: the kernel waits for the node to be closed before the gadget can go.
    node: Option<Node>,
    gadget: Gadget,
    spec: CameraSpec,
    mjpeg_bytes: usize,
    negotiation: Negotiation,
    controls: Controls,
    /// Whether the request that is being answered is for the streaming interface.
    streaming_request: bool,
    stream: Option<Stream>,
    connected: bool,
    freeze: Freeze,
    counter: u16,
    sent: u64,
    late: u64,
    plugs: u64,
}

impl Camera {
    fn new(gadget: Gadget, spec: CameraSpec, mjpeg_bytes: usize) -> Self {
        Self {
            node: None,
            gadget,
            negotiation: Negotiation::new(&spec),
            spec,
            mjpeg_bytes,
            controls: Controls::default(),
            streaming_request: false,
            stream: None,
            connected: false,
            freeze: Freeze::Off,
            counter: 0,
            sent: 0,
            late: 0,
            plugs: 0,
        }
    }

    fn plug(&mut self) -> Result<()> {
        if self.node.is_some() {
            return Ok(());
        }
        self.controls = Controls::default();
        self.negotiation = Negotiation::new(&self.spec);
        self.gadget.plug()?;
        let path = self.gadget.output_node(Duration::from_secs(5))?;
        self.node = Some(Node::open(&path)?);
        self.plugs += 1;
        Ok(())
    }

    fn unplug(&mut self) -> Result<()> {
        // Closing the node takes the device off the bus at once, in the middle of a frame if there is one.
        self.stream = None;
        self.node = None;
        self.connected = false;
        self.gadget.unplug()
    }

    fn run(&mut self, commands: &Commands) -> Result<()> {
        while !stop::asked() {
            let mut fds = [poll_fd(commands.fd(), libc::POLLIN), poll_fd(-1, 0)];
            if let Some(node) = &self.node {
                let starved = self.stream.as_ref().is_some_and(|stream| stream.starved);
                fds[1] = poll_fd(
                    node.fd(),
                    libc::POLLPRI | if starved { libc::POLLOUT } else { 0 },
                );
            }
            poll(&mut fds, self.patience());
            commands.serve(|command| self.command(command));
            while let Some(event) = self.node.as_ref().map(Node::event).transpose()?.flatten() {
                self.event(event)?;
            }
            self.frame()?;
        }
        Ok(())
    }

    /// How long nothing but an event can happen.
    fn patience(&self) -> Duration {
        match &self.stream {
            Some(stream) if !stream.starved && self.freeze != Freeze::None => {
                stream.due.saturating_duration_since(Instant::now())
            }
            _ => Duration::from_millis(500),
        }
    }

    fn command(&mut self, command: &str) -> Result<String> {
        match command {
            "plug" => self.plug()?,
            "unplug" => self.unplug()?,
            "go" => {
                self.freeze = Freeze::Off;
                if let Some(stream) = &mut self.stream {
                    stream.due = Instant::now();
                }
            }
            "freeze-same" => self.freeze = Freeze::Same,
            "freeze-none" => self.freeze = Freeze::None,
            "state" => return Ok(self.state()),
            other => bail!(
                "`{other}` is not a command; there are plug, unplug, go, freeze-same, freeze-none, state"
            ),
        }
        Ok("ok".to_owned())
    }

    fn state(&self) -> String {
        let mode = self.stream.as_ref().map(|stream| {
            json!({
                "format": if stream.mode.mjpeg { "mjpeg" } else { "yuyv" },
                "width": stream.mode.width,
                "height": stream.mode.height,
                "fps": (1e7 / f64::from(stream.mode.interval)).round(),
            })
        });
        json!({
            "plugged": self.node.is_some(),
            "plugs": self.plugs,
            "connected": self.connected,
            "stream": mode,
            "freeze": format!("{:?}", self.freeze).to_lowercase(),
            "counter": self.counter,
            "sent": self.sent,
            "late": self.late,
            "controls": self.controls.values(),
            "sets": self.controls.log,
        })
        .to_string()
    }

    fn event(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Connect => self.connected = true,
            Event::Disconnect => self.disconnected()?,
            Event::StreamOn => self.start_stream()?,
            Event::StreamOff => self.stop_stream()?,
            Event::Setup(setup) => self.setup(setup)?,
            Event::Data(data) if self.streaming_request => self.negotiation.set(&data),
            Event::Data(data) => self.controls.set(&data),
        }
        Ok(())
    }

    /// The host has let go of the device, and not because we pulled it out.
    fn disconnected(&mut self) -> Result<()> {
        self.connected = false;
        if self.stream.take().is_some() {
            // Stopping the stream by itself would answer a request that the host never made (a kernel warning), so
            // the node is closed. That takes the device off the bus; it comes back, as after a reset.
            self.node = None;
            let path = self.gadget.output_node(Duration::from_secs(5))?;
            self.node = Some(Node::open(&path)?);
        }
        Ok(())
    }

    fn setup(&mut self, setup: Setup) -> Result<()> {
        self.streaming_request = setup.streaming;
        let answer = if setup.streaming {
            self.negotiation.request(setup.request, setup.selector)
        } else {
            self.controls
                .request(setup.request, setup.entity, setup.selector)
        };
        let Some(node) = &self.node else {
            return Ok(());
        };
        match answer {
            Answer::Data(data) => node.respond(&data[..data.len().min(usize::from(setup.length))]),
            Answer::Take(length) => node.respond(&vec![0; length.min(usize::from(setup.length))]),
            Answer::Stall => node.stall(),
        }
    }

    fn start_stream(&mut self) -> Result<()> {
        let mode = self.negotiation.mode();
        let Some(node) = &mut self.node else {
            return Ok(());
        };
        let fourcc = if mode.mjpeg { *b"MJPG" } else { *b"YUYV" };
        node.prepare(fourcc, mode.width, mode.height, BUFFERS)?;
        self.stream = Some(Stream {
            mode,
            due: Instant::now(),
            starved: false,
        });
        node.start()
    }

    fn stop_stream(&mut self) -> Result<()> {
        self.stream = None;
        self.node.as_mut().map_or(Ok(()), Node::stop)
    }

    /// Sends a frame if one is due.
    fn frame(&mut self) -> Result<()> {
        let (Some(stream), Some(node)) = (&mut self.stream, &mut self.node) else {
            return Ok(());
        };
        let now = Instant::now();
        if now < stream.due || self.freeze == Freeze::None {
            return Ok(());
        }
        let Some(index) = node.take()? else {
            stream.starved = true;
            return Ok(());
        };
        stream.starved = false;
        let period = Duration::from_nanos(u64::from(stream.mode.interval) * 100);
        stream.due += period;
        if stream.due + period < now {
            // Too late to catch up: a real sensor does not send two frames at once either.
            self.late += 1;
            stream.due = now + period;
        }
        if self.freeze == Freeze::Off {
            self.counter = self.counter.wrapping_add(1);
        }
        let (width, height) = (stream.mode.width as usize, stream.mode.height as usize);
        let grid = pattern::Grid::draw(width, height, self.counter, &self.controls.look());
        let memory = node.memory(index);
        let used = if stream.mode.mjpeg {
            let jpeg = jpeg::encode(&grid, self.mjpeg_bytes);
            let used = jpeg.len().min(memory.len());
            memory[..used].copy_from_slice(&jpeg[..used]);
            used
        } else {
            grid.yuyv(memory);
            (width * height * 2).min(memory.len())
        };
        match node.queue(index, used) {
            Ok(()) => self.sent += 1,
            // Pulled out this moment; the event follows.
            Err(_) if !self.connected => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
