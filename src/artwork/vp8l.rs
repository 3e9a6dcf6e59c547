//! What decoding a lossless WebP picture holds beside its pixels: the walk over all that stands before them (RFC 9649, section 3).
//!
//! A few bits of a file can say that it uses 65,536 groups of prefix codes, and ten bytes describe a group for which image-webp makes tables
//! of 68 KiB. Only reading the codes tells how large they are.

use crate::error::{Error, Result};

use super::limits::Deadline;
use super::source::Source;

/// The order in which the lengths of the codes for lengths are written (section 3.7.2.1.2).
const LENGTH_ORDER: [usize; 19] = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Symbols of a group's five codes: green with lengths of copies, red, blue, alpha, distances (section 3.7.2.2).
const ALPHABETS: [usize; 5] = [GREENS + 24, 256, 256, 256, 40];
const GREENS: usize = 256;

/// Bytes after which the clock is looked at.
const LOOK_BYTES: u64 = 1 << 16;

/// Bits of the longest code.
const LONGEST: usize = 15;

/// What image-webp 0.2.4 makes of a code: a table of 4 bytes for each value of its first bits, at most ten; two nodes of 16 bytes for each
/// symbol with a longer code.
const TABLE_BITS: usize = 10;
const TABLE_ENTRY_BYTES: u64 = 4;
const NODE_BYTES: u64 = 16;
/// A group itself, in a vector that grows twofold: two such vectors while it does.
const GROUP_BYTES: u64 = 3 * 280;
/// What an allocator takes for itself, twice a code.
const ALLOCATION_BYTES: u64 = 2 * 16;

/// The most bytes that decoding a picture whose data begin at `source` and are so many `bytes` long holds, apart from its pixels and from
/// 256 KiB. Its size is `(width, height)` where the data do not begin with it.
///
/// # Errors
///
/// [`ErrorKind::Artwork`](crate::ErrorKind::Artwork) where there are no such codes, or not all of them, and
/// [`ErrorKind::ArtworkLimit`](crate::ErrorKind::ArtworkLimit) where reading them takes too long.
pub(super) fn held_bytes(source: &mut Source, bytes: u64, size: Option<(u32, u32)>, deadline: &Deadline) -> Result<u64> {
    let mut walk = Walk { source, deadline, bytes_left: bytes, bits: 0, bit_count: 0, bits_read: 0, held_bytes: 0 };
    let (width, height) = match size {
        Some(size) => size,
        None => {
            walk.bits(8)?;
            let size = (walk.bits(14)? + 1, walk.bits(14)? + 1);
            walk.bits(4)?;
            size
        }
    };
    let width = walk.transforms(width, height)?;
    walk.picture(width, height)?;
    Ok(walk.held_bytes)
}

/// Reads bits, the lowest of each byte first, and counts what is held for them.
struct Walk<'a> {
    source: &'a mut Source,
    deadline: &'a Deadline,
    bytes_left: u64,
    bits: u64,
    bit_count: u32,
    bits_read: u64,
    held_bytes: u64,
}

