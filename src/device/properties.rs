//! Random sequences of commands, events and time against the promises of the core.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::command::{Command, Origin};
use super::effect::Effect;
use super::encoder::{self, Session};
use super::event::*;
use super::health::{Severity, health};
use super::policy::{Decision, decide};
use super::properties_hardware::{self, calm, hardware};
use super::properties_remote::{self, Known, countdown_over, trial_ended};
use super::source::Source;
use super::state::*;
use super::status::Status;
use super::testing::{Rig, name, setup, video};
use crate::config::{DestinationName, VideoSettings};

fn destination() -> impl Strategy<Value = DestinationName> {
    prop::sample::select(vec!["twitch", "youtube", "spare", "fair", "hall", "nobody"])
        .prop_map(name)
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        3 => Just(Command::LiveStart),
        2 => Just(Command::LiveStop),
        3 => (destination(), any::<bool>()).prop_map(|(destination, enabled)| {
            Command::DestinationEnable { destination, enabled }
        }),
        2 => (any::<u32>(), 0u32..4000, 0u32..70, any::<f32>()).prop_map(|(b, width, fps, gop)| {
            Command::video(VideoSettings {
                    width: width & !1,
                    fps,
                    gop_s: if b % 2 == 0 { gop } else { 2.0 },
                    ..video(b % 60_000_000)
                })
        }),
        2 => (0u32..60_000_000).prop_map(|bitrate| Command::BitrateSet { bitrate }),
        1 => any::<bool>().prop_map(|muted| Command::AudioMute { muted }),
        1 => any::<f32>().prop_map(|gain_db| Command::AudioGain { gain_db }),
        1 => (-3000i32..3000).prop_map(|offset_ms| Command::AudioOffset { offset_ms }),
        1 => Just(Command::Identify),
        4 => properties_hardware::command(),
    ]
}

fn rendition() -> impl Strategy<Value = Rendition> {
    prop_oneof![Just(Rendition::Main), Just(Rendition::Sub)]
}

fn element() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "v4l2h264enc",
        "x264enc",
        "openh264enc",
        "passthrough",
        "other",
    ])
    .prop_map(String::from)
}

fn push_state() -> impl Strategy<Value = DestinationState> {
    prop_oneof![
        1 => Just(DestinationState::Off),
        1 => Just(DestinationState::Connecting),
        4 => Just(DestinationState::Live),
        1 => Just(DestinationState::Waiting { reason: "reset by peer".into(), retry_ms: 500 }),
        1 => Just(DestinationState::KeyRejected { reason: "BadName".into() }),
    ]
}

fn media() -> impl Strategy<Value = MediaEvent> {
    let text = ".{0,20}";
    prop_oneof![
        text.prop_map(|description| MediaEvent::CameraUp { description }),
        text.prop_map(|reason| MediaEvent::CameraLost { reason }),
        text.prop_map(|description| MediaEvent::MicUp { description }),
        text.prop_map(|reason| MediaEvent::MicLost { reason }),
        any::<bool>().prop_map(MediaEvent::SlateOnAir),
        any::<bool>().prop_map(MediaEvent::CameraStill),
        (any::<f32>(), any::<f32>()).prop_map(|(peak_db, rms_db)| MediaEvent::Levels {
            channels: vec![Level { peak_db, rms_db }],
            state: LevelState::Clipping,
        }),
        any::<f32>().prop_map(|ppm| MediaEvent::Drift { ppm }),
        (rendition(), element())
            .prop_map(|(rendition, encoder)| MediaEvent::EncoderUp { rendition, encoder }),
        (rendition(), element(), text).prop_map(|(rendition, encoder, reason)| {
            MediaEvent::EncoderFailed {
                rendition,
                encoder,
                reason,
            }
        }),
        (any::<u64>(), 0u64..3, any::<u64>()).prop_map(|(main, sub, audio)| MediaEvent::Flow {
            main,
            sub,
            audio
        }),
        any::<u32>().prop_map(MediaEvent::RtspReaders),
        any::<u64>().prop_map(|taken| MediaEvent::Audience(Box::new(AudienceFigures {
            taken,
            ..AudienceFigures::default()
        }))),
        (destination(), push_state())
            .prop_map(|(name, state)| MediaEvent::Destination { name, state }),
        (destination(), any::<u32>()).prop_map(|(name, bps)| MediaEvent::Push {
            name,
            figures: PushFigures {
                bps,
                ..PushFigures::default()
            },
        }),
        (0u32..4_000_000).prop_map(MediaEvent::BitrateAdvised),
        (0u32..4_000_000).prop_map(MediaEvent::BitrateAdvised),
    ]
}

