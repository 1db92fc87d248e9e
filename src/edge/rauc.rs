//! RAUC on the system bus (`de.pengutronix.rauc.Installer`, <https://rauc.readthedocs.io/en/latest/reference.html#d-bus-api>):
//! what is in the slots, installing a bundle, marking the slot in use. Works with RAUC 1.8 (Debian 12) and newer.
//!
//! Nothing here writes to a slot: RAUC does, as root, after it has checked the signature.

mod explain;
/// Bundles from a server.
pub mod fetch;
/// Small files that outlive a start.
pub mod places;
/// Versions compared.
pub mod version;

use std::collections::HashMap;
use std::future::poll_fn;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use zbus::export::futures_core::Stream;
use zbus::message::Type;
use zbus::{Connection, MatchRule, MessageStream, OwnedVariant, Variant};

use crate::device::update::{Slot, Slots};
use crate::error::{Error, Kind, Result};
pub use explain::explain;
use places::Places;
use version::Version;

/// Its name on the bus.
const RAUC: &str = "de.pengutronix.rauc";
/// The object.
const PATH: &str = "/";
/// Its interface.
const INSTALLER: &str = "de.pengutronix.rauc.Installer";
/// Properties of any object.
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// Longest wait for a connection to the bus.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest wait for an answer: RAUC is started by the bus, and checks a signature over a slow card.
const ANSWER: Duration = Duration::from_secs(60);
/// Longest time for an installation.
const INSTALL_LIMIT: Duration = Duration::from_secs(1800);
/// How often the progress is looked at.
const POLL: Duration = Duration::from_millis(500);
/// RAUC that does nothing for so long without having said that it has ended was started anew.
const LOST: Duration = Duration::from_secs(10);
/// The beginning of `compatible` of a box of ours.
const OURS: &str = "boothcast-";

/// RAUC.
#[derive(Debug, Clone)]
pub struct Rauc {
    bus: Connection,
    places: Places,
}

/// What a bundle says of itself, its signature checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// For which boxes.
    pub compatible: String,
    /// Its version.
    pub version: String,
}

impl Rauc {
    /// Connects to the system bus (`DBUS_SYSTEM_BUS_ADDRESS`, else the usual socket) and looks whether RAUC is there for a
    /// box of ours; `None`: it is not.
    ///
    /// # Errors
    /// RAUC is there and does not answer.
    pub async fn connect(places: Places) -> Result<Option<Self>> {
        let builder = zbus::connection::Builder::system().method_timeout(ANSWER);
        let Ok(Ok(bus)) = timeout(CONNECT, builder.build()).await else {
            return Ok(None);
        };
        let rauc = Self { bus, places };
        match rauc.property::<String>("Compatible").await {
            Ok(compatible) => Ok(compatible.starts_with(OURS).then_some(rauc)),
            Err(e) if absent(&e) => Ok(None),
            Err(e) => Err(failed("It does not say for which boxes it is", e)),
        }
    }

    /// The slots; `None`: the machine was not started from one.
    ///
    /// # Errors
    /// RAUC does not answer.
    pub async fn slots(&self) -> Result<Option<Slots>> {
        type Status = Vec<(String, HashMap<String, OwnedVariant>)>;
        let said: Result<Status, _> = self.call("GetSlotStatus", &()).await;
        let said = said.map_err(|e| failed("It does not say what is in the slots", e))?;
        let text = |slot: &HashMap<String, OwnedVariant>, key: &str| {
            slot.get(key)
                .and_then(|v| String::try_from(v.try_clone().ok()?).ok())
        };
        let booted = said.iter().map(|(_, slot)| slot).find(|slot| {
            text(slot, "state").as_deref() == Some("booted") && slot.contains_key("bootname")
        });
        let Some(booted) = booted else {
            return Ok(None);
        };
        let Some(name) = text(booted, "bootname").and_then(|n| places::slot(&n)) else {
            return Ok(None);
        };
        let other = match name {
            Slot::A => Slot::B,
            Slot::B => Slot::A,
        };
        Ok(Some(Slots {
            booted: name,
            version: self.places.version(),
            // A new version has one try, so the loader counts it as spent until it is marked good.
            trial: text(booted, "boot-status").as_deref() == Some("bad")
                && self.places.may_be_on_trial(name),
            other: self.places.ran_well(other),
        }))
    }

