use std::collections::BTreeSet;

use super::*;

fn refs(value: &Value, out: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(to)) = fields.get("$ref") {
                out.insert(to.clone());
            }
            fields.values().for_each(|v| refs(v, out));
        }
        Value::Array(items) => items.iter().for_each(|v| refs(v, out)),
        _ => {}
    }
}

#[test]
fn the_document_is_openapi_3_1() {
    let doc = document();
    assert!(doc["openapi"].as_str().unwrap().starts_with("3.1."));
    for field in ["title", "version"] {
        assert!(!doc["info"][field].as_str().unwrap().is_empty());
    }
    let tags: BTreeSet<&str> = doc["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["name"].as_str().unwrap())
        .collect();
    let (mut ids, mut operations) = (BTreeSet::new(), 0);
    for (path, item) in doc["paths"].as_object().unwrap() {
        assert!(path.starts_with('/'), "{path}");
        for (method, operation) in item.as_object().unwrap() {
            operations += 1;
            assert!(["get", "post", "delete"].contains(&method.as_str()));
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} twice");
            for tag in operation["tags"].as_array().unwrap() {
                assert!(tags.contains(tag.as_str().unwrap()));
            }
            assert!(!operation["responses"].as_object().unwrap().is_empty());
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert!(
                    status == "default"
                        || status.parse::<u16>().is_ok_and(|s| (100..600).contains(&s))
                );
                assert!(response.get("description").is_some() || response.get("$ref").is_some());
            }
            assert!(
                method != "get" || operation.get("requestBody").is_none(),
                "{path}"
            );
        }
    }
    assert_eq!(
        operations,
        ROUTES.len() + 1,
        "a route stands twice in the table"
    );
}

#[test]
fn each_reference_leads_somewhere() {
    let doc = document();
    let mut all = BTreeSet::new();
    refs(&doc, &mut all);
    assert!(all.len() > 10);
    for to in all {
        let place = to.strip_prefix('#').unwrap();
        assert!(doc.pointer(place).is_some(), "{to} leads nowhere");
    }
}

#[test]
fn each_schema_is_used() {
    let doc = document();
    let mut all = BTreeSet::new();
    refs(&doc, &mut all);
    for name in doc["components"]["schemas"].as_object().unwrap().keys() {
        let place = format!("#/components/schemas/{name}");
        assert!(all.contains(&place), "{name} is not used");
    }
}

#[test]
fn each_parameter_of_a_path_is_declared_and_no_other() {
    let doc = document();
    for (path, item) in doc["paths"].as_object().unwrap() {
        let wanted: BTreeSet<&str> = path
            .split('{')
            .skip(1)
            .map(|p| p.split_once('}').unwrap().0)
            .collect();
        for operation in item.as_object().unwrap().values() {
            let empty = Vec::new();
            let params = operation["parameters"].as_array().unwrap_or(&empty);
            let declared = params.iter().filter(|p| p["in"] == "path");
            let declared: BTreeSet<&str> = declared.map(|p| p["name"].as_str().unwrap()).collect();
            assert_eq!(declared, wanted, "{path}");
            assert!(
                params
                    .iter()
                    .all(|p| p["in"] != "path" || p["required"] == true)
            );
        }
    }
}

#[test]
fn each_security_scheme_is_known() {
    let doc = document();
    let schemes = doc["components"]["securitySchemes"].as_object().unwrap();
    for item in doc["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            for wanted in operation["security"].as_array().unwrap() {
                for name in wanted.as_object().unwrap().keys() {
                    assert!(schemes.contains_key(name));
                }
            }
        }
    }
}

#[test]
fn what_goes_both_ways_has_one_schema() {
    let (taken, given) = (schemas::taken(), schemas::given());
    for (name, schema) in &taken {
        assert!(
            given.get(name).is_none_or(|other| other == schema),
            "{name} differs"
        );
    }
}

#[test]
fn what_changes_something_is_no_get_and_has_a_body_or_is_a_delete() {
    for route in ROUTES {
        if route.method == Method::Post && route.id != "logout" {
            assert_ne!(route.takes, Takes::Nothing, "{}", route.path);
        }
        assert!(
            route.method == Method::Post || route.takes == Takes::Nothing,
            "{}",
            route.path
        );
    }
}

#[test]
fn paths_as_the_router_knows_them() {
    let of = |id| ROUTES.iter().find(|r| r.id == id).unwrap().matched();
    assert_eq!(of("room"), "/");
    assert_eq!(of("report-page"), "/report/{show}");
    assert_eq!(of("report-csv"), "/report/{show}");
    assert_eq!(of("report-events"), "/report/{show}");
    assert_eq!(of("asset"), "/assets/{*file}");
    assert_eq!(of("snapshot"), "/api/snapshot.jpg");
}

#[test]
fn passwords_are_not_printed() {
    let said = bodies::Credentials {
        name: "mei".into(),
        password: "hunter2".into(),
    };
    assert!(!format!("{said:?}").contains("hunter2"));
}
