//! What set-up does.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::super::actual::{Saved, clean};
use super::super::command::Command;
use super::super::effect::Effect;
use super::super::policy::Decision;
use super::super::policy_destinations::{self, Asked};
use super::super::state::State;
use super::{
    AGAIN_AFTER, Blink, Last, NO_FOR, NOTE_FOR, Note, OPEN_FOR, Print, Progress, RESTART_AFTER,
    SEEN_FOR, STEP_LIMIT, SetupEvent, SetupStep, Task, Way, Working, YES_FOR, words,
};
use crate::config::code::{BoxCode, NOT_OURS, SetupCode};

impl State {
    /// Whether somebody has set the box up: by a code, or in its configuration.
    #[must_use]
    pub fn is_claimed(&self) -> bool {
        self.wanted.claimed || self.setup.configured
    }

    /// Whether codes and page are taken now.
    #[must_use]
    pub fn is_setup_open(&self) -> bool {
        let opened = self.actual.setup.open_until;
        self.setup.first_run
            && self.actual.started
            && !self.actual.ending
            && (!self.is_claimed() || opened.is_some_and(|until| self.now < until))
    }

    /// Opens it for [`OPEN_FOR`] from now, where the box has set-up at all.
    pub(in super::super) fn open_setup(&mut self) {
        if self.setup.first_run && !self.actual.ending {
            let setup = &mut self.actual.setup;
            setup.open_until = Some(self.now.saturating_add(OPEN_FOR));
            // Whoever opens it is not spoken to about what was before.
            if setup.working.is_none() {
                setup.note = None;
            }
        }
    }

    /// [`Command::SetupOpen`]. Whoever closes the set-up of a box that nobody has set up says that it is as wanted.
    pub(in super::super) fn wish_setup(&mut self, open: bool) {
        if open {
            self.open_setup();
        } else {
            self.actual.setup.open_until = None;
            self.wanted.claimed = true;
        }
    }

    /// What set-up brings.
    pub(in super::super) fn on_setup(&mut self, event: SetupEvent, effects: &mut Vec<Effect>) {
        match event {
            SetupEvent::Network(network) => self.network_says(network.as_deref()),
            SetupEvent::AccessPoint(own) => self.actual.setup.access_point = own,
            _ if self.actual.ending || !self.actual.started => {}
            SetupEvent::Seen { way, code } => self.seen(way, code, effects),
            SetupEvent::Unreadable { reason } => self.unreadable(&reason),
            SetupEvent::Done => self.step_done(effects),
            SetupEvent::Failed { reason } => self.step_failed(&reason),
        }
    }

    fn network_says(&mut self, network: Option<&str>) {
        let setup = &mut self.actual.setup;
        setup.network = network.map(clean);
        // The address comes after the network.
        if let (Some(note), Some(ssid)) = (
            &mut setup.note,
            setup.last.as_ref().and_then(|l| l.joined.as_ref()),
        ) && note.progress == Progress::Done
            && note.until.is_some()
        {
            note.text = words::joined(ssid, setup.network.as_deref());
        }
    }

    fn seen(&mut self, way: Way, code: SetupCode, effects: &mut Vec<Effect>) {
        if self.actual.setup.working.is_some() || self.actual.setup.restart_at.is_some() {
            return;
        }
        let print = fingerprint(code.text().expose());
        if way == Way::Camera && self.was_just_had(print) {
            return;
        }
        if !self.is_setup_open() {
            self.closed_to_codes();
            return;
        }
        let task = match code {
            SetupCode::Wifi(code) => {
                self.note(words::joining(&code.ssid), Progress::Working);
                let ssid = code.ssid.clone();
                effects.push(Effect::Setup(SetupStep::Join(code)));
                Task::Join(ssid)
            }
            SetupCode::Box(code) => {
                if let Err(sentence) = self.may_take(&code) {
                    self.refused(print, sentence, Blink::Refused);
                    return;
                }
                self.note(words::TAKING.into(), Progress::Working);
                if code.needs_restart() {
                    effects.push(Effect::Setup(SetupStep::Adopt(code.clone())));
                    Task::Adopt(code)
                } else {
                    self.take(&code, effects);
                    Task::Save { restart: false }
                }
            }
        };
        self.actual.setup.working = Some(Working {
            task,
            print,
            since: self.now,
        });
    }

