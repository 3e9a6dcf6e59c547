//! What a rule prefers for a gap.

use super::fold::Shape;
use super::skyline::Gap;

/// How a candidate fits a gap, the better first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// It fills the width and rises to a wall.
    Whole,
    /// It fills the width.
    Spans,
    /// It rises to a wall.
    Rises,
    /// It is small enough.
    Within,
}

/// What is preferred to the order when a gap is filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Rule {
    /// What fills the gap's width, then what rises to a wall.
    #[default]
    Snug,
    /// What fills the gap's width.
    Across,
    /// What fills the gap's width and rises to a wall, then what rises to one.
    Level,
    /// What fills the gap's width, then what leaves a width that others can fill.
    Fill,
    /// What fills the gap's width, then what is wide in it or ends below the lower wall.
    Below,
}

impl Rule {
    /// The rules for any copies, the cheap and the best ones first. [`Rule::Below`] is for large copies whose gaps are filled up later.
    pub(super) const ALL: [Self; 4] = [Self::Level, Self::Fill, Self::Snug, Self::Across];

    /// How a shape fits a gap by this rule: of two, the one that fits better is chosen, else the first.
    pub(super) fn fit(self, gap: &Gap, room: u32, shape: Shape) -> Option<Fit> {
        if shape.width > gap.width || shape.height > room {
            return None;
        }
        let rises = shape.height == gap.left || shape.height == gap.right;
        Some(match (shape.width == gap.width, rises) {
            (true, true) => Fit::Whole,
            (true, false) if self != Self::Level => Fit::Spans,
            (false, true) if matches!(self, Self::Snug | Self::Level) => Fit::Rises,
            _ => Fit::Within,
        })
    }
}
