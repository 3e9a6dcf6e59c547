//! What is done to an artwork's pixels before they are printed: trimmed, mirrored, cleaned, resampled.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::document::{object, one_of};
use super::is_default;
use super::output::{Hex, parse_color};

/// What is done to an artwork's pixels before they are printed, in this order: a colour is knocked out, the border is trimmed, what is left
/// is resampled and mirrored, and its alpha is cleaned. All copies of an item share it, so that they are equal to the byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Treatment {
    /// What of the border is cut away before the artwork is sized. Default: nothing.
    pub trim: Trim,
    /// Whether it is mirrored left to right, for sublimation and film that is printed from behind. Default: `false`.
    pub mirror: bool,
    /// How it is brought to the printed size. Default: [`Resample::default`].
    pub resample: Resample,
    /// What becomes of its transparency. Default: it stays as it is.
    pub alpha: AlphaRules,
}

impl Treatment {
    /// What decides how much of the border is cut away, if it is.
    pub(crate) fn border(&self) -> Option<Border> {
        match self.trim {
            Trim::None => None,
            Trim::Above(alpha) => Some(Border { alpha, knockout: self.alpha.knockout }),
        }
    }

    /// What becomes transparent by the rules for alpha, if there are any.
    pub(crate) fn vanishing(&self) -> Option<Border> {
        let knockout = self.alpha.knockout;
        let vanishing = self.alpha.lowest_alpha() - 1;
        (knockout.is_some() || vanishing > 0).then_some(Border { alpha: vanishing, knockout })
    }
}

/// An artwork's border: the rows and columns without a pixel whose alpha is above `alpha`, once the colour is knocked out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Border {
    pub(crate) alpha: u8,
    pub(crate) knockout: Option<Knockout>,
}

/// What of an artwork's border is cut away. In files: `false`, `true` for the fully transparent one, or `{"alpha": 0 to 254}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Trim {
    /// Nothing. The default.
    #[default]
    None,
    /// All rows and columns without a pixel whose alpha is above this.
    Above(u8),
}

impl Trim {
    /// The fully transparent border.
    pub const TRANSPARENT: Self = Self::Above(0);
}

