//! Decimal numbers as whole ones.

use std::fmt;

/// A decimal number of at most `PLACES` places, in units of the last one.
pub(super) fn decimal<const PLACES: usize>(text: &str) -> Result<u64, ()> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole, 9) || !digits(fraction, PLACES) {
        return Err(());
    }
    format!("{whole}{fraction:0<PLACES$}").parse().map_err(drop)
}

/// Writes units of the last of `PLACES` places, without zeros at the end.
pub(super) fn write_decimal<const PLACES: usize>(f: &mut fmt::Formatter<'_>, value: u64) -> fmt::Result {
    let digits = format!("{value:0>width$}", width = PLACES + 1);
    let (whole, fraction) = digits.split_at(digits.len() - PLACES);
    let fraction = fraction.trim_end_matches('0');
    f.write_str(whole)?;
    if fraction.is_empty() { Ok(()) } else { write!(f, ".{fraction}") }
}
