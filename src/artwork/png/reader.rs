//! The rows of a PNG file.

use std::path::Path;

use crate::budget::{MemoryBudget, Reservation};
use crate::error::{ErrorKind, Result};
use crate::pixel::Rgba8;

use super::super::convert::Conversion;
use super::super::depth::{Pixel, Rgba16};
use super::super::header::ArtworkHeader;
use super::super::limits::Deadline;
use super::super::source::Source;
use super::chunks::{Chunks, PixelData};
use super::unfilter::unfilter;
use super::{Color, Ihdr};

/// Bytes of the file that are read at once.
const INPUT_BYTES: usize = 32 << 10;

/// Bytes that are decompressed at once, where a row is not longer: they should stay in the processor's cache.
const BLOCK_BYTES: u64 = 64 << 10;

/// The input buffer, the decompressor with its window of 32 KiB, and tables.
const CONSTANT_BYTES: u64 = (INPUT_BYTES + (96 << 10)) as u64;

/// Bytes of the decompressed rows that are held: a block, or a row where that is longer, and the row above it.
fn lines_bytes(ihdr: Ihdr) -> u64 {
    let row = ihdr.row_bytes(ihdr.size.width()) + 1;
    row + row.max(BLOCK_BYTES)
}

/// What reading holds apart from a constant, with 8 bits a sample: the decompressed rows, and for interlaced files the frame.
pub(super) fn decoder_bytes(ihdr: Ihdr) -> u64 {
    frame_bytes::<Rgba8>(ihdr).saturating_add(lines_bytes(ihdr))
}

/// Bytes of the frame of an interlaced file, and of one row of it.
pub(super) fn frame_bytes<P>(ihdr: Ihdr) -> u64 {
    let pixels = if ihdr.interlaced { ihdr.size.area().saturating_add(ihdr.size.width().into()) } else { 0 };
    pixels.saturating_mul(size_of::<P>() as u64)
}

/// The most bytes that reading a file with this `header` holds.
pub(in super::super) fn memory_bytes(header: &ArtworkHeader) -> u64 {
    header.decoder_bytes.saturating_add(header.deep_bytes.unwrap_or(0)).saturating_add(CONSTANT_BYTES)
}

/// Reads the rows of a PNG file; those of an interlaced one are put together in a frame first.
///
/// # Memory
///
/// [`memory_bytes`].
#[derive(Debug)]
pub(in super::super) struct PngReader {
    lines: Lines,
    row_bytes: usize,
    conversion: Conversion,
    frame: Option<Frame>,
    fingerprint: [u8; 32],
    _reservation: Reservation,
}

/// The picture of an interlaced file.
#[derive(Debug)]
enum Frame {
    Narrow(FrameRows<Rgba8>),
    Deep(FrameRows<Rgba16>),
}

#[derive(Debug)]
struct FrameRows<P> {
    pixels: Vec<P>,
    next: usize,
}

impl<F: Copy> FrameRows<F> {
    /// Hands out the next row.
    fn take<P>(&mut self, out: &mut [P], pixel: impl Fn(F) -> P) {
        out.iter_mut().zip(&self.pixels[self.next..]).for_each(|(out, &from)| *out = pixel(from));
        self.next += out.len();
    }
}

impl PngReader {
    pub(in super::super) fn open(path: &Path, header: &ArtworkHeader, budget: &MemoryBudget, deadline: &Deadline) -> Result<Self> {
        let reservation = budget.reserve(memory_bytes(header), format_args!("the decoder of {}", path.display()))?;
        Self::start(Source::open(path, INPUT_BYTES)?.lenient(header.damage.is_some()), header, reservation, deadline)
    }

    fn start(source: Source, header: &ArtworkHeader, reservation: Reservation, deadline: &Deadline) -> Result<Self> {
        let mut chunks = Chunks::start(source)?;
        let ihdr = chunks.read_header()?;
        if ihdr.size != header.size || decoder_bytes(ihdr) != header.decoder_bytes {
            return Err(chunks.source().changed());
        }
        let mut reader = Self {
            conversion: read_conversion(&mut chunks, ihdr)?,
            lines: Lines {
                data: PixelData::start(chunks),
                bytes: vec![0; index(lines_bytes(ihdr))],
                above: None,
                start: 0,
                end: 0,
                bytes_per_pixel: index(ihdr.bits_per_pixel().div_ceil(8)),
            },
            row_bytes: index(ihdr.row_bytes(ihdr.size.width())),
            frame: None,
            fingerprint: header.fingerprint,
            _reservation: reservation,
        };
        if ihdr.interlaced {
            let is_damaged = header.damage.is_some();
            reader.frame = Some(match header.deep_bytes {
                None => Frame::Narrow(reader.read_frame(ihdr, is_damaged, deadline)?),
                Some(_) => Frame::Deep(reader.read_frame(ihdr, is_damaged, deadline)?),
            });
        }
        Ok(reader)
    }

