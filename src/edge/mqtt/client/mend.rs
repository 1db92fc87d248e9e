//! What the next connection needs, by how the last one ended. Pure.

use rumqttc::mqttbytes::Error as PacketError;
use rumqttc::{ConnectionError, StateError};

/// What the next connection needs lest it end in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mend {
    Nothing,
    /// The broker's session holds what we cannot take: it begins anew.
    Session,
    /// What flew cannot pass: it is looked at again before it flies.
    Flights,
    /// The broker refused something that flew, with a code that rumqttc takes for damage: it does not know all of the
    /// standard's.
    Refused(u8),
}

impl Mend {
    /// After this error; `up`: the broker had taken us.
    pub fn after(e: &ConnectionError, up: bool) -> Self {
        use PacketError as P;
        let e = match e {
            ConnectionError::SessionStateMismatch { .. } => return Self::Session,
            ConnectionError::MqttState(e) => e,
            _ => return Self::Nothing,
        };
        match e {
            StateError::OutgoingPacketTooLarge { .. } => Self::Flights,
            StateError::Deserialization(e) => match e {
                P::PayloadSizeLimitExceeded { .. } => Self::Session,
                P::OutgoingPacketTooLarge { .. } => Self::Flights,
                P::InvalidConnectReturnCode(code) if up => Self::Refused(*code),
                _ => Self::Nothing,
            },
            _ => Self::Nothing,
        }
    }
}
