//! The bitrate of the main rendition: what is wanted, unless a live destination takes less.

use super::policy::MIN_BITRATE;
use super::state::State;

/// What the main encoder should make now, bit/s.
///
/// The lowest of what is wanted, the ceilings of the destinations that are live, and the advice while there is one. The floor
/// holds against advice only: a ceiling is a hard limit of the platform.
pub(super) fn target(state: &State) -> u32 {
    let allowed = state
        .actual
        .destinations
        .iter()
        .filter(|(_, push)| push.is_live())
        .filter_map(|(name, _)| state.max_bitrate(name))
        .map(|ceiling| ceiling.max(MIN_BITRATE))
        .fold(state.video().bitrate, u32::min);
    match state.actual.advised {
        Some(advice) if state.setup.adaptive.enabled => {
            allowed.min(advice.max(state.setup.adaptive.floor))
        }
        _ => allowed,
    }
}
