use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rand::{RngExt, rng};
use tempfile::TempDir;

use super::files::*;
use crate::device::state::Wanted;
use crate::error::Kind;

fn dir() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut all: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    all.sort();
    all
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn wanted(gain: f32) -> Wanted {
    Wanted {
        gain_db: Some(gain),
        ..Wanted::new(true)
    }
}

#[test]
fn written_files_have_their_content_and_mode_and_leave_nothing_beside() {
    let dir = dir();
    let path = dir.path().join("a.txt");
    write_atomic(&path, b"one", 0o600).unwrap();
    write_atomic(&path, b"two", 0o640).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"two");
    assert_eq!(mode(&path), 0o640);
    assert_eq!(names(dir.path()), ["a.txt"]);
}

#[test]
fn a_failed_write_leaves_the_old_and_no_temporary_file() {
    let dir = dir();
    // A folder that is not empty cannot be replaced by a file, so the rename fails, also for root.
    let path = dir.path().join("taken");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("inside"), "x").unwrap();
    let e = write_atomic(&path, b"new", 0o600).unwrap_err();
    assert!(
        e.report().contains("taken cannot be written"),
        "{}",
        e.report()
    );
    assert_eq!(names(dir.path()), ["taken"]);
    assert_eq!(fs::read(path.join("inside")).unwrap(), b"x");
    let nowhere = dir.path().join("no/such/file");
    assert_eq!(
        write_atomic(&nowhere, b"", 0o600).unwrap_err().kind(),
        Kind::NotFound
    );
}

/// The child: may write 64 KiB a file, and tries to write 1 MiB.
fn write_without_room(path: &Path) -> ! {
    let limit = libc::rlimit {
        rlim_cur: 64 * 1024,
        rlim_max: 64 * 1024,
    };
    // SAFETY: plain system calls on this process, which does nothing else.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit), 0);
    }
    let e = write_atomic(path, &vec![b'n'; 1 << 20], 0o600).unwrap_err();
    assert!(e.report().contains("cannot be written"), "{}", e.report());
    std::process::exit(42);
}

#[test]
fn without_room_the_old_file_stays_and_nothing_is_left_over() {
    const ROLE: &str = "BOOTHCAST_TEST_NO_ROOM";
    if let Some(path) = std::env::var_os(ROLE) {
        write_without_room(Path::new(&path));
    }
    let dir = dir();
    let path = dir.path().join("page");
    write_atomic(&path, b"old", 0o600).unwrap();
    let status = child(
        "without_room_the_old_file_stays_and_nothing_is_left_over",
        ROLE,
        &path,
    )
    .wait()
    .unwrap();
    assert_eq!(status.code(), Some(42));
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(dir.path()), ["page"]);
}

/// This very test again, in a process of its own, in the role of the child.
fn child(test: &str, role: &str, value: &Path) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("store::tests::{test}"), "--nocapture"])
        .env(role, value)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn what_is_wanted_comes_back_as_it_was_saved() {
    let dir = dir();
    assert_eq!(load_wanted(dir.path()).unwrap(), LoadedWanted::FirstRun);
    let mut all = wanted(-3.5);
    all.muted = true;
    all.offset_ms = Some(-120);
    all.video = Some(crate::device::testing::video(900_000));
    all.destinations.insert("youtube".parse().unwrap(), false);
    save_wanted(dir.path(), &all).unwrap();
    assert_eq!(load_wanted(dir.path()).unwrap(), LoadedWanted::Loaded(all));
    assert_eq!(mode(&dir.path().join(WANTED)), 0o600);
    let text = fs::read_to_string(dir.path().join(WANTED)).unwrap();
    assert!(text.contains("\"version\": 1"), "{text}");
}

