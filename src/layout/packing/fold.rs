//! From blanks, margins and gutters to plain rectangles on a plain strip, and back.

use std::cmp::Reverse;

use super::areas::{Area, free_beside, pieces_between_cuts};
use super::{Blank, MAX_COPIES, Spot};
use crate::error::{Error, ErrorKind, Result};
use crate::geom::MAX_SIDE_PX;
use crate::job::Cut;
use crate::preflight::MediaPx;

/// One way to lay a rectangle: its sides, each enlarged by the gutter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape {
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Shape {
    pub(super) fn area(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// The smaller width and the smaller height of two.
    pub(super) fn min_sides(self, other: Self) -> Self {
        Self { width: self.width.min(other.width), height: self.height.min(other.height) }
    }
}

/// Copies that are equal for packing: the same rank and shapes, whichever blanks they come from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// Copies of a smaller rank are placed first.
    pub(super) rank: u32,
    /// The ways to lay a copy that fit the strip, the smaller first.
    pub(super) first: Shape,
    pub(super) second: Option<Shape>,
    pub(super) copies: u32,
    /// Where its blanks start in [`Folded::members`].
    members_at: usize,
}

impl Kind {
    pub(super) fn shapes(&self) -> impl Iterator<Item = Shape> + '_ {
        std::iter::once(self.first).chain(self.second)
    }
}

/// One copy on the folded strip, counted from the corner inside the margins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub(super) kind: u32,
    pub(super) part: u32,
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) shape: Shape,
}

/// A packing problem without margins and gutters.
///
/// # Guarantees
///
/// Each kind has at least one copy, and each of its shapes fits `width` × `height`; both are below 2³², so positions are `u32`.
#[derive(Debug)]
pub(super) struct Folded<'a> {
    blanks: &'a [Blank],
    film: MediaPx,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) kinds: Vec<Kind>,
    /// Blanks by kind, each kind's in their order.
    members: Vec<u32>,
    pub(super) copies: u32,
    pub(super) cut: Cut,
    /// What is occupied on the first parts.
    occupied: Vec<Occupied>,
}

/// A part that is not empty from the start.
#[derive(Clone, Debug)]
pub(super) struct Occupied {
    /// What is free: the largest rectangles, or with cuts from edge to edge their pieces.
    pub(super) free: Vec<Area>,
    /// How far what is there reaches.
    pub(super) bottom: u32,
}

impl<'a> Folded<'a> {
    /// Folds the problem. See [`pack_rectangles`](super::pack_rectangles) for the errors.
    pub(super) fn new(blanks: &'a [Blank], film: &MediaPx) -> Result<Self> {
        Self::ranked(blanks, |_| 0, film, Cut::Free)
    }

    /// The same with a rank for each blank.
    pub(super) fn ranked(blanks: &'a [Blank], rank_of: impl Fn(usize) -> u32, film: &MediaPx, cut: Cut) -> Result<Self> {
        let Inside { width, length } = printable(film)?;
        let film = clamp_gutters(film, width, length);
        let strip = Shape { width: width + film.gutter_x, height: length + film.gutter_y };
        let copies = total_copies(blanks)?;

        let mut keyed = Vec::with_capacity(blanks.len());
        for (index, blank) in blanks.iter().enumerate().filter(|(_, blank)| blank.copies > 0) {
            let fits = |shape: &Shape| shape.width <= strip.width && shape.height <= strip.height;
            let [upright, turned] = [false, true].map(|turn| Some(fold_size(blank, &film, turn)?).filter(fits));
            let turned = turned.filter(|_| blank.turnable && turned != upright);
            let (first, second) = match (upright, turned) {
                (Some(a), Some(b)) => (a.min(b), Some(a.max(b))),
                (Some(only), None) | (None, Some(only)) => (only, None),
                (None, None) => return Err(does_not_fit(index, blank, width, length)),
            };
            // The number of blanks with copies is at most that of copies.
            keyed.push((rank_of(index), first, second, u32::try_from(index).map_err(|_| too_many_copies())?));
        }
        keyed.sort_unstable();

        let mut kinds: Vec<Kind> = Vec::new();
        for (members_at, &(rank, first, second, index)) in keyed.iter().enumerate() {
            let copies = blanks[index as usize].copies;
            match kinds.last_mut() {
                Some(kind) if (kind.rank, kind.first, kind.second) == (rank, first, second) => kind.copies += copies,
                _ => kinds.push(Kind { rank, first, second, copies, members_at }),
            }
        }
        let members = keyed.into_iter().map(|(_, _, _, index)| index).collect();
        Ok(Self { blanks, film, width: strip.width, height: strip.height, kinds, members, copies, cut, occupied: Vec::new() })
    }

