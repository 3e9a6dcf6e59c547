//! Adler-32 of joined data, from the checksums of its pieces.

/// The largest prime below 2¹⁶ (RFC 1950, section 9).
const MODULUS: u32 = 65_521;

/// The checksum of no data.
pub(crate) const EMPTY: u32 = 1;

/// The Adler-32 of `first` followed by `second`, from the checksum of each and the length of the second.
///
/// With *a* = 1 + Σ dᵢ and *b* = Σ aᵢ (RFC 1950, section 9), the second piece's sums only start from another *a*: the joined *a* is
/// a₁ + a₂ − 1, and each of the second's `second_bytes` partial sums grows by a₁ − 1.
pub(crate) fn combine(first: u32, second: u32, second_bytes: u64) -> u32 {
    let modulus = u64::from(MODULUS);
    let (a1, b1) = (u64::from(first & 0xffff), u64::from(first >> 16));
    let (a2, b2) = (u64::from(second & 0xffff), u64::from(second >> 16));
    let a = (a1 + a2 + modulus - 1) % modulus;
    let b = (b1 + b2 + (second_bytes % modulus) * ((a1 + modulus - 1) % modulus)) % modulus;
    pack(a, b)
}

/// Both sums are below the modulus, so each fits 16 bits.
fn pack(a: u64, b: u64) -> u32 {
    let low = |sum: u64| u32::try_from(sum).unwrap_or(u32::MAX);
    low(b) << 16 | low(a)
}

/// A checksum that grows with its data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Adler(u32);

impl Default for Adler {
    fn default() -> Self {
        Self(EMPTY)
    }
}

impl Adler {
    /// Adds `bytes`.
    pub(crate) fn data(&mut self, bytes: &[u8]) {
        self.0 = extend(self.0, bytes);
    }

    /// Adds `count` zero bytes, without touching any: each adds *a* to *b*.
    pub(crate) fn zeros(&mut self, count: u64) {
        self.0 = combine(self.0, pack(1, count % u64::from(MODULUS)), count);
    }

    /// The checksum so far.
    pub(crate) fn checksum(self) -> u32 {
        self.0
    }
}

/// The Adler-32 of what `before` is the checksum of, followed by `data`.
pub(crate) fn extend(before: u32, data: &[u8]) -> u32 {
    let mut adler = simd_adler32::Adler32::from_checksum(before);
    adler.write(data);
    adler.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn checksum(data: &[u8]) -> u32 {
        extend(EMPTY, data)
    }

    proptest! {
        #[test]
        fn joined_data_has_the_combined_checksum(first: Vec<u8>, second: Vec<u8>) {
            let joined = [first.as_slice(), &second].concat();
            let combined = combine(checksum(&first), checksum(&second), second.len() as u64);
            prop_assert_eq!(combined, checksum(&joined));
        }
    }

    #[test]
    fn long_pieces_wrap_round_the_modulus() {
        for length in [65_520, 65_521, 65_522, 200_000] {
            let (first, second) = (vec![0xff; 100_003], vec![0xff; length]);
            let combined = combine(checksum(&first), checksum(&second), length as u64);
            assert_eq!(combined, checksum(&[first, second].concat()), "{length}");
        }
    }
}
