//! As much of JSON Schema as the files in `docs/mqtt` use. A keyword that is not known here is an error, so that nothing is
//! passed over in silence. Fields that a schema does not name are errors, too: the files must say all that is said.

use serde_json::Value;

/// Says nothing about values.
const WORDS: [&str; 11] = [
    "$schema",
    "$defs",
    "title",
    "description",
    "format",
    "contentEncoding",
    "default",
    "writeOnly",
    "additionalProperties",
    "required",
    "patternProperties",
];

/// The file `docs/mqtt/NAME.schema.json`.
pub fn load(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("docs/mqtt/{name}.schema.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
    serde_json::from_str(&text).unwrap()
}

/// Everything that is wrong with `value`.
pub fn problems(root: &Value, value: &Value) -> Vec<String> {
    let mut out = Vec::new();
    check(root, root, value, "$", &mut out);
    out
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, out: &mut Vec<String>) {
    let Some(schema) = schema.as_object() else {
        if schema == false {
            out.push(format!("{at}: must not be there"));
        }
        return;
    };
    let fits = |s: &Value| {
        let mut found = Vec::new();
        check(root, s, value, at, &mut found);
        found.is_empty()
    };
    for (word, rule) in schema {
        let good = match word.as_str() {
            "$ref" => {
                let path = rule.as_str().unwrap().strip_prefix('#').unwrap();
                let target = root.pointer(path).unwrap_or_else(|| panic!("{path}"));
                check(root, target, value, at, out);
                true
            }
            "type" => match rule {
                Value::Array(types) => types.iter().any(|t| is(t.as_str().unwrap(), value)),
                rule => is(rule.as_str().unwrap(), value),
            },
            "enum" => rule.as_array().unwrap().contains(value),
            "const" => rule == value,
            "minimum" => value.as_f64().is_none_or(|n| n >= rule.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|n| n <= rule.as_f64().unwrap()),
            "minLength" => text(value).is_none_or(|n| n >= rule.as_u64().unwrap()),
            "maxLength" => text(value).is_none_or(|n| n <= rule.as_u64().unwrap()),
            "pattern" => value
                .as_str()
                .is_none_or(|text| matches(rule.as_str().unwrap(), text)),
            // Each alternative names its own fields: whether all fields are named is not asked of one alone.
            "oneOf" => rule.as_array().unwrap().iter().filter(|s| fits(s)).count() == 1,
            "anyOf" => rule.as_array().unwrap().iter().any(fits),
            "items" => {
                for (n, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, rule, item, &format!("{at}[{n}]"), out);
                }
                true
            }
            "properties" => {
                for (name, rule) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        check(root, rule, value, &format!("{at}.{name}"), out);
                    }
                }
                true
            }
            word => {
                assert!(WORDS.contains(&word), "{at}: unknown keyword {word}");
                true
            }
        };
        if !good {
            out.push(format!("{at}: {value} is not {word} {rule}"));
        }
    }
    fields(root, schema, value, at, out);
}

/// Fields that must be there, and fields that must not.
fn fields(
    root: &Value,
    schema: &serde_json::Map<String, Value>,
    value: &Value,
    at: &str,
    out: &mut Vec<String>,
) {
    let Some(object) = value.as_object() else {
        return;
    };
    for name in schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        if !object.contains_key(name.as_str().unwrap()) {
            out.push(format!("{at}: {name} is missing"));
        }
    }
    let named = schema.get("properties").and_then(Value::as_object);
    for (name, value) in object {
        if named.is_some_and(|n| n.contains_key(name)) {
            continue;
        }
        let at = format!("{at}.{name}");
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        let pattern = patterns.and_then(|p| p.iter().find(|(p, _)| matches(p, name)));
        if let Some((_, rule)) = pattern {
            check(root, rule, value, &at, out);
            continue;
        }
        match (schema.get("additionalProperties"), named) {
            (Some(rule), _) => check(root, rule, value, &at, out),
            // A part of a whole whose other parts name the rest.
            (None, _) if !schema.contains_key("type") => {}
            (None, Some(_)) => out.push(format!("{at}: the schema does not name it")),
            (None, None) => {}
        }
    }
}

fn text(value: &Value) -> Option<u64> {
    Some(value.as_str()?.chars().count() as u64)
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        kind => panic!("unknown type {kind}"),
    }
}

/// The patterns that there are.
fn matches(pattern: &str, text: &str) -> bool {
    let of = |extra: &str, most: usize| {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || extra.contains(c);
        (1..=most).contains(&text.len()) && text.chars().all(fits)
    };
    match pattern {
        "^[a-z0-9-]{1,32}$" => of("-", 32),
        "^[a-z0-9][a-z0-9_]{0,47}$" => of("_", 48) && !text.starts_with('_'),
        "^#[0-9a-fA-F]{6}$" => text
            .strip_prefix('#')
            .is_some_and(|t| t.len() == 6 && t.bytes().all(|b| b.is_ascii_hexdigit())),
        "^rtmps?://" => text.starts_with("rtmp://") || text.starts_with("rtmps://"),
        pattern => panic!("unknown pattern {pattern}"),
    }
}
