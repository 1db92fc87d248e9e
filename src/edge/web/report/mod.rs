//! The report of a show for people: a page, and tables for a spreadsheet.
//!
//! The page has no scripts and no styles of its own ([`REPORT_CSS`] is served beside it); its plots are SVG. All text is
//! escaped. Each number leads to its events.

mod csv;
mod format;
mod html;
mod plot;
mod tables;
/// What the page says, in English and Chinese.
pub mod words;

pub use self::csv::{events_csv, render_csv};
pub use self::html::{Head, render_html};
pub use self::words::Lang;

/// Styles of the page, served as `/assets/report.css`.
pub const REPORT_CSS: &str = include_str!("report.css");

#[cfg(test)]
mod tests;