impl Walk<'_> {
    fn damaged(&self) -> Error {
        self.source.damaged("its pixels are damaged or incomplete: upload it again")
    }

    /// The next `count` bits, at most 32.
    fn bits(&mut self, count: u32) -> Result<u32> {
        while self.bit_count < count {
            self.bytes_left = self.bytes_left.checked_sub(1).ok_or_else(|| self.damaged())?;
            let [byte] = self.source.read_array()?;
            self.bits |= u64::from(byte) << self.bit_count;
            self.bit_count += 8;
            if self.bytes_left.is_multiple_of(LOOK_BYTES) {
                self.deadline.check(self.source.path())?;
            }
        }
        self.bits_read += u64::from(count);
        let value = self.bits & ((1 << count) - 1);
        self.bits >>= count;
        self.bit_count -= count;
        Ok(u32::try_from(value).unwrap_or(u32::MAX))
    }

    /// Reads all transforms (section 3.5) and returns the width of what they are made from.
    fn transforms(&mut self, mut width: u32, height: u32) -> Result<u32> {
        let mut seen = [false; 4];
        while self.bits(1)? == 1 {
            let kind = self.bits(2)? as usize;
            if std::mem::replace(&mut seen[kind], true) {
                return Err(self.damaged());
            }
            match kind {
                // Prediction and colour: a pixel for each block.
                0 | 1 => {
                    let block = 1 << (self.bits(3)? + 2);
                    let (across, down) = (width.div_ceil(block), height.div_ceil(block));
                    self.held_bytes += u64::from(across) * u64::from(down) * 4;
                    self.small_picture(across, down)?;
                }
                // Green is added: no data.
                2 => {}
                // A palette; several of its indices may lie in one pixel.
                _ => {
                    let colors = self.bits(8)? + 1;
                    self.held_bytes += u64::from(colors) * 4;
                    self.small_picture(colors, 1)?;
                    width = width.div_ceil(match colors {
                        0..=2 => 8,
                        3..=4 => 4,
                        5..=16 => 2,
                        _ => 1,
                    });
                }
            }
        }
        Ok(width)
    }

    /// Reads what stands before the pixels of the picture itself: which group of codes is for which block, and the groups.
    fn picture(&mut self, width: u32, height: u32) -> Result<()> {
        let cache = self.cache()?;
        let mut groups = 1;
        if self.bits(1)? == 1 {
            let block = 1 << (self.bits(3)? + 2);
            let (across, down) = (width.div_ceil(block), height.div_ceil(block));
            // As pixels, and as numbers of two bytes.
            self.held_bytes += u64::from(across) * u64::from(down) * (4 + 2);
            groups = self.small_picture(across, down)? + 1;
        }
        for _ in 0..groups {
            self.held_bytes += GROUP_BYTES;
            for (nth, alphabet) in ALPHABETS.into_iter().enumerate() {
                let lengths = self.code(alphabet + if nth == 0 { cache } else { 0 })?;
                self.held_bytes += lengths.held_bytes();
            }
        }
        Ok(())
    }

    /// Reads a picture of one group of codes, pixel by pixel, and returns the largest number that its red and green make: those that are
    /// copied were there before, and nothing is undone to them.
    fn small_picture(&mut self, width: u32, height: u32) -> Result<u32> {
        let cache = self.cache()?;
        let mut codes = Vec::with_capacity(ALPHABETS.len());
        for (nth, alphabet) in ALPHABETS.into_iter().enumerate() {
            codes.push(Code::new(&self.code(alphabet + if nth == 0 { cache } else { 0 })?));
        }
        let [green, red, blue, alpha, distance] = &codes[..] else { return Err(self.damaged()) };
        let pixels = u64::from(width) * u64::from(height);
        let (mut at, mut largest) = (0, 0);
        while at < pixels {
            let before = self.bits_read;
            let symbol = self.symbol(green)?;
            at += 1;
            if symbol < GREENS {
                let number = self.symbol(red)? << 8 | symbol;
                largest = largest.max(number);
                self.symbol(blue)?;
                self.symbol(alpha)?;
            } else if symbol < ALPHABETS[0] {
                at += self.extra(symbol - GREENS)?;
                let symbol = self.symbol(distance)?;
                self.extra(symbol)?;
            }
            if self.bits_read == before {
                // All others are the same, from no bits.
                break;
            }
        }
        Ok(u32::try_from(largest).unwrap_or(u32::MAX))
    }

    /// Symbols for colours that were used lately.
    fn cache(&mut self) -> Result<usize> {
        if self.bits(1)? == 0 {
            return Ok(0);
        }
        match self.bits(4)? {
            bits @ 1..=11 => Ok(1 << bits),
            _ => Err(self.damaged()),
        }
    }

    /// A length or distance after its prefix `symbol`, less one (section 3.6.2.2).
    fn extra(&mut self, symbol: usize) -> Result<u64> {
        if symbol < 4 {
            return Ok(symbol as u64);
        }
        let bits = u32::try_from((symbol - 2) >> 1).unwrap_or(u32::MAX);
        let offset = (2 + (symbol as u64 & 1)) << bits;
        Ok(offset + u64::from(self.bits(bits)?))
    }

    /// Reads the lengths of a code's symbols (section 3.7.2.1).
    fn code(&mut self, alphabet: usize) -> Result<Lengths> {
        if self.bits(1)? == 1 {
            let count = self.bits(1)? + 1;
            let wide = self.bits(1)?;
            let first = self.bits(1 + 7 * wide)? as usize;
            let second = if count == 2 { Some(self.bits(8)? as usize) } else { None };
            return if first.max(second.unwrap_or(0)) < alphabet { Ok(Lengths::Few(first, second)) } else { Err(self.damaged()) };
        }
        let mut lengths = vec![0; LENGTH_ORDER.len()];
        let count = 4 + self.bits(4)? as usize;
        for &symbol in &LENGTH_ORDER[..count] {
            lengths[symbol] = self.bits(3)? as usize;
        }
        let code = Code::new(&self.complete(lengths)?);
        let lengths = self.lengths(&code, alphabet)?;
        self.complete(lengths)
    }

    fn lengths(&mut self, code: &Code, alphabet: usize) -> Result<Vec<usize>> {
        let mut left = alphabet;
        if self.bits(1)? == 1 {
            let bits = 2 + 2 * self.bits(3)?;
            left = 2 + self.bits(bits)? as usize;
            if left > alphabet {
                return Err(self.damaged());
            }
        }
        if let (true, &[length @ ..16]) = (code.is_single(), &code.symbols[..]) {
            // All of them, from no bits.
            return Ok(vec![length; left]);
        }
        let (mut lengths, mut last) = (Vec::with_capacity(alphabet), 8);
        while lengths.len() < alphabet && left > 0 {
            left -= 1;
            let (length, count) = match self.symbol(code)? {
                16 => (last, 3 + self.bits(2)?),
                17 => (0, 3 + self.bits(3)?),
                18 => (0, 11 + self.bits(7)?),
                length => (length, 1),
            };
            last = if length == 0 { last } else { length };
            lengths.extend(std::iter::repeat_n(length, count as usize));
        }
        if lengths.len() > alphabet {
            return Err(self.damaged());
        }
        Ok(lengths)
    }

    /// Makes sure that a code of more than one symbol uses every sequence of bits once, as decoders do.
    fn complete(&self, lengths: Vec<usize>) -> Result<Lengths> {
        let symbols = lengths.iter().filter(|&&length| length > 0).count();
        let used: u64 = lengths.iter().filter(|&&length| length > 0).map(|length| 1 << (LONGEST - length)).sum();
        if symbols == 1 {
            let symbol = lengths.iter().position(|&length| length > 0).unwrap_or_default();
            return Ok(Lengths::Few(symbol, None));
        }
        if symbols > 0 && used == 1 << LONGEST { Ok(Lengths::Each(lengths)) } else { Err(self.damaged()) }
    }

    fn symbol(&mut self, code: &Code) -> Result<usize> {
        let (mut value, mut first, mut index) = (0, 0, 0);
        for count in code.counts {
            if value < first + count {
                return Ok(code.symbols[index + value - first]);
            }
            (index, first) = (index + count, (first + count) << 1);
            value = value << 1 | self.bits(1)? as usize;
        }
        Err(self.damaged())
    }
}

