//! The plain RTMP handshake (Adobe RTMP 1.0, section 5.2): C0 C1 out, S0 S1 in, C2 out, S2 in. Pure.

use super::error::ProtocolError;

/// Bytes of C1, C2, S1 and S2.
pub const PACKET: usize = 1536;
/// Bytes of random filling in C1.
pub const RANDOM: usize = 1528;
/// The only version in use.
const VERSION: u8 = 3;

/// C0 and C1: version, time 0, four zero bytes (which tells servers that no digest follows), random filling.
#[must_use]
pub fn c0_c1(random: &[u8; RANDOM]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + PACKET);
    out.push(VERSION);
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(random);
    out
}

/// Takes the server's half apart. Feed it all input until [`Handshake::done`].
#[derive(Debug, Default)]
pub struct Handshake {
    input: Vec<u8>,
    answered: bool,
    done: bool,
}

impl Handshake {
    /// Whether S2 is in.
    #[must_use]
    pub fn done(&self) -> bool {
        self.done
    }

    /// Whether S1 is in and C2 was made.
    #[must_use]
    pub fn answered(&self) -> bool {
        self.answered
    }

    /// Takes input. Returns C2, once, and what of the input lies behind the handshake, once that is done.
    ///
    /// S2 is not compared with C1: servers in the field fill it as they like, and nothing hangs on it.
    ///
    /// # Errors
    /// [`ProtocolError::Version`] when the server does not speak plain RTMP.
    pub fn receive(&mut self, data: &[u8]) -> Result<(Option<Vec<u8>>, Vec<u8>), ProtocolError> {
        self.input.extend_from_slice(data);
        if let Some(&version) = self.input.first()
            && version != VERSION
        {
            return Err(ProtocolError::Version(version));
        }
        let mut c2 = None;
        if !self.answered && self.input.len() > PACKET {
            self.answered = true;
            let mut packet = self.input[1..=PACKET].to_vec();
            // Second time stamp of C2: when S1 was read. Nobody looks; zero tells nothing about us.
            packet[4..8].fill(0);
            c2 = Some(packet);
        }
        if self.input.len() > 2 * PACKET {
            self.done = true;
            return Ok((
                c2,
                std::mem::take(&mut self.input).split_off(1 + 2 * PACKET),
            ));
        }
        Ok((c2, Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn however_it_is_cut_c2_echoes_s1_and_the_rest_is_kept(
            cuts in proptest::collection::vec(1usize..2000, 1..20), tail in proptest::collection::vec(any::<u8>(), 0..50),
        ) {
            let mut input = vec![3];
            input.extend((0..2 * PACKET).map(|i| (i * 7) as u8));
            input.extend_from_slice(&tail);
            let (mut h, mut c2, mut rest, mut at) = (Handshake::default(), None, Vec::new(), 0);
            for cut in cuts.iter().cycle() {
                if at == input.len() { break }
                let end = (at + cut).min(input.len());
                if h.done() {
                    rest.extend_from_slice(&input[at..end]);
                } else {
                    let (answer, behind) = h.receive(&input[at..end]).unwrap();
                    prop_assert!(answer.is_none() || c2.is_none());
                    c2 = c2.or(answer);
                    rest.extend(behind);
                }
                at = end;
            }
            let c2 = c2.unwrap();
            prop_assert_eq!(&c2[..4], &input[1..5]);
            prop_assert_eq!(&c2[8..], &input[9..1 + PACKET]);
            prop_assert_eq!(rest, tail);
        }
    }

    #[test]
    fn http_and_rtmpe_are_refused() {
        for first in [b'H', 6] {
            let e = Handshake::default().receive(&[first]).unwrap_err();
            assert_eq!(e, ProtocolError::Version(first));
        }
        assert_eq!(c0_c1(&[9; RANDOM]).len(), 1537);
    }
}
