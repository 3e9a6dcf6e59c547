//! What the targets share: pictures to encode, and a reader of PNG files that trusts nobody.

mod render;

use std::io::{Cursor, Read};
use std::path::Path;

pub use crate::render::{artwork_folder, render_and_prove};
use arbitrary::Arbitrary;
use gangsheet::{BandEncoder, Compression, Dpi, Fragment, PartColor, PartHeader, PixelFormat, PxSize};

/// A picture cut into bands.
#[derive(Arbitrary, Debug)]
pub struct Picture {
    width: u16,
    opaque: bool,
    compression: u8,
    /// Whether a band starts with the row, and how the row comes from the one above.
    rows: Vec<(bool, Row)>,
}

#[derive(Arbitrary, Debug)]
enum Row {
    Same(u8),
    Empty(u8),
    Changed { at: u16, length: u16, to: Bytes },
}

#[derive(Arbitrary, Debug)]
enum Bytes {
    Equal(u8),
    Repeated(Vec<u8>),
    Ramp(u8),
    Noise(u32),
    /// What lies this far before in the row.
    Copied(u16),
}

/// More than this takes too long for a fuzzer; it is a few times deflate's window.
const MOST_BYTES: usize = 120 << 10;

impl Picture {
    /// Width in pixels.
    pub fn width(&self) -> u32 {
        u32::from(self.width % 2500) + 1
    }

    /// The pixels' format.
    pub fn format(&self) -> PixelFormat {
        if self.opaque { PixelFormat::Rgb8 } else { PixelFormat::Rgba8 }
    }

    /// Bytes of a pixel.
    pub fn pixel_bytes(&self) -> usize {
        self.format().bytes_per_pixel()
    }

    fn row_bytes(&self) -> usize {
        self.width() as usize * self.pixel_bytes()
    }

    /// The rows of each band, as far as the picture may grow.
    pub fn bands(&self) -> Vec<Vec<Vec<u8>>> {
        let mut bands: Vec<Vec<Vec<u8>>> = Vec::new();
        let mut left = MOST_BYTES / self.row_bytes();
        let mut row = vec![0; self.row_bytes()];
        for (starts_band, change) in &self.rows {
            let count = match change {
                Row::Same(more) => usize::from(*more) + 1,
                Row::Empty(more) => {
                    row.fill(0);
                    usize::from(*more) + 1
                }
                Row::Changed { at, length, to } => {
                    let start = usize::from(*at) % row.len();
                    let end = (start + usize::from(*length)).min(row.len());
                    to.write(&mut row, start, end);
                    1
                }
            };
            let count = count.min(left);
            left -= count;
            if count > 0 {
                if *starts_band || bands.is_empty() {
                    bands.push(Vec::new());
                }
                bands.last_mut().unwrap().extend(std::iter::repeat_n(row.clone(), count));
            }
        }
        bands
    }

    /// What the part's file says about itself; `None` for a picture without rows.
    pub fn header(&self, bands: &[Vec<Vec<u8>>]) -> Option<PartHeader> {
        let height = u32::try_from(bands.iter().map(Vec::len).sum::<usize>()).ok()?;
        let size = PxSize::new(self.width(), height).ok()?;
        Some(PartHeader { size, dpi: Dpi::new(300).unwrap(), format: self.format(), color: PartColor::default(), digest: [7; 32] })
    }

    /// An encoder for the picture's rows.
    pub fn encoder(&self) -> BandEncoder {
        let compression = [Compression::Fast, Compression::Balanced, Compression::Small][usize::from(self.compression) % 3];
        BandEncoder::new(self.width(), self.format(), compression)
    }

    /// The fragments of all bands, each by its own encoder.
    pub fn fragments(&self, bands: &[Vec<Vec<u8>>]) -> Vec<Fragment> {
        let encode = |band: &Vec<Vec<u8>>| {
            let mut encoder = self.encoder();
            band.iter().for_each(|row| encoder.push_row(row));
            encoder.finish()
        };
        bands.iter().map(encode).collect()
    }
}

