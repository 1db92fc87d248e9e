//! One file per subject.

mod boot;
mod button;
mod led;
mod light;
