//! The search for a good order.
//!
//! Constructions from a few start orders come first. The best of them is then improved: a goal a little shorter than the best packing is
//! set, the order is changed at random, and a change stays when the construction places no less area within the goal. A goal that was
//! reached is the next packing to beat; one that is not reached for a while is lowered, and the search starts again from another order.

use std::iter::once;

use super::Effort;
use super::bound::{MOST_MAPPED, smallest_area, strip_bound};
use super::build::{Builder, Outcome, Score, Target};
use super::choose::Candidate;
use super::fold::{Folded, Placed};
use super::order::{Random, START_ORDERS, Weights, change, start_order};
use super::rule::Rule;
use super::trace::Trace;
use crate::cancel::Cancel;

/// What a search may cost, in steps: placements, lifts, visited nodes and list entries. A million take about 6 ms.
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
            Effort::Once => Self { candidates: 0, start: 0, steps: 0 },
            Effort::Fast => Self { candidates: 256, start: 3_000_000, steps: share(2_000_000) },
            Effort::Normal => Self { candidates: 512, start: 120_000_000, steps: share(120_000_000) },
            Effort::High => Self { candidates: 512, start: 3_000_000_000, steps: share(3_000_000_000) },
        }
    }

    /// How many steps may be spent on choosing what lies on which part, where rules or several films ask for it.
    pub(super) fn for_choices(effort: Effort) -> u64 {
        match effort {
            Effort::Once => 0,
            Effort::Fast => 20_000_000,
            Effort::Normal => 30_000_000,
            Effort::High => 300_000_000,
        }
    }

    /// The share of `copies` out of `whole` that are packed piece by piece.
    pub(super) fn share(self, copies: u64, whole: u64) -> Self {
        let share = |steps: u64| u64::try_from(u128::from(steps) * u128::from(copies) / u128::from(whole.max(1))).unwrap_or(steps);
        Self { start: share(self.start), steps: share(self.steps), ..self }
    }
}

/// How many choices are compared with a change in a step: measured.
const COMPARED_A_STEP: u64 = 2;

/// The share of the steps that the bound may cost.
const BOUND_SHARE: u64 = 64;

/// The share of the steps that are for large copies alone, where they come first, and among how many searches it is divided: a short packing of
/// the large copies is often not one whose gaps the small ones fill, so more is gained by many packings than by a shorter one.
const CORE_SHARE: u64 = 4;
const CORE_SEARCHES: u64 = 64;

/// How many changes in a row, noticed or not, may be in vain before the search starts again from another order.
const PATIENCE: u32 = 400;

/// A search starts again after one change for so many candidates: a few of them next to an order, or far from it.
const NEAR: usize = 300;
const FAR: usize = 100;

/// Packs in several orders, improves the best as long as the budget allows, and returns the best packing. `None` where what lies fixed
/// leaves a part before it empty. One that is cancelled ends with what there is then.
pub(super) fn search(folded: &Folded<'_>, budget: Budget, cancel: &Cancel) -> Option<Vec<Placed>> {
    if let Some(placed) = folded.only_copy() {
        return Some(vec![placed]);
    }
    let Budget { candidates, start, steps } = budget;
    let mut search = Search::new(folded, cancel);
    search.start(start);
    let constructed = search.score;
    if !search.order.is_empty() && !search.is_spent(steps) {
        search.lay_core(budget);
        search.split(candidates);
        search.improve(steps);
    }
    debug_assert!(search.score <= constructed);
    (search.score.parts < u32::MAX).then_some(search.best)
}

/// Packs all copies on one part, by the first construction that does. There is one at least, and more while there are `steps`, which it takes
/// away.
pub(super) fn on_one_part(folded: &Folded<'_>, steps: &mut u64, cancel: &Cancel) -> Option<Vec<Placed>> {
    let mut search = Search::new(folded, cancel);
    let target = Target { height: folded.height, parts: 1, total: folded.height.into(), area: search.area };
    let mut is_whole = false;
    search.each_construction(|search, order| {
        search.builder.build(order, &target);
        is_whole = search.builder.is_whole();
        is_whole || search.is_spent(*steps)
    });
    *steps = steps.saturating_sub(search.builder.stock.work);
    is_whole.then_some(search.builder.placed)
}

/// Fills one part as densely as any construction does; with all copies, as short as it can. There is one at least, and more while there are
/// `steps`.
pub(super) fn densest_part(folded: &Folded<'_>, steps: u64, cancel: &Cancel) -> Vec<Placed> {
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
        search.is_spent(steps)
    });
    search.best
}

/// Each rule with the number of each start order, what is best alone at first.
fn constructions(first: Rule, rules: &'static [Rule]) -> impl Iterator<Item = (Rule, usize)> {
    let all = rules.iter().flat_map(|&rule| (0..START_ORDERS).map(move |nth| (rule, nth)));
    once((first, 0)).chain(all.filter(move |&other| other != (first, 0)))
}

