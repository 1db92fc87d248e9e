//! Precision and recall of moderation in ten languages: `tests/fixtures/moderation/*.toml` against what the program says. The
//! table in docs/moderation.md is this one; `BOOTHCAST_BLESS=1 cargo test reference` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use serde::Deserialize;

use boothcast::config::{ModerationConfig, ModerationMode};
use boothcast::room::Reason;
use boothcast::room::moderation::Moderator;

/// Of what is refused, so much must be refused rightly.
const LEAST_PRECISION: f64 = 0.97;
/// Of what must be refused, so much is refused, for the right reason.
const LEAST_RECALL: f64 = 0.90;
const BEGIN: &str = "<!-- figures: written by the tests -->\n";
const END: &str = "<!-- end of figures -->";

#[derive(Deserialize)]
struct Fixture {
    words: Vec<String>,
    pass: Vec<String>,
    #[serde(flatten)]
    refuse: BTreeMap<Reason, Vec<String>>,
}

#[derive(Default)]
struct Figures {
    right: u32,
    /// Refused though it is innocent.
    wrong: Vec<String>,
    /// Shown though it must not be, or refused for another reason.
    missed: Vec<String>,
    innocent: u32,
}

impl Figures {
    fn precision(&self) -> f64 {
        let all = f64::from(self.right) + self.wrong.len() as f64;
        f64::from(self.right) / all
    }
    fn recall(&self) -> f64 {
        let all = f64::from(self.right) + self.missed.len() as f64;
        f64::from(self.right) / all
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn moderator(words: &[String]) -> Moderator {
    let config = ModerationConfig {
        mode: ModerationMode::Free,
        delay_s: 0.0,
        words: String::new(),
        words_file: PathBuf::new(),
        links: false,
        max_graphemes: 100,
        repeat_s: 0.0,
        author_per_s: 1.0,
        author_tau_s: 1.0,
        author_burst: 1.0,
        author_suppress: false,
    };
    Moderator::new(&config, words).unwrap()
}

fn judge(fixture: &Fixture) -> Figures {
    let moderator = moderator(&fixture.words);
    let mut figures = Figures::default();
    for (reason, texts) in &fixture.refuse {
        for text in texts {
            match moderator.text(text) {
                Err(found) if found == *reason => figures.right += 1,
                _ => figures.missed.push(text.clone()),
            }
        }
    }
    for text in &fixture.pass {
        match moderator.text(text) {
            Ok(_) => figures.innocent += 1,
            Err(_) => figures.wrong.push(text.clone()),
        }
    }
    figures
}

fn all() -> BTreeMap<String, Figures> {
    let folder = root().join("tests/fixtures/moderation");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path());
    files
        .map(|path| {
            let language = path.file_stem().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let fixture: Fixture = toml::from_str(&text).unwrap();
            let messages =
                fixture.pass.len() + fixture.refuse.values().map(Vec::len).sum::<usize>();
            assert!(
                messages >= 40 && fixture.pass.len() >= 15,
                "{language} has too few messages"
            );
            (language, judge(&fixture))
        })
        .collect()
}

fn table(all: &BTreeMap<String, Figures>) -> String {
    let mut out = String::from(
        "| language | innocent | shown | to be refused | refused | precision | recall | not caught | wrongly refused |\n\
         |---|---:|---:|---:|---:|---:|---:|---|---|\n",
    );
    let quoted = |texts: &[String]| {
        let quoted = texts.iter().map(|t| format!("`{}`", t.replace('|', "¦")));
        quoted.collect::<Vec<_>>().join(" ")
    };
    for (language, f) in all {
        let (wrong, missed) = (f.wrong.len() as u32, f.missed.len() as u32);
        writeln!(
            out,
            "| {language} | {} | {} | {} | {} | {:.3} | {:.3} | {} | {} |",
            f.innocent + wrong,
            f.innocent,
            f.right + missed,
            f.right,
            f.precision(),
            f.recall(),
            quoted(&f.missed),
            quoted(&f.wrong),
        )
        .unwrap();
    }
    out
}

#[test]
fn precision_and_recall_hold_in_each_language_and_stand_in_the_reference() {
    let all = all();
    let languages: Vec<&str> = all.keys().map(String::as_str).collect();
    assert_eq!(
        languages,
        ["ar", "de", "en", "es", "he", "hi", "ja", "ko", "ru", "zh"]
    );
    let table = table(&all);
    println!("{table}");
    for (language, figures) in &all {
        let (precision, recall) = (figures.precision(), figures.recall());
        assert!(
            precision >= LEAST_PRECISION,
            "{language}: precision {precision:.3}, wrongly refused {:?}",
            figures.wrong
        );
        assert!(
            recall >= LEAST_RECALL,
            "{language}: recall {recall:.3}, not caught {:?}",
            figures.missed
        );
    }
    in_step("figures", &table);
}

#[test]
fn reasons_stand_in_the_reference() {
    let mut table = String::from("| code | why |\n|---|---|\n");
    for reason in Reason::ALL {
        writeln!(table, "| `{reason}` | {} |", reason.sentence()).unwrap();
    }
    in_step("reasons", &table);
}

/// What stands between the marks of `name` in docs/moderation.md is `table`.
fn in_step(name: &str, table: &str) {
    let path = root().join("docs/moderation.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (BEGIN.replace("figures", name), END.replace("figures", name));
    let from = page.find(&begin).expect("the mark of the table") + begin.len();
    let to = from + page[from..].find(&end).expect("the end of the table");
    if std::env::var_os("BOOTHCAST_BLESS").is_some_and(|v| v == "1") {
        std::fs::write(&path, format!("{}{table}{}", &page[..from], &page[to..])).unwrap();
        return;
    }
    assert_eq!(
        &page[from..to],
        table,
        "docs/moderation.md: write it anew with BOOTHCAST_BLESS=1"
    );
}
