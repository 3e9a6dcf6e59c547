//! What preflight tells of a job that can be printed: warnings, what is cut away, what is left out.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Wanted;
use crate::geom::{Dpi, Length};

/// Something that prints, but perhaps not as it was meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a warning: an object")]
pub struct Warning {
    /// What it is about.
    pub kind: WarningKind,
    /// The order's id.
    pub order: Arc<str>,
    /// The item's index in its order, counted from 0.
    pub item: u32,
    /// The artwork's path as written.
    pub artwork: Arc<str>,
    /// Where in the artwork, where it is in one place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// What it is and what to do, in a sentence.
    pub message: String,
}

impl Warning {
    /// One about the artwork as a whole.
    pub(super) fn of(kind: WarningKind, wanted: &Wanted, message: String) -> Self {
        let Wanted { order, item, artwork, .. } = wanted;
        Self { kind, order: order.clone(), item: *item, artwork: artwork.clone(), place: None, message }
    }
}

/// A place in an artwork as it is printed, upright and not mirrored, to a tenth of a millimetre.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a place: an object with x and y")]
pub struct Place {
    /// From the left.
    pub x: Length,
    /// From the top.
    pub y: Length,
}

impl Place {
    pub(super) fn of((x, y): (u32, u32), dpi: Dpi) -> Self {
        let tenths = |px: u32| u64::from(px) * 254 / u64::from(dpi.get());
        let length = |px: u32| Length::tenths_of_mm(u32::try_from(tenths(px)).unwrap_or(u32::MAX));
        Self { x: length(x), y: length(y) }
    }
}

/// The kinds of [`Warning`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WarningKind {
    /// The artwork has fewer pixels to the inch, as it is printed, than [`Checks::effective_dpi`](crate::Checks::effective_dpi).
    EffectiveDpi,
    /// The artwork has fewer pixels to the inch, as it is printed, than the job: [`Checks::upscaled`](crate::Checks::upscaled).
    Upscaled,
    /// The artwork is an animation or a document of several pages, of which only the first one is printed.
    FirstFrame,
    /// The artwork is damaged and printed as far as it can be read.
    Damaged,
    /// Much of the artwork is semi-transparent: [`Checks::semi_transparent`](crate::Checks::semi_transparent).
    SemiTransparent,
    /// The artwork has a background that was probably forgotten: [`Checks::opaque_background`](crate::Checks::opaque_background).
    OpaqueBackground,
    /// The artwork has thin lines: [`Checks::thin_lines`](crate::Checks::thin_lines).
    ThinLines,
    /// The artwork has narrow gaps: [`Checks::gaps`](crate::Checks::gaps).
    Gaps,
    /// The artwork has specks: [`Checks::specks`](crate::Checks::specks).
    Specks,
    /// The artwork may be cut off: [`Checks::touches_border`](crate::Checks::touches_border).
    TouchesBorder,
    /// The artwork has inks, which a profile turns into colours: [`Checks::color_mode`](crate::Checks::color_mode).
    Inks,
    /// The artwork has inks without a profile that says what they look like: [`Checks::color_mode`](crate::Checks::color_mode).
    UnknownInks,
    /// The artwork has a colour profile that cannot be used: [`Checks::color_mode`](crate::Checks::color_mode).
    UnusedProfile,
}

/// What was cut away of an item's artwork, as it is seen before the turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "what is trimmed: an object")]
#[non_exhaustive]
pub struct Trimmed {
    /// The order's id.
    pub order: Arc<str>,
    /// The item's index in its order, counted from 0.
    pub item: u32,
    /// The artwork's path as written.
    pub artwork: Arc<str>,
    /// Millimetres on the left, at the printed size.
    pub left_mm: f64,
    /// Millimetres on the right.
    pub right_mm: f64,
    /// Millimetres at the top.
    pub top_mm: f64,
    /// Millimetres at the bottom.
    pub bottom_mm: f64,
}

/// An item that was ordered but is not printed, because its artwork is bad.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "what is left out: an object")]
pub struct LeftOut {
    /// The order's id.
    pub order: Arc<str>,
    /// The item's index in its order, counted from 0.
    pub item: u32,
    /// The artwork's path as written.
    pub artwork: Arc<str>,
    /// Number of copies that are missing.
    pub copies: u32,
    /// What is wrong with the artwork and what to do.
    pub reason: String,
}
