//! The HTTP API as an OpenAPI 3.1 document, from one table of routes ([`ROUTES`]) and the types that travel.
//!
//! The router is checked against the same table, so that the document and the server cannot drift apart.

/// What goes in and out besides the types of the room.
pub mod bodies;
mod routes;
mod schemas;

use serde_json::{Map, Value, json};

pub use self::routes::{METRICS, ROUTES};

/// Methods that we use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// Read.
    Get,
    /// Do.
    Post,
    /// Take away.
    Delete,
}

impl Method {
    /// As in a request line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// Who may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Anyone,
    /// Somebody who joined (cookie `bc_viewer`), or the staff.
    Viewer,
    /// Moderators and the owner (cookie `bc_session`).
    Moderator,
    /// The owner (cookie `bc_session`).
    Owner,
    /// Whoever signs the body with the secret of the shop.
    Signed,
}

/// What a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// JSON of this schema.
    Json(&'static str),
    /// Something of this media type.
    Media(&'static str),
}

/// What a good answer carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gives {
    /// Nothing.
    Nothing,
    /// JSON of this schema.
    Json(&'static str),
    /// Something of this media type.
    Media(&'static str),
}

/// One thing that the server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Method.
    pub method: Method,
    /// Path, with parameters as `{name}`.
    pub path: &'static str,
    /// Name for programs, unique.
    pub id: &'static str,
    /// Group.
    pub tag: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Who may.
    pub access: Access,
    /// Parameters of the query: name and what it is.
    pub query: &'static [(&'static str, &'static str)],
    /// What a request carries.
    pub takes: Takes,
    /// Status of a good answer.
    pub status: u16,
    /// What it carries.
    pub gives: Gives,
}

impl Route {
    const fn new(
        method: Method,
        path: &'static str,
        id: &'static str,
        tag: &'static str,
        summary: &'static str,
    ) -> Self {
        Self {
            method,
            path,
            id,
            tag,
            summary,
            access: Access::Anyone,
            query: &[],
            takes: Takes::Nothing,
            status: 200,
            gives: Gives::Nothing,
        }
    }

    const fn by(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    const fn asks(mut self, query: &'static [(&'static str, &'static str)]) -> Self {
        self.query = query;
        self
    }

    const fn takes(mut self, takes: Takes) -> Self {
        self.takes = takes;
        self
    }

    const fn gives(mut self, status: u16, gives: Gives) -> Self {
        self.status = status;
        self.gives = gives;
        self
    }

    /// Names of the parameters in the path, in order.
    pub fn params(&self) -> impl Iterator<Item = &'static str> + use<> {
        let parts = self.path.split('{').skip(1);
        parts.filter_map(|part| Some(part.split_once('}')?.0))
    }

    /// The path as the router knows it: a parameter ends a segment there (what follows it, such as `.csv`, is told apart by
    /// the handler), and the one of `/assets/` takes all the rest.
    #[must_use]
    pub fn matched(&self) -> String {
        if self.path == "/assets/{file}" {
            return "/assets/{*file}".to_owned();
        }
        let segment = |s: &'static str| s.find('}').map_or(s, |end| s.get(..=end).unwrap_or(s));
        self.path
            .split('/')
            .map(segment)
            .collect::<Vec<_>>()
            .join("/")
    }

    fn operation(&self) -> Value {
        let mut operation = Map::new();
        operation.insert("operationId".into(), self.id.into());
        operation.insert("tags".into(), json!([self.tag]));
        operation.insert("summary".into(), self.summary.into());
        let params = self.parameters();
        if !params.is_empty() {
            operation.insert("parameters".into(), params.into());
        }
        operation.insert("security".into(), security(self.access));
        if let Some(content) = content_of(self.takes) {
            operation.insert(
                "requestBody".into(),
                json!({ "required": true, "content": content }),
            );
        }
        operation.insert("responses".into(), self.responses());
        operation.into()
    }

    fn parameters(&self) -> Vec<Value> {
        let number = |name| ["show", "pin", "viewer", "draw"].contains(&name);
        let in_path = self.params().map(|name| {
            let schema = if number(name) {
                json!({ "type": "integer", "minimum": 0 })
            } else {
                json!({ "type": "string" })
            };
            json!({ "name": name, "in": "path", "required": true, "schema": schema })
        });
        let in_query = self.query.iter().map(|(name, what)| {
            json!({ "name": name, "in": "query", "required": false, "description": what, "schema": { "type": "string" } })
        });
        in_path.chain(in_query).collect()
    }

    fn responses(&self) -> Value {
        let what = match self.status {
            101 => "The connection becomes a WebSocket.",
            201 => "It was made.",
            302 => "It is elsewhere.",
            _ => "Done.",
        };
        let mut good = json!({ "description": what });
        let takes = match self.gives {
            Gives::Nothing => Takes::Nothing,
            Gives::Json(schema) => Takes::Json(schema),
            Gives::Media(kind) => Takes::Media(kind),
        };
        if let (Some(content), Value::Object(fields)) = (content_of(takes), &mut good) {
            fields.insert("content".into(), content);
        }
        let mut responses = Map::new();
        responses.insert(self.status.to_string(), good);
        responses.insert(
            "default".into(),
            json!({ "$ref": "#/components/responses/Refused" }),
        );
        responses.into()
    }
}

