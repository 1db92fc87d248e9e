//! A room for tests: wishes are decided and applied at once, and the facts are kept.

use std::path::PathBuf;
use std::time::Duration;

use super::act::{Act, By, Done, Refusal, Why};
use super::event::{Event, Fact, LineState, Role};
use super::state::{Decision, Highest, Live, LiveSettings, Now};
use crate::config::{ModerationConfig, ModerationMode};

pub fn settings() -> LiveSettings {
    LiveSettings {
        moderation: ModerationConfig {
            mode: ModerationMode::Free,
            delay_s: 3.0,
            words: "badword".into(),
            words_file: PathBuf::new(),
            links: false,
            max_graphemes: 100,
            repeat_s: 30.0,
            author_per_s: 0.5,
            author_tau_s: 4.0,
            author_burst: 3.0,
            author_suppress: false,
        },
        words: vec!["坏蛋".into()],
    }
}

/// Seeds that differ by number.
pub fn seed(draw: u64) -> [u8; 32] {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&draw.to_be_bytes());
    seed
}

pub fn viewer(viewer: u64) -> By {
    By {
        viewer,
        role: Role::Viewer,
        account: None,
        addr: String::new(),
    }
}

pub fn owner() -> By {
    By {
        viewer: 0,
        role: Role::Owner,
        account: Some("olga".into()),
        addr: String::new(),
    }
}

pub struct World {
    pub live: Live,
    pub events: Vec<Event>,
    pub now: Now,
}

impl World {
    pub fn new() -> Self {
        let now = Now {
            mono: Duration::ZERO,
            wall_ms: 1_800_000_000_000,
        };
        Self {
            live: Live::new(settings()).unwrap(),
            events: Vec::new(),
            now,
        }
    }

    pub fn fact(&mut self, viewer: u64, fact: Fact) {
        let event = self.live.event(viewer, fact, self.now);
        self.live.apply(&event);
        self.events.push(event);
    }

    pub fn facts(&mut self, viewer: u64, decision: Decision) -> Done {
        match decision {
            Decision::Judge(draft) => {
                let said = self
                    .live
                    .said(&draft, LineState::Shown, None, self.now)
                    .unwrap();
                self.facts(viewer, said)
            }
            Decision::Facts { facts, done } => {
                for fact in facts {
                    self.fact(viewer, fact);
                }
                done
            }
        }
    }

    pub fn act(&mut self, by: &By, act: &Act) -> Result<Done, Refusal> {
        let decision = self.live.decide(by, act, self.now, &seed)?;
        Ok(self.facts(by.viewer, decision))
    }

    /// Done, and its number.
    #[track_caller]
    pub fn id(&mut self, by: &By, act: &Act) -> u64 {
        self.act(by, act).unwrap().id.unwrap()
    }

    /// Somebody new of an address.
    pub fn come_from(&mut self, name: &str, addr: &str) -> u64 {
        let came = self
            .live
            .decide_come(name, Role::Viewer, addr, self.now)
            .unwrap();
        self.fact(0, came);
        self.live.highest().viewer
    }

    pub fn come(&mut self, name: &str) -> u64 {
        self.come_from(name, "")
    }

    /// The room as it is after a restart: the events as they are stored, read again.
    pub fn again(&self) -> Live {
        let stored: Vec<Event> = self
            .events
            .iter()
            .map(|event| serde_json::from_str(&serde_json::to_string(event).unwrap()).unwrap())
            .collect();
        assert_eq!(stored, self.events);
        Live::load(settings(), Highest::default(), &stored).unwrap()
    }

    /// Everything that anybody can see of a room.
    pub fn seen(live: &Live) -> String {
        let viewers = 0..=live.highest().viewer;
        let yous: Vec<_> = viewers.map(|v| live.you(v, Role::Viewer)).collect();
        let all = serde_json::json!({"room": live.room(), "staff": live.staff(), "you": yous,
            "lines": live.lines(None, 1, true, 500), "shown": live.lines(None, 1, false, 500),
            "draws": (1..=live.highest().draw).map(|d| live.proof(d)).collect::<Vec<_>>()});
        all.to_string()
    }
}

pub fn say(text: &str, nonce: Option<&str>) -> Act {
    Act::Say {
        text: text.into(),
        nonce: nonce.map(Into::into),
    }
}

#[track_caller]
pub fn refused(world: &mut World, by: &By, act: &Act) -> Why {
    world.act(by, act).unwrap_err().code
}
