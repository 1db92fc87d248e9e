//! Schemas of words that the core says and that more than one message carries. Pure.

use schemars::{Schema, SchemaGenerator, json_schema};

/// [`crate::device::health::Severity`].
pub(super) fn severity(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": ["ok", "notice", "warning", "problem"]})
}

/// [`crate::device::thermal::HeatLevel`].
pub(super) fn heat(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": ["normal", "reduced", "lowest"]})
}
