//! A scene file: what is on the picture, and what happens before it is taken.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use strsim::osa_distance;
use toml::{Table, Value};

use crate::config::{Config, Sources, board, load};
use crate::device::stage::Stage;
use crate::error::{Error, Kind, Result, io_kind};
use crate::media::overlay::director::Facts;
use crate::media::overlay::preview::{Ground, Plan};
use crate::media::raw::{Pixel, RawFormat};
use crate::room::item::{Alert, Comment};

/// Largest scene file, bytes.
const MOST: u64 = 1024 * 1024;
/// Largest picture, bytes.
const PICTURE: u64 = 16 * 1024 * 1024;

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    size: Option<String>,
    #[serde(default)]
    background: Option<String>,
    #[serde(default)]
    time: Option<f64>,
    #[serde(default)]
    clock_now: Option<String>,
    /// `i420` or `nv12`.
    #[serde(default)]
    pixel: Option<String>,
    #[serde(default)]
    live: u32,
    /// bit/s
    #[serde(default)]
    bitrate: u32,
    #[serde(default)]
    overlay: Table,
    #[serde(default)]
    danmaku: Table,
    #[serde(default)]
    stage: Table,
    #[serde(default)]
    comment: Vec<Table>,
    #[serde(default)]
    alert: Vec<Table>,
}

/// Reads a scene file; `size` (pixels) and `at` count instead of what it says.
///
/// # Errors
/// The file or a picture beside it cannot be read, or something in it is wrong: a sentence that names it, and the nearest known
/// key for an unknown one.
pub fn plan(path: &Path, size: Option<(u32, u32)>, at: Option<Duration>) -> Result<Plan> {
    let scene = Scene {
        name: path.display().to_string(),
        folder: path.parent().unwrap_or(Path::new(".")).to_owned(),
    };
    let text = String::from_utf8(scene.read(path, MOST)?)
        .map_err(|_| scene.wrong("The file is no UTF-8 text."))?;
    let file: File = toml::from_str(&text).map_err(|e| scene.bad("", &e, Some(&text)))?;
    scene.plan(file, size, at)
}

/// Where the file is: for messages, and for the pictures beside it.
struct Scene {
    name: String,
    folder: PathBuf,
}

impl Scene {
    fn plan(&self, file: File, size: Option<(u32, u32)>, at: Option<Duration>) -> Result<Plan> {
        let asked = file.size.as_deref().unwrap_or("1280x720");
        let (width, height) = match size {
            Some(size) => size,
            None => super::size(asked).map_err(|e| self.wrong(format!("size {e}.")))?,
        };
        let config = self.settings(file.overlay, file.danmaku)?;
        let at = match at {
            Some(at) => at,
            None => self.time("time", file.time.unwrap_or(5.0))?,
        };
        let clock_now = file.clock_now.as_deref().unwrap_or("2026-05-01T18:15:00Z");
        Ok(Plan {
            format: RawFormat {
                pixel: self.pixel(file.pixel.as_deref())?,
                width,
                height,
                fps: 30,
            },
            overlay: config.overlay,
            danmaku: config.danmaku,
            stage: self.stage(file.stage)?,
            facts: Facts {
                live: file.live,
                bitrate: file.bitrate,
            },
            comments: self.timed::<Comment>("comment", file.comment)?,
            alerts: self.timed::<Alert>("alert", file.alert)?,
            at,
            wall: clock_now.parse::<Timestamp>().map_err(|e| {
                self.wrong("clock_now must be a time such as \"2026-05-01T20:15:00+02:00\".")
                    .caused_by(e)
            })?,
            ground: self.ground(file.background.as_deref())?,
        })
    }

    fn pixel(&self, name: Option<&str>) -> Result<Pixel> {
        match name {
            None | Some("i420") => Ok(Pixel::I420),
            Some("nv12") => Ok(Pixel::Nv12),
            Some(_) => Err(self.wrong("pixel must be \"i420\" or \"nv12\".")),
        }
    }

    fn ground(&self, name: Option<&str>) -> Result<Ground> {
        match name {
            None | Some("grey") => Ok(Ground::Grey),
            Some("test") => Ok(Ground::Test),
            Some(file) => Ok(Ground::Picture(self.read(&self.beside(file), PICTURE)?)),
        }
    }

