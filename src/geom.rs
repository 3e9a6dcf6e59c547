//! Lengths with units, resolutions, and integer pixel geometry that cannot overflow.

use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, ErrorKind, Result};

/// The largest side of an image, in pixels: PNG's own limit of 2³¹ − 1 (PNG specification, section 11.2.1).
pub const MAX_SIDE_PX: u32 = (1 << 31) - 1;

/// A unit of [`Length`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Unit {
    Inch,
    Millimetre,
    Centimetre,
    Pixel,
}

impl Unit {
    const ALL: [(Self, &'static str); 4] = [(Self::Inch, "in"), (Self::Millimetre, "mm"), (Self::Centimetre, "cm"), (Self::Pixel, "px")];

    fn suffix(self) -> &'static str {
        match self {
            Self::Inch => "in",
            Self::Millimetre => "mm",
            Self::Centimetre => "cm",
            Self::Pixel => "px",
        }
    }
}

/// A physical length as a customer writes it: `"22in"`, `"558.8mm"`, `"55.9cm"`, or `"6600px"` (pixels at the job's resolution).
///
/// # Guarantees
///
/// The decimal value is kept exactly, to nine places; it is not negative and below 2³². Conversion to pixels happens once, in integers,
/// so no drift builds up along a roll.
///
/// ```
/// use gangsheet::{Dpi, Length};
///
/// let width: Length = "55.88cm".parse()?;
/// assert_eq!(width.to_px(Dpi::new(300)?)?, 6600);
/// # Ok::<(), gangsheet::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Length {
    nano: u64,
    unit: Unit,
}

impl Length {
    /// No length at all.
    pub const ZERO: Self = Self { nano: 0, unit: Unit::Inch };

    /// The usual distance between neighbours: 0.125 in.
    pub(crate) const EIGHTH_INCH: Self = Self { nano: Self::NANO / 8, unit: Unit::Inch };

    const DECIMALS: usize = 9;
    const NANO: u64 = 1_000_000_000;

    /// A length in whole pixels at the job's resolution.
    #[must_use]
    pub const fn px(pixels: u32) -> Self {
        Self { nano: pixels as u64 * Self::NANO, unit: Unit::Pixel }
    }

    /// A length in tenths of a millimetre.
    pub(crate) const fn tenths_of_mm(tenths: u32) -> Self {
        Self { nano: tenths as u64 * (Self::NANO / 10), unit: Unit::Millimetre }
    }

    /// The length in pixels at `dpi`, not rounded, for measuring.
    pub(crate) fn in_px(self, dpi: Dpi) -> f64 {
        let of_unit = match self.unit {
            Unit::Inch => f64::from(dpi.get()),
            Unit::Millimetre => dpi.per_mm(),
            Unit::Centimetre => 10.0 * dpi.per_mm(),
            Unit::Pixel => 1.0,
        };
        self.nano as f64 / Self::NANO as f64 * of_unit
    }

    /// The length in pixels at `dpi`: the exact value rounded to the nearest pixel, half away from zero.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`] above [`MAX_SIDE_PX`].
    pub fn to_px(self, dpi: Dpi) -> Result<u32> {
        let (numerator, denominator) = match self.unit {
            Unit::Inch => (u128::from(dpi.get()), 1),
            Unit::Millimetre => (u128::from(dpi.get()) * 10, 254),
            Unit::Centimetre => (u128::from(dpi.get()) * 100, 254),
            Unit::Pixel => (1, 1),
        };
        let denominator = denominator * u128::from(Self::NANO);
        // At most 2³² × 10⁹ × 10⁵ × 100: far inside u128.
        let pixels = (u128::from(self.nano) * numerator * 2 + denominator) / (2 * denominator);
        match u32::try_from(pixels) {
            Ok(pixels) if pixels <= MAX_SIDE_PX => Ok(pixels),
            _ => Err(ErrorKind::TooLarge { what: format!("{self} at {dpi} DPI") }.into()),
        }
    }
}

impl FromStr for Length {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse_length(text).ok_or_else(|| ErrorKind::InvalidLength { text: text.chars().take(60).collect() }.into())
    }
}

