//! Latest values of events, one per subject: what keeps the supervisor's bounded queue from ever losing a state.
//!
//! Frequent events (levels, figures, flow) always come here. Rare ones come here when the queue is full, and from
//! then on, until this is drained, every event of that subject: so the last word about each subject arrives last.

use std::collections::BTreeMap;

use super::control::ControlName;
use super::event::{DeviceClass, Event, HardwareEvent, MediaEvent, Rendition};
use super::update::UpdateEvent;
use crate::config::DestinationName;

/// Most destinations of which events are kept; their names come from the configuration.
const MAX_DESTINATIONS: usize = 256;

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Camera,
    Still,
    Slate,
    Mic,
    Encoder(Rendition),
    Destination(DestinationName),
    Advice,
    Persisted,
    Plugged(DeviceClass),
    Controls,
    ControlFailed(ControlName),
    Mixer,
    MixerFailed,
    Power,
    LedFault,
    ButtonFault,
    Address,
    Temperature,
    Levels,
    Drift,
    Flow,
    Readers,
    Audience,
    Push(DestinationName),
    Update(u8),
}

/// The last event of each subject.
#[derive(Debug, Default)]
pub struct Latest {
    events: BTreeMap<Subject, Event>,
    replaced: u64,
}

/// Where an event must go.
#[derive(Debug, PartialEq)]
pub enum Route {
    /// Into the queue; if that is full, back to [`Latest::keep`].
    Queue(Event),
    /// It is kept here.
    Kept,
}

impl Latest {
    /// Takes an event in, unless it belongs in the queue.
    pub fn route(&mut self, event: Event) -> Route {
        match subject(&event) {
            Some((subject, frequent)) if frequent || self.events.contains_key(&subject) => {
                self.insert(subject, event);
                Route::Kept
            }
            _ => Route::Queue(event),
        }
    }

    /// Keeps an event for which the queue had no room. False when it cannot be kept: a command or a tick, which
    /// stand for nothing but themselves.
    #[must_use]
    pub fn keep(&mut self, event: Event) -> bool {
        match subject(&event) {
            Some((subject, _)) => self.insert(subject, event),
            None => false,
        }
    }

    fn insert(&mut self, subject: Subject, event: Event) -> bool {
        let full = self.events.len() >= 2 * MAX_DESTINATIONS;
        if full && !self.events.contains_key(&subject) {
            return false;
        }
        if self.events.insert(subject, event).is_some() {
            self.replaced = self.replaced.saturating_add(1);
        }
        true
    }

    /// Takes everything out, states before figures.
    pub fn drain(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events).into_values().collect()
    }

    /// Values that a newer one replaced before they were read.
    #[must_use]
    pub fn replaced(&self) -> u64 {
        self.replaced
    }
}

/// What an event about updates is about: one outcome replaces another, nothing else.
fn update_subject(event: &UpdateEvent) -> u8 {
    match event {
        UpdateEvent::Slots(_) => 0,
        UpdateEvent::Starts(_) => 1,
        UpdateEvent::TakenBack { .. } => 2,
        UpdateEvent::Found { .. } => 3,
        UpdateEvent::Progress { .. } => 4,
        UpdateEvent::DataWritable(_) => 5,
        UpdateEvent::MarkedGood | UpdateEvent::MarkFailed { .. } => 6,
        UpdateEvent::Installed { .. } | UpdateEvent::Failed { .. } => 7,
        UpdateEvent::RolledBack => 8,
    }
}

/// The subject of an event, and whether it comes so often that the queue is not for it.
fn subject(event: &Event) -> Option<(Subject, bool)> {
    let media = match event {
        Event::Media(media) => media,
        Event::Persisted { .. } => return Some((Subject::Persisted, false)),
        Event::Hardware(hardware) => return hardware_subject(hardware),
        Event::Update(update) => return Some((Subject::Update(update_subject(update)), false)),
        Event::Command { .. } | Event::Tick(_) | Event::Setup(_) => return None,
    };
    Some(match media {
        MediaEvent::CameraUp { .. } | MediaEvent::CameraLost { .. } => (Subject::Camera, false),
        MediaEvent::CameraStill(_) => (Subject::Still, false),
        MediaEvent::SlateOnAir(_) => (Subject::Slate, false),
        MediaEvent::MicUp { .. } | MediaEvent::MicLost { .. } => (Subject::Mic, false),
        MediaEvent::EncoderUp { rendition, .. } | MediaEvent::EncoderFailed { rendition, .. } => {
            (Subject::Encoder(*rendition), false)
        }
        MediaEvent::Destination { name, .. } => (Subject::Destination(name.clone()), false),
        MediaEvent::BitrateAdvised(_) => (Subject::Advice, false),
        MediaEvent::Levels { .. } => (Subject::Levels, true),
        MediaEvent::Drift { .. } => (Subject::Drift, true),
        MediaEvent::Flow { .. } => (Subject::Flow, true),
        MediaEvent::RtspReaders(_) => (Subject::Readers, true),
        MediaEvent::Audience(_) => (Subject::Audience, true),
        MediaEvent::Push { name, .. } => (Subject::Push(name.clone()), true),
    })
}

