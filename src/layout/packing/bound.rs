//! How short a packing can be at best.
//!
//! The area alone is a bound: copies fill the film wholly at best. Dual-feasible functions (Fekete, Schepers 2001) sharpen it: each maps
//! sides so that whatever lies side by side still does after the mapping, and the mapped areas bound the length too. A function that
//! lengthens what is wide and drops what is narrow says how much must be stacked.

use std::cmp::Ordering;

use super::Blank;
use super::fold::{Folded, Kind, Shape};
use crate::error::Result;
use crate::preflight::MediaPx;

/// The least number of parts that any packing needs, in parts: 0 without copies.
///
/// # Errors
///
/// The same as [`pack_rectangles`](super::pack_rectangles).
pub fn parts_lower_bound(blanks: &[Blank], film: &MediaPx) -> Result<u32> {
    let folded = Folded::new(blanks, film)?;
    let by_length = strip_bound(&folded, MOST_MAPPED).0.div_ceil(folded.height.into());
    Ok(u32::try_from(by_length).unwrap_or(u32::MAX).max(sheets_bound(&folded)))
}

/// A length in pixels that no packing on `parts` parts stays below, all parts together, margins included.
///
/// # Errors
///
/// The same as [`pack_rectangles`](super::pack_rectangles).
pub fn length_lower_bound(blanks: &[Blank], film: &MediaPx, parts: u32) -> Result<u64> {
    // Parts set one after the other, a gutter between them, are a packing on an endless strip.
    let folded = Folded::new(blanks, film)?;
    let endless = strip_bound(&folded, MOST_MAPPED).0.saturating_sub(u64::from(parts) * u64::from(film.gutter_y.min(folded.height)));
    let without_gutter = MediaPx { gutter_y: 0, ..*film };
    let tight = strip_bound(&Folded::new(blanks, &without_gutter)?, MOST_MAPPED).0;
    let margins = u64::from(parts) * (u64::from(film.top) + u64::from(film.bottom));
    Ok(endless.max(tight) + margins)
}

/// A length that no packing of the kinds on an endless strip of the folded width stays below, and how often kinds were mapped for it: about
/// `most` times, once each at least.
pub(super) fn strip_bound(folded: &Folded<'_>, most: u64) -> (u64, u64) {
    let flattest = |kind: &Kind| kind.shapes().map(|shape| shape.height).min().unwrap_or(0);
    let tallest = folded.kinds.iter().map(flattest).max().unwrap_or(0);
    let by_width = |function: DualFeasible| {
        let mapped = |kind: &Kind| {
            let smallest = kind.shapes().map(|shape| u128::from(function.of(shape.width)) * u128::from(shape.height)).min();
            smallest.unwrap_or(0) * u128::from(kind.copies)
        };
        folded.kinds.iter().map(mapped).sum::<u128>().div_ceil(function.capacity().into())
    };
    let widths = folded.kinds.iter().flat_map(Kind::shapes).map(|shape| shape.width);
    let functions = DualFeasible::family(folded.width, widths, functions_within(most, folded));
    let mapped = functions.len() as u64 * folded.kinds.len() as u64;
    let longest = functions.into_iter().map(by_width).max().unwrap_or(0);
    (u64::try_from(longest).unwrap_or(u64::MAX).max(tallest.into()), mapped)
}

/// A number of parts that no packing of the kinds stays below: functions of both sides at once.
fn sheets_bound(folded: &Folded<'_>) -> u32 {
    let most = functions_within(MOST_MAPPED, folded).isqrt();
    let sides = |side: fn(Shape) -> u32| folded.kinds.iter().flat_map(Kind::shapes).map(side);
    let across = DualFeasible::family(folded.width, sides(|shape| shape.width), most);
    let along = DualFeasible::family(folded.height, sides(|shape| shape.height), most);
    let mut parts = 0;
    for (of_width, of_height) in across.iter().flat_map(|of_width| along.iter().map(move |of_height| (of_width, of_height))) {
        let mapped = |kind: &Kind| {
            let area = |shape: Shape| u128::from(of_width.of(shape.width)) * u128::from(of_height.of(shape.height));
            kind.shapes().map(area).min().unwrap_or(0).saturating_mul(kind.copies.into())
        };
        let sum = folded.kinds.iter().map(mapped).fold(0, u128::saturating_add);
        let room = u128::from(of_width.capacity()) * u128::from(of_height.capacity());
        parts = parts.max(if sum == u128::MAX { 0 } else { sum.div_ceil(room) });
    }
    u32::try_from(parts).unwrap_or(u32::MAX)
}

/// The least area that a copy covers: with different gutters in x and y, a turned one covers another.
pub(super) fn smallest_area(kind: &Kind) -> u64 {
    kind.shapes().map(Shape::area).min().unwrap_or(0)
}

/// How often kinds are mapped for one bound at most: some milliseconds.
pub(super) const MOST_MAPPED: u64 = 400_000;

/// How many functions map each kind, so that kinds are mapped `most` times.
fn functions_within(most: u64, folded: &Folded<'_>) -> usize {
    usize::try_from(most).unwrap_or(usize::MAX) / folded.kinds.len().max(1)
}