    /// The whole picture, or what can be read of a damaged one.
    fn read_frame<P: Pixel>(&mut self, ihdr: Ihdr, is_damaged: bool, deadline: &Deadline) -> Result<FrameRows<P>> {
        let mut pixels = vec![P::default(); index(ihdr.size.area())];
        match self.read_passes(ihdr, &mut pixels, deadline) {
            Err(error) if !is_damaged || !matches!(error.kind(), ErrorKind::Artwork { .. }) => Err(error),
            _ => Ok(FrameRows { pixels, next: 0 }),
        }
    }

    fn read_passes<P: Pixel>(&mut self, ihdr: Ihdr, pixels: &mut [P], deadline: &Deadline) -> Result<()> {
        let width = ihdr.size.width() as usize;
        let mut row = vec![P::default(); width];
        for Pass { x, y, across, down } in ADAM7 {
            let columns = width.saturating_sub(x).div_ceil(across);
            if columns == 0 {
                continue;
            }
            let row_bytes = index(ihdr.row_bytes(u32::try_from(columns).unwrap_or_default()));
            self.lines.above = None;
            for line in pixels.chunks_exact_mut(width).skip(y).step_by(down) {
                deadline.check(self.lines.data.source().path())?;
                self.conversion.convert(self.lines.next(row_bytes)?, &mut row[..columns]);
                line[x..].iter_mut().step_by(across).zip(row.iter()).for_each(|(pixel, &value)| *pixel = value);
            }
        }
        Ok(())
    }

    pub(in super::super) fn read_row<P: Pixel>(&mut self, out: &mut [P]) -> Result<()> {
        match &mut self.frame {
            Some(Frame::Narrow(rows)) => rows.take(out, P::of_8),
            Some(Frame::Deep(rows)) => rows.take(out, P::of_16),
            None => self.conversion.convert(self.lines.next(self.row_bytes)?, out),
        }
        Ok(())
    }

    pub(in super::super) fn finish(self) -> Result<()> {
        self.lines.data.finish(&self.fingerprint)
    }
}

/// The decompressed rows: a buffer with what lies ready, and the row above it.
#[derive(Debug)]
struct Lines {
    data: PixelData,
    bytes: Vec<u8>,
    /// Where the row above begins in `bytes`, without its filter byte; `None` for the first row of an image or pass.
    above: Option<usize>,
    /// What lies ready: `bytes[start..end]`.
    start: usize,
    end: usize,
    bytes_per_pixel: usize,
}

impl Lines {
    /// The next row of `row_bytes` bytes, its filter undone.
    fn next(&mut self, row_bytes: usize) -> Result<&[u8]> {
        if self.end - self.start <= row_bytes {
            let kept = self.above.unwrap_or(self.start);
            self.bytes.copy_within(kept..self.end, 0);
            (self.start, self.end) = (self.start - kept, self.end - kept);
            self.above = self.above.map(|_| 0);
            self.end += self.data.read(&mut self.bytes[self.end..])?;
            if self.end - self.start <= row_bytes {
                return Err(self.data.incomplete());
            }
        }
        let (before, row) = self.bytes.split_at_mut(self.start);
        let (above, row) = (self.above.map(|above| &before[above..above + row_bytes]), &mut row[..=row_bytes]);
        if unfilter(self.bytes_per_pixel, above, row).is_none() {
            return Err(self.data.source().damaged("its pixels are damaged (unknown row filter): upload it again"));
        }
        self.above = Some(self.start + 1);
        self.start += 1 + row_bytes;
        Ok(&row[1..])
    }
}

/// Reads on to the pixels, and how samples become pixels on the way.
fn read_conversion(chunks: &mut Chunks, ihdr: Ihdr) -> Result<Conversion> {
    let (mut palette, mut transparency) = (Vec::new(), None);
    loop {
        let (kind, length) = chunks.next()?;
        match &kind {
            b"IDAT" => break,
            b"PLTE" if ihdr.color == Color::Palette => {
                if length == 0 || length > 3 << ihdr.depth || length % 3 != 0 {
                    return Err(chunks.source().damaged(format!("a palette of {length} bytes is not possible: export it again")));
                }
                palette = chunks.read_vec()?;
            }
            // At most one byte for each colour of a palette.
            b"tRNS" if length <= 256 => transparency = Some(chunks.read_vec()?),
            _ => chunks.skip()?,
        }
    }
    let conversion = match (ihdr.color, ihdr.depth) {
        (Color::Palette, depth) => Conversion::from_palette(depth, &palette, transparency.as_deref().unwrap_or_default()),
        (Color::Grey, depth) => Conversion::from_grey(depth, key(transparency.as_deref())),
        (Color::Rgb, depth) => Conversion::from_rgb(depth, key(transparency.as_deref())),
        (Color::GreyAlpha, 8) => Conversion::GreyAlpha8,
        (Color::GreyAlpha, _) => Conversion::GreyAlpha16,
        (Color::Rgba, 8) => Conversion::Rgba8,
        (Color::Rgba, _) => Conversion::Rgba16,
    };
    Ok(conversion)
}

