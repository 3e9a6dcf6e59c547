//! What is left to place, in an order, and the rule that chooses from it for a gap.

use super::fold::{Folded, Shape};
use super::skyline::{Gap, Side};

/// One way to lay one kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) shape: Shape,
    pub(super) kind: u32,
}

/// What the rule chose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    pub(super) candidate: Candidate,
    pub(super) side: Side,
}

const GONE: Shape = Shape { width: u32::MAX, height: u32::MAX };

/// How many candidates of exactly the wanted width or height are looked at: equal sides are common, so an unbounded look could cost
/// the square of the number of kinds.
const LOOK: usize = 48;

/// How many nodes one search of the tree visits at most. Minima of both sides prune well unless all candidates are alike long and thin;
/// then the search gives up, the gap is wasted, and the packing stays valid, since in an empty part the first candidate fits.
const VISITS: u32 = 4096;

/// The copies that are left, indexed by the order of preference.
///
/// A tree of minima over the order finds the first candidate that fits; lists by exact width and exact height find the ones that leave
/// no step behind.
#[derive(Debug)]
pub(super) struct Stock {
    candidates: Vec<Candidate>,
    /// Copies left of each kind.
    left: Vec<u32>,
    /// Candidates of each kind: one or two.
    of_kind: Vec<[u32; 2]>,
    /// Position in the order of each candidate.
    position: Vec<u32>,
    /// Candidate at each position.
    order: Vec<u32>,
    /// Minima of width and height; node 1 is the root, the leaves are the last half.
    tree: Vec<Shape>,
    widths: Lists,
    heights: Lists,
    /// Nodes and list entries visited since the last reset of the count.
    pub(super) work: u64,
}

impl Stock {
    pub(super) fn new(folded: &Folded<'_>) -> Self {
        let mut candidates = Vec::new();
        let mut of_kind = Vec::with_capacity(folded.kinds.len());
        for (kind, index) in folded.kinds.iter().zip(0..) {
            let first = id(candidates.len());
            candidates.extend(kind.shapes().map(|shape| Candidate { shape, kind: index }));
            of_kind.push([first, id(candidates.len() - 1)]);
        }
        let leaves = candidates.len().next_power_of_two();
        let widths = Lists::new(candidates.iter().map(|candidate| candidate.shape.width));
        let heights = Lists::new(candidates.iter().map(|candidate| candidate.shape.height));
        Self {
            left: Vec::new(),
            of_kind,
            position: vec![0; candidates.len()],
            order: Vec::new(),
            tree: vec![GONE; 2 * leaves],
            widths,
            heights,
            candidates,
            work: 0,
        }
    }

    pub(super) fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// Restores all copies and takes a new order of all candidates.
    pub(super) fn fill(&mut self, folded: &Folded<'_>, order: &[u32]) {
        self.left.clear();
        self.left.extend(folded.kinds.iter().map(|kind| kind.copies));
        self.order.clear();
        self.order.extend_from_slice(order);
        self.widths.clear();
        self.heights.clear();
        let leaves = self.tree.len() / 2;
        for (position, &candidate) in (0..).zip(order) {
            self.position[candidate as usize] = position;
            self.tree[leaves + position as usize] = self.candidates[candidate as usize].shape;
            self.widths.push(candidate, position);
            self.heights.push(candidate, position);
        }
        for node in (1..leaves).rev() {
            self.tree[node] = self.minima(node);
        }
        self.work += order.len() as u64;
    }

    /// The smallest width and the smallest height that are left; `None` when nothing is.
    pub(super) fn smallest(&self) -> Option<Shape> {
        self.tree.get(1).copied().filter(|&minima| minima != GONE)
    }

    /// Takes one copy away.
    pub(super) fn take(&mut self, kind: u32) {
        let left = &mut self.left[kind as usize];
        *left -= 1;
        if *left > 0 {
            return;
        }
        let leaves = self.tree.len() / 2;
        for candidate in self.of_kind[kind as usize] {
            let mut node = leaves + self.position[candidate as usize] as usize;
            self.tree[node] = GONE;
            while node > 1 {
                node /= 2;
                let minima = self.minima(node);
                if self.tree[node] == minima {
                    break;
                }
                self.tree[node] = minima;
            }
        }
    }

