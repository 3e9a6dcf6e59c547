//! Undoing the row filters of PNG (PNG specification, section 9).

/// Undoes the filter of `row`, whose first byte is the filter type. `above` is the unfiltered row above without its filter byte; there
/// is none for the first row of an image or pass. `None` where the filter type does not exist.
pub(super) fn unfilter(bytes_per_pixel: usize, above: Option<&[u8]>, row: &mut [u8]) -> Option<()> {
    let (&mut filter, row) = row.split_first_mut()?;
    match bytes_per_pixel {
        _ if filter > 4 => return None,
        1 => by_pixel::<1>(filter, above, row),
        2 => by_pixel::<2>(filter, above, row),
        3 => by_pixel::<3>(filter, above, row),
        4 => by_pixel::<4>(filter, above, row),
        6 => by_pixel::<6>(filter, above, row),
        _ => by_pixel::<8>(filter, above, row),
    }
    Some(())
}

/// The channels of a pixel as 16-bit values, as many as a vector register of any processor holds, whether or not all are used: this is
/// what compilers turn into vector instructions.
type Lanes = [i16; 8];

/// Most filters need the pixel on the left, which is known only after its own turn: so one pixel at a time, its channels together.
fn by_pixel<const BYTES: usize>(filter: u8, above: Option<&[u8]>, row: &mut [u8]) {
    let mut left = [0; 8];
    match (filter, above) {
        (0, _) | (2, None) => {}
        (2, Some(above)) => row.iter_mut().zip(above).for_each(|(byte, above)| *byte = byte.wrapping_add(*above)),
        (3, None) => {
            for pixel in row.as_chunks_mut::<BYTES>().0 {
                left = add(pixel, left.map(|left| left >> 1));
            }
        }
        // With nothing above, Paeth always chooses the left.
        (1, _) | (_, None) => {
            for pixel in row.as_chunks_mut::<BYTES>().0 {
                left = add(pixel, left);
            }
        }
        (3, Some(above)) => {
            for (pixel, above) in row.as_chunks_mut::<BYTES>().0.iter_mut().zip(above.as_chunks::<BYTES>().0) {
                left = add(pixel, zip(left, lanes(above), |left, above| (left + above) >> 1));
            }
        }
        (_, Some(above)) => undo_paeth::<BYTES>(above, row),
    }
}

/// Undoes the filter Paeth run by run. Where nothing is added and the pixel on the left is as the one above it, the nearest is the one above,
/// from one pixel to the next: in flat art that is most of them.
fn undo_paeth<const BYTES: usize>(above: &[u8], row: &mut [u8]) {
    /// Pixels that are looked at as one.
    const RUN: usize = 16;
    let mut left = Neighbours { left: [0; 8], above_left: [0; 8] };
    for (run, above) in row.chunks_mut(RUN * BYTES).zip(above.chunks(RUN * BYTES)) {
        let nothing_added = run.iter().fold(0, |any, &byte| any | byte) == 0;
        if nothing_added && left.left == left.above_left {
            run.copy_from_slice(above);
            let last = above.last_chunk::<BYTES>().map_or([0; 8], lanes);
            left = Neighbours { left: last, above_left: last };
        } else {
            left = undo_paeth_by_pixel::<BYTES>(above, run, left);
        }
    }
}

/// What is to the left of a pixel, and above that.
#[derive(Clone, Copy)]
struct Neighbours {
    left: Lanes,
    above_left: Lanes,
}