/// The lengths of a code's symbols, checked: their codes are all sequences of bits.
enum Lengths {
    /// One symbol, of no bits, or two, of one bit each.
    Few(usize, Option<usize>),
    /// The length of each symbol; 0 where it is not used.
    Each(Vec<usize>),
}

impl Lengths {
    /// What image-webp makes of them.
    fn held_bytes(&self) -> u64 {
        match self {
            Self::Few(_, None) => 0,
            Self::Few(..) => 2 * TABLE_ENTRY_BYTES + 3 * NODE_BYTES + ALLOCATION_BYTES,
            Self::Each(lengths) => {
                let longest = lengths.iter().copied().max().unwrap_or_default();
                let beyond = lengths.iter().filter(|&&length| length > TABLE_BITS).count() as u64;
                (TABLE_ENTRY_BYTES << longest.min(TABLE_BITS)) + beyond * 2 * NODE_BYTES + ALLOCATION_BYTES
            }
        }
    }
}

/// A code to read symbols with.
struct Code {
    /// How many symbols have codes of 0, 1, 2, … bits.
    counts: [usize; LONGEST + 1],
    /// The symbols in the order of their codes.
    symbols: Vec<usize>,
}

impl Code {
    fn new(lengths: &Lengths) -> Self {
        let mut counts = [0; LONGEST + 1];
        let symbols = match lengths {
            Lengths::Few(only, None) => {
                counts[0] = 1;
                vec![*only]
            }
            Lengths::Few(first, Some(second)) => {
                counts[1] = 2;
                vec![*first, *second]
            }
            Lengths::Each(lengths) => {
                let used = || lengths.iter().enumerate().filter(|(_, length)| **length > 0);
                used().for_each(|(_, &length)| counts[length] += 1);
                let mut symbols: Vec<_> = used().map(|(symbol, _)| symbol).collect();
                symbols.sort_by_key(|&symbol| lengths[symbol]);
                symbols
            }
        };
        Self { counts, symbols }
    }

    fn is_single(&self) -> bool {
        self.counts[0] == 1
    }
}
