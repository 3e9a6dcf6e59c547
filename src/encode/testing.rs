//! What the tests of this room share: pixels to encode, and an independent decoder.

use std::io::Cursor;

use png::{DecodeOptions, Decoder};

use super::part::ChunkWriter;
use super::{BandEncoder, Fragment, PartHeader, PixelFormat};
use crate::geom::{Dpi, PxSize};
use crate::job::Compression;

pub(super) const FORMATS: [PixelFormat; 2] = [PixelFormat::Rgba8, PixelFormat::Rgb8];
pub(super) const COMPRESSIONS: [Compression; 3] = [Compression::Fast, Compression::Balanced, Compression::Small];

/// A picture of flat areas, gradients, edges and noise: something for every filter.
pub(super) fn picture(width: u32, height: u32, format: PixelFormat) -> Vec<u8> {
    let mut noise = 0x2545_f491_u32;
    let mut bytes = Vec::new();
    for y in 0..height {
        for x in 0..width {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let pixel = match (x * 6 / width.max(1) + y / 23) % 6 {
                0 => [0, 0, 0, 0],
                1 => [200, 30, 40, 255],
                2 => (x * 3 + y * 7).to_le_bytes(),
                3 => [x.to_le_bytes()[0], y.to_le_bytes()[0], (x + y).to_le_bytes()[0], 255],
                4 => noise.to_be_bytes(),
                _ => [120 + noise.to_be_bytes()[0] / 64, 90, 100 + noise.to_be_bytes()[1] / 32, 255],
            };
            bytes.extend_from_slice(&pixel[..format.bytes_per_pixel()]);
        }
    }
    bytes
}

/// Bytes that no compressor makes smaller.
pub(super) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

pub(super) fn header(width: u32, height: u32, format: PixelFormat) -> PartHeader {
    PartHeader {
        size: PxSize::new(width, height).unwrap(),
        dpi: Dpi::new(300).unwrap(),
        format,
        color: crate::encode::PartColor::Srgb(crate::job::Intent::Relative),
        digest: [0xa5; 32],
    }
}

/// Bytes of an unfiltered row.
pub(super) fn row_bytes(width: u32, format: PixelFormat) -> usize {
    usize::try_from(format.row_bytes(width)).unwrap()
}

/// The fragment of these rows.
pub(super) fn encode(rows: &[u8], width: u32, format: PixelFormat, compression: Compression) -> Fragment {
    let mut encoder = BandEncoder::new(width, format, compression);
    for row in rows.chunks(row_bytes(width, format)) {
        encoder.push_row(row);
    }
    encoder.finish()
}

/// The fragments of a picture that is cut into bands of so many rows.
pub(super) fn encode_bands(picture: &[u8], width: u32, format: PixelFormat, compression: Compression, cuts: &[u32]) -> Vec<Fragment> {
    let row_bytes = row_bytes(width, format);
    let mut rest = picture;
    cuts.iter()
        .map(|&rows| {
            let (band, below) = rest.split_at(rows as usize * row_bytes);
            rest = below;
            encode(band, width, format, compression)
        })
        .collect()
}

/// The whole file of these fragments.
pub(super) fn join(header: &PartHeader, fragments: &[Fragment]) -> Vec<u8> {
    let mut writer = ChunkWriter::start(Cursor::new(Vec::new()), header).unwrap();
    for fragment in fragments {
        writer.append(fragment).unwrap();
    }
    writer.end(header).unwrap();
    writer.sink.into_inner()
}

/// The pixels of a PNG, by the png crate, all of its checks on.
pub(super) fn decode(png: &[u8]) -> Result<Vec<u8>, png::DecodingError> {
    let mut options = DecodeOptions::default();
    options.set_ignore_adler32(false);
    options.set_ignore_crc(false);
    let mut reader = Decoder::new_with_options(Cursor::new(png), options).read_info()?;
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels)?;
    reader.finish()?;
    Ok(pixels)
}

/// The filtered rows of a fragment, by an independent inflater.
pub(super) fn inflate(fragment: &Fragment) -> Vec<u8> {
    let mut raw = Vec::with_capacity(usize::try_from(fragment.raw_bytes()).unwrap() + 1);
    let mut inflate = flate2::Decompress::new(false);
    let status = inflate.decompress_vec(fragment.bytes(), &mut raw, flate2::FlushDecompress::None).unwrap();
    assert_ne!(status, flate2::Status::StreamEnd, "a fragment is never final");
    assert_eq!(inflate.total_in(), fragment.bytes().len() as u64);
    raw
}
