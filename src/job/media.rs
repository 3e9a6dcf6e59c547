//! What is printed on, and the distances that are kept on it.

use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Price;
use crate::geom::Length;

/// The film, roll or sheet that parts are printed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with width and max_length")]
pub struct Media {
    /// Width, margins included.
    pub width: Length,
    /// The longest part, margins included.
    pub max_length: Length,
    /// The edges that are not printed on. Default: none.
    #[serde(default)]
    pub margin: Margin,
    /// What it costs. Default: not known.
    #[serde(default, deserialize_with = "super::read::present", skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

impl Media {
    /// Media without margins and price.
    #[must_use]
    pub fn new(width: Length, max_length: Length) -> Self {
        Self { width, max_length, margin: Margin::default(), price: None }
    }
}

/// The edges of the media that are not printed on. In files: one length, or `{"left", "right", "top", "bottom"}`, where what is left out
/// is `"0in"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Margin {
    /// The left edge. Default: none.
    pub left: Length,
    /// The right edge. Default: none.
    pub right: Length,
    /// The edge that is printed first. Default: none.
    pub top: Length,
    /// The edge that is printed last. Default: none.
    pub bottom: Length,
}

impl Margin {
    /// The same margin on all sides.
    #[must_use]
    pub const fn all(length: Length) -> Self {
        Self { left: length, right: length, top: length, bottom: length }
    }
}

impl Default for Margin {
    fn default() -> Self {
        Self::all(Length::ZERO)
    }
}

/// The clear distance between neighbours. In files: one length, or `{"x", "y"}`, where what is left out is `"0.125in"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gutter {
    /// Between neighbours side by side. Default: 0.125 in.
    pub x: Length,
    /// Between neighbours one above the other. Default: 0.125 in.
    pub y: Length,
}

impl Gutter {
    /// The same gutter in both directions.
    #[must_use]
    pub const fn all(length: Length) -> Self {
        Self { x: length, y: length }
    }
}

impl Default for Gutter {
    fn default() -> Self {
        Self::all(Length::EIGHTH_INCH)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MarginFile {
    #[serde(default = "zero")]
    left: Length,
    #[serde(default = "zero")]
    right: Length,
    #[serde(default = "zero")]
    top: Length,
    #[serde(default = "zero")]
    bottom: Length,
}

const fn zero() -> Length {
    Length::ZERO
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GutterFile {
    #[serde(default = "eighth_inch")]
    x: Length,
    #[serde(default = "eighth_inch")]
    y: Length,
}

const fn eighth_inch() -> Length {
    Length::EIGHTH_INCH
}

impl Serialize for Margin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { left, right, top, bottom } = *self;
        if *self == Self::all(left) { left.serialize(serializer) } else { MarginFile { left, right, top, bottom }.serialize(serializer) }
    }
}

impl<'de> Deserialize<'de> for Margin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Margin;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a length with its unit, such as \"0.25in\", or {\"left\", \"right\", \"top\", \"bottom\"}")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Margin, E> {
                text.parse().map(Margin::all).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Margin, A::Error> {
                let MarginFile { left, right, top, bottom } = Deserialize::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Margin { left, right, top, bottom })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl Serialize for Gutter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { x, y } = *self;
        if x == y { x.serialize(serializer) } else { GutterFile { x, y }.serialize(serializer) }
    }
}

impl<'de> Deserialize<'de> for Gutter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Gutter;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a length with its unit, such as \"0.125in\", or {\"x\", \"y\"}")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Gutter, E> {
                text.parse().map(Gutter::all).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Gutter, A::Error> {
                let GutterFile { x, y } = Deserialize::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Gutter { x, y })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(text: &str) -> Length {
        text.parse().unwrap()
    }

    #[test]
    fn one_length_holds_for_all_sides() {
        assert_eq!(serde_json::from_str::<Margin>(r#""5mm""#).unwrap(), Margin::all(length("5mm")));
        assert_eq!(serde_json::to_string(&Margin::all(length("5mm"))).unwrap(), r#""5mm""#);
        assert_eq!(serde_json::from_str::<Gutter>(r#""5mm""#).unwrap(), Gutter::all(length("5mm")));
        assert_eq!(serde_json::to_string(&Gutter::default()).unwrap(), r#""0.125in""#);
    }

    #[test]
    fn what_is_left_out_has_the_default() {
        let margin: Margin = serde_json::from_str(r#"{"top": "1in"}"#).unwrap();
        assert_eq!(margin, Margin { top: length("1in"), ..Margin::default() });
        let gutter: Gutter = serde_json::from_str(r#"{"y": "0px"}"#).unwrap();
        assert_eq!(gutter, Gutter { x: length("0.125in"), y: length("0px") });
    }

    #[test]
    fn sides_come_back_as_they_were() {
        let margin = Margin { left: length("1px"), right: length("2px"), top: length("3px"), bottom: length("4px") };
        assert_eq!(serde_json::from_value::<Margin>(serde_json::to_value(margin).unwrap()).unwrap(), margin);
        let gutter = Gutter { x: length("1px"), y: length("2px") };
        assert_eq!(serde_json::from_value::<Gutter>(serde_json::to_value(gutter).unwrap()).unwrap(), gutter);
    }
}
