//! `boothcast system`: what the box's own services do as root, before the box starts. Not for people: `docs/system.md`.

mod boot;
mod box_text;
mod import;
mod reset;
#[cfg(test)]
mod tests;
mod wifi;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::error::Result;

/// Where the image says which version it is.
const RELEASE: &str = "/etc/boothcast-release";

/// Arguments of `boothcast system`.
#[derive(Debug, Args)]
pub struct SystemArgs {
    /// What to do.
    #[command(subcommand)]
    command: SystemSub,
}

/// What the services do.
#[derive(Debug, Subcommand)]
enum SystemSub {
    /// Take in the boot partition's boothcast.toml, and write box.txt there.
    Import(Places),
    /// End a factory reset: what belongs to root.
    Reset(Places),
}

/// Where things lie.
#[derive(Debug, Clone, Args)]
struct Places {
    /// Mount point of the boot partition.
    #[arg(long, value_name = "FOLDER")]
    boot: PathBuf,
    /// State folder of the box.
    #[arg(long, value_name = "FOLDER")]
    state: PathBuf,
    /// Root of the system, for tests.
    #[arg(long, value_name = "FOLDER", default_value = "/", hide = true)]
    root: PathBuf,
}

impl Places {
    /// A folder of the system.
    fn system(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }
}

/// Does it; returns the exit code.
#[must_use]
pub fn run(args: &SystemArgs) -> u8 {
    let done = match &args.command {
        SystemSub::Import(places) => import::run(places),
        SystemSub::Reset(places) => reset::run(places),
    };
    match done {
        Ok(()) => 0,
        Err(e) => {
            eprintln!("boothcast: {}", e.report());
            e.kind().exit_code()
        }
    }
}

/// The version that the state folder is of: that of the image, which updates compare, else that of the program.
#[must_use]
pub fn version() -> String {
    version_in(Path::new(RELEASE)).unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned())
}

fn version_in(release: &Path) -> Option<String> {
    let text = std::fs::read_to_string(release).ok()?;
    let value = text.lines().find_map(|l| l.strip_prefix("VERSION="))?;
    let value = value.trim().trim_matches('"');
    (!value.is_empty()).then(|| value.to_owned())
}

/// Settles the versions of the state folder, where no other program is at it; a sentence for people if there is one.
///
/// # Errors
/// As [`versions::settle`](crate::store::versions::settle).
pub fn settle_versions(state: &Path) -> Result<Option<String>> {
    use crate::store::{folder, versions};
    if !state.is_dir() {
        return Ok(None);
    }
    // Whoever holds it is told by the start itself.
    let Ok(_lock) = folder::lock_dir(state) else {
        return Ok(None);
    };
    versions::settle(state, &version())
}