#[test]
fn damage_is_kept_aside_and_the_box_is_not_live() {
    let damages: [&[u8]; 8] = [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"{\"version\":1,\"wanted\":{\"live\":true,\"bogus\":1}}",
        b"{\"version\":2,\"wanted\":{\"live\":true}}",
        b"{\"wanted\":{\"live\":true}}",
        b"{\"version\":1,\"wanted\":{\"live\":true,\"destinations\":{\"BAD NAME\":true}}}",
        &[b'['; 400_000],
    ];
    for damage in damages {
        let dir = dir();
        fs::write(dir.path().join(WANTED), damage).unwrap();
        let LoadedWanted::Broken { wanted, warning } = load_wanted(dir.path()).unwrap() else {
            panic!(
                "{:?}",
                String::from_utf8_lossy(&damage[..damage.len().min(80)])
            )
        };
        assert_eq!(wanted, Wanted::new(false));
        assert!(
            warning.contains("wanted.json.broken-1") && warning.lines().count() == 1,
            "{warning}"
        );
        let kept = fs::read(dir.path().join("wanted.json.broken-1")).unwrap();
        assert_eq!(kept, damage);
        assert_eq!(load_wanted(dir.path()).unwrap(), LoadedWanted::FirstRun);
    }
}

#[test]
fn the_last_five_damaged_files_are_kept() {
    let dir = dir();
    for n in 1..=8 {
        fs::write(dir.path().join(WANTED), format!("damage {n}")).unwrap();
        load_wanted(dir.path()).unwrap();
    }
    let expected: Vec<String> = (4..=8).map(|n| format!("wanted.json.broken-{n}")).collect();
    assert_eq!(names(dir.path()), expected);
    let last = fs::read_to_string(dir.path().join("wanted.json.broken-8")).unwrap();
    assert_eq!(last, "damage 8");
}

#[test]
fn a_folder_in_the_place_of_the_file_is_moved_aside_too() {
    let dir = dir();
    fs::create_dir(dir.path().join(WANTED)).unwrap();
    assert!(matches!(
        load_wanted(dir.path()).unwrap(),
        LoadedWanted::Broken { .. }
    ));
    save_wanted(dir.path(), &wanted(1.0)).unwrap();
}

#[test]
fn left_over_temporary_files_are_never_read_and_are_swept() {
    let dir = dir();
    save_wanted(dir.path(), &wanted(1.0)).unwrap();
    let half = dir.path().join(".tmp-wanted.json-1-0");
    fs::write(&half, "{\"version\":1,\"wan").unwrap();
    // Those that this very process would choose next are stepped over.
    for n in 0..8 {
        let mine = format!(".tmp-wanted.json-{}-{n}", std::process::id());
        fs::write(dir.path().join(mine), "x").unwrap();
    }
    assert_eq!(
        load_wanted(dir.path()).unwrap(),
        LoadedWanted::Loaded(wanted(1.0))
    );
    save_wanted(dir.path(), &wanted(2.0)).unwrap();
    assert_eq!(
        load_wanted(dir.path()).unwrap(),
        LoadedWanted::Loaded(wanted(2.0))
    );
    let _lock = lock_dir(dir.path()).unwrap();
    assert_eq!(names(dir.path()), ["lock", "wanted.json"]);
}

#[test]
fn the_password_is_made_once_for_the_owner_alone() {
    let dir = dir();
    let (password, made) = rtsp_password(dir.path()).unwrap();
    assert!(made);
    assert_eq!(password.expose().len(), 20);
    assert!(
        password
            .expose()
            .bytes()
            .all(|b| b"abcdefghjkmnpqrstuvwxyz23456789".contains(&b)),
        "ambiguous"
    );
    let path = dir.path().join(RTSP_PASSWORD);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(rtsp_password(dir.path()).unwrap(), (password, false));
    let others: HashSet<String> = (0..50)
        .map(|_| {
            fs::remove_file(&path).unwrap();
            rtsp_password(dir.path()).unwrap().0.expose().to_owned()
        })
        .collect();
    assert_eq!(others.len(), 50);
    let letters: HashSet<char> = others.iter().flat_map(|p| p.chars()).collect();
    assert_eq!(letters.len(), 31, "1000 draws meet every character");
}

#[test]
fn an_open_or_empty_password_file_is_refused_and_left_alone() {
    let dir = dir();
    let path = dir.path().join(RTSP_PASSWORD);
    for open in [0o640, 0o604, 0o644, 0o620] {
        write_atomic(&path, b"canary-password\n", open).unwrap();
        let e = rtsp_password(dir.path()).unwrap_err();
        assert_eq!(e.kind(), Kind::Permission);
        assert!(
            e.report().contains("chmod 600") && !e.report().contains("canary"),
            "{}",
            e.report()
        );
        assert_eq!(fs::read(&path).unwrap(), b"canary-password\n");
    }
    for bad in [
        &b""[..],
        b"\n",
        b"short\n",
        b"two words here\n",
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
        b"line-one-ok\nline-two-no\n",
    ] {
        write_atomic(&path, bad, 0o600).unwrap();
        let e = rtsp_password(dir.path()).unwrap_err();
        assert_eq!(e.kind(), Kind::Corrupt, "{bad:?}");
        assert_eq!(fs::read(&path).unwrap(), bad);
    }
    write_atomic(&path, b"my-own-password\r\n", 0o600).unwrap();
    assert_eq!(
        rtsp_password(dir.path()).unwrap().0.expose(),
        "my-own-password"
    );
}

