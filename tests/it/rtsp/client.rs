//! A small RTSP client over TCP that only reads: cheap enough for 50 of them beside the server, and able to do what real
//! players don't (freeze, look at RTCP).
#![allow(dead_code)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// One interleaved packet (RFC 2326, 10.12).
pub struct Packet {
    pub channel: u8,
    pub data: Vec<u8>,
}

impl Packet {
    pub fn seq(&self) -> u16 {
        u16::from_be_bytes([self.data[2], self.data[3]])
    }

    pub fn timestamp(&self) -> u32 {
        u32::from_be_bytes(self.data[4..8].try_into().unwrap())
    }

    pub fn marker(&self) -> bool {
        self.data[1] & 0x80 != 0
    }

    /// NAL unit types in the packet (RFC 6184): a fragment counts where it starts.
    fn nal_types(&self) -> Vec<u8> {
        let data = &self.data[12..];
        match data[0] & 0x1f {
            24 => {
                let mut types = Vec::new();
                let mut at = 1;
                while at + 2 < data.len() {
                    let size = usize::from(u16::from_be_bytes([data[at], data[at + 1]]));
                    types.push(data[at + 2] & 0x1f);
                    at += 2 + size;
                }
                types
            }
            28 if data[1] & 0x80 != 0 => vec![data[1] & 0x1f],
            28 => Vec::new(),
            single => vec![single],
        }
    }

    /// Whether a picture that a decoder can start with begins here: delimiters and parameter sets, or the picture.
    pub fn starts_keyframe(&self) -> bool {
        self.nal_types().iter().any(|t| matches!(t, 5 | 7))
    }
}

pub struct Answer {
    pub code: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|l| {
            let (key, value) = l.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

pub struct Client {
    pub socket: TcpStream,
    buffer: Vec<u8>,
    url: String,
    cseq: u32,
    session: Option<String>,
}

impl Client {
    pub fn connect(port: u16, path: &str) -> Self {
        let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(15)))
            .unwrap();
        Self {
            socket,
            buffer: Vec::new(),
            url: format!("rtsp://127.0.0.1:{port}{path}"),
            cseq: 0,
            session: None,
        }
    }

    /// DESCRIBE, SETUP of all tracks, PLAY.
    pub fn play(port: u16, path: &str) -> Self {
        let mut client = Self::connect(port, path);
        let describe = client.request("DESCRIBE", "", "Accept: application/sdp\r\n");
        assert_eq!(describe.code, 200, "{}", describe.head);
        client.setup_all(&describe.body);
        let play = client.request("PLAY", "", "Range: npt=0.000-\r\n");
        assert_eq!(play.code, 200, "{}", play.head);
        client
    }

    pub fn setup_all(&mut self, sdp: &str) {
        let tracks = sdp.lines().filter(|l| l.starts_with("m=")).count();
        for n in 0..tracks {
            let transport = format!(
                "Transport: RTP/AVP/TCP;unicast;interleaved={}-{}\r\n",
                2 * n,
                2 * n + 1
            );
            let setup = self.request("SETUP", &format!("/stream={n}"), &transport);
            assert_eq!(setup.code, 200, "{}", setup.head);
        }
    }

    pub fn request(&mut self, method: &str, control: &str, headers: &str) -> Answer {
        self.cseq += 1;
        let session = self
            .session
            .as_ref()
            .map(|s| format!("Session: {s}\r\n"))
            .unwrap_or_default();
        let text = format!(
            "{method} {}{control} RTSP/1.0\r\nCSeq: {}\r\n{session}{headers}\r\n",
            self.url, self.cseq
        );
        self.socket.write_all(text.as_bytes()).unwrap();
        loop {
            if self.buffer.first() == Some(&b'$') {
                self.packet(Duration::from_secs(15)).unwrap();
                continue;
            }
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                let head = String::from_utf8(self.buffer[..end].to_vec()).unwrap();
                self.buffer.drain(..end + 4);
                return self.finish(head);
            }
            self.fill().unwrap();
        }
    }

    fn finish(&mut self, head: String) -> Answer {
        let mut answer = Answer {
            code: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body: String::new(),
        };
        let length: usize = answer
            .header("Content-Length")
            .map_or(0, |v| v.parse().unwrap());
        while self.buffer.len() < length {
            self.fill().unwrap();
        }
        answer.body = String::from_utf8(self.buffer.drain(..length).collect()).unwrap();
        if let Some(session) = answer.header("Session") {
            self.session = Some(session.split(';').next().unwrap().to_owned());
        }
        answer
    }

    fn fill(&mut self) -> std::io::Result<()> {
        let mut chunk = [0_u8; 64 << 10];
        let n = self.socket.read(&mut chunk)?;
        if n == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        self.buffer.extend_from_slice(&chunk[..n]);
        Ok(())
    }

    /// The next interleaved packet, within `limit`; `None` on time-out or when the server closed.
    pub fn packet(&mut self, limit: Duration) -> Option<Packet> {
        let end = Instant::now() + limit;
        loop {
            if self.buffer.len() >= 4 {
                assert_eq!(self.buffer[0], b'$', "out of step");
                let n = usize::from(u16::from_be_bytes([self.buffer[2], self.buffer[3]]));
                if self.buffer.len() >= 4 + n {
                    let channel = self.buffer[1];
                    let data = self.buffer[4..4 + n].to_vec();
                    self.buffer.drain(..4 + n);
                    return Some(Packet { channel, data });
                }
            }
            let left = end.checked_duration_since(Instant::now())?;
            self.socket
                .set_read_timeout(Some(left.max(Duration::from_millis(1))))
                .unwrap();
            self.fill().ok()?;
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}
