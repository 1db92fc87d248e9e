//! Stream keys in files of their own: one line, for the owner's eyes only.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use super::types::Secret;
use super::value::checks;

/// A key file is at most this long, in bytes.
const MAX_BYTES: u64 = 4096;

/// A sentence, and what to do about it.
pub type Complaint = (String, Option<String>);

/// Reads the key. The complaint never holds what is in the file.
pub fn read(path: &Path) -> Result<Secret, Complaint> {
    let name = shown(path);
    let file = open(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => (
            format!("The key file{name} does not exist."),
            Some("Create it with the stream key as its only line, and chmod 600 it.".into()),
        ),
        _ => (
            format!("The key file{name} cannot be opened: {}.", reason(&e)),
            Some("Make it readable for the user that runs Boothcast, and for nobody else.".into()),
        ),
    })?;
    let unreadable = |e: io::Error| {
        let text = format!("The key file{name} cannot be read: {}.", reason(&e));
        (text, None)
    };
    let meta = file.metadata().map_err(unreadable)?;
    if !meta.is_file() {
        return Err((format!("The key file{name} is not a regular file."), None));
    }
    let mode = meta.mode() & 0o777;
    // The service manager gives a credential to one user by an access list, whose mask looks like rights of the group.
    let forbidden = match credentials() {
        Some(folder) if path.starts_with(&folder) => 0o027,
        _ => 0o077,
    };
    if mode & forbidden != 0 {
        return Err((
            format!("The key file{name} can be read by others (mode {mode:04o})."),
            Some(format!("Run: chmod 600 {}", path.display())),
        ));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let complaint = |what: &str| {
        let mend = "Write the stream key into it as its only line.".to_owned();
        (format!("The key file{name} {what}."), Some(mend))
    };
    if bytes.len() as u64 > MAX_BYTES {
        return Err(complaint("is longer than 4 KiB"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| complaint("is not text"))?;
    // Editors add a line end, some a byte order mark.
    let key = text.trim_start_matches('\u{feff}').trim();
    if key.is_empty() {
        return Err(complaint("is empty"));
    }
    if key.contains('\n') {
        return Err(complaint("has more than one line"));
    }
    checks::stream_key(key).map_err(|_| complaint("holds something that is not a stream key"))?;
    Ok(Secret::new(key))
}

/// Folder of this service's credentials, if it has some.
pub fn credentials() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?);
    folder.is_absolute().then_some(folder)
}

/// Opens without waiting: a FIFO must not hold up the start.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(path)
}

/// The reason without the number that Rust adds to it.
pub fn reason(e: &io::Error) -> String {
    let text = e.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.to_lowercase()
}

/// ` PATH` for a message; nothing where the path may be a stream key that was written in the place of a path.
#[must_use]
pub fn shown(path: &Path) -> String {
    if may_be_shown(path) {
        format!(" {}", path.display())
    } else {
        String::new()
    }
}

/// Folders and files that exist may be shown; what does not exist must look like a file's name.
fn may_be_shown(path: &Path) -> bool {
    let missing = path
        .ancestors()
        .take_while(|p| !p.as_os_str().is_empty() && p.symlink_metadata().is_err());
    missing
        .filter_map(|p| p.components().next_back())
        .all(|c| match c {
            Component::Normal(name) => name.to_str().is_some_and(looks_like_a_name),
            _ => true,
        })
}

fn looks_like_a_name(name: &str) -> bool {
    let word = |w: &str| {
        w.bytes()
            .all(|b| b.is_ascii_lowercase() || b"-_.".contains(&b))
    };
    let extension = name.rsplit_once('.').map(|(_, e)| e);
    let extended = extension.is_some_and(|e| (2..=6).contains(&e.len()) && word(e));
    name.len() <= 32 && (word(name) || extended)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file(dir: &tempfile::TempDir, name: &str, bytes: &[u8], mode: u32) -> PathBuf {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn takes_one_line() {
        let dir = tempfile::tempdir().unwrap();
        for (n, text) in ["k-1", "k-1\n", "k-1\r\n", "\n k-1 \n\n", "\u{feff}k-1\n"]
            .iter()
            .enumerate()
        {
            let path = file(&dir, &n.to_string(), text.as_bytes(), 0o600);
            assert_eq!(read(&path).unwrap().expose(), "k-1", "{text:?}");
        }
        let path = file(&dir, "ro", b"k-1", 0o400);
        assert!(read(&path).is_ok());
    }

    #[test]
    fn refuses_with_the_reason_and_without_the_content() {
        let dir = tempfile::tempdir().unwrap();
        let long = vec![b'a'; 5000];
        for (bytes, mode, why) in [
            (&b""[..], 0o600, "is empty"),
            (b" \n", 0o600, "is empty"),
            (b"canary-a\ncanary-b", 0o600, "more than one line"),
            (b"canary a", 0o600, "not a stream key"),
            (b"canary\xff", 0o600, "not text"),
            (&long, 0o600, "longer than 4 KiB"),
            (b"canary", 0o640, "read by others (mode 0640)"),
            (b"canary", 0o604, "read by others (mode 0604)"),
        ] {
            let path = file(&dir, "x.key", bytes, mode);
            let (message, mend) = read(&path).unwrap_err();
            assert!(message.contains(why), "{message}");
            assert!(message.contains("x.key") && !message.contains("canary"));
            let mend = mend.unwrap();
            assert_eq!(mend.contains("chmod 600 /"), mode != 0o600, "{mend}");
            assert!(!mend.contains("canary"));
        }
        let (message, _) = read(&dir.path().join("nothing.key")).unwrap_err();
        assert!(message.contains("nothing.key does not exist"), "{message}");
        let (message, _) = read(dir.path()).unwrap_err();
        assert!(message.contains("not a regular file"), "{message}");
    }

    #[test]
    fn a_pipe_does_not_hold_up_the_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(read(&path).unwrap_err().0.contains("not a regular file"));
    }

    #[test]
    fn a_key_in_the_place_of_a_path_is_not_repeated() {
        let dir = tempfile::tempdir().unwrap();
        for wrong in ["a1b2-c3d4-e5f6", "live_77_AbC", "ab1/cd2"] {
            let (message, mend) = read(&dir.path().join(wrong)).unwrap_err();
            assert_eq!(message, "The key file does not exist.");
            assert!(!mend.unwrap().contains(wrong));
        }
        for fine in ["youtube", "keys/you-tube", "Tube2.key"] {
            let (message, _) = read(&dir.path().join(fine)).unwrap_err();
            assert!(message.contains(fine), "{message}");
        }
    }
}
