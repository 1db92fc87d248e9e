//! For tests: a world that has nothing but a disk.

use tokio::sync::mpsc;

use super::effect::Effect;
use super::event::Event;
use super::supervisor::Handle;

/// Says of a save that it worked; of anything else nothing.
pub(crate) fn save(handle: &Handle, effect: &Effect) {
    if let Effect::Persist(wanted) = effect {
        handle.event(Event::Persisted {
            revision: wanted.revision,
            error: None,
        });
    }
}

/// Takes all effects and saves at once; they come out of the receiver that it gives. It ends with the supervisor.
pub(crate) fn disk(
    runtime: &tokio::runtime::Handle,
    handle: &Handle,
    mut effects: mpsc::Receiver<Effect>,
) -> mpsc::Receiver<Effect> {
    let (tx, rx) = mpsc::channel(1024);
    let handle = handle.clone();
    runtime.spawn(async move {
        while let Some(effect) = effects.recv().await {
            save(&handle, &effect);
            // A test that does not look loses what it does not look at.
            let _ = tx.try_send(effect);
        }
    });
    rx
}
