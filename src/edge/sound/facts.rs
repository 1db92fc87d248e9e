//! What `/proc/asound` and `/sys/class/sound` say about a card. `root` is `/` in production.

use std::fs;
use std::path::Path;

/// More than any capture device has.
const MAX_SUBDEVICES: usize = 32;
/// More than any machine has.
const MAX_LISTED: usize = 256;

/// Place in the tree of devices, relative to `/sys/devices`: `pci0000:00/…/usb1/1-2/1-2:1.0`.
pub(super) fn port(root: &Path, card: u32) -> Option<String> {
    let link = root.join(format!("sys/class/sound/card{card}/device"));
    let target = fs::canonicalize(link).ok()?;
    let devices = fs::canonicalize(root.join("sys/devices")).ok()?;
    let place = target.strip_prefix(devices).ok()?;
    Some(place.to_string_lossy().into_owned())
}

/// Bus and device number of a USB card.
pub(super) fn usb(root: &Path, card: u32) -> Option<String> {
    let text = fs::read_to_string(root.join(format!("proc/asound/card{card}/usbbus"))).ok()?;
    let text = text.trim();
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'/'))
        .then(|| text.to_owned())
}

/// Who records from a card now: `the program arecord (process 4711)`.
pub(super) fn holder(root: &Path, (card, device): (u32, u32)) -> Option<String> {
    let folder = root.join(format!("proc/asound/card{card}/pcm{device}c"));
    let pid = fs::read_dir(folder)
        .ok()?
        .take(MAX_SUBDEVICES)
        .flatten()
        .filter(|e| e.file_name().to_string_lossy().starts_with("sub"))
        .find_map(|e| owner(&fs::read_to_string(e.path().join("status")).ok()?))?;
    let pid = process_of(root, pid);
    let name = fs::read_to_string(root.join(format!("proc/{pid}/comm"))).unwrap_or_default();
    let name: String = name.trim().chars().filter(|c| !c.is_control()).collect();
    Some(if name.is_empty() {
        format!("process {pid}")
    } else {
        format!("the program {name} (process {pid})")
    })
}

/// A capture device that `/proc/asound/pcm` lists.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) card: u32,
    pub(super) device: u32,
    /// ALSA's short id of the card.
    pub(super) id: String,
    pub(super) name: String,
}

/// Every capture device that the kernel has, also those that this user may not open: ALSA's own list leaves them out.
pub(super) fn listed(root: &Path) -> Vec<Listed> {
    fs::read_to_string(root.join("proc/asound/pcm"))
        .unwrap_or_default()
        .lines()
        .take(MAX_LISTED)
        .filter_map(|line| {
            let mut parts = line.split(':').map(str::trim);
            let (card, device) = parts.next()?.split_once('-')?;
            let name = parts.next()?;
            parts.find(|p| p.starts_with("capture"))?;
            let card = card.parse().ok()?;
            let id = fs::read_to_string(root.join(format!("proc/asound/card{card}/id"))).ok()?;
            Some(Listed {
                card,
                device: device.parse().ok()?,
                id: crate::edge::printable(id.trim()),
                name: crate::edge::printable(name),
            })
        })
        .collect()
}

/// Whether the system lets this user not open a card at all.
pub(super) fn is_forbidden(root: &Path, card: u32) -> bool {
    fs::File::open(root.join(format!("dev/snd/controlC{card}")))
        .is_err_and(|e| e.kind() == std::io::ErrorKind::PermissionDenied)
}

/// The process of a thread: the kernel notes the thread that opened the card, whose name says little.
fn process_of(root: &Path, thread: u32) -> u32 {
    fs::read_to_string(root.join(format!("proc/{thread}/status")))
        .ok()
        .and_then(|text| {
            let line = text.lines().find_map(|l| l.strip_prefix("Tgid:"))?;
            line.trim().parse().ok()
        })
        .unwrap_or(thread)
}

/// `owner_pid   : 4711` in a `status` file of the kernel; `closed` when nobody has it.
fn owner(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|l| l.strip_prefix("owner_pid"))?;
    line.trim_start_matches([' ', '\t', ':'])
        .trim()
        .parse()
        .ok()
        .filter(|pid| *pid > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn socket_usb_address_and_holder_are_read() {
        let root = tempfile::tempdir().unwrap();
        let at = |p: &str| root.path().join(p);
        let place = "pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0";
        fs::create_dir_all(at("sys/devices").join(place)).unwrap();
        fs::create_dir_all(at("sys/class/sound/card2")).unwrap();
        symlink(
            at("sys/devices").join(place),
            at("sys/class/sound/card2/device"),
        )
        .unwrap();
        fs::create_dir_all(at("proc/asound/card2/pcm0c/sub0")).unwrap();
        fs::write(at("proc/asound/card2/usbbus"), "001/004\n").unwrap();
        let status = at("proc/asound/card2/pcm0c/sub0/status");
        fs::write(
            &status,
            "state: RUNNING\nowner_pid   : 4711\ntrigger_time: 1.0\n",
        )
        .unwrap();

        assert_eq!(port(root.path(), 2).as_deref(), Some(place));
        assert_eq!(usb(root.path(), 2).as_deref(), Some("001/004"));
        assert_eq!(
            holder(root.path(), (2, 0)).as_deref(),
            Some("process 4711"),
            "its name cannot be read"
        );
        fs::create_dir_all(at("proc/4711")).unwrap();
        fs::write(at("proc/4711/comm"), "arecord\n").unwrap();
        assert_eq!(
            holder(root.path(), (2, 0)).as_deref(),
            Some("the program arecord (process 4711)")
        );
        fs::write(at("proc/4711/status"), "Name:\tworker\nTgid:\t4700\n").unwrap();
        fs::create_dir_all(at("proc/4700")).unwrap();
        fs::write(at("proc/4700/comm"), "obs\n").unwrap();
        assert_eq!(
            holder(root.path(), (2, 0)).as_deref(),
            Some("the program obs (process 4700)"),
            "a thread of obs has opened it"
        );
        fs::write(&status, "closed\n").unwrap();
        assert_eq!(holder(root.path(), (2, 0)), None);
        assert_eq!(port(root.path(), 0), None);
        assert_eq!(usb(root.path(), 0), None);
        assert_eq!(holder(root.path(), (0, 0)), None);
    }
    #[test]
    fn what_the_kernel_lists_is_read_but_for_playback() {
        let root = tempfile::tempdir().unwrap();
        for card in 0..3 {
            let folder = root.path().join(format!("proc/asound/card{card}"));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("id"), format!("Card{card}\n")).unwrap();
        }
        fs::write(
            root.path().join("proc/asound/pcm"),
            "00-00: HDMI 0 : HDMI 0 : playback 1\n\
             01-03: USB Audio : USB Audio : playback 1 : capture 1\nnonsense\n\
             02-00: USB Audio : USB Audio : capture 1\n9-9: gone : gone : capture 1\n",
        )
        .unwrap();
        let found: Vec<_> = listed(root.path())
            .into_iter()
            .map(|l| (l.card, l.device, l.id, l.name))
            .collect();
        let usb = || "USB Audio".to_owned();
        assert_eq!(
            found,
            [(1, 3, "Card1".into(), usb()), (2, 0, "Card2".into(), usb())]
        );
        assert!(!is_forbidden(root.path(), 1), "not there is not forbidden");
    }
}
