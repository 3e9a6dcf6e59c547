//! Where a part is cut into bands.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::Range;

use crate::geom::{PxRect, Rows};
use crate::layout::Part;

/// Raw bytes that a band aims at. Larger bands compress a little better (each one starts with a row that cannot look up), smaller ones
/// take less memory in flight. Under a fuzzer, whose pictures are tiny, a few rows.
pub(super) const TARGET_BYTES: u64 = if cfg!(fuzzing) { 4 << 10 } else { 2 << 20 };

/// Cuts the `length` rows of `part` into bands of at most [`TARGET_BYTES`] raw bytes, or of one row where a row alone is larger.
///
/// Cuts fall into the gutters wherever a row is crossed by no placement, unless a band would get smaller than half the target; what lies
/// between two such cuts is divided evenly, so that equal stretches of film are cut at equal places. Nothing but the part's own geometry
/// has a say: the same part is always cut the same way.
pub(super) fn cut(part: &Part, row_bytes: u64) -> Vec<Rows> {
    let (most, least) = (rows_of(TARGET_BYTES, row_bytes), rows_of(TARGET_BYTES / 2, row_bytes));
    let length = part.size().height();
    let mut bands = Vec::new();
    let mut start = 0;
    for row in uncrossed_edges(part).into_iter().chain([length]) {
        if row - start >= least || (row == length && row > start) {
            bands.extend(divide(start, row, most));
            start = row;
        }
    }
    bands
}

fn rows_of(bytes: u64, row_bytes: u64) -> u32 {
    u32::try_from((bytes / row_bytes.max(1)).max(1)).unwrap_or(u32::MAX)
}

/// Bytes that the `bands` of `part` and their lists of placements take, counted before they are made.
pub(super) fn description_bytes(part: &Part, bands: &[Rows]) -> u64 {
    let crossings = part.placements().iter().map(|placement| crossed(bands, placement.rect.rows()).len() as u64);
    // A band's rows, the band, its list and that of its releases with their allocations, and its place in the file; an index in each of two
    // lists that may have grown to twice their length.
    bands.len() as u64 * 256 + crossings.sum::<u64>() * 16
}

/// The indices of the bands that `rows` cross.
fn crossed(bands: &[Rows], rows: Rows) -> Range<usize> {
    bands.partition_point(|band| band.end() <= rows.start())..bands.partition_point(|band| band.start() < rows.end())
}

/// The first and last rows of every stretch of rows that is crossed by placements: between them lie the gutters. Ascending.
fn uncrossed_edges(part: &Part) -> Vec<u32> {
    let mut spans: Vec<(u32, u32)> = part.placements().iter().map(|placement| (placement.rect.y(), placement.rect.bottom())).collect();
    spans.sort_unstable();
    let mut edges: Vec<u32> = Vec::new();
    let mut open: Option<(u32, u32)> = None;
    for (top, bottom) in spans {
        match &mut open {
            Some((_, end)) if top < *end => *end = bottom.max(*end),
            _ => {
                edges.extend(open.replace((top, bottom)).map(<[u32; 2]>::from).into_iter().flatten());
            }
        }
    }
    edges.extend(open.map(<[u32; 2]>::from).into_iter().flatten());
    edges
}

/// The rows from `start` to `end` in as few pieces of at most `most` rows as possible, their lengths at most one row apart.
fn divide(start: u32, end: u32, most: u32) -> impl Iterator<Item = Rows> {
    let (rows, pieces) = (u64::from(end - start), u64::from((end - start).div_ceil(most)));
    let at = move |piece: u64| start + u32::try_from(rows * piece / pieces).unwrap_or(end - start);
    (0..pieces).filter_map(move |piece| Rows::new(at(piece), at(piece + 1)).ok())
}

/// For each band the indices of the placements that it crosses, in drawing order.
pub(super) fn placements_by_band(part: &Part, bands: &[Rows]) -> Vec<Vec<u32>> {
    let mut crossing = vec![Vec::new(); bands.len()];
    for (placement, index) in part.placements().iter().zip(0..) {
        crossing[crossed(bands, placement.rect.rows())].iter_mut().for_each(|crossing| crossing.push(index));
    }
    crossing
}

