//! Mixed orders on 22 in film at 300 DPI, for benches of packing.

use gangsheet::{Blank, MediaPx, PxSize};

pub(crate) const FILM: MediaPx =
    MediaPx { width: 6600, max_length: 72_000, left: 75, right: 75, top: 75, bottom: 75, gutter_x: 38, gutter_y: 38 };

/// Designs of 1 to 12 in, each ordered up to five times: always the same.
pub(crate) fn orders(copies: u32) -> Vec<Blank> {
    let mut state = 1_u32;
    let mut next = |most: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % most
    };
    let mut blanks = Vec::new();
    let mut left = copies;
    while left > 0 {
        let size = PxSize::new(300 + next(3300), 300 + next(3300)).expect("sides of 1 to 12 in");
        let copies = left.min(1 + next(5));
        blanks.push(Blank { size, copies, turnable: true });
        left -= copies;
    }
    blanks
}