    /// Chooses a candidate for the gap, of a height of at most `room`. Best first: one that fills the gap's width and rises to a wall;
    /// one that fills its width; one that rises to a wall; the first in the order that fits.
    pub(super) fn choose(&mut self, gap: &Gap, room: u32) -> Option<Choice> {
        let leaves = self.tree.len() / 2;
        let higher = if gap.left >= gap.right { Side::Left } else { Side::Right };
        let mut wide = None;
        for &position in self.widths.find(gap.width).iter().take(LOOK) {
            self.work += 1;
            let shape = self.tree[leaves + position as usize];
            if shape.width != gap.width || shape.height > room {
                continue;
            }
            if shape.height == gap.left || shape.height == gap.right {
                return Some(self.choice(position, higher));
            }
            wide = wide.or(Some(position));
        }
        if let Some(position) = wide {
            return Some(self.choice(position, higher));
        }
        let left = self.rising_to(gap.left, gap.width, room);
        let right = if gap.right == gap.left { None } else { self.rising_to(gap.right, gap.width, room) };
        match (left, right) {
            (Some(position), Some(other)) if other < position => return Some(self.choice(other, Side::Right)),
            (Some(position), _) => return Some(self.choice(position, Side::Left)),
            (None, Some(position)) => return Some(self.choice(position, Side::Right)),
            (None, None) => {}
        }
        let position = self.first_fitting(gap.width, room)?;
        Some(self.choice(position, higher))
    }

    fn choice(&self, position: u32, side: Side) -> Choice {
        Choice { candidate: self.candidates[self.order[position as usize] as usize], side }
    }

    fn rising_to(&mut self, wall: u32, width: u32, room: u32) -> Option<u32> {
        if wall > room {
            return None;
        }
        let leaves = self.tree.len() / 2;
        for &position in self.heights.find(wall).iter().take(LOOK) {
            self.work += 1;
            if self.tree[leaves + position as usize].width <= width {
                return Some(position);
            }
        }
        None
    }

    fn first_fitting(&mut self, width: u32, height: u32) -> Option<u32> {
        let leaves = self.tree.len() / 2;
        let mut node = 1;
        for visits in 0..VISITS {
            let minima = self.tree[node];
            if minima.width <= width && minima.height <= height {
                if node >= leaves {
                    self.work += u64::from(visits);
                    return Some(id(node - leaves));
                }
                node *= 2;
                continue;
            }
            while node % 2 == 1 {
                node /= 2;
            }
            if node == 0 {
                self.work += u64::from(visits);
                return None;
            }
            node += 1;
        }
        self.work += u64::from(VISITS);
        None
    }

    fn minima(&self, node: usize) -> Shape {
        let (a, b) = (self.tree[2 * node], self.tree[2 * node + 1]);
        Shape { width: a.width.min(b.width), height: a.height.min(b.height) }
    }
}

/// Positions of candidates, listed by one exact side length.
#[derive(Debug)]
struct Lists {
    /// Open-addressed table from length to list; its size is a power of two.
    table: Vec<(u32, u32)>,
    /// The list of each candidate.
    of_candidate: Vec<u32>,
    /// Where each list starts, and one past the last.
    starts: Vec<u32>,
    /// How much of each list is filled.
    filled: Vec<u32>,
    positions: Vec<u32>,
}

impl Lists {
    fn new(lengths: impl ExactSizeIterator<Item = u32> + Clone) -> Self {
        let mut distinct: Vec<u32> = lengths.clone().collect();
        distinct.sort_unstable();
        distinct.dedup();
        let mut lists = Self {
            table: vec![(0, u32::MAX); (distinct.len() * 2).next_power_of_two()],
            of_candidate: Vec::with_capacity(lengths.len()),
            starts: vec![0; distinct.len() + 1],
            filled: vec![0; distinct.len()],
            positions: vec![0; lengths.len()],
        };
        for (&length, list) in distinct.iter().zip(0..) {
            let slot = lists.slot(length);
            lists.table[slot] = (length, list);
        }
        for length in lengths {
            let list = lists.table[lists.slot(length)].1;
            lists.of_candidate.push(list);
            lists.starts[list as usize + 1] += 1;
        }
        for list in 1..lists.starts.len() {
            lists.starts[list] += lists.starts[list - 1];
        }
        lists
    }

    /// The slot that holds `length`, or the free one where it would be.
    fn slot(&self, length: u32) -> usize {
        let mask = self.table.len() - 1;
        // Fibonacci hashing: the high bits of the product are well mixed.
        let mut slot = ((u64::from(length).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize) & mask;
        while self.table[slot].1 != u32::MAX && self.table[slot].0 != length {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn clear(&mut self) {
        self.filled.fill(0);
    }

    fn push(&mut self, candidate: u32, position: u32) {
        let list = self.of_candidate[candidate as usize] as usize;
        self.positions[(self.starts[list] + self.filled[list]) as usize] = position;
        self.filled[list] += 1;
    }

    fn find(&self, length: u32) -> &[u32] {
        match self.table[self.slot(length)] {
            (_, u32::MAX) => &[],
            (_, list) => &self.positions[self.starts[list as usize] as usize..self.starts[list as usize + 1] as usize],
        }
    }
}

/// Indices of candidates: at most two for each copy, so far below 2³².
fn id(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
