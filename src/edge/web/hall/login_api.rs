//! Logging in and out over HTTP, and another password.

use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;

use super::accounts::good_password;
use super::door::Caller;
use super::fault::Fault;
use super::read::Read;
use super::visitor::{Login, Names, SESSION_MS, VIEWER_S, Visitor, set_cookie};
use super::{Shared, sign, throttle};
use crate::edge::web::inside::{Ending, NewSession};
use crate::edge::web::openapi::bodies::{Credentials, NewPassword};

type Answer = Result<Response, Fault>;

/// `POST /login`
pub async fn login(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    Read(asked): Read<Credentials>,
) -> Answer {
    shared.refuse_http(&headers, caller.secure, "/login")?;
    let name = asked.name.trim().to_lowercase();
    let key = shared
        .keys
        .sign("login", format!("{name}\0{}", visitor.addr).as_bytes());
    shared.count_login(&key).await?;
    let account = shared.inside.records.account(name.clone()).await?;
    let hash = account.as_ref().map(|a| a.hash.clone());
    let fits = shared.passwords.check(asked.password, hash).await?;
    let Some(account) = account.filter(|_| fits) else {
        let about = json!({ "name": name.chars().take(40).collect::<String>() });
        shared.audit(&visitor, "login", &about, false).await;
        let said = "Name or password are wrong.";
        return Err(Fault::new(StatusCode::UNAUTHORIZED, "wrong-password", said));
    };
    shared.inside.records.attempts_set(key, None).await?;
    // Whoever was logged in here before is so no more, and nobody gets a session that somebody else knew before.
    if let Some(before) = &visitor.login {
        shared.end_sessions(Ending::One(before.session)).await?;
    }
    let word = sign::hex(&sign::random::<32>()?);
    let token = sign::digest(word.as_bytes());
    let now_ms = (shared.inside.wall)();
    let added = shared.inside.records.session_add(NewSession {
        token,
        account: account.name.clone(),
        now_ms,
        expires_ms: now_ms.saturating_add(SESSION_MS),
        addr: visitor.addr.clone(),
        agent: agent(&headers),
    });
    let session = added.await?;
    let visitor = Visitor {
        viewer: (account.viewer != 0).then_some(account.viewer),
        login: Some(Login {
            account: account.name.clone(),
            role: account.role,
            session,
            token,
            viewer: account.viewer,
            first: account.first,
        }),
        ..visitor
    };
    let visitor = shared.in_the_room(visitor).await?;
    shared.audit(&visitor, "login", &json!({}), true).await;
    let said = json!({
        "name": account.name,
        "role": account.role,
        "viewer": visitor.viewer,
        "first_password": account.first,
    });
    let mut answer = Json(said).into_response();
    let names = Names::of(caller.secure);
    let viewer = visitor.viewer.unwrap_or(0);
    let cookie = shared.keys.viewer_cookie(viewer, now_ms / 1000);
    let lines = [
        set_cookie(names.session, &word, caller.secure, SESSION_MS / 1000),
        set_cookie(names.viewer, &cookie, caller.secure, VIEWER_S),
    ];
    put_cookies(&mut answer, lines);
    Ok(answer)
}

/// Adds lines `Set-Cookie`.
pub fn put_cookies(answer: &mut Response, lines: impl IntoIterator<Item = Option<HeaderValue>>) {
    for line in lines.into_iter().flatten() {
        answer.headers_mut().append(header::SET_COOKIE, line);
    }
}

fn agent(headers: &HeaderMap) -> String {
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|v| v.to_str().ok());
    agent.unwrap_or("").chars().take(120).collect()
}

impl Shared {
    /// Counts a login as failed before it is looked at: it is forgotten when it works. So a hundred at once are a hundred.
    async fn count_login(&self, key: &str) -> Result<(), Fault> {
        let _one = self.counting.lock().await;
        let now_ms = (self.inside.wall)();
        let kept = self.inside.records.attempts(key.to_owned()).await?;
        if let Some(ms) = throttle::wait_ms(kept, now_ms) {
            let said = format!(
                "Too many wrong passwords. Try again in {} s.",
                ms.div_ceil(1000)
            );
            return Err(Fault::too_fast(said, ms));
        }
        let counted = throttle::failed(kept, now_ms);
        self.inside
            .records
            .attempts_set(key.to_owned(), Some(counted))
            .await?;
        Ok(())
    }
}

/// `POST /logout`
pub async fn logout(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
) -> Answer {
    if let Some(login) = &visitor.login {
        shared.end_sessions(Ending::One(login.session)).await?;
        shared.audit(&visitor, "logout", &json!({}), true).await;
    }
    let mut answer = StatusCode::NO_CONTENT.into_response();
    let names = Names::of(visitor.secure);
    let lines = [
        set_cookie(names.session, "", visitor.secure, 0),
        set_cookie(names.viewer, "", visitor.secure, 0),
    ];
    put_cookies(&mut answer, lines);
    Ok(answer)
}

/// `POST /api/password`: another one; the other sessions of the account end.
pub async fn password(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    Read(asked): Read<NewPassword>,
) -> Answer {
    shared.refuse_http(&headers, visitor.secure, "/desk")?;
    let Some(login) = &visitor.login else {
        return Err(Fault::nobody("Log in first."));
    };
    good_password(&asked.new)?;
    let key = shared.keys.sign(
        "login",
        format!("{}\0{}", login.account, visitor.addr).as_bytes(),
    );
    shared.count_login(&key).await?;
    let records = &shared.inside.records;
    let account = records.account(login.account.clone()).await?;
    let fits = shared
        .passwords
        .check(asked.old, account.map(|a| a.hash))
        .await?;
    if !fits {
        shared.audit(&visitor, "password", &json!({}), false).await;
        return Err(Fault::forbidden("The password so far is wrong."));
    }
    records.attempts_set(key, None).await?;
    let hash = shared.passwords.hash(asked.new).await?;
    records
        .account_password(login.account.clone(), hash)
        .await?;
    let others = Ending::Others {
        account: login.account.clone(),
        but: login.session,
    };
    shared.end_sessions(others).await?;
    shared.audit(&visitor, "password", &json!({}), true).await;
    Ok(StatusCode::NO_CONTENT.into_response())
}