/// A function of lengths up to `whole`: where lengths fit into `whole` together, their values fit into the capacity together.
#[derive(Clone, Copy, Debug)]
enum DualFeasible {
    /// The length itself.
    Identity { whole: u32 },
    /// Less than `short` is nothing, and more than all but that is the whole.
    Dropping { whole: u32, short: u32 },
    /// Counts multiples of `step`; beyond the half, those that are not left free.
    Counting { whole: u32, step: u32 },
    /// Rounds down to parts of a whole that is cut into one more than it has.
    Rounding { whole: u32, parts: u32 },
}

impl DualFeasible {
    /// At most about `most` functions, of those that can matter for these lengths. The identity is always one.
    fn family(whole: u32, lengths: impl Iterator<Item = u32>, most: usize) -> Vec<Self> {
        let half = whole / 2;
        // A function changes only where a length, or what it leaves free, begins to count.
        let mut steps: Vec<u32> = lengths.map(|length| length.min(whole - length)).filter(|&step| step > 0 && step <= half).collect();
        steps.sort_unstable();
        steps.dedup();
        let thinning = steps.len().div_ceil((most / 2).max(1)).max(1);
        let steps = steps.iter().step_by(thinning);
        let mut functions = vec![Self::Identity { whole }];
        functions.extend(steps.flat_map(|&step| {
            // What is as long as the free rest is to count: the step begins just after it.
            [Self::Dropping { whole, short: step + 1 }, Self::Dropping { whole, short: step }, Self::Counting { whole, step }]
        }));
        functions.retain(|function| !matches!(function, Self::Dropping { short, .. } if *short > half));
        functions.extend((1..=ROUNDINGS).map(|parts| Self::Rounding { whole, parts }));
        functions.truncate(most.max(1));
        functions
    }

    /// What fits together has values of no more than this in all.
    fn capacity(self) -> u64 {
        match self {
            Self::Identity { whole } | Self::Dropping { whole, .. } => whole.into(),
            Self::Counting { whole, step } => 2 * u64::from(whole / step),
            Self::Rounding { whole, parts } => u64::from(whole) * u64::from(parts),
        }
    }

    /// The value of a length of at most `whole`.
    fn of(self, length: u32) -> u64 {
        match self {
            Self::Identity { .. } => length.into(),
            Self::Dropping { short, .. } if length < short => 0,
            Self::Dropping { whole, short } => if length > whole - short { whole } else { length }.into(),
            Self::Counting { whole, step } => {
                let (count, doubled) = (u64::from(whole / step), 2 * u64::from(length));
                match doubled.cmp(&whole.into()) {
                    Ordering::Less => 2 * u64::from(length / step),
                    Ordering::Equal => count,
                    Ordering::Greater => 2 * (count - u64::from((whole - length) / step)),
                }
            }
            Self::Rounding { whole, parts } => {
                let (whole, parts, length) = (u64::from(whole), u64::from(parts), u64::from(length));
                let cut = (parts + 1) * length;
                if cut % whole == 0 { parts * length } else { cut / whole * whole }
            }
        }
    }
}

/// How many functions round.
const ROUNDINGS: u32 = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::PxSize;
    use proptest::prelude::*;

    proptest! {
        /// What fits together still does after the mapping, whatever it is.
        #[test]
        fn what_fits_together_fits_after_the_mapping(whole in 1_u32..200, cuts in prop::collection::vec(0_u32..200, 0..9), steps in prop::collection::vec(1_u32..200, 1..9)) {
            let mut cuts: Vec<u32> = cuts.into_iter().map(|cut| cut % (whole + 1)).chain([0, whole]).collect();
            cuts.sort_unstable();
            let lengths: Vec<u32> = cuts.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let steps = steps.into_iter().map(|step| step.min(whole)).chain(lengths.iter().copied());
            for function in DualFeasible::family(whole, steps, 200) {
                let sum: u64 = lengths.iter().map(|&length| function.of(length)).sum();
                prop_assert!(sum <= function.capacity(), "{function:?} of {lengths:?}");
            }
        }
    }

    #[test]
    fn what_must_be_stacked_is_counted() {
        let film = MediaPx { width: 100, max_length: 1000, left: 0, right: 0, top: 0, bottom: 0, gutter_x: 0, gutter_y: 0 };
        let blank = |width, height, copies| Blank { size: PxSize::new(width, height).unwrap(), copies, turnable: false };
        // Five of more than half the width are stacked; ten of more than a third lie in pairs.
        assert_eq!(length_lower_bound(&[blank(51, 20, 5)], &film, 1).unwrap(), 100);
        assert_eq!(length_lower_bound(&[blank(34, 20, 10)], &film, 1).unwrap(), 100);
        // What is more than half of both sides has a sheet of its own.
        let sheet = MediaPx { max_length: 100, ..film };
        assert_eq!(parts_lower_bound(&[blank(51, 51, 7), blank(60, 52, 2)], &sheet).unwrap(), 9);
    }
}
