//! The settings that are in force, as they are reported: the same words in which an operator writes them. Sent back as they
//! are, they change nothing.

use super::settings::{AudioSettings, DesiredReport, DestinationSettings, MicSettings, Settings};
use super::state::State;
use super::status::{DestinationStatus, Status};
use crate::config::{Profile, VideoSettings};

impl Status {
    /// The settings that are in force. Stream keys never, and no address that may hold one.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let profile = profile(&self.wanted_video);
        let open = self.controls.iter().map(|c| (&c.info.control, &c.wanted));
        let kept = self.kept_controls.iter();
        let camera = open
            .filter_map(|(control, wanted)| Some((control.clone(), Some(wanted.clone()?))))
            .chain(kept.map(|k| (k.control.clone(), Some(k.wanted.clone()))));
        let destinations = self.destinations.iter();
        Settings {
            live: Some(self.live),
            profile: Some(profile),
            video: (profile == Profile::Custom).then(|| self.wanted_video.clone()),
            bitrate: Some(self.wanted_video.bitrate),
            audio: self.sound.as_ref().map(|sound| AudioSettings {
                muted: Some(sound.muted),
                gain_db: Some(sound.gain_db),
                offset_ms: Some(sound.offset_ms),
            }),
            mic: self.mixer.as_ref().map(|mixer| MicSettings {
                percent: mixer.wanted_percent,
                on: mixer.wanted_on,
            }),
            camera: Some(camera.collect()),
            destinations: Some(
                destinations
                    .map(|d| (d.name.clone(), Some(settings(d))))
                    .collect(),
            ),
            groups: Some(self.groups.clone()),
        }
    }
}

/// The named profile of these numbers, whatever their bitrate.
fn profile(video: &VideoSettings) -> Profile {
    let named = [Profile::P1080, Profile::P720, Profile::P480];
    let found = named.into_iter().find(|profile| {
        let (width, height, fps, _) = profile.numbers();
        (width, height, fps) == (video.width, video.height, video.fps)
    });
    found.unwrap_or(Profile::Custom)
}

fn settings(destination: &DestinationStatus) -> DestinationSettings {
    DestinationSettings {
        // One of which a part is hidden is no address any more.
        url: destination.url.as_deref().and_then(|url| url.parse().ok()),
        key: None,
        enabled: Some(destination.enabled),
        max_bitrate: destination.max_bitrate,
    }
}

pub(super) fn desired(state: &State) -> Option<DesiredReport> {
    let desired = state.wanted.desired.as_ref()?;
    Some(DesiredReport {
        version: desired.version,
        errors: desired.errors.clone(),
        trial: state.wanted.trial.is_some(),
        rolled_back: desired.rolled_back.clone(),
    })
}
