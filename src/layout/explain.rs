//! What the rules of a job cost in film: each by packing again without it.

use super::pack::blanks;
use super::packing::{self, Blank, Packing, Spot};
use crate::budget::MemoryBudget;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::preflight::{MediaPx, Preflight};

/// A rule of the job that film is spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RuleKind {
    /// Items that may not be turned by 90°, or are turned in one way only.
    ForbiddenTurns,
    /// The clear distance between neighbours.
    Gutter,
}

/// What one rule costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RulePrice {
    /// The rule.
    pub rule: RuleKind,
    /// Pixels of film, all parts together, that a packing with the rule needs.
    pub length_px: u64,
    /// Pixels of film that a packing without the rule needs: no more.
    pub length_without_px: u64,
}

/// Packs a checked job with all its rules, then without each rule that it has.
///
/// # Memory
///
/// That of [`pack`](super::pack()), charged to `budget` while packing.
///
/// # Errors
///
/// Those of [`pack`](super::pack()).
pub fn explain(preflight: &Preflight, options: &Packing, budget: &MemoryBudget, cancel: &Cancel) -> Result<Vec<RulePrice>> {
    let (blanks, film) = (blanks(preflight), preflight.media());
    let copies = blanks.iter().map(|blank| u64::from(blank.copies)).sum();
    let _memory =
        budget.reserve(packing::packing_memory_bytes(2 * blanks.len(), copies), format_args!("the packing of {copies} copies"))?;
    let length = |blanks: &[Blank], film: &MediaPx| {
        packing::pack_unless_cancelled(blanks, film, options, cancel).map(|parts| used(blanks, film, &parts))
    };
    let length_px = length(&blanks, &film)?;
    let mut prices = Vec::new();
    let mut price = |rule, without: u64| prices.push(RulePrice { rule, length_px, length_without_px: without.min(length_px) });
    if blanks.iter().any(|blank| !blank.turnable) {
        let turnable: Vec<Blank> = blanks.iter().map(|&blank| Blank { turnable: true, ..blank }).collect();
        price(RuleKind::ForbiddenTurns, length(&turnable, &film)?);
    }
    if film.gutter_x > 0 || film.gutter_y > 0 {
        price(RuleKind::Gutter, length(&blanks, &MediaPx { gutter_x: 0, gutter_y: 0, ..film })?);
    }
    Ok(prices)
}

/// The length of film that parts take together, margins included.
fn used(blanks: &[Blank], film: &MediaPx, parts: &[Vec<Spot>]) -> u64 {
    let bottom = |spot: &Spot| {
        let size = blanks[spot.blank].size;
        spot.y + if spot.turned { size.width() } else { size.height() }
    };
    parts.iter().map(|part| u64::from(part.iter().map(bottom).max().unwrap_or(0)) + u64::from(film.bottom)).sum()
}