/// One thing that happens: time is relative, so that it makes sense wherever shrinking leaves it.
#[derive(Debug, Clone)]
enum Happening {
    Event(Event),
    /// So often, each time after so long.
    After(usize, Duration),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => command().prop_map(|command| Happening::Event(Event::Command { origin: Origin::Mqtt, command })),
        4 => properties_remote::command()
            .prop_map(|(origin, command)| Happening::Event(Event::Command { origin, command })),
        12 => media().prop_map(|event| Happening::Event(Event::Media(event))),
        8 => hardware().prop_map(|event| Happening::Event(Event::Hardware(event))),
        1 => (0u64..60, prop::option::of(Just("disk full".to_owned())))
            .prop_map(|(revision, error)| Happening::Event(Event::Persisted { revision, error })),
        3 => super::update_properties::any_event().prop_map(Happening::Event),
        8 => (0u64..1500).prop_map(|ms| Happening::After(1, Duration::from_millis(ms))),
        1 => (0u64..100_000).prop_map(|ms| Happening::After(1, Duration::from_millis(ms))),
        1 => (1usize..90).prop_map(|times| Happening::After(times, Duration::from_millis(1500))),
    ]
}

fn plan() -> impl Strategy<Value = Setup> {
    (0usize..=3, any::<[bool; 4]>()).prop_map(|(encoders, [audio, adaptive, passthrough, sub])| {
        let mut plan = setup();
        plan.encoders.truncate(encoders);
        plan.audio = audio;
        plan.adaptive.enabled = adaptive;
        plan.passthrough = passthrough;
        plan.sub = plan.sub.filter(|_| sub);
        plan
    })
}

/// What an observer of events and effects knows, and checks.
struct World {
    open: BTreeSet<DestinationName>,
    known: Known,
    shutdowns: usize,
}

impl World {
    fn check(&mut self, before: &State, event: &Event, after: &State, effects: &[Effect]) {
        self.check_wanted(before, event, after, effects);
        for effect in effects {
            self.check_effect(before, after, effect);
        }
        let there = after.actual.destinations.keys();
        let wanted: BTreeSet<DestinationName> = there
            .filter(|n| after.wanted.live && after.destination_enabled(n) == Some(true))
            .cloned()
            .collect();
        if !after.actual.ending {
            assert_eq!(self.open, wanted);
        }
        properties_hardware::check(before, event, after, effects);
        properties_remote::check(before, event, after);
        check_generation(before, after);
        check_opens(before, event, effects);
    }

    fn check_wanted(&self, before: &State, event: &Event, after: &State, effects: &[Effect]) {
        let saves: Vec<&Wanted> = effects
            .iter()
            .filter_map(|e| match e {
                Effect::Persist(wanted) => Some(wanted),
                _ => None,
            })
            .collect();
        let command = properties_hardware::command_of(before, event);
        let accepted = command.is_some_and(|(origin, command)| {
            matches!(
                decide(before, &command, origin),
                Decision::Accept | Decision::Keep(_)
            )
        });
        if before.wanted != after.wanted {
            let by_time = trial_ended(before, event, after) || countdown_over(before, event, after);
            assert!(accepted || by_time, "{event:?} changed what is wanted");
            assert_eq!(saves, [&after.wanted]);
            assert!(matches!(effects[0], Effect::Persist(_)), "saved first");
        } else if !saves.is_empty() {
            assert!(matches!(event, Event::Tick(_)), "only a retry saves again");
            assert!(matches!(
                before.actual.saved,
                super::actual::Saved::Failed { .. }
            ));
            assert_eq!(saves, [&after.wanted]);
        }
        if after.actual.ending && !before.actual.ending {
            assert!(saves.is_empty(), "nothing is saved any more");
        }
        if !accepted && matches!(event, Event::Command { .. }) {
            assert_eq!(before, after, "{event:?} was not accepted");
            assert!(effects.is_empty());
        }
    }

