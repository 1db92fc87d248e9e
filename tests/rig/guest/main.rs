//! What runs inside the rig. As process 1 it makes a throw-away root, the network and the agent; otherwise it is one of
//! the tools that tests start: `rig-guest TOOL ARGUMENTS…`. Built as an example, so that it is built with the tests and
//! is no part of the product.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod agent;
mod commands;
mod find;
mod gadget;
mod gpio;
mod init;
mod jpeg;
mod leds;
mod mic;
mod options;
#[allow(dead_code)]
mod pattern;
mod sample;
mod stop;
mod tone;
mod uvc;
#[path = "../wire.rs"]
#[allow(dead_code)]
mod wire;

fn main() {
    if std::process::id() == 1 {
        init::run();
    }
    let mut args = std::env::args().skip(1);
    let tool = args.next().unwrap_or_default();
    let args: Vec<String> = args.collect();
    let outcome = match tool.as_str() {
        "agent" => agent::run(),
        _ => run(&tool, &args),
    };
    if let Err(e) = outcome {
        eprintln!("rig-guest {tool}: {e}");
        std::process::exit(1);
    }
}

type Tool = fn(&options::Options) -> anyhow::Result<()>;

/// Each tool with its usage. It works until it is done or gets SIGTERM or SIGINT, and takes down what it set up.
const TOOLS: &[(&str, Tool, &str)] = &[
    ("uvc", uvc::main, uvc::USAGE),
    ("mic", mic::main, mic::USAGE),
    ("find", find::main, find::USAGE),
    ("tone", tone::main, tone::USAGE),
    ("gpio", gpio::main, gpio::USAGE),
    ("leds", leds::main, leds::USAGE),
    ("sample", sample::main, sample::USAGE),
    ("tell", commands::main, commands::USAGE),
];

fn run(name: &str, args: &[String]) -> Result<(), String> {
    let Some((_, tool, usage)) = TOOLS.iter().find(|(tool, ..)| *tool == name) else {
        let usages: Vec<&str> = TOOLS.iter().map(|(.., usage)| *usage).collect();
        return Err(format!(
            "there is no such tool; there are\n\n{}",
            usages.join("\n\n")
        ));
    };
    let options = options::Options::parse(args);
    if options.has("help") {
        println!("{usage}");
        return Ok(());
    }
    tool(&options).map_err(|e| format!("{e:#}"))
}
