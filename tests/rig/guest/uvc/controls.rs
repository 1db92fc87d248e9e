//! The camera's controls as the host sees them: processing unit 2 and camera terminal 1 (UVC 1.1 §4.2.2, A.9).

use std::collections::BTreeMap;

use crate::pattern::Look;

const TERMINAL: u8 = 1;
const PROCESSING: u8 = 2;

/// `bmControls` of the camera terminal: auto-exposure mode, exposure, focus, zoom, auto-focus (§3.7.2.3).
const TERMINAL_BITS: [u8; 3] = [1 << 1 | 1 << 3 | 1 << 5, 1 << 1, 1 << 1];
/// `bmControls` of the processing unit: brightness, contrast, saturation, white balance, mains frequency, automatic
/// white balance (§3.7.2.5).
const PROCESSING_BITS: [u8; 2] = [1 | 1 << 1 | 1 << 3 | 1 << 6, 1 << 2 | 1 << 4];

/// Both maps, for the descriptors.
pub const BITS: ([u8; 3], [u8; 2]) = (TERMINAL_BITS, PROCESSING_BITS);

const SET_CUR: u8 = 0x01;
const GET_CUR: u8 = 0x81;
const GET_MIN: u8 = 0x82;
const GET_MAX: u8 = 0x83;
const GET_RES: u8 = 0x84;
const GET_LEN: u8 = 0x85;
const GET_INFO: u8 = 0x86;
const GET_DEF: u8 = 0x87;

/// `VC_REQUEST_ERROR_CODE_CONTROL` and its values (§4.2.1.2).
const ERROR_CODE: u8 = 2;
const WRONG_STATE: u8 = 2;
const OUT_OF_RANGE: u8 = 4;
const INVALID_CONTROL: u8 = 6;
const INVALID_REQUEST: u8 = 7;

struct Def {
    name: &'static str,
    entity: u8,
    selector: u8,
    bytes: usize,
    range: [i32; 4],
    /// The control that must have one of these values for this one to be settable.
    manual: Option<(&'static str, &'static [i32])>,
}

const fn def(name: &'static str, entity: u8, selector: u8, bytes: usize, range: [i32; 4]) -> Def {
    Def {
        name,
        entity,
        selector,
        bytes,
        range,
        manual: None,
    }
}

/// Ranges are minimum, maximum, step and default. The step of the auto-exposure mode is the set of its modes.
static DEFS: [Def; 11] = [
    def("brightness", PROCESSING, 0x02, 2, [-64, 64, 1, 0]),
    def("contrast", PROCESSING, 0x03, 2, [0, 100, 1, 50]),
    def("saturation", PROCESSING, 0x07, 2, [0, 128, 1, 64]),
    def("power_line_frequency", PROCESSING, 0x05, 1, [0, 2, 1, 1]),
    def("white_balance_auto", PROCESSING, 0x0B, 1, [0, 1, 1, 1]),
    Def {
        manual: Some(("white_balance_auto", &[0])),
        ..def(
            "white_balance_temperature",
            PROCESSING,
            0x0A,
            2,
            [2800, 6500, 10, 4600],
        )
    },
    def("auto_exposure", TERMINAL, 0x02, 1, [1, 8, 0b1001, 8]),
    Def {
        manual: Some(("auto_exposure", &[1])),
        ..def("exposure", TERMINAL, 0x04, 4, [3, 2047, 1, 250])
    },
    def("focus_auto", TERMINAL, 0x08, 1, [0, 1, 1, 1]),
    Def {
        manual: Some(("focus_auto", &[0])),
        ..def("focus", TERMINAL, 0x06, 2, [0, 250, 5, 0])
    },
    def("zoom", TERMINAL, 0x0B, 2, [100, 400, 1, 100]),
];

/// What a request gets.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// Send this.
    Data(Vec<u8>),
    /// Take so many bytes; then call [`Controls::set`].
    Take(usize),
    /// Refuse.
    Stall,
}

