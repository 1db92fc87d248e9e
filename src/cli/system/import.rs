//! The boot partition's `boothcast.toml` becomes a layer of the configuration, once for each version of the file.
//!
//! ```text
//!  1 settle versions     2 read; seen already? then only box.txt     3 take in, check with the other layers
//!  4 imported.toml, setup.toml, Wi-Fi     5 the file without secrets     6 note that it is seen, no error any more
//! ```
//!
//! Each step may be the last before a power cut: the next start takes in the same file again, which changes nothing.

use std::path::Path;

use super::boot::Boot;
use super::{Places, box_text, wifi};
use crate::config::import::{self, BOOT_FILE, IMPORTED, SETUP};
use crate::config::{Problems, Sources};
use crate::error::{Error, Kind, Result};
use crate::store::files::{read_small, write_atomic};
use crate::store::import_note::ImportNote;

/// What is wrong with the file, beside it.
const ERROR_FILE: &str = "boothcast-error.txt";

const INTERRUPTED: &str = "The settings on the card were not taken in, as the box was interrupted. Switch it off and on again.";

/// What became of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// There is none, or it says nothing and never did.
    Nothing,
    /// It was seen before.
    Seen,
    /// It was taken in.
    TakenIn {
        /// Secrets that were moved into the box, or are kept there.
        secrets: usize,
    },
    /// It could not be: the old one stays.
    Refused,
}

/// The service: takes in the file, and says on the partition who the box is. What fails of it does not keep the box from
/// starting.
pub fn run(places: &Places) -> Result<()> {
    if let Err(e) = super::settle_versions(&places.state) {
        eprintln!("boothcast: {}", e.report());
    }
    let boot = Boot::new(&places.boot);
    let sources = sources(&places.state);
    let outcome = take_in(&boot, places, &sources);
    match &outcome {
        Ok(Outcome::TakenIn { secrets }) => {
            println!("{BOOT_FILE} is taken in; secrets that lie in the box only: {secrets}");
        }
        Ok(Outcome::Refused) => println!("{BOOT_FILE} is refused; see {ERROR_FILE} beside it"),
        Ok(Outcome::Nothing | Outcome::Seen) | Err(_) => {}
    }
    let told = boot.write(box_text::FILE, &box_text::text(&sources, &places.state));
    outcome.and(told)
}

/// The layers of the box as the service sees them: its own environment has nothing to say.
fn sources(state: &Path) -> Sources {
    let mut sources = Sources::from_process(None, vec![]);
    sources.env.clear();
    sources.default_state = state.to_owned();
    for (path, _) in &mut sources.files {
        let name = path.file_name().map(ToOwned::to_owned).unwrap_or_default();
        if name == IMPORTED || name == SETUP {
            *path = state.join(name);
        }
    }
    sources
}

/// Takes in the file, if it is a new one.
pub fn take_in(boot: &Boot, places: &Places, sources: &Sources) -> Result<Outcome> {
    let state = places.state.as_path();
    let note = ImportNote::load(state);
    let text = match boot.read(BOOT_FILE) {
        Ok(Some(text)) => text,
        Ok(None) => {
            well_again(boot, state, note.seen)?;
            return Ok(Outcome::Nothing);
        }
        Err(e) if e.kind() == Kind::BadConfig => {
            return refuse(boot, state, note.seen, &e.report());
        }
        Err(e) => return Err(e),
    };
    if note.has_seen(&text) {
        well_again(boot, state, note.seen)?;
        return Ok(Outcome::Seen);
    }
    let before = read_small(&state.join(IMPORTED))?;
    if before.is_none() && import::is_empty(&text) {
        ImportNote::of(&text).save(state)?;
        boot.remove(ERROR_FILE)?;
        return Ok(Outcome::Nothing);
    }
    begun(state, &note.seen)?;
    match prepare(&text, before.as_deref(), state, sources) {
        Ok(ready) => {
            ready.keep(boot, places, &text)?;
            Ok(Outcome::TakenIn {
                secrets: ready.taken.secrets,
            })
        }
        Err(problems) => refuse(boot, state, note.seen, &problems.to_string()),
    }
}

/// Everything that is to be written, checked.
struct Ready {
    taken: import::TakenIn,
    setup: Option<String>,
}

fn prepare(
    text: &str,
    before: Option<&str>,
    state: &Path,
    sources: &Sources,
) -> Result<Ready, Problems> {
    let taken = import::take_in(text, before, &sources.board)?;
    // The person's last word counts: what a code said of the same is forgotten.
    let setup = read_small(&state.join(SETUP)).ok().flatten();
    let setup = setup.map(|old| import::drop_named(&old, &taken.kept));
    import::check_with(&taken.kept, setup.as_deref().unwrap_or(""), sources)?;
    Ok(Ready { taken, setup })
}

impl Ready {
    fn keep(&self, boot: &Boot, places: &Places, text: &str) -> Result<()> {
        let state = places.state.as_path();
        let cut = |e| Error::new(Kind::Internal, "Cut off").caused_by(e);
        let step = || crate::store::fault::step().map_err(cut);
        step()?;
        write_atomic(&state.join(IMPORTED), self.taken.kept.as_bytes(), 0o600)?;
        step()?;
        if let Some(setup) = &self.setup {
            write_atomic(&state.join(SETUP), setup.as_bytes(), 0o600)?;
        }
        step()?;
        wifi::keep(places, &self.taken.kept)?;
        step()?;
        if self.taken.shown != text {
            boot.write(BOOT_FILE, &self.taken.shown)?;
        }
        step()?;
        well_again(boot, state, ImportNote::of(&self.taken.shown).seen)
    }
}

/// What the box says if this is cut off here, by whatever it is: a card that fails, a limit of time.
fn begun(state: &Path, seen: &str) -> Result<()> {
    let note = ImportNote {
        seen: seen.to_owned(),
        problem: Some(INTERRUPTED.into()),
    };
    note.save(state)
}

/// Nothing is wrong with the file, or there is none.
fn well_again(boot: &Boot, state: &Path, seen: String) -> Result<()> {
    let note = ImportNote {
        seen,
        problem: None,
    };
    note.save(state)?;
    boot.remove(ERROR_FILE)
}

/// The old configuration stays; the person is told where they look: beside the file, by light, screen and sentence.
fn refuse(boot: &Boot, state: &Path, seen: String, problems: &str) -> Result<Outcome> {
    let first = problems.lines().next().unwrap_or_default();
    let note = ImportNote {
        seen,
        problem: Some(format!(
            "The settings on the card cannot be used: {first} Until then the box goes on as before."
        )),
    };
    note.save(state)?;
    let told = format!(
        "Boothcast could not use {BOOT_FILE}, so the box goes on with the settings that it had before.\r\n\
         Mend this, save the file, and start the box again:\r\n\r\n{}\r\n",
        problems.replace('\n', "\r\n")
    );
    boot.write(ERROR_FILE, &told)?;
    Ok(Outcome::Refused)
}
