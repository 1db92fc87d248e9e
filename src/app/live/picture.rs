//! What happens in the live room comes onto the picture, by the commands that anybody may give the box.
//!
//! ```text
//!   told (never waits) ──what changed: flags──┐
//!                      ──cards: bounded queue─┴─> task, at most 4 times a second ──hello──> room as it is ──> commands
//! ```
//!
//! | in the room | on the picture |
//! |---|---|
//! | poll opened, votes, closed; gone | `poll-show`; `poll-hide` |
//! | product pinned, its price or stock changed; unpinned | `product-pin` with a QR code; `product-unpin` |
//! | question on screen; no longer | lower third: who and what; off |
//! | announcement | ticker |
//! | gift, order (those of bridges are there already) | alert |
//! | draw done | lower third for 20 s |
//! | panic | panic, at once |
//! | line hidden, or let through | withdrawn, or drawn |

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until};

use super::bridges::BridgedOrders;
use super::cards;
use super::facts::Facts;
use crate::device::command::{Command, Origin};
use crate::edge::desk::Desk;
use crate::room::actor::{Ask, RoomHandle};
use crate::room::item::{Alert, ItemId};
use crate::room::live::actor::LiveHandle;
use crate::room::live::event::{Event, Fact, Moderation, QuestionState, Role};
use crate::room::live::state::Live;
use crate::room::live::view::Room;

/// Between two looks at the room.
const PAUSE: Duration = Duration::from_millis(250);
/// Cards that wait.
const CARDS: usize = 64;

/// How the pages are reached just now, if there are any.
pub type Links = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// Something that is shown once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Card {
    /// An alert.
    Alert(Alert),
    /// A lower third for a while: the large line and the small one.
    Title(String, String),
}

/// What changed in the room since it was looked at last.
#[derive(Debug, Default)]
struct Changed {
    poll: AtomicBool,
    votes: AtomicBool,
    likes: AtomicBool,
    product: AtomicBool,
    question: AtomicBool,
    announcement: AtomicBool,
    panic: AtomicBool,
    any: Notify,
    now: Notify,
}

fn taken(flag: &AtomicBool) -> bool {
    flag.swap(false, Ordering::AcqRel)
}

/// The side that is told; cheap to clone.
#[derive(Clone)]
pub struct Teller {
    changed: Arc<Changed>,
    cards: mpsc::Sender<Card>,
    overlay: RoomHandle,
    bridged: BridgedOrders,
    facts: Facts,
}

/// The side that acts.
pub struct Painter {
    changed: Arc<Changed>,
    cards: mpsc::Receiver<Card>,
    facts: Facts,
}

/// Both sides.
#[must_use]
pub fn pair(overlay: RoomHandle, bridged: BridgedOrders, facts: Facts) -> (Teller, Painter) {
    let changed = Arc::new(Changed::default());
    let (to, from) = mpsc::channel(CARDS);
    let teller = Teller {
        changed: Arc::clone(&changed),
        cards: to,
        overlay,
        bridged,
        facts: facts.clone(),
    };
    let painter = Painter {
        changed,
        cards: from,
        facts,
    };
    (teller, painter)
}

