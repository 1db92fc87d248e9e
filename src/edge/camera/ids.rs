//! Names of a camera that survive a restart.
//!
//! `/dev/videoN` numbers go to whichever camera answers first. udev keeps two folders of links: `by-id` (maker, model
//! and serial number) and `by-path` (the socket that it is plugged into). Where there is no udev, the bus that the
//! driver names is used.
//!
//! `by-id` is not trusted where several cameras of one model share it: cameras without a serial number make the same
//! link, and it leads to whichever came last. Those are named by their sockets.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// More links than any machine has: a bound for a folder that others can write to.
const MAX_LINKS: usize = 1024;

/// Where udev's links lead at this moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    by_id: BTreeMap<PathBuf, String>,
    by_path: BTreeMap<PathBuf, String>,
}

impl Links {
    /// Reads `dev/v4l/by-id` and `dev/v4l/by-path` under `root` (`/` in production). A missing folder is an empty one.
    #[must_use]
    pub fn scan(root: &Path) -> Self {
        Self {
            by_id: scan_folder(&root.join("dev/v4l/by-id")),
            by_path: scan_folder(&root.join("dev/v4l/by-path")),
        }
    }

    /// The `by-id` name that leads to `node`.
    #[must_use]
    pub fn by_id(&self, node: &Path) -> Option<&str> {
        look_up(&self.by_id, node)
    }

    /// The `by-path` name that leads to `node`.
    #[must_use]
    pub fn by_path(&self, node: &Path) -> Option<&str> {
        look_up(&self.by_path, node)
    }
}

fn look_up<'a>(links: &'a BTreeMap<PathBuf, String>, node: &Path) -> Option<&'a str> {
    let real = fs::canonicalize(node).unwrap_or_else(|_| node.to_owned());
    links.get(&real).map(String::as_str)
}

/// Device node → name of the link. Of several links to one node the first in order is taken, so that the answer does
/// not depend on the order of the folder.
fn scan_folder(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut out: BTreeMap<PathBuf, String> = BTreeMap::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return out;
    };
    for entry in entries.take(MAX_LINKS).flatten() {
        let (Ok(name), Ok(node)) = (
            entry.file_name().into_string(),
            fs::canonicalize(entry.path()),
        ) else {
            continue; // a link that leads nowhere, or a name that is no text
        };
        out.entry(node)
            .and_modify(|known| {
                if name < *known {
                    known.clone_from(&name);
                }
            })
            .or_insert(name);
    }
    out
}

/// What is known of one camera before it gets its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts<'a> {
    /// Name of the `by-id` link.
    pub by_id: Option<&'a str>,
    /// Name of the `by-path` link.
    pub by_path: Option<&'a str>,
    /// Bus as the driver names it.
    pub bus: &'a str,
    /// Which of the nodes of its device it is (`index` in sysfs).
    pub index: u32,
    /// Driver and model.
    pub model: (&'a str, &'a str),
}

