//! A destination added by command while the box runs: pushed to, moved to another server, removed, and saved with its key.

use std::time::Duration;

use boothcast::config::Secret;
use boothcast::device::command::{Command, Origin};
use boothcast::device::event::DestinationState;
use boothcast::device::supervisor::Accepted;
use boothcast::store::files::{LoadedWanted, WANTED, load_wanted};

use super::in_process::InProcess;
use crate::rtmp::peer::{Manner, Peer};
use crate::support::wait_for;

const LIMIT: Duration = Duration::from_secs(20);

fn order(it: &InProcess, command: Command) {
    let said = it.app.handle.command(Origin::Mqtt, command);
    assert_eq!(it.runtime.block_on(said), Ok(Accepted::Done));
}

fn set(it: &InProcess, peer: &Peer, key: Option<&str>) {
    order(
        it,
        Command::DestinationSet {
            destination: "fair".parse().unwrap(),
            url: peer.url().parse().unwrap(),
            key: key.map(Secret::new),
            enabled: None,
            max_bitrate: None,
        },
    );
}

fn wait_live(it: &InProcess, peer: &Peer) {
    wait_for("pictures at the server", LIMIT, || {
        (peer.seen().pictures.len() > 10).then_some(())
    });
    wait_for("the word that it is live", LIMIT, || {
        let status = it.app.status.borrow();
        let fair = status.destinations.iter().find(|d| d.added)?;
        (fair.state == DestinationState::Live).then_some(())
    });
}

#[test]
fn it_is_pushed_to_moved_removed_and_kept() {
    let (first, second) = (Peer::start(Manner::Good), Peer::start(Manner::Good));
    let it = InProcess::start(&[]);
    set(&it, &first, Some("canary-5d1e"));
    order(&it, Command::LiveStart);
    wait_live(&it, &first);
    // What was answered is on disk, with the key, and the key is nowhere but in its place.
    let LoadedWanted::Loaded(saved) = load_wanted(it.dir.path()).unwrap() else {
        panic!("nothing was saved")
    };
    assert!(saved.live);
    let fair = saved.added.values().next().unwrap();
    assert_eq!(fair.key.expose(), "canary-5d1e");
    let text = std::fs::read_to_string(it.dir.path().join(WANTED)).unwrap();
    assert_eq!(text.matches("canary-5d1e").count(), 1, "{text}");

    set(&it, &second, None);
    wait_live(&it, &second);
    wait_for("the end at the first server", LIMIT, || {
        (first.seen().closed == 1).then_some(())
    });
    order(
        &it,
        Command::DestinationRemove {
            destination: "fair".parse().unwrap(),
        },
    );
    wait_for("the end at the second server", LIMIT, || {
        (second.seen().closed == 1).then_some(())
    });
    assert!(it.app.status.borrow().destinations.is_empty());
    for peer in [&first, &second] {
        assert_eq!(peer.seen().accepted.len(), 1, "one session each");
    }
    let LoadedWanted::Loaded(saved) = load_wanted(it.dir.path()).unwrap() else {
        panic!("nothing was saved")
    };
    assert!(saved.added.is_empty());
    it.stop();
}
