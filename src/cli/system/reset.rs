//! The part of a factory reset that belongs to root: networks, keys of ssh, the kept log; then the marker goes, last of all.

use super::Places;
use super::boot::Boot;
use crate::config::import::BOOT_FILE;
use crate::error::Result;
use crate::store::import_note::ImportNote;
use crate::store::{folder, forget};

/// Folders of the system that hold what the box was told, or what tells it from others. RAUC's status is none of them.
const FOLDERS: [&str; 4] = [
    "/etc/NetworkManager/system-connections",
    "/var/lib/NetworkManager",
    "/etc/dropbear",
    "/data/log",
];

/// Ends a reset that was begun; does nothing without one.
pub fn run(places: &Places) -> Result<()> {
    let state = places.state.as_path();
    if !forget::is_begun(state) {
        return Ok(());
    }
    let lock = folder::lock_dir(state)?;
    // The box's own part may have been cut off.
    forget::forget(state)?;
    // A folder that cannot be emptied is told; it must not make every start a reset.
    let mut done = Ok(());
    for folder in FOLDERS {
        done = done.and(forget::empty(&places.system(folder)));
    }
    // The file on the boot partition is the person's and stays; it is taken in again when it is changed.
    if let Ok(Some(text)) = Boot::new(&places.boot).read(BOOT_FILE) {
        ImportNote::of(&text).save(state)?;
    }
    forget::end(state)?;
    drop(lock);
    if done.is_ok() {
        println!("the factory reset is complete");
    }
    done
}
