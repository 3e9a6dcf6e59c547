//! Copies that only fill up: into what others leave free.

use super::Spot;
use super::orders::Unit;
use super::parts::{Packer, Pool, fits, is_used_up, only_part};
use super::search::densest_part;
use super::task::PackedPart;
use crate::job::Keep;
use crate::preflight::MediaPx;

/// How many orders in a row may find no place on a part before the next part is tried.
const PATIENCE: u32 = 6;

impl Packer<'_> {
    /// Places copies of the pool on parts without lengthening them, and takes them out of the pool.
    pub(super) fn fill_up(&self, parts: &mut [PackedPart], pool: &mut Pool) {
        for part in parts {
            if is_used_up(pool) {
                return;
            }
            let bottom = u32::try_from(part.bottom(self.task)).unwrap_or(u32::MAX);
            let film = self.task.films[part.film].media;
            // The same film, but no longer than it is used.
            let media = MediaPx { max_length: bottom.saturating_add(film.bottom).min(film.max_length), ..film };
            match self.task.keep {
                Keep::None => {
                    let found = self.gap_spots(pool, &media, &part.spots);
                    self.add(part, pool, &found);
                }
                Keep::Part => self.fill_with_orders(part, pool, &media),
                // No other order may reach into a block.
                Keep::Block => return,
            }
        }
    }

    fn fill_with_orders(&self, part: &mut PackedPart, pool: &mut Pool, media: &MediaPx) {
        let mut misses = 0;
        for unit in Unit::all(self.task, pool) {
            match self.together(&self.only(&unit, pool), media, &part.spots) {
                Ok(Some(found)) => self.add(part, pool, &found),
                _ => misses += 1,
            }
            if misses == PATIENCE {
                return;
            }
        }
    }

    /// As many copies as the gaps of one part hold.
    fn gap_spots(&self, pool: &[u32], media: &MediaPx, spots: &[Spot]) -> Vec<Spot> {
        let held: Pool = self.task.lots.iter().zip(pool).map(|(lot, &copies)| if fits(lot, media) { copies } else { 0 }).collect();
        if is_used_up(&held) {
            return Vec::new();
        }
        let blanks = self.blanks(&held);
        match self.fold(&blanks, media, false, &[spots.to_vec()]) {
            Ok(Some(folded)) => only_part(&folded, &densest_part(&folded, self.cancel)),
            _ => Vec::new(),
        }
    }

    fn add(&self, part: &mut PackedPart, pool: &mut Pool, found: &[Spot]) {
        found.iter().for_each(|spot| pool[spot.blank] -= 1);
        part.spots.extend_from_slice(found);
    }
}
