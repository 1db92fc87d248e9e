//! Secrets of the room in the state folder, each in a file of its own, for the box's own user only.

use std::fs::OpenOptions;
use std::net::IpAddr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use hmac::{Hmac, Mac};
use rand::TryRng;
use sha2::Sha256;

use crate::config::Secret;
use crate::edge::web::inside::Certificate;
use crate::edge::web::tls;
use crate::error::{Error, Kind, Result};
use crate::room::live::draws::hex;
use crate::store::files::{read_small, write_atomic};

/// Signs cookies, hashes addresses, makes seeds of draws.
const KEY: &str = "room-key";
/// The certificate of the pages, and its key.
pub const CERTIFICATE: &str = "web-cert.pem";
const CERTIFICATE_KEY: &str = "web-key.pem";
/// The first password of the owner, until it is changed.
pub const FIRST_PASSWORD: &str = "owner-first-password";
/// Length of the key, bytes.
const LENGTH: usize = 32;

/// The box's key; made at the first run.
///
/// # Errors
/// It cannot be read or written, or is damaged: then nothing that it signed is believed any more, so nothing is made anew.
pub fn room_key(dir: &Path) -> Result<[u8; LENGTH]> {
    let path = dir.join(KEY);
    if let Some(text) = read_small(&path)? {
        return from_hex(text.trim()).ok_or_else(|| {
            Error::new(Kind::Corrupt, format!("{} is damaged.", path.display()))
                .mend("Delete it; viewers must join anew then, and open draws cannot be drawn.")
        });
    }
    let mut key = [0; LENGTH];
    rand::rngs::SysRng.try_fill_bytes(&mut key).map_err(|e| {
        Error::new(Kind::Internal, "The system gives no random numbers").caused_by(e)
    })?;
    write_atomic(&path, format!("{}\n", hex(&key)).as_bytes(), 0o600)?;
    Ok(key)
}

/// A key made of the box's key for one purpose.
#[must_use]
pub fn derived(key: &[u8; LENGTH], purpose: &str, number: u64) -> [u8; LENGTH] {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        // Any length will do.
        return *key;
    };
    mac.update(purpose.as_bytes());
    mac.update(&[0]);
    mac.update(&number.to_be_bytes());
    mac.finalize().into_bytes().into()
}

/// The certificate of the pages; made at the first run for these names and addresses. A later change of address needs no
/// other one: people trust its fingerprint.
///
/// # Errors
/// It cannot be made, read or written.
pub fn certificate(dir: &Path, names: &[String], addresses: &[IpAddr]) -> Result<Certificate> {
    let (cert_file, key_file) = (dir.join(CERTIFICATE), dir.join(CERTIFICATE_KEY));
    if let (Some(cert), Some(key)) = (read_small(&cert_file)?, read_small(&key_file)?)
        && tls::fingerprint(&cert).is_ok()
    {
        return Ok(Certificate { cert, key });
    }
    let made = tls::make(names, addresses)?;
    write_atomic(&key_file, made.key.as_bytes(), 0o600)?;
    write_atomic(&cert_file, made.cert.as_bytes(), 0o600)?;
    Ok(made)
}

/// SHA-256 of the certificate as browsers show it; `None`: there is none yet, or it cannot be read.
#[must_use]
pub fn fingerprint(dir: &Path) -> Option<String> {
    let cert = read_small(&dir.join(CERTIFICATE)).ok()??;
    tls::fingerprint(&cert).ok()
}

/// Where the first password lies.
#[must_use]
pub fn first_password_file(dir: &Path) -> PathBuf {
    dir.join(FIRST_PASSWORD)
}

/// Keeps it until it is changed.
///
/// # Errors
/// What the system said.
pub fn keep_first_password(dir: &Path, password: &Secret) -> Result<()> {
    let line = format!("{}\n", password.expose());
    write_atomic(&first_password_file(dir), line.as_bytes(), 0o600)
}

/// Whether the owner's password is the one that the box made.
#[must_use]
pub fn has_first_password(dir: &Path) -> bool {
    first_password_file(dir).is_file()
}

/// It was changed: nothing of it stays.
pub fn forget_first_password(dir: &Path) {
    let path = first_password_file(dir);
    if let Ok(meta) = std::fs::symlink_metadata(&path)
        && meta.is_file()
        && let Ok(file) = OpenOptions::new().write(true).mode(0o600).open(&path)
    {
        let length = usize::try_from(meta.len().min(4096)).unwrap_or_default();
        let zeros = vec![0; length];
        let written = std::io::Write::write_all(&mut &file, &zeros).and_then(|()| file.sync_all());
        if let Err(e) = written {
            tracing::warn!(error = %e, "the owner's first password could not be overwritten");
        }
        let _ = file.set_permissions(std::fs::Permissions::from_mode(0o600));
    }
    match std::fs::remove_file(&path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(error = %e, "the owner's first password could not be removed");
        }
        _ => {}
    }
}

fn from_hex(text: &str) -> Option<[u8; LENGTH]> {
    if text.len() != 2 * LENGTH || !text.is_ascii() {
        return None;
    }
    let mut out = [0; LENGTH];
    for (byte, at) in out.iter_mut().zip((0..text.len()).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_key_stays_and_is_for_the_box_alone() {
        let dir = tempfile::tempdir().unwrap();
        let key = room_key(dir.path()).unwrap();
        assert_eq!(room_key(dir.path()).unwrap(), key);
        assert_eq!(mode(&dir.path().join(KEY)), 0o600);
        std::fs::write(dir.path().join(KEY), "short\n").unwrap();
        assert_eq!(room_key(dir.path()).unwrap_err().kind(), Kind::Corrupt);
    }

    #[test]
    fn keys_of_two_purposes_and_numbers_differ() {
        let key = [7; LENGTH];
        let all = [("draw", 1), ("draw", 2), ("web", 1)].map(|(p, n)| derived(&key, p, n));
        assert_eq!(derived(&key, "draw", 1), all[0]);
        assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2] && all[0] != key);
    }

    #[test]
    fn the_certificate_stays() {
        let dir = tempfile::tempdir().unwrap();
        let make = || certificate(dir.path(), &["box".into()], &[]).unwrap();
        let first = make();
        assert_eq!(make().cert, first.cert);
        assert_eq!(mode(&dir.path().join(CERTIFICATE_KEY)), 0o600);
    }

    #[test]
    fn a_first_password_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        forget_first_password(dir.path());
        keep_first_password(dir.path(), &Secret::new("abc-def")).unwrap();
        assert!(has_first_password(dir.path()));
        assert_eq!(mode(&first_password_file(dir.path())), 0o600);
        forget_first_password(dir.path());
        assert!(!has_first_password(dir.path()));
    }
}
