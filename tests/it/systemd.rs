//! The units and scripts of `systemd/`, judged by systemd's own tools and run on real files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::the_box::run_to_end;
use crate::support::{Guard, wait_for};

const LIMIT: Duration = Duration::from_secs(60);
/// A shell of root for the owner: whatever is to be mended, it must be able to. And what goes back to the old version when the
/// new one does not work: it writes the boot loader's environment, and starts the machine anew.
const NO_SANDBOX: [&str; 2] = ["boothcast-ssh.service", "boothcast-trial.service"];
/// Keys of systemd 254 and later, which older ones skip with a warning.
const NEWER: [&str; 4] = [
    "RestartSteps",
    "RestartMaxDelaySec",
    "RestartMode",
    "ImportCredential",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd")
}

fn files() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn units() -> Vec<String> {
    let mut all = files();
    all.retain(|n| {
        [".service", ".timer", ".path", ".socket"]
            .iter()
            .any(|e| n.ends_with(e))
    });
    assert!(all.len() >= 7, "{all:?}");
    all
}

fn text(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap()
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    let dir = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for unit in units() {
        // The programs of a box are not on this machine.
        let lines = text(&unit);
        let lines = lines.lines().map(|line| match line.split_once('/') {
            Some((key, _)) if key.starts_with("Exec") => format!("{key}/bin/true"),
            _ => line.to_owned(),
        });
        let path = dir.path().join(&unit);
        fs::write(&path, lines.collect::<Vec<_>>().join("\n")).unwrap();
        paths.push(path);
    }
    let mut verify = Command::new("systemd-analyze");
    verify
        .args(["verify", "--man=no"])
        .args(&paths)
        .env("SYSTEMD_UNIT_PATH", format!("{}:", dir.path().display()));
    let (code, _, err) = run_to_end(&mut verify, LIMIT);
    let known = |line: &&str| NEWER.iter().any(|key| line.contains(&format!("'{key}'")));
    let wrong: Vec<&str> = err
        .lines()
        .filter(|l| l.contains("boothcast") && !known(l))
        .collect();
    assert!(code == Some(0) && wrong.is_empty(), "{code:?}\n{err}");
}

#[test]
fn every_service_is_shut_in() {
    for unit in units().iter().filter(|u| !NO_SANDBOX.contains(&u.as_str())) {
        if !unit.ends_with(".service") {
            continue;
        }
        let mut security = Command::new("systemd-analyze");
        security
            .args(["security", "--offline=true", "--threshold=20", "--no-pager"])
            .arg(folder().join(unit));
        let (code, out, err) = run_to_end(&mut security, LIMIT);
        let last = out.lines().last().unwrap_or_default();
        assert_eq!(code, Some(0), "{unit}: {last}\n{err}");
    }
}

/// Lines of a unit from `NoNewPrivileges` on, without comments.
fn sandbox(unit: &str) -> Vec<String> {
    let text = text(unit);
    let all = text
        .lines()
        .filter(|l| !l.starts_with('#') && !l.is_empty());
    let own = all.skip_while(|l| !l.starts_with("NoNewPrivileges"));
    own.take_while(|l| !l.starts_with('['))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_safe_mode_is_shut_in_as_the_box_is() {
    let normal = sandbox("boothcast.service");
    assert!(normal.len() > 25, "{normal:?}");
    assert_eq!(sandbox("boothcast-safe.service"), normal);
    let unit = text("boothcast.service");
    for line in [
        "Type=notify",
        "WatchdogSec=30",
        "StartLimitIntervalSec=600",
        "StartLimitBurst=10",
        "OnFailure=boothcast-safe.service",
        "RestartMode=direct",
        "SupplementaryGroups=video audio render gpio",
    ] {
        assert!(unit.lines().any(|l| l == line), "{line}");
    }
    let safe = text("boothcast-safe.service");
    assert!(
        safe.contains("OnSuccess=boothcast.service")
            && safe.contains("Conflicts=boothcast.service")
    );
}

/// What `INSTALL` says: source, destination, mode.
fn install() -> Vec<(String, String, u32)> {
    let text = text("INSTALL");
    let lines = text
        .lines()
        .filter(|l| !l.starts_with('#') && !l.is_empty());
    lines
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(words.len(), 3, "{line}");
            let mode = u32::from_str_radix(words[2], 8).unwrap();
            (words[0].to_owned(), words[1].to_owned(), mode)
        })
        .collect()
}

