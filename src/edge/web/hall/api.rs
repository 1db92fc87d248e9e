//! The room over HTTP: come in, say, act, look; and the shop's orders.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::Shared;
use super::fault::Fault;
use super::login_api::put_cookies;
use super::read::{self, Read};
use super::sign::order_is_signed;
use super::visitor::{Names, VIEWER_S, Visitor, set_cookie};
use crate::edge::web::openapi::bodies::{ChatLine, Join, OrderTold};
use crate::room::live::act::{Act, Done};
use crate::room::live::bridged::NewOrder;
use crate::room::live::event::Role;

type Answer = Result<Response, Fault>;

/// Longest name that is looked at, bytes; the room has a shorter bound in characters.
const NAME: usize = 200;
/// Where the signature of an order stands.
const SIGNATURE: &str = "x-boothcast-signature";

impl Shared {
    /// A new viewer of that name.
    async fn come(&self, visitor: &Visitor, name: &str) -> Result<u64, Fault> {
        if name.len() > NAME {
            return Err(Fault::bad("A name has 1 to 24 characters."));
        }
        Self::take(&self.joins, &visitor.addr)?;
        Ok(self
            .inside
            .live
            .come(name, Role::Viewer, &visitor.addr)
            .await?)
    }

    /// The cookie by which a viewer is known from now on.
    fn put_viewer(&self, answer: &mut Response, viewer: u64, secure: bool) {
        let cookie = self.keys.viewer_cookie(viewer, (self.inside.wall)() / 1000);
        let name = Names::of(secure).viewer;
        put_cookies(answer, [set_cookie(name, &cookie, secure, VIEWER_S)]);
    }
}

/// `POST /api/join`. Whoever is known already has another name from now on, and stays the same viewer: a ban survives it.
pub async fn join(
    State(shared): State<Arc<Shared>>,
    Extension(mut visitor): Extension<Visitor>,
    Read(asked): Read<Join>,
) -> Answer {
    let live = &shared.inside.live;
    let known = match visitor.viewer {
        Some(viewer) => live.person(viewer).await,
        None => None,
    };
    let viewer = match known {
        Some(person) if person.name == asked.name => person.viewer,
        Some(person) => {
            visitor.viewer = Some(person.viewer);
            live.act(
                visitor.by(),
                Act::Rename {
                    name: asked.name.clone(),
                },
            )
            .await?;
            person.viewer
        }
        None if visitor.login.is_some() => {
            let visitor = shared.in_the_room(visitor.clone()).await?;
            visitor.viewer.unwrap_or(0)
        }
        None => shared.come(&visitor, &asked.name).await?,
    };
    let name = live.person(viewer).await.map_or(asked.name, |p| p.name);
    let mut answer = Json(json!({ "viewer": viewer, "name": name })).into_response();
    shared.put_viewer(&mut answer, viewer, visitor.secure);
    Ok(answer)
}

/// `POST /chat`: one line, of somebody who need not have joined.
pub async fn chat(
    State(shared): State<Arc<Shared>>,
    Extension(mut visitor): Extension<Visitor>,
    Read(asked): Read<ChatLine>,
) -> Answer {
    let known = match visitor.viewer {
        Some(viewer) => shared.inside.live.person(viewer).await.is_some(),
        None => false,
    };
    let mut came = None;
    if !known {
        let name = asked.name.as_deref().unwrap_or("");
        if name.is_empty() {
            return Err(Fault::nobody("Give a name, or join the room first."));
        }
        let viewer = shared.come(&visitor, name).await?;
        visitor.viewer = Some(viewer);
        came = Some(viewer);
    }
    let say = Act::Say {
        text: asked.text,
        nonce: asked.nonce,
    };
    let said = shared.act(&visitor, say).await;
    let mut answer = match said {
        Ok(done) => Json(done).into_response(),
        Err(refusal) => Fault::from(refusal).into_response(),
    };
    if let Some(viewer) = came {
        shared.put_viewer(&mut answer, viewer, visitor.secure);
    }
    Ok(answer)
}

/// `POST /api/act`
pub async fn act(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    Read(act): Read<Act>,
) -> Result<Json<Done>, Fault> {
    // An account that is not in the room yet comes in for what only a viewer can do.
    let visitor = if act.is_of_a_viewer() {
        shared.in_the_room(visitor).await?
    } else {
        visitor
    };
    Ok(Json(shared.act(&visitor, act).await?))
}

