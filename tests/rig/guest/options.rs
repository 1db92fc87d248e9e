//! Arguments of the tools.

use anyhow::{Result, bail};

/// Arguments of a tool: `--name value` or `--name=value`, `--flag` before another option, and the rest in order.
#[derive(Debug, Default)]
pub struct Options {
    named: Vec<(String, String)>,
    /// What is not an option.
    pub rest: Vec<String>,
}

impl Options {
    /// Reads the arguments. After `--` all is rest.
    pub fn parse(args: &[String]) -> Self {
        let mut options = Self::default();
        let mut args = args.iter().peekable();
        while let Some(arg) = args.next() {
            let Some(name) = arg.strip_prefix("--") else {
                options.rest.push(arg.clone());
                continue;
            };
            if name.is_empty() {
                options.rest.extend(args.cloned());
                break;
            }
            let (name, value) = match name.split_once('=') {
                Some((name, value)) => (name, value.to_owned()),
                None => match args.next_if(|next| !next.starts_with("--")) {
                    Some(value) => (name, value.clone()),
                    None => (name, String::new()),
                },
            };
            options.named.push((name.to_owned(), value));
        }
        options
    }

    /// Whether the option was given, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.named.iter().any(|(named, _)| named == name)
    }

    /// The option's last value, if it was given.
    pub fn text(&self, name: &str) -> Option<&str> {
        let found = self.named.iter().rev().find(|(named, _)| named == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The option as a number, or `default` where it was not given.
    pub fn number<T: std::str::FromStr>(&self, name: &str, default: T) -> Result<T> {
        match self.text(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .map_err(|_| anyhow::anyhow!("--{name} {text}: not a number that fits")),
        }
    }

    /// The `index`th argument that is not an option.
    pub fn at(&self, index: usize, what: &str) -> Result<&str> {
        match self.rest.get(index) {
            Some(text) => Ok(text),
            None => bail!("{what} is missing"),
        }
    }
}
