//! Which widths can be filled wholly by shapes side by side.

use super::fold::Folded;

/// The widest strip for which sums of widths are found, and the most widths that they are found from.
const MOST_FILLED: u32 = 1 << 16;
const MOST_WIDTHS: usize = 128;

/// The sums of shapes' widths, each as often as wanted, up to the width of the strip: a bit for each.
///
/// # Memory
///
/// An eighth of a byte for each pixel of the width, up to 8 KiB.
#[derive(Debug, Default)]
pub(super) struct Reach {
    sums: Vec<u64>,
}

impl Reach {
    /// The sums and the steps that it took to find them. Of a wide strip none are found.
    pub(super) fn new(folded: &Folded<'_>) -> (Self, u64) {
        if folded.width > MOST_FILLED {
            return (Self { sums: Vec::new() }, 0);
        }
        let mut widths: Vec<u32> = folded.kinds.iter().flat_map(|kind| kind.shapes()).map(|shape| shape.width).collect();
        widths.sort_unstable();
        widths.dedup();
        widths.truncate(MOST_WIDTHS);
        let mut sums = vec![0_u64; folded.width as usize / 64 + 1];
        sums[0] = 1;
        let mut work = 0;
        for width in widths {
            // Once, twice, four times the width: all multiples, since each takes what was reached before along.
            let mut shift = width as usize;
            while shift <= folded.width as usize {
                add_shifted(&mut sums, shift);
                work += sums.len() as u64;
                shift *= 2;
            }
        }
        (Self { sums }, work / 16)
    }

    /// How much of a width stays empty at least when it is filled with shapes side by side; 0 where that is not known.
    pub(super) fn empty(&self, width: u32) -> u32 {
        let (mut word, bit) = (width as usize / 64, width % 64);
        let Some(&last) = self.sums.get(word) else { return 0 };
        let mut sums = last & (u64::MAX >> (63 - bit));
        while sums == 0 && word > 0 {
            word -= 1;
            sums = self.sums[word];
        }
        // Nothing at all is a sum as well.
        let largest = word as u64 * 64 + u64::from(63_u32.saturating_sub(sums.leading_zeros()));
        width - u32::try_from(largest).unwrap_or(width)
    }
}

/// Sets the bit `shift` above each that is set.
fn add_shifted(sums: &mut [u64], shift: usize) {
    let (words, bits) = (shift / 64, shift % 64);
    for at in (words..sums.len()).rev() {
        let low = sums[at - words] << bits;
        let high = if bits > 0 && at > words { sums[at - words - 1] >> (64 - bits) } else { 0 };
        sums[at] |= low | high;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::PxSize;
    use crate::layout::packing::Blank;
    use crate::preflight::MediaPx;
    use proptest::prelude::*;

    proptest! {
        /// The bits say what a table of all widths says.
        #[test]
        fn what_stays_empty_is_what_a_table_says(width in 1_u32..400, sides in prop::collection::vec(1_u32..90, 1..6)) {
            let sides: Vec<u32> = sides.into_iter().map(|side| side.min(width)).collect();
            let blank = |&side: &u32| Blank { size: PxSize::new(side, 1).unwrap(), copies: 1, turnable: false };
            let blanks: Vec<Blank> = sides.iter().map(blank).collect();
            let film = MediaPx { width, max_length: 9, ..MediaPx::default() };
            let (reach, _) = Reach::new(&Folded::new(&blanks, &film).unwrap());
            let mut empty: Vec<u32> = (0..=width).collect();
            for filled in 0..=width as usize {
                for &side in sides.iter().filter(|&&side| side as usize <= filled) {
                    empty[filled] = empty[filled].min(empty[filled - side as usize]);
                }
            }
            let found: Vec<u32> = (0..=width).map(|width| reach.empty(width)).collect();
            prop_assert_eq!(found, empty);
        }
    }
}