    fn check_effect(&mut self, before: &State, after: &State, effect: &Effect) {
        self.known.check(&after.setup, effect, &self.open);
        match effect {
            Effect::OpenDestination(n) => assert!(self.open.insert(n.clone()), "{n} opened twice"),
            Effect::CloseDestination(n) => assert!(self.open.remove(n), "{n} closed twice"),
            Effect::OpenEncoder {
                index,
                video,
                rendition,
            } => {
                assert!(*index < after.setup.encoders.len());
                if *rendition == Rendition::Main {
                    check_bitrate(after, video.bitrate);
                    assert!(
                        super::policy::check_video(&VideoSettings {
                            bitrate: 1_000_000,
                            ..video.clone()
                        })
                        .is_ok()
                    );
                }
            }
            Effect::SetBitrate { bitrate, .. } => {
                assert_ne!(*bitrate, before.actual.bitrate, "only on change");
                check_bitrate(after, *bitrate);
            }
            end if end.ends() => self.shutdowns += 1,
            _ => {}
        }
    }
}

fn check_bitrate(state: &State, bitrate: u32) {
    let wanted = state.video().bitrate;
    // A ceiling of a platform goes below the floor of advice.
    let live = (state.actual.destinations.iter()).filter(|(_, push)| push.is_live());
    let ceilings = live.filter_map(|(name, _)| state.max_bitrate(name));
    let ceiling = ceilings.min().unwrap_or(u32::MAX);
    let ceiling = ceiling.max(super::policy::MIN_BITRATE);
    let floor = state.setup.adaptive.floor.min(wanted).min(ceiling);
    assert!(
        (floor..=wanted).contains(&bitrate),
        "{bitrate} outside {floor}..={wanted}"
    );
}

fn check_generation(before: &State, after: &State) {
    let changed = before.wanted != after.wanted || before.actual != after.actual;
    assert_eq!(after.generation > before.generation, changed);
    assert!(after.generation >= before.generation);
    let quiet = |s: &State| Status {
        generation: 0,
        uptime_s: 0,
        ..Status::of(s)
    };
    if !changed {
        assert_eq!(quiet(before), quiet(after), "an unpublished change");
    }
}

/// A source is asked to open by time, once its wait is over; or by plugging while it is lost; or because its picture stands
/// still. An encoder is asked for only once the request before was
/// answered or overdue (or somebody changed the profile), and never twice in one step.
fn check_opens(before: &State, event: &Event, effects: &[Effect]) {
    check_encoder_opens(before, event, effects);
    for (source, class, effect) in [
        (
            &before.actual.camera,
            DeviceClass::Camera,
            Effect::OpenCamera,
        ),
        (&before.actual.mic, DeviceClass::Sound, Effect::OpenMic),
    ] {
        let asked = effects.iter().filter(|e| **e == effect).count();
        assert!(asked <= 1);
        if asked == 0 {
            continue;
        }
        let due = match (event, source) {
            (Event::Tick(now), Source::Lost { retry_at, .. }) => retry_at <= now,
            (Event::Hardware(HardwareEvent::Plugged(c)), Source::Lost { .. }) => *c == class,
            (Event::Media(MediaEvent::CameraStill(true)), Source::Up { .. }) => {
                class == DeviceClass::Camera
            }
            _ => false,
        };
        assert!(due, "{effect:?} asked from {source:?} by {event:?}");
    }
}

