//! Free rectangles: what is left of a part between fixed copies, or between cuts from edge to edge.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::fold::Shape;
use crate::job::Cut;

/// A rectangle on the folded strip. The upper comes first, then the left one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Area {
    pub(super) y: u32,
    pub(super) x: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Area {
    fn right(self) -> u32 {
        self.x + self.width
    }

    pub(super) fn bottom(self) -> u32 {
        self.y + self.height
    }

    pub(super) fn overlaps(self, other: Self) -> bool {
        self.x < other.right() && other.x < self.right() && self.y < other.bottom() && other.y < self.bottom()
    }

    fn holds(self, other: Self) -> bool {
        self.x <= other.x && self.y <= other.y && other.right() <= self.right() && other.bottom() <= self.bottom()
    }

    /// The largest rectangles inside this one beside `taken`, which it overlaps.
    fn around(self, taken: Self) -> impl Iterator<Item = Self> {
        let cut = |from: u32, to: u32| to.saturating_sub(from);
        let left = Self { width: cut(self.x, taken.x), ..self };
        let right = Self { x: taken.right(), width: cut(taken.right(), self.right()), ..self };
        let above = Self { height: cut(self.y, taken.y), ..self };
        let below = Self { y: taken.bottom(), height: cut(taken.bottom(), self.bottom()), ..self };
        [left, right, above, below].into_iter().filter(|area| area.width > 0 && area.height > 0)
    }
}

/// What it costs to take an area out besides the rectangles that are looked at: measured.
const SUBTRACT_VISITS: u64 = 128;

/// The free rectangles of one part. With free cuts they are all the largest ones and overlap; with cuts from edge to edge they are the
/// pieces that such cuts leave.
#[derive(Debug, Default)]
pub(super) struct FreeAreas {
    free: BTreeSet<Area>,
    /// Rectangles looked at since this was made.
    pub(super) visits: u64,
}

impl FreeAreas {
    /// Starts with these.
    pub(super) fn reset(&mut self, free: &[Area]) {
        self.free.clear();
        self.free.extend(free);
        self.visits += free.len() as u64;
    }

    /// The uppermost, leftmost one: the current one. `None` when it has no height above `limit`.
    pub(super) fn next(&mut self, limit: u32) -> Option<Area> {
        self.visits += 1;
        let area = *self.free.first().filter(|area| area.y < limit)?;
        Some(Area { height: area.height.min(limit - area.y), ..area })
    }

    /// Gives the current one up: nothing fits.
    pub(super) fn drop_current(&mut self) {
        self.free.pop_first();
    }

    /// Covers the upper left corner of the current one. `end` is where the part ends at the latest.
    pub(super) fn place(&mut self, shape: Shape, cut: Cut, end: u32) {
        let Some(&area) = self.free.first() else { return };
        match cut {
            Cut::Free => self.subtract(Area { width: shape.width, height: shape.height, ..area }),
            Cut::Guillotine => {
                self.free.pop_first();
                self.free.extend(split(area, shape, area.bottom() >= end).into_iter().filter(|area| area.width > 0 && area.height > 0));
            }
        }
    }

    /// Takes an area out that begins no lower than any free one.
    fn subtract(&mut self, taken: Area) {
        // What begins below it neither overlaps it nor holds a piece of what does.
        let from_below = Area { y: taken.bottom().saturating_add(1), x: 0, width: 0, height: 0 };
        let below = self.free.split_off(&from_below);
        let mut free: Vec<Area> = std::mem::replace(&mut self.free, below).into_iter().collect();
        self.visits += SUBTRACT_VISITS + subtract(&mut free, taken);
        self.free.extend(free);
    }
}

/// The two pieces that remain of `area` after its upper left corner was cut out. One that ends with the film is cut across first, as a
/// shelf; else so that the larger piece is as large as it can be.
fn split(area: Area, shape: Shape, is_open: bool) -> [Area; 2] {
    let (right, below) = (area.width - shape.width, area.height - shape.height);
    let across = is_open || right < below;
    [
        Area { x: area.x + shape.width, width: right, height: if across { shape.height } else { area.height }, ..area },
        Area { y: area.y + shape.height, height: below, width: if across { area.width } else { shape.width }, ..area },
    ]
}