    /// Whether this code was dealt with a moment ago. A good one may be held before the camera for as long as one likes.
    fn was_just_had(&mut self, print: Print) -> bool {
        let now = self.now;
        let Some(last) = &mut self.actual.setup.last else {
            return false;
        };
        if last.print != print {
            return false;
        }
        let ago = now.saturating_sub(last.at);
        if last.good && ago < SEEN_FOR {
            last.at = now;
            return true;
        }
        !last.good && ago < AGAIN_AFTER
    }

    /// Said once: whoever shows a code knows it then.
    fn closed_to_codes(&mut self) {
        let note = self.actual.setup.note.as_ref();
        if self.setup.first_run && note.is_none_or(|n| n.text != words::CLOSED) {
            self.note(words::CLOSED.into(), Progress::Idle);
        }
    }

    fn unreadable(&mut self, reason: &str) {
        let setup = &self.actual.setup;
        let text = words::unreadable(&clean(reason));
        let busy = setup.working.is_some() || setup.blink.is_some();
        let said = setup
            .note
            .as_ref()
            .is_some_and(|n| n.text == text && (n.until.is_some() || reason == NOT_OURS));
        if self.is_setup_open() && !busy && !said {
            // A code of something else may hang in the room.
            let foreign = reason == NOT_OURS;
            self.note(
                text,
                if foreign {
                    Progress::Idle
                } else {
                    Progress::Failed
                },
            );
        }
    }

    /// Whether this code may be carried out; the error is a sentence.
    fn may_take(&self, code: &BoxCode) -> Result<(), String> {
        let token = code.claim.as_ref().map(|c| claim_of(c.expose()));
        if self.wanted.claim.is_some() && self.wanted.claim != token {
            return Err(words::OTHER_CLAIM.into());
        }
        let Some((name, url, key)) = code.destination() else {
            return Ok(());
        };
        let asked = Asked {
            url: &url,
            key: Some(&key),
            enabled: Some(true),
            max_bitrate: None,
        };
        match policy_destinations::set(self, &name, &asked) {
            Decision::Deny(denial) => Err(denial.message),
            _ => Ok(()),
        }
    }

    /// What the code brings is wanted from now on.
    fn take(&mut self, code: &BoxCode, effects: &mut Vec<Effect>) {
        let before = self.wanted.clone();
        if let Some((destination, url, key)) = code.destination() {
            let ceiling = self.wanted.added.get(&destination);
            let set = Command::DestinationSet {
                max_bitrate: ceiling.and_then(|d| d.max_bitrate),
                destination,
                url,
                key: Some(key),
                enabled: Some(true),
            };
            self.wish(set, effects);
            self.wish(Command::LiveStart, effects);
        }
        self.wanted.claimed = true;
        if let Some(claim) = &code.claim {
            self.wanted.claim = Some(claim_of(claim.expose()));
        }
        // A person is in charge.
        self.end_trial();
        self.actual.watch.rolled_back_at = None;
        self.save(&before, effects);
    }

    fn step_done(&mut self, effects: &mut Vec<Effect>) {
        let Some(working) = self.actual.setup.working.take() else {
            return;
        };
        match working.task {
            Task::Join(ssid) => {
                let text = words::joined(&ssid, self.actual.setup.network.as_deref());
                self.confirmed(working.print, text, Some(ssid));
            }
            Task::Adopt(code) => {
                // Between asking and this somebody else may have set the box up.
                if let Err(sentence) = self.may_take(&code) {
                    self.refused(working.print, sentence, Blink::Refused);
                    return;
                }
                // First, so that no stream is begun that the next start would cut off.
                self.actual.setup.working = Some(Working {
                    task: Task::Save { restart: true },
                    ..working
                });
                self.take(&code, effects);
            }
            // That one is answered by `Persisted`.
            Task::Save { .. } => self.actual.setup.working = Some(working),
        }
    }

    fn step_failed(&mut self, reason: &str) {
        let blink = match self.actual.setup.working.as_ref().map(|w| &w.task) {
            Some(Task::Join(_)) => Blink::NoNetwork,
            Some(Task::Adopt(_)) => Blink::Refused,
            Some(Task::Save { .. }) | None => return,
        };
        if let Some(working) = self.actual.setup.working.take() {
            self.refused(working.print, words::sentence(&clean(reason)), blink);
        }
    }

