//! The way to boxes afar: which broker, a connection to it for as long as a command line runs, and commands and answers
//! over it.
//!
//! ```text
//!   args.rs    flags, environment, configuration -> Reach
//!   link.rs    one connection: open, publish, what comes in, close
//!   ask.rs     a command to one box, to several, to a group: what each of them answered
//!   round.rs   those answers as a table, as JSON, as an exit code
//! ```

/// Which broker, from flags, environment and configuration.
pub mod args;
pub(super) mod ask;
pub(super) mod link;
mod round;

use std::time::Duration;

use super::outcome::Trouble;

/// How long the threads of a command line may take to end.
const END_LIMIT: Duration = Duration::from_secs(2);

/// A runtime whose one thread keeps the connection while this one waits or prints.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Trouble> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|e| Trouble::Broken(format!("No thread can be started: {e}.")))
}

/// Runs `work` to its end on a runtime of its own.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    let runtime = runtime()?;
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(END_LIMIT);
    done
}