    /// The same with rectangles that lie fixed on the first parts, each `(x, y, width, height)` as it lies on the film, inside its margins.
    /// `None` where cuts from edge to edge are asked for and cannot free them.
    pub(super) fn around(mut self, fixed: &[Vec<(u32, u32, u32, u32)>]) -> Option<Self> {
        let whole = Area { x: 0, y: 0, width: self.width, height: self.height };
        let film = self.film;
        let folded = |&(x, y, width, height): &(u32, u32, u32, u32)| Area {
            x: x - film.left,
            y: y - film.top,
            width: width + film.gutter_x,
            height: height + film.gutter_y,
        };
        let least = |side: fn(Shape) -> u32| self.kinds.iter().flat_map(Kind::shapes).map(side).min().unwrap_or(u32::MAX);
        let (width, height) = (least(|shape| shape.width), least(|shape| shape.height));
        let occupied = |fixed: &Vec<(u32, u32, u32, u32)>| {
            let taken: Vec<Area> = fixed.iter().map(folded).collect();
            let bottom = taken.iter().map(|area| area.bottom()).max().unwrap_or(0);
            let free = match self.cut {
                Cut::Guillotine => pieces_between_cuts(whole, taken)?,
                Cut::Free => free_beside(whole, taken, |area| area.width >= width && area.height >= height),
            };
            Some(Occupied { free, bottom })
        };
        // Beyond the last part with something on it there is nothing to keep to.
        let parts = fixed.iter().rposition(|fixed| !fixed.is_empty()).map_or(0, |last| last + 1);
        self.occupied = fixed[..parts].iter().map(occupied).collect::<Option<Vec<_>>>()?;
        Some(self)
    }

    /// What is there on a part before anything is placed; `None` when it is empty.
    pub(super) fn occupied(&self, part: u32) -> Option<&Occupied> {
        self.occupied.get(part as usize).filter(|occupied| occupied.bottom > 0)
    }

    /// The least number of parts that what lies fixed needs.
    pub(super) fn occupied_parts(&self) -> u32 {
        u32::try_from(self.occupied.len()).unwrap_or(u32::MAX)
    }

    /// The largest kinds alone, which cover most of what all do, and their indices here: where they are a small part of the copies and nothing
    /// else says what comes first.
    pub(super) fn core(&self) -> Option<(Self, Vec<u32>)> {
        let one_rank = self.kinds.first()?.rank == self.kinds.last()?.rank;
        if !one_rank || !self.occupied.is_empty() {
            return None;
        }
        let claimed = |&kind: &u32| self.kinds[kind as usize].first.area();
        let mut indices: Vec<u32> = (0..).take(self.kinds.len()).collect();
        indices.sort_by_key(|kind| Reverse(claimed(kind)));
        // Where the size drops most from one kind to the next.
        let (mut copies, mut drops) = (0_u64, None);
        for (nth, pair) in indices.windows(2).enumerate() {
            copies += u64::from(self.kinds[pair[0] as usize].copies);
            if copies * CORE_COPIES > self.copies.into() {
                break;
            }
            let drop = claimed(&pair[0]) / claimed(&pair[1]);
            drops = drops.max((drop >= CORE_DROP).then_some((drop, nth + 1)));
        }
        indices.truncate(drops?.1);
        indices.sort_unstable();
        let kinds: Vec<Kind> = indices.iter().map(|&kind| self.kinds[kind as usize]).collect();
        let copies = kinds.iter().map(|kind| kind.copies).sum();
        let core = Self {
            blanks: self.blanks,
            film: self.film,
            width: self.width,
            height: self.height,
            kinds,
            members: Vec::new(),
            copies,
            cut: self.cut,
            occupied: Vec::new(),
        };
        Some((core, indices))
    }

