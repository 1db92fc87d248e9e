//! The engine: owns sources, encoders, fan-outs and outputs, and carries out the core's effects.
//!
//! It decides nothing: what happens is reported, the core decides, and effects come back. Each part that can hang
//! in a driver (camera, sound card, encoder) has a worker thread of its own, so that none holds up the others.

mod encoders;
mod opus;
mod overlay;
mod picture;
mod pushes;
mod sound;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use super::access_unit::{AccessUnit, Track};
use super::capture::{AudioInput, VideoInput};
use super::delay::DelayLine;
use super::fanout::Fanout;
use super::opus::OpusFeed;
use super::output::rtsp::{Mount, RtspOptions, RtspServer};
use super::raw::{Pixel, RawFormat};
use super::report::Reporter;
use super::scan::{Scanner, SetupSink};
use super::time::MediaClock;
use crate::config::Config;
use crate::device::effect::Effect;
use crate::device::event::{MediaEvent, Rendition};
use crate::device::setup::SetupStep;
use crate::error::Result;
use encoders::Encoders;
use overlay::Overlay;
pub use overlay::{Audience, AudienceCounts};
use picture::Picture;
use pushes::Pushes;
use sound::Sound;

/// Finds a source anew each time it is opened: a camera that was plugged in again may have another node.
pub type Resolver<T> = Arc<dyn Fn() -> Result<T> + Send + Sync>;

/// The same for the picture, given what is wanted of it now.
pub type VideoResolver = Arc<dyn Fn(RawFormat) -> Result<VideoInput> + Send + Sync>;

/// What the engine needs to start.
pub struct EngineOptions {
    /// The configuration.
    pub config: Config,
    /// Clock and base time of everything.
    pub clock: MediaClock,
    /// Encoder elements that may be opened, by index of [`Effect::OpenEncoder`].
    pub encoders: Vec<String>,
    /// Raw layout that the first encoder takes.
    pub pixel: Pixel,
    /// The picture.
    pub video: VideoResolver,
    /// The sound; `None`: no sound track.
    pub audio: Option<Resolver<AudioInput>>,
    /// The RTSP server; `None`: off.
    pub rtsp: Option<RtspOptions>,
    /// Hears of codes in the camera's picture.
    pub setup: SetupSink,
    /// Where network tasks run.
    pub runtime: tokio::runtime::Handle,
}

/// One rendition's way from encoder to fan-out.
struct Lane {
    fanout: Fanout<AccessUnit>,
    delay: DelayLine,
    count: Arc<std::sync::atomic::AtomicU64>,
}

/// The running engine.
pub struct Engine {
    picture: Picture,
    overlay: Overlay,
    scanner: Scanner,
    sound: Option<Sound>,
    encoders: Arc<Encoders>,
    encode_worker: worker::Worker<encoders::Job>,
    pushes: Pushes,
    rtsp: Option<RtspServer>,
    heartbeat: tokio::task::JoinHandle<()>,
    lanes: Vec<Arc<Lane>>,
    runtime: tokio::runtime::Handle,
}

