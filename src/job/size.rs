//! The rules for an item's printed size, exact in integers.

use std::fmt;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::document::object;
use super::read;
use crate::error::{Error, ErrorKind, Result};
use crate::geom::{Dpi, Length, PxSize};

/// How large an item is printed, before it is turned. In files: an object with exactly one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sizing {
    /// `{"width": …}`: so wide; the height follows.
    Width(Length),
    /// `{"height": …}`: so high; the width follows.
    Height(Length),
    /// `{"longest": …}`: the longer side is so long; the other one follows.
    Longest(Length),
    /// `{"fit": [width, height]}`: as large as fits into this, its shape kept.
    Fit(Length, Length),
    /// `{"exact": [width, height]}`: exactly so large, stretched if need be.
    Exact(Length, Length),
    /// `{"dpi": …}`: so many of the artwork's pixels to the inch.
    Dpi(Dpi),
    /// `{"metadata": true}`: the size that the file's own resolution tag says.
    Metadata,
}

/// How many of an artwork's pixels make an inch, across and down, as exact fractions of a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Density {
    micro_x: u64,
    micro_y: u64,
}

impl Density {
    const MICRO: u64 = 1_000_000;

    /// A file's resolution tag, in pixels per inch; `None` for what is no resolution.
    ///
    /// PNG counts whole pixels per metre, so that 300 DPI arrive as 299.9994. What lies within half such a step of a whole number is
    /// taken for that number: it is what was meant, and 1:1 stays 1:1 at any size.
    pub(crate) fn from_tag((x, y): (f64, f64)) -> Option<Self> {
        Some(Self { micro_x: micro_per_inch(x)?, micro_y: micro_per_inch(y)? })
    }
}

impl From<Dpi> for Density {
    fn from(dpi: Dpi) -> Self {
        let micro = u64::from(dpi.get()) * Self::MICRO;
        Self { micro_x: micro, micro_y: micro }
    }
}

fn micro_per_inch(per_inch: f64) -> Option<u64> {
    const HALF_A_PIXEL_PER_METRE: f64 = 0.0127;
    let whole = per_inch.round();
    let meant = if whole >= 1.0 && (per_inch - whole).abs() <= HALF_A_PIXEL_PER_METRE { whole } else { per_inch };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, and what saturates is filtered out")]
    let micro = (meant * 1e6).round() as u64;
    (1..=u64::from(Dpi::MAX) * Density::MICRO).contains(&micro).then_some(micro)
}

/// Why an item has no printed size.
#[derive(Debug)]
pub(crate) enum SizeError {
    /// The size is asked of the file's resolution tag, which it does not have.
    NoResolution,
    /// [`ErrorKind::Empty`] or [`ErrorKind::TooLarge`].
    Unprintable(Error),
}

impl From<Error> for SizeError {
    fn from(error: Error) -> Self {
        Self::Unprintable(error)
    }
}

impl Sizing {
    /// The lengths that are given, with where they stand in a file.
    pub(super) fn lengths(self) -> impl Iterator<Item = (&'static str, Length)> {
        let (first, second) = match self {
            Self::Width(length) => (Some(("width", length)), None),
            Self::Height(length) => (Some(("height", length)), None),
            Self::Longest(length) => (Some(("longest", length)), None),
            Self::Fit(across, down) => (Some(("fit[0]", across)), Some(("fit[1]", down))),
            Self::Exact(across, down) => (Some(("exact[0]", across)), Some(("exact[1]", down))),
            Self::Dpi(_) | Self::Metadata => (None, None),
        };
        first.into_iter().chain(second)
    }

