//! Layers, later ones winning: built-in defaults, board profile, files, environment, flags.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::board::{self, Detected};
use super::build::{self, Look, Merged};
use super::import;
use super::key_file::reason;
use super::layer::Layer;
use super::overrides::{self, ENV_PREFIX};
use super::problems::{Origin, Problem, Problems};
use super::schema::{Config, Destination};
use super::table::KEYS;
use super::value::{Value, plain};
use super::{destination, document, rules};

/// Largest configuration file in bytes: many times what 64 destinations need.
const MAX_BYTES: u64 = 256 * 1024;
/// Files that are read when none is named; a missing one is no error. Between the two come [`STATE_FILES`].
pub const DEFAULT_FILES: [&str; 2] = ["/etc/boothcast/boothcast.toml", "boothcast.toml"];
/// Files of the state folder that are read after the first of [`DEFAULT_FILES`], or after the one that is named; a missing one
/// is no error: what was taken in from the boot partition, and what a code or the page said.
pub const STATE_FILES: [&str; 2] = [import::IMPORTED, import::SETUP];

/// Where the configuration comes from.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Files in order, and whether each must be there.
    pub files: Vec<(PathBuf, bool)>,
    /// Environment variables; those that do not begin with `BOOTHCAST__` are ignored.
    pub env: Vec<(String, String)>,
    /// Flags `--set`, each `section.key=value`.
    pub set: Vec<String>,
    /// The board that was recognised, for `board.profile = "auto"`.
    pub board: Detected,
    /// The folder for `paths.state` where no layer names one.
    pub default_state: PathBuf,
}

impl Sources {
    /// What this process was started with. `explicit`: the file named by `--config`, instead of the default ones; what the box
    /// itself keeps in its state folder is laid over it.
    #[must_use]
    pub fn from_process(explicit: Option<PathBuf>, set: Vec<String>) -> Self {
        let files = match explicit {
            Some(file) => vec![(file, true)],
            None => DEFAULT_FILES.map(|f| (f.into(), false)).to_vec(),
        };
        let env: Vec<(String, String)> = std::env::vars_os()
            .filter(|(name, _)| name.to_string_lossy().starts_with(ENV_PREFIX))
            .map(|(n, v)| (n.to_string_lossy().into(), v.to_string_lossy().into()))
            .collect();
        let mut sources = Self {
            files,
            env,
            set,
            board: board::detected(),
            default_state: default_state(),
        };
        let state = sources.state_dir();
        let own = STATE_FILES.map(|name| (state.join(name), false));
        sources.files.splice(1..1, own);
        sources
    }

    /// The state folder: what the layers say of `paths.state`, before anything of it is checked.
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        let mut written = Layer::default();
        for text in read_files(&self.files).0 {
            let name: Arc<str> = text.path.display().to_string().into();
            written.merge(document::read(&text.text, &name, text.path.parent()).layer);
        }
        written.merge(overrides::environment(&self.env).0);
        written.merge(overrides::flags(&self.set).0);
        let entry = written.entries.remove("paths.state");
        match entry.and_then(|e| e.value) {
            Some(Value::Path(path)) => path,
            _ => self.default_state.clone(),
        }
    }
}

/// `$STATE_DIRECTORY` (systemd; the first of several), else `/var/lib/boothcast` for root, else the user's own
/// folder by the XDG base directory specification.
fn default_state() -> PathBuf {
    let folder = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|p| p.is_absolute())
    };
    if let Some(given) = std::env::var_os("STATE_DIRECTORY")
        && let Some(first) = given.to_string_lossy().split(':').find(|p| !p.is_empty())
    {
        return first.into();
    }
    // The owner of /proc/self is the effective user.
    let root = std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0);
    let own = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")));
    match own {
        Some(own) if !root => own.join("boothcast"),
        _ => PathBuf::from("/var/lib/boothcast"),
    }
}

