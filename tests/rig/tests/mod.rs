//! One file per subject.

mod board;
mod boot;
mod thermal;
