//! What bridges say goes on from the overlay's room to the live room, and what somebody decides there of what waits.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;

use super::judge::SAID;
use crate::media::sync::lock;
use crate::room::actor::Observer;
use crate::room::intake::IncomingKind;
use crate::room::item::{Alert, AlertKind, Item};
use crate::room::live::actor::{Judged, LiveHandle};
use crate::room::live::bridged::{Bridged, BridgedWhat, NewOrder};
use crate::room::noted::{BridgedNote, Noted};

/// Notes that wait for the live room; what finds no place is left out there, and is on the picture all the same.
const QUEUE: usize = 1024;
/// Orders of bridges that are remembered.
const ORDERS: usize = 256;
/// The longest id of an order that the live room takes, in characters.
const MAX_ORDER: usize = 80;

/// Orders that came by a bridge: their card is on the picture already.
#[derive(Debug, Clone, Default)]
pub struct BridgedOrders(Arc<Mutex<VecDeque<String>>>);

impl BridgedOrders {
    fn add(&self, order: &str) {
        let mut orders = lock(&self.0);
        if orders.len() >= ORDERS {
            orders.pop_front();
        }
        orders.push_back(order.to_owned());
    }

    /// Whether this one came so.
    #[must_use]
    pub fn has(&self, order: &str) -> bool {
        lock(&self.0).iter().any(|o| o == order)
    }
}

/// The observer of the overlay's room, and what it notes.
#[must_use]
pub fn observer() -> (Observer, mpsc::Receiver<Noted>) {
    let (tell, told) = mpsc::channel(QUEUE);
    let observer = Box::new(move |noted| {
        // Full: a flood, of which the pages show enough. Closed: there is no live room.
        let _ = tell.try_send(noted);
    });
    (observer, told)
}

/// Hands on what was noted, until there is nobody to note.
pub async fn run(mut notes: mpsc::Receiver<Noted>, live: LiveHandle, orders: BridgedOrders) {
    while let Some(noted) = notes.recv().await {
        match noted {
            Noted::Shown(id) => live.line_state(id.0, true).await,
            Noted::Gone(id) => live.line_state(id.0, false).await,
            Noted::Likes { source, n } => {
                let n = u32::try_from(n).unwrap_or(u32::MAX);
                hear(
                    &live,
                    bridged(source, None, String::new(), BridgedWhat::Like { n }),
                )
                .await;
            }
            Noted::Bridged(note) => take(&live, *note, &orders).await,
        }
    }
}

async fn take(live: &LiveHandle, note: BridgedNote, orders: &BridgedOrders) {
    let item = note.item_id.map(|id| id.0);
    let said = if note.held {
        Judged::Held { item }
    } else {
        Judged::Shown { item }
    };
    let held = note.held;
    match meant(note) {
        Meant::Heard(bridged) => SAID.scope(said, hear(live, bridged)).await,
        // What nobody has approved yet counts for nothing.
        Meant::Order(order) if !held => {
            orders.add(&order.order);
            if let Err(refusal) = live.order(order).await {
                tracing::debug!("an order of a bridge is not taken: {}", refusal.message);
            }
        }
        Meant::Order(_) | Meant::Nothing => {}
    }
}

async fn hear(live: &LiveHandle, bridged: Bridged) {
    if let Err(refusal) = live.hear(bridged).await {
        tracing::debug!(
            "the live room does not take what a bridge says: {}",
            refusal.message
        );
    }
}

/// What a message is to the live room.
#[derive(Debug, PartialEq, Eq)]
enum Meant {
    Heard(Bridged),
    Order(NewOrder),
    Nothing,
}

fn bridged(origin: String, id: Option<String>, name: String, what: BridgedWhat) -> Bridged {
    Bridged {
        origin,
        id,
        name,
        what,
    }
}

