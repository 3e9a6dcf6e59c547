//! Packing rectangles on lengths of film: integers in, integers out; no clock, no threads, no floating point.
//!
//! The gutter is folded away first ([`fold`]): rectangles that are enlarged by the gutter, on film that is enlarged by it too, need no
//! distance. Then an order of the rectangles is turned into a packing by a skyline ([`build`], Burke, Kendall, Whitwell 2004; the
//! [`rule`]s after Leung, Zhang, Sim 2011); [`search`] changes the [`order`] at random (after Wei et al. 2017) as long as its budget of steps lasts,
//! and a [`trace`] tells which changes would be in vain and what the others leave as it is.
//!
//! A [`Task`] adds rules and several films: ranks are stages of the stock ([`choose`]); what lies fixed and cuts from edge to edge replace the
//! skyline by free rectangles ([`areas`]); [`parts`] chooses the film of each part from a [`pool`] of copies, [`orders`] and [`blocks`] keep
//! orders together, and [`fill`] uses what is left. [`refuse`] says why a task cannot be packed.
//!
//! [`check`] and [`obey`] prove a packing without knowing how it came about, and [`bound`] says how short one could be at best.

mod areas;
mod blocks;
mod bound;
mod build;
mod check;
mod choose;
mod fill;
mod fold;
mod lists;
mod obey;
mod order;
mod orders;
mod parts;
mod pool;
mod reach;
mod refuse;
mod rule;
mod search;
mod skyline;
mod task;
mod trace;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::geom::PxSize;
use crate::preflight::MediaPx;

pub use bound::{length_lower_bound, parts_lower_bound};
pub use check::{Violation, check_packing};
pub use obey::check_task;
pub use parts::pack_task;
pub(super) use parts::pack_task_unless_cancelled;
pub use task::{Film, Lot, PackedPart, PinnedSpot, Task};

/// The most copies that one packing holds. At 16 bytes a [`Spot`] and about three times that while packing, they take about 640 MB; a
/// film of a hundred metres holds fewer copies even of 1 cm².
pub const MAX_COPIES: u32 = 10_000_000;

/// Equal copies of one rectangle to be packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Blank {
    /// The size of each copy before a turn.
    pub size: PxSize,
    /// How many copies there are; 0 is allowed.
    pub copies: u32,
    /// Whether a copy may lie turned by 90°, its sides exchanged.
    pub turnable: bool,
}

/// Where one copy lies on its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spot {
    /// Index of its [`Blank`].
    pub blank: usize,
    /// Left edge in pixels from the part's left edge, margin included.
    pub x: u32,
    /// Upper edge in pixels from the part's upper edge, margin included.
    pub y: u32,
    /// Whether it lies turned by 90°, width and height exchanged.
    pub turned: bool,
}

/// How long to look for a better packing. It is a budget of work, not of time: the same on every machine. The times below are of copies on one
/// film without rules; with rules or several films `Fast` takes some times as long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effort {
    /// One construction: the largest copies first, each where it fits best. Others are never worse.
    Once,
    /// Constructions from several orders, and some changes of the best where copies are few: below 50 ms at 10,000 copies.
    Fast,
    /// About a second at 1,000 copies, never above two at 10,000. The default.
    #[default]
    Normal,
    /// About half a minute.
    High,
}

/// Options of [`pack_rectangles`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Packing {
    /// How long to look for a better packing. Default: [`Effort::Normal`].
    pub effort: Effort,
}

impl Packing {
    /// The options with another effort.
    #[must_use]
    pub const fn with_effort(self, effort: Effort) -> Self {
        Self { effort }
    }
}

/// Packs every copy of every blank on as few parts as it can, then on as short a length in total, then with as short a last part.
///
/// The result holds one list per part, in the order of placing. It depends on the arguments alone: not on the machine, the time or
/// threads. [`check_packing`] accepts it.
///
/// # Memory
///
/// See [`packing_memory_bytes`].
///
/// # Errors
///
/// [`ErrorKind::DoesNotFit`](crate::ErrorKind::DoesNotFit) with the first blank that is larger than the film inside its margins in each
/// allowed turn; [`ErrorKind::Layout`](crate::ErrorKind::Layout) when the margins leave nothing of the film, when the film exceeds
/// [`MAX_SIDE_PX`](crate::MAX_SIDE_PX), or when there are more than [`MAX_COPIES`] copies.
pub fn pack_rectangles(blanks: &[Blank], film: &MediaPx, options: &Packing) -> Result<Vec<Vec<Spot>>> {
    let folded = fold::Folded::new(blanks, film)?;
    let cancel = Cancel::default();
    let packed = search::search(&folded, search::Budget::of(options.effort, folded.copies), &cancel);
    Ok(folded.unfold(&packed.unwrap_or_default()))
}

