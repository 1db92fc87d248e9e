//! Running comments, read back from the decoded stream.

mod analysis;
mod synthetic;