/// `GET /api/room`
pub async fn room(State(shared): State<Arc<Shared>>) -> Answer {
    let hello = shared
        .inside
        .live
        .hello(0, Role::Viewer, Some(u64::MAX))
        .await?;
    let status = shared.inside.status.borrow();
    let mut room = json!(hello.room);
    if let Value::Object(fields) = &mut room {
        fields.insert("live".into(), json!(status.live));
        fields.insert(
            "box".into(),
            json!({ "name": status.name, "on_air": shared.inside.media.on_air() }),
        );
    }
    Ok(Json(room).into_response())
}

/// `GET /api/draws/{draw}`
pub async fn draw(State(shared): State<Arc<Shared>>, Path(draw): Path<String>) -> Answer {
    let draw = number(&draw, "draw")?;
    let proof = shared.inside.live.draw(draw).await;
    let proof = proof.ok_or_else(|| Fault::missing("There is no such draw."))?;
    Ok(Json(proof).into_response())
}

/// A number in a path.
///
/// # Errors
/// It is none.
pub fn number(text: &str, of: &str) -> Result<u64, Fault> {
    // Only one way to write each: `+7` and `007` are other addresses.
    let number = text.parse::<u64>().ok().filter(|n| n.to_string() == text);
    number.ok_or_else(|| Fault::missing(format!("There is no such {of}.")))
}

/// `GET /r/{pin}`: to the shop's page of the product.
pub async fn follow(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    Path(pin): Path<String>,
) -> Answer {
    let pin = number(&pin, "product")?;
    let url = shared
        .inside
        .live
        .click(pin, visitor.viewer.unwrap_or(0))
        .await?;
    let good = url.starts_with("https://") || url.starts_with("http://");
    let to = HeaderValue::from_str(&url).ok().filter(|_| good);
    let to = to.ok_or_else(|| Fault::missing("This product has no page."))?;
    Ok((StatusCode::FOUND, [(header::LOCATION, to)]).into_response())
}

/// `POST /api/orders`: the shop tells of an order. The same one again is answered the same.
pub async fn order(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Answer {
    let Some(secret) = shared
        .inside
        .order_secret
        .as_ref()
        .filter(|s| !s.is_empty())
    else {
        return Err(Fault::missing(
            "Orders are not taken: web.order_secret is not set.",
        ));
    };
    let body = read::body(body).await?;
    let mut given = headers.get_all(SIGNATURE).iter();
    let signed = match (given.next().and_then(|v| v.to_str().ok()), given.next()) {
        (Some(given), None) => order_is_signed(secret.expose(), &body, given),
        _ => false,
    };
    if !signed {
        return Err(Fault::new(
            StatusCode::UNAUTHORIZED,
            "bad-signature",
            "The signature is wrong.",
        ));
    }
    let told: OrderTold = serde_json::from_slice(&body)
        .map_err(|e| Fault::bad(format!("The order is wrong: {e}.")))?;
    let order = NewOrder {
        order: told.order,
        pin: told.pin,
        product: told.product,
        count: told.count,
        amount_minor: told.amount_minor,
        currency: told.currency,
        name: told.name,
    };
    Ok(Json(shared.inside.live.order(order).await?).into_response())
}

/// `GET /api/me/data`
pub async fn my_data(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
) -> Answer {
    export(&shared, visitor.viewer.unwrap_or(0)).await
}

/// All that is kept of a viewer, as a file.
///
/// # Errors
/// There is no such viewer.
pub async fn export(shared: &Shared, viewer: u64) -> Answer {
    let data = shared.inside.records.export(viewer).await?;
    let data = data.ok_or_else(|| Fault::missing("There is no such viewer."))?;
    let name = format!("attachment; filename=\"boothcast-viewer-{viewer}.json\"");
    Ok(([(header::CONTENT_DISPOSITION, name)], Json(data)).into_response())
}

/// `DELETE /api/me/data`: all that is kept of the caller goes, and the cookie with it.
pub async fn erase_me(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
) -> Answer {
    let viewer = visitor.viewer.unwrap_or(0);
    if !shared.inside.records.erase(viewer).await? {
        return Err(Fault::missing("There is no such viewer."));
    }
    let mut answer = StatusCode::NO_CONTENT.into_response();
    let name = Names::of(visitor.secure).viewer;
    put_cookies(&mut answer, [set_cookie(name, "", visitor.secure, 0)]);
    Ok(answer)
}
