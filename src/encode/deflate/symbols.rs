//! Deflate's alphabets (RFC 1951, section 3.2.5): literals and copy lengths share one, distances have their own.

/// The longest copy that there is a symbol for. Longer ones become several.
pub(super) const MAX_COPY: u32 = 258;

/// The shortest copy.
pub(super) const MIN_COPY: u32 = 3;

/// How far back a copy may reach.
pub(in crate::encode) const MAX_DISTANCE: usize = 1 << 15;

/// Bytes, the end of a block, 29 lengths, and two that stand for nothing but have codes in fixed blocks.
pub(super) const LITERALS: usize = 288;

/// 30 distances, and two that stand for nothing.
pub(super) const DISTANCES: usize = 32;

pub(super) const END_OF_BLOCK: usize = 256;

/// The symbol of [`MAX_COPY`].
pub(super) const LONGEST: usize = 285;

/// A copy of any length as so many of the longest and up to two others; 0 stands for none.
#[inline(always)]
pub(super) fn pieces(length: u32) -> (u32, [u32; 2]) {
    let (full, rest) = (length / MAX_COPY, length % MAX_COPY);
    match rest {
        // Too short for a copy: taken together with a full one and halved.
        1 | 2 if full > 0 => (full - 1, [MAX_COPY / 2 + 1, MAX_COPY / 2 - 1 + rest]),
        rest => (full, [rest, 0]),
    }
}

/// Index into tables by length, for lengths of 3..=258.
#[inline(always)]
pub(super) fn length_index(length: u32) -> usize {
    ((length - MIN_COPY) & 0xff) as usize
}

/// Symbol and number of extra bits of each length of 3..=258.
pub(super) static LENGTH_SYMBOLS: [(u16, u8); 256] = length_symbols();

const fn length_symbols() -> [(u16, u8); 256] {
    let mut table = [(0, 0); 256];
    let (mut symbol, mut index) = (257_u16, 0);
    while index < 255 {
        // Four symbols for each number of extra bits, eight for none.
        let extra = if symbol < 265 { 0 } else { (symbol - 261) / 4 };
        let mut left = 1 << extra;
        while left > 0 && index < 255 {
            table[index] = (symbol, extra.to_le_bytes()[0]);
            index += 1;
            left -= 1;
        }
        symbol += 1;
    }
    // 258 could be 284's last one, but has a symbol of its own.
    table[255] = (285, 0);
    table
}

/// Symbol and number of extra bits of a distance from 1 to 32768. The extra bits are the low ones of the distance less 1.
#[inline(always)]
pub(super) fn distance_symbol(distance: u32) -> (usize, u32) {
    let offset = distance - 1;
    // Two symbols for each power of two.
    let extra = (offset | 2).ilog2() - 1;
    ((2 * extra + (offset >> extra)) as usize, extra)
}

/// What literals and copies cost in bits, by the codes of a block: what a parser expects of the next.
#[derive(Debug)]
pub(super) struct Costs {
    pub(super) literals: [u8; 256],
    /// By [`length_index`].
    lengths: [u8; 256],
    distances: [u8; DISTANCES],
}

impl Costs {
    /// What is expected of a first block: filtered rows have many zeros and small differences.
    pub(super) fn expected() -> Self {
        let literals = std::array::from_fn(|byte| match byte.min(256 - byte) {
            0 => 2,
            1 => 4,
            2 | 3 => 5,
            4..8 => 6,
            8..16 => 7,
            _ => 9,
        });
        Self::new(&literals, |_| 7, |_| 5)
    }

    /// By code lengths; a symbol without code is taken for a rare one.
    pub(super) fn of_codes(literals: &[u8; LITERALS], distances: &[u8; DISTANCES]) -> Self {
        let or_rare = |bits: u8, rare: u8| if bits == 0 { rare } else { bits };
        let bytes = std::array::from_fn(|byte| or_rare(literals[byte], 13));
        Self::new(&bytes, |symbol| or_rare(literals[symbol], 11), |symbol| or_rare(distances[symbol], 8))
    }

    fn new(literals: &[u8; 256], length: impl Fn(usize) -> u8, distance: impl Fn(usize) -> u8) -> Self {
        let lengths = LENGTH_SYMBOLS.map(|(symbol, extra)| length(usize::from(symbol)) + extra);
        let mut extra = 0;
        let distances = std::array::from_fn(|symbol| {
            extra += u8::from(symbol >= 4 && symbol % 2 == 0);
            distance(symbol) + extra
        });
        Self { literals: *literals, lengths, distances }
    }

    /// Of one copy of up to [`MAX_COPY`] bytes.
    #[inline(always)]
    pub(super) fn copy(&self, length: u32, distance: u32) -> u32 {
        u32::from(self.lengths[length_index(length)]) + u32::from(self.distances[distance_symbol(distance).0 % DISTANCES])
    }
}

/// A length or distance as a number of 32 bits. None that a window holds or a sink takes is larger.
#[inline(always)]
pub(super) fn narrow(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_up_any_length_and_none_is_too_short() {
        for length in MIN_COPY..3000 {
            let (full, rest) = pieces(length);
            assert_eq!(full * MAX_COPY + rest[0] + rest[1], length);
            assert!(rest.iter().all(|&piece| piece == 0 || (MIN_COPY..=MAX_COPY).contains(&piece)), "{length}: {rest:?}");
        }
    }

    /// Against the tables as the specification prints them.
    #[test]
    fn symbols_are_those_of_the_specification() {
        let length = |length| LENGTH_SYMBOLS[length_index(length)];
        for (of, symbol, extra) in
            [(3, 257, 0), (10, 264, 0), (11, 265, 1), (12, 265, 1), (13, 266, 1), (34, 272, 2), (35, 273, 3), (257, 284, 5), (258, 285, 0)]
        {
            assert_eq!(length(of), (symbol, extra), "length {of}");
        }
        for (of, symbol, extra) in
            [(1, 0, 0), (4, 3, 0), (5, 4, 1), (6, 4, 1), (7, 5, 1), (9, 6, 2), (24_577, 29, 13), (32_768, 29, 13), (16_385, 28, 13)]
        {
            assert_eq!(distance_symbol(of), (symbol, extra), "distance {of}");
        }
        let costs = Costs::of_codes(&[1; LITERALS], &[1; DISTANCES]);
        assert_eq!((costs.copy(3, 1), costs.copy(257, 32_768), costs.copy(258, 5)), (2, 20, 3));
    }
}
