//! The box's own certificate: made once, kept by `app`, known to people by its fingerprint.

use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;

pub use super::inside::Certificate;
use crate::error::{Error, Kind, Result};

/// A key (P-256) and a certificate that it signs itself, for these names (with and without `.local`), these addresses, and loopback.
/// It is for thirty years: the box may have no clock, and nobody but a person judges it.
///
/// # Errors
/// A name cannot stand in a certificate, or the system gives no random numbers.
pub fn make(names: &[String], addresses: &[IpAddr]) -> Result<Certificate> {
    let failed = |e: rcgen::Error| {
        Error::new(
            Kind::Internal,
            "The certificate for HTTPS could not be made",
        )
        .caused_by(e)
    };
    let mut all: Vec<String> = Vec::new();
    for name in names {
        all.extend([
            name.to_ascii_lowercase(),
            format!("{}.local", name.to_ascii_lowercase()),
        ]);
    }
    all.push("localhost".into());
    let mut params = CertificateParams::new(all).map_err(failed)?;
    let here = [
        IpAddr::from([127, 0, 0, 1]),
        IpAddr::from(std::net::Ipv6Addr::LOCALHOST),
    ];
    params.subject_alt_names.extend(
        addresses
            .iter()
            .chain(&here)
            .map(|ip| SanType::IpAddress(*ip)),
    );
    let called = names.first().map_or("boothcast", String::as_str);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, called);
    params.not_before = rcgen::date_time_ymd(2025, 1, 1);
    params.not_after = rcgen::date_time_ymd(2055, 1, 1);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().map_err(failed)?;
    let cert = params.self_signed(&key).map_err(failed)?;
    Ok(Certificate {
        cert: cert.pem(),
        key: key.serialize_pem(),
    })
}

/// SHA-256 of a certificate (PEM), as browsers show it: pairs of hex digits with colons.
///
/// # Errors
/// It is no certificate.
pub fn fingerprint(cert_pem: &str) -> Result<String> {
    let cert = CertificateDer::from_pem_slice(cert_pem.as_bytes())
        .map_err(|e| damaged(&format!("{e:?}")))?;
    let pairs = Sha256::digest(&cert);
    let pairs: Vec<String> = pairs.iter().map(|b| format!("{b:02X}")).collect();
    Ok(pairs.join(":"))
}

/// What takes connections.
///
/// # Errors
/// Certificate and key are damaged, or do not belong together.
pub fn acceptor(certificate: &Certificate) -> Result<TlsAcceptor> {
    let cert = CertificateDer::from_pem_slice(certificate.cert.as_bytes())
        .map_err(|e| damaged(&format!("{e:?}")))?;
    let key =
        PrivateKeyDer::from_pem_slice(certificate.key.as_bytes()).map_err(|_| damaged("no key"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|c| {
            c.with_no_client_auth()
                .with_single_cert(vec![cert.into_owned()], key)
        })
        .map_err(|e| damaged(&e.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn damaged(why: &str) -> Error {
    Error::new(
        Kind::Corrupt,
        format!("The certificate for HTTPS cannot be used: {why}."),
    )
    .mend("Delete it from the state folder; the box makes another at its next start.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_made_and_has_a_fingerprint() {
        let made = make(&["boothcast-ab3f".into()], &["192.0.2.7".parse().unwrap()]).unwrap();
        let said = fingerprint(&made.cert).unwrap();
        assert_eq!((said.len(), said.matches(':').count()), (95, 31));
        assert!(acceptor(&made).is_ok());
        let other = make(&[], &[]).unwrap();
        assert_ne!(fingerprint(&other.cert).unwrap(), said);
        assert!(!format!("{made:?}").contains("KEY"));
        let mixed = Certificate {
            cert: made.cert.clone(),
            key: other.key,
        };
        assert!(acceptor(&mixed).is_err(), "a key of another certificate");
        assert!(fingerprint("nothing").is_err());
        assert!(
            acceptor(&Certificate {
                cert: made.cert,
                key: String::new()
            })
            .is_err()
        );
    }
}