    /// Looks at a bundle on this machine: signature, board, version. Writes nothing.
    ///
    /// # Errors
    /// Why it is not to be installed: one sentence.
    pub async fn inspect(&self, path: &str, downgrade: bool) -> Result<Bundle> {
        let said: Result<(String, String), _> = self.call("Info", &(path,)).await;
        let (compatible, version) = said.map_err(|e| unreadable(path, &words(&e)))?;
        let bundle = Bundle {
            compatible,
            version,
        };
        let ours: String = self
            .property("Compatible")
            .await
            .map_err(|e| failed("It does not say for which boxes it is", e))?;
        self.check(path, &bundle, &ours, downgrade)?;
        Ok(bundle)
    }

    fn check(&self, path: &str, bundle: &Bundle, ours: &str, downgrade: bool) -> Result<()> {
        let refused = |what: String, mend: &str| {
            Err(Error::new(Kind::Refused, format!("The bundle {path} {what}.")).mend(mend))
        };
        if bundle.compatible != ours {
            return refused(
                format!("is made for {} and this box is {ours}", bundle.compatible),
                "Use the bundle whose name has this box's board.",
            );
        }
        let runs = self.places.version();
        let (Some(new), Some(old)) = (Version::parse(&bundle.version), Version::parse(&runs))
        else {
            if downgrade {
                return Ok(());
            }
            return refused(
                format!(
                    "has version \"{}\", which cannot be compared with {runs}, the one that runs",
                    bundle.version
                ),
                "Give it a version such as 1.2.0, or install it as a downgrade.",
            );
        };
        if new <= old && !downgrade {
            return refused(
                format!(
                    "has version {}, which is not newer than {runs}, the one that runs",
                    bundle.version
                ),
                "Use a newer bundle, or install it as a downgrade.",
            );
        }
        Ok(())
    }

