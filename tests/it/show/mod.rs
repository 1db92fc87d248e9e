//! The room end to end: the box itself, and people with real browsers.

mod browser;
mod hostile;
mod kills;
mod owner;
mod pictures;
mod staff;
mod viewer;
mod watch;

use serde_json::{Value, json};

use crate::support::free_port;
use crate::support::the_box::{Options, TheBox};
use crate::support::visitor::{Said, Visitor, ask};

/// A box with its room.
pub struct Show {
    pub the_box: TheBox,
    pub web: u16,
    /// Cookie of the owner.
    pub owner: String,
}

/// The configuration of a box with a room: staff over plain HTTP, what is said is shown at once.
pub fn config(web: u16, watch: u16, more: &str) -> String {
    format!(
        "[web]\nport = {web}\ntls_port = 0\nmetrics = \"\"\nstaff_over_http = true\norder_secret = \"correct-horse-battery\"\n\
         [watch]\nudp_port = {watch}\n[moderation]\nmode = \"free\"\n[setup]\nenabled = false\n{more}\n"
    )
}

impl Show {
    /// Starts one; `more` stands behind the configuration.
    pub fn start(more: &str) -> Self {
        Self::start_in(None, more)
    }

    /// The same in the folder of a former one.
    pub fn start_in(dir: Option<tempfile::TempDir>, more: &str) -> Self {
        Self::start_at(dir, more, free_port())
    }

    /// The same on this port.
    pub fn start_at(dir: Option<tempfile::TempDir>, more: &str, web: u16) -> Self {
        let watch = free_port();
        let mut the_box = TheBox::spawn(Options {
            config: &config(web, watch, more),
            dir,
            ..Options::default()
        });
        the_box.wait_up();
        let mut it = Self {
            the_box,
            web,
            owner: String::new(),
        };
        it.owner = it.log_in("owner", &it.first_password());
        it
    }

    /// The password that the box made for its owner.
    pub fn first_password(&self) -> String {
        let file = self.the_box.path("state/owner-first-password");
        std::fs::read_to_string(file).unwrap().trim().to_owned()
    }

    /// Cookie of somebody of the staff.
    pub fn log_in(&self, name: &str, password: &str) -> String {
        let said = self.post("/login", "", &json!({ "name": name, "password": password }));
        said.cookie("bc_session")
            .unwrap_or_else(|| panic!("{said:?}"))
    }

    /// A moderator's account; gives its cookie.
    pub fn moderator(&self, name: &str) -> String {
        let account = json!({ "name": name, "password": "a long password", "role": "moderator" });
        let said = self.post("/api/accounts", &self.owner, &account);
        assert!(said.status < 300, "{said:?}");
        self.log_in(name, "a long password")
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.web)
    }

    pub fn post(&self, path: &str, cookie: &str, body: &Value) -> Said {
        ask("POST", &self.url(path), cookie, Some(body))
    }

    pub fn get(&self, path: &str, cookie: &str) -> Said {
        ask("GET", &self.url(path), cookie, None)
    }

    /// The owner's doing.
    pub fn act(&self, wish: &Value) -> Value {
        let said = self.post("/api/act", &self.owner, wish);
        assert!(said.status < 300, "{wish}: {said:?}");
        said.json()
    }

    /// A command of the owner to the box.
    pub fn command(&self, name: &str, args: &Value) -> Said {
        self.post(
            "/api/command",
            &self.owner,
            &json!({ "name": name, "args": args }),
        )
    }
}

/// What only the staff see, as somebody of them gets it on joining.
pub async fn ask_staff(show: &Show) -> Value {
    let it = Visitor::enter(show.web, &show.owner, None).await;
    it.unwrap_or_else(|e| panic!("{e}")).hello["staff"].clone()
}
