//! Connected regions of pixels, found row by row.

use crate::budget::{MemoryBudget, Reservation};
use crate::error::Result;

/// What is known of a part of a region.
pub(super) trait Region: Clone {
    /// What is known of both parts together.
    fn join(&mut self, other: &Self);
}

/// Finds regions whose pixels touch each other, also at corners, from the runs of one row after the other. A region is handed out when a row
/// has nothing of it any more.
///
/// # Memory
///
/// [`Regions::memory_bytes`]: no row has more runs than every other pixel, so that no picture, whatever it shows, leaves more regions open.
#[derive(Debug)]
pub(super) struct Regions<R> {
    /// The runs of the row above, each with the index of its region, and of this one.
    above: Vec<Run>,
    row: Vec<Run>,
    /// Regions, those of the row above first. Those that turned out to be one lead to it.
    regions: Vec<Entry<R>>,
    carried: Vec<Entry<R>>,
    /// The first run above that may touch the next run of this row.
    cursor: usize,
    _charge: Reservation,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    start: usize,
    end: usize,
    region: usize,
}

#[derive(Clone, Debug)]
struct Entry<R> {
    region: R,
    leads_to: usize,
    /// Where it went when the row ended.
    moved_to: Option<usize>,
}

impl<R: Region> Regions<R> {
    /// # Errors
    ///
    /// [`ErrorKind::MemoryLimit`](crate::ErrorKind::MemoryLimit).
    pub(super) fn new(width: usize, budget: &MemoryBudget) -> Result<Self> {
        let charge = budget.reserve(Self::memory_bytes(width), "regions of an artwork")?;
        let most = Self::most_runs(width);
        Ok(Self {
            above: Vec::with_capacity(most),
            row: Vec::with_capacity(most),
            regions: Vec::with_capacity(2 * most),
            carried: Vec::with_capacity(most),
            cursor: 0,
            _charge: charge,
        })
    }

    /// Bytes that this holds for rows of `width` pixels.
    pub(super) fn memory_bytes(width: usize) -> u64 {
        let most = Self::most_runs(width) as u64;
        most * (2 * size_of::<Run>() + 3 * size_of::<Entry<R>>()) as u64
    }

    fn most_runs(width: usize) -> usize {
        width / 2 + 1
    }

    /// Takes the next run of the row, from left to right: the first of its pixels, the one after its last, and what is known of it. A run that
    /// begins where the last one ended goes on with it.
    pub(super) fn push(&mut self, start: usize, end: usize, region: R) {
        match self.row.last_mut() {
            Some(last) if last.end == start => {
                last.end = end;
                let root = root_of(&mut self.regions, last.region);
                self.regions[root].region.join(&region);
            }
            _ => {
                self.row.push(Run { start, end, region: self.regions.len() });
                self.regions.push(Entry { region, leads_to: self.regions.len(), moved_to: None });
            }
        }
        // A run above that ends beside the first pixel touches it at a corner.
        while self.above.get(self.cursor).is_some_and(|run| run.end < start) {
            self.cursor += 1;
        }
        let own = self.row[self.row.len() - 1].region;
        for at in self.cursor..self.above.len() {
            if self.above[at].start > end {
                break;
            }
            self.unite(self.above[at].region, own);
        }
    }

    /// Ends the row. `closed` gets every region that no run of it belongs to.
    pub(super) fn end_row(&mut self, mut closed: impl FnMut(R)) {
        for run in &mut self.row {
            let root = root_of(&mut self.regions, run.region);
            let next = self.carried.len();
            let entry = &mut self.regions[root];
            run.region = *entry.moved_to.get_or_insert(next);
            if run.region == next {
                self.carried.push(Entry { region: entry.region.clone(), leads_to: next, moved_to: None });
            }
        }
        let is_closed = |(at, entry): &(usize, Entry<R>)| entry.leads_to == *at && entry.moved_to.is_none();
        self.regions.drain(..).enumerate().filter(is_closed).for_each(|(_, entry)| closed(entry.region));
        self.regions.append(&mut self.carried);
        std::mem::swap(&mut self.above, &mut self.row);
        self.row.clear();
        self.cursor = 0;
    }

    fn unite(&mut self, one: usize, other: usize) {
        let (one, other) = (root_of(&mut self.regions, one), root_of(&mut self.regions, other));
        if one != other {
            let (kept, joined) = (one.min(other), one.max(other));
            let region = self.regions[joined].region.clone();
            self.regions[kept].region.join(&region);
            self.regions[joined].leads_to = kept;
        }
    }
}

/// The region that the one at `at` has become. The way there is halved.
fn root_of<R>(regions: &mut [Entry<R>], mut at: usize) -> usize {
    while regions[at].leads_to != at {
        let next = regions[at].leads_to;
        regions[at].leads_to = regions[next].leads_to;
        at = next;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    impl Region for u64 {
        fn join(&mut self, other: &Self) {
            *self += other;
        }
    }

    /// The areas of all regions, sorted.
    fn areas(rows: &[Vec<bool>]) -> Vec<u64> {
        let width = rows[0].len();
        let budget = MemoryBudget::new(1 << 20);
        let mut regions = Regions::<u64>::new(width, &budget).unwrap();
        let capacity = |regions: &Regions<u64>| {
            (regions.above.capacity() + regions.row.capacity(), regions.regions.capacity(), regions.carried.capacity())
        };
        let charged = capacity(&regions);
        let mut areas = Vec::new();
        for row in rows.iter().chain(std::iter::once(&vec![false; width])) {
            let mut x = 0;
            while x < width {
                let run = row[x..].iter().take_while(|&&set| set).count();
                if run > 0 {
                    regions.push(x, x + run, run as u64);
                }
                x += run.max(1);
            }
            regions.end_row(|area| areas.push(area));
        }
        assert_eq!(capacity(&regions), charged, "more memory than was charged");
        areas.sort_unstable();
        areas
    }

    /// The same by filling from each pixel.
    fn filled(rows: &[Vec<bool>]) -> Vec<u64> {
        let mut left = rows.to_vec();
        let mut areas = Vec::new();
        for y in 0..rows.len() {
            for x in 0..rows[0].len() {
                let (mut area, mut stack) = (0, vec![(x, y)]);
                while let Some((x, y)) = stack.pop() {
                    if left.get(y).and_then(|row| row.get(x)) == Some(&true) {
                        left[y][x] = false;
                        area += 1;
                        let near = |at: usize| [at.wrapping_sub(1), at, at + 1];
                        stack.extend(near(x).into_iter().flat_map(|x| near(y).map(|y| (x, y))));
                    }
                }
                areas.extend(Some(area).filter(|&area| area > 0));
            }
        }
        areas.sort_unstable();
        areas
    }

    fn picture(rows: &[&str]) -> Vec<Vec<bool>> {
        rows.iter().map(|row| row.chars().map(|c| c == '#').collect()).collect()
    }

    #[test]
    fn regions_touch_at_corners_and_join_late() {
        assert_eq!(areas(&picture(&["#.#", ".#.", "#.#"])), [5]);
        assert_eq!(areas(&picture(&["#..#", "#..#", "####", "....", ".##."])), [2, 8]);
        assert_eq!(areas(&picture(&["#.#.#.#", ".......", "#.#.#.#"])), [1; 8]);
    }

    proptest! {
        #[test]
        fn regions_are_those_that_filling_finds(rows in (1usize..12).prop_flat_map(|width| prop::collection::vec(prop::collection::vec(any::<bool>(), width), 1..12))) {
            prop_assert_eq!(areas(&rows), filled(&rows));
        }
    }
}
