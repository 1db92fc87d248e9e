//! The asking side of the control socket. Blocking, and every wait but that for the next change is bounded.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::cli::outcome::Trouble;

/// How long an answer may take: a little longer than the box gives itself.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(7);
/// How long a box with a full queue of connections is tried.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// The longest answer.
const MAX_ANSWER: usize = 4 << 20;

/// A connection to the box.
#[derive(Debug)]
pub(super) struct Client {
    input: BufReader<UnixStream>,
    /// Bytes of a line that has not ended yet.
    line: Vec<u8>,
    asked: u64,
    /// Id of the request for changes.
    watching: Option<String>,
}

impl Client {
    pub(super) fn connect(path: &Path) -> Result<Self, Trouble> {
        let stream = connect(path).map_err(|e| unreached(path, &e))?;
        Ok(Self {
            input: BufReader::new(stream),
            line: Vec::new(),
            asked: 0,
            watching: None,
        })
    }

    /// How the box is.
    pub(super) fn status(&mut self) -> Result<Value, Trouble> {
        self.ask(json!({ "status": true }))
    }

    /// Gives a command as JSON, `{"name","args"}`; the `data` of its answer.
    pub(super) fn command(&mut self, command: &Value) -> Result<Value, Trouble> {
        self.ask(json!({ "command": command }))
    }

    /// From now on [`Client::next_status`] gives every change, the first at once.
    pub(super) fn watch(&mut self) -> Result<(), Trouble> {
        let id = self.next_id();
        self.watching = Some(id.clone());
        self.send(&json!({ "id": id, "watch": true }))
    }

    /// The next status of those that are watched; waits for ever without a limit.
    pub(super) fn next_status(&mut self, limit: Option<Duration>) -> Result<Value, Trouble> {
        loop {
            let answer = self.receive(limit)?;
            let ours = answer["id"].as_str();
            if ours.is_none() || ours == self.watching.as_deref() {
                return data(answer);
            }
        }
    }

    fn next_id(&mut self) -> String {
        self.asked += 1;
        format!("ctl-{}", self.asked)
    }

    fn ask(&mut self, mut request: Value) -> Result<Value, Trouble> {
        let id = self.next_id();
        request["id"] = json!(id);
        self.send(&request)?;
        let end = Instant::now() + ANSWER_LIMIT;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let answer = self.receive(Some(left))?;
            // Without an id: it is about the connection itself.
            if answer["id"].is_null() || answer["id"] == json!(id) {
                return data(answer);
            }
        }
    }

    /// Sends one request.
    pub(super) fn send(&mut self, request: &Value) -> Result<(), Trouble> {
        let line = format!("{request}\n");
        let stream = self.input.get_mut();
        let sent = stream
            .set_write_timeout(Some(ANSWER_LIMIT))
            .and_then(|()| stream.write_all(line.as_bytes()));
        match sent {
            Ok(()) => Ok(()),
            // It may have said why before it closed; that is read next.
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
                ) =>
            {
                Ok(())
            }
            Err(e) if is_timeout(&e) => Err(late()),
            Err(e) => Err(lost(&e)),
        }
    }

    /// The next answer, whatever it is an answer to.
    pub(super) fn receive(&mut self, limit: Option<Duration>) -> Result<Value, Trouble> {
        let end = limit.map(|limit| Instant::now() + limit);
        let line = self.read_line(end)?;
        serde_json::from_slice(&line).map_err(|e| {
            Trouble::Broken(format!(
                "What answers there is no Boothcast, or another version of it: {e}."
            ))
        })
    }

    fn read_line(&mut self, end: Option<Instant>) -> Result<Vec<u8>, Trouble> {
        loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(late());
            }
            let set = self.input.get_ref().set_read_timeout(left);
            set.map_err(|e| lost(&e))?;
            let chunk = match self.input.fill_buf() {
                Ok([]) => return Err(gone()),
                Ok(chunk) => chunk,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) if is_timeout(&e) => return Err(late()),
                Err(e) if e.kind() == io::ErrorKind::ConnectionReset => return Err(gone()),
                Err(e) => return Err(lost(&e)),
            };
            let line_end = chunk.iter().position(|b| *b == b'\n');
            let used = line_end.map_or(chunk.len(), |at| at + 1);
            self.line.extend_from_slice(&chunk[..used]);
            self.input.consume(used);
            if line_end.is_some() {
                return Ok(std::mem::take(&mut self.line));
            }
            if self.line.len() > MAX_ANSWER {
                return Err(Trouble::Broken("The box answers without an end.".into()));
            }
        }
    }
}

/// The `data` of an answer, or why there is none.
fn data(mut answer: Value) -> Result<Value, Trouble> {
    if answer["ok"] == json!(true) {
        Ok(answer["data"].take())
    } else {
        Err(Trouble::Refused(answer["error"].take()))
    }
}

/// Connects without waiting in the kernel, which would have no limit.
fn connect(path: &Path) -> io::Result<UnixStream> {
    let address = SockAddr::unix(path)?;
    let end = Instant::now() + CONNECT_LIMIT;
    loop {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        match socket.connect(&address) {
            Ok(()) => {
                socket.set_nonblocking(false)?;
                return Ok(socket.into());
            }
            // Its queue is full.
            Err(e) if e.kind() == io::ErrorKind::WouldBlock && Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(e) => return Err(e),
        }
    }
}

fn unreached(path: &Path, e: &io::Error) -> Trouble {
    let path = path.display();
    match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Trouble::NotRunning(format!(
            "No box is running here: nothing listens at {path}. Start it with boothcast run; one that was started just now needs a few seconds."
        )),
        io::ErrorKind::PermissionDenied => Trouble::Forbidden(format!(
            "You may not command the box at {path}. Join its group (sudo usermod -aG boothcast \"$USER\", then log in again), or use sudo."
        )),
        io::ErrorKind::WouldBlock => Trouble::TimedOut(format!(
            "The box at {path} takes no connection. Try again in a moment."
        )),
        _ => Trouble::Broken(format!("The box at {path} cannot be reached: {e}.")),
    }
}

fn is_timeout(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

fn late() -> Trouble {
    Trouble::TimedOut("The box did not answer in time. Look at its log, and try again.".into())
}

fn gone() -> Trouble {
    Trouble::NotRunning("The box has ended the connection.".into())
}

fn lost(e: &io::Error) -> Trouble {
    Trouble::Broken(format!("The connection to the box broke: {e}."))
}
