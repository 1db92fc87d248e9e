//! Which encoders may be used: the board's table, tried in order with a real encode until one delivers.

use crate::config::Config;
use crate::config::board::Board;
use crate::error::{Error, Kind, Result};
use crate::media::encode::{self, Probe};
use crate::media::raw::Pixel;

/// The outcome.
pub struct Table {
    /// Elements by index of `Effect::OpenEncoder`: the first has passed, the rest are tried when it fails.
    pub usable: Vec<String>,
    /// Raw layout that the first takes.
    pub pixel: Pixel,
    /// Which was chosen, and why not the ones before it.
    pub reason: String,
}

/// Tries the table. Entries after the first that works are kept as reserves without a trial, to start sooner.
///
/// # Errors
/// None works: every reason is in the message.
pub fn choose(config: &Config, board: &Board) -> Result<Table> {
    let wanted = if config.encode.encoder == "auto" {
        board.encoders.clone()
    } else {
        vec![config.encode.encoder.clone()]
    };
    let mut against = Vec::new();
    for (i, element) in wanted.iter().enumerate() {
        let probes = encode::probe(std::slice::from_ref(element), &config.encode.video);
        for Probe { element, outcome } in probes {
            match outcome {
                Ok(probed) => {
                    let mut usable = vec![element.clone()];
                    let rest = wanted.iter().skip(i + 1);
                    usable.extend(rest.filter(|e| crate::media::has_element(e)).cloned());
                    let ms = probed.took.as_millis();
                    let mut reason = format!("{element} (first picture after {ms} ms)");
                    if !against.is_empty() {
                        reason.push_str("; not ");
                        reason.push_str(&against.join("; not "));
                    }
                    return Ok(Table {
                        usable,
                        pixel: probed.pixel,
                        reason,
                    });
                }
                Err(why) => against.push(format!("{element}: {why}")),
            }
        }
    }
    Err(Error::new(
        Kind::Missing,
        format!("No H.264 encoder works here: {}.", against.join("; ")),
    )
    .mend("Install gstreamer1.0-plugins-ugly (x264enc), or set encode.encoder."))
}