/// Takes an area out of all free rectangles, which stay the largest ones; says how many were looked at.
pub(super) fn subtract(free: &mut Vec<Area>, taken: Area) -> u64 {
    let mut visits = free.len() as u64;
    let mut pieces: Vec<Area> = Vec::new();
    free.retain(|&area| {
        let overlaps = area.overlaps(taken);
        if overlaps {
            pieces.extend(area.around(taken));
        }
        !overlaps
    });
    let is_held = |nth: usize, piece: Area| {
        let by_piece = |(other, area): (usize, &Area)| other != nth && area.holds(piece) && (*area != piece || other < nth);
        free.iter().any(|area| area.holds(piece)) || pieces.iter().enumerate().any(by_piece)
    };
    visits += pieces.len() as u64 * (free.len() + pieces.len()) as u64;
    let kept: Vec<Area> = pieces.iter().copied().enumerate().filter(|&(nth, piece)| !is_held(nth, piece)).map(|(_, piece)| piece).collect();
    free.extend(kept);
    visits
}

/// The largest free rectangles of `whole` beside all of `taken`, as far as they are of use.
pub(super) fn free_beside(whole: Area, mut taken: Vec<Area>, is_of_use: impl Fn(&Area) -> bool) -> Vec<Area> {
    taken.sort_unstable();
    let (mut open, mut closed, mut visits) = (vec![whole], Vec::new(), 0);
    for area in taken {
        // What ends above it ends above all that follow.
        closed.extend(open.extract_if(.., |free| free.bottom() < area.y));
        visits += subtract(&mut open, area);
        open.retain(&is_of_use);
        let most = if visits < MANY_VISITS { MOST_OPEN } else { FEWEST_OPEN };
        if open.len() > most {
            open.sort_unstable_by_key(|free| (Reverse(u64::from(free.width) * u64::from(free.height)), *free));
            open.truncate(most);
        }
    }
    closed.extend(open);
    closed
}

/// How many free rectangles are kept beside each other at most, the largest of them: some, after many were looked at.
const MOST_OPEN: usize = 2_000;
const FEWEST_OPEN: usize = 8;
const MANY_VISITS: u64 = 20_000_000;

/// Frees every one of `taken`, none overlapping another, by cuts from edge to edge of what is left of `whole`, and gives the free pieces
/// that remain. `None` where no such cuts do.
pub(super) fn pieces_between_cuts(whole: Area, taken: Vec<Area>) -> Option<Vec<Area>> {
    let mut free = Vec::new();
    let mut open = vec![(whole, taken)];
    while let Some((piece, mut taken)) = open.pop() {
        if let [one] = taken[..] {
            // Across above and below it, then on both sides.
            let above = Area { height: one.y - piece.y, ..piece };
            let below = Area { y: one.bottom(), height: piece.bottom() - one.bottom(), ..piece };
            let left = Area { width: one.x - piece.x, y: one.y, height: one.height, ..piece };
            let right = Area { x: one.right(), width: piece.right() - one.right(), y: one.y, height: one.height };
            free.extend([above, below, left, right].into_iter().filter(|area| area.width > 0 && area.height > 0));
            continue;
        }
        if taken.is_empty() {
            free.push(piece);
            continue;
        }
        taken.sort_unstable_by_key(|area| area.y);
        let across = groups(&taken, |area| (area.y, area.bottom()));
        if across.len() > 1 {
            let ends = across.iter().skip(1).map(|group| group[0].y).chain([piece.bottom()]);
            let mut start = piece.y;
            for (group, end) in across.iter().zip(ends) {
                open.push((Area { y: start, height: end - start, ..piece }, group.to_vec()));
                start = end;
            }
            continue;
        }
        taken.sort_unstable_by_key(|area| area.x);
        let along = groups(&taken, |area| (area.x, area.right()));
        if along.len() == 1 {
            return None;
        }
        let ends = along.iter().skip(1).map(|group| group[0].x).chain([piece.right()]);
        let mut start = piece.x;
        for (group, end) in along.iter().zip(ends) {
            open.push((Area { x: start, width: end - start, ..piece }, group.to_vec()));
            start = end;
        }
    }
    Some(free)
}

