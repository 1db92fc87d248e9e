use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::boot::Boot;
use super::import::{Outcome, take_in};
use super::*;
use crate::config::import::{BOOT_FILE, IMPORTED, SETUP};
use crate::config::{self, Sources, board};
use crate::store::fault;
use crate::store::import_note::ImportNote;

const FILE: &str = "# mine\r\n[box]\r\nname = \"Hall 3\"\r\n[mqtt]\r\nbroker = \"mqtts://b.example\"\r\npassword = \"canary-mqtt\"\r\n[wifi]\r\nssid = \"Fair\"\r\npassword = \"canary of the fair\"\r\n[[destination]]\r\nname = \"live\"\r\nurl = \"rtmp://a.example/app\"\r\nkey = \"canary-live\"\r\n";
const ERROR: &str = "boothcast-error.txt";

/// A box: its boot partition, its state folder, its system.
struct TheBox {
    _dir: tempfile::TempDir,
    places: Places,
}

impl TheBox {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| {
            let path = dir.path().join(name);
            fs::create_dir(&path).unwrap();
            path
        };
        let places = Places {
            boot: at("boot"),
            state: at("state"),
            root: at("root"),
        };
        Self { _dir: dir, places }
    }

    fn sources(&self) -> Sources {
        let state = |name: &str| (self.places.state.join(name), false);
        Sources {
            files: vec![
                (self.places.root.join("boothcast.toml"), false),
                state(IMPORTED),
                state(SETUP),
            ],
            env: vec![],
            set: vec![],
            board: board::detected(),
            default_state: self.places.state.clone(),
        }
    }

    fn write(&self, text: &str) {
        fs::write(self.places.boot.join(BOOT_FILE), text).unwrap();
    }

    fn boot_file(&self) -> String {
        fs::read_to_string(self.places.boot.join(BOOT_FILE)).unwrap()
    }

    fn problem(&self) -> Option<String> {
        ImportNote::load(&self.places.state).problem
    }

    fn state_file(&self, name: &str) -> String {
        fs::read_to_string(self.places.state.join(name)).unwrap_or_default()
    }

    fn wifi_file(&self) -> PathBuf {
        let folder = "etc/NetworkManager/system-connections";
        self.places
            .root
            .join(folder)
            .join("boothcast-card.nmconnection")
    }

    fn error(&self) -> Option<String> {
        fs::read_to_string(self.places.boot.join(ERROR)).ok()
    }

    fn import(&self) -> Result<Outcome> {
        take_in(&Boot::new(&self.places.boot), &self.places, &self.sources())
    }

    fn config(&self) -> config::Config {
        config::load(&self.sources()).unwrap().config
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_file_is_taken_in_once_and_its_secrets_leave_the_card() {
    let it = TheBox::new();
    it.write(FILE);
    assert_eq!(it.import().unwrap(), Outcome::TakenIn { secrets: 3 });
    assert!(!it.boot_file().contains("canary"), "{}", it.boot_file());
    assert_eq!(
        it.boot_file().matches("\r\n").count(),
        FILE.matches("\r\n").count()
    );
    assert_eq!(mode(&it.places.state.join(IMPORTED)), 0o600);
    assert_eq!(mode(&it.wifi_file()), 0o600);
    let network = fs::read_to_string(it.wifi_file()).unwrap();
    assert!(network.contains("psk=canary of the fair\n"), "{network}");
    let config = it.config();
    assert_eq!(config.destination[0].key.expose(), "canary-live");
    assert_eq!(config.mqtt.password.unwrap().expose(), "canary-mqtt");
    assert_eq!(config.box_.name.as_str(), "Hall 3");
    assert!(crate::store::setup_file::is_claimed_by_file(
        &it.places.state
    ));
    // The next start sees the file that it left.
    assert_eq!(it.import().unwrap(), Outcome::Seen);
    assert_eq!(it.config().destination[0].key.expose(), "canary-live");
}

#[test]
fn a_changed_file_is_taken_in_with_the_secrets_that_are_kept() {
    let it = TheBox::new();
    it.write(FILE);
    it.import().unwrap();
    it.write(
        &it.boot_file()
            .replace("Hall 3", "Hall 4")
            .replace("ssid = \"Fair\"", "ssid = \"Other\""),
    );
    assert_eq!(it.import().unwrap(), Outcome::TakenIn { secrets: 3 });
    assert_eq!(it.config().box_.name.as_str(), "Hall 4");
    assert_eq!(it.config().destination[0].key.expose(), "canary-live");
    // Without the section there is no network of the card any more.
    let text = it.boot_file();
    let (begin, end) = (text.find("[wifi]").unwrap(), text.find("[[dest").unwrap());
    it.write(&format!("{}{}", &text[..begin], &text[end..]));
    assert_eq!(it.import().unwrap(), Outcome::TakenIn { secrets: 2 });
    assert!(!it.wifi_file().exists());
}

#[test]
fn a_wrong_file_changes_nothing_and_says_every_problem() {
    let it = TheBox::new();
    it.write(FILE);
    it.import().unwrap();
    let kept = it.state_file(IMPORTED);
    let wrong =
        "[box]\nname = \"\"\n[vidoe]\n[rtsp]\nport = 99999\n[mqtt]\npassword = \"canary-new\"\n";
    it.write(wrong);
    assert_eq!(it.import().unwrap(), Outcome::Refused);
    assert_eq!(it.state_file(IMPORTED), kept);
    assert_eq!(
        it.boot_file(),
        wrong,
        "a wrong file is the person's to mend"
    );
    let error = it.error().unwrap();
    for line in [
        "boothcast.toml:2:",
        "boothcast.toml:3:",
        "boothcast.toml:5:",
    ] {
        assert!(error.contains(line), "{error}");
    }
    assert!(!error.contains("canary"));
    let problem = it.problem().unwrap();
    assert!(
        problem.starts_with("The settings on the card cannot be used: boothcast.toml:2:"),
        "{problem}"
    );
    assert_eq!(it.config().box_.name.as_str(), "Hall 3");
    // Mended: all is well again, and nothing says otherwise.
    it.write("[box]\nname = \"Hall 5\"\n");
    assert_eq!(it.import().unwrap(), Outcome::TakenIn { secrets: 0 });
    assert_eq!((it.error(), it.problem()), (None, None));
}

#[test]
fn a_file_that_the_box_could_not_start_with_is_wrong_too() {
    let it = TheBox::new();
    // By itself it is valid; the key file is not there on the box.
    it.write(
        "[[destination]]\nname = \"a\"\nurl = \"rtmp://a.example/b\"\nkey_file = \"nothing.key\"\n",
    );
    assert_eq!(it.import().unwrap(), Outcome::Refused);
    let error = it.error().unwrap();
    assert!(
        error.contains("boothcast.toml:4:") && error.contains("does not exist"),
        "{error}"
    );
    assert!(!it.places.state.join(IMPORTED).exists());
    // Not text, too long: the same.
    for bytes in [b"[box]\nname = \"\xff\"".to_vec(), vec![b'#'; 300_000]] {
        fs::write(it.places.boot.join(BOOT_FILE), bytes).unwrap();
        assert_eq!(it.import().unwrap(), Outcome::Refused);
    }
    assert!(it.error().unwrap().contains("longer than 256 KiB"));
}

#[test]
fn a_file_of_comments_says_nothing_and_an_emptied_one_takes_back() {
    let it = TheBox::new();
    assert_eq!(it.import().unwrap(), Outcome::Nothing);
    let template = include_str!("../../../systemd/boot/boothcast.toml");
    it.write(template);
    assert_eq!(it.import().unwrap(), Outcome::Nothing);
    assert!(!it.places.state.join(IMPORTED).exists());
    it.write(FILE);
    it.import().unwrap();
    it.write(template);
    assert_eq!(it.import().unwrap(), Outcome::TakenIn { secrets: 0 });
    assert!(it.config().destination.is_empty());
    assert!(!crate::store::setup_file::is_claimed_by_file(
        &it.places.state
    ));
}

#[test]
fn the_template_is_valid_with_its_comments_taken_away() {
    let template = include_str!("../../../systemd/boot/boothcast.toml");
    let is_key = |l: &str| l.starts_with("#[") || l.starts_with('#') && l.contains(" = ");
    let text: Vec<&str> = template
        .lines()
        .map(|l| if is_key(l) { &l[1..] } else { l })
        .collect();
    let text = text.join("\n").replace("the stream key", "the-stream-key");
    let text = text.replace(
        "user = \"hall3\"\npassword = \"its password\"",
        "user = \"hall3\"\npassword = \"its-password\"",
    );
    let warnings = config::validate(&text, &board::detected()).unwrap_or_else(|p| panic!("{p}"));
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn the_persons_last_word_counts() {
    let it = TheBox::new();
    let code = crate::config::code::BoxCode {
        name: Some("By code".parse().unwrap()),
        fleet: Some("fair".parse().unwrap()),
        ..Default::default()
    };
    it.write(FILE);
    it.import().unwrap();
    crate::store::setup_file::save(&it.places.state, &code).unwrap();
    assert_eq!(it.config().box_.name.as_str(), "By code");
    it.write(&it.boot_file().replace("# mine", "# mine, changed"));
    it.import().unwrap();
    assert_eq!(it.config().box_.name.as_str(), "Hall 3");
    assert_eq!(it.config().mqtt.fleet.as_str(), "fair");
}

#[test]
fn a_power_cut_at_any_step_loses_neither_file_nor_secrets() {
    let (mut cuts, mut told) = (0, 0);
    for cut in 0.. {
        let it = TheBox::new();
        it.write(FILE);
        fault::cut_at(Some(cut));
        let result = it.import();
        fault::cut_at(None);
        if result.is_ok() {
            break;
        }
        cuts += 1;
        let text = it.boot_file();
        assert!(
            text.contains("canary-live") || it.state_file(IMPORTED).contains("canary-live"),
            "cut {cut}"
        );
        // It says so, but for the first steps, in which nothing is known yet, and the last, when all is done.
        told += usize::from(it.problem().is_some_and(|p| p.contains("interrupted")));
        // The next start ends it.
        it.import().unwrap();
        assert_eq!(it.problem(), None, "cut {cut}");
        assert_eq!(
            it.config().destination[0].key.expose(),
            "canary-live",
            "cut {cut}"
        );
        assert_eq!(it.config().mqtt.password.unwrap().expose(), "canary-mqtt");
        assert!(!it.boot_file().contains("canary"), "cut {cut}");
        assert_eq!(it.import().unwrap(), Outcome::Seen);
    }
    assert!(cuts >= 9, "only {cuts} steps were cut");
    assert!(told >= 6, "only {told} of {cuts} cuts were told");
}

#[test]
fn a_name_that_fat_lost_is_found_again() {
    let it = TheBox::new();
    it.write(FILE);
    it.import().unwrap();
    let path = it.places.boot.join(BOOT_FILE);
    fs::rename(&path, it.places.boot.join("boothcast.toml.new")).unwrap();
    assert_eq!(it.import().unwrap(), Outcome::Seen);
    assert!(path.exists());
}

#[test]
fn what_stood_in_the_file_is_overwritten() {
    let it = TheBox::new();
    it.write(FILE);
    // A second name keeps the old blocks in sight.
    let seen = it.places.boot.join("seen");
    fs::hard_link(it.places.boot.join(BOOT_FILE), &seen).unwrap();
    it.import().unwrap();
    let bytes = fs::read(seen).unwrap();
    assert_eq!(bytes.len(), FILE.len());
    assert!(bytes.iter().all(|b| *b == 0));
}

#[test]
fn a_reset_ends_the_part_of_root_and_the_file_waits_to_be_changed() {
    let it = TheBox::new();
    it.write(FILE);
    it.import().unwrap();
    let theirs = |path: &str| {
        let path = it.places.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "canary").unwrap();
        path
    };
    let gone = [
        it.wifi_file(),
        theirs("etc/dropbear/dropbear_ed25519_host_key"),
        theirs("var/lib/NetworkManager/seen-bssids"),
        theirs("data/log/journal.log"),
    ];
    let stays = theirs("var/lib/rauc/central.raucs");
    // Without a marker nothing happens.
    reset::run(&it.places).unwrap();
    assert!(gone.iter().all(|p| p.exists()));
    crate::store::forget::begin(&it.places.state).unwrap();
    reset::run(&it.places).unwrap();
    assert!(gone.iter().all(|p| !p.exists()) && stays.exists());
    assert!(!it.places.state.join(IMPORTED).exists());
    assert!(!crate::store::forget::is_begun(&it.places.state));
    // The person's file stays, and says nothing until it is changed; its secrets are gone, which is told.
    assert_eq!(it.import().unwrap(), Outcome::Seen);
    it.write(&it.boot_file().replace("Hall 3", "Hall 9"));
    assert_eq!(it.import().unwrap(), Outcome::Refused);
    assert!(
        it.error().unwrap().contains("is no longer kept by the box"),
        "{:?}",
        it.error()
    );
}

#[test]
fn the_card_says_who_the_box_is() {
    let it = TheBox::new();
    it.write("[box]\nname = \"Hall 3\"\n[mqtt]\nid = \"hall-3\"\n[setup]\nport = 8080\n");
    it.import().unwrap();
    fs::write(it.places.state.join("access-point-password"), "canary77\n").unwrap();
    fs::write(it.places.state.join("owner-first-password"), "abcd-efgh\n").unwrap();
    let text = box_text::text(&it.sources(), &it.places.state);
    for part in [
        "Name:     Hall 3\r\n",
        "Id:       hall-3\r\n",
        ".local:8080/\r\n",
        "canary77",
        "Room:     http://boothcast-",
        ".local:8443/desk\r\n",
        "you are owner, with the password abcd-efgh\r\n",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn the_version_is_that_of_the_image() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("release");
    assert_eq!(version_in(&file), None);
    fs::write(&file, "BOARD=rpi4\nVERSION=\"1.2.3-rc1\"\n").unwrap();
    assert_eq!(version_in(&file).as_deref(), Some("1.2.3-rc1"));
}
