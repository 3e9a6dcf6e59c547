//! What preflight checks of artwork at its printed size: limits, and what becomes of what is beyond them.

use std::fmt;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::decimal::{decimal, write_decimal};
use super::document::{object, one_of};
use super::read::present;
use crate::geom::{Dpi, Length, parsed};

/// What preflight checks of artwork at its printed size. In files: an object with any of its fields, each a level alone, such as `"error"`, or
/// an object with `limit`, `level` or both.
///
/// The checks of pixels, from [`semi_transparent`](Self::semi_transparent) on, run where they are asked for
/// ([`PreflightOptions::deep`](crate::PreflightOptions::deep)), and by themselves where the job makes an error of one of them.
///
/// ```
/// use gangsheet::{Checks, Level};
///
/// let checks: Checks = serde_json::from_str(r#"{"thin_lines": {"limit": "0.3mm", "level": "error"}, "gaps": "off"}"#)?;
/// assert_eq!((checks.thin_lines.level, checks.gaps.level), (Level::Error, Level::Off));
/// assert_eq!(checks.specks.limit.to_string(), "1mm2");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checks {
    /// Artwork with fewer of its pixels to the printed inch. Where the job's own resolution is lower, [`upscaled`](Self::upscaled) tells.
    /// Default: 150, a warning.
    pub effective_dpi: Check<Dpi>,
    /// Artwork that is printed larger than pixel for pixel, in per cent. Default: 100 %, a warning.
    pub upscaled: Check<Percent>,
    /// Artwork whose colours may come out other than designed: inks, with or without a profile, and profiles that cannot be used. A level alone.
    /// Default: a warning.
    pub color_mode: Level,
    /// Artwork whose semi-transparent area, antialiased edges aside, is a larger share of what is visible. Default: 1 %, a warning.
    pub semi_transparent: Check<Percent>,
    /// Artwork whose opaque area is at least this share of its rectangle, with one colour along its border and others inside: a background that
    /// was probably forgotten. Default: 99 %, a warning.
    pub opaque_background: Check<Percent>,
    /// Lines that are thinner. Default: 0.4 mm, a warning.
    pub thin_lines: Check<Length>,
    /// Gaps between printed shapes that are narrower. Default: 0.7 mm, a warning.
    pub gaps: Check<Length>,
    /// Printed shapes that are smaller and touch no other. Default: 1 mm², a warning.
    pub specks: Check<Area>,
    /// Artwork that touches a side of its own picture over a longer distance and is no rectangle: it may be cut off. Default: 1 mm, a warning.
    pub touches_border: Check<Length>,
}

impl Checks {
    /// The longest limit of a length: what is longer is no detail, and takes memory.
    pub(crate) const LONGEST: Length = Length::tenths_of_mm(100);

    /// Whether a check of pixels is an error, so that pixels are read in any case.
    pub(crate) fn need_pixels(&self) -> bool {
        self.pixel_levels().contains(&Level::Error)
    }

    /// Whether any check of pixels is on.
    pub(crate) fn use_pixels(&self) -> bool {
        self.pixel_levels() != [Level::Off; 6]
    }

    fn pixel_levels(&self) -> [Level; 6] {
        let Self { semi_transparent, opaque_background, thin_lines, gaps, specks, touches_border, .. } = self;
        [semi_transparent.level, opaque_background.level, thin_lines.level, gaps.level, specks.level, touches_border.level]
    }

    /// The limits that are lengths, with where they stand in a file.
    pub(super) fn lengths(&self) -> [(&'static str, Length); 3] {
        [("thin_lines", self.thin_lines.limit), ("gaps", self.gaps.limit), ("touches_border", self.touches_border.limit)]
    }
}

impl Default for Checks {
    fn default() -> Self {
        let percent = |hundredths| Check::warn(Percent(hundredths));
        let tenths_of_mm = |tenths| Check::warn(Length::tenths_of_mm(tenths));
        Self {
            effective_dpi: Check::warn(Dpi::DRAFT),
            upscaled: percent(10_000),
            color_mode: Level::Warn,
            semi_transparent: percent(100),
            opaque_background: percent(9_900),
            thin_lines: tenths_of_mm(4),
            gaps: tenths_of_mm(7),
            specks: Check::warn(Area(Area::MM2)),
            touches_border: tenths_of_mm(10),
        }
    }
}

/// A limit and what becomes of what is beyond it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check<L> {
    /// The limit.
    pub limit: L,
    /// What becomes of what is beyond it.
    pub level: Level,
}

