//! Orders that are kept together in one block each, a length of film of their own.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Included, Unbounded};

use super::Spot;
use super::orders::Unit;
use super::parts::{Packer, only_part};
use super::pool::{Pool, Supply};
use super::search::{on_one_part, search};
use super::task::bottom;
use crate::error::Result;
use crate::preflight::MediaPx;

/// An order packed on its own, from the upper margin on.
#[derive(Clone, Debug)]
pub(super) struct Block {
    height: u32,
    spots: Vec<Spot>,
}

/// Blocks that wait for a part: by rank, then the taller first.
#[derive(Debug)]
pub(super) struct Stacks<'a> {
    /// By film and unit. `None` where the film does not hold the order.
    blocks: &'a [Vec<Option<Block>>],
    unit_of: Vec<usize>,
    units: &'a [Unit],
    /// By film.
    waiting: Vec<BTreeSet<Waiting>>,
}

/// Rank, height and unit of a block. One that the film does not hold is higher than all.
type Waiting = (u32, Reverse<u32>, usize);

impl<'a> Stacks<'a> {
    pub(super) fn new(units: &'a [Unit], blocks: &'a [Vec<Option<Block>>]) -> Self {
        let lots = units.iter().flat_map(|unit| &unit.copies).map(|&(lot, _)| lot + 1).max().unwrap_or(0);
        let mut stacks = Self { blocks, unit_of: Unit::of_lots(units, lots), units, waiting: Vec::new() };
        let all = |film: usize| (0..units.len()).map(|unit| stacks.waiting_at(film, unit)).collect();
        let waiting = (0..blocks.len()).map(all).collect();
        stacks.waiting = waiting;
        stacks
    }

    fn waiting_at(&self, film: usize, unit: usize) -> Waiting {
        let height = self.blocks[film][unit].as_ref().map_or(u32::MAX, |block| block.height);
        (self.units[unit].rank, Reverse(height), unit)
    }
}

impl Supply for Stacks<'_> {
    fn is_used_up(&self) -> bool {
        self.waiting.iter().all(BTreeSet::is_empty)
    }

    /// Blocks of whole orders, one below the other, as many as one part holds.
    fn next_part(&mut self, packer: &Packer<'_>, film: usize, _: usize, _: &[Spot]) -> Result<Vec<Spot>> {
        let media = packer.task.films[film].media;
        let Some(inside) = media.printable() else { return Ok(Vec::new()) };
        let waiting = &self.waiting[film];
        let (mut spots, mut start) = (Vec::new(), 0_u32);
        let (mut from, mut last_rank) = (Unbounded, u32::MAX);
        while let Some(&(rank, Reverse(height), unit)) = waiting.range((from, Unbounded)).next().filter(|next| next.0 <= last_rank) {
            let room = inside.height().saturating_sub(start);
            if height > room {
                // What comes after this block may not lie before it.
                last_rank = rank;
                from = Included((rank, Reverse(room), 0));
                continue;
            }
            if let Some(block) = &self.blocks[film][unit] {
                spots.extend(block.spots.iter().map(|&spot| Spot { y: spot.y + start, ..spot }));
                start = start.saturating_add(block.height).saturating_add(media.gutter_y);
            }
            from = Excluded((rank, Reverse(height), unit));
        }
        Ok(spots)
    }

    fn remove(&mut self, spots: &[Spot]) {
        for spot in spots {
            let unit = self.unit_of[spot.blank];
            for film in 0..self.waiting.len() {
                let waiting = self.waiting_at(film, unit);
                self.waiting[film].remove(&waiting);
            }
        }
    }
}

impl Packer<'_> {
    /// Each unit on its own, by film.
    pub(super) fn blocks(&self, units: &[Unit]) -> Result<Vec<Vec<Option<Block>>>> {
        let on_film = |media: &MediaPx| units.iter().map(|unit| self.block(unit, media)).collect::<Result<Vec<_>>>();
        self.task.films.iter().map(|film| on_film(&film.media)).collect()
    }

    /// An order on its own, as short as its share of the effort finds.
    fn block(&self, unit: &Unit, media: &MediaPx) -> Result<Option<Block>> {
        let pool = Pool::new(self.task, unit.copies.iter().copied());
        if !self.all_fit(&pool, media) {
            return Ok(None);
        }
        let Some(folded) = self.fold(&pool, media, false, &[])? else { return Ok(None) };
        let budget = self.budget(folded.copies).share(1, self.task.films.len() as u64);
        let placed = search(&folded, budget, self.cancel).filter(|placed| placed.iter().all(|place| place.part == 0));
        // The share of the effort may have ended with what takes two parts.
        let mut steps = self.part_steps(media);
        let Some(placed) = placed.or_else(|| on_one_part(&folded, &mut steps, self.cancel)) else { return Ok(None) };
        let spots = only_part(&folded, &placed, &pool);
        let end = spots.iter().map(|spot| bottom(&self.task.lots[spot.blank], spot)).max().unwrap_or(0);
        let height = u32::try_from(end.saturating_sub(media.top.into())).unwrap_or(u32::MAX);
        Ok(Some(Block { height, spots }))
    }
}
