//! Which of the cameras a person means: pure but for following a link under `/dev`.

use std::fs;
use std::path::Path;

use super::{Camera, Scan};
use crate::error::{Error, Kind, Result};

/// Tries, in this order: stable id, by-id and by-path name, device path, bus, part of the name. The first that fits
/// exactly one camera wins.
pub(super) fn find_in(mut scan: Scan, wanted: &str) -> Result<Camera> {
    let wanted = wanted.trim();
    if wanted.is_empty() {
        return first(scan);
    }
    let link = wanted
        .strip_prefix("/dev/v4l/by-id/")
        .or_else(|| wanted.strip_prefix("/dev/v4l/by-path/"))
        .unwrap_or(wanted);
    let real = fs::canonicalize(wanted).unwrap_or_else(|_| Path::new(wanted).to_owned());
    let lower = wanted.to_lowercase();
    let tests: [&dyn Fn(&Camera) -> bool; 5] = [
        &|c| c.id == link,
        &|c| c.by_id.as_deref() == Some(link) || c.by_path.as_deref() == Some(link),
        &|c| c.path == real,
        &|c| c.bus == wanted,
        &|c| c.name.to_lowercase().contains(&lower),
    ];
    for test in tests {
        let fitting: Vec<usize> = (0..scan.cameras.len())
            .filter(|i| test(&scan.cameras[*i]))
            .collect();
        match fitting[..] {
            [] => {}
            [one] => return Ok(scan.cameras.swap_remove(one)),
            _ => return Err(several(&scan.cameras, &fitting, wanted)),
        }
    }
    if let Some(i) = scan.failed.iter().position(|(path, _)| *path == real) {
        return Err(scan.failed.swap_remove(i).1);
    }
    if let Some((path, what)) = scan.others.iter().find(|(path, _)| *path == real) {
        return Err(Error::new(
            Kind::Unsupported,
            format!("{} is no camera but {what}.", path.display()),
        )
        .mend(what_is_there(&scan)));
    }
    Err(
        Error::new(Kind::NotFound, format!("There is no camera \"{wanted}\"."))
            .mend(what_is_there(&scan)),
    )
}

fn first(mut scan: Scan) -> Result<Camera> {
    if !scan.cameras.is_empty() {
        return Ok(scan.cameras.swap_remove(0));
    }
    if scan.failed.is_empty() {
        return Err(Error::new(Kind::NotFound, "There is no camera.").mend("Plug one in."));
    }
    Err(scan.failed.swap_remove(0).1)
}

fn several(cameras: &[Camera], fitting: &[usize], wanted: &str) -> Error {
    let ids: Vec<&str> = fitting.iter().map(|i| cameras[*i].id.as_str()).collect();
    Error::new(
        Kind::NotFound,
        format!("\"{wanted}\" fits {} cameras.", ids.len()),
    )
    .mend(format!("Use one of their ids: {}.", ids.join(", ")))
}

fn what_is_there(scan: &Scan) -> String {
    if scan.cameras.is_empty() {
        return "No camera is plugged in: plug it in, or set video.device.".to_owned();
    }
    let names: Vec<String> = scan
        .cameras
        .iter()
        .map(|c| format!("{} ({})", c.id, c.name))
        .collect();
    format!("Set video.device to what is there: {}.", names.join(", "))
}
