//! The whole box, measured: CPU against the bare pipeline, latency to a decoded frame, start to the first packet, a command
//! over MQTT to its effect. `cargo bench --bench whole_box [-- cpu|latency|start|command]`; prints a Markdown table for `docs/benchmarks.md`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod command;
mod cpu;
mod latency;
mod process;
mod start;

fn main() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let asked = |name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
    println!("| what | figure |\n|---|---|");
    if asked("cpu") {
        cpu::measure();
    }
    if asked("latency") {
        latency::measure();
    }
    if asked("start") {
        start::measure();
    }
    if asked("command") {
        command::measure();
    }
}
