//! Candidates by one exact side length.

use super::choose::GONE;
use super::fold::Shape;

/// Positions of candidates, listed by one exact side length.
#[derive(Debug)]
pub(super) struct Lists {
    /// Open-addressed table from length to list; its size is a power of two.
    table: Vec<(u32, u32)>,
    /// The list of each candidate.
    of_candidate: Vec<u32>,
    /// Where each list starts, and one past the last.
    starts: Vec<u32>,
    /// Where the first live entry of each list may be.
    heads: Vec<u32>,
    /// How many entries each list has.
    filled: Vec<u32>,
    positions: Vec<u32>,
}

impl Lists {
    pub(super) fn new(lengths: impl ExactSizeIterator<Item = u32> + Clone) -> Self {
        let mut distinct: Vec<u32> = lengths.clone().collect();
        distinct.sort_unstable();
        distinct.dedup();
        let mut lists = Self {
            table: vec![(0, u32::MAX); (distinct.len() * 2).next_power_of_two()],
            of_candidate: Vec::with_capacity(lengths.len()),
            starts: vec![0; distinct.len() + 1],
            heads: vec![0; distinct.len()],
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

    pub(super) fn clear(&mut self) {
        self.filled.fill(0);
        self.rewind();
    }

    /// Looks at the lists from their starts again.
    pub(super) fn rewind(&mut self) {
        let lists = self.heads.len();
        self.heads.copy_from_slice(&self.starts[..lists]);
    }

    pub(super) fn push(&mut self, candidate: u32, position: u32) {
        let list = self.of_candidate[candidate as usize] as usize;
        self.positions[(self.starts[list] + self.filled[list]) as usize] = position;
        self.filled[list] += 1;
    }

    /// The positions of that length, without those before the first that `left` still has.
    pub(super) fn find(&mut self, length: u32, left: &[Shape]) -> &[u32] {
        let (_, list) = self.table[self.slot(length)];
        if list == u32::MAX {
            return &[];
        }
        let end = self.starts[list as usize] + self.filled[list as usize];
        let head = &mut self.heads[list as usize];
        while *head < end && left[self.positions[*head as usize] as usize] == GONE {
            *head += 1;
        }
        &self.positions[*head as usize..end as usize]
    }
}
