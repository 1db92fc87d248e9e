//! One file per subject.

mod boot;
mod mic;
mod frozen;
mod hotplug;
