//! The search for a good order.

use std::cmp::Reverse;

use super::Effort;
use super::build::Builder;
use super::choose::Candidate;
use super::fold::{Folded, Placed};

/// Packs in several orders and keeps the best packing.
pub(super) fn search(folded: &Folded<'_>, _effort: Effort) -> Vec<Placed> {
    let mut builder = Builder::new(folded);
    let mut best = Vec::new();
    let mut best_score = None;
    for rule in START_ORDERS {
        let order = start_order(builder.stock.candidates(), rule);
        let score = builder.build(&order);
        if best_score.is_none_or(|best_score| score < best_score) {
            best_score = Some(score);
            std::mem::swap(&mut best, &mut builder.placed);
        }
    }
    best
}

/// What a start order puts first: the largest of this.
type Rule = fn(&Candidate) -> (u64, u64);

const START_ORDERS: [Rule; 5] = [
    |candidate| (candidate.shape.area(), candidate.shape.width.into()),
    |candidate| (candidate.shape.height.into(), candidate.shape.width.into()),
    |candidate| (candidate.shape.width.into(), candidate.shape.height.into()),
    |candidate| (u64::from(candidate.shape.width) + u64::from(candidate.shape.height), candidate.shape.width.into()),
    |candidate| (candidate.shape.width.max(candidate.shape.height).into(), candidate.shape.width.into()),
];

fn start_order(candidates: &[Candidate], rule: Rule) -> Vec<u32> {
    let mut order: Vec<u32> = (0..).take(candidates.len()).collect();
    order.sort_by_cached_key(|&candidate| Reverse(rule(&candidates[candidate as usize])));
    order
}
