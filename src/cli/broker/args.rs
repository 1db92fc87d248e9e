//! Which broker, from flags, environment and configuration: the first of them that says it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::check::ConfigArgs;
use crate::cli::outcome::Trouble;
use crate::config::{self, BoxId, BrokerUrl, FleetName, GroupName, MqttConfig};
use crate::edge::mqtt::client::{ClientOptions, Reconnect};
use crate::edge::mqtt::topics::Fleet;

/// How long an answer is waited for when nothing else is said, s.
const TIMEOUT_S: u64 = 10;
/// The largest message that is taken: a picture in full size.
const MAX_INCOMING: u32 = 4 << 20;

/// The broker, and who we are there.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Broker")]
pub struct BrokerArgs {
    /// Broker: mqtt://HOST[:PORT], mqtts://HOST[:PORT] for TLS, or local [also BOOTHCAST_BROKER, mqtt.broker]
    #[arg(long, global = true, value_name = "URL")]
    pub broker: Option<BrokerUrl>,
    /// Fleet [also BOOTHCAST_FLEET, mqtt.fleet]
    #[arg(long, global = true, value_name = "NAME")]
    pub fleet: Option<FleetName>,
    /// User at the broker [also BOOTHCAST_USER, mqtt.user]
    #[arg(long, global = true, value_name = "NAME")]
    pub user: Option<String>,
    /// File with the password as its only line, mode 600 [also BOOTHCAST_PASSWORD_FILE, mqtt.password_file]
    #[arg(long, global = true, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// PEM file of a private certificate authority [also BOOTHCAST_TLS_CA, mqtt.tls_ca]
    #[arg(long, global = true, value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,
    /// PEM client certificate [also BOOTHCAST_TLS_CERT, mqtt.tls_cert]
    #[arg(long, global = true, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// PEM key of the client certificate [also BOOTHCAST_TLS_KEY, mqtt.tls_key]
    #[arg(long, global = true, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// How long answers are waited for, in seconds [default: 10]
    #[arg(long, global = true, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: Option<u64>,
}

/// A broker that can be joined, and the fleet there.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Reach {
    pub options: ClientOptions,
    /// Topics.
    pub fleet: Fleet,
    pub fleet_name: FleetName,
    /// How long an answer may take.
    pub limit: Duration,
}

impl BrokerArgs {
    /// The first of the flags that is meant for a broker alone, for complaints.
    pub(in crate::cli) fn first_given(&self) -> Option<&'static str> {
        [
            (self.broker.is_some(), "--broker"),
            (self.fleet.is_some(), "--fleet"),
            (self.user.is_some(), "--user"),
            (self.password_file.is_some(), "--password-file"),
            (self.tls_ca.is_some(), "--tls-ca"),
            (self.tls_cert.is_some(), "--tls-cert"),
            (self.tls_key.is_some(), "--tls-key"),
            (self.timeout.is_some(), "--timeout"),
        ]
        .iter()
        .find_map(|(given, name)| given.then_some(*name))
    }

    /// Finds broker and fleet.
    pub(in crate::cli) fn reach(&self, args: &ConfigArgs) -> Result<Reach, Trouble> {
        self.reach_with(args, |name| std::env::var(name).ok())
    }

    fn reach_with(
        &self,
        args: &ConfigArgs,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Reach, Trouble> {
        let said = self.said(env);
        let mqtt = section(args, &said)?;
        let Some(broker) = mqtt.broker else {
            return Err(Trouble::Config(
                "No broker is named. Add --broker mqtt://HOST, or set BOOTHCAST_BROKER, or mqtt.broker in the configuration.".into(),
            ));
        };
        let options = ClientOptions {
            broker,
            client_id: format!("ctl-{:012x}", rand::random::<u64>() & 0xffff_ffff_ffff),
            user: mqtt.user,
            password: mqtt.password,
            tls_ca: mqtt.tls_ca,
            tls_cert: mqtt.tls_cert,
            tls_key: mqtt.tls_key,
            session_expiry: Duration::ZERO,
            will: None,
            reconnect: Reconnect::alone(),
            max_incoming: MAX_INCOMING,
        };
        Ok(Reach {
            options,
            fleet: Fleet::new(&mqtt.fleet),
            fleet_name: mqtt.fleet,
            limit: Duration::from_secs(self.timeout.unwrap_or(TIMEOUT_S)),
        })
    }

    /// What flags, or else the environment, say, as `--set` flags of the configuration: so it checks them, reads the
    /// password, and names what is wrong.
    fn said(&self, env: impl Fn(&str) -> Option<String>) -> Vec<String> {
        let path = |p: &Option<PathBuf>| p.as_ref().map(|p| absolute(p));
        let text = |t: Option<&str>| t.map(str::to_owned);
        let rows = [
            ("broker", text(self.broker.as_ref().map(BrokerUrl::as_str))),
            ("fleet", text(self.fleet.as_ref().map(FleetName::as_str))),
            ("user", self.user.clone()),
            ("password_file", path(&self.password_file)),
            ("tls_ca", path(&self.tls_ca)),
            ("tls_cert", path(&self.tls_cert)),
            ("tls_key", path(&self.tls_key)),
        ];
        rows.into_iter()
            .filter_map(|(key, flag)| {
                let variable = format!("BOOTHCAST_{}", key.to_uppercase());
                let value = flag.or_else(|| env(&variable).filter(|v| !v.is_empty()))?;
                Some(format!("mqtt.{key}={value}"))
            })
            .collect()
    }
}

