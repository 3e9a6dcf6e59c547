//! TIFF and BigTIFF: what the first directory says (TIFF 6.0).

mod chunk;
mod directory;
mod reader;
mod samples;

use crate::error::Result;
use crate::geom::{MAX_SIDE_PX, PxSize};

use super::color::{ColorTag, MAX_PROFILE_BYTES};
use super::exif::per_inch;
use super::header::{ArtworkFormat, ArtworkHeader};
use super::source::Source;
use super::{ArtworkLimits, ColorMode, Orientation};

use self::directory::{Directory, Form, Values, tag};
pub(super) use self::reader::{Reader, memory_bytes};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Color {
    /// Inverted where 0 is white.
    Grey {
        inverted: bool,
    },
    Rgb,
    Palette,
    Cmyk,
    /// Only inside JPEG, from which it comes as red, green and blue.
    YCbCr,
}

impl Color {
    fn channels(self) -> usize {
        match self {
            Self::Grey { .. } | Self::Palette => 1,
            Self::Rgb | Self::YCbCr => 3,
            Self::Cmyk => 4,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alpha {
    None,
    Straight,
    Premultiplied,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    None,
    PackBits,
    Lzw,
    Deflate,
    /// CCITT Group 4.
    Fax,
    Jpeg,
}

/// What a directory says, checked: only what can be read.
#[derive(Debug)]
struct Image {
    form: Form,
    size: PxSize,
    color: Color,
    alpha: Alpha,
    /// Samples of a pixel, those without a meaning included.
    samples: u16,
    /// Bits of a sample: 1, 2, 4, 8 or 16.
    bits: u16,
    compression: Compression,
    /// Whether samples are differences from those to the left.
    predicted: bool,
    /// Whether bits are counted from the lowest.
    reversed: bool,
    /// Whether each channel has chunks of its own.
    planar: bool,
    /// Size of a strip or tile.
    chunk: PxSize,
    tiled: bool,
    offsets: Values,
    byte_counts: Values,
    /// Bytes of the largest compressed chunk.
    largest_chunk_bytes: u64,
    palette: Option<Values>,
    jpeg_tables: Option<Values>,
}

impl Image {
    /// Reads the first directory of a file.
    fn read(source: &mut Source) -> Result<(Self, Directory, u64)> {
        let (form, at) = Form::read(source)?;
        let (directory, next) = Directory::read(source, form, at)?;
        let mut image = Self::describe(source, &directory, form)?;
        image.check_chunks(source)?;
        Ok((image, directory, next))
    }

    fn describe(source: &mut Source, directory: &Directory, form: Form) -> Result<Self> {
        let rare = |what: &str| format!("it is a rare kind of TIFF ({what}): convert it to PNG");
        let mut number = |tag: u16, otherwise: u64| Ok::<_, crate::Error>(directory.number(source, tag)?.unwrap_or(otherwise));
        let (width, height) = (number(tag::WIDTH, 0)?, number(tag::HEIGHT, 0)?);
        let (photometric, compression) = (number(tag::PHOTOMETRIC, u64::MAX)?, number(tag::COMPRESSION, 1)?);
        let (samples, planar, predictor) = (number(tag::SAMPLES, 1)?, number(tag::PLANAR, 1)?, number(tag::PREDICTOR, 1)?);
        let (fill_order, ink_set, tile) = (number(tag::FILL_ORDER, 1)?, number(tag::INK_SET, 1)?, number(tag::TILE_WIDTH, 0)?);
        let (rows, tile_height) = (number(tag::ROWS_PER_STRIP, u64::MAX)?, number(tag::TILE_HEIGHT, 0)?);
        let size =
            px_size(width, height).ok_or_else(|| source.damaged(format!("no TIFF can be {width} × {height} px: export it again")))?;
        let compression = match compression {
            1 => Compression::None,
            4 => Compression::Fax,
            5 => Compression::Lzw,
            7 => Compression::Jpeg,
            8 | 32946 => Compression::Deflate,
            32773 => Compression::PackBits,
            other => return Err(source.damaged(rare(&format!("compression {other}")))),
        };
        let color = match photometric {
            0 => Color::Grey { inverted: true },
            1 => Color::Grey { inverted: false },
            2 => Color::Rgb,
            3 => Color::Palette,
            5 if ink_set == 1 => Color::Cmyk,
            6 if compression == Compression::Jpeg => Color::YCbCr,
            other => return Err(source.damaged(rare(&format!("colours of kind {other}")))),
        };
        let (bits, samples) = read_depth(source, directory, samples)?;
        let alpha = read_alpha(source, directory, color, samples)?;
        let kinds = match color {
            Color::Grey { .. } if samples == 1 => matches!(bits, 1 | 2 | 4 | 8 | 16),
            Color::Palette => samples == 1 && matches!(bits, 1 | 2 | 4 | 8),
            Color::Cmyk if alpha != Alpha::None => false,
            _ => usize::from(samples) >= color.channels() && matches!(bits, 8 | 16),
        };
        let fits = match compression {
            Compression::Fax => (bits, samples) == (1, 1) && size.width() < 1 << 24,
            Compression::Jpeg => bits == 8 && matches!(samples, 1 | 3 | 4) && planar == 1 && usize::from(samples) == color.channels(),
            _ => fill_order == 1,
        };
        if !kinds || !fits || !matches!(planar, 1 | 2) || !matches!((predictor, bits), (1, _) | (2, 8 | 16)) {
            return Err(source.damaged(rare(&format!("{samples} samples of {bits} bits"))));
        }
        let tiled = directory.values(tag::TILE_WIDTH).is_some();
        let chunk = if tiled { px_size(tile, tile_height) } else { px_size(width, rows.min(height)) };
        let (offsets, byte_counts) = if tiled { (tag::TILE_OFFSETS, tag::TILE_BYTES) } else { (tag::STRIP_OFFSETS, tag::STRIP_BYTES) };
        let (Some(chunk), Some(offsets), Some(byte_counts)) = (chunk, directory.values(offsets), directory.values(byte_counts)) else {
            return Err(source.damaged("its directory is damaged: export it again"));
        };
        Ok(Self {
            form,
            size,
            color,
            alpha,
            samples,
            bits,
            compression,
            predicted: predictor == 2 && matches!(compression, Compression::Lzw | Compression::Deflate),
            reversed: fill_order == 2,
            planar: planar == 2 && samples > 1,
            chunk,
            tiled,
            offsets,
            byte_counts,
            largest_chunk_bytes: 0,
            palette: directory.values(tag::PALETTE).filter(|_| color == Color::Palette),
            jpeg_tables: directory.values(tag::JPEG_TABLES).filter(|_| compression == Compression::Jpeg),
        })
    }

    /// Makes sure that all chunks lie inside the file, and finds the largest.
    fn check_chunks(&mut self, source: &mut Source) -> Result<()> {
        let count = self.chunks_across() * self.chunks_down() * self.planes();
        let damaged = |source: &Source| source.damaged("its directory is damaged: export it again");
        if self.offsets.count < count || self.byte_counts.count < count || self.chunk_row_bytes().is_none() {
            return Err(damaged(source));
        }
        // Their pixels must begin with whole bytes.
        let bits_across = u64::from(self.chunk.width()) * u64::from(self.samples * self.bits);
        if self.palette.is_none() && self.color == Color::Palette || self.chunks_across() > 1 && !bits_across.is_multiple_of(8) {
            return Err(damaged(source));
        }
        if self.palette.is_some_and(|palette| palette.count < 3 << self.bits) {
            return Err(damaged(source));
        }
        let mut first = 0;
        while first < count {
            let (mut offsets, mut byte_counts) = ([0; 64], [0; 64]);
            // At most 64.
            let block = usize::try_from(count - first).unwrap_or(usize::MAX).min(offsets.len());
            self.offsets.read(source, first, &mut offsets[..block])?;
            self.byte_counts.read(source, first, &mut byte_counts[..block])?;
            for (&offset, &bytes) in offsets[..block].iter().zip(&byte_counts) {
                match offset.checked_add(bytes).filter(|&end| end <= source.length_bytes()) {
                    Some(_) => self.largest_chunk_bytes = self.largest_chunk_bytes.max(bytes),
                    None if source.is_lenient() => {}
                    None => return Err(source.truncated()),
                }
            }
            first += block as u64;
        }
        if let Some((at, count)) = self.jpeg_tables.map(Values::bytes)
            && (count > 1 << 16 || at.checked_add(count).is_none_or(|end| end > source.length_bytes()))
        {
            return Err(damaged(source));
        }
        Ok(())
    }

    fn planes(&self) -> u64 {
        if self.planar { self.samples.into() } else { 1 }
    }

    fn chunks_across(&self) -> u64 {
        self.size.width().div_ceil(self.chunk.width()).into()
    }

    fn chunks_down(&self) -> u64 {
        self.size.height().div_ceil(self.chunk.height()).into()
    }

    /// Samples of a pixel that one chunk holds.
    fn samples_per_chunk_pixel(&self) -> u16 {
        if self.planar { 1 } else { self.samples }
    }

    /// Bytes of a row of the image, all its samples together. At most 2³¹ × 2⁸ × 2: far inside u64.
    fn row_bytes(&self) -> u64 {
        (u64::from(self.size.width()) * u64::from(self.samples) * u64::from(self.bits)).div_ceil(8)
    }

    /// Bytes of a row of a chunk; `None` for more than there are addresses.
    fn chunk_row_bytes(&self) -> Option<usize> {
        let bits = u64::from(self.chunk.width()) * u64::from(self.samples_per_chunk_pixel()) * u64::from(self.bits);
        usize::try_from(bits.div_ceil(8)).ok()
    }

    /// Whether chunks have to be put together to make rows.
    fn needs_joining(&self) -> bool {
        self.tiled || self.planar
    }

    /// Rows of the image that a row of chunks makes.
    fn rows_per_chunk(&self) -> u32 {
        self.chunk.height().min(self.size.height())
    }
}

fn px_size(width: u64, height: u64) -> Option<PxSize> {
    let side = |side: u64| u32::try_from(side).ok().filter(|&side| side <= MAX_SIDE_PX);
    PxSize::new(side(width)?, side(height)?).ok()
}

/// Bits of a sample, the same for all, and the number of samples of a pixel.
fn read_depth(source: &mut Source, directory: &Directory, samples: u64) -> Result<(u16, u16)> {
    const MOST_SAMPLES: usize = 64;
    let Some(samples) = u16::try_from(samples).ok().filter(|&samples| (1..=MOST_SAMPLES).contains(&usize::from(samples))) else {
        return Err(source.damaged(format!("its {samples} samples a pixel are not possible: export it again")));
    };
    let mut bits = [1; MOST_SAMPLES];
    if let Some(values) = directory.values(tag::BITS) {
        // Some programs write one number for all samples.
        let count = values.count.min(samples.into());
        let known = &mut bits[..usize::try_from(count).unwrap_or(0)];
        values.read(source, 0, known)?;
        let last = known.last().copied().unwrap_or(0);
        let count = known.len();
        bits[count..].fill(last);
    }
    let bits = &bits[..usize::from(samples)];
    let format = directory.number(source, tag::SAMPLE_FORMAT)?.unwrap_or(1);
    match u16::try_from(bits[0]) {
        Ok(first) if bits.iter().all(|&other| other == bits[0]) && first <= 16 && matches!(format, 1 | 4) => Ok((first, samples)),
        _ => Err(source.damaged("it is a rare kind of TIFF (its samples are no whole numbers of up to 16 bits): convert it to PNG")),
    }
}

/// What the first sample after the colours says. Where nothing is said about a single one, it is alpha.
fn read_alpha(source: &mut Source, directory: &Directory, color: Color, samples: u16) -> Result<Alpha> {
    if usize::from(samples) <= color.channels() {
        return Ok(Alpha::None);
    }
    Ok(match directory.number(source, tag::EXTRA_SAMPLES)? {
        Some(1) => Alpha::Premultiplied,
        Some(2) => Alpha::Straight,
        Some(_) => Alpha::None,
        None if usize::from(samples) == color.channels() + 1 => Alpha::Straight,
        None => Alpha::None,
    })
}

/// The profile that a tag holds (ICC.1:2022, section B.3).
pub(super) fn color_tag(mut source: Source) -> Result<ColorTag> {
    let (form, at) = Form::read(&mut source)?;
    let (directory, _) = Directory::read(&mut source, form, at)?;
    let Some((at, bytes)) = directory.values(tag::ICC_PROFILE).map(Values::bytes) else { return Ok(ColorTag::Srgb) };
    if bytes > MAX_PROFILE_BYTES {
        return Ok(ColorTag::Damaged("it is too large"));
    }
    if at.checked_add(bytes).is_none_or(|end| end > source.length_bytes()) {
        return Ok(ColorTag::Damaged("it is damaged"));
    }
    source.go_to(at)?;
    let mut profile = vec![0; usize::try_from(bytes).unwrap_or_default()];
    source.read_exact(&mut profile)?;
    Ok(ColorTag::Icc(profile))
}

/// Reads all directories, and none of the pixels.
pub(super) fn probe(mut source: Source, limits: &ArtworkLimits) -> Result<ArtworkHeader> {
    let (image, directory, mut next) = Image::read(&mut source)?;
    let (x, y) = (directory.ratio(&mut source, tag::X_RESOLUTION), directory.ratio(&mut source, tag::Y_RESOLUTION));
    let unit = directory.number(&mut source, tag::RESOLUTION_UNIT)?.unwrap_or(2);
    let orientation = Orientation::from_tag(directory.number(&mut source, tag::ORIENTATION)?.unwrap_or(1));
    let (mut frames, mut directories) = (1, 1);
    while next != 0 {
        directories += 1;
        // Directories may lead back to themselves.
        limits.check_frames(directories, source.path())?;
        let (page, after) = Directory::read(&mut source, image.form, next)?;
        // A smaller copy of another page is none.
        let smaller = page.number(&mut source, tag::NEW_SUBFILE_TYPE)?.unwrap_or(0) & 1;
        frames += u32::from(smaller == 0);
        next = after;
    }
    let header = ArtworkHeader {
        size: image.size,
        format: ArtworkFormat::Tiff,
        may_be_transparent: image.alpha != Alpha::None,
        dpi: x.zip(y).and_then(|resolution| per_inch(resolution, unit)),
        frames,
        fingerprint: source.digest()?,
        file_bytes: source.length_bytes(),
        damage: None,
        color_mode: match image.color {
            Color::Grey { .. } => ColorMode::Grey,
            Color::Rgb | Color::Palette | Color::YCbCr => ColorMode::Rgb,
            Color::Cmyk => ColorMode::Cmyk,
        },
        color: Default::default(),
        deep_bytes: (image.bits == 16).then_some(0),
        orientation: Orientation::default(),
        reduction: Default::default(),
        limits: *limits,
        decoder_bytes: reader::decoder_bytes(&image),
        jpeg: Default::default(),
    };
    Ok(header.oriented(orientation))
}
