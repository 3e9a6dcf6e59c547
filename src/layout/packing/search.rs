//! The search for a good order.
//!
//! Constructions from a few start orders come first. The best of them is then improved: a goal a little shorter than the best packing is
//! set, the order is changed at random, and a change stays when the construction places no less area within the goal. A goal that was
//! reached is the next packing to beat; one that is not reached for a while is lowered, and the search starts again from another order.

use super::Effort;
use super::bound::{smallest_area, strip_bound};
use super::build::{Builder, Outcome, Score, Target};
use super::choose::{Rule, Stock};
use super::fold::{Folded, Placed};
use super::order::{Random, change, start_orders};
use crate::cancel::Cancel;

/// What a search may cost, in steps: placements, lifts, visited nodes and list entries. A million take about 12 ms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// How many candidates there are at least, when copies of a kind can be told apart.
    candidates: u32,
    /// No start order is tried after so many steps.
    start: u64,
    /// No change is tried after so many steps.
    steps: u64,
}

impl Budget {
    /// Few copies are soon exhausted: from 30 on they get all steps.
    pub(super) fn of(effort: Effort, copies: u32) -> Self {
        let share = |steps: u64| steps.min((u64::from(copies) * u64::from(copies)).saturating_mul(steps / 900));
        match effort {
            Effort::Fast => Self { candidates: 256, start: 5_000_000, steps: share(2_000_000) },
            Effort::Normal => Self { candidates: 512, start: 120_000_000, steps: share(120_000_000) },
            Effort::High => Self { candidates: 512, start: 3_000_000_000, steps: share(3_000_000_000) },
        }
    }

    /// The share of `copies` out of `whole` that are packed piece by piece.
    pub(super) fn share(self, copies: u64, whole: u64) -> Self {
        let share = |steps: u64| u64::try_from(u128::from(steps) * u128::from(copies) / u128::from(whole.max(1))).unwrap_or(steps);
        Self { start: share(self.start), steps: share(self.steps), ..self }
    }
}

/// How many changes in a row may be in vain before the search starts again from another order.
const PATIENCE: u32 = 400;

/// Packs in several orders, improves the best as long as the budget allows, and returns the best packing. `None` where what lies fixed
/// leaves a part before it empty. One that is cancelled ends with what there is then.
pub(super) fn search(folded: &Folded<'_>, budget: Budget, cancel: &Cancel) -> Option<Vec<Placed>> {
    let Budget { candidates, start, steps } = budget;
    let mut search = Search::new(folded, cancel);
    search.start(start);
    let constructed = search.score;
    if !search.order.is_empty() {
        search.split(candidates);
        search.improve(steps);
    }
    debug_assert!(search.score <= constructed);
    (search.score.parts < u32::MAX).then_some(search.best)
}

/// Packs all copies on one part, by the first construction that does.
pub(super) fn on_one_part(folded: &Folded<'_>, cancel: &Cancel) -> Option<Vec<Placed>> {
    let mut search = Search::new(folded, cancel);
    let target = Target { height: folded.height, parts: 1, total: folded.height.into(), area: search.area };
    search
        .each_construction(|search, order| {
            search.builder.build(order, &target);
            let is_whole = search.builder.is_whole();
            if is_whole {
                std::mem::swap(&mut search.best, &mut search.builder.placed);
            }
            is_whole
        })
        .then_some(search.best)
}

/// Fills one part as densely as any construction does; with all copies, as short as it can.
pub(super) fn densest_part(folded: &Folded<'_>, cancel: &Cancel) -> Vec<Placed> {
    let mut search = Search::new(folded, cancel);
    let target = Target { height: folded.height, parts: 1, total: folded.height.into(), area: 0 };
    let mut best = (0, 1);
    search.each_construction(|search, order| {
        let Outcome { area, score } = search.builder.build(order, &target);
        // More area for each row.
        if area * u128::from(best.1) > best.0 * u128::from(score.total) {
            best = (area, score.total);
            std::mem::swap(&mut search.best, &mut search.builder.placed);
        }
        false
    });
    search.best
}

struct Search<'a> {
    folded: &'a Folded<'a>,
    builder: Builder<'a>,
    /// The least area that all copies cover.
    area: u128,
    /// The best packing with the order and the rule that it came from.
    best: Vec<Placed>,
    score: Score,
    order: Vec<u32>,
    rule: Rule,
    random: Random,
    cancel: &'a Cancel,
}

