//! The proof of a packing: it looks at the result only.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::fold::{Inside, printable};
use super::{Blank, Spot, Task};
use crate::error::{Error, ErrorKind};
use crate::preflight::MediaPx;

/// The first rule that a packing breaks. Parts and spots are counted from 0.
#[derive(Debug)]
#[non_exhaustive]
pub enum Violation {
    /// The film itself is impossible.
    Media(Error),
    /// A spot names a blank that does not exist.
    Unknown {
        /// The part.
        part: usize,
        /// Index of the spot in its part.
        spot: usize,
    },
    /// A copy lies turned that may not.
    Turned {
        /// The part.
        part: usize,
        /// Index of the spot in its part.
        spot: usize,
    },
    /// A copy reaches into the margin or beyond the film.
    Outside {
        /// The part.
        part: usize,
        /// Index of the spot in its part.
        spot: usize,
    },
    /// Two copies overlap or lie nearer than the gutter.
    TooClose {
        /// The part.
        part: usize,
        /// Indices of the spots in their part.
        spots: [usize; 2],
    },
    /// A blank does not have as many spots as copies.
    Copies {
        /// The blank.
        blank: usize,
        /// Its copies.
        wanted: u32,
        /// Its spots on all parts.
        found: u64,
    },
    /// A part without any copy.
    EmptyPart {
        /// The part.
        part: usize,
    },
    /// A part on film that does not exist.
    UnknownFilm {
        /// The part.
        part: usize,
    },
    /// A copy of an order lies apart from the others, which are to lie together.
    Apart {
        /// The part.
        part: usize,
        /// The order.
        order: Arc<str>,
    },
    /// A copy lies on a later part than one of a higher rank.
    TooLate {
        /// The part.
        part: usize,
        /// The copy's lot.
        blank: usize,
    },
    /// A copy that only fills up reaches farther than all others on its part.
    Lengthened {
        /// The part.
        part: usize,
    },
    /// A copy is not where it was pinned.
    NotPinned {
        /// The part.
        part: usize,
        /// The copy's lot.
        blank: usize,
    },
    /// Cuts from edge to edge do not free every copy.
    NotCutFree {
        /// The part.
        part: usize,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Media(error) => error.fmt(f),
            Self::Unknown { spot, .. } => write!(f, "copy {spot} is of an unknown kind"),
            Self::Turned { spot, .. } => write!(f, "copy {spot} is turned although it must stay upright"),
            Self::Outside { spot, .. } => write!(f, "copy {spot} reaches beyond the film inside its margins"),
            Self::TooClose { spots: [a, b], .. } => write!(f, "copies {a} and {b} overlap or lie nearer than the gutter"),
            Self::Copies { blank, wanted, found } => write!(f, "rectangle {blank} is placed {found} times instead of {wanted}"),
            Self::EmptyPart { .. } => f.write_str("there is no copy on it"),
            Self::UnknownFilm { .. } => f.write_str("its film is unknown"),
            Self::Apart { order, .. } => write!(f, "order {order} does not lie together"),
            Self::TooLate { blank, .. } => write!(f, "a copy of rectangle {blank} lies behind one that is less urgent"),
            Self::Lengthened { .. } => f.write_str("copies that only fill up lengthen it"),
            Self::NotPinned { blank, .. } => write!(f, "a copy of rectangle {blank} does not lie where it is pinned"),
            Self::NotCutFree { .. } => f.write_str("cuts from edge to edge do not free every copy"),
        }
    }
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        let part = match violation {
            Violation::Media(error) => return error,
            Violation::Copies { .. } => None,
            Violation::Unknown { part, .. }
            | Violation::Turned { part, .. }
            | Violation::Outside { part, .. }
            | Violation::TooClose { part, .. }
            | Violation::EmptyPart { part }
            | Violation::UnknownFilm { part }
            | Violation::Apart { part, .. }
            | Violation::TooLate { part, .. }
            | Violation::Lengthened { part }
            | Violation::NotPinned { part, .. }
            | Violation::NotCutFree { part } => u32::try_from(part).ok().and_then(|part| part.checked_add(1)),
        };
        ErrorKind::Layout { part, message: violation.to_string() }.into()
    }
}

/// Proves that `parts` is a packing of `blanks` on `film`: each copy is placed exactly once, turned only where allowed, inside the
/// margins, and at least the gutter away from its neighbours, in one direction or the other.
///
/// Takes time O(n log n) and about 100 bytes for each spot of the largest part.
///
/// # Errors
///
/// The first [`Violation`] that is found.
pub fn check_packing(blanks: &[Blank], film: &MediaPx, parts: &[Vec<Spot>]) -> Result<(), Violation> {
    printable(film).map_err(Violation::Media)?;
    let mut tally = Tally::new(blanks);
    for (part, spots) in parts.iter().enumerate() {
        tally.add(part, film, spots)?;
    }
    tally.finish()
}