impl Teller {
    /// An event was saved. Never waits.
    pub fn told(&self, event: &Event, live: &Live) {
        self.facts.told(event, live);
        let changed = &self.changed;
        let flag = match &event.fact {
            Fact::PollOpened { .. } | Fact::PollClosed { .. } | Fact::PollGone { .. } => {
                &changed.poll
            }
            Fact::Voted { .. } => &changed.votes,
            Fact::Liked { .. } => &changed.likes,
            Fact::Pinned { .. } | Fact::Unpinned { .. } => &changed.product,
            Fact::ProductSet { product, .. } => {
                if live.pinned().is_none_or(|of| of.product != *product) {
                    return;
                }
                &changed.product
            }
            Fact::ProductRemoved { .. } => &changed.product,
            Fact::QuestionMoved { .. } => &changed.question,
            Fact::Announced { .. } => &changed.announcement,
            Fact::Moderated {
                what: Moderation::Panic { .. },
                ..
            } => {
                changed.panic.store(true, Ordering::Release);
                changed.now.notify_one();
                return;
            }
            Fact::LineShown { line } => return self.decide(live.item_of(*line), true),
            Fact::LineHidden { line, .. } => return self.decide(live.item_of(*line), false),
            Fact::Ordered { order, .. } => {
                if let Some(card) = cards::of(event, live)
                    && !self.bridged.has(order)
                {
                    self.card(card);
                }
                // Its stock may have changed.
                &changed.product
            }
            Fact::Gave { .. } | Fact::DrawDone { .. } => {
                if let Some(card) = cards::of(event, live) {
                    self.card(card);
                }
                return;
            }
            _ => return,
        };
        flag.store(true, Ordering::Release);
        changed.any.notify_one();
    }

    fn card(&self, card: Card) {
        // Full: more happens than anybody could read.
        if self.cards.try_send(card).is_ok() {
            self.changed.any.notify_one();
        }
    }

    /// What waits in the overlay's room, or runs over the picture, follows what was decided of the line.
    fn decide(&self, item: Option<u64>, shown: bool) {
        let Some(item) = item.map(ItemId) else {
            return;
        };
        let ask = if shown {
            Ask::Approve(item)
        } else {
            Ask::Reject(item)
        };
        if let Err(e) = self.overlay.ask(ask) {
            tracing::warn!(
                "the picture does not hear what the staff decided: {}",
                e.report()
            );
        }
    }
}

impl Painter {
    /// Paints until the room ends. `links` gives the beginning of the address of pins, such as `http://192.0.2.7:8080`.
    pub async fn run(mut self, live: LiveHandle, desk: Desk, links: Links) {
        let mut shown = Shown::default();
        loop {
            tokio::select! {
                biased;
                () = self.changed.now.notified() => {}
                () = self.changed.any.notified() => {}
            }
            let begun = Instant::now();
            let Ok(hello) = live.hello(0, Role::Viewer, Some(u64::MAX)).await else {
                return;
            };
            let room = hello.room;
            let mut commands = self.commands(&room, &mut shown, links().as_deref());
            while let Ok(card) = self.cards.try_recv() {
                commands.push(cards::command(card));
            }
            for command in commands {
                if let Err(failure) = desk.run(Origin::Web, command).await {
                    tracing::info!("the room is not on the picture: {}", failure.message);
                }
            }
            tokio::select! {
                biased;
                () = self.changed.now.notified() => self.changed.now.notify_one(),
                () = sleep_until(begun + PAUSE) => {}
            }
        }
    }

    fn commands(&self, room: &Room, shown: &mut Shown, links: Option<&str>) -> Vec<Command> {
        let changed = &self.changed;
        let mut commands = Vec::new();
        if taken(&changed.panic) {
            commands.push(Command::Panic { on: room.panic });
        }
        let votes = taken(&changed.votes);
        if votes {
            self.facts.votes(room);
        }
        if taken(&changed.likes) {
            self.facts.likes(room);
        }
        if taken(&changed.poll) || votes {
            commands.push(cards::poll(room));
        }
        if taken(&changed.product) {
            let product = cards::product(room, links);
            if shown.product != Some(product.clone()) {
                commands.push(product.clone());
                shown.product = Some(product);
            }
        }
        if taken(&changed.question) {
            let on = |q: &&crate::room::live::view::Question| q.state == QuestionState::OnScreen;
            let question = room.questions.iter().find(on).map(|q| q.question);
            if question != shown.question {
                shown.question = question;
                commands.push(cards::question(room, question));
            }
        }
        if taken(&changed.announcement) {
            let text = Some(room.announcement.clone()).filter(|text| !text.is_empty());
            commands.push(Command::Ticker { text });
        }
        commands
    }
}

/// What was put on the picture last.
#[derive(Debug, Default)]
struct Shown {
    product: Option<Command>,
    question: Option<u64>,
}
