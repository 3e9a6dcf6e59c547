//! Exif: orientation and resolution, as cameras write them into JPEG and WebP files.

use super::orientation::Orientation;

/// What Exif says that matters in print. What is damaged or missing says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Exif {
    pub(super) orientation: Orientation,
    pub(super) dpi: Option<(f64, f64)>,
}

/// Most cameras' files have about 20 entries.
const MOST_ENTRIES: u16 = 1000;

impl Exif {
    /// Reads the first directory of a block that begins with a TIFF header (Exif 3.0, section 4.5).
    pub(super) fn read(block: &[u8]) -> Self {
        let Some(block) = Block::new(block) else { return Self::default() };
        let mut exif = Self::default();
        let (mut x, mut y, mut unit) = (None, None, 2);
        let Some(directory) = block.u32(4).and_then(|at| usize::try_from(at).ok()) else { return exif };
        let count = block.u16(directory).unwrap_or(0).min(MOST_ENTRIES);
        for entry in (0..usize::from(count)).filter_map(|nth| directory.checked_add(2 + nth * 12)) {
            let (Some(tag), Some(kind)) = (block.u16(entry), block.u16(entry + 2)) else { break };
            const SHORT: u16 = 3;
            const RATIONAL: u16 = 5;
            match (tag, kind) {
                (0x112, SHORT) => exif.orientation = Orientation::from_tag(block.u16(entry + 8).unwrap_or(1).into()),
                (0x11a, RATIONAL) => x = block.ratio(entry + 8),
                (0x11b, RATIONAL) => y = block.ratio(entry + 8),
                (0x128, SHORT) => unit = block.u16(entry + 8).unwrap_or(2),
                _ => {}
            }
        }
        exif.dpi = x.zip(y).and_then(|resolution| per_inch(resolution, unit.into()));
        exif
    }
}

/// A resolution in pixels per inch, from its tag's `unit`: 2 for the inch, 3 for the centimetre (TIFF 6.0, section 8).
pub(super) fn per_inch((x, y): (f64, f64), unit: u64) -> Option<(f64, f64)> {
    let per_inch = match unit {
        2 => 1.0,
        3 => 2.54,
        _ => return None,
    };
    let usable = |value: f64| value.is_finite() && value > 0.0;
    (usable(x) && usable(y)).then_some((x * per_inch, y * per_inch))
}

/// A block in its byte order.
struct Block<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

impl<'a> Block<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let big_endian = match bytes.get(..4)? {
            b"MM\0*" => true,
            b"II*\0" => false,
            _ => return None,
        };
        Some(Self { bytes, big_endian })
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let bytes: [u8; 2] = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes: [u8; 4] = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// The ratio that the offset at `at` points to.
    fn ratio(&self, at: usize) -> Option<f64> {
        let place = usize::try_from(self.u32(at)?).ok()?;
        Some(f64::from(self.u32(place)?) / f64::from(self.u32(place.checked_add(4)?)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::Turn;

    /// Orientation 6, 300 × 150 per inch.
    fn block(big_endian: bool) -> Vec<u8> {
        let short = |value: u16| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        let long = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        let mut block = if big_endian { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
        block.extend(long(8));
        block.extend(short(4));
        for (tag, kind, value) in [(0x112, 3, None), (0x11a, 5, Some(62)), (0x11b, 5, Some(70)), (0x128, 3, None)] {
            block.extend([short(tag), short(kind)].concat());
            block.extend(long(1));
            match value {
                Some(at) => block.extend(long(at)),
                None => block.extend([short(if tag == 0x112 { 6 } else { 2 }), [0; 2]].concat()),
            }
        }
        block.extend(long(0));
        [300, 1, 300, 2].into_iter().for_each(|value| block.extend(long(value)));
        block
    }

    #[test]
    fn orientation_and_resolution_are_read_in_both_byte_orders() {
        for big_endian in [false, true] {
            let exif = Exif::read(&block(big_endian));
            assert_eq!(exif.orientation, Orientation { mirror: false, turn: Turn::Cw90 });
            assert_eq!(exif.dpi, Some((300.0, 150.0)));
        }
    }

    #[test]
    fn what_is_damaged_says_nothing_and_does_no_harm() {
        let whole = block(true);
        for length in 0..whole.len() {
            Exif::read(&whole[..length]);
        }
        for at in 0..whole.len() {
            for bits in [1, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] ^= bits;
                Exif::read(&damaged);
            }
        }
        assert_eq!(Exif::read(b"MM\0*\0\0\0\x08"), Exif::default());
        // A directory that lies beyond all addresses.
        assert_eq!(Exif::read(b"MM\0*\xff\xff\xff\xff"), Exif::default());
    }
}
