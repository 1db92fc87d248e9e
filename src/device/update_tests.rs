use super::*;
use crate::device::command::Command;
use crate::device::event::{Event, MediaEvent, Rendition};
use crate::device::health::Severity;
use crate::device::led::LedPattern;
use crate::device::policy::{Decision, DenialCode, decide};
use crate::device::testing::{Rig, secs};
use crate::device::update_gate::MOST_STARTS;

fn slots(trial: bool) -> Slots {
    Slots {
        booted: Slot::B,
        version: "1.2.0".into(),
        trial,
        other: Some("1.1.0".into()),
    }
}

fn told(rig: &mut Rig, event: UpdateEvent) -> Vec<Effect> {
    rig.event(Event::Update(event))
}

/// A box with slots, not on trial.
fn kept() -> Rig {
    let mut rig = Rig::up();
    told(&mut rig, UpdateEvent::Slots(slots(false)));
    rig
}

/// A box on trial, whose data partition takes writes.
fn trial() -> Rig {
    let mut rig = Rig::up();
    let starts = Starts {
        count: 1,
        first_ago: Duration::ZERO,
    };
    told(&mut rig, UpdateEvent::Starts(starts));
    told(&mut rig, UpdateEvent::Slots(slots(true)));
    rig
}

fn install(source: &str, force: bool) -> Command {
    Command::UpdateInstall {
        source: source.into(),
        force,
        downgrade: false,
    }
}

fn denied(rig: &Rig, command: &Command) -> DenialCode {
    match decide(&rig.state, command, crate::device::command::Origin::Cli) {
        Decision::Deny(denial) => denial.code,
        other => panic!("{other:?}"),
    }
}

/// A second goes by with so many frames; each tenth second the data partition takes a write.
fn second(rig: &mut Rig, frames: u64) -> Vec<Effect> {
    let now = rig.state.now + secs(1);
    let mut effects = rig.event(Event::Tick(now));
    if now.as_secs().is_multiple_of(10) {
        effects.extend(told(rig, UpdateEvent::DataWritable(true)));
    }
    let f = rig.state.actual.flow.clone();
    effects.extend(rig.media(MediaEvent::Flow {
        main: f.main + frames,
        sub: f.sub + frames,
        audio: f.audio + 47,
    }));
    effects
}

fn seconds(rig: &mut Rig, n: u64, frames: u64) -> Vec<UpdateStep> {
    let mut out = Vec::new();
    for _ in 0..n {
        out.extend(steps(second(rig, frames)));
    }
    out
}

fn steps(effects: Vec<Effect>) -> Vec<UpdateStep> {
    let steps = effects.into_iter().filter_map(|e| match e {
        Effect::Update(step) => Some(step),
        _ => None,
    });
    steps.collect()
}

#[test]
fn a_version_that_does_well_for_two_minutes_is_kept() {
    let mut rig = trial();
    let early = seconds(&mut rig, 120, 30);
    assert_eq!(early, []);
    let then = seconds(&mut rig, 25, 30);
    assert_eq!(then.first(), Some(&UpdateStep::MarkGood), "{then:?}");
    told(&mut rig, UpdateEvent::MarkedGood);
    let status = UpdateStatus::of(&rig.state);
    assert_eq!((status.state, status.trial), (UpdateWord::Idle, false));
    assert_eq!(status.ended, Some(Outcome::Kept));
    assert_eq!(seconds(&mut rig, 600, 30), []);
}

#[test]
fn what_people_read_and_see_during_a_trial() {
    let mut rig = trial();
    seconds(&mut rig, 95, 30);
    let health = crate::device::health::health(&rig.state);
    assert_eq!(
        health.sentence,
        "New version 1.2.0 on trial: 80 of 120 s went well."
    );
    assert_eq!(health.led, LedPattern::Updating);
    assert_eq!(health.severity, Severity::Notice);
}

#[test]
fn ninety_five_per_cent_are_enough_and_less_are_not() {
    let mut rig = trial();
    // 28.5 of 30 a second.
    let mut all = Vec::new();
    for n in 0..140 {
        all.extend(steps(second(&mut rig, 28 + n % 2)));
    }
    assert_eq!(all.first(), Some(&UpdateStep::MarkGood));
    let mut rig = trial();
    assert_eq!(seconds(&mut rig, 300, 28), []);
    let why = rig.state.actual.update.gate.why.clone().unwrap();
    assert!(why.contains("frames went out"), "{why}");
}

#[test]
fn a_stall_cannot_hide_in_the_mean() {
    // 60 a second make up for eight seconds without any, in the mean of two minutes.
    let mut rig = trial();
    seconds(&mut rig, 60, 60);
    seconds(&mut rig, 8, 0);
    let steps = seconds(&mut rig, 70, 60);
    assert_eq!(steps, [], "the stretch began anew");
    assert!(rig.state.actual.update.gate.well_s < 80);
}

