//! Orders that are kept together: on one part each, or in one block each.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::check::fixed_fault;
use super::parts::{Packer, Pool, fits, only_part};
use super::search::{on_one_part, search};
use super::task::{Task, bottom};
use super::{Blank, Spot};
use crate::error::{ErrorKind, Result};
use crate::preflight::MediaPx;

/// How many orders in a row may find no place on a part before it is closed.
const PATIENCE: u32 = 6;

/// The copies of an order that are to be packed.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) rank: u32,
    pub(super) lots: Vec<usize>,
    area: u128,
}

impl Unit {
    /// One for each order with copies in the pool: by rank, then the larger first.
    pub(super) fn all(task: &Task, pool: &[u32]) -> Vec<Self> {
        let mut units: Vec<Self> = Vec::new();
        let mut of_order: HashMap<&str, usize> = HashMap::new();
        for (nth, (lot, &copies)) in task.lots.iter().zip(pool).enumerate().filter(|&(_, (_, &copies))| copies > 0) {
            let at = *of_order.entry(&lot.order).or_insert(units.len());
            if at == units.len() {
                units.push(Self { rank: lot.rank, lots: Vec::new(), area: 0 });
            }
            units[at].lots.push(nth);
            units[at].rank = units[at].rank.min(lot.rank);
            units[at].area += u128::from(lot.blank.size.area()) * u128::from(copies);
        }
        units.sort_by_key(|unit| (unit.rank, std::cmp::Reverse(unit.area)));
        units
    }
}

/// Orders packed on their own, by film and first lot. `None` where the film does not hold the order.
pub(super) type Blocks = HashMap<(usize, usize), Option<Block>>;

/// An order packed on its own, from the upper margin on.
#[derive(Clone, Debug)]
pub(super) struct Block {
    height: u32,
    spots: Vec<Spot>,
}

