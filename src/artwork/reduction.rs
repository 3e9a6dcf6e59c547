//! By how much an artwork is decoded smaller than it is.

use crate::geom::PxSize;

/// By how much an artwork is decoded smaller than it is stored, on each side: 1, 2, 4 or 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Reduction(pub(super) u32);

impl Default for Reduction {
    fn default() -> Self {
        Self(1)
    }
}

impl Reduction {
    /// The largest one that leaves at least `width` × `height` of `stored` pixels.
    pub(super) fn to(stored: PxSize, width: u32, height: u32) -> Self {
        let leaves_enough = |&by: &u32| stored.width() / by >= width && stored.height() / by >= height;
        Self([8, 4, 2].into_iter().find(leaves_enough).unwrap_or(1))
    }

    /// What is left of so many pixels: of a part of a pixel, a whole one.
    pub(super) fn of(self, stored: PxSize) -> PxSize {
        let (width, height) = (stored.width().div_ceil(self.0), stored.height().div_ceil(self.0));
        // No side is longer than before, and none is empty.
        PxSize::new(width, height).unwrap_or(stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_pixels_as_are_printed_are_left() {
        let stored = PxSize::new(801, 400).unwrap();
        let cases = [((401, 200), 1), ((400, 200), 2), ((400, 201), 1), ((101, 99), 4), ((100, 50), 8), ((1, 1), 8), ((u32::MAX, 1), 1)];
        for ((width, height), by) in cases {
            assert_eq!(Reduction::to(stored, width, height), Reduction(by), "{width} × {height}");
        }
        assert_eq!(Reduction(8).of(stored).to_string(), "101 × 50 px");
    }
}