/// Values of all controls, as the host set them.
#[derive(Debug, Clone)]
pub struct Controls {
    values: BTreeMap<&'static str, i32>,
    error: u8,
    awaited: Option<usize>,
    /// Name and value of each accepted `SET_CUR`, the oldest first; at most 256 are kept.
    pub log: Vec<(&'static str, i32)>,
}

impl Default for Controls {
    fn default() -> Self {
        Self {
            values: DEFS.iter().map(|def| (def.name, def.range[3])).collect(),
            error: 0,
            awaited: None,
            log: Vec::new(),
        }
    }
}

impl Controls {
    /// Values by name.
    pub fn values(&self) -> &BTreeMap<&'static str, i32> {
        &self.values
    }

    /// What they do to the picture.
    pub fn look(&self) -> Look {
        let value = |name: &str| self.values.get(name).copied().unwrap_or_default();
        Look {
            brightness: value("brightness"),
            contrast: f64::from(value("contrast")) / 50.0,
            saturation: f64::from(value("saturation")) / 64.0,
        }
    }

    /// Answers a request to the control interface. A power-cycled camera forgets: make a new one at each plug.
    pub fn request(&mut self, request: u8, entity: u8, selector: u8) -> Answer {
        if entity == 0 && selector == ERROR_CODE && request == GET_CUR {
            return Answer::Data(vec![self.error]);
        }
        let found = DEFS
            .iter()
            .position(|def| def.entity == entity && def.selector == selector);
        let Some(index) = found else {
            return self.refuse(INVALID_CONTROL);
        };
        let def = &DEFS[index];
        let [min, max, step, default] = def.range;
        let value = match request {
            SET_CUR if !self.settable(def) => return self.refuse(WRONG_STATE),
            SET_CUR => {
                self.awaited = Some(index);
                return Answer::Take(def.bytes);
            }
            GET_CUR => self.values.get(def.name).copied().unwrap_or(default),
            GET_MIN => min,
            GET_MAX => max,
            GET_RES => step,
            GET_DEF => default,
            GET_LEN => return self.answer(&[def.bytes as u8, 0]),
            // It can be read and set; the third bit says that it is disabled for now by an automatic one.
            GET_INFO => return self.answer(&[0b11 | u8::from(!self.settable(def)) << 2]),
            _ => return self.refuse(INVALID_REQUEST),
        };
        self.answer(&value.to_le_bytes()[..def.bytes])
    }

    /// The data of the `SET_CUR` that was let through. A value out of range is not taken, as on a real camera.
    pub fn set(&mut self, data: &[u8]) {
        let Some(def) = self.awaited.take().map(|index| &DEFS[index]) else {
            return;
        };
        let mut bytes = [0u8; 4];
        for (to, from) in bytes.iter_mut().zip(data) {
            *to = *from;
        }
        let value = match def.bytes {
            1 => i32::from(bytes[0]),
            2 if def.range[0] < 0 => i32::from(i16::from_le_bytes([bytes[0], bytes[1]])),
            2 => i32::from(u16::from_le_bytes([bytes[0], bytes[1]])),
            _ => i32::from_le_bytes(bytes),
        };
        let known =
            def.name != "auto_exposure" || value & def.range[2] == value && value.count_ones() == 1;
        if data.len() < def.bytes || value < def.range[0] || value > def.range[1] || !known {
            self.error = OUT_OF_RANGE;
            return;
        }
        self.error = 0;
        self.values.insert(def.name, value);
        self.log.push((def.name, value));
        if self.log.len() > 256 {
            self.log.remove(0);
        }
    }

    fn settable(&self, def: &Def) -> bool {
        def.manual.is_none_or(|(master, values)| {
            self.values
                .get(master)
                .is_some_and(|value| values.contains(value))
        })
    }

    fn answer(&mut self, data: &[u8]) -> Answer {
        self.error = 0;
        Answer::Data(data.to_vec())
    }

    fn refuse(&mut self, error: u8) -> Answer {
        self.error = error;
        self.awaited = None;
        Answer::Stall
    }
}
