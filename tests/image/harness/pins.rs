//! The GPIO lines of the emulated board: a PL061 whose outputs are read as a register and whose inputs are driven as
//! wires (`board/qemu-virt.toml` says which line is what).

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use super::monitor::{self, Monitor};

/// The line of the light and of the button.
pub const LED: u32 = 5;
pub const BUTTON: u32 = 4;
/// PL061 of QEMU's virt machine: data register, seen through the mask of all eight lines.
const DATA: u64 = 0x0903_0000 + (0xff << 2);

/// Drives the machine's wires through QEMU's test protocol.
pub struct Pins {
    to: UnixStream,
    from: BufReader<UnixStream>,
    device: String,
}

impl Pins {
    pub fn connect(path: &Path, monitor: &Monitor) -> Self {
        let to = monitor::connect(path);
        to.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let from = BufReader::new(to.try_clone().unwrap());
        Self {
            to,
            from,
            device: pl061(monitor),
        }
    }

    /// Drives an input line high or low.
    pub fn set(&mut self, line: u32, high: bool) {
        let level = u8::from(high);
        let command = format!(
            "set_irq_in {} unnamed-gpio-in {line} {level}\n",
            self.device
        );
        self.to.write_all(command.as_bytes()).unwrap();
        let mut answer = String::new();
        self.from.read_line(&mut answer).unwrap();
        assert!(answer.starts_with("OK"), "{command}: {answer}");
    }
}

/// The path of the GPIO controller among QEMU's objects.
fn pl061(monitor: &Monitor) -> String {
    let tree = monitor.tell(
        "qom-list",
        &serde_json::json!({"path": "/machine/unattached"}),
    );
    let devices = tree.as_array().unwrap();
    let found = devices.iter().find(|d| d["type"] == "child<pl061>");
    let found = found.unwrap_or_else(|| panic!("this machine has no PL061: {tree}"));
    format!("/machine/unattached/{}", found["name"].as_str().unwrap())
}

/// What the light did over a time.
#[derive(Debug, Clone, Copy)]
pub struct Light {
    /// Share of the time that it was on.
    pub on: f64,
    /// Changes per second.
    pub edges_per_s: f64,
}

/// Watches the light.
pub fn watch(monitor: &Monitor, time: Duration) -> Light {
    let begun = Instant::now();
    let (mut samples, mut on, mut edges, mut last) = (0_u32, 0_u32, 0_u32, None);
    while begun.elapsed() < time {
        let lit = monitor.word(DATA) >> LED & 1 == 1;
        samples += 1;
        on += u32::from(lit);
        edges += u32::from(last.is_some_and(|l| l != lit));
        last = Some(lit);
        std::thread::sleep(Duration::from_millis(10));
    }
    Light {
        on: f64::from(on) / f64::from(samples),
        edges_per_s: f64::from(edges) / begun.elapsed().as_secs_f64(),
    }
}
