//! At which distances a row repeats itself.

use super::segment::Segment;
use super::symbols::MAX_DISTANCE;
use super::window::{self, Place, Window};

/// An agreement counts as a repeat from here on.
const MIN_REPEAT_BYTES: usize = 32;

/// A repeat is expected this much to the left of where it was found, since in the next rows it may start there.
const LEAD_BYTES: usize = 512;

/// The most repeats that are remembered of a row.
const MAX_REPEATS: usize = 256;

/// Entries of the table of places: it stays in the nearest cache.
const TABLE_BITS: u32 = 12;

/// What the last surveyed row showed.
#[derive(Debug)]
pub(super) struct Survey {
    /// Places by a hash of the eight bytes there.
    places: Vec<Place>,
    /// From left to right.
    repeats: Vec<Repeat>,
}

/// From `start` on, counted from the first pixel's first byte, a row seems to repeat what is `distance` to the left.
#[derive(Clone, Copy, Debug)]
struct Repeat {
    start: usize,
    distance: usize,
}

/// Which repeat comes next in a row, and where; and the distance of the one before.
#[derive(Debug)]
pub(super) struct Cursor {
    next_start: usize,
    distance: usize,
}

impl Survey {
    pub(super) const MEMORY_BYTES: u64 = ((size_of::<Place>() << TABLE_BITS) + MAX_REPEATS * size_of::<Repeat>()) as u64;

    pub(super) fn new() -> Self {
        Self { places: vec![0; 1 << TABLE_BITS], repeats: Vec::with_capacity(MAX_REPEATS) }
    }

    /// Looks for repeats in the `segments` of a row that is at `row` in the window and starts with its filter byte.
    pub(super) fn take<const BPP: usize>(&mut self, window: &Window, row: usize, segments: &[Segment]) {
        self.repeats.clear();
        let bytes = window.bytes();
        let pixels = row + 1;
        let on_grid = |at: usize| pixels + (at - pixels).next_multiple_of(BPP);
        for Segment { range: span, .. } in segments.iter().filter(|segment| segment.distance == 0) {
            let limits = row + span.start..row + span.end;
            let mut at = on_grid(limits.start.max(pixels));
            while at + 8 + BPP <= limits.end {
                let word = window::word(bytes, at);
                if word == 0 {
                    at += 2 * BPP;
                    continue;
                }
                // Every pixel's place is kept, every other one is looked for.
                let distance = self.note(window, word, at);
                self.note(window, window::word(bytes, at + BPP), at + BPP);
                if (1..=at.min(MAX_DISTANCE)).contains(&distance) && window::word(bytes, at - distance) == word {
                    let before = window::agreement_before(bytes, at, distance, limits.start.max(pixels));
                    let length = window::agreement(bytes, at, distance, limits.end);
                    if before + length >= MIN_REPEAT_BYTES {
                        self.add(Repeat { start: (at - before - pixels).saturating_sub(LEAD_BYTES), distance });
                        at = on_grid(at + length);
                        continue;
                    }
                }
                at += 2 * BPP;
            }
        }
    }

    /// A cursor at `place`, counted from a row's first pixel.
    pub(super) fn cursor(&self, place: usize) -> Cursor {
        let next = self.repeats.partition_point(|repeat| repeat.start <= place);
        let distance = next.checked_sub(1).map_or(usize::MAX, |last| self.repeats[last].distance);
        Cursor { next_start: self.repeats.get(next).map_or(usize::MAX, |repeat| repeat.start), distance }
    }

    /// How far to the left `place` may be found again; beyond any window where no repeat is expected.
    #[inline(always)]
    pub(super) fn distance(&self, cursor: &mut Cursor, place: usize) -> usize {
        if place >= cursor.next_start {
            *cursor = self.cursor(place);
        }
        cursor.distance
    }

    /// Where the next repeat is expected, while none is at the cursor.
    #[inline(always)]
    pub(super) fn next_start(&self, cursor: &Cursor) -> Option<usize> {
        (cursor.distance == usize::MAX).then_some(cursor.next_start)
    }

    pub(super) fn forget(&mut self) {
        self.places.fill(0);
        self.repeats.clear();
    }

    fn add(&mut self, repeat: Repeat) {
        let known = self.repeats.last().is_some_and(|last| last.distance == repeat.distance);
        if !known && self.repeats.len() < MAX_REPEATS {
            self.repeats.push(repeat);
        }
    }

    /// Notes that `word` is at `at`; says how far to the left it, or one of its hash, was last.
    #[inline(always)]
    fn note(&mut self, window: &Window, word: u64, at: usize) -> usize {
        let here = window.place(at);
        let last = std::mem::replace(&mut self.places[window::hash(word, TABLE_BITS)], here);
        usize::from(here.wrapping_sub(last))
    }
}
