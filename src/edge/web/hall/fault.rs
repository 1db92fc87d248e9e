//! The one place where what went wrong becomes an HTTP status and JSON.

use std::borrow::Cow;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::edge::codec::{Code, Failure};
use crate::error::{Error, Kind};
use crate::room::live::act::{Refusal, Why};

/// Why a request is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Of the answer.
    pub status: StatusCode,
    said: Said,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Said {
    code: Cow<'static, str>,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Where it would work.
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
}

impl Fault {
    /// Of these.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            said: Said {
                code: code.into(),
                message: message.into(),
                retry_after_ms: None,
                reason: None,
                location: None,
            },
        }
    }

    /// The body or a field is wrong.
    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", message)
    }

    /// There is no such thing.
    pub fn missing(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", message)
    }

    /// The role is too low.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// Nobody knows who asks.
    pub fn nobody(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unknown", message)
    }

    /// Too often.
    pub fn too_fast(message: impl Into<String>, after_ms: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-fast", message).after_ms(after_ms)
    }

    /// Too much is going on.
    pub fn busy(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message)
    }

    /// The same, with when it may work.
    #[must_use]
    pub fn after_ms(mut self, ms: u64) -> Self {
        self.said.retry_after_ms = Some(ms);
        self
    }

    /// The same, with where it would work.
    #[must_use]
    pub fn at(mut self, location: String) -> Self {
        self.said.location = Some(location);
        self
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        let (status, code) = match refusal.code {
            Why::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            Why::BadRequest => (StatusCode::BAD_REQUEST, "bad-request"),
            Why::NotFound => (StatusCode::NOT_FOUND, "not-found"),
            Why::TooFast => (StatusCode::TOO_MANY_REQUESTS, "too-fast"),
            Why::Muted => (StatusCode::FORBIDDEN, "muted"),
            Why::Refused => (StatusCode::UNPROCESSABLE_ENTITY, "refused"),
            Why::Closed => (StatusCode::CONFLICT, "closed"),
            Why::Full => (StatusCode::CONFLICT, "full"),
            Why::NotSaved => (StatusCode::SERVICE_UNAVAILABLE, "not-saved"),
        };
        let mut fault = Self::new(status, code, refusal.message);
        fault.said.retry_after_ms = refusal.retry_after_ms;
        fault.said.reason = refusal.reason;
        fault
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        let (status, code) = match failure.code {
            Code::BadRequest => (StatusCode::BAD_REQUEST, "bad-request"),
            Code::UnknownCommand => (StatusCode::NOT_FOUND, "not-found"),
            Code::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            Code::Conflict => (StatusCode::CONFLICT, "conflict"),
            Code::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
            Code::Refused => (StatusCode::UNPROCESSABLE_ENTITY, "refused"),
            Code::Unsupported => (StatusCode::UNPROCESSABLE_ENTITY, "unsupported"),
            Code::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Code::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "too-fast"),
            Code::Interrupted => (StatusCode::SERVICE_UNAVAILABLE, "interrupted"),
            Code::Expired => (StatusCode::GATEWAY_TIMEOUT, "expired"),
            Code::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        };
        let mut fault = Self::new(status, code, failure.message);
        fault.said.retry_after_ms = failure.after_ms;
        fault.said.reason = failure.reason.map(Cow::into_owned);
        fault
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let (status, code) = match error.kind() {
            Kind::BadConfig | Kind::Unsupported => (StatusCode::BAD_REQUEST, "bad-request"),
            Kind::NotFound => (StatusCode::NOT_FOUND, "not-found"),
            Kind::Permission => (StatusCode::FORBIDDEN, "forbidden"),
            Kind::InUse => (StatusCode::CONFLICT, "conflict"),
            Kind::Refused | Kind::Missing | Kind::Network => {
                (StatusCode::SERVICE_UNAVAILABLE, "busy")
            }
            Kind::Timeout => (StatusCode::SERVICE_UNAVAILABLE, "timeout"),
            Kind::Corrupt | Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        };
        if status.is_server_error() {
            tracing::warn!(error = %error.report(), "a request of a browser failed");
        }
        Self::new(status, code, error.message())
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let wait = self.said.retry_after_ms;
        let body = Json(serde_json::json!({ "error": self.said }));
        let mut answer = (self.status, body).into_response();
        if let Some(ms) = wait {
            answer
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1000)));
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_has_one_status_and_says_when_to_come_again() {
        let refusal = Refusal::new(Why::TooFast, "Slowly.")
            .after_ms(1500)
            .because("slow");
        let fault = Fault::from(refusal);
        assert_eq!(fault.status, StatusCode::TOO_MANY_REQUESTS);
        let answer = fault.clone().into_response();
        assert_eq!(answer.headers().get("retry-after").unwrap(), "2");
        let json = serde_json::to_value(&fault.said).unwrap();
        assert_eq!(json["code"], "too-fast");
        assert_eq!(json["retry_after_ms"], 1500);
        assert_eq!(json["reason"], "slow");
        let error = Error::new(Kind::Internal, "The disk is gone.").mend("Buy one.");
        assert_eq!(Fault::from(error).status, StatusCode::INTERNAL_SERVER_ERROR);
        let failure = Failure::new(Code::Busy, "Later.");
        assert_eq!(Fault::from(failure).status, StatusCode::SERVICE_UNAVAILABLE);
    }
}
