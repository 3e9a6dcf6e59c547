//! Rows of yes and no, 64 pixels to a word, the first of them in the lowest bit.

/// Pixels of a word.
pub(super) const WORD: usize = 64;

/// The highest bit of each of eight bytes.
const HIGHEST: u64 = 0x8080_8080_8080_8080;

/// Words that hold a row of `width` pixels.
pub(super) fn words(width: usize) -> usize {
    width.div_ceil(WORD)
}

/// The lowest alpha that counts as ink, a quarter of full coverage: beside edges, resampling leaves traces that are less.
pub(super) const INK: u8 = 64;

/// Whether each value is at least [`INK`].
pub(super) fn are_ink(values: &[u8], out: &mut [u64]) {
    pack(values, out, |eight| eight | eight << 1);
}

/// Whether each value is at least 240.
pub(super) fn at_least_240(values: &[u8], out: &mut [u64]) {
    pack(values, out, |eight| eight & eight << 1 & eight << 2 & eight << 3);
}

/// Whether each value is at least 16.
pub(super) fn at_least_16(values: &[u8], out: &mut [u64]) {
    pack(values, out, |eight| eight | eight << 1 | eight << 2 | eight << 3);
}

/// Packs what `test` says of each byte in that byte's highest bit. Beyond the last value all bits are zero.
fn pack(values: &[u8], out: &mut [u64], test: impl Fn(u64) -> u64) {
    // Byte n's answer goes to bit n of the highest byte: no two products meet in one bit.
    let gather = |eight: [u8; 8]| ((test(u64::from_le_bytes(eight)) & HIGHEST) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
    for (word, values) in out.iter_mut().zip(values.chunks(WORD)) {
        let (eights, rest) = values.as_chunks::<8>();
        *word = eights.iter().rev().fold(0, |word, &eight| word << 8 | gather(eight));
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            *word |= gather(last) << (8 * eights.len());
        }
    }
}

/// The bits of word `nth` that a row of `width` pixels has.
pub(super) fn used(width: usize, nth: usize) -> u64 {
    match width.saturating_sub(nth * WORD) {
        left @ 0..WORD => (1 << left) - 1,
        _ => u64::MAX,
    }
}

/// The bit of pixel `x`.
pub(super) fn is_set(row: &[u64], x: usize) -> bool {
    row[x / WORD] >> (x % WORD) & 1 == 1
}

/// Word `nth` of a row in which each pixel has what its left neighbour had; the first one has none.
pub(super) fn from_left(row: &[u64], nth: usize) -> u64 {
    row[nth] << 1 | if nth > 0 { row[nth - 1] >> (WORD - 1) } else { 0 }
}

/// Word `nth` of a row in which each pixel has what its right neighbour had; the last one has none.
pub(super) fn from_right(row: &[u64], nth: usize) -> u64 {
    row[nth] >> 1 | row.get(nth + 1).map_or(0, |next| next << (WORD - 1))
}

/// Calls `each` for every pixel of word `nth` that is set.
pub(super) fn each(mut word: u64, nth: usize, mut each: impl FnMut(usize)) {
    while word != 0 {
        each(nth * WORD + word.trailing_zeros() as usize);
        word &= word - 1;
    }
}

/// The first run of pixels that are set from `from` on, as its first pixel and the one after its last.
pub(super) fn next_run(row: &[u64], from: usize) -> Option<(usize, usize)> {
    let start = next(row, from, false)?;
    Some((start, next(row, start, true).unwrap_or(row.len() * WORD)))
}

/// All runs of pixels that are set.
pub(super) fn runs(row: &[u64]) -> impl Iterator<Item = (usize, usize)> {
    std::iter::successors(next_run(row, 0), |&(_, end)| next_run(row, end))
}

/// The first pixel from `from` on that is set, or that is not, where `clear` says so.
fn next(row: &[u64], from: usize, clear: bool) -> Option<usize> {
    let flip = if clear { u64::MAX } else { 0 };
    let mut nth = from / WORD;
    let mut word = (row.get(nth)? ^ flip) & u64::MAX << (from % WORD);
    while word == 0 {
        nth += 1;
        word = row.get(nth)? ^ flip;
    }
    Some(nth * WORD + word.trailing_zeros() as usize)
}

/// Sets the pixels within `radius` of one that is set. Pixels beyond the row's `width` stay clear.
pub(super) fn widen(row: &mut [u64], radius: usize, width: usize) {
    for _ in 0..radius {
        let mut left = 0;
        for nth in 0..row.len() {
            let word = row[nth];
            let right = row.get(nth + 1).map_or(0, |next| next << (WORD - 1));
            row[nth] = word | word << 1 | left | word >> 1 | right;
            left = word >> (WORD - 1);
        }
        if let Some(last) = row.last_mut() {
            *last &= used(width, words(width) - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(width: usize, set: impl Fn(usize) -> bool) -> Vec<u64> {
        let mut row = vec![0; words(width)];
        (0..width).filter(|&x| set(x)).for_each(|x| row[x / WORD] |= 1 << (x % WORD));
        row
    }

    #[test]
    fn every_value_meets_its_threshold() {
        for width in [1, 7, 8, 9, 63, 64, 65, 256, 300] {
            let values: Vec<u8> = (0..width).map(|x| u8::try_from(x * 37 % 256).unwrap()).collect();
            let mut out = vec![0; words(width)];
            for (pack, least) in [(at_least_16 as fn(&[u8], &mut [u64]), 16), (are_ink, INK), (at_least_240, 240)] {
                pack(&values, &mut out);
                assert_eq!(out, row(width, |x| values[x] >= least), "{width} values of at least {least}");
            }
        }
    }

    #[test]
    fn runs_cross_words() {
        let ranges = [(0, 1), (60, 70), (100, 230), (255, 256)];
        let set = row(256, |x| ranges.iter().any(|&(start, end)| (start..end).contains(&x)));
        assert_eq!(runs(&set).collect::<Vec<_>>(), ranges);
        assert_eq!(runs(&[0, 0]).count(), 0);
    }

    #[test]
    fn neighbours_cross_words() {
        let set = row(200, |x| x % 3 == 0 || x == 127);
        for nth in 0..set.len() {
            let expected = |moved: fn(usize) -> Option<usize>| {
                row(200, |x| moved(x).is_some_and(|x| x < 200 && is_set(&set, x)))[nth] & if nth == 3 { 0xff } else { u64::MAX }
            };
            let used = if nth == 3 { 0xff } else { u64::MAX };
            assert_eq!(from_left(&set, nth) & used, expected(|x| x.checked_sub(1)));
            assert_eq!(from_right(&set, nth) & used, expected(|x| Some(x + 1)));
        }
        let mut wide = set.clone();
        wide.fill(0);
        wide[1] = 1;
        widen(&mut wide, 3, 200);
        assert_eq!(wide, row(200, |x| (61..=67).contains(&x)));
        let mut last = row(70, |x| x == 69);
        widen(&mut last, 5, 70);
        assert_eq!(last, row(70, |x| x >= 64));
    }
}
