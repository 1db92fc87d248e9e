//! MQTT: the way to run a box from afar.
//!
//! ```text
//!   client.rs     the only file that knows rumqttc: connects, keeps, re-sends
//!   topics.rs     names of topics (pure)            codec.rs  payloads of commands and answers (pure)
//!   tell.rs, telemetry.rs, events.rs   Status -> info, status, reported, telemetry, events (pure)
//!   schema.rs     JSON Schema of all of that (pure)
//!   homeassistant.rs   discovery (pure)
//! ```
//!
//! `app/remote.rs` joins these with the core and the store.

pub mod client;
pub mod codec;
mod core_words;
pub mod events;
pub mod homeassistant;
/// How an update goes.
pub mod job;
/// What happens in the room.
pub mod room;
pub mod schema;
pub mod telemetry;
pub mod tell;
pub mod topics;
