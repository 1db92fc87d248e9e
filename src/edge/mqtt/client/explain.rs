//! What went wrong, for people: one clause each, without secrets. Pure.

use std::error::Error as StdError;
use std::io;

use rumqttc::mqttbytes::Error as PacketError;
use rumqttc::{
    ConnectReturnCode, ConnectionError, DisconnectReasonCode, PubAckReason, StateError,
    SubscribeReasonCode,
};
use rustls::{AlertDescription, CertificateError};

use super::wire::NoSuchName;
use crate::config::BrokerUrl;
use crate::error::{Error, Kind};

/// Why a connection, or the try, failed. `up`: there was one.
pub fn failure(e: &ConnectionError, broker: &BrokerUrl, up: bool) -> String {
    if let Some(tls) = inside::<rustls::Error>(e) {
        return handshake(tls, broker.host());
    }
    if inside::<NoSuchName>(e).is_some() {
        return format!("there is no host named {}", broker.host());
    }
    if let Some(e) = inside::<io::Error>(e) {
        return socket(e, up);
    }
    match e {
        ConnectionError::ConnectionRefused(code) => refusal(*code).to_owned(),
        ConnectionError::Timeout(_) => "the broker does not answer".to_owned(),
        ConnectionError::MqttState(e) => protocol(e, broker, up),
        ConnectionError::NotConnAck(_) => "what answers there is no MQTT broker".to_owned(),
        ConnectionError::SessionStateMismatch { .. } => {
            "the broker keeps a session that was not asked for".to_owned()
        }
        other => other.to_string(),
    }
}

/// Whether an error of this type is among the causes, inside of I/O errors, too.
fn inside<'a, T: StdError + 'static>(e: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(e);
    // A chain has a few links; the bound is against one that would be a ring.
    for _ in 0..16 {
        let e = next?;
        if let Some(found) = e.downcast_ref::<T>() {
            return Some(found);
        }
        next = match e.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => match e.downcast_ref::<StateError>() {
                Some(StateError::Deserialization(inner)) => Some(inner),
                _ => e.source(),
            },
        };
    }
    None
}

fn socket(e: &io::Error, up: bool) -> String {
    match e.kind() {
        io::ErrorKind::ConnectionRefused => "nobody listens at this address".to_owned(),
        io::ErrorKind::TimedOut => "the broker does not answer".to_owned(),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            "there is no way to the broker; is this box on the network?".to_owned()
        }
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionAborted => closed(up).to_owned(),
        _ => e.to_string(),
    }
}

fn closed(up: bool) -> &'static str {
    if up {
        "the broker closed the connection"
    } else {
        "the broker closed the connection without an answer; does it speak MQTT 5, and is mqtt:// or mqtts:// right?"
    }
}

fn protocol(e: &StateError, broker: &BrokerUrl, up: bool) -> String {
    match e {
        StateError::ConnectionAborted => closed(up).to_owned(),
        StateError::ServerDisconnect { reason_code, .. } => sent_away(*reason_code).to_owned(),
        StateError::AwaitPingResp => "the broker has been silent for too long".to_owned(),
        StateError::Deserialization(PacketError::PayloadSizeLimitExceeded { pkt_size, max }) => {
            format!("the broker sent {pkt_size} bytes at once, and at most {max} were allowed")
        }
        StateError::OutgoingPacketTooLarge { max, .. }
        | StateError::Deserialization(PacketError::OutgoingPacketTooLarge { max, .. }) => {
            format!("the broker takes only {max} bytes at once")
        }
        _ if !up => format!("what answers at {} speaks no MQTT 5", broker.host()),
        other => format!("the broker broke the protocol: {other}"),
    }
}

fn refusal(code: ConnectReturnCode) -> &'static str {
    use ConnectReturnCode as C;
    match code {
        C::BadUserNamePassword => {
            "the broker does not take this user name or password; see mqtt.user and mqtt.password"
        }
        C::NotAuthorized => {
            "the broker does not let this client in; see mqtt.user, mqtt.password and mqtt.tls_cert"
        }
        C::Banned => "the broker has banned this client",
        C::ClientIdentifierNotValid | C::BadClientId => {
            "the broker does not take this client's identifier"
        }
        C::UnsupportedProtocolVersion | C::RefusedProtocolVersion => {
            "the broker does not speak MQTT 5"
        }
        C::ServerUnavailable | C::ServiceUnavailable => "the broker is not available",
        C::ServerBusy => "the broker is busy",
        C::QuotaExceeded => "the broker has a limit that is reached",
        C::ConnectionRateExceeded => "the broker takes no more connections at this rate",
        C::UseAnotherServer => {
            "the broker sends its clients to another server for now; see mqtt.broker"
        }
        C::ServerMoved => "the broker has moved to another server; see mqtt.broker",
        C::RetainNotSupported => "the broker keeps no retained messages, and Boothcast needs them",
        C::QoSNotSupported => "the broker does not know QoS 1, and Boothcast needs it",
        C::BadAuthenticationMethod => {
            "the broker wants a way of logging in that Boothcast does not know"
        }
        C::PacketTooLarge => "the broker takes only smaller packets",
        C::TopicNameInvalid => "the broker does not take the topic of the will",
        C::PayloadFormatInvalid => "the broker does not take the will",
        C::MalformedPacket | C::ProtocolError => "the broker did not understand this client",
        C::Success | C::UnspecifiedError | C::ImplementationSpecificError => {
            "the broker refused, and did not say why"
        }
    }
}

