//! The score interval of a share, after E. B. Wilson, *Probable Inference, the Law of Succession, and Statistical Inference*,
//! Journal of the American Statistical Association 22 (1927), 209–212.
//!
//! With `k` of `n`, `p = k / n` and `z = 1.96` (95 %):
//!
//! ```text
//!             p + z²/2n ± z · √( p(1−p)/n + z²/4n² )
//!   low/high = ---------------------------------------
//!                           1 + z²/n
//! ```
//!
//! It stays within 0 and 1 and holds for few viewers too, where the textbook's `p ± z·√(p(1−p)/n)` does not.

use schemars::JsonSchema;
use serde::Serialize;

/// Two-sided 95 % of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// A share, and between what it may well be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Interval {
    /// Lower end, 95 %.
    pub low: f64,
    /// What was seen.
    pub share: f64,
    /// Upper end, 95 %.
    pub high: f64,
}

/// Of `k` out of `n`; `None` if that is no share: none at all, or more than all.
#[must_use]
pub fn wilson(k: u64, n: u64) -> Option<Interval> {
    if n == 0 || k > n {
        return None;
    }
    let total = n as f64;
    let share = k as f64 / total;
    let z2 = Z * Z;
    let middle = share + z2 / (2.0 * total);
    let half = Z * (share * (1.0 - share) / total + z2 / (4.0 * total * total)).sqrt();
    let whole = 1.0 + z2 / total;
    // Exact at the ends, where rounding would leave 1e-17.
    let low = if k == 0 {
        0.0
    } else {
        ((middle - half) / whole).max(0.0)
    };
    let high = if k == n {
        1.0
    } else {
        ((middle + half) / whole).min(1.0)
    };
    Some(Interval { low, share, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of R's `binom::binom.wilson` and of Newcombe 1998, table I.
    #[test]
    fn known_values() {
        for (k, n, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
            (5, 10, 0.2366, 0.7634),
            (10, 10, 0.7225, 1.0),
        ] {
            let of = wilson(k, n).unwrap();
            assert!((of.low - low).abs() < 6e-5, "{k}/{n}: {}", of.low);
            assert!((of.high - high).abs() < 6e-5, "{k}/{n}: {}", of.high);
        }
    }

    #[test]
    fn no_share_no_interval() {
        assert_eq!(wilson(0, 0), None);
        assert_eq!(wilson(3, 2), None);
    }
}
