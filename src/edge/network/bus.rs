//! NetworkManager on the system bus: calls with a deadline, properties, and its signals as one bounded stream of words.
//!
//! The interfaces are those of <https://networkmanager.dev/docs/api/latest/spec.html>.

use std::collections::HashMap;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::timeout;
use zbus::export::futures_core::Stream;
use zbus::message::Type;
use zbus::{Connection, MatchRule, Message, MessageStream, OwnedObjectPath, OwnedVariant};

use crate::error::{Error, Kind, Result};

/// Its name on the bus, and the beginning of its interfaces.
pub const NM: &str = "org.freedesktop.NetworkManager";
/// The object that stands for all of it.
pub const ROOT: &str = "/org/freedesktop/NetworkManager";
/// Longest wait for an answer.
const ANSWER: Duration = Duration::from_secs(8);
/// Longest wait for a connection to the bus.
const CONNECT: Duration = Duration::from_secs(5);
/// The bus's own.
const BUS: &str = "org.freedesktop.DBus";
/// Properties of an object, interface by interface.
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// Properties of one interface.
pub type Properties = HashMap<String, OwnedVariant>;

/// A connection to the bus.
#[derive(Debug, Clone)]
pub struct Bus {
    connection: Connection,
}

impl Bus {
    /// Connects to the system bus (`DBUS_SYSTEM_BUS_ADDRESS`, else the usual socket).
    ///
    /// # Errors
    /// There is no bus, or it does not answer.
    pub async fn connect() -> Result<Self> {
        let builder = zbus::connection::Builder::system().method_timeout(ANSWER);
        match timeout(CONNECT, builder.build()).await {
            Ok(Ok(connection)) => Ok(Self { connection }),
            Ok(Err(e)) => Err(absent().caused_by(e)),
            Err(_) => Err(absent()),
        }
    }

    /// Whether NetworkManager is on the bus now.
    ///
    /// # Errors
    /// The bus does not answer.
    pub async fn has_manager(&self) -> Result<bool> {
        let answer = self
            .connection
            .call_method(
                Some(BUS),
                "/org/freedesktop/DBus",
                Some(BUS),
                "NameHasOwner",
                &(NM,),
            )
            .await;
        answer
            .and_then(|m| m.body().deserialize::<bool>())
            .map_err(explain)
    }

    /// Calls `method` of an interface of NetworkManager; `interface` is what follows its name, such as `.Device.Wireless`.
    ///
    /// # Errors
    /// It refuses, is not there, or does not answer in time.
    pub async fn call<B>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        body: &B,
    ) -> Result<Message>
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        let interface = format!("{NM}{interface}");
        let call =
            self.connection
                .call_method(Some(NM), path, Some(interface.as_str()), method, body);
        call.await.map_err(explain)
    }

    /// All properties of one interface of an object.
    ///
    /// # Errors
    /// As [`Bus::call`].
    pub async fn properties(&self, path: &str, interface: &str) -> Result<Properties> {
        let interface = format!("{NM}{interface}");
        let body = (interface.as_str(),);
        let call = self
            .connection
            .call_method(Some(NM), path, Some(PROPERTIES), "GetAll", &body);
        let answer = call.await.map_err(explain)?;
        answer.body().deserialize().map_err(explain)
    }

    /// Sets a property.
    ///
    /// # Errors
    /// As [`Bus::call`].
    pub async fn set(
        &self,
        path: &str,
        interface: &str,
        property: &str,
        value: zbus::Variant<'_>,
    ) -> Result<()> {
        let interface = format!("{NM}{interface}");
        let body = (interface.as_str(), property, value);
        let call = self
            .connection
            .call_method(Some(NM), path, Some(PROPERTIES), "Set", &body);
        call.await.map(drop).map_err(explain)
    }

    /// What NetworkManager says unasked, from now on. It must be read all the time: what is not read holds up answers, too.
    ///
    /// # Errors
    /// The bus does not answer.
    pub async fn words(&self) -> Result<Words> {
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(NM)
            .build()
            .map_err(explain)?;
        let owner = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(BUS)
            .member("NameOwnerChanged")
            .add_arg(NM)
            .build()
            .map_err(explain)?;
        let subscribe = async {
            let said = MessageStream::for_match_rule(rule, &self.connection, None).await?;
            let owner = MessageStream::for_match_rule(owner, &self.connection, None).await?;
            Ok::<_, zbus::Error>(Words { said, owner })
        };
        match timeout(ANSWER, subscribe).await {
            Ok(words) => words.map_err(explain),
            Err(_) => Err(silent()),
        }
    }
}

