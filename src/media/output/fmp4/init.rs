//! The initialisation segment: `ftyp` and `moov` (ISO/IEC 14496-12; `avc1` by 14496-15, `mp4a` by 14496-14). Pure.

use std::sync::Arc;

use bytes::Bytes;

use super::boxes::Boxes;
use crate::media::access_unit::Format;
use crate::media::h264;

/// Ticks per second of the picture.
pub(super) const VIDEO_SCALE: u32 = 90_000;
/// Number of the picture's track.
pub(super) const VIDEO: u32 = 1;
/// Number of the sound's track.
pub(super) const AUDIO: u32 = 2;
/// Longest AudioSpecificConfig: keeps every length of a descriptor in one byte. Real ones have 2 to 5 bytes.
const MAX_CONFIG: usize = 64;

/// Unity matrix of a track or movie.
const MATRIX: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// What a segment describes. Made only of formats that it can describe.
#[derive(Debug, Clone)]
pub(super) struct Tracks {
    video: Arc<Format>,
    audio: Option<Arc<Format>>,
}

/// First text of a stream, as the page reads it.
#[derive(serde::Serialize)]
struct Head {
    mime: String,
    width: u32,
    height: u32,
}

impl Tracks {
    /// `None` when there is no picture whose parameter sets can be described; sound that cannot is left out.
    pub(super) fn new(video: &Arc<Format>, audio: Option<&Arc<Format>>) -> Option<Self> {
        let Format::H264 { sps, pps, .. } = &**video else {
            return None;
        };
        h264::decoder_config(sps, pps)?;
        let audio = audio.filter(|a| {
            matches!(&***a, Format::Aac { config, rate, .. }
                if (2..=MAX_CONFIG).contains(&config.len()) && *rate > 0)
        });
        Some(Self {
            video: Arc::clone(video),
            audio: audio.cloned(),
        })
    }

    /// Ticks per second of the sound, where there is some.
    pub(super) fn audio_scale(&self) -> Option<u32> {
        match self.audio.as_deref() {
            Some(Format::Aac { rate, .. }) => Some(*rate),
            _ => None,
        }
    }

    /// The head as JSON.
    pub(super) fn head(&self) -> String {
        let Format::H264 {
            width, height, sps, ..
        } = &*self.video
        else {
            return String::new();
        };
        let mut codecs = String::from("avc1.");
        for byte in sps.iter().skip(1).take(3) {
            codecs.push_str(&format!("{byte:02x}"));
        }
        if let Some(Format::Aac { config, .. }) = self.audio.as_deref() {
            let object = config.first().map_or(2, |b| b >> 3);
            codecs.push_str(&format!(", mp4a.40.{object}"));
        }
        let head = Head {
            mime: format!("video/mp4; codecs=\"{codecs}\""),
            width: *width,
            height: *height,
        };
        serde_json::to_string(&head).unwrap_or_default()
    }

    /// The segment.
    pub(super) fn segment(&self) -> Bytes {
        let mut out = Boxes::default();
        out.boxed(*b"ftyp", |b| {
            b.raw(b"iso5").u32(512).raw(b"iso5iso6mp41avc1");
        });
        out.boxed(*b"moov", |b| {
            b.full(*b"mvhd", 0, 0, |b| {
                // Created, modified, ticks per second, duration: unknown; rate 1, volume 1.
                b.zeros(8).u32(1000).u32(0).u32(0x1_0000).u16(0x100);
                b.zeros(10);
                matrix(b);
                b.zeros(24).u32(AUDIO + 1);
            });
            self.video(b);
            self.audio(b);
            b.boxed(*b"mvex", |b| {
                trex(b, VIDEO);
                if self.audio.is_some() {
                    trex(b, AUDIO);
                }
            });
        });
        out.into_bytes()
    }

    fn video(&self, out: &mut Boxes) {
        let Format::H264 {
            width,
            height,
            sps,
            pps,
            ..
        } = &*self.video
        else {
            return;
        };
        let record = h264::decoder_config(sps, pps).unwrap_or_default();
        let size = (short(*width), short(*height));
        let track = Track {
            number: VIDEO,
            scale: VIDEO_SCALE,
            handler: *b"vide",
            name: b"Picture\0",
            size,
        };
        track.write(out, |b| {
            b.boxed(*b"avc1", |b| {
                b.zeros(6).u16(1).zeros(16).u16(size.0).u16(size.1);
                // 72 dpi, one picture per sample, no name, 24 bit.
                b.u32(0x48_0000).u32(0x48_0000).u32(0).u16(1).zeros(32);
                b.u16(24).u16(0xFFFF);
                b.boxed(*b"avcC", |b| {
                    b.raw(&record);
                });
            });
        });
    }