#[test]
fn a_folder_is_made_for_the_owner_or_refused_by_name() {
    let dir = dir();
    let deep = dir.path().join("a/b");
    prepare_dir(&deep).unwrap();
    assert_eq!(mode(&deep), 0o700);
    prepare_dir(&deep).unwrap();
    assert!(names(&deep).is_empty());
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    // A file in the way, and a file system that takes no files: neither lets root through.
    for bad in [file.clone(), file.join("below"), "/proc/boothcast".into()] {
        let e = prepare_dir(&bad).unwrap_err();
        assert_eq!(e.kind(), Kind::Permission);
        let report = e.report();
        assert!(report.contains(&bad.display().to_string()), "{report}");
        assert!(report.contains("paths.state"), "{report}");
    }
}

#[test]
fn two_owners_never_share_a_folder() {
    let dir = dir();
    let first = lock_dir(dir.path()).unwrap();
    let e = lock_dir(dir.path()).unwrap_err();
    assert_eq!(e.kind(), Kind::InUse);
    let me = format!("process {}", std::process::id());
    assert!(e.report().contains(&me), "{}", e.report());
    assert!(e.report().contains("paths.state"));
    drop(first);
    lock_dir(dir.path()).unwrap();
}

/// Content that shows a torn write: one letter, and a length that follows from it.
fn page(letter: u8) -> Vec<u8> {
    vec![letter; 100_000 + usize::from(letter) * 1000]
}

fn is_whole(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|l| bytes == page(*l))
}

/// The child: writes until it is killed.
fn write_for_ever(dir: &Path) -> ! {
    for n in 0u64.. {
        let letter = b'a' + u8::try_from(n % 26).unwrap();
        write_atomic(&dir.join("page"), &page(letter), 0o600).unwrap();
        save_wanted(dir, &wanted(f32::from(letter))).unwrap();
    }
    unreachable!()
}

#[test]
fn a_writer_killed_at_any_moment_leaves_whole_files() {
    const ROLE: &str = "BOOTHCAST_TEST_WRITER";
    if let Some(dir) = std::env::var_os(ROLE) {
        write_for_ever(Path::new(&dir));
    }
    let dir = dir();
    let mut seen = HashSet::new();
    let mut left_over = 0;
    for _ in 0..30 {
        let before = fs::metadata(dir.path().join("page"))
            .and_then(|m| m.modified())
            .ok();
        let test = "a_writer_killed_at_any_moment_leaves_whole_files";
        let mut child = child(test, ROLE, dir.path());
        // Killed only once this child has written, at a moment drawn by chance.
        let end = Instant::now() + Duration::from_secs(30);
        while fs::metadata(dir.path().join("page"))
            .and_then(|m| m.modified())
            .ok()
            == before
            || !dir.path().join(WANTED).exists()
        {
            assert!(Instant::now() < end, "the writer does not write");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(rng().random_range(0..20_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let bytes = fs::read(dir.path().join("page")).unwrap();
        assert!(is_whole(&bytes), "torn: {} bytes", bytes.len());
        seen.insert(bytes.len());
        let loaded = load_wanted(dir.path()).unwrap();
        assert!(matches!(loaded, LoadedWanted::Loaded(_)), "{loaded:?}");
        left_over += names(dir.path())
            .iter()
            .filter(|n| n.starts_with(".tmp-"))
            .count();
        drop(lock_dir(dir.path()).unwrap());
    }
    assert_eq!(names(dir.path()), ["lock", "page", WANTED]);
    // Otherwise the kills never hit a write, and nothing was shown.
    assert!(left_over > 0, "no kill came during a write");
    assert!(seen.len() > 1, "always the same page");
}
