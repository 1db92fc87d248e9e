//! The task itself.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::Instant;

use super::super::act::{Act, By, Done, Refusal, Why};
use super::super::bridged::{Bridged, BridgedWhat, NewOrder};
use super::super::chat::Draft;
use super::super::draws::DrawProof;
use super::super::event::{Event, Fact, LineState, Role};
use super::super::messages::{self, Dirty, Sent};
use super::super::rates::Rates;
use super::super::state::{Decision, Live, Now};
use super::super::view::{Out, Person};
use super::{Connections, Figures, Hello, JudgeLine, Judged, Parts, Safety};
use crate::error::Result;

/// Wishes that are saved together.
const BATCH: usize = 256;
/// How often what is gathered is saved and sent.
const GATHER: Duration = Duration::from_millis(250);
/// How often the staff are sent theirs.
const STAFF: Duration = Duration::from_millis(500);
/// Lines that are given on joining.
const HELLO_LINES: usize = 200;
/// Between two tries to read what is stored.
const RETRY: Duration = Duration::from_millis(500);

type Reply<T> = oneshot::Sender<T>;
type Answer = Reply<Result<Done, Refusal>>;

/// What came of the first look at a wish.
pub(in super::super) enum First {
    /// It is done.
    Done(Done),
    /// It is a line that is to be judged.
    Judge(Draft),
}

/// What is asked of the task.
pub(in super::super) enum Ask {
    Act {
        by: By,
        act: Act,
        reply: Reply<Result<First, Refusal>>,
    },
    Hear {
        bridged: Bridged,
        reply: Reply<Result<First, Refusal>>,
    },
    Say {
        line: Draft,
        judged: Judged,
        reply: Answer,
    },
    Come {
        name: String,
        role: Role,
        addr: String,
        reply: Reply<Result<u64, Refusal>>,
    },
    Person {
        viewer: u64,
        reply: Reply<Option<Person>>,
    },
    Click {
        pin: u64,
        viewer: u64,
        reply: Reply<Result<String, Refusal>>,
    },
    Order {
        order: NewOrder,
        reply: Answer,
    },
    LineState {
        item: u64,
        shown: bool,
        reply: Reply<()>,
    },
    Show {
        on: bool,
        title: String,
        reply: Answer,
    },
    Incident {
        text: String,
        over: bool,
        reply: Reply<()>,
    },
    Hello {
        viewer: u64,
        role: Role,
        after: Option<u64>,
        reply: Reply<Hello>,
    },
    Draw {
        draw: u64,
        reply: Reply<Option<DrawProof>>,
    },
    Reload {
        reply: Reply<Result<()>>,
    },
    Stop {
        reply: Reply<()>,
    },
}

impl Draft {
    pub(super) fn to_judge(&self) -> JudgeLine {
        JudgeLine {
            viewer: self.viewer,
            name: self.name.clone(),
            text: self.text.clone(),
            role: self.role,
            origin: self.origin.clone(),
            danmaku: self.danmaku,
        }
    }
}

/// Sends an answer once the batch was saved, or was not.
type Later = Box<dyn FnOnce(&Live, bool) + Send>;

fn not_saved() -> Refusal {
    Refusal::new(Why::NotSaved, "It could not be stored, so it is not done.").after_ms(1_000)
}

/// The answer `result`, unless the batch was not saved.
fn answer<T: Send + 'static>(
    reply: Reply<Result<T, Refusal>>,
    result: Result<T, Refusal>,
) -> Later {
    Box::new(move |_, saved| {
        // Whoever asked may have gone.
        let _ = reply.send(if saved {
            result
        } else {
            result.and(Err(not_saved()))
        });
    })
}

/// What was gathered of one viewer.
#[derive(Default)]
struct Gathered {
    likes: u32,
    seen: BTreeSet<u64>,
}