impl Bytes {
    fn write(&self, row: &mut [u8], start: usize, end: usize) {
        match self {
            Self::Equal(byte) => row[start..end].fill(*byte),
            Self::Repeated(bytes) => row[start..end].iter_mut().zip(bytes.iter().cycle()).for_each(|(old, new)| *old = *new),
            Self::Ramp(step) => {
                row[start..end].iter_mut().fold(0_u8, |value, old| {
                    *old = value;
                    value.wrapping_add(*step)
                });
            }
            Self::Noise(seed) => {
                row[start..end].iter_mut().fold(seed | 1, |state, old| {
                    *old = state.to_be_bytes()[0];
                    state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223)
                });
            }
            Self::Copied(distance) => (start..end).for_each(|at| row[at] = row[at.saturating_sub(usize::from(*distance))]),
        }
    }
}

/// The pixels of a PNG file, after a check of everything that the file says about itself.
///
/// The checksums are computed here: under a fuzzer the png crate and its inflater leave theirs out.
pub fn decode_checked(file: &[u8], header: &PartHeader) -> Vec<u8> {
    let mut rest = file.strip_prefix(b"\x89PNG\r\n\x1a\n").expect("the signature");
    let mut stream = Vec::new();
    let mut kinds = Vec::new();
    while !rest.is_empty() {
        let (length, behind) = rest.split_at(4);
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let (body, behind) = behind.split_at(4 + length);
        let (crc, behind) = behind.split_at(4);
        assert_eq!(crc, crc32fast::hash(body).to_be_bytes(), "the CRC of a chunk");
        let (kind, data) = body.split_at(4);
        if kind == b"IDAT" {
            stream.extend_from_slice(data);
        }
        kinds.push(kind.to_vec());
        rest = behind;
    }
    assert_eq!((kinds.first().unwrap().as_slice(), kinds.last().unwrap().as_slice()), (&b"IHDR"[..], &b"IEND"[..]));

    let mut filtered = Vec::new();
    let mut inflater = flate2::bufread::ZlibDecoder::new(stream.as_slice());
    inflater.read_to_end(&mut filtered).expect("a whole zlib stream");
    assert!(inflater.into_inner().is_empty(), "something behind the zlib stream");
    assert_eq!(stream.last_chunk().unwrap(), &simd_adler32::adler32(&filtered.as_slice()).to_be_bytes(), "Adler-32");

    let mut reader = png::Decoder::new(Cursor::new(file)).read_info().expect("a PNG");
    assert_eq!((reader.info().width, reader.info().height), (header.size.width(), header.size.height()));
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).expect("whole rows");
    reader.finish().expect("a whole end");
    pixels
}

/// A new folder in memory where there is such a place.
pub fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    tempfile::tempdir_in(place).expect("a temporary folder")
}

/// The same file with every checksum of a PNG put right, so that changes of its other bytes reach the decoder.
pub fn with_right_checksums(file: &[u8]) -> Vec<u8> {
    let mut mended = file.to_vec();
    let mut chunks = Vec::new();
    let mut at = 8;
    while let Some(length) = file.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let Some(end) = at.checked_add(length + 12).filter(|&end| end <= file.len()) else { break };
        chunks.push(at..end);
        at = end;
    }
    let pixels: Vec<usize> =
        chunks.iter().filter(|chunk| file[chunk.start + 4..][..4] == *b"IDAT").flat_map(|chunk| chunk.start + 8..chunk.end - 4).collect();
    let stream: Vec<u8> = pixels.iter().map(|&at| file[at]).collect();
    let mut raw = Vec::new();
    let mut inflater = flate2::bufread::DeflateDecoder::new(stream.get(2..).unwrap_or_default());
    if (&mut inflater).take(1 << 20).read_to_end(&mut raw).is_ok() {
        let adler = simd_adler32::adler32(&raw.as_slice()).to_be_bytes();
        let behind = 2 + usize::try_from(inflater.total_in()).unwrap();
        pixels.iter().skip(behind).zip(adler).for_each(|(&at, byte)| mended[at] = byte);
    }
    for chunk in chunks {
        let crc = crc32fast::hash(&mended[chunk.start + 4..chunk.end - 4]).to_be_bytes();
        mended[chunk.end - 4..chunk.end].copy_from_slice(&crc);
    }
    mended
}
