//! `job.json`: from text to a checked job, and back.

use std::fmt;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::document::{Document, Object, QUOTED_CHARS, Version, object, parse_document, read_document, shortened};
use super::rules::one_or_more;
use super::{
    AlphaRules, Checks, Cut, Gutter, Item, Job, Keep, Media, Order, Output, Pin, Resample, Sizing, Treatment, Trim, TurnPolicy, is_default,
    one,
};
use crate::error::{ErrorKind, Result};
use crate::geom::{Dpi, Length};

/// The longest id, name or path, in bytes: the longest path of the common systems (`PATH_MAX` on Linux).
const MAX_TEXT_BYTES: usize = 4096;

impl Job {
    /// Reads the text of a `job.json`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Document`] names the place in the text, the value that was found and what is expected.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let job: Self = parse_document(json)?;
        job.check()?;
        Ok(job)
    }

    /// Reads the `job.json` at `path`, of at most 256 MiB.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] where the file cannot be read, and [`ErrorKind::Document`] as for [`from_json`](Self::from_json).
    pub fn read(path: &Path) -> Result<Self> {
        Self::read_within(path, u64::MAX)
    }

    /// [Reads](Self::read) a job by a process that may take `memory_limit_bytes` in all.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read), and [`ErrorKind::MemoryLimit`] where the file is so large that reading it may take more.
    pub fn read_within(path: &Path, memory_limit_bytes: u64) -> Result<Self> {
        let job: Self = read_document(path, memory_limit_bytes)?;
        job.check().map_err(|error| match error.into_kind() {
            ErrorKind::Document { at, message, .. } => ErrorKind::Document { file: Some(path.to_owned()), at, message },
            other => other,
        })?;
        Ok(job)
    }

    /// What holds for every job, also for one that was not read from a file: it prints something, inside the limits.
    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |at: String, message: String| -> Result<()> { Err(ErrorKind::Document { file: None, at, message }.into()) };
        let text = |at: &dyn Fn() -> String, text: &str| check_text(text).or_else(|message| wrong(at(), message));
        text(&|| "name".to_owned(), &self.name)?;
        if self.orders.is_empty() {
            return wrong("orders".to_owned(), "found no order, expected at least one".to_owned());
        }
        let media = self.all_media().count();
        if media > Self::MAX_MEDIA {
            return wrong("media".to_owned(), format!("found {media}, expected 1 to {}", Self::MAX_MEDIA));
        }
        if self.all_media().any(|media| media.price.is_some() != self.media.price.is_some()) {
            return wrong("media".to_owned(), "found media with and without a price, expected a price for all or for none".to_owned());
        }
        let is_longer = |&(_, length): &(_, Length)| length.in_px(self.dpi) > Checks::LONGEST.in_px(self.dpi);
        if let Some((check, length)) = self.checks.lengths().into_iter().find(is_longer) {
            return wrong(format!("checks.{check}.limit"), format!("found \"{length}\", expected at most \"{}\"", Checks::LONGEST));
        }
        let (mut items, mut copies) = (0, 0);
        for (nth, order) in self.orders.iter().enumerate() {
            text(&|| format!("orders[{nth}].id"), &order.id)?;
            if order.id.is_empty() {
                return wrong(format!("orders[{nth}].id"), "found an empty text, expected the order's id".to_owned());
            }
            if order.items.is_empty() {
                return wrong(format!("orders[{nth}].items"), format!("found no item in order {}, expected at least one", order.id));
            }
            items += order.items.len();
            if items > Self::MAX_ITEMS {
                return wrong(format!("orders[{nth}].items"), too_many_items(items));
            }
            for (item, index) in order.items.iter().zip(0..) {
                text(&|| format!("orders[{nth}].items[{index}].artwork"), &item.artwork)?;
                if item.artwork.is_empty() {
                    return wrong(format!("orders[{nth}].items[{index}].artwork"), "found an empty text, expected a path".to_owned());
                }
                text(&|| format!("orders[{nth}].items[{index}].name"), item.name.as_deref().unwrap_or_default())?;
                let of_size = item.size.iter().flat_map(|size| size.lengths()).map(|(field, length)| ("size.", field, length));
                let of_canvas = item.canvas.iter().flat_map(|&(width, height)| [("canvas", "[0]", width), ("canvas", "[1]", height)]);
                let is_none = |&(_, _, length): &(_, _, Length)| length.to_px(self.dpi).is_ok_and(|px| px == 0);
                if let Some((object, field, length)) = of_size.chain(of_canvas).find(is_none) {
                    let message = format!("found \"{length}\", no pixel at {} DPI, expected a longer one", self.dpi);
                    return wrong(format!("orders[{nth}].items[{index}].{object}{field}"), message);
                }
                if item.pinned.len() > item.copies.get() as usize {
                    let message = format!("found {} places, expected at most one for each of {} copies", item.pinned.len(), item.copies);
                    return wrong(format!("orders[{nth}].items[{index}].pinned"), message);
                }
                if let Some(at) = item.pinned.iter().position(|pin| pin.part == 0) {
                    let message = "found 0, expected the number of a part, from 1".to_owned();
                    return wrong(format!("orders[{nth}].items[{index}].pinned[{at}].part"), message);
                }
                copies += u64::from(item.copies.get());
                if copies > Self::MAX_COPIES {
                    let message = format!(
                        "found {} copies, {copies} in all so far, expected at most {} in a job: split it",
                        item.copies,
                        Self::MAX_COPIES
                    );
                    return wrong(format!("orders[{nth}].items[{index}].copies"), message);
                }
            }
        }
        Ok(())
    }
}

