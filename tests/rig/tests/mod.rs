//! One file per subject.

mod boot;
mod mic;