    /// Installs a bundle into the other slot and tells `progress` how far it is (per cent, what is done). The other slot
    /// starts next once this is done.
    ///
    /// # Errors
    /// One sentence; the slot in use is as before, and the next to start.
    pub async fn install(&self, path: &str, mut progress: impl FnMut(u8, &str)) -> Result<()> {
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(RAUC)
            .interface(INSTALLER)
            .member("Completed")
            .build()
            .map_err(|e| failed("It cannot be listened to", e))?;
        let mut said = MessageStream::for_match_rule(rule, &self.bus, None)
            .await
            .map_err(|e| failed("It cannot be listened to", e))?;
        let none: HashMap<&str, Variant<'_>> = HashMap::new();
        self.call::<_, ()>("InstallBundle", &(path, none))
            .await
            .map_err(|e| explain(path, &words(&e)))?;
        let begun = Instant::now();
        let mut idle_since = None;
        let mut look = interval(POLL);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = poll_fn(|cx| Pin::new(&mut said).poll_next(cx)) => {
                    let Some(Ok(message)) = message else {
                        return Err(lost(path));
                    };
                    let Ok(result) = message.body().deserialize::<i32>() else {
                        continue;
                    };
                    return self.outcome(path, result).await;
                }
                _ = look.tick() => {
                    if let Ok((percent, step, _)) = self.property::<(i32, String, i32)>("Progress").await {
                        progress(u8::try_from(percent.clamp(0, 100)).unwrap_or(0), &step);
                    }
                    let idle = self.property::<String>("Operation").await.is_ok_and(|o| o == "idle");
                    let since = *idle_since.get_or_insert_with(Instant::now);
                    if !idle {
                        idle_since = None;
                    } else if since.elapsed() >= LOST {
                        return Err(lost(path));
                    }
                    if begun.elapsed() >= INSTALL_LIMIT {
                        return Err(Error::new(Kind::Timeout, format!(
                            "The bundle {path} was not installed within {} minutes.", INSTALL_LIMIT.as_secs() / 60
                        )).mend("The card may be worn out; try another one."));
                    }
                }
            }
        }
    }

    async fn outcome(&self, path: &str, result: i32) -> Result<()> {
        if result == 0 {
            return Ok(());
        }
        let why = self.property::<String>("LastError").await;
        let why = why.as_deref().unwrap_or("it does not say why");
        match self.places.refused() {
            Some(refusal) if why.contains("andler") => {
                Err(explain(path, &format!("boothcast: {refusal}")))
            }
            _ => Err(explain(path, why)),
        }
    }

    /// Marks the slot in use good: it starts from now on.
    ///
    /// # Errors
    /// RAUC or the boot loader's state does not take it.
    pub async fn mark_good(&self) -> Result<()> {
        self.mark("good", "booted").await
    }

    /// Marks the slot in use bad: the other one starts next.
    ///
    /// # Errors
    /// RAUC or the boot loader's state does not take it.
    pub async fn mark_bad(&self) -> Result<()> {
        self.mark("bad", "booted").await
    }

    /// Lets the other slot start next.
    ///
    /// # Errors
    /// RAUC or the boot loader's state does not take it.
    pub async fn use_other(&self) -> Result<()> {
        self.mark("active", "other").await
    }

    async fn mark(&self, state: &str, slot: &str) -> Result<()> {
        let said: Result<(String, String), _> = self.call("Mark", &(state, slot)).await;
        let (slot, message) = said.map_err(|e| failed("The slot cannot be marked", e))?;
        tracing::info!(slot, "{message}");
        Ok(())
    }

    async fn call<B, R>(&self, method: &str, body: &B) -> zbus::Result<R>
    where
        B: serde::Serialize + zbus::DynamicType,
        R: for<'d> zbus::wire::DynamicDeserialize<'d>,
    {
        let said = self
            .bus
            .call_method(Some(RAUC), PATH, Some(INSTALLER), method, body)
            .await?;
        said.body().deserialize()
    }

    async fn property<T>(&self, name: &str) -> zbus::Result<T>
    where
        T: TryFrom<OwnedVariant>,
        T::Error: Into<zbus::Error>,
    {
        let said = self
            .bus
            .call_method(
                Some(RAUC),
                PATH,
                Some(PROPERTIES),
                "Get",
                &(INSTALLER, name),
            )
            .await?;
        let value: OwnedVariant = said.body().deserialize()?;
        T::try_from(value).map_err(Into::into)
    }
}

/// Why a bundle cannot be looked at. RAUC 1.8 does not say.
fn unreadable(path: &str, said: &str) -> Error {
    if said != "rauc info error" {
        return explain(path, said);
    }
    match std::fs::metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            explain(path, "no such file or directory")
        }
        _ => Error::new(
            Kind::Refused,
            format!(
                "The bundle {path} is damaged, or signed with a key that this box does not trust."
            ),
        )
        .mend("RAUC's log says which (journalctl -u rauc). Copy it anew, or use one that was made for this box."),
    }
}

fn lost(path: &str) -> Error {
    let said = format!("RAUC ended while it installed the bundle {path}.");
    Error::new(Kind::Internal, said).mend("Try again; look into its log (journalctl -u rauc).")
}

fn failed(what: &str, e: zbus::Error) -> Error {
    Error::new(Kind::Internal, format!("RAUC does not work: {what}."))
        .mend("Look into its log (journalctl -u rauc).")
        .caused_by(e)
}

/// What a refused call says.
fn words(e: &zbus::Error) -> String {
    match e {
        zbus::Error::MethodError(_, Some(text), _) => text.clone(),
        other => other.to_string(),
    }
}

/// Nobody has this name, and nobody can be started under it.
fn absent(e: &zbus::Error) -> bool {
    use zbus::fdo::Error as Fdo;
    match e {
        zbus::Error::FDO(e) => {
            matches!(**e, Fdo::ServiceUnknown(_) | Fdo::NameHasNoOwner(_))
        }
        zbus::Error::MethodError(name, _, _) => name.contains("ServiceUnknown"),
        _ => false,
    }
}
