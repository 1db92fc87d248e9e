//! Parts of cards: boxes, bars, pictures, QR codes.

mod picture;
mod qr;
mod scale;
mod shape;

pub use picture::picture;
pub use qr::qr;
pub use scale::{faded, scaled};
pub use shape::{rounded, rounded_corners};
