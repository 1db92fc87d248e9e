//! Joins a network and keeps it, or says why not and leaves everything as it was.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::time::{Instant, sleep, timeout_at};
use zbus::{ObjectPath, OwnedObjectPath, OwnedVariant, Variant};

use super::bus::{self, Bus, ROOT, Word};
use super::profile::{self, Profile, Security};
use super::{access_point, reason, scan};
use crate::config::code::WifiCode;
use crate::error::{Error, Kind, Result};

/// Longest wait for the outcome.
const OUTCOME: Duration = Duration::from_secs(45);
/// Looks around for a network that is not seen begin no later than this.
const LOOKS: Duration = Duration::from_secs(8);
/// Between looks at how far it is, where a word was missed.
const STEP: Duration = Duration::from_millis(500);
/// Longest wait for a radio that was off.
const RADIO: Duration = Duration::from_secs(5);

/// Joins `code`'s network.
pub(super) async fn join(
    bus: &Bus,
    words: broadcast::Receiver<Word>,
    code: &WifiCode,
    end: Instant,
) -> Result<()> {
    let radio = scan::radio(bus).await?;
    ready(bus, &radio).await;
    access_point::close(bus).await?;
    let seen = find(bus, &radio, code).await?;
    if seen.is_none() && !code.hidden {
        return Err(reason::not_found(&code.ssid));
    }
    let security = Security::choose(seen.map(|f| f.offer), code)?;
    let former = former(bus, &radio).await;
    let old = profile::saved(bus).await?;
    let uuid = uuid()?;
    let profile = profile::client(code, security, &uuid);
    let begun = add_and_activate(bus, &radio, &profile, "memory").await?;
    let outcome = Outcome {
        bus,
        radio: &radio,
        active: &begun.active,
        words,
        ssid: &code.ssid,
        with_password: code.password.is_some(),
    };
    match outcome.wait(end.min(Instant::now() + OUTCOME)).await {
        Ok(()) => {
            keep(bus, &begun.profile).await?;
            for saved in old.iter().filter(|s| s.ssid == code.ssid.as_bytes()) {
                // Left over, it would be tried with its old password.
                if let Err(e) = profile::delete(bus, &saved.path).await {
                    tracing::warn!("an old profile is left: {}", e.report());
                }
            }
            Ok(())
        }
        Err(e) => {
            if let Err(e) = profile::delete(bus, &begun.profile).await {
                tracing::warn!("a profile that failed is left: {}", e.report());
            }
            if let Some(former) = former {
                again(bus, &radio, &former).await;
            }
            Err(e)
        }
    }
}

/// Waits until a radio that was just switched on can be used.
async fn ready(bus: &Bus, radio: &str) {
    let end = Instant::now() + RADIO;
    while Instant::now() < end && device_state(bus, radio).await.is_some_and(|s| s <= 20) {
        sleep(STEP).await;
    }
}

async fn device_state(bus: &Bus, radio: &str) -> Option<u32> {
    let mut p = bus.properties(radio, ".Device").await.ok()?;
    bus::take(&mut p, "State")
}

/// The network among those that are seen; looks around where it is not, twice at least.
async fn find(bus: &Bus, radio: &str, code: &WifiCode) -> Result<Option<scan::Found>> {
    let hidden = code.hidden.then_some(code.ssid.as_str());
    let end = Instant::now() + LOOKS;
    let mut looks = 0;
    loop {
        let list = scan::seen(bus, radio).await?;
        let found = list.into_iter().find(|f| f.ssid == code.ssid);
        if found.is_some() || (looks >= 2 && Instant::now() >= end) {
            return Ok(found);
        }
        scan::look_around(bus, radio, hidden).await;
        looks += 1;
        // A radio that refuses to look, for it just did, would make us ask without a pause.
        sleep(STEP).await;
    }
}

/// The profile that the radio is connected by.
async fn former(bus: &Bus, radio: &str) -> Option<String> {
    let mut device = bus.properties(radio, ".Device").await.ok()?;
    let active = bus::path(&mut device, "ActiveConnection")?;
    let mut active = bus.properties(&active, ".Connection.Active").await.ok()?;
    // The access point of the box is on its way out.
    let id: String = bus::take(&mut active, "Id")?;
    (id != access_point::PROFILE_ID).then(|| bus::path(&mut active, "Connection"))?
}

/// Connects what was connected before.
async fn again(bus: &Bus, radio: &str, profile: &str) {
    let (Ok(profile), Ok(radio), Ok(none)) = (
        ObjectPath::try_from(profile),
        ObjectPath::try_from(radio),
        ObjectPath::try_from("/"),
    ) else {
        return;
    };
    let body = (profile, radio, none);
    if let Err(e) = bus.call(ROOT, "", "ActivateConnection", &body).await {
        // It connects by itself where it may; this is only quicker.
        tracing::info!(
            "the former network is not connected at once: {}",
            e.report()
        );
    }
}

