//! Where bytes were seen before: chains of places that share a hash.

use super::symbols::MAX_DISTANCE;
use super::window::{self, Place, Window};

const HEAD_BITS: u32 = 15;

/// The places of the last 32 KiB, by a hash of the first few bytes there, from the latest back.
#[derive(Debug)]
pub(super) struct Chains {
    /// The latest place of each hash.
    heads: Vec<Place>,
    /// From a place, modulo 32 KiB, how far back the one before is; 0 where there is none.
    steps: Vec<u16>,
    /// Bits of a word that are no part of the hash.
    unhashed_bits: u32,
}

impl Chains {
    pub(super) const MEMORY_BYTES: u64 = (2 << HEAD_BITS) + 2 * MAX_DISTANCE as u64;

    /// Chains by a hash of so many bytes, 1 to 8.
    pub(super) fn new(hashed_bytes: u32) -> Self {
        Self { heads: vec![0; 1 << HEAD_BITS], steps: vec![0; MAX_DISTANCE], unhashed_bits: 64 - 8 * hashed_bytes }
    }

    /// Notes the bytes at `at`; says how far back bytes of their hash were seen last, if so near that they can be copied.
    #[inline(always)]
    pub(super) fn insert(&mut self, window: &Window, at: usize) -> Option<usize> {
        let here = window.place(at);
        let head = &mut self.heads[window::hash(window::word(window.bytes(), at) << self.unhashed_bits, HEAD_BITS)];
        let distance = here.wrapping_sub(*head);
        *head = here;
        self.steps[usize::from(here) % MAX_DISTANCE] = distance;
        within_reach(usize::from(distance), at)
    }

    /// How far before `at` the chain goes on from the place `distance` before.
    #[inline(always)]
    pub(super) fn next(&self, window: &Window, at: usize, distance: usize) -> Option<usize> {
        let step = self.steps[usize::from(window.place(at - distance)) % MAX_DISTANCE];
        if step == 0 { None } else { within_reach(distance + usize::from(step), at) }
    }

    pub(super) fn forget(&mut self) {
        self.heads.fill(0);
        self.steps.fill(0);
    }
}

#[inline(always)]
fn within_reach(distance: usize, at: usize) -> Option<usize> {
    (distance > 0 && distance <= at.min(MAX_DISTANCE)).then_some(distance)
}
