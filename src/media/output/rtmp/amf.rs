//! AMF0, the encoding of RTMP commands (Adobe, *Action Message Format -- AMF 0*, 2007). Pure; the input is untrusted.

/// Deepest nesting that is decoded; more is an error (the input is untrusted).
const MAX_DEPTH: usize = 8;

mod marker {
    pub const NUMBER: u8 = 0x00;
    pub const BOOLEAN: u8 = 0x01;
    pub const STRING: u8 = 0x02;
    pub const OBJECT: u8 = 0x03;
    pub const NULL: u8 = 0x05;
    pub const UNDEFINED: u8 = 0x06;
    pub const REFERENCE: u8 = 0x07;
    pub const ECMA_ARRAY: u8 = 0x08;
    pub const OBJECT_END: u8 = 0x09;
    pub const STRICT_ARRAY: u8 = 0x0A;
    pub const DATE: u8 = 0x0B;
    pub const LONG_STRING: u8 = 0x0C;
    pub const UNSUPPORTED: u8 = 0x0D;
    pub const XML: u8 = 0x0F;
    pub const TYPED_OBJECT: u8 = 0x10;
}

/// An AMF0 value. What RTMP never needs to tell apart is folded: references and `unsupported` become [`Value::Null`],
/// typed objects become [`Value::Object`], XML becomes [`Value::String`], a date its milliseconds as [`Value::Number`].
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// 64-bit float.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// UTF-8; what was not valid UTF-8 is replaced.
    String(String),
    /// Properties in the order of the wire.
    Object(Vec<(String, Value)>),
    /// Like an object, with another marker; `onMetaData` is one.
    EcmaArray(Vec<(String, Value)>),
    /// A list.
    StrictArray(Vec<Value>),
    /// Nothing.
    Null,
}

impl Value {
    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(s) => Some(s),
            _ => None,
        }
    }

    /// The number.
    #[must_use]
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(n) => Some(*n),
            _ => None,
        }
    }

    /// The first property `name` of an object or ECMA array.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Object(p) | Self::EcmaArray(p) => {
                p.iter().find(|(n, _)| n == name).map(|(_, v)| v)
            }
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Self::String(s.to_owned())
    }
}

impl From<f64> for Value {
    fn from(n: f64) -> Self {
        Self::Number(n)
    }
}

/// Input that is not AMF0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmfError {
    /// It ends within a value.
    #[error("an AMF0 value is cut short")]
    Short,
    /// A marker that AMF0 does not have, or that may not stand here.
    #[error("unknown AMF0 marker {0:#04x}")]
    Marker(u8),
    /// Nested more than 8 deep.
    #[error("AMF0 values nested too deep")]
    Depth,
}

/// Appends the encoding of `value`. Strings longer than 65,535 bytes become long strings; property names are cut there.
pub fn encode(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Number(n) => {
            out.push(marker::NUMBER);
            out.extend_from_slice(&n.to_be_bytes());
        }
        Value::Boolean(b) => out.extend_from_slice(&[marker::BOOLEAN, u8::from(*b)]),
        Value::String(s) => encode_string(s, out),
        Value::Object(properties) => {
            out.push(marker::OBJECT);
            encode_properties(properties, out);
        }
        Value::EcmaArray(properties) => {
            out.push(marker::ECMA_ARRAY);
            out.extend_from_slice(&len_u32(properties.len()).to_be_bytes());
            encode_properties(properties, out);
        }
        Value::StrictArray(items) => {
            out.push(marker::STRICT_ARRAY);
            out.extend_from_slice(&len_u32(items.len()).to_be_bytes());
            for item in items {
                encode(item, out);
            }
        }
        Value::Null => out.push(marker::NULL),
    }
}

/// Encodes a sequence of values, as a command message is one.
#[must_use]
pub fn encode_all(values: &[Value]) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    for value in values {
        encode(value, &mut out);
    }
    out
}

fn len_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn encode_string(s: &str, out: &mut Vec<u8>) {
    if let Ok(len) = u16::try_from(s.len()) {
        out.push(marker::STRING);
        out.extend_from_slice(&len.to_be_bytes());
    } else {
        out.push(marker::LONG_STRING);
        out.extend_from_slice(&len_u32(s.len()).to_be_bytes());
    }
    out.extend_from_slice(s.as_bytes());
}

fn encode_properties(properties: &[(String, Value)], out: &mut Vec<u8>) {
    for (name, value) in properties {
        let len = u16::try_from(name.len()).unwrap_or(u16::MAX);
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(&name.as_bytes()[..usize::from(len)]);
        encode(value, out);
    }
    out.extend_from_slice(&[0, 0, marker::OBJECT_END]);
}

/// Decodes every value of a command message.
///
/// # Errors
/// Input that is cut short, has an unknown marker or is nested too deep. Every value takes at least one byte of the
/// input, so memory is bounded by the size of the message.
pub fn decode_all(input: &[u8]) -> Result<Vec<Value>, AmfError> {
    let mut rest = input;
    let mut values = Vec::new();
    while !rest.is_empty() {
        values.push(decode(&mut rest, 0)?);
    }
    Ok(values)
}