    /// The printed size in pixels at `dpi` of an artwork with `source` pixels and the resolution `tag`.
    ///
    /// Lengths that are given are rounded to the nearest pixel, half up; a side that follows is computed from the rounded one and rounded
    /// in the same way, but has at least one pixel.
    pub(crate) fn to_px(self, source: PxSize, dpi: Dpi, tag: Option<Density>) -> Result<PxSize, SizeError> {
        let (width, height) = (source.width(), source.height());
        let given = |length: Length| match length.to_px(dpi) {
            Ok(0) => Err(Error::from(ErrorKind::Empty { what: format!("{length} at {dpi} DPI") })),
            other => other,
        };
        let by_width = |to: u32| Self::px_size(to.into(), scaled(height, to, width).max(1));
        let by_height = |to: u32| Self::px_size(scaled(width, to, height).max(1), to.into());
        Ok(match self {
            Self::Width(length) => by_width(given(length)?)?,
            Self::Height(length) => by_height(given(length)?)?,
            Self::Longest(length) if width >= height => by_width(given(length)?)?,
            Self::Longest(length) => by_height(given(length)?)?,
            Self::Fit(across, down) => {
                let (across, down) = (given(across)?, given(down)?);
                let height_is_tighter = u64::from(down) * u64::from(width) < u64::from(across) * u64::from(height);
                if height_is_tighter { by_height(down)? } else { by_width(across)? }
            }
            Self::Exact(across, down) => PxSize::new(given(across)?, given(down)?)?,
            Self::Dpi(density) => at_density(source, dpi, density.into())?,
            Self::Metadata => at_density(source, dpi, tag.ok_or(SizeError::NoResolution)?)?,
        })
    }

    fn px_size(width: u64, height: u64) -> Result<PxSize> {
        match (u32::try_from(width), u32::try_from(height)) {
            (Ok(width), Ok(height)) => PxSize::new(width, height),
            _ => Err(ErrorKind::TooLarge { what: format!("{width} × {height} px") }.into()),
        }
    }
}

fn at_density(source: PxSize, dpi: Dpi, density: Density) -> Result<PxSize> {
    let side = |pixels: u32, micro: u64| rounded(u128::from(pixels) * u128::from(dpi.get()) * u128::from(Density::MICRO), micro.into());
    let (width, height) = (side(source.width(), density.micro_x), side(source.height(), density.micro_y));
    if width.max(height) == 0 {
        return Err(ErrorKind::Empty { what: format!("{source} printed so small") }.into());
    }
    Sizing::px_size(width.max(1), height.max(1))
}

/// `value` × `numerator` ÷ `denominator`.
fn scaled(value: u32, numerator: u32, denominator: u32) -> u64 {
    rounded(u128::from(value) * u128::from(numerator), denominator.into())
}

/// The quotient rounded to nearest, half up; saturates.
fn rounded(numerator: u128, denominator: u128) -> u64 {
    u64::try_from((numerator * 2 + denominator) / (denominator * 2)).unwrap_or(u64::MAX)
}

/// Two lengths with an x between them: `4in x 3in`. Where the first one has no unit it is that of the second: `4x3in`.
pub(super) fn pair(text: &str) -> Option<[Length; 2]> {
    text.match_indices(['x', 'X', '×']).find_map(|(at, sign)| {
        let (first, second) = (text[..at].trim(), text[at + sign.len()..].trim());
        let unit = second.trim_start_matches(|digit: char| digit.is_ascii_digit() || digit == '.');
        let first = first.parse().or_else(|_| format!("{first}{unit}").parse());
        Some([first.ok()?, second.parse().ok()?])
    })
}

impl Serialize for Sizing {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            Self::Width(length) => map.serialize_entry("width", length),
            Self::Height(length) => map.serialize_entry("height", length),
            Self::Longest(length) => map.serialize_entry("longest", length),
            Self::Fit(width, height) => map.serialize_entry("fit", &[width, height]),
            Self::Exact(width, height) => map.serialize_entry("exact", &[width, height]),
            Self::Dpi(dpi) => map.serialize_entry("dpi", dpi),
            Self::Metadata => map.serialize_entry("metadata", &true),
        }?;
        map.end()
    }
}

