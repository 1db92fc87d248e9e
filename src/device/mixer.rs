//! The sound card's own mixer: what it says, and what of the wishes must be set (again).
//!
//! After each opening a wish is asked for once. A card that rounds it, refuses it or lacks it is not asked again until the
//! card comes back or somebody wishes something else, so set and report can never chase one another.

/// What is known of the mixer of the card that is open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mixer {
    /// The card was asked; without that the rest means nothing.
    pub known: bool,
    /// Capture volume, per cent of its range; `None`: it has none.
    pub percent: Option<u8>,
    /// Capture switch; `None`: it has none.
    pub on: Option<bool>,
    /// Why the last wish was refused, one clause.
    pub failed: Option<String>,
    asked_percent: Option<u8>,
    asked_on: Option<bool>,
}

impl Mixer {
    /// The card went: nothing is known any more.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// The card came: what it said while it was being opened stays.
    pub fn opened(&mut self) {
        self.asked_percent = None;
        self.asked_on = None;
    }

    /// What the card says.
    pub fn learn(&mut self, percent: Option<u8>, on: Option<bool>) {
        self.known = true;
        self.percent = percent.map(|p| p.min(100));
        self.on = on;
    }

    /// A wish changed: it is asked for whatever was asked before.
    pub fn wish_volume(&mut self) {
        self.asked_percent = None;
        self.failed = None;
    }

    /// As [`Mixer::wish_volume`], for the switch.
    pub fn wish_switch(&mut self) {
        self.asked_on = None;
        self.failed = None;
    }

    /// The volume to set now, if any; noted as asked.
    pub fn due_volume(&mut self, wanted: Option<u8>) -> Option<u8> {
        due(self.percent, &mut self.asked_percent, wanted)
    }

    /// The switch to set now, if any; noted as asked.
    pub fn due_switch(&mut self, wanted: Option<bool>) -> Option<bool> {
        due(self.on, &mut self.asked_on, wanted)
    }
}

/// `actual`: what the card says; `None`: it has no such thing, or did not say yet.
fn due<T: Copy + PartialEq>(
    actual: Option<T>,
    asked: &mut Option<T>,
    wanted: Option<T>,
) -> Option<T> {
    let wanted = wanted?;
    if actual? == wanted || *asked == Some(wanted) {
        return None;
    }
    *asked = Some(wanted);
    Some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_that_rounds_is_asked_once_per_opening_and_wish() {
        let mut mixer = Mixer::default();
        assert_eq!(mixer.due_volume(Some(50)), None, "not known yet");
        mixer.learn(Some(20), Some(true));
        assert_eq!(mixer.due_volume(Some(50)), Some(50));
        for _ in 0..100 {
            mixer.learn(Some(47), Some(true));
            assert_eq!(mixer.due_volume(Some(50)), None);
        }
        assert_eq!(mixer.due_volume(Some(60)), Some(60), "another wish");
        mixer.wish_volume();
        assert_eq!(mixer.due_volume(Some(60)), Some(60), "the same, by hand");
        mixer.forget();
        mixer.learn(Some(20), None);
        assert_eq!(mixer.due_volume(Some(60)), Some(60), "plugged again");
        assert_eq!(mixer.due_switch(Some(true)), None, "it has no switch");
        assert_eq!(mixer.due_volume(None), None);
    }
}
