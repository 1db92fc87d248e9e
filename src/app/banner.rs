//! What is printed at start: what was found and chosen, and lines to copy and paste.

use std::fmt::Write as _;
use std::io::Write as _;

use super::live::{self, PagesSeen, keys};
use super::{mdns, remote};
use crate::config::board::Board;
use crate::config::{Config, RtspAuth, Secret};
use crate::edge::net;
use crate::store::files::RTSP_PASSWORD;

/// Everything on the page.
pub struct Banner<'a> {
    /// The configuration in force.
    pub config: &'a Config,
    /// The board.
    pub board: &'a Board,
    /// Lines about picture and sound.
    pub sources: &'a [String],
    /// The encoder and why.
    pub encoder: &'a str,
    /// RTSP ports: plain, TLS.
    pub rtsp_ports: Option<(u16, Option<u16>)>,
    /// The RTSP password, only when it was made just now: it is shown this once.
    pub password: Option<&'a Secret>,
    /// The room's pages.
    pub room: Option<&'a PagesSeen>,
    /// Warnings.
    pub notices: Vec<String>,
}

impl Banner<'_> {
    /// Prints the page to standard output.
    pub fn print(&self) {
        // A reader that is gone is no reason to stop the show.
        let _ = std::io::stdout().lock().write_all(self.text().as_bytes());
    }

    fn text(&self) -> String {
        let v = &self.config.encode.video;
        let mut out = String::new();
        let _ = writeln!(out, "\n{} on {}", self.config.box_.name, self.board.title);
        for line in self.sources {
            let _ = writeln!(out, "  {line}");
        }
        let _ = writeln!(out, "  Encoder: {}", self.encoder);
        let _ = writeln!(
            out,
            "  Profile: {}×{} at {}/s, {} kbit/s, keyframe every {} s",
            v.width,
            v.height,
            v.fps,
            v.bitrate / 1000,
            v.gop_s
        );
        for notice in &self.notices {
            let _ = writeln!(out, "  Note:    {notice}");
        }
        self.watch(&mut out);
        self.room(&mut out);
        self.push(&mut out);
        self.afar(&mut out);
        out.push_str("\nCtrl-C ends it in order.\n\n");
        out
    }

    fn watch(&self, out: &mut String) {
        let Some((port, tls)) = self.rtsp_ports else {
            out.push_str("\nWatch: RTSP is switched off (rtsp.enabled = false).\n");
            return;
        };
        let host = self.host();
        let _ = writeln!(out, "\nWatch (same network):\n  rtsp://{host}:{port}/main");
        if self.config.sub.enabled {
            let _ = writeln!(out, "  rtsp://{host}:{port}/sub   (small)");
        }
        if let Some(tls) = tls {
            let _ = writeln!(out, "  rtsps://{host}:{tls}/main");
        }
        if mdns::is_wanted(self.config) {
            let name = mdns::first_name();
            let _ = writeln!(
                out,
                "  rtsp://{name}:{port}/main   (by name, where no other box has it)"
            );
        }
        let user = self.login(out);
        let _ = writeln!(
            out,
            "  ffplay -fflags nobuffer -rtsp_transport tcp \"rtsp://{user}{host}:{port}/main\""
        );
        let _ = writeln!(
            out,
            "  vlc --network-caching=200 \"rtsp://{user}{host}:{port}/main\""
        );
    }

    /// Where the room is, for viewers and for the owner.
    fn room(&self, out: &mut String) {
        let Some(pages) = self.room else {
            return;
        };
        let here = self.config.rtsp.listen.is_loopback();
        let found = (!here)
            .then(|| net::addresses().into_iter().next())
            .flatten();
        let host = found.unwrap_or_else(|| std::net::IpAddr::from([127, 0, 0, 1]));
        let _ = writeln!(
            out,
            "\nThe room:\n  {}/   (for everybody)",
            live::address("http", host, pages.http)
        );
        if let Some(port) = pages.https {
            let _ = writeln!(
                out,
                "  {}/desk   (for you; the browser asks once whether to trust it)",
                live::address("https", host, port)
            );
            let _ = writeln!(out, "  Its certificate: SHA-256 {}", pages.fingerprint);
        }
        let file = keys::first_password_file(&self.config.paths.state);
        if let Some(password) = &pages.password {
            let _ = writeln!(
                out,
                "  User owner, password {} (shown this once; kept in {} until you change it)",
                password.expose(),
                file.display()
            );
        } else if pages.first {
            let _ = writeln!(out, "  User owner, first password in {}", file.display());
        }
    }

    /// Says how to log in; returns what stands before the host in a copy-paste line. The password itself is printed
    /// only at the run that made it; later lines read it from its file.
    fn login(&self, out: &mut String) -> String {
        if self.config.rtsp.auth == RtspAuth::None {
            out.push_str("  Anyone on this network can watch (rtsp.auth = \"none\").\n");
            return String::new();
        }
        let user = &self.config.rtsp.user;
        let file = self.config.paths.state.join(RTSP_PASSWORD);
        if let Some(password) = self.password {
            let _ = writeln!(
                out,
                "  User {user}, password {} (shown this once; kept in {})",
                password.expose(),
                file.display()
            );
        } else {
            let _ = writeln!(out, "  User {user}, password in {}", file.display());
        }
        format!("{user}:$(cat '{}')@", file.display())
    }

    /// Where the box is reached, for a person who looks for it: one clause.
    pub fn address(&self) -> String {
        match self.rtsp_ports {
            Some((port, _)) => format!("rtsp://{}:{port}/main", self.host()),
            None => self.host(),
        }
    }

    fn host(&self) -> String {
        let listen = self.config.rtsp.listen;
        if !listen.is_unspecified() {
            return bracketed(listen);
        }
        net::addresses()
            .first()
            .map_or_else(|| "127.0.0.1".to_owned(), |ip| bracketed(*ip))
    }

    /// How it is commanded over MQTT, with lines to try.
    fn afar(&self, out: &mut String) {
        let mqtt = &self.config.mqtt;
        let (Some(broker), Ok(id)) = (&mqtt.broker, remote::box_id(self.config)) else {
            return;
        };
        let fleet = &mqtt.fleet;
        let _ = writeln!(
            out,
            "\nCommand over MQTT: {broker}, fleet {fleet}, box {id}"
        );
        let topic = format!("boothcast/v1/{fleet}/box/{id}/cmd/identify");
        let (host, port) = (broker.host(), broker.port());
        // What a broker with TLS and users needs besides is its operator's to say.
        if !broker.is_tls() && mqtt.user.is_empty() {
            let _ = writeln!(
                out,
                "  mosquitto_sub -h {host} -p {port} -t 'boothcast/#' -v"
            );
            let _ = writeln!(
                out,
                "  mosquitto_pub -h {host} -p {port} -t {topic} -m '{{}}'"
            );
            if self.config.room.bridges {
                let room = remote::room_name(self.config, &id);
                let chat = format!("boothcast/v1/{fleet}/room/{room}/in/test");
                let _ = writeln!(
                    out,
                    "  mosquitto_pub -h {host} -p {port} -t {chat} -m hello    # chat, onto the picture"
                );
            }
        }
        let _ = writeln!(
            out,
            "  boothcast ctl --broker mqtt://{host}:{port} --fleet {fleet} --box {id} identify"
        );
    }

    fn push(&self, out: &mut String) {
        if self.config.destination.is_empty() {
            out.push_str("\nPush: no destination yet; README.md shows how to add one.\n");
            return;
        }
        out.push_str("\nPush:\n");
        for d in &self.config.destination {
            let on = if d.enabled { "" } else { " (switched off)" };
            let _ = writeln!(out, "  {} → {}{on}", d.name, d.url.redacted());
        }
    }
}

fn bracketed(ip: std::net::IpAddr) -> String {
    match ip {
        std::net::IpAddr::V4(ip) => ip.to_string(),
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
    }
}
