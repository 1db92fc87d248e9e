//! What goes wrong, and right again, in tests.

use super::command::Command;
use super::control::ControlName;
use super::effect::Effect;
use super::event::*;
use super::testing::Rig;

pub fn live() -> Rig {
    let mut rig = Rig::up();
    rig.order(Command::LiveStart);
    rig.all_up();
    rig
}

pub fn camera(rig: &mut Rig) {
    rig.media(MediaEvent::CameraLost {
        reason: "Camera was unplugged".into(),
    });
}

pub fn encoder(rig: &mut Rig) {
    for e in ["v4l2h264enc", "x264enc", "openh264enc"] {
        rig.encoder_fails(e);
    }
}

pub fn key(rig: &mut Rig) {
    rig.destination(
        "youtube",
        DestinationState::KeyRejected {
            reason: "NetStream.Publish.BadName".into(),
        },
    );
}

pub fn away(rig: &mut Rig, who: &[&str]) {
    for n in who {
        rig.destination(
            n,
            DestinationState::Waiting {
                reason: "the connection broke".into(),
                retry_ms: 1,
            },
        );
    }
}

pub fn mic(rig: &mut Rig) {
    rig.media(MediaEvent::MicLost {
        reason: "USB Audio was unplugged".into(),
    });
}

pub fn level(rig: &mut Rig, state: LevelState) {
    rig.media(MediaEvent::Levels {
        channels: Vec::new(),
        state,
    });
}

pub fn unsaved(rig: &mut Rig) {
    rig.event(Event::Persisted {
        revision: rig.state.wanted.revision,
        error: Some("No space left on device".into()),
    });
}

/// The end of the mishap [`camera`].
pub fn camera_up(rig: &mut Rig) -> Vec<Effect> {
    rig.media(MediaEvent::CameraUp {
        description: "cam".into(),
    })
}

/// A control by name.
pub fn control(s: &str) -> ControlName {
    ControlName::new(s).unwrap()
}
