//! Where every edge that speaks for people hands in its commands: `app` stands behind it with the core, the engine and
//! the configuration, and keeps the rate of each origin.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;

use super::codec::Failure;
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
pub struct Desk(Arc<dyn Fn(Origin, Command) -> Doing + Send + Sync>);

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Desk")
    }
}

impl Desk {
    /// A desk behind which `run` stands. The future that it gives ends within a bound of its own.
    pub fn new(run: impl Fn(Origin, Command) -> Doing + Send + Sync + 'static) -> Self {
        Self(Arc::new(run))
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
        (self.0)(origin, command).await
    }
}
