//! Digest authentication and the certificate of RTSPS.

use std::path::Path;

use gstreamer as gst;
use gstreamer_rtsp_server as rtsp;
use rtsp::gio;
use rtsp::gst_rtsp::RTSPAuthMethod;
use rtsp::prelude::*;

use super::{RtspOptions, RtspTls};
use crate::error::{Error, Kind, Result, io_kind};

/// The one role there is: may describe and play.
const ROLE: &str = "reader";

/// Gives the role its rights on a mount.
pub(super) fn permit(factory: &impl IsA<rtsp::RTSPMediaFactory>) {
    factory.add_role_from_structure(
        &gst::Structure::builder(ROLE)
            .field(rtsp::RTSP_PERM_MEDIA_FACTORY_ACCESS.as_str(), true)
            .field(rtsp::RTSP_PERM_MEDIA_FACTORY_CONSTRUCT.as_str(), true)
            .build(),
    );
}

/// The authentication manager: digest where there is a password, TLS where there is a certificate, `None` where
/// everyone may come in without either.
pub(super) fn auth(
    options: &RtspOptions,
    certificate: Option<&gio::TlsCertificate>,
) -> Option<rtsp::RTSPAuth> {
    if options.auth.is_none() && certificate.is_none() {
        return None;
    }
    let auth = rtsp::RTSPAuth::new();
    let mut token = rtsp::RTSPToken::builder()
        .field(rtsp::RTSP_TOKEN_MEDIA_FACTORY_ROLE.as_str(), ROLE)
        .build();
    auth.set_supported_methods(RTSPAuthMethod::Digest);
    match &options.auth {
        Some((user, password)) => {
            auth.set_realm(Some(&realm(&options.box_name)));
            auth.add_digest(user, password.expose(), &token);
        }
        None => auth.set_default_token(Some(&mut token)),
    }
    auth.set_tls_certificate(certificate);
    Some(auth)
}

/// A quoted string may hold neither quotes nor controls (RFC 2617, 1.2).
fn realm(name: &str) -> String {
    let clean: String = name
        .chars()
        .filter(|c| !c.is_control() && !matches!(c, '"' | '\\'))
        .collect();
    if clean.trim().is_empty() {
        "Boothcast".to_owned()
    } else {
        clean
    }
}

/// Loads certificate and key.
pub(super) fn certificate(tls: &RtspTls) -> Result<gio::TlsCertificate> {
    if !gio::TlsBackend::default().supports_tls() {
        return Err(Error::new(
            Kind::Missing,
            "RTSPS needs a TLS backend of GLib, and there is none.",
        )
        .mend("Install the package glib-networking."));
    }
    readable(&tls.cert_pem, "certificate", "rtsp.tls_cert")?;
    readable(&tls.key_pem, "private key", "rtsp.tls_key")?;
    gio::TlsCertificate::from_files(&tls.cert_pem, &tls.key_pem).map_err(|e| {
        Error::new(
            Kind::BadConfig,
            format!(
                "The RTSPS certificate {} and the private key {} cannot be used.",
                tls.cert_pem.display(),
                tls.key_pem.display()
            ),
        )
        .caused_by(e)
        .mend("Give a PEM certificate in rtsp.tls_cert and its PEM key, without a passphrase, in rtsp.tls_key.")
    })
}

fn readable(path: &Path, what: &str, key: &str) -> Result<()> {
    std::fs::File::open(path).map(drop).map_err(|e| {
        Error::new(
            io_kind(&e),
            format!("The {what} {} of RTSPS cannot be read.", path.display()),
        )
        .caused_by(e)
        .mend(format!("Set {key} to a file that this user can read."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn realm_cannot_break_out_of_its_quotes() {
        assert_eq!(realm("Stand \"3\\\r\n"), "Stand 3");
        assert_eq!(realm(" \"\""), "Boothcast");
    }
}
