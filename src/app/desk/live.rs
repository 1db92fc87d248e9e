//! Commands that the live room answers.

use serde_json::{Map, Value};

use crate::device::command::Origin;
use crate::edge::codec::{Code, Failure};
use crate::edge::desk::Done;
use crate::room::live::act::{Act, By, Refusal, Why};
use crate::room::live::actor::LiveHandle;
use crate::room::live::event::Role;

/// Hands an act in, in the name of the owner: whoever may command the box may run its room.
pub async fn act(live: Option<&LiveHandle>, origin: Origin, act: Act) -> Result<Done, Failure> {
    let Some(live) = live else {
        return Err(Failure::new(
            Code::Unsupported,
            "This box has no room. Set web.enabled, or mqtt.broker.",
        ));
    };
    let by = By {
        viewer: 0,
        role: Role::Owner,
        account: Some(name(origin).to_owned()),
        addr: String::new(),
    };
    match live.act(by, act).await {
        Ok(done) => Ok(Done::Data(data(&done))),
        Err(refusal) => Err(failure(refusal)),
    }
}

/// How the audit log calls whoever commands the box.
fn name(origin: Origin) -> &'static str {
    match origin {
        Origin::Signal => "signal",
        Origin::Cli => "ctl",
        Origin::Mqtt => "mqtt",
        Origin::Web => "web",
        Origin::Button => "button",
        Origin::Schedule => "schedule",
    }
}

fn data(done: &crate::room::live::act::Done) -> Value {
    serde_json::to_value(done).unwrap_or_else(|_| Value::Object(Map::new()))
}

fn failure(refusal: Refusal) -> Failure {
    let code = match refusal.code {
        Why::Forbidden => Code::Forbidden,
        Why::BadRequest | Why::NotFound => Code::BadRequest,
        Why::TooFast => Code::RateLimited,
        Why::Muted | Why::Refused => Code::Refused,
        Why::Closed | Why::Full => Code::Conflict,
        Why::NotSaved => Code::Internal,
    };
    Failure {
        reason: refusal.reason.map(Into::into),
        after_ms: refusal.retry_after_ms,
        ..Failure::new(code, refusal.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_box_without_a_room_says_so() {
        let failure = act(None, Origin::Mqtt, Act::Unpin).await.unwrap_err();
        assert_eq!(failure.code, Code::Unsupported);
        assert!(failure.message.contains("web.enabled"));
    }

    #[test]
    fn refusals_keep_what_they_say() {
        let refusal = Refusal::new(Why::TooFast, "Slowly.")
            .after_ms(40)
            .because("rate");
        let told = failure(refusal);
        assert_eq!((told.code, told.after_ms), (Code::RateLimited, Some(40)));
        assert_eq!(told.reason.as_deref(), Some("rate"));
        assert!(told.retryable);
        assert!(!failure(Refusal::new(Why::Closed, "Over.")).retryable);
    }
}
