//! One construction: from an order of candidates to a packing.

use super::areas::{Area, FreeAreas};
use super::choose::{Candidate, Choice, Stock};
use super::fold::{Folded, Placed};
use super::skyline::{EDGE, Gap, Side, Skyline};
use super::trace::{MOST_TRACED, Step};
use crate::job::Cut;

/// How good a packing is; less is better. Parts count most, then the total length, then the last part's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Score {
    pub(super) parts: u32,
    pub(super) total: u64,
    pub(super) last: u32,
}

/// What a construction has to keep to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    /// The longest part.
    pub(super) height: u32,
    /// The most parts.
    pub(super) parts: u32,
    /// The most length of all parts together.
    pub(super) total: u64,
    /// The construction ends as soon as it cannot place this area any more.
    pub(super) area: u128,
}

/// What became of a construction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    /// The area of what was placed.
    pub(super) area: u128,
    /// The score so far.
    pub(super) score: Score,
}

/// What a construction, a placement, one that is repeated and a lift cost besides what is visited for them, in steps: measured.
const BUILD_STEPS: u64 = 64;
const PLACE_STEPS: u64 = 8;
const REPEAT_STEPS: u64 = 4;
const LIFT_STEPS: u64 = 4;

/// How many free rectangles are looked at in a step: measured.
const VISITS_A_STEP: u64 = 4;

/// Builds packings and keeps the memory for the next one.
#[derive(Debug)]
pub(super) struct Builder<'a> {
    folded: &'a Folded<'a>,
    pub(super) stock: Stock,
    skyline: Skyline,
    areas: FreeAreas,
    /// The packing that was built last.
    pub(super) placed: Vec<Placed>,
    /// The choices that led to it, of a packing that is traced.
    pub(super) steps: Vec<Step>,
    pub(super) is_traced: bool,
    /// Its parts.
    parts: u32,
}

impl<'a> Builder<'a> {
    /// A builder whose stock has one candidate for each way to lay a kind.
    pub(super) fn new(folded: &'a Folded<'a>) -> Self {
        Self {
            folded,
            stock: Stock::new(folded),
            skyline: Skyline::default(),
            areas: FreeAreas::default(),
            placed: Vec::with_capacity(folded.copies as usize),
            steps: Vec::new(),
            is_traced: folded.copies <= MOST_TRACED,
            parts: 0,
        }
    }

    /// Places copies in `order` until all are placed or the target is out of reach.
    pub(super) fn build(&mut self, order: &[u32], target: &Target) -> Outcome {
        self.build_on(&[], order, target)
    }

    /// The same where the first choices are known: those of a construction for a target of the same lengths.
    pub(super) fn build_on(&mut self, mut known: &[Step], order: &[u32], target: &Target) -> Outcome {
        self.stock.fill(self.folded, order, known);
        self.stock.work += BUILD_STEPS;
        self.placed.clear();
        self.steps.clear();
        let mut outcome = Outcome { area: 0, score: Score { parts: 0, total: 0, last: 0 } };
        let occupied_parts = self.folded.occupied_parts();
        while (!known.is_empty() || self.stock.smallest().is_some() || outcome.score.parts < occupied_parts)
            && outcome.score.parts < target.parts
        {
            let rest = target.total - outcome.score.total;
            let longest = u64::from(target.height) * u64::from(target.parts - outcome.score.parts);
            let possible = outcome.area + u128::from(self.folded.width) * u128::from(rest.min(longest));
            let Some(spare) = possible.checked_sub(target.area) else { break };
            let height = u32::try_from(rest).unwrap_or(u32::MAX).min(target.height);
            let before = outcome.area;
            let occupied = self.folded.occupied(outcome.score.parts);
            let reach = occupied.map_or(0, |occupied| occupied.bottom);
            if reach > height {
                break;
            }
            let length = if let Some(occupied) = occupied {
                self.areas.reset(&occupied.free);
                self.build_between(&mut known, height, &mut outcome).max(reach)
            } else if self.folded.cut == Cut::Guillotine {
                self.areas.reset(&[Area { x: 0, y: 0, width: self.folded.width, height: self.folded.height }]);
                self.build_between(&mut known, height, &mut outcome)
            } else {
                self.build_part(&mut known, height, spare, &mut outcome)
            };
            let is_given_up = known.first().is_some_and(|step| step.part == outcome.score.parts);
            if is_given_up || (outcome.area == before && reach == 0) {
                break;
            }
            outcome.score = Score { parts: outcome.score.parts + 1, total: outcome.score.total + u64::from(length), last: length };
        }
        self.stock.work += std::mem::take(&mut self.areas.visits) / VISITS_A_STEP;
        self.parts = outcome.score.parts;
        outcome
    }

