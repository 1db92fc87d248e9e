//! What the status light does, as data: from pattern to steps of light and dark. Single-colour, RGB and kernel LEDs
//! share this one table, so a pattern means the same on every board; colour only repeats what the rhythm says.
//!
//! | pattern | rhythm | colour |
//! |---|---|---|
//! | booting | 1 s on, 1 s off | white |
//! | set-up | 1 Hz: 500 ms on, 500 ms off | blue |
//! | ready | 50 ms on every 2 s | green |
//! | connecting | 2 Hz: 250 ms on, 250 ms off | yellow |
//! | live | on | red (on air) |
//! | live but degraded | on, with a dip of 100 ms every second | yellow |
//! | error n | n times 200 ms on, 200 ms off; then 1.2 s off | magenta |
//! | updating | twice 100 ms on, 100 ms off; then 800 ms off | cyan |
//! | identify | 10 Hz: 50 ms on, 50 ms off | white |
//! | confirm | 250 ms on, 750 ms off, for as long as a factory reset waits for its confirmation | magenta |

use serde::Serialize;

/// What is wrong, as a number of blinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// 1: no picture.
    Camera,
    /// 2: the network.
    Network,
    /// 3: a server, or its key.
    Server,
    /// 4: storage.
    Storage,
    /// 5: heat or power.
    Heat,
}

impl Trouble {
    /// How often it blinks.
    #[must_use]
    pub fn blinks(self) -> u32 {
        match self {
            Self::Camera => 1,
            Self::Network => 2,
            Self::Server => 3,
            Self::Storage => 4,
            Self::Heat => 5,
        }
    }
}

/// What the LED shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LedPattern {
    /// Starting or ending.
    Booting,
    /// Waits to be set up.
    SetUp,
    /// Ready, not live.
    Ready,
    /// Connecting to a destination.
    Connecting,
    /// Live, all well.
    Live,
    /// Live, with something amiss.
    Degraded,
    /// Something is wrong.
    Error(Trouble),
    /// A new version is being installed.
    Updating,
    /// "Here I am".
    Identify,
    /// A factory reset waits for its confirmation.
    Confirm,
}