impl Document for Job {
    const MEMORY_PER_BYTE: u64 = 20;
}

/// Whether an id, name or path is one that people can read in a line of a report; if not, why.
pub(crate) fn check_text(text: &str) -> Result<(), String> {
    let found = || shortened(text, QUOTED_CHARS);
    if text.len() > MAX_TEXT_BYTES {
        return Err(format!("found {:?}, {} bytes long, expected at most {MAX_TEXT_BYTES} bytes", found(), text.len()));
    }
    if text.contains(char::is_control) {
        return Err(format!("found {:?}, expected a text without control characters", found()));
    }
    Ok(())
}

pub(super) fn too_many_items(found: usize) -> String {
    format!("found {found} items so far, expected at most {} in a job: split it", Job::MAX_ITEMS)
}

impl Serialize for Job {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut file = serializer.serialize_struct("Job", 10)?;
        file.serialize_field("version", &Version)?;
        file.serialize_field("name", &self.name)?;
        file.serialize_field("dpi", &self.dpi)?;
        if self.more_media.is_empty() {
            file.serialize_field("media", &self.media)?;
        } else {
            file.serialize_field("media", &self.all_media().collect::<Vec<_>>())?;
        }
        file.serialize_field("gutter", &self.gutter)?;
        // What older programs do not know is written only where it is asked for.
        if self.keep != Keep::None {
            file.serialize_field("keep", &self.keep)?;
        }
        if self.cut != Cut::Free {
            file.serialize_field("cut", &self.cut)?;
        }
        if self.checks != Checks::default() {
            file.serialize_field("checks", &self.checks)?;
        }
        file.serialize_field("orders", &self.orders)?;
        file.serialize_field("output", &self.output)?;
        file.end()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a job: an object")]
struct JobFile {
    #[serde(rename = "version")]
    _version: Version,
    name: String,
    dpi: Dpi,
    #[serde(deserialize_with = "one_or_more")]
    media: Vec<Media>,
    #[serde(default)]
    gutter: Gutter,
    #[serde(default)]
    keep: Keep,
    #[serde(default)]
    cut: Cut,
    #[serde(default)]
    checks: Checks,
    #[serde(deserialize_with = "orders")]
    orders: Vec<Order>,
    #[serde(default, deserialize_with = "object")]
    output: Output,
}

impl<'de> Deserialize<'de> for Job {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let JobFile { _version, name, dpi, mut media, gutter, keep, cut, checks, orders, output } = JobFile::deserialize(deserializer)?;
        if media.is_empty() {
            return Err(de::Error::custom(format!("media: found none, expected 1 to {}", Self::MAX_MEDIA)));
        }
        let more_media = media.split_off(1);
        Ok(Self { name, dpi, media: media[0], more_media, gutter, keep, cut, checks, orders, output })
    }
}