struct Search<'a> {
    folded: &'a Folded<'a>,
    builder: Builder<'a>,
    /// The least area that all copies cover.
    area: u128,
    /// The best packing with the order and the rule that it came from; before there is one, the rule that is best alone.
    best: Vec<Placed>,
    score: Score,
    order: Vec<u32>,
    rule: Rule,
    /// The rules to choose from.
    rules: &'static [Rule],
    random: Random,
    /// What the last construction chose whose order is being changed.
    trace: Trace,
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
            rule: Rule::Fill,
            rules: &Rule::ALL,
            random: Random::new(),
            trace: Trace::default(),
            cancel,
        }
    }

    /// Where few large copies lie among many small ones, searches for packings of the large ones and fills up what they leave.
    fn lay_core(&mut self, Budget { candidates, steps, .. }: Budget) {
        let Some((core, kinds)) = self.folded.core() else { return };
        let all = steps.saturating_sub(self.builder.stock.work) / CORE_SHARE;
        let (end, share) = (self.builder.stock.work + all, all / CORE_SEARCHES);
        let mut random = Random::new();
        for (rule, rules) in [(Rule::Fill, &Rule::ALL[..]), (Rule::Below, &[Rule::Below])].into_iter().cycle() {
            let mut inner = Search { rule, rules, random, ..Search::new(&core, self.cancel) };
            inner.start(share);
            inner.split(candidates);
            inner.improve(share);
            self.builder.stock.work += inner.builder.stock.work;
            self.fill_core(&inner, &kinds);
            if self.is_spent(end) {
                break;
            }
            random = inner.random;
        }
    }

    /// Constructs with the largest kinds first, in the order and by the rule that was best for them alone.
    fn fill_core(&mut self, inner: &Search<'_>, kinds: &[u32]) {
        let stock = &mut self.builder.stock;
        let mut is_known = vec![false; stock.candidates().len()];
        let mut order = Vec::with_capacity(is_known.len());
        for way in &inner.order {
            let Candidate { shape, kind, .. } = inner.builder.stock.candidates()[*way as usize];
            // Copies of a kind were told apart for the search, and are not here.
            let same = stock.way(kinds[kind as usize], shape).filter(|&same| !std::mem::replace(&mut is_known[same as usize], true));
            order.extend(same);
        }
        stock.core = u32::try_from(order.len()).unwrap_or(0);
        order.extend(start_order(stock.candidates(), 0).into_iter().filter(|&way| !is_known[way as usize]));
        stock.rule = inner.rule;
        let target = Target { height: self.folded.height, parts: u32::MAX, total: u64::MAX, area: 0 };
        let outcome = self.builder.build(&order, &target);
        self.builder.stock.core = 0;
        if self.builder.is_whole() && outcome.score < self.score {
            self.keep(outcome.score, &order);
        }
    }

    /// Lets copies of a kind be told apart, so that there are at least about `candidates`.
    fn split(&mut self, candidates: u32) {
        let stock = self.builder.stock.finer(self.folded, candidates);
        self.order = self.builder.stock.split_order(&self.order, &stock);
        self.builder.stock = stock;
    }

    /// Constructs from all start orders by all rules, until so many steps were taken and there is a packing.
    fn start(&mut self, steps: u64) {
        self.each_construction(|search, order| {
            let target = if search.score.parts == 1 {
                Target { height: search.score.last - 1, parts: 1, total: search.score.total - 1, area: search.area }
            } else {
                Target { height: search.folded.height, parts: u32::MAX, total: u64::MAX, area: 0 }
            };
            let outcome = search.builder.build(order, &target);
            if search.builder.is_whole() && outcome.score < search.score {
                search.keep(outcome.score, order);
            }
            search.score.parts < u32::MAX && search.is_spent(steps)
        });
    }

    /// Hands each start order with each rule to `construct`, until it says that it is done or the run is cancelled.
    fn each_construction(&mut self, mut construct: impl FnMut(&mut Self, &[u32]) -> bool) {
        let mut orders: Vec<Vec<u32>> = Vec::with_capacity(START_ORDERS);
        for (rule, nth) in constructions(self.rule, self.rules) {
            if orders.len() == nth {
                orders.push(start_order(self.builder.stock.candidates(), nth));
            }
            self.builder.stock.rule = rule;
            if self.cancel.is_cancelled() || construct(self, &orders[nth]) {
                return;
            }
        }
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
        let (bound, work) = strip_bound(self.folded, (steps / BOUND_SHARE).min(MOST_MAPPED));
        self.builder.stock.work += work;
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
        let starts: Vec<Vec<u32>> = (0..START_ORDERS).map(|nth| start_order(self.builder.stock.candidates(), nth)).collect();
        let weights = Weights::new(self.builder.stock.candidates());
        let mut order = self.order.clone();
        // Fewer changes of more copies can be tried, and each gains less.
        let mut lowered = self.folded.copies.checked_ilog2().unwrap_or(0).saturating_sub(4).max(2);
        let mut restarts = 0_u32;
        while !self.is_spent(steps) {
            let Some((parts, total)) = goal(self.score, lowered) else { return };
            let height = u32::try_from(total).unwrap_or(u32::MAX).min(self.folded.height);
            let target = Target { height, parts, total: total.min(u64::from(parts) * u64::from(height)), area: 0 };
            // The rule of the best packing is the most promising; now and then another one may be better.
            self.builder.stock.rule = if restarts % 2 == 1 { self.rules[self.random.below(self.rules.len())] } else { self.rule };
            if self.reach(&mut order, &weights, target, steps) {
                lowered = (lowered - 1).max(1);
                continue;
            }
            lowered = (lowered + 1).min(u64::BITS - 1);
            restarts += 1;
            // From next to the best order, from farther off, or from elsewhere.
            let (start, share) = match restarts % 4 {
                1 => (&starts[self.random.below(starts.len())], FAR),
                3 => (&self.order, FAR),
                _ => (&self.order, NEAR),
            };
            order.clone_from(start);
            for _ in 0..=order.len() / share {
                change(&mut order, &weights, &mut self.random);
            }
        }
    }

    /// Changes the order until all copies are inside the target, which makes it the best, or until patience or steps are used up.
    fn reach(&mut self, order: &mut [u32], weights: &Weights, mut target: Target, steps: u64) -> bool {
        let first = self.builder.build(order, &target);
        if self.builder.is_whole() {
            self.keep(first.score, order);
            return true;
        }
        target.area = first.area;
        self.keep_trace(order);
        let mut patience = PATIENCE;
        while patience > 0 && !self.is_spent(steps) {
            let undo = change(order, weights, &mut self.random);
            let known =
                if self.builder.is_traced { self.trace.before(undo, order, self.builder.stock.candidates()) } else { Some(&[][..]) };
            let Some(known) = known else {
                patience -= 1;
                self.builder.stock.work += std::mem::take(&mut self.trace.visits) / COMPARED_A_STEP;
                continue;
            };
            let outcome = self.builder.build_on(known, order, &target);
            if self.builder.is_whole() {
                self.keep(outcome.score, order);
                return true;
            }
            patience = if outcome.area > target.area { PATIENCE } else { patience - 1 };
            if outcome.area >= target.area {
                target.area = outcome.area;
                self.keep_trace(order);
            } else {
                undo.apply(order);
            }
        }
        false
    }

    /// What was built last is what changes of the order start from.
    fn keep_trace(&mut self, order: &[u32]) {
        let Builder { stock, steps, is_traced, .. } = &mut self.builder;
        if *is_traced {
            self.trace.renew(steps, order, stock);
        }
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
    fn every_rule_meets_every_order_once() {
        for (first, rules) in [(Rule::Fill, &Rule::ALL[..]), (Rule::Below, &[Rule::Below])] {
            let mut met: Vec<(Rule, usize)> = constructions(first, rules).collect();
            assert_eq!(met[0], (first, 0));
            met.sort_by_key(|&(rule, nth)| (rules.iter().position(|&other| other == rule), nth));
            let all: Vec<(Rule, usize)> = rules.iter().flat_map(|&rule| (0..START_ORDERS).map(move |nth| (rule, nth))).collect();
            assert_eq!(met, all);
        }
    }

    #[test]
    fn one_construction_is_one() {
        let blanks = blanks(&[(60, 40), (50, 30), (40, 90), (70, 20)]);
        let (folded, cancel) = (folded(&blanks, 100, 1000), Cancel::default());
        let mut search = Search::new(&folded, &cancel);
        let mut constructions = 0;
        search.each_construction(|search, order| {
            let target = Target { height: 1000, parts: 1, total: 1000, area: 0 };
            let outcome = search.builder.build(order, &target);
            search.keep(outcome.score, order);
            constructions += 1;
            search.is_spent(Budget::of(Effort::Once, 4).start)
        });
        assert_eq!(constructions, 1);
        let once = super::search(&folded, Budget::of(Effort::Once, 4), &cancel).unwrap();
        assert_eq!(length(&once), search.score.last);
    }

    /// Small copies in the gaps between large ones once kept the search from packing the large ones well.
    #[test]
    fn few_large_copies_come_before_many_small_ones() {
        let sides = [2, 4, 6, 7, 8, 9, 11, 15, 16, 17, 18, 19, 24, 25, 27, 29, 33, 35, 37, 42, 50];
        let mut blanks = blanks(&sides.map(|side| (10 * side, 10 * side))[9..]);
        blanks.push(Blank { copies: 200, ..self::blanks(&[(9, 7)])[0] });
        let mut gained = 0;
        for width in [600, 700, 800, 900, 1000] {
            let (folded, cancel) = (folded(&blanks, width, 10_000), Cancel::default());
            let (core, kinds) = folded.core().unwrap();
            assert_eq!((core.copies, kinds.len(), folded.copies), (12, 12, 212));
            let mut search = Search::new(&folded, &cancel);
            search.start(u64::MAX);
            let constructed = search.score;
            search.lay_core(Budget { candidates: 64, start: 0, steps: search.builder.stock.work + 4_000_000 });
            assert!(search.score <= constructed && search.best.len() == 212);
            gained += constructed.total - search.score.total;
        }
        assert!(gained > 0);
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
        let steps = search.builder.stock.work;
        search.start(u64::MAX);
        assert_eq!(search.builder.stock.work, steps);
    }
}
