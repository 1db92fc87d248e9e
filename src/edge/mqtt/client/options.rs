//! What rumqttc is told.

use std::time::Duration;

use rumqttc::{
    AckMode, Broker, ConnectProperties, LastWill, LastWillProperties, MqttOptions,
    PersistedAckMode, PersistedSession, Publish, PublishProperties, QoS, SessionStore,
    SessionStoreKey, Transport,
};

use super::wire::{Pulse, connect};
use super::{ClientOptions, Message, Properties, Qos, Timing, tls};
use crate::error::{Error, Kind, Result};

/// Messages with QoS 1 that the broker may send before the first is acknowledged. With [`super::MAX_INCOMING`] this
/// bounds what a flood can occupy: 1 MiB.
pub const RECEIVE_MAX: u16 = 16;
/// Messages of ours that fly at one time.
pub const FLYING_MAX: u16 = 32;
/// Length of a string or of binary data in MQTT (section 1.5.4).
const MAX_STRING: usize = 65_535;
/// The largest packet of MQTT (section 1.5.5), less room for its properties.
const MAX_PAYLOAD: usize = 268_435_455 - 4 * MAX_STRING;

/// Options for rumqttc.
///
/// # Errors
/// Certificates cannot be read.
pub fn build(options: &ClientOptions, timing: Timing, pulse: &Pulse) -> Result<MqttOptions> {
    let broker = Broker::tcp(options.broker.host(), options.broker.port());
    let mut out = MqttOptions::new(&options.client_id, broker);
    if options.broker.is_tls() {
        out.set_transport(Transport::tls_with_config(tls::configuration(options)?));
    }
    let expiry = u32::try_from(options.session_expiry.as_secs()).unwrap_or(u32::MAX);
    let mut connect_properties = ConnectProperties::new();
    connect_properties.session_expiry_interval = (expiry > 0).then_some(expiry);
    connect_properties.receive_maximum = Some(RECEIVE_MAX);
    connect_properties.max_packet_size = Some(options.max_incoming.max(1));
    out.set_keep_alive(keep_alive(timing))
        .set_connect_timeout(timing.connect_limit)
        .set_connect_properties(connect_properties)
        .set_clean_start(!is_persistent(options))
        .set_session_store(Resumed)
        .set_ack_mode(AckMode::Manual)
        .set_outgoing_inflight_upper_limit(FLYING_MAX)
        .set_max_request_batch(usize::from(FLYING_MAX));
    match (&options.password, options.user.as_str()) {
        (Some(password), user) => {
            out.set_credentials(user, password.expose().to_owned());
        }
        (None, "") => {}
        (None, user) => {
            out.set_username(user);
        }
    }
    if let Some((message, delay)) = &options.will {
        out.set_last_will(will(message, *delay));
    }
    let pulse = pulse.clone();
    out.set_socket_connector(move |address, _| connect(address, pulse.clone()));
    out.validate().map_err(|e| {
        Error::new(Kind::Internal, "The options of the MQTT client are wrong.").caused_by(e)
    })?;
    Ok(out)
}

/// Keep-alive in the whole seconds of the protocol.
pub fn keep_alive(timing: Timing) -> u16 {
    u16::try_from(timing.keep_alive.as_secs().max(1)).unwrap_or(u16::MAX)
}

/// Whether the broker keeps a session for this client.
pub fn is_persistent(options: &ClientOptions) -> bool {
    options.session_expiry >= Duration::from_secs(1)
}

fn will(message: &Message, delay: Duration) -> LastWill {
    let properties = LastWillProperties {
        delay_interval: Some(u32::try_from(delay.as_secs()).unwrap_or(u32::MAX)),
        payload_format_indicator: None,
        message_expiry_interval: message.properties.expiry_s,
        content_type: message.properties.content_type.clone(),
        response_topic: message.properties.response_topic.clone(),
        correlation_data: message.properties.correlation.clone(),
        user_properties: Vec::new(),
    };
    LastWill::new(
        message.topic.clone(),
        message.payload.to_vec(),
        qos(message.qos),
        message.retain,
        Some(properties),
    )
}

/// Delivery in rumqttc's words.
pub fn qos(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
    }
}

