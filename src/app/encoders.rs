//! Which encoders may be used: the board's table, tried in order with a real encode until one delivers.

use crate::config::Config;
use crate::config::board::Board;
use crate::error::{Error, Kind, Result};
use crate::media::encode::{self, Probed};
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

/// Why a slow encoder was passed over.
const SLOW: &str = "it is too slow: a few frames take more than 3 s";

/// Tries the table. Entries after the first that works are kept as reserves without a trial, to start sooner. One that
/// is slow is taken only where none is better: the first of those.
///
/// # Errors
/// None works: every reason is in the message.
pub fn choose(config: &Config, board: &Board) -> Result<Table> {
    let wanted = if config.encode.encoder == "auto" {
        board.encoders.clone()
    } else {
        vec![config.encode.encoder.clone()]
    };
    let try_one = |element: &String| {
        let found = encode::probe(std::slice::from_ref(element), &config.encode.video);
        found.into_iter().next().map(|probe| probe.outcome)
    };
    choose_among(&wanted, try_one)
}

/// The choice itself; `try_one` says how an element did.
fn choose_among(
    wanted: &[String],
    mut try_one: impl FnMut(&String) -> Option<Result<Probed, String>>,
) -> Result<Table> {
    let mut against = Vec::new();
    let mut slow = None;
    for (i, element) in wanted.iter().enumerate() {
        match try_one(element) {
            Some(Ok(probed)) if !probed.slow => return Ok(table(&wanted[i..], probed, &against)),
            Some(Ok(probed)) => {
                // What was said against those before it, without itself.
                slow.get_or_insert_with(|| (i, probed, against.clone()));
                against.push(format!("{element}: {SLOW}"));
            }
            Some(Err(why)) => against.push(format!("{element}: {why}")),
            None => {}
        }
    }
    if let Some((i, probed, against)) = slow {
        return Ok(table(&wanted[i..], probed, &against));
    }
    Err(Error::new(
        Kind::Missing,
        format!("No H.264 encoder works here: {}.", against.join("; ")),
    )
    .mend("Install gstreamer1.0-plugins-ugly (x264enc), or set encode.encoder."))
}

/// The table with the first of `from` chosen and what follows it as reserves.
fn table(from: &[String], probed: Probed, against: &[String]) -> Table {
    let Probed { pixel, took, slow } = probed;
    let mut usable: Vec<String> = from.iter().take(1).cloned().collect();
    let reserves = from.iter().skip(1);
    usable.extend(reserves.filter(|e| crate::media::has_element(e)).cloned());
    let element = from.first().map_or("", String::as_str);
    let ms = took.as_millis();
    let slowly = if slow { ", slow: none is better" } else { "" };
    let mut reason = format!("{element} (first picture after {ms} ms{slowly})");
    if !against.is_empty() {
        reason.push_str("; not ");
        reason.push_str(&against.join("; not "));
    }
    Table {
        usable,
        pixel,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn chosen(outcomes: &[(&str, std::result::Result<bool, &str>)]) -> Result<Table> {
        crate::media::init().unwrap();
        let wanted: Vec<String> = outcomes.iter().map(|(e, _)| (*e).to_owned()).collect();
        let mut all = outcomes.iter();
        choose_among(&wanted, |element| {
            let (name, outcome) = all.next()?;
            assert_eq!(element, name);
            let probed = |slow| Probed {
                pixel: Pixel::I420,
                took: Duration::from_millis(900),
                slow,
            };
            Some(outcome.map(probed).map_err(ToOwned::to_owned))
        })
    }

    #[test]
    fn a_slow_encoder_is_taken_only_where_none_is_better() {
        let better = chosen(&[("a", Ok(true)), ("x264enc", Ok(false)), ("b", Ok(false))]).unwrap();
        assert_eq!(better.usable, ["x264enc"]);
        assert_eq!(
            better.reason,
            "x264enc (first picture after 900 ms); not a: it is too slow: a few frames take more than 3 s"
        );
        let busy = [("a", Err("no")), ("b", Ok(true)), ("x264enc", Ok(true))];
        let busy = chosen(&busy).unwrap();
        assert_eq!(busy.usable, ["b", "x264enc"]);
        assert_eq!(
            busy.reason,
            "b (first picture after 900 ms, slow: none is better); not a: no"
        );
    }

    #[test]
    fn none_that_works_is_said_with_every_reason() {
        let none = chosen(&[("a", Err("no")), ("b", Err("never"))]).map(|_| ());
        let said = none.unwrap_err().report();
        assert!(said.contains("a: no; b: never."), "{said}");
    }
}
