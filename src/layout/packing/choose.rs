//! What is left to place, in an order, and the rule that chooses from it for a gap.

use super::fold::{Folded, Kind, Shape};
use super::lists::Lists;
use super::reach::Reach;
use super::rule::{Fit, Rule};
use super::skyline::{EDGE, Gap, Side};
use super::trace::Step;

/// One way to lay some copies of one kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) shape: Shape,
    pub(super) kind: u32,
    /// How many copies are to be laid so.
    pub(super) copies: u32,
}

/// What the rule chose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    /// The candidate's position in the order.
    pub(super) position: u32,
    pub(super) candidate: Candidate,
    pub(super) side: Side,
    /// How it fits.
    pub(super) fit: Fit,
    /// The last position that was compared with it.
    pub(super) last: u32,
}

pub(super) const GONE: Shape = Shape { width: u32::MAX, height: u32::MAX };

/// How many candidates of exactly the wanted width or height are looked at: equal sides are common, so an unbounded look could cost
/// the square of the number of kinds.
const LOOK: usize = 48;

/// How many changes of width [`Rule::Fill`] sees among the candidates that fit.
const FILL_WIDTHS: u32 = 5;

/// How many times as high as a step a copy is for which [`Rule::Below`] rather levels it.
const LOW_STEP: u64 = 4;

/// How many nodes one search of the tree visits at most. Minima of both sides prune well unless all candidates are alike long and thin;
/// then the search gives up, the gap is wasted, and the packing stays valid, since in an empty part the first candidate fits.
const VISITS: u32 = 4096;

/// What it costs to make a stock and its start orders, in steps for each candidate: measured.
const SETUP_STEPS: u64 = 32;

/// The copies that are left, indexed by the order of preference.
///
/// A tree of minima over the order finds the first candidate that fits; lists by exact width and exact height find the ones that leave
/// no step behind.
#[derive(Debug)]
pub(super) struct Stock {
    candidates: Vec<Candidate>,
    /// Copies left of each kind.
    left: Vec<u32>,
    /// Copies left of each candidate, by position.
    left_at: Vec<u32>,
    /// The first and one past the last candidate of each kind.
    of_kind: Vec<[u32; 2]>,
    /// Position in the order of each candidate.
    position: Vec<u32>,
    /// Candidate at each position.
    order: Vec<u32>,
    /// Minima of width and height; node 1 is the root, the leaves are the last half.
    tree: Vec<Shape>,
    widths: Lists,
    heights: Lists,
    /// How much of each width must stay empty, for [`Rule::Fill`].
    reach: Reach,
    /// Candidates by rank: those of the next rank are offered when none of the last is left.
    stages: Vec<Vec<u32>>,
    /// How many stages were opened.
    opened: usize,
    /// What is preferred to the order.
    pub(super) rule: Rule,
    /// How many candidates at the front of the order come before all others, which then only fill what those leave; 0 where there is no such
    /// difference.
    pub(super) core: u32,
    /// Nodes and list entries visited since the last reset of the count.
    pub(super) work: u64,
}

impl Stock {
    /// The copies of each kind in each way to lay them.
    pub(super) fn new(folded: &Folded<'_>) -> Self {
        let (reach, work) = Reach::new(folded);
        Self::in_blocks(folded, 0, reach, work)
    }

    /// The same copies in blocks that are as large as leaves at least about `fewest` of them in all; goes on counting.
    pub(super) fn finer(&mut self, folded: &Folded<'_>, fewest: u32) -> Self {
        Self::in_blocks(folded, fewest, std::mem::take(&mut self.reach), self.work)
    }

