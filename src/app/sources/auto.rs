//! What `auto` means, each time a source is opened.
//!
//! ```text
//!             a camera is there              it is lost
//!   test  ──────────────────────> camera ──────────────> slate, until a camera is there again
//!   picture                          ^───────────────────┘
//! ```
//!
//! A box that is switched on without a camera shows the test picture, and takes the camera that is plugged in later. From then on a lost camera
//! stays a lost camera: nobody wants a test picture in the middle of a show. The sound goes the same way; the test
//! tone only ever goes with a test picture.

use std::sync::{Arc, Mutex, MutexGuard};

use crate::error::Error;
use crate::media::sync::lock;

#[derive(Debug, Default)]
struct State {
    had_camera: bool,
    had_card: bool,
    /// Why the test picture stands in for a camera.
    picture: Option<String>,
    /// The test tone stands in for a card.
    sound: bool,
}

/// What stands in for what, as `auto` decided last. Shared by the resolvers and the hot-plug watch.
#[derive(Debug, Clone, Default)]
pub struct StandIn(Arc<Mutex<State>>);

impl StandIn {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }

    /// Why the test picture stands in for a camera; `None`: it does not.
    #[must_use]
    pub fn picture(&self) -> Option<String> {
        self.state().picture.clone()
    }

    /// Whether the test tone stands in for a sound card.
    #[must_use]
    pub fn sound(&self) -> bool {
        self.state().sound
    }

    /// A camera is there, whether or not it can be used just now.
    pub(in crate::app) fn camera_found(&self) {
        let mut state = self.state();
        state.had_camera = true;
        state.picture = None;
    }

    /// No camera: whether the test picture may stand in. Not for a camera that was there once, nor for one that is there
    /// and busy, or forbidden: the slate says so then, and it is tried again and again.
    pub(super) fn without_camera(&self, problem: &Error) -> bool {
        let mut state = self.state();
        state.had_camera |= !super::is_none(problem);
        state.picture =
            (!state.had_camera).then(|| problem.message().trim_end_matches('.').to_owned());
        state.picture.is_some()
    }

    /// Another source than test picture and camera.
    pub(super) fn other_picture(&self) {
        self.state().picture = None;
    }

    /// A card is there.
    pub(super) fn card_found(&self) {
        let mut state = self.state();
        state.had_card = true;
        state.sound = false;
    }

    /// No card: whether the test tone may stand in. `tested`: the picture is a test picture because it was asked for.
    pub(super) fn without_card(&self, tested: bool) -> bool {
        let mut state = self.state();
        state.sound = !state.had_card && (tested || state.picture.is_some());
        state.sound
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn no(kind: Kind) -> Error {
        Error::new(kind, "No camera is plugged in.")
    }

    #[test]
    fn the_test_picture_stands_in_until_the_first_camera_and_never_after() {
        let auto = StandIn::default();
        assert!(auto.without_camera(&no(Kind::NotFound)));
        assert_eq!(auto.picture().as_deref(), Some("No camera is plugged in"));
        assert!(auto.without_card(false) && auto.sound());
        auto.camera_found();
        assert_eq!(auto.picture(), None);
        assert!(
            !auto.without_card(false),
            "a test tone under a real picture"
        );
        assert!(!auto.without_camera(&no(Kind::NotFound)));
        assert_eq!(auto.picture(), None);
    }

    #[test]
    fn a_busy_or_forbidden_camera_is_a_camera() {
        for kind in [Kind::InUse, Kind::Permission, Kind::Timeout] {
            let auto = StandIn::default();
            assert!(!auto.without_camera(&no(kind)));
            assert!(!auto.without_camera(&no(Kind::NotFound)));
        }
    }

    #[test]
    fn the_tone_goes_with_test_pictures_only_and_a_lost_card_stays_lost() {
        let auto = StandIn::default();
        assert!(!auto.without_card(false));
        assert!(auto.without_card(true) && auto.sound());
        auto.card_found();
        assert!(!auto.sound());
        assert!(!auto.without_card(true));
    }
}