/// The transparent colour of a tRNS chunk (section 11.3.1.1): one 16-bit sample a channel. A chunk of another length is ignored.
fn key<const CHANNELS: usize>(chunk: Option<&[u8]>) -> Option<[u16; CHANNELS]> {
    let (samples, []) = chunk?.as_chunks::<2>() else { return None };
    <[[u8; 2]; CHANNELS]>::try_from(samples).ok().map(|samples| samples.map(u16::from_be_bytes))
}

/// A number of bytes or pixels as an index; one beyond the address space is more than any budget holds.
fn index(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// The pixels of one pass of interlacing: every `across`th of every `down`th row, beginning at (`x`, `y`).
struct Pass {
    x: usize,
    y: usize,
    across: usize,
    down: usize,
}

/// Adam7 interlacing (section 8.2).
const ADAM7: [Pass; 7] = [
    Pass { x: 0, y: 0, across: 8, down: 8 },
    Pass { x: 4, y: 0, across: 8, down: 8 },
    Pass { x: 0, y: 4, across: 4, down: 8 },
    Pass { x: 2, y: 0, across: 4, down: 4 },
    Pass { x: 0, y: 2, across: 2, down: 4 },
    Pass { x: 1, y: 0, across: 2, down: 2 },
    Pass { x: 0, y: 1, across: 1, down: 2 },
];

#[cfg(test)]
mod tests {
    use std::io::Write;

    use ::png::{BitDepth, Transformations};
    use flate2::write::ZlibEncoder;
    use proptest::prelude::*;

    use super::super::super::{ArtworkLimits, ArtworkReader, testing};
    use super::*;

    const PNG_SUITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/pngsuite");

    /// The pixels of the file at `path`, as the store reads them, but that their colours are not converted.
    fn read(path: &Path) -> Result<Vec<Rgba8>> {
        let header = ArtworkHeader { color: Default::default(), ..testing::header(path)? };
        let budget = MemoryBudget::new(64 << 20);
        let mut reader = ArtworkReader::open(path, &header, &budget)?;
        assert!(budget.high_water_bytes() <= ArtworkReader::memory_bytes(&header));
        let mut pixels = vec![Rgba8::TRANSPARENT; usize::try_from(header.size.area()).unwrap()];
        for row in pixels.chunks_exact_mut(header.size.width() as usize) {
            reader.read_row(row)?;
        }
        assert!(reader.read_row(&mut vec![Rgba8::TRANSPARENT; header.size.width() as usize]).is_err());
        reader.finish()?;
        assert_eq!(budget.held_bytes(), 0);
        Ok(pixels)
    }

    fn read_bytes(bytes: &[u8]) -> Result<Vec<Rgba8>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        read(file.path())
    }

    /// The pixels as the png crate expands them, 16 bits rounded to 8.
    fn oracle(bytes: &[u8]) -> Vec<Rgba8> {
        let mut decoder = ::png::Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut samples = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut samples).unwrap();
        if info.bit_depth == BitDepth::Sixteen {
            let narrow = |pair: &[u8; 2]| u8::try_from((u32::from(u16::from_be_bytes(*pair)) * 255 + 32767) / 65535).unwrap();
            samples = samples.as_chunks::<2>().0.iter().map(narrow).collect();
        }
        let pixel = |sample: &[u8]| match *sample {
            [v] => Rgba8::new(v, v, v, 255),
            [v, a] => Rgba8::new(v, v, v, a),
            [r, g, b] => Rgba8::new(r, g, b, 255),
            [r, g, b, a] => Rgba8::new(r, g, b, a),
            _ => unreachable!(),
        };
        samples.chunks_exact(info.color_type.samples()).map(pixel).collect()
    }

    fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let crc = crc32fast::hash(&[kind.as_slice(), data].concat());
        [&u32::try_from(data.len()).unwrap().to_be_bytes(), kind.as_slice(), data, &crc.to_be_bytes()].concat()
    }

    fn zlib(data: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    struct Kind {
        color: u8,
        depth: u8,
        interlaced: bool,
        transparency: bool,
    }

    /// Every kind of PNG that there is, with and without a tRNS chunk.
    fn kinds() -> impl Iterator<Item = Kind> {
        let depths: [(u8, &[u8]); 5] = [(0, &[1, 2, 4, 8, 16]), (2, &[8, 16]), (3, &[1, 2, 4, 8]), (4, &[8, 16]), (6, &[8, 16])];
        let kinds = depths.into_iter().flat_map(|(color, depths)| depths.iter().map(move |&depth| (color, depth)));
        let flags = [(false, false), (false, true), (true, false), (true, true)];
        kinds.flat_map(move |(color, depth)| {
            flags.map(|(interlaced, transparency)| Kind { color, depth, interlaced, transparency: transparency && color < 4 })
        })
    }

    /// A file of this kind in a few IDAT chunks. Its rows are `noise`, which begins again when it is used up, under filters 0 to 4.
    fn file(kind: &Kind, width: u32, height: u32, noise: &[u8]) -> Vec<u8> {
        let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
        header.extend([kind.depth, kind.color, 0, 0, kind.interlaced.into()]);
        let channels = [1, 0, 3, 1, 2, 0, 4][usize::from(kind.color)];
        let mut bytes = noise.iter().copied().cycle();
        let mut rows = Vec::new();
        let whole = [Pass { x: 0, y: 0, across: 1, down: 1 }];
        for Pass { x, y, across, down } in if kind.interlaced { ADAM7.as_slice() } else { &whole } {
            let columns = (width as usize).saturating_sub(*x).div_ceil(*across);
            let lines = (height as usize).saturating_sub(*y).div_ceil(*down);
            for line in (0..lines).filter(|_| columns > 0) {
                rows.push([4, 1, 3, 2, 0][line % 5]);
                rows.extend(bytes.by_ref().take((columns * channels * usize::from(kind.depth)).div_ceil(8)));
            }
        }
        let mut file = [super::super::SIGNATURE.to_vec(), chunk(b"IHDR", &header)].concat();
        if kind.color == 3 {
            file.extend(chunk(b"PLTE", &noise.iter().copied().cycle().take(3 << kind.depth).collect::<Vec<_>>()));
        }
        if kind.transparency {
            let alpha: &[u8] = match kind.color {
                0 => &[0, 1],
                2 => &[0, noise[0], 0, noise[1], 0, noise[2]],
                _ => &[0, 77],
            };
            file.extend(chunk(b"tRNS", alpha));
        }
        for piece in zlib(&rows).chunks(40) {
            file.extend(chunk(b"IDAT", piece));
        }
        file.extend(chunk(b"IEND", &[]));
        file
    }

    #[test]
    fn every_kind_equals_the_png_crate() {
        let noise: Vec<u8> = (0..997_u32).map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
        for kind in kinds() {
            for (width, height) in [(1, 1), (3, 2), (5, 9), (8, 8), (33, 17)] {
                let file = file(&kind, width, height, &noise);
                let same = read_bytes(&file).unwrap() == oracle(&file);
                let Kind { color, depth, interlaced, transparency } = kind;
                assert!(same, "colour type {color}, {depth} bits, {interlaced}, {transparency}, {width} × {height}");
            }
        }
    }

    #[test]
    fn rows_longer_than_a_block_and_files_of_many_blocks_are_read() {
        let noise: Vec<u8> = (0..99_991_u32).map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
        for (color, depth, width, height) in [(6, 16, 9_000, 7), (6, 8, 600, 300), (0, 1, 3, 50_000)] {
            let file = file(&Kind { color, depth, interlaced: false, transparency: false }, width, height, &noise);
            assert!(read_bytes(&file).unwrap() == oracle(&file), "{width} × {height}");
        }
    }

    #[test]
    fn png_suite() {
        let mut files = 0;
        for entry in std::fs::read_dir(PNG_SUITE).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            if path.extension().is_none_or(|extension| extension != "png") {
                continue;
            }
            files += 1;
            match read(&path) {
                Ok(pixels) => assert!(!name.starts_with('x') && pixels == oracle(&std::fs::read(&path).unwrap()), "{name}"),
                Err(error) => assert!(name.starts_with('x'), "{error}"),
            }
        }
        assert_eq!(files, 175);
    }

    #[test]
    fn the_rows_are_the_same_however_the_file_is_cut_into_buffers() {
        let noise: Vec<u8> = (0..997_u32).map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
        for kind in kinds() {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), self::file(&kind, 33, 17, &noise)).unwrap();
            let header = testing::header(file.path()).unwrap();
            let rows_by = |buffer_bytes: usize| {
                let reservation = MemoryBudget::new(1 << 20).reserve(0, "a test").unwrap();
                let source = Source::open(file.path(), buffer_bytes).unwrap();
                let mut reader = PngReader::start(source, &header, reservation, &header.limits.deadline(header.size)).unwrap();
                let mut pixels = vec![Rgba8::TRANSPARENT; 33 * 17];
                pixels.chunks_exact_mut(33).for_each(|row| reader.read_row(row).unwrap());
                reader.finish().unwrap();
                pixels
            };
            let expected = read(file.path()).unwrap();
            assert!([1, 2, 3, 7, 64].into_iter().all(|buffer_bytes| rows_by(buffer_bytes) == expected));
        }
    }

    #[test]
    fn a_file_that_ends_anywhere_too_early_is_refused() {
        for interlaced in [false, true] {
            let file = file(&Kind { color: 3, depth: 4, interlaced, transparency: true }, 9, 9, &[1, 2, 3, 200, 100, 50, 25]);
            for length in 0..file.len() {
                assert!(read_bytes(&file[..length]).is_err(), "{length} of {} bytes", file.len());
            }
        }
    }

    proptest! {
        #[test]
        fn every_damage_is_refused(at: prop::sample::Index, bits in 1u8..=255, interlaced: bool) {
            let mut file = file(&Kind { color: 6, depth: 8, interlaced, transparency: false }, 12, 11, &[1, 2, 3, 200, 100, 50, 25]);
            let at = at.index(file.len());
            file[at] ^= bits;
            // All that is read is under a checksum, or is one.
            prop_assert!(read_bytes(&file).is_err(), "byte {}", at);
        }
    }

    /// A file of one grey row of four pixels, whose pixel data are these chunks.
    fn with_pixel_data(pieces: &[&[u8]]) -> Vec<u8> {
        let header = chunk(b"IHDR", &[0, 0, 0, 4, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
        let pieces = pieces.iter().flat_map(|piece| chunk(b"IDAT", piece)).collect();
        [super::super::SIGNATURE.to_vec(), header, pieces, chunk(b"IEND", &[])].concat()
    }

    #[test]
    fn the_checksum_of_the_pixels_is_verified_wherever_it_lies() {
        let data = zlib(&[0, 1, 2, 3, 4]);
        let (pixels, checksum) = data.split_at(data.len() - 4);
        assert!(read_bytes(&with_pixel_data(&[&data])).is_ok());
        assert!(read_bytes(&with_pixel_data(&[pixels, &checksum[..2], &[], &checksum[2..]])).is_ok());
        assert!(read_bytes(&with_pixel_data(&[pixels, &[0; 4]])).is_err());
        assert!(read_bytes(&with_pixel_data(&[pixels])).is_err());
        assert!(read_bytes(&with_pixel_data(&[&zlib(&[0, 1, 2, 3])])).is_err());
        // More data than pixels: readers ignore it, but do not decompress all of it.
        assert!(read_bytes(&with_pixel_data(&[&zlib(&[0, 1, 2, 3, 4, 5, 6])])).is_ok());
    }

    #[test]
    fn a_file_that_changes_between_probing_and_reading_is_noticed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let write = |last| std::fs::write(file.path(), with_pixel_data(&[&zlib(&[0, 1, 2, 3, last])])).unwrap();
        write(4);
        let header = testing::header(file.path()).unwrap();
        write(5);
        let budget = MemoryBudget::new(1 << 20);
        let mut reader = ArtworkReader::open(file.path(), &header, &budget).unwrap();
        reader.read_row(&mut [Rgba8::TRANSPARENT; 4]).unwrap();
        assert!(reader.finish().unwrap_err().to_string().contains("changed"));
    }

    #[test]
    fn a_header_beyond_the_budget_allocates_nothing() {
        let mut header = chunk(b"IHDR", &[0x7f, 255, 255, 255, 0x7f, 255, 255, 255, 16, 6, 0, 0, 1]);
        header.extend(chunk(b"IDAT", &[]));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [super::super::SIGNATURE.to_vec(), header, chunk(b"IEND", &[])].concat()).unwrap();
        let header = testing::header_within(file.path(), &ArtworkLimits::NONE).unwrap();
        let error = ArtworkReader::open(file.path(), &header, &MemoryBudget::new(1 << 30)).unwrap_err();
        assert!(matches!(error.kind(), crate::ErrorKind::MemoryLimit { .. }), "{error}");
    }
}