    fn note(&mut self, text: String, progress: Progress) {
        let until = Some(self.now.saturating_add(match progress {
            Progress::Working => STEP_LIMIT,
            _ => NOTE_FOR,
        }));
        self.actual.setup.note = Some(Note {
            text,
            progress,
            until,
        });
    }

    fn confirmed(&mut self, print: Print, text: String, joined: Option<String>) {
        self.note(text, Progress::Done);
        self.actual.setup.blink = Some((Blink::Yes, self.now.saturating_add(YES_FOR)));
        self.actual.setup.last = Some(Last {
            print,
            good: true,
            at: self.now,
            joined,
        });
    }

    fn refused(&mut self, print: Print, text: String, blink: Blink) {
        self.note(text, Progress::Failed);
        self.actual.setup.blink = Some((blink, self.now.saturating_add(NO_FOR)));
        self.actual.setup.last = Some(Last {
            print,
            good: false,
            at: self.now,
            joined: None,
        });
    }

    /// Time goes on.
    pub(in super::super) fn tick_setup(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now;
        let setup = &mut self.actual.setup;
        if setup.open_until.is_some_and(|until| now >= until) {
            setup.open_until = None;
        }
        if setup.blink.is_some_and(|(_, until)| now >= until) {
            setup.blink = None;
        }
        if let Some(note) = &mut setup.note
            && note.until.is_some_and(|until| now >= until)
        {
            note.until = None;
        }
        let late = |w: &mut Working| now.saturating_sub(w.since) >= STEP_LIMIT;
        if let Some(working) = setup.working.take_if(late) {
            let blink = match working.task {
                Task::Join(_) => Blink::NoNetwork,
                _ => Blink::Refused,
            };
            self.refused(working.print, words::TOO_LONG.into(), blink);
        }
        if self.actual.setup.restart_at.is_some_and(|at| now >= at) {
            self.actual.setup.restart_at = None;
            self.wish(Command::Restart, effects);
        }
    }

    /// The confirmation waits for the disk; the world knows whether set-up is open.
    pub(in super::super) fn sync_setup(&mut self, effects: &mut Vec<Effect>) {
        self.sync_saved();
        let open = self.is_setup_open();
        let scan = open && self.setup.scan;
        let setup = &mut self.actual.setup;
        if setup.told_scan != scan {
            setup.told_scan = scan;
            effects.push(Effect::Setup(SetupStep::Scan(scan)));
        }
        if setup.told_open != open {
            setup.told_open = open;
            effects.push(Effect::Setup(SetupStep::Open(open)));
        }
    }

    fn sync_saved(&mut self) {
        let working = self.actual.setup.working.as_ref();
        let Some(Task::Save { restart }) = working.map(|w| &w.task) else {
            return;
        };
        let restart = *restart;
        let failure = match &self.actual.saved {
            Saved::Asked => return,
            Saved::Yes => None,
            Saved::Failed { reason, .. } => Some(words::unsaved(reason)),
        };
        let Some(working) = self.actual.setup.working.take() else {
            return;
        };
        match failure {
            Some(sentence) => self.refused(working.print, sentence, Blink::Refused),
            None => {
                let text = words::taken(self, restart);
                self.confirmed(working.print, text, None);
                if restart {
                    let at = self.now.saturating_add(RESTART_AFTER);
                    self.actual.setup.restart_at = Some(at);
                }
            }
        }
    }

    /// Whether the box is about to start anew with what it was told: a stream would be cut off at once.
    pub(in super::super) fn is_taking_up(&self) -> bool {
        let setup = &self.actual.setup;
        let saving = matches!(
            setup.working.as_ref().map(|w| &w.task),
            Some(Task::Save { restart: true })
        );
        saving || setup.restart_at.is_some()
    }
}

fn fingerprint(text: &str) -> Print {
    Sha256::digest(text.as_bytes()).into()
}

/// What is kept of a claim token. Hashes are compared, so how long that takes says nothing of the token.
fn claim_of(token: &str) -> String {
    fingerprint(token).iter().fold(String::new(), |mut hex, b| {
        let _ = write!(hex, "{b:02x}");
        hex
    })
}
