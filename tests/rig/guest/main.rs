//! What runs inside the rig. As process 1 it makes a throw-away root, the network and the agent; otherwise it is one of
//! the tools that tests start: `rig-guest TOOL ARGUMENTS…`. Built as an example, so that it is built with the tests and
//! is no part of the product.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod agent;
mod init;
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
        _ => Err(format!("there is no tool {tool:?}; with {args:?}")),
    };
    if let Err(e) = outcome {
        eprintln!("rig-guest {tool}: {e}");
        std::process::exit(1);
    }
}
