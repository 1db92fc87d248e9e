//! Numbers, times and text as they stand on the page.

use jiff::Timestamp;
use jiff::tz::Offset;

/// Text as it may stand in HTML, between tags and in quoted attributes. Characters that cannot be seen become `�`.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\r' | '\t' => out.push(' '),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// `12,345`.
pub(super) fn whole(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// With two digits after the point, or one from 100 on.
pub(super) fn fraction(x: f64) -> String {
    if x >= 100.0 {
        format!("{x:.1}")
    } else {
        format!("{x:.2}")
    }
}

/// `12.3 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// `1:02:03`, or `2:03` under an hour.
pub(super) fn length(ms: u64) -> String {
    let s = ms / 1000;
    let (h, m, s) = (s / 3600, s / 60 % 60, s % 60);
    if h > 0 {
        format!("{h}:{m:02}:{s:02}")
    } else {
        format!("{m}:{s:02}")
    }
}

/// Date and time at an offset from UTC, `2026-11-22 18:10:00`; a dash for what is no time.
pub(super) fn when(at_ms: i64, offset_s: i32) -> String {
    let offset = Offset::from_seconds(offset_s).unwrap_or(Offset::UTC);
    let time = Timestamp::from_millisecond(at_ms);
    time.map_or_else(
        |_| "–".to_owned(),
        |t| {
            offset
                .to_datetime(t)
                .strftime("%Y-%m-%d %H:%M:%S")
                .to_string()
        },
    )
}

/// Of an offset, `UTC+08:00`.
pub(super) fn zone(offset_s: i32) -> String {
    let sign = if offset_s < 0 { '−' } else { '+' };
    let minutes = offset_s.unsigned_abs() / 60;
    format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// Worth in the smallest unit as people write it, `19.90 CNY`.
pub(super) fn money(minor: u64, currency: &str) -> String {
    let digits = match currency {
        "JPY" | "KRW" | "VND" | "CLP" | "ISK" | "PYG" | "UGX" | "XAF" | "XOF" | "XPF" | "RWF" => {
            0_u32
        }
        "KWD" | "BHD" | "TND" | "JOD" | "OMR" | "IQD" | "LYD" => 3,
        _ => 2,
    };
    let unit = 10_u64.pow(digits);
    let (large, small) = (whole(minor / unit), minor % unit);
    if digits == 0 {
        format!("{large} {currency}")
    } else {
        format!(
            "{large}.{small:0width$} {currency}",
            width = digits as usize
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_people_write_it() {
        assert_eq!(
            (whole(0), whole(999), whole(1_234_567)),
            ("0".into(), "999".into(), "1,234,567".into())
        );
        assert_eq!(
            (length(3_723_999), length(61_000)),
            ("1:02:03".into(), "1:01".into())
        );
        assert_eq!(money(199_990, "CNY"), "1,999.90 CNY");
        assert_eq!(
            (money(5, "JPY"), money(5, "KWD")),
            ("5 JPY".into(), "0.005 KWD".into())
        );
        assert_eq!(when(0, 8 * 3600), "1970-01-01 08:00:00");
        assert_eq!(when(i64::MAX, 0), "–");
        assert_eq!(
            (zone(28_800), zone(-12_600)),
            ("UTC+08:00".into(), "UTC−03:30".into())
        );
    }
}
