//! What stands behind every edge that takes commands: the core for what changes something, the parts of the box for what
//! only asks, and the rate of each origin before both.

use crate::device::command::{Command, Origin};
use crate::device::supervisor::Handle;
use crate::edge::codec::Failure;
use crate::edge::desk::{Desk, Done};

/// What the desk reaches.
#[derive(Clone)]
pub struct Behind {
    /// The core.
    pub handle: Handle,
}

/// The desk of this box.
#[must_use]
pub fn desk(behind: Behind) -> Desk {
    Desk::new(move |origin, command| {
        let behind = behind.clone();
        Box::pin(async move { behind.run(origin, command).await })
    })
}

impl Behind {
    async fn run(self, origin: Origin, command: Command) -> Result<Done, Failure> {
        Done::by(self.handle.command(origin, command).await)
    }
}
