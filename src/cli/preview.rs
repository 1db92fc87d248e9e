//! `boothcast preview-overlay`: what the picture will look like, without a camera.

mod scene;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use serde_json::json;

use crate::error::{Error, Kind, Result, io_kind};
use crate::media::overlay::preview::{Shot, shoot};
pub use scene::plan;

const EXAMPLE: &str = "Example: a file scene.toml with

  size = \"1280x720\"
  background = \"studio.jpg\"            # or \"grey\", \"test\"
  time = 6.0                           # the moment to draw, s after the beginning
  clock_now = \"2026-05-01T20:15:00Z\"   # what the clock says then

  [overlay]                            # as in the configuration
  clock = \"%H:%M\"
  zone = \"Europe/Berlin\"

  [stage.lower_third]
  name = \"Ana Kovač\"
  line = \"Ceramics, live from Ljubljana\"

  [stage.product]
  name = \"Mug, 0.3 l\"
  price = \"19.90 €\"
  url = \"https://shop.example/mug\"
  picture = \"mug.png\"                  # beside the scene file

  [[comment]]
  at = 1.5
  text = \"How large is it?\"
  rank = \"question\"

  [[alert]]
  at = 4.0
  kind = \"order\"
  who = \"Kim\"
  what = \"2 mugs\"

and then: boothcast preview-overlay scene.toml out.png
docs/overlay.md tells of every layer and setting.";

/// Arguments of `boothcast preview-overlay`.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLE)]
pub struct PreviewArgs {
    /// What is to be seen, as TOML
    #[arg(value_name = "SCENE.toml")]
    pub scene: PathBuf,
    /// Where the picture is written
    #[arg(value_name = "OUT.png")]
    pub out: PathBuf,
    /// Another moment than the scene's, in seconds after its beginning
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub at: Option<Duration>,
    /// Another size than the scene's, such as 720x1280
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size)]
    pub size: Option<(u32, u32)>,
    /// Print what was drawn where, as JSON
    #[arg(long)]
    pub json: bool,
}

/// Draws the picture. Answers with the exit code: 0 well, 1 failed, 78 when there is something wrong in the scene.
#[must_use]
pub fn run(args: &PreviewArgs) -> u8 {
    // What parts of a card say that they leave out. A log that there is already stays.
    let _ = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_max_level(tracing::Level::WARN)
        .without_time()
        .with_target(false)
        .try_init();
    report(args, &mut io::stdout().lock(), &mut io::stderr())
}

/// [`run`] with given outputs.
#[must_use]
pub fn report(args: &PreviewArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match draw(args) {
        Ok(shot) => {
            for warning in &shot.warnings {
                let _ = writeln!(err, "warning: {warning}");
            }
            let _ = if args.json {
                writeln!(out, "{:#}", described(&shot))
            } else {
                let (out_file, layers) = (args.out.display(), shot.places.len());
                let Shot { width, height, .. } = shot;
                writeln!(out, "{out_file}: {width}x{height}, {layers} things on it")
            };
            0
        }
        Err(e) => {
            let _ = writeln!(err, "{}", e.report());
            e.kind().exit_code()
        }
    }
}

fn draw(args: &PreviewArgs) -> Result<Shot> {
    let plan = plan(&args.scene, args.size, args.at)?;
    let shot = shoot(&plan)?;
    write(&args.out, &png(&shot)?)?;
    Ok(shot)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).map_err(|e| {
        let name = path.display();
        Error::new(io_kind(&e), format!("{name} cannot be written.")).caused_by(e)
    })
}

/// The picture as a PNG file.
///
/// # Errors
/// The encoder fails.
pub fn png(shot: &Shot) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Best, FilterType::Adaptive)
        .write_image(&shot.rgb, shot.width, shot.height, ExtendedColorType::Rgb8)
        .map_err(|e| Error::new(Kind::Internal, "The PNG cannot be made.").caused_by(e))?;
    Ok(bytes)
}

fn described(shot: &Shot) -> serde_json::Value {
    let layers: Vec<_> = shot
        .places
        .iter()
        .map(|(layer, r)| {
            json!({"layer": layer, "x": r.x, "y": r.y, "width": r.width, "height": r.height})
        })
        .collect();
    let warnings: Vec<_> = shot.warnings.iter().map(ToString::to_string).collect();
    json!({"width": shot.width, "height": shot.height, "layers": layers, "warnings": warnings})
}

/// A time of the command line or of a scene.
fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(time)
        .ok_or_else(|| format!("must be 0 to {LONGEST} seconds"))
}

/// Longest scene, s.
const LONGEST: u32 = 3600;

fn time(seconds: f64) -> Option<Duration> {
    (0.0..=f64::from(LONGEST))
        .contains(&seconds)
        .then(|| Duration::from_secs_f64(seconds))
}

/// `1280x720`; both even, as all pictures of a camera are.
fn size(text: &str) -> Result<(u32, u32), String> {
    let side = |s: &str| {
        s.parse::<u32>()
            .ok()
            .filter(|n| (64..=3840).contains(n) && n % 2 == 0)
    };
    let both = text
        .split_once('x')
        .and_then(|(w, h)| Some((side(w.trim())?, side(h.trim())?)));
    both.ok_or_else(|| "must be two even numbers from 64 to 3840, such as 1280x720".to_owned())
}

#[cfg(test)]
#[path = "preview/tests.rs"]
mod tests;