impl<L> Check<L> {
    fn warn(limit: L) -> Self {
        Self { limit, level: Level::Warn }
    }
}

/// What becomes of what a check finds. In files: `"off"`, `"warn"` or `"error"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing.
    Off,
    /// It is a warning.
    Warn,
    /// The job is not printed.
    Error,
}

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        one_of(deserializer, LEVELS)
    }
}

const LEVELS: &[(&str, Level)] = &[("off", Level::Off), ("warn", Level::Warn), ("error", Level::Error)];

/// A share. In files: a text such as `"1%"` or `"0.25%"`.
///
/// # Guarantees
///
/// It is exact to a hundredth of a per cent and at most 10,000 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u32);

impl Percent {
    /// In hundredths of a per cent.
    #[must_use]
    pub fn hundredths(self) -> u32 {
        self.0
    }
}

impl FromStr for Percent {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let hundredths = decimal::<2>(text.strip_suffix('%').ok_or(())?)?;
        u32::try_from(hundredths).ok().filter(|&hundredths| hundredths <= 1_000_000).map(Self).ok_or(())
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal::<2>(f, self.0.into())?;
        f.write_str("%")
    }
}

/// An area. In files: a text such as `"1mm2"` or `"0.5mm²"`.
///
/// # Guarantees
///
/// It is exact to a millionth of a square millimetre and at most a square metre.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Area(u64);

impl Area {
    const MM2: u64 = 1_000_000;

    /// In square millimetres.
    #[must_use]
    pub fn mm2(self) -> f64 {
        self.0 as f64 / Self::MM2 as f64
    }
}

impl FromStr for Area {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let number = text.strip_suffix("mm2").or_else(|| text.strip_suffix("mm²")).ok_or(())?;
        decimal::<6>(number).and_then(|area| if area <= Self::MM2 * Self::MM2 { Ok(Self(area)) } else { Err(()) })
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal::<6>(f, self.0)?;
        f.write_str("mm2")
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer, "a share such as \"1%\" or \"0.25%\", at most 10000%")
    }
}

impl Serialize for Area {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Area {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer, "an area such as \"1mm2\", at most a square metre")
    }
}

/// The checks as files have them: what is left out keeps its default.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "an object with checks")]
struct ChecksFile {
    #[serde(deserialize_with = "present")]
    effective_dpi: Option<CheckFile<Dpi>>,
    #[serde(deserialize_with = "present")]
    upscaled: Option<CheckFile<Percent>>,
    #[serde(deserialize_with = "present")]
    color_mode: Option<Level>,
    #[serde(deserialize_with = "present")]
    semi_transparent: Option<CheckFile<Percent>>,
    #[serde(deserialize_with = "present")]
    opaque_background: Option<CheckFile<Percent>>,
    #[serde(deserialize_with = "present")]
    thin_lines: Option<CheckFile<Length>>,
    #[serde(deserialize_with = "present")]
    gaps: Option<CheckFile<Length>>,
    #[serde(deserialize_with = "present")]
    specks: Option<CheckFile<Area>>,
    #[serde(deserialize_with = "present")]
    touches_border: Option<CheckFile<Length>>,
}

impl<'de> Deserialize<'de> for Checks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let file: ChecksFile = object(deserializer)?;
        let default = Self::default();
        Ok(Self {
            effective_dpi: CheckFile::over(file.effective_dpi, default.effective_dpi),
            upscaled: CheckFile::over(file.upscaled, default.upscaled),
            color_mode: file.color_mode.unwrap_or(default.color_mode),
            semi_transparent: CheckFile::over(file.semi_transparent, default.semi_transparent),
            opaque_background: CheckFile::over(file.opaque_background, default.opaque_background),
            thin_lines: CheckFile::over(file.thin_lines, default.thin_lines),
            gaps: CheckFile::over(file.gaps, default.gaps),
            specks: CheckFile::over(file.specks, default.specks),
            touches_border: CheckFile::over(file.touches_border, default.touches_border),
        })
    }
}

impl Serialize for Checks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let file = ChecksFile {
            effective_dpi: Some(self.effective_dpi.into()),
            upscaled: Some(self.upscaled.into()),
            color_mode: Some(self.color_mode),
            semi_transparent: Some(self.semi_transparent.into()),
            opaque_background: Some(self.opaque_background.into()),
            thin_lines: Some(self.thin_lines.into()),
            gaps: Some(self.gaps.into()),
            specks: Some(self.specks.into()),
            touches_border: Some(self.touches_border.into()),
        };
        file.serialize(serializer)
    }
}

