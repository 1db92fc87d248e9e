//! From an offer to a session that waits for its viewer, and the answer. No I/O: runs in the task of whoever asks.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use str0m::change::SdpOffer;
use str0m::format::{Codec, PayloadParams};
use str0m::media::{MediaKind, Mid, Pt};
use str0m::rtp::Extension;
use str0m::{Candidate, Rtc, RtcConfig};

use crate::error::{Error, Kind, Result};

/// Longest offer; browsers send about 8 KiB.
pub const MAX_SDP: usize = 64 << 10;
/// Media sections of an offer; a viewer needs two.
const MAX_SECTIONS: usize = 8;
/// Addresses offered to a viewer.
const MAX_ADDRESSES: usize = 8;
/// Packets of one picture that may wait to be sent: 5 MiB.
const SEND_BUFFER: usize = 4096;

/// A session that an offer was answered for.
pub(super) struct Agreed {
    pub(super) rtc: Rtc,
    pub(super) video: Mid,
    /// The sound's section and payload type, where the viewer wants sound.
    pub(super) audio: Option<(Mid, Pt)>,
    pub(super) answer: String,
}

fn bad(message: &str) -> Error {
    Error::new(Kind::Unsupported, message)
}

/// Answers `sdp` with the box's `addresses`.
pub(super) fn accept(sdp: &str, addresses: &[IpAddr], port: u16) -> Result<Agreed> {
    let sdp = checked(sdp)?;
    // The library has met most of what there is, but this text comes from anybody.
    catch_unwind(AssertUnwindSafe(|| agree(&sdp, addresses, port)))
        .unwrap_or_else(|_| Err(bad("The session description could not be understood.")))
}

/// Within bounds, with the lines ended as the grammar wants them, and without the viewer's candidates: the box waits for the viewer's checks
/// (ICE lite) and learns the address from them, so that nobody can make it send elsewhere.
fn checked(sdp: &str) -> Result<String> {
    if sdp.len() > MAX_SDP {
        return Err(bad("The session description is longer than 64 KiB."));
    }
    let lines = || sdp.lines().map(str::trim_end).filter(|l| !l.is_empty());
    if lines().next() != Some("v=0") {
        return Err(bad(
            "This is no session description: it does not begin with v=0.",
        ));
    }
    if lines().filter(|l| l.starts_with("m=")).count() > MAX_SECTIONS {
        return Err(bad(
            "The session description has more than 8 media sections.",
        ));
    }
    let kept =
        lines().filter(|l| !l.starts_with("a=candidate:") && !l.starts_with("a=remote-candidates"));
    Ok(kept.flat_map(|l| [l, "\r\n"]).collect())
}

fn agree(sdp: &str, addresses: &[IpAddr], port: u16) -> Result<Agreed> {
    let unclear = |e: &dyn std::fmt::Display| {
        bad("The session description could not be understood.").caused_by(e.to_string())
    };
    let offer = SdpOffer::from_sdp_string(sdp).map_err(|e| unclear(&e))?;
    let mut rtc = config().build(Instant::now());
    for address in candidates(addresses) {
        if let Ok(candidate) = Candidate::host(SocketAddr::new(address, port), "udp") {
            rtc.add_local_candidate(candidate);
        }
    }
    let answer = rtc.sdp_api().accept_offer(offer).map_err(|e| unclear(&e))?;
    let sending = |rtc: &Rtc, kind| {
        sections(sdp).find(|mid| {
            rtc.media(*mid)
                .is_some_and(|m| m.kind() == kind && m.direction().is_sending() && !m.disabled())
        })
    };
    let video = sending(&rtc, MediaKind::Video);
    let audio = sending(&rtc, MediaKind::Audio);
    let video = video
        .filter(|mid| picture_type(&mut rtc, *mid, None).is_some())
        .ok_or_else(|| {
            bad("The viewer does not take H.264 (packetization-mode 1).")
                .mend("Use a browser that plays H.264 by WebRTC.")
        })?;
    let audio = audio.and_then(|mid| Some((mid, sound_type(&mut rtc, mid)?)));
    Ok(Agreed {
        rtc,
        video,
        audio,
        answer: answer.to_sdp_string(),
    })
}

/// The names of the media sections, in order.
fn sections(sdp: &str) -> impl Iterator<Item = Mid> + '_ {
    sdp.lines()
        .filter_map(|l| l.strip_prefix("a=mid:"))
        .map(Mid::from)
}