    /// Whether what was built last holds all copies, and every part on which something lies fixed.
    pub(super) fn is_whole(&self) -> bool {
        self.placed.len() == self.folded.copies as usize && self.parts >= self.folded.occupied_parts()
    }

    /// Fills one part until nothing fits any more or more than `spare` is wasted; says how far it reaches. A part of the folded height
    /// takes at least one copy.
    fn build_part(&mut self, known: &mut &[Step], height: u32, mut spare: u128, outcome: &mut Outcome) -> u32 {
        self.skyline.reset(self.folded.width);
        let (part, mut length) = (outcome.score.parts, 0);
        loop {
            let gap = self.skyline.gap();
            let room = height - gap.y;
            let taken = if known.is_empty() {
                let Some(smallest) = self.stock.smallest().filter(|smallest| smallest.height <= room) else { break };
                if smallest.width > gap.width { None } else { self.choose(part, gap, room) }
            } else {
                self.repeat(known, part, gap)
            };
            if let Some((Candidate { shape, kind, .. }, side)) = taken {
                let x = match side {
                    Side::Left => gap.x,
                    Side::Right => gap.x + gap.width - shape.width,
                };
                self.placed.push(Placed { kind, part, x, y: gap.y, shape });
                self.skyline.place(side, shape.width, shape.height);
                outcome.area += u128::from(shape.area());
                length = length.max(gap.y + shape.height);
                continue;
            }
            let rise = gap.left.min(gap.right);
            let wasted = u128::from(gap.width) * u128::from(rise);
            if rise == EDGE || wasted > spare {
                break;
            }
            spare -= wasted;
            self.stock.work += LIFT_STEPS;
            self.skyline.lift();
        }
        length
    }

    /// Fills the free areas of one part until nothing fits any more; says how far what was placed reaches.
    fn build_between(&mut self, known: &mut &[Step], height: u32, outcome: &mut Outcome) -> u32 {
        let (part, end) = (outcome.score.parts, self.folded.height);
        let mut length = 0;
        while let Some(area) = self.areas.next(height) {
            let gap = Gap { x: area.x, y: area.y, width: area.width, left: area.height, right: area.height };
            let taken = if known.is_empty() {
                let Some(smallest) = self.stock.smallest() else { break };
                let fits = smallest.width <= area.width && smallest.height <= area.height;
                if fits { self.choose(part, gap, area.height) } else { None }
            } else {
                self.repeat(known, part, gap)
            };
            let Some((Candidate { shape, kind, .. }, _)) = taken else {
                self.stock.work += LIFT_STEPS;
                self.areas.drop_current();
                continue;
            };
            self.placed.push(Placed { kind, part, x: area.x, y: area.y, shape });
            self.areas.place(shape, self.folded.cut, end);
            outcome.area += u128::from(shape.area());
            length = length.max(area.y + shape.height);
        }
        length
    }

    /// Takes a copy for a gap away from the stock.
    fn choose(&mut self, part: u32, gap: Gap, room: u32) -> Option<(Candidate, Side)> {
        let choice = self.stock.choose(&gap, room)?;
        if self.is_traced {
            self.steps.push(self.stock.step(part, gap, room, &choice));
        }
        let Choice { position, candidate, side, .. } = choice;
        self.stock.take(position, candidate.kind);
        self.stock.work += PLACE_STEPS;
        Some((candidate, side))
    }

    /// The first of the known choices, where it is for this gap.
    fn repeat(&mut self, known: &mut &[Step], part: u32, gap: Gap) -> Option<(Candidate, Side)> {
        let (step, rest) = known.split_first().filter(|(step, _)| (step.part, step.gap) == (part, gap))?;
        *known = rest;
        self.steps.push(*step);
        self.stock.work += REPEAT_STEPS;
        Some((self.stock.candidates()[step.chosen as usize], step.side))
    }
}
