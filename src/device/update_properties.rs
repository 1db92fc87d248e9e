//! Random worlds against the promises of updates, in simulated time.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::command::Command;
use super::effect::Effect;
use super::event::{Event, MediaEvent, Rendition};
use super::testing::{Rig, secs};
use super::update::*;

/// What a second of a trial may bring beside frames.
#[derive(Debug, Clone)]
enum Mishap {
    Write(bool),
    Encoder,
    Camera,
    Live(bool),
    MarkFails,
    Order(bool),
    Frames(u64),
    Lost(u64),
}

fn mishap() -> impl Strategy<Value = Mishap> {
    prop_oneof![
        3 => prop::bool::weighted(0.7).prop_map(Mishap::Write),
        2 => Just(Mishap::Encoder),
        1 => Just(Mishap::Camera),
        2 => any::<bool>().prop_map(Mishap::Live),
        1 => Just(Mishap::MarkFails),
        1 => any::<bool>().prop_map(Mishap::Order),
        4 => prop_oneof![Just(30), 0u64..60].prop_map(Mishap::Frames),
        1 => (2u64..40).prop_map(Mishap::Lost),
    ]
}

/// Mishaps at random seconds, rare enough that some trials end well.
fn course() -> impl Strategy<Value = Vec<(u64, Mishap)>> {
    vec((0u64..500, mishap()), 0..9)
}

/// What an observer knows of the last two minutes, kept apart from the gate's own sums.
struct Witness {
    /// Frames of each second: when, how many.
    frames: Vec<(Duration, u64)>,
    /// The last thing that began a stretch anew.
    spoilt: Duration,
    data: Option<Duration>,
}

impl Witness {
    /// Whether the last 120 s went well, as far as anybody can tell from outside.
    fn well(&self, now: Duration) -> bool {
        let begin = now.saturating_sub(GATE);
        let seen: Vec<_> = self.frames.iter().filter(|(t, _)| *t > begin).collect();
        let sum: u64 = seen.iter().map(|(_, n)| n).sum();
        let stalled = seen.windows(21).any(|w| {
            // No window of the gate's lies wholly outside of 21 s in a row; all but stalls have some frames in there.
            w.iter().map(|(_, n)| n).sum::<u64>() == 0
        });
        now >= GATE
            && self.spoilt <= begin
            && sum * 100 >= 30 * 119 * 90
            && !stalled
            && self.data.is_some_and(|t| now - t <= secs(25))
    }
}

fn play(course: &[(u64, Mishap)], fps: u64) {
    let mut rig = Rig::up();
    let first = Starts {
        count: 1,
        first_ago: Duration::ZERO,
    };
    rig.event(Event::Update(UpdateEvent::Starts(first)));
    rig.event(Event::Update(UpdateEvent::Slots(Slots {
        booted: Slot::B,
        version: "2.0.0".into(),
        trial: true,
        other: Some("1.0.0".into()),
    })));
    let mut witness = Witness {
        frames: Vec::new(),
        spoilt: Duration::ZERO,
        data: None,
    };
    let (mut fps, mut marks, mut decided) = (fps, true, None);
    let mut asked = None;
    for n in 0..520 {
        let mut now = rig.state.now + secs(1);
        let mut effects = Vec::new();
        for (_, what) in course.iter().filter(|(at, _)| *at == n) {
            match what {
                Mishap::Write(yes) => {
                    if *yes {
                        witness.data = Some(rig.state.now);
                    } else {
                        witness.spoilt = rig.state.now;
                    }
                    effects.extend(rig.event(Event::Update(UpdateEvent::DataWritable(*yes))));
                }
                Mishap::Encoder => {
                    let name = rig.state.setup.encoders[rig.state.actual.main.index].clone();
                    effects.extend(rig.encoder_fails(&name));
                    rig.encoder_up(Rendition::Main);
                    witness.spoilt = rig.state.now;
                }
                Mishap::Camera => super::mishaps::camera(&mut rig),
                Mishap::Live(live) => effects.extend(rig.order(Command::LiveSet { live: *live })),
                Mishap::MarkFails => marks = false,
                Mishap::Order(force) => {
                    let source = "/x.raucb".to_owned();
                    let order = Command::UpdateInstall {
                        source,
                        force: *force,
                        downgrade: true,
                    };
                    let said = rig.order(order);
                    let begun = |e: &Effect| matches!(e, Effect::Update(UpdateStep::Install(_)));
                    let on_trial = rig.state.actual.update.on_trial();
                    assert!(
                        !(on_trial && said.iter().any(begun)),
                        "installed in a trial"
                    );
                }
                Mishap::Frames(n) => fps = *n,
                Mishap::Lost(s) => now += secs(*s),
            }
        }
        if rig.state.actual.ending || !rig.state.actual.update.on_trial() {
            break;
        }
        effects.extend(rig.event(Event::Tick(now)));
        if now.as_secs().is_multiple_of(10) {
            witness.data = Some(now);
            effects.extend(rig.event(Event::Update(UpdateEvent::DataWritable(true))));
        }
        let count = rig.state.actual.flow.main + fps;
        witness.frames.push((now, fps));
        for effect in effects {
            match effect {
                Effect::Update(UpdateStep::MarkGood) => {
                    assert!(witness.well(now), "kept at {now:?} in {course:?}");
                    asked.get_or_insert(now);
                    let event = if marks {
                        decided.get_or_insert(now);
                        UpdateEvent::MarkedGood
                    } else {
                        let reason = "no".into();
                        UpdateEvent::MarkFailed { reason }
                    };
                    rig.event(Event::Update(event));
                }
                Effect::Update(UpdateStep::RollBack { .. }) => {
                    assert!(decided.is_none(), "taken back after it was kept");
                    decided = Some(now);
                    rig.event(Event::Update(UpdateEvent::RolledBack));
                }
                Effect::Update(UpdateStep::Install(_)) => panic!("installed in a trial"),
                _ => {}
            }
        }
        // A failed encoder is up again at once, as in a world that works.
        if !rig.state.actual.main.is_up() {
            rig.encoder_up(Rendition::Main);
            witness.spoilt = now;
        }
        rig.media(MediaEvent::Flow {
            main: count,
            sub: count,
            audio: count,
        });
    }
    let decided = decided.expect("kept or taken back");
    // The answer to the last try to mark it is waited for.
    assert!(decided <= DEADLINE + secs(52), "decided at {decided:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_trial_is_kept_only_if_it_went_well_and_is_decided_by_the_deadline(
        course in course(),
        fps in prop_oneof![3 => Just(30u64), 1 => 0u64..40],
    ) {
        play(&course, fps);
    }

    #[test]
    fn progress_only_rises_and_nothing_is_installed_while_live(
        percents in vec(any::<u8>(), 1..40),
        live: bool,
        force: bool,
    ) {
        let mut rig = Rig::up();
        rig.event(Event::Update(UpdateEvent::Slots(Slots {
            booted: Slot::A,
            version: "1.0.0".into(),
            trial: false,
            other: None,
        })));
        rig.order(Command::LiveSet { live });
        let order = Command::UpdateInstall { source: "/x".into(), force, downgrade: false };
        let said = rig.order(order);
        prop_assert_eq!(said.is_empty(), live && !force);
        let mut before = 0;
        for percent in percents {
            rig.event(Event::Update(UpdateEvent::Progress { percent, step: String::new() }));
            if let Some(now) = UpdateStatus::of(&rig.state).percent {
                prop_assert!(now >= before && now <= 100);
                before = now;
            }
        }
    }
}