fn parse_length(text: &str) -> Option<Length> {
    let (unit, number) = Unit::ALL.iter().find_map(|&(unit, suffix)| Some((unit, text.strip_suffix(suffix)?)))?;
    let number = number.trim_end_matches(' ');
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let fraction_kept = fraction.trim_end_matches('0');
    if !digits(whole) || !digits(fraction) || fraction_kept.len() > Length::DECIMALS {
        return None;
    }
    let whole: u64 = whole.parse().ok().filter(|&value| value <= u64::from(u32::MAX))?;
    let nano: u64 = format!("{fraction_kept:0<width$}", width = Length::DECIMALS).parse().ok()?;
    Some(Length { nano: whole * Length::NANO + nano, unit })
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.nano / Self::NANO, self.nano % Self::NANO);
        write!(f, "{whole}")?;
        if fraction > 0 {
            write!(f, ".{}", format!("{fraction:09}").trim_end_matches('0'))?;
        }
        f.write_str(self.unit.suffix())
    }
}

impl Serialize for Length {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        parsed(deserializer, "a length with its unit, such as \"22in\", \"558.8mm\", \"55.9cm\" or \"6600px\"")
    }
}

/// Reads what files write as a text of its own form; `expected` says in errors what that is.
pub(crate) fn parsed<'de, D: Deserializer<'de>, T: FromStr>(deserializer: D, expected: &str) -> std::result::Result<T, D::Error> {
    struct Visitor<'a, T>(&'a str, PhantomData<T>);
    impl<T: FromStr> de::Visitor<'_> for Visitor<'_, T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
        fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<T, E> {
            text.parse().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
        }
    }
    deserializer.deserialize_str(Visitor(expected, PhantomData))
}

/// A resolution in dots (pixels) per inch, the same in both directions.
///
/// # Guarantees
///
/// A whole number from 1 to [`Dpi::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Dpi(NonZeroU32);

impl Dpi {
    /// The highest resolution that is accepted.
    pub const MAX: u32 = 100_000;

    /// A resolution at which pixels begin to show.
    pub(crate) const DRAFT: Self = Self(NonZeroU32::MIN.saturating_add(149));

    /// A resolution from a whole number of dots per inch.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidDpi`] for 0 and above [`Dpi::MAX`].
    pub fn new(dots_per_inch: u32) -> Result<Self> {
        NonZeroU32::new(dots_per_inch)
            .filter(|dpi| dpi.get() <= Self::MAX)
            .map(Self)
            .ok_or_else(|| ErrorKind::InvalidDpi { value: dots_per_inch.into() }.into())
    }

    /// Dots per inch.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// Pixels per millimetre.
    pub(crate) fn per_mm(self) -> f64 {
        f64::from(self.get()) / 25.4
    }

    /// Pixels per metre, rounded to nearest: what PNG's `pHYs` chunk holds (PNG specification, section 11.3.4.3).
    #[must_use]
    pub const fn per_metre(self) -> u32 {
        // 100,000 × 10,000 fits u32.
        (self.get() * 10_000 + 127) / 254
    }
}

impl fmt::Display for Dpi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Dpi {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Dpi;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number of dots per inch from 1 to {}", Dpi::MAX)
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> std::result::Result<Dpi, E> {
                let dpi = u32::try_from(value).ok().and_then(|value| Dpi::new(value).ok());
                dpi.ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(value), &self))
            }
        }
        deserializer.deserialize_u64(Visitor)
    }
}

/// The size of an image or of a rectangle, in pixels.
///
/// # Guarantees
///
/// Both sides are from 1 to [`MAX_SIDE_PX`], so areas and byte counts fit `u64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PxSize {
    width: u32,
    height: u32,
}

impl PxSize {
    /// A size from its sides in pixels.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`] above [`MAX_SIDE_PX`] and [`ErrorKind::Empty`] where a side is 0.
    pub fn new(width: u32, height: u32) -> Result<Self> {
        if width == 0 || height == 0 {
            return Err(ErrorKind::Empty { what: format!("{width} × {height} px") }.into());
        }
        if width > MAX_SIDE_PX || height > MAX_SIDE_PX {
            return Err(ErrorKind::TooLarge { what: format!("{width} × {height} px") }.into());
        }
        Ok(Self { width, height })
    }

