//! What SQLite says, as an error of ours: which file, what kind, and the mend.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::error::{Error, Kind};

/// An error of the database in the folder `dir`.
pub fn trouble(dir: &Path, e: &rusqlite::Error) -> Error {
    let path = dir.join(super::DATABASE);
    let (kind, mend) = match e.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => (Kind::Internal, "Make room on the disk."),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => (
            Kind::Permission,
            "Check the permissions of its folder, and that the disk is not read-only.",
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            Kind::InUse,
            "Close the other program that has it open, such as sqlite3.",
        ),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            (Kind::Corrupt, "Try again: a new one is made in its place.")
        }
        Some(ErrorCode::SystemIoFailure) => (
            Kind::Internal,
            "Make room on the disk; if there is room, the disk or card is failing: replace it.",
        ),
        _ => (Kind::Internal, ""),
    };
    let said =
        Error::new(kind, format!("{} cannot be used", path.display())).caused_by(e.to_string());
    if mend.is_empty() {
        said
    } else {
        said.mend(mend)
    }
}

/// Whether the file itself is damaged.
pub fn is_damage(e: &rusqlite::Error) -> bool {
    matches!(
        e.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}