/// A good configuration, and what is to be said about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The board in force, and why that one.
    pub board: Detected,
    /// The files that were there, in order.
    pub files_used: Vec<PathBuf>,
    /// What is doubtful but no error.
    pub warnings: Vec<Problem>,
    /// What was set aside so that the show goes on, and why: broken files, in whose place the last good ones are in
    /// force, and destinations that cannot be used. Only [`load_or_last_good`](super::load_or_last_good) does that.
    pub set_aside: Option<Problems>,
    /// What is in force, as plain text, by key; without the keys of destinations, and without secrets.
    pub values: BTreeMap<&'static str, String>,
}

/// The text of one file.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    /// Where it was read: its name in messages, and what relative paths count from.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
    /// Whether others than the owner can read the file.
    pub open: bool,
}

/// Loads the configuration.
///
/// # Errors
/// Every problem of every layer, in order.
pub fn load(sources: &Sources) -> Result<Loaded, Problems> {
    let (texts, problems) = read_files(&sources.files);
    compose(&texts, problems, sources, Destinations::All)
}

/// Checks the text of a configuration file by itself, over the defaults of `board`, without using it. No file that it names is
/// looked at. Answers with the warnings.
///
/// # Errors
/// Every problem of the text, in order.
pub fn validate(text: &str, board: &Detected) -> Result<Vec<Problem>, Problems> {
    let text = Text {
        path: "boothcast.toml".into(),
        text: text.to_owned(),
        open: false,
    };
    let sources = Sources {
        files: vec![],
        env: vec![],
        set: vec![],
        board: board.clone(),
        default_state: "/var/lib/boothcast".into(),
    };
    let none = Problems::default();
    lay(&[text], none, &sources, Destinations::All, Look::Nowhere).map(|loaded| loaded.warnings)
}

/// Reads the files that are there.
pub(crate) fn read_files(files: &[(PathBuf, bool)]) -> (Vec<Text>, Problems) {
    let (mut texts, mut problems) = (Vec::new(), Problems::default());
    for (path, required) in files {
        match read_file(path) {
            Ok(text) => texts.push(text),
            Err(refused) if *required || !is_missing(path) => problems.extend(refused),
            Err(_) => {}
        }
    }
    (texts, problems)
}

/// Whether there is nothing at all: a folder that may not be searched, or a dangling link, is something.
fn is_missing(path: &Path) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    match path.symlink_metadata() {
        Ok(_) => false,
        Err(e) => matches!(e.kind(), NotFound | NotADirectory),
    }
}

fn read_file(path: &Path) -> Result<Text, Problems> {
    let origin = |place| Origin {
        source: path.display().to_string().into(),
        place,
        label: String::new(),
    };
    let failed = |e: io::Error| {
        let problem = origin(None).sentence(format!("This file cannot be read: {}.", reason(&e)));
        match e.kind() {
            io::ErrorKind::NotFound => problem.mend("Check the path, or start without --config."),
            io::ErrorKind::PermissionDenied => {
                problem.mend("Give the user that runs Boothcast the right to read it.")
            }
            _ => problem,
        }
    };
    let file = File::open(path).map_err(failed)?;
    let open = file.metadata().map_err(failed)?.mode() & 0o044 != 0;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(origin(None)
            .sentence("This file is longer than 256 KiB.")
            .into());
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        let good = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        let line = good.iter().filter(|b| **b == b'\n').count() + 1;
        origin(Some((line, 1)))
            .sentence("This line is not UTF-8 text.")
            .mend("Save the file as UTF-8.")
    })?;
    Ok(Text {
        path: path.to_owned(),
        text,
        open,
    })
}

/// Whether a destination that cannot be used is an error, or is left out so that the show goes on without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Destinations {
    /// An error.
    All,
    /// Left out, and listed in [`Loaded::set_aside`].
    Usable,
}

/// Lays the texts, the environment and the flags over the defaults, and checks the whole.
pub(crate) fn compose(
    texts: &[Text],
    errors: Problems,
    sources: &Sources,
    wanted: Destinations,
) -> Result<Loaded, Problems> {
    lay(texts, errors, sources, wanted, Look::Files)
}

