//! RTCP that goes out: sender reports with the wall-clock time of capture (RFC 3550, 6.4.1), canonical name, goodbye.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds between the epochs of NTP (1900) and Unix (1970).
const NTP_UNIX: u64 = 2_208_988_800;

/// What a sender report says of one track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Report {
    pub ssrc: u32,
    /// Wall clock now.
    pub ntp: u64,
    /// RTP timestamp of the same instant.
    pub timestamp: u32,
    pub packets: u32,
    pub octets: u32,
}

/// NTP timestamp, 32.32 fixed point (RFC 3550, 4). A clock before 1970 counts as 1970.
pub(super) fn ntp(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let seconds = (since.as_secs() + NTP_UNIX) & 0xffff_ffff;
    let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
    (seconds << 32) | fraction
}

/// A compound packet: sender report and source description with `cname` (at most 255 bytes).
pub(super) fn sender_report(report: &Report, cname: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    out.extend_from_slice(&[0x80, 200, 0, 6]);
    out.extend_from_slice(&report.ssrc.to_be_bytes());
    out.extend_from_slice(&report.ntp.to_be_bytes());
    out.extend_from_slice(&report.timestamp.to_be_bytes());
    out.extend_from_slice(&report.packets.to_be_bytes());
    out.extend_from_slice(&report.octets.to_be_bytes());
    let name = &cname.as_bytes()[..cname.len().min(255)];
    // SSRC, item type, length, text, and at least one zero byte up to the next 32-bit border.
    let words = (4 + 2 + name.len()) / 4 + 1;
    out.extend_from_slice(&[0x81, 202, 0, u8::try_from(words).unwrap_or(66)]);
    let end = out.len() + words * 4;
    out.extend_from_slice(&report.ssrc.to_be_bytes());
    out.push(1);
    out.push(u8::try_from(name.len()).unwrap_or(255));
    out.extend_from_slice(name);
    out.resize(end, 0);
    out
}

/// A compound packet that says that the source ends (RFC 3550, 6.6).
pub(super) fn goodbye(report: &Report, cname: &str) -> Vec<u8> {
    let mut out = sender_report(report, cname);
    out.extend_from_slice(&[0x81, 203, 0, 1]);
    out.extend_from_slice(&report.ssrc.to_be_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ntp_counts_from_1900_with_a_binary_fraction() {
        let at = UNIX_EPOCH + Duration::new(1, 500_000_000);
        assert_eq!(ntp(at), (2_208_988_801 << 32) | 0x8000_0000);
    }

    #[test]
    fn compound_packets_fill_whole_words_and_say_their_length() {
        let report = Report {
            ssrc: 0x0102_0304,
            ntp: 5,
            timestamp: 6,
            packets: 7,
            octets: 8,
        };
        for cname in ["", "a", "ab", "abc", "abcd", "boothcast@0011aabb"] {
            let packet = goodbye(&report, cname);
            let mut at = 0;
            let mut kinds = Vec::new();
            while at < packet.len() {
                assert_eq!(packet[at] >> 6, 2, "version");
                kinds.push(packet[at + 1]);
                at += (usize::from(u16::from_be_bytes([packet[at + 2], packet[at + 3]])) + 1) * 4;
            }
            assert_eq!(at, packet.len(), "{cname}");
            assert_eq!(kinds, [200, 202, 203]);
        }
        let packet = sender_report(&report, "x");
        assert_eq!(&packet[4..8], &[1, 2, 3, 4]);
        assert_eq!(&packet[8..16], &5_u64.to_be_bytes());
    }
}