#[test]
fn every_file_has_its_place_on_the_box() {
    let listed = install();
    let sources: BTreeSet<&str> = listed
        .iter()
        .map(|l| l.0.split('/').next().unwrap())
        .collect();
    for file in files() {
        assert!(
            file == "INSTALL" || sources.contains(&*file),
            "{file} is not in systemd/INSTALL"
        );
    }
    let mut places = BTreeMap::new();
    for (source, place, mode) in &listed {
        let path = folder().join(source);
        let is = fs::metadata(&path).unwrap_or_else(|e| panic!("{source}: {e}"));
        assert_eq!(
            is.permissions().mode() & 0o111 != 0,
            mode & 0o111 != 0,
            "{source}: {mode:o}"
        );
        assert!(
            place.starts_with("/usr/") || place.starts_with("/etc/"),
            "{place}"
        );
        assert_eq!(places.insert(place, source), None, "{place} twice");
    }
    // Programs that the units name are there, or come from packages that the image has.
    for unit in units() {
        for line in text(&unit).lines().filter(|l| l.starts_with("Exec")) {
            if let Some(at) = line.find("/usr/lib/boothcast/") {
                let program = line[at..].split(' ').next().unwrap().to_owned();
                // The other scripts come from image-build/rauc, all of them.
                let name = program.rsplit('/').next().unwrap();
                let of_image = folder().join("../image-build/rauc").join(name).exists();
                let there = places.contains_key(&program) || of_image;
                assert!(there, "{unit}: {program} is not installed");
            }
        }
    }
}

#[test]
fn scripts_are_clean() {
    for script in ["grow-data", "keep-log"] {
        let (code, _, err) = run_to_end(
            Command::new("bash").arg("-n").arg(folder().join(script)),
            LIMIT,
        );
        assert_eq!((code, &*err), (Some(0), ""), "{script}");
        // Where it is installed; its findings are errors.
        if let Ok(found) = Command::new("shellcheck")
            .arg(folder().join(script))
            .output()
        {
            assert!(
                found.status.success(),
                "{}",
                String::from_utf8_lossy(&found.stdout)
            );
        }
    }
}

/// Start and size of each partition, in sectors.
fn partitions(disk: &Path) -> Vec<(u64, u64)> {
    let (code, out, err) = run_to_end(Command::new("sfdisk").arg("--dump").arg(disk), LIMIT);
    assert_eq!(code, Some(0), "{err}");
    let number = |line: &str, key: &str| -> u64 {
        let rest = line.split_once(key).unwrap().1.trim_start();
        rest.split(',').next().unwrap().trim().parse().unwrap()
    };
    let lines = out.lines().filter(|l| l.contains("start="));
    lines
        .map(|l| (number(l, "start="), number(l, "size=")))
        .collect()
}

/// A disk as the image has it, of this size in MiB.
fn disk(dir: &Path, mib: u64) -> PathBuf {
    let path = dir.join("disk");
    let file = fs::File::create(&path).unwrap();
    file.set_len(mib << 20).unwrap();
    let table = "label: dos\nlabel-id: 0xb007ca57\nstart=2048,size=16M,type=c\nsize=8M,type=c\nsize=8M,type=c\nsize=64M,type=5\n\
                 size=8M,type=83\nsize=8M,type=83\nsize=32M,type=83\n";
    let mut sfdisk = Command::new("sfdisk")
        .arg("--quiet")
        .arg(&path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(sfdisk.stdin.as_mut().unwrap(), table.as_bytes()).unwrap();
    assert!(sfdisk.wait().unwrap().success());
    path
}

fn grow(disk: &Path) -> (Option<i32>, String) {
    let mut script = Command::new(folder().join("grow-data"));
    script
        .arg(disk)
        .arg(disk.with_extension("7"))
        .arg("/nowhere")
        .env("BOOTHCAST_PARTITION", "7");
    let (code, out, err) = run_to_end(&mut script, LIMIT);
    (code, out + &err)
}

#[test]
fn the_data_partition_takes_the_whole_card() {
    let dir = tempfile::tempdir().unwrap();
    let disk = disk(dir.path(), 128);
    let before = partitions(&disk);
    assert_eq!(before.len(), 7);
    // A mark at the beginning of the data: it must not move.
    let start = before[6].0 * 512;
    let file = fs::OpenOptions::new().write(true).open(&disk).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"data", start).unwrap();
    file.set_len(1 << 30).unwrap();
    let (code, said) = grow(&disk);
    assert_eq!(code, Some(0), "{said}");
    let after = partitions(&disk);
    let end = (1_u64 << 30) / 512;
    for (n, (was, is)) in before.iter().zip(&after).enumerate() {
        assert_eq!(was.0, is.0, "partition {} has moved", n + 1);
        let grown = [3, 6].contains(&n);
        assert_eq!(is.1 > was.1, grown, "partition {}", n + 1);
        assert_eq!(is.0 + is.1 == end, grown, "partition {}", n + 1);
    }
    let mut mark = [0; 4];
    std::os::unix::fs::FileExt::read_exact_at(&fs::File::open(&disk).unwrap(), &mut mark, start)
        .unwrap();
    assert_eq!(&mark, b"data");
    // Again: nothing to do, nothing written.
    let whole = fs::metadata(&disk).unwrap().modified().unwrap();
    assert_eq!(grow(&disk).0, Some(0));
    assert_eq!(fs::metadata(&disk).unwrap().modified().unwrap(), whole);
    assert_eq!(partitions(&disk), after);
}