fn lay(
    texts: &[Text],
    mut errors: Problems,
    sources: &Sources,
    wanted: Destinations,
    look: Look,
) -> Result<Loaded, Problems> {
    let mut written = Layer::default();
    let mut order = Vec::new();
    let mut sound = errors.is_empty();
    for text in texts {
        let name: Arc<str> = text.path.display().to_string().into();
        order.push(name.to_string());
        let base = text.path.parent();
        let read = document::read(&text.text, &name, base);
        // With a syntax error a part of the file is unknown, and rules between keys would accuse the wrong ones.
        sound &= read.complete;
        errors.extend(read.problems);
        written.merge(read.layer);
    }
    for (of_others, problems) in [
        overrides::environment(&sources.env),
        overrides::flags(&sources.set),
    ] {
        errors.extend(problems);
        written.merge(of_others);
    }
    let board = board_in_force(&written, &sources.board, look, &mut errors);
    let mut defaults = build::defaults();
    build::of_board(&board.board, &mut defaults);
    build::of_state(sources.default_state.clone(), &mut defaults);
    let mut layer = defaults.clone();
    layer.merge(written);
    let merged = Merged {
        layer,
        defaults,
        look,
    };
    let mut warnings = Problems::default();
    let mut aside = Problems::default();
    let config = sound.then(|| {
        let destinations = destinations(&merged, &mut aside);
        if wanted == Destinations::All {
            errors.extend(std::mem::take(&mut aside));
        }
        finish(&merged, destinations, &mut errors, &mut warnings)
    });
    let open: Vec<String> = texts
        .iter()
        .filter(|t| t.open)
        .map(|t| t.path.display().to_string())
        .collect();
    rules::exposed_keys(&merged, &open, &mut warnings);
    match config.flatten() {
        Some(config) if errors.is_empty() => Ok(Loaded {
            config,
            board,
            files_used: texts.iter().map(|t| t.path.clone()).collect(),
            warnings: warnings.sorted(&order).into_vec(),
            set_aside: (!aside.is_empty()).then(|| aside.sorted(&order)),
            values: values(&merged),
        }),
        _ => Err(errors.sorted(&order)),
    }
}

/// What may be shown of what is in force; a key that is not set is empty.
fn values(merged: &Merged) -> BTreeMap<&'static str, String> {
    let keys = KEYS.iter().filter(|k| k.may_be_shown());
    keys.map(|k| (k.path, merged.value(k.path).map_or_else(String::new, plain)))
        .collect()
}

/// The board that `board.profile` names; the recognised one where it names none, or none that can be used.
fn board_in_force(
    written: &Layer,
    recognised: &Detected,
    look: Look,
    problems: &mut Problems,
) -> Detected {
    let entry = written.entries.get("board.profile");
    let Some((at, Value::Text(name))) = entry.and_then(|e| Some((&e.at, e.value.as_ref()?))) else {
        return recognised.clone();
    };
    let found = match board::by_id(name) {
        _ if name == "auto" => return recognised.clone(),
        Some(board) => Ok(board.clone()),
        None if look == Look::Nowhere => return recognised.clone(),
        None => board::read_file(Path::new(name)),
    };
    match found {
        Ok(board) => Detected {
            board,
            why: format!("board.profile ({}) says so", at.source),
        },
        Err(clause) => {
            problems.push(at.problem(&format!("names {name}, which {clause}")));
            recognised.clone()
        }
    }
}

/// The destinations that can be used; what is wrong with the others goes to `problems`.
fn destinations(merged: &Merged, problems: &mut Problems) -> Vec<Destination> {
    let all = &merged.layer.destinations;
    all.iter()
        .filter_map(|d| destination::build(d, merged.look, problems))
        .collect()
}

fn finish(
    merged: &Merged,
    destinations: Vec<Destination>,
    errors: &mut Problems,
    warnings: &mut Problems,
) -> Option<Config> {
    rules::profile(merged, errors);
    rules::destinations(merged, errors, warnings);
    match build::config(merged, destinations) {
        Ok(config) => {
            rules::check(merged, &config, errors, warnings);
            Some(config)
        }
        Err(problems) => {
            errors.extend(problems);
            None
        }
    }
}
