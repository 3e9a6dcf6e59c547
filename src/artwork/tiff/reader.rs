//! The rows of a TIFF file.

use std::path::Path;

use crate::budget::{MemoryBudget, Reservation};
use crate::error::Result;

use super::super::color::Way;
use super::super::depth::Pixel;
use super::super::header::ArtworkHeader;
use super::super::jpeg;
use super::super::limits::Deadline;
use super::super::source::Source;
use super::chunk::Chunk;
use super::samples::Samples;
use super::{Compression, Image};

/// Bytes of the file that are read at once.
const INPUT_BYTES: usize = 32 << 10;

/// The input buffer and the state of a decompressor.
const CONSTANT_BYTES: u64 = (INPUT_BYTES + (96 << 10)) as u64;

/// What reading holds apart from a constant: a row of a chunk; the rows that chunks make together, where they do not follow one another;
/// and what decompresses whole chunks.
pub(super) fn decoder_bytes(image: &Image) -> u64 {
    let row = image.chunk_row_bytes().map_or(u64::MAX, |bytes| bytes as u64);
    let joined = if image.needs_joining() { image.row_bytes().saturating_mul(image.rows_per_chunk().into()) } else { 0 };
    let whole = match image.compression {
        Compression::None | Compression::PackBits | Compression::Lzw | Compression::Deflate => 0,
        // A code of one bit can be a change of colour, of 4 bytes, which are held for two lines in vectors that may have twice the room.
        Compression::Fax => image.largest_chunk_bytes.saturating_mul(1 + 8 * 4 * 2 * 2),
        Compression::Jpeg => jpeg::embedded_bytes(image.chunk, image.samples, image.largest_chunk_bytes),
    };
    row.saturating_add(joined).saturating_add(whole)
}

/// The most bytes that reading a file with this `header` holds.
pub(in super::super) fn memory_bytes(header: &ArtworkHeader) -> u64 {
    header.decoder_bytes.saturating_add(CONSTANT_BYTES)
}

/// Reads the rows of a TIFF file, strip by strip; those of tiles, and of planes, are put together first.
///
/// # Memory
///
/// [`memory_bytes`].
#[derive(Debug)]
pub(in super::super) struct Reader {
    source: Source,
    image: Image,
    samples: Samples,
    /// The strip that is being read.
    chunk: Option<Chunk>,
    /// A row of a chunk.
    row: Vec<u8>,
    /// The rows that a row of chunks makes, where they are put together.
    joined: Vec<u8>,
    next_row: u32,
    _reservation: Reservation,
}

impl Reader {
    pub(in super::super) fn open(path: &Path, header: &ArtworkHeader, budget: &MemoryBudget, _: &Deadline) -> Result<Self> {
        let reservation = budget.reserve(memory_bytes(header), format_args!("the decoder of {}", path.display()))?;
        let mut source = Source::open(path, INPUT_BYTES)?.lenient(header.damage.is_some());
        if source.digest()? != header.fingerprint {
            return Err(source.changed());
        }
        let (image, ..) = Image::read(&mut source)?;
        let palette = read_palette(&mut source, &image)?;
        let joined = if image.needs_joining() { image.row_bytes().saturating_mul(image.rows_per_chunk().into()) } else { 0 };
        Ok(Self {
            samples: Samples::new(&image, &palette, header.color.change.way == Way::Inks),
            chunk: None,
            row: vec![0; image.chunk_row_bytes().unwrap_or(usize::MAX)],
            joined: vec![0; usize::try_from(joined).unwrap_or(usize::MAX)],
            next_row: 0,
            source,
            image,
            _reservation: reservation,
        })
    }

    pub(in super::super) fn read_row<P: Pixel>(&mut self, out: &mut [P], deadline: &Deadline) -> Result<()> {
        let in_chunk = self.next_row % self.image.chunk.height();
        let rows = self.image.chunk.height().min(self.image.size.height() - (self.next_row - in_chunk));
        let index = u64::from(self.next_row / self.image.chunk.height());
        if self.image.needs_joining() {
            if in_chunk == 0 {
                self.join(index, rows, deadline)?;
            }
            let row_bytes = usize::try_from(self.image.row_bytes()).unwrap_or(usize::MAX);
            let start = in_chunk as usize * row_bytes;
            self.samples.convert(&self.joined[start..start + row_bytes], out);
        } else {
            let mut chunk = match self.chunk.take() {
                Some(chunk) if in_chunk > 0 => chunk,
                _ => Chunk::open(&mut self.source, &self.image, index, rows, deadline)?,
            };
            chunk.read(&mut self.source, &mut self.row)?;
            undo_prediction(&self.image, &mut self.row);
            self.samples.convert(&self.row, out);
            if in_chunk + 1 < rows {
                self.chunk = Some(chunk);
            } else {
                chunk.finish(&mut self.source)?;
            }
        }
        self.next_row += 1;
        Ok(())
    }

