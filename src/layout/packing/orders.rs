//! Orders that are kept together on one part each.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::Spot;
use super::parts::Packer;
use super::pool::{Pool, Supply};
use super::task::{Task, room};
use crate::error::Result;
use crate::preflight::MediaPx;

/// How many orders may find no place on a part before it is closed; fewer when its steps are used up.
const PATIENCE: u32 = 6;
const LAST_PATIENCE: u32 = 2;

/// After an order that finds no place, the next one to be tried claims at most this share of its area, in tenths.
const SMALLER: u128 = 8;

/// The copies of an order that are to be packed.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) rank: u32,
    /// Its lots with their copies.
    pub(super) copies: Vec<(usize, u32)>,
    /// The area that they claim.
    pub(super) area: u128,
}

impl Unit {
    /// One for each order with copies in the pool: by rank, then the larger first.
    pub(super) fn all(task: &Task, pool: &Pool) -> Vec<Self> {
        let mut units: Vec<Self> = Vec::new();
        let mut of_order: HashMap<&str, usize> = HashMap::new();
        for (nth, copies) in pool.copies() {
            let lot = &task.lots[nth];
            let at = *of_order.entry(&lot.order).or_insert(units.len());
            if at == units.len() {
                units.push(Self { rank: lot.rank, copies: Vec::new(), area: 0 });
            }
            units[at].copies.push((nth, copies));
            units[at].rank = units[at].rank.min(lot.rank);
        }
        units.iter_mut().for_each(|unit| unit.area = Pool::new(task, unit.copies.iter().copied()).area());
        units.sort_by_key(|unit| (unit.rank, Reverse(unit.area)));
        units
    }

    /// The unit of each lot.
    pub(super) fn of_lots(units: &[Self], lots: usize) -> Vec<usize> {
        let mut unit_of = vec![usize::MAX; lots];
        for (nth, unit) in units.iter().enumerate() {
            unit.copies.iter().for_each(|&(lot, _)| unit_of[lot] = nth);
        }
        unit_of
    }
}

/// Orders that wait for a part, by rank, then the larger first.
#[derive(Debug)]
pub(super) struct Orders<'a> {
    units: &'a [Unit],
    unit_of: Vec<usize>,
    /// Where to look for a unit that waits, from each unit on; itself where it waits.
    next: Vec<usize>,
    /// Those that stay on the part where one of their copies lies fixed.
    pinned: HashMap<usize, Vec<usize>>,
    is_placed: Vec<bool>,
    left: usize,
    /// How full the last part became, in thousandths of its room.
    filled: u128,
}

/// A part that orders are put on, one after the other.
struct Filling<'a> {
    media: &'a MediaPx,
    fixed: &'a [Spot],
    /// What still may be claimed, and how much of it at first.
    free: u128,
    first: u128,
    /// Steps that are left.
    steps: u64,
    units: Vec<usize>,
    spots: Vec<Spot>,
}

impl<'a> Orders<'a> {
    pub(super) fn new(packer: &Packer<'_>, units: &'a [Unit]) -> Self {
        let mut pinned: HashMap<usize, Vec<usize>> = HashMap::new();
        for (nth, unit) in units.iter().enumerate() {
            if let Some(part) = packer.part_of(unit) {
                pinned.entry(part).or_default().push(nth);
            }
        }
        let mut next: Vec<usize> = (0..=units.len()).collect();
        pinned.values().flatten().for_each(|&nth| next[nth] = nth + 1);
        let unit_of = Unit::of_lots(units, packer.task.lots.len());
        Self { units, unit_of, next, pinned, is_placed: vec![false; units.len()], left: units.len(), filled: 750 }
    }

    /// The first unit from `at` on that waits.
    fn waiting(&mut self, mut at: usize) -> usize {
        while self.next[at] != at {
            // Halves the way for the next one who goes it.
            self.next[at] = self.next[self.next[at]];
            at = self.next[at];
        }
        at
    }

    /// The first unit from `at` on that waits, has its rank and claims no more than `area`; the end of the rank where there is none.
    fn smaller(&mut self, at: usize, area: u128) -> (usize, usize) {
        let rank = self.units[at].rank;
        let end = at + self.units[at..].partition_point(|unit| unit.rank == rank);
        let first = at + self.units[at..end].partition_point(|unit| unit.area > area);
        (self.waiting(first.max(at + 1)).min(end), end)
    }