/// IPv4, each once, the box itself last.
fn candidates(addresses: &[IpAddr]) -> Vec<IpAddr> {
    let mut out: Vec<IpAddr> = Vec::new();
    for address in addresses.iter().filter(|a| a.is_ipv4() && !a.is_loopback()) {
        if out.len() < MAX_ADDRESSES && !out.contains(address) {
            out.push(*address);
        }
    }
    out.push(Ipv4Addr::LOCALHOST.into());
    out
}

fn config() -> RtcConfig {
    let mut config = RtcConfig::new()
        .set_ice_lite(true)
        .clear_codecs()
        .enable_opus(true, false)
        .set_send_buffer_video(SEND_BUFFER)
        .set_extension(6, Extension::PlayoutDelay);
    // What browsers decode, all with fragmentation units; the encoder's own profile decides among them.
    let codecs = config.codec_config();
    for (pt, resend, profile) in [
        (108, 109, 0x42_e01f),
        (127, 121, 0x42_001f),
        (123, 119, 0x4d_001f),
        (114, 115, 0x64_001f),
        (39, 40, 0x64_0c1f),
    ] {
        codecs.add_h264(pt.into(), Some(resend.into()), true, profile);
    }
    config
}

/// The payload type that fits the encoder's profile (`profile_idc`) best: its own, then one that has all of it, then any. Decoders take
/// what comes.
pub(super) fn picture_type(rtc: &mut Rtc, mid: Mid, profile: Option<u8>) -> Option<Pt> {
    let wanted = profile.unwrap_or(66);
    let idc = |p: &PayloadParams| {
        let id = p.spec().format.profile_level_id.unwrap_or(0x42_000a);
        u8::try_from(id >> 16 & 0xFF).unwrap_or(66)
    };
    rtc.writer(mid)?
        .payload_params()
        .filter(|p| p.spec().codec == Codec::H264 && p.spec().format.packetization_mode == Some(1))
        .min_by_key(|p| {
            let idc = idc(p);
            // Among equals the constrained ones, which every browser lists first.
            let flags = p.spec().format.profile_level_id.unwrap_or(0) >> 8 & 0xFF;
            (
                idc != wanted,
                idc < wanted,
                idc.abs_diff(wanted),
                0xFF - (flags & 0xFF),
            )
        })
        .map(PayloadParams::pt)
}

fn sound_type(rtc: &mut Rtc, mid: Mid) -> Option<Pt> {
    rtc.writer(mid)?
        .payload_params()
        .find(|p| p.spec().codec == Codec::Opus)
        .map(PayloadParams::pt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_few_and_end_with_the_box_itself() {
        let lan: Vec<IpAddr> = ["192.168.1.5", "::1", "192.168.1.5", "127.0.0.1", "10.0.0.2"]
            .iter()
            .map(|a| a.parse().unwrap())
            .collect();
        let want: Vec<IpAddr> = ["192.168.1.5", "10.0.0.2", "127.0.0.1"]
            .iter()
            .map(|a| a.parse().unwrap())
            .collect();
        assert_eq!(candidates(&lan), want);
        let many: Vec<IpAddr> = (0..50).map(|n| Ipv4Addr::new(10, 0, 0, n).into()).collect();
        assert_eq!(candidates(&many).len(), MAX_ADDRESSES + 1);
    }

    #[test]
    fn candidates_of_the_viewer_are_left_out_and_lines_ended() {
        let text = "v=0\nm=video 9\na=candidate:1 1 udp 1 8.8.8.8 53 typ host\na=mid:0\r\n";
        assert_eq!(checked(text).unwrap(), "v=0\r\nm=video 9\r\na=mid:0\r\n");
    }

    #[test]
    fn nonsense_is_refused_with_a_sentence() {
        let long = format!("v=0\r\n{}", "a=x\r\n".repeat(20_000));
        let sections = format!("v=0\r\n{}", "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n".repeat(9));
        for sdp in [
            "",
            "hello",
            "v=0",
            "{\"sdp\":1}",
            &long,
            &sections,
            "v=0\r\nm=\r\n",
        ] {
            let error = accept(sdp, &[], 1).map(|_| ()).unwrap_err();
            assert_eq!(error.kind(), Kind::Unsupported);
            assert!(error.message().ends_with('.'));
        }
    }
}
