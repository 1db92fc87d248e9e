//! Who answers what, and who may ask it: one table.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::handler::Handler;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post};
use axum::{Extension, Json};

use super::fault::Fault;
use super::gate::{self, Who};
use super::visitor::Visitor;
use super::{
    Shared, account_api as account, api, desk_api as desk, login_api, report_api as report, socket,
    watch_api as watch,
};
use crate::edge::web::assets::{self, Asset};
use crate::edge::web::{BODY, openapi};
use crate::room::live::event::Role;

type Handlers = MethodRouter<Arc<Shared>, Infallible>;

/// One thing that the server does.
pub struct Route {
    /// As the OpenAPI table writes it: a test compares the two.
    #[cfg_attr(not(test), allow(dead_code))]
    pub method: openapi::Method,
    /// Path as the router knows it.
    pub path: &'static str,
    /// Who may.
    pub who: Who,
    does: Handlers,
}

fn reads<H: Handler<T, Arc<Shared>>, T: 'static>(path: &'static str, who: Who, does: H) -> Route {
    Route {
        method: openapi::Method::Get,
        path,
        who,
        does: get(does),
    }
}

fn does<H: Handler<T, Arc<Shared>>, T: 'static>(path: &'static str, who: Who, does: H) -> Route {
    Route {
        method: openapi::Method::Post,
        path,
        who,
        does: post(does),
    }
}

fn ends<H: Handler<T, Arc<Shared>>, T: 'static>(path: &'static str, who: Who, does: H) -> Route {
    Route {
        method: openapi::Method::Delete,
        path,
        who,
        does: delete(does),
    }
}

/// All of them, but `/metrics`, which has a listener of its own.
pub fn all() -> Vec<Route> {
    use Who::{Account, Anyone, Moderator, Owner, Viewer};
    vec![
        reads("/", Anyone, room_page),
        reads("/desk", Moderator, desk_page),
        reads("/login", Anyone, login_page),
        reads("/assets/{*file}", Anyone, assets::asset),
        reads("/openapi.json", Anyone, document),
        reads("/r/{pin}", Anyone, api::follow),
        reads("/report/{show}", Moderator, report::page),
        does("/register", Anyone, account::register),
        does("/login", Anyone, login_api::login),
        does("/logout", Anyone, login_api::logout),
        reads("/watch_live", Anyone, watch::watch_live),
        does("/chat", Anyone, api::chat),
        does("/api/join", Anyone, api::join),
        reads("/api/room", Anyone, api::room),
        reads("/api/ws", Viewer, socket::open),
        does("/api/act", Viewer, api::act),
        reads("/api/draws/{draw}", Anyone, api::draw),
        does("/api/orders", Anyone, api::order),
        reads("/api/me", Anyone, account::me),
        reads("/api/me/data", Viewer, api::my_data),
        ends("/api/me/data", Viewer, api::erase_me),
        does("/api/password", Account, login_api::password),
        reads("/api/sessions", Account, account::sessions),
        ends("/api/sessions", Account, account::end),
        reads("/api/accounts", Owner, account::accounts),
        does("/api/accounts", Owner, account::add),
        ends("/api/accounts/{name}", Owner, account::remove),
        reads("/api/audit", Owner, desk::audit),
        does("/api/command", Owner, desk::command),
        reads("/api/status", Owner, desk::status),
        reads("/api/schema", Owner, desk::schema),
        reads("/api/log", Owner, desk::log),
        reads("/api/shows", Moderator, desk::shows),
        reads("/api/report/{show}", Moderator, report::json),
        reads("/api/export/{viewer}", Owner, desk::export_one),
        ends("/api/viewers/{viewer}", Owner, desk::erase_one),
        reads("/api/snapshot.jpg", Owner, desk::snapshot),
        does("/api/whep", Anyone, watch::whep),
        ends("/api/whep/{id}", Anyone, watch::whep_end),
        reads("/api/fmp4", Anyone, watch::fmp4),
    ]
}

/// The room's server.
pub fn router(shared: &Arc<Shared>) -> Router {
    let mut router = Router::new();
    for route in all() {
        let admit = from_fn_with_state((shared.clone(), route.who), gate::admit);
        router = router.route(route.path, route.does.route_layer(admit));
    }
    router
        .fallback(async || Fault::missing("There is no such page."))
        .method_not_allowed_fallback(async || {
            Fault::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "not-allowed",
                "That cannot be done here.",
            )
        })
        .layer(DefaultBodyLimit::max(BODY))
        .layer(from_fn_with_state(shared.clone(), gate::guard))
        .with_state(shared.clone())
}

/// `/metrics`, on its own listener.
pub fn metrics(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/metrics", get(report::metrics))
        .layer(from_fn(gate::only_addresses))
        .with_state(shared.clone())
}

fn page(name: &str, headers: &HeaderMap) -> Response {
    match Asset::find(name) {
        Some(page) => page.answer(headers),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// `GET /`
async fn room_page(headers: HeaderMap) -> Response {
    page("room.html", &headers)
}

/// `GET /desk`
async fn desk_page(headers: HeaderMap) -> Response {
    page("desk.html", &headers)
}

/// `GET /login`: over HTTPS, unless the owner says otherwise.
async fn login_page(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    asked: Result<Query<Next>, QueryRejection>,
) -> Response {
    let next = asked
        .ok()
        .and_then(|Query(n)| n.next)
        .filter(|n| n == "/desk");
    if !shared.staff_may(visitor.secure) {
        let to = if next.is_some() {
            "/login?next=/desk"
        } else {
            "/login"
        };
        return gate::to_https(&shared, &headers, to);
    }
    // Who is in already is not asked again.
    if next.is_some() && visitor.role() >= Role::Moderator {
        return axum::response::Redirect::to("/desk").into_response();
    }
    page("login.html", &headers)
}

/// Where to go after logging in.
#[derive(Debug, serde::Deserialize)]
struct Next {
    next: Option<String>,
}

/// `GET /openapi.json`
async fn document() -> Json<serde_json::Value> {
    Json(openapi::document())
}
