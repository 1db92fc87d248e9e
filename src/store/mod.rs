//! What survives a power cut.

/// Atomic small files: wanted state, passwords.
pub mod files;
/// The state folder: made, checked, locked.
pub mod folder;

#[cfg(test)]
mod tests;
