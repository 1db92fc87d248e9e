//! Accounts over HTTP: who has one, who is logged in, who is asking.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::accounts::{good_password, name};
use super::fault::Fault;
use super::gate::no_https;
use super::read::Read;
use super::visitor::Visitor;
use super::{Over, Shared};
use crate::edge::web::inside::{Account, Ending, Session};
use crate::edge::web::openapi::bodies::{Credentials, NewAccount};
use crate::error::Result as Plain;
use crate::room::live::event::Role;

type Answer = Result<Response, Fault>;

impl Shared {
    /// A request with a password came over HTTP, where it may not.
    pub fn refuse_http(&self, headers: &HeaderMap, secure: bool, path: &str) -> Result<(), Fault> {
        if self.staff_may(secure) {
            return Ok(());
        }
        Err(match self.https(headers, path) {
            Some(to) => no_https().at(to),
            None => no_https(),
        })
    }

    async fn add_account(&self, given: &str, password: &str, role: Role) -> Result<String, Fault> {
        let name = name(given)?;
        good_password(password)?;
        if self.inside.records.account(name.clone()).await?.is_some() {
            return Err(taken());
        }
        let hash = self.passwords.hash(password.to_owned()).await?;
        let made_ms = (self.inside.wall)();
        let account = Account {
            name: name.clone(),
            role,
            hash,
            first: false,
            viewer: 0,
            made_ms,
        };
        if !self.inside.records.account_add(account).await? {
            return Err(taken());
        }
        Ok(name)
    }

    /// Ends sessions, and the sockets that stand on them.
    pub async fn end_sessions(&self, which: Ending) -> Plain<u64> {
        let over = match &which {
            Ending::One(id) => Over::Session(*id),
            Ending::Account(account) | Ending::Others { account, .. } => {
                Over::Account(account.clone())
            }
        };
        let ended = self.inside.records.sessions_end(which).await?;
        let _ = self.ended.send(over);
        Ok(ended)
    }
}

fn taken() -> Fault {
    Fault::new(
        StatusCode::CONFLICT,
        "taken",
        "There is an account of that name.",
    )
}

/// `POST /register`: an account of a viewer.
pub async fn register(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    Read(asked): Read<Credentials>,
) -> Answer {
    shared.refuse_http(&headers, visitor.secure, "/login")?;
    Shared::take(&shared.registers, &visitor.addr)?;
    let name = shared
        .add_account(&asked.name, &asked.password, Role::Viewer)
        .await?;
    shared
        .audit(&visitor, "register", &json!({ "name": name }), true)
        .await;
    Ok((
        StatusCode::CREATED,
        Json(json!({ "name": name, "role": Role::Viewer })),
    )
        .into_response())
}

/// `GET /api/me`
pub async fn me(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
) -> Json<Value> {
    let person = match visitor.viewer {
        Some(viewer) => shared.inside.live.person(viewer).await,
        None => None,
    };
    let name = visitor.login.as_ref().map(|l| l.account.clone());
    let shown = person.as_ref().map(|p| p.name.clone());
    Json(json!({
        "viewer": person.map(|p| p.viewer),
        "name": name.clone().or_else(|| shown.clone()),
        "shown": shown,
        "account": name,
        "role": visitor.role(),
        "first_password": visitor.login.is_some_and(|l| l.first),
    }))
}

/// `GET /api/accounts`
pub async fn accounts(State(shared): State<Arc<Shared>>) -> Answer {
    let accounts = shared.inside.records.accounts().await?;
    let sessions = shared.inside.records.sessions(None).await?;
    let lines: Vec<Value> = accounts
        .iter()
        .map(|a| {
            let of = || sessions.iter().filter(|s| s.account == a.name);
            json!({
                "name": a.name,
                "role": a.role,
                "created_ms": a.made_ms,
                "last_login_ms": of().map(|s| s.made_ms).max(),
                "sessions": of().count(),
            })
        })
        .collect();
    Ok(Json(json!({ "accounts": lines })).into_response())
}

/// `POST /api/accounts`
pub async fn add(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    Read(asked): Read<NewAccount>,
) -> Answer {
    if asked.role == Role::Owner {
        return Err(Fault::forbidden("There is one owner."));
    }
    let name = shared
        .add_account(&asked.name, &asked.password, asked.role)
        .await?;
    let about = json!({ "name": name, "role": asked.role });
    shared.audit(&visitor, "account-add", &about, true).await;
    Ok((StatusCode::CREATED, Json(about)).into_response())
}

/// `DELETE /api/accounts/{name}`
pub async fn remove(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Answer {
    let records = &shared.inside.records;
    let account = records.account(name.clone()).await?;
    match account {
        Some(account) if account.role == Role::Owner => {
            return Err(Fault::forbidden("The owner's account stays."));
        }
        None => return Err(Fault::missing("There is no such account.")),
        Some(_) => {}
    }
    records.account_remove(name.clone()).await?;
    shared.end_sessions(Ending::Account(name.clone())).await?;
    shared
        .audit(&visitor, "account-remove", &json!({ "name": name }), true)
        .await;
    Ok(StatusCode::NO_CONTENT.into_response())
}

impl Shared {
    /// Sessions that this one may see: their own, and all for the owner.
    async fn sessions_of(&self, visitor: &Visitor) -> Plain<Vec<Session>> {
        let all = visitor.role() == Role::Owner;
        let account = (!all).then(|| visitor.account().to_owned());
        self.inside.records.sessions(account).await
    }
}

/// `GET /api/sessions`
pub async fn sessions(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
) -> Answer {
    let mine = visitor.login.as_ref().map(|l| l.session);
    let lines: Vec<Value> = shared
        .sessions_of(&visitor)
        .await?
        .iter()
        .map(|s| {
            json!({
                "id": s.id.to_string(),
                "account": s.account,
                "role": s.role,
                "created_ms": s.made_ms,
                "seen_ms": s.used_ms,
                "agent": s.agent,
                "current": Some(s.id) == mine,
            })
        })
        .collect();
    Ok(Json(json!({ "sessions": lines })).into_response())
}

/// Which sessions are to end.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Which {
    id: Option<String>,
    account: Option<String>,
}

/// `DELETE /api/sessions`: one by its id, all of an account, or all others of one's own.
pub async fn end(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    which: Result<Query<Which>, axum::extract::rejection::QueryRejection>,
) -> Answer {
    let Ok(Query(which)) = which else {
        return Err(Fault::bad("Choose id or account, or neither."));
    };
    let Some(login) = &visitor.login else {
        return Err(Fault::nobody("Log in first."));
    };
    let ending = match (which.id, which.account) {
        (Some(given), None) => {
            let mut all = shared.sessions_of(&visitor).await?.into_iter();
            let found = all.find(|s| s.id.to_string() == given);
            let found = found.ok_or_else(|| Fault::missing("There is no such session."))?;
            Ending::One(found.id)
        }
        (None, Some(account)) => {
            if account != login.account && visitor.role() != Role::Owner {
                return Err(Fault::forbidden("These are not your sessions."));
            }
            Ending::Account(account)
        }
        (None, None) => Ending::Others {
            account: login.account.clone(),
            but: login.session,
        },
        (Some(_), Some(_)) => return Err(Fault::bad("Choose id or account, or neither.")),
    };
    let ended = shared.end_sessions(ending).await?;
    shared
        .audit(&visitor, "sessions-end", &json!({ "ended": ended }), true)
        .await;
    Ok(StatusCode::NO_CONTENT.into_response())
}