    fn in_blocks(folded: &Folded<'_>, fewest: u32, reach: Reach, work: u64) -> Self {
        let ways = |kind: &Kind| kind.shapes().count() as u64;
        let kinds = folded.kinds.iter().map(ways).sum();
        let copies: u64 = folded.kinds.iter().map(|kind| ways(kind) * u64::from(kind.copies)).sum();
        let blocks = u64::from(fewest).saturating_sub(kinds);
        let block = if blocks == 0 { u32::MAX } else { u32::try_from(copies.div_ceil(blocks)).unwrap_or(u32::MAX) };
        let mut candidates = Vec::new();
        let mut of_kind = Vec::with_capacity(folded.kinds.len());
        let (mut stages, mut stage_rank) = (Vec::<Vec<u32>>::new(), None);
        for (kind, index) in folded.kinds.iter().zip(0..) {
            let first = id(candidates.len());
            for shape in kind.shapes() {
                let mut left = kind.copies;
                while left > 0 {
                    let copies = left.min(block);
                    left -= copies;
                    candidates.push(Candidate { shape, kind: index, copies });
                }
            }
            of_kind.push([first, id(candidates.len())]);
            // Kinds are sorted by rank.
            if stage_rank != Some(kind.rank) {
                stages.push(Vec::new());
                stage_rank = Some(kind.rank);
            }
            if let Some(stage) = stages.last_mut() {
                stage.extend(first..id(candidates.len()));
            }
        }
        let work = work + SETUP_STEPS * candidates.len() as u64;
        let leaves = candidates.len().next_power_of_two();
        let widths = Lists::new(candidates.iter().map(|candidate| candidate.shape.width));
        let heights = Lists::new(candidates.iter().map(|candidate| candidate.shape.height));
        Self {
            left: Vec::new(),
            left_at: Vec::new(),
            of_kind,
            position: vec![0; candidates.len()],
            order: Vec::new(),
            tree: vec![GONE; 2 * leaves],
            widths,
            heights,
            candidates,
            reach,
            stages,
            opened: 0,
            rule: Rule::Snug,
            core: 0,
            work,
        }
    }

    /// The same order for a stock of the same kinds whose candidates are smaller.
    pub(super) fn split_order(&self, order: &[u32], finer: &Self) -> Vec<u32> {
        let blocks = |&candidate: &u32| {
            let Candidate { shape, kind, .. } = self.candidates[candidate as usize];
            let [start, end] = finer.of_kind[kind as usize];
            (start..end).filter(move |&block| finer.candidates[block as usize].shape == shape)
        };
        order.iter().flat_map(blocks).collect()
    }

    /// The first candidate of a kind with this shape.
    pub(super) fn way(&self, kind: u32, shape: Shape) -> Option<u32> {
        let [start, end] = self.of_kind[kind as usize];
        (start..end).find(|&candidate| self.candidates[candidate as usize].shape == shape)
    }

    pub(super) fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// Copies left of each kind.
    pub(super) fn left(&self) -> &[u32] {
        &self.left
    }

    /// Restores all copies but those of `taken` and takes a new order of all candidates.
    pub(super) fn fill(&mut self, folded: &Folded<'_>, order: &[u32], taken: &[Step]) {
        self.left.clear();
        self.left.extend(folded.kinds.iter().map(|kind| kind.copies));
        self.left_at.clear();
        self.left_at.extend(order.iter().map(|&candidate| self.candidates[candidate as usize].copies));
        self.order.clear();
        self.order.extend_from_slice(order);
        self.widths.clear();
        self.heights.clear();
        for (position, &candidate) in (0..).zip(order) {
            self.position[candidate as usize] = position;
        }
        for step in taken {
            self.left_at[self.position[step.chosen as usize] as usize] -= 1;
            self.left[self.candidates[step.chosen as usize].kind as usize] -= 1;
        }
        let leaves = self.tree.len() / 2;
        let is_offered = |candidate: u32| self.stages.len() < 2 || self.stages[0].binary_search(&candidate).is_ok();
        for (position, &candidate) in (0..).zip(order) {
            let Candidate { shape, kind, .. } = self.candidates[candidate as usize];
            let is_left = self.is_left(position, kind);
            self.tree[leaves + position as usize] = if is_left && is_offered(candidate) { shape } else { GONE };
            if is_left {
                self.widths.push(candidate, position);
                self.heights.push(candidate, position);
            }
        }
        for node in (1..leaves).rev() {
            self.tree[node] = self.minima(node);
        }
        self.work += 2 * order.len() as u64;
        self.opened = 1;
        self.open_stages();
    }

    /// Whether a copy of the candidate at a position is left.
    fn is_left(&self, position: u32, kind: u32) -> bool {
        self.left_at[position as usize] > 0 && self.left[kind as usize] > 0
    }

    /// The smallest width and the smallest height that are left; `None` when nothing is.
    pub(super) fn smallest(&self) -> Option<Shape> {
        self.tree.get(1).copied().filter(|&minima| minima != GONE)
    }