/// To each value is added whichever of its neighbours is nearest to left + above − above left; ties in this order
/// (section 9.4).
///
/// Counted from the pixel above left, with `low` and `high` the other two in order, what is sought is the nearest to their sum, and the
/// distances are |high|, |low| and |low + high|. So it is `high` where high ≥ −2·low, and `low` where low ≤ −2·high; where both hold,
/// all three are equal. The choice is made by masks: all bits of a negative number shifted right by 15 are ones.
#[inline(never)]
fn undo_paeth_by_pixel<const BYTES: usize>(above: &[u8], row: &mut [u8], before: Neighbours) -> Neighbours {
    let Neighbours { mut left, mut above_left } = before;
    for (pixel, above) in row.as_chunks_mut::<BYTES>().0.iter_mut().zip(above.as_chunks::<BYTES>().0) {
        let above = lanes(above);
        let from_above_left = zip(lanes(pixel), above_left, |filtered, c| filtered + c);
        let (b, a) = (zip(above, above_left, |b, c| b - c), zip(left, above_left, |a, c| a - c));
        let (low, high, sum) = (zip(a, b, i16::min), zip(a, b, i16::max), zip(a, b, |a, b| a + b));
        let is_high = zip(sum, low, |sum, low| !((sum + low) >> 15));
        let is_low = zip(sum, high, |sum, high| (sum + high - 1) >> 15);
        let (high, low) = (zip(high, is_high, |high, mask| high & mask), zip(low, is_low, |low, mask| low & mask));
        left = zip(from_above_left, zip(high, low, |high, low| high | low), |value, nearest| (value + nearest) & 0xff);
        store(left, pixel);
        above_left = above;
    }
    Neighbours { left, above_left }
}

/// `value(a, b)` for each pair of channels.
#[inline(always)]
fn zip(a: Lanes, b: Lanes, value: impl Fn(i16, i16) -> i16) -> Lanes {
    std::array::from_fn(|i| value(a[i], b[i]))
}

#[inline(always)]
fn lanes<const BYTES: usize>(pixel: &[u8; BYTES]) -> Lanes {
    let mut padded = [0_u8; 8];
    padded[..BYTES].copy_from_slice(pixel);
    // Not `padded.map(i16::from)`, which is not compiled to vector instructions: half the speed.
    let [a, b, c, d, e, f, g, h] = padded;
    [a.into(), b.into(), c.into(), d.into(), e.into(), f.into(), g.into(), h.into()]
}

#[inline(always)]
fn store<const BYTES: usize>(lanes: Lanes, pixel: &mut [u8; BYTES]) {
    for (byte, lane) in pixel.iter_mut().zip(lanes) {
        *byte = lane.to_le_bytes()[0];
    }
}

/// Adds the predicted values to a pixel, modulo 256, and returns the sum.
#[inline(always)]
fn add<const BYTES: usize>(pixel: &mut [u8; BYTES], predicted: Lanes) -> Lanes {
    let sum = zip(lanes(pixel), predicted, |filtered, predicted| (filtered + predicted) & 0xff);
    store(sum, pixel);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The formulas of the specification, byte by byte.
    fn naive(bytes_per_pixel: usize, above: &[u8], row: &[u8]) -> Vec<u8> {
        let mut out: Vec<u8> = Vec::new();
        for (i, &byte) in row[1..].iter().enumerate() {
            let left = |from: &[u8]| i.checked_sub(bytes_per_pixel).map_or(0, |i| i32::from(from[i]));
            let (a, b, c) = (left(&out), i32::from(above[i]), left(above));
            let p = a + b - c;
            let predicted = match row[0] {
                0 => 0,
                1 => a,
                2 => b,
                3 => (a + b) / 2,
                _ => [a, b, c].into_iter().min_by_key(|value| (p - value).abs()).unwrap(),
            };
            out.push(byte.wrapping_add(u8::try_from(predicted).unwrap()));
        }
        out
    }

    proptest! {
        #[test]
        fn every_filter_is_undone(bytes_per_pixel in prop::sample::select(vec![1usize, 2, 3, 4, 6, 8]), filter in 0u8..5,
                                  pixels in 1usize..40, seed in prop::collection::vec(any::<u8>(), 641)) {
            let bytes = pixels * bytes_per_pixel;
            let (above, row) = seed.split_at(320);
            for above in [Some(&above[..bytes]), None] {
                let mut row = row[..=bytes].to_vec();
                row[0] = filter;
                let expected = naive(bytes_per_pixel, above.unwrap_or(&[0; 320]), &row);
                prop_assert_eq!(unfilter(bytes_per_pixel, above, &mut row), Some(()));
                prop_assert_eq!(&row[1..], expected);
            }
        }
    }

    #[test]
    fn an_unknown_filter_is_refused() {
        assert_eq!(unfilter(4, None, &mut [5, 0, 0, 0, 0]), None);
    }
}