fn absolute(path: &std::path::Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.to_string_lossy().into_owned()
}

/// `[mqtt]` as it is in force with what was `said`. The configuration of a box on this machine may be broken, or for
/// its own user's eyes only: one who names a broker and no configuration does not need it.
fn section(args: &ConfigArgs, said: &[String]) -> Result<MqttConfig, Trouble> {
    let mut sources = args.sources();
    sources.set.extend_from_slice(said);
    let problems = match config::load(&sources) {
        Ok(loaded) => return Ok(loaded.config.mqtt),
        Err(problems) => problems,
    };
    let named = args.config.is_some() || !args.set.is_empty();
    if !named && said.iter().any(|s| s.starts_with("mqtt.broker=")) {
        sources.files.clear();
        if let Ok(loaded) = config::load(&sources) {
            return Ok(loaded.config.mqtt);
        }
    }
    Err(Trouble::Config(format!(
        "The way to the broker is not clear:\n{problems}"
    )))
}

/// One box, or the boxes of a group.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Which box, over MQTT; without: the one on this machine")]
pub struct Whom {
    /// The box of this id
    #[arg(long = "box", global = true, value_name = "ID")]
    pub id: Option<BoxId>,
    /// All boxes of this group
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "id")]
    pub group: Option<GroupName>,
    /// With --group: the boxes do it at random within so many seconds
    #[arg(long, global = true, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(0..=3600))]
    pub spread: Option<u32>,
    /// With --group: so many answers are waited for, no longer; fewer are a failure
    #[arg(long, global = true, value_name = "N")]
    pub expect: Option<usize>,
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn config(dir: &tempfile::TempDir, text: &str) -> ConfigArgs {
        let path = dir.path().join("box.toml");
        std::fs::write(&path, text).unwrap();
        ConfigArgs {
            config: Some(path),
            set: Vec::new(),
        }
    }

    const BOX: &str = "[mqtt]\nbroker = \"mqtt://of-the-file\"\nfleet = \"shop\"\nuser = \"box\"\n";

    #[test]
    fn a_flag_goes_before_the_environment_and_that_before_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let config = config(&dir, BOX);
        let none = |_: &str| None;
        let plain = BrokerArgs::default();
        let reach = plain.reach_with(&config, none).unwrap();
        assert_eq!(reach.options.broker.host(), "of-the-file");
        assert_eq!(reach.fleet_name.as_str(), "shop");
        assert_eq!(
            (reach.options.user.as_str(), reach.limit.as_secs()),
            ("box", 10)
        );
        let env = |name: &str| match name {
            "BOOTHCAST_BROKER" => Some("mqtts://of-env:99".to_owned()),
            "BOOTHCAST_USER" => Some("env".to_owned()),
            "BOOTHCAST_FLEET" => Some(String::new()),
            _ => None,
        };
        let flags = BrokerArgs {
            user: Some("flag".into()),
            timeout: Some(3),
            ..BrokerArgs::default()
        };
        let reach = flags.reach_with(&config, env).unwrap();
        assert_eq!(
            (reach.options.broker.host(), reach.options.broker.port()),
            ("of-env", 99)
        );
        assert_eq!(
            (reach.options.user.as_str(), reach.limit.as_secs()),
            ("flag", 3)
        );
        assert_eq!(
            reach.fleet_name.as_str(),
            "shop",
            "an empty variable says nothing"
        );
        let other = plain.reach_with(&config, none).unwrap();
        assert_ne!(other.options.client_id, reach.options.client_id);
    }

    #[test]
    fn the_password_is_read_from_its_file_and_never_shown() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("word.key");
        std::fs::write(&file, "canary-7\n").unwrap();
        let flags = BrokerArgs {
            password_file: Some(file.clone()),
            ..BrokerArgs::default()
        };
        let set = |mode| std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        set(0o600);
        let reach = flags.reach_with(&config(&dir, BOX), |_| None).unwrap();
        assert_eq!(
            reach.options.password.as_ref().unwrap().expose(),
            "canary-7"
        );
        assert!(!format!("{reach:?}").contains("canary"));
        set(0o644);
        let trouble = flags.reach_with(&config(&dir, BOX), |_| None).unwrap_err();
        let Trouble::Config(text) = trouble else {
            panic!("{trouble:?}")
        };
        assert!(
            text.contains("chmod 600") && !text.contains("canary"),
            "{text}"
        );
    }

    #[test]
    fn what_is_missing_or_wrong_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let said = |env: &'static str, text| {
            let of = move |name: &str| (name == "BOOTHCAST_BROKER").then(|| env.to_owned());
            BrokerArgs::default()
                .reach_with(&config(&dir, text), of)
                .unwrap_err()
        };
        for (env, text, word) in [
            ("", "", "--broker"),
            ("http://x", "", "mqtt.broker"),
            ("mqtt://ok", "[mqtt]\nflet = \"x\"\n", "flet"),
        ] {
            let trouble = said(env, text);
            let Trouble::Config(text) = &trouble else {
                panic!("{trouble:?}")
            };
            assert!(text.contains(word), "{text}");
            assert_eq!(trouble.exit_code(), 78);
        }
    }
}