#[test]
fn a_write_that_fails_or_is_not_heard_of_begins_the_stretch_anew() {
    let mut rig = trial();
    seconds(&mut rig, 100, 30);
    told(&mut rig, UpdateEvent::DataWritable(false));
    assert_eq!(rig.state.actual.update.gate.well_s, 0);
    assert_eq!(seconds(&mut rig, 60, 30), []);
    // From here on nothing is written any more.
    for _ in 0..40 {
        let now = rig.state.now + secs(1);
        rig.event(Event::Tick(now));
        rig.flow();
    }
    assert_eq!(rig.state.actual.update.gate.well_s, 0);
}

#[test]
fn an_encoder_that_begins_anew_begins_the_stretch_anew() {
    let mut rig = trial();
    seconds(&mut rig, 100, 30);
    rig.encoder_fails("v4l2h264enc");
    rig.encoder_up(Rendition::Main);
    assert_eq!(seconds(&mut rig, 100, 30), []);
    let steps = seconds(&mut rig, 40, 30);
    assert_eq!(steps.first(), Some(&UpdateStep::MarkGood));
}

#[test]
fn a_camera_that_is_not_there_says_nothing_about_a_version() {
    let mut rig = trial();
    crate::device::mishaps::camera(&mut rig);
    let steps = seconds(&mut rig, 150, 30);
    assert_eq!(steps.first(), Some(&UpdateStep::MarkGood));
}

#[test]
fn without_frames_the_old_version_returns_at_the_deadline() {
    let mut rig = trial();
    let begun = rig.state.now;
    let mut found = Vec::new();
    while found.is_empty() {
        assert!(rig.state.now - begun < DEADLINE + secs(2));
        found = steps(second(&mut rig, 3));
    }
    assert!(rig.state.now - begun >= DEADLINE - secs(2));
    let [UpdateStep::RollBack { reason }] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert!(reason.contains("frames"), "{reason}");
    let effects = told(&mut rig, UpdateEvent::RolledBack);
    assert_eq!(effects.last(), Some(&Effect::Reboot));
    assert!(rig.state.actual.ending);
}

#[test]
fn a_late_answer_does_not_start_the_machine_anew_twice() {
    let mut rig = trial();
    rig.event(Event::Command {
        origin: crate::device::command::Origin::Cli,
        command: Command::UpdateRollback { force: true },
    });
    let effects = rig.event(Event::Tick(rig.state.now + LEAVE_LIMIT));
    assert_eq!(effects.last(), Some(&Effect::Reboot));
    assert!(told(&mut rig, UpdateEvent::RolledBack).is_empty());
}

#[test]
fn time_before_this_start_of_the_service_counts() {
    let mut rig = trial();
    let starts = Starts {
        count: 2,
        first_ago: DEADLINE - secs(30),
    };
    told(&mut rig, UpdateEvent::Starts(starts));
    let steps = seconds(&mut rig, 31, 30);
    assert!(matches!(
        steps.as_slice(),
        [UpdateStep::RollBack { .. }, ..]
    ));
}

#[test]
fn a_service_that_was_started_again_three_times_has_no_hope() {
    let mut rig = trial();
    let starts = Starts {
        count: MOST_STARTS,
        first_ago: secs(20),
    };
    told(&mut rig, UpdateEvent::Starts(starts));
    let found = steps(second(&mut rig, 30));
    assert!(matches!(
        found.as_slice(),
        [UpdateStep::RollBack { reason }] if reason.contains("4 times")
    ));
    // Nobody answers: the machine starts anew all the same.
    let mut ended = false;
    for _ in 0..40 {
        ended |= second(&mut rig, 30).contains(&Effect::Reboot);
    }
    assert!(ended);
}

#[test]
fn marking_that_fails_is_tried_again_until_the_deadline() {
    let mut rig = trial();
    let mut asked = 0;
    let mut back = Vec::new();
    for _ in 0..500 {
        for step in steps(second(&mut rig, 30)) {
            match step {
                UpdateStep::MarkGood => {
                    asked += 1;
                    let reason = "the loader's state is read-only".into();
                    told(&mut rig, UpdateEvent::MarkFailed { reason });
                }
                other => back.push(other),
            }
        }
    }
    assert!(asked > 20, "{asked}");
    assert!(
        matches!(back.as_slice(), [UpdateStep::RollBack { reason }] if reason.contains("read-only"))
    );
}

#[test]
fn an_installation_from_order_to_restart() {
    let mut rig = kept();
    let effects = rig.order(install("/data/x.raucb", false));
    assert!(matches!(
        effects.as_slice(),
        [Effect::Update(UpdateStep::Install(i))] if i.source == "/data/x.raucb"
    ));
    let version = "1.3.0".to_owned();
    told(
        &mut rig,
        UpdateEvent::Found {
            version: version.clone(),
        },
    );
    for percent in [20, 43, 41] {
        let step = "copying".into();
        told(&mut rig, UpdateEvent::Progress { percent, step });
    }
    assert_eq!(rig.health().1, "Installing version 1.3.0: 43 %.");
    told(&mut rig, UpdateEvent::Installed { version });
    let mut effects = Vec::new();
    for _ in 0..5 {
        effects.extend(second(&mut rig, 30));
    }
    assert!(effects.contains(&Effect::Reboot));
}

