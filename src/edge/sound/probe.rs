//! The calls to ALSA that look at cards. Run them on a thread of their own: what ALSA would print to the screen is
//! caught per thread.

use alsa::pcm::{Format, HwParams, PCM};
use alsa::{Ctl, Direction};

use super::{Capture, Card};
use crate::edge::printable;

/// More than any machine has.
const MAX_CARDS: usize = 64;
const MAX_DEVICES: usize = 32;

/// Formats that `alsasrc` takes, best known first.
const FORMATS: [(Format, &str); 7] = [
    (Format::S16LE, "S16_LE"),
    (Format::S24LE, "S24_LE"),
    (Format::S243LE, "S24_3LE"),
    (Format::S32LE, "S32_LE"),
    (Format::FloatLE, "FLOAT_LE"),
    (Format::S16BE, "S16_BE"),
    (Format::U8, "U8"),
];

/// Samples per second.
const RATES: [u32; 8] = [
    8_000, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000,
];

/// From here on ALSA's messages of this thread go to a buffer that nobody reads, not to stderr: each failure comes
/// back as an error anyway.
pub(super) fn silence() {
    // Without memory for the buffer the messages are printed, which is no reason to fail.
    let _ = alsa::Output::local_error_handler();
}

/// Every capture device that the cards list, not yet tried.
pub(super) fn listed() -> Vec<Card> {
    silence();
    alsa::card::Iter::new()
        .take(MAX_CARDS)
        .map_while(Result::ok)
        .flat_map(|card| devices(card).unwrap_or_default())
        .collect()
}

fn devices(card: alsa::Card) -> alsa::Result<Vec<Card>> {
    let ctl = Ctl::from_card(&card, true)?;
    let info = ctl.card_info()?;
    let card_id = info.get_id()?.to_owned();
    let index = u32::try_from(card.get_index()).unwrap_or_default();
    let devices = alsa::ctl::DeviceIter::new(&ctl)
        .take(MAX_DEVICES)
        .filter_map(|d| u32::try_from(d).ok())
        // A device without a capture side has no such info.
        .filter(|d| ctl.pcm_info(*d, 0, Direction::Capture).is_ok());
    Ok(devices
        .map(|device| {
            let name = printable(info.get_name().unwrap_or(&card_id));
            let mut card = Card::untried(index, &card_id, device, name);
            card.long_name = printable(info.get_longname().unwrap_or_default());
            card
        })
        .collect())
}

/// Opens `pcm` for capture without waiting, asks what it can do, and closes it.
///
/// # Errors
/// The error number of the system.
pub(super) fn open(pcm: &str) -> Result<Capture, i32> {
    silence();
    // `errno` is positive for most of the crate's errors and negative for some.
    let number = |e: alsa::Error| e.errno().abs();
    let pcm = PCM::new(pcm, Direction::Capture, true).map_err(number)?;
    let params = HwParams::any(&pcm).map_err(number)?;
    let formats: Vec<&str> = FORMATS
        .iter()
        .filter(|(f, _)| params.test_format(*f).is_ok())
        .map(|(_, name)| *name)
        .collect();
    if formats.is_empty() {
        return Err(libc::ENOTSUP);
    }
    Ok(Capture::Openable {
        formats,
        rates: RATES
            .iter()
            .copied()
            .filter(|r| params.test_rate(*r).is_ok())
            .collect(),
        channels: (
            params.get_channels_min().map_err(number)?,
            params.get_channels_max().map_err(number)?,
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_that_is_not_there_is_an_error_number() {
        let errno = open("hw:CARD=NoSuchCard,DEV=0").unwrap_err();
        assert!(
            [libc::ENOENT, libc::ENODEV].contains(&errno),
            "errno {errno}"
        );
    }

    /// Makes ALSA print: run alone, in a process of its own, by the test below.
    #[test]
    #[ignore = "a helper of the test below"]
    fn prints_unless_silenced() {
        if std::env::var_os("BOOTHCAST_TEST_LOUD").is_some() {
            let _ = PCM::new("hw:CARD=NoSuchCard,DEV=0", Direction::Capture, true);
        } else {
            let _ = open("hw:CARD=NoSuchCard,DEV=0");
        }
    }

    #[test]
    fn alsa_prints_nothing_of_its_own() {
        let stderr = |loud: bool| {
            let mut command = std::process::Command::new(std::env::current_exe().unwrap());
            command.args(["--ignored", "--exact", "--nocapture"]);
            command.arg("edge::sound::probe::tests::prints_unless_silenced");
            if loud {
                command.env("BOOTHCAST_TEST_LOUD", "1");
            }
            let out = command.output().unwrap();
            assert!(out.status.success());
            assert!(String::from_utf8_lossy(&out.stdout).contains("1 passed"));
            String::from_utf8_lossy(&out.stderr).into_owned()
        };
        assert!(
            stderr(true).contains("ALSA lib"),
            "the test would see a message"
        );
        assert_eq!(stderr(false), "");
    }
}