pub(super) struct Task {
    parts: Parts,
    live: Live,
    rates: Rates,
    out: broadcast::Sender<Out>,
    connections: Arc<Connections>,
    figures: Arc<Mutex<Figures>>,
    count: Figures,
    gathered: BTreeMap<u64, Gathered>,
    dirty: Dirty,
    sent: Sent,
    /// When what is gathered is due next.
    due: Instant,
    staff_due: Instant,
    /// Something that was gathered was saved in this turn.
    flushed: bool,
    /// The state is not what is stored: it must be made anew.
    broken: bool,
    /// Lines up to here have ids of the overlay of an earlier run.
    first_line: u64,
    /// Lines that are being judged, so that one sent twice is not judged twice.
    judged: HashSet<(u64, String)>,
    // Of the batch.
    events: Vec<Event>,
    safety: Safety,
    replies: Vec<Later>,
    stop: Vec<Reply<()>>,
}

impl Task {
    pub(super) fn new(
        parts: Parts,
        live: Live,
        out: broadcast::Sender<Out>,
        connections: Arc<Connections>,
        figures: Arc<Mutex<Figures>>,
    ) -> Self {
        // Whoever was here when the program ended has no connection now.
        connections.again(
            live.people
                .all
                .iter()
                .filter(|(_, one)| one.here)
                .map(|(v, _)| *v),
        );
        let now = parts.clock.now();
        Self {
            parts,
            rates: Rates::new(now),
            out,
            connections,
            figures,
            count: Figures::default(),
            gathered: BTreeMap::new(),
            dirty: Dirty::default(),
            sent: Sent::default(),
            due: Instant::now(),
            staff_due: Instant::now(),
            flushed: false,
            broken: false,
            first_line: live.highest().line,
            judged: HashSet::new(),
            events: Vec::new(),
            safety: Safety::Lazy,
            replies: Vec::new(),
            stop: Vec::new(),
            live,
        }
    }

