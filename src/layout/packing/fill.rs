//! Copies that only fill up: into what others leave free.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::orders::{Orders, Unit};
use super::parts::{Packer, fits, only_part};
use super::pool::{Pool, Supply};
use super::search::densest_part;
use super::task::{PackedPart, claim, room};
use crate::error::Result;
use crate::job::Keep;
use crate::preflight::MediaPx;

/// How many lots are offered to a part for each of its copies, and besides.
const OFFERED_FOR_EACH: usize = 2;
const OFFERED: usize = 64;

impl Packer<'_> {
    /// Places copies of the pool on parts without lengthening them, and takes them out of the pool.
    pub(super) fn fill_up(&self, parts: &mut [PackedPart], pool: &mut Pool) -> Result<()> {
        match self.task.keep {
            Keep::None => self.fill_with_copies(parts, pool),
            Keep::Part => self.fill_with_orders(parts, pool),
            // No other order may reach into a block.
            Keep::Block => Ok(()),
        }
    }

    fn fill_with_orders(&self, parts: &mut [PackedPart], pool: &mut Pool) -> Result<()> {
        let mut units = Unit::all(self.task, pool);
        // Ranks do not hold for them.
        units.iter_mut().for_each(|unit| unit.rank = 0);
        units.sort_by_key(|unit| Reverse(unit.area));
        let mut orders = Orders::new(self, &units);
        let mut placed = Vec::new();
        for part in parts {
            let (media, free) = self.used(part);
            let found = orders.fill_up(self, &media, &part.spots, free)?;
            orders.remove(&found);
            part.spots.extend_from_slice(&found);
            placed.extend(found);
        }
        pool.remove(self.task, &placed);
        Ok(())
    }

    fn fill_with_copies(&self, parts: &mut [PackedPart], pool: &mut Pool) -> Result<()> {
        let area = |lot: usize| claim(self.task, &self.task.lots[lot].blank);
        // The smaller first, used up ones among them for a while.
        let mut left: Vec<(usize, u32)> = pool.copies().collect();
        left.sort_by_key(|&(lot, _)| area(lot));
        let mut used_up = 0;
        for part in parts {
            let (media, free) = self.used(part);
            // Of those that the free area has room for, some of each size.
            let fitting = left.partition_point(|&(lot, _)| area(lot) <= free);
            let stride = fitting.div_ceil(OFFERED + OFFERED_FOR_EACH * part.spots.len()).max(1);
            let offered: HashMap<usize, usize> = (0..fitting).step_by(stride).map(|at| (left[at].0, at)).collect();
            let offer = offered.values().map(|&at| left[at]).filter(|&(lot, _)| fits(&self.task.lots[lot], &media));
            let offer = Pool::new(self.task, offer);
            if offer.is_used_up() {
                continue;
            }
            let Some(folded) = self.fold(&offer, &media, false, std::slice::from_ref(&part.spots))? else { continue };
            let found = only_part(&folded, &densest_part(&folded, self.part_steps(&media), self.cancel), &offer);
            for spot in &found {
                let (_, copies) = &mut left[offered[&spot.blank]];
                *copies -= 1;
                used_up += usize::from(*copies == 0);
            }
            part.spots.extend(found);
            if 2 * used_up > left.len() {
                left.retain(|&(_, copies)| copies > 0);
                used_up = 0;
            }
        }
        *pool = Pool::new(self.task, left);
        Ok(())
    }

    /// The film of a part, but no longer than it is used, and what is free of it, in square pixels.
    fn used(&self, part: &PackedPart) -> (MediaPx, u128) {
        let film = self.task.films[part.film].media;
        let bottom = u32::try_from(part.bottom(self.task)).unwrap_or(u32::MAX);
        let media = MediaPx { max_length: bottom.saturating_add(film.bottom).min(film.max_length), ..film };
        let taken: u128 = part.spots.iter().map(|spot| claim(self.task, &self.task.lots[spot.blank].blank)).sum();
        (media, room(&media).saturating_sub(taken))
    }
}
