//! JPEG decoded at a half, a quarter or an eighth of its size, for artwork that is printed that small: the inverse transform of each block
//! of 8 × 8 pixels makes 4 × 4, 2 × 2 or 1 of its lowest frequencies.

use std::path::Path;

use jpeg_decoder::{Decoder, PixelFormat};

use crate::error::Result;
use crate::geom::PxSize;

use super::limits::Deadline;
use super::reduction::Reduction;
use super::source::{damaged, damaged_by};
use super::timed::Timed;

/// The longest that a block of one channel can be, in pixels: 8, sampled at a quarter.
const LONGEST_BLOCK: u64 = 32;

/// The most bytes that [`decode`] holds beside the file and the frame that it returns: for each channel its reduced samples, and the
/// coefficients of a row of blocks, twice.
pub(super) fn decoder_bytes(stored: PxSize, reduction: Reduction, channels: u8) -> u64 {
    let padded = |side: u32| u64::from(side).next_multiple_of(LONGEST_BLOCK);
    let by = u64::from(reduction.0);
    let samples = (padded(stored.width()) / by) * (padded(stored.height()) / by);
    let coefficients = padded(stored.width()) * LONGEST_BLOCK * size_of::<i16>() as u64;
    u64::from(channels) * (samples + 2 * coefficients)
}

/// Decodes a `file` of one scan of 1 or 3 `channels`, which ends in its end marker, to `size`.
///
/// # Memory
///
/// [`decoder_bytes`], and the frame that is returned.
pub(super) fn decode(mut file: Vec<u8>, path: &Path, size: PxSize, channels: u8, deadline: &Deadline) -> Result<Vec<u8>> {
    end_in_ones(&mut file);
    let mut decoder = Decoder::new(Timed::new(&file[..], *deadline));
    let side = |side: u32| u16::try_from(side).unwrap_or(u16::MAX);
    decoder.scale(side(size.width()), side(size.height())).map_err(|error| damaged_by(path, error))?;
    let frame = decoder.decode().map_err(|error| damaged_by(path, error))?;
    let is_known = decoder.info().is_some_and(|info| {
        let format = if channels == 1 { PixelFormat::L8 } else { PixelFormat::RGB24 };
        (u32::from(info.width), u32::from(info.height), info.pixel_format) == (size.width(), size.height(), format)
    });
    if is_known { Ok(frame) } else { Err(damaged(path, "its pixels are not of the size that it says: export it again")) }
}

/// Puts ones before the end marker. The decoder fills what is missing of the data with zeros and accepts it (jpeg-decoder 0.3.2); no code
/// consists of ones alone (ITU-T T.81, section C.2), so that these are an error unless the data were complete.
fn end_in_ones(file: &mut Vec<u8>) {
    // Longer than a code and the bits that may follow it, twice; a byte of ones is followed by one of zeros that does not count.
    const ONES: [u8; 18] = [0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0xd9];
    file.truncate(file.len() - 2);
    while file.last() == Some(&0xff) {
        file.pop();
    }
    file.extend(ONES);
}

#[cfg(test)]
mod tests {
    use super::super::{ArtworkHeader, testing};
    use super::*;
    use std::path::PathBuf;

    fn file(name: &str) -> PathBuf {
        testing::data("jpeg").join(name)
    }

    fn header(path: &Path, by: u32) -> Result<ArtworkHeader> {
        let mut header = testing::header(path)?;
        header.reduce_to(header.size.width() / by, header.size.height() / by);
        Ok(header)
    }

    #[test]
    fn a_reduced_picture_shows_what_the_whole_one_does() {
        // Where colours are sampled at a half, an eighth of a small picture has few of them.
        for name in ["rgb444.jpg", "grey.jpg", "restart.jpg"] {
            let whole_header = header(&file(name), 1).unwrap();
            let whole = testing::read_as(&file(name), &whole_header).unwrap();
            let width = whole_header.size.width() as usize;
            for by in [2_u8, 4, 8] {
                let header = header(&file(name), by.into()).unwrap();
                assert!(header.is_reduced() && header.size == whole_header.size);
                let reduced = testing::read_as(&file(name), &header).unwrap();
                let stored = header.stored_size();
                assert_eq!(stored, Reduction(by.into()).of(header.size));
                let mut difference = 0.0;
                for (y, row) in reduced.chunks_exact(stored.width() as usize).enumerate() {
                    for (x, pixel) in row.iter().enumerate() {
                        let by = usize::from(by);
                        let rows = whole.chunks_exact(width).skip(y * by).take(by);
                        let block: Vec<f64> = rows.flat_map(|row| row.iter().skip(x * by).take(by)).map(|pixel| pixel.g.into()).collect();
                        difference += (block.iter().sum::<f64>() / block.len() as f64 - f64::from(pixel.g)).abs();
                    }
                }
                let mean = difference / reduced.len() as f64;
                // The lowest frequencies are not quite the mean of a block.
                assert!(mean < 3.0, "{name} at 1/{by}: {mean}");
            }
        }
    }

    #[test]
    fn a_file_without_all_of_its_data_is_refused() {
        for name in ["rgb420.jpg", "grey.jpg", "restart.jpg"] {
            let bytes = std::fs::read(file(name)).unwrap();
            let data = bytes.windows(2).rposition(|marker| marker == [0xff, 0xda]).unwrap() + 14;
            let cut = tempfile::NamedTempFile::new().unwrap();
            for length in (data..bytes.len() - 3).step_by(5) {
                std::fs::write(cut.path(), [&bytes[..length], &[0xff, 0xd9]].concat()).unwrap();
                let read = header(cut.path(), 4).and_then(|header| testing::read_as(cut.path(), &header));
                assert!(read.is_err(), "{name}: {length} of {} bytes", bytes.len());
            }
        }
    }
}