fn decode(rest: &mut &[u8], depth: usize) -> Result<Value, AmfError> {
    if depth > MAX_DEPTH {
        return Err(AmfError::Depth);
    }
    Ok(match take_u8(rest)? {
        marker::NUMBER => Value::Number(take_f64(rest)?),
        marker::BOOLEAN => Value::Boolean(take_u8(rest)? != 0),
        marker::STRING => Value::String(take_name(rest)?),
        marker::OBJECT => Value::Object(take_properties(rest, depth)?),
        marker::TYPED_OBJECT => {
            take_name(rest)?;
            Value::Object(take_properties(rest, depth)?)
        }
        marker::ECMA_ARRAY => {
            // The count is a hint only (section 2.10): the end is marked.
            take(rest, 4)?;
            Value::EcmaArray(take_properties(rest, depth)?)
        }
        marker::STRICT_ARRAY => {
            let n = take_u32(rest)?;
            let mut items = Vec::new();
            for _ in 0..n {
                items.push(decode(rest, depth + 1)?);
            }
            Value::StrictArray(items)
        }
        marker::DATE => {
            let ms = take_f64(rest)?;
            take(rest, 2)?;
            Value::Number(ms)
        }
        marker::LONG_STRING | marker::XML => {
            let n = take_u32(rest)? as usize;
            Value::String(String::from_utf8_lossy(take(rest, n)?).into_owned())
        }
        marker::REFERENCE => {
            take(rest, 2)?;
            Value::Null
        }
        marker::NULL | marker::UNDEFINED | marker::UNSUPPORTED => Value::Null,
        other => return Err(AmfError::Marker(other)),
    })
}

fn take_properties(rest: &mut &[u8], depth: usize) -> Result<Vec<(String, Value)>, AmfError> {
    let mut properties = Vec::new();
    loop {
        let name = take_name(rest)?;
        if name.is_empty() && rest.first() == Some(&marker::OBJECT_END) {
            take(rest, 1)?;
            return Ok(properties);
        }
        properties.push((name, decode(rest, depth + 1)?));
    }
}

fn take<'a>(rest: &mut &'a [u8], n: usize) -> Result<&'a [u8], AmfError> {
    let (head, tail) = rest.split_at_checked(n).ok_or(AmfError::Short)?;
    *rest = tail;
    Ok(head)
}

fn take_array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], AmfError> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(AmfError::Short)?;
    *rest = tail;
    Ok(*head)
}

fn take_u8(rest: &mut &[u8]) -> Result<u8, AmfError> {
    Ok(take_array::<1>(rest)?[0])
}

fn take_u32(rest: &mut &[u8]) -> Result<u32, AmfError> {
    Ok(u32::from_be_bytes(take_array(rest)?))
}

fn take_f64(rest: &mut &[u8]) -> Result<f64, AmfError> {
    Ok(f64::from_be_bytes(take_array(rest)?))
}

fn take_name(rest: &mut &[u8]) -> Result<String, AmfError> {
    let n = u16::from_be_bytes(take_array(rest)?);
    Ok(String::from_utf8_lossy(take(rest, usize::from(n))?).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            (-1e12f64..1e12).prop_map(Value::Number),
            any::<bool>().prop_map(Value::Boolean),
            "[a-zA-Zäß ]{0,20}".prop_map(Value::String),
            Just(Value::Null),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            // An empty name before the end marker is what ends an object, so names are not empty.
            let props = proptest::collection::vec(("[a-z]{1,8}", inner.clone()), 0..5);
            prop_oneof![
                props.clone().prop_map(Value::Object),
                props.prop_map(Value::EcmaArray),
                proptest::collection::vec(inner, 0..5).prop_map(Value::StrictArray),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_the_same(values in proptest::collection::vec(value(), 0..5)) {
            prop_assert_eq!(decode_all(&encode_all(&values)).unwrap(), values);
        }

        #[test]
        fn any_bytes_decode_or_fail_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = decode_all(&bytes);
        }

        #[test]
        fn every_cut_of_a_command_is_an_error_or_fewer_values(cut in 0usize..100) {
            let whole = encode_all(&["connect".into(), 1.0.into(), Value::Object(vec![("app".into(), "live".into())])]);
            let cut = cut.min(whole.len() - 1);
            prop_assert!(decode_all(&whole[..cut]).map_or(true, |v| v.len() < 3));
        }
    }

    #[test]
    fn the_wire_form_is_that_of_the_specification() {
        let out = encode_all(&[
            "ab".into(),
            1.0.into(),
            Value::Object(vec![("k".into(), Value::Boolean(true))]),
        ]);
        assert_eq!(
            out,
            [
                2, 0, 2, b'a', b'b', 0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 3, 0, 1, b'k', 1, 1, 0, 0, 9
            ]
        );
    }

    #[test]
    fn bombs_are_refused() {
        assert_eq!(
            decode_all(&[marker::STRICT_ARRAY, 0xff, 0xff, 0xff, 0xff]),
            Err(AmfError::Short)
        );
        let deep: Vec<u8> = [marker::STRICT_ARRAY, 0, 0, 0, 1].repeat(50_000);
        assert_eq!(decode_all(&deep), Err(AmfError::Depth));
        assert_eq!(decode_all(&[0x55]), Err(AmfError::Marker(0x55)));
    }

    #[test]
    fn long_strings_round_trip() {
        let long = Value::String("x".repeat(70_000));
        assert_eq!(
            decode_all(&encode_all(std::slice::from_ref(&long))).unwrap(),
            [long]
        );
    }
}
