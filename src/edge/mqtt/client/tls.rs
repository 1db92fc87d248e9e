//! TLS for `mqtts`: rustls with ring; the system's authorities or a private one, and a client certificate where there is one.

use std::path::Path;
use std::sync::Arc;

use rumqttc::TlsConfiguration;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::ClientOptions;
use crate::error::{Error, Kind, Result};

/// The configuration for these options; reads files.
///
/// # Errors
/// `BadConfig`: a file cannot be read or does not hold what it should, or there is no authority at all.
pub fn configuration(options: &ClientOptions) -> Result<TlsConfiguration> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::new(Kind::Internal, "TLS cannot be set up.").caused_by(e))?
        .with_root_certificates(roots(&options.tls_ca)?);
    let (certificate, key) = (&options.tls_cert, &options.tls_key);
    let config = match (
        certificate.as_os_str().is_empty(),
        key.as_os_str().is_empty(),
    ) {
        (true, true) => builder.with_no_client_auth(),
        (false, false) => builder
            .with_client_auth_cert(
                certificates(certificate, "mqtt.tls_cert")?,
                private_key(key)?,
            )
            .map_err(|e| {
                bad(certificate, "mqtt.tls_cert", "does not fit mqtt.tls_key").caused_by(e)
            })?,
        _ => {
            return Err(Error::new(
                Kind::BadConfig,
                "mqtt.tls_cert and mqtt.tls_key belong together, and only one of them is set.",
            )
            .mend("Set both or none."));
        }
    };
    Ok(TlsConfiguration::Rustls(Arc::new(config)))
}

/// A private authority stands alone: a broker of one's own is not to be imitated by whom any public authority vouches for.
fn roots(ca: &Path) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    if ca.as_os_str().is_empty() {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(Error::new(
                Kind::BadConfig,
                "This system has no certificate authorities for mqtts.",
            )
            .mend("Install the package ca-certificates, or name a file in mqtt.tls_ca."));
        }
        return Ok(roots);
    }
    let (added, _) = roots.add_parsable_certificates(certificates(ca, "mqtt.tls_ca")?);
    if added == 0 {
        return Err(bad(
            ca,
            "mqtt.tls_ca",
            "holds no certificate of an authority",
        ));
    }
    Ok(roots)
}

fn certificates(path: &Path, name: &str) -> Result<Vec<CertificateDer<'static>>> {
    let found: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&read(path, name)?)
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| bad(path, name, "is not a PEM file"))?;
    if found.is_empty() {
        return Err(bad(path, name, "holds no certificate"));
    }
    Ok(found)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    let name = "mqtt.tls_key";
    PrivateKeyDer::from_pem_slice(&read(path, name)?)
        .map_err(|_| bad(path, name, "holds no private key in PEM"))
}

fn read(path: &Path, name: &str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| bad(path, name, "cannot be read").caused_by(e))
}

fn bad(path: &Path, name: &str, what: &str) -> Error {
    let text = format!("The file {} of {name} {what}.", path.display());
    Error::new(Kind::BadConfig, text)
        .mend(format!("Name another file in {name}, or mend this one."))
}
