//! Parts of cards: boxes, bars, pictures, QR codes.

mod icon;
mod picture;
mod qr;
mod scale;
mod shape;

pub use icon::{Icon, icon};
pub use picture::picture;
pub use qr::{modules as qr_modules, qr};
pub use scale::{faded, scaled};
pub use shape::{rounded, rounded_corners};

#[cfg(test)]
pub mod testing;