/// The fully transparent border, or nothing.
impl From<bool> for Trim {
    fn from(trim: bool) -> Self {
        if trim { Self::TRANSPARENT } else { Self::None }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with alpha")]
struct TrimObject {
    #[serde(deserialize_with = "below_opaque")]
    alpha: u8,
}

impl Serialize for Trim {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::None => serializer.serialize_bool(false),
            Self::TRANSPARENT => serializer.serialize_bool(true),
            Self::Above(alpha) => TrimObject { alpha }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Trim {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Trim;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or {\"alpha\": 0 to 254}")
            }
            fn visit_bool<E: de::Error>(self, trim: bool) -> Result<Trim, E> {
                Ok(trim.into())
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Trim, A::Error> {
                let TrimObject { alpha } = TrimObject::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Trim::Above(alpha))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A resampling kernel: how much each source pixel counts by its distance from a target pixel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kernel {
    /// A windowed sinc of three lobes: the sharpest. The default.
    #[default]
    Lanczos3,
    /// A cubic through the samples, B = 0 and C = 1/2 (Catmull and Rom, “A class of local interpolating splines”, 1974): sharp, with less
    /// ringing.
    CatmullRom,
    /// A cubic between sharp and smooth, B = C = 1/3 (Mitchell and Netravali, “Reconstruction filters in computer graphics”, 1988).
    Mitchell,
    /// A triangle: smooth, without ringing.
    Bilinear,
    /// The mean of the pixels that a target pixel covers.
    Box,
    /// The nearest pixel, unchanged, for pixel art.
    Nearest,
}

impl<'de> Deserialize<'de> for Kernel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = &[
            ("lanczos3", Self::Lanczos3),
            ("catmull-rom", Self::CatmullRom),
            ("mitchell", Self::Mitchell),
            ("bilinear", Self::Bilinear),
            ("box", Self::Box),
            ("nearest", Self::Nearest),
        ];
        one_of(deserializer, words)
    }
}

/// How an artwork is brought to its printed size, always on premultiplied colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "an object with kernel or linear")]
pub struct Resample {
    /// The kernel. Default: [`Kernel::Lanczos3`].
    pub kernel: Kernel,
    /// Whether light is mixed instead of the numbers that stand for it: colours are decoded before and encoded afterwards, by sRGB's curve
    /// (IEC 61966-2-1). Fine dark lines on white stay lighter, and it takes several times as long. Default: `false`.
    pub linear: bool,
}

/// What becomes of an artwork's transparency. In files: an object with any of its fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "an object with knockout, min_alpha or harden")]
pub struct AlphaRules {
    /// A colour that becomes transparent, before anything else is done. Default: `None`.
    #[serde(deserialize_with = "super::read::present", skip_serializing_if = "Option::is_none")]
    pub knockout: Option<Knockout>,
    /// At the printed size, pixels of a lower alpha than this become fully transparent: dust. Default: 0, none.
    #[serde(deserialize_with = "alpha", skip_serializing_if = "is_default")]
    pub min_alpha: u8,
    /// At the printed size, pixels of at least this alpha become opaque and all others fully transparent: DTF prints soft edges badly.
    /// Default: `None`.
    #[serde(deserialize_with = "super::read::present", skip_serializing_if = "Option::is_none")]
    pub harden: Option<Harden>,
}

impl AlphaRules {
    /// The lowest alpha that stays visible at the printed size, at least 1.
    pub(crate) fn lowest_alpha(&self) -> u8 {
        self.harden.map_or(1, Harden::lowest_alpha).max(self.min_alpha)
    }
}

/// A colour that becomes transparent. In files: `"#rrggbb"`, or `{"color": "#rrggbb", "tolerance": 0 to 255}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Knockout {
    /// Red, green and blue, as the parts have them.
    pub color: [u8; 3],
    /// By how much each channel may differ. Default: 0.
    pub tolerance: u8,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with color and tolerance")]
struct KnockoutObject {
    color: Hex,
    #[serde(default, deserialize_with = "tolerance")]
    tolerance: u8,
}

impl Serialize for Knockout {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self { color, tolerance: 0 } => Hex(color).serialize(serializer),
            Self { color, tolerance } => KnockoutObject { color: Hex(color), tolerance }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Knockout {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Knockout;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a colour such as \"#000000\", or {\"color\": …, \"tolerance\": 0 to 255}")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Knockout, E> {
                let color = parse_color(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))?;
                Ok(Knockout { color, tolerance: 0 })
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Knockout, A::Error> {
                let KnockoutObject { color: Hex(color), tolerance } = object(de::value::MapAccessDeserializer::new(map))?;
                Ok(Knockout { color, tolerance })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// The alpha from which on a pixel becomes opaque, as a share of full opacity in thousandths. In files: a number above 0, up to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Harden(u16);

impl Harden {
    /// From a share of full opacity above 0, up to 1, to the nearest thousandth; `None` for any other number.
    #[must_use]
    pub fn new(share: f64) -> Option<Self> {
        let thousandths = (share * 1000.0).round();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 1000")]
        (1.0..=1000.0).contains(&thousandths).then_some(Self(thousandths as u16))
    }

    /// The lowest alpha that becomes opaque, 1 to 255.
    pub(crate) fn lowest_alpha(self) -> u8 {
        u8::try_from((u32::from(self.0) * 255).div_ceil(1000)).unwrap_or(u8::MAX)
    }
}

impl Serialize for Harden {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self.0) / 1000.0)
    }
}

impl<'de> Deserialize<'de> for Harden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Harden;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a share of full opacity from 0.001 to 1, such as 0.5")
            }
            fn visit_f64<E: de::Error>(self, share: f64) -> Result<Harden, E> {
                Harden::new(share).ok_or_else(|| E::invalid_value(de::Unexpected::Float(share), &self))
            }
            fn visit_u64<E: de::Error>(self, share: u64) -> Result<Harden, E> {
                if share == 1 { Ok(Harden(1000)) } else { Err(E::invalid_value(de::Unexpected::Unsigned(share), &self)) }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

fn below_opaque<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    deserializer.deserialize_u64(UpTo { most: 254, expecting: "an alpha from 0 to 254, so that opaque pixels are kept" })
}

