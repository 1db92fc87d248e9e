//! Groups whose commands are heard: they are a setting, so they come and go while the box runs.

use std::collections::BTreeSet;

use tokio::sync::watch;

use crate::config::GroupName;
use crate::device::status::Status;
use crate::edge::mqtt::client::Client;
use crate::edge::mqtt::topics::BoxTopics;

/// Filters of the groups in force.
fn filters(topics: &BoxTopics, groups: &[GroupName]) -> BTreeSet<String> {
    groups.iter().map(|g| topics.group_filter(g)).collect()
}

/// Follows them until `stop`.
pub async fn run(
    client: Client,
    topics: BoxTopics,
    mut status: watch::Receiver<Status>,
    mut stop: watch::Receiver<bool>,
) {
    let all = async {
        let mut heard = BTreeSet::new();
        loop {
            let wanted = filters(&topics, &status.borrow_and_update().groups);
            if wanted != heard {
                change(&client, &heard, &wanted).await;
                heard = wanted;
            }
            if status.changed().await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        biased;
        () = super::ending(&mut stop) => {}
        () = all => {}
    }
}

async fn change(client: &Client, heard: &BTreeSet<String>, wanted: &BTreeSet<String>) {
    let gone: Vec<String> = heard.difference(wanted).cloned().collect();
    let new: Vec<String> = wanted.difference(heard).cloned().collect();
    if !gone.is_empty()
        && let Err(e) = client.unsubscribe(gone).await
    {
        tracing::warn!("groups are still heard: {}", e.report());
    }
    if !new.is_empty()
        && let Err(e) = client.subscribe(new).await
    {
        tracing::warn!("groups are not heard: {}", e.report());
    }
}
