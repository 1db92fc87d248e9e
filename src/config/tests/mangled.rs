//! Random damage: no panic, every place inside the file, and never a key in what is printed.

use proptest::prelude::*;

use super::*;

/// A good document with a canary in every place where a key belongs.
fn document() -> String {
    format!(
        "# a box\n[box]\nname = \"Hall\"\n\n[video]\nsource = \"test\"\n[encode]\nprofile = \"720p30\"\nbitrate = \"2500k\"\n\
         [rtsp]\nport = 8554\n\n[[destination]]\nname = \"tube\"\nurl = \"rtmp://host/live\"\nkey = \"{CANARY}\"\n\
         [[destination]]\nname = \"two\"\nkey = '''\n{CANARY}'''\nurl = \"rtmps://host/app\"\nmax_bitrate = 2000000\n"
    )
}

/// Ways in which hands, editors and disks damage a file.
fn mangle(text: &str, edits: &[(usize, u8, usize, char)]) -> String {
    let mut c: Vec<char> = text.chars().collect();
    for (at, how, len, with) in edits {
        let at = at % c.len().max(1);
        let end = (at + len % 24 + 1).min(c.len());
        match how % 6 {
            0 => drop(c.drain(at.min(end)..end)),
            1 => c.insert(at.min(c.len()), *with),
            2 if at < c.len() => c[at] = *with,
            3 => c.truncate(at.max(8)),
            4 => {
                let piece: Vec<char> = c[at.min(end)..end].to_vec();
                let to = (at * 7 + len) % (c.len() + 1);
                c.splice(to..to, piece);
            }
            _ => {
                // Join a line with the next one.
                if let Some(n) = c.iter().skip(at).position(|x| *x == '\n') {
                    c.remove(at + n);
                }
            }
        }
    }
    c.into_iter().collect()
}

/// Everything that a user could get to see of a refused configuration.
fn printed(problems: &Problems) -> String {
    let json = serde_json::to_string(problems).unwrap();
    let error: crate::Error = problems.clone().into();
    format!(
        "{problems} {problems:?} {json} {error} {error:?} {}",
        error.report()
    )
}

fn places_are_inside(problems: &[Problem], toml: &str) {
    // An empty line after the last line end is not a line that a person can go to.
    let mut lines: Vec<&str> = toml
        .strip_prefix('\u{feff}')
        .unwrap_or(toml)
        .lines()
        .collect();
    if lines.is_empty() {
        lines.push("");
    }
    for p in problems {
        let line = p.line.unwrap_or_else(|| panic!("{p:?} has no line"));
        assert!((1..=lines.len()).contains(&line), "{p:?} in {toml:?}");
        let column = p.column.unwrap_or(1);
        assert!(
            (1..=lines[line - 1].chars().count() + 1).contains(&column),
            "{p:?} in {toml:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn mangled_documents_never_show_the_key(
        edits in proptest::collection::vec((any::<usize>(), any::<u8>(), any::<usize>(), "[a-z\"'=\\[\\]{}.#\n ,1é\\\\]"), 1..5)
    ) {
        let edits: Vec<_> = edits.iter().map(|(a, h, l, w)| (*a, *h, *l, w.chars().next().unwrap())).collect();
        let toml = mangle(&document(), &edits);
        match load_text(&toml) {
            Ok(loaded) => {
                prop_assert!(!format!("{:?}", loaded.warnings).contains(CANARY), "{}", toml);
                places_are_inside(&loaded.warnings, &toml);
            }
            Err(problems) => {
                prop_assert!(!problems.is_empty());
                places_are_inside(problems.as_slice(), &toml);
                let printed = printed(&problems);
                // Half of the key is too much as well.
                for part in [CANARY, &CANARY[..12], &CANARY[8..]] {
                    prop_assert!(!printed.contains(part), "{} shows {} of {}", printed, part, toml);
                }
            }
        }
    }

    #[test]
    fn random_documents_never_panic(
        toml in proptest::collection::vec(prop_oneof![
            "\\[{0,2}(box|video|rtsp|destination|sub|x)\\]{0,2}",
            "(name|url|key|port|source|width|a\\.b) = [-a-z0-9\"'\\[\\]{}=.,+ ]{0,20}",
            "(rtsp|encode|destination)\\.[a-z_]{1,8} = (true|1|1\\.5|\"t\"|\\[1\\]|\\{a=1\\}|1979-05-27)",
            "\\PC{0,20}",
        ], 0..8).prop_map(|l| l.join("\n")),
        any_text in any::<String>(),
    ) {
        for toml in [&toml, &any_text] {
            if let Err(problems) = load_text(toml) {
                places_are_inside(problems.as_slice(), toml);
            }
        }
    }

    #[test]
    fn random_flags_and_variables_never_panic_and_never_show_a_value(
        name in "[A-Z_a-z0-9.]{0,30}", section in "(RTSP|DESTINATION__A|VIDEO|LOG)", value in any::<String>()
    ) {
        let env = [
            (format!("BOOTHCAST__{name}"), format!("{CANARY}{value}")),
            (format!("BOOTHCAST__{section}__{name}"), CANARY.to_owned()),
        ];
        let set = [format!("{name}={CANARY}"), format!("{CANARY}={value}"), CANARY.to_owned(), value];
        let mut sources = sources();
        sources.env = env.to_vec();
        sources.set = set.to_vec();
        if let Err(problems) = compose(&[], Problems::default(), &sources, Destinations::All) {
            prop_assert!(!printed(&problems).contains(CANARY), "{}", problems);
            prop_assert!(problems.as_slice().iter().all(|p| p.file == "environment" || p.file == "--set" || p.file == "defaults"));
        }
    }
}
