//! A command to all boxes of a group.

use std::io::Write;

use serde_json::Value;

use super::what::{ProfileSub, What};
use super::{CtlArgs, camera, order, raw, values};
use crate::cli::broker::link::Link;
use crate::cli::broker::{self, ask};
use crate::cli::outcome::Trouble;
use crate::config::GroupName;
use crate::device::command::Command;

/// Gives it, and shows what each box answered.
pub(super) fn run(args: &CtlArgs, group: &GroupName, out: &mut dyn Write) -> Result<(), Trouble> {
    let command = command(&args.what)?;
    let reach = args.broker.reach(&super::config_args(args))?;
    let round = broker::block_on(async {
        let filter = ask::group_filter(&reach, &command);
        let mut link = Link::open(&reach, vec![filter]).await?;
        let round = ask::group(
            &mut link,
            &reach,
            group,
            &command,
            args.whom.spread,
            args.whom.expect,
            &[],
        )
        .await;
        link.close().await;
        round
    })?;
    round.show(args.json, out)
}

/// The one command that `what` is, or why it is not for a group.
fn command(what: &What) -> Result<Value, Trouble> {
    let each = |what: &str| {
        Trouble::Usage(format!(
            "{what} is for one box at a time: use --box instead of --group."
        ))
    };
    match what {
        What::Status { watch: true } => Err(Trouble::Usage(
            "To watch many boxes, use boothcast fleet watch.".into(),
        )),
        What::Logs { .. } => Err(each("A log")),
        What::Snapshot(_) => Err(each("A snapshot")),
        What::Profile(ProfileSub::Custom { .. }) => Err(each("A size of your own")),
        What::Raw { text } => Ok(raw::command(&raw::request(text)?)?.clone()),
        What::Camera(camera::Camera::Set { control, value, .. }) => {
            // Without the camera's own list, a number is a number and a word is a choice or a switch.
            let command = Command::CameraControl {
                control: control.clone(),
                value: values::control(value, None),
            };
            Ok(order::bare(&command))
        }
        What::Camera(camera::Camera::Reset { control }) => {
            let control = control.clone();
            Ok(order::bare(&Command::CameraControlReset { control }))
        }
        What::Camera(_) => Err(each("The list of controls")),
        what => order::order(what)?.ok_or_else(|| each("This")),
    }
}