fn check_encoder_opens(before: &State, event: &Event, effects: &[Effect]) {
    for (rendition, encoder) in [
        (Rendition::Main, Some(&before.actual.main)),
        (Rendition::Sub, before.actual.sub.as_ref()),
    ] {
        let asked = effects
            .iter()
            .filter(|e| matches!(e, Effect::OpenEncoder { rendition: r, .. } if *r == rendition))
            .count();
        assert!(asked <= 1, "{effects:?}");
        let Some(encoder) = encoder.filter(|_| asked == 1) else {
            continue;
        };
        if rendition == Rendition::Main && properties_hardware::other_shape(before, effects) {
            continue;
        }
        let due = match (event, &encoder.session) {
            (Event::Command { command, .. }, _) => matches!(command, Command::ProfileSet { .. }),
            (Event::Tick(now), Session::Waiting { retry_at }) => retry_at <= now,
            (Event::Tick(now), Session::Opening { asked_at }) => {
                *now - *asked_at >= encoder::OPEN_LIMIT
            }
            (Event::Tick(now), Session::Up { since, .. }) => *now - *since >= encoder::STALL_LIMIT,
            (Event::Media(MediaEvent::EncoderFailed { .. }), session) => {
                !matches!(session, Session::Waiting { .. })
            }
            _ => false,
        };
        assert!(due, "{rendition:?} asked from {encoder:?} by {event:?}");
    }
}

/// Runs it all, checking each step; gives the last state and every effect.
fn play(plan: &Setup, live: bool, happenings: &[Happening]) -> (Rig, World, Vec<Effect>) {
    let (mut rig, mut all) = Rig::new(plan.clone(), live);
    let mut world = World {
        open: all
            .iter()
            .filter_map(|e| match e {
                Effect::OpenDestination(n) => Some(n.clone()),
                _ => None,
            })
            .collect(),
        known: Known::default(),
        shutdowns: 0,
    };
    let mut step = |event: Event| {
        let before = rig.state.clone();
        let effects = rig.event(event.clone());
        world.check(&before, &event, &rig.state, &effects);
        all.extend(effects);
        rig.state.now
    };
    let mut now = Duration::ZERO;
    for happening in happenings {
        match happening {
            Happening::Event(event) => now = step(event.clone()),
            Happening::After(times, time) => {
                for _ in 0..*times {
                    now = step(Event::Tick(now + *time));
                }
            }
        }
    }
    (rig, world, all)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_step_keeps_the_promises(plan in plan(), live: bool, happenings in vec(happening(), 0..120)) {
        let (rig, world, effects) = play(&plan, live, &happenings);
        prop_assert_eq!(world.shutdowns, usize::from(rig.state.actual.ending));
        // The same again gives the same.
        let (again, _, same) = play(&plan, live, &happenings);
        // NaN in a command never gets into the state, so plain comparison will do.
        prop_assert_eq!(again.state, rig.state);
        prop_assert_eq!(same, effects);
    }

    #[test]
    fn when_everything_comes_up_the_box_is_well(live: bool, happenings in vec(happening(), 0..120)) {
        let (mut rig, _, _) = play(&setup(), live, &happenings);
        // Long enough for two steps back after the longest heat.
        for _ in 0..110 {
            rig.all_up();
            calm(&mut rig);
            let next = rig.state.now + Duration::from_secs(20);
            rig.event(Event::Tick(next));
        }
        rig.all_up();
        let health = health(&rig.state);
        prop_assert!(health.severity <= Severity::Notice, "{:?}", health);
    }

    #[test]
    fn nothing_is_begun_after_shutdown(
        before in vec(happening(), 0..40),
        after in vec(happening(), 0..60),
    ) {
        let shutdown = Happening::Event(Event::Command { origin: Origin::Signal, command: Command::Shutdown });
        let mut happenings = before.clone();
        happenings.push(shutdown.clone());
        let (_, _, until) = play(&setup(), true, &happenings);
        happenings.extend(after);
        happenings.push(shutdown);
        let (rig, world, all) = play(&setup(), true, &happenings);
        prop_assert_eq!(world.shutdowns, 1);
        prop_assert_eq!(all.len(), until.len());
        prop_assert!(all.last().is_some_and(Effect::ends));
        prop_assert!(rig.state.actual.ending);
    }
}