    /// `[overlay]` and `[danmaku]`, checked as the configuration is.
    fn settings(&self, overlay: Table, danmaku: Table) -> Result<Config> {
        let mut set = Vec::new();
        for (section, table) in [("overlay", overlay), ("danmaku", danmaku)] {
            for (key, value) in table {
                let text = match value {
                    Value::String(s) if section == "overlay" && is_file(&key) && !s.is_empty() => {
                        self.beside(&s).display().to_string()
                    }
                    Value::String(s) => s,
                    Value::Table(_) | Value::Array(_) => {
                        return Err(self.wrong(format!("{section}.{key} must be one value.")));
                    }
                    other => other.to_string(),
                };
                set.push(format!("{section}.{key}={text}"));
            }
        }
        let sources = Sources {
            files: Vec::new(),
            env: Vec::new(),
            set,
            board: board::recognise(&board::Traces::default()),
            default_state: PathBuf::from("/nonexistent"),
        };
        match load(&sources) {
            Ok(loaded) => Ok(loaded.config),
            Err(problems) => {
                let (all, mut error) = (problems.as_slice(), String::new());
                for (n, problem) in all.iter().enumerate() {
                    error.push_str(&format!("{}: {}", self.name, problem.message));
                    if n + 1 < all.len() {
                        let mend = problem.mend.as_deref().unwrap_or_default();
                        error.push_str(&format!(" {mend}\n"));
                    }
                }
                let error = Error::new(Kind::BadConfig, error);
                match all.last().and_then(|p| p.mend.as_deref()) {
                    Some(mend) => Err(error.mend(mend)),
                    None => Err(error),
                }
            }
        }
    }

    /// As the box has it, but that pictures are files beside the scene.
    fn stage(&self, mut table: Table) -> Result<Stage> {
        for owner in ["product", "logo"] {
            let picture = table
                .get_mut(owner)
                .and_then(Value::as_table_mut)
                .and_then(|t| t.get_mut("picture"));
            if let Some(Value::String(file)) = picture {
                let bytes = self.read(&self.beside(file), PICTURE)?;
                *file = STANDARD.encode(bytes);
            }
        }
        self.typed("stage", table)
    }

    /// Things with the time `at` at which each comes.
    fn timed<T: DeserializeOwned>(
        &self,
        section: &str,
        tables: Vec<Table>,
    ) -> Result<Vec<(Duration, T)>> {
        let mut out = Vec::new();
        for mut table in tables {
            let at = match table.remove("at") {
                None => 0.0,
                Some(Value::Integer(n)) => n as f64,
                Some(Value::Float(n)) => n,
                Some(_) => {
                    return Err(self.wrong(format!("{section}: at must be a number of seconds.")));
                }
            };
            let at = self.time(&format!("{section}: at"), at)?;
            out.push((at, self.typed(section, table)?));
        }
        Ok(out)
    }

    fn time(&self, what: &str, seconds: f64) -> Result<Duration> {
        super::time(seconds).ok_or_else(|| {
            let most = super::LONGEST;
            self.wrong(format!("{what} must be 0 to {most} seconds."))
        })
    }

    fn typed<T: DeserializeOwned>(&self, section: &str, table: Table) -> Result<T> {
        table
            .try_into()
            .map_err(|e| self.bad(&format!("{section}: "), &e, None))
    }

    /// What TOML says, in our words where it is about an unknown key.
    fn bad(&self, section: &str, e: &toml::de::Error, text: Option<&str>) -> Error {
        let line = text.zip(e.span()).map(|(text, span)| {
            let before = text.get(..span.start).unwrap_or_default();
            before.matches('\n').count() + 1
        });
        let place = line.map_or_else(|| self.name.clone(), |n| format!("{}:{n}", self.name));
        let said = e.message();
        let mut names = said.split('`').skip(1).step_by(2);
        let unknown = said.starts_with("unknown field") || said.starts_with("unknown variant");
        let Some(wrong) = names.next().filter(|_| unknown) else {
            return Error::new(Kind::BadConfig, format!("{place}: {section}{said}."));
        };
        let what = if said.starts_with("unknown field") {
            "key"
        } else {
            "word"
        };
        let error = Error::new(
            Kind::BadConfig,
            format!("{place}: {section}there is no such {what} as {wrong}."),
        );
        let known: Vec<&str> = names.collect();
        match nearest(wrong, &known) {
            Some(near) => error.mend(format!("Did you mean {near}?")),
            None => error.mend(format!("There are {}.", known.join(", "))),
        }
    }

    fn wrong(&self, said: impl AsRef<str>) -> Error {
        Error::new(Kind::BadConfig, format!("{}: {}", self.name, said.as_ref()))
    }

    fn beside(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    fn read(&self, path: &Path, most: u64) -> Result<Vec<u8>> {
        let name = path.display();
        let failed = |e: std::io::Error| {
            Error::new(io_kind(&e), format!("{name} cannot be read.")).caused_by(e)
        };
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(most + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        if bytes.len() as u64 > most {
            let kib = most / 1024;
            return Err(
                Error::new(Kind::Unsupported, format!("{name} is too large."))
                    .mend(format!("It may have at most {kib} KiB.")),
            );
        }
        Ok(bytes)
    }
}

/// Whether a key of `[overlay]` names a file or folder.
fn is_file(key: &str) -> bool {
    matches!(key, "logo" | "fonts")
}

fn nearest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    // Bounded: a key may be as long as the file.
    if wrong.len() > 40 {
        return None;
    }
    let by_distance: BTreeMap<usize, &str> = known
        .iter()
        .rev()
        .map(|k| (osa_distance(wrong, k), *k))
        .collect();
    let (distance, near) = by_distance.into_iter().next()?;
    (distance <= near.len().div_ceil(3)).then_some(near)
}