    /// Puts as many units on a part as are found to fit.
    fn fill(&mut self, packer: &Packer<'_>, part: &mut Filling<'_>) -> Result<()> {
        let (mut at, mut end) = (self.waiting(0), self.units.len());
        let (mut step, mut misses) = (usize::MAX, 0);
        while at < end && misses < if part.steps > 0 { PATIENCE } else { LAST_PATIENCE } {
            if self.units[at].area > part.free {
                // What comes after this order may not lie before it.
                let (next, rank_end) = self.smaller(at, part.free);
                (at, end) = (next, end.min(rank_end));
                continue;
            }
            let most = if step == usize::MAX { part.first } else { part.free };
            let (mut batch, mut area, mut next) = (Vec::new(), 0, at);
            while next < end && batch.len() < step && (batch.is_empty() || area + self.units[next].area <= most) {
                batch.push(next);
                area += self.units[next].area;
                next = self.waiting(next + 1);
            }
            let copies = part.units.iter().chain(&batch).flat_map(|&unit| self.units[unit].copies.iter().copied());
            let pool = Pool::new(packer.task, copies);
            if let Some(spots) = packer.together(&pool, part.media, part.fixed, &mut part.steps)? {
                step = if step == usize::MAX { batch.len().div_ceil(8) } else { 2 * batch.len() };
                part.units.append(&mut batch);
                (part.spots, part.free, at) = (spots, part.free - area, next);
            } else if batch.len() > 1 {
                step = batch.len() / 2;
            } else {
                misses += 1;
                step = 1;
                let (next, rank_end) = self.smaller(at, self.units[at].area * SMALLER / 10);
                (at, end) = (next, end.min(rank_end));
            }
        }
        Ok(())
    }

    /// Adds orders beside all that lies on a part, without reaching beyond the media.
    pub(super) fn fill_up(&mut self, packer: &Packer<'_>, media: &MediaPx, spots: &[Spot], free: u128) -> Result<Vec<Spot>> {
        let steps = packer.part_steps(media);
        let mut part = Filling { media, fixed: spots, free, first: free / 4, steps, units: Vec::new(), spots: Vec::new() };
        self.fill(packer, &mut part)?;
        Ok(part.spots)
    }
}

impl Supply for Orders<'_> {
    fn is_used_up(&self) -> bool {
        self.left == 0
    }

    /// Whole orders, as many as one part holds.
    fn next_part(&mut self, packer: &Packer<'_>, film: usize, part: usize, fixed: &[Spot]) -> Result<Vec<Spot>> {
        let media = packer.task.films[film].media;
        // An order with a copy that lies fixed is where that is.
        let units = self.pinned.get(&part).cloned().unwrap_or_default();
        let pool = Pool::new(packer.task, units.iter().flat_map(|&unit| self.units[unit].copies.iter().copied()));
        let (whole, mut steps) = (room(&media), packer.part_steps(&media));
        let Some(spots) = packer.together(&pool, &media, fixed, &mut steps)? else { return Ok(Vec::new()) };
        let free = whole.saturating_sub(pool.area());
        let first = (whole * self.filled / 1000).saturating_sub(pool.area());
        let mut part = Filling { media: &media, fixed, free, first, steps, units, spots };
        self.fill(packer, &mut part)?;
        // A little less than the last one held is most often held at once.
        self.filled = ((whole - part.free) * 960 / whole.max(1)).clamp(100, 960);
        Ok(part.spots)
    }

    fn remove(&mut self, spots: &[Spot]) {
        for spot in spots {
            let unit = self.unit_of[spot.blank];
            if !std::mem::replace(&mut self.is_placed[unit], true) {
                self.next[unit] = unit + 1;
                self.left -= 1;
            }
        }
    }
}

impl Packer<'_> {
    /// The id of a unit's order.
    pub(super) fn order(&self, unit: &Unit) -> &Arc<str> {
        &self.task.lots[unit.copies[0].0].order
    }

    /// The part on which a copy of the unit's order lies fixed.
    pub(super) fn part_of(&self, unit: &Unit) -> Option<usize> {
        self.pinned_part.get(&**self.order(unit)).copied()
    }
}