    /// Puts together the chunks of one row of them, all of whose planes have so many `rows`.
    fn join(&mut self, row_of_chunks: u64, rows: u32, deadline: &Deadline) -> Result<()> {
        let (across, down) = (self.image.chunks_across(), self.image.chunks_down());
        let places = (0..self.image.planes()).flat_map(|plane| (0..across).map(move |column| (plane, column)));
        for (plane, column) in places {
            deadline.check(self.source.path())?;
            let index = (plane * down + row_of_chunks) * across + column;
            let mut chunk = Chunk::open(&mut self.source, &self.image, index, rows, deadline)?;
            for y in 0..rows as usize {
                chunk.read(&mut self.source, &mut self.row)?;
                undo_prediction(&self.image, &mut self.row);
                self.place(plane, column, y);
            }
            chunk.finish(&mut self.source)?;
        }
        Ok(())
    }

    /// Copies a chunk's row to its place.
    fn place(&mut self, plane: u64, column: u64, y: usize) {
        // All of them lie inside `joined`, which has been allocated.
        let index = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let row_bytes = index(self.image.row_bytes());
        let line = &mut self.joined[y * row_bytes..(y + 1) * row_bytes];
        if !self.image.planar {
            let start = index(column) * self.row.len();
            let end = row_bytes.min(start + self.row.len());
            line[start..end].copy_from_slice(&self.row[..end - start]);
            return;
        }
        let sample_bytes = usize::from(self.image.bits / 8);
        let pixel_bytes = usize::from(self.image.samples) * sample_bytes;
        let first = index(column) * self.image.chunk.width() as usize;
        let pixels = line.chunks_exact_mut(pixel_bytes).skip(first);
        for (pixel, sample) in pixels.zip(self.row.chunks_exact(sample_bytes)) {
            pixel[index(plane) * sample_bytes..][..sample_bytes].copy_from_slice(sample);
        }
    }
}

/// The palette as three bytes a colour.
fn read_palette(source: &mut Source, image: &Image) -> Result<Vec<u8>> {
    let Some(values) = image.palette else { return Ok(Vec::new()) };
    let colors = 1_usize << image.bits;
    let mut channels = vec![0; 3 * colors];
    values.read(source, 0, &mut channels)?;
    // Old programs write 8 bits instead of 16.
    let narrow = channels.iter().all(|&value| value < 256);
    let byte = |nth: usize| {
        // Not rounded: some programs write 256 times the value, others 257 times.
        let value = if narrow { channels[nth] } else { channels[nth] >> 8 };
        value.to_le_bytes()[0]
    };
    Ok((0..colors).flat_map(|color| [0, 1, 2].map(|channel| byte(channel * colors + color))).collect())
}

