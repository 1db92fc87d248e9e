//! Which socket leads to the box.

use std::path::{Path, PathBuf};

use super::client::Client;
use crate::cli::check::ConfigArgs;
use crate::cli::outcome::Trouble;
use crate::config;
use crate::edge::local::SOCKET;

/// Where the service's socket is when nothing else is said (`RuntimeDirectory=` of its unit).
const SERVICE: &str = "/run/boothcast";

/// Connects to `socket`, or else to the first that is alive of: the state folder's as `run` would have it, the service's.
/// One who names a configuration means that box alone.
pub(super) fn connect(socket: Option<&Path>, args: &ConfigArgs) -> Result<Client, Trouble> {
    let places = match socket {
        Some(path) => vec![path.to_owned()],
        None => places(args)?,
    };
    let mut worst = None;
    for place in &places {
        match Client::connect(place) {
            Ok(client) => return Ok(client),
            // The first that is there but does not let us in is more to the point than one that is not there.
            Err(Trouble::NotRunning(why)) => {
                worst.get_or_insert(Trouble::NotRunning(why));
            }
            Err(other) if !matches!(worst, Some(Trouble::Forbidden(_))) => worst = Some(other),
            Err(_) => {}
        }
    }
    Err(worst.unwrap_or_else(|| Trouble::NotRunning("No box is running here.".into())))
}

fn places(args: &ConfigArgs) -> Result<Vec<PathBuf>, Trouble> {
    let named = args.config.is_some() || !args.set.is_empty();
    let sources = args.sources();
    let state = match config::load(&sources) {
        Ok(loaded) => loaded.config.paths.state,
        // The service's configuration may be for its own user's eyes only; its socket can be found without.
        Err(_) if !named => sources.default_state,
        Err(problems) => {
            return Err(Trouble::Config(format!(
                "The configuration is broken, so it does not lead to the box:\n{problems}\nMend it, or name the socket with --socket."
            )));
        }
    };
    let mut places = vec![state.join(SOCKET)];
    if !named {
        places.push(Path::new(SERVICE).join(SOCKET));
    }
    Ok(places)
}
