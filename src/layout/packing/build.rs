//! One construction: from an order of candidates to a packing.

use super::choose::{Choice, Stock};
use super::fold::{Folded, Placed};
use super::skyline::{Side, Skyline};

/// How good a packing is; less is better. Parts count most, then the total length, then the last part's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Score {
    pub(super) parts: u32,
    pub(super) total: u64,
    pub(super) last: u32,
}

/// Builds packings and keeps the memory for the next one.
#[derive(Debug)]
pub(super) struct Builder<'a> {
    folded: &'a Folded<'a>,
    pub(super) stock: Stock,
    skyline: Skyline,
    /// The packing that was built last.
    pub(super) placed: Vec<Placed>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(folded: &'a Folded<'a>) -> Self {
        Self { folded, stock: Stock::new(folded), skyline: Skyline::default(), placed: Vec::with_capacity(folded.copies as usize) }
    }

    /// Places all copies, on as many parts as it takes.
    pub(super) fn build(&mut self, order: &[u32]) -> Score {
        self.stock.fill(self.folded, order);
        self.placed.clear();
        let mut score = Score { parts: 0, total: 0, last: 0 };
        while self.stock.smallest().is_some() {
            score.last = self.build_part(score.parts);
            score.total += u64::from(score.last);
            score.parts += 1;
        }
        score
    }

    /// Fills one part until nothing fits any more; says how far it reaches. An empty part takes at least one copy.
    fn build_part(&mut self, part: u32) -> u32 {
        self.skyline.reset(self.folded.width);
        let mut length = 0;
        while let Some(smallest) = self.stock.smallest() {
            let gap = self.skyline.gap();
            let room = self.folded.height - gap.y;
            if smallest.height > room {
                break;
            }
            let choice = if smallest.width > gap.width { None } else { self.stock.choose(&gap, room) };
            match choice {
                Some(Choice { candidate, side }) => {
                    let shape = candidate.shape;
                    let x = match side {
                        Side::Left => gap.x,
                        Side::Right => gap.x + gap.width - shape.width,
                    };
                    self.placed.push(Placed { kind: candidate.kind, part, x, y: gap.y, shape });
                    self.skyline.place(side, shape.width, shape.height);
                    self.stock.take(candidate.kind);
                    length = length.max(gap.y + shape.height);
                }
                None if self.skyline.lift() => {}
                None => break,
            }
        }
        length
    }
}