fn content_of(takes: Takes) -> Option<Value> {
    match takes {
        Takes::Nothing => None,
        Takes::Json(schema) => Some(json!({
            "application/json": { "schema": { "$ref": format!("#/components/schemas/{schema}") } }
        })),
        Takes::Media(kind) => Some(json!({ (kind): { "schema": { "type": "string" } } })),
    }
}

fn security(access: Access) -> Value {
    match access {
        Access::Anyone => json!([]),
        Access::Viewer => json!([{ "viewer": [] }, { "staff": ["moderator"] }]),
        Access::Moderator => json!([{ "staff": ["moderator"] }]),
        Access::Owner => json!([{ "staff": ["owner"] }]),
        Access::Signed => json!([{ "shop": [] }]),
    }
}

/// The document, as served at `/openapi.json`.
#[must_use]
pub fn document() -> Value {
    let mut paths = Map::new();
    for route in ROUTES.iter().chain([&METRICS]) {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        let mut operation = route.operation();
        if route.path == METRICS.path {
            operation["servers"] = json!([{ "url": "http://127.0.0.1:9477", "description": "A listener of its own: `web.metrics`." }]);
        }
        path[route.method.word().to_ascii_lowercase()] = operation;
    }
    json!({
        "openapi": "3.1.1",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Boothcast",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "The HTTP API of one box.",
            "description": "What changes something needs the same Origin, and, with a cookie, a JSON body or the header `X-Boothcast: 1`. \
                The frames of `/api/ws` stand in docs/room-protocol.md.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": [
            { "name": "pages", "description": "For people." },
            { "name": "room", "description": "What viewers do." },
            { "name": "watch", "description": "The live picture." },
            { "name": "accounts", "description": "The staff, and who they are." },
            { "name": "staff", "description": "What the staff do." },
            { "name": "shop", "description": "What a shop's server tells." },
            { "name": "machines", "description": "For programs." },
        ],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "responses": {
                "Refused": {
                    "description": "Not done.",
                    "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
                },
            },
            "securitySchemes": {
                "viewer": { "type": "apiKey", "in": "cookie", "name": "bc_viewer", "description": "Given by `POST /api/join`." },
                "staff": { "type": "apiKey", "in": "cookie", "name": "bc_session", "description": "Given by `POST /login`; its roles are `moderator` and `owner`." },
                "shop": { "type": "apiKey", "in": "header", "name": "X-Boothcast-Signature", "description": "`sha256=` and the hex HMAC-SHA-256 of the body." },
            },
        },
    })
}

#[cfg(test)]
mod tests;