impl<'a> Search<'a> {
    fn new(folded: &'a Folded<'a>, cancel: &'a Cancel) -> Self {
        let score = Score { parts: u32::MAX, total: u64::MAX, last: u32::MAX };
        Self {
            folded,
            builder: Builder::new(folded),
            area: folded.kinds.iter().map(|kind| u128::from(smallest_area(kind)) * u128::from(kind.copies)).sum(),
            best: Vec::new(),
            score,
            order: Vec::new(),
            rule: Rule::Snug,
            random: Random::new(),
            cancel,
        }
    }

    /// Lets copies of a kind be told apart, so that there are at least about `candidates`.
    fn split(&mut self, candidates: u32) {
        let mut stock = Stock::new(self.folded, candidates);
        stock.work = self.builder.stock.work;
        self.order = self.builder.stock.split_order(&self.order, &stock);
        self.builder.stock = stock;
    }

    /// Constructs from all start orders by all rules.
    fn start(&mut self, steps: u64) {
        let orders = start_orders(self.builder.stock.candidates());
        for (order, rule) in orders.iter().flat_map(|order| Rule::ALL.map(|rule| (order, rule))) {
            if self.cancel.is_cancelled() || (self.score.parts < u32::MAX && self.is_spent(steps)) {
                return;
            }
            self.builder.stock.rule = rule;
            let target = if self.score.parts == 1 {
                Target { height: self.score.last - 1, parts: 1, total: self.score.total - 1, area: self.area }
            } else {
                Target { height: self.folded.height, parts: u32::MAX, total: u64::MAX, area: 0 }
            };
            let outcome = self.builder.build(order, &target);
            if self.builder.is_whole() && outcome.score < self.score {
                self.keep(outcome.score, order);
            }
        }
    }

    /// Hands each start order with each rule to `construct`, until it says that it is done or the run is cancelled; says whether it is done.
    fn each_construction(&mut self, mut construct: impl FnMut(&mut Self, &[u32]) -> bool) -> bool {
        let orders = start_orders(self.builder.stock.candidates());
        orders.iter().flat_map(|order| Rule::ALL.map(|rule| (order, rule))).any(|(order, rule)| {
            self.builder.stock.rule = rule;
            !self.cancel.is_cancelled() && construct(self, order)
        })
    }

    /// Keeps what was built last as the best packing.
    fn keep(&mut self, score: Score, order: &[u32]) {
        self.score = score;
        self.order.clear();
        self.order.extend_from_slice(order);
        self.rule = self.builder.stock.rule;
        std::mem::swap(&mut self.best, &mut self.builder.placed);
    }

    /// Looks for fewer parts, then for less length.
    fn improve(&mut self, steps: u64) {
        if self.is_spent(steps) {
            return;
        }
        let bound = strip_bound(self.folded);
        let fewest = u32::try_from(bound.div_ceil(self.folded.height.into())).unwrap_or(u32::MAX).max(1);
        if self.score.parts > fewest {
            let half = steps.midpoint(self.builder.stock.work);
            self.climb(half, |score, _| (score.parts > fewest).then(|| (score.parts - 1, u64::MAX)));
        }
        self.climb(steps, |score, lowered| {
            let most = score.total.checked_sub(bound).filter(|&most| most > 0)?;
            Some((score.parts, score.total - (most >> lowered).max(1)))
        });
    }

    /// Looks for packings that reach a goal: so many parts, so much length in all. It is set from the best score and from how often it was
    /// lowered in vain, until there is none.
    fn climb(&mut self, steps: u64, goal: impl Fn(Score, u32) -> Option<(u32, u64)>) {
        let starts = start_orders(self.builder.stock.candidates());
        let mut order = self.order.clone();
        let mut lowered = 2;
        let mut restarts = 0_u32;
        while !self.is_spent(steps) {
            let Some((parts, total)) = goal(self.score, lowered) else { return };
            let height = u32::try_from(total).unwrap_or(u32::MAX).min(self.folded.height);
            let target = Target { height, parts, total: total.min(u64::from(parts) * u64::from(height)), area: 0 };
            // The rule of the best packing is the most promising; now and then another one may be better.
            self.builder.stock.rule = if restarts % 2 == 1 { Rule::ALL[self.random.below(Rule::ALL.len())] } else { self.rule };
            if self.reach(&mut order, target, steps) {
                lowered = (lowered - 1).max(1);
                continue;
            }
            lowered = (lowered + 1).min(u64::BITS - 1);
            restarts += 1;
            // From near the best order, from farther off, or from elsewhere.
            let (start, share) = match restarts % 4 {
                1 => (&starts[self.random.below(starts.len())], 12),
                3 => (&self.order, 3),
                _ => (&self.order, 12),
            };
            order.clone_from(start);
            for _ in 0..=order.len() / share {
                change(&mut order, &mut self.random);
            }
        }
    }