#[test]
fn the_show_goes_first() {
    let mut rig = kept();
    rig.order(Command::LiveStart);
    let plain = install("/data/x.raucb", false);
    assert_eq!(denied(&rig, &plain), DenialCode::Live);
    rig.order(Command::LiveStop);
    rig.order(plain);
    rig.order(Command::LiveStart);
    let version = "1.3.0".to_owned();
    told(&mut rig, UpdateEvent::Installed { version });
    for _ in 0..200 {
        assert!(!second(&mut rig, 30).contains(&Effect::Reboot));
    }
    assert_eq!(
        UpdateStatus::of(&rig.state).note.as_deref(),
        Some("Version 1.3.0 is installed and starts when the show has ended.")
    );
    rig.order(Command::LiveStop);
    assert!(second(&mut rig, 30).contains(&Effect::Reboot));
}

#[test]
fn by_force_also_while_live() {
    let mut rig = kept();
    rig.order(Command::LiveStart);
    rig.all_up();
    assert_eq!(rig.order(install("/x.raucb", true)).len(), 1);
    let version = "1.3.0".to_owned();
    told(&mut rig, UpdateEvent::Installed { version });
    let mut effects = Vec::new();
    for _ in 0..5 {
        effects.extend(second(&mut rig, 30));
    }
    assert!(effects.contains(&Effect::Reboot));
}

#[test]
fn who_is_denied_and_why() {
    let rig = Rig::up();
    let plain = install("/x.raucb", true);
    assert_eq!(denied(&rig, &plain), DenialCode::Unsupported);
    for force in [true, false] {
        let back = Command::UpdateRollback { force };
        assert_eq!(denied(&rig, &back), DenialCode::Unsupported);
    }
    let on_trial = trial();
    assert_eq!(denied(&on_trial, &plain), DenialCode::Busy);
    let back = Command::UpdateRollback { force: false };
    assert_eq!(denied(&on_trial, &back), DenialCode::Busy);
    let mut busy = kept();
    busy.order(plain.clone());
    assert_eq!(denied(&busy, &plain), DenialCode::Busy);
    assert_eq!(denied(&busy, &back), DenialCode::Busy);
    for source in [
        "",
        "x.raucb",
        "file://x",
        "https://",
        "http:// x",
        "ftp://h/x",
        "/x\n",
        &"/".repeat(1025),
    ] {
        assert_eq!(
            denied(&kept(), &install(source, false)),
            DenialCode::Invalid,
            "{source}"
        );
    }
    for source in ["/x", "file:///x", "http://10.0.0.1:8/x", "https://h/x?y"] {
        assert!(crate::device::update_policy::check_source(source).is_ok());
    }
}

#[test]
fn an_installation_that_fails_is_told_for_a_while_and_changes_nothing() {
    let mut rig = kept();
    rig.order(install("/x.raucb", false));
    let reason = "The bundle /x.raucb is not there. Check the path".to_owned();
    told(&mut rig, UpdateEvent::Failed { reason });
    let (severity, sentence) = rig.health();
    assert_eq!(severity, Severity::Warning);
    assert_eq!(
        sentence,
        "The bundle /x.raucb is not there. Check the path."
    );
    assert_eq!(seconds(&mut rig, 605, 30), []);
    assert_eq!(rig.health().0, Severity::Ok);
    assert_eq!(UpdateStatus::of(&rig.state).ended, Some(Outcome::Failed));
    assert_eq!(rig.order(install("/x.raucb", false)).len(), 1);
}

#[test]
fn a_version_that_was_taken_back_is_told_after_the_restart() {
    let mut rig = kept();
    let event = |fresh| UpdateEvent::TakenBack {
        version: "1.3.0".into(),
        reason: "it did not start".into(),
        fresh,
    };
    told(&mut rig, event(true));
    assert_eq!(
        rig.health().1,
        "Version 1.3.0 was taken back: it did not start."
    );
    let mut later = kept();
    told(&mut later, event(false));
    assert_eq!(later.health().0, Severity::Ok);
    let status = UpdateStatus::of(&later.state);
    assert_eq!(status.ended_version.as_deref(), Some("1.3.0"));
}

#[test]
fn back_to_the_other_slot_on_purpose() {
    let mut rig = kept();
    let effects = rig.order(Command::UpdateRollback { force: false });
    assert_eq!(effects, [Effect::Update(UpdateStep::UseOther)]);
    let mut rig = trial();
    let effects = rig.order(Command::UpdateRollback { force: true });
    assert!(matches!(
        effects.as_slice(),
        [Effect::Update(UpdateStep::RollBack { .. })]
    ));
    // Marked good too late: bad counts.
    assert_eq!(told(&mut rig, UpdateEvent::MarkedGood), []);
    assert_eq!(UpdateStatus::of(&rig.state).state, UpdateWord::GoingBack);
}