impl Packer<'_> {
    /// Whole orders, as many as one part holds.
    pub(super) fn next_orders(&self, film: usize, pool: &[u32], part: usize, fixed: &[Spot]) -> Result<Vec<Spot>> {
        let media = self.task.films[film].media;
        let mut queue = Unit::all(self.task, pool);
        let part_of = |unit: &Unit| self.part_of(unit);
        let mut taken: Pool = vec![0; pool.len()];
        let take = |taken: &mut Pool, unit: &Unit| unit.lots.iter().for_each(|&lot| taken[lot] = pool[lot]);
        // An order with a copy that lies fixed is where that is.
        queue.iter().filter(|unit| part_of(unit) == Some(part)).for_each(|unit| take(&mut taken, unit));
        let mut spots = match self.together(&taken, &media, fixed)? {
            Some(spots) => spots,
            None => return Ok(Vec::new()),
        };
        queue.retain(|unit| part_of(unit).is_none());
        let (mut at, mut step, mut misses) = (0, queue.len(), 0);
        let mut last_rank = u32::MAX;
        while at < queue.len() && misses < PATIENCE && queue[at].rank <= last_rank {
            let eligible = queue[at..].partition_point(|unit| unit.rank <= last_rank);
            let end = at + step.clamp(1, eligible);
            let mut more = taken.clone();
            queue[at..end].iter().for_each(|unit| take(&mut more, unit));
            if let Some(found) = self.together(&more, &media, fixed)? {
                (spots, taken) = (found, more);
                step = 2 * (end - at);
                at = end;
            } else if end - at > 1 {
                step = (end - at) / 2;
            } else {
                // What comes after this order may not lie before it.
                last_rank = queue[at].rank;
                misses += 1;
                at += 1;
                step = 1;
            }
        }
        Ok(spots)
    }

    /// The part on which a copy of the unit's order lies fixed.
    fn part_of(&self, unit: &Unit) -> Option<usize> {
        self.pinned_part.get(&*self.task.lots[unit.lots[0]].order).copied()
    }

    /// All of a pool on one part; `None` where no construction succeeds.
    pub(super) fn together(&self, pool: &[u32], media: &MediaPx, fixed: &[Spot]) -> Result<Option<Vec<Spot>>> {
        let Some(inside) = media.printable() else { return Ok(None) };
        let left = || self.task.lots.iter().zip(pool).filter(|&(_, &copies)| copies > 0);
        let area: u128 = left().map(|(lot, &copies)| u128::from(lot.blank.size.area()) * u128::from(copies)).sum();
        if area > inside.area().into() || !left().all(|(lot, _)| fits(lot, media)) {
            return Ok(None);
        }
        let blanks = self.blanks(pool);
        let Some(folded) = self.fold(&blanks, media, false, &[fixed.to_vec()])? else { return Ok(None) };
        Ok(on_one_part(&folded, self.cancel).map(|placed| only_part(&folded, &placed)))
    }

    /// Blocks of whole orders, one below the other, as many as one part holds.
    pub(super) fn next_blocks(&self, film: usize, pool: &[u32], blocks: &mut Blocks) -> Result<Vec<Spot>> {
        let media = self.task.films[film].media;
        let Some(inside) = media.printable() else { return Ok(Vec::new()) };
        let units = Unit::all(self.task, pool);
        for unit in &units {
            if let Entry::Vacant(entry) = blocks.entry((film, unit.lots[0])) {
                entry.insert(self.block(unit, &media, pool)?);
            }
        }
        let block = |unit: &Unit| (unit.rank, blocks.get(&(film, unit.lots[0])).and_then(Option::as_ref));
        let mut queue: Vec<(u32, Option<&Block>)> = units.iter().map(block).collect();
        queue.sort_by_key(|(rank, block)| (*rank, std::cmp::Reverse(block.map_or(0, |block| block.height))));
        let (mut spots, mut start, mut last_rank) = (Vec::new(), 0_u32, u32::MAX);
        for (rank, block) in queue {
            if rank > last_rank {
                break;
            }
            match block.filter(|block| block.height <= inside.height().saturating_sub(start)) {
                Some(block) => {
                    spots.extend(block.spots.iter().map(|&spot| Spot { y: spot.y + start, ..spot }));
                    start = start.saturating_add(block.height).saturating_add(media.gutter_y);
                }
                None => last_rank = rank,
            }
        }
        Ok(spots)
    }

    /// An order on its own, as short as the effort finds.
    fn block(&self, unit: &Unit, media: &MediaPx, pool: &[u32]) -> Result<Option<Block>> {
        let blanks: Vec<Blank> = unit.lots.iter().map(|&lot| Blank { copies: pool[lot], ..self.task.lots[lot].blank }).collect();
        if !unit.lots.iter().all(|&lot| fits(&self.task.lots[lot], media)) {
            return Ok(None);
        }
        let Some(folded) = self.fold(&blanks, media, false, &[])? else { return Ok(None) };
        let placed = search(&folded, self.budget(folded.copies), self.cancel).filter(|placed| placed.iter().all(|place| place.part == 0));
        // The share of the effort may have ended with what takes two parts.
        let Some(placed) = placed.or_else(|| on_one_part(&folded, self.cancel)) else { return Ok(None) };
        let mut spots = only_part(&folded, &placed);
        spots.iter_mut().for_each(|spot| spot.blank = unit.lots[spot.blank]);
        let end = spots.iter().map(|spot| bottom(&self.task.lots[spot.blank], spot)).max().unwrap_or(0);
        let height = u32::try_from(end.saturating_sub(media.top.into())).unwrap_or(u32::MAX);
        Ok(Some(Block { height, spots }))
    }

    /// Whether the order finds a place on a part of its own.
    pub(super) fn holds_order(&self, unit: &Unit, media: &MediaPx, pool: &[u32]) -> bool {
        let pool = self.only(unit, pool);
        let fixed = self.part_of(unit).and_then(|part| self.fixed(part)).unwrap_or_default();
        fixed_fault(self.task, media, fixed).is_none() && self.together(&pool, media, fixed).is_ok_and(|spots| spots.is_some())
    }

    /// The pool with the copies of one order.
    pub(super) fn only(&self, unit: &Unit, pool: &[u32]) -> Pool {
        let mut only = vec![0; pool.len()];
        unit.lots.iter().for_each(|&lot| only[lot] = pool[lot]);
        only
    }
}

/// An order that is to stay on one part is not pinned on two, and does not only fill up beside what it is pinned to.
///
/// # Errors
///
/// [`ErrorKind::Layout`] with the order.
pub(super) fn check_pins(task: &Task) -> Result<()> {
    let mut part_of: HashMap<&str, usize> = HashMap::new();
    for lot in &task.lots {
        for pin in &lot.pinned {
            if lot.fill_up {
                let message = format!("order {} is to be kept on one part: it cannot both be pinned and only fill up", lot.order);
                return Err(ErrorKind::Layout { part: None, message }.into());
            }
            let part = *part_of.entry(&lot.order).or_insert(pin.part);
            if part != pin.part {
                let message =
                    format!("order {} is to be kept on one part, but pinned on parts {} and {}", lot.order, part + 1, pin.part + 1);
                return Err(ErrorKind::Layout { part: None, message }.into());
            }
        }
    }
    Ok(())
}
