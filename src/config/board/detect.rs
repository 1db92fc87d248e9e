//! Which board this is, and how that is known.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{Board, all, by_id};

/// A text that the machine says of itself is cut after this many bytes: it comes from outside.
const TEXT_MAX: u64 = 256;
/// Bytes of `compatible`, a list of such texts.
const LIST_MAX: u64 = 4096;

/// What the machine says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traces {
    /// `/proc/device-tree/model`; `None`: there is no device tree.
    pub model: Option<String>,
    /// `/proc/device-tree/compatible`, the most particular first.
    pub compatible: Vec<String>,
    /// Maker and product by the firmware of a PC (DMI), only told to people.
    pub product: Option<String>,
    /// Kind of processor, as Rust names it: `x86_64`, `aarch64`.
    pub processor: String,
}

impl Traces {
    /// Reads them under `root` (`/` in production). What is not there is left out.
    #[must_use]
    pub fn read(root: &Path) -> Self {
        let tree = root.join("proc/device-tree");
        let dmi = root.join("sys/class/dmi/id");
        let names = ["sys_vendor", "product_name"]
            .iter()
            .filter_map(|name| read(&dmi.join(name), TEXT_MAX));
        let names: Vec<String> = names
            .map(|n| printable(&n))
            .filter(|n| !n.is_empty())
            .collect();
        let compatible = read(&tree.join("compatible"), LIST_MAX).unwrap_or_default();
        Self {
            model: read(&tree.join("model"), TEXT_MAX).map(|m| printable(&m)),
            compatible: compatible
                .split('\0')
                .map(printable)
                .filter(|c| !c.is_empty())
                .collect(),
            product: (!names.is_empty()).then(|| names.join(" ")),
            processor: std::env::consts::ARCH.to_owned(),
        }
    }
}

fn read(path: &Path, max: u64) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|f| f.take(max).read_to_end(&mut bytes))
        .ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn printable(text: &str) -> String {
    let text = text.trim_end_matches('\0');
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    text.trim().to_owned()
}

/// A board, and why it is that one.
#[derive(Debug, Clone, PartialEq)]
pub struct Detected {
    /// Its facts.
    pub board: Board,
    /// How that is known: a clause that follows "because".
    pub why: String,
}

/// The board that these traces mean: by `compatible`, else by the longest fitting beginning of the model, else the
/// fall-back of the processor's kind.
#[must_use]
pub fn recognise(traces: &Traces) -> Detected {
    by_compatible(traces)
        .or_else(|| by_model(traces))
        .unwrap_or_else(|| fall_back(traces))
}

fn by_compatible(traces: &Traces) -> Option<Detected> {
    traces.compatible.iter().find_map(|entry| {
        let board = all().iter().find(|b| b.compatible.contains(entry))?;
        let named = match traces.model.as_deref() {
            Some(model) if !model.is_empty() && model != entry => format!(" (\"{model}\")"),
            _ => String::new(),
        };
        Some(Detected {
            board: board.clone(),
            why: format!("the device tree says {entry}{named}"),
        })
    })
}

fn by_model(traces: &Traces) -> Option<Detected> {
    let model = traces.model.as_deref()?;
    let fit = |board: &&Board| {
        let of = |m: &String| model.starts_with(m.as_str()).then_some(m.len());
        board.models.iter().filter_map(of).max()
    };
    let best = all()
        .iter()
        .filter(|b| fit(b).is_some())
        .max_by_key(|b| fit(b))?;
    Some(Detected {
        board: best.clone(),
        why: format!("the device tree says \"{model}\""),
    })
}

fn fall_back(traces: &Traces) -> Detected {
    let of_arm = traces.model.is_some() || traces.processor == "aarch64";
    let id = if of_arm { "generic-arm64" } else { "generic" };
    let who = match (traces.model.as_deref(), &traces.product) {
        (Some(""), _) => "the device tree names no board".to_owned(),
        (Some(model), _) => format!("no profile knows \"{model}\", as the device tree calls it"),
        (None, Some(product)) => format!("there is no device tree; it calls itself \"{product}\""),
        (None, None) => "there is no device tree".to_owned(),
    };
    Detected {
        board: by_id(id).cloned().unwrap_or_else(|| bare(id)),
        why: format!("{who}, with a processor of the kind {}", traces.processor),
    }
}

/// A board of which nothing is known but that software can encode.
fn bare(id: &str) -> Board {
    Board {
        id: id.to_owned(),
        title: id.to_owned(),
        models: Vec::new(),
        compatible: Vec::new(),
        encoders: vec!["x264enc".into(), "openh264enc".into()],
        default_profile: None,
        led: None,
        led_class: Vec::new(),
        button: None,
        thermal: None,
        boot: None,
    }
}

/// The board with this text of `/proc/device-tree/model`; `None`: there is no device tree.
#[must_use]
pub fn detect(model_text: Option<&str>) -> Board {
    let traces = Traces {
        model: model_text.map(printable),
        processor: std::env::consts::ARCH.to_owned(),
        ..Traces::default()
    };
    recognise(&traces).board
}

/// The board that this program runs on.
#[must_use]
pub fn detected() -> Detected {
    recognise(&Traces::read(Path::new("/")))
}