    pub(super) async fn run(mut self, mut asks: mpsc::Receiver<Ask>) {
        let connections = Arc::clone(&self.connections);
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let next = self.next();
            tokio::select! {
                n = asks.recv_many(&mut batch, BATCH) => if n == 0 {
                    return;
                },
                () = connections.changed() => {}
                () = tokio::time::sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            }
            self.turn(&mut batch).await;
            if !self.stop.is_empty() {
                for reply in self.stop.drain(..) {
                    let _ = reply.send(());
                }
                return;
            }
        }
    }

    /// When there is something to do though nobody asks.
    fn next(&self) -> Option<Instant> {
        let all = Dirty {
            staff: false,
            ..self.dirty
        };
        let gathered = (all.any() || !self.gathered.is_empty()).then_some(self.due);
        let staff = self.dirty.staff.then_some(self.staff_due);
        gathered.into_iter().chain(staff).min()
    }

    fn now(&self) -> Now {
        Now {
            mono: self.parts.clock.now(),
            wall_ms: (self.parts.wall)(),
        }
    }

    async fn turn(&mut self, batch: &mut Vec<Ask>) {
        if self.broken && self.load().await.is_err() {
            tokio::time::sleep(RETRY).await;
        }
        let now = self.now();
        let mut reload = Vec::new();
        for ask in batch.drain(..) {
            match ask {
                Ask::Reload { reply } => reload.push(reply),
                ask => self.look(ask, now),
            }
        }
        if !self.broken {
            self.presence(now);
            if self.due <= Instant::now() || !self.stop.is_empty() {
                self.save_gathered(now);
            }
        }
        self.commit().await;
        for reply in reload {
            let _ = reply.send(self.load().await);
        }
        self.send_gathered();
        self.count.viewers = self.live.people.here;
        self.count.seq = self.live.highest().seq;
        *self.figures.lock().unwrap_or_else(PoisonError::into_inner) = self.count;
    }

    /// Makes the state anew from what is stored.
    async fn load(&mut self) -> Result<()> {
        self.broken = true;
        let settings = self.live.texts.settings().clone();
        let (events, highest) = (self.parts.load)().await?;
        self.live = Live::load(settings, highest, &events)?;
        self.broken = false;
        self.dirty = Dirty::all();
        let here = self.live.people.all.iter().filter(|(_, one)| one.here);
        self.connections.again(here.map(|(viewer, _)| *viewer));
        Ok(())
    }

    /// An event of this batch.
    fn emit(&mut self, viewer: u64, fact: Fact, safety: Safety, now: Now) {
        let event = self.live.event(viewer, fact, now);
        self.live.apply(&event);
        self.events.push(event);
        self.safety = self.safety.max(safety);
    }

    fn emit_all(
        &mut self,
        viewer: u64,
        decision: Result<Decision, Refusal>,
        now: Now,
    ) -> Result<First, Refusal> {
        match decision? {
            Decision::Judge(draft) => Ok(First::Judge(draft)),
            Decision::Facts { facts, done } => {
                for fact in facts {
                    self.emit(viewer, fact, Safety::Full, now);
                }
                Ok(First::Done(done))
            }
        }
    }

    fn facts(
        &mut self,
        viewer: u64,
        decision: Result<Decision, Refusal>,
        now: Now,
    ) -> Result<Done, Refusal> {
        match self.emit_all(viewer, decision, now)? {
            First::Done(done) => Ok(done),
            First::Judge(_) => Err(Refusal::new(Why::BadRequest, "It is a line.")),
        }
    }

    fn look(&mut self, ask: Ask, now: Now) {
        let later: Later = match ask {
            Ask::Act { by, act, reply } => {
                let result = self.sound().and_then(|()| self.act(&by, &act, now));
                self.count.refused += u64::from(result.is_err());
                answer(reply, result)
            }
            Ask::Hear { bridged, reply } => {
                let result = self.sound().and_then(|()| self.hear(&bridged, now));
                answer(reply, result)
            }
            Ask::Say {
                line,
                judged,
                reply,
            } => {
                let result = self.sound().and_then(|()| self.say(&line, judged, now));
                self.count.refused += u64::from(result.is_err());
                answer(reply, result)
            }
            Ask::Come {
                name,
                role,
                addr,
                reply,
            } => {
                let result = self
                    .sound()
                    .and_then(|()| self.come(&name, role, &addr, now));
                answer(reply, result)
            }
            Ask::Click { pin, viewer, reply } => {
                let result = self.sound().and_then(|()| self.click(pin, viewer, now));
                answer(reply, result)
            }
            Ask::Order { order, reply } => {
                let decision = self.sound().and_then(|()| self.live.decide_order(&order));
                answer(reply, self.facts(0, decision, now))
            }
            Ask::Show { on, title, reply } => {
                let decision = self
                    .sound()
                    .and_then(|()| self.live.decide_show(on, &title));
                answer(reply, self.facts(0, decision, now))
            }
            Ask::LineState { item, shown, reply } => {
                for fact in self.live.decide_line_state(item, shown, self.first_line) {
                    self.emit(0, fact, Safety::Full, now);
                }
                Box::new(move |_, _| reply.send(()).unwrap_or_default())
            }
            Ask::Incident { text, over, reply } => {
                let text: String = text.chars().take(500).collect();
                self.emit(0, Fact::Incident { text, over }, Safety::Full, now);
                Box::new(move |_, _| reply.send(()).unwrap_or_default())
            }
            Ask::Person { viewer, reply } => {
                Box::new(move |live, _| drop(reply.send(live.person(viewer))))
            }
            Ask::Draw { draw, reply } => {
                Box::new(move |live, _| drop(reply.send(live.proof(draw))))
            }
            Ask::Hello {
                viewer,
                role,
                after,
                reply,
            } => Box::new(move |live, _| {
                let staff = role >= Role::Moderator;
                let hello = Hello {
                    room: live.room(),
                    you: live.you(viewer, role),
                    lines: live.lines(after, viewer, staff, HELLO_LINES),
                    staff: staff.then(|| live.staff()),
                };
                let _ = reply.send(hello);
            }),
            Ask::Stop { reply } => {
                self.stop.push(reply);
                return;
            }
            Ask::Reload { .. } => return,
        };
        self.replies.push(later);
    }

    /// Nothing is decided on a state that is not what is stored.
    fn sound(&self) -> Result<(), Refusal> {
        if self.broken {
            Err(not_saved())
        } else {
            Ok(())
        }
    }

    fn act(&mut self, by: &By, act: &Act, now: Now) -> Result<First, Refusal> {
        let decision = self.live.decide(by, act, now, &*self.parts.seeds)?;
        match (&decision, act) {
            (Decision::Judge(draft), _) => self.may_say(draft, now)?,
            // Nothing changes: a line or a vote sent again costs nothing.
            (Decision::Facts { facts, .. }, _) if facts.is_empty() => {}
            _ => self.rates.act(by, act, now.mono)?,
        }
        match act {
            Act::Like { n } => {
                let own = self.gathered.entry(by.viewer).or_default();
                own.likes = own.likes.saturating_add(*n);
                Ok(First::Done(Done::default()))
            }
            Act::Seen { questions } => {
                let new = self.live.unseen(by.viewer, questions.iter().copied());
                if !new.is_empty() {
                    self.gathered.entry(by.viewer).or_default().seen.extend(new);
                }
                Ok(First::Done(Done::default()))
            }
            _ => self.emit_all(by.viewer, Ok(decision), now),
        }
    }

    /// Whether a line may be said so soon, and is not being judged already.
    fn may_say(&mut self, draft: &Draft, now: Now) -> Result<(), Refusal> {
        let key = draft.nonce.clone().map(|nonce| (draft.viewer, nonce));
        if key.as_ref().is_some_and(|key| self.judged.contains(key)) {
            let message = "This line is being looked at already.";
            return Err(Refusal::new(Why::TooFast, message).after_ms(500));
        }
        let slow_s = self.live.slow_s(draft.viewer, now);
        self.rates
            .line(draft.viewer, draft.role, slow_s, now.mono)?;
        // Whoever goes away while theirs is judged leaves an entry behind: they are few, and this bounds them.
        if self.judged.len() > 4_096 {
            self.judged.clear();
        }
        self.judged.extend(key);
        Ok(())
    }

    fn say(&mut self, draft: &Draft, judged: Judged, now: Now) -> Result<Done, Refusal> {
        if let Some(nonce) = &draft.nonce {
            self.judged.remove(&(draft.viewer, nonce.clone()));
        }
        let (state, item) = match judged {
            Judged::Shown { item } => (LineState::Shown, item),
            Judged::Held { item } => (LineState::Held, item),
            Judged::Refused { code, sentence } => {
                self.rates.not_said(draft.viewer);
                return Err(Refusal::new(Why::Refused, sentence).because(&code));
            }
        };
        let decision = self.live.said(draft, state, item, now);
        self.facts(draft.viewer, decision, now)
    }

    fn hear(&mut self, bridged: &Bridged, now: Now) -> Result<First, Refusal> {
        let decision = self.live.decide_hear(bridged);
        if let (BridgedWhat::Like { .. }, Ok(Decision::Facts { facts, .. })) =
            (&bridged.what, &decision)
        {
            let own = self.gathered.entry(0).or_default();
            for fact in facts {
                if let Fact::Liked { n } = fact {
                    own.likes = own.likes.saturating_add(*n);
                }
            }
            return Ok(First::Done(Done::default()));
        }
        self.emit_all(0, decision, now)
    }

    fn come(&mut self, name: &str, role: Role, addr: &str, now: Now) -> Result<u64, Refusal> {
        let came = self.live.decide_come(name, role, addr, now)?;
        if role == Role::Viewer {
            self.rates.come(addr, now.mono)?;
        }
        self.emit(0, came, Safety::Full, now);
        Ok(self.live.highest().viewer)
    }

    fn click(&mut self, pin: u64, viewer: u64, now: Now) -> Result<String, Refusal> {
        let (to, clicked) = self.live.decide_click(pin)?;
        if self.rates.click(now.mono) {
            let known = self.live.person(viewer).is_some();
            self.emit(if known { viewer } else { 0 }, clicked, Safety::Full, now);
        }
        Ok(to)
    }

    /// Who came and who went.
    fn presence(&mut self, now: Now) {
        for change in self.connections.take(BATCH) {
            if change.here == self.live.is_here(change.viewer) {
                continue;
            }
            if change.here {
                if self.live.person(change.viewer).is_some() {
                    self.emit(change.viewer, Fact::Joined, Safety::Lazy, now);
                }
                continue;
            }
            let stayed = change
                .since
                .map(|since| now.mono.saturating_sub(since).as_millis());
            let stayed = stayed.map(|ms| u64::try_from(ms).unwrap_or(u64::MAX));
            let stayed_ms = stayed.unwrap_or_else(|| self.live.stayed_ms(change.viewer));
            self.emit(change.viewer, Fact::Left { stayed_ms }, Safety::Lazy, now);
        }
        if !self.stop.is_empty() {
            let here = self.live.people.all.iter().filter(|(_, one)| one.here);
            let here: Vec<u64> = here.map(|(viewer, _)| *viewer).collect();
            for viewer in here {
                let since = self.connections.since(viewer).unwrap_or(now.mono);
                let stayed = now.mono.saturating_sub(since).as_millis();
                let stayed_ms = u64::try_from(stayed).unwrap_or(u64::MAX);
                self.emit(viewer, Fact::Left { stayed_ms }, Safety::Full, now);
            }
        }
    }

    fn save_gathered(&mut self, now: Now) {
        self.flushed |= !self.gathered.is_empty();
        for (viewer, own) in std::mem::take(&mut self.gathered) {
            if own.likes > 0 {
                self.emit(viewer, Fact::Liked { n: own.likes }, Safety::Lazy, now);
            }
            let questions = self.live.unseen(viewer, own.seen.into_iter());
            if !questions.is_empty() {
                self.emit(viewer, Fact::QuestionsSeen { questions }, Safety::Lazy, now);
            }
        }
    }

    /// Saves the batch, then answers and tells.
    async fn commit(&mut self) {
        let events = std::mem::take(&mut self.events);
        let safety = std::mem::replace(&mut self.safety, Safety::Lazy);
        let mut saved = !self.broken;
        if !events.is_empty() && saved {
            if let Err(e) = (self.parts.save)(events.clone(), safety).await {
                tracing::error!(error = %e.report(), events = events.len(), "the live room's events could not be stored");
                self.count.failed += 1;
                saved = false;
                if let Err(e) = self.load().await {
                    tracing::error!(error = %e.report(), "the live room's events could not be read");
                }
            } else {
                self.count.batches += 1;
                self.tell(&events);
            }
        }
        for later in self.replies.drain(..) {
            later(&self.live, saved);
        }
    }

    fn tell(&mut self, events: &[Event]) {
        for event in events {
            self.count.see(event);
            (self.parts.told)(event, &self.live);
            for message in messages::at_once(event, &self.live, &mut self.dirty) {
                self.send(message);
            }
        }
    }

    fn send(&mut self, message: Out) {
        self.count.messages += u64::from(self.out.send(message).is_ok());
    }

    /// Sends what is gathered, if it is time.
    fn send_gathered(&mut self) {
        let now = Instant::now();
        if self.due <= now {
            let all = Dirty {
                staff: false,
                ..self.dirty
            };
            if all.any() || self.flushed {
                self.due = now + GATHER;
            }
            self.flushed = false;
            for message in messages::gathered(&self.live, &mut self.dirty, &mut self.sent) {
                self.send(message);
            }
        }
        if self.dirty.staff && self.staff_due <= now {
            self.dirty.staff = false;
            self.staff_due = now + STAFF;
            if self.out.receiver_count() > 0 {
                self.send(messages::staff(&self.live));
            }
        }
    }
}

impl Figures {
    fn see(&mut self, event: &Event) {
        self.events += 1;
        match &event.fact {
            Fact::Said { .. } => self.lines += 1,
            Fact::Liked { n } => self.likes += u64::from(*n),
            Fact::Voted { .. } => self.votes += 1,
            Fact::Gave { more, .. } => self.gifts += u64::from(*more),
            Fact::Asked { .. } => self.questions += 1,
            Fact::Clicked { .. } => self.clicks += 1,
            Fact::Ordered { .. } => self.orders += 1,
            _ => {}
        }
    }
}
