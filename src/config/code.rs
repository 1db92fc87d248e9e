//! What a QR code says that is shown to the box's camera: a Wi-Fi network in the form that phones make, or a Boothcast code.
//!
//! Both are `NAME:K:value;K:value;;`, with `\\` before `\\`, `;`, `,`, `:` and `"` inside values (the form of ZXing's
//! "Wi-Fi Network config").

use super::Secret;

/// A Wi-Fi network: `WIFI:T:WPA;S:name;P:password;H:true;;`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WifiCode {
    /// Its name (SSID), 1 to 32 bytes.
    pub ssid: String,
    /// Its password, 8 to 63 characters; `None`: an open network.
    pub password: Option<Secret>,
    /// The network does not say its name.
    pub hidden: bool,
}

/// What a box is to be: `BOOTHCAST:V:1;…;;`. Each part may be left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BoxCode {
    /// Name of the box (`N`).
    pub name: Option<super::BoxName>,
    /// Where it pushes to (`U`), kept as the destination `live`.
    pub url: Option<super::StreamUrl>,
    /// Stream key (`K`).
    pub key: Option<Secret>,
    /// Fleet (`F`), as in `mqtt.fleet`.
    pub fleet: Option<String>,
    /// Its id in the fleet (`I`), as in `mqtt.id`.
    pub id: Option<String>,
    /// Broker (`B`), as in `mqtt.broker`.
    pub broker: Option<String>,
    /// User at the broker (`M`).
    pub user: Option<String>,
    /// Password at the broker (`P`).
    pub password: Option<Secret>,
    /// Who claims the box (`C`), 8 to 64 characters: later codes must carry the same, until the factory reset.
    pub claim: Option<Secret>,
}

/// Either.
#[derive(Debug, Clone, PartialEq)]
pub enum SetupCode {
    /// A network to join.
    Wifi(WifiCode),
    /// What the box is to be.
    Box(Box<BoxCode>),
}