    /// Changes the order until all copies are inside the target, which makes it the best, or until patience or steps are used up.
    fn reach(&mut self, order: &mut [u32], mut target: Target, steps: u64) -> bool {
        let first = self.builder.build(order, &target);
        if self.builder.is_whole() {
            self.keep(first.score, order);
            return true;
        }
        target.area = first.area;
        let mut patience = PATIENCE;
        while patience > 0 && !self.is_spent(steps) {
            let undo = change(order, &mut self.random);
            let outcome = self.builder.build(order, &target);
            if self.builder.is_whole() {
                self.keep(outcome.score, order);
                return true;
            }
            patience = if outcome.area > target.area { PATIENCE } else { patience - 1 };
            if outcome.area >= target.area {
                target.area = outcome.area;
            } else {
                undo.apply(order);
            }
        }
        false
    }

    /// Whether no more is to be tried: so many steps were taken, or the run was cancelled.
    fn is_spent(&self, steps: u64) -> bool {
        self.builder.stock.work >= steps || self.cancel.is_cancelled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::PxSize;
    use crate::layout::packing::Blank;
    use crate::preflight::MediaPx;

    fn folded<'a>(blanks: &'a [Blank], width: u32, max_length: u32) -> Folded<'a> {
        let film = MediaPx { width, max_length, left: 0, right: 0, top: 0, bottom: 0, gutter_x: 0, gutter_y: 0 };
        Folded::new(blanks, &film).unwrap()
    }

    fn blanks(sizes: &[(u32, u32)]) -> Vec<Blank> {
        sizes.iter().map(|&(width, height)| Blank { size: PxSize::new(width, height).unwrap(), copies: 1, turnable: true }).collect()
    }

    fn length(placed: &[Placed]) -> u32 {
        placed.iter().map(|place| place.y + place.shape.height).max().unwrap()
    }

    /// Duijvestijn's square of 21 different squares has one tiling: it is a puzzle that start orders do not solve.
    #[test]
    fn the_search_shortens_what_the_constructions_give() {
        let sides = [2, 4, 6, 7, 8, 9, 11, 15, 16, 17, 18, 19, 24, 25, 27, 29, 33, 35, 37, 42, 50];
        let blanks = blanks(&sides.map(|side| (side, side)));
        let folded = folded(&blanks, 112, 1000);
        let cancel = Cancel::default();
        let mut search = Search::new(&folded, &cancel);
        search.start(u64::MAX);
        let constructed = length(&search.best);
        search.split(64);
        search.improve(3_000_000);
        let improved = length(&search.best);
        assert!(improved < constructed && improved >= 112, "{constructed} → {improved}");
    }

    #[test]
    fn the_search_saves_a_part() {
        // Two parts of 100 × 100, each filled by 60 + 40: by area the two of 60 meet first.
        let blanks = blanks(&[(100, 51), (100, 30), (100, 19), (100, 49), (100, 26), (100, 25)]);
        let folded = folded(&blanks, 100, 100);
        let parts = |placed: &[Placed]| placed.iter().map(|place| place.part + 1).max().unwrap();
        let packed = search(&folded, Budget::of(Effort::Normal, folded.copies), &Cancel::default()).unwrap();
        assert_eq!(parts(&packed), 2);
    }

    /// The product of the copies once overflowed.
    #[test]
    fn more_copies_get_no_more_than_all_steps() {
        let all = Budget::of(Effort::High, 31).steps;
        assert!(Budget::of(Effort::High, 29).steps < all);
        assert_eq!(Budget::of(Effort::High, crate::layout::MAX_COPIES).steps, all);
    }

    #[test]
    fn a_cancelled_search_takes_no_step() {
        let blanks = blanks(&[(60, 40), (50, 30), (40, 90), (70, 20)]);
        let (folded, cancel) = (folded(&blanks, 100, 1000), Cancel::default());
        let mut search = Search::new(&folded, &cancel);
        search.start(u64::MAX);
        let steps = search.builder.stock.work;
        assert!(steps > 0 && !search.best.is_empty());
        cancel.cancel();
        search.improve(u64::MAX);
        assert_eq!(search.builder.stock.work, steps);
        let mut search = Search::new(&folded, &cancel);
        search.start(u64::MAX);
        assert_eq!(search.builder.stock.work, 0);
    }
}
