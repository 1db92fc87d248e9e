//! A poll: question, choices, shares.

use std::sync::Arc;

use super::Page;
use crate::device::stage::Poll;
use crate::media::overlay::sprite::Sprite;
use crate::media::overlay::text::{Letters, Run, Style};

/// The card of a poll, at most `max_width` pixels wide.
pub fn poll(poll: &Poll, page: &Page, letters: &mut Letters, max_width: u32) -> Arc<Sprite> {
    let run = Run::new(&poll.question, [255; 3]);
    letters.line(&[run], &Style::shadowed(page.part(45)), max_width)
}