fn alpha<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    deserializer.deserialize_u64(UpTo { most: u8::MAX, expecting: "an alpha from 0 to 255" })
}

fn tolerance<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    deserializer.deserialize_u64(UpTo { most: u8::MAX, expecting: "a difference of channels from 0 to 255" })
}

/// Takes whole numbers up to `most`.
struct UpTo {
    most: u8,
    expecting: &'static str,
}

impl de::Visitor<'_> for UpTo {
    type Value = u8;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expecting)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<u8, E> {
        let small = u8::try_from(value).ok().filter(|small| *small <= self.most);
        small.ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(value), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn both_ways<T: Serialize + for<'de> Deserialize<'de> + PartialEq + fmt::Debug>(json: serde_json::Value, value: T) {
        assert_eq!(serde_json::from_value::<T>(json.clone()).unwrap(), value);
        assert_eq!(serde_json::to_value(value).unwrap(), json);
    }

    fn refusal<T: for<'de> Deserialize<'de> + fmt::Debug>(json: serde_json::Value) -> String {
        serde_json::from_value::<T>(json).unwrap_err().to_string()
    }

    #[test]
    fn each_form_is_read_and_written() {
        both_ways(json!(true), Trim::TRANSPARENT);
        both_ways(json!(false), Trim::None);
        both_ways(json!({"alpha": 8}), Trim::Above(8));
        both_ways(json!({"kernel": "catmull-rom", "linear": true}), Resample { kernel: Kernel::CatmullRom, linear: true });
        let knockout = Knockout { color: [0, 255, 0], tolerance: 12 };
        both_ways(json!({"color": "#00ff00", "tolerance": 12}), knockout);
        let rules = AlphaRules { knockout: Some(Knockout { tolerance: 0, ..knockout }), min_alpha: 5, harden: Harden::new(0.5) };
        both_ways(json!({"knockout": "#00ff00", "min_alpha": 5, "harden": 0.5}), rules);
        both_ways(json!({}), AlphaRules::default());
    }

    #[test]
    fn what_is_meant_is_said_where_something_else_stands() {
        for (message, expected) in [
            (refusal::<Trim>(json!("yes")), "expected true, false or {\"alpha\": 0 to 254}"),
            (refusal::<Trim>(json!({"alpha": 255})), "an alpha from 0 to 254"),
            (refusal::<Trim>(json!({"alhpa": 5})), "unknown field `alhpa`"),
            (refusal::<Resample>(json!({"kernel": "lanczos"})), "expected \"lanczos3\" or \"catmull-rom\""),
            (refusal::<Knockout>(json!("black")), "expected a colour such as \"#000000\""),
            (refusal::<AlphaRules>(json!({"min_alpha": 256})), "256"),
            (refusal::<AlphaRules>(json!({"harden": 0})), "a share of full opacity from 0.001 to 1"),
            (refusal::<AlphaRules>(json!({"harden": 1.5})), "a share of full opacity from 0.001 to 1"),
            (refusal::<AlphaRules>(json!({"harden": null})), "a share of full opacity from 0.001 to 1"),
        ] {
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn half_of_full_opacity_is_the_first_alpha_beyond_the_middle() {
        let lowest = |share| Harden::new(share).unwrap().lowest_alpha();
        assert_eq!((lowest(0.5), lowest(0.001), lowest(1.0)), (128, 1, 255));
    }
}