fn meant(note: BridgedNote) -> Meant {
    let BridgedNote {
        source,
        id,
        kind,
        item,
        ..
    } = note;
    match item {
        Item::Comment(comment) => {
            let text = comment.text;
            let what = if kind == IncomingKind::Question {
                BridgedWhat::Question { text }
            } else {
                BridgedWhat::Chat { text }
            };
            Meant::Heard(bridged(source, id, comment.who.unwrap_or_default(), what))
        }
        Item::Alert(alert) => match alert.kind {
            AlertKind::Gift => {
                let what = BridgedWhat::Gift {
                    gift: alert.what.unwrap_or_else(|| "gift".to_owned()),
                    combo: alert.combo.unwrap_or_default(),
                    count: alert.count,
                };
                Meant::Heard(bridged(source, id, alert.who, what))
            }
            AlertKind::Order => order(&source, id, alert).map_or(Meant::Nothing, Meant::Order),
            AlertKind::Follow | AlertKind::Chat | AlertKind::Question => Meant::Nothing,
        },
    }
}

/// An order without an id could be told twice, so it is on the picture alone.
fn order(source: &str, id: Option<String>, alert: Alert) -> Option<NewOrder> {
    let order = format!("{source}:{}", id?);
    (order.chars().count() <= MAX_ORDER).then_some(NewOrder {
        order,
        pin: None,
        product: None,
        count: alert.count.clamp(1, 10_000),
        amount_minor: 0,
        currency: String::new(),
        name: Some(alert.who),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::item::{Comment, ItemId};

    fn note(kind: IncomingKind, item: Item) -> BridgedNote {
        BridgedNote {
            source: "youtube".into(),
            id: Some("m1".into()),
            kind,
            item,
            item_id: Some(ItemId(3)),
            held: false,
        }
    }

    fn alert(kind: AlertKind) -> Item {
        Item::Alert(Alert {
            kind,
            who: "Bo".into(),
            what: Some("Rose".into()),
            amount: None,
            count: 3,
            combo: Some("r".into()),
            platform: Some("youtube".into()),
            colour: None,
        })
    }

    #[test]
    fn messages_of_bridges_are_what_they_are_in_the_live_room() {
        let comment = Item::Comment(Comment {
            text: "Hi".into(),
            who: None,
            rank: Default::default(),
            run: Default::default(),
            colour: None,
            platform: None,
        });
        let chat = |kind| match meant(note(kind, comment.clone())) {
            Meant::Heard(bridged) => bridged,
            other => panic!("{other:?}"),
        };
        let text = || "Hi".to_owned();
        assert_eq!(
            chat(IncomingKind::Chat).what,
            BridgedWhat::Chat { text: text() }
        );
        let question = chat(IncomingKind::Question);
        assert_eq!(question.what, BridgedWhat::Question { text: text() });
        assert_eq!(
            (question.origin.as_str(), question.name.as_str()),
            ("youtube", "")
        );
        let Meant::Heard(gift) = meant(note(IncomingKind::Gift, alert(AlertKind::Gift))) else {
            panic!("a gift");
        };
        let rose = BridgedWhat::Gift {
            gift: "Rose".into(),
            combo: "r".into(),
            count: 3,
        };
        assert_eq!(gift.what, rose);
        let Meant::Order(order) = meant(note(IncomingKind::Order, alert(AlertKind::Order))) else {
            panic!("an order");
        };
        assert_eq!((order.order.as_str(), order.count), ("youtube:m1", 3));
        let follow = note(IncomingKind::Follow, alert(AlertKind::Follow));
        assert_eq!(meant(follow), Meant::Nothing);
    }

    #[test]
    fn an_order_without_an_id_is_not_counted() {
        let mut order = note(IncomingKind::Order, alert(AlertKind::Order));
        order.id = None;
        assert_eq!(meant(order), Meant::Nothing);
    }

    #[test]
    fn orders_of_bridges_are_known_again() {
        let orders = BridgedOrders::default();
        for n in 0..ORDERS + 1 {
            orders.add(&n.to_string());
        }
        assert!(orders.has("1") && orders.has("256") && !orders.has("0"));
    }
}