impl Engine {
    /// Starts fan-outs, slate, sound timeline and RTSP. Sources and encoders are opened by effects.
    ///
    /// # Errors
    /// The RTSP port is taken, its certificate is bad, or a thread cannot be made.
    pub fn start(options: EngineOptions, reporter: &Reporter) -> Result<Self> {
        let EngineOptions {
            config,
            clock,
            encoders: table,
            pixel,
            video,
            audio,
            rtsp,
            setup,
            runtime,
        } = options;
        let facts = overlay::FactSource::default();
        let reporter = &facts.tap(reporter);
        let with_audio = audio.is_some();
        // Without sound there is nothing to be in step with.
        let offset_ms = if with_audio {
            config.audio.offset_ms
        } else {
            0
        };
        let early_video_ms = delay_parts(offset_ms).1;

        let encoders = Encoders::new(&config, table, pixel, &clock, reporter);
        let lanes: Vec<Arc<Lane>> = encoders
            .renditions()
            .map(|rendition| {
                let weak = Arc::downgrade(&encoders);
                let fanout = Fanout::new(move || {
                    if let Some(encoders) = weak.upgrade() {
                        encoders.force_keyframe(rendition);
                    }
                });
                let count = Arc::new(std::sync::atomic::AtomicU64::new(0));
                let (out, counter) = (fanout.clone(), count.clone());
                let bytes = (rendition == Rendition::Main).then(|| facts.bytes.clone());
                let delay = DelayLine::start(
                    &clock,
                    Arc::new(move |unit: AccessUnit| {
                        if unit.track == Track::Video {
                            counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        }
                        if let Some(bytes) = &bytes {
                            let more = unit.data.len() as u64;
                            bytes.fetch_add(more, std::sync::atomic::Ordering::Relaxed);
                        }
                        out.push(unit);
                    }),
                );
                delay.set_delay_ms(early_video_ms);
                Arc::new(Lane {
                    fanout,
                    delay,
                    count,
                })
            })
            .collect();
        encoders.connect(&lanes);

        let sound = match audio {
            None => None,
            Some(resolver) => Some(Sound::start(
                &config.audio,
                resolver,
                &clock,
                &lanes,
                reporter,
            )?),
        };
        let audio_count = sound.as_ref().map(Sound::counter);
        let jobs = encoders.clone();
        let encode_worker = worker::Worker::start("encode", move |job| jobs.run(job))?;
        let encode = encode_worker.sender();
        let overlay = Overlay::start(
            (&config.overlay, &config.danmaku),
            encoders.input(),
            &clock,
            facts.clone(),
        )?;
        let canvas = overlay.canvas();
        let scanner = Scanner::start(setup)?;
        let on_the_way = (canvas, scanner.eye());
        let picture = Picture::start(
            &config, video, &clock, &encoders, encode, on_the_way, reporter,
        )?;
        let rtsp = match rtsp {
            None => None,
            Some(options) => {
                let paths = ["/main", "/sub"];
                let mounts = lanes
                    .iter()
                    .zip(paths)
                    .map(|(lane, path)| Mount {
                        path: path.to_owned(),
                        fanout: lane.fanout.clone(),
                        audio: with_audio,
                    })
                    .collect();
                Some(RtspServer::start(
                    options,
                    mounts,
                    &clock,
                    reporter.clone(),
                )?)
            }
        };
        let pushes = Pushes::new(&config, &lanes[0].fanout, with_audio, &runtime, reporter);
        let heartbeat = runtime.spawn(beat(lanes.clone(), audio_count, reporter.clone()));
        Ok(Self {
            picture,
            overlay,
            scanner,
            sound,
            encoders,
            encode_worker,
            pushes,
            rtsp,
            heartbeat,
            lanes,
            runtime,
        })
    }

    /// The RTSP ports in use: plain, and TLS where it is served.
    #[must_use]
    pub fn rtsp_ports(&self) -> Option<(u16, Option<u16>)> {
        self.rtsp.as_ref().map(|r| (r.port(), r.tls_port()))
    }

    /// The main rendition's fan-out.
    #[must_use]
    pub fn main(&self) -> Fanout<AccessUnit> {
        self.lanes[0].fanout.clone()
    }

    /// The sound as Opus, encoded while somebody listens; `None`: there is no sound track.
    #[must_use]
    pub fn opus(&self) -> Option<OpusFeed> {
        self.sound.as_ref().map(Sound::opus)
    }

    /// The way of the room onto the picture.
    #[must_use]
    pub fn audience(&self) -> Audience {
        self.overlay.audience()
    }

