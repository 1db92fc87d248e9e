//! Where every edge that speaks for people hands in its commands: `app` stands behind it with the core, the engine and
//! the configuration, and keeps the rate of each origin.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde_json::Value;

use super::codec::{Code, Failure};
use super::limit::Limits;
use crate::device::command::{Command, Origin};
use crate::device::policy::Denial;
use crate::device::supervisor::{Accepted, Handle};

/// What came of a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Done {
    /// It is being carried out, and what it changed is on disk; the outcome shows in the status.
    Accepted,
    /// It was so already; says how.
    AlreadySo(String),
    /// It is kept, and comes into effect later; says when.
    Kept(String),
    /// What was asked for.
    Data(Value),
    /// A picture.
    Picture(Picture),
}

impl Done {
    /// What the core said.
    ///
    /// # Errors
    /// Its denial.
    pub fn by(said: Result<Accepted, Denial>) -> Result<Self, Failure> {
        match said {
            Ok(Accepted::Done) => Ok(Self::Accepted),
            Ok(Accepted::AlreadySo(how)) => Ok(Self::AlreadySo(how)),
            Ok(Accepted::Kept(when)) => Ok(Self::Kept(when)),
            Err(denial) => Err(Failure::from(&denial)),
        }
    }
}

/// A picture of what is on air.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Baseline JPEG.
    pub jpeg: bytes::Bytes,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({}x{})", self.width, self.height)
    }
}

/// The outcome, when it is there.
pub type Doing = Pin<Box<dyn Future<Output = Result<Done, Failure>> + Send>>;

/// Takes commands; cheap to clone.
#[derive(Clone)]
pub struct Desk {
    run: Arc<dyn Fn(Origin, Command) -> Doing + Send + Sync>,
    rate: Option<Arc<Rate>>,
}

struct Rate {
    begun: Instant,
    limits: Mutex<Limits>,
    /// Of what is urgent, so that nothing else can use it up.
    urgent: Mutex<Limits>,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Desk")
    }
}

impl Desk {
    /// A desk behind which `run` stands. The future that it gives ends within a bound of its own.
    pub fn new(run: impl Fn(Origin, Command) -> Doing + Send + Sync + 'static) -> Self {
        Self {
            run: Arc::new(run),
            rate: None,
        }
    }

    /// The same desk, which admits `rate` commands per second of each origin, and `burst` at once.
    #[must_use]
    pub fn limited(mut self, rate: u32, burst: u32) -> Self {
        self.rate = Some(Arc::new(Rate {
            begun: Instant::now(),
            limits: Mutex::new(Limits::new(rate, burst)),
            urgent: Mutex::new(Limits::new(rate, burst)),
        }));
        self
    }

    /// Whether one more command of `origin` may come now: to be asked once for each, before anything that costs. A desk
    /// without a limit admits all.
    ///
    /// # Errors
    /// `rate_limited`, with how long to wait.
    pub fn admit(&self, origin: Origin) -> Result<(), Failure> {
        let rate = self.rate.as_deref();
        rate.map_or(Ok(()), |rate| rate.take(&rate.limits, origin))
    }

    /// The same for a command that is urgent ([`Command::is_urgent`]): only others of its kind count, and one
    /// is refused only where a whole burst of them was admitted just before.
    ///
    /// # Errors
    /// `rate_limited`, with how long to wait.
    pub fn admit_urgent(&self, origin: Origin) -> Result<(), Failure> {
        let rate = self.rate.as_deref();
        rate.map_or(Ok(()), |rate| rate.take(&rate.urgent, origin))
    }

    /// A desk with nothing but the core behind it.
    #[must_use]
    pub fn core(handle: Handle) -> Self {
        Self::new(move |origin, command| {
            let handle = handle.clone();
            Box::pin(async move { Done::by(handle.command(origin, command).await) })
        })
    }

    /// Hands in a command and waits for what comes of it.
    ///
    /// # Errors
    /// Why it is not done, ready to be answered.
    pub async fn run(&self, origin: Origin, command: Command) -> Result<Done, Failure> {
        (self.run)(origin, command).await
    }
}

impl Rate {
    fn take(&self, limits: &Mutex<Limits>, origin: Origin) -> Result<(), Failure> {
        // Nothing that holds this lock can panic half-way.
        let mut limits = limits.lock().unwrap_or_else(PoisonError::into_inner);
        limits.take(origin, self.begun.elapsed()).map_err(|wait| {
            let after_ms = u64::try_from(wait.as_millis())
                .unwrap_or(u64::MAX)
                .saturating_add(1);
            let said = format!("These are too many commands at once. Try again in {after_ms} ms.");
            Failure {
                after_ms: Some(after_ms),
                ..Failure::new(Code::RateLimited, said)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn too_many_commands_are_refused_with_the_time_to_wait() {
        let desk = Desk::new(|_, _| Box::pin(async { Ok(Done::Accepted) }));
        for _ in 0..10_000 {
            desk.admit(Origin::Mqtt).unwrap();
        }
        let desk = desk.limited(1, 3);
        for _ in 0..3 {
            desk.clone().admit(Origin::Mqtt).unwrap();
            assert_eq!(
                desk.run(Origin::Mqtt, Command::Identify).await,
                Ok(Done::Accepted)
            );
        }
        let failure = desk.admit(Origin::Mqtt).unwrap_err();
        assert_eq!(failure.code, Code::RateLimited);
        assert!(failure.retryable);
        let after = failure.after_ms.unwrap();
        assert!((1..=1001).contains(&after), "{after}");
        assert!(failure.message.contains(&format!("{after} ms")));
        desk.admit(Origin::Cli).unwrap();
        // What is urgent has room of its own, of which others take nothing.
        for _ in 0..3 {
            desk.admit_urgent(Origin::Mqtt).unwrap();
        }
        let failure = desk.admit_urgent(Origin::Mqtt).unwrap_err();
        assert_eq!(failure.code, Code::RateLimited);
        desk.admit_urgent(Origin::Cli).unwrap();
    }
}
