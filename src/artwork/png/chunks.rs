//! The chunks of a PNG file (PNG specification, section 5.3) and the pixel data that they hold.

use crc32fast::Hasher as Crc;
use flate2::{Decompress, FlushDecompress, Status};
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};

use super::super::source::Source;
use super::{Ihdr, SIGNATURE};

/// A walk over the chunks of a file.
///
/// The checksum of a chunk is verified where its bytes are read, and not where they are skipped.
#[derive(Debug)]
pub(super) struct Chunks {
    source: Source,
    digest: Sha256,
    kind: [u8; 4],
    remaining_bytes: u32,
    crc: Crc,
}

impl Chunks {
    /// A chunk is at most 2³¹ − 1 bytes long.
    const MAX_BYTES: u32 = (1 << 31) - 1;

    /// Begins after the signature.
    pub(super) fn start(mut source: Source) -> Result<Self> {
        if source.read_array()? != SIGNATURE {
            return Err(source.changed());
        }
        let digest = Sha256::new().chain_update(source.length_bytes().to_be_bytes());
        Ok(Self { source, digest, kind: [0; 4], remaining_bytes: 0, crc: Crc::new() })
    }

    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    /// What tells contents apart, after the last chunk: the file's length and all chunks' types, lengths and checksums. Where those may be
    /// wrong, it is the bytes themselves.
    pub(super) fn fingerprint(mut self) -> Result<[u8; 32]> {
        if self.source.is_lenient() { self.source.digest() } else { Ok(self.digest.finalize().into()) }
    }

    /// The first chunk.
    pub(super) fn read_header(&mut self) -> Result<Ihdr> {
        if self.next()? != (*b"IHDR", 13) {
            return Err(self.source.damaged("it does not begin with an image header: export it again"));
        }
        let mut bytes = [0; 13];
        self.read(&mut bytes)?;
        Ihdr::parse(&bytes, &self.source)
    }

    /// The type and length of the next chunk, once the last one has been read or skipped.
    pub(super) fn next(&mut self) -> Result<([u8; 4], u32)> {
        debug_assert_eq!(self.remaining_bytes, 0);
        let [a, b, c, d, kind @ ..] = self.source.read_array::<8>()?;
        let length = u32::from_be_bytes([a, b, c, d]);
        if length > Self::MAX_BYTES || !kind.iter().all(u8::is_ascii_alphabetic) {
            let at = self.source.position() - 8;
            return Err(self.source.damaged(format!("it is damaged from byte {at}: upload it again")));
        }
        (self.kind, self.remaining_bytes, self.crc) = (kind, length, Crc::new());
        self.crc.update(&kind);
        self.digest.update(kind);
        self.digest.update(length.to_be_bytes());
        Ok((kind, length))
    }

    /// Reads the whole of a chunk, whose length is that of `buffer`.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<()> {
        debug_assert_eq!(self.remaining_bytes as usize, buffer.len());
        self.source.read_exact(buffer)?;
        self.crc.update(buffer);
        self.remaining_bytes = 0;
        self.end()
    }

    /// The whole of a chunk, which must be known to be short.
    pub(super) fn read_vec(&mut self) -> Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(self.remaining_bytes).unwrap_or(usize::MAX)];
        self.read(&mut bytes)?;
        Ok(bytes)
    }

    /// Skips what is left of a chunk.
    pub(super) fn skip(&mut self) -> Result<()> {
        if self.remaining_bytes == 0 {
            return self.end();
        }
        self.source.skip(self.remaining_bytes.into())?;
        self.remaining_bytes = 0;
        let crc: [u8; 4] = self.source.read_array()?;
        self.digest.update(crc);
        Ok(())
    }

    /// Verifies the checksum of a chunk all of which has been read.
    fn end(&mut self) -> Result<()> {
        let crc = self.source.read_array()?;
        self.digest.update(crc);
        if self.crc.clone().finalize() == u32::from_be_bytes(crc) || self.source.is_lenient() {
            return Ok(());
        }
        let (kind, at) = (self.kind.escape_ascii(), self.source.position() - 4);
        Err(self.source.damaged(format!("it is damaged: the checksum of its {kind} chunk, at byte {at}, is wrong; upload it again")))
    }

    /// Some of the bytes of a chunk; empty at its end.
    fn data(&mut self) -> Result<&[u8]> {
        let remaining = usize::try_from(self.remaining_bytes).unwrap_or(usize::MAX);
        if remaining == 0 {
            return Ok(&[]);
        }
        if self.source.fill()?.is_empty() {
            return Err(self.source.truncated());
        }
        let data = self.source.fill()?;
        Ok(&data[..data.len().min(remaining)])
    }

    /// Takes `count` bytes of what [`data`](Self::data) has shown.
    fn consume(&mut self, count: usize) -> Result<()> {
        let data = self.source.fill()?;
        self.crc.update(&data[..count]);
        self.source.consume(count);
        // No more than `remaining_bytes` were shown.
        self.remaining_bytes -= u32::try_from(count).unwrap_or(self.remaining_bytes);
        Ok(())
    }
}

