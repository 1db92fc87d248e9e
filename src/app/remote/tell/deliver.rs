//! The outbox to the broker, in order; a row leaves it when the broker has it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;

use super::{Shared, written};
use crate::edge::mqtt::client::{Link, Message, Qos};
use crate::error::Kind;
use crate::store::outbox::{Class, Row};

/// Rows on their way at once.
const BATCH: u32 = 16;
/// Between batches, so that a fleet that comes back does not drown its broker: 160 rows a second at most.
const PAUSE: Duration = Duration::from_millis(100);
/// After a trouble, and in case that a word of something new was missed.
const AGAIN: Duration = Duration::from_secs(5);

pub(super) async fn run(shared: Arc<Shared>) {
    tokio::select! {
        biased;
        () = shared.ended() => {}
        () = deliver(&shared) => {}
    }
}

async fn deliver(shared: &Shared) {
    let mut link = shared.client.link();
    // Rows up to this one are told in this run of the program, also if the disk did not note it.
    let mut told = 0;
    loop {
        if link.wait_for(|l| *l == Link::Up).await.is_err() {
            return;
        }
        match shared.db.outbox_next(told, BATCH).await {
            Ok(rows) if !rows.is_empty() => {
                let (upto, stuck) = batch(shared, rows).await;
                told = told.max(upto);
                sleep(if stuck { AGAIN } else { PAUSE }).await;
            }
            Ok(_) => {
                tokio::select! {
                    () = shared.filled.notified() => {}
                    () = sleep(AGAIN) => {}
                }
            }
            Err(e) => {
                tracing::debug!("{}", e.report());
                sleep(AGAIN).await;
            }
        }
    }
}

/// Sends rows; gives the last up to which all are told, and whether one is not.
async fn batch(shared: &Shared, rows: Vec<Row>) -> (u64, bool) {
    let sent = rows.into_iter().map(|row| send(shared, row)).collect();
    let mut upto = 0;
    for (seq, told) in in_order(sent).await {
        if !told {
            return (upto, true);
        }
        upto = seq;
    }
    (upto, false)
}

async fn send(shared: &Shared, row: Row) -> (u64, bool) {
    let qos = match row.class {
        Class::Telemetry => Qos::AtMostOnce,
        Class::Event | Class::Alarm => Qos::AtLeastOnce,
    };
    let message = Message {
        topic: shared.topics.own(&row.leaf),
        payload: Bytes::from(row.payload),
        qos,
        retain: false,
        properties: written(),
    };
    match shared.client.publish(message).await {
        Ok(()) => {}
        // It would be refused for ever, and nothing behind it would be told.
        Err(e) if e.kind() == Kind::Refused => {
            tracing::warn!(leaf = row.leaf, "{}", e.report());
        }
        Err(e) => {
            tracing::debug!(leaf = row.leaf, "{}", e.report());
            return (row.seq, false);
        }
    }
    if let Err(e) = shared.db.outbox_sent(row.seq).await {
        tracing::debug!("{}", e.report());
    }
    (row.seq, true)
}

/// Runs futures at the same time, each begun before the next one; gives what they gave, in their order.
async fn in_order<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    enum Slot<F: Future> {
        Runs(Pin<Box<F>>),
        Done(Option<F::Output>),
    }
    let mut slots: Vec<Slot<F>> = futures
        .into_iter()
        .map(|f| Slot::Runs(Box::pin(f)))
        .collect();
    // What a future gave is moved out of its pinned box's slot, never the future itself.
    impl<F: Future> Unpin for Slot<F> {}
    poll_fn(move |cx| {
        let mut pending = false;
        for slot in &mut slots {
            if let Slot::Runs(future) = slot {
                match future.as_mut().poll(cx) {
                    Poll::Ready(output) => *slot = Slot::Done(Some(output)),
                    Poll::Pending => pending = true,
                }
            }
        }
        if pending {
            return Poll::Pending;
        }
        let outputs = slots.iter_mut().filter_map(|slot| match slot {
            Slot::Done(output) => output.take(),
            Slot::Runs(_) => None,
        });
        Poll::Ready(outputs.collect())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn futures_begin_in_order_and_run_at_the_same_time() {
        let log = std::sync::Mutex::new(Vec::new());
        // Nobody passes before all three are there: one after the other would wait for ever.
        let gate = tokio::sync::Barrier::new(3);
        let (log, gate) = (&log, &gate);
        let futures = [3, 1, 2].map(|n| async move {
            log.lock().unwrap().push(n);
            gate.wait().await;
            n * 2
        });
        let all = in_order(futures.into());
        let said = tokio::time::timeout(Duration::from_secs(30), all).await;
        assert_eq!(said.unwrap(), [6, 2, 4]);
        assert_eq!(*log.lock().unwrap(), [3, 1, 2]);
        assert!(
            in_order(Vec::<std::future::Ready<()>>::new())
                .await
                .is_empty()
        );
    }
}
