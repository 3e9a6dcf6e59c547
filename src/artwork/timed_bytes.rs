//! A file in memory that cannot be read when the time for an artwork is over, for zune-jpeg, which reads by a trait of its own.

use zune_jpeg::zune_core::bytestream::{ZByteIoError, ZByteReaderTrait, ZCursor, ZSeekFrom};

use super::limits::Deadline;
use super::timed::{Clock, LOOK_BYTES};

/// A file in memory that cannot be read from some time on, as zune-jpeg reads it. That asks whether it is at the end only where it reads
/// byte by byte, as it does when four could not be read (zune-jpeg 0.5.15).
pub(super) struct TimedBytes {
    inner: ZCursor<Vec<u8>>,
    clock: Clock,
}

impl TimedBytes {
    pub(super) fn new(bytes: Vec<u8>, deadline: Deadline) -> Self {
        Self { inner: ZCursor::new(bytes), clock: Clock::new(deadline) }
    }

    #[inline]
    fn check(&mut self, bytes: usize) -> Result<(), ZByteIoError> {
        if self.clock.allows(bytes) { Ok(()) } else { Err(ZByteIoError::Generic("out of time")) }
    }
}

impl ZByteReaderTrait for TimedBytes {
    #[inline]
    fn read_byte_no_error(&mut self) -> u8 {
        if self.clock.allows(1) { self.inner.read_byte_no_error() } else { 0 }
    }

    #[inline]
    fn read_exact_bytes(&mut self, buffer: &mut [u8]) -> Result<(), ZByteIoError> {
        // Two bytes are the length of a segment, as those that begin scans are, each of which may need no more to go over the whole picture.
        self.check(if buffer.len() == 2 { LOOK_BYTES + 1 } else { buffer.len() })?;
        self.inner.read_exact_bytes(buffer)
    }

    #[inline]
    fn read_bytes(&mut self, buffer: &mut [u8]) -> Result<usize, ZByteIoError> {
        self.check(buffer.len())?;
        self.inner.read_bytes(buffer)
    }

    fn peek_bytes(&mut self, buffer: &mut [u8]) -> Result<usize, ZByteIoError> {
        self.check(buffer.len())?;
        self.inner.peek_bytes(buffer)
    }

    fn peek_exact_bytes(&mut self, buffer: &mut [u8]) -> Result<(), ZByteIoError> {
        self.check(buffer.len())?;
        self.inner.peek_exact_bytes(buffer)
    }

    #[inline]
    fn z_seek(&mut self, from: ZSeekFrom) -> Result<u64, ZByteIoError> {
        self.inner.z_seek(from)
    }

    #[inline]
    fn is_eof(&mut self) -> Result<bool, ZByteIoError> {
        self.check(0)?;
        self.inner.is_eof()
    }

    fn z_position(&mut self) -> Result<u64, ZByteIoError> {
        self.inner.z_position()
    }

    fn read_remaining(&mut self, sink: &mut Vec<u8>) -> Result<usize, ZByteIoError> {
        self.check(0)?;
        self.inner.read_remaining(sink)
    }
}