    /// Width in pixels.
    #[must_use]
    pub const fn width(self) -> u32 {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub const fn height(self) -> u32 {
        self.height
    }

    /// Number of pixels.
    #[must_use]
    pub const fn area(self) -> u64 {
        self.width as u64 * self.height as u64
    }

    /// Bytes of the pixels as [`Rgba8`](crate::Rgba8): below 2⁶⁴.
    #[must_use]
    pub const fn rgba_bytes(self) -> u64 {
        self.area() * 4
    }

    /// Whether `rect`, counted from the top left of an image of this size, lies inside it.
    #[must_use]
    pub const fn holds(self, rect: PxRect) -> bool {
        rect.right() <= self.width && rect.bottom() <= self.height
    }

    /// Where an image of this size lies in the middle of a larger one; an odd pixel is left over on the right and below.
    pub(crate) fn in_the_middle_of(self, larger: Self) -> PxRect {
        debug_assert!(larger.holds(self.into()));
        PxRect { x: (larger.width - self.width) / 2, y: (larger.height - self.height) / 2, size: self }
    }

    /// The size after a `turn`.
    #[must_use]
    pub const fn turned(self, turn: Turn) -> Self {
        if turn.swaps_sides() { Self { width: self.height, height: self.width } } else { self }
    }
}

impl fmt::Display for PxSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {} px", self.width, self.height)
    }
}

/// A rectangle of pixels: its top left corner, counted from the top left of a part, and its size.
///
/// # Guarantees
///
/// `right()` and `bottom()` are at most [`MAX_SIDE_PX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PxRect {
    x: u32,
    y: u32,
    size: PxSize,
}

/// The whole of an image of this size.
impl From<PxSize> for PxRect {
    fn from(size: PxSize) -> Self {
        Self { x: 0, y: 0, size }
    }
}

impl PxRect {
    /// A rectangle from its corner and size in pixels.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`] when the right or lower edge lies beyond [`MAX_SIDE_PX`].
    pub fn new(x: u32, y: u32, size: PxSize) -> Result<Self> {
        let inside = |start: u32, length: u32| start.checked_add(length).is_some_and(|end| end <= MAX_SIDE_PX);
        if inside(x, size.width) && inside(y, size.height) {
            Ok(Self { x, y, size })
        } else {
            Err(ErrorKind::TooLarge { what: format!("{size} at x {x}, y {y}") }.into())
        }
    }

    /// Left edge in pixels.
    #[must_use]
    pub const fn x(self) -> u32 {
        self.x
    }

    /// Upper edge in pixels.
    #[must_use]
    pub const fn y(self) -> u32 {
        self.y
    }

    /// Size in pixels.
    #[must_use]
    pub const fn size(self) -> PxSize {
        self.size
    }

    /// The first column right of the rectangle.
    #[must_use]
    pub const fn right(self) -> u32 {
        self.x + self.size.width
    }

    /// The first row below the rectangle.
    #[must_use]
    pub const fn bottom(self) -> u32 {
        self.y + self.size.height
    }

    /// The rows that the rectangle covers.
    #[must_use]
    pub const fn rows(self) -> Rows {
        Rows { start: self.y, end: self.bottom() }
    }

    /// Whether the rectangle holds the pixel at (`x`, `y`).
    #[must_use]
    pub const fn contains(self, x: u32, y: u32) -> bool {
        self.x <= x && x < self.right() && self.y <= y && y < self.bottom()
    }
}

/// A range of rows, `start` included, `end` not.
///
/// # Guarantees
///
/// `start <= end <=` [`MAX_SIDE_PX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rows {
    start: u32,
    end: u32,
}

impl Rows {
    /// The rows from `start` up to, but without, `end`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`] when `end` is above [`MAX_SIDE_PX`] or before `start`.
    pub fn new(start: u32, end: u32) -> Result<Self> {
        if start <= end && end <= MAX_SIDE_PX {
            Ok(Self { start, end })
        } else {
            Err(ErrorKind::TooLarge { what: format!("rows {start}..{end}") }.into())
        }
    }

    /// First row.
    #[must_use]
    pub const fn start(self) -> u32 {
        self.start
    }

    /// First row after the range.
    #[must_use]
    pub const fn end(self) -> u32 {
        self.end
    }

