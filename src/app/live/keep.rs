//! What is older than the owner wants is deleted: a minute after the start, and then once a day.

use std::time::Duration;

use tokio::time::sleep;

use crate::edge::system;
use crate::store::db::Db;

/// After the start, when the box has less to do, and a time service has had its say.
const FIRST: Duration = Duration::from_secs(60);
/// Between two looks.
const EVERY: Duration = Duration::from_secs(24 * 3600);
/// The clock is not known to be right: until the next look.
const UNKNOWN: Duration = Duration::from_secs(3600);

/// Goes on until it is aborted; an erasure by age is whole or not at all, so it may be cut at any point.
pub async fn run(db: Db, days: u32) {
    let mut wait = FIRST;
    loop {
        sleep(wait).await;
        let Some(now) = system::unix_time() else {
            wait = UNKNOWN;
            continue;
        };
        wait = EVERY;
        match db.retention(now.saturating_mul(1000), days).await {
            Ok(gone) if gone.events > 0 || gone.viewers > 0 => {
                tracing::info!(
                    events = gone.events,
                    viewers = gone.viewers,
                    days,
                    "the room forgets what is old"
                );
            }
            Ok(_) => {}
            Err(e) => tracing::warn!("{}", e.report()),
        }
    }
}
