//! `boothcast ctl snapshot`: a picture of what is on air into a file.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};

use super::afar::Afar;
use super::peer::Peer;
use super::show;
use super::what::Snapshot;
use crate::cli::outcome::Trouble;
use crate::device::command::Command;

/// How long the picture may take after the answer that it comes.
const PICTURE_LIMIT: Duration = Duration::from_secs(10);

/// What is wrong with the arguments, before the box is troubled.
pub(super) fn check(args: &Snapshot, as_json: bool) -> Result<(), Trouble> {
    if to_stdout(args) && as_json {
        return Err(Trouble::Usage(
            "With -o - standard output is the picture; leave --json out, or name a file.".into(),
        ));
    }
    if !to_stdout(args) && !args.force && args.output.symlink_metadata().is_ok() {
        return Err(there(&args.output));
    }
    Ok(())
}

fn to_stdout(args: &Snapshot) -> bool {
    args.output.as_os_str() == "-"
}

fn there(path: &Path) -> Trouble {
    Trouble::Usage(format!(
        "{} is there already. Name another file with -o, or add --force to write over it.",
        path.display()
    ))
}

/// Fetches it.
pub(super) fn run(
    args: &Snapshot,
    peer: &mut Peer,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<(), Trouble> {
    let command = super::order::bare(&Command::Snapshot {
        max_width: args.max_width,
    });
    let data = peer.command(&command)?;
    let jpeg = match peer {
        Peer::Here(_) => inline(&data)?,
        Peer::Afar(afar) => follow(afar, &data)?,
    };
    if !jpeg.starts_with(&[0xff, 0xd8]) {
        return Err(Trouble::Broken("What the box sent is no JPEG.".into()));
    }
    let failed = |e: io::Error| {
        Trouble::Broken(format!("{} cannot be written: {e}.", args.output.display()))
    };
    if to_stdout(args) {
        return out
            .write_all(&jpeg)
            .and_then(|()| out.flush())
            .map_err(failed);
    }
    match save(&args.output, &jpeg, args.force) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(there(&args.output)),
        other => other.map_err(failed)?,
    }
    let (file, bytes) = (args.output.display(), jpeg.len());
    let (width, height) = (&data["width"], &data["height"]);
    let said = json!({"file": file.to_string(), "width": width, "height": height, "bytes": bytes});
    let text = format!("{file}: {width}×{height}, {} KiB", bytes.div_ceil(1024));
    show(as_json, &said, &text, out)
}

/// The picture in the answer itself.
fn inline(data: &Value) -> Result<Vec<u8>, Trouble> {
    let text = data["base64"].as_str().unwrap_or_default();
    BASE64_STANDARD
        .decode(text)
        .map_err(|e| Trouble::Broken(format!("The box sent a picture that is none: {e}.")))
}

/// The picture that comes on a topic of its own, before or after the answer.
fn follow(afar: &mut Afar, data: &Value) -> Result<Vec<u8>, Trouble> {
    let (topic, bytes) = (data["topic"].as_str(), data["bytes"].as_u64());
    // What was not subscribed before the question would not come.
    if topic != Some(afar.topic("snapshot").as_str()) {
        return Err(Trouble::Broken(
            "The box does not say where its picture comes, or is of another version.".into(),
        ));
    }
    let end = Instant::now() + PICTURE_LIMIT;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        match afar.next_aside(Some(left))? {
            None => {
                return Err(Trouble::TimedOut(
                    "The box says that it sent the picture, but it did not come. It may be larger than the broker passes on; try --max-width 640.".into(),
                ));
            }
            Some(said)
                if Some(said.topic.as_str()) == topic
                    && !said.retain
                    && bytes == u64::try_from(said.payload.len()).ok() =>
            {
                return Ok(said.payload.to_vec());
            }
            Some(_) => {}
        }
    }
}

/// Never half a picture under the name: it is written beside it and renamed. Without `force` a file that came
/// meanwhile stays.
fn save(path: &Path, jpeg: &[u8], force: bool) -> io::Result<()> {
    if !force {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        return file
            .write_all(jpeg)
            .inspect_err(|_| drop(std::fs::remove_file(path)));
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    File::create(&part)
        .and_then(|mut file| file.write_all(jpeg))
        .and_then(|()| std::fs::rename(&part, path))
        .inspect_err(|_| drop(std::fs::remove_file(&part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_over_only_when_that_is_wanted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.jpg");
        save(&path, b"one", false).unwrap();
        let refused = save(&path, b"two", false).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        save(&path, b"two", true).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        let args = |force| Snapshot {
            output: path.clone(),
            max_width: None,
            force,
        };
        assert_eq!(check(&args(false), false).unwrap_err().exit_code(), 2);
        assert_eq!(check(&args(true), false), Ok(()));
    }
}