/// A message as a packet.
pub fn packet(message: &Message) -> Publish {
    let p = &message.properties;
    let properties = (*p != Properties::default()).then(|| PublishProperties {
        message_expiry_interval: p.expiry_s,
        response_topic: p.response_topic.clone(),
        correlation_data: p.correlation.clone(),
        content_type: p.content_type.clone(),
        ..PublishProperties::default()
    });
    let mut packet = Publish::new(
        message.topic.as_str(),
        qos(message.qos),
        message.payload.clone(),
        properties,
    );
    packet.retain = message.retain;
    packet
}

/// What could not be a packet of MQTT is refused before it breaks a connection.
///
/// # Errors
/// `Refused`, with what is wrong.
pub fn check(message: &Message) -> Result<()> {
    let p = &message.properties;
    let too_long = |text: &Option<String>| text.as_ref().is_some_and(|t| t.len() > MAX_STRING);
    let what = if message.topic.is_empty() || message.topic.len() > MAX_STRING {
        "its topic must have from 1 to 65535 bytes"
    } else if message.topic.contains(['+', '#', '\0']) {
        "its topic must not hold +, # or NUL"
    } else if message.payload.len() > MAX_PAYLOAD {
        "it is larger than MQTT allows"
    } else if too_long(&p.response_topic) || too_long(&p.content_type) {
        "a property of it is longer than MQTT allows"
    } else if p
        .response_topic
        .as_ref()
        .is_some_and(|t| t.is_empty() || t.contains(['+', '#', '\0']))
    {
        "its response topic must not be empty or hold +, # or NUL"
    } else if p.correlation.as_ref().is_some_and(|c| c.len() > MAX_STRING) {
        "its correlation data are longer than MQTT allows"
    } else {
        return Ok(());
    };
    Err(Error::new(
        Kind::Refused,
        format!("The MQTT message cannot be published: {what}."),
    ))
}

/// A session of an earlier process is taken over as it is at the broker: of ours nothing was on its way that anybody
/// remembers, since what must survive a crash is published anew from the journal and the outbox. Without a store rumqttc
/// would refuse such a session, and every publish in it.
#[derive(Debug)]
struct Resumed;

impl SessionStore for Resumed {
    fn load<'a>(
        &'a self,
        key: &'a SessionStoreKey,
    ) -> std::pin::Pin<Box<dyn Future<Output = Loaded> + Send + 'a>> {
        let session = PersistedSession {
            format_version: 1,
            client_id: key.client_id().to_owned(),
            clean_start: false,
            session_expiry_interval: None,
            outgoing_inflight_upper_limit: Some(FLYING_MAX),
            ack_mode: PersistedAckMode::Manual,
            last_pkid: 0,
            last_puback: 0,
            replay: Vec::new(),
            incoming_qos2: Vec::new(),
        };
        Box::pin(std::future::ready(Ok(Some(session))))
    }

    fn save<'a>(
        &'a self,
        _key: &'a SessionStoreKey,
        _session: &'a PersistedSession,
    ) -> std::pin::Pin<Box<dyn Future<Output = Stored> + Send + 'a>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn clear<'a>(
        &'a self,
        _key: &'a SessionStoreKey,
    ) -> std::pin::Pin<Box<dyn Future<Output = Stored> + Send + 'a>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

type Stored = Result<(), rumqttc::SessionStoreError>;
type Loaded = Result<Option<PersistedSession>, rumqttc::SessionStoreError>;

#[cfg(test)]
mod tests {
    use super::*;

    fn message(topic: &str) -> Message {
        Message {
            topic: topic.into(),
            payload: bytes::Bytes::new(),
            qos: Qos::AtLeastOnce,
            retain: false,
            properties: Properties::default(),
        }
    }

    #[test]
    fn what_is_no_packet_is_refused_here() {
        assert!(check(&message("boothcast/v1/shop/box/b1/conn")).is_ok());
        for topic in ["", "a/+", "a/#", "a\0", &"x".repeat(65_536)] {
            assert_eq!(check(&message(topic)).unwrap_err().kind(), Kind::Refused);
        }
        let mut m = message("a");
        m.properties.response_topic = Some("b/#".into());
        assert!(check(&m).is_err());
        m.properties.response_topic = Some("b".into());
        m.properties.correlation = Some(vec![0; 65_536].into());
        assert!(check(&m).is_err());
    }
}
