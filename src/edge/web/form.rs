//! From the fields of the form to codes, as if they had been shown to the camera. Pure.

use std::str::FromStr;

use serde::Deserialize;

use crate::config::Secret;
use crate::config::code::{BoxCode, SetupCode, WifiCode};

/// Before the name of a network in the list; `keep` and `other` stand without.
pub const LISTED: &str = "s:";

/// The fields, as the browser sends them. What is not there is empty.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Fields {
    /// The token of the page.
    pub token: String,
    /// `keep`, `other`, or a network of the list after [`LISTED`].
    network: String,
    /// The name of another network.
    ssid: String,
    hidden: String,
    password: String,
    name: String,
    url: String,
    key: String,
    fleet: String,
    id: String,
    broker: String,
    user: String,
    broker_password: String,
    claim: String,
}

/// A field that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Name of the field, as in the form; `""` for what concerns several.
    pub field: &'static str,
    /// One clause, without what was typed.
    pub clause: String,
}

impl Fields {
    /// The network and what the box is to be; what is left empty is left as it is.
    ///
    /// # Errors
    /// Every field that cannot be taken, or that all are empty.
    pub fn codes(&self) -> Result<Vec<SetupCode>, Vec<Problem>> {
        let mut problems = Vec::new();
        let wifi = self.wifi().unwrap_or_else(|problem| {
            problems.push(problem);
            None
        });
        let code = self.code(&mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let codes: Vec<SetupCode> = wifi
            .map(SetupCode::Wifi)
            .into_iter()
            .chain(code.map(|c| SetupCode::Box(Box::new(c))))
            .collect();
        if codes.is_empty() {
            return Err(vec![Problem {
                field: "",
                clause: "nothing is filled in".into(),
            }]);
        }
        Ok(codes)
    }

    fn wifi(&self) -> Result<Option<WifiCode>, Problem> {
        let (ssid, hidden) = match self.network.strip_prefix(LISTED) {
            Some(listed) => (listed, false),
            // A name that is typed counts, also where the line before it is not marked.
            None if !self.ssid.is_empty() => (self.ssid.as_str(), !self.hidden.is_empty()),
            None if self.network == "other" => {
                return Err(problem("ssid", "the name of the network is missing".into()));
            }
            None => return Ok(None),
        };
        let password = &self.password;
        let code = WifiCode {
            ssid: ssid.to_owned(),
            password: (!password.is_empty()).then(|| Secret::new(password.as_str())),
            hidden,
        };
        code.check().map_err(|clause| problem("password", clause))?;
        Ok(Some(code))
    }

    fn code(&self, problems: &mut Vec<Problem>) -> Option<BoxCode> {
        let code = BoxCode {
            name: read("name", &self.name, problems),
            url: read("url", &self.url, problems),
            key: secret(&self.key),
            fleet: read("fleet", &self.fleet, problems),
            id: read("id", &self.id, problems),
            broker: read("broker", &self.broker, problems),
            user: Some(self.user.trim().to_owned()).filter(|u| !u.is_empty()),
            password: secret(&self.broker_password),
            claim: secret(&self.claim),
        };
        if code == BoxCode::default() {
            return None;
        }
        // What is wrong with one field would only be said twice.
        if problems.is_empty()
            && let Err(clause) = code.check()
        {
            problems.push(problem("", clause.replacen("the code has", "there is", 1)));
        }
        Some(code)
    }
}

fn problem(field: &'static str, clause: String) -> Problem {
    Problem { field, clause }
}

/// Keys are copied with a line's end or a blank; none of them begins or ends with one.
fn secret(text: &str) -> Option<Secret> {
    let text = text.trim();
    (!text.is_empty()).then(|| Secret::new(text))
}

fn read<T>(field: &'static str, text: &str, problems: &mut Vec<Problem>) -> Option<T>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    text.parse()
        .map_err(|e: T::Err| problems.push(problem(field, e.to_string())))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        let body =
            serde_json::Map::from_iter(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).into())));
        serde_json::from_value(body.into()).unwrap()
    }

    #[test]
    fn a_network_and_a_box_come_in_this_order() {
        let codes = fields(&[
            ("network", "s:Shop"),
            ("password", "geheim123"),
            ("name", "Front"),
            ("url", "rtmp://live.example/app"),
            ("key", " k-1234\n"),
        ])
        .codes()
        .unwrap();
        let [SetupCode::Wifi(wifi), SetupCode::Box(code)] = codes.as_slice() else {
            panic!("{codes:?}")
        };
        assert_eq!((wifi.ssid.as_str(), wifi.hidden), ("Shop", false));
        assert_eq!(wifi.password.as_ref().unwrap().expose(), "geheim123");
        assert_eq!(code.key.as_ref().unwrap().expose(), "k-1234");
        assert_eq!(code.name.as_ref().unwrap().as_str(), "Front");
    }

    #[test]
    fn another_network_is_typed_and_may_be_hidden_or_open() {
        for network in ["other", "keep", ""] {
            let given = fields(&[
                ("network", network),
                ("ssid", "Back room"),
                ("hidden", "on"),
            ]);
            let codes = given.codes().unwrap();
            let [SetupCode::Wifi(wifi)] = codes.as_slice() else {
                panic!("{codes:?}")
            };
            assert_eq!((wifi.ssid.as_str(), wifi.hidden), ("Back room", true));
            assert_eq!(wifi.password, None);
        }
        // One of the list that is marked counts, whatever was typed before.
        let codes = fields(&[("network", "s:Shop"), ("ssid", "Back room")]).codes();
        let [SetupCode::Wifi(wifi)] = codes.as_deref().unwrap() else {
            panic!("{codes:?}")
        };
        assert_eq!((wifi.ssid.as_str(), wifi.hidden), ("Shop", false));
    }

    #[test]
    fn what_is_wrong_is_said_without_what_was_typed() {
        for (given, field) in [
            (&[("network", "keep")][..], ""),
            (&[("network", "other")], "ssid"),
            (&[("network", "s:Shop"), ("password", "geheim")], "password"),
            (&[("url", "geheim://x")], "url"),
            (&[("key", "geheim-key")], ""),
            (&[("fleet", "Geheim !")], "fleet"),
            (&[("broker", "geheim"), ("name", "x")], "broker"),
        ] {
            let problems = fields(given).codes().unwrap_err();
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert_eq!(problems[0].field, field, "{problems:?}");
            assert!(!format!("{problems:?}").contains("eheim"), "{problems:?}");
        }
    }
}