fn sent_away(code: DisconnectReasonCode) -> &'static str {
    use DisconnectReasonCode as D;
    match code {
        D::SessionTakenOver => {
            "another client came with the same identifier; is mqtt.id of two boxes the same?"
        }
        D::ServerShuttingDown => "the broker is shutting down",
        D::ServerBusy => "the broker is busy",
        D::NotAuthorized => "the broker does not allow this client what it did",
        D::KeepAliveTimeout => "the broker heard nothing of this client for too long",
        D::AdministrativeAction => "somebody closed the connection at the broker",
        D::MessageRateTooHigh => "the broker takes no more messages at this rate",
        D::QuotaExceeded => "the broker has a limit that is reached",
        D::ConnectionRateExceeded => "the broker takes no more connections at this rate",
        D::MaximumConnectTime => "the broker ends each connection after a time",
        D::PacketTooLarge => "the broker takes only smaller packets",
        D::UseAnotherServer => {
            "the broker sends its clients to another server for now; see mqtt.broker"
        }
        D::ServerMoved => "the broker has moved to another server; see mqtt.broker",
        D::RetainNotSupported => "the broker keeps no retained messages, and Boothcast needs them",
        D::QoSNotSupported => "the broker does not know QoS 1, and Boothcast needs it",
        D::WildcardSubscriptionsNotSupported => {
            "the broker allows no wildcards in subscriptions, and Boothcast needs them"
        }
        D::MalformedPacket | D::ProtocolError => "the broker did not understand this client",
        _ => "the broker closed the connection",
    }
}

/// A message that the broker took and refused.
pub fn refused(reason: PubAckReason) -> Error {
    let (why, mend) = match reason {
        PubAckReason::NotAuthorized => (
            "this client may not write that topic",
            Some("Allow it in the broker's access list."),
        ),
        PubAckReason::QuotaExceeded => ("a limit of the broker is reached", None),
        PubAckReason::TopicNameInvalid => ("the broker does not take that topic", None),
        PubAckReason::PayloadFormatInvalid => ("the broker does not take that content", None),
        _ => ("it did not say why", None),
    };
    let error = Error::new(
        Kind::Refused,
        format!("The MQTT broker refused a message: {why}."),
    );
    match mend {
        Some(mend) => error.mend(mend),
        None => error,
    }
}

/// The same by the code of the standard (section 2.4), for those that rumqttc does not know.
pub fn refused_with(code: u8) -> Error {
    let why = match code {
        0x95 => "it is too large for the broker",
        0x96 => "the broker takes no more messages at this rate",
        0x9A => "the broker keeps no retained messages",
        0x9B => "the broker does not know QoS 1",
        _ => "it did not say why",
    };
    Error::new(
        Kind::Refused,
        format!("The MQTT broker refused a message: {why}."),
    )
}

/// Why a filter was refused, if it was.
pub fn subscription(code: SubscribeReasonCode) -> Option<&'static str> {
    use SubscribeReasonCode as S;
    Some(match code {
        S::Success(_) => return None,
        S::NotAuthorized => "this client may not read that topic",
        S::TopicFilterInvalid => "it does not take that filter",
        S::QuotaExceeded => "a limit of the broker is reached",
        S::SharedSubscriptionsNotSupported => "it has no shared subscriptions",
        S::WildcardSubscriptionsNotSupported => "it allows no wildcards",
        _ => "it did not say why",
    })
}

fn handshake(e: &rustls::Error, host: &str) -> String {
    use AlertDescription as A;
    match e {
        rustls::Error::InvalidCertificate(reason) => certificate(reason, host),
        rustls::Error::InvalidMessage(_) => {
            format!("{host} does not speak TLS on this port; use mqtt:// or another port")
        }
        rustls::Error::AlertReceived(
            A::CertificateRequired | A::HandshakeFailure | A::BadCertificate | A::AccessDenied,
        ) => {
            format!("{host} wants a certificate from this box; see mqtt.tls_cert and mqtt.tls_key")
        }
        rustls::Error::AlertReceived(
            A::UnknownCA | A::CertificateUnknown | A::CertificateExpired | A::CertificateRevoked,
        ) => format!("{host} does not take the certificate of this box; see mqtt.tls_cert"),
        other => format!("the TLS handshake with {host} failed: {other}"),
    }
}

fn certificate(reason: &CertificateError, host: &str) -> String {
    use CertificateError as C;
    match reason {
        C::UnknownIssuer => format!(
            "the certificate of {host} is signed by an authority that this box does not know; see mqtt.tls_ca"
        ),
        C::NotValidForName | C::NotValidForNameContext { .. } => {
            format!("the certificate of {host} was made for another name")
        }
        C::Expired | C::ExpiredContext { .. } | C::NotValidYet | C::NotValidYetContext { .. } => {
            format!("the certificate of {host} is out of date, or the clock of this box is wrong")
        }
        other => format!("the certificate of {host} is not valid: {other}"),
    }
}
