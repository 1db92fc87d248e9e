//! Controls of a camera by name: list, check, set. Through a second opening of the node, which works while the picture
//! streams through the first.

use std::io;
use std::path::Path;

use super::ioctl::Node;
use super::names::{Named, named};
use super::on_node;
use crate::device::control::{ControlInfo, ControlName};
use crate::error::Result;

/// How [`set`] went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What was refused, and why: one clause each.
    pub refused: Vec<(ControlName, String)>,
    /// All controls afterwards.
    pub controls: Vec<ControlInfo>,
}

/// The controls of the camera at `path`, with their values: well-known ones first, 64 at most. Left out is what has no
/// value to keep: buttons and other actions, texts, arrays.
///
/// # Errors
/// Those of opening the device, and `Timeout`.
pub fn list(path: &Path) -> Result<Vec<ControlInfo>> {
    on_node(path, |node, _, _| Ok(infos(node)))
}

/// Sets controls of the camera at `path` and reads all of them again. The order is the caller's: an automatic
/// may switch off what comes after it. What one control refuses does not keep the others from being set.
///
/// # Errors
/// Those of opening the device, and `Timeout`: then it is not known which of them were set.
pub fn set(path: &Path, wanted: Vec<(ControlName, i64)>) -> Result<Outcome> {
    on_node(path, move |node, title, _| {
        let all = named(node.controls());
        let find = |name: &ControlName| all.iter().find(|n| n.info.control == *name);
        let mut refused = Vec::new();
        for (name, value) in wanted {
            let outcome = find(&name)
                .ok_or_else(|| format!("the camera has no control {name}"))
                .and_then(|one| set_one(node, one, value, title));
            refused.extend(outcome.err().map(|why| (name, why)));
        }
        Ok(Outcome {
            refused,
            controls: infos(node),
        })
    })
}

fn infos(node: &Node) -> Vec<ControlInfo> {
    named(node.controls()).into_iter().map(|n| n.info).collect()
}

fn set_one(node: &Node, one: &Named, value: i64, title: &str) -> std::result::Result<(), String> {
    if let Some(why) = one.refusal(value) {
        return Err(why);
    }
    // An automatic that was set just now may have changed it.
    let active = node.control(one.control.id).is_none_or(|now| now.active);
    let answer = node.set_control(&one.control, value);
    if !active {
        // Many drivers keep the value for later, others refuse it; either way nothing is seen of it.
        return Err(one.why_inactive(&named(node.controls())));
    }
    answer.map_err(|e| sentence(&one.info.control, value, title, &e))
}

/// What a driver's answer means; one clause.
fn sentence(name: &ControlName, value: i64, title: &str, e: &io::Error) -> String {
    match e.raw_os_error() {
        Some(libc::ERANGE) => format!("the camera does not take {value} for {name}"),
        Some(libc::EINVAL) => {
            format!("the camera does not take {value} for {name}, or has no such control now")
        }
        Some(libc::EBUSY) => format!(
            "{name} cannot be changed while the camera streams or another program controls it"
        ),
        Some(libc::EACCES | libc::EPERM) => {
            format!("the camera does not let {name} be set in its present state")
        }
        Some(libc::ENODEV | libc::ENXIO) => format!("{title} is gone"),
        Some(libc::ETIMEDOUT | libc::EIO | libc::EPIPE | libc::EPROTO) => {
            format!("{title} did not answer when {name} was set")
        }
        _ => format!("{name} could not be set to {value}: {e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn answers_of_drivers_become_clauses_that_name_the_control() {
        let zoom = ControlName::new("zoom").unwrap();
        let say = |code| {
            sentence(
                &zoom,
                9,
                "The camera X (/dev/video0)",
                &io::Error::from_raw_os_error(code),
            )
        };
        assert_eq!(say(libc::ERANGE), "the camera does not take 9 for zoom");
        assert_eq!(
            say(libc::EBUSY),
            "zoom cannot be changed while the camera streams or another program controls it"
        );
        assert_eq!(say(libc::ENODEV), "The camera X (/dev/video0) is gone");
        assert_eq!(
            say(libc::EACCES),
            "the camera does not let zoom be set in its present state"
        );
        assert!(say(libc::EFAULT).starts_with("zoom could not be set to 9: "));
    }

    #[test]
    fn a_node_that_is_no_camera_has_no_controls_and_refuses_all() {
        let zoom = ControlName::new("zoom").unwrap();
        let null = Path::new("/dev/null");
        assert_eq!(list(null).unwrap(), []);
        let outcome = set(null, vec![(zoom.clone(), 1)]).unwrap();
        assert_eq!(
            outcome.refused,
            [(zoom, "the camera has no control zoom".to_owned())]
        );
        let gone = list(Path::new("/dev/video-none")).unwrap_err();
        assert_eq!(gone.kind(), Kind::NotFound);
    }
}
