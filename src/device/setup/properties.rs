//! Random sequences of codes, presses, failures and time against what set-up promises.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::tests::{LIVE, NAMED, WIFI, plan};
use super::*;
use crate::device::command::{Command, Origin};
use crate::device::effect::Effect;
use crate::device::event::{Event, Gesture, HardwareEvent};
use crate::device::state::{State, Wanted, step};
use crate::device::status::Status;

const CODES: [&str; 6] = [
    WIFI,
    "WIFI:S:canary ssid is public;;",
    LIVE,
    NAMED,
    "BOOTHCAST:V:1;U:rtmp://other/live;K:canary-k2;C:canary-two;;",
    "BOOTHCAST:V:1;F:shops;;",
];

#[derive(Debug, Clone)]
enum Happening {
    Event(Event),
    /// What is wanted last is on disk, or is not.
    Saved(bool),
    After(Duration),
}

fn seen() -> impl Strategy<Value = SetupEvent> {
    let way = prop_oneof![Just(Way::Camera), Just(Way::Page)];
    (way, prop::sample::select(CODES.to_vec())).prop_map(|(way, text)| SetupEvent::Seen {
        way,
        code: text.parse().unwrap(),
    })
}

fn setup_event() -> impl Strategy<Value = SetupEvent> {
    prop_oneof![
        6 => seen(),
        1 => ".{0,30}".prop_map(|reason| SetupEvent::Unreadable { reason }),
        3 => Just(SetupEvent::Done),
        2 => ".{0,30}".prop_map(|reason| SetupEvent::Failed { reason }),
        1 => prop::option::of(".{0,30}").prop_map(SetupEvent::Network),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        2 => any::<bool>().prop_map(|open| Command::SetupOpen { open }),
        1 => Just(Command::LiveStop),
        1 => Just(Command::LiveStart),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    let gesture = prop::sample::select(vec![Gesture::Short, Gesture::Long]);
    prop_oneof![
        10 => setup_event().prop_map(|e| Happening::Event(Event::Setup(e))),
        3 => command().prop_map(|command| Happening::Event(Event::Command { origin: Origin::Cli, command })),
        3 => gesture.prop_map(|gesture| Happening::Event(Event::Hardware(HardwareEvent::Button {
            gesture,
            at: Duration::ZERO,
        }))),
        5 => prop::bool::weighted(0.8).prop_map(Happening::Saved),
        5 => (0u64..4000).prop_map(|ms| Happening::After(Duration::from_millis(ms))),
        1 => (0u64..700).prop_map(|s| Happening::After(Duration::from_secs(s))),
    ]
}

/// What the world was told last.
#[derive(Default)]
struct World {
    scan: bool,
    open: bool,
    steps: u32,
}

impl World {
    fn hears(&mut self, before: &State, effects: &[Effect]) {
        for effect in effects {
            let Effect::Setup(step) = effect else {
                continue;
            };
            match step {
                SetupStep::Scan(on) => assert_ne!(std::mem::replace(&mut self.scan, *on), *on),
                SetupStep::Open(on) => assert_ne!(std::mem::replace(&mut self.open, *on), *on),
                SetupStep::Join(_) | SetupStep::Adopt(_) => {
                    assert!(before.is_setup_open(), "a step while it was closed");
                    assert!(before.actual.setup.working.is_none(), "two at a time");
                    self.steps += 1;
                }
            }
        }
    }

    fn check(&self, after: &State) {
        if !after.actual.ending {
            assert_eq!(self.open, after.is_setup_open());
            assert_eq!(self.scan, after.is_setup_open() && after.setup.scan);
        }
    }
}

fn check(before: &State, event: &Event, after: &State, effects: &[Effect]) {
    if before.actual.ending {
        assert!(effects.is_empty(), "{effects:?} after the end");
    }
    let coded = matches!(event, Event::Setup(_));
    if coded && before.wanted != after.wanted {
        let adopted = matches!(
            before.actual.setup.working,
            Some(Working {
                task: Task::Adopt(_),
                ..
            })
        );
        assert!(before.is_setup_open() || adopted, "closed, and it acted");
        assert!(matches!(effects[0], Effect::Persist(_)), "saved first");
        assert!(after.wanted.claimed);
    }
    if let Some(claim) = &before.wanted.claim {
        assert_eq!(after.wanted.claim.as_ref(), Some(claim), "whose box it is");
    }
    assert!(after.wanted.claimed || !before.wanted.claimed, "for good");
    let left = |t: Option<Duration>| t.map_or(Duration::ZERO, |t| t.saturating_sub(after.now));
    let setup = &after.actual.setup;
    assert!(left(setup.open_until) <= OPEN_FOR);
    assert!(left(setup.restart_at) <= RESTART_AFTER);
    // A confirmation of what is to be kept stands only for what is on disk.
    let yes = |s: &State| matches!(s.actual.setup.blink, Some((Blink::Yes, _)));
    if !yes(before) && yes(after) && before.actual.setup.last != setup.last {
        let joined = setup.last.as_ref().is_some_and(|l| l.joined.is_some());
        assert!(joined || after.actual.saved == crate::device::actual::Saved::Yes);
    }
    if effects.contains(&Effect::Restart) {
        assert!(before.actual.setup.restart_at.is_some());
    }
}

fn no_secrets(state: &State) {
    let status = serde_json::to_string(&Status::of(state)).unwrap();
    let wanted = serde_json::to_string(&state.wanted).unwrap();
    let all = format!("{state:?} {status} {wanted}");
    for secret in ["correct horse", "canary-k", "token-one", "canary-two"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}

fn play(happenings: Vec<Happening>) -> (State, World) {
    let (mut state, effects) = State::new(plan(), Wanted::new(false)).start(Duration::ZERO);
    let mut world = World::default();
    world.hears(&state, &effects);
    for (n, happening) in happenings.into_iter().enumerate() {
        let event = match happening {
            Happening::Event(event) => event,
            Happening::Saved(well) => Event::Persisted {
                revision: state.wanted.revision,
                error: (!well).then(|| "disk full".to_owned()),
            },
            Happening::After(time) => Event::Tick(state.now + time),
        };
        let before = state.clone();
        let (after, effects) = step(state, event.clone());
        check(&before, &event, &after, &effects);
        world.hears(&before, &effects);
        world.check(&after);
        // All that is said of a state is long.
        if n % 8 == 0 {
            no_secrets(&after);
        }
        state = after;
    }
    no_secrets(&state);
    (state, world)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_happens_set_up_keeps_its_promises(happenings in vec(happening(), 1..60)) {
        let (mut state, _) = play(happenings);
        // And nothing of it goes on for ever.
        let saved = Event::Persisted { revision: state.wanted.revision, error: None };
        state = step(state, saved).0;
        for _ in 0..4 {
            let later = state.now + OPEN_FOR;
            state = step(state, Event::Tick(later)).0;
        }
        let setup = &state.actual.setup;
        if !state.actual.ending {
            prop_assert!(setup.blink.is_none() && setup.open_until.is_none() && setup.restart_at.is_none());
            prop_assert!(setup.working.is_none());
            prop_assert!(setup.note.as_ref().is_none_or(|n| n.until.is_none()));
        }
    }

    #[test]
    fn a_code_before_the_camera_does_not_make_it_busy(
        text in prop::sample::select(CODES.to_vec()), good: bool, sights in 1u32..60,
    ) {
        let mut happenings = Vec::new();
        for _ in 0..sights {
            happenings.push(Happening::Event(Event::Setup(SetupEvent::Seen { way: Way::Camera, code: text.parse().unwrap() })));
            happenings.push(Happening::Event(Event::Setup(if good {
                SetupEvent::Done
            } else {
                SetupEvent::Failed { reason: "no".into() }
            })));
            happenings.push(Happening::After(Duration::from_millis(330)));
        }
        let (_, world) = play(happenings);
        let most = if good { 1 } else { 1 + sights * 330 / 5000 };
        prop_assert!(world.steps <= most, "{} steps", world.steps);
    }
}
