//! What the customer asked for, in physical units.

mod checks;
mod color;
mod csv;
mod decimal;
mod document;
mod folder;
mod media;
mod output;
mod price;
mod read;
mod rules;
mod select;
mod size;
mod treatment;

use std::num::NonZeroU32;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use self::checks::{Area, Check, Checks, Level, Percent};
pub use self::color::{Intent, OutputProfile};
pub(crate) use self::document::{Document, Version, object, objects, read_document, write_document};
pub use self::media::{Gutter, Margin, Media};
pub use self::output::{Background, Compression, Crop, NameTemplate, Output};
pub use self::price::{Amount, Cost, Price};
pub(crate) use self::read::check_text;
pub use self::rules::{Cut, Due, Keep, Pin};
pub use self::size::Sizing;
pub(crate) use self::size::{Density, SizeError};
pub(crate) use self::treatment::Border;
pub use self::treatment::{AlphaRules, Harden, Kernel, Knockout, Resample, Treatment, Trim};
use crate::geom::{Dpi, Length, Turn};

/// Everything that one run is asked to print: plain data, read from and written as `job.json` version 1.
///
/// ```
/// use gangsheet::{Item, Job, Media, Order, Sizing};
///
/// let media = Media::new("22in".parse()?, "240in".parse()?);
/// let fox = Item { size: Some(Sizing::Width("10in".parse()?)), ..Item::new("art/fox.png") };
/// let job = Job::new("NookTransfers", gangsheet::Dpi::new(300)?, media, vec![Order::new("1001", vec![fox])]);
/// # Ok::<(), gangsheet::Error>(())
/// ```
///
/// # Memory
///
/// About 200 bytes an item, and the bytes of its texts. The text of a file is not held while it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The name that parts and the report carry.
    pub name: String,
    /// The resolution of the printed parts.
    pub dpi: Dpi,
    /// What is printed on.
    pub media: Media,
    /// Other widths and stock lengths that parts may be printed on instead, whichever is cheapest. In files, `media` is then a list.
    /// Default: none.
    pub more_media: Vec<Media>,
    /// The clear distance between neighbours. Default: 0.125 in both ways.
    pub gutter: Gutter,
    /// Whether the copies of an order lie together. Default: [`Keep::None`].
    pub keep: Keep,
    /// How the parts are cut. Default: [`Cut::Free`].
    pub cut: Cut,
    /// What preflight checks of artwork at its printed size. Default: see [`Checks`].
    pub checks: Checks,
    /// The orders; at least one.
    pub orders: Vec<Order>,
    /// How the parts are written. Default: see [`Output`].
    pub output: Output,
}

impl Job {
    /// The most items that a job holds, in all orders together.
    pub const MAX_ITEMS: usize = 250_000;

    /// The most copies that a job orders, in all items together.
    pub const MAX_COPIES: u64 = 10_000_000;

    /// The most kinds of media that a job chooses from.
    pub const MAX_MEDIA: usize = 16;

    /// A job with the default gutter, checks and output, on one kind of media, without rules for its orders.
    #[must_use]
    pub fn new(name: impl Into<String>, dpi: Dpi, media: Media, orders: Vec<Order>) -> Self {
        let (name, more_media, output) = (name.into(), Vec::new(), Output::default());
        let (gutter, keep, cut, checks) = (Gutter::default(), Keep::None, Cut::Free, Checks::default());
        Self { name, dpi, media, more_media, gutter, keep, cut, checks, orders, output }
    }

    /// Bytes that the job's items and their texts hold.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let text = |text: &str| (2 * size_of::<usize>() + text.len()) as u64;
        let item = |item: &Item| {
            let pins = size_of_val(item.pinned.as_slice());
            (size_of::<Item>() + pins) as u64 + text(&item.artwork) + item.name.as_deref().map_or(0, text)
        };
        let order = |order: &Order| size_of::<Order>() as u64 + text(&order.id) + order.items.iter().map(item).sum::<u64>();
        self.orders.iter().map(order).sum()
    }

    /// All that parts may be printed on: at least one.
    pub fn all_media(&self) -> impl Iterator<Item = &Media> {
        std::iter::once(&self.media).chain(&self.more_media)
    }

    /// Number of ordered copies, in all items together.
    #[must_use]
    pub fn copies(&self) -> u64 {
        self.orders.iter().flat_map(|order| &order.items).map(|item| u64::from(item.copies.get())).sum()
    }
}

