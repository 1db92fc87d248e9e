//! What the box does goes into the room: shows begin and end with the stream, its faults are noted for the report, and panic
//! that somebody pressed elsewhere (button, MQTT) holds on the pages, too.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::device::health::Severity;
use crate::device::status::Status;
use crate::room::live::act::{Act, By};
use crate::room::live::actor::LiveHandle;
use crate::room::live::event::Role;

/// For so long the two must differ before one follows: the other way round it is on its way already.
const SETTLED: Duration = Duration::from_secs(1);
/// A fault that is over within this is none.
const FAULT: Duration = Duration::from_secs(2);

/// What counts of a status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Seen {
    live: bool,
    panic: bool,
    /// The sentence of a fault.
    fault: Option<String>,
}

impl Seen {
    fn of(status: &Status) -> Self {
        let bad = status.health.severity >= Severity::Warning;
        Self {
            live: status.live,
            panic: status.stage.panic,
            fault: (bad && status.live).then(|| status.health.sentence.clone()),
        }
    }
}

/// Follows the status until nobody tells it any more.
pub async fn run(mut status: watch::Receiver<Status>, live: LiveHandle) {
    // Who was live when the program ended goes on with the same show, which `show` knows.
    let mut told = Seen::default();
    let mut begun = false;
    loop {
        let now = Seen::of(&status.borrow_and_update());
        if now.live != told.live || !begun {
            let done = live.show(now.live, "").await;
            if let Err(refusal) = done {
                tracing::warn!("the show is not noted: {}", refusal.message);
            }
            told.live = now.live;
        }
        if now.fault.is_some() != told.fault.is_some() {
            fault(&mut status, &live, &mut told).await;
        }
        if now.panic != told.panic || !begun {
            told.panic = panic(&mut status, &live).await;
        }
        begun = true;
        if status.changed().await.is_err() {
            return;
        }
    }
}

/// Notes a fault that lasts, and its end.
async fn fault(status: &mut watch::Receiver<Status>, live: &LiveHandle, told: &mut Seen) {
    sleep(FAULT).await;
    let now = Seen::of(&status.borrow_and_update()).fault;
    match (&now, &told.fault) {
        (Some(text), None) => live.incident(text, false).await,
        (None, Some(text)) => live.incident(text, true).await,
        _ => return,
    }
    told.fault = now;
}

/// The room follows the box once they have differed for a while; how the box is.
async fn panic(status: &mut watch::Receiver<Status>, live: &LiveHandle) -> bool {
    sleep(SETTLED).await;
    let on = status.borrow_and_update().stage.panic;
    let room = live.hello(0, Role::Viewer, Some(u64::MAX)).await;
    if room.is_ok_and(|hello| hello.room.panic != on) {
        let by = By {
            viewer: 0,
            role: Role::Owner,
            account: Some("box".to_owned()),
            addr: String::new(),
        };
        if let Err(refusal) = live.act(by, Act::Panic { on }).await {
            tracing::warn!("the room does not hear of the panic: {}", refusal.message);
        }
    }
    on
}
