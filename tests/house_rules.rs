//! House rules as tests: directions of imports, length of files, reasons of dependencies, no secrets of this workshop.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines that a file may have; past that it usually has two subjects.
const MAX_LINES: usize = 430;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            out.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
    out.sort();
    out
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap()
        .to_string_lossy()
        .into_owned()
}

/// The code of a file without comments (a `//` inside a string cuts the line short, which hides no import).
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|l| l.split("//").next().unwrap_or(""))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Top-level modules of this crate that a file names as `crate::x`, also in `use crate::{x, y}`.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for part in code.split("crate::").skip(1) {
        if let Some(list) = part.strip_prefix('{') {
            let (mut depth, mut word) = (1, String::new());
            let mut take = true;
            for c in list.chars() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => {
                        found.insert(std::mem::take(&mut word));
                        take = true;
                        continue;
                    }
                    _ if depth == 1 && take && (c.is_alphanumeric() || c == '_') => word.push(c),
                    ':' => take = false,
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
            found.insert(word);
        } else {
            found.insert(
                part.chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect(),
            );
        }
    }
    found
}

/// What each top-level module may import of the others.
fn allowed(module: &str) -> &'static [&'static str] {
    match module {
        "error" | "clock" => &["error"],
        "config" => &["config", "error", "clock"],
        "device" | "room" => &["device", "room", "config", "error", "clock"],
        "media" => &["media", "device", "room", "config", "error", "clock"],
        "store" => &["store", "device", "room", "config", "error", "clock"],
        "edge" => &["edge", "device", "room", "config", "error", "clock"],
        "app" => &[
            "app", "edge", "media", "store", "device", "room", "config", "error", "clock",
        ],
        _ => &[
            "cli", "app", "edge", "media", "store", "device", "room", "config", "error", "clock",
        ],
    }
}

#[test]
fn imports_point_one_way() {
    let modules = [
        "app", "cli", "clock", "config", "device", "edge", "error", "media", "room", "store",
    ];
    let mut bad = Vec::new();
    let mut seen = 0;
    for path in rust_files(&root().join("src")) {
        let name = relative(&path);
        let module = name
            .trim_start_matches("src/")
            .split(['/', '.'])
            .next()
            .unwrap()
            .to_owned();
        if module == "lib" || module == "main" {
            continue;
        }
        for import in imports(&code(&path)) {
            if modules.contains(&import.as_str()) {
                seen += 1;
                if !allowed(&module).contains(&import.as_str()) {
                    bad.push(format!("{name} imports crate::{import}"));
                }
            }
        }
    }
    assert!(
        seen > 50,
        "the scan found only {seen} imports: it looks at the wrong thing"
    );
    assert!(bad.is_empty(), "wrong direction:\n{}", bad.join("\n"));
}

#[test]
fn cores_are_pure() {
    let mut bad = Vec::new();
    for path in rust_files(&root().join("src")) {
        let name = relative(&path);
        let code = code(&path);
        let core = name.starts_with("src/device/") || name.starts_with("src/room/");
        let actor = name.contains("/supervisor") || name.contains("/actor");
        for word in [
            "tokio::",
            "gstreamer",
            "rusqlite",
            "std::fs",
            "std::net::Tcp",
            "std::time::Instant",
        ] {
            if core && !actor && code.contains(word) {
                bad.push(format!("{name} uses {word}"));
            }
        }
        if !name.starts_with("src/media/")
            && (code.contains("gstreamer::") || code.contains("use gstreamer"))
        {
            bad.push(format!("{name} uses gstreamer outside src/media"));
        }
    }
    assert!(bad.is_empty(), "not pure:\n{}", bad.join("\n"));
}

#[test]
fn files_have_one_subject() {
    let mut long = Vec::new();
    for dir in ["src", "tests", "benches"] {
        for path in rust_files(&root().join(dir)) {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            if lines > MAX_LINES {
                long.push(format!("{}: {lines} lines", relative(&path)));
            }
        }
    }
    assert!(
        long.is_empty(),
        "longer than {MAX_LINES} lines:\n{}",
        long.join("\n")
    );
}

#[test]
fn each_dependency_has_its_reason() {
    let manifest: toml::Table = fs::read_to_string(root().join("Cargo.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let mut names = BTreeSet::new();
    for section in ["dependencies", "dev-dependencies"] {
        names.extend(manifest[section].as_table().unwrap().keys().cloned());
    }
    let doc = fs::read_to_string(root().join("docs/dependencies.md")).unwrap();
    let listed: BTreeSet<String> = doc
        .lines()
        .filter_map(|l| l.strip_prefix("| ")?.split_once(" | "))
        .filter(|(name, why)| *name != "crate" && why.len() > 8)
        .map(|(name, _)| name.to_owned())
        .collect();
    assert_eq!(names, listed, "Cargo.toml and docs/dependencies.md differ");
}

#[test]
fn no_place_of_this_workshop_is_written_down() {
    // Put together here, so that this file does not contain them itself.
    let words = [
        format!("/{}/", "work"),
        format!("crates.{}/", "io"),
        format!("deb.{}", "debian.org"),
    ];
    let mut bad = Vec::new();
    let mut stack = vec![root()];
    let mut seen = 0;
    while let Some(dir) = stack.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["target", ".git", "state", "node_modules"].contains(&name.as_str()) {
                    stack.push(path);
                }
            } else if ![".git", "Cargo.lock"].contains(&name.as_str())
                && let Ok(text) = fs::read_to_string(&path)
            {
                seen += 1;
                bad.extend(
                    words
                        .iter()
                        .filter(|w| text.contains(*w))
                        .map(|w| format!("{}: {w}", relative(&path))),
                );
            }
        }
    }
    assert!(seen > 40, "only {seen} files were read");
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn no_stub_is_left() {
    let marks = ["//! Stub", concat!("TO", "DO"), concat!("FIX", "ME")];
    let mut bad = Vec::new();
    for dir in ["src", "tests", "benches"] {
        for path in rust_files(&root().join(dir)) {
            let text = fs::read_to_string(&path).unwrap();
            for mark in marks {
                if relative(&path) != "tests/house_rules.rs" && text.contains(mark) {
                    bad.push(format!("{}: {mark}", relative(&path)));
                }
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn the_reference_in_the_readme_is_the_schema() {
    let path = root().join("README.md");
    let text = fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- reference:begin -->\n", "<!-- reference:end -->");
    let (head, rest) = text
        .split_once(begin)
        .expect("README.md has lost its reference");
    let (_, tail) = rest
        .split_once(end)
        .expect("README.md has lost the end of its reference");
    let fresh = format!(
        "{head}{begin}{}{end}{tail}",
        boothcast::config::reference::sections()
    );
    if std::env::var_os("BOOTHCAST_BLESS").is_some() {
        fs::write(&path, &fresh).unwrap();
    } else {
        assert!(
            text == fresh,
            "README.md differs from the schema: run `make bless`"
        );
    }
}