/// The most bytes that [`pack_rectangles`] holds at once for `blanks` different blanks with `copies` copies in all, its result included.
#[must_use]
pub fn packing_memory_bytes(blanks: usize, copies: u64) -> u64 {
    // Per copy: three packings of 24 bytes while searching (or two and the result's 24), a segment of 20 and a heap entry of 16 bytes;
    // vectors may have twice the room that they use. Per blank: kind, shapes, orders, trees and indices. Besides, a table for each pixel of
    // the width, what copies of few blanks that are told apart take, and the choices of two constructions that are traced.
    let blanks = u64::try_from(blanks).unwrap_or(u64::MAX);
    blanks.saturating_mul(930).saturating_add(copies.saturating_mul(216)).saturating_add(1 << 21)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::geom::MAX_SIDE_PX;
    use proptest::prelude::*;

    const FAST: Packing = Packing { effort: Effort::Fast };

    fn blank(width: u32, height: u32, copies: u32, turnable: bool) -> Blank {
        Blank { size: PxSize::new(width, height).unwrap(), copies, turnable }
    }

    fn film(width: u32, max_length: u32, margin: u32, gutter_x: u32, gutter_y: u32) -> MediaPx {
        MediaPx { width, max_length, left: margin, right: margin, top: margin, bottom: margin, gutter_x, gutter_y }
    }

    /// The length of film that the parts take together.
    fn used(blanks: &[Blank], film: &MediaPx, parts: &[Vec<Spot>]) -> u64 {
        let bottom = |spot: &Spot| {
            let size = blanks[spot.blank].size;
            spot.y + if spot.turned { size.width() } else { size.height() }
        };
        parts.iter().map(|part| u64::from(part.iter().map(bottom).max().unwrap_or(0) + film.bottom)).sum()
    }

    #[test]
    fn a_tiling_is_found_with_margins_and_gutters() {
        let film = film(10 + 4 * 20 + 3 * 2 + 10, 1000, 10, 2, 6);
        let blanks = [blank(20, 30, 12, false)];
        let parts = pack_rectangles(&blanks, &film, &FAST).unwrap();
        check_packing(&blanks, &film, &parts).unwrap();
        assert_eq!(used(&blanks, &film, &parts), 10 + 3 * 30 + 2 * 6 + 10);
        assert_eq!(length_lower_bound(&blanks, &film, 1).unwrap(), 10 + 3 * 30 + 2 * 6 + 10);
    }

    /// The bound once took the area of a copy as it is, where a turned one covers less with its gutter.
    #[test]
    fn different_gutters_do_not_lift_the_bound_above_a_packing() {
        let film = film(100, 1000, 0, 50, 0);
        let blanks = [blank(10, 90, 16, true)];
        let parts = pack_rectangles(&blanks, &film, &FAST).unwrap();
        let bound = length_lower_bound(&blanks, &film, 1).unwrap();
        assert!(bound <= used(&blanks, &film, &parts), "{bound}");
    }

    #[test]
    fn turns_are_used_where_allowed_only() {
        let film = film(100, 1000, 0, 0, 0);
        let blanks = [blank(20, 100, 1, true), blank(30, 100, 1, false)];
        let parts = pack_rectangles(&blanks, &film, &FAST).unwrap();
        check_packing(&blanks, &film, &parts).unwrap();
        assert!(parts[0].iter().all(|spot| !spot.turned || spot.blank == 0));
    }

    #[test]
    fn a_full_part_is_followed_by_another() {
        let film = film(100, 100, 0, 0, 0);
        let blanks = [blank(50, 50, 9, false)];
        let parts = pack_rectangles(&blanks, &film, &FAST).unwrap();
        check_packing(&blanks, &film, &parts).unwrap();
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 1]);
        assert_eq!(used(&blanks, &film, &parts), 250);
        assert_eq!(parts_lower_bound(&blanks, &film).unwrap(), 3);
    }

    #[test]
    fn what_cannot_be_packed_is_named() {
        let fits = blank(10, 10, 1, false);
        let error = pack_rectangles(&[fits, blank(20, 101, 1, false)], &film(100, 100, 0, 0, 0), &FAST).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::DoesNotFit { blank: 1, width_px: 100, .. }), "{error}");
        assert!(pack_rectangles(&[blank(20, 101, 1, true)], &film(101, 100, 0, 0, 0), &FAST).is_ok());
        for bad in [film(100, 100, 50, 0, 0), film(0, 100, 0, 0, 0), film(100, 100, u32::MAX, 0, 0), film(u32::MAX, 9, 0, 0, 0)] {
            assert!(pack_rectangles(&[fits], &bad, &FAST).is_err());
            assert!(check_packing(&[fits], &bad, &[]).is_err());
            assert!(length_lower_bound(&[fits], &bad, 1).is_err());
        }
    }

    #[test]
    fn too_many_copies_are_refused_before_anything_is_allocated() {
        let blanks = [blank(1, 1, MAX_COPIES, false), blank(1, 1, 1, false)];
        let error = pack_rectangles(&blanks, &film(100, 100, 0, 0, 0), &FAST).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Layout { part: None, .. }), "{error}");
        let blanks = [blank(1, 1, u32::MAX, true); 100];
        assert!(pack_rectangles(&blanks, &film(100, 100, 0, 0, 0), &FAST).is_err());
    }

    #[test]
    fn no_copies_need_no_part() {
        assert!(pack_rectangles(&[], &film(9, 9, 0, 0, 0), &FAST).unwrap().is_empty());
        assert!(pack_rectangles(&[blank(5, 5, 0, true)], &film(9, 9, 0, 0, 0), &FAST).unwrap().is_empty());
    }

    /// Sides of every magnitude, the largest included.
    fn side() -> impl Strategy<Value = u32> {
        prop_oneof![1_u32..60, 1_u32..5000, (0_u32..4).prop_map(|less| MAX_SIDE_PX - less)]
    }

    fn distance() -> impl Strategy<Value = u32> {
        prop_oneof![4 => Just(0), 4 => 0_u32..20, 1 => any::<u32>()]
    }

    fn any_film() -> impl Strategy<Value = MediaPx> {
        (side(), side(), prop::array::uniform4(distance()), distance(), distance()).prop_map(
            |(width, max_length, [left, right, top, bottom], gutter_x, gutter_y)| MediaPx {
                width,
                max_length,
                left,
                right,
                top,
                bottom,
                gutter_x,
                gutter_y,
            },
        )
    }

    fn any_blanks() -> impl Strategy<Value = Vec<Blank>> {
        let blank = (side(), side(), 0_u32..6, any::<bool>()).prop_map(|(width, height, copies, turnable)| {
            let size = PxSize::new(width, height).unwrap();
            Blank { size, copies, turnable }
        });
        prop::collection::vec(blank, 0..20)
    }

    proptest! {
        /// Whatever is packed is valid, the same each time, and no shorter than the bound.
        #[test]
        fn packings_are_valid(blanks in any_blanks(), film in any_film()) {
            match pack_rectangles(&blanks, &film, &FAST) {
                Ok(parts) => {
                    prop_assert!(check_packing(&blanks, &film, &parts).is_ok());
                    prop_assert_eq!(&parts, &pack_rectangles(&blanks, &film, &FAST).unwrap());
                    let count = u32::try_from(parts.len()).unwrap();
                    prop_assert!(count >= parts_lower_bound(&blanks, &film).unwrap());
                    prop_assert!(used(&blanks, &film, &parts) >= length_lower_bound(&blanks, &film, count).unwrap());
                }
                Err(error) => {
                    let known = matches!(error.kind(), ErrorKind::DoesNotFit { .. } | ErrorKind::Layout { .. });
                    prop_assert!(known, "{}", error);
                }
            }
        }

        /// More effort gives no worse a packing than one construction.
        #[test]
        fn no_packing_is_worse_than_one_construction(mut blanks in any_blanks(), gutter in 0_u32..30) {
            blanks.retain(|blank| blank.size.width() <= 5000 && blank.size.height() <= 5000);
            let film = film(5000 + 14, 5000 + 14, 7, gutter, gutter);
            let value = |effort: Effort| {
                let parts = pack_rectangles(&blanks, &film, &Packing { effort }).unwrap();
                (parts.len(), used(&blanks, &film, &parts))
            };
            prop_assert!(value(Effort::Fast) <= value(Effort::Once));
        }

        /// Blanks that all fit are packed, never refused.
        #[test]
        fn what_fits_is_packed(mut blanks in any_blanks(), gutter_x in 0_u32..30, gutter_y in 0_u32..30) {
            blanks.retain(|blank| blank.size.width() <= 5000 && blank.size.height() <= 5000);
            let film = film(5000 + 14, 5000 + 14, 7, gutter_x, gutter_y);
            let parts = pack_rectangles(&blanks, &film, &FAST).unwrap();
            check_packing(&blanks, &film, &parts).unwrap();
        }
    }
}
