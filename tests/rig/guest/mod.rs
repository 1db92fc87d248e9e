//! Test-only tools that run inside the rig's kernel: the cameras, sound cards and lines that the box is tested with.
//!
//! The test binary is started inside the guest as `rig guest TOOL ARG…`. Each tool sets its device up, works until
//! SIGTERM or SIGINT, takes everything down again and exits 0; a failure is one sentence on standard error and exit 1.

pub mod gadget;
pub mod jpeg;
pub mod pattern;
pub mod stop;
pub mod uvc;

use anyhow::{Result, bail};

/// Each tool with its usage.
const TOOLS: &[(&str, Tool, &str)] = &[
    ("uvc", uvc::main, uvc::USAGE),
    ("tell", uvc::tell::main, uvc::tell::USAGE),
];

type Tool = fn(&Options) -> Result<()>;

/// Runs `rig guest ARGS`; the return value is the exit code.
pub fn main(args: &[String]) -> i32 {
    let name = args.first().map_or("", String::as_str);
    let Some((_, tool, usage)) = TOOLS.iter().find(|(tool, ..)| *tool == name) else {
        eprintln!("rig guest: there is no tool `{name}`; the tools are:");
        for (_, _, usage) in TOOLS {
            eprintln!("\n{usage}");
        }
        return 2;
    };
    let done = Options::parse(args.get(1..).unwrap_or_default()).and_then(|options| {
        if options.has("help") {
            println!("{usage}");
            return Ok(());
        }
        tool(&options)
    });
    match done {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("rig guest {name}: {error:#}");
            1
        }
    }
}

/// Arguments of a tool: `--name value` or `--name=value`, `--flag` before another option, and the rest in order.
#[derive(Debug, Default)]
pub struct Options {
    named: Vec<(String, String)>,
    /// What is not an option.
    pub rest: Vec<String>,
}

impl Options {
    /// Reads the arguments. After `--` all is rest.
    pub fn parse(args: &[String]) -> Result<Self> {
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
        Ok(options)
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
