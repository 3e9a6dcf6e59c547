//! The directory of a TIFF file: its tags and where their values lie (TIFF 6.0, section 2; BigTIFF).

use crate::error::Result;

use super::super::source::Source;

/// The tags that matter in print.
pub(super) mod tag {
    pub(in super::super) const NEW_SUBFILE_TYPE: u16 = 254;
    pub(in super::super) const WIDTH: u16 = 256;
    pub(in super::super) const HEIGHT: u16 = 257;
    pub(in super::super) const BITS: u16 = 258;
    pub(in super::super) const COMPRESSION: u16 = 259;
    pub(in super::super) const PHOTOMETRIC: u16 = 262;
    pub(in super::super) const FILL_ORDER: u16 = 266;
    pub(in super::super) const STRIP_OFFSETS: u16 = 273;
    pub(in super::super) const ORIENTATION: u16 = 274;
    pub(in super::super) const SAMPLES: u16 = 277;
    pub(in super::super) const ROWS_PER_STRIP: u16 = 278;
    pub(in super::super) const STRIP_BYTES: u16 = 279;
    pub(in super::super) const X_RESOLUTION: u16 = 282;
    pub(in super::super) const Y_RESOLUTION: u16 = 283;
    pub(in super::super) const PLANAR: u16 = 284;
    pub(in super::super) const RESOLUTION_UNIT: u16 = 296;
    pub(in super::super) const PREDICTOR: u16 = 317;
    pub(in super::super) const PALETTE: u16 = 320;
    pub(in super::super) const TILE_WIDTH: u16 = 322;
    pub(in super::super) const TILE_HEIGHT: u16 = 323;
    pub(in super::super) const TILE_OFFSETS: u16 = 324;
    pub(in super::super) const TILE_BYTES: u16 = 325;
    pub(in super::super) const INK_SET: u16 = 332;
    pub(in super::super) const EXTRA_SAMPLES: u16 = 338;
    pub(in super::super) const SAMPLE_FORMAT: u16 = 339;
    pub(in super::super) const JPEG_TABLES: u16 = 347;
    pub(in super::super) const ICC_PROFILE: u16 = 34675;

    pub(super) const ALL: [u16; 27] = [
        NEW_SUBFILE_TYPE,
        WIDTH,
        HEIGHT,
        BITS,
        COMPRESSION,
        PHOTOMETRIC,
        FILL_ORDER,
        STRIP_OFFSETS,
        ORIENTATION,
        SAMPLES,
        ROWS_PER_STRIP,
        STRIP_BYTES,
        X_RESOLUTION,
        Y_RESOLUTION,
        PLANAR,
        RESOLUTION_UNIT,
        PREDICTOR,
        PALETTE,
        TILE_WIDTH,
        TILE_HEIGHT,
        TILE_OFFSETS,
        TILE_BYTES,
        INK_SET,
        EXTRA_SAMPLES,
        SAMPLE_FORMAT,
        JPEG_TABLES,
        ICC_PROFILE,
    ];
}

/// Byte order and width of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) big_endian: bool,
    /// BigTIFF: addresses and counts of 8 bytes.
    big: bool,
}

impl Form {
    /// Reads a file's header: its form, and where the first directory lies.
    pub(super) fn read(source: &mut Source) -> Result<(Self, u64)> {
        let form = match &source.read_array::<4>()? {
            b"II*\0" => Self { big_endian: false, big: false },
            b"MM\0*" => Self { big_endian: true, big: false },
            b"II+\0" => Self { big_endian: false, big: true },
            b"MM\0+" => Self { big_endian: true, big: true },
            _ => return Err(source.changed()),
        };
        if form.big && form.number(&source.read_array::<4>()?) != if form.big_endian { 8 << 16 } else { 8 } {
            return Err(source.damaged("its header is damaged: export it again"));
        }
        let directory = form.read_address(source)?;
        Ok((form, directory))
    }

    fn read_address(self, source: &mut Source) -> Result<u64> {
        Ok(if self.big { self.number(&source.read_array::<8>()?) } else { self.number(&source.read_array::<4>()?) })
    }

    /// The number that up to 8 bytes make.
    fn number(self, bytes: &[u8]) -> u64 {
        let add = |number: u64, &byte: &u8| number << 8 | u64::from(byte);
        if self.big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) }
    }
}

