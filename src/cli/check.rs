//! `boothcast check`: the configuration only; every error with file, line and key.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::config::keys;
use crate::config::{Loaded, Problem, Problems, Sources, load};
use crate::error::Kind;

/// Exit code of wrong arguments, as clap has it.
const WRONG_USE: u8 = 2;

/// Where the configuration comes from: shared by every subcommand that reads it.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigArgs {
    /// Configuration file, instead of /etc/boothcast/boothcast.toml and ./boothcast.toml
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set one key for this run, such as rtsp.port=9000; may be repeated
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub set: Vec<String>,
}

impl ConfigArgs {
    /// The layers of this process with these flags.
    #[must_use]
    pub fn sources(&self) -> Sources {
        Sources::from_process(self.config.clone(), self.set.clone())
    }
}

/// Arguments of `boothcast check`.
#[derive(Debug, Clone, Default, Args)]
pub struct CheckArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    /// Print the value in force of one key, such as mqtt.broker, and nothing else
    #[arg(long, value_name = "SECTION.KEY", conflicts_with = "json")]
    pub get: Option<String>,
}

/// Checks the configuration of this process; problems go to standard error, the result to standard output. Answers
/// with the exit code: 0, or 78 when there is an error.
#[must_use]
pub fn run(args: &CheckArgs) -> u8 {
    let sources = args.config.sources();
    let (out, err) = (&mut io::stdout().lock(), &mut io::stderr().lock());
    if let Some(key) = &args.get {
        return get(&sources, key, out, err);
    }
    report(&sources, args.json, out, err)
}

/// Prints the value of one key as plain text: for shells and units. A key that is not set is an empty line. Answers
/// with the exit code: 0; 2 when the key cannot be asked for; 78 when there is an error in the configuration.
#[must_use]
pub fn get(sources: &Sources, key: &str, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    if let Err(why) = may_be_asked(key) {
        let _ = writeln!(err, "{why}");
        return WRONG_USE;
    }
    match load(sources) {
        Ok(loaded) => {
            let value = loaded.values.get(key).map_or("", String::as_str);
            let _ = writeln!(out, "{value}");
            0
        }
        Err(problems) => {
            let _ = writeln!(err, "{problems}");
            Kind::BadConfig.exit_code()
        }
    }
}

/// Secrets are for nobody, and a destination has its keys many times.
fn may_be_asked(path: &str) -> Result<(), String> {
    let Some(key) = keys::by_path(path) else {
        return Err("There is no such key. docs/configuration.md has them all.".to_owned());
    };
    if key.section() == "destination" {
        return Err(format!(
            "There may be several destinations, so there is no one value of {path}."
        ));
    }
    if !key.may_be_shown() {
        return Err(format!("{path} is a secret, and secrets are never shown."));
    }
    Ok(())
}

/// [`run`] on given layers and outputs. An output that is gone is no problem of the configuration.
#[must_use]
pub fn report(sources: &Sources, as_json: bool, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let result = load(sources);
    let _ = if as_json {
        write_json(&result, sources, out)
    } else {
        write_text(&result, out, err)
    };
    match result {
        Ok(_) => 0,
        Err(_) => Kind::BadConfig.exit_code(),
    }
}

fn write_text(
    result: &Result<Loaded, Problems>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<()> {
    match result {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                writeln!(err, "warning: {warning}")?;
            }
            let files: Vec<_> = loaded
                .files_used
                .iter()
                .map(|f| f.display().to_string())
                .collect();
            let files = if files.is_empty() {
                "no file, defaults only".to_owned()
            } else {
                files.join(", ")
            };
            writeln!(out, "configuration is good: {files}")
        }
        Err(problems) => {
            writeln!(err, "{problems}")?;
            let n = problems.len();
            let errors = if n == 1 { "error" } else { "errors" };
            writeln!(err, "configuration has {n} {errors}")
        }
    }
}

fn write_json(
    result: &Result<Loaded, Problems>,
    sources: &Sources,
    out: &mut dyn Write,
) -> io::Result<()> {
    let none: &[Problem] = &[];
    let value = match result {
        Ok(loaded) => json!({
            "ok": true,
            "files": names(loaded.files_used.iter()),
            "problems": none,
            "warnings": loaded.warnings,
        }),
        Err(problems) => json!({
            "ok": false,
            "files": names(sources.files.iter().map(|(f, _)| f).filter(|f| f.exists())),
            "problems": problems,
            "warnings": none,
        }),
    };
    writeln!(out, "{value:#}")
}

fn names<'a>(files: impl Iterator<Item = &'a PathBuf>) -> Vec<String> {
    files.map(|f| f.display().to_string()).collect()
}