    /// Takes one copy of the candidate at a position away.
    pub(super) fn take(&mut self, position: u32, kind: u32) {
        self.left_at[position as usize] -= 1;
        self.left[kind as usize] -= 1;
        if self.left[kind as usize] == 0 {
            let [start, end] = self.of_kind[kind as usize];
            for candidate in start..end {
                self.remove(self.position[candidate as usize]);
            }
        } else if self.left_at[position as usize] == 0 {
            self.remove(position);
        }
        self.open_stages();
    }

    /// Offers the candidates of the next rank while there are none.
    fn open_stages(&mut self) {
        while self.opened < self.stages.len() && self.smallest().is_none() {
            let stage = std::mem::take(&mut self.stages[self.opened]);
            for &candidate in &stage {
                let Candidate { shape, kind, .. } = self.candidates[candidate as usize];
                let position = self.position[candidate as usize];
                if self.is_left(position, kind) {
                    self.set(position, shape);
                }
            }
            self.work += stage.len() as u64;
            self.stages[self.opened] = stage;
            self.opened += 1;
            // What was not offered yet was passed over.
            self.widths.rewind();
            self.heights.rewind();
        }
    }

    fn remove(&mut self, position: u32) {
        self.set(position, GONE);
    }

    fn set(&mut self, position: u32, shape: Shape) {
        let mut node = self.tree.len() / 2 + position as usize;
        let mut minima = shape;
        while self.tree[node] != minima {
            self.tree[node] = minima;
            if node == 1 {
                break;
            }
            minima = minima.min_sides(self.tree[node ^ 1]);
            node /= 2;
        }
    }

    /// Chooses a candidate for the gap, of a height of at most `room`: the one that the rule prefers, or the first in the order that fits.
    pub(super) fn choose(&mut self, gap: &Gap, room: u32) -> Option<Choice> {
        if self.core == 0 {
            return self.choose_before(u32::MAX, gap, room);
        }
        let choice = self.choose_before(self.core, gap, room);
        choice.or_else(|| {
            // The others stay below the lower wall.
            let (rise, higher) = (gap.left.min(gap.right), gap.higher());
            let position = self.first_fitting(1, gap.width, if rise == EDGE { room } else { room.min(rise) })?;
            Some(self.choice(position, higher, Fit::Within))
        })
    }

    /// The same from the positions before `end`.
    fn choose_before(&mut self, end: u32, gap: &Gap, room: u32) -> Option<Choice> {
        let higher = gap.higher();
        if let Some((position, fit)) = self.spanning(end, gap, room) {
            return Some(self.choice(position, higher, fit));
        }
        if matches!(self.rule, Rule::Snug | Rule::Level) {
            let left = self.rising_to(end, gap.left, gap.width, room);
            let right = if gap.right == gap.left { None } else { self.rising_to(end, gap.right, gap.width, room) };
            match (left, right) {
                (Some(position), Some(other)) if other < position => return Some(self.choice(other, Side::Right, Fit::Rises)),
                (Some(position), _) => return Some(self.choice(position, Side::Left, Fit::Rises)),
                (None, Some(position)) => return Some(self.choice(position, Side::Right, Fit::Rises)),
                (None, None) => {}
            }
        }
        let first = self.first_fitting(1, gap.width, room)?;
        let (position, last) = match self.rule {
            Rule::Fill if first < end => self.least_left(end, first, gap.width, room),
            Rule::Below => (self.below(first, gap, room)?, first),
            _ => (first, first),
        };
        (position < end).then(|| Choice { last, ..self.choice(position, higher, Fit::Within) })
    }

    /// The first candidate that fits where it takes half of the gap or ends below the lower wall; else the first one that does. Where none
    /// does, the gap is given up for a level floor if that is low against the first.
    fn below(&mut self, first: u32, gap: &Gap, room: u32) -> Option<u32> {
        let rise = gap.left.min(gap.right);
        let shape = self.tree[self.tree.len() / 2 + first as usize];
        if rise == EDGE || shape.height <= rise || 2 * u64::from(shape.width) >= u64::from(gap.width) {
            return Some(first);
        }
        let below = self.first_fitting(1, gap.width, room.min(rise));
        let is_low = u64::from(rise) * LOW_STEP <= shape.height.into();
        below.or((!is_low).then_some(first))
    }

