//! Arguments, logging, and the exit code. Everything else is in the library.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // SAFETY: nothing was done before this, so there is one thread.
    unsafe { boothcast::media::prepare() };
    let args = boothcast::cli::Cli::parse();
    ExitCode::from(boothcast::cli::main(args))
}
