//! Keyed hashes and random words: what nobody outside can make.

use std::net::IpAddr;

use hmac::{Hmac, Mac};
use rand::TryRng;
use sha2::{Digest, Sha256};

use crate::error::{Error, Kind, Result};
pub use crate::room::live::draws::hex;

/// The box's key, for several purposes that cannot be taken for one another.
#[derive(Clone)]
pub struct Keys([u8; 32]);

impl Keys {
    /// Of the box's key.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// HMAC-SHA256 of `data` for one purpose, hex.
    #[must_use]
    pub fn sign(&self, purpose: &str, data: &[u8]) -> String {
        // A key shorter than a block is filled up with zeros (RFC 2104), so this is the HMAC of the 32 bytes.
        let mut block = [0_u8; 64];
        for (to, from) in block.iter_mut().zip(self.0) {
            *to = from;
        }
        let mut mac = <Hmac<Sha256> as hmac::digest::KeyInit>::new((&block).into());
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(data);
        hex(&mac.finalize().into_bytes())
    }

    /// What stands for an address in all records: of IPv6 the network of 64 bits, for a host changes the rest at will.
    #[must_use]
    pub fn address(&self, ip: IpAddr) -> String {
        let bytes = match ip.to_canonical() {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().iter().copied().take(8).collect(),
        };
        let mut sum = self.sign("address", &bytes);
        sum.truncate(32);
        sum
    }

    /// The cookie of a viewer.
    #[must_use]
    pub fn viewer_cookie(&self, viewer: u64, issued_s: i64) -> String {
        let said = format!("v1.{viewer}.{issued_s}");
        let sum = self.sign("viewer", said.as_bytes());
        format!("{said}.{sum}")
    }

    /// Whose cookie it is; `None`: not one of ours, or older than `most_s`.
    #[must_use]
    pub fn viewer_of(&self, cookie: &str, now_s: i64, most_s: i64) -> Option<u64> {
        let (said, sum) = cookie.rsplit_once('.')?;
        if !same(sum, &self.sign("viewer", said.as_bytes())) {
            return None;
        }
        let mut parts = said.split('.');
        let (Some("v1"), Some(viewer), Some(issued), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let issued: i64 = issued.parse().ok()?;
        // One from the future is fine: the box's clock may have been set back.
        if now_s.saturating_sub(issued) > most_s {
            return None;
        }
        viewer.parse().ok().filter(|v| *v != 0)
    }
}

/// Whether `given` (`sha256=<hex>`) signs `body` under `secret`.
#[must_use]
pub fn order_is_signed(secret: &str, body: &[u8], given: &str) -> bool {
    let Some(given) = given.strip_prefix("sha256=") else {
        return false;
    };
    let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(secret.as_bytes()) else {
        return false;
    };
    mac.update(body);
    same(
        &given.to_ascii_lowercase(),
        &hex(&mac.finalize().into_bytes()),
    )
}

/// SHA-256.
#[must_use]
pub fn digest(text: &[u8]) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// `N` random bytes.
///
/// # Errors
/// The system gives none.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0_u8; N];
    rand::rngs::SysRng.try_fill_bytes(&mut bytes).map_err(|e| {
        Error::new(Kind::Internal, "The system gives no random numbers").caused_by(e)
    })?;
    Ok(bytes)
}

/// Letters and digits that nobody takes for one another.
const LETTERS: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// A password that can be read from a label and typed: four groups of four, 79 bits.
///
/// # Errors
/// The system gives no random numbers.
pub fn password() -> Result<String> {
    let bytes = random::<16>()?;
    let letter = |b: &u8| char::from(LETTERS.get(usize::from(b % 31)).copied().unwrap_or(b'x'));
    let groups: Vec<String> = bytes
        .chunks(4)
        .map(|c| c.iter().map(letter).collect())
        .collect();
    Ok(groups.join("-"))
}

pub use super::super::secure::same;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_taken_only_as_it_was_made() {
        let keys = Keys::new([7; 32]);
        let cookie = keys.viewer_cookie(42, 1000);
        assert_eq!(keys.viewer_of(&cookie, 1500, 3600), Some(42));
        assert_eq!(keys.viewer_of(&cookie, 500, 3600), Some(42));
        assert_eq!(keys.viewer_of(&cookie, 9000, 3600), None);
        assert_eq!(Keys::new([8; 32]).viewer_of(&cookie, 1500, 3600), None);
        let sum = cookie.rsplit_once('.').unwrap().1.to_owned();
        for forged in [
            format!("v1.43.1000.{sum}"),
            format!("v1.42.9999.{sum}"),
            format!("v2.42.1000.{sum}"),
            cookie[..cookie.len() - 1].to_owned(),
            format!("{cookie}0"),
            "v1.42.1000.".into(),
            "v1.42.1000".into(),
            String::new(),
            "....".into(),
            keys.sign("viewer", b"v1.42.1000"),
        ] {
            assert_eq!(keys.viewer_of(&forged, 1500, 3600), None, "{forged}");
        }
        // Signed, but nonsense.
        let odd = format!("v1.0.1000.{}", keys.sign("viewer", b"v1.0.1000"));
        assert_eq!(keys.viewer_of(&odd, 1500, 3600), None);
        // Another purpose signs nothing here.
        let other = format!("v1.42.1000.{}", keys.sign("address", b"v1.42.1000"));
        assert_eq!(keys.viewer_of(&other, 1500, 3600), None);
    }

    #[test]
    fn an_address_is_hashed_with_the_key_and_a_network_of_ipv6_is_one() {
        let keys = Keys::new([7; 32]);
        let of = |ip: &str| keys.address(ip.parse().unwrap());
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(
            of("192.0.2.1"),
            Keys::new([8; 32]).address("192.0.2.1".parse().unwrap())
        );
    }

    #[test]
    fn an_order_is_signed_by_hmac_sha256_of_its_body() {
        // RFC 4231, test case 2.
        let sum = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let body = b"what do ya want for nothing?";
        assert!(order_is_signed("Jefe", body, sum));
        assert!(order_is_signed(
            "Jefe",
            body,
            &format!("sha256={}", sum[7..].to_uppercase())
        ));
        assert!(!order_is_signed(
            "Jefe",
            b"what do ya want for something?",
            sum
        ));
        assert!(!order_is_signed("jefe", body, sum));
        for bad in ["", "sha256=", &sum[7..], "sha1=5bdc", "sha256=zz"] {
            assert!(!order_is_signed("Jefe", body, bad), "{bad}");
        }
    }

    #[test]
    fn a_password_is_four_groups_of_four() {
        let (a, b) = (password().unwrap(), password().unwrap());
        assert!(
            a != b && a.len() == 19 && a.split('-').all(|g| g.len() == 4),
            "{a}"
        );
        assert!(!a.contains(['0', 'o', '1', 'l', 'i']));
    }
}