    /// Of the first few candidates that fit, `first` being the first, the one beside which least of the width must stay empty.
    /// With the last one that was looked at.
    fn least_left(&mut self, end: u32, first: u32, width: u32, room: u32) -> (u32, u32) {
        let leaves = self.tree.len() / 2;
        let (mut position, mut best, mut least) = (first, first, u32::MAX);
        let (mut last_width, mut widths) = (0, 0);
        for _ in 0..LOOK {
            let candidate_width = self.tree[leaves + position as usize].width;
            if candidate_width != last_width {
                widths += 1;
                last_width = candidate_width;
                let empty = self.reach.empty(width - candidate_width);
                if empty < least {
                    (best, least) = (position, empty);
                }
            }
            if least == 0 || widths == FILL_WIDTHS {
                break;
            }
            match after(leaves + position as usize).and_then(|node| self.first_fitting(node, width, room)) {
                Some(next) if next < end => position = next,
                _ => break,
            }
        }
        (best, position)
    }

    /// A candidate that fills the gap's width, best one that rises to a wall as well.
    fn spanning(&mut self, end: u32, gap: &Gap, room: u32) -> Option<(u32, Fit)> {
        let leaves = self.tree.len() / 2;
        let mut first = None;
        for &position in self.widths.find(gap.width, &self.tree[leaves..]).iter().take_while(|&&position| position < end).take(LOOK) {
            self.work += 1;
            let shape = self.tree[leaves + position as usize];
            if shape.width != gap.width || shape.height > room {
                continue;
            }
            if shape.height == gap.left || shape.height == gap.right {
                return Some((position, Fit::Whole));
            }
            first = first.or(Some((position, Fit::Spans)));
        }
        first.filter(|_| self.rule != Rule::Level)
    }

    fn choice(&self, position: u32, side: Side, fit: Fit) -> Choice {
        Choice { position, candidate: self.candidates[self.order[position as usize] as usize], side, fit, last: position }
    }

    /// The choice for a gap as a step of a construction.
    pub(super) fn step(&self, part: u32, gap: Gap, room: u32, choice: &Choice) -> Step {
        let [chosen, last] = [choice.position, choice.last].map(|position| self.order[position as usize]);
        Step { part, gap, room, chosen, side: choice.side, fit: choice.fit, last }
    }

    fn rising_to(&mut self, end: u32, wall: u32, width: u32, room: u32) -> Option<u32> {
        if wall > room {
            return None;
        }
        let leaves = self.tree.len() / 2;
        for &position in self.heights.find(wall, &self.tree[leaves..]).iter().take_while(|&&position| position < end).take(LOOK) {
            self.work += 1;
            if self.tree[leaves + position as usize].width <= width {
                return Some(position);
            }
        }
        None
    }

    /// The first candidate that fits in the tree's nodes from `node` on.
    fn first_fitting(&mut self, mut node: usize, width: u32, height: u32) -> Option<u32> {
        let leaves = self.tree.len() / 2;
        for visits in 0..VISITS {
            let minima = self.tree[node];
            // One jump for both: neither can be foretold.
            if (minima.width <= width) & (minima.height <= height) {
                if node >= leaves {
                    self.work += u64::from(visits);
                    return Some(id(node - leaves));
                }
                node *= 2;
            } else if let Some(next) = after(node) {
                node = next;
            } else {
                self.work += u64::from(visits);
                return None;
            }
        }
        self.work += u64::from(VISITS);
        None
    }

    fn minima(&self, node: usize) -> Shape {
        self.tree[2 * node].min_sides(self.tree[2 * node + 1])
    }
}

/// The node of a tree with root 1 that begins where `node` ends; `None` after the last.
fn after(node: usize) -> Option<usize> {
    let turn = node >> node.trailing_ones();
    (turn > 0).then_some(turn + 1)
}

/// Indices of candidates: at most two for each copy, so far below 2³².
fn id(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nodes_after_a_node_are_those_that_begin_where_it_ends() {
        assert_eq!([2, 4, 5, 6, 9, 11].map(after), [Some(3), Some(5), Some(3), Some(7), Some(5), Some(3)]);
        assert_eq!([1, 3, 7, 15].map(after), [None; 4]);
    }
}
