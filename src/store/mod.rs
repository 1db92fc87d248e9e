//! What survives a power cut.

/// The password of the box's own Wi-Fi network.
pub mod access_point;
/// Accounts, logins, and what the staff did.
pub mod accounts;
/// The database and its one writer thread.
pub mod db;
pub(crate) mod fault;
/// Atomic small files: wanted state, passwords.
pub mod files;
/// The state folder: made, checked, locked.
pub mod folder;
/// A factory reset of the state folder.
pub mod forget;
/// How far the boot partition's file was taken in.
pub mod import_note;
/// The journal of commands.
pub mod journal;
/// Stream keys, beside what is wanted.
mod keys;
/// What waits to be told over MQTT.
pub mod outbox;
/// The room: events, and what follows from them.
pub mod room;
/// What a code or the page said, for the next start.
pub mod setup_file;
/// Which version wrote the state folder, and the way back.
pub mod versions;

#[cfg(test)]
mod tests;
