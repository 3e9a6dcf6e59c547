//! Readers that fail when the time for an artwork is over. Decoders that make a whole picture in one call can be interrupted only where they
//! read on.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use super::limits::Deadline;

/// Bytes after which the clock is looked at. Where pictures take the least of them, a run of blocks or pixels that are alike, so many still
/// stand for a fraction of a second.
pub(super) const LOOK_BYTES: usize = 1 << 10;

/// Looks at the clock now and then.
#[derive(Debug)]
pub(super) struct Clock {
    deadline: Deadline,
    /// Bytes until it is looked at.
    bytes_left: usize,
    is_over: bool,
}

impl Clock {
    pub(super) fn new(deadline: Deadline) -> Self {
        Self { deadline, bytes_left: LOOK_BYTES, is_over: false }
    }

    /// Counts `bytes` that are read; says whether they may be.
    #[inline]
    pub(super) fn allows(&mut self, bytes: usize) -> bool {
        match self.bytes_left.checked_sub(bytes) {
            Some(left) => self.bytes_left = left,
            None => self.look(),
        }
        !self.is_over
    }

    #[cold]
    fn look(&mut self) {
        self.bytes_left = LOOK_BYTES;
        self.is_over |= self.deadline.is_over();
    }
}

/// A reader that fails from some time on.
#[derive(Debug)]
pub(super) struct Timed<R> {
    inner: R,
    clock: Clock,
}

impl<R> Timed<R> {
    pub(super) fn new(inner: R, deadline: Deadline) -> Self {
        Self { inner, clock: Clock::new(deadline) }
    }

    fn check(&mut self, bytes: usize) -> io::Result<()> {
        if self.clock.allows(bytes) { Ok(()) } else { Err(io::ErrorKind::TimedOut.into()) }
    }
}

impl<R: Read> Read for Timed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.check(buffer.len())?;
        self.inner.read(buffer)
    }
}

impl<R: BufRead> BufRead for Timed<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.check(0)?;
        self.inner.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.clock.allows(bytes);
        self.inner.consume(bytes);
    }
}

impl<R: Seek> Seek for Timed<R> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.inner.seek(position)
    }

    fn seek_relative(&mut self, offset: i64) -> io::Result<()> {
        self.inner.seek_relative(offset)
    }

    fn stream_position(&mut self) -> io::Result<u64> {
        self.inner.stream_position()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::time::Duration;

    use super::super::limits::ArtworkLimits;
    use super::super::png::PngReader;
    use super::super::testing::data;
    use super::super::timed_bytes::TimedBytes;
    use super::super::{jpeg, testing, tiff, webp};
    use super::*;
    use crate::budget::MemoryBudget;
    use crate::error::Result;
    use crate::geom::PxSize;
    use crate::pixel::Rgba8;
    use zune_jpeg::zune_core::bytestream::ZByteReaderTrait;

    /// The time for an artwork, which is over or never will be.
    fn deadline(over: bool) -> Deadline {
        let none = ArtworkLimits { decode_time: Duration::ZERO, decode_time_per_megapixel: Duration::ZERO, ..ArtworkLimits::NONE };
        if over { none } else { ArtworkLimits::NONE }.deadline(PxSize::new(1, 1).unwrap())
    }

    #[test]
    fn what_is_read_after_the_time_is_over_fails_and_until_then_is_passed_on() {
        let bytes: Vec<u8> = (0..3 * LOOK_BYTES).map(|at| at.to_le_bytes()[0]).collect();
        let mut read = Vec::new();
        Timed::new(&bytes[..], deadline(false)).read_to_end(&mut read).unwrap();
        assert!(read == bytes && Timed::new(Cursor::new(&bytes), deadline(false)).seek(SeekFrom::End(0)).unwrap() == bytes.len() as u64);
        for mut step in [1, 7, 4096, bytes.len()].map(|step| vec![0; step]) {
            let mut timed = Timed::new(&bytes[..], deadline(true));
            let read = std::iter::from_fn(|| timed.read(&mut step).ok()).sum::<usize>();
            assert!(read <= LOOK_BYTES, "{read} bytes in steps of {}", step.len());
        }
        let mut timed = TimedBytes::new(bytes, deadline(true));
        let read = std::iter::from_fn(|| timed.read_exact_bytes(&mut [0; 4]).ok()).count();
        assert!(read * 4 <= LOOK_BYTES && timed.is_eof().is_err());
    }

    /// Opens a file, or reads its first row where opening is not all; the sizes of JPEG files are divided.
    fn decode(name: &str, divided_by: u32, deadline: &Deadline) -> Result<()> {
        let (path, budget) = (data(name), MemoryBudget::new(1 << 30));
        let mut header = testing::header(&path)?;
        header.reduce_to(header.size.width() / divided_by, header.size.height() / divided_by);
        match name.rsplit_once('.') {
            Some((_, "jpg")) => jpeg::Reader::open(&path, &header, &budget, deadline).map(drop),
            Some((_, "webp")) => webp::Reader::open(&path, &header, &budget, deadline).map(drop),
            Some((_, "png")) => PngReader::open(&path, &header, &budget, deadline).map(drop),
            _ => {
                let mut row = vec![Rgba8::TRANSPARENT; header.size.width() as usize];
                tiff::Reader::open(&path, &header, &budget, deadline)?.read_row(&mut row, deadline)
            }
        }
    }

    #[test]
    fn decoders_of_whole_pictures_are_interrupted() {
        for (name, divided_by) in [
            ("large/progressive.jpg", 1),
            ("jpeg/rgb444.jpg", 4),
            ("large/lossless.webp", 1),
            ("large/jpeg_tiles.tif", 1),
            ("tiff/planes_tiles.tif", 1),
            ("pngsuite/basi6a08.png", 1),
        ] {
            decode(name, divided_by, &deadline(false)).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(decode(name, divided_by, &deadline(true)).is_err(), "{name}");
        }
    }
}
