//! Effects that wait until the world takes them. A newer effect replaces an older one of the same kind, so the queue is
//! bounded by the number of things that there are, however long the world is busy.
//!
//! What an effect replaces never changes the outcome: the world ends where it would have ended with all of them.

use std::collections::VecDeque;

use super::effect::Effect;
use super::setup::SetupStep;
use super::update::UpdateStep;

/// Effects in the order in which they must be carried out.
#[derive(Debug, Default)]
pub struct EffectQueue(VecDeque<Effect>);

impl EffectQueue {
    /// Adds an effect at the end and removes what it makes needless.
    pub fn push(&mut self, effect: Effect) {
        // Stays in front of the effects that followed it: saved before done, known before opened.
        if let Some(older) = self.0.iter_mut().find(|e| keeps_its_place(&effect, e)) {
            *older = effect;
            return;
        }
        self.0.retain(|older| !replaces(&effect, older));
        self.0.push_back(effect);
    }

    /// The next effect.
    pub fn pop(&mut self) -> Option<Effect> {
        self.0.pop_front()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

fn keeps_its_place(new: &Effect, old: &Effect) -> bool {
    match (new, old) {
        (Effect::Persist(_), Effect::Persist(_)) => true,
        (Effect::SetDestination(new), Effect::SetDestination(old)) => new.name == old.name,
        _ => false,
    }
}

fn replaces(new: &Effect, old: &Effect) -> bool {
    match (new, old) {
        (Effect::OpenCamera, Effect::OpenCamera)
        | (Effect::OpenMic, Effect::OpenMic)
        | (Effect::SlateText(_), Effect::SlateText(_))
        | (Effect::SetMute(_), Effect::SetMute(_))
        | (Effect::SetGain(_), Effect::SetGain(_))
        | (Effect::SetAudioOffset(_), Effect::SetAudioOffset(_))
        | (Effect::Identify, Effect::Identify)
        | (Effect::SetMicVolume(_), Effect::SetMicVolume(_))
        | (Effect::SetMicSwitch(_), Effect::SetMicSwitch(_))
        | (Effect::ShowStage(_), Effect::ShowStage(_))
        | (Effect::Update(UpdateStep::MarkGood), Effect::Update(UpdateStep::MarkGood))
        | (
            Effect::Update(UpdateStep::RollBack { .. }),
            Effect::Update(UpdateStep::RollBack { .. }),
        )
        | (Effect::FactoryReset, Effect::FactoryReset)
        | (Effect::Restart, Effect::Restart)
        | (Effect::Reboot, Effect::Reboot)
        | (Effect::Setup(SetupStep::Scan(_)), Effect::Setup(SetupStep::Scan(_)))
        | (Effect::Setup(SetupStep::Open(_)), Effect::Setup(SetupStep::Open(_)))
        // Nobody waits for the older one any more: the core asks for one at a time, and gives up after a minute.
        | (Effect::Setup(SetupStep::Join(_)), Effect::Setup(SetupStep::Join(_)))
        | (Effect::Setup(SetupStep::Adopt(_)), Effect::Setup(SetupStep::Adopt(_)))
        | (Effect::Shutdown, Effect::Shutdown) => true,
        // At the end, not in its place: the automatic that governs it may have been set in between.
        (
            Effect::SetCameraControl { control: new, .. },
            Effect::SetCameraControl { control: old, .. },
        ) => new == old,
        // An encoder is opened with its bitrate.
        (
            Effect::OpenEncoder { rendition: new, .. },
            Effect::OpenEncoder { rendition: old, .. } | Effect::SetBitrate { rendition: old, .. },
        )
        | (Effect::SetBitrate { rendition: new, .. }, Effect::SetBitrate { rendition: old, .. }) => {
            new == old
        }
        // Close then open stays a pair: the push must begin anew.
        (Effect::OpenDestination(new), Effect::OpenDestination(old))
        | (
            Effect::CloseDestination(new),
            Effect::OpenDestination(old) | Effect::CloseDestination(old),
        ) => new == old,
        (Effect::SetDestination(new), Effect::ForgetDestination(old)) => new.name == *old,
        (Effect::ForgetDestination(new), Effect::SetDestination(old)) => *new == old.name,
        (Effect::ForgetDestination(new), Effect::ForgetDestination(old)) => new == old,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::control::ControlName;
    use crate::device::event::Rendition;
    use crate::device::state::Wanted;

    fn all(queue: &mut EffectQueue) -> Vec<Effect> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn saved_before_done_even_when_merged() {
        let mut q = EffectQueue::default();
        q.push(Effect::Persist(Wanted::new(false)));
        q.push(Effect::SetMute(true));
        q.push(Effect::Persist(Wanted::new(true)));
        q.push(Effect::SetMute(false));
        assert_eq!(
            all(&mut q),
            [Effect::Persist(Wanted::new(true)), Effect::SetMute(false)]
        );
    }

    #[test]
    fn a_destination_closed_and_opened_begins_anew() {
        let a = || "a".parse().unwrap();
        let mut q = EffectQueue::default();
        for _ in 0..50 {
            q.push(Effect::CloseDestination(a()));
            q.push(Effect::OpenDestination(a()));
        }
        assert_eq!(
            all(&mut q),
            [Effect::CloseDestination(a()), Effect::OpenDestination(a())]
        );
        q.push(Effect::OpenDestination(a()));
        q.push(Effect::CloseDestination(a()));
        assert_eq!(all(&mut q), [Effect::CloseDestination(a())]);
    }

    #[test]
    fn a_destination_is_known_before_it_is_opened_and_forgotten_last() {
        let name = || "a".parse::<crate::config::DestinationName>().unwrap();
        let set = |key: &str| {
            Effect::SetDestination(crate::config::Destination {
                name: name(),
                url: "rtmp://h/live".parse().unwrap(),
                key: crate::config::Secret::new(key),
                enabled: true,
                max_bitrate: None,
                tls_ca: std::path::PathBuf::new(),
            })
        };
        let (open, close) = (
            || Effect::OpenDestination(name()),
            || Effect::CloseDestination(name()),
        );
        let mut q = EffectQueue::default();
        for effect in [set("1"), open(), set("2")] {
            q.push(effect);
        }
        assert_eq!(all(&mut q), [set("2"), open()]);
        for effect in [set("1"), open(), close(), set("2"), open()] {
            q.push(effect);
        }
        assert_eq!(all(&mut q), [set("2"), close(), open()]);
        let forget = || Effect::ForgetDestination(name());
        for effect in [set("1"), open(), close(), forget()] {
            q.push(effect);
        }
        assert_eq!(all(&mut q), [close(), forget()]);
        for effect in [close(), forget(), set("3"), open()] {
            q.push(effect);
        }
        assert_eq!(all(&mut q), [close(), set("3"), open()]);
    }

    #[test]
    fn the_newest_stage_is_shown() {
        let show = |text: &str| {
            Effect::ShowStage(Box::new(crate::device::stage::Stage {
                banner: Some(text.into()),
                ..Default::default()
            }))
        };
        let mut q = EffectQueue::default();
        for n in 0..50 {
            q.push(show(&n.to_string()));
        }
        assert_eq!(all(&mut q), [show("49")]);
    }

    #[test]
    fn renditions_do_not_replace_one_another() {
        let set = |rendition, bitrate| Effect::SetBitrate { rendition, bitrate };
        let mut q = EffectQueue::default();
        q.push(set(Rendition::Main, 1));
        q.push(set(Rendition::Sub, 2));
        q.push(set(Rendition::Main, 3));
        assert_eq!(q.len(), 2);
        assert_eq!(
            all(&mut q),
            [set(Rendition::Sub, 2), set(Rendition::Main, 3)]
        );
        assert!(q.is_empty());
    }

    #[test]
    fn a_control_set_again_follows_the_automatic_that_governs_it() {
        let set = |control: &str, value| Effect::SetCameraControl {
            control: ControlName::new(control).unwrap(),
            value,
        };
        let mut q = EffectQueue::default();
        q.push(set("exposure", 5));
        q.push(set("auto_exposure", 1));
        q.push(set("exposure", 9));
        assert_eq!(all(&mut q), [set("auto_exposure", 1), set("exposure", 9)]);
    }
}
