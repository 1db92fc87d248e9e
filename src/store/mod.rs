//! What survives a power cut.

/// Atomic small files: wanted state, passwords.
pub mod files;
