//! Orders of candidates: where a search starts, and how it goes on.

use std::cmp::Reverse;

use super::choose::Candidate;

/// What a start order puts first: the largest of this.
type Key = fn(&Candidate) -> (u64, u64);

/// By area, height, width, perimeter and longer side.
const KEYS: [Key; 5] = [
    |candidate| (candidate.shape.area(), candidate.shape.width.into()),
    |candidate| (candidate.shape.height.into(), candidate.shape.width.into()),
    |candidate| (candidate.shape.width.into(), candidate.shape.height.into()),
    |candidate| (u64::from(candidate.shape.width) + u64::from(candidate.shape.height), candidate.shape.width.into()),
    |candidate| (candidate.shape.width.max(candidate.shape.height).into(), candidate.shape.width.into()),
];

/// How many orders a search starts from.
pub(super) const START_ORDERS: usize = KEYS.len();

/// One of the orders that a search starts from, the first ones being the most promising.
pub(super) fn start_order(candidates: &[Candidate], nth: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..).take(candidates.len()).collect();
    let key = KEYS[nth % START_ORDERS];
    order.sort_by_cached_key(|&candidate| Reverse(key(&candidates[candidate as usize])));
    order
}

/// Numbers that are always the same (SplitMix64; Steele, Lea, Flood 2014).
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new() -> Self {
        Self(1)
    }

    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        usize::try_from((u128::from(mixed) * limit as u128) >> 64).unwrap_or(0)
    }
}

/// The sizes of candidates, to choose from them: where few large ones lie among many small ones, most is gained by moving the large ones.
#[derive(Debug)]
pub(super) struct Weights {
    /// The square roots of the candidates' areas, those of all up to each.
    sums: Vec<u64>,
}

impl Weights {
    pub(super) fn new(candidates: &[Candidate]) -> Self {
        let mut sum = 0_u64;
        let mut add = |candidate: &Candidate| {
            sum = sum.saturating_add(candidate.shape.area().saturating_mul(candidate.copies.into()).isqrt());
            sum
        };
        Self { sums: candidates.iter().map(&mut add).collect() }
    }

    /// A place in the order, that of a large candidate more often than that of a small one.
    fn place(&self, order: &[u32], random: &mut Random) -> usize {
        let all = self.sums.last().copied().unwrap_or(0);
        let at = random.below(usize::try_from(all).unwrap_or(usize::MAX)) as u64;
        let candidate = self.sums.partition_point(|&sum| sum <= at);
        order.iter().position(|&other| other as usize == candidate).unwrap_or(0)
    }
}

/// How a change of an order is taken back.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    Swapped([(usize, usize); 2]),
    Moved(usize, usize),
}

impl Change {
    /// Between which places something was changed, for each of the two pairs of places.
    pub(super) fn spans(self) -> [(usize, usize); 2] {
        let span = |(a, b): (usize, usize)| (a.min(b), a.max(b));
        match self {
            Self::Swapped(pairs) => pairs.map(span),
            Self::Moved(from, to) => [span((from, to)), (0, 0)],
        }
    }

    pub(super) fn apply(self, order: &mut [u32]) {
        match self {
            Self::Swapped([first, second]) => {
                order.swap(second.0, second.1);
                order.swap(first.0, first.1);
            }
            Self::Moved(from, to) if from <= to => order[from..=to].rotate_right(1),
            Self::Moved(from, to) => order[to..=from].rotate_left(1),
        }
    }
}

/// One change in so many is chosen by size, the others are as likely anywhere.
const BY_SIZE: usize = 4;

/// Changes the order at random; what is returned takes it back.
pub(super) fn change(order: &mut [u32], weights: &Weights, random: &mut Random) -> Change {
    let len = order.len();
    let by_size = random.below(BY_SIZE) == 0;
    let pair = |random: &mut Random| {
        let at = if by_size { weights.place(order, random) } else { random.below(len) };
        if random.below(2) == 0 {
            return (at, random.below(len));
        }
        let near = 1 + random.below(len.min(24));
        (at, if random.below(2) == 0 { at.saturating_sub(near) } else { (at + near).min(len - 1) })
    };
    match random.below(4) {
        0 => {
            let (from, to) = pair(random);
            if from <= to {
                order[from..=to].rotate_left(1)
            } else {
                order[to..=from].rotate_right(1)
            }
            Change::Moved(from, to)
        }
        1 => {
            let pairs = [pair(random), pair(random)];
            order.swap(pairs[0].0, pairs[0].1);
            order.swap(pairs[1].0, pairs[1].1);
            Change::Swapped(pairs)
        }
        _ => {
            let pairs = [pair(random), (0, 0)];
            order.swap(pairs[0].0, pairs[0].1);
            Change::Swapped(pairs)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::packing::fold::Shape;

    #[test]
    fn a_change_can_be_taken_back() {
        let mut random = Random::new();
        for len in [1, 2, 3, 30, 100] {
            let shape = |side: u32| Shape { width: 1 + side, height: 1 + side };
            let candidates: Vec<Candidate> = (0..len).map(|kind| Candidate { shape: shape(kind), kind, copies: 1 }).collect();
            let weights = Weights::new(&candidates);
            let original: Vec<u32> = (0..len).collect();
            let mut order = original.clone();
            let mut changes = 0;
            for _ in 0..200 {
                let undo = change(&mut order, &weights, &mut random);
                changes += usize::from(order != original);
                undo.apply(&mut order);
                assert_eq!(order, original, "{undo:?}");
            }
            assert!(len == 1 || changes > 0);
        }
    }
}
