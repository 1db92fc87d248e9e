//! Names of topics, `P = boothcast/v1/{fleet}`. Pure.
//!
//! | topic | QoS, retained | writer |
//! |---|---|---|
//! | `P/box/{id}/conn` | 1, R, will | box |
//! | `P/box/{id}/info` | 1, R | box |
//! | `P/box/{id}/status` | 1, R | box, when it changes, at most once a second |
//! | `P/box/{id}/job/update` | 1, R | box, while it changes, at most once a second |
//! | `P/box/{id}/desired` | 1, R | operator |
//! | `P/box/{id}/reported` | 1, R | box |
//! | `P/box/{id}/cmd/{name}` | 1 | operator |
//! | `P/box/{id}/rsp/{name}` | 1 | box |
//! | `P/box/{id}/snapshot` | 1 | box |
//! | `P/group/{g}/cmd/{name}` | 1 | operator |
//! | `P/ctl/{asker}/rsp` | 1 | box, as the response topic that `boothcast ctl` asks for |
//! | `P/box/{id}/tel/{sys,stream,net}` | 0 | box |
//! | `P/box/{id}/evt/{type}` | 1 | box |
//! | `P/room/{room}/in/{source}` | 1 | bridges |
//! | `P/room/{room}/event/{kind}` | 0 | box |

use crate::config::{BoxId, FleetName, GroupName, RoomName};

/// The topics of one fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fleet(String);

impl Fleet {
    /// Of the fleet of this name.
    #[must_use]
    pub fn new(name: &FleetName) -> Self {
        Self(format!("boothcast/v1/{name}"))
    }

    /// The topics of one box.
    #[must_use]
    pub fn of(&self, id: &BoxId) -> BoxTopics {
        BoxTopics {
            fleet: self.0.clone(),
            base: format!("{}/box/{id}", self.0),
        }
    }

    /// A topic of every box of the fleet, such as `conn`, as a filter.
    #[must_use]
    pub fn every(&self, leaf: &str) -> String {
        format!("{}/box/+/{leaf}", self.0)
    }

    /// Where a command to a group goes; `name` as in `live/start`.
    #[must_use]
    pub fn group_command(&self, group: &GroupName, name: &str) -> String {
        format!("{}/group/{group}/cmd/{name}", self.0)
    }

    /// Where answers come for one who asks, by a name of its own.
    #[must_use]
    pub fn answers_to(&self, asker: &str) -> String {
        format!("{}/ctl/{asker}/rsp", self.0)
    }

    /// The topics of one room.
    #[must_use]
    pub fn room(&self, name: &RoomName) -> RoomTopics {
        RoomTopics(format!("{}/room/{name}", self.0))
    }

    /// The box and the rest of a topic such as `P/box/{id}/conn`.
    #[must_use]
    pub fn split<'a>(&self, topic: &'a str) -> Option<(BoxId, &'a str)> {
        let rest = topic.strip_prefix(&self.0)?.strip_prefix("/box/")?;
        let (id, leaf) = rest.split_once('/')?;
        Some((id.parse().ok()?, leaf))
    }
}

/// The topics of one room, `P/room/{room}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomTopics(String);

impl RoomTopics {
    /// Where the bridge `source` puts what the audience says and does.
    #[must_use]
    pub fn of(&self, source: &str) -> String {
        format!("{}/in/{source}", self.0)
    }

    /// Where the box tells what happens in the room; `kind` as in `poll-opened`.
    #[must_use]
    pub fn event(&self, kind: &str) -> String {
        format!("{}/event/{kind}", self.0)
    }

    /// The filter of all bridges.
    #[must_use]
    pub fn filter(&self) -> String {
        self.of("+")
    }

    /// The bridge that a topic belongs to; `None`: to none of this room, or its name is none.
    #[must_use]
    pub fn source<'a>(&self, topic: &'a str) -> Option<&'a str> {
        let source = topic.strip_prefix(&self.0)?.strip_prefix("/in/")?;
        // The same rule as for every other segment.
        source.parse::<RoomName>().is_ok().then_some(source)
    }
}

/// The topics of one box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxTopics {
    fleet: String,
    base: String,
}

/// What a topic says of a message that came to a box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meant {
    /// A command, by its name as in `live/start`.
    Command {
        /// Its name.
        name: String,
        /// The group that it was sent to.
        group: Option<GroupName>,
    },
    /// Desired settings.
    Desired,
    /// Not for this box.
    Other,
}

