//! What happens in the room, as messages under `P/room/{room}/event/`: what everybody in the room may know. Pure.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Map, Value};

/// `P/room/{room}/event/{kind}`
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RoomEvent {
    /// Rises; the number of the last event that is told of.
    pub seq: u64,
    /// Milliseconds since 1970 by the box's own clock.
    pub at_ms: i64,
    /// The show during which it happened; 0: between shows.
    pub show: u64,
    /// Whose doing it was, by number; 0: the box's own, a bridge's, or that of the staff.
    pub viewer: u64,
    /// What happened, as in the topic: `said`, `line-shown`, `line-hidden`, `gave`, `liked`, `poll-opened`, `voted`,
    /// `poll-closed`, `poll-gone`, `question-moved`, `product-set`, `product-removed`, `pinned`, `unpinned`, `clicked`,
    /// `ordered`, `draw-opened`, `draw-entered`, `draw-closed`, `draw-done`, `announced`, `came`, `renamed`, `show-begun`,
    /// `show-ended`, `incident`.
    pub kind: &'static str,
    /// Its parts.
    #[schemars(schema_with = "object_schema")]
    pub data: Map<String, Value>,
}

fn object_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object"})
}
