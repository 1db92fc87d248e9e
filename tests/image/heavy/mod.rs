//! What takes long: by hand (`make image-test`), with its figures in docs/benchmarks.md.

mod pi;
mod power;
mod reset;
mod safe;
mod setup;
mod slots;
mod update;