/// A check as files have it.
#[derive(Serialize)]
struct CheckFile<L> {
    limit: Option<L>,
    level: Option<Level>,
}

impl<L> CheckFile<L> {
    fn over(file: Option<Self>, default: Check<L>) -> Check<L> {
        let Self { limit, level } = file.unwrap_or(Self { limit: None, level: None });
        Check { limit: limit.unwrap_or(default.limit), level: level.unwrap_or(default.level) }
    }
}

impl<L> From<Check<L>> for CheckFile<L> {
    fn from(Check { limit, level }: Check<L>) -> Self {
        Self { limit: Some(limit), level: Some(level) }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with limit or level")]
struct CheckObject<L> {
    #[serde(default = "none", deserialize_with = "present", bound(deserialize = "L: Deserialize<'de>"))]
    limit: Option<L>,
    #[serde(default, deserialize_with = "present")]
    level: Option<Level>,
}

fn none<L>() -> Option<L> {
    None
}

impl<'de, L: Deserialize<'de>> Deserialize<'de> for CheckFile<L> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<L>(std::marker::PhantomData<L>);
        impl<'de, L: Deserialize<'de>> de::Visitor<'de> for Visitor<L> {
            type Value = CheckFile<L>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"off\", \"warn\", \"error\" or {\"limit\", \"level\"}")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<CheckFile<L>, E> {
                let level = LEVELS.iter().find(|(word, _)| *word == text).map(|&(_, level)| level);
                let level = level.ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))?;
                Ok(CheckFile { limit: None, level: Some(level) })
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<CheckFile<L>, A::Error> {
                let CheckObject { limit, level } = CheckObject::deserialize(MapAccessDeserializer::new(map))?;
                Ok(CheckFile { limit, level })
            }
        }
        deserializer.deserialize_any(Visitor(std::marker::PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Checks, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_left_out_keeps_its_default() {
        assert_eq!(read("{}").unwrap(), Checks::default());
        let checks = read(r#"{"specks": {"limit": "0.25mm²"}, "gaps": "off", "effective_dpi": {"level": "error", "limit": 200}}"#).unwrap();
        assert_eq!((checks.specks.limit.to_string(), checks.specks.level), ("0.25mm2".to_owned(), Level::Warn));
        assert_eq!((checks.gaps.limit.to_string(), checks.gaps.level), ("0.7mm".to_owned(), Level::Off));
        assert_eq!((checks.effective_dpi.limit.get(), checks.effective_dpi.level), (200, Level::Error));
        assert_eq!((checks.need_pixels(), checks.use_pixels()), (false, true));
        assert!(read(r#"{"gaps": "error"}"#).unwrap().need_pixels());
    }

    #[test]
    fn checks_come_back_as_they_were() {
        for json in ["{}", r#"{"upscaled": {"limit": "133.34%"}, "specks": {"limit": "0.000001mm2", "level": "error"}, "gaps": "off"}"#] {
            let checks = read(json).unwrap();
            assert_eq!(read(&serde_json::to_string(&checks).unwrap()).unwrap(), checks);
        }
    }

    #[test]
    fn what_is_no_check_is_refused_with_what_is_expected() {
        for (json, message) in [
            (r#"{"thin_line": "off"}"#, "unknown field `thin_line`"),
            (r#"{"thin_lines": "loud"}"#, r#"expected "off", "warn", "error" or {"limit", "level"}"#),
            (r#"{"thin_lines": {"limit": 0.4}}"#, "a length with its unit"),
            (r#"{"thin_lines": {"least": "1mm"}}"#, "unknown field `least`"),
            (r#"{"thin_lines": null}"#, "expected"),
            (r#"{"thin_lines": {"level": null}}"#, "expected"),
            (r#"{"specks": {"limit": "1mm"}}"#, "an area such as"),
            (r#"{"specks": {"limit": "1000001mm2"}}"#, "at most a square metre"),
            (r#"{"semi_transparent": {"limit": "1.001%"}}"#, "a share such as"),
            (r#"{"semi_transparent": {"limit": 1}}"#, "a share such as"),
            (r#"{"effective_dpi": {"limit": "150"}}"#, "a whole number of dots per inch"),
            ("[]", "expected"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(message), "{json}: {error}");
        }
    }
}
