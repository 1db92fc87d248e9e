//! Negotiation of the stream: `VS_PROBE_CONTROL` and `VS_COMMIT_CONTROL` (UVC 1.1 §4.3.1.1).

use super::controls::Answer;
use crate::gadget::{CameraSpec, FrameSize, interval_100ns, max_frame_bytes};

/// Bytes of the structure in UVC 1.1.
const LENGTH: usize = 34;
const PROBE: u8 = 1;
const COMMIT: u8 = 2;
/// Units of the camera's clock a second.
const CLOCK_HZ: u32 = 48_000_000;

/// What host and camera have agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    /// Frames are JPEGs; else YUYV.
    pub mjpeg: bool,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Time of a frame in 100 ns.
    pub interval: u32,
}

/// The structure's fields that mean something to this camera; the numbers count from 1.
#[derive(Debug, Clone, Copy)]
struct Choice {
    format: usize,
    frame: usize,
    interval: u32,
}

/// The state of the negotiation.
#[derive(Debug)]
pub struct Negotiation {
    spec: CameraSpec,
    probed: Choice,
    committed: Choice,
    awaited: u8,
}

impl Negotiation {
    /// Starts with the first size of the first format.
    pub fn new(spec: &CameraSpec) -> Self {
        let mut negotiation = Self {
            spec: spec.clone(),
            probed: Choice {
                format: 1,
                frame: 1,
                interval: 0,
            },
            committed: Choice {
                format: 1,
                frame: 1,
                interval: 0,
            },
            awaited: 0,
        };
        negotiation.probed = negotiation.nearest(negotiation.probed);
        negotiation.committed = negotiation.probed;
        negotiation
    }

    /// Answers a request to the streaming interface.
    pub fn request(&mut self, request: u8, selector: u8) -> Answer {
        let current = match selector {
            PROBE => self.probed,
            COMMIT => self.committed,
            _ => return Answer::Stall,
        };
        match request {
            0x01 => {
                self.awaited = selector;
                Answer::Take(LENGTH)
            }
            0x81..=0x83 => Answer::Data(self.bytes(current)),
            0x87 => {
                let first = self.nearest(Choice {
                    format: 1,
                    frame: 1,
                    interval: 0,
                });
                Answer::Data(self.bytes(first))
            }
            0x85 => Answer::Data(vec![LENGTH as u8, 0]),
            0x86 => Answer::Data(vec![0b11]),
            _ => Answer::Stall,
        }
    }

    /// The data of the `SET_CUR` before.
    pub fn set(&mut self, data: &[u8]) {
        if data.len() < 8 {
            return;
        }
        let asked = Choice {
            format: usize::from(data[2]),
            frame: usize::from(data[3]),
            interval: u32::from_le_bytes([data[4], data[5], data[6], data[7]]),
        };
        let choice = self.nearest(asked);
        match std::mem::take(&mut self.awaited) {
            PROBE => self.probed = choice,
            COMMIT => self.committed = choice,
            _ => {}
        }
    }

    /// The mode in force.
    pub fn mode(&self) -> Mode {
        let choice = self.committed;
        let size = self.size(choice);
        Mode {
            mjpeg: self.spec.formats[choice.format - 1].mjpeg,
            width: size.width,
            height: size.height,
            interval: choice.interval,
        }
    }

    fn size(&self, choice: Choice) -> &FrameSize {
        &self.spec.formats[choice.format - 1].sizes[choice.frame - 1]
    }

    /// The choice with all numbers in range, and the interval nearest to the one asked for (0: the default).
    fn nearest(&self, asked: Choice) -> Choice {
        let format = asked.format.clamp(1, self.spec.formats.len());
        let frame = asked
            .frame
            .clamp(1, self.spec.formats[format - 1].sizes.len());
        let rates = &self.spec.formats[format - 1].sizes[frame - 1].rates;
        let intervals = rates.iter().map(|rate| interval_100ns(*rate));
        let interval = if asked.interval == 0 {
            intervals.clone().next()
        } else {
            intervals.min_by_key(|interval| interval.abs_diff(asked.interval))
        };
        Choice {
            format,
            frame,
            interval: interval.unwrap_or(333_333),
        }
    }

    fn bytes(&self, choice: Choice) -> Vec<u8> {
        let mut out = Vec::with_capacity(LENGTH);
        out.extend([1, 0, choice.format as u8, choice.frame as u8]); // bmHint: the interval is kept
        out.extend(choice.interval.to_le_bytes());
        out.extend([0; 10]); // key frame rate, P frame rate, quality, window, delay
        out.extend(max_frame_bytes(self.size(choice)).to_le_bytes());
        out.extend(self.spec.max_packet.to_le_bytes());
        out.extend(CLOCK_HZ.to_le_bytes());
        out.extend([0b11, 1, 1, 1]); // frame id and end of frame are given; payload version
        out
    }
}