/// An item as files have it: its treatment's fields beside the others.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an item: an object")]
pub(super) struct ItemEntry {
    artwork: Arc<str>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    size: Option<Sizing>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    canvas: Option<(Length, Length)>,
    #[serde(default = "one", deserialize_with = "copies")]
    copies: NonZeroU32,
    #[serde(default)]
    turn: TurnPolicy,
    #[serde(default)]
    trim: Trim,
    #[serde(default)]
    mirror: bool,
    #[serde(default, deserialize_with = "object", skip_serializing_if = "is_default")]
    resample: Resample,
    #[serde(default, deserialize_with = "object", skip_serializing_if = "is_default")]
    alpha: AlphaRules,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, deserialize_with = "one_or_more", skip_serializing_if = "Vec::is_empty")]
    pinned: Vec<Pin>,
}

impl From<ItemEntry> for Item {
    fn from(entry: ItemEntry) -> Self {
        let ItemEntry { artwork, size, canvas, copies, turn, trim, mirror, resample, alpha, name, pinned } = entry;
        Self { artwork, size, canvas, copies, turn, treatment: Treatment { trim, mirror, resample, alpha }, name, pinned }
    }
}

impl From<Item> for ItemEntry {
    fn from(item: Item) -> Self {
        let Item { artwork, size, canvas, copies, turn, treatment: Treatment { trim, mirror, resample, alpha }, name, pinned } = item;
        Self { artwork, size, canvas, copies, turn, trim, mirror, resample, alpha, name, pinned }
    }
}

/// A field that may be left out but is not `null`.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> std::result::Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn copies<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<NonZeroU32, D::Error> {
    struct Visitor;
    impl de::Visitor<'_> for Visitor {
        type Value = NonZeroU32;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a whole number of copies from 1 to {}", Job::MAX_COPIES)
        }
        fn visit_u64<E: de::Error>(self, value: u64) -> std::result::Result<NonZeroU32, E> {
            let copies = u32::try_from(value).ok().filter(|_| value <= Job::MAX_COPIES).and_then(NonZeroU32::new);
            copies.ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(value), &self))
        }
    }
    deserializer.deserialize_u64(Visitor)
}

/// The items of an order, no more than a job holds: memory is bounded before the whole file is known.
pub(super) fn items<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Vec<Item>, D::Error> {
    deserializer.deserialize_seq(Bounded { items_of: |_: &Item| 1, expecting: "a list of items" })
}

fn orders<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Vec<Order>, D::Error> {
    deserializer.deserialize_seq(Bounded { items_of: |order: &Order| order.items.len().max(1), expecting: "a list of orders" })
}

/// Reads a list whose elements hold at most [`Job::MAX_ITEMS`] items together.
struct Bounded<T> {
    items_of: fn(&T) -> usize,
    expecting: &'static str,
}

impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Bounded<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expecting)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        let mut items = 0;
        while let Some(Object(element)) = seq.next_element()? {
            items += (self.items_of)(&element);
            if items > Job::MAX_ITEMS {
                return Err(de::Error::custom(too_many_items(items)));
            }
            list.push(element);
        }
        list.shrink_to_fit();
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::Turn;
    use crate::job::{Background, Compression, Crop, Margin, Pin, Price, Sizing, TurnPolicy};
    use proptest::prelude::*;

    const JOB: &str = r##"{
        "version": 1, "name": "NookTransfers", "dpi": 300,
        "media": { "width": "22in", "max_length": "240in", "margin": "0.25in" },
        "gutter": "0.125in",
        "orders": [
            { "id": "1001", "items": [
                { "artwork": "art/fox.png", "size": { "width": "10in" }, "copies": 3, "turn": "auto", "name": "Fox, adult" },
                { "artwork": "art/logo.png", "size": { "fit": ["4in", "3in"] }, "trim": true, "mirror": false } ] } ],
        "output": { "name": "{job} part {part}", "background": "transparent", "crop": "length", "compression": "fast" }
    }"##;

    /// Where the fault is and what is said about it, when `from` is replaced by `to` in a valid job.
    fn refusal(from: &str, to: &str) -> (String, String) {
        assert!(JOB.contains(from), "{from}");
        match Job::from_json(JOB.replacen(from, to, 1).as_bytes()).unwrap_err().into_kind() {
            ErrorKind::Document { file: None, at, message } => (at, message),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_field_is_read() {
        let job = Job::from_json(JOB.as_bytes()).unwrap();
        assert_eq!((job.name.as_str(), job.dpi.get(), job.copies()), ("NookTransfers", 300, 4));
        assert_eq!(job.media.margin, Margin::all("0.25in".parse().unwrap()));
        let [fox, logo] = &job.orders[0].items[..] else { panic!() };
        assert_eq!((&*fox.artwork, fox.copies.get(), fox.name.as_deref()), ("art/fox.png", 3, Some("Fox, adult")));
        assert_eq!(logo.size, Some(Sizing::Fit("4in".parse().unwrap(), "3in".parse().unwrap())));
        assert!(logo.treatment == Treatment { trim: Trim::TRANSPARENT, ..Treatment::default() });
    }

    #[test]
    fn what_is_left_out_has_the_documented_default() {
        let json = r#"{"version": 1, "name": "N", "dpi": 300, "media": {"width": "22in", "max_length": "240in"},
                       "orders": [{"id": "1", "items": [{"artwork": "a.png"}]}]}"#;
        let media = Media::new("22in".parse().unwrap(), "240in".parse().unwrap());
        let job = Job::new("N", Dpi::new(300).unwrap(), media, vec![Order::new("1", vec![Item::new("a.png")])]);
        assert_eq!(Job::from_json(json.as_bytes()).unwrap(), job);
        assert_eq!(job.gutter, Gutter::all("0.125in".parse().unwrap()));
    }

    #[test]
    fn a_wrong_value_is_named_with_its_place_and_what_is_expected() {
        for (from, to, place, found, expected) in [
            (r#""version": 1"#, r#""version": 2"#, "version", "found integer `2`", "expected 1, the version that this program reads"),
            (r#""version": 1"#, r#""version": "1""#, "version", "found string \"1\"", "expected 1"),
            (r#""version": 1,"#, "", "", "missing field `version`", ""),
            (r#""dpi": 300"#, r#""dpi": 0"#, "dpi", "found integer `0`", "from 1 to 100000"),
            (r#""dpi": 300"#, r#""dpi": 299.5"#, "dpi", "found floating point `299.5`", "a whole number of dots per inch"),
            (r#""22in""#, "22", "media.width", "found integer `22`", "a length with its unit"),
            (r#""22in""#, r#""22""#, "media.width", "found string \"22\"", "a length with its unit"),
            (r#""0.25in""#, r#""-0.25in""#, "media.margin", "found string \"-0.25in\"", "a length with its unit"),
            (r#""0.25in""#, r#"{"left": "-1in"}"#, "media.margin.left", "found string \"-1in\"", "a length with its unit"),
            (r#""0.25in""#, r#"{"lift": "1in"}"#, "media.margin.lift", "unknown field `lift`", "`left`, `right`, `top`, `bottom`"),
            (r#""0.125in""#, "0.125", "gutter", "found floating point `0.125`", "{\"x\", \"y\"}"),
            (r#""10in""#, r#""1e9in""#, "orders[0].items[0].size.width", "found string \"1e9in\"", "a length with its unit"),
            (r#""10in""#, r#""NaNin""#, "orders[0].items[0].size.width", "found string \"NaNin\"", "a length with its unit"),
            (r#""10in""#, "null", "orders[0].items[0].size.width", "found null", "a length with its unit"),
            (
                r#"{ "width": "10in" }"#,
                r#"{"width": "1in", "dpi": 72}"#,
                "orders[0].items[0].size",
                "found both width and dpi",
                "expected exactly one of width, height, longest, fit, exact, dpi, metadata",
            ),
            (r#"{ "width": "10in" }"#, "{}", "orders[0].items[0].size", "found an empty object", "expected exactly one of width"),
            (r#"{ "width": "10in" }"#, r#""10in""#, "orders[0].items[0].size", "found string \"10in\"", "an object with one of width"),
            (
                r#"{ "width": "10in" }"#,
                r#"{"metadata": false}"#,
                "orders[0].items[0].size.metadata",
                "found boolean `false`",
                "expected true",
            ),
            (r#"["4in", "3in"]"#, r#"["4in"]"#, "orders[0].items[1].size.fit", "invalid length 1", "two lengths, [width, height]"),
            (r#"["4in", "3in"]"#, r#"["4in", "3in", "2in"]"#, "orders[0].items[1].size.fit", "invalid length 3", "two lengths"),
            (r#"["4in", "3in"]"#, r#"["4in", 3]"#, "orders[0].items[1].size.fit[1]", "found integer `3`", "a length with its unit"),
            (r#""copies": 3"#, r#""copies": 0"#, "orders[0].items[0].copies", "found integer `0`", "copies from 1 to 10000000"),
            (r#""copies": 3"#, r#""copies": 2147483648"#, "orders[0].items[0].copies", "found integer `2147483648`", "copies from 1 to"),
            (r#""copies": 3"#, r#""copies": -3"#, "orders[0].items[0].copies", "found integer `-3`", "copies from 1 to"),
            (r#""copies": 3"#, r#""copy": 3"#, "orders[0].items[0].copy", "unknown field `copy`", "`artwork`, `size`, `canvas`, `copies`"),
            (r#""copies": 3"#, r#""trim": true, "trim": true"#, "orders[0].items[0]", "duplicate field `trim`", ""),
            (r#""copies": 3"#, r#""copies": 1e999"#, "orders[0].items[0].copies", "number out of range", ""),
            (r#""auto""#, "45", "orders[0].items[0].turn", "found integer `45`", "\"none\", \"auto\", 90, 180 or 270"),
            (r#""auto""#, r#""left""#, "orders[0].items[0].turn", "found string \"left\"", "\"none\", \"auto\""),
            (r#"{ "width": "10in" }"#, r#"["10in"]"#, "orders[0].items[0].size", "found sequence", "an object with one of width"),
            (
                r#"{ "width": "22in", "max_length": "240in", "margin": "0.25in" }"#,
                r#"["22in", "240in", "0.25in"]"#,
                "media[0]",
                "found string \"22in\"",
                "an object with width and max_length",
            ),
            (
                r#"{ "artwork": "art/logo.png", "size": { "fit": ["4in", "3in"] }, "trim": true, "mirror": false }"#,
                r#"["art/logo.png", { "dpi": 300 }, 1]"#,
                "orders[0].items[1]",
                "found sequence",
                "an item: an object",
            ),
            (r#""orders": ["#, r#""orders": [["1000", []], "#, "orders[0]", "found sequence", "an order: an object"),
            (
                r#"{ "name": "{job} part {part}", "background": "transparent", "crop": "length", "compression": "fast" }"#,
                r#"["{job} part {part}"]"#,
                "output",
                "found sequence",
                "an object with name, background",
            ),
            (r#""10in""#, r#""0in""#, "orders[0].items[0].size.width", "found \"0in\", no pixel at 300 DPI", "expected a longer one"),
            (r#"["4in", "3in"]"#, r#"["4in", "0.001mm"]"#, "orders[0].items[1].size.fit[1]", "found \"0.001mm\", no pixel", "a longer one"),
            (
                r#""trim": true"#,
                r#""trim": "yes""#,
                "orders[0].items[1].trim",
                "found string \"yes\"",
                "expected true, false or {\"alpha\": 0 to 254}",
            ),
            (r#""1001""#, "1001", "orders[0].id", "found integer `1001`", "expected a string"),
            (r#""1001""#, r#""""#, "orders[0].id", "found an empty text", "expected the order's id"),
            (r#""id": "1001","#, "", "orders[0]", "missing field `id`", ""),
            (r#""transparent""#, r#""white""#, "output.background", "found string \"white\"", "a colour such as \"#ffffff\""),
            (r#""length""#, r#""all""#, "output.crop", "found string \"all\"", "\"length\" or \"content\" or \"none\""),
            (r#""gutter": "0.125in""#, r#""keep": "parts""#, "keep", "found string \"parts\"", "\"none\" or \"part\" or \"block\""),
            (r#""gutter": "0.125in""#, r#""cut": "laser""#, "cut", "found string \"laser\"", "\"free\" or \"guillotine\""),
            (r#""id": "1001","#, r#""id": "1001", "priority": 0.5,"#, "orders[0].priority", "found floating point `0.5`", "expected i32"),
            (r#""id": "1001","#, r#""id": "1001", "due": "1.12.2026","#, "orders[0].due", "found string \"1.12.2026\"", "a day such as"),
            (r#""id": "1001","#, r#""id": "1001", "due": "2026-02-30","#, "orders[0].due", "found string \"2026-02-30\"", "a day such as"),
            (r#""id": "1001","#, r#""id": "1001", "fill_up": 1,"#, "orders[0].fill_up", "found integer `1`", "expected a boolean"),
            (
                r#""copies": 3"#,
                r#""pinned": [{"x": "1in", "y": 1}]"#,
                "orders[0].items[0].pinned[0].y",
                "found integer `1`",
                "a length with its unit",
            ),
            (
                r#""copies": 3"#,
                r#""pinned": {"x": "1in", "y": "1in", "part": 0}"#,
                "orders[0].items[0].pinned.part",
                "found integer `0`",
                "the number of a part, from 1 to 100000",
            ),
            (
                r#"{ "width": "22in", "max_length": "240in", "margin": "0.25in" }"#,
                r#"[{ "width": "22in", "max_length": "240in" }, { "width": "24in" }]"#,
                "media[1]",
                "missing field `max_length`",
                "",
            ),
            (
                r#""margin": "0.25in" }"#,
                r#""price": { "per_m2": 9.9 } }"#,
                "media.price.per_m2",
                "found floating point `9.9`",
                "an amount as a text, such as \"12.50\"",
            ),
            (r#""fast""#, r#""zip""#, "output.compression", "found string \"zip\"", "\"fast\" or \"balanced\" or \"small\""),
            ("{job} part", "{customer}", "output.name", "{customer} is no placeholder", "{job}, {part}, {parts} or {date}"),
        ] {
            let (at, message) = refusal(from, to);
            assert_eq!(at, place, "{to}: {message}");
            assert!(message.contains(found) && message.contains(expected), "{to}: {message}");
        }
    }

    #[test]
    fn a_job_prints_something_inside_the_limits() {
        let job = Job::from_json(JOB.as_bytes()).unwrap();
        let refused = |change: fn(&mut Job)| {
            let mut job = job.clone();
            change(&mut job);
            let from_json = Job::from_json(&serde_json::to_vec(&job).unwrap()).unwrap_err().to_string();
            (job.check().unwrap_err().to_string(), from_json)
        };
        let same = |change: fn(&mut Job)| {
            let (checked, read) = refused(change);
            assert_eq!(checked, read);
            checked
        };
        assert_eq!(same(|job| job.orders.clear()), "orders: found no order, expected at least one");
        assert_eq!(same(|job| job.orders[0].items.clear()), "orders[0].items: found no item in order 1001, expected at least one");
        let copies = same(|job| job.orders[0].items[1].copies = NonZeroU32::new(9_999_998).unwrap());
        assert!(copies.starts_with("orders[0].items[1].copies: found 9999998 copies, 10000001 in all so far, expected at most 10000000"));
        let artwork = same(|job| job.orders[0].items[1].artwork = "狐".repeat(2000).into());
        assert!(artwork.starts_with("orders[0].items[1].artwork: found \"狐") && artwork.len() < 400, "{artwork}");
        let places = same(|job| {
            let pin = Pin { part: 1, x: Length::ZERO, y: Length::ZERO, turn: None };
            job.orders[0].items[1].pinned = vec![pin; 2];
        });
        assert_eq!(places, "orders[0].items[1].pinned: found 2 places, expected at most one for each of 1 copies");
        let media = same(|job| {
            job.more_media = vec![job.media];
            job.media.price = Some(Price::PerM2("9.90".parse().unwrap()));
        });
        assert_eq!(media, "media: found media with and without a price, expected a price for all or for none");
        let id = same(|job| job.orders[0].id = "10\n01".into());
        assert_eq!(id, r#"orders[0].id: found "10\n01", expected a text without control characters"#);
        let (checked, read) = refused(|job| job.orders = vec![Order::new("1", vec![Item::new("a"); Job::MAX_ITEMS / 2 + 1]); 2]);
        assert!(checked.starts_with("orders[1].items: found 250002 items so far, expected at most 250000"), "{checked}");
        assert!(read.contains("found 250002 items so far"), "{read}");
    }

    #[test]
    fn the_file_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for json in ["{", r#"{"version": 1, "name": "N", "dpi": 1, "media": {"width": "1in", "max_length": "1in"}, "orders": []}"#] {
            std::fs::write(file.path(), json).unwrap();
            let message = Job::read(file.path()).unwrap_err().to_string();
            assert!(message.starts_with(file.path().to_str().unwrap()), "{message}");
        }
        std::fs::write(file.path(), JOB).unwrap();
        assert_eq!(Job::read(file.path()).unwrap(), Job::from_json(JOB.as_bytes()).unwrap());
        let missing = Job::read(std::path::Path::new("/no/such/job.json")).unwrap_err();
        assert!(matches!(missing.kind(), ErrorKind::Io { .. }), "{missing}");
    }

    fn length() -> impl Strategy<Value = Length> {
        (0u32..1_000_000, 0u32..1_000, prop_oneof![Just("in"), Just("mm"), Just("cm"), Just("px")])
            .prop_map(|(whole, fraction, unit)| format!("{whole}.{fraction}{unit}").parse().unwrap())
    }

    fn sizing() -> impl Strategy<Value = Sizing> {
        prop_oneof![
            length().prop_map(Sizing::Width),
            length().prop_map(Sizing::Height),
            length().prop_map(Sizing::Longest),
            (length(), length()).prop_map(|(width, height)| Sizing::Fit(width, height)),
            (length(), length()).prop_map(|(width, height)| Sizing::Exact(width, height)),
            (1..=Dpi::MAX).prop_map(|dpi| Sizing::Dpi(Dpi::new(dpi).unwrap())),
            Just(Sizing::Metadata),
        ]
    }

    fn item() -> impl Strategy<Value = Item> {
        let turn = prop_oneof![
            Just(TurnPolicy::None),
            Just(TurnPolicy::Auto),
            Just(TurnPolicy::Fixed(Turn::Cw90)),
            Just(TurnPolicy::Fixed(Turn::Cw180)),
            Just(TurnPolicy::Fixed(Turn::Cw270)),
        ];
        let copies = (1u32..1000).prop_map(|copies| NonZeroU32::new(copies).unwrap());
        ("\\PC{1,40}", prop::option::of(sizing()), copies, turn, any::<bool>(), any::<bool>(), prop::option::of(any::<String>())).prop_map(
            |(artwork, size, copies, turn, trim, mirror, name)| {
                let treatment = Treatment { trim: trim.into(), mirror, ..Treatment::default() };
                let pin = |part| Pin { part, x: "1in".parse().unwrap(), y: "2.5mm".parse().unwrap(), turn: trim.then_some(Turn::Cw90) };
                let pinned = (1..copies.get().min(3)).map(pin).collect();
                Item { artwork: artwork.into(), size, canvas: None, copies, turn, treatment, name, pinned }
            },
        )
    }

    fn output() -> impl Strategy<Value = Output> {
        let background = prop_oneof![Just(Background::Transparent), any::<[u8; 3]>().prop_map(Background::Opaque)];
        let crop = prop_oneof![Just(Crop::Length), Just(Crop::Content), Just(Crop::None)];
        let compression = prop_oneof![Just(Compression::Fast), Just(Compression::Balanced), Just(Compression::Small)];
        (any::<bool>(), background, crop, compression).prop_map(|(named, background, crop, compression)| {
            let name = if named { "{date} {job}/{parts}".parse().unwrap() } else { Default::default() };
            Output { name, background, crop, compression, ..Output::default() }
        })
    }

    fn job() -> impl Strategy<Value = Job> {
        let orders = prop::collection::vec(("\\PC{1,9}", prop::collection::vec(item(), 1..4)), 1..4);
        let ruled = |(id, items): (String, Vec<Item>)| {
            let (priority, fill_up) = (i32::try_from(items.len()).unwrap() - 2, id.len() % 2 == 0);
            let due = fill_up.then(|| "2026-12-01".parse().unwrap());
            Order { priority, due, fill_up, ..Order::new(id, items) }
        };
        let orders = orders.prop_map(move |orders| orders.into_iter().map(ruled).collect());
        let rules = (prop_oneof![Just(Keep::None), Just(Keep::Part), Just(Keep::Block)], any::<bool>(), any::<bool>(), any::<bool>());
        let margin = (length(), length(), length(), length()).prop_map(|(left, right, top, bottom)| Margin { left, right, top, bottom });
        let margin = prop_oneof![length().prop_map(Margin::all), margin];
        let gutter = (length(), length()).prop_map(|(x, y)| Gutter { x, y });
        (any::<String>(), 1..=Dpi::MAX, length(), length(), margin, gutter, orders, output(), rules).prop_map(
            |(name, dpi, width, max_length, margin, gutter, orders, output, (keep, is_cut, is_choice, is_priced))| {
                let price = is_priced.then(|| Price::PerMetre("12.5".parse().unwrap()));
                let media = Media { width, max_length, margin, price };
                let other = Media { width: max_length, price: is_priced.then(|| Price::PerM2("0.0125".parse().unwrap())), ..media };
                let (more_media, cut) = (Vec::from_iter(is_choice.then_some(other)), if is_cut { Cut::Guillotine } else { Cut::Free });
                Job { name, dpi: Dpi::new(dpi).unwrap(), media, more_media, gutter, keep, cut, checks: Checks::default(), orders, output }
            },
        )
    }

    proptest! {
        #[test]
        fn a_job_comes_back_as_it_was_written(job in job()) {
            let json = serde_json::to_vec(&job).unwrap();
            prop_assert_eq!(Job::from_json(&json).unwrap(), job);
        }

        #[test]
        fn no_text_makes_it_panic(at in 0..JOB.len(), cut in 0usize..40, insert in any::<Vec<u8>>()) {
            let mut json = JOB.as_bytes().to_vec();
            let end = (at + cut).min(json.len());
            json.splice(at..end, insert);
            let _ = Job::from_json(&json);
        }
    }
}
