//! PNG's row filters (PNG specification, section 9) and the choice among them.

use crate::simd::vectorized;

/// A row filter: what is subtracted from each byte before compression. The numbers are PNG's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum RowFilter {
    /// Nothing.
    None = 0,
    /// The same channel of the pixel to the left.
    Sub = 1,
    /// The same channel of the pixel above.
    Up = 2,
    /// The mean of left and above, rounded down.
    Average = 3,
    /// Whichever of left, above and above-left is nearest to left + above − above-left.
    Paeth = 4,
}

impl RowFilter {
    /// The filters that need no row above: what a band may start with.
    pub(crate) const INTRA: [Self; 2] = [Self::None, Self::Sub];

    /// All filters.
    pub(crate) const ALL: [Self; 5] = [Self::None, Self::Sub, Self::Up, Self::Average, Self::Paeth];
}

/// Filters the bytes `start..start + out.len()` of `row`, whose pixels have `BPP` bytes, into `out`; `above` is the row above.
pub(crate) fn apply<const BPP: usize>(filter: RowFilter, row: &[u8], above: &[u8], start: usize, out: &mut [u8]) {
    vectorized(
        #[inline(always)]
        || apply_inline::<BPP>(filter, row, above, start, out),
    );
}

#[inline(always)]
fn apply_inline<const BPP: usize>(filter: RowFilter, row: &[u8], above: &[u8], start: usize, out: &mut [u8]) {
    let end = start + out.len();
    // The first pixel has nothing to its left: zero.
    let head = BPP.saturating_sub(start).min(out.len());
    let (first, rest) = out.split_at_mut(head);
    for (index, out) in (start..).zip(first) {
        *out = predict(filter, row[index], 0, above[index], 0);
    }
    if rest.is_empty() {
        return;
    }
    let start = start + head;
    let (x, a) = (&row[start..end], &row[start - BPP..end - BPP]);
    let (b, c) = (&above[start..end], &above[start - BPP..end - BPP]);
    match filter {
        RowFilter::None => rest.copy_from_slice(x),
        RowFilter::Sub => lanes(rest, x, a, b, c, |x, a, b, c| predict(RowFilter::Sub, x, a, b, c)),
        RowFilter::Up => lanes(rest, x, a, b, c, |x, a, b, c| predict(RowFilter::Up, x, a, b, c)),
        RowFilter::Average => lanes(rest, x, a, b, c, |x, a, b, c| predict(RowFilter::Average, x, a, b, c)),
        RowFilter::Paeth => lanes(rest, x, a, b, c, |x, a, b, c| predict(RowFilter::Paeth, x, a, b, c)),
    }
}

/// One loop for all filters, over slices of one length: the form that compilers turn into vector code.
#[inline(always)]
fn lanes(out: &mut [u8], x: &[u8], a: &[u8], b: &[u8], c: &[u8], residual: impl Fn(u8, u8, u8, u8) -> u8) {
    for ((((out, &x), &a), &b), &c) in out.iter_mut().zip(x).zip(a).zip(b).zip(c) {
        *out = residual(x, a, b, c);
    }
}

/// A byte less its prediction from left `a`, above `b` and above-left `c`.
#[inline(always)]
fn predict(filter: RowFilter, x: u8, a: u8, b: u8, c: u8) -> u8 {
    x.wrapping_sub(match filter {
        RowFilter::None => 0,
        RowFilter::Sub => a,
        RowFilter::Up => b,
        // In 8 bits: what both have, and half of what they differ in.
        RowFilter::Average => (a & b) + ((a ^ b) >> 1),
        RowFilter::Paeth => paeth(a, b, c),
    })
}

/// Paeth's predictor in unsigned 8-bit arithmetic. Ties prefer left, then above (PNG specification, section 9.4).
///
/// With p = a + b − c, the distances |p − a| = |b − c| and |p − b| = |a − c| fit 8 bits. |p − c| is their difference where c lies between
/// a and b; elsewhere it is their sum, which is no less than either, so that c is never chosen there.
#[inline(always)]
fn paeth(a: u8, b: u8, c: u8) -> u8 {
    // The greater less the smaller: `abs_diff` becomes arithmetic of 32 bits.
    let distance = |x: u8, y: u8| x.max(y) - x.min(y);
    let (pa, pb) = (distance(b, c), distance(a, c));
    let between = (a < c) != (b < c);
    let pc = if between { distance(pa, pb) } else { 255 };
    let nearest = if pb <= pc { b } else { c };
    if pa <= pb && pa <= pc { a } else { nearest }
}

/// What a filtered row is guessed to cost once compressed, in units that only compare: a byte's cost grows with its magnitude as a signed
/// number up to 16, and zero is much cheaper than one. (Magnitude alone, as in PNG specification, section 12.7, ranks rows of flat art
/// worse: there it is how many bytes differ from zero that counts.)
#[inline(always)]
pub(crate) fn estimate(filtered: &[u8]) -> u64 {
    let byte_cost = |byte: u8| byte.min(byte.wrapping_neg()).min(16) + if byte == 0 { 0 } else { 4 };
    let mut chunks = filtered.chunks_exact(128);
    let mut total = 0;
    for chunk in &mut chunks {
        let mut lanes = [0_u8; 16];
        // Eight times at most 20: fits 8 bits.
        for part in chunk.chunks_exact(16) {
            for (lane, &byte) in lanes.iter_mut().zip(part) {
                *lane += byte_cost(byte);
            }
        }
        total += lanes.iter().map(|&lane| u64::from(lane)).sum::<u64>();
    }
    total + chunks.remainder().iter().map(|&byte| u64::from(byte_cost(byte))).sum::<u64>()
}
