//! Copies that are to be packed, and the portions in which they are handed out.

use std::cmp::Reverse;

use super::parts::{Packer, fits, only_part};
use super::search::densest_part;
use super::task::{Task, claim};
use super::{Blank, Spot};
use crate::error::Result;

/// Copies of some of a task's lots.
///
/// # Guarantees
///
/// Lots are in ascending order, each has at least one copy.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    lots: Vec<usize>,
    blanks: Vec<Blank>,
    area: u128,
}

impl Pool {
    /// So many copies of each of these lots.
    pub(super) fn new(task: &Task, copies: impl IntoIterator<Item = (usize, u32)>) -> Self {
        let mut copies: Vec<(usize, u32)> = copies.into_iter().filter(|&(_, copies)| copies > 0).collect();
        copies.sort_unstable();
        let mut pool = Self::default();
        for (lot, copies) in copies {
            let blank = Blank { copies, ..task.lots[lot].blank };
            pool.area += claim(task, &blank) * u128::from(copies);
            if pool.lots.last() == Some(&lot) {
                pool.blanks.last_mut().into_iter().for_each(|last| last.copies += copies);
            } else {
                pool.lots.push(lot);
                pool.blanks.push(blank);
            }
        }
        pool
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.lots.is_empty()
    }

    /// The area that all copies claim, in square pixels.
    pub(super) fn area(&self) -> u128 {
        self.area
    }

    pub(super) fn blanks(&self) -> &[Blank] {
        &self.blanks
    }

    /// The lot of each blank.
    pub(super) fn lots(&self) -> &[usize] {
        &self.lots
    }

    /// Each lot with its copies.
    pub(super) fn copies(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        self.lots.iter().copied().zip(self.blanks.iter().map(|blank| blank.copies))
    }

    /// Takes away what was placed, each spot naming its lot.
    pub(super) fn remove(&mut self, task: &Task, spots: &[Spot]) {
        for spot in spots {
            if let Ok(at) = self.lots.binary_search(&spot.blank) {
                let blank = &mut self.blanks[at];
                self.area -= claim(task, blank);
                blank.copies -= 1;
            }
        }
        let blanks = &self.blanks;
        let mut at = 0;
        self.lots.retain(|_| {
            at += 1;
            blanks[at - 1].copies > 0
        });
        self.blanks.retain(|blank| blank.copies > 0);
    }
}

/// How many parts a wave has copies for, and with how few the next one joins it.
const WAVE_PARTS: u128 = 5;
const LAST_PARTS: u128 = 2;

/// A pool in waves, each with copies for some parts, so that a part is not chosen from all copies there are: by rank, and within a rank each
/// like the whole of it.
#[derive(Debug)]
pub(super) struct Waves<'a> {
    task: &'a Task,
    /// What parts are chosen from.
    pub(super) open: Pool,
    /// The waves that follow, the next one last.
    waiting: Vec<Pool>,
    /// The area below which the next wave joins.
    least: u128,
}

impl<'a> Waves<'a> {
    /// Waves of a pool whose parts have at most `part_area` square pixels.
    pub(super) fn new(task: &'a Task, pool: &Pool, part_area: u128) -> Self {
        let most = part_area.saturating_mul(WAVE_PARTS).max(1);
        let mut copies: Vec<(usize, u32)> = pool.copies().collect();
        let key = |&(lot, _): &(usize, u32)| (task.lots[lot].rank, Reverse(task.lots[lot].blank.size.area()), lot);
        copies.sort_unstable_by_key(key);
        let (mut waves, mut wave, mut room) = (Vec::new(), Vec::new(), most);
        for rank in copies.chunk_by(|a, b| task.lots[a.0].rank == task.lots[b.0].rank) {
            let area: u128 = rank.iter().map(|&(lot, copies)| claim(task, &task.lots[lot].blank) * u128::from(copies)).sum();
            if area > room && !wave.is_empty() {
                waves.push(Pool::new(task, std::mem::take(&mut wave)));
                room = most;
            }
            let groups = usize::try_from(area.div_ceil(most)).unwrap_or(usize::MAX).clamp(1, rank.len());
            for group in 0..groups {
                wave.extend(rank.iter().skip(group).step_by(groups));
                if group + 1 < groups {
                    waves.push(Pool::new(task, std::mem::take(&mut wave)));
                }
            }
            room = room.saturating_sub(area / groups as u128);
        }
        waves.push(Pool::new(task, wave));
        waves.reverse();
        let mut all = Self { task, open: Pool::default(), waiting: waves, least: part_area.saturating_mul(LAST_PARTS) };
        all.open_next();
        all
    }