/// As [`subject`]. A press of the button is like a command: it stands for nothing but itself.
fn hardware_subject(event: &HardwareEvent) -> Option<(Subject, bool)> {
    Some(match event {
        HardwareEvent::Plugged(class) => (Subject::Plugged(*class), false),
        HardwareEvent::CameraControls(_) => (Subject::Controls, false),
        HardwareEvent::CameraControlFailed { control, .. } => {
            (Subject::ControlFailed(control.clone()), false)
        }
        HardwareEvent::MicMixer { .. } => (Subject::Mixer, false),
        HardwareEvent::MicMixerFailed { .. } => (Subject::MixerFailed, false),
        HardwareEvent::Temperature(_) => (Subject::Temperature, true),
        HardwareEvent::Power(_) => (Subject::Power, false),
        HardwareEvent::Button { .. } => return None,
        HardwareEvent::LedFault(_) => (Subject::LedFault, false),
        HardwareEvent::ButtonFault(_) => (Subject::ButtonFault, false),
        HardwareEvent::Address(_) => (Subject::Address, false),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(main: u64) -> Event {
        Event::Media(MediaEvent::Flow {
            main,
            sub: 0,
            audio: 0,
        })
    }

    fn camera_up() -> Event {
        Event::Media(MediaEvent::CameraUp {
            description: "cam".into(),
        })
    }

    fn camera_lost() -> Event {
        Event::Media(MediaEvent::CameraLost {
            reason: "gone".into(),
        })
    }

    #[test]
    fn frequent_events_keep_their_latest_value_only() {
        let mut latest = Latest::default();
        for n in 0..10_000 {
            assert_eq!(latest.route(flow(n)), Route::Kept);
        }
        assert_eq!(latest.drain(), [flow(9_999)]);
        assert_eq!(latest.replaced(), 9_999);
        assert!(latest.drain().is_empty());
    }

    #[test]
    fn a_rare_event_without_room_is_kept_and_newer_ones_follow_it() {
        let mut latest = Latest::default();
        assert_eq!(latest.route(camera_lost()), Route::Queue(camera_lost()));
        assert!(latest.keep(camera_lost()));
        // The queue may have room again: the newer word must not overtake the older one.
        assert_eq!(latest.route(camera_up()), Route::Kept);
        assert_eq!(latest.drain(), [camera_up()]);
        assert_eq!(latest.route(camera_up()), Route::Queue(camera_up()));
    }

    #[test]
    fn the_number_of_subjects_is_bounded() {
        let mut latest = Latest::default();
        for n in 0..10_000 {
            let name: DestinationName = format!("d{n}").parse().unwrap();
            let _ = latest.route(Event::Media(MediaEvent::Push {
                name,
                figures: crate::device::event::PushFigures::default(),
            }));
        }
        assert_eq!(latest.drain().len(), 2 * MAX_DESTINATIONS);
    }

    #[test]
    fn ticks_and_presses_cannot_be_kept() {
        use std::time::Duration;

        use crate::device::event::Gesture;

        let mut latest = Latest::default();
        assert!(!latest.keep(Event::Tick(Duration::ZERO)));
        for n in 0..3 {
            let press = Event::Hardware(HardwareEvent::Button {
                gesture: Gesture::Short,
                at: Duration::from_secs(n),
            });
            assert_eq!(latest.route(press.clone()), Route::Queue(press.clone()));
            assert!(!latest.keep(press));
        }
        assert!(latest.drain().is_empty());
    }

    #[test]
    fn temperatures_keep_their_latest_and_devices_do_not_replace_one_another() {
        let mut latest = Latest::default();
        let event = |e| Event::Hardware(e);
        for n in 0..100u8 {
            let reading = event(HardwareEvent::Temperature(f32::from(n)));
            assert_eq!(latest.route(reading), Route::Kept);
        }
        for class in [DeviceClass::Camera, DeviceClass::Sound] {
            let plugged = event(HardwareEvent::Plugged(class));
            assert_eq!(latest.route(plugged.clone()), Route::Queue(plugged.clone()));
            assert!(latest.keep(plugged));
        }
        assert_eq!(
            latest.drain(),
            [
                event(HardwareEvent::Plugged(DeviceClass::Camera)),
                event(HardwareEvent::Plugged(DeviceClass::Sound)),
                event(HardwareEvent::Temperature(99.0)),
            ]
        );
    }
}
