//! Bits to bytes, least significant first (RFC 1951, section 3.1.1).

/// A stream grows by so much at least, and by no more than it must: its bound is what was reserved.
pub(super) const GROWTH_BYTES: usize = 256 << 10;

/// Appends bits to a buffer whose room was measured before: deflate's cost is known once its codes are.
#[derive(Debug)]
pub(super) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    at: usize,
    pending: u64,
    count: u32,
}

/// Bits that were put but do not fill a byte, kept from one block to the next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tail {
    bits: u64,
    count: u32,
}

impl<'a> BitWriter<'a> {
    /// A writer behind what `out` holds, with room for `bits` more bits after those of `tail`.
    pub(super) fn new(out: &'a mut Vec<u8>, tail: Tail, bits: u64) -> Self {
        let at = out.len();
        // A flush writes eight bytes whatever it holds.
        let bytes = usize::try_from(bits / 8).unwrap_or(usize::MAX).saturating_add(16);
        if out.capacity() - at < bytes {
            out.reserve_exact(bytes.max(GROWTH_BYTES));
        }
        out.resize(at.saturating_add(bytes), 0);
        Self { out, at, pending: tail.bits, count: tail.count }
    }

    /// Puts the `count` low bits of `bits`; the others are zero. Between two flushes there is room for 56 bits.
    #[inline(always)]
    pub(super) fn put(&mut self, bits: u64, count: u32) {
        debug_assert!(count < 64 && bits >> count == 0 && self.count + count < 64);
        self.pending |= bits << self.count;
        self.count += count;
    }

    /// Moves whole bytes out; at most seven bits stay.
    #[inline(always)]
    pub(super) fn flush(&mut self) {
        self.out[self.at..self.at + 8].copy_from_slice(&self.pending.to_le_bytes());
        self.at += (self.count / 8) as usize;
        self.pending >>= self.count & !7;
        self.count &= 7;
    }

    /// Fills the last byte with zero bits.
    pub(super) fn align(&mut self) {
        self.count = self.count.next_multiple_of(8);
        self.flush();
    }

    /// Puts whole bytes; the writer must be aligned.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        debug_assert_eq!(self.count, 0);
        self.out[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    /// Ends writing; what does not fill a byte is handed over.
    pub(super) fn finish(mut self) -> Tail {
        self.flush();
        self.out.truncate(self.at);
        Tail { bits: self.pending, count: self.count }
    }
}
