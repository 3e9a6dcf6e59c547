//! What a job asks of the layout besides media and gutter: orders that stay together, cuts, due dates, fixed places.

use std::fmt;
use std::str::FromStr;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::document::{Object, object, one_of};
use crate::geom::{Length, Turn, parsed};

/// Whether the copies of an order lie together. In files: `"none"`, `"part"` or `"block"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// Copies lie wherever film is saved. The default.
    #[default]
    None,
    /// All copies of an order lie on one part.
    Part,
    /// All copies of an order lie on one length of film that no other order reaches into.
    Block,
}

impl<'de> Deserialize<'de> for Keep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        one_of(deserializer, &[("none", Self::None), ("part", Self::Part), ("block", Self::Block)])
    }
}

/// How parts are cut. In files: `"free"` or `"guillotine"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cut {
    /// Along any outline, by hand or plotter. The default.
    #[default]
    Free,
    /// From edge to edge of what is left, by shears: every copy can be freed by such cuts.
    Guillotine,
}

impl<'de> Deserialize<'de> for Cut {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        one_of(deserializer, &[("free", Self::Free), ("guillotine", Self::Guillotine)])
    }
}

/// The day on which an order is due. In files: `"2026-12-01"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Due(jiff::civil::Date);

impl FromStr for Due {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_day = text.len() == "2026-12-01".len();
        let day = text.parse().ok().filter(|_| is_day);
        day.map(Self).ok_or_else(|| format!("{text:?} is no day such as \"2026-12-01\""))
    }
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Due {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Due {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer, "a day such as \"2026-12-01\"")
    }
}

/// A fixed place of one copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a place: an object with x and y")]
pub struct Pin {
    /// The part, counted from 1. Default: 1.
    #[serde(default = "first_part", deserialize_with = "part")]
    pub part: u32,
    /// From the part's left edge, margin included.
    pub x: Length,
    /// From the part's upper edge, margin included.
    pub y: Length,
    /// How the artwork is turned: one of the turns that the item allows. Default: the first of them.
    #[serde(default, deserialize_with = "super::read::present", skip_serializing_if = "Option::is_none")]
    pub turn: Option<Turn>,
}

const fn first_part() -> u32 {
    1
}

/// The most parts that a place may count to: beyond, no job has so many copies.
const MAX_PART: u32 = 100_000;

fn part<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    struct Visitor;
    impl de::Visitor<'_> for Visitor {
        type Value = u32;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "the number of a part, from 1 to {MAX_PART}")
        }
        fn visit_u64<E: de::Error>(self, part: u64) -> Result<u32, E> {
            let number = u32::try_from(part).ok().filter(|part| (1..=MAX_PART).contains(part));
            number.ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(part), &self))
        }
    }
    deserializer.deserialize_u64(Visitor)
}

/// Reads one or several of what files write as an object or as a list of objects.
pub(super) fn one_or_more<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    struct Visitor<T>(std::marker::PhantomData<T>);
    impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
        type Value = Vec<T>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object, or a list of objects")
        }
        fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
            object(MapAccessDeserializer::new(map)).map(|one| vec![one])
        }
        fn visit_seq<A: de::SeqAccess<'de>>(self, seq: A) -> Result<Vec<T>, A::Error> {
            let list = Vec::<Object<T>>::deserialize(SeqAccessDeserializer::new(seq))?;
            Ok(list.into_iter().map(|Object(one)| one).collect())
        }
    }
    deserializer.deserialize_any(Visitor(std::marker::PhantomData))
}
