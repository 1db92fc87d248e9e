//! With fonts of our own choice, and without any.

use cosmic_text::fontdb::Database;

use super::tests::{SCRIPTS, letters, plain};
use super::*;

#[test]
fn fonts_of_a_folder_come_first_and_broken_ones_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let mut db = Database::new();
    db.load_system_fonts();
    let named = |name: &str| db.faces().find(|f| f.post_script_name == name).unwrap().id;
    let bytes = |name: &str| db.with_face_data(named(name), |d, _| d.to_vec()).unwrap();
    let serif = bytes("DejaVuSerif");
    put("serif.ttf", &serif);
    put("junk.ttf", b"this is no font");
    put("empty.otf", b"");
    let mono = bytes("DejaVuSansMono");
    for part in [2, 3, 5, 10, 100] {
        put(
            &format!("half{part}.ttf"),
            &mono[..mono.len() * (part - 1) / part],
        );
    }
    let style = Style::plain(40);
    let system = letters().line(&plain("Rag"), &style, 500);
    let mut own = Letters::load(Some(folder.path()), None).unwrap();
    assert_ne!(own.line(&plain("Rag"), &style, 500), system);
    for (_, text) in SCRIPTS {
        own.line(&plain(text), &style, 900);
    }
    let mut chosen = Letters::load(None, Some("dejavu serif")).unwrap();
    let serif = chosen.line(&plain("Rag"), &style, 500);
    assert_ne!(serif, system);
    let mut unknown = Letters::load(None, Some("No Such Font")).unwrap();
    assert_eq!(unknown.line(&plain("Rag"), &style, 500), system);
}

#[test]
fn no_folder_and_no_fonts_are_sentences() {
    let e = Letters::load(Some(Path::new("/no/such/folder")), None).unwrap_err();
    assert_eq!(e.kind(), Kind::NotFound);
    assert!(e.report().contains("overlay.fonts"), "{}", e.report());
    let mut none = Library::of(Database::new(), 0, None);
    let e = none.base().unwrap_err();
    assert_eq!(e.kind(), Kind::Missing);
    assert!(e.report().contains("apt-get install"), "{}", e.report());
}

#[test]
fn the_survey_tells_what_is_there_and_what_is_not() {
    let all = survey(None, None).unwrap();
    assert_eq!(all.len(), 9);
    assert!(all.iter().all(|w| w.family.is_some()), "{all:?}");
    assert_eq!(all[8].family.as_deref(), Some("Noto Color Emoji"));
    let mut db = Database::new();
    let mut system = Database::new();
    system.load_system_fonts();
    let sans = system.faces().find(|f| f.post_script_name == "DejaVuSans");
    db.push_face_info(sans.unwrap().clone());
    let some = survey::of(&mut Library::of(db, 0, None));
    let there: Vec<&str> = some
        .iter()
        .filter(|w| w.family.is_some())
        .map(|w| w.script)
        .collect();
    assert_eq!(there, ["Latin", "Arabic", "Hebrew"]);
}