/// A [`Sizing`] as files write it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "an object with one of width, height, longest, fit, exact, dpi, metadata")]
struct SizingFile {
    #[serde(deserialize_with = "read::present")]
    width: Option<Length>,
    #[serde(deserialize_with = "read::present")]
    height: Option<Length>,
    #[serde(deserialize_with = "read::present")]
    longest: Option<Length>,
    #[serde(deserialize_with = "read::present")]
    fit: Option<Pair>,
    #[serde(deserialize_with = "read::present")]
    exact: Option<Pair>,
    #[serde(deserialize_with = "read::present")]
    dpi: Option<Dpi>,
    #[serde(deserialize_with = "read::present")]
    metadata: Option<True>,
}

impl<'de> Deserialize<'de> for Sizing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let file: SizingFile = object(deserializer)?;
        let candidates = [
            ("width", file.width.map(Self::Width)),
            ("height", file.height.map(Self::Height)),
            ("longest", file.longest.map(Self::Longest)),
            ("fit", file.fit.map(|Pair(width, height)| Self::Fit(width, height))),
            ("exact", file.exact.map(|Pair(width, height)| Self::Exact(width, height))),
            ("dpi", file.dpi.map(Self::Dpi)),
            ("metadata", file.metadata.map(|True| Self::Metadata)),
        ];
        let mut found = candidates.iter().filter_map(|(name, sizing)| sizing.as_ref().map(|sizing| (name, sizing)));
        match (found.next(), found.next()) {
            (Some((_, sizing)), None) => Ok(*sizing),
            (first, second) => {
                let found = match (first, second) {
                    (Some((first, _)), Some((second, _))) => format!("both {first} and {second}"),
                    _ => "an empty object".to_owned(),
                };
                let expected = candidates.map(|(name, _)| name).join(", ");
                Err(de::Error::custom(format!("found {found}, expected exactly one of {expected}")))
            }
        }
    }
}

/// Two lengths: width and height.
struct Pair(Length, Length);

impl<'de> Deserialize<'de> for Pair {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Pair;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("two lengths, [width, height], such as [\"4in\", \"3in\"]")
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Pair, A::Error> {
                let width = seq.next_element()?.ok_or_else(|| de::Error::invalid_length(0, &self))?;
                let height = seq.next_element()?.ok_or_else(|| de::Error::invalid_length(1, &self))?;
                match seq.next_element::<de::IgnoredAny>()? {
                    None => Ok(Pair(width, height)),
                    Some(_) => Err(de::Error::invalid_length(3, &self)),
                }
            }
        }
        deserializer.deserialize_seq(Visitor)
    }
}

/// `true` and nothing else.
struct True;