    /// Where the copy lies, if there is but one and nothing else: as flat as it may.
    pub(super) fn only_copy(&self) -> Option<Placed> {
        let kind = self.kinds.first().filter(|_| self.copies == 1 && self.occupied.is_empty())?;
        let shape = kind.shapes().min_by_key(|shape| shape.height)?;
        Some(Placed { kind: 0, part: 0, x: 0, y: 0, shape })
    }

    /// Hands the places of each kind to its blanks, in the order of placing.
    pub(super) fn unfold(&self, placed: &[Placed]) -> Vec<Vec<Spot>> {
        let mut next: Vec<(usize, u32)> = self.kinds.iter().map(|kind| (kind.members_at, 0)).collect();
        let mut parts: Vec<Vec<Spot>> = Vec::new();
        for place in placed {
            let (member, used) = &mut next[place.kind as usize];
            if *used == self.blanks[self.members[*member] as usize].copies {
                (*member, *used) = (*member + 1, 0);
            }
            *used += 1;
            let blank = self.members[*member] as usize;
            let turned = fold_size(&self.blanks[blank], &self.film, false) != Some(place.shape);
            while parts.len() <= place.part as usize {
                parts.push(Vec::new());
            }
            if let Some(part) = parts.last_mut() {
                part.push(Spot { blank, x: self.film.left + place.x, y: self.film.top + place.y, turned });
            }
        }
        parts
    }
}

/// How many times as large the smallest of the large kinds is as the next one, and how many times as many copies there are as theirs.
const CORE_DROP: u64 = 4;
const CORE_COPIES: u64 = 4;

/// Printable width and length.
pub(super) struct Inside {
    pub(super) width: u32,
    pub(super) length: u32,
}

/// What the margins leave of the film.
pub(super) fn printable(film: &MediaPx) -> Result<Inside> {
    if film.width > MAX_SIDE_PX || film.max_length > MAX_SIDE_PX {
        return Err(ErrorKind::TooLarge { what: format!("film of {} × {} px", film.width, film.max_length) }.into());
    }
    let inside = |side: u32, before: u32, after: u32| side.checked_sub(before)?.checked_sub(after).filter(|&rest| rest > 0);
    match (inside(film.width, film.left, film.right), inside(film.max_length, film.top, film.bottom)) {
        (Some(width), Some(length)) => Ok(Inside { width, length }),
        _ => {
            let message = format!("the margins leave nothing of the film's {} × {} px", film.width, film.max_length);
            Err(ErrorKind::Layout { part: None, message }.into())
        }
    }
}

/// A gutter as wide as the film already keeps neighbours from lying beside each other: no more is needed, and sums stay below 2³².
fn clamp_gutters(film: &MediaPx, width: u32, length: u32) -> MediaPx {
    MediaPx { gutter_x: film.gutter_x.min(width), gutter_y: film.gutter_y.min(length), ..*film }
}

fn fold_size(blank: &Blank, film: &MediaPx, turned: bool) -> Option<Shape> {
    let (width, height) = (blank.size.width(), blank.size.height());
    let (width, height) = if turned { (height, width) } else { (width, height) };
    Some(Shape { width: width.checked_add(film.gutter_x)?, height: height.checked_add(film.gutter_y)? })
}

fn total_copies(blanks: &[Blank]) -> Result<u32> {
    let total: u64 = blanks.iter().map(|blank| u64::from(blank.copies)).sum();
    u32::try_from(total).ok().filter(|&total| total <= MAX_COPIES).ok_or_else(too_many_copies)
}

fn too_many_copies() -> Error {
    let message = format!("there are more than {MAX_COPIES} copies to pack: split them into several jobs");
    ErrorKind::Layout { part: None, message }.into()
}

fn does_not_fit(index: usize, blank: &Blank, width: u32, length: u32) -> Error {
    ErrorKind::DoesNotFit { blank: index, size: blank.size, turnable: blank.turnable, width_px: width, length_px: length }.into()
}
