//! Controls of a camera as its driver describes them: exposure, focus, white balance and so on, as plain data.

/// Control kinds of `enum v4l2_ctrl_type` that a person can set; everything else is [`ControlKind::Other`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlKind {
    /// A number.
    Integer,
    /// On or off.
    Boolean,
    /// One of several named choices.
    Menu,
    /// Does something when pressed; has no value.
    Button,
    /// A number of 64 bits.
    Integer64,
    /// Text.
    String,
    /// Bits.
    Bitmask,
    /// One of several numbers.
    IntegerMenu,
    /// A headline in the list: not a control.
    Headline,
    /// Arrays and structures of codecs.
    Other,
}

impl ControlKind {
    /// From the kernel's number.
    #[must_use]
    pub fn from_code(code: u32) -> Self {
        match code {
            1 => Self::Integer,
            2 => Self::Boolean,
            3 => Self::Menu,
            4 => Self::Button,
            5 => Self::Integer64,
            6 => Self::Headline,
            7 => Self::String,
            8 => Self::Bitmask,
            9 => Self::IntegerMenu,
            _ => Self::Other,
        }
    }

    /// Whether its value is one number.
    #[must_use]
    pub fn is_plain(self) -> bool {
        matches!(
            self,
            Self::Integer
                | Self::Boolean
                | Self::Menu
                | Self::Bitmask
                | Self::IntegerMenu
                | Self::Integer64
        )
    }
}

/// `V4L2_CTRL_FLAG_…` of `linux/videodev2.h`.
const DISABLED: u32 = 0x01;
const READ_ONLY: u32 = 0x04;
const INACTIVE: u32 = 0x10;
const WRITE_ONLY: u32 = 0x40;
const HAS_PAYLOAD: u32 = 0x100;
const EXECUTE_ON_WRITE: u32 = 0x200;

/// One control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// `V4L2_CID_…`.
    pub id: u32,
    /// The driver's name for it, cleaned for printing.
    pub name: String,
    /// Kind.
    pub kind: ControlKind,
    /// Smallest value.
    pub min: i64,
    /// Largest value.
    pub max: i64,
    /// Distance of two values.
    pub step: u64,
    /// Value after plugging in.
    pub default: i64,
    /// Value now, where it is one number and can be read.
    pub value: Option<i64>,
    /// Whether it can be set at all.
    pub writable: bool,
    /// Whether it has an effect now (an automatic can switch it off).
    pub active: bool,
    /// The choices of a menu: the driver's index and its text.
    pub choices: Vec<(i64, String)>,
    /// Setting it does something, each time: it is no value that can be kept.
    pub(super) acts: bool,
}

impl Control {
    /// From the numbers of `struct v4l2_query_ext_ctrl`; `None` for headlines and disabled ones.
    #[must_use]
    pub fn from_raw(
        (id, code, flags): (u32, u32, u32),
        name: String,
        (min, max, step, default): (i64, i64, u64, i64),
    ) -> Option<Self> {
        let kind = match ControlKind::from_code(code) {
            // An array has the kind of its elements.
            kind if kind.is_plain() && flags & HAS_PAYLOAD != 0 => ControlKind::Other,
            kind => kind,
        };
        (kind != ControlKind::Headline && flags & DISABLED == 0).then_some(Self {
            id,
            name,
            kind,
            min,
            max,
            step,
            default,
            value: None,
            writable: flags & READ_ONLY == 0,
            active: flags & INACTIVE == 0,
            choices: Vec::new(),
            acts: kind == ControlKind::Button || flags & (EXECUTE_ON_WRITE | WRITE_ONLY) != 0,
        })
    }

    /// Whether its value can be asked for, given its flags.
    #[must_use]
    pub fn is_readable(&self, flags: u32) -> bool {
        self.kind.is_plain() && flags & WRITE_ONLY == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headlines_and_disabled_controls_are_left_out() {
        let range = (0, 255, 1, 128);
        let make =
            |code, flags| Control::from_raw((0x0098_0900, code, flags), "Brightness".into(), range);
        assert!(make(6, 0).is_none());
        assert!(make(1, DISABLED).is_none());
        let brightness = make(1, 0).unwrap();
        assert!(brightness.writable && brightness.active && brightness.is_readable(0));
        assert!(!brightness.is_readable(WRITE_ONLY));
        let focus = make(1, INACTIVE | READ_ONLY).unwrap();
        assert!(!focus.writable && !focus.active);
        let array = make(5, HAS_PAYLOAD).unwrap();
        assert!(!array.is_readable(HAS_PAYLOAD) && array.kind == ControlKind::Other);
    }

    #[test]
    fn kinds_that_this_program_does_not_know_are_other_and_never_read() {
        // 0x0107 (V4L2_CTRL_TYPE_RECT) is younger than the crate's table, 0x0200 is an H.264 structure.
        for code in [0, 0x0106, 0x0107, 0x0200, u32::MAX] {
            assert_eq!(ControlKind::from_code(code), ControlKind::Other);
            assert!(!ControlKind::from_code(code).is_plain());
        }
    }
}
