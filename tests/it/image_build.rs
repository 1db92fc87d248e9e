//! `image-build/`: what its scripts refuse before they build anything, and the parts that need neither root nor network. The
//! images themselves are judged by `image-build/check.sh` at each build, and run by `make image-test`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("image-build")
}

fn scripts() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "sh"))
        .collect();
    found.sort();
    assert!(found.len() >= 12, "{found:?}");
    found
}

/// `build.sh image` with these settings, an empty cache and no others.
fn build(cache: &Path, settings: &[(&str, &str)]) -> Output {
    let mut command = Command::new(folder().join("build.sh"));
    command.arg("image").env("BOOTHCAST_CACHE", cache);
    for name in [
        "BOARD",
        "VERSION",
        "KERNEL",
        "BOOTLOADER",
        "TEST",
        "BINARY",
        "SIGN_CERT",
        "SIGN_KEY",
        "KEYRING",
        "DEV_KEYS",
    ] {
        command.env_remove(name);
    }
    command.env("STAGE", cache.join("stage"));
    command.env("OUT", cache.join("out"));
    command.envs(settings.iter().copied()).output().unwrap()
}

#[test]
fn scripts_are_sound() {
    for script in scripts() {
        let parsed = Command::new("bash")
            .arg("-n")
            .arg(&script)
            .output()
            .unwrap();
        assert!(parsed.status.success(), "{}: {parsed:?}", script.display());
        let text = fs::read_to_string(&script).unwrap();
        assert!(
            text.contains("set -euo pipefail") || text.contains("lib.sh\""),
            "{} goes on after an error",
            script.display()
        );
        assert!(
            !text.contains("http:") && !text.contains("https:"),
            "{} names a mirror",
            script.display()
        );
    }
    // Where it is installed: nothing to find.
    if let Ok(checked) = Command::new("shellcheck")
        .args(["--severity=warning", "--external-sources"])
        .args(scripts())
        .current_dir(folder())
        .output()
    {
        let found = String::from_utf8_lossy(&checked.stdout);
        assert!(checked.status.success(), "{found}");
    }
}

#[test]
fn wrong_settings_are_refused_before_anything_is_built() {
    let cache = tempfile::tempdir().unwrap();
    for (settings, sentence) in [
        ([("BOARD", "rpi7")], "unknown BOARD 'rpi7'"),
        ([("KERNEL", "own")], "unknown KERNEL 'own'"),
        ([("VERSION", "next")], "not of the form 1.2.3"),
        ([("BOOTLOADER", "tryboot")], "KERNEL=raspberrypi"),
        ([("TEST", "yes")], "TEST must be 0 or 1"),
        ([("SIGN_KEY", "/nowhere/key.pem")], "SIGN_CERT is missing"),
    ] {
        let out = build(cache.path(), &settings);
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(!out.status.success(), "{settings:?}");
        assert!(said.contains(sentence), "{settings:?}: {said}");
    }
    assert!(!cache.path().join("stage").exists());
}

/// Whoever has the development key could update every box that trusts it.
#[test]
fn an_image_does_not_trust_the_development_key_by_itself() {
    let cache = tempfile::tempdir().unwrap();
    let out = build(cache.path(), &[]);
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(!out.status.success());
    assert!(said.contains("needs its own signing keys"), "{said}");
    assert!(said.contains("DEV_KEYS=1"), "{said}");
    assert!(!cache.path().join("out").exists());
}

/// What `modules.py` prints for lists over a made-up kernel.
fn modules(kernel: &Path, list: &str) -> (bool, String) {
    let file = kernel.join("list");
    fs::write(&file, list).unwrap();
    let out = Command::new("python3")
        .arg(folder().join("modules.py"))
        .arg(kernel)
        .arg(&file)
        .output()
        .unwrap();
    let text = if out.status.success() {
        out.stdout
    } else {
        out.stderr
    };
    (out.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn modules_bring_what_they_depend_on() {
    let kernel = tempfile::tempdir().unwrap();
    fs::write(
        kernel.path().join("modules.dep"),
        "kernel/a/snd-one.ko.xz: kernel/b/snd.ko.xz\nkernel/b/snd.ko.xz: kernel/c/core.ko.xz\nkernel/c/core.ko.xz:\nkernel/d/other.ko.xz:\n",
    )
    .unwrap();
    fs::write(
        kernel.path().join("modules.builtin"),
        "kernel/e/built_in.ko\n",
    )
    .unwrap();
    let (ok, found) = modules(kernel.path(), "snd_one built-in ?absent # other\n");
    assert!(ok, "{found}");
    assert_eq!(
        found,
        "kernel/a/snd-one.ko.xz\nkernel/b/snd.ko.xz\nkernel/c/core.ko.xz\n"
    );
    let (ok, found) = modules(kernel.path(), "absent\n");
    assert!(!ok);
    assert!(found.contains("not in this kernel: absent"), "{found}");
}