    /// Starts to carry out one effect; never waits for a device. Effects that are not the engine's are ignored.
    pub fn apply(&mut self, effect: &Effect) {
        match effect {
            Effect::OpenCamera => self.picture.open(),
            Effect::SlateText(sentence) => self.picture.slate_text(sentence.clone()),
            Effect::OpenMic => {
                if let Some(sound) = &self.sound {
                    sound.open();
                }
            }
            Effect::OpenEncoder {
                rendition,
                index,
                video,
            } => {
                self.encode_worker.send(encoders::Job::Open {
                    rendition: *rendition,
                    index: *index,
                    video: video.clone(),
                });
                if *rendition == Rendition::Main {
                    self.picture.resize(video);
                    self.overlay.resize(self.encoders.raw_of(video));
                }
            }
            Effect::SetBitrate { rendition, bitrate } => {
                self.encode_worker.send(encoders::Job::Bitrate {
                    rendition: *rendition,
                    bitrate: *bitrate,
                });
            }
            Effect::SetMute(muted) => self.with_sound(|s| s.set_mute(*muted)),
            Effect::SetGain(db) => self.with_sound(|s| s.set_gain(*db)),
            Effect::SetAudioOffset(ms) => self.set_audio_offset(*ms),
            Effect::OpenDestination(name) => self.pushes.open(name),
            Effect::CloseDestination(name) => self.pushes.close(name),
            Effect::SetDestination(destination) => self.pushes.set(destination.clone()),
            Effect::ForgetDestination(name) => self.pushes.forget(name),
            Effect::ShowStage(stage) => self.overlay.stage((**stage).clone()),
            Effect::Setup(SetupStep::Scan(on)) => self.scanner.set(*on),
            Effect::Restart
            | Effect::Reboot
            | Effect::Persist(_)
            | Effect::Identify
            | Effect::Shutdown
            | Effect::FactoryReset
            | Effect::Setup(_)
            | Effect::Update(_)
            | Effect::SetCameraControl { .. }
            | Effect::SetMicVolume(_)
            | Effect::SetMicSwitch(_) => {}
        }
    }

    /// The bitrate that people want for the main rendition, bit/s: what the adaptive bitrate climbs back to.
    pub fn set_wanted_bitrate(&self, bitrate: u32) {
        self.pushes.set_wanted(bitrate);
    }

    fn with_sound(&self, f: impl FnOnce(&Sound)) {
        if let Some(sound) = &self.sound {
            f(sound);
        }
    }

    /// Sound later: the sound waits. Sound earlier: the picture waits, so that both leave in step.
    fn set_audio_offset(&self, ms: i32) {
        let (sound_ms, video_ms) = delay_parts(ms);
        self.with_sound(|s| s.set_delay_ms(sound_ms));
        for lane in &self.lanes {
            lane.delay.set_delay_ms(video_ms);
        }
    }

    /// Ends everything in the written order: pushes, readers, sources, encoders, fan-outs. Bounded to about 3 s.
    pub fn stop(self) {
        let Self {
            picture,
            overlay,
            scanner,
            sound,
            encoders,
            encode_worker,
            pushes,
            rtsp,
            heartbeat,
            lanes,
            runtime,
        } = self;
        heartbeat.abort();
        runtime.block_on(pushes.stop());
        tracing::info!("pushes ended");
        if let Some(rtsp) = rtsp {
            rtsp.stop();
            tracing::info!("RTSP server ended");
        }
        picture.stop();
        scanner.stop();
        overlay.stop();
        if let Some(sound) = sound {
            sound.stop();
        }
        tracing::info!("sources ended");
        encode_worker.stop(Duration::from_secs(1));
        encoders.stop();
        for lane in lanes {
            lane.fanout.close();
        }
        tracing::info!("encoders ended");
    }
}

/// Splits an offset into (delay of the sound, delay of the picture), ms.
fn delay_parts(offset_ms: i32) -> (u32, u32) {
    let size = offset_ms.unsigned_abs().min(2000);
    if offset_ms >= 0 { (size, 0) } else { (0, size) }
}

/// Reports, once a second, how many access units went out: the core and the watchdog live on it.
async fn beat(
    lanes: Vec<Arc<Lane>>,
    audio: Option<Arc<std::sync::atomic::AtomicU64>>,
    reporter: Reporter,
) {
    use std::sync::atomic::Ordering::Relaxed;
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        reporter.report(MediaEvent::Flow {
            main: lanes.first().map_or(0, |l| l.count.load(Relaxed)),
            sub: lanes.get(1).map_or(0, |l| l.count.load(Relaxed)),
            audio: audio.as_ref().map_or(0, |a| a.load(Relaxed)),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::delay_parts;

    #[test]
    fn only_one_side_ever_waits() {
        assert_eq!(delay_parts(0), (0, 0));
        assert_eq!(delay_parts(150), (150, 0));
        assert_eq!(delay_parts(-150), (0, 150));
        assert_eq!(delay_parts(i32::MIN), (0, 2000));
    }
}
