//! The socket's file: made with the right mode from the first moment, and removed at the end.

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

/// Who may connect: user and group.
const MODE: u32 = 0o660;
/// Connections that wait to be accepted.
const BACKLOG: i32 = 16;

/// The file, and the link to it; both are removed on drop.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    link: Option<PathBuf>,
}

impl SocketFile {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        for path in self.link.iter().chain([&self.path]) {
            if let Err(e) = fs::remove_file(path) {
                tracing::debug!(file = %path.display(), error = %e, "the control socket's file stays");
            }
        }
    }
}

/// Listens on `path`, in the place of a dead socket; `link` leads there afterwards.
pub(super) fn open(path: &Path, link: Option<PathBuf>) -> io::Result<(UnixListener, SocketFile)> {
    clear(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // The file gets the socket's own mode less the umask: at no moment may more people connect than at the end.
    // SAFETY: a plain system call on a descriptor that `socket` keeps open.
    if unsafe { libc::fchmod(socket.as_raw_fd(), MODE) } != 0 {
        return Err(io::Error::last_os_error());
    }
    socket.bind(&SockAddr::unix(path)?)?;
    let mut file = SocketFile {
        path: path.to_owned(),
        link: None,
    };
    fs::set_permissions(path, fs::Permissions::from_mode(MODE))?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    if let Some(link) = link {
        clear(&link)?;
        symlink(path, &link)?;
        file.link = Some(link);
    }
    Ok((socket.into(), file))
}

/// Removes a socket or a link of an earlier run; anything else that lies there is somebody's.
fn clear(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() || found.file_type().is_symlink() => {
            fs::remove_file(path)
        }
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "something that is no socket has this name",
        )),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    }
}