    /// Number of rows.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.end - self.start
    }

    /// Whether there is no row in the range.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The rows in both ranges, if there are any.
    #[must_use]
    pub fn intersect(self, other: Self) -> Option<Self> {
        let (start, end) = (self.start.max(other.start), self.end.min(other.end));
        (start < end).then_some(Self { start, end })
    }

    /// The same range, counted from `origin` instead of from 0. `origin` must not lie after `start`.
    pub(crate) fn relative_to(self, origin: u32) -> Self {
        debug_assert!(origin <= self.start);
        Self { start: self.start - origin, end: self.end - origin }
    }

    /// The rows as a range of indices.
    #[must_use]
    pub fn indices(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// A rotation by quarter turns, clockwise. In files: the number of degrees (0, 90, 180 or 270).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Turn {
    /// Upright. The default.
    #[default]
    None,
    /// 90° clockwise: the artwork's top points right.
    Cw90,
    /// Upside down.
    Cw180,
    /// 270° clockwise: the artwork's top points left.
    Cw270,
}

impl Turn {
    /// All turns, from 0° to 270°.
    pub const ALL: [Self; 4] = [Self::None, Self::Cw90, Self::Cw180, Self::Cw270];

    /// The turn in degrees clockwise.
    #[must_use]
    pub const fn degrees(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Cw90 => 90,
            Self::Cw180 => 180,
            Self::Cw270 => 270,
        }
    }

    /// The turn of so many `degrees` clockwise; `None` for anything but 0, 90, 180 and 270.
    #[must_use]
    pub fn from_degrees(degrees: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|turn| u64::from(turn.degrees()) == degrees)
    }

    /// Whether width and height change places.
    #[must_use]
    pub const fn swaps_sides(self) -> bool {
        matches!(self, Self::Cw90 | Self::Cw270)
    }
}

impl Serialize for Turn {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.degrees())
    }
}

impl<'de> Deserialize<'de> for Turn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let degrees = u64::deserialize(deserializer)?;
        Self::from_degrees(degrees)
            .ok_or_else(|| de::Error::invalid_value(de::Unexpected::Unsigned(degrees), &"a turn of 0, 90, 180 or 270 degrees clockwise"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn px(text: &str, dpi: u32) -> u32 {
        text.parse::<Length>().unwrap().to_px(Dpi::new(dpi).unwrap()).unwrap()
    }

    #[test]
    fn lengths_are_exact_decimals_rounded_half_away_from_zero() {
        assert_eq!(px("22in", 300), 6600);
        assert_eq!(px("558.8mm", 300), 6600);
        assert_eq!(px("55.88cm", 300), 6600);
        assert_eq!(px("6600px", 72), 6600);
        assert_eq!(px("0.5in", 1), 1);
        assert_eq!(px("0.499999999in", 1), 0);
        assert_eq!(px("0.005in", 300), 2);
        assert_eq!(px("0.1in", 300), 30);
        // 25 m of film: no drift from a binary fraction.
        assert_eq!(px("25000mm", 300), 295_276);
        assert_eq!(px("0.00000000100in", 300), 0);
    }

    #[test]
    fn lengths_come_back_as_they_were_written() {
        for text in ["22in", "558.8mm", "0.000000001cm", "6600px", "0in"] {
            assert_eq!(text.parse::<Length>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_length_is_refused() {
        for text in
            ["", "in", "22", "-1in", "+1in", "1e3in", ".5in", "5.in", "1,5in", "NaNin", "0.0000000001in", "4294967296px", "١in", "22 feet"]
        {
            assert!(text.parse::<Length>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn pixels_per_metre_round_to_nearest() {
        assert_eq!(Dpi::new(300).unwrap().per_metre(), 11_811);
        assert_eq!(Dpi::new(72).unwrap().per_metre(), 2_835);
        assert_eq!(Dpi::new(Dpi::MAX).unwrap().per_metre(), 3_937_008);
    }

    #[test]
    fn rectangles_end_inside_the_largest_side() {
        let size = PxSize::new(10, 10).unwrap();
        assert!(PxRect::new(MAX_SIDE_PX - 10, 0, size).is_ok());
        assert!(PxRect::new(MAX_SIDE_PX - 9, 0, size).is_err());
        assert!(PxRect::new(0, u32::MAX, size).is_err());
    }
}
