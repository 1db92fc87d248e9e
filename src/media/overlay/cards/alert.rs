//! Follow, gift, order, question, notification: one card each.

use std::sync::Arc;

use super::Page;
use crate::media::overlay::sprite::Sprite;
use crate::media::overlay::text::{Letters, Run, Style};
use crate::room::item::Alert;

/// The card of an alert, at most `max_width` pixels wide.
pub fn alert(alert: &Alert, page: &Page, letters: &mut Letters, max_width: u32) -> Arc<Sprite> {
    let run = Run::new(&alert.who, [255; 3]);
    letters.line(&[run], &Style::shadowed(page.part(45)), max_width)
}