/// One thing that NetworkManager said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Something about links, addresses or connections has changed.
    Changed,
    /// A device has another state.
    Device {
        /// Which.
        path: String,
        /// `NMDeviceState`.
        state: u32,
        /// `NMDeviceStateReason`.
        reason: u32,
    },
    /// Nothing of interest (the strength of an access point, its statistics).
    Other,
}

/// The signals.
pub struct Words {
    said: MessageStream,
    owner: MessageStream,
}

impl Words {
    /// The next; `None`: the connection is gone.
    pub async fn next(&mut self) -> Option<Word> {
        std::future::poll_fn(|cx| {
            for (stream, owner) in [(&mut self.owner, true), (&mut self.said, false)] {
                if let std::task::Poll::Ready(item) = Pin::new(stream).poll_next(cx) {
                    let word = item.map(|message| match message {
                        Ok(_) if owner => Word::Changed,
                        Ok(message) => word(&message),
                        Err(_) => Word::Changed,
                    });
                    return std::task::Poll::Ready(word);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }
}

/// What a signal means to us.
fn word(message: &Message) -> Word {
    let header = message.header();
    let member = header.member().map(|m| m.as_str().to_owned());
    let interface = header.interface().map(|i| i.as_str().to_owned());
    match (interface.as_deref(), member.as_deref()) {
        (Some("org.freedesktop.NetworkManager.Device"), Some("StateChanged")) => {
            let path = header.path().map(|p| p.as_str().to_owned());
            match (path, message.body().deserialize::<(u32, u32, u32)>()) {
                (Some(path), Ok((state, _, reason))) => Word::Device {
                    path,
                    state,
                    reason,
                },
                _ => Word::Changed,
            }
        }
        (Some(PROPERTIES), Some("PropertiesChanged")) => {
            let body = message.body();
            let changed = body.deserialize::<(String, Properties, Vec<String>)>();
            match changed {
                Ok((interface, _, _)) if matters(&interface) => Word::Changed,
                _ => Word::Other,
            }
        }
        _ => Word::Other,
    }
}

fn matters(interface: &str) -> bool {
    [
        "",
        ".Connection.Active",
        ".IP4Config",
        ".IP6Config",
        ".Settings",
    ]
    .iter()
    .any(|end| interface.strip_prefix(NM) == Some(*end))
}

/// A property as `T`, if it is there and is one.
pub fn take<T: TryFrom<OwnedVariant>>(properties: &mut Properties, name: &str) -> Option<T> {
    T::try_from(properties.remove(name)?).ok()
}

/// The path in a property; `None` for `/`, which stands for nothing.
pub fn path(properties: &mut Properties, name: &str) -> Option<String> {
    let path: OwnedObjectPath = take(properties, name)?;
    Some(path.as_str().to_owned()).filter(|p| p != "/")
}

/// The paths in a property, `limit` at most.
pub fn paths(properties: &mut Properties, name: &str, limit: usize) -> Vec<String> {
    let paths: Vec<OwnedObjectPath> = take(properties, name).unwrap_or_default();
    paths
        .iter()
        .take(limit)
        .map(|p| p.as_str().to_owned())
        .collect()
}

/// There is no NetworkManager.
pub fn absent() -> Error {
    Error::new(
        Kind::Missing,
        "NetworkManager is not running, so the box cannot join a Wi-Fi network by itself.",
    )
    .mend("Connect a cable, or install network-manager.")
}

fn silent() -> Error {
    Error::new(Kind::Timeout, "NetworkManager does not answer.").mend("Restart the box.")
}

/// A fault of the bus as a sentence. Nothing of what was sent is in it: passwords are.
fn explain(e: zbus::Error) -> Error {
    use zbus::fdo;
    match &e {
        zbus::Error::InputOutput(io) if io.kind() == std::io::ErrorKind::TimedOut => silent(),
        zbus::Error::FDO(fdo) => match &**fdo {
            fdo::Error::ServiceUnknown(_) | fdo::Error::NameHasNoOwner(_) => absent(),
            fdo::Error::AccessDenied(_) | fdo::Error::AuthFailed(_) => denied(),
            _ => Error::new(Kind::Network, "NetworkManager refuses").caused_by(e),
        },
        zbus::Error::MethodError(name, text, _) => {
            if name.as_str().ends_with(".PermissionDenied") {
                return denied();
            }
            let text = text.as_deref().unwrap_or("it does not say why");
            let clean = super::super::printable(text);
            let short: String = clean.chars().take(200).collect();
            Error::new(Kind::Refused, format!("NetworkManager refuses: {short}."))
        }
        _ => Error::new(Kind::Network, "NetworkManager cannot be asked").caused_by(e),
    }
}

fn denied() -> Error {
    Error::new(
        Kind::Permission,
        "NetworkManager does not let this user change the network.",
    )
    .mend("Run the service as the image does, or give its user the rights by a polkit rule.")
}