/// Splits what is sorted by where it starts wherever a line passes between.
fn groups(sorted: &[Area], span: impl Fn(&Area) -> (u32, u32)) -> Vec<&[Area]> {
    let mut groups = Vec::new();
    let (mut first, mut reach) = (0, 0);
    for (nth, area) in sorted.iter().enumerate() {
        let (start, end) = span(area);
        if nth > first && start >= reach {
            groups.push(&sorted[first..nth]);
            first = nth;
        }
        reach = reach.max(end);
    }
    groups.push(&sorted[first..]);
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn area(x: u32, y: u32, width: u32, height: u32) -> Area {
        Area { x, y, width, height }
    }

    #[test]
    fn the_pinwheel_cannot_be_cut() {
        let pinwheel = vec![area(0, 0, 2, 1), area(2, 0, 1, 2), area(1, 2, 2, 1), area(0, 1, 1, 2)];
        assert_eq!(pieces_between_cuts(area(0, 0, 3, 3), pinwheel.clone()), None);
        let mut missing_one = pinwheel;
        missing_one.pop();
        assert!(pieces_between_cuts(area(0, 0, 3, 3), missing_one).is_some());
    }

    proptest! {
        /// Whatever was taken, the free rectangles cover all the rest and nothing of what was taken.
        #[test]
        fn free_rectangles_are_what_is_left(taken in prop::collection::vec((0_u32..9, 0_u32..9, 1_u32..5, 1_u32..5), 0..8)) {
            let taken: Vec<Area> = taken.into_iter().map(|(x, y, width, height)| area(x, y, width, height)).collect();
            let mut free = vec![area(0, 0, 10, 10)];
            for &one in &taken {
                subtract(&mut free, one);
            }
            for (x, y) in (0..10).flat_map(|x| (0..10).map(move |y| (x, y))) {
                let covers = |areas: &[Area]| areas.iter().any(|area| area.overlaps(Area { x, y, width: 1, height: 1 }));
                prop_assert_eq!(covers(&free), !covers(&taken));
            }
            for (nth, one) in free.iter().enumerate() {
                prop_assert!(free.iter().enumerate().all(|(other, area)| other == nth || !area.holds(*one)));
            }
        }

        /// Pieces between cuts are disjoint and fill the whole together with what was freed.
        #[test]
        fn cuts_leave_pieces_that_fill_the_whole(splits in prop::collection::vec((any::<bool>(), 1_u32..9, any::<u8>()), 0..12), kept in any::<u16>()) {
            let whole = area(0, 0, 64, 64);
            let mut pieces = vec![whole];
            for (across, share, which) in splits {
                let piece = pieces.swap_remove(usize::from(which) % pieces.len());
                let at = |length: u32| (length * share / 10).clamp(1, length.max(2) - 1);
                if across && piece.height > 1 {
                    let height = at(piece.height);
                    pieces.extend([Area { height, ..piece }, Area { y: piece.y + height, height: piece.height - height, ..piece }]);
                } else if !across && piece.width > 1 {
                    let width = at(piece.width);
                    pieces.extend([Area { width, ..piece }, Area { x: piece.x + width, width: piece.width - width, ..piece }]);
                } else {
                    pieces.push(piece);
                }
            }
            let taken: Vec<Area> = pieces.into_iter().enumerate().filter(|(nth, _)| kept >> nth & 1 == 1).map(|(_, piece)| piece).collect();
            let free = pieces_between_cuts(whole, taken.clone()).expect("they came from cuts");
            let all: Vec<Area> = free.into_iter().chain(taken).collect();
            prop_assert_eq!(all.iter().map(|area| area.width * area.height).sum::<u32>(), 64 * 64);
            for (nth, one) in all.iter().enumerate() {
                prop_assert!(all[..nth].iter().all(|other| !other.overlaps(*one)));
            }
        }
    }
}