/// Counts the copies of parts that are valid on their own.
pub(super) struct Tally<'a> {
    blanks: &'a [Blank],
    found: Vec<u64>,
}

impl<'a> Tally<'a> {
    pub(super) fn new(blanks: &'a [Blank]) -> Self {
        Self { blanks, found: vec![0; blanks.len()] }
    }

    /// Checks one part on its film and counts its copies.
    pub(super) fn add(&mut self, part: usize, film: &MediaPx, spots: &[Spot]) -> Result<(), Violation> {
        let inside = printable(film).map_err(Violation::Media)?;
        if spots.is_empty() {
            return Err(Violation::EmptyPart { part });
        }
        let mut boxes = Vec::with_capacity(spots.len());
        for (index, spot) in spots.iter().enumerate() {
            let known = self.blanks.get(spot.blank).zip(self.found.get_mut(spot.blank));
            let (blank, count) = known.ok_or(Violation::Unknown { part, spot: index })?;
            *count += 1;
            if spot.turned && !blank.turnable {
                return Err(Violation::Turned { part, spot: index });
            }
            boxes.push(Claim::new(spot, blank, film, &inside).ok_or(Violation::Outside { part, spot: index })?);
        }
        match overlapping(&boxes) {
            Some(spots) => Err(Violation::TooClose { part, spots }),
            None => Ok(()),
        }
    }

    /// Whether every copy was counted.
    pub(super) fn finish(self) -> Result<(), Violation> {
        for (blank, (&Blank { copies, .. }, found)) in self.blanks.iter().zip(self.found).enumerate() {
            if u64::from(copies) != found {
                return Err(Violation::Copies { blank, wanted: copies, found });
            }
        }
        Ok(())
    }
}

/// What is wrong with copies that lie fixed on one part of this film, for people.
pub(super) fn fixed_fault(task: &Task, film: &MediaPx, spots: &[Spot]) -> Option<String> {
    let inside = printable(film).ok()?;
    let order = |spot: &Spot| &task.lots[spot.blank].order;
    let mut boxes = Vec::with_capacity(spots.len());
    for spot in spots {
        let blank = &task.lots[spot.blank].blank;
        match Claim::new(spot, blank, film, &inside) {
            Some(claim) if !spot.turned || blank.turnable => boxes.push(claim),
            _ => {
                return Some(format!(
                    "a copy of order {} is pinned at x {}, y {}: beyond the film inside its margins",
                    order(spot),
                    spot.x,
                    spot.y
                ));
            }
        }
    }
    let [a, b] = overlapping(&boxes)?.map(|spot| spots[spot]);
    Some(format!(
        "copies of orders {} and {} are pinned at x {}, y {} and x {}, y {}: they overlap or lie nearer than the gutter",
        order(&a),
        order(&b),
        a.x,
        a.y,
        b.x,
        b.y
    ))
}

/// The area that a copy claims, the gutter to its right and below included: two keep their distance when these do not overlap.
#[derive(Clone, Copy, Debug)]
struct Claim {
    left: u64,
    right: u64,
    top: u64,
    bottom: u64,
}

impl Claim {
    /// `None` when the copy is not wholly inside the margins.
    fn new(spot: &Spot, blank: &Blank, film: &MediaPx, inside: &Inside) -> Option<Self> {
        let (width, height) = (u64::from(blank.size.width()), u64::from(blank.size.height()));
        let (width, height) = if spot.turned { (height, width) } else { (width, height) };
        let left = u64::from(spot.x.checked_sub(film.left)?);
        let top = u64::from(spot.y.checked_sub(film.top)?);
        let fits = left + width <= inside.width.into() && top + height <= inside.length.into();
        let (right, bottom) = (left + width + u64::from(film.gutter_x), top + height + u64::from(film.gutter_y));
        fits.then_some(Self { left, right, top, bottom })
    }
}

