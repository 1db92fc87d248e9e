//! The watch on a folder that stands for `/dev`: real inotify, no device needed.

use super::*;
use std::sync::mpsc::{Receiver, channel};

const LONG: Duration = Duration::from_secs(20);

fn refused() -> io::Result<Eye> {
    Err(io::Error::from_raw_os_error(libc::EPERM))
}

fn watch(dev: &Path) -> (Watch, Receiver<DeviceClass>) {
    let (tell, heard) = channel();
    let watch = Watch::start_on(dev, refused(), move |class| {
        let _ = tell.send(class);
    });
    (watch.unwrap(), heard)
}

fn touch(path: &Path) {
    std::fs::write(path, b"").unwrap();
}

#[test]
fn without_uevents_the_folders_tell_nodes_that_come_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let (watch, heard) = watch(dir.path());
    let node = dir.path().join("video0");
    touch(&node);
    assert_eq!(heard.recv_timeout(LONG), Ok(DeviceClass::Camera));
    std::fs::remove_file(&node).unwrap();
    assert_eq!(heard.recv_timeout(LONG), Ok(DeviceClass::Camera));
    // The folder of the cards comes with the first of them.
    for _ in 0..2 {
        std::fs::create_dir(dir.path().join("snd")).unwrap();
        assert_eq!(heard.recv_timeout(LONG), Ok(DeviceClass::Sound));
        touch(&dir.path().join("snd/pcmC0D0c"));
        assert_eq!(heard.recv_timeout(LONG), Ok(DeviceClass::Sound));
        std::fs::remove_dir_all(dir.path().join("snd")).unwrap();
        assert_eq!(heard.recv_timeout(LONG), Ok(DeviceClass::Sound));
    }
    // None of ours; then a last one of ours, to know that the others were looked at.
    touch(&dir.path().join("tty7"));
    touch(&node);
    assert_eq!(heard.recv_timeout(LONG), Ok(DeviceClass::Camera));
    watch.stop();
    assert!(heard.recv().is_err(), "the listener outlives the watch");
}

#[test]
fn a_node_that_becomes_readable_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let node = dir.path().join("video3");
    touch(&node);
    let (_watch, heard) = watch(dir.path());
    std::fs::set_permissions(&node, std::fs::Permissions::from_mode(0o660)).unwrap();
    assert_eq!(heard.recv_timeout(LONG), Ok(DeviceClass::Camera));
}

#[test]
fn a_burst_is_one_word() {
    let dir = tempfile::tempdir().unwrap();
    let (watch, heard) = watch(dir.path());
    for n in 0..30 {
        touch(&dir.path().join(format!("video{n}")));
    }
    assert_eq!(heard.recv_timeout(LONG), Ok(DeviceClass::Camera));
    watch.stop();
    // A machine that stalls between two files may split the burst; thirty words it never is.
    assert!(heard.try_iter().count() < 5);
}

#[test]
fn a_watch_ends_at_once_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let fds = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let before = fds();
    for _ in 0..20 {
        let begin = Instant::now();
        let (watch, _heard) = watch(dir.path());
        watch.stop();
        assert!(begin.elapsed() < JOIN_LIMIT, "it was left behind");
    }
    // Other tests of this process may hold a few.
    assert!(fds() < before + 20, "descriptors are left open");
}

#[test]
fn a_box_without_either_way_says_so() {
    let e = open(refused(), refused()).map(|_| ()).unwrap_err();
    assert_eq!(e.kind(), Kind::Unsupported);
    assert!(
        e.report().contains("neither uevents nor inotify"),
        "{}",
        e.report()
    );
}

#[test]
fn the_kernels_socket_opens_where_the_machine_allows_it() {
    match Eye::uevents() {
        // Silence is fine; reading must neither block nor fail.
        Ok(mut eye) => eye.look(&mut |_| {}).unwrap(),
        Err(e) => assert!(
            matches!(
                e.raw_os_error(),
                Some(libc::EPERM | libc::EACCES | libc::EPROTONOSUPPORT | libc::EAFNOSUPPORT)
            ),
            "{e}"
        ),
    }
}
