//! Schemas of what travels, from the types themselves.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::bodies::{
    ChatLine, CommandAsked, Credentials, Join, Joined, NewAccount, NewPassword, OrderTold, Problem,
};
use crate::room::live::act::{Act, Done};
use crate::room::live::view;
use crate::room::report::Report;

/// By name.
pub(super) fn all() -> Map<String, Value> {
    let mut all = taken();
    all.extend(given());
    let open = json!({ "type": "object", "additionalProperties": true });
    all.insert("Objects".into(), json!({ "type": "array", "items": open }));
    all.insert("Object".into(), open);
    all
}

/// What requests carry.
pub(super) fn taken() -> Map<String, Value> {
    let mut taken = settings().into_generator();
    taken.subschema_for::<Act>();
    taken.subschema_for::<Join>();
    taken.subschema_for::<ChatLine>();
    taken.subschema_for::<Credentials>();
    taken.subschema_for::<NewAccount>();
    taken.subschema_for::<NewPassword>();
    taken.subschema_for::<CommandAsked>();
    taken.subschema_for::<OrderTold>();
    finished(taken)
}

/// What answers carry.
pub(super) fn given() -> Map<String, Value> {
    let mut given = settings().for_serialize().into_generator();
    given.subschema_for::<Done>();
    given.subschema_for::<Problem>();
    given.subschema_for::<Joined>();
    given.subschema_for::<view::Room>();
    given.subschema_for::<Report>();
    finished(given)
}

fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|s| {
        s.definitions_path = "/components/schemas".into();
        s.meta_schema = None;
    })
}

fn finished(mut generator: SchemaGenerator) -> Map<String, Value> {
    generator.take_definitions(true)
}
