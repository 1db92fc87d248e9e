//! What the task does with each wish.

use super::super::act::{Act, By, Done, Refusal, Why};
use super::super::bridged::{Bridged, BridgedWhat};
use super::super::chat::Draft;
use super::super::event::{Fact, LineState, Role};
use super::super::state::{Decision, Live, Now};
use super::ask::{Ask, First, Reply};
use super::task::{BATCH, Task};
use super::{Hello, Judged, Safety};

/// Lines that are given on joining.
const HELLO_LINES: usize = 200;

/// Sends an answer once the batch was saved, or was not (`false`). No state: it is not what is stored, and nobody may see it.
pub(super) type Later = Box<dyn FnOnce(Option<&Live>, bool) + Send>;

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

fn hello(live: &Live, viewer: u64, role: Role, after: Option<u64>) -> Hello {
    let staff = role >= Role::Moderator;
    let mut room = live.room();
    room.questions.extend(live.own_pending(viewer));
    Hello {
        room,
        you: live.you(viewer, role),
        lines: live.lines(after, viewer, staff, HELLO_LINES),
        staff: staff.then(|| live.staff()),
    }
}

impl Task {
    /// An event of this batch.
    pub(super) fn emit(&mut self, viewer: u64, fact: Fact, safety: Safety, now: Now) {
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

    pub(super) fn look(&mut self, ask: Ask, now: Now) {
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
                // At once, whatever the disk does: somebody taken for unknown would be given another number.
                let _ = reply.send(self.live.person(viewer));
                return;
            }
            Ask::Draw { draw, reply } => Box::new(move |live, _| {
                let _ = reply.send(live.and_then(|live| live.proof(draw)));
            }),
            Ask::Hello {
                viewer,
                role,
                after,
                reply,
            } => Box::new(move |live, _| {
                if let Some(live) = live {
                    let _ = reply.send(hello(live, viewer, role, after));
                }
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
    pub(super) fn presence(&mut self, now: Now) {
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

    pub(super) fn save_gathered(&mut self, now: Now) {
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
}
