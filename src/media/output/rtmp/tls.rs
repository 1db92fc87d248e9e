//! TLS for `rtmps`: rustls with ring, the system's authorities, and a private one where a destination names it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};

use crate::error::{Error, Kind, Result, io_kind};

/// The configuration, made once: it also keeps tickets for a fast reconnect.
#[derive(Debug, Default)]
pub struct Cache(Option<(PathBuf, Arc<ClientConfig>)>);

impl Cache {
    /// The configuration with the system's authorities and those of the PEM file `ca` (empty: none). A failure is not
    /// kept, so that a mended file works at the next try.
    ///
    /// # Errors
    /// The file cannot be read or holds no certificate, or there is no authority at all.
    pub async fn get(&mut self, ca: &Path) -> Result<Arc<ClientConfig>> {
        if let Some((path, config)) = &self.0
            && path == ca
        {
            return Ok(Arc::clone(config));
        }
        let path = ca.to_owned();
        let made = tokio::task::spawn_blocking(move || make(&path)).await;
        let config = made.map_err(|e| {
            Error::new(Kind::Internal, "reading certificates was broken off").caused_by(e)
        })??;
        self.0 = Some((ca.to_owned(), Arc::clone(&config)));
        Ok(config)
    }
}

/// Reads files: call it where blocking is allowed.
fn make(ca: &Path) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if !ca.as_os_str().is_empty() {
        add_file(&mut roots, ca)?;
    }
    if roots.is_empty() {
        return Err(
            Error::new(Kind::NotFound, "this system has no certificate authorities")
                .mend("Install the package ca-certificates, or name a file in tls_ca."),
        );
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::new(Kind::Internal, "TLS cannot be set up").caused_by(e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn add_file(roots: &mut RootCertStore, ca: &Path) -> Result<()> {
    let shown = ca.display();
    let bad = |kind, what: &str| {
        Error::new(kind, format!("the file {shown} of tls_ca {what}"))
            .mend("Name a PEM file with the certificate of the authority.")
    };
    let pem = std::fs::read(ca).map_err(|e| bad(io_kind(&e), "cannot be read").caused_by(e))?;
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pem)
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| bad(Kind::BadConfig, "is not a PEM file"))?;
    let (added, _) = roots.add_parsable_certificates(certificates);
    if added == 0 {
        return Err(bad(Kind::BadConfig, "holds no certificate"));
    }
    Ok(())
}

/// The name that the server's certificate must have.
///
/// # Errors
/// `host` is neither a DNS name nor an IP address.
pub fn server_name(host: &str) -> Result<ServerName<'static>> {
    ServerName::try_from(host.to_owned())
        .map_err(|_| Error::new(Kind::BadConfig, format!("{host} is not a host name")))
}

/// Error and mend as one clause for a reason.
pub fn one_clause(e: &Error) -> String {
    e.report().trim_end_matches('.').to_owned()
}

/// What went wrong in a TLS handshake with `host`, and the mend.
pub fn explain(e: &io::Error, host: &str) -> String {
    let tls = e
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(reason)) => certificate(reason, host),
        Some(rustls::Error::InvalidMessage(_)) => {
            format!("{host} does not speak TLS on this port; use rtmp:// or another port")
        }
        Some(other) => format!("the TLS handshake with {host} failed: {other}"),
        None => format!(
            "the TLS handshake with {host} was broken off: {}",
            super::wire::clause(e)
        ),
    }
}

fn certificate(reason: &CertificateError, host: &str) -> String {
    use CertificateError as C;
    match reason {
        C::UnknownIssuer => format!(
            "the certificate of {host} is signed by an authority that this box does not know; \
             name the authority's PEM file in tls_ca"
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_authority_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        for (content, word) in [
            (None, "cannot be read"),
            (Some("hello"), "no certificate"),
            (Some("-----BEGIN CERTIFICATE-----\n!!\n"), "not a PEM file"),
        ] {
            if let Some(content) = content {
                std::fs::write(&path, content).unwrap();
            }
            let text = one_clause(&make(&path).unwrap_err());
            assert!(text.contains("ca.pem") && text.contains(word), "{text}");
        }
    }

    #[test]
    fn certificate_troubles_have_a_mend() {
        let error = |e| io::Error::other(rustls::Error::InvalidCertificate(e));
        let text = explain(&error(CertificateError::UnknownIssuer), "h");
        assert!(text.contains("tls_ca"), "{text}");
        assert!(explain(&error(CertificateError::Expired), "h").contains("clock"));
        assert!(server_name("bad host").is_err());
    }
}