#[test]
fn a_growth_that_a_power_cut_ended_between_its_steps_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let disk = disk(dir.path(), 128);
    fs::OpenOptions::new()
        .write(true)
        .open(&disk)
        .unwrap()
        .set_len(1 << 29)
        .unwrap();
    // Only the extended partition has grown.
    let grown = Command::new("sh")
        .arg("-c")
        .arg("echo ', +' | sfdisk --quiet --no-reread --force -N 4 \"$0\"")
        .arg(&disk)
        .status();
    assert!(grown.unwrap().success());
    assert_eq!(grow(&disk).0, Some(0));
    let last = partitions(&disk)[6];
    assert_eq!(last.0 + last.1, (1 << 29) / 512);
    // A disk of another kind is left alone.
    let other = dir.path().join("other");
    fs::File::create(&other).unwrap().set_len(1 << 24).unwrap();
    let untouched = fs::read(&other).unwrap();
    let (code, said) = grow(&other);
    assert_eq!(fs::read(&other).unwrap(), untouched);
    assert!(
        code != Some(0) && said.contains("partition table"),
        "{said}"
    );
}

/// `keep-log` with a journal of our own: this machine has none.
#[test]
fn the_kept_log_is_bounded_and_holds_what_is_new_only() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("journal");
    let bin = dir.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let program = "#!/bin/bash\nfor a in \"$@\"; do case $a in --cursor-file=*) cursor=${a#*=} ;; esac; done\n\
         n=$(cat \"$cursor\" 2>/dev/null || echo 0)\ntail -c +$((n + 1)) \"$JOURNAL\"\nstat -c %s \"$JOURNAL\" >\"$cursor\"\n";
    fs::write(bin.join("journalctl"), program).unwrap();
    fs::set_permissions(bin.join("journalctl"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(&journal, "first\n").unwrap();
    let log = dir.path().join("log");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut keeper = Guard::spawn(
        Command::new(folder().join("keep-log"))
            .arg(&log)
            .env("PATH", path)
            .env("JOURNAL", &journal)
            .env("KEEP_LOG_EVERY_S", "0.2")
            .stdin(Stdio::null()),
    );
    let kept = || fs::read_to_string(log.join("journal.log")).unwrap_or_default();
    wait_for("the first line", LIMIT, || {
        (kept() == "first\n").then_some(())
    });
    let add = |text: &str| {
        use std::io::Write;
        let mut file = fs::OpenOptions::new().append(true).open(&journal).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    add("second\n");
    wait_for("the second line", LIMIT, || {
        (kept() == "first\nsecond\n").then_some(())
    });
    // A flood: 64 KiB of it each time, and two files in turn.
    for n in 0..10 {
        let before = kept().len();
        add(&format!("{n} {}\n", "x".repeat(100_000)));
        wait_for("more", LIMIT, || (kept().len() != before).then_some(()));
    }
    let size = |name: &str| fs::metadata(log.join(name)).map_or(0, |m| m.len());
    assert!(size("journal.log") <= 262_144 + 65_536 && size("journal.log.1") <= 262_144 + 65_536);
    assert!(size("journal.log.1") > 200_000);
    add("last words\n");
    keeper.signal(libc::SIGTERM);
    assert_eq!(keeper.wait(LIMIT).unwrap().code(), Some(0));
    assert!(kept().ends_with("last words\n"));
}

#[test]
fn the_list_of_ports_is_a_table_that_can_be_read() {
    let page = fs::read_to_string(folder().join("../docs/system.md")).unwrap();
    let rows: Vec<Vec<&str>> = page
        .lines()
        .skip_while(|l| !l.starts_with("| proto | port | when |"))
        .skip(2)
        .take_while(|l| l.starts_with('|'))
        .map(|l| l.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert!(rows.len() >= 4, "{rows:?}");
    for row in &rows {
        assert!(
            ["tcp", "udp"].contains(&row[0]) && row.len() == 4,
            "{row:?}"
        );
        assert!(
            row[1].parse::<u16>().is_ok() || row[1].starts_with("an even one"),
            "{row:?}"
        );
    }
}
