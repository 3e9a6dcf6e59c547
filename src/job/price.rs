//! What film costs: exact decimal amounts, in a currency that only the shop knows.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::decimal::decimal;
use crate::geom::{Dpi, parsed};

/// Decimal places of an amount that are kept.
const PLACES: usize = 4;

/// The amount 1.
const UNIT: u64 = 10_u64.pow(4);

/// An amount of money, exact to four decimal places. In files: a text such as `"12.50"`.
///
/// # Guarantees
///
/// It is not negative and below 10⁹.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u64);

impl std::str::FromStr for Amount {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        decimal::<PLACES>(text).map(Self)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / UNIT, self.0 % UNIT);
        let digits = format!("{fraction:04}");
        // Two places at least, as people write it.
        write!(f, "{whole}.{}{}", &digits[..2], digits[2..].trim_end_matches('0'))
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer, &format!("an amount as a text, such as \"12.50\", with at most {PLACES} decimal places"))
    }
}

/// What a length or an area of media costs. In files: `{"per_metre": "12.50"}` or `{"per_m2": "9.90"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Price {
    /// For a metre of its length, whatever its width.
    PerMetre(Amount),
    /// For a square metre.
    PerM2(Amount),
}

impl Price {
    /// What a row of pixels costs, over the whole width of `width` pixels, in a unit that is the same for all media at `dpi`: less is cheaper.
    #[must_use]
    pub fn of_row(self, width: u32, dpi: Dpi) -> u128 {
        match self {
            // Both are multiplied by dpi² and 10⁸, with 254 units of 10⁻⁴ m in an inch.
            Self::PerMetre(Amount(amount)) => u128::from(amount) * 254 * u128::from(dpi.get()) * 10_000,
            Self::PerM2(Amount(amount)) => u128::from(amount) * u128::from(width) * 254 * 254,
        }
    }

    /// What `length` rows of `width` pixels cost.
    #[must_use]
    pub fn of(self, width: u32, length: u64, dpi: Dpi) -> Cost {
        let unit = u128::from(dpi.get()) * u128::from(dpi.get()) * 10_u128.pow(8);
        let amount = (self.of_row(width, dpi).saturating_mul(length.into()).saturating_add(unit / 2)) / unit;
        Cost(u64::try_from(amount).unwrap_or(u64::MAX))
    }
}

/// What film costs, in ten-thousandths of the shop's currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cost(u64);

impl Cost {
    /// The share of `part` in `whole`, rounded to nearest.
    #[must_use]
    pub fn share(self, part: u128, whole: u128) -> Self {
        let whole = whole.max(1);
        Self(u64::try_from((u128::from(self.0).saturating_mul(part).saturating_add(whole / 2)) / whole).unwrap_or(u64::MAX))
    }

    /// By how much it is more than another one: nothing where it is less.
    #[must_use]
    pub const fn above(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// How much of `whole` it is, in per cent.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "for people: a rounded number")]
    pub fn percent_of(self, whole: Self) -> f64 {
        100.0 * self.0 as f64 / whole.0.max(1) as f64
    }
}

impl std::iter::Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        Self(costs.fold(0, |sum, Self(cost)| sum.saturating_add(cost)))
    }
}

impl fmt::Display for Cost {
    /// In hundredths, rounded half up.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = self.0.saturating_add(UNIT / 200) / (UNIT / 100);
        f.pad(&format!("{}.{:02}", hundredths / 100, hundredths % 100))
    }
}

impl Serialize for Cost {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cost {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.split_once('.').filter(|(_, places)| places.len() == 2).map(|(whole, places)| format!("{whole}{places}"));
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let cost = digits.and_then(|digits| digits.parse::<u64>().ok()?.checked_mul(UNIT / 100));
        cost.map(Self).ok_or_else(|| de::Error::invalid_value(de::Unexpected::Str(&text), &"an amount with two decimal places"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(json: &str) -> Result<Price, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn amounts_are_exact_and_come_back_as_they_were() {
        for (text, written) in [("12.50", "12.50"), ("12.5", "12.50"), ("0.0001", "0.0001"), ("7", "7.00"), ("999999999.9", "999999999.90")]
        {
            assert_eq!(text.parse::<Amount>().unwrap().to_string(), written);
        }
        for bad in ["", ".5", "5.", "-1", "1e3", "1.00001", "1000000000", "1,5", "+1", " 1"] {
            assert!(bad.parse::<Amount>().is_err(), "{bad}");
        }
    }

    #[test]
    fn metres_and_square_metres_are_priced() {
        let dpi = Dpi::new(254).unwrap();
        // 10,000 px are a metre.
        assert_eq!(price(r#"{"per_metre": "12.50"}"#).unwrap().of(5_000, 20_000, dpi).to_string(), "25.00");
        assert_eq!(price(r#"{"per_m2": "9.90"}"#).unwrap().of(5_000, 20_000, dpi).to_string(), "9.90");
        assert_eq!(price(r#"{"per_m2": "9.90"}"#).unwrap().of(5_000, 20_000, dpi).share(1, 3).to_string(), "3.30");
    }

    #[test]
    fn costs_of_any_size_come_back() {
        for cost in [0, 1, 49, 50, 10_u64.pow(13), u64::MAX / 2].map(Cost) {
            let written = serde_json::to_string(&cost).unwrap();
            let read: Cost = serde_json::from_str(&written).unwrap();
            assert_eq!(read.to_string(), cost.to_string());
        }
        assert!(serde_json::from_str::<Cost>("\"1.5\"").is_err());
        assert!(!Cost(u64::MAX).to_string().is_empty());
    }

    #[test]
    fn what_is_no_price_is_refused() {
        assert!(price(r#"{"per_metre": 12.5}"#).unwrap_err().contains("expected an amount as a text"));
        assert!(price(r#"{"per_foot": "1"}"#).unwrap_err().contains("expected `per_metre` or `per_m2`"));
        assert!(price(r#"{"per_metre": "1", "per_m2": "1"}"#).is_err());
    }
}
