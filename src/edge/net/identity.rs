//! Six letters by which one machine is told from another: the end of a network card's own address.

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

/// More than any machine has.
const MAX_LINKS: usize = 1024;

/// The last six hexadecimal digits of the hardware address of the machine's first network card; where none has an
/// address of its own, six made of `/etc/machine-id`, which itself is nobody's business. The same at every start.
#[must_use]
pub fn hardware_id() -> Option<String> {
    id_below(Path::new("/"))
}

fn id_below(root: &Path) -> Option<String> {
    card(root).or_else(|| machine(root))
}

/// What is soldered in comes before what is plugged in, a cable before the air, then by name.
fn card(root: &Path) -> Option<String> {
    let folder = root.join("sys/class/net");
    let entries = fs::read_dir(&folder).ok()?.flatten().take(MAX_LINKS);
    let cards = entries.filter_map(|entry| {
        let link = entry.path();
        let read = |file: &str| fs::read_to_string(link.join(file)).ok();
        let device = fs::canonicalize(link.join("device")).ok()?;
        // 0: a permanent address (`NET_ADDR_PERM`). Some boards draw another one at each start.
        let own = read("addr_assign_type").is_some_and(|t| t.trim() == "0");
        let end = own.then(|| end_of(&read("address")?)).flatten()?;
        let plugged = device.to_string_lossy().contains("/usb");
        let wireless = link.join("wireless").exists() || link.join("phy80211").exists();
        Some(((plugged, wireless, entry.file_name()), end))
    });
    cards.min().map(|(_, end)| end)
}

/// Of `dc:a6:32:01:02:03` the last six digits; of anything else nothing.
fn end_of(address: &str) -> Option<String> {
    let digits: String = address.trim().split(':').collect();
    let is_address = digits.len() == 12 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_address || digits.bytes().all(|b| b == b'0') {
        return None;
    }
    Some(digits.get(6..)?.to_ascii_lowercase())
}

fn machine(root: &Path) -> Option<String> {
    let id = fs::read_to_string(root.join("etc/machine-id")).ok()?;
    let id = id.trim();
    if id.len() != 32 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let hash = Sha256::digest(format!("boothcast box id {id}"));
    Some(hash.iter().take(3).map(|b| format!("{b:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn link(root: &Path, name: &str, device: Option<&str>, kind: &str, address: &str) {
        let folder = root.join("sys/class/net").join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("addr_assign_type"), format!("{kind}\n")).unwrap();
        fs::write(folder.join("address"), format!("{address}\n")).unwrap();
        if let Some(device) = device {
            let device = root.join("sys/devices").join(device);
            fs::create_dir_all(&device).unwrap();
            symlink(device, folder.join("device")).unwrap();
        }
    }

    #[test]
    fn the_first_card_that_stays_names_the_box() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        assert_eq!(id_below(root), None);
        fs::create_dir_all(root.join("etc")).unwrap();
        fs::write(
            root.join("etc/machine-id"),
            "0123456789abcdef0123456789abcdef\n",
        )
        .unwrap();
        let by_machine = id_below(root).unwrap();
        assert!(by_machine.len() == 6 && !"0123456789abcdef0123456789abcdef".contains(&by_machine));
        // Nobody's own: loopback, a bridge, an address that is drawn anew at each start, rubbish.
        link(root, "lo", None, "0", "00:00:00:00:00:00");
        link(root, "br0", None, "0", "02:42:00:00:00:01");
        link(
            root,
            "eth9",
            Some("platform/eth9"),
            "1",
            "ee:ee:ee:00:00:01",
        );
        link(root, "eth8", Some("platform/eth8"), "0", "not an address");
        assert_eq!(id_below(root).unwrap(), by_machine);
        for (name, device, address, expected) in [
            ("eth1", "pci0/usb1/1-1", "00:11:22:33:44:01", "334401"),
            ("wlan0", "platform/mmc/wlan", "DC:A6:32:AB:CD:02", "abcd02"),
            ("eth0", "platform/genet", "dc:a6:32:ab:cd:01", "abcd01"),
        ] {
            link(root, name, Some(device), "0", address);
            if name == "wlan0" {
                fs::create_dir(root.join("sys/class/net/wlan0/wireless")).unwrap();
            }
            assert_eq!(id_below(root).unwrap(), expected, "{name}");
        }
    }
}
