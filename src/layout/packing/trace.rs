//! What a construction chose, to tell where it would notice a change of its order.
//!
//! More than half of all changes lead to the same packing again: what was moved is not chosen, or still is at the same step. The steps of the last
//! construction show that at a small part of the price of another one. They also show how many of the first choices another one would repeat.

use super::choose::{Candidate, Stock};
use super::order::Change;
use super::rule::{Fit, Rule};
use super::skyline::{Gap, Side};

/// Packings of more copies are not traced: at 40 bytes a choice that would take more memory than the packing.
pub(super) const MOST_TRACED: u32 = 1 << 13;

/// One choice of a construction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) part: u32,
    pub(super) gap: Gap,
    /// The height that is left for it.
    pub(super) room: u32,
    /// The candidate that was chosen.
    pub(super) chosen: u32,
    /// Where in the gap.
    pub(super) side: Side,
    /// How it fits.
    pub(super) fit: Fit,
    /// The last candidate in the order that was compared with it.
    pub(super) last: u32,
}

/// The choices that one order led to.
#[derive(Debug, Default)]
pub(super) struct Trace {
    steps: Vec<Step>,
    rule: Rule,
    /// The place of each candidate in the order.
    places: Vec<u32>,
    /// By kind: how many steps there were when its last copy was taken, the largest number where some are left.
    taken_up: Vec<u32>,
    /// Steps and candidates compared since this was made.
    pub(super) visits: u64,
}

impl Trace {
    /// Takes over what a construction chose that left this stock.
    pub(super) fn renew(&mut self, steps: &mut Vec<Step>, order: &[u32], stock: &Stock) {
        std::mem::swap(&mut self.steps, steps);
        self.rule = stock.rule;
        self.places.resize(order.len(), 0);
        for (place, &candidate) in (0..).zip(order) {
            self.places[candidate as usize] = place;
        }
        self.taken_up.clear();
        self.taken_up.extend(stock.left().iter().map(|&copies| if copies > 0 { u32::MAX } else { 0 }));
        for (nth, step) in (1..).zip(&self.steps) {
            let taken_up = &mut self.taken_up[stock.candidates()[step.chosen as usize].kind as usize];
            *taken_up = nth.max(*taken_up);
        }
    }

    /// The choices before the first that may be another one after a change, which `order` already has. If all stay, the change is taken over and
    /// there are none.
    pub(super) fn before(&mut self, change: Change, order: &[u32], candidates: &[Candidate]) -> Option<&[Step]> {
        let spans = change.spans().into_iter().filter(|span| span.0 < span.1);
        let [first, second] = change.spans();
        let is_apart = first.1 < second.0 || second.1 < first.0;
        let noticed = if self.rule == Rule::Below {
            Some(0)
        } else if !is_apart && first.0 < first.1 && second.0 < second.1 {
            // Two that overlap depend on each other.
            let start = first.0.min(second.0);
            self.visits += self.steps.len() as u64;
            self.steps.iter().position(|step| self.places[step.last as usize] as usize >= start)
        } else {
            spans.clone().filter_map(|span| self.noticed(change, span, order, candidates)).min()
        };
        if noticed.is_none() {
            for (start, end) in spans {
                for (place, &candidate) in (start..).zip(&order[start..=end]) {
                    self.places[candidate as usize] = u32::try_from(place).unwrap_or(u32::MAX);
                }
            }
        }
        noticed.map(|noticed| &self.steps[..noticed])
    }

    /// The first choice that may be another one after a change between two places.
    fn noticed(&mut self, change: Change, (start, end): (usize, usize), order: &[u32], candidates: &[Candidate]) -> Option<usize> {
        let (earlier, later) = match change {
            Change::Swapped(_) => (Some(order[start]), Some(order[end])),
            Change::Moved(from, to) if from < to => (None, Some(order[end])),
            Change::Moved(..) => (Some(order[start]), None),
        };
        // What comes before the one that was moved back, and did not.
        let overtaking = &order[start..end];
        self.visits += self.steps.len() as u64;
        for (nth, step) in (0..).zip(&self.steps) {
            let would_be = |candidate: u32| {
                let Candidate { shape, kind, .. } = candidates[candidate as usize];
                nth < self.taken_up[kind as usize] && self.rule.fit(&step.gap, step.room, shape).is_some_and(|fit| fit <= step.fit)
            };
            let place = |candidate: u32| self.places[candidate as usize] as usize;
            if self.rule == Rule::Fill && step.fit == Fit::Within {
                // It was chosen from all up to the last.
                if place(step.last) >= start && earlier.into_iter().chain(later).any(would_be) {
                    return Some(nth as usize);
                }
            } else if Some(step.chosen) == later {
                self.visits += overtaking.len() as u64;
                if overtaking.iter().any(|&candidate| would_be(candidate)) {
                    return Some(nth as usize);
                }
            } else if place(step.last) >= start && place(step.chosen) < end && earlier.is_some_and(would_be) {
                return Some(nth as usize);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::PxSize;
    use crate::layout::packing::Blank;
    use crate::layout::packing::build::{Builder, Target};
    use crate::layout::packing::fold::{Folded, Placed};
    use crate::layout::packing::order::{Random, Weights, change, start_order};
    use crate::preflight::MediaPx;
    use proptest::prelude::*;

    fn spots(placed: &[Placed]) -> Vec<(u32, u32, u32, u32)> {
        placed.iter().map(|place| (place.kind, place.x, place.y, place.shape.width)).collect()
    }

    proptest! {
        /// Another construction would be in vain, or begin like the last one.
        #[test]
        fn what_is_not_noticed_changes_nothing(sizes in prop::collection::vec((1_u32..40, 1_u32..40, 1_u32..3, any::<bool>()), 2..20), width in 40_u32..90, length in 40_u32..150) {
            let blank = |&(width, height, copies, turnable): &(u32, u32, u32, bool)| Blank { size: PxSize::new(width, height).unwrap(), copies, turnable };
            let blanks: Vec<Blank> = sizes.iter().map(blank).collect();
            let film = MediaPx { width, max_length: length, ..MediaPx::default() };
            let folded = Folded::new(&blanks, &film).unwrap();
            let target = Target { height: length, parts: 3, total: 3 * u64::from(length), area: 0 };
            for rule in Rule::ALL {
                let mut builder = Builder::new(&folded);
                builder.stock.rule = rule;
                let (mut random, mut trace) = (Random::new(), Trace::default());
                let weights = Weights::new(builder.stock.candidates());
                let mut order = start_order(builder.stock.candidates(), 0);
                builder.build(&order, &target);
                let before = spots(&builder.placed);
                let Builder { stock, steps, .. } = &mut builder;
                trace.renew(steps, &order, stock);
                for _ in 0..50 {
                    let undo = change(&mut order, &weights, &mut random);
                    if let Some(known) = trace.before(undo, &order, builder.stock.candidates()) {
                        builder.build_on(known, &order, &target);
                        let repeated = spots(&builder.placed);
                        builder.build(&order, &target);
                        prop_assert_eq!(&spots(&builder.placed), &repeated, "{:?} after {}", undo, known.len());
                        undo.apply(&mut order);
                    } else {
                        builder.build(&order, &target);
                        prop_assert_eq!(&spots(&builder.placed), &before, "{:?}", undo);
                    }
                }
            }
        }
    }
}
