//! Answers that are texts: lines of the log, and what is wrong with a configuration file.

use std::io::Write;

use serde_json::Value;

use super::show;
use crate::cli::outcome::{REFUSED, Trouble};

/// The lines of `logs`.
pub(super) fn logs(data: &Value, as_json: bool, out: &mut dyn Write) -> Result<(), Trouble> {
    let lines = data.get("lines").unwrap_or(data).as_array();
    let lines: Vec<&str> = lines
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let text = if lines.is_empty() {
        "The log is empty.".to_owned()
    } else {
        lines.join("\n")
    };
    show(as_json, data, &text, out)
}

/// What `config validate` found; a file with mistakes is refused.
pub(super) fn validated(data: &Value, as_json: bool, out: &mut dyn Write) -> Result<(), Trouble> {
    let good = data["valid"] == true;
    let mut lines: Vec<String> = ["warnings", "problems"]
        .iter()
        .flat_map(|field| data[*field].as_array().into_iter().flatten())
        .map(problem)
        .collect();
    lines.push(if good {
        "The configuration is good for this box.".to_owned()
    } else {
        "The configuration cannot be used by this box.".to_owned()
    });
    show(as_json, data, &lines.join("\n"), out)?;
    if good {
        Ok(())
    } else {
        Err(Trouble::Shown(REFUSED))
    }
}

fn problem(problem: &Value) -> String {
    if let Some(text) = problem.as_str() {
        return text.to_owned();
    }
    let text = |field: &str| problem[field].as_str().unwrap_or_default();
    let line = problem["line"].as_u64().map(|n| format!("line {n}: "));
    let mend = match text("mend") {
        "" => String::new(),
        mend => format!(" {mend}"),
    };
    format!("{}{}{mend}", line.unwrap_or_default(), text("message"))
}