/// The values of one tag. They stay in the file until they are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Values {
    form: Form,
    kind: u16,
    pub(super) count: u64,
    /// Where the first one lies in the file.
    at: u64,
}

impl Values {
    /// Bytes of a value; `None` for what is no whole number or ratio of them.
    fn value_bytes(self) -> Option<u64> {
        match self.kind {
            1 | 7 => Some(1),
            3 => Some(2),
            4 | 13 => Some(4),
            5 | 16 | 18 => Some(8),
            _ => None,
        }
    }

    /// Reads the values from `first` on, as many as `out` holds.
    pub(super) fn read(self, source: &mut Source, first: u64, out: &mut [u64]) -> Result<()> {
        let outside = |source: &Source| source.damaged("its directory is damaged: export it again");
        let size = self.value_bytes().ok_or_else(|| outside(source))?;
        let at = first.checked_mul(size).and_then(|offset| self.at.checked_add(offset)).ok_or_else(|| outside(source))?;
        if first.checked_add(out.len() as u64).is_none_or(|end| end > self.count) {
            return Err(outside(source));
        }
        source.go_to(at)?;
        for value in out {
            let mut bytes = [0; 8];
            // At most 8.
            let bytes = &mut bytes[..usize::try_from(size).unwrap_or(8)];
            source.read_exact(bytes)?;
            *value = self.form.number(bytes);
        }
        Ok(())
    }

    /// The value of this index.
    pub(super) fn get(self, source: &mut Source, index: u64) -> Result<u64> {
        let mut value = [0];
        self.read(source, index, &mut value)?;
        Ok(value[0])
    }

    /// Where single bytes lie in the file, and how many.
    pub(super) fn bytes(self) -> (u64, u64) {
        (self.at, self.count)
    }
}

/// A directory's tags.
#[derive(Debug)]
pub(super) struct Directory {
    tags: Vec<(u16, Values)>,
}

impl Directory {
    /// Reads the directory at `at`: its tags, and where the next one lies, 0 for none.
    pub(super) fn read(source: &mut Source, form: Form, at: u64) -> Result<(Self, u64)> {
        source.go_to(at)?;
        let count = if form.big { form.number(&source.read_array::<8>()?) } else { form.number(&source.read_array::<2>()?) };
        if count == 0 || count > u16::MAX.into() {
            return Err(source.damaged("its directory is damaged: export it again"));
        }
        let mut tags: Vec<(u16, Values)> = Vec::with_capacity(tag::ALL.len());
        for _ in 0..count {
            let tag = form.number(&source.read_array::<2>()?);
            let kind = form.number(&source.read_array::<2>()?);
            // Both have two bytes.
            let (tag, kind) = (u16::try_from(tag).unwrap_or(0), u16::try_from(kind).unwrap_or(0));
            let count = form.read_address(source)?;
            let here = source.position();
            let address = form.read_address(source)?;
            let mut values = Values { form, kind, count, at: here };
            let bytes = values.value_bytes().and_then(|bytes| bytes.checked_mul(count));
            if bytes.is_none_or(|bytes| bytes > source.position() - here) {
                values.at = address;
            }
            if tag::ALL.contains(&tag) && tags.iter().all(|&(known, _)| known != tag) {
                tags.push((tag, values));
            }
        }
        let next = form.read_address(source)?;
        Ok((Self { tags }, next))
    }

    /// The values of a tag.
    pub(super) fn values(&self, tag: u16) -> Option<Values> {
        self.tags.iter().find(|&&(known, _)| known == tag).map(|&(_, values)| values)
    }

    /// The first value of a tag.
    pub(super) fn number(&self, source: &mut Source, tag: u16) -> Result<Option<u64>> {
        self.values(tag).map(|values| values.get(source, 0)).transpose()
    }

    /// A tag's ratio; `None` where it is missing or none.
    pub(super) fn ratio(&self, source: &mut Source, tag: u16) -> Option<f64> {
        let values = self.values(tag).filter(|values| values.kind == 5 && values.count > 0)?;
        let halves = Values { kind: 4, count: 2, ..values };
        let (mut numerator, mut denominator) = ([0], [0]);
        halves.read(source, 0, &mut numerator).ok()?;
        halves.read(source, 1, &mut denominator).ok()?;
        let value = |number: u64| u32::try_from(number).ok().map(f64::from);
        Some(value(numerator[0])? / value(denominator[0])?)
    }
}
