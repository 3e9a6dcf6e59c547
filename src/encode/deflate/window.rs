//! The bytes that a parser works on, and those that copies may refer to.

use std::ops::Range;

use super::symbols::MAX_DISTANCE;

/// Filtered bytes: up to 32 KiB that were parsed, then those that were not.
#[derive(Debug)]
pub(super) struct Window {
    bytes: Vec<u8>,
    parsed: usize,
    filled: usize,
    /// Bytes that have left, modulo 2¹⁶.
    left: u16,
}

/// Where a byte is in its stream, modulo 2¹⁶: what tables of places keep. They are never trusted: what they lead to is compared.
pub(super) type Place = u16;

impl Window {
    /// Holds `ahead` unparsed bytes at least.
    pub(super) fn new(ahead: usize) -> Self {
        Self { bytes: vec![0; MAX_DISTANCE + ahead], parsed: 0, filled: 0, left: 0 }
    }

    /// Bytes that such a window holds.
    pub(super) const fn memory_bytes(ahead: u64) -> u64 {
        ahead.saturating_add(MAX_DISTANCE as u64)
    }

    /// Whether `length` more bytes fit without [sliding](Self::slide).
    pub(super) fn has_room(&self, length: usize) -> bool {
        length <= self.bytes.len() - self.filled
    }

    /// Keeps the last 32 KiB that were parsed, and what follows.
    pub(super) fn slide(&mut self) {
        let gone = self.parsed.saturating_sub(MAX_DISTANCE);
        self.bytes.copy_within(gone..self.filled, 0);
        self.parsed -= gone;
        self.filled -= gone;
        self.left = self.left.wrapping_add(low_bits(gone));
    }

    /// Room for `length` bytes behind those that are there.
    pub(super) fn room_mut(&mut self, length: usize) -> &mut [u8] {
        &mut self.bytes[self.filled..self.filled + length]
    }

    /// Takes the room's bytes in; says where they are.
    pub(super) fn fill(&mut self, length: usize) -> Range<usize> {
        let start = self.filled;
        self.filled += length;
        start..self.filled
    }

    /// What is not parsed yet.
    pub(super) fn unparsed(&self) -> Range<usize> {
        self.parsed..self.filled
    }

    /// All that is there is parsed.
    pub(super) fn set_parsed(&mut self) {
        self.parsed = self.filled;
    }

    /// Takes in zeros that need no parsing, once all else is parsed. So many that nothing could be copied from before them take no room.
    pub(super) fn pass_zeros(&mut self, count: u64) {
        match usize::try_from(count) {
            Ok(0) => {}
            Ok(count) if count < MAX_DISTANCE => {
                if !self.has_room(count) {
                    self.slide();
                }
                self.room_mut(count).fill(0);
                self.fill(count);
                self.set_parsed();
            }
            _ => self.clear(),
        }
    }

    /// Forgets all bytes.
    pub(super) fn clear(&mut self) {
        self.left = self.left.wrapping_add(low_bits(self.filled));
        (self.parsed, self.filled) = (0, 0);
    }

    /// Starts a new stream: as a new window would, so that what a table's zeros lead to is the same.
    pub(super) fn restart(&mut self) {
        (self.parsed, self.filled, self.left) = (0, 0, 0);
    }

    /// All bytes that are there.
    #[inline(always)]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    /// The place of the byte with index `at`.
    #[inline(always)]
    pub(super) fn place(&self, at: usize) -> Place {
        self.left.wrapping_add(low_bits(at))
    }
}

#[inline(always)]
fn low_bits(value: usize) -> u16 {
    let [low, high, ..] = value.to_le_bytes();
    u16::from_le_bytes([low, high])
}

/// Eight bytes at `at`; zero beyond the end.
#[inline(always)]
pub(super) fn word(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |&word| u64::from_le_bytes(word))
}

/// The high `bits` bits of a product that mixes all of `word` (with 2⁶⁴ / φ, an odd number of even mix).
#[inline(always)]
pub(super) fn hash(word: u64, bits: u32) -> usize {
    usize::try_from(word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - bits)).unwrap_or(0)
}

/// How many bytes agree from `at` on with those `distance` before, up to `end`.
#[inline(always)]
pub(super) fn agreement(bytes: &[u8], at: usize, distance: usize, end: usize) -> usize {
    let mut here = at;
    while here + 8 <= end {
        let differing = word(bytes, here) ^ word(bytes, here - distance);
        if differing != 0 {
            return here - at + (differing.trailing_zeros() / 8) as usize;
        }
        here += 8;
    }
    while here < end && bytes[here] == bytes[here - distance] {
        here += 1;
    }
    here - at
}

/// How many bytes agree before `at` with those `distance` before, down to `start`.
#[inline(always)]
pub(super) fn agreement_before(bytes: &[u8], at: usize, distance: usize, start: usize) -> usize {
    let start = start.max(distance).min(at);
    let (here, there) = (bytes[start..at].iter().rev(), bytes[..at - distance].iter().rev());
    here.zip(there).take_while(|(a, b)| a == b).count()
}

/// How many zeros `bytes` ends with.
#[inline(always)]
pub(super) fn zeros_before(bytes: &[u8]) -> usize {
    match bytes.last_chunk() {
        Some(&word) if word != [0; 8] => (u64::from_le_bytes(word).leading_zeros() / 8) as usize,
        _ => bytes.iter().rev().take_while(|&&byte| byte == 0).count(),
    }
}

/// How many bytes lie before the first of the words of `bytes` that is zero, or in all of its whole words.
#[inline(always)]
pub(super) fn words_before_zero(bytes: &[u8]) -> usize {
    let (words, _) = bytes.as_chunks::<8>();
    let (groups, _) = words.as_chunks::<8>();
    let is_zero = |word: &[u8; 8]| u64::from_le_bytes(*word) == 0;
    // Without a branch inside a group, so that it is a few vector instructions.
    let sound = groups.iter().take_while(|group| !group.iter().fold(false, |any, word| any | is_zero(word))).count() * 8;
    8 * (sound + words[sound..].iter().take_while(|word| !is_zero(word)).count())
}

/// How many zeros `bytes` starts with.
#[inline(always)]
pub(super) fn zeros_ahead(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks();
    for (index, &word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(word);
        if word != 0 {
            return index * 8 + (word.trailing_zeros() / 8) as usize;
        }
    }
    words.len() * 8 + rest.iter().take_while(|&&byte| byte == 0).count()
}
