//! One file per subject.

mod boot;