/// One customer's purchase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an order: an object")]
pub struct Order {
    /// What the shop calls the order. No other order of the job has the same id.
    pub id: Arc<str>,
    /// Orders with a higher number lie on earlier parts. Default: 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub priority: i32,
    /// Of orders with the same priority, those due earlier lie on earlier parts, and those without a day last. Default: `None`.
    #[serde(default, deserialize_with = "read::present", skip_serializing_if = "Option::is_none")]
    pub due: Option<Due>,
    /// Whether the order only fills what others leave free: its copies lie where they lengthen no part with other orders, else on parts
    /// of their own after those. Default: `false`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fill_up: bool,
    /// What was bought; at least one item.
    #[serde(deserialize_with = "read::items")]
    pub items: Vec<Item>,
}

impl Order {
    /// An order of these items.
    #[must_use]
    pub fn new(id: impl Into<Arc<str>>, items: Vec<Item>) -> Self {
        Self { id: id.into(), priority: 0, due: None, fill_up: false, items }
    }
}

/// One artwork at one size in a number of copies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "read::ItemEntry", into = "read::ItemEntry")]
pub struct Item {
    /// The artwork's path: absolute, or relative to the job's folder.
    pub artwork: Arc<str>,
    /// The printed size. Default: `None`, pixel for pixel at the job's resolution.
    pub size: Option<Sizing>,
    /// A transparent box, width and height, in whose middle the artwork is printed: what is packed is the box. Default: `None`, the
    /// artwork alone.
    pub canvas: Option<(Length, Length)>,
    /// Number of copies. Default: 1.
    pub copies: NonZeroU32,
    /// How the artwork may be turned. Default: [`TurnPolicy::Auto`].
    pub turn: TurnPolicy,
    /// What is done to the artwork's pixels. In files its fields are the item's. Default: nothing but resampling.
    pub treatment: Treatment,
    /// What people call the item. Default: `None`.
    pub name: Option<String>,
    /// Fixed places of some of the copies. The others are packed around them. Default: none.
    pub pinned: Vec<Pin>,
}

impl Item {
    /// One copy of `artwork`, pixel for pixel, that the packer may turn.
    #[must_use]
    pub fn new(artwork: impl Into<Arc<str>>) -> Self {
        Self {
            artwork: artwork.into(),
            size: None,
            copies: one(),
            canvas: None,
            turn: TurnPolicy::Auto,
            treatment: Treatment::default(),
            name: None,
            pinned: Vec::new(),
        }
    }
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

const fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}

/// How an artwork may be turned. In files: `"none"`, `"auto"`, `90`, `180` or `270`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TurnPolicy {
    /// It stays upright.
    None,
    /// The packer may turn it by 90° clockwise. The default.
    #[default]
    Auto,
    /// It is turned in this way and no other.
    Fixed(Turn),
}

impl TurnPolicy {
    /// The turns that are allowed, the preferred one first.
    #[must_use]
    pub fn allowed(self) -> &'static [Turn] {
        match self {
            Self::None | Self::Fixed(Turn::None) => &[Turn::None],
            Self::Auto => &[Turn::None, Turn::Cw90],
            Self::Fixed(Turn::Cw90) => &[Turn::Cw90],
            Self::Fixed(Turn::Cw180) => &[Turn::Cw180],
            Self::Fixed(Turn::Cw270) => &[Turn::Cw270],
        }
    }
}

impl Serialize for TurnPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None | Self::Fixed(Turn::None) => serializer.serialize_str("none"),
            Self::Auto => serializer.serialize_str("auto"),
            Self::Fixed(turn) => turn.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for TurnPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = TurnPolicy;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("\"none\", \"auto\", 90, 180 or 270 (degrees clockwise)")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<TurnPolicy, E> {
                match text {
                    "none" => Ok(TurnPolicy::None),
                    "auto" => Ok(TurnPolicy::Auto),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
            fn visit_u64<E: de::Error>(self, degrees: u64) -> Result<TurnPolicy, E> {
                let turn = Turn::from_degrees(degrees).filter(|&turn| turn != Turn::None);
                turn.map(TurnPolicy::Fixed).ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(degrees), &self))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