    fn audio(&self, out: &mut Boxes) {
        let Some(Format::Aac {
            rate,
            channels,
            config,
        }) = self.audio.as_deref()
        else {
            return;
        };
        let track = Track {
            number: AUDIO,
            scale: *rate,
            handler: *b"soun",
            name: b"Sound\0",
            size: (0, 0),
        };
        track.write(out, |b| {
            b.boxed(*b"mp4a", |b| {
                b.zeros(6).u16(1).zeros(8).u16(short(*channels)).u16(16);
                // 16.16; rates above 65,535 Hz do not fit and stand in the descriptor alone.
                b.u32(0)
                    .u32(u32::from(u16::try_from(*rate).unwrap_or(0)) << 16);
                b.full(*b"esds", 0, 0, |b| descriptor(b, config));
            });
        });
    }
}

/// What differs between the two tracks around the sample entry.
struct Track {
    number: u32,
    scale: u32,
    handler: [u8; 4],
    name: &'static [u8],
    size: (u16, u16),
}

impl Track {
    fn write(&self, out: &mut Boxes, entry: impl FnOnce(&mut Boxes)) {
        let sound = self.handler == *b"soun";
        out.boxed(*b"trak", |b| {
            // Enabled, in the movie.
            b.full(*b"tkhd", 0, 3, |b| {
                b.zeros(8).u32(self.number).zeros(4).u32(0).zeros(8);
                b.zeros(4).u16(if sound { 0x100 } else { 0 }).zeros(2);
                matrix(b);
                b.u32(u32::from(self.size.0) << 16);
                b.u32(u32::from(self.size.1) << 16);
            });
            b.boxed(*b"mdia", |b| {
                b.full(*b"mdhd", 0, 0, |b| {
                    // 0x55C4: language undetermined.
                    b.zeros(8).u32(self.scale).u32(0).u16(0x55C4).u16(0);
                });
                b.full(*b"hdlr", 0, 0, |b| {
                    b.u32(0).raw(&self.handler).zeros(12).raw(self.name);
                });
                b.boxed(*b"minf", |b| {
                    if sound {
                        b.full(*b"smhd", 0, 0, |b| {
                            b.zeros(4);
                        });
                    } else {
                        b.full(*b"vmhd", 0, 1, |b| {
                            b.zeros(8);
                        });
                    }
                    b.boxed(*b"dinf", |b| {
                        b.full(*b"dref", 0, 0, |b| {
                            b.u32(1);
                            // The samples are in this file.
                            b.full(*b"url ", 0, 1, |_| {});
                        });
                    });
                    b.boxed(*b"stbl", |b| {
                        b.full(*b"stsd", 0, 0, |b| {
                            b.u32(1);
                            entry(b);
                        });
                        for kind in [*b"stts", *b"stsc", *b"stco"] {
                            b.full(kind, 0, 0, |b| {
                                b.u32(0);
                            });
                        }
                        b.full(*b"stsz", 0, 0, |b| {
                            b.u32(0).u32(0);
                        });
                    });
                });
            });
        });
    }
}

fn matrix(b: &mut Boxes) {
    for n in MATRIX {
        b.u32(n);
    }
}

fn trex(b: &mut Boxes, track: u32) {
    b.full(*b"trex", 0, 0, |b| {
        b.u32(track).u32(1).zeros(12);
    });
}

/// ES_Descriptor (ISO/IEC 14496-1, 7.2.6.5) of AAC.
fn descriptor(b: &mut Boxes, config: &[u8]) {
    let length = u8::try_from(config.len()).unwrap_or(0);
    b.raw(&[3, 23 + length]).u16(0).u8(0);
    // MPEG-4 audio, an audio stream; no buffer size nor bitrates.
    b.raw(&[4, 15 + length, 0x40, 0x15]).zeros(11);
    b.raw(&[5, length]).raw(config);
    b.raw(&[6, 1, 2]);
}

fn short(n: u32) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}
