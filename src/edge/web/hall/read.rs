//! Bodies of requests, strictly.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header;
use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::fault::Fault;
use super::gate::{is_json, too_large};
use crate::edge::web::BODY;

/// A JSON body.
#[derive(Debug)]
pub struct Read<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Read<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, _: &S) -> Result<Self, Fault> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        if !kind.and_then(|v| v.to_str().ok()).is_some_and(is_json) {
            return Err(Fault::new(
                axum::http::StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not-json",
                "The body must be JSON, and its type application/json.",
            ));
        }
        let bytes = body(request.into_body()).await?;
        let read = serde_json::from_slice(&bytes);
        read.map(Self)
            .map_err(|e| Fault::bad(format!("The body is wrong: {e}.")))
    }
}

/// The bytes of a body that is not too long.
///
/// # Errors
/// It is, or it broke off.
pub async fn body(body: Body) -> Result<Bytes, Fault> {
    to_bytes(body, BODY).await.map_err(|_| too_large())
}