/// What was begun.
pub(super) struct Begun {
    /// The profile's object.
    pub profile: String,
    /// The connection's.
    pub active: String,
}

/// Hands over a profile and has it connected; `persist` is `memory` or `volatile`.
pub(super) async fn add_and_activate(
    bus: &Bus,
    radio: &str,
    profile: &Profile<'_>,
    persist: &str,
) -> Result<Begun> {
    let broken =
        |e: zbus::Error| Error::new(Kind::Internal, "A path on the bus is broken").caused_by(e);
    let radio = ObjectPath::try_from(radio).map_err(broken)?;
    let none = ObjectPath::try_from("/").map_err(broken)?;
    let options: HashMap<&str, Variant<'_>> = HashMap::from([("persist", Variant::from(persist))]);
    let body = (profile, radio, none, options);
    let answer = bus
        .call(ROOT, "", "AddAndActivateConnection2", &body)
        .await?;
    type Answer = (
        OwnedObjectPath,
        OwnedObjectPath,
        HashMap<String, OwnedVariant>,
    );
    let (profile, active, _) = answer.body().deserialize::<Answer>().map_err(broken)?;
    Ok(Begun {
        profile: profile.as_str().to_owned(),
        active: active.as_str().to_owned(),
    })
}

/// Writes a profile that so far is in memory alone.
async fn keep(bus: &Bus, profile: &str) -> Result<()> {
    let saved = bus.call(profile, ".Settings.Connection", "Save", &()).await;
    saved.map(drop).map_err(|e| {
        Error::new(
            Kind::Permission,
            "The network is joined, but could not be saved, so it is forgotten at the next start",
        )
        .caused_by(e)
        .mend("Check that the disk is not full.")
    })
}

/// Waits for what becomes of a connection.
pub(super) struct Outcome<'a> {
    pub bus: &'a Bus,
    pub radio: &'a str,
    /// The connection's object.
    pub active: &'a str,
    pub words: broadcast::Receiver<Word>,
    pub ssid: &'a str,
    pub with_password: bool,
}

impl Outcome<'_> {
    /// Until it is up, has failed, or `end` has come.
    pub(super) async fn wait(mut self, end: Instant) -> Result<()> {
        let (mut furthest, mut last_reason) = (0, None);
        while Instant::now() < end {
            match timeout_at(end.min(Instant::now() + STEP), self.words.recv()).await {
                Ok(Ok(Word::Device {
                    path,
                    state,
                    reason,
                })) if path == self.radio => {
                    if state == reason::FAILED {
                        return Err(self.failed(reason));
                    }
                    if state < reason::ACTIVATED {
                        furthest = furthest.max(state);
                    }
                    // 0: none given.
                    last_reason = Some(reason).filter(|r| *r != 0).or(last_reason);
                    continue;
                }
                Ok(Ok(_)) => continue,
                // Words were missed, or nothing was said for a while: look.
                Ok(Err(broadcast::error::RecvError::Closed)) => sleep(STEP).await,
                Ok(Err(broadcast::error::RecvError::Lagged(_))) | Err(_) => {}
            }
            match self.progress().await {
                Progress::Up => return Ok(()),
                Progress::Gone => return Err(self.failed(last_reason.unwrap_or(0))),
                Progress::OnTheWay => {}
            }
        }
        Err(reason::too_late(self.ssid, furthest, self.with_password))
    }

    fn failed(&self, reason: u32) -> Error {
        reason::failed(self.ssid, reason, self.with_password)
    }

    async fn progress(&self) -> Progress {
        let looked = self.bus.properties(self.active, ".Connection.Active").await;
        let state = looked.map(|mut p| bus::take::<u32>(&mut p, "State"));
        match state {
            // `NM_ACTIVE_CONNECTION_STATE_ACTIVATED`, `_DEACTIVATING`, `_DEACTIVATED`
            Ok(Some(2)) => Progress::Up,
            Ok(Some(3 | 4)) => Progress::Gone,
            Err(e) if e.kind() != Kind::Timeout => Progress::Gone,
            _ => Progress::OnTheWay,
        }
    }
}

enum Progress {
    OnTheWay,
    Up,
    Gone,
}

/// A random UUID (RFC 9562, version 4).
fn uuid() -> Result<String> {
    use rand::TryRng;
    let mut b = [0_u8; 16];
    rand::rngs::SysRng.try_fill_bytes(&mut b).map_err(|e| {
        Error::new(Kind::Internal, "The system gives no random numbers").caused_by(e)
    })?;
    b[6] = b[6] & 0x0f | 0x40;
    b[8] = b[8] & 0x3f | 0x80;
    let hex: String = b.iter().map(|b| format!("{b:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    Ok([
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    ]
    .join("-"))
}