impl BoxTopics {
    /// `P/box/{id}/{leaf}`, such as `conn` or `rsp/live/start`.
    #[must_use]
    pub fn own(&self, leaf: &str) -> String {
        format!("{}/{leaf}", self.base)
    }

    /// What the box subscribes to, its groups aside.
    #[must_use]
    pub fn filters(&self) -> Vec<String> {
        vec![self.own("cmd/#"), self.own("desired")]
    }

    /// The filter of a group's commands.
    #[must_use]
    pub fn group_filter(&self, group: &GroupName) -> String {
        format!("{}/group/{group}/cmd/#", self.fleet)
    }

    /// What a topic means to this box.
    #[must_use]
    pub fn meant(&self, topic: &str) -> Meant {
        let command = |name: &str, group| Meant::Command {
            name: name.to_owned(),
            group,
        };
        if let Some(leaf) = topic
            .strip_prefix(&self.base)
            .and_then(|t| t.strip_prefix('/'))
        {
            return match leaf.strip_prefix("cmd/") {
                Some(name) if !name.is_empty() => command(name, None),
                _ if leaf == "desired" => Meant::Desired,
                _ => Meant::Other,
            };
        }
        let to_group = topic
            .strip_prefix(&self.fleet)
            .and_then(|t| t.strip_prefix("/group/"))
            .and_then(|t| t.split_once("/cmd/"));
        match to_group.and_then(|(g, name)| Some((g.parse().ok()?, name))) {
            Some((group, name)) if !name.is_empty() => command(name, Some(group)),
            _ => Meant::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics() -> BoxTopics {
        Fleet::new(&"shop".parse().unwrap()).of(&"b1".parse().unwrap())
    }

    #[test]
    fn commands_are_told_from_the_rest() {
        let t = topics();
        let command = |name: &str, group: Option<&str>| Meant::Command {
            name: name.into(),
            group: group.map(|g| g.parse().unwrap()),
        };
        for (topic, meant) in [
            (
                "boothcast/v1/shop/box/b1/cmd/live/start",
                command("live/start", None),
            ),
            (
                "boothcast/v1/shop/group/hall/cmd/identify",
                command("identify", Some("hall")),
            ),
            ("boothcast/v1/shop/box/b1/desired", Meant::Desired),
            ("boothcast/v1/shop/box/b1/cmd/", Meant::Other),
            ("boothcast/v1/shop/box/b2/cmd/identify", Meant::Other),
            ("boothcast/v1/shop/box/b11/cmd/identify", Meant::Other),
            ("boothcast/v1/other/box/b1/cmd/identify", Meant::Other),
            ("boothcast/v1/shop/group/UP/cmd/identify", Meant::Other),
            ("", Meant::Other),
        ] {
            assert_eq!(t.meant(topic), meant, "{topic}");
        }
    }

    #[test]
    fn bridges_speak_to_one_room() {
        let hall = Fleet::new(&"shop".parse().unwrap()).room(&"hall".parse().unwrap());
        let topic = hall.of("youtube");
        assert_eq!(topic, "boothcast/v1/shop/room/hall/in/youtube");
        assert_eq!(hall.source(&topic), Some("youtube"));
        assert_eq!(hall.filter(), "boothcast/v1/shop/room/hall/in/+");
        assert_eq!(hall.event("said"), "boothcast/v1/shop/room/hall/event/said");
        for other in [
            "boothcast/v1/shop/room/hall2/in/youtube",
            "boothcast/v1/shop/room/hall/in/",
            "boothcast/v1/shop/room/hall/in/a/b",
            "boothcast/v1/shop/room/hall/in/A",
            "boothcast/v1/shop/room/hall/event/chat",
            "boothcast/v1/other/room/hall/in/youtube",
        ] {
            assert_eq!(hall.source(other), None, "{other}");
        }
    }

    #[test]
    fn a_fleet_splits_what_its_boxes_say() {
        let fleet = Fleet::new(&"shop".parse().unwrap());
        let (id, leaf) = fleet.split("boothcast/v1/shop/box/b1/tel/sys").unwrap();
        assert_eq!((id.as_str(), leaf), ("b1", "tel/sys"));
        assert_eq!(fleet.split("boothcast/v1/shop/box/B!/conn"), None);
        assert_eq!(fleet.every("conn"), "boothcast/v1/shop/box/+/conn");
    }
}
