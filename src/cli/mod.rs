//! The command line.

/// `boothcast check`.
pub mod check;
/// `boothcast doctor`.
pub mod doctor;
/// `boothcast run`.
pub mod run;