/// Whether any two placements share a pixel.
pub(super) fn any_overlap(part: &Part) -> bool {
    let mut by_top: Vec<PxRect> = part.placements().iter().map(|placement| placement.rect).collect();
    by_top.sort_unstable_by_key(|rect| rect.y());
    // The rectangles that cross the current row, by their left edge; as long as none overlap, neighbours in x are all that need a look.
    let mut crossing: BTreeMap<u32, PxRect> = BTreeMap::new();
    let mut ending: BinaryHeap<Reverse<(u32, u32)>> = BinaryHeap::new();
    for rect in by_top {
        while let Some(&Reverse((bottom, x))) = ending.peek().filter(|Reverse((bottom, _))| *bottom <= rect.y()) {
            debug_assert!(crossing.get(&x).is_none_or(|ended| ended.bottom() == bottom));
            crossing.remove(&x);
            ending.pop();
        }
        let nearest = crossing.range(..rect.right()).next_back();
        if nearest.is_some_and(|(_, left)| left.right() > rect.x()) {
            return true;
        }
        crossing.insert(rect.x(), rect);
        ending.push(Reverse((rect.bottom(), rect.x())));
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::geom::{PxSize, Turn};
    use crate::layout::Placement;

    fn part(length: u32, rects: &[(u32, u32)]) -> Part {
        let rects = rects.iter().map(|&(y, height)| PxRect::new(0, y, PxSize::new(10, height).unwrap()).unwrap());
        part_of(PxSize::new(10, length).unwrap(), rects)
    }

    fn part_of(size: PxSize, rects: impl Iterator<Item = PxRect>) -> Part {
        let placement = |rect| Placement {
            order: "1".into(),
            item: 0,
            copy: 1,
            artwork: "a.png".into(),
            rect,
            turn: Turn::None,
            inner: None,
            treatment: crate::job::Treatment::default(),
        };
        Part::new(size, rects.map(placement).collect()).unwrap()
    }

    #[test]
    fn cuts_fall_into_gutters_and_equal_stretches_are_cut_alike() {
        // 100 rows reach the target; two blocks of 150 rows with a gutter of 10 between and after them.
        let bands = cut(&part(320, &[(0, 150), (160, 150)]), TARGET_BYTES / 100);
        let starts: Vec<_> = bands.iter().map(|band| band.start()).collect();
        assert_eq!(starts, [0, 75, 150, 230, 310]);
    }

    #[test]
    fn a_row_larger_than_the_target_is_a_band() {
        assert_eq!(cut(&part(3, &[]), TARGET_BYTES * 2).len(), 3);
    }

    proptest! {
        #[test]
        fn overlap_is_found_exactly(rects in prop::collection::vec((0u32..30, 0u32..30, 1u32..6, 1u32..6), 0..8)) {
            let rects: Vec<_> = rects.into_iter().map(|(x, y, w, h)| PxRect::new(x, y, PxSize::new(w, h).unwrap()).unwrap()).collect();
            let shares = |a: &PxRect, b: &PxRect| a.x() < b.right() && b.x() < a.right() && a.rows().intersect(b.rows()).is_some();
            let expected = (0..rects.len()).any(|i| (0..i).any(|j| shares(&rects[i], &rects[j])));
            prop_assert_eq!(any_overlap(&part_of(PxSize::new(40, 40).unwrap(), rects.into_iter())), expected);
        }

        #[test]
        fn bands_cover_the_part_once_and_know_their_placements(
            rects in prop::collection::vec((0u32..900, 1u32..100), 0..40),
            row_bytes in 1u64..TARGET_BYTES,
        ) {
            let part = part(1000, &rects);
            let bands = cut(&part, row_bytes);
            prop_assert_eq!(bands.first().map(|band| band.start()), Some(0));
            prop_assert_eq!(bands.last().map(|band| band.end()), Some(1000));
            prop_assert!(bands.windows(2).all(|pair| pair[0].end() == pair[1].start()));
            prop_assert!(bands.iter().all(|band| !band.is_empty() && (band.len() == 1 || u64::from(band.len()) * row_bytes <= TARGET_BYTES)));
            for (band, crossing) in bands.iter().zip(placements_by_band(&part, &bands)) {
                let expected: Vec<u32> = (0..).zip(part.placements())
                    .filter(|(_, placement)| placement.rect.rows().intersect(*band).is_some()).map(|(index, _)| index).collect();
                prop_assert_eq!(crossing, expected);
            }
            let listed: usize = placements_by_band(&part, &bands).iter().map(Vec::len).sum();
            prop_assert_eq!(description_bytes(&part, &bands), bands.len() as u64 * 256 + listed as u64 * 16);
        }
    }
}
