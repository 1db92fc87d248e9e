//! Arguments, configuration, logging, runtime, exit code.
fn main() {}
