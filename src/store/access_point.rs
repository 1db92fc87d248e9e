//! The password of the box's own Wi-Fi network: made once, kept in the state folder, gone with a factory reset.

use std::path::Path;

use super::files::{draw_password, write_atomic};
use crate::config::Secret;
use crate::error::Result;

/// Its file.
pub const FILE: &str = "access-point-password";
/// Characters: 59 bits, and short enough to be typed from a screen.
const LENGTH: usize = 12;

/// The password; made where there is none, and anew where the file holds none that a phone could use.
///
/// # Errors
/// The state folder cannot be written.
pub fn password(dir: &Path) -> Result<Secret> {
    let path = dir.join(FILE);
    if let Some(kept) = kept(&path) {
        return Ok(kept);
    }
    let made = draw_password(LENGTH)?;
    write_atomic(&path, format!("{made}\n").as_bytes(), 0o600)?;
    Ok(Secret::new(made))
}

/// What the file says, if WPA takes it: 8 to 63 printable characters.
fn kept(path: &Path) -> Option<Secret> {
    let text = super::files::read_small(path).ok().flatten()?;
    let line = text.trim_end_matches(['\r', '\n']);
    let fits = (8..=63).contains(&line.len()) && line.bytes().all(|b| b.is_ascii_graphic());
    fits.then(|| Secret::new(line))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_is_made_once_for_the_owner_alone_and_anew_where_it_is_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let first = password(dir.path()).unwrap();
        assert_eq!(first.expose().len(), LENGTH);
        assert!(
            first
                .expose()
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        );
        assert_eq!(password(dir.path()).unwrap(), first);
        let path = dir.path().join(FILE);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(&path, b"short\n").unwrap();
        let second = password(dir.path()).unwrap();
        assert_ne!(second, first);
        assert_eq!(second.expose().len(), LENGTH);
    }
}
