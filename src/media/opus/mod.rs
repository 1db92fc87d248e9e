//! Sound as Opus, which is what WebRTC speaks. The encoder runs only while somebody listens: boxes without such viewers spend
//! nothing on it.

mod encoder;
mod feed;

pub use encoder::OpusEncoder;
pub use feed::{Listener, OpusFeed, OpusFrame};
