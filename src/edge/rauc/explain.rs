//! What RAUC says went wrong, as one sentence that names the bundle and the mend. Pure.

use crate::error::{Error, Kind};

/// The sentence for what RAUC said of `bundle`.
#[must_use]
pub fn explain(bundle: &str, said: &str) -> Error {
    let low = said.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| low.contains(w));
    let (kind, what, mend) = if has(&["no such file", "not found"]) && !has(&["handler"]) {
        (
            Kind::NotFound,
            "is not there",
            "Check the path: it is one on the box.",
        )
    } else if has(&["boothcast: "]) {
        return refused_by_handler(bundle, said);
    } else if has(&["compatible"]) {
        (
            Kind::Refused,
            "is made for another board",
            "Use the bundle whose name has this box's board.",
        )
    } else if has(&[
        "issuer certificate",
        "self-signed",
        "self signed",
        "certificate chain",
        "signer certificate",
        "certificate verify",
        "certificate has expired",
        "unable to get certificate",
    ]) {
        (
            Kind::Refused,
            "is signed with a key that this box does not trust",
            "Use a bundle that was made for this box, or put the maker's certificate into its image.",
        )
    } else if has(&["format", "plain"]) && has(&["not allowed", "disabled", "unsupported"]) {
        (
            Kind::Refused,
            "is a bundle of an old format, whose content could be changed while it is installed",
            "Make it in format verity.",
        )
    } else if has(&[
        "no space",
        "too large",
        "too small",
        "not enough space",
        "larger than",
    ]) {
        (
            Kind::Unsupported,
            "does not fit",
            "Make room on the data partition, or flash the card anew.",
        )
    } else if has(&[
        "digest",
        "signature",
        "cms",
        "asn1",
        "verity",
        "input/output error",
        "squashfs",
        "magic",
        "identifier",
        "manifest",
        "checksum",
        "mount",
        "truncated",
        "bundle size",
    ]) {
        (
            Kind::Corrupt,
            "is damaged, or no bundle",
            "Copy or download it anew.",
        )
    } else if has(&["already processing", "already installing", "busy"]) {
        (
            Kind::InUse,
            "cannot be installed while another one is",
            "Wait until that has ended.",
        )
    } else {
        (
            Kind::Internal,
            "could not be installed",
            "Look into the log (boothcast ctl logs, journalctl -u rauc).",
        )
    };
    Error::new(kind, format!("The bundle {bundle} {what}."))
        .mend(mend)
        .caused_by(std::io::Error::other(short(said)))
}

/// A sentence of the script before the installation.
fn refused_by_handler(bundle: &str, said: &str) -> Error {
    let why = said
        .split_once("boothcast: ")
        .map_or(said, |(_, why)| why)
        .lines()
        .next()
        .unwrap_or_default();
    Error::new(
        Kind::Refused,
        format!("The bundle {bundle} is refused: {}", short(why)),
    )
}

fn short(text: &str) -> String {
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_names_the_bundle_and_the_mend() {
        for (said, kind, has) in [
            (
                "Failed to open bundle: No such file or directory",
                Kind::NotFound,
                "not there",
            ),
            (
                "signature verification failed: Verify error: unable to get local issuer certificate",
                Kind::Refused,
                "does not trust",
            ),
            (
                "Compatible mismatch: Expected 'a' but bundle manifest has 'b'",
                Kind::Refused,
                "another board",
            ),
            (
                "Failed to verify signature: digest failure",
                Kind::Corrupt,
                "damaged",
            ),
            (
                "Slot too small for image",
                Kind::Unsupported,
                "does not fit",
            ),
            (
                "Already processing a different method",
                Kind::InUse,
                "another",
            ),
            ("something odd", Kind::Internal, "could not be installed"),
        ] {
            let e = explain("/x/y.raucb", said);
            assert_eq!(e.kind(), kind, "{said}");
            let text = e.report();
            assert!(text.contains("/x/y.raucb"), "{text}");
            assert!(text.contains(has), "{text}");
        }
        let e = explain("/x", "Handler failed: boothcast: version 1 is older.\nmore");
        assert!(e.report().contains("refused: version 1 is older."), "{e:?}");
    }
}