/// Makes samples of the differences from those to their left (TIFF 6.0, section 14).
fn undo_prediction(image: &Image, row: &mut [u8]) {
    if !image.predicted {
        return;
    }
    let samples = usize::from(image.samples_per_chunk_pixel());
    if image.bits == 8 {
        for at in samples..row.len() {
            row[at] = row[at].wrapping_add(row[at - samples]);
        }
        return;
    }
    let (values, _) = row.as_chunks_mut::<2>();
    for at in samples..values.len() {
        let [left, here] = [values[at - samples], values[at]];
        values[at] = if image.form.big_endian {
            u16::from_be_bytes(left).wrapping_add(u16::from_be_bytes(here)).to_be_bytes()
        } else {
            u16::from_le_bytes(left).wrapping_add(u16::from_le_bytes(here)).to_le_bytes()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{self, data, difference, read, read_bytes};
    use super::super::super::{ArtworkReader, Orientation};
    use super::*;
    use crate::error::ErrorKind;
    use crate::geom::Turn;

    fn file(name: &str) -> std::path::PathBuf {
        data("tiff").join(name)
    }

    fn bytes_of(name: &str) -> Vec<u8> {
        std::fs::read(file(name)).unwrap()
    }

    fn header(name: &str) -> ArtworkHeader {
        testing::header(&file(name)).unwrap()
    }

    /// Kinds of file with the picture that they show, and the largest difference from it.
    const KINDS: [(&str, &str, u8); 18] = [
        ("rgb8.tif", "jpeg/expected.png", 0),
        ("lzw.tif", "jpeg/expected.png", 0),
        ("big.tif", "jpeg/expected.png", 0),
        ("pages.tif", "jpeg/expected.png", 0),
        ("planes_tiles.tif", "jpeg/expected.png", 0),
        ("extra.tif", "jpeg/expected.png", 0),
        ("cmyk.tif", "jpeg/expected.png", 0),
        ("rgb16be.tif", "jpeg/expected.png", 1),
        ("rgb16_zip.tif", "jpeg/expected.png", 1),
        ("jpeg.tif", "jpeg/expected.png", 130),
        ("jpeg_rgb_tiles.tif", "jpeg/expected.png", 24),
        ("packbits.tif", "tiff/alpha.png", 0),
        ("tiles.tif", "tiff/alpha.png", 0),
        ("planes.tif", "tiff/alpha.png", 0),
        ("white_is_zero.tif", "tiff/grey.png", 0),
        ("palette.tif", "tiff/palette.png", 0),
        ("fax.tif", "tiff/bw.png", 0),
        ("fax_reversed.tif", "tiff/bw.png", 0),
    ];

    #[test]
    fn every_kind_shows_its_picture() {
        for (name, picture, most) in KINDS {
            let found = difference(&read(&file(name)).unwrap(), &read(&data(picture)).unwrap());
            assert!(found <= most, "{name}: {found}");
        }
    }

    #[test]
    fn premultiplied_colours_are_made_straight_before_they_are_rounded() {
        let (found, expected) = (read(&file("premultiplied16.tif")).unwrap(), read(&file("alpha.png")).unwrap());
        for (found, expected) in found.iter().zip(&expected) {
            // A rounded colour of 16 bits is known within 128 ÷ alpha of 8.
            let near = |a: u8, b: u8| a.abs_diff(b) <= 1;
            assert!(found.a == expected.a && near(found.r, expected.r) && near(found.g, expected.g) && near(found.b, expected.b));
        }
    }

    #[test]
    fn what_the_directory_says_beside_the_pixels() {
        let upright = header("rgb8.tif");
        assert_eq!((upright.dpi, upright.frames, upright.may_be_transparent), (Some((300.0, 150.0)), 1, false));
        assert_eq!(header("pages.tif").frames, 3);
        assert!(header("tiles.tif").may_be_transparent && !header("extra.tif").may_be_transparent);
        let turned = header("orientation6.tif");
        assert_eq!(turned.orientation, Orientation { mirror: false, turn: Turn::Cw90 });
        assert_eq!((turned.size, turned.stored_size().width()), (upright.size, upright.size.height()));
    }

    #[test]
    fn strips_are_read_row_by_row_and_tiles_are_charged() {
        let row = 37 * 3;
        assert_eq!(header("rgb8.tif").decoder_bytes, row);
        assert_eq!(header("lzw.tif").decoder_bytes, row);
        // A tile's row, and 16 rows of the picture.
        assert_eq!(header("tiles.tif").decoder_bytes, 16 * 4 + 16 * 37 * 4);
    }

    #[test]
    fn a_file_that_ends_anywhere_too_early_is_refused() {
        for (name, ..) in KINDS {
            let bytes = bytes_of(name);
            // Some end with their directory, whose last bytes say that no other one follows.
            for length in (0..bytes.len()).rev().step_by(11) {
                assert!(read_bytes(&bytes[..length]).is_err(), "{name}: {length} of {} bytes", bytes.len());
            }
        }
    }

    #[test]
    fn a_damaged_file_is_refused_or_read_but_never_more() {
        for (name, ..) in KINDS {
            let whole = bytes_of(name);
            for at in (4..whole.len()).step_by(5) {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << (at % 8);
                let _ = read_bytes(&bytes);
            }
        }
    }

    #[test]
    fn the_checksum_of_deflated_pixels_is_verified() {
        let mut bytes = bytes_of("big.tif");
        let end = bytes.windows(2).rposition(|pair| pair == [0, 0]).unwrap();
        let read_with = |bytes: &[u8]| read_bytes(bytes).map_err(|error| error.to_string());
        assert!(read_with(&bytes).is_ok() && end > 0);
        // Its only strip begins behind the header of 16 bytes and ends with the checksum.
        let header = testing::header(&file("big.tif")).unwrap();
        assert_eq!(header.frames, 1);
        let strip = 16 + deflated_bytes(&bytes[16..]);
        bytes[strip - 1] ^= 1;
        assert!(read_with(&bytes).unwrap_err().contains("damaged"));
    }

    /// Length of the zlib stream that `bytes` begin with.
    fn deflated_bytes(bytes: &[u8]) -> usize {
        let mut inflate = flate2::Decompress::new(true);
        let mut out = vec![0; 1 << 16];
        inflate.decompress(bytes, &mut out, flate2::FlushDecompress::Finish).unwrap();
        usize::try_from(inflate.total_in()).unwrap()
    }

    #[test]
    fn directories_that_lead_back_to_themselves_are_a_limit() {
        let mut bytes = bytes_of("rgb8.tif");
        let entries = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        let next = 8 + 2 + 12 * entries;
        bytes[next..next + 4].copy_from_slice(&8_u32.to_le_bytes());
        let error = read_bytes(&bytes).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::ArtworkLimit { .. }), "{error}");
    }

    #[test]
    fn sizes_beyond_the_budget_allocate_nothing() {
        let mut bytes = bytes_of("tiles.tif");
        let at = usize::try_from(u32::from_le_bytes(bytes[4..8].try_into().unwrap())).unwrap() + 2;
        for entry in bytes[at..].chunks_exact_mut(12) {
            if matches!(u16::from_le_bytes([entry[0], entry[1]]), 322 | 323) {
                entry[2..4].copy_from_slice(&4_u16.to_le_bytes());
                entry[8..12].copy_from_slice(&(1_u32 << 30).to_le_bytes());
            }
        }
        let path = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(path.path(), bytes).unwrap();
        let header = testing::header(path.path()).unwrap();
        let error = ArtworkReader::open(path.path(), &header, &MemoryBudget::new(1 << 30)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::MemoryLimit { .. }), "{error}");
    }
}