/// The decompressed pixel data of a file: filtered rows (section 10).
#[derive(Debug)]
pub(super) struct PixelData {
    chunks: Chunks,
    inflate: Decompress,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In an IDAT chunk.
    Reading,
    /// In the chunk after the last IDAT chunk.
    AllRead,
    /// The compressed data has ended, with the right checksum.
    Complete,
}

impl PixelData {
    /// Begins in the first IDAT chunk, whose head `chunks` has read.
    pub(super) fn start(chunks: Chunks) -> Self {
        Self { chunks, inflate: Decompress::new(true), state: State::Reading }
    }

    pub(super) fn source(&self) -> &Source {
        self.chunks.source()
    }

    /// Fills `out` as far as there is data and returns the number of bytes.
    pub(super) fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < out.len() && self.state != State::Complete {
            match self.read_some(&mut out[filled..]) {
                Ok(Some(produced)) => filled += produced,
                // What comes before the damage is wanted first.
                Err(_) if filled > 0 && self.source().is_lenient() => break,
                Err(error) => return Err(error),
                Ok(None) => break,
            }
        }
        Ok(filled)
    }

    /// One step of [`read`](Self::read); `None` where there are no more data.
    fn read_some(&mut self, out: &mut [u8]) -> Result<Option<usize>> {
        if self.state == State::Reading && self.chunks.remaining_bytes == 0 {
            self.chunks.end()?;
            if self.chunks.next()?.0 != *b"IDAT" {
                self.state = State::AllRead;
            }
            return Ok(Some(0));
        }
        let input = if self.state == State::Reading { self.chunks.data()? } else { &[] };
        let (input_before, output_before) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self.inflate.decompress(input, out, FlushDecompress::None);
        let status = status.map_err(|error| self.corrupt(error))?;
        // Both are at most the lengths of the slices.
        let consumed = usize::try_from(self.inflate.total_in() - input_before).unwrap_or_default();
        let produced = usize::try_from(self.inflate.total_out() - output_before).unwrap_or_default();
        self.chunks.consume(consumed)?;
        if status == Status::StreamEnd {
            self.state = State::Complete;
        } else if consumed == 0 && produced == 0 {
            return Ok(None);
        }
        Ok(Some(produced))
    }

    /// Reads what follows the rows, up to the end of the file.
    ///
    /// # Errors
    ///
    /// Where the compressed data does not end with the right checksum, or the content is not the one of `fingerprint`. Data beyond the
    /// last row is ignored, as by all readers: some programs pad it.
    pub(super) fn finish(mut self, fingerprint: &[u8; 32]) -> Result<()> {
        let beyond = self.read(&mut [0; 1])?;
        if beyond == 0 && self.state != State::Complete {
            return Err(self.incomplete());
        }
        loop {
            let last = self.chunks.kind == *b"IEND";
            self.chunks.skip()?;
            if last {
                break;
            }
            self.chunks.next()?;
        }
        let changed = self.chunks.source.changed();
        if self.chunks.fingerprint()? == *fingerprint { Ok(()) } else { Err(changed) }
    }

    fn corrupt(&self, error: flate2::DecompressError) -> Error {
        let mut damaged = self.source().damaged("its pixels are damaged: upload it again").into_kind();
        if let ErrorKind::Artwork { source, .. } = &mut damaged {
            *source = Some(Box::new(error));
        }
        damaged.into()
    }

    /// The error for compressed data that ends too early.
    pub(super) fn incomplete(&self) -> Error {
        self.source().damaged("its pixels are incomplete: upload it again")
    }
}