/// Two overlapping boxes, if there are any: a line sweeps down and keeps the boxes that it crosses, which are disjoint until the first
/// overlap, so that only neighbours need comparing.
fn overlapping(boxes: &[Claim]) -> Option<[usize; 2]> {
    let mut events: Vec<(u64, bool, usize)> = Vec::with_capacity(boxes.len() * 2);
    for (index, area) in boxes.iter().enumerate() {
        events.extend([(area.top, true, index), (area.bottom, false, index)]);
    }
    // Where one ends as another starts, the end comes first: `false` is less than `true`.
    events.sort_unstable();
    let mut crossed: BTreeMap<u64, usize> = BTreeMap::new();
    for (_, starts, index) in events {
        let Claim { left, right, .. } = boxes[index];
        if !starts {
            crossed.remove(&left);
            continue;
        }
        let before = crossed.range(..=left).next_back().filter(|&(_, &other)| boxes[other].right > left);
        let after = crossed.range(left..).next().filter(|&(&other_left, _)| other_left < right);
        if let Some((_, &other)) = before.or(after) {
            return Some([other.min(index), other.max(index)]);
        }
        crossed.insert(left, index);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::PxSize;
    use proptest::prelude::*;

    const FILM: MediaPx = MediaPx { width: 100, max_length: 100, left: 5, right: 5, top: 3, bottom: 7, gutter_x: 4, gutter_y: 2 };

    fn blank(width: u32, height: u32, copies: u32, turnable: bool) -> Blank {
        Blank { size: PxSize::new(width, height).unwrap(), copies, turnable }
    }

    fn spot(x: u32, y: u32) -> Spot {
        Spot { blank: 0, x, y, turned: false }
    }

    #[test]
    fn gutters_are_exact_and_not_kept_to_the_edge() {
        let blanks = [blank(43, 44, 4, false)];
        let grid = |x: u32, y: u32| vec![vec![spot(5, 3), spot(x, 3), spot(5, y), spot(x, y)]];
        assert!(check_packing(&blanks, &FILM, &grid(52, 49)).is_ok());
        assert!(matches!(check_packing(&blanks, &FILM, &grid(51, 49)), Err(Violation::TooClose { part: 0, spots: [0, 1] })));
        assert!(matches!(check_packing(&blanks, &FILM, &grid(52, 48)), Err(Violation::TooClose { .. })));
        assert!(matches!(check_packing(&blanks, &FILM, &grid(53, 49)), Err(Violation::Outside { spot: 1, .. })));
        assert!(matches!(check_packing(&blanks, &FILM, &grid(52, 50)), Err(Violation::Outside { spot: 2, .. })));
    }

    #[test]
    fn copies_turns_and_names_are_checked() {
        let blanks = [blank(10, 20, 2, false)];
        let missing = check_packing(&blanks, &FILM, &[vec![spot(5, 3)]]);
        assert!(matches!(missing, Err(Violation::Copies { blank: 0, wanted: 2, found: 1 })));
        let turned = check_packing(&blanks, &FILM, &[vec![spot(5, 3)], vec![Spot { turned: true, ..spot(5, 3) }]]);
        assert!(matches!(turned, Err(Violation::Turned { part: 1, spot: 0 })));
        let unknown = check_packing(&blanks, &FILM, &[vec![Spot { blank: 1, ..spot(5, 3) }]]);
        assert!(matches!(unknown, Err(Violation::Unknown { part: 0, spot: 0 })));
        assert!(matches!(check_packing(&blanks, &FILM, &[vec![]]), Err(Violation::EmptyPart { part: 0 })));
        let outside = check_packing(&blanks, &FILM, &[vec![spot(4, 3)]]);
        assert!(matches!(outside, Err(Violation::Outside { .. })));
    }

    proptest! {
        /// The sweep finds an overlap exactly when comparing all pairs does.
        #[test]
        fn the_sweep_agrees_with_all_pairs(spots in prop::collection::vec((0_u32..40, 0_u32..40, 0_usize..3), 1..12)) {
            let film = MediaPx { width: 60, max_length: 60, left: 0, right: 0, top: 0, bottom: 0, gutter_x: 1, gutter_y: 3 };
            let sizes = [(3, 9), (8, 2), (5, 5)];
            let spots: Vec<Spot> = spots.into_iter().map(|(x, y, blank)| Spot { blank, x, y, turned: false }).collect();
            let blanks: Vec<Blank> = (0..3)
                .map(|index| {
                    let copies = spots.iter().filter(|spot| spot.blank == index).count();
                    blank(sizes[index].0, sizes[index].1, copies.try_into().unwrap(), false)
                })
                .collect();
            let near = |a: &Spot, b: &Spot| {
                let beside = |a: u32, length: u32, b: u32, gutter: u32| a + length + gutter <= b;
                let ((aw, ah), (bw, bh)) = (sizes[a.blank], sizes[b.blank]);
                !(beside(a.x, aw, b.x, 1) || beside(b.x, bw, a.x, 1) || beside(a.y, ah, b.y, 3) || beside(b.y, bh, a.y, 3))
            };
            let any_near = spots.iter().enumerate().any(|(index, a)| spots[..index].iter().any(|b| near(a, b)));
            let checked = check_packing(&blanks, &film, &[spots]);
            prop_assert_eq!(matches!(checked, Err(Violation::TooClose { .. })), any_near);
            prop_assert!(any_near || checked.is_ok());
        }
    }
}