    /// Takes away what was placed.
    pub(super) fn remove(&mut self, spots: &[Spot]) {
        self.open.remove(self.task, spots);
        self.open_next();
    }

    fn open_next(&mut self) {
        while self.open.is_used_up() || self.open.area() < self.least {
            let Some(next) = self.waiting.pop() else { return };
            self.open = Pool::new(self.task, self.open.copies().chain(next.copies()));
        }
    }
}

/// What hands out the copies of one part after the other.
pub(super) trait Supply {
    /// Whether nothing is left.
    fn is_used_up(&self) -> bool;

    /// What a part of this film could hold beside what lies fixed on it.
    fn next_part(&mut self, packer: &Packer<'_>, film: usize, part: usize, fixed: &[Spot]) -> Result<Vec<Spot>>;

    /// Takes away what was placed.
    fn remove(&mut self, spots: &[Spot]);
}

impl Supply for Waves<'_> {
    fn is_used_up(&self) -> bool {
        self.open.is_used_up()
    }

    /// As much as one part holds, wherever it lies.
    fn next_part(&mut self, packer: &Packer<'_>, film: usize, _: usize, fixed: &[Spot]) -> Result<Vec<Spot>> {
        let media = packer.task.films[film].media;
        let lot = |&(lot, _): &(usize, u32)| &packer.task.lots[lot];
        // What does not fit this film comes before all of a higher rank.
        let misfits = self.open.copies().filter(|copies| !fits(lot(copies), &media));
        let last_rank = misfits.map(|copies| lot(&copies).rank).min().unwrap_or(u32::MAX);
        let pool = Pool::new(packer.task, self.open.copies().filter(|copies| lot(copies).rank <= last_rank && fits(lot(copies), &media)));
        let Some(folded) = packer.fold(&pool, &media, true, &[fixed.to_vec()])? else { return Ok(Vec::new()) };
        Ok(only_part(&folded, &densest_part(&folded, packer.part_steps(&media), packer.cancel), &pool))
    }

    fn remove(&mut self, spots: &[Spot]) {
        Waves::remove(self, spots);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::PxSize;
    use crate::job::{Cut, Keep};
    use crate::layout::packing::Lot;
    use proptest::prelude::*;

    proptest! {
        /// Waves hand out every copy once, and none of a rank before all of the smaller ranks were handed out.
        #[test]
        fn waves_are_the_whole_in_the_order_of_ranks(lots in prop::collection::vec((1_u32..9, 1_u32..9, 0_u32..4, 0_u32..3), 0..40), part in 1_u128..300) {
            let lot = |&(width, height, copies, rank): &(u32, u32, u32, u32)| {
                let blank = Blank { size: PxSize::new(width, height).unwrap(), copies, turnable: false };
                Lot { rank, ..Lot::new(blank, "1") }
            };
            let task = Task { lots: lots.iter().map(lot).collect(), films: Vec::new(), keep: Keep::None, cut: Cut::Free };
            let copies: Vec<(usize, u32)> = task.lots.iter().map(|lot| lot.blank.copies).enumerate().collect();
            let whole = Pool::new(&task, copies);
            let mut waves = Waves::new(&task, &whole, part);
            let (mut handed_out, mut reached) = (Pool::default(), 0);
            while !waves.open.is_used_up() {
                let (lot, _) = waves.open.copies().min_by_key(|&(lot, _)| task.lots[lot].rank).unwrap();
                prop_assert!(task.lots[lot].rank >= reached);
                reached = task.lots[lot].rank;
                handed_out = Pool::new(&task, handed_out.copies().chain([(lot, 1)]));
                waves.remove(&[Spot { blank: lot, x: 0, y: 0, turned: false }]);
            }
            prop_assert_eq!(handed_out.area(), whole.area());
            prop_assert!(handed_out.copies().eq(whole.copies()));
        }
    }
}