/// The stable id of each of the cameras that are present, in their order.
#[must_use]
pub fn stable_ids(cameras: &[Facts]) -> Vec<String> {
    cameras
        .iter()
        .map(|camera| {
            let shared = cameras.iter().any(|other| {
                other.model == camera.model
                    && other.index == camera.index
                    && other.bus != camera.bus
                    && other.by_id.is_none()
            });
            camera
                .by_id
                .filter(|_| !shared)
                .or(camera.by_path)
                .map_or_else(
                    || format!("{}-index{}", camera.bus, camera.index),
                    str::to_owned,
                )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A `/dev` with two cameras: `(by-id, by-path, number)` each.
    fn dev(cameras: &[(Option<&str>, &str, u32)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for folder in ["dev/v4l/by-id", "dev/v4l/by-path"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        for (by_id, by_path, number) in cameras {
            let node = format!("dev/video{number}");
            fs::write(root.path().join(&node), "").unwrap();
            let target = format!("../../video{number}");
            if let Some(name) = by_id {
                symlink(&target, root.path().join("dev/v4l/by-id").join(name)).unwrap();
            }
            symlink(&target, root.path().join("dev/v4l/by-path").join(by_path)).unwrap();
        }
        root
    }

    /// Ids of the cameras by the socket that each sits in.
    fn ids_by_socket(root: &Path, numbers: &[u32]) -> BTreeMap<String, String> {
        let links = Links::scan(root);
        let nodes: Vec<PathBuf> = numbers
            .iter()
            .map(|n| root.join(format!("dev/video{n}")))
            .collect();
        let buses: Vec<String> = nodes
            .iter()
            .map(|n| format!("usb-{}", links.by_path(n).unwrap_or("none")))
            .collect();
        let facts: Vec<Facts> = nodes
            .iter()
            .zip(&buses)
            .map(|(node, bus)| Facts {
                by_id: links.by_id(node),
                by_path: links.by_path(node),
                bus,
                index: 0,
                model: ("uvcvideo", "C920"),
            })
            .collect();
        buses.iter().cloned().zip(stable_ids(&facts)).collect()
    }

    #[test]
    fn two_of_a_model_with_serials_keep_their_ids_when_the_numbers_swap() {
        let one = dev(&[
            (Some("usb-C920_AAAA-video-index0"), "socket-1", 0),
            (Some("usb-C920_BBBB-video-index0"), "socket-2", 2),
        ]);
        let swapped = dev(&[
            (Some("usb-C920_AAAA-video-index0"), "socket-1", 2),
            (Some("usb-C920_BBBB-video-index0"), "socket-2", 0),
        ]);
        let ids = ids_by_socket(one.path(), &[0, 2]);
        assert_eq!(ids["usb-socket-1"], "usb-C920_AAAA-video-index0");
        assert_eq!(ids["usb-socket-2"], "usb-C920_BBBB-video-index0");
        assert_eq!(ids, ids_by_socket(swapped.path(), &[0, 2]));
    }

    #[test]
    fn two_of_a_model_without_serials_are_named_by_their_sockets() {
        // They make the same link, and it leads to whichever came last.
        let one = dev(&[
            (Some("usb-C920-video-index0"), "socket-1", 0),
            (None, "socket-2", 2),
        ]);
        let swapped = dev(&[
            (None, "socket-1", 2),
            (Some("usb-C920-video-index0"), "socket-2", 0),
        ]);
        let ids = ids_by_socket(one.path(), &[0, 2]);
        assert_eq!(ids["usb-socket-1"], "socket-1");
        assert_eq!(ids["usb-socket-2"], "socket-2");
        assert_eq!(ids, ids_by_socket(swapped.path(), &[0, 2]));
    }

    #[test]
    fn without_links_the_bus_names_the_camera() {
        let facts = Facts {
            by_id: None,
            by_path: None,
            bus: "platform:vivid-000",
            index: 1,
            model: ("vivid", "vivid"),
        };
        assert_eq!(stable_ids(&[facts]), ["platform:vivid-000-index1"]);
    }

    #[test]
    fn two_nodes_of_one_camera_keep_their_own_by_id_names() {
        let node = |by_id, index| Facts {
            by_id: Some(by_id),
            by_path: None,
            bus: "usb-1",
            index,
            model: ("uvcvideo", "Depth"),
        };
        assert_eq!(
            stable_ids(&[node("depth-index0", 0), node("depth-index2", 2)]),
            ["depth-index0", "depth-index2"]
        );
    }

    #[test]
    fn of_several_links_the_first_in_order_is_taken_and_dead_ones_are_ignored() {
        let root = dev(&[(None, "pci-usbv2-0:1", 0)]);
        let folder = root.path().join("dev/v4l/by-path");
        symlink("../../video0", folder.join("pci-usb-0:1")).unwrap();
        symlink("../../video7", folder.join("a-dead-one")).unwrap();
        let links = Links::scan(root.path());
        assert_eq!(
            links.by_path(&root.path().join("dev/video0")),
            Some("pci-usb-0:1")
        );
        assert_eq!(links.by_id(&root.path().join("dev/video0")), None);
        assert_eq!(Links::scan(Path::new("/nonexistent")), Links::default());
    }
}