impl<'de> Deserialize<'de> for True {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        match bool::deserialize(deserializer)? {
            true => Ok(Self),
            false => Err(de::Error::invalid_value(de::Unexpected::Bool(false), &"true")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::MAX_SIDE_PX;
    use proptest::prelude::*;

    fn px(sizing: &str, source: (u32, u32), tag: Option<(f64, f64)>) -> Option<(u32, u32)> {
        let sizing: Sizing = serde_json::from_str(sizing).unwrap();
        let source = PxSize::new(source.0, source.1).unwrap();
        let size = sizing.to_px(source, Dpi::new(300).unwrap(), tag.and_then(Density::from_tag)).ok()?;
        Some((size.width(), size.height()))
    }

    #[test]
    fn each_rule_gives_its_size() {
        for (sizing, expected) in [
            (r#"{"width": "10in"}"#, (3000, 1500)),
            (r#"{"height": "10in"}"#, (6000, 3000)),
            (r#"{"longest": "10in"}"#, (3000, 1500)),
            (r#"{"fit": ["4in", "3in"]}"#, (1200, 600)),
            (r#"{"fit": ["4in", "1in"]}"#, (600, 300)),
            (r#"{"exact": ["4in", "3in"]}"#, (1200, 900)),
            (r#"{"dpi": 150}"#, (2000, 1000)),
            (r#"{"metadata": true}"#, (4000, 1000)),
        ] {
            assert_eq!(px(sizing, (1000, 500), Some((75.0, 150.0))), Some(expected), "{sizing}");
        }
        assert_eq!(px(r#"{"longest": "10in"}"#, (500, 1000), None), Some((1500, 3000)));
    }

    #[test]
    fn a_side_that_follows_is_rounded_to_nearest_half_up() {
        assert_eq!(px(r#"{"width": "100px"}"#, (1000, 14), None), Some((100, 1)));
        assert_eq!(px(r#"{"width": "100px"}"#, (1000, 15), None), Some((100, 2)));
        assert_eq!(px(r#"{"dpi": 200}"#, (1, 3), None), Some((2, 5)));
    }

    #[test]
    fn a_side_that_follows_has_at_least_one_pixel_but_a_given_one_is_never_invented() {
        assert_eq!(px(r#"{"width": "100px"}"#, (10_000, 1), None), Some((100, 1)));
        assert_eq!(px(r#"{"dpi": 30000}"#, (100, 10), None), Some((1, 1)));
        assert_eq!(px(r#"{"dpi": 100000}"#, (100, 10), None), None);
        assert_eq!(px(r#"{"width": "0.000000001in"}"#, (10, 10), None), None);
        assert_eq!(px(r#"{"exact": ["1in", "0in"]}"#, (10, 10), None), None);
    }

    #[test]
    fn sizes_beyond_the_largest_side_are_errors() {
        assert_eq!(px(r#"{"width": "999999999in"}"#, (1, 1), None), None);
        assert_eq!(px(r#"{"width": "999999999px"}"#, (1, MAX_SIDE_PX), None), None);
        assert_eq!(px(r#"{"dpi": 1}"#, (MAX_SIDE_PX, 1), None), None);
    }

    #[test]
    fn a_tag_in_pixels_per_metre_means_whole_dots_per_inch() {
        for dpi in [72, 96, 150, 300, 600] {
            let per_inch = f64::from(Dpi::new(dpi).unwrap().per_metre()) * 0.0254;
            assert_eq!(Density::from_tag((per_inch, per_inch)), Some(Dpi::new(dpi).unwrap().into()));
        }
        assert_eq!(px(r#"{"metadata": true}"#, (2_000_001, 7), Some((299.9994, 299.9994))), Some((2_000_001, 7)));
        assert_eq!(px(r#"{"metadata": true}"#, (300, 300), Some((72.5, 72.5))), Some((1241, 1241)));
        for wrong in [0.0, -72.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(Density::from_tag((wrong, 72.0)), None);
        }
        assert_eq!(px(r#"{"metadata": true}"#, (300, 300), None), None);
    }

    proptest! {
        #[test]
        fn the_shape_is_kept_within_a_pixel_and_fit_is_never_exceeded(
            source in (1u32..50_000, 1u32..50_000), across in 1u32..50_000, down in 1u32..50_000,
        ) {
            let source = PxSize::new(source.0, source.1).unwrap();
            let dpi = Dpi::new(300).unwrap();
            let (across, down) = (Length::px(across), Length::px(down));
            for sizing in [Sizing::Width(across), Sizing::Height(down), Sizing::Longest(across), Sizing::Fit(across, down)] {
                let size = sizing.to_px(source, dpi, None).unwrap();
                let (wide, high) = (u64::from(size.width()) * u64::from(source.height()), u64::from(size.height()) * u64::from(source.width()));
                // One pixel of the side that follows is the other side of the source.
                prop_assert!(wide.abs_diff(high) <= u64::from(source.width().max(source.height())), "{sizing:?}: {size}");
                if let Sizing::Fit(..) = sizing {
                    let (across, down) = (across.to_px(dpi).unwrap(), down.to_px(dpi).unwrap());
                    prop_assert!(size.width() <= across && size.height() <= down);
                    prop_assert!(size.width() == across || size.height() == down);
                }
            }
        }
    }
}
